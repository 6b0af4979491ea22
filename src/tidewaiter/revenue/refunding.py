"""The legs that give back what was charged: the entry turned round, never more of it than stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tidewaiter.model.outcome import Posting

Place = tuple[str, int | None, str, str]
"""What a charge stands under: its `type:code`, goods item, the account that owes it, the currency."""


class TooMuch(ValueError):
    """More of this charge is asked back than stands of it."""

    def __init__(self, charge: str) -> None:
        super().__init__(charge)
        self.charge = charge


def standing(legs: Iterable[Posting]) -> dict[Place, int]:
    """What stands of each charge, in millionths of its currency: charged less given back. In the order of charging."""
    found: dict[Place, int] = {}
    for leg in legs:
        if leg.account.startswith("receivable:"):
            place = (leg.charge, leg.item, leg.account, leg.currency)
            found[place] = found.get(place, 0) + leg.debit_micro - leg.credit_micro
    return found


def charged(legs: Iterable[Posting]) -> dict[str, int]:
    """What stands of each `type:code` in all, in millionths; those of which nothing stands are left out."""
    found: dict[str, int] = {}
    for (charge, *_), amount in standing(legs).items():
        found[charge] = found.get(charge, 0) + amount
    return {charge: amount for charge, amount in found.items() if amount}


def given_back(legs: Iterable[Posting]) -> int:
    """What was given back in all, in millionths."""
    return sum(leg.debit_micro for leg in legs if leg.account.startswith("revenue:"))


def refund(legs: Iterable[Posting], wanted: Mapping[str, int]) -> list[Posting]:
    """The legs that give back these amounts, in millionths by `type:code`: income is debited, who owes is credited.

    What is charged on several goods items is given back in their order. Raises TooMuch, also for what is not above
    nought.
    """
    stands = standing(legs)
    made: list[Posting] = []
    for charge, amount in wanted.items():
        left = amount
        if amount <= 0:
            raise TooMuch(charge)
        for (of, item, account, currency), here in stands.items():
            part = min(left, here) if of == charge else 0
            if part > 0:
                left -= part
                made += [
                    Posting(
                        item=item,
                        account=name,
                        debit_micro=debit,
                        credit_micro=part - debit,
                        currency=currency,
                        charge=charge,
                    )
                    for name, debit in ((f"revenue:{charge}", part), (account, 0))
                ]
        if left:
            raise TooMuch(charge)
    return made

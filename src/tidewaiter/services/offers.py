"""Offers: one consignment under each way of collecting that law has for it, and why not under the others.

The way of collecting is no field that somebody sets. The consignment is assessed as stated and as it could be declared
otherwise without saying anything else of the goods or the parties: with the number of an import scheme or without, with
the additional procedures that regimes there name or without. What comes out differently is an offer, and who collects
what is due in it says which way of collecting it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple, get_args

from msgspec import structs

from tidewaiter.assessment import Prospect
from tidewaiter.assessment.conditions import LIMITS, claim, in_words, names
from tidewaiter.law.rules import Regime
from tidewaiter.model.consignment import Consignment, FiscalReference, GoodsItem
from tidewaiter.model.money import from_micro, to_micro
from tidewaiter.model.outcome import Charge
from tidewaiter.model.quote import Collected, Model, NotOffered, Offer, RegimeThere
from tidewaiter.model.receipt import Receipt

MODELS: tuple[Model, ...] = get_args(Model)
COLLECTS: dict[str, Model] = {
    "seller": "vendor", "marketplace": "vendor", "carrier": "intermediary", "post": "intermediary",
    "declarant": "buyer", "importer": "buyer",
}  # fmt: skip
"""Whom each collector stands for. The declarant declares for the buyer, who owes what is due."""

BEARS_OUT = {"C08": "gift", "F01": "return"}
"""Claims that say something of the goods: proposed only where the contents are declared as that."""
NUMBER_TO_COME = "-"
"""Stands for the number of a scheme that the seller has yet to register in."""


class Variant(NamedTuple):
    """The consignment as it could be declared, and what is to be declared otherwise than was stated."""

    consignment: Consignment
    change: tuple[str, ...] = ()


class Reckoned(NamedTuple):
    """A variant with what came of it."""

    variant: Variant
    receipt: Receipt
    prospect: Prospect

    @property
    def regime(self) -> Regime | None:
        """The regime it falls under."""
        return next((regime for regime, _ in self.prospect.regimes if regime.id == self.receipt.regime), None)


def variants(stated: Consignment, regimes: Sequence[Regime]) -> list[Variant]:
    """The consignment as stated, and as it could be declared under these regimes; those with fewer changes first."""
    schemes = sorted({one.when.scheme for one in regimes} - {"", "none"})
    claims = sorted({code for one in regimes for code in one.when.additional_procedure})
    found = [
        Variant(procedures.consignment, scheme.change + procedures.change)
        for scheme in _by_scheme(stated, schemes)
        for procedures in _by_claim(scheme.consignment, claims)
    ]
    return sorted(found, key=lambda one: len(one.change))


def _by_scheme(stated: Consignment, schemes: Sequence[str]) -> Iterator[Variant]:
    yield Variant(stated)
    given = {one.role for one in _references(stated)}
    for role in schemes:
        if role not in given:
            other = structs.replace(
                stated, fiscal_references=(*stated.fiscal_references, FiscalReference(role=role, id=NUMBER_TO_COME))
            )
            yield Variant(other, (f"give the number of the seller's registration in the import scheme ({role})",))
    if withdrawn := sorted(given & set(schemes)):
        without = structs.replace(
            stated,
            fiscal_references=_but(stated.fiscal_references, withdrawn),
            items=tuple(
                structs.replace(item, fiscal_references=_but(item.fiscal_references, withdrawn))
                for item in stated.items
            ),
        )
        yield Variant(without, (f"give no number of an import scheme ({', '.join(withdrawn)})",))


def _references(stated: Consignment) -> Iterator[FiscalReference]:
    yield from stated.fiscal_references
    for item in stated.items:
        yield from item.fiscal_references


def _but(references: tuple[FiscalReference, ...], roles: Sequence[str]) -> tuple[FiscalReference, ...]:
    return tuple(one for one in references if one.role not in roles)


def _by_claim(stated: Consignment, claims: Sequence[str]) -> Iterator[Variant]:
    yield Variant(stated)
    made = {code for item in stated.items for code in item.additional_procedures}
    for code in claims:
        is_new = any(code not in item.additional_procedures for item in stated.items)
        if is_new and _may_claim(stated, code):
            yield Variant(_claiming(stated, claims, code), (f"claim {claim(code)}",))
    if withdrawn := sorted(made & set(claims)):
        told = " and ".join(claim(code) for code in withdrawn)
        yield Variant(_claiming(stated, claims), (f"do not claim {told}",))


def _may_claim(stated: Consignment, code: str) -> bool:
    """Whether what is stated bears the claim out: nobody is told to call goods what they are not."""
    if code not in BEARS_OUT:
        return True
    from_business = any(
        one.role in ("consignor", "exporter", "seller") and one.kind == "legal" for one in stated.parties
    )
    return stated.category == BEARS_OUT[code] and not (code == "C08" and from_business)


def _claiming(stated: Consignment, claims: Sequence[str], *codes: str) -> Consignment:
    """The same with these claims on every item, and no other of those that regimes name: one excludes another."""

    def claimed(item: GoodsItem) -> GoodsItem:
        kept = tuple(code for code in item.additional_procedures if code not in claims)
        return structs.replace(item, additional_procedures=(*codes, *kept))

    return structs.replace(stated, items=tuple(map(claimed, stated.items)))


def offers(reckoned: Sequence[Reckoned]) -> tuple[Offer, ...]:
    """An offer for each different outcome, of the variant that changes least; the variant as stated comes first."""
    different: dict[tuple[str, tuple[Charge, ...]], Reckoned] = {}
    for one in reckoned:
        if one.regime is not None and one.receipt.charges:
            different.setdefault((one.regime.id, one.receipt.charges), one)
    made = [_offer(one, regime) for one in different.values() if (regime := one.regime) is not None]
    return tuple(sorted(made, key=lambda offer: (MODELS.index(offer.model), len(offer.change))))


def _offer(one: Reckoned, regime: Regime) -> Offer:
    receipt, totals = one.receipt, one.receipt.totals
    at_sale = _sum(_at_sale(charge, regime) for charge in receipt.charges)
    parts = (
        one.prospect.goods, one.prospect.carriage, _micro(totals.duty), _micro(totals.tax), _micro(totals.fee), at_sale,
    )  # fmt: skip
    return Offer(
        model=_model(receipt.charges, regime),
        as_stated=not one.variant.change,
        regime=regime.id,
        name=regime.name,
        reason=regime.source,
        confidence=regime.confidence,
        requires=tuple(in_words(name, regime.when).holds for name in names(regime.when) if name != "direction"),
        change=one.variant.change,
        currency=receipt.currency,
        goods=_text(one.prospect.goods),
        carriage=_text(one.prospect.carriage),
        duty=totals.duty,
        tax=totals.tax,
        fee=totals.fee,
        tax_at_sale=_text(at_sale),
        landed_cost=_text(_sum(parts)),
        collected=_collected(receipt.charges, regime),
        receipt=receipt,
    )


def _at_sale(charge: Charge, regime: Regime) -> int | None:
    """What is charged at the sale on this line: nought where nothing is, None where it cannot be known."""
    if charge.at_sale is not None:
        return _micro(charge.at_sale)
    is_due = any(
        rule.due == "sale" and (rule.type, rule.code, rule.why) == (charge.type, charge.code, charge.why)
        for rule in regime.charges
    )
    return None if is_due else 0


def _model(charges: Sequence[Charge], regime: Regime) -> Model:
    """The way of collecting, by who collects what is due; where nothing is, by who would."""
    due = {charge.collector for charge in charges if _micro(charge.amount) != 0 or _at_sale(charge, regime) != 0}
    return _of_collectors(due or {charge.collector for charge in charges})


def _of_collectors(collectors: Iterable[str]) -> Model:
    kinds = {COLLECTS[one] for one in collectors}
    return kinds.pop() if len(kinds) == 1 else "hybrid"


def _collected(charges: Sequence[Charge], regime: Regime) -> tuple[Collected, ...]:
    """What each collector takes, those who take nothing left out."""
    found = []
    for collector in COLLECTS:
        mine = [charge for charge in charges if charge.collector == collector]
        at_sale = _sum(_at_sale(charge, regime) for charge in mine)
        at_border = _sum(_micro(charge.amount) for charge in mine)
        if at_sale != 0 or at_border != 0:
            found.append(Collected(collector=collector, at_sale=_text(at_sale), at_border=_text(at_border)))
    return tuple(found)


def regimes_there(stated: Reckoned) -> tuple[RegimeThere, ...]:
    """Every regime that is law there that day, and why the consignment as stated does not fall under it."""
    applied = stated.regime
    return tuple(
        RegimeThere(
            regime=regime.id,
            name=regime.name,
            source=regime.source,
            confidence=regime.confidence,
            applies=regime is applied,
            why_not=() if regime is applied else _why_not(stated, regime, unmet),
        )
        for regime, unmet in stated.prospect.regimes
    )


def _why_not(one: Reckoned, regime: Regime, unmet: Sequence[str]) -> tuple[str, ...]:
    """The conditions that do not hold, in words; and where all do, what goes before it."""
    if unmet:
        told = [_fails(name, regime, one.prospect) for name in unmet]
        return tuple(dict.fromkeys([*told, *_not_borne_out(one, regime, unmet)]))
    if one.regime is None:
        return ("there are no goods to assess",)
    return (f"it would fit, but “{one.regime.name}” goes before it",)


def _not_borne_out(one: Reckoned, regime: Regime, unmet: Sequence[str]) -> list[str]:
    """What would be untrue in a claim that the regime asks for and that is not made."""
    stated = one.variant.consignment
    if "additional_procedure" not in unmet or any(_may_claim(stated, c) for c in regime.when.additional_procedure):
        return []
    return [f"what is stated does not bear out {claim(code)}" for code in regime.when.additional_procedure]


def _fails(name: str, regime: Regime, prospect: Prospect) -> str:
    if name in LIMITS and prospect.goods is None:
        return "what the goods are worth is not known"
    return in_words(name, regime.when).fails


def not_offered(reckoned: Sequence[Reckoned], made: Sequence[Offer]) -> tuple[NotOffered, ...]:
    """The ways of collecting that no offer has, with the regime that comes nearest, however it is declared."""
    missing = [model for model in MODELS if model not in {offer.model for offer in made}]
    return tuple(_missing(model, reckoned) for model in missing)


def _missing(model: Model, reckoned: Sequence[Reckoned]) -> NotOffered:
    found = [
        (_distance(one, regime, unmet), place, regime, one, unmet)
        for one in reckoned
        for place, (regime, unmet) in enumerate(one.prospect.regimes)
        if not regime.officer and _usual_model(regime) == model
    ]
    if not found:
        return NotOffered(model=model, regime=None, name=None, why=("law there has no regime of this kind that day",))
    _, _, regime, one, unmet = min(found, key=lambda each: each[:2])
    if regime is one.regime:
        collectors = " and ".join(f"the {each.collector}" for each in _collected(one.receipt.charges, regime))
        why: tuple[str, ...] = (f"it applies, but all that is due under it is collected by {collectors or 'nobody'}",)
    else:
        why = _why_not(one, regime, unmet)
    return NotOffered(model=model, regime=regime.id, name=regime.name, why=why)


def _distance(one: Reckoned, regime: Regime, unmet: Sequence[str]) -> int:
    """How far a consignment is from a regime: that it is another kind of thing counts more than a limit or a claim."""
    return sum(10 if name in ("category", "procedure") else 1 for name in unmet) + len(
        _not_borne_out(one, regime, unmet)
    )


def _usual_model(regime: Regime) -> Model:
    """The way of collecting that a regime is made for: who collects its charges, reliefs apart where it has others."""
    charged = {rule.collector for rule in regime.charges if rule.arithmetic != "relief"}
    return _of_collectors(charged or {rule.collector for rule in regime.charges})


def _micro(text: str | None) -> int | None:
    return None if text is None else to_micro(Decimal(text))


def _text(micro: int | None) -> str | None:
    return None if micro is None else f"{from_micro(micro):f}"


def _sum(parts: Iterable[int | None]) -> int | None:
    """The sum; None where a part is not known."""
    total = 0
    for part in parts:
        if part is None:
            return None
        total += part
    return total

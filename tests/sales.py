"""A world of sales with known truth: orders, payments and waybills from three parties, and mistakes planted in some."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec import structs

from tidewaiter.law import Law
from tidewaiter.matching import Match, Sealed, match, names, seal
from tidewaiter.model.money import Money
from tidewaiter.model.trade import Person, TradeDocument, TradeLine

KEY = b"key of the tests: made up, public"
BEGIN = datetime(2026, 11, 2, 8, tzinfo=UTC)
PLATFORM, PAYER, CARRIER = "PLATFORM-1", "PAYMENTS-1", "CARRIER-1"
Sale = dict[str, TradeDocument]
Truth = set[tuple[str, str]]
"""(code, order number) of what is to be found."""


def sale(serial: int, **what: Any) -> Sale:
    """A sale whose documents agree: an order of two lines, its payment and its waybill. All persons are made up."""
    buyer = Person(id=f"ID-{serial:08d}", id_type="1", name=f"Example {serial}", phone=f"+86 139 {serial:08d}")
    to = Person(name=f"Sample {serial}", phone=f"139{serial:08d}", address=f"{serial} Sample Street, Exampleham")
    lines = tuple(
        TradeLine(
            number=number, article=f"ART-{serial % 97}-{number}",
            description=f"Tea of harvest {serial % 89}, no. {number}",
            quantity=Decimal(1 + (serial + number) % 5), unit="NAR", total=Money(Decimal(40 * number), "ZZD"),
        )
        for number in (1, 2)
    )  # fmt: skip
    order, payment, waybill = f"ORDER-{serial:07d}", f"PAY-{serial:07d}", f"WAY-{serial:07d}"
    common: dict[str, Any] = {"jurisdiction": "ZZ", "order": order, "issued_at": BEGIN}
    total = Money(Decimal(120) + Decimal(serial % 100) / 100, "ZZD")
    return {
        "order": TradeDocument(
            kind="order", number=order, issuer=PLATFORM, platform=PLATFORM, payment=payment, payment_issuer=PAYER,
            total=total, buyer=buyer, consignee=to, lines=lines, **common,
        ),
        "payment": TradeDocument(
            kind="payment", number=payment, issuer=PAYER, platform=PLATFORM, total=total,
            buyer=structs.replace(buyer, phone=None), **common,
        ),
        "waybill": TradeDocument(
            kind="waybill", number=waybill, issuer=CARRIER, consignee=to, gross_mass=Decimal("0.35"),
            lines=tuple(structs.replace(line, total=None) for line in lines), **common,
        ),
    } | what  # fmt: skip


def change(found: Sale, kind: str, **what: Any) -> None:
    """Puts something else into a document of a sale."""
    found[kind] = structs.replace(found[kind], **what)


def _amount(one: Sale, _: Sale) -> None:
    total = one["payment"].total
    assert total is not None
    change(one, "payment", total=Money(total.amount - 1, total.currency))


def _currency(one: Sale, _: Sale) -> None:
    total = one["payment"].total
    assert total is not None
    change(one, "payment", total=Money(total.amount, "USD"))


def _payer(one: Sale, other: Sale) -> None:
    change(one, "payment", buyer=other["payment"].buyer)


def _consignee(one: Sale, other: Sale) -> None:
    [to, theirs] = one["waybill"].consignee, other["waybill"].consignee
    assert to is not None
    assert theirs is not None
    change(one, "waybill", consignee=structs.replace(to, address=theirs.address))


def _goods(one: Sale, _: Sale) -> None:
    first, *others = one["waybill"].lines
    change(one, "waybill", lines=(structs.replace(first, article="ART-ELSE"), *others))


def _quantity(one: Sale, _: Sale) -> None:
    first, last = one["waybill"].lines
    assert last.quantity is not None
    change(one, "waybill", lines=(first, structs.replace(last, quantity=last.quantity + 1)))


def _payment_of_another(one: Sale, other: Sale) -> None:
    change(one, "payment", number=other["payment"].number)


def _no_waybill(one: Sale, _: Sale) -> None:
    del one["waybill"]


MISTAKES: dict[str, Callable[[Sale, Sale], None]] = {
    "MTC-02": _amount, "MTC-03": _currency, "MTC-04": _payer, "MTC-05": _consignee, "MTC-06": _goods,
    "MTC-07": _quantity, "MTC-09": _payment_of_another, "MTC-01": _no_waybill,
}  # fmt: skip
"""Eight kinds of mistake, by the code of what is to be found."""


def world(size: int, *, share: float = 0.03, seed: int = 1) -> tuple[list[TradeDocument], Truth]:
    """The documents of so many sales in random order, a share of them with a mistake, and what is to be found."""
    chance = random.Random(seed)
    sales = [sale(serial) for serial in range(size)]
    picked = chance.sample(range(size), 2 * round(size * share))
    wrong, others = picked[::2], picked[1::2]
    truth: Truth = set()
    codes = list(MISTAKES)
    for place, (serial, other) in enumerate(zip(wrong, others, strict=True)):
        code = codes[place % len(codes)]
        MISTAKES[code](sales[serial], sales[other])
        truth.add((code, sales[serial]["order"].number))
        if code == "MTC-09":
            truth.add((code, sales[other]["order"].number))
    documents = [document for one in sales for document in one.values()]
    chance.shuffle(documents)
    return documents, truth


class Waiting:
    """What the store does, in memory: documents kept by what finds them again."""

    def __init__(self, law: Law) -> None:
        self.law = law
        self.by: dict[Any, list[Sealed]] = defaultdict(list)
        self.matches: dict[tuple[str, str], Match] = {}

    def arrive(self, documents: Sequence[TradeDocument], at: datetime) -> None:
        """Keeps the documents, and judges the sales that they and those with the same numbers are of."""
        arrived = [seal(document, key=KEY, received_at=at) for document in documents]
        for sealed in arrived:
            orders, named = names(sealed)
            for name in orders | named:
                self.by[name].append(sealed)
        # The sales they are of, those with which they share a number, and whoever shares a number with these.
        touched = {order for one in self._with_their_numbers(arrived) for order in names(one)[0]}
        of_these = self._together(touched)
        for found in match([*self._with_their_numbers(of_these)], self.law, at=at, orders=touched):
            self.matches[found.jurisdiction, found.order] = found

    def everything(self, at: datetime) -> list[Match]:
        """All sales judged at once."""
        return match(self._together(self.by), self.law, at=at)

    def _with_their_numbers(self, documents: Iterable[Sealed]) -> list[Sealed]:
        return self._together({name for one in documents for name in names(one)[0] | names(one)[1]})

    def _together(self, found: Iterable[Any]) -> list[Sealed]:
        return list({id(one): one for name in found for one in self.by[name]}.values())


def found_in(matches: Iterable[Match]) -> Truth:
    """(code, order number) of what was found."""
    return {(mismatch.kind.code, one.order) for one in matches for mismatch in one.mismatches}


def arrive_in_batches(waiting: Waiting, documents: Sequence[TradeDocument], size: int = 1_000) -> datetime:
    """Lets the documents arrive a second after each other, so many at a time; the instant after the last."""
    at = BEGIN
    for start in range(0, len(documents), size):
        waiting.arrive(documents[start : start + size], at)
        at += timedelta(seconds=1)
    return at

"""Two documents of one sale compared: what both state must be the same. What one leaves out is not compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tidewaiter.law.rules import MatchingRule
from tidewaiter.matching.kinds import (
    AMOUNT,
    CONSIGNEE,
    CURRENCY,
    GOODS,
    KEY,
    MASS,
    PAYER,
    QUANTITY,
)
from tidewaiter.matching.sealing import Sealed, SealedLine
from tidewaiter.model.finding import Finding, Kind
from tidewaiter.model.money import MICRO

_TOTAL = "/total"
_LAST_KEYS = ("name", "phone", "address")


class Side(NamedTuple):
    """One of two documents that differ, and where in it: by our pointer, and by theirs where it is known."""

    kind: str
    number: str
    issuer: str
    pointer: str
    source_pointer: str = ""
    message: str = ""

    @property
    def text(self) -> str:
        """'payment P-1 of 1101 at /total'."""
        of = f" of {self.issuer}" if self.issuer else ""
        return f"{self.kind} {self.number}{of} at {self.source_pointer or self.pointer or '/'}"


class Mismatch(NamedTuple):
    """Where two documents of one sale differ. `detail` says what, and never a value of a person or of goods."""

    kind: Kind
    left: Side
    right: Side
    detail: str = ""

    def told(self, side: Side) -> Finding:
        """The finding as it is told to who sent the document of that side; it names the other side too."""
        both = f"{self.left.text}, {self.right.text}"
        return Finding(
            code=self.kind.code,
            severity=self.kind.severity,
            pointer=side.pointer,
            source_pointer=side.source_pointer,
            text=self.kind.text.replace("{detail}", f"{self.detail}: {both}" if self.detail else both),
            remedy=self.kind.remedy,
            law=self.kind.law,
        )


def side(document: Sealed, pointer: str) -> Side:
    """The document and a place in it; of a place that was not read, the nearest above it that was."""
    above, theirs = pointer, document.places.get(pointer)
    while theirs is None and above:
        above = above.rpartition("/")[0]
        theirs = document.places.get(above)
    return Side(document.kind, document.number, document.issuer, pointer, theirs or "", document.message)


def compare(left: Sealed, right: Sealed, rule: MatchingRule, *, is_whole: bool = True) -> Iterator[Mismatch]:
    """Where the two differ; `left` is the order where one of them is. Not whole: keys and mass alone, since the rest
    is compared with the order."""
    yield from _keys(left, right)
    if is_whole:
        yield from _persons(left, right)
        if left.lines and right.lines:
            yield from _lines(left, right, rule)
    if left.gross_mass_micro is not None and right.gross_mass_micro not in (None, left.gross_mass_micro):
        yield Mismatch(MASS, side(left, "/gross_mass"), side(right, "/gross_mass"))


def compare_paid(order: Sealed, payments: list[Sealed], rule: MatchingRule) -> Iterator[Mismatch]:
    """Whether the payments of an order, one or several, come to what it says."""
    if order.total_micro is None:
        return
    told = [payment for payment in payments if payment.total_micro is not None]
    foreign = [payment for payment in told if payment.currency != order.currency]
    for payment in foreign:
        yield Mismatch(CURRENCY, side(order, f"{_TOTAL}/currency"), side(payment, f"{_TOTAL}/currency"))
    if not told or foreign:
        return
    if rule.currency not in ("", order.currency):
        at = f"{_TOTAL}/currency"
        yield Mismatch(CURRENCY, side(order, at), side(told[-1], at), f"law asks for {rule.currency}")
    paid = sum(payment.total_micro or 0 for payment in told)
    if abs(paid - order.total_micro) > _tolerance(order.total_micro, order.currency, rule):
        at = f"{_TOTAL}/amount"
        yield Mismatch(AMOUNT, side(order, at), side(told[-1], at))


def _tolerance(amount: int, currency: str, rule: MatchingRule) -> int:
    """Millionths by which an amount may differ; a tolerance in another currency does not count."""
    share = amount * rule.tolerance_ppm // MICRO
    return max(share, rule.tolerance_micro) if currency == rule.tolerance_currency else share


def _persons(left: Sealed, right: Sealed) -> Iterator[Mismatch]:
    """The identity number decides who somebody is, where both state it, and the name besides."""
    for what in ("id", "name"):
        if _differ(left.who, right.who, what):
            at = f"/buyer/{what}"
            yield Mismatch(PAYER, side(left, at), side(right, at))
            break
    for what in _LAST_KEYS:
        if _differ(left.to, right.to, what):
            at = f"/consignee/{what}"
            yield Mismatch(CONSIGNEE, side(left, at), side(right, at), what)


def _differ(left: dict[str, str], right: dict[str, str], what: str) -> bool:
    return what in left and what in right and left[what] != right[what]


def _keys(left: Sealed, right: Sealed) -> Iterator[Mismatch]:
    if left.platform and right.platform and left.platform != right.platform:
        yield Mismatch(KEY, side(left, "/platform"), side(right, "/platform"))
    for one, other in ((left, right), (right, left)):
        if other.kind in ("payment", "waybill"):
            named, by = (
                (one.payment, one.payment_issuer) if other.kind == "payment" else (one.waybill, one.waybill_issuer)
            )
            if named and named != other.number:
                yield Mismatch(KEY, side(one, f"/{other.kind}"), side(other, "/number"))
            elif by and other.issuer and by != other.issuer:
                yield Mismatch(KEY, side(one, f"/{other.kind}_issuer"), side(other, "/issuer"))


def _lines(left: Sealed, right: Sealed, rule: MatchingRule) -> Iterator[Mismatch]:
    ours, theirs = _by_number(left), _by_number(right)
    for number in sorted(ours.keys() | theirs.keys()):
        if number not in ours or number not in theirs:
            places = [f"/lines/{found[number][0]}" if number in found else "/lines" for found in (ours, theirs)]
            yield Mismatch(GOODS, side(left, places[0]), side(right, places[1]), f"line {number} stands in one alone")
            continue
        (place, one), (other_place, other) = ours[number], theirs[number]
        where = f"/lines/{place}", f"/lines/{other_place}"
        if _are_other_goods(one, other):
            at = "article" if one.article and other.article else "description"
            yield Mismatch(GOODS, side(left, f"{where[0]}/{at}"), side(right, f"{where[1]}/{at}"), f"line {number}")
        elif _is_other_quantity(one, other):
            yield Mismatch(
                QUANTITY, side(left, f"{where[0]}/quantity"), side(right, f"{where[1]}/quantity"), f"line {number}"
            )
        if _is_other_price(one, other, rule):
            yield Mismatch(AMOUNT, side(left, f"{where[0]}/total"), side(right, f"{where[1]}/total"), f"line {number}")


def _by_number(document: Sealed) -> dict[int, tuple[int, SealedLine]]:
    """Each line with its place, by its number; those without one are numbered as they stand."""
    return {
        place + 1 if line.number is None else line.number: (place, line) for place, line in enumerate(document.lines)
    }


def _are_other_goods(one: SealedLine, other: SealedLine) -> bool:
    """The seller's own number decides, where both state it; else the words."""
    if one.article and other.article:
        return one.article != other.article
    return bool(one.goods and other.goods and one.goods != other.goods)


def _is_other_quantity(one: SealedLine, other: SealedLine) -> bool:
    if one.quantity_micro is None or other.quantity_micro is None or one.quantity_micro == other.quantity_micro:
        return bool(
            one.quantity_micro is not None
            and other.quantity_micro is not None
            and one.unit
            and other.unit
            and one.unit != other.unit
        )
    return True


def _is_other_price(one: SealedLine, other: SealedLine, rule: MatchingRule) -> bool:
    if one.total_micro is None or other.total_micro is None:
        return False
    if one.currency != other.currency:
        return True
    return abs(one.total_micro - other.total_micro) > _tolerance(one.total_micro, one.currency, rule)

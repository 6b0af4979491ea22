"""Documents that belong to one sale brought together, whatever order they came in, and judged as a whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import structs

from tidewaiter.law import Law
from tidewaiter.law.rules import MatchingRule
from tidewaiter.matching.comparing import Mismatch, Side, compare, compare_paid, side
from tidewaiter.matching.kinds import CONFLICT, DOUBTFUL, KEY, LATE, OVERDUE, PAYMENT_TWICE, WAYBILL_TWICE
from tidewaiter.matching.sealing import Sealed

State = Literal["waiting", "met", "overdue"]
_RANK = {"original": 0, "amendment": 1, "cancellation": 2}
_TWICE = {"payment": PAYMENT_TWICE, "waybill": WAYBILL_TWICE}

Order = tuple[str, str]
"""The country and the number of an order; one that no order is known for is named by a document of it."""
Named = tuple[str, str, str]
"""The country, the kind and the number of a document."""


class Match(NamedTuple):
    """One sale: the documents that stand, whether all came that law asks for, and where they differ."""

    jurisdiction: str
    order: str
    platform: str
    state: State
    documents: tuple[Sealed, ...]
    mismatches: tuple[Mismatch, ...]


def names(document: Sealed) -> tuple[set[Order], set[Named]]:
    """By what other documents of the same sale, or others with the same number, are found."""
    country = document.jurisdiction
    named: set[Named] = {(country, document.kind, document.number)}
    for kind, number in (("payment", document.payment), ("waybill", document.waybill)):
        if number:
            named.add((country, kind, number))
    return ({(country, document.order)} if document.order else set()), named


def match(
    documents: Iterable[Sealed], law: Law, *, at: datetime, orders: Collection[Order] | None = None
) -> list[Match]:
    """Each sale that the documents are of, under the law of the day on which its first document came.

    `orders` are those to be judged, where the documents of others are there only because they share a number with
    them. Sales in a country whose law asks for no matching are left out. Takes time in proportion to the documents.
    """
    standing, conflicts = _standing(documents)
    claims = _claims(standing)
    twice = _used_twice(claims)
    by_order: dict[Order, list[Sealed]] = defaultdict(list)
    for document in standing:
        by_order[_order_of(document, claims)].append(document)
    rule_on = _rules(law)
    found = []
    for key, together in by_order.items():
        if orders is not None and key not in orders:
            continue
        together.sort(key=lambda one: (one.kind, one.issued_at, one.number, one.content))
        for group, doubtful in _by_platform(together):
            first = min(document.received_at for document in group)
            rule = rule_on(key[0], first)
            if rule is None:
                continue
            before = [*conflicts.get(key, ()), *twice.get(key, ()), *doubtful]
            found.append(_judge(key, group, rule, before, first=first, at=at))
    return found


def _rules(law: Law) -> Callable[[str, datetime], MatchingRule | None]:
    known: dict[tuple[str, object], MatchingRule | None] = {}
    zones: dict[str, ZoneInfo] = {}

    def rule_on(country: str, instant: datetime) -> MatchingRule | None:
        if country not in zones:
            zones[country] = ZoneInfo(law.time_zone(country))
        day = instant.astimezone(zones[country]).date()
        if (country, day) not in known:
            known[country, day] = law.matching(country, day)
        return known[country, day]

    return rule_on


def _standing(documents: Iterable[Sealed]) -> tuple[list[Sealed], dict[Order, list[Mismatch]]]:
    """The documents that stand after repeats, amendments and cancellations, and those sent twice that differ."""
    versions: dict[tuple[str, str, str, str], list[Sealed]] = defaultdict(list)
    for document in documents:
        versions[document.jurisdiction, document.kind, document.issuer, document.number].append(document)
    standing: list[Sealed] = []
    conflicts: dict[Order, list[Mismatch]] = defaultdict(list)
    for same in versions.values():
        if len(same) == 1:
            standing += [one for one in same if one.function != "cancellation"]
            continue
        standing += _folded(same, conflicts)
    return standing, conflicts


def _folded(same: list[Sealed], conflicts: dict[Order, list[Mismatch]]) -> Iterable[Sealed]:
    """What stands of the documents under one number, by order: made up in the order in which they were issued."""
    same.sort(key=lambda one: (one.issued_at, _RANK[one.function], one.content, one.received_at))
    stands: dict[str, Sealed] = {}
    for one in same:
        before = stands.get(one.order)
        if one.function == "original":
            if before is None:
                stands[one.order] = one
            elif before.content != one.content and before.function == "original":
                conflicts[one.jurisdiction, one.order].append(Mismatch(CONFLICT, side(before, ""), side(one, "")))
            continue
        if before is None and len(stands) == 1:  # it may amend the order that it names
            [before] = stands.values()
        if before is not None:
            del stands[before.order]
        if one.function == "amendment":
            received = one.received_at if before is None else min(before.received_at, one.received_at)
            stands[one.order] = structs.replace(one, received_at=received)
    return stands.values()


Claims = dict[Named, list[tuple[Sealed, str]]]
"""For each payment and waybill who says of it for which order it is, with the pointer to where that is said."""


def _claims(standing: Sequence[Sealed]) -> Claims:
    claims: Claims = defaultdict(list)
    for one in standing:
        if one.kind in _TWICE:
            claims[one.jurisdiction, one.kind, one.number].append((one, "/number"))
        for kind, number in (("payment", one.payment), ("waybill", one.waybill)):
            if number and kind != one.kind:
                claims[one.jurisdiction, kind, number].append((one, f"/{kind}"))
    return claims


def _order_of(document: Sealed, claims: Claims) -> Order:
    """The order that a document is of; a waybill that names none is of that which names it."""
    country = document.jurisdiction
    if document.order:
        return country, document.order
    by = {one.order for one, _ in claims.get((country, document.kind, document.number), ()) if one.order}
    return (country, by.pop()) if len(by) == 1 else (country, f"({document.kind} {document.number})")


def _used_twice(claims: Claims) -> dict[Order, list[Mismatch]]:
    """Payments and waybills said to be for two orders, told with each of the two."""
    found: dict[Order, list[Mismatch]] = defaultdict(list)
    for (country, kind, _), said in claims.items():
        if len(said) == 1 or len({one.order for one, _ in said if one.order}) < 2:
            continue
        said.sort(key=lambda pair: (pair[0].kind != kind, pair[0].issued_at, pair[0].order, pair[0].content))
        first: dict[str, tuple[Sealed, str]] = {}
        for one, pointer in said:
            # The number of a payment is its issuer's: two issuers may give the same one.
            if one.order and all(_may_be_one(_issuer(other, kind), _issuer(one, kind)) for other, _ in first.values()):
                first.setdefault(one.order, (one, pointer))
        (one, at), *others = first.values()
        for other, other_at in others:
            mismatch = Mismatch(_TWICE[kind], side(one, at), side(other, other_at))
            found[country, one.order].append(mismatch)
            found[country, other.order].append(mismatch)
    return found


def _may_be_one(one: str, other: str) -> bool:
    return not one or not other or one == other


def _issuer(document: Sealed, kind: str) -> str:
    if document.kind == kind:
        return document.issuer
    return document.payment_issuer if kind == "payment" else document.waybill_issuer


def _by_platform(together: list[Sealed]) -> Iterator[tuple[list[Sealed], list[Mismatch]]]:
    """The documents of one order number by sale: two platforms may number alike. With what belongs to either."""
    orders = {one.platform: one for one in together if one.kind == "order"}
    if len(orders) < 2:
        yield together, []
        return
    groups: dict[str, list[Sealed]] = {platform: [] for platform in orders}
    doubtful: list[Mismatch] = []
    for one in together:
        platform = one.platform if one.platform in groups else _named_by(one, orders)
        if platform is None:
            told = next(iter(orders.values()))
            doubtful.append(Mismatch(DOUBTFUL, side(told, "/platform"), side(one, "/platform")))
        else:
            groups[platform].append(one)
    for group in groups.values():
        yield group, doubtful


def _named_by(document: Sealed, orders: dict[str, Sealed]) -> str | None:
    """The platform whose order alone names the document, or has its consignee."""
    by = [platform for platform, order in orders.items() if document.number in (order.payment, order.waybill)]
    if not by and document.to:
        by = [platform for platform, order in orders.items() if order.to == document.to]
    return by[0] if len(by) == 1 else None


def _judge(
    key: Order, group: list[Sealed], rule: MatchingRule, before: list[Mismatch], *, first: datetime, at: datetime
) -> Match:
    of: dict[str, list[Sealed]] = defaultdict(list)
    for one in group:
        of[one.kind].append(one)
    due = first + timedelta(hours=rule.within_h)
    declarations = of.get("declaration", ())
    if rule.before_declaration and declarations:
        due = min(due, *(one.received_at for one in declarations))
    mismatches = [*before, *_differences(of, rule, before)]
    missing = [kind for kind in rule.documents if kind not in of]
    state: State = "waiting" if missing else "met"
    if missing and (at > due or (rule.before_declaration and declarations)):
        state = "overdue"
        waits = group[0]
        mismatches += [
            Mismatch(OVERDUE, side(waits, ""), Side(kind, "", "", ""), f"the {kind} is missing") for kind in missing
        ]
    elif not missing:
        came = {kind: min(of[kind], key=lambda one: one.received_at) for kind in rule.documents}
        mismatches += [
            Mismatch(LATE, side(group[0], ""), side(one, ""), f"the {kind} was late")
            for kind, one in came.items()
            if one.received_at > due
        ]
    platform = next((one.platform for one in group if one.platform), "")
    return Match(key[0], key[1], platform, state, tuple(group), tuple(mismatches))


def _differences(of: dict[str, list[Sealed]], rule: MatchingRule, before: list[Mismatch]) -> Iterator[Mismatch]:
    """Everything is compared with the order; without one with the declaration."""
    payments, waybills, declarations = (of.get(kind, []) for kind in ("payment", "waybill", "declaration"))
    told = {mismatch.right.number for mismatch in before} | {mismatch.left.number for mismatch in before}
    used_twice = {mismatch.kind.code for mismatch in before} & {kind.code for kind in _TWICE.values()}
    orders = of.get("order", [])[:1]
    pairs = [(order, other, True) for order in orders for other in (*payments, *waybills, *declarations)]
    pairs += [(one, other, not orders) for one in declarations for other in (*payments, *waybills)]
    for order in orders:
        yield from compare_paid(order, payments, rule)
        for declaration in declarations:
            yield from compare_paid(order, [declaration], rule)
    for left, right, is_whole in pairs:
        for mismatch in compare(left, right, rule, is_whole=is_whole):
            # That it names another is the same mistake as that the other is used twice, and told already.
            if not (mismatch.kind is KEY and used_twice and {left.number, right.number} & told):
                yield mismatch

"""Matching: what waits of a sale is brought together with what comes, and what differs is told to who declares.

Documents are kept with the message they came in; what stands, what is overdue and what differs is worked out anew each
time from all of them, so it does not matter in which order they came or who looked first.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import structs

from tidewaiter import formats
from tidewaiter.formats import Declared, Reading, Told
from tidewaiter.law import Law
from tidewaiter.law.rules import MatchingRule
from tidewaiter.matching import Match, Mismatch, Sealed, declared_document, declared_pointers, match, names, seal
from tidewaiter.matching.meeting import Order
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.finding import Finding, Kind
from tidewaiter.store import Store

PUBLIC_KEY = b"tidewaiter demonstration key: set your own"
"""The key of the digests of persons where an installation has not set one. Public, so good for trying out only."""

UNSIGNED = Kind(
    code="MTC-15",
    severity="warning",
    text="Law asks for a signature on a document of this kind, and the message has none.",
    remedy="Sign the message with the certificate of who vouches for the document.",
    law="Of the country: `unsigned` in its matching.toml",
)

STRANGER = Kind(
    code="MTC-16",
    severity="warning",
    text="Law asks for a signature on a document of this kind; this one is signed with a certificate not known here.",
    remedy="Have the certificate made known to the office first, or sign with the one that is.",
    law="Of the country: `unsigned` in its matching.toml",
)
KINDS = (UNSIGNED, STRANGER)
"""Every kind of finding that this adds to those of matching."""


class Sealing(NamedTuple):
    """What of a message is to be matched: its documents, and its declarations by their place in the reading.

    A document with an error is none that could be matched.
    """

    documents: tuple[Sealed, ...]
    declarations: dict[int, Sealed]


async def match_sales(fresh: Sequence[Sealed], *, store: Store, law: Law, at: datetime) -> list[Match]:
    """The sales that these documents are of, and those with which they share a number; `fresh` may not be kept yet."""
    orders = {order for one in fresh for order in names(one)[0]}
    named = {name for one in fresh for name in names(one)[1]}
    near = await store.trade_documents(orders=orders, named=named)
    orders |= {order for one in near for order in names(one)[0]}
    return await _match(orders, fresh, store=store, law=law, at=at)


async def match_orders(orders: Sequence[Order], *, store: Store, law: Law, at: datetime) -> list[Match]:
    """The sales of these orders as they stand now."""
    return await _match(set(orders), (), store=store, law=law, at=at)


async def overdue(
    jurisdiction: str, *, store: Store, law: Law, at: datetime, since: datetime, size: int = 1_000
) -> list[Match]:
    """The sales of which a document came from `since` on and of which now one is overdue. Looks at up to `size`."""
    rule = rule_of(law, jurisdiction, at)
    until = at - timedelta(hours=rule.within_h if rule else 0)
    orders = await store.orders_between(jurisdiction=jurisdiction, since=since, until=until, size=size)
    return [one for one in await match_orders(orders, store=store, law=law, at=at) if one.state == "overdue"]


async def _match(orders: set[Order], fresh: Sequence[Sealed], *, store: Store, law: Law, at: datetime) -> list[Match]:
    of_these = [*await store.trade_documents(orders=orders, named=()), *fresh]
    # Whoever has a number in common with a document of these sales: that is how a thing used twice is seen.
    named = {name for one in of_these for name in names(one)[1]}
    together = [*await store.trade_documents(orders=orders, named=named), *fresh]
    own = {(one.jurisdiction, f"({one.kind} {one.number})") for one in fresh if not one.order}
    return match(together, law, at=at, orders=orders | own)


def rule_of(law: Law, country: str, at: datetime) -> MatchingRule | None:
    """How documents are matched in the country at that instant."""
    if not country or not law.remembered(("matches", country), lambda: law.is_matching(country)):
        return None
    return law.matching(country, at.astimezone(ZoneInfo(law.time_zone(country))).date())


def sealed(reading: Reading, *, law: Law, key: bytes, at: datetime, message: str) -> Sealing:
    """What of a message is to be matched. `message` says which it is, `key` is that of the digests."""
    documents = tuple(
        seal(one.document, key=key, received_at=at, message=message, places=one.places)
        for one in reading.documents
        if not _is_wrong(one) and rule_of(law, one.document.jurisdiction, at) is not None
    )
    declarations = {}
    for place, one in enumerate(reading.declared):
        document = declared_document(one.consignment)
        if document is None or not _is_matched(one.consignment, rule_of(law, document.jurisdiction, at)):
            continue
        pointers = declared_pointers(one.consignment)
        places = {ours: formats.source_pointer(reading.format, one, theirs) for ours, theirs in pointers.items()}
        declarations[place] = seal(document, key=key, received_at=at, message=message, places=places)
    return Sealing(documents, declarations)


def _is_wrong(one: Told | Declared) -> bool:
    return any(finding.severity == "error" for finding in one.findings)


def _is_matched(record: Consignment, rule: MatchingRule | None) -> bool:
    """Whether the law of matching is about the declaration."""
    if rule is None:
        return False
    return not rule.procedures or any(item.procedure in rule.procedures for item in record.items)


def is_any_matched(reading: Reading, law: Law, at: datetime) -> bool:
    """Whether a declaration of the message is matched with documents of its sale."""
    return any(
        document is not None and _is_matched(one.consignment, rule_of(law, document.jurisdiction, at))
        for one in reading.declared
        if (document := declared_document(one.consignment)) is not None
    )


def minded(reading: Reading, law: Law, at: datetime, *, signers: Collection[str]) -> Reading:
    """The same, with a finding on each document and declaration that law wants signed and none of `signers` signed.

    They are told by the SHA-256 of their certificates in hexadecimal.
    """
    if reading.signer in signers:
        return reading
    kind = UNSIGNED if reading.signer is None else STRANGER
    declared: dict[int, Declared] = {}
    for place, one in enumerate(reading.declared):
        rule = rule_of(law, one.consignment.jurisdiction, at)
        if rule is None:
            continue
        found = _signed_by_none("declaration", rule, kind) if _is_matched(one.consignment, rule) else ()
        if found:  # else they stay as they were read, which may be in columns
            declared[place] = structs.replace(one, findings=(*one.findings, *found))
    documents = []
    for told in reading.documents:
        found = _signed_by_none(told.document.kind, rule_of(law, told.document.jurisdiction, at), kind)
        documents.append(structs.replace(told, findings=(*told.findings, *found)) if found else told)
    if declared:
        told_of = tuple(declared.get(place, one) for place, one in enumerate(reading.declared))
        reading = structs.replace(reading, declared=told_of)
    return structs.replace(reading, documents=tuple(documents)) if documents else reading


def _signed_by_none(about: str, rule: MatchingRule | None, kind: Kind) -> tuple[Finding, ...]:
    if rule is None or about not in rule.signed:
        return ()
    found = Finding(
        code=kind.code, severity=rule.unsigned, pointer="", text=kind.text, remedy=kind.remedy, law=rule.source
    )
    return (found,)


class Matched(NamedTuple):
    """A message whose declarations were matched: how many mistakes were found of each, by its place in the reading."""

    reading: Reading
    mistakes: dict[int, int]


async def with_mismatches(reading: Reading, sealing: Sealing, *, store: Store, law: Law, at: datetime) -> Matched:
    """The same, with what differs between each declaration and the documents of its sale among its findings."""
    if not sealing.declarations:
        return Matched(reading, {})
    fresh = [*sealing.documents, *sealing.declarations.values()]
    matches = await match_sales(fresh, store=store, law=law, at=at)
    declared, mistakes = list(reading.declared), {}
    for place, document in sealing.declarations.items():
        found = _about(document, matches)
        mistakes[place] = sum(mismatch.kind.severity == "error" for mismatch in found)
        pointers = declared_pointers(declared[place].consignment)
        told = tuple(_told(mismatch, document, pointers) for mismatch in found)
        declared[place] = structs.replace(declared[place], findings=(*declared[place].findings, *told))
    return Matched(structs.replace(reading, declared=tuple(declared)), mistakes)


def _about(document: Sealed, matches: Sequence[Match]) -> list[Mismatch]:
    """What is told of the sale that the document is of: of two under one number, that which holds it."""
    of_order = [one for one in matches if (one.jurisdiction, one.order) == (document.jurisdiction, document.order)]
    holding = [one for one in of_order if any(held.content == document.content for held in one.documents)]
    return [mismatch for one in holding or of_order for mismatch in one.mismatches]


def _told(mismatch: Mismatch, document: Sealed, pointers: dict[str, str]) -> Finding:
    """The finding as the declarant is told it: pointing into the declaration, where that is one of the two."""
    for side in (mismatch.left, mismatch.right):
        if (side.kind, side.number) == (document.kind, document.number):
            pointer = side.pointer
            while pointer not in pointers:
                pointer = pointer.rpartition("/")[0]
            return structs.replace(mismatch.told(side), pointer=pointers[pointer])
    at_order = {"pointer": pointers["/order"], "source_pointer": document.places.get("/order", "")}
    return structs.replace(mismatch.told(mismatch.right), **at_order)

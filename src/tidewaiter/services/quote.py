"""Quoting: what goods not yet sent will cost, whoever collects, and whether they would clear. Nothing is kept.

No store and no clock are needed, and nothing that risk sees is looked at: a quote must not tell how to avoid a check.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import accumulate, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import polars as pl
from msgspec import structs

from tidewaiter import formats
from tidewaiter.assessment import LEAVES_UNKNOWN, assess, prospects
from tidewaiter.checks import check
from tidewaiter.clearance import decide
from tidewaiter.formats import Declared
from tidewaiter.law import Law
from tidewaiter.law.changes import Goods, next_change
from tidewaiter.law.permits import Moved, Needed, needed
from tidewaiter.law.timeline import ordinal
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.finding import Finding
from tidewaiter.model.money import Money
from tidewaiter.model.outcome import SIGNALS, Decision
from tidewaiter.model.quote import Fix, MissingPermit, NotOffered, Preflight, Quote
from tidewaiter.model.receipt import PersonTotals, bare
from tidewaiter.services.clear import UNREAD
from tidewaiter.services.offers import MODELS, Reckoned, not_offered, offers, regimes_there, variants
from tidewaiter.services.receipt import past_of, receipts
from tidewaiter.services.records import decisions_by_row, findings_by_row
from tidewaiter.store.vault import private_paths

PERMIT_MISSING = "GDS-23"
"""The rule of checking that asks for permits."""
NO_LAW = "no law is held here for that country on that day"
LEFT_OUT = frozenset({"/parties", *private_paths()})
"""Personal fields, which a quote does without: one that is not stated can wait for the declaration."""
_PLACE = re.compile(r"/[0-9]+")
_NO_SIGNALS = pl.DataFrame(schema=SIGNALS)


def quote(consignment: Consignment, *, law: Law, on: date, totals: PersonTotals | None = None) -> Quote:
    """The quote for a consignment on a day. `totals`: what the buyer imported before, where it is known."""
    dated = structs.replace(consignment, accepted_on=on)
    [made] = quotes([Declared(consignment=dated)], law=law, totals=[totals])
    return made


def dated(declared: Iterable[Declared], *, law: Law, on: date | None, at: datetime) -> list[Declared]:
    """The same with the day of the quote: the day asked for, else the one stated, else the one it is there at `at`."""

    def with_day(one: Declared) -> Declared:
        record = one.consignment
        day = on or record.accepted_on or at.astimezone(ZoneInfo(law.time_zone(record.jurisdiction))).date()
        return structs.replace(one, consignment=structs.replace(record, accepted_on=day))

    return [with_day(one) for one in declared]


def quotes(
    declared: Sequence[Declared], *, law: Law, format: str = "json", totals: Sequence[PersonTotals | None] | None = None
) -> list[Quote]:
    """The quote for each, in their order; `format` is that of their message. All variants are assessed as one batch.

    Each has its day (`accepted_on`). Raises ValueError where one has none.
    """
    if not declared:
        return []
    records = [one.consignment for one in declared]
    before = totals or [None] * len(records)
    checks = _preflights(declared, before, law=law, format=format)
    ways = [variants(record, _regimes_on(record, law)) for record in records]
    bounds = [0, *accumulate(len(way) for way in ways)]
    flat = [variant for way in ways for variant in way]
    known = [past for past, way in zip(before, ways, strict=True) for _ in way]
    made = receipts([variant.consignment for variant in flat], law=law, totals=known)
    seen = prospects(Batch.of([bare(variant.consignment) for variant in flat]), law, past_of(known))
    quoted = []
    for record, preflight, (first, end) in zip(records, checks, pairwise(bounds), strict=True):
        reckoned = [Reckoned(flat[row], made[row], seen[row]) for row in range(first, end) if row in seen]
        quoted.append(_quote(record, reckoned, preflight, law))
    return quoted


def schema() -> dict[str, Any]:
    """The published JSON Schema of a quote (draft 2020-12)."""
    [one], definitions = msgspec.json.schema_components([Quote], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:tidewaiter:schema:quote:1",
        "title": "Quote for a consignment that is not yet sent",
        **one,
        "$defs": definitions,
    }


def _regimes_on(record: Consignment, law: Law) -> Sequence[Any]:
    place = law.place(record.jurisdiction, ordinal(_day(record)))
    return law.regimes_on(place) if place else ()


def _day(record: Consignment) -> date:
    if record.accepted_on is None:
        raise ValueError("a quote is for a day")
    return record.accepted_on


def _quote(record: Consignment, reckoned: Sequence[Reckoned], preflight: Preflight, law: Law) -> Quote:
    made = offers(reckoned)
    missing = (
        not_offered(reckoned, made)
        if reckoned
        else tuple(NotOffered(model=model, regime=None, name=None, why=(NO_LAW,)) for model in MODELS)
    )
    return Quote(
        reference=record.reference,
        jurisdiction=record.jurisdiction,
        on=_day(record),
        currency=law.currency(record.jurisdiction) or "",
        offers=made,
        not_offered=missing,
        regimes=regimes_there(reckoned[0]) if reckoned else (),
        preflight=preflight,
        valid_until=_valid_until(record, reckoned, law),
        law_digest=law.digest_of(record.jurisdiction),
    )


def _valid_until(record: Consignment, reckoned: Sequence[Reckoned], law: Law) -> date | None:
    """The last day before something changes that the quote rests on."""
    if not reckoned:
        return None
    goods = [
        Goods(
            code=f"{item.hs_code or ''}{item.taric_code or ''}",
            origin=item.origin_country or "",
            preferred=(item.preference_country or item.origin_country or "") if item.preference else "",
            claim=item.preference or "",
        )
        for item in record.items
    ]
    regimes = list({id(one.regime): one.regime for one in reckoned if one.regime}.values())
    changes = next_change(
        law, reckoned[0].prospect.place, goods=goods, currencies=set(_currencies(record)), regimes=regimes
    )
    return None if changes is None else changes - timedelta(days=1)


def _currencies(record: Consignment) -> Iterator[str]:
    """The currencies of all that assessment converts."""
    amounts: list[Money | None] = [record.freight, record.insurance, record.discount]
    amounts += [adjustment.amount for adjustment in record.adjustments]
    for item in record.items:
        amounts += [item.price, item.customs_value, item.freight]
        amounts += [adjustment.amount for adjustment in item.adjustments]
    return (one.currency for one in amounts if one is not None)


# Will it clear?


def _preflights(
    declared: Sequence[Declared], totals: Sequence[PersonTotals | None], *, law: Law, format: str
) -> list[Preflight]:
    """What is found in each as stated, the decision that it leads to, and what to mend."""
    records = [one.consignment for one in declared]
    batch, past = Batch.of(records), past_of(totals)
    assessed = assess(batch, law, past)
    found = pl.concat([check(batch, law, past), assessed.findings])
    waits = pl.Series(
        [_is_left_out(records[row], pointer) for row, pointer in found.select("row", "pointer").iter_rows()],
        dtype=pl.Boolean,
    )
    now, later = found.filter(~waits), found.filter(waits)
    decided = decisions_by_row(decide(batch, findings=now, charges=assessed.charges, signals=_NO_SIGNALS, law=law))
    size = len(records)
    return [
        _preflight(
            one,
            (*one.findings, *at_once),
            at_lodging,
            decision=decided[row],
            permits=_permits(records[row], law),
            format=format,
        )
        for row, (one, at_once, at_lodging) in enumerate(
            zip(declared, findings_by_row(now, size), findings_by_row(later, size), strict=True)
        )
    ]


def _preflight(
    one: Declared,
    now: Sequence[Finding],
    later: Sequence[Finding],
    *,
    decision: Decision,
    permits: tuple[MissingPermit, ...],
    format: str,
) -> Preflight:
    pointed = [_pointed(finding, one, format) for finding in now]
    grave = [finding for finding in pointed if finding.severity == "error"]
    unknown = [finding for finding in pointed if finding.severity != "error" and finding.code in LEAVES_UNKNOWN]
    return Preflight(
        # What could not be read whole is never accepted.
        decision=UNREAD if any(finding.severity == "error" for finding in one.findings) else decision,
        findings=tuple(pointed),
        permits=permits,
        fixes=_fixes([*grave, *unknown, *(finding for finding in pointed if finding.code == PERMIT_MISSING)]),
        when_lodged=_fixes([_pointed(finding, one, format) for finding in later]),
    )


def _permits(record: Consignment, law: Law) -> tuple[MissingPermit, ...]:
    """The documents that goods need and that are not declared, each once with the goods that need it."""
    together: dict[str, list[tuple[Needed, str]]] = {}
    for place, item in enumerate(record.items):
        goods = Moved(
            record.jurisdiction,
            record.accepted_on,
            record.direction,
            item.hs_code,
            item.origin_country,
            item.export_country or record.export_country,
        )
        declared = {f"{one.category or ''}{one.type or ''}" for one in (*record.documents, *item.documents)}
        for one in needed(law, goods, declared):
            together.setdefault(one.permit.id, []).append((one, f"/items/{place}"))
    return tuple(
        MissingPermit(
            permit=one.permit.id,
            name=one.permit.name,
            issuer=one.permit.issuer,
            codes=one.permit.codes,
            exempt=one.permit.exempt,
            pointers=tuple(pointer for _, pointer in found),
            law=one.by.source,
            confidence=one.by.confidence,
        )
        for found in together.values()
        for one, _ in found[:1]
    )


def _pointed(finding: Finding, one: Declared, format: str) -> Finding:
    if finding.source_pointer:
        return finding
    return structs.replace(finding, source_pointer=formats.source_pointer(format, one, finding.pointer))


def _fixes(findings: Sequence[Finding]) -> tuple[Fix, ...]:
    """Each remedy once, in the order of the findings, with all the places it is for."""
    together: dict[str, list[Finding]] = {}
    for finding in findings:
        together.setdefault(finding.remedy or finding.text, []).append(finding)
    return tuple(
        Fix(
            severity=same[0].severity,
            codes=tuple(dict.fromkeys(one.code for one in same)),
            text=same[0].text,
            remedy=same[0].remedy,
            pointers=tuple(dict.fromkeys(one.pointer for one in same)),
            source_pointers=tuple(dict.fromkeys(one.source_pointer for one in same)),
            law=same[0].law,
        )
        for same in together.values()
    )


def _is_left_out(record: Consignment, pointer: str) -> bool:
    """Whether the finding only asks for something personal that is not stated."""
    if _PLACE.sub("", pointer) not in LEFT_OUT:
        return False
    value: Any = record
    for step in pointer.split("/")[1:]:
        value = value[int(step)] if isinstance(value, tuple) else getattr(value, step)
    return value is None or value == ()

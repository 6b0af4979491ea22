"""The conformance kit: messages judged stage by stage, alone and beside each other, for a report to act on.

No store is needed, and nothing is kept. A format is conformed to by being in `formats.FORMATS`: what it finds has a
stage by its kind. To what the dialect says itself the rules of law are added (`checks`), where law of the country is
held.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

import msgspec
from msgspec import structs

from tidewaiter import __version__, formats
from tidewaiter.checks import check
from tidewaiter.formats import Declared, Reading
from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.conformance import (
    STAGES,
    FormatRow,
    Found,
    MessageReport,
    Report,
    SignedReport,
    StageOutcome,
    StageResult,
)
from tidewaiter.model.finding import Finding, Kind, Severity
from tidewaiter.model.past import Past
from tidewaiter.services import across as _across
from tidewaiter.services import records
from tidewaiter.services.clear import Message
from tidewaiter.services.expect import Expected, agreement

ANY = "any"
"""Asked for as a format: each message speaks for itself."""
NONE = "none"
"""Stands in the table for messages of no format that is read here."""
NOT_MAPPED_MAX = 100
KINDS: dict[str, Kind] = {**records.KINDS, **{kind.code: kind for kind in _across.KINDS}}
"""Every kind of finding that the kit can give, by its code."""


def conform(
    messages: Sequence[Message],
    *,
    law: Law | None,
    on: date,
    at: datetime,
    format: str = ANY,
    jurisdiction: str | None = None,
    expected: Mapping[str, Expected] | None = None,
) -> Report:
    """The report on these messages.

    `law` is that whose rules are asked besides the dialect's, on the legal day `on`; None asks the dialect alone. `at`
    is the instant that the report tells. `expected` has what is expected of a message by its source; each message is
    then a case by itself, and else all are one set. Raises ValueError where no format has that name.
    """
    if format != ANY and format not in formats.FORMATS:
        raise ValueError(f"no format has the name {format}; there are {', '.join(formats.FORMATS)}")
    named = None if format == ANY else format
    readings = [formats.read(one.data, jurisdiction=jurisdiction, format=named) for one in messages]
    sources = [one.source for one in messages]
    if expected is None:
        beside = _across.across(sources, readings)
    else:
        beside = [_across.across([source], [one])[0] for source, one in zip(sources, readings, strict=True)]
        beside = [[one for one in told if one.severity == "error"] for told in beside]
    wanted = expected or {}
    days = [wanted[source].on or on if source in wanted else on for source in sources]
    by_law = _by_law(readings, days, law) if law else [[] for _ in readings]
    reports = tuple(
        _report(message, reading, [*_of_reading(reading), *legal, *told], wanted.get(message.source))
        for message, reading, legal, told in zip(messages, readings, by_law, beside, strict=True)
    )
    compared = [one.agreement for one in reports if one.agreement is not None]
    return Report(
        version=__version__,
        made_at=at,
        on=on,
        format=format,
        law=law.digest if law else "",
        conforms=bool(reports) and all(one.conforms for one in reports),
        together=expected is None,
        compared=len(compared),
        agreed=sum(one.agrees for one in compared),
        formats=_rows(reports),
        messages=reports,
    )


def schema() -> dict[str, Any]:
    """The JSON Schema of a report as it is written."""
    made = msgspec.json.schema(SignedReport)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def _of_reading(reading: Reading) -> list[Finding]:
    """All that reading found: about the message, then about each consignment and document of trade."""
    of_declared = (finding for one in reading.declared for finding in one.findings)
    of_documents = (finding for one in reading.documents for finding in one.findings)
    return [*reading.findings, *of_declared, *of_documents]


def _by_law(readings: Sequence[Reading], days: Sequence[date], law: Law) -> list[list[Finding]]:
    """What the rules of law find in each message, all at once; nothing where no law of the country is held."""
    asked: list[tuple[int, Declared]] = []
    for place, reading in enumerate(readings):
        for one in reading.declared:
            day = one.consignment.accepted_on or days[place]
            if law.digest_of(one.consignment.jurisdiction):
                dated = structs.replace(one.consignment, accepted_on=day)
                asked.append((place, structs.replace(one, consignment=dated)))
    told: list[list[Finding]] = [[] for _ in readings]
    if not asked:
        return told
    frame = check(Batch.of([one.consignment for _, one in asked]), law, Past())
    for (place, one), findings in zip(asked, records.findings_by_row(frame, len(asked)), strict=True):
        form = readings[place].format
        told[place] += [
            structs.replace(finding, source_pointer=formats.source_pointer(form, one, finding.pointer))
            for finding in findings
        ]
    return told


def _report(
    message: Message, reading: Reading, findings: Sequence[Finding], expected: Expected | None
) -> MessageReport:
    found = sorted((_found(one) for one in findings), key=lambda one: STAGES.index(one.stage))
    agrees = agreement(expected, found) if expected is not None else None
    has_errors = any(one.severity == "error" for one in found)
    return MessageReport(
        source=message.source,
        sha256=hashlib.sha256(message.data).hexdigest(),
        bytes=len(message.data),
        format=reading.format,
        conforms=not has_errors if agrees is None else agrees.agrees,
        consignments=len(reading.declared),
        items=sum(len(one.consignment.items) for one in reading.declared),
        documents=len(reading.documents),
        movements=len(reading.movements),
        answers=len(reading.answers),
        kept=reading.kept,
        dropped=len(reading.dropped),
        stages=_stages(found),
        findings=tuple(found),
        not_mapped=reading.dropped[:NOT_MAPPED_MAX],
        agreement=agrees,
    )


def _found(finding: Finding) -> Found:
    return Found(
        stage=KINDS[finding.code].stage,
        code=finding.code,
        severity=finding.severity,
        location=finding.source_pointer,
        pointer=finding.pointer,
        text=finding.text,
        remedy=finding.remedy,
        law=finding.law,
    )


def _stages(found: Sequence[Found]) -> tuple[StageResult, ...]:
    results = []
    is_sound = True
    for stage in STAGES:
        counts: dict[Severity, int] = {"error": 0, "warning": 0, "note": 0}
        for one in found:
            if one.stage == stage:
                counts[one.severity] += 1
        outcome: StageOutcome = "failed" if counts["error"] else "passed" if is_sound else "open"
        is_sound = is_sound and outcome == "passed"
        results.append(
            StageResult(
                stage=stage, outcome=outcome, errors=counts["error"], warnings=counts["warning"], notes=counts["note"]
            )
        )
    return tuple(results)


def _rows(reports: Sequence[MessageReport]) -> tuple[FormatRow, ...]:
    """A row a format, in the order of their names; messages of no format last."""
    made = []
    names = sorted({one.format for one in reports}, key=lambda name: (not name, name))
    sums: tuple[Literal["consignments", "items", "documents", "movements", "answers", "kept", "dropped"], ...] = (
        "consignments", "items", "documents", "movements", "answers", "kept", "dropped",
    )  # fmt: skip
    for name in names:
        its = [one for one in reports if one.format == name]
        totals = {field: sum(getattr(one, field) for one in its) for field in sums}
        read = sum(bool(one.consignments or one.documents or one.movements or one.answers) for one in its)
        made.append(FormatRow(format=name or NONE, files=len(its), read=read, **totals))
    return tuple(made)

"""Clearing: messages go through the corridor together, and come out as records, answers and signals.

No store and no clock are needed; what must be known of the past is handed in.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import polars as pl
from msgspec import structs

from tidewaiter import formats, pipeline
from tidewaiter.assessment import receipt
from tidewaiter.clearance import reasons
from tidewaiter.formats import Reading, pieces
from tidewaiter.formats.reading import Piece
from tidewaiter.law import Law
from tidewaiter.model.answer import Answer
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.finding import Finding
from tidewaiter.model.outcome import (
    Charge,
    Cleared,
    ClearedConsignment,
    Decision,
    Outcome,
    Posting,
    Remembered,
    Signal,
    Totals,
)
from tidewaiter.model.past import Past
from tidewaiter.risk.history import Recall
from tidewaiter.risk.screening import Index
from tidewaiter.services.answering import answer_about_document, answer_about_message, answers_about
from tidewaiter.services.batches import batch_of, findings_in
from tidewaiter.services.records import (
    NOTHING_KNOWN,
    charges_by_row,
    decisions_by_row,
    findings_by_row,
    postings_by_row,
    rows_of,
    signals_by_row,
    totals_by_row,
)

SUPPLEMENTARY = ("U", "V", "X", "Y", "Z")
"""Third letter of the declaration type where the day of acceptance lies before the message: supplementary and
recapitulative declarations (Delegated Regulation (EU) 2015/2446, Annex B, data element 11 02)."""

UNREAD = Decision(security="pending", control="not_accepted", reasons=(reasons.NOT_ACCEPTED,))
"""What could not be read whole is never accepted. The corridor sees only what was read, so it cannot know."""

DayOf = Callable[[str], date]
"""From a country to the legal day there."""


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Bytes as they came. `source` says from where (a file, a door); `format` is a format's name where it was said.

    `sender` is who lodged it: it goes into the answers' numbers, so that two senders' answers never share one.
    `columns` says what headings of a sheet stand for, ours by theirs. `piece` says where in a longer file the bytes
    stood, so that places are those of the file. `received_at` is the instant of receipt, where it was lodged.
    """

    source: str
    data: bytes
    sender: str = ""
    format: str | None = None
    columns: Mapping[str, str] = {}
    piece: Piece | None = None
    received_at: datetime | None = None


def received_at(message: Message) -> datetime:
    """When the message was received. Raises ValueError where that was not said."""
    if message.received_at is None:
        raise ValueError("a message is lodged at an instant")
    return message.received_at


class ClearedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one message. `findings` are about the message as a whole; each consignment has its own.

    `format` is '' where none could be found. `cleared` says of each consignment what customs makes of it. Where they
    were asked for, `consignments` are the same with their records and answers, and `answers` holds those of all, as
    bytes in `format`. `answers_read` is not empty where the message was itself an answer. `kept` and `dropped` count
    leaf values read.
    """

    source: str
    format: str
    findings: tuple[Finding, ...]
    cleared: tuple[Cleared, ...]
    consignments: tuple[ClearedConsignment, ...]
    answers: bytes
    answers_read: tuple[Answer, ...] = ()
    kept: int = 0
    dropped: tuple[str, ...] = ()

    @property
    def records(self) -> list[Cleared]:
        """One record a consignment; and one without a reference where a message could not be read, or not all of it."""
        records = list(self.cleared)
        if any(finding.severity == "error" for finding in self.findings):
            records.append(about_message(self.format, self.findings, source=self.source))
        return records


def clear_messages(
    messages: Sequence[Message],
    *,
    law: Law,
    past: Past,
    jurisdiction: str | None = None,
    on: date | DayOf,
    is_answered: bool = True,
) -> list[ClearedMessage]:
    """What customs makes of each message, in their order. All consignments go through the corridor as one batch.

    `on` is the day of acceptance, or gives it for a country; a day the message itself states goes before it.
    `jurisdiction` is used where a message does not name its country. With `is_answered` false no answers are made, nor
    the records of consignments that only answers would need.
    """
    readings = [read_message(message, jurisdiction=jurisdiction) for message in messages]
    return clear_readings(messages, readings, law=law, past=past, on=on, is_answered=is_answered)


def read_message(message: Message, *, jurisdiction: str | None = None) -> Reading:
    """What the message holds. Bad input is findings, never an exception."""
    if message.piece is not None:
        return pieces.read(
            message.piece, jurisdiction=jurisdiction, format=message.format, columns=message.columns
        )  # fmt: skip
    return formats.read(message.data, jurisdiction=jurisdiction, format=message.format, columns=message.columns)


def read_messages(messages: Sequence[Message], *, jurisdiction: str | None = None) -> list[Reading]:
    """What each of these messages holds: those that say their format, and no more than that, are read together."""
    readings: dict[int, Reading] = {}
    by_format: dict[str, list[int]] = defaultdict(list)
    for place, message in enumerate(messages):
        format = message.format
        if format is not None and format in formats.FORMATS and message.piece is None and not message.columns:
            by_format[format].append(place)
        else:
            readings[place] = read_message(message, jurisdiction=jurisdiction)
    for format, places in by_format.items():
        read = formats.read_many([messages[place].data for place in places], format=format, jurisdiction=jurisdiction)
        readings.update(zip(places, read, strict=True))
    return [readings[place] for place in range(len(messages))]


def clear_readings(
    messages: Sequence[Message],
    readings: Sequence[Reading],
    *,
    law: Law,
    past: Past,
    on: date | DayOf | None = None,
    trust_stated_day: bool = True,
    number: Callable[[Message, Consignment], str] | None = None,
    is_answered: bool = True,
    lists: Index | None = None,
    batch: Batch | None = None,
    recall: Recall | None = None,
) -> list[ClearedMessage]:
    """The same for messages that have been read already. `lists` are of denied parties. `batch` is what `dated_batch`
    made of the same, and `recall` what the past is asked by.

    Without `on` the day is that of each message's receipt. With `trust_stated_day` false only the tax point of a
    supplementary declaration goes before it, and none after it. `number` gives the customs reference (MRN) of what is
    accepted and has none. An answer is sent when its message was received; without that it says no instant.
    """
    if batch is None:
        batch = dated_batch(messages, readings, law=law, on=on, trust_stated_day=trust_stated_day)
    own = [findings for reading in readings for findings in findings_in(reading)]
    outcome = pipeline.clear(batch, law, past, lists, recall) if len(batch) else None
    verdicts = iter(zip(_heads(batch), verdicts_of(batch, own, law, outcome), strict=True))
    results = []
    for message, reading in zip(messages, readings, strict=True):
        judged = [next(verdicts) for _ in range(len(reading.declared))]
        cleared = tuple(
            _cleared(reading, place, head, verdict, source=message.source)
            for place, (head, verdict) in enumerate(judged)
        )
        consignments: tuple[ClearedConsignment, ...] = ()
        answers = b""
        if is_answered:
            at = message.received_at
            prefix = hashlib.sha256(b"%s\0%s" % (message.sender.encode(), message.data)).hexdigest()[:20]
            consignments = tuple(
                _answered(one.consignment, done, verdict, message=message, id=f"{prefix}-{place}", number=number, at=at)
                for place, (one, done, (_, verdict)) in enumerate(zip(reading.declared, cleared, judged, strict=True))
            )
            answers = _answers(reading, consignments, prefix=prefix, at=at)
        results.append(
            ClearedMessage(
                source=message.source,
                format=reading.format,
                findings=reading.findings,
                cleared=cleared,
                consignments=consignments,
                answers=answers,
                answers_read=reading.answers,
                kept=reading.kept,
                dropped=reading.dropped,
            )
        )
    return results


def dated_batch(
    messages: Sequence[Message],
    readings: Sequence[Reading],
    *,
    law: Law,
    on: date | DayOf | None = None,
    trust_stated_day: bool = True,
) -> Batch:
    """All consignments of these messages, in their order, as one batch with their legal days as in `clear_readings`."""
    whose = [message for message, reading in zip(messages, readings, strict=True) for _ in range(len(reading.declared))]
    return _dated(batch_of(readings), whose, law=law, day_of=_days(on, law), trust=trust_stated_day)


def _answers(
    reading: Reading, consignments: Sequence[ClearedConsignment], *, prefix: str, at: datetime | None
) -> bytes:
    """All answers to a message, in its format."""
    told = [answer for one in consignments for answer in one.answers]
    told += [
        answer_about_document(one.document, one.findings, id=f"{prefix}-trade-{place}", at=at)
        for place, one in enumerate(reading.documents)
    ]
    if reading.findings:
        told.append(answer_about_message(reading.findings, id=prefix, at=at))
    return in_their_format(reading.format, told)


def in_their_format(format: str, answers: Sequence[Answer]) -> bytes:
    """The answers in the sender's dialect; in the canonical one where theirs is not known."""
    return formats.FORMATS[format or "json"].answer(answers)


class Verdict(NamedTuple):
    """What the corridor says of one consignment, as records."""

    findings: tuple[Finding, ...]
    charges: tuple[Charge, ...]
    totals: Totals
    regime: str | None
    decision: Decision
    signals: tuple[Signal, ...]
    postings: tuple[Posting, ...]
    law_digest: str
    remembered: Remembered | None
    drawn_ppm: int | None


class _Head(NamedTuple):
    """What is told of a consignment besides its verdict."""

    reference: str
    jurisdiction: str
    accepted_on: date | None
    function: str
    items: int


def _heads(batch: Batch) -> Iterator[_Head]:
    items = np.bincount(batch.items["row"].to_numpy(), minlength=len(batch)).tolist()
    told = rows_of(batch.consignments, "reference", "jurisdiction", "accepted_on", "function")
    return (
        _Head(reference, country, day, function, count)
        for (reference, country, day, function), count in zip(told, items, strict=True)
    )


def _days(on: date | DayOf | None, law: Law) -> Callable[[Message, str], date]:
    """From a message and a country to the legal day there. Days are looked up once a country, and once a minute."""
    if callable(on):
        of_country = cache(on)
        return lambda _message, country: of_country(country)
    if on is not None:
        return lambda _message, _country: on
    known: dict[tuple[datetime, str], date] = {}

    def received_on(message: Message, country: str) -> date:
        # A day begins on a whole minute, everywhere.
        key = (received_at(message).replace(second=0, microsecond=0), country)
        if key not in known:
            known[key] = key[0].astimezone(ZoneInfo(law.time_zone(country))).date()
        return known[key]

    return received_on


def _dated(
    batch: Batch, whose: Sequence[Message], *, law: Law, day_of: Callable[[Message, str], date], trust: bool
) -> Batch:
    """The same with the legal day of acceptance of each consignment, of which `whose` are the messages."""
    told = rows_of(batch.consignments, "jurisdiction", "accepted_on", "declared_acceptance", "declaration_type")
    days: list[date] = []
    for message, (country, said, stated, kind) in zip(whose, told, strict=True):
        if trust and said is not None:
            days.append(said)
            continue
        day = day_of(message, country)
        if stated is not None and (kind or "")[2:] in SUPPLEMENTARY:
            tax_point = stated.astimezone(ZoneInfo(law.time_zone(country))).date()
            day = tax_point if trust else min(tax_point, day)
        days.append(day)
    dated = batch.consignments.clone()
    dated.replace_column(dated.get_column_index("accepted_on"), pl.Series("accepted_on", days, dtype=pl.Date))
    return replace(batch, consignments=dated)


def verdicts_of(batch: Batch, own: Sequence[tuple[Finding, ...]], law: Law, outcome: Outcome | None) -> list[Verdict]:
    """The verdict on each, in their order. `own` is what was found in reading each."""
    if outcome is None:
        return []
    size = len(batch)
    found = findings_by_row(outcome.findings, size)
    charged = charges_by_row(receipt(batch, outcome.charges, law), size)
    totals = totals_by_row(outcome.charges, size)
    regimes = dict(rows_of(outcome.regimes, "row", "regime"))
    decided = decisions_by_row(outcome.decisions)
    seen = signals_by_row(outcome.signals, size)
    posted = postings_by_row(outcome.postings, size)
    drawn = outcome.drawn_ppm.to_list()
    digests = {
        country: law.digest_of(country) or outcome.law_digest for country in set(batch.consignments["jurisdiction"])
    }
    verdicts = []
    for row, (before, country) in enumerate(zip(own, batch.consignments["jurisdiction"], strict=True)):
        decision, postings = decided[row], posted[row]
        if any(finding.severity == "error" for finding in before):
            decision, postings = UNREAD, ()
        verdicts.append(
            Verdict(
                (*before, *found[row]),
                charged[row],
                totals[row],
                regimes.get(row),
                decision,
                seen[row],
                postings,
                digests[country],
                outcome.remembered.get(row),
                drawn[row],
            )
        )
    return verdicts


def _cleared(reading: Reading, place: int, head: _Head, verdict: Verdict, *, source: str) -> Cleared:
    """What customs makes of the consignment at a place of the reading."""
    return Cleared(
        reference=head.reference,
        format=reading.format,
        source=source,
        jurisdiction=head.jurisdiction,
        accepted_on=head.accepted_on,
        function=head.function,
        regime=verdict.regime,
        items=head.items,
        findings=tuple(
            finding
            if finding.source_pointer
            else structs.replace(
                finding,
                source_pointer=formats.source_pointer(reading.format, reading.declared[place], finding.pointer),
            )
            for finding in verdict.findings
        ),
        charges=verdict.charges,
        totals=verdict.totals,
        decision=verdict.decision,
        law_digest=verdict.law_digest,
    )


def _answered(
    record: Consignment,
    cleared: Cleared,
    verdict: Verdict,
    *,
    message: Message,
    id: str,
    number: Callable[[Message, Consignment], str] | None,
    at: datetime | None,
) -> ClearedConsignment:
    """The same with the record, under its day and its customs reference, and with the answers."""
    # Nobody numbers what is not accepted, nor where no country is known to do it.
    mrn = record.mrn
    if verdict.decision.control != "not_accepted":
        mrn = mrn or (number(message, record) if number and record.jurisdiction else None)
    if mrn != record.mrn or record.accepted_on != cleared.accepted_on:
        record = structs.replace(record, accepted_on=cleared.accepted_on, mrn=mrn)
    return ClearedConsignment(
        consignment=record,
        cleared=cleared,
        answers=answers_about(record, cleared, id=id, at=at),
        postings=verdict.postings,
        signals=verdict.signals,
        remembered=verdict.remembered,
        drawn_ppm=verdict.drawn_ppm,
        figures=None if verdict.remembered is None else verdict.remembered.figures,
    )


def about_message(format: str, findings: Sequence[Finding], *, source: str) -> Cleared:
    """A record for what was found about a message as a whole."""
    return Cleared(
        reference="",
        format=format,
        source=source,
        jurisdiction="",
        accepted_on=None,
        function="",
        regime=None,
        items=0,
        findings=tuple(findings),
        charges=(),
        totals=NOTHING_KNOWN,
        decision=UNREAD,
        law_digest="",
    )

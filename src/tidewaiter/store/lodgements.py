"""Writing a lodgement: the message, its effect, decisions, postings, answers, events and the idempotency record.

All in one transaction, or nothing of it. Rows go in by COPY, so that a batch of thousands costs little more than one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec

from tidewaiter.audit import leaf
from tidewaiter.matching import Sealed
from tidewaiter.model.finding import Finding
from tidewaiter.model.movement import Movement
from tidewaiter.model.outcome import ClearedConsignment
from tidewaiter.store import audit, dispatches, trade, vault

CORRIDOR = "corridor"
"""Who decided, where no person did."""
WHOLE = "whole"
"""The kind of the answer that holds all of a message's answers in the sender's format."""


class AlreadyThere(RuntimeError):
    """Somebody else lodged the same message, key or reference at the same time: look again, then decide anew."""


class Lodgement(msgspec.Struct, frozen=True, kw_only=True):
    """A message and what became of it. `digest` is the SHA-256 of `raw`; `key` an Idempotency-Key.

    `findings` are about the message as a whole, `answer` holds all answers in the sender's format. `consignments` and
    `repeats` are by their place in the message: those with an effect, and those that had been lodged before, by id.
    `documents` are what is to be matched, `movements` what is linked to parcels.
    """

    filer: str
    digest: bytes
    source: str
    format: str
    received_at: datetime
    law_digest: str
    raw: bytes
    answer: bytes
    key: str | None = None
    findings: tuple[Finding, ...] = ()
    consignments: tuple[tuple[int, ClearedConsignment], ...] = ()
    repeats: tuple[tuple[int, int], ...] = ()
    documents: tuple[Sealed, ...] = ()
    movements: tuple[Movement, ...] = ()


class StoredMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was lodged, and the answer that was given."""

    id: int
    digest: bytes
    source: str
    format: str
    answer: bytes


async def write(connection: asyncpg.Connection, lodgement: Lodgement) -> int:
    """The id of the message, once everything is committed. Raises AlreadyThere, and then nothing is written."""
    try:
        async with connection.transaction():
            return await _write_all(connection, lodgement)
    except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError) as error:
        raise AlreadyThere(type(error).__name__) from error


async def remember_key(connection: asyncpg.Connection, *, filer: str, key: str, message_id: int) -> None:
    """Writes down that the message was sent under this key too. Raises AlreadyThere where the key is taken."""
    try:
        await connection.execute(
            "insert into idempotency (filer, key, message_id) values ($1, $2, $3)", filer, key, message_id
        )
    except asyncpg.UniqueViolationError as error:
        raise AlreadyThere("key") from error


async def remember_columns(
    connection: asyncpg.Connection, *, filer: str, titles: bytes, columns: Mapping[str, str], at: datetime
) -> None:
    """Writes down what a filer's headings stand for; what he said before stays, and no longer holds."""
    await connection.execute(
        "insert into sheet_columns (filer, titles, columns, remembered_at) values ($1, $2, $3, $4)",
        filer, titles, msgspec.json.encode(dict(columns)), at,
    )  # fmt: skip


async def _write_all(connection: asyncpg.Connection, lodgement: Lodgement) -> int:
    # The message first: whoever lodges the same bytes meanwhile waits here until we commit, and then finds them.
    message_id: int = await connection.fetchval(
        "insert into messages (filer, digest, source, format, received_at, law_digest, raw)"
        " values ($1, $2, $3, $4, $5, $6, $7) returning id",
        lodgement.filer, lodgement.digest, lodgement.source, lodgement.format, lodgement.received_at,
        lodgement.law_digest, lodgement.raw,
    )  # fmt: skip
    if lodgement.key is not None:
        await connection.execute(
            "insert into idempotency (filer, key, message_id) values ($1, $2, $3)",
            lodgement.filer, lodgement.key, message_id,
        )  # fmt: skip
    found = lodgement.consignments
    ids = await connection.fetch("select nextval('consignment_ids') as id from generate_series(1, $1)", len(found))
    placed = [(row["id"], place, one) for row, (place, one) in zip(ids, found, strict=True)]
    filled = (*_tables(lodgement, message_id, placed), *dispatches.tables(lodgement.movements, message_id))
    for table, columns, rows in filled:
        if rows:
            await connection.copy_records_to_table(table, records=rows, columns=columns)
    await audit.append(connection, _leaves(lodgement, message_id, placed))
    return message_id


Placed = Sequence[tuple[int, int, ClearedConsignment]]
"""Consignments with their id and their place in the message."""


def _tables(lodgement: Lodgement, message_id: int, placed: Placed) -> Iterator[tuple[str, list[str], list[Any]]]:
    """Each table to be filled: its name, its columns and the rows."""
    at, filer, digest = lodgement.received_at, lodgement.filer, lodgement.digest.hex()
    heads, private = [], []
    for id, place, one in placed:
        record, cleared, totals = one.consignment, one.cleared, one.cleared.totals
        parted = vault.part(record)
        heads.append(
            (
                id, message_id, place, lodgement.filer, record.reference, record.function, record.version, record.mrn,
                record.tracking_id, record.jurisdiction, record.accepted_on, at, cleared.format, record.channel,
                len(record.items), cleared.regime, _micro(totals.duty), _micro(totals.tax), _micro(totals.fee),
                totals.currency, cleared.law_digest, cleared.decision.security, cleared.decision.control,
                parted.open_part,
            )
        )  # fmt: skip
        private.append((id, parted.private))
    yield "consignments", _CONSIGNMENTS, heads
    yield "vault", ["consignment_id", "private"], private
    yield (
        "repeats",
        ["message_id", "place", "consignment_id"],
        [(message_id, place, id) for place, id in lodgement.repeats],
    )
    yield "trade_documents", trade.COLUMNS, list(trade.rows(message_id, lodgement.documents))
    yield (
        "findings",
        _FINDINGS,
        [
            (message_id, id, place, f.code, f.severity, f.pointer, f.source_pointer, f.text, f.remedy, f.law)
            for id, findings in [(None, lodgement.findings), *((id, one.cleared.findings) for id, _, one in placed)]
            for place, f in enumerate(findings)
        ],
    )
    yield "charges", _CHARGES, [
        (
            id, place, c.type, c.code, c.item, c.measure, c.base, c.rate, c.conversion, c.rounding, c.amount,
            c.currency, c.collector, c.why, c.law, c.confidence, c.at_sale,
        )
        for id, _, one in placed
        for place, c in enumerate(one.cleared.charges)
    ]  # fmt: skip
    yield (
        "signals",
        _SIGNALS,
        [
            (id, place, s.profile, s.lane, s.score, s.reason, s.item)
            for id, _, one in placed
            for place, s in enumerate(one.signals)
        ],
    )
    yield (
        "decisions",
        _DECISIONS,
        [
            (id, at, CORRIDOR, d.security, d.control, list(d.reasons), one.cleared.law_digest)
            for id, _, one in placed
            for d in [one.cleared.decision]
        ],
    )
    yield (
        "postings",
        _POSTINGS,
        [
            (id, p.item, p.account, p.debit_micro, p.credit_micro, p.currency, p.charge)
            for id, _, one in placed
            for p in one.postings
        ],
    )
    whole = (f"{digest}-{message_id}", message_id, None, 0, WHOLE, lodgement.format, at)
    yield (
        "answers",
        _ANSWERS,
        [
            (*whole, lodgement.answer),
            *(
                (answer.id, message_id, id, place, answer.kind, "json", at, msgspec.json.encode(answer))
                for id, _, one in placed
                for place, answer in enumerate(one.answers)
            ),
        ],
    )
    yield (
        "events",
        _EVENTS,
        [
            (at, filer, message_id, None, "message_received", _event(format=lodgement.format, digest=digest)),
            *(
                (at, filer, message_id, id, "decided", _event(security=d.security, control=d.control, answers=told))
                for id, _, one in placed
                for d, told in [(one.cleared.decision, [answer.id for answer in one.answers])]
            ),
        ],
    )


def _leaves(lodgement: Lodgement, message_id: int, placed: Placed) -> list[leaf.Leaf]:
    """What the audit log says of the lodgement."""
    decisions = [(id, one.cleared.decision.security, one.cleared.decision.control) for id, _, one in placed]
    return leaf.lodged(
        at=lodgement.received_at,
        by=lodgement.filer,
        message=message_id,
        sha256=hashlib.sha256(lodgement.raw).hexdigest(),
        format=lodgement.format,
        law=lodgement.law_digest,
        decisions=decisions,
        repeats=[id for _, id in lodgement.repeats],
    )


def _micro(amount: str | None) -> int | None:
    return None if amount is None else int(Decimal(amount).scaleb(6))


def _event(**body: Any) -> bytes:
    return msgspec.json.encode(body)


_CONSIGNMENTS = [
    "id", "message_id", "place", "filer", "reference", "function", "version", "mrn", "tracking_id", "jurisdiction",
    "accepted_on", "received_at", "format", "channel", "items", "regime", "duty_micro", "tax_micro", "fee_micro",
    "currency", "law_digest", "security", "control", "record",
]  # fmt: skip
_FINDINGS = [
    "message_id", "consignment_id", "place", "code", "severity", "pointer", "source_pointer", "text", "remedy", "law",
]  # fmt: skip
_CHARGES = [
    "consignment_id", "place", "type", "code", "item", "measure", "base", "rate", "conversion", "rounding", "amount",
    "currency", "collector", "why", "law", "confidence", "at_sale",
]  # fmt: skip
_SIGNALS = ["consignment_id", "place", "profile", "lane", "score", "reason", "item"]
_DECISIONS = ["consignment_id", "decided_at", "decided_by", "security", "control", "reasons", "law_digest"]
_POSTINGS = ["consignment_id", "item", "account", "debit_micro", "credit_micro", "currency", "charge"]
_EVENTS = ["at", "filer", "message_id", "consignment_id", "kind", "body"]
_ANSWERS = ["id", "message_id", "consignment_id", "place", "kind", "format", "sent_at", "body"]

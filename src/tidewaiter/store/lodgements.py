"""Writing lodgements: messages, their effect, decisions, postings, answers, events and the idempotency records.

All in one transaction, or nothing of it. Rows go in by COPY, so that thousands cost little more than one.
"""

from __future__ import annotations

import asyncio
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
from tidewaiter.store import audit, dispatches, history, trade, vault

CORRIDOR = "corridor"
"""Who decided, where no person did."""


class AlreadyThere(RuntimeError):
    """Somebody else lodged the same message, key or reference at the same time: look again, then decide anew."""


class Lodgement(msgspec.Struct, frozen=True, kw_only=True):
    """A message and what became of it. `digest` is the SHA-256 of `raw`; `key` an Idempotency-Key.

    `findings` are about the message as a whole, `answer` holds all answers in the sender's format. `consignments` and
    `repeats` are by their place in the message: those with an effect, and those that had been lodged before, by id.
    `lists` are those of denied parties that held, by their ids; None where nobody was screened. `risk_digest` is that
    of what picked. `documents` are what is to be matched, `movements` what is linked to parcels.
    """

    filer: str
    digest: bytes
    source: str
    format: str
    received_at: datetime
    law_digest: str
    lists: tuple[int, ...] | None = None
    raw: bytes
    answer: bytes
    risk_digest: str = ""
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


async def write(connection: asyncpg.Connection, lodgements: Sequence[Lodgement]) -> list[int]:
    """The ids of the messages, in their order, once all are committed together.

    Raises AlreadyThere, and then nothing of any is written.
    """
    try:
        async with connection.transaction():
            return await _write_all(connection, lodgements)
    except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError) as error:
        raise AlreadyThere(type(error).__name__) from error


async def remember_keys(connection: asyncpg.Connection, keys: Sequence[tuple[str, str, int]]) -> None:
    """Writes down that messages were sent under these keys too: each is a filer, its key and the message's id.

    Raises AlreadyThere where one of them is taken, and then none is written.
    """
    try:
        await connection.copy_records_to_table("idempotency", records=keys, columns=_IDEMPOTENCY)
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


async def _write_all(connection: asyncpg.Connection, lodgements: Sequence[Lodgement]) -> list[int]:
    count = sum(len(one.consignments) for one in lodgements)
    row = await connection.fetchrow(_NUMBERS, len(lodgements), count)
    ids, numbers = row["messages"], iter(row["consignments"])
    written = [
        (id, one, [(next(numbers), place, cleared) for place, cleared in one.consignments])
        for id, one in zip(ids, lodgements, strict=True)
    ]
    # A thousand rows take a while to make, in which others are to be answered.
    tables = await asyncio.to_thread(lambda: list(_tables(written)))
    # The messages first: whoever lodges the same bytes meanwhile waits here until we commit, and then finds them.
    for table, columns, rows in tables:
        if rows:
            await connection.copy_records_to_table(table, records=rows, columns=columns)
    await history.take_out(connection, [
        (lodgement.filer, one.consignment) for _, lodgement, placed in written for _, _, one in placed
        if one.cleared.decision.control == "cancellation_recorded"
    ])  # fmt: skip
    await audit.append(connection, [one for id, lodgement, placed in written for one in _leaves(id, lodgement, placed)])
    return list(ids)


_NUMBERS = (
    "select array(select nextval('messages_id_seq') from generate_series(1, $1)) as messages,"
    " array(select nextval('consignment_ids') from generate_series(1, $2)) as consignments"
)

Placed = Sequence[tuple[int, int, ClearedConsignment]]
Written = Sequence[tuple[int, Lodgement, Placed]]
"""Lodgements with the id of the message, and their consignments with their id and their place in the message."""


def _tables(written: Written) -> Iterator[tuple[str, list[str], list[Any]]]:
    """Each table to be filled: its name, its columns and the rows."""
    yield (
        "messages",
        _MESSAGES,
        [
            (
                id, m.filer, m.digest, m.source, m.format, m.received_at, m.law_digest, m.raw,
                _encoded(m.findings), m.answer,
            )
            for id, m, _ in written
        ],
    )  # fmt: skip
    yield "idempotency", _IDEMPOTENCY, [(m.filer, m.key, id) for id, m, _ in written if m.key is not None]
    heads, private, results, decisions, signals, postings = [], [], [], [], [], []
    events: list[tuple[datetime, str, int, int | None, str, bytes]] = []
    for message_id, m, placed in written:
        at = m.received_at
        received = _encoded({"format": m.format, "digest": m.digest.hex()})
        events.append((at, m.filer, message_id, None, "message_received", received))
        for id, place, one in placed:
            record, cleared = one.consignment, one.cleared
            totals, decision = cleared.totals, cleared.decision
            sums = micro_of(totals.duty), micro_of(totals.tax), micro_of(totals.fee)
            parted = vault.part(record)
            heads.append(
                (
                    id, message_id, place, m.filer, record.reference, record.function, record.version, record.mrn,
                    record.tracking_id, record.jurisdiction, record.accepted_on, at, cleared.format, record.channel,
                    len(record.items), cleared.regime, *sums, totals.currency, cleared.law_digest, decision.security,
                    decision.control, parted.open_part,
                )
            )  # fmt: skip
            private.append((id, parted.private))
            results.append((id, _encoded(cleared.findings), _encoded(cleared.charges), _encoded(one.answers)))
            decided = decision.security, decision.control, decision.reasons
            decisions.append(
                (id, at, CORRIDOR, *decided, cleared.law_digest, m.lists, m.risk_digest or None, one.drawn_ppm)
            )
            for number, s in enumerate(one.signals):
                signals.append((id, number, s.profile, s.lane, s.score, s.reason, s.item))
            for p in one.postings:
                postings.append((id, p.item, p.account, p.debit_micro, p.credit_micro, p.currency, p.charge))
            told = {
                "security": decision.security,
                "control": decision.control,
                "answers": [answer.id for answer in one.answers],
            }
            events.append((at, m.filer, message_id, id, "decided", _encoded(told)))
    yield "consignments", _CONSIGNMENTS, heads
    yield "vault", ["consignment_id", "private"], private
    yield "results", ["consignment_id", "findings", "charges", "answers"], results
    yield (
        "repeats",
        ["message_id", "place", "consignment_id"],
        [(id, place, consignment) for id, m, _ in written for place, consignment in m.repeats],
    )
    yield (
        "trade_documents",
        trade.COLUMNS,
        [row for id, m, _ in written if m.documents for row in trade.rows(id, m.documents)],
    )
    yield "signals", SIGNALS, signals
    yield "decisions", DECISIONS, decisions
    yield "postings", POSTINGS, postings
    yield "events", EVENTS, events
    for id, m, _ in written:
        if m.movements:
            yield from dispatches.tables(m.movements, id)
    # Last: sums are added to in place, and whoever adds to the same waits until we commit.
    kept = [(id, one.remembered) for _, _, placed in written for id, _, one in placed if one.remembered is not None]
    known = [(id, one.figures) for _, _, placed in written for id, _, one in placed if one.figures is not None]
    yield "known_before", history.FIGURES, known
    yield "history", history.COLUMNS, [history.row(id, one) for id, one in kept]
    yield "history_goods", history.GOODS, [row for id, one in kept for row in history.goods_rows(id, one)]


_encoded = msgspec.json.encode


def _leaves(message_id: int, lodgement: Lodgement, placed: Placed) -> list[leaf.Leaf]:
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


def micro_of(amount: str | None) -> int | None:
    """A sum of `Totals` in millionths."""
    return None if amount is None else int(Decimal(amount).scaleb(6))


_MESSAGES = [
    "id", "filer", "digest", "source", "format", "received_at", "law_digest", "raw", "findings", "answer",
]  # fmt: skip
_IDEMPOTENCY = ["filer", "key", "message_id"]
_CONSIGNMENTS = [
    "id", "message_id", "place", "filer", "reference", "function", "version", "mrn", "tracking_id", "jurisdiction",
    "accepted_on", "received_at", "format", "channel", "items", "regime", "duty_micro", "tax_micro", "fee_micro",
    "currency", "law_digest", "security", "control", "record",
]  # fmt: skip
SIGNALS = ["consignment_id", "place", "profile", "lane", "score", "reason", "item"]
DECISIONS = [
    "consignment_id", "decided_at", "decided_by", "security", "control", "reasons", "law_digest", "lists",
    "risk_digest", "drawn_ppm",
]  # fmt: skip
POSTINGS = ["consignment_id", "item", "account", "debit_micro", "credit_micro", "currency", "charge"]
EVENTS = ["at", "filer", "message_id", "consignment_id", "kind", "body"]

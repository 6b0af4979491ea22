"""Reading what was lodged: records again from rows, a few queries for any number of consignments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import asyncpg
import msgspec

from tidewaiter.audit import leaf
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.finding import Finding
from tidewaiter.model.money import from_micro
from tidewaiter.model.outcome import Charge, Cleared, Decision, Posting, Signal, Totals
from tidewaiter.store import audit, vault
from tidewaiter.store.dispatches import Travel, travel_of

ID_MAX = 2**63 - 1


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line in a list of consignments. `duty`, `tax` and `fee` as in `Totals`."""

    id: int
    reference: str
    function: str
    filer: str
    jurisdiction: str
    received_at: datetime
    accepted_on: date
    channel: str | None
    items: int
    totals: Totals
    security: str
    control: str


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with when and by whom it was made, and under which law."""

    decided_at: datetime
    decided_by: str
    decision: Decision
    law_digest: str


class SentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that was sent."""

    sent_at: datetime
    answer: Answer


class StoredConsignment(msgspec.Struct, frozen=True, kw_only=True):
    """A consignment as stored. `record` lacks what is personal; `cleared` is what the corridor said when it came, or
    when its goods were presented, where that was later: at `presented_at`."""

    id: int
    message_id: int
    filer: str
    mrn: str | None
    received_at: datetime
    security: str
    control: str
    record: Consignment
    cleared: Cleared
    presented_at: datetime | None = None


class Behind(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind a consignment besides: decisions, answers and legs, and where the post says that it travels;
    `signals` are for officers."""

    decisions: tuple[Decided, ...]
    answers: tuple[SentAnswer, ...]
    postings: tuple[Posting, ...]
    signals: tuple[Signal, ...]
    travel: Travel = Travel()


async def sheet_columns(connection: asyncpg.Connection, *, filer: str, titles: bytes) -> dict[str, str]:
    """What the filer last said these headings stand for."""
    columns = await connection.fetchval(
        "select columns from sheet_columns where filer = $1 and titles = $2 order by id desc limit 1", filer, titles
    )
    return msgspec.json.decode(columns, type=dict[str, str]) if columns else {}


async def open_vault(
    connection: asyncpg.Connection, ids: Sequence[int], *, purpose: vault.Purpose, reader: str, at: datetime
) -> dict[int, Consignment]:
    """The whole records, with what is personal in them. That it was read, by whom and for what, is written down."""
    async with connection.transaction():
        await connection.execute(
            "insert into vault_reads (at, reader, purpose, consignment_ids) values ($1, $2, $3, $4)",
            at, reader, purpose, list(ids),
        )  # fmt: skip
        rows = await connection.fetch(
            "select c.id, c.record, v.private from consignments c left join vault v on v.consignment_id = c.id"
            " where c.id = any($1)",
            ids,
        )
        told = leaf.vault_read(at=at, by=reader, purpose=purpose, consignments=ids)
        if told:  # where nothing was asked for there is nothing to tell
            await audit.append(connection, told)
    return {row["id"]: vault.join(row["record"], row["private"]) for row in rows}


_PAGE = (
    "select id, reference, function, filer, jurisdiction, received_at, accepted_on, channel, items, duty_micro,"
    " tax_micro, fee_micro, currency, security, control from consignments where ($1::text is null or control = $1)"
    " and ($2::text is null or reference = $2) and "
)
_PAGE_BEFORE = _PAGE + "id < $3 order by id desc limit $4"
_PAGE_AFTER = _PAGE + "id > $3 order by id limit $4"


async def page(
    connection: asyncpg.Connection,
    *,
    control: str | None,
    reference: str | None,
    before: int | None,
    after: int | None,
    size: int,
) -> list[Row]:
    """Up to `size` consignments, newest first: the newest of all, or those next before or next after an id."""
    if reference is not None and "\x00" in reference:
        return []
    query = _PAGE_BEFORE if after is None else _PAGE_AFTER
    rows = await connection.fetch(query, control, reference, (before or ID_MAX) if after is None else after, size)
    found = [_row(row) for row in rows]
    return found[::-1] if after is not None else found


async def ids_of(connection: asyncpg.Connection, reference: str, *, filer: str | None) -> list[int]:
    """All consignments lodged under the reference, newest first; of one filer where it is named."""
    if "\x00" in reference:  # which PostgreSQL cannot even compare
        return []
    rows = await connection.fetch(
        "select id from consignments where reference = $1 and ($2::text is null or filer = $2) order by id desc",
        reference, filer,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def results(
    connection: asyncpg.Connection, message_ids: Sequence[int]
) -> dict[int, tuple[list[Finding], list[StoredConsignment]]]:
    """What became of each message: findings about the whole, and its consignments in order, repeats among them."""
    rows = await connection.fetch(
        "select message_id, consignment_id from (select message_id, id as consignment_id, place from consignments"
        " where message_id = any($1) union all select message_id, consignment_id, place from repeats"
        " where message_id = any($1)) held order by message_id, place",
        message_ids,
    )
    whole = await connection.fetch("select id, findings from messages where id = any($1)", message_ids)
    stored = await consignments(connection, [row["consignment_id"] for row in rows])
    found: dict[int, tuple[list[Finding], list[StoredConsignment]]] = {
        row["id"]: (_FINDINGS.decode(row["findings"]), []) for row in whole
    }
    for row in rows:
        found[row["message_id"]][1].append(stored[row["consignment_id"]])
    return found


async def consignments(connection: asyncpg.Connection, ids: Sequence[int]) -> dict[int, StoredConsignment]:
    """These consignments with what the corridor said of them; those that are not there are left out."""
    rows = await connection.fetch(
        "select c.*, m.source, d.security as first_security, d.control as first_control, d.reasons, r.findings,"
        " r.charges, p.findings as later_findings, p.charges as later_charges,"
        " p.presented_at"
        " from consignments c join messages m on m.id = c.message_id"
        " join results r on r.consignment_id = c.id left join presentations p on p.consignment_id = c.id"
        " join lateral (select * from decisions where consignment_id = c.id and decided_by = 'corridor'"
        " order by id desc limit 1) d on true"
        " where c.id = any($1)",
        ids,
    )
    return {
        row["id"]: StoredConsignment(
            id=row["id"],
            message_id=row["message_id"],
            filer=row["filer"],
            mrn=row["mrn"],
            received_at=row["received_at"],
            security=row["security"],
            control=row["control"],
            record=vault.join(row["record"], None),
            cleared=_cleared(row),
            presented_at=row["presented_at"],
        )
        for row in rows
    }


async def answers_of(connection: asyncpg.Connection, ids: Sequence[int]) -> dict[int, list[Answer]]:
    """The answers given about each of these consignments, in their order."""
    found: dict[int, list[Answer]] = {}
    for row in await connection.fetch(_GIVEN, ids):
        found.setdefault(row["consignment_id"], []).extend(_ANSWERS.decode(row["answers"]))
    return found


async def legs(connection: asyncpg.Connection, id: int) -> tuple[Posting, ...]:
    """What stands in the ledger about one consignment, in order."""
    rows = await connection.fetch(
        "select item, account, debit_micro, credit_micro, currency, charge from postings where consignment_id = $1"
        " order by id",
        id,
    )
    return tuple(Posting(**row) for row in rows)


async def behind(connection: asyncpg.Connection, id: int) -> Behind:
    """Everything else about one consignment."""
    decisions = await connection.fetch(
        "select decided_at, decided_by, security, control, reasons, law_digest from decisions"
        " where consignment_id = $1 order by id",
        id,
    )
    told = await connection.fetch(_GIVEN, [id])
    signals = await connection.fetch(
        "select profile, lane, score, reason, item from signals where consignment_id = $1 and place >= first_signal($1)"
        " order by place",
        id,
    )
    return Behind(
        decisions=tuple(
            Decided(
                decided_at=row["decided_at"],
                decided_by=row["decided_by"],
                decision=Decision(security=row["security"], control=row["control"], reasons=tuple(row["reasons"])),
                law_digest=row["law_digest"],
            )
            for row in decisions
        ),
        answers=tuple(
            SentAnswer(sent_at=row["sent_at"], answer=answer)
            for row in told
            for answer in _ANSWERS.decode(row["answers"])
        ),
        postings=await legs(connection, id),
        signals=tuple(Signal(**row) for row in signals),
        travel=await travel_of(connection, id),
    )


_GIVEN = (
    "select r.consignment_id, c.received_at as sent_at, r.answers, 0 as id from results r"
    " join consignments c on c.id = r.consignment_id where r.consignment_id = any($1)"
    " union all select consignment_id, sent_at, answers, id from later_answers where consignment_id = any($1)"
    " order by consignment_id, id"
)
"""The answers that lodging a consignment gave, and those that acts of people gave after."""
_FINDINGS = msgspec.json.Decoder(list[Finding])
_CHARGES = msgspec.json.Decoder(list[Charge])
_ANSWERS = msgspec.json.Decoder(list[Answer])


def _row(row: asyncpg.Record) -> Row:
    plain = {name: row[name] for name in Row.__struct_fields__ if name != "totals"}
    return Row(**plain, totals=_totals(row))


def _totals(row: asyncpg.Record) -> Totals:
    duty, tax, fee = (
        None if row[name] is None else str(from_micro(row[name])) for name in ("duty_micro", "tax_micro", "fee_micro")
    )
    return Totals(duty=duty, tax=tax, fee=fee, currency=row["currency"])


def _cleared(row: asyncpg.Record) -> Cleared:
    return Cleared(
        reference=row["reference"],
        format=row["format"],
        source=row["source"],
        jurisdiction=row["jurisdiction"],
        accepted_on=row["accepted_on"],
        function=row["function"],
        regime=row["regime"],
        items=row["items"],
        findings=tuple(_FINDINGS.decode(row["later_findings"] or row["findings"])),
        charges=tuple(_CHARGES.decode(row["later_charges"] or row["charges"])),
        totals=_totals(row),
        decision=Decision(security=row["first_security"], control=row["first_control"], reasons=tuple(row["reasons"])),
        law_digest=row["law_digest"],
    )

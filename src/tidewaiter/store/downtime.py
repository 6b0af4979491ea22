"""What an office must know while the system is down, and what was decided by hand meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import msgspec

from tidewaiter.audit import leaf
from tidewaiter.store import audit


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A consignment with what it is found by, and where it stands. `id` is our number of it. Nothing personal."""

    id: int
    filer: str
    reference: str
    tracking_id: str | None
    mrn: str | None
    items: int
    received_at: datetime
    security: str
    control: str


class HandDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What a person decided of a consignment that stood `was`: where it stands on control since."""

    id: int
    was: str
    control: str
    decided_at: datetime
    decided_by: str


async def jurisdictions(connection: asyncpg.Connection, since: datetime) -> list[str]:
    """Those for which anything was lodged since then."""
    found = await connection.fetch(
        "select distinct jurisdiction from consignments where received_at >= $1 order by 1", since
    )
    return [row["jurisdiction"] for row in found]


async def standing(
    connection: asyncpg.Connection, *, jurisdiction: str, since: datetime, size: int
) -> tuple[list[Standing], int]:
    """The newest `size` consignments that were accepted since then, newest first; and how many there are in all."""
    where = "from consignments where jurisdiction = $1 and received_at >= $2 and control <> 'not_accepted'"
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        total = await connection.fetchval(f"select count(*) {where}", jurisdiction, since)
        found = await connection.fetch(
            "select id, filer, reference, tracking_id, mrn, items, received_at, security, control"
            f" {where} order by id desc limit $3",
            jurisdiction, since, size,
        )  # fmt: skip
    return [Standing(**row) for row in found], total


async def enter(connection: asyncpg.Connection, decisions: Sequence[HandDecision], *, at: datetime) -> list[bool]:
    """Whether each of these decisions was entered, one after the other: only where the consignment stood as it says.

    All that are entered are in one transaction. `at` is when they are entered.
    """
    done: list[bool] = []
    told: list[leaf.Leaf] = []
    async with connection.transaction():
        ids = sorted({one.id for one in decisions})
        await connection.execute("select from consignments where id = any($1) order by id for update", ids)
        for one in decisions:
            row = await connection.fetchrow(
                "update consignments set control = $3 where id = $1 and control = $2"
                " returning filer, message_id, security, law_digest",
                one.id, one.was, one.control,
            )  # fmt: skip
            done.append(row is not None)
            if row is None:
                continue
            await connection.execute(
                "insert into decisions (consignment_id, decided_at, decided_by, security, control, reasons, law_digest)"
                " values ($1, $2, $3, $4, $5, '{}', $6)",
                one.id, one.decided_at, one.decided_by, row["security"], one.control, row["law_digest"],
            )  # fmt: skip
            body = {"security": row["security"], "control": one.control, "answers": [], "by_hand": True}
            await connection.execute(
                "insert into events (at, filer, message_id, consignment_id, kind, body)"
                " values ($1, $2, $3, $4, 'decided', $5)",
                at, row["filer"], row["message_id"], one.id, msgspec.json.encode(body),
            )  # fmt: skip
            decision = (one.id, row["security"], one.control)
            told += leaf.decided(at=one.decided_at, by=one.decided_by, decisions=[decision])
        if told:
            await audit.append(connection, told)
    return done


async def last_decision(connection: asyncpg.Connection, id: int) -> tuple[str, datetime, str] | None:
    """Where the consignment stands on control, and since when and by whom; None where there is no such."""
    row = await connection.fetchrow(
        "select c.control, d.decided_at, d.decided_by from consignments c"
        " join decisions d on d.consignment_id = c.id where c.id = $1 order by d.id desc limit 1",
        id,
    )
    return tuple(row) if row else None


async def has(connection: asyncpg.Connection, one: HandDecision) -> bool:
    """Whether this very decision was entered before."""
    return bool(
        await connection.fetchval(
            "select exists (select from decisions where consignment_id = $1 and control = $2 and decided_at = $3"
            " and decided_by = $4)",
            one.id, one.control, one.decided_at, one.decided_by,
        )
    )  # fmt: skip

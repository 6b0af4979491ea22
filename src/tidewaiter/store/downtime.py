"""What an office must know while the system is down."""

from __future__ import annotations

from datetime import datetime

import asyncpg
import msgspec


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

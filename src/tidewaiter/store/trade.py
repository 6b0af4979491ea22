"""Documents of trade that wait to be matched: found again by the order they are of and the numbers they share."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from tidewaiter.matching import Sealed
from tidewaiter.matching.meeting import Named, Order

COLUMNS = [
    "message_id", "place", "jurisdiction", "kind", "number", "order_number", "payment", "waybill", "received_at",
    "sealed",
]  # fmt: skip

_FIND = """
with named as (select * from unnest($3::text[], $4::text[], $5::text[]) as n(jurisdiction, kind, number)),
found as (
    select d.id from unnest($1::text[], $2::text[]) as o(jurisdiction, number)
        join trade_documents d on d.jurisdiction = o.jurisdiction and d.order_number = o.number and o.number <> ''
    union
    select d.id from named n join trade_documents d using (jurisdiction, kind, number)
    union
    select d.id from named n join trade_documents d
        on n.kind = 'payment' and d.jurisdiction = n.jurisdiction and d.payment = n.number and d.payment <> ''
    union
    select d.id from named n join trade_documents d
        on n.kind = 'waybill' and d.jurisdiction = n.jurisdiction and d.waybill = n.number and d.waybill <> ''
)
select sealed from trade_documents where id in (select id from found) order by id
"""


def rows(message_id: int, documents: Sequence[Sealed]) -> Iterator[tuple[Any, ...]]:
    """The rows of the documents of a message, by `COLUMNS`."""
    for place, one in enumerate(documents):
        yield (
            message_id, place, one.jurisdiction, one.kind, one.number, one.order, one.payment, one.waybill,
            one.received_at, msgspec.json.encode(one),
        )  # fmt: skip


async def find(connection: asyncpg.Connection, *, orders: Collection[Order], named: Collection[Named]) -> list[Sealed]:
    """All documents of these orders, and all that have or name one of these numbers."""
    found = await connection.fetch(
        _FIND,
        [country for country, _ in orders], [number for _, number in orders],
        [country for country, _, _ in named], [kind for _, kind, _ in named], [number for _, _, number in named],
    )  # fmt: skip
    return [msgspec.json.decode(row["sealed"], type=Sealed) for row in found]


async def orders_between(
    connection: asyncpg.Connection, *, jurisdiction: str, since: datetime, until: datetime, size: int
) -> list[Order]:
    """Up to `size` orders of which a document came from `since` on and before `until`, by their number."""
    found = await connection.fetch(
        "select distinct order_number from trade_documents where jurisdiction = $1 and received_at >= $2"
        " and received_at < $3 and order_number <> '' order by order_number limit $4",
        jurisdiction, since, until, size,
    )  # fmt: skip
    return [(jurisdiction, row["order_number"]) for row in found]

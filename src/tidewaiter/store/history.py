"""What is kept of consignments for the sake of later ones, and what of it is looked up for a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from tidewaiter.model.consignment import Consignment
from tidewaiter.model.outcome import Remembered, RememberedGoods
from tidewaiter.risk.history import EPOCH, NEWEST, RECENT_D, REMEMBERED_D, Event, Found, OfSeller, Wanted
from tidewaiter.store.access import Connect

_KEPT = [name for name in Remembered.__struct_fields__ if name not in ("goods", "figures")]
_OF = attrgetter(*_KEPT)
COLUMNS = ["consignment_id", *_KEPT]
FIGURES = ["consignment_id", "figures"]
GOODS = ["consignment_id", "at", "jurisdiction", "seller", "platform", *RememberedGoods._fields]
GOODS_MAX = 2_000_000
"""Of so many goods, the newest, a table of prices is made."""
TABLE_LOCK = 0x7072_6963
"""The advisory lock under which one process makes a table of prices at a time."""
_STALE_D = REMEMBERED_D - 2 * RECENT_D
"""After so many days what a person is known by is kept anew, so that it is known for as long as what it had counts."""


def row(id: int, kept: Remembered) -> tuple[Any, ...]:
    """The row of a consignment, by `COLUMNS`."""
    return (id, *_OF(kept))


def goods_rows(id: int, kept: Remembered) -> Iterator[tuple[Any, ...]]:
    """The rows of the goods of a consignment, by `GOODS`."""
    head = (id, kept.at, kept.jurisdiction, kept.seller, kept.platform)
    return ((*head, *goods) for goods in kept.goods)


async def take_out(connection: asyncpg.Connection, cancellations: Sequence[tuple[str, Consignment]]) -> None:
    """What was cancelled counts for nobody from now on. Each cancellation with its filer."""
    if cancellations:
        await connection.execute(
            "select take_out_of_history($1, $2, $3)",
            [filer for filer, _ in cancellations],
            [record.reference for _, record in cancellations],
            [record.mrn for _, record in cancellations],
        )


_PRICES_SINCE = (
    "select jurisdiction, code, origin, platform, price_per_kg_micro, price_per_unit_micro from history_goods"
    " where at >= $1 and not is_cancelled order by at desc limit $2"
)


class PricesKept(NamedTuple):
    """A table of prices: its number, when it was made, and of how many goods."""

    number: int
    at: datetime
    goods: int


class HistoryKept:
    """What is kept for the sake of later ones. Every method takes a connection for itself."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def find(self, wanted: Wanted, *, at: datetime) -> Found:
        """What is known of these keys at that instant, by one query."""
        keys, others = [key for key, _ in wanted.counts], [other for _, other in wanted.counts]
        async with self._connect() as connection:
            rows = await connection.fetch(
                "select * from recalled($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                *wanted.persons, wanted.identities, wanted.sellers, wanted.places, keys, others,
                at, timedelta(days=RECENT_D), timedelta(days=REMEMBERED_D), NEWEST,
            )  # fmt: skip
        return _found(rows, at=at)

    async def to_same_person(self, consignment_id: int, *, size: int) -> list[int]:
        """The numbers of up to `size` others that the person of a consignment had within `RECENT_D` days before or
        after it, newest first; nothing where nobody is known again by it."""
        async with self._connect() as connection:
            rows = await connection.fetch(
                "select o.consignment_id from history h join history o on o.consignee = h.consignee"
                " where h.consignment_id = $1 and o.consignment_id <> $1 and not o.is_cancelled"
                " and o.jurisdiction = h.jurisdiction and o.at between h.at - $2::interval and h.at + $2::interval"
                " order by o.at desc, o.consignment_id desc limit $3",
                consignment_id, timedelta(days=RECENT_D), size,
            )  # fmt: skip
        return [row["consignment_id"] for row in rows]

    async def prices(self, number: int) -> bytes | None:
        """The state of a table of prices; None where a newer one has taken its place."""
        async with self._connect() as connection:
            found: bytes | None = await connection.fetchval("select state from price_tables where number = $1", number)
        return found

    async def newest_prices(self) -> PricesKept | None:
        """The table of prices that holds; None where none was ever made."""
        async with self._connect() as connection:
            row = await connection.fetchrow("select number, at, goods from price_tables order by number desc limit 1")
        return None if row is None else PricesKept(*row)

    async def goods(self, *, since: datetime, file: Path) -> None:
        """Writes the goods accepted since then, the newest `GOODS_MAX`, into a file: CSV with the columns of PRICES
        (`risk.history`)."""
        async with self._connect() as connection:
            await connection.copy_from_query(_PRICES_SINCE, since, GOODS_MAX, output=file, format="csv")

    async def keep_prices(self, state: bytes, *, goods: int, at: datetime, after: datetime) -> bool:
        """Whether the table was written down, in the place of that which held: not where another process has made one
        later than `after`, or is about to."""
        async with self._connect() as connection, connection.transaction():
            mine = await connection.fetchval("select pg_try_advisory_xact_lock($1)", TABLE_LOCK)
            if not mine or await connection.fetchval("select exists (select from price_tables where at > $1)", after):
                return False
            await connection.execute(
                "insert into price_tables (at, goods, state) values ($1, $2, $3)", at, goods, state
            )
            await connection.execute("delete from price_tables where number < (select max(number) from price_tables)")
        return True

    async def forget(self, *, before: datetime) -> int:
        """How many were forgotten: those accepted before that instant, and all that rests on them alone."""
        async with self._connect() as connection:
            done: int = await connection.fetchval("select forget_history($1)", before)
        return done


def _found(rows: Sequence[asyncpg.Record], *, at: datetime) -> Found:
    persons: dict[int, tuple[int, int]] = {}
    newest: dict[int, int] = {}
    events: list[tuple[int, str, Event]] = []
    sellers: list[OfSeller] = []
    counts: list[tuple[int, int, int]] = []
    table: int | None = None
    results: list[tuple[int, int, int]] = []
    day = (at - EPOCH).days
    pairs: dict[str, list[tuple[int, int]]] = {"names": [], "sellers_at": []}
    for part, key, other, country, first, count, week, just, near in rows:
        if part == "person":
            # Of two that gave the same the first holds.
            persons[key] = min(persons.get(key, (first, other)), (first, other))
            newest[key] = max(newest.get(key, first), first)
        elif part == "event":
            events.append((key, country, Event(first, other, count)))
        elif part == "seller":
            sellers.append(OfSeller(key, first, count, week, just, near, day))
        elif part == "count":
            counts.append((key, other, count))
        elif part == "table":
            table = key
        elif part == "result":
            results.append((key, count, week))
        else:
            pairs[part].append((key, other))
    events.sort(key=_when)
    old = (at - EPOCH - timedelta(days=_STALE_D)) // timedelta(microseconds=1)
    return Found(
        persons={key: person for key, (_, person) in persons.items()},
        stale=[key for key, on in newest.items() if on < old],
        events=events, sellers=sellers, counts=counts, results=results, table=table, **pairs,
    )  # fmt: skip


def _when(event: tuple[int, str, Event]) -> int:
    return event[2].at

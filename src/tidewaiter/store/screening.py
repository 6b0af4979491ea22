"""Lists of denied parties as they are kept, and who was screened by which of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime

import asyncpg
import msgspec

from tidewaiter.model.outcome import Signal


class ListRow(msgspec.Struct, frozen=True, kw_only=True):
    """A state of a list without the parties on it. `digest` is the SHA-256 of its file."""

    id: int
    source: str
    digest: str
    dated: date | None
    parties: int
    taken_at: datetime
    taken_by: str


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A consignment, and the lists its parties were last screened by; empty where by none."""

    id: int
    reference: str
    lists: tuple[int, ...]


class Screened(msgspec.Struct, frozen=True, kw_only=True):
    """What came of screening a consignment again: the new signals."""

    id: int
    signals: tuple[Signal, ...]


_HELD = (
    "select distinct on (source) id, source, digest, dated, parties, taken_at, taken_by from denied_lists"
    " order by source, id desc"
)
_ADD = (
    "insert into denied_lists (source, digest, dated, parties, taken_at, taken_by, state)"
    " values ($1, $2, $3, $4, $5, $6, $7) returning id, source, digest, dated, parties, taken_at, taken_by"
)
_STANDING = (
    "select c.id, c.reference, coalesce((select l.lists from ("
    " select s.lists, s.at from screenings s where s.consignment_id = c.id union all"
    " select d.lists, d.decided_at from decisions d where d.consignment_id = c.id and d.decided_by = 'corridor'"
    # Of two at one instant the later is by the newer lists, which have higher numbers.
    ") l order by l.at desc, l.lists desc nulls last limit 1), '{}') as lists"
    " from consignments c where c.id > $1 and c.received_at >= $2 and c.function = 'original'"
    " and c.control <> 'not_accepted' order by c.id limit $3"
)


class Screening:
    """The lists, and what was screened by them."""

    def __init__(self, connection: Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]) -> None:
        self._connection = connection

    async def held(self) -> list[ListRow]:
        """The lists that hold, by their source."""
        async with self._connection() as connection:
            return [ListRow(**row) for row in await connection.fetch(_HELD)]

    async def state(self, id: int) -> bytes | None:
        """The parties on a list in one state; None where there is none such."""
        async with self._connection() as connection:
            found: bytes | None = await connection.fetchval("select state from denied_lists where id = $1", id)
            return found

    async def add(
        self, *, source: str, digest: str, dated: date | None, parties: int, at: datetime, by: str, state: bytes
    ) -> ListRow:
        """Writes down a state of a list, which holds from now on."""
        async with self._connection() as connection:
            row = await connection.fetchrow(_ADD, source, digest, dated, parties, at, by, state)
            return ListRow(**row)

    async def standing(self, *, after: int, since: datetime, size: int) -> list[Standing]:
        """Up to `size` consignments that were received since then, by their ids, those after one."""
        async with self._connection() as connection:
            rows = await connection.fetch(_STANDING, after, since, size)
            return [Standing(id=row["id"], reference=row["reference"], lists=tuple(row["lists"])) for row in rows]

    async def keep(self, screened: Sequence[Screened], *, lists: Sequence[int], at: datetime) -> None:
        """Writes down what was screened again, by which lists, and what was seen; all of it or nothing. What somebody
        else screened by the same lists meanwhile is left as it is."""
        async with self._connection() as connection, connection.transaction():
            ids = [one.id for one in screened]
            # Whoever else screens these consignments waits, since the place of a signal is its number.
            await connection.execute("select from consignments where id = any($1) order by id for update", ids)
            rows = await connection.fetch(
                "select consignment_id from screenings where consignment_id = any($1) and lists = $2", ids, list(lists)
            )
            done = {row["consignment_id"] for row in rows}
            screened = [one for one in screened if one.id not in done]
            await connection.copy_records_to_table(
                "screenings",
                records=[(one.id, at, list(lists), len(one.signals)) for one in screened],
                columns=["consignment_id", "at", "lists", "hits"],
            )
            hit = [one for one in screened if one.signals]
            if not hit:
                return
            ids = [one.id for one in hit]
            rows = await connection.fetch(
                "select consignment_id, max(place) as place from signals where consignment_id = any($1) group by 1", ids
            )
            last = {row["consignment_id"]: row["place"] for row in rows}
            await connection.copy_records_to_table(
                "signals",
                records=[
                    (one.id, place, s.profile, s.lane, s.score, s.reason, s.item)
                    for one in hit
                    for place, s in enumerate(one.signals, last.get(one.id, -1) + 1)
                ],
                columns=["consignment_id", "place", "profile", "lane", "score", "reason", "item"],
            )

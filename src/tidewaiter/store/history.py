"""What is kept of consignments for the sake of later ones, and what of it is looked up for a batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import polars as pl

from tidewaiter.model.outcome import Remembered
from tidewaiter.risk.history import CONSIGNMENTS, NEWEST, RECENT_D, REMEMBERED_D, Found, Wanted
from tidewaiter.store.access import Connect

_KEPT = [name for name in Remembered.__struct_fields__ if name not in ("person_keys", "figures")]
COLUMNS = ["consignment_id", *_KEPT]
PERSONS = ["consignment_id", "key", "person"]
FIGURES = ["consignment_id", "figures"]

_LOOK_UP = """
with known as (
    select distinct on (key) key, person from history_persons where key = any($1::text[]) order by key, consignment_id
),
found as (
    select 'recent' as part, h.* from (select distinct person from known) w cross join lateral (
        select s.* from standing_history s where s.consignee = w.person and s.at > $6
        order by s.at desc, s.consignment_id desc limit $8
    ) h
    union select 'recent', h.* from unnest($2::text[]) w(key) cross join lateral (
        select s.* from standing_history s where s.identity = w.key and s.at > $7
        order by s.at desc, s.consignment_id desc limit $8
    ) h
    union select 'parties', h.* from unnest($3::text[]) w(key) cross join lateral (
        select s.* from standing_history s where s.seller = w.key and s.at > $7
        order by s.at desc, s.consignment_id desc limit $9
    ) h
    union select 'parties', h.* from unnest($3::text[]) w(key) cross join lateral (
        select s.* from standing_history s where s.seller = w.key and s.at > $7 order by s.at, s.consignment_id limit 1
    ) h
    union select 'parties', h.* from unnest($4::text[]) w(key) cross join lateral (
        select s.* from standing_history s where s.seller_place = w.key and s.at > $7
        order by s.at desc, s.consignment_id desc limit $9
    ) h
    union select 'parties', h.* from unnest($5::text[]) w(key) cross join lateral (
        select s.* from standing_history s where s.scheme = w.key and s.at > $7
        order by s.at desc, s.consignment_id desc limit $9
    ) h
)
select f.*, null as key, null::bigint as person from found f
union all select 'person', (null::history).*, key, person from known
order by at, consignment_id
"""


def rows(id: int, kept: Remembered) -> tuple[Any, ...]:
    """The row of a consignment, by `COLUMNS`."""
    return (id, *(getattr(kept, name) for name in _KEPT))


def persons(id: int, kept: Remembered) -> list[tuple[int, str, int]]:
    """What its consignee is known by from now on, by `PERSONS`."""
    return [] if kept.consignee is None else [(id, key, kept.consignee) for key in kept.person_keys]


class HistoryKept:
    """What is kept for the sake of later ones. Every method takes a connection for itself."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def find(self, wanted: Wanted, *, at: datetime) -> Found:
        """What is known of these keys at that instant, by one query."""
        asked = (wanted.persons, wanted.identities, wanted.sellers, wanted.places, wanted.schemes)
        async with self._connect() as connection:
            found = await connection.fetch(
                _LOOK_UP,
                *(list(keys) for keys in asked),
                at - timedelta(days=RECENT_D),
                at - timedelta(days=REMEMBERED_D),
                NEWEST["recent"],
                NEWEST["parties"],
            )
        parts: dict[str, list[asyncpg.Record]] = defaultdict(list)
        for row in found:
            parts[row["part"]].append(row)
        return Found(
            persons={row["key"]: row["person"] for row in parts["person"]},
            recent=_framed(parts["recent"]),
            parties=_framed(parts["parties"]),
        )

    async def figures_of(self, consignment_id: int) -> bytes | None:
        """What was known of what came before a consignment when it was lodged, as `past_again` reads it."""
        async with self._connect() as connection:
            found: bytes | None = await connection.fetchval(
                "select figures from known_before where consignment_id = $1", consignment_id
            )
        return found

    async def forget(self, *, before: datetime) -> int:
        """How many were forgotten: those accepted before that instant, and what persons were known by since then."""
        async with self._connect() as connection, connection.transaction():
            done = await connection.execute("delete from history where at < $1", before)
            await connection.execute(
                "delete from history_persons p where not exists (select from history h where h.consignee = p.person)"
            )
        return int(done.split()[-1])


def _framed(found: Sequence[asyncpg.Record]) -> pl.DataFrame:
    columns = {name: [row[name] for row in found] for name in _KEPT}
    return pl.DataFrame(
        {"row": [0] * len(found), **columns}, schema={name: CONSIGNMENTS[name] for name in ("row", *_KEPT)}
    ).select(CONSIGNMENTS.names())

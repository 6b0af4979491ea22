"""What inspections found, what waits for one, and who was picked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec

from tidewaiter.audit import leaf
from tidewaiter.model.inspection import Inspection
from tidewaiter.store import audit
from tidewaiter.store.access import Connect
from tidewaiter.store.acts import MovedOn

WAITING = ("examine", "documents_requested", "hold")
"""The states of control in which a consignment waits for an officer."""


class Selected(msgspec.Struct, frozen=True, kw_only=True):
    """Who was picked for a shift, and what it followed from."""

    id: int
    at: datetime
    actor: str
    jurisdiction: str
    shift: str
    inputs: dict[str, Any]
    picks: list[dict[str, Any]]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A consignment with what is learnt from it: the day, the profiles that saw it, the probability at which it fell to
    the random draw (null where that was not kept), what was found, where somebody looked, and how large its filer was
    when it came, by how many were lodged before."""

    id: int
    accepted_on: date
    filed_before: int
    profiles: tuple[str, ...]
    drawn_ppm: int | None = None
    inspection: Inspection | None = None


class Inspections:
    """Inspections as they are kept. Every method takes a connection for itself."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def record(self, found: Inspection, *, policy: str) -> Inspection:
        """The inspection as written down, with its number, told to the audit log.

        Raises MovedOn where another has corrected or made the same before.
        """
        try:
            async with self._connect() as connection, connection.transaction():
                id = await connection.fetchval(
                    "insert into inspections (consignment_id, at, officer, policy, results, recovered_micro, currency,"
                    " minutes, supersedes) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id",
                    found.consignment_id, found.at, found.officer, policy, list(found.results), found.recovered_micro,
                    found.currency, found.minutes, found.supersedes,
                )  # fmt: skip
                told = leaf.Inspected(
                    at=found.at, by=found.officer, consignment=found.consignment_id, inspection=id,
                    results=tuple(found.results), supersedes=found.supersedes,
                )  # fmt: skip
                await audit.append(connection, [told])
        except asyncpg.UniqueViolationError:
            raise MovedOn(found.consignment_id) from None
        return msgspec.structs.replace(found, id=id)

    async def of(self, consignment_id: int) -> list[Inspection]:
        """The inspections of a consignment, oldest first: the last stands."""
        async with self._connect() as connection:
            rows = await connection.fetch(
                "select * from inspections where consignment_id = $1 order by id", consignment_id
            )
        return [_inspection(row) for row in rows]

    async def judged(self, *, jurisdiction: str, since: date, until: date, after: int, size: int) -> list[Judged]:
        """Up to `size` original imports accepted from `since` on and before `until`, with numbers above `after`."""
        async with self._connect() as connection:
            rows = await connection.fetch(_JUDGED, jurisdiction, since, until, after, size)
        return [
            Judged(
                id=row["consignment"], accepted_on=row["accepted_on"], filed_before=row["filed_before"],
                profiles=tuple(row["profiles"]), drawn_ppm=row["drawn_ppm"],
                inspection=_inspection(row) if row["id"] is not None else None,
            )
            for row in rows
        ]  # fmt: skip

    async def waiting(self, *, jurisdiction: str, size: int) -> list[int]:
        """The numbers of up to `size` consignments that wait for an officer and were not looked at, oldest first."""
        async with self._connect() as connection:
            rows = await connection.fetch(
                "select c.id from consignments c where c.jurisdiction = $1 and c.control = any($2)"
                " and not exists (select from inspections i where i.consignment_id = c.id) order by c.id limit $3",
                jurisdiction, list(WAITING), size,
            )  # fmt: skip
        return [row["id"] for row in rows]

    async def signals_of(self, ids: Collection[int]) -> dict[int, list[tuple[str, str, int, str]]]:
        """What risk saw in each: profile, lane, score and reason, in order."""
        async with self._connect() as connection:
            rows = await connection.fetch(
                "select consignment_id, profile, lane, score, reason from signals where consignment_id = any($1)"
                " order by consignment_id, place",
                list(ids),
            )
        found: dict[int, list[tuple[str, str, int, str]]] = {}
        for id, *told in rows:
            found.setdefault(id, []).append((told[0], told[1], told[2], told[3]))
        return found

    async def keep_selection(
        self, *, at: datetime, actor: str, policy: str, jurisdiction: str, shift: str, inputs: dict[str, Any],
        picks: Sequence[dict[str, Any]],
    ) -> int:  # fmt: skip
        """The number of the selection, now kept."""
        async with self._connect() as connection:
            id: int = await connection.fetchval(
                "insert into selections (at, actor, policy, jurisdiction, shift, inputs, picks)"
                " values ($1, $2, $3, $4, $5, $6, $7) returning id",
                at, actor, policy, jurisdiction, shift, msgspec.json.encode(inputs), msgspec.json.encode(picks),
            )  # fmt: skip
        return id

    async def selection(self, *, jurisdiction: str, id: int | None = None) -> Selected | None:
        """The selection of that number, or the newest of the country."""
        async with self._connect() as connection:
            row = await connection.fetchrow(
                "select * from selections where jurisdiction = $1 and ($2::bigint is null or id = $2)"
                " order by id desc limit 1",
                jurisdiction, id,
            )  # fmt: skip
        if row is None:
            return None
        told = {name: row[name] for name in Selected.__struct_fields__}
        return Selected(
            **{**told, "inputs": msgspec.json.decode(row["inputs"]), "picks": msgspec.json.decode(row["picks"])}
        )


_JUDGED = (
    "select c.id as consignment, c.accepted_on, i.*,"
    " (select count(*) from consignments b where b.filer = c.filer and b.id < c.id) as filed_before,"
    " (select d.drawn_ppm from decisions d where d.consignment_id = c.id order by d.id limit 1) as drawn_ppm,"
    " array(select s.profile from signals s where s.consignment_id = c.id order by s.place) as profiles"
    " from consignments c left join inspections i on i.consignment_id = c.id"
    " and not exists (select from inspections later where later.supersedes = i.id)"
    " where c.jurisdiction = $1 and c.accepted_on >= $2 and c.accepted_on < $3 and c.id > $4"
    " and c.function = 'original' and c.control <> 'not_accepted' order by c.id limit $5"
)


def _inspection(row: asyncpg.Record) -> Inspection:
    told = {name: row[name] for name in Inspection.__struct_fields__}
    return Inspection(**{**told, "results": tuple(row["results"])})

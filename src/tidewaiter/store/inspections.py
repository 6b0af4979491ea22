"""What inspections found, what waits for one, and who was picked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec

from tidewaiter.audit import leaf
from tidewaiter.model.inspection import Inspection
from tidewaiter.model.outcome import Signal
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
    when it came, by how many were lodged before. `known_before` is what was known of what came before it, as
    `pasts_again` reads it, null where nothing was looked up."""

    id: int
    accepted_on: date
    filed_before: int
    profiles: tuple[str, ...]
    known_before: str | None = None
    drawn_ppm: int | None = None
    inspection: Inspection | None = None


class DecidedUnder(msgspec.Struct, frozen=True, kw_only=True):
    """What the corridor decided a consignment under: the digest of the profiles, and the states of lists by their ids;
    and what risk saw then."""

    risk_digest: str
    lists: tuple[int, ...]
    signals: tuple[Signal, ...]


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

    async def judged(
        self, *, jurisdiction: str, since: date, until: date, after: int, size: int, known_at: datetime | None = None
    ) -> list[Judged]:
        """Up to `size` original imports accepted from `since` on and before `until`, with numbers above `after`, each
        with what was found as it stood at `known_at`, or stands now: what a later inspection corrects stood until then.
        """
        async with self._connect() as connection:
            rows = await connection.fetch(_JUDGED, jurisdiction, since, until, after, size, known_at)
        return [
            Judged(
                id=row["consignment"], accepted_on=row["accepted_on"], filed_before=row["filed_before"],
                profiles=tuple(row["profiles"]), known_before=row["known_before"], drawn_ppm=row["drawn_ppm"],
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

    async def signals_of(
        self, ids: Collection[int], *, known_at: datetime | None = None
    ) -> dict[int, list[tuple[str, str, int, str]]]:
        """What risk saw in each: profile, lane, score and reason, in order; without what was seen when it was screened
        again after `known_at`."""
        async with self._connect() as connection:
            rows = await connection.fetch(_SIGNALS, list(ids), [known_at] * len(ids))
        found: dict[int, list[tuple[str, str, int, str]]] = {}
        for id, *told, _ in rows:
            found.setdefault(id, []).append((told[0], told[1], told[2], told[3]))
        return found

    async def decided(self, ids: Collection[int]) -> dict[int, DecidedUnder]:
        """What the corridor decided each under, and what it saw then. Left out is what it did not decide."""
        async with self._connect() as connection:
            decisions = await connection.fetch(
                "select distinct on (consignment_id) consignment_id, decided_at, risk_digest, lists from decisions"
                " where consignment_id = any($1) and risk_digest is not null order by consignment_id, id desc",
                list(ids),
            )
            then = [row["decided_at"] for row in decisions]
            rows = await connection.fetch(_SIGNALS, [row["consignment_id"] for row in decisions], then)
        seen: dict[int, list[Signal]] = {}
        for id, *told in rows:
            seen.setdefault(id, []).append(Signal(**dict(zip(_SIGNAL, told, strict=True))))
        return {
            id: DecidedUnder(risk_digest=digest, lists=tuple(lists or ()), signals=tuple(seen.get(id, ())))
            for id, _, digest, lists in decisions
        }

    async def known_before(self, ids: Collection[int]) -> dict[int, str]:
        """What was known of what came before each when it was decided on, as `pasts_again` reads it."""
        async with self._connect() as connection:
            rows = await connection.fetch(
                "select k.consignment_id, coalesce(p.figures, k.figures) from known_before k"
                " left join seen_when_presented p using (consignment_id) where k.consignment_id = any($1)",
                list(ids),
            )
        return dict(map(tuple, rows))

    async def scored(self, ids: Collection[int]) -> dict[int, str]:
        """By our number, the digest of the model by whose chance each was picked; where several queues picked it, by
        the last. Left out are those that were picked otherwise, or not."""
        async with self._connect() as connection:
            rows = await connection.fetch(
                "select distinct on (p.consignment_id) p.consignment_id, p.how, s.model from picks p"
                " join selections s on s.id = p.selection where p.consignment_id = any($1) and p.how is not null"
                " order by p.consignment_id, p.selection desc",
                list(ids),
            )
        return {id: model for id, how, model in rows if how == "loss" and model is not None}

    async def keep_selection(
        self, *, at: datetime, actor: str, policy: str, jurisdiction: str, shift: str, inputs: dict[str, Any],
        picks: Sequence[dict[str, Any]],
    ) -> int:  # fmt: skip
        """The number of the selection, now kept."""
        async with self._connect() as connection, connection.transaction():
            id: int = await connection.fetchval(
                "insert into selections (at, actor, policy, jurisdiction, shift, inputs)"
                " values ($1, $2, $3, $4, $5, $6) returning id",
                at, actor, policy, jurisdiction, shift, msgspec.json.encode(inputs),
            )  # fmt: skip
            await connection.copy_records_to_table(
                "picks",
                records=[(id, pick["id"], *(pick[name] for name in _PICK)) for pick in picks],
                columns=["selection", "consignment_id", *_PICK],
            )
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
            picks = await connection.fetch(
                "select consignment_id as id, office, lane, how, place, propensity_ppm from picks"
                " where selection = $1 order by consignment_id",
                row["id"],
            )
        told = {name: row[name] for name in Selected.__struct_fields__ if name != "picks"}
        told["inputs"] = msgspec.json.decode(row["inputs"])
        return Selected(**told, picks=[{**pick, "shift": row["shift"]} for pick in picks])


_PICK = ("office", "lane", "how", "place", "propensity_ppm")
_SIGNAL = ("profile", "lane", "score", "reason", "item")
_SIGNALS = (
    "select s.consignment_id, s.profile, s.lane, s.score, s.reason, s.item from signals s"
    " join unnest($1::bigint[], $2::timestamptz[]) as d(id, at) on d.id = s.consignment_id"
    # What was seen when it was screened again has the last places.
    " where s.place >= first_signal(s.consignment_id) and (d.at is null"
    " or (select count(*) from signals l where l.consignment_id = s.consignment_id and l.place >= s.place)"
    " > (select coalesce(sum(n.hits), 0) from screenings n where n.consignment_id = s.consignment_id and n.at > d.at))"
    " order by s.consignment_id, s.place"
)
_JUDGED = (
    "select c.id as consignment, c.accepted_on, coalesce(p.figures, k.figures) as known_before, i.*,"
    " (select count(*) from consignments b where b.filer = c.filer and b.id < c.id) as filed_before,"
    " (select d.drawn_ppm from decisions d where d.consignment_id = c.id and d.decided_by = 'corridor'"
    " order by d.id desc limit 1) as drawn_ppm,"
    " array(select s.profile from signals s where s.consignment_id = c.id and s.place >= first_signal(c.id)"
    " order by s.place) as profiles"
    " from consignments c left join known_before k on k.consignment_id = c.id"
    " left join seen_when_presented p on p.consignment_id = c.id"
    " left join inspections i on i.consignment_id = c.id and ($6::timestamptz is null or i.at <= $6)"
    " and not exists (select from inspections later where later.supersedes = i.id"
    " and ($6::timestamptz is null or later.at <= $6))"
    " where c.jurisdiction = $1 and c.accepted_on >= $2 and c.accepted_on < $3 and c.id > $4"
    " and c.function = 'original' and c.control not in ('lodged', 'not_accepted') order by c.id limit $5"
)


def _inspection(row: asyncpg.Record) -> Inspection:
    told = {name: row[name] for name in Inspection.__struct_fields__}
    return Inspection(**{**told, "results": tuple(row["results"])})

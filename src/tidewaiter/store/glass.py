"""Broken glass: who looks where they otherwise may not, at what, and what another found when it was over."""

from __future__ import annotations

from datetime import datetime

import asyncpg
import msgspec

from tidewaiter.audit import leaf
from tidewaiter.store import audit
from tidewaiter.store.access import Connect
from tidewaiter.store.acts import MovedOn

REVIEWED_MAX = 50
"""So many that were reviewed are listed, the last, besides all that were not."""


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """Broken glass: who looks, for which case and why, and until when; and where that person then served."""

    id: int
    person_id: str
    country: str
    office: str
    reason: str
    case_id: str
    began_at: datetime
    ends_at: datetime


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """What a supervisor found: whether it was justified, and why."""

    reviewed_by: str
    at: datetime
    is_justified: bool
    finding: str


class Overseen(msgspec.Struct, frozen=True, kw_only=True):
    """Glass that was broken, and its review where there is one. `looks` are our numbers of the consignments that were
    looked at, and when, in order."""

    opening: Opening
    looks: tuple[tuple[int, datetime], ...]
    review: Review | None


class Glass:
    """What is kept of broken glass. Every method takes a connection for itself."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def open(
        self, person: str, *, country: str, office: str, reason: str, case: str, at: datetime, until: datetime
    ) -> Opening:
        """Glass, broken by this person from now on, and told to the audit log."""
        async with self._connect() as connection, connection.transaction():
            row = await connection.fetchrow(
                "insert into openings (person_id, country, office, reason, case_id, began_at, ends_at)"
                " values ($1, $2, $3, $4, $5, $6, $7) returning *",
                person, country, office, reason, case, at, until,
            )  # fmt: skip
            opening = Opening(**row)
            await audit.append(connection, [leaf.GlassBroken(at=at, by=person, opening=opening.id, until=until)])
        return opening

    async def opened_by(self, person: str, *, at: datetime) -> Opening | None:
        """The glass this person broke last, where it is still open."""
        async with self._connect() as connection:
            row = await connection.fetchrow(
                "select * from openings where person_id = $1 and began_at <= $2 and ends_at > $2"
                " order by id desc limit 1",
                person, at,
            )  # fmt: skip
        return Opening(**row) if row else None

    async def look(self, opening: Opening, consignment_id: int, *, at: datetime) -> None:
        """Write down that this consignment was looked at through the glass."""
        async with self._connect() as connection:
            await connection.execute(
                "insert into glass_reads (opening_id, consignment_id, at) values ($1, $2, $3)",
                opening.id, consignment_id, at,
            )  # fmt: skip

    async def review(self, opening: Opening, review: Review, *, policy: str) -> None:
        """Write down what was found, and tell the audit log. Raises MovedOn where another has done so before.

        The database refuses a review by who broke it, and one before it was over.
        """
        told = leaf.GlassReviewed(
            at=review.at, by=review.reviewed_by, opening=opening.id, is_justified=review.is_justified
        )
        try:
            async with self._connect() as connection, connection.transaction():
                await connection.execute(
                    "insert into glass_reviews (opening_id, person_id, ends_at, reviewed_by, at, is_justified, finding,"
                    " policy) values ($1, $2, $3, $4, $5, $6, $7, $8)",
                    opening.id, opening.person_id, opening.ends_at, review.reviewed_by, review.at, review.is_justified,
                    review.finding, policy,
                )  # fmt: skip
                await audit.append(connection, [told])
        except asyncpg.UniqueViolationError:
            raise MovedOn(opening.id) from None

    async def unreviewed(self, *, by_others_than: str) -> int:
        """How many were not reviewed yet, of those that others than this person broke."""
        async with self._connect() as connection:
            found: int = await connection.fetchval(
                "select count(*) from openings o where o.person_id <> $1"
                " and not exists (select from glass_reviews r where r.opening_id = o.id)",
                by_others_than,
            )
        return found

    async def listed(self) -> list[Overseen]:
        """All that were not reviewed, oldest first; then the last that were, newest first."""
        async with self._connect() as connection:
            rows = await connection.fetch(_LISTED, REVIEWED_MAX)
            return await _overseen(connection, [row["id"] for row in rows])

    async def one(self, id: int) -> Overseen | None:
        """One of them."""
        async with self._connect() as connection:
            found = await _overseen(connection, [id])
        return found[0] if found else None


_LISTED = (
    "(select o.id from openings o where not exists (select from glass_reviews r where r.opening_id = o.id) order by 1)"
    " union all (select opening_id from glass_reviews order by opening_id desc limit $1)"
)


async def _overseen(connection: asyncpg.Connection, ids: list[int]) -> list[Overseen]:
    """Those of these that are there, in their order."""
    openings = {row["id"]: row for row in await connection.fetch("select * from openings where id = any($1)", ids)}
    reviews = {
        row["opening_id"]: Review(**{name: row[name] for name in Review.__struct_fields__})
        for row in await connection.fetch("select * from glass_reviews where opening_id = any($1)", ids)
    }
    looks: dict[int, list[tuple[int, datetime]]] = {}
    for row in await connection.fetch(
        "select opening_id, consignment_id, at from glass_reads where opening_id = any($1) order by id", ids
    ):
        looks.setdefault(row["opening_id"], []).append((row["consignment_id"], row["at"]))
    return [
        Overseen(opening=Opening(**openings[id]), looks=tuple(looks.get(id, ())), review=reviews.get(id))
        for id in ids
        if id in openings
    ]

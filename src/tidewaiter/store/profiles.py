"""Risk profiles and models and their life: each version as it was written, and what was done with it, in order.

All that changes goes through `Living`, under the lock of the profile, and each step ends in `Living.keep`: written down
with its leaf in the audit log, in one transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any, Literal, get_args

import asyncpg
import msgspec

from tidewaiter.audit import leaf
from tidewaiter.risk.model import Model, ModelError, read_model
from tidewaiter.store import audit
from tidewaiter.store.access import Connect

Step = Literal[
    "drafted", "backtested", "tried", "proposed", "approved", "declined", "replaced", "expiry_proposed", "expired"
]  # fmt: skip
STEPS: tuple[Step, ...] = get_args(Step)
State = Literal["draft", "shadow", "proposed", "active", "declined", "replaced", "expired"]
_STATES: dict[str, State] = {
    "drafted": "draft", "tried": "shadow", "proposed": "proposed", "approved": "active", "declined": "declined",
    "replaced": "replaced", "expired": "expired",
}  # fmt: skip
"""Where a step leaves a profile; the others leave it where it is."""


Kind = Literal["profile", "model"]


class ProfileEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What was done with a version of a profile or model. `detail` are the figures it was done on."""

    at: datetime
    kind: str
    actor: str
    policy: str
    reason: str
    detail: dict[str, Any] = {}


class StoredProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a profile as written, or the card of one of a model, with its events, oldest first. A profile is of
    a folder of the law, a model of a country."""

    id: str
    version: int
    jurisdiction: str
    written: str
    author: str
    at: datetime
    kind: Kind = "profile"
    events: tuple[ProfileEvent, ...] = ()

    @property
    def state(self) -> State:
        """Where it stands."""
        return next((_STATES[event.kind] for event in reversed(self.events) if event.kind in _STATES), "draft")

    @property
    def proposed_by(self) -> str | None:
        """Who proposed it last; None where nobody has."""
        return next((event.actor for event in reversed(self.events) if event.kind == "proposed"), None)

    @property
    def is_measured(self) -> bool:
        """Whether it came with figures of how good it is, as a model does: it was measured when it was trained."""
        return self.kind == "model"

    def last(self, kind: Step) -> ProfileEvent | None:
        """The last event of the kind."""
        return next((event for event in reversed(self.events) if event.kind == kind), None)


class DrawTable(msgspec.Struct, frozen=True, kw_only=True):
    """The probabilities of the strata of the random draw in a country, in parts in a million, with what they follow
    from: how many of each were accepted from `since` on and before `until`, and the share of all."""

    number: int
    jurisdiction: str
    at: datetime
    since: date
    until: date
    share_ppm: int
    counts: dict[str, int]
    strata: dict[str, int]


class Living:
    """All versions of one profile under its lock, for the length of a transaction, by their version."""

    def __init__(self, connection: asyncpg.Connection, versions: dict[int, StoredProfile]) -> None:
        self._connection = connection
        self.versions = versions

    async def write(self, profile: StoredProfile) -> None:
        """Keep a new version. The database refuses one that is there."""
        await self._connection.execute(
            "insert into profiles (id, version, jurisdiction, written, author, at, kind)"
            " values ($1, $2, $3, $4, $5, $6, $7)",
            profile.id, profile.version, profile.jurisdiction, profile.written, profile.author, profile.at,
            profile.kind,
        )  # fmt: skip

    async def write_model(self, profile: StoredProfile, *, digest: str, content: bytes) -> None:
        """Keep what a model reckons with, of which a new version was just written."""
        await self._connection.execute(
            "insert into risk_models (digest, profile, version, content) values ($1, $2, $3, $4)",
            digest, profile.id, profile.version, content,
        )  # fmt: skip

    async def keep(self, profile: StoredProfile, events: Sequence[tuple[int, ProfileEvent]]) -> None:
        """Write down what was done with which versions of the profile, and tell the audit log. Once, and last."""
        leaves: list[leaf.Leaf] = []
        for version, event in events:
            await self._connection.execute(
                "insert into profile_events (profile, version, kind, at, actor, policy, reason, detail)"
                " values ($1, $2, $3, $4, $5, $6, $7, $8)",
                profile.id, version, event.kind, event.at, event.actor, event.policy, event.reason,
                msgspec.json.encode(event.detail),
            )  # fmt: skip
            written = self.versions.get(version, profile).written
            digest = hashlib.sha256(written.encode()).hexdigest()
            leaves.append(
                leaf.Profiled(
                    at=event.at, by=event.actor, profile=profile.id, version=version, step=event.kind, sha256=digest
                )
            )
        await audit.append(self._connection, leaves)


_MODELS_MAX = 4
"""So many models are held ready."""


class Profiles:
    """Profiles and models as they are kept. Every method takes a connection for itself."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._kept: set[str] = set()
        self._models: dict[str, Model] = {}
        self._in_force: tuple[tuple[int, int], tuple[StoredProfile, ...]] = ((0, 0), ())
        self._strata: tuple[DrawTable, ...] = ()

    @asynccontextmanager
    async def on(self, id: str) -> AsyncIterator[Living]:
        """All versions of the profile, locked while the context lasts: whoever else changes it waits."""
        async with self._connect() as connection, connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(1919513707, hashtext($1))", id)
            yield Living(connection, {one.version: one for one in await _found(connection, id)})

    async def all(self, kind: Kind = "profile") -> list[StoredProfile]:
        """Every version of every profile, or of every model, by id and version."""
        async with self._connect() as connection:
            return [one for one in await _found(connection, None) if one.kind == kind]

    async def of(self, id: str) -> list[StoredProfile]:
        """Every version of a profile or model."""
        async with self._connect() as connection:
            return await _found(connection, id)

    async def in_force(self, kind: Kind = "profile") -> tuple[StoredProfile, ...]:
        """The versions that are active or in the shadow, by id and version. Read anew only when something was done."""
        found, _ = await self._now()
        return tuple(one for one in found if one.kind == kind)

    async def now(self) -> tuple[tuple[StoredProfile, ...], tuple[DrawTable, ...]]:
        """The profiles of these, and the table of strata that holds in each country that has one."""
        found, strata = await self._now()
        return tuple(one for one in found if one.kind == "profile"), strata

    async def _now(self) -> tuple[tuple[StoredProfile, ...], tuple[DrawTable, ...]]:
        async with self._connect() as connection:
            row = await connection.fetchrow(
                "select (select count(*) from profile_events), (select coalesce(max(number), 0) from draw_strata)"
            )
            number = row[0], row[1]
            if number != self._in_force[0]:
                found = await _found(connection, None)
                tables = await connection.fetch(
                    "select distinct on (jurisdiction) * from draw_strata order by jurisdiction, number desc"
                )
                self._strata = tuple(map(_table, tables))
                self._in_force = number, tuple(one for one in found if one.state in ("active", "shadow"))
        return self._in_force[1], self._strata

    async def model(self, digest: str) -> Model | None:
        """The model of that digest; None where it is not kept. Raises ModelError where what is kept is none."""
        if digest not in self._models:
            async with self._connect() as connection:
                content = await connection.fetchval("select content from risk_models where digest = $1", digest)
            if content is None:
                return None
            if hashlib.sha256(content).hexdigest() != digest:
                raise ModelError("it is not what its digest says")
            while len(self._models) >= _MODELS_MAX:
                self._models.pop(next(iter(self._models)))
            self._models[digest] = read_model(content)
        return self._models[digest]

    async def keep_strata(self, table: DrawTable) -> DrawTable:
        """The table with its number, now kept. It holds from now on."""
        async with self._connect() as connection:
            number = await connection.fetchval(
                "insert into draw_strata (jurisdiction, at, since, until, share_ppm, counts, strata)"
                " values ($1, $2, $3, $4, $5, $6, $7) returning number",
                table.jurisdiction, table.at, table.since, table.until, table.share_ppm,
                msgspec.json.encode(table.counts), msgspec.json.encode(table.strata),
            )  # fmt: skip
        return msgspec.structs.replace(table, number=number)

    async def keep_ruleset(
        self, digest: str, *, law_digest: str, profiles: Sequence[tuple[str, int, bool]], at: datetime,
        strata: Sequence[int] = (),
    ) -> None:  # fmt: skip
        """Write down which stored profiles belong to a digest, by id and version and whether only tried, and which
        tables of strata, by number."""
        if digest in self._kept:
            return
        async with self._connect() as connection:
            await connection.execute(
                "insert into risk_rulesets (digest, law_digest, profiles, at, strata) values ($1, $2, $3, $4, $5)"
                " on conflict do nothing",
                digest, law_digest, msgspec.json.encode(profiles), at, msgspec.json.encode(strata),
            )  # fmt: skip
        self._kept.add(digest)

    async def of_ruleset(self, digest: str) -> list[tuple[StoredProfile, bool]] | None:
        """The stored profiles that belong to a digest, with whether each was only tried; None where it is not known."""
        async with self._connect() as connection:
            told = await connection.fetchval("select profiles from risk_rulesets where digest = $1", digest)
            found = {(one.id, one.version): one for one in await _found(connection, None)}
        if told is None:
            return None
        return [(found[id, version], is_shadow) for id, version, is_shadow in msgspec.json.decode(told)]

    async def strata_of_ruleset(self, digest: str) -> list[DrawTable]:
        """The tables of strata that belong to a digest."""
        async with self._connect() as connection:
            told = await connection.fetchval("select strata from risk_rulesets where digest = $1", digest)
            rows = await connection.fetch(
                "select * from draw_strata where number = any($1)", msgspec.json.decode(told or b"[]")
            )
        return [_table(row) for row in rows]


def _table(row: asyncpg.Record) -> DrawTable:
    told = {name: row[name] for name in DrawTable.__struct_fields__}
    return DrawTable(
        **{**told, "counts": msgspec.json.decode(row["counts"]), "strata": msgspec.json.decode(row["strata"])}
    )


async def _found(connection: asyncpg.Connection, id: str | None) -> list[StoredProfile]:
    profiles = await connection.fetch(
        "select * from profiles where $1::text is null or id = $1 order by id, version", id
    )
    events: dict[tuple[str, int], list[ProfileEvent]] = {}
    for row in await connection.fetch(
        "select * from profile_events where $1::text is null or profile = $1 order by number", id
    ):
        told = {name: row[name] for name in ProfileEvent.__struct_fields__}
        event = ProfileEvent(**{**told, "detail": msgspec.json.decode(row["detail"])})
        events.setdefault((row["profile"], row["version"]), []).append(event)
    return [StoredProfile(**dict(row), events=tuple(events.get((row["id"], row["version"]), ()))) for row in profiles]

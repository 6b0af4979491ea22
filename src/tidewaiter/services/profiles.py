"""Risk profiles that are kept in the store: which are in force, and the steps of their life (`services.life`).

A draft must be a profile under the law of today, and is back-tested before it is proposed. What is found wrong less
often than a random pick is put before an officer to expire.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from datetime import datetime
from typing import Any

from tidewaiter.access import Principal
from tidewaiter.law import Law
from tidewaiter.law.rules import RiskFile
from tidewaiter.risk import Profile, ProfileError, read, ruleset
from tidewaiter.services.acting import CannotNow, NotAllowed
from tidewaiter.services.life import ACTIVE, keep_draft, ruled, take
from tidewaiter.store import DrawTable, ProfileEvent, Store, StoredProfile
from tidewaiter.store.profiles import Step

WORLD = "world"
WRITTEN_MAX = 20_000
HOUSE = "house"
"""Who proposed, where no person did."""


class Unfit(ValueError):
    """A text that is no profile, and why, with line and column where it has one."""


async def with_profiles(law: Law, *, store: Store, at: datetime) -> Law:
    """The law with the profiles that are kept in the store and in force: those of its files and of the overlay, and
    the active and shadow ones. Which they are is written down under the digest of all."""
    kept, tables = await store.profiles.now()
    now = merged(law, as_files(kept), tables)
    await store.profiles.keep_ruleset(
        now.risk_digest,
        law_digest=law.digest,
        profiles=[(one.id, one.version, one.state != ACTIVE) for one in kept],
        at=at,
        strata=[one.number for one in tables],
    )
    return now


def as_files(kept: Collection[StoredProfile]) -> list[tuple[StoredProfile, bool]]:
    """Each of those in force with whether it is only tried."""
    return [(one, one.state != ACTIVE) for one in kept]


def merged(law: Law, kept: Collection[tuple[StoredProfile, bool]], tables: Collection[DrawTable] = ()) -> Law:
    """The law with these, each with whether it is only tried, and with these tables of strata; made once for each such
    set."""
    if not kept and not tables:
        return law
    key = tuple((one.id, one.version, is_shadow, one.written) for one, is_shadow in kept)
    numbers = tuple((one.number, one.jurisdiction, one.at) for one in tables)
    strata = {one.jurisdiction: one.strata for one in tables}
    return law.remembered(
        ("with profiles", key, numbers), lambda: law.with_profiles([file_of(*one) for one in kept], strata)
    )


def file_of(profile: StoredProfile, is_shadow: bool = False) -> RiskFile:
    """The profile as a file of law would have it. A text that is no TOML is an empty one, which is then a fault."""
    try:
        content = tomllib.loads(profile.written)
    except tomllib.TOMLDecodeError:
        content = {}
    name = f"{profile.id}-{profile.version}"
    return RiskFile(jurisdiction=profile.jurisdiction, name=name, content=content, is_shadow=is_shadow)


def checked(written: str, *, law: Law, jurisdiction: str) -> Profile:
    """The profile that the text is, tried on its own examples. Raises Unfit."""
    if len(written) > WRITTEN_MAX or "\0" in written:
        raise Unfit(f"longer than {WRITTEN_MAX:,} characters, or with signs that are no text")
    try:
        content = tomllib.loads(written)
    except (tomllib.TOMLDecodeError, RecursionError) as wrong:
        raise Unfit(f"this is no TOML: {wrong}") from wrong
    try:
        return read(RiskFile(jurisdiction=jurisdiction, name="draft", content=content), law)
    except ProfileError as wrong:
        raise Unfit(str(wrong)) from wrong


def folder_of(principal: Principal, law: Law) -> str:
    """The folder of law that the caller's profiles belong to: that of their country, or the world's in an open house.

    Raises NotAllowed.
    """
    if not principal.country:
        if principal.kind != "open":
            raise NotAllowed("analysts-write-profiles")
        return WORLD
    family = law.family(principal.country)
    if not family:
        raise NotAllowed("analysts-write-profiles")
    return family[0]


async def draft(written: str, *, principal: Principal, store: Store, law: Law, at: datetime) -> StoredProfile:
    """The text kept as a new version of its profile. Raises Unfit, NotAllowed, and CannotNow where it is there."""
    ruled(principal, "write_profile")
    folder = folder_of(principal, law)
    profile = checked(written, law=law, jurisdiction=folder)
    if any((one.id, one.version) == (profile.id, profile.version) for one in ruleset(law).profiles):
        raise CannotNow("version")
    made = StoredProfile(
        id=profile.id, version=profile.version, jurisdiction=folder, written=written, author=principal.id, at=at
    )
    return await keep_draft(made, principal=principal, store=store, reason=profile.title)


async def step(
    id: str, version: int, kind: Step, *, principal: Principal, store: Store, law: Law, at: datetime, reason: str,
    detail: dict[str, Any] | None = None,
) -> StoredProfile:  # fmt: skip
    """The version after the step, as `life.take` has it.

    Raises what that does; and Unfit where the text no longer is a profile under the law of today.
    """
    return await take(
        id, version, kind, of="profile", place=folder_of(principal, law),
        check=lambda one: checked(one.written, law=law, jurisdiction=one.jurisdiction),
        principal=principal, store=store, at=at, reason=reason, detail=detail,
    )  # fmt: skip


async def propose_expiry(profile: StoredProfile, *, store: Store, at: datetime, figures: dict[str, Any]) -> None:
    """Put before an officer that a profile finds less than a random pick does. Once: not again while that is open."""
    async with store.profiles.on(profile.id) as living:
        now = living.versions.get(profile.version)
        if now is None or now.state != ACTIVE or now.last("expiry_proposed") is not None:
            return
        event = ProfileEvent(
            at=at, kind="expiry_proposed", actor=HOUSE, policy="", reason="found less often than at random",
            detail=figures,
        )  # fmt: skip
        await living.keep(now, [(now.version, event)])

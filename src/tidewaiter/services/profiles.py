"""The life of a risk profile: drafted, back-tested, proposed, approved by someone else, active, expired.

A draft is a new version and changes nothing. Tried in the shadow its hits are recorded without effect. Approved it is
active from the next consignment on, and the version before it is replaced. What is found wrong less often than a random
pick is put before an officer to expire; nothing expires by itself but by the day its text names.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from datetime import datetime
from typing import Any

from msgspec import structs

from tidewaiter.access import Principal
from tidewaiter.law import Law
from tidewaiter.law.rules import RiskFile
from tidewaiter.risk import Profile, ProfileError, read, ruleset
from tidewaiter.services.acting import CannotNow, NotAllowed, NotThere, reason_in
from tidewaiter.services.rule import rule
from tidewaiter.store import DrawTable, ProfileEvent, Store, StoredProfile
from tidewaiter.store.profiles import Living, State, Step

WORLD = "world"
WRITTEN_MAX = 20_000
ACTIVE: State = "active"
HOUSE = "house"
"""Who proposed, where no person did."""
_MAY_FOLLOW: dict[Step, tuple[State, ...]] = {
    "backtested": ("draft", "shadow", "proposed", "active"),
    "tried": ("draft", "declined"),
    "proposed": ("draft", "shadow", "declined"),
    "approved": ("proposed",),
    "declined": ("proposed",),
    "expiry_proposed": ("active",),
    "expired": ("active", "shadow", "draft", "proposed", "declined"),
}


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
    policy = _ruled(principal, "write_profile")
    folder = folder_of(principal, law)
    profile = checked(written, law=law, jurisdiction=folder)
    if any((one.id, one.version) == (profile.id, profile.version) for one in ruleset(law).profiles):
        raise CannotNow("version")
    made = StoredProfile(
        id=profile.id, version=profile.version, jurisdiction=folder, written=written, author=principal.id, at=at
    )
    async with store.profiles.on(profile.id) as living:
        if profile.version in living.versions:
            raise CannotNow("version")
        if any(one.jurisdiction != folder for one in living.versions.values()):
            raise CannotNow("elsewhere")
        await living.write(made)
        event = ProfileEvent(at=at, kind="drafted", actor=principal.id, policy=policy, reason=profile.title)
        await living.keep(made, [(made.version, event)])
    return structs.replace(made, events=(event,))


async def step(
    id: str, version: int, kind: Step, *, principal: Principal, store: Store, law: Law, at: datetime, reason: str,
    detail: dict[str, Any] | None = None,
) -> StoredProfile:  # fmt: skip
    """The version after the step: tried, proposed, approved, declined, back-tested, or expired.

    Raises NotThere, NotAllowed, CannotNow; and Unfit where the text no longer is a profile under the law of today.
    """
    told = reason_in(reason)
    async with store.profiles.on(id) as living:
        profile = living.versions.get(version)
        if profile is None:
            raise NotThere
        policy = _may(profile, kind, principal, law)
        if profile.state not in _MAY_FOLLOW[kind]:
            raise CannotNow("state", profile.state)
        if kind == "proposed" and profile.last("backtested") is None:
            raise CannotNow("untested")
        if kind in ("tried", "proposed", "approved"):
            checked(profile.written, law=law, jurisdiction=profile.jurisdiction)
        event = ProfileEvent(at=at, kind=kind, actor=principal.id, policy=policy, reason=told, detail=detail or {})
        events = [(version, event)]
        if kind == "approved":
            events += _replaced(living, version, event)
        await living.keep(profile, events)
    return structs.replace(profile, events=(*profile.events, event))


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


def _replaced(living: Living, version: int, by: ProfileEvent) -> list[tuple[int, ProfileEvent]]:
    """What the approval does to the other versions that are in force."""
    return [
        (other, structs.replace(by, kind="replaced", detail={"by": version}))
        for other, one in living.versions.items()
        if other != version and one.state in (ACTIVE, "shadow")
    ]


def _may(profile: StoredProfile, kind: Step, principal: Principal, law: Law) -> str:
    """The policy that allows the step. Raises NotAllowed, and NotThere for a profile of another country."""
    if folder_of(principal, law) != profile.jurisdiction:
        raise NotThere
    is_own = principal.id in (profile.author, profile.proposed_by)
    if kind == "approved" or (kind in ("declined", "expired") and not is_own):
        return _ruled(principal, "approve_profile", is_own=is_own)
    # One's own may be withdrawn. What is active is no longer one's own: it was approved by another.
    if kind == "expired" and profile.state == ACTIVE:
        return _ruled(principal, "approve_profile")
    return _ruled(principal, "write_profile")


def _ruled(principal: Principal, action: str, *, is_own: bool = False) -> str:
    ruling = rule(principal, action, is_own_proposal=is_own)
    if not ruling.allowed:
        raise NotAllowed(ruling.policy)
    return ruling.policy

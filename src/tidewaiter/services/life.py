"""The life of what picks, profile or model: drafted, tried, proposed, approved by someone else, active, expired.

A draft is a new version and changes nothing. Tried in the shadow its hits are recorded without effect. Approved it is
active from then on, and the version before it is replaced. Nothing expires by itself but by the day its text names.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec import structs

from tidewaiter.access import Principal
from tidewaiter.services.acting import CannotNow, NotAllowed, NotThere, reason_in
from tidewaiter.services.rule import rule
from tidewaiter.store import ProfileEvent, Store, StoredProfile
from tidewaiter.store.profiles import Kind, Living, State, Step

ACTIVE: State = "active"
_MAY_FOLLOW: dict[Step, tuple[State, ...]] = {
    "backtested": ("draft", "shadow", "proposed", "active"),
    "tried": ("draft", "declined"),
    "proposed": ("draft", "shadow", "declined"),
    "approved": ("proposed",),
    "declined": ("proposed",),
    "expiry_proposed": ("active",),
    "expired": ("active", "shadow", "draft", "proposed", "declined"),
}


async def keep_draft(
    made: StoredProfile, *, principal: Principal, store: Store, reason: str, detail: dict[str, Any] | None = None,
    content: tuple[str, bytes] | None = None,
) -> StoredProfile:  # fmt: skip
    """The draft, kept as a new version. `content` is what a model reckons with, and its digest.

    Raises NotAllowed, and CannotNow where the version is there, or the name is another's.
    """
    policy = ruled(principal, "write_profile")
    async with store.profiles.on(made.id) as living:
        if any((one.kind, one.jurisdiction) != (made.kind, made.jurisdiction) for one in living.versions.values()):
            raise CannotNow("elsewhere")
        if made.version in living.versions:
            raise CannotNow("version")
        await living.write(made)
        if content is not None:
            await living.write_model(made, digest=content[0], content=content[1])
        event = ProfileEvent(
            at=made.at, kind="drafted", actor=principal.id, policy=policy, reason=reason, detail=detail or {}
        )
        await living.keep(made, [(made.version, event)])
    return structs.replace(made, events=(event,))


async def take(
    id: str, version: int, kind: Step, *, of: Kind, place: str, check: Callable[[StoredProfile], object],
    principal: Principal, store: Store, at: datetime, reason: str, detail: dict[str, Any] | None = None,
) -> StoredProfile:  # fmt: skip
    """The version after the step: tried, proposed, approved, declined, back-tested, or expired.

    `place` is whose versions the caller deals with; `check` raises where a version is not, or no longer, fit to pick.
    Raises NotThere, NotAllowed, CannotNow, and what `check` does.
    """
    told = reason_in(reason)
    async with store.profiles.on(id) as living:
        one = living.versions.get(version)
        if one is None or (one.kind, one.jurisdiction) != (of, place):
            raise NotThere
        policy = _may(one, kind, principal)
        if one.state not in _MAY_FOLLOW[kind]:
            raise CannotNow("state", one.state)
        if kind in ("tried", "proposed", "approved"):
            if kind == "proposed" and one.last("backtested") is None and not one.is_measured:
                raise CannotNow("untested")
            check(one)
        event = ProfileEvent(at=at, kind=kind, actor=principal.id, policy=policy, reason=told, detail=detail or {})
        events = [(version, event)]
        if kind == "approved":
            events += _replaced(living, version, event)
        await living.keep(one, events)
    return structs.replace(one, events=(*one.events, event))


def _replaced(living: Living, version: int, by: ProfileEvent) -> list[tuple[int, ProfileEvent]]:
    """What the approval does to the other versions that are in force."""
    return [
        (other, structs.replace(by, kind="replaced", detail={"by": version}))
        for other, one in living.versions.items()
        if other != version and one.state in (ACTIVE, "shadow")
    ]


def _may(one: StoredProfile, kind: Step, principal: Principal) -> str:
    """The policy that allows the step. Raises NotAllowed."""
    is_own = principal.id in (one.author, one.proposed_by)
    if kind == "approved" or (kind in ("declined", "expired") and not is_own):
        return ruled(principal, "approve_profile", is_own=is_own)
    # One's own may be withdrawn. What is active is no longer one's own: it was approved by another.
    if kind == "expired" and one.state == ACTIVE:
        return ruled(principal, "approve_profile")
    return ruled(principal, "write_profile")


def ruled(principal: Principal, action: str, *, is_own: bool = False) -> str:
    """The policy that allows it. Raises NotAllowed."""
    ruling = rule(principal, action, is_own_proposal=is_own)
    if not ruling.allowed:
        raise NotAllowed(ruling.policy)
    return ruling.policy

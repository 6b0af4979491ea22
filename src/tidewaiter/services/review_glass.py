"""Looking into broken glass: a supervisor of the office, other than who broke it, writes down what they found.

That nobody reviews their own is said twice: by a policy, and by the database. It is reviewed when the hour is over, so
that all that was looked at is seen; within three days, as it should be.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import msgspec

from tidewaiter.access import Principal, may
from tidewaiter.services.acting import CannotNow, NotAllowed, NotThere, reason_in
from tidewaiter.services.rule import object_of, rule
from tidewaiter.store import MovedOn, Overseen, Review, Store

log = logging.getLogger("tidewaiter.access")

REVIEW_WITHIN = timedelta(days=3)
"""A review is late after so long."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Glass that was broken, as it is shown: how it stands, by when it is to be reviewed, and whether this caller may
    review it now. `state` is open, waiting, late, justified or unjustified."""

    overseen: Overseen
    state: str
    due_at: datetime
    can_review: bool


async def openings(*, principal: Principal, store: Store, at: datetime) -> list[Told]:
    """What this caller may see: all that wait for a review, oldest first, then the last that were reviewed.

    `store` is as the caller sees it. Raises NotAllowed.
    """
    ruling = rule(principal, "list_openings")
    if not ruling.allowed:
        raise NotAllowed(ruling.policy)
    return [_told(one, principal, at) for one in await store.glass.listed()]


async def count_unreviewed(*, principal: Principal, store: Store) -> int:
    """How many wait for a review by others than who broke it, of those that this caller may see. For who may see none,
    none."""
    if not may(principal, "list_openings").allowed:
        return 0
    return await store.glass.unreviewed(by_others_than=principal.id)


async def opening(id: int, *, principal: Principal, store: Store, at: datetime) -> Told:
    """One of them. Raises NotThere."""
    return _told(await _seen(id, principal=principal, store=store), principal, at)


async def review_glass(
    id: int, *, is_justified: bool, finding: str, principal: Principal, store: Store, at: datetime
) -> None:
    """Writes down what was found. Raises NotThere, NotAllowed, CannotNow."""
    told = reason_in(finding)
    found = await _seen(id, principal=principal, store=store)
    ruling = rule(principal, "review_opening", found.opening)
    if not ruling.allowed:
        raise NotAllowed(ruling.policy)
    if found.review is not None:
        raise CannotNow("reviewed")
    if at < found.opening.ends_at:
        raise CannotNow("still_open")
    review = Review(reviewed_by=principal.id, at=at, is_justified=is_justified, finding=told)
    try:
        await store.glass.review(found.opening, review, policy=ruling.policy)
    except MovedOn:
        raise CannotNow("reviewed") from None
    log.info("glass reviewed opening=%d justified=%s policy=%s", id, is_justified, ruling.policy)


async def _seen(id: int, *, principal: Principal, store: Store) -> Overseen:
    found = await store.glass.one(id)
    if found is None or not rule(principal, "read_opening", found.opening).allowed:
        raise NotThere
    return found


def _told(one: Overseen, principal: Principal, at: datetime) -> Told:
    due_at = one.opening.ends_at + REVIEW_WITHIN
    if one.review is not None:
        state = "justified" if one.review.is_justified else "unjustified"
    elif at < one.opening.ends_at:
        state = "open"
    else:
        state = "late" if at > due_at else "waiting"
    can_review = state in ("waiting", "late") and may(principal, "review_opening", object_of(one.opening)).allowed
    return Told(overseen=one, state=state, due_at=due_at, can_review=can_review)

"""Giving back what was charged: by one person up to a limit, above it by two; never more than stands of a charge."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from tidewaiter.access import Principal
from tidewaiter.revenue import TooMuch, given_back
from tidewaiter.revenue import refund as turned_round
from tidewaiter.services.acting import CannotNow, Done, kept, proposed, reason_in, repeated, seen
from tidewaiter.services.rule import rule
from tidewaiter.store import Acting, Store


async def refund(
    id: int,
    wanted: Mapping[str, int],
    reason: str,
    *,
    principal: Principal,
    store: Store,
    limit_micro: int,
    at: datetime,
    key: str | None = None,
) -> Done:
    """How it ended. `wanted` are amounts in millionths of the currency, by what was charged as `type:code`.

    The limit is on all that was given back of the consignment, so that many small refunds are no large one. Raises
    NotThere, NotAllowed, CannotNow.
    """
    told = reason_in(reason)
    if not wanted:
        raise CannotNow("nothing")
    detail = dict(wanted)
    async with store.acts.on(id) as found:
        acting = seen(found, principal)
        before = await repeated(acting, principal, key, kind="refund", detail=detail)
        if before is not None:
            return before
        in_all = given_back(acting.legs) + sum(wanted.values())
        ruling = rule(principal, "refund", acting.stored, is_within_limit=in_all <= limit_micro)
        if not ruling.allowed:
            refuse_too_much(acting, wanted)
            return await proposed(acting, principal, "refund", detail=detail, reason=told, at=at)
        await give_back(acting, wanted, at=at)
        return await kept(acting, principal, "refund", policy=ruling.policy, reason=told, detail=detail, at=at, key=key)


def refuse_too_much(acting: Acting, wanted: Mapping[str, int]) -> None:
    """Nothing where as much stands of each charge. Raises CannotNow."""
    try:
        turned_round(acting.legs, wanted)
    except TooMuch as much:
        raise CannotNow("too_much", much.charge) from None


async def give_back(acting: Acting, wanted: Mapping[str, int], *, at: datetime) -> None:
    """The legs turned round. Raises CannotNow where not as much stands."""
    refuse_too_much(acting, wanted)
    await acting.post(turned_round(acting.legs, wanted), at=at)

"""Refusing goods: always a named person's, on a ground that law knows, which the filer is told."""

from __future__ import annotations

from datetime import datetime

from tidewaiter.access import Principal
from tidewaiter.clearance import GROUNDS, may_follow
from tidewaiter.model.outcome import Decision
from tidewaiter.services.acting import CannotNow, Done, NotAllowed, kept, reason_in, repeated, seen
from tidewaiter.services.rule import rule
from tidewaiter.store import Store


async def refuse(
    id: int, ground: str, reason: str, *, principal: Principal, store: Store, at: datetime, key: str | None = None
) -> Done:
    """How it ended. `ground` is one of `clearance.GROUNDS` and told to the filer; `reason` is for officials.

    Raises NotThere, NotAllowed, CannotNow, and MovedOn where somebody else was first.
    """
    told = reason_in(reason)
    if ground not in GROUNDS:
        raise CannotNow("ground")
    detail = {"ground": ground}
    async with store.acts.on(id) as found:
        acting = seen(found, principal)
        before = await repeated(acting, principal, key, kind="refuse", detail=detail)
        if before is not None:
            return before
        ruling = rule(principal, "refuse", acting.stored)
        if not ruling.allowed:
            raise NotAllowed(ruling.policy)
        if not may_follow(acting.stored.control, "refused"):  # type: ignore[arg-type]
            raise CannotNow("state", acting.stored.control)
        decision = Decision(security=acting.stored.security, control="refused", reasons=(GROUNDS[ground],))
        await acting.decide(decision, by=principal.id, at=at)
        return await kept(
            acting, principal, "refuse", policy=ruling.policy, reason=told, detail=detail, at=at, key=key,
            control="refused",
        )  # fmt: skip

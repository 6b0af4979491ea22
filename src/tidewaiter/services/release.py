"""Releasing a consignment, by a named person with a reason.

What the corridor held, or wanted examined or documented, waits for an officer, who may release it alone. What it
accepted and lets go only when paid is another thing: to release that unpaid goes against the corridor's decision, and
takes two persons.
"""

from __future__ import annotations

from datetime import datetime

from tidewaiter.access import Principal
from tidewaiter.clearance import RELEASED_BY_OFFICER, may_decide
from tidewaiter.model.answer import AnswerKind
from tidewaiter.model.outcome import Decision
from tidewaiter.services.acting import (
    CannotNow,
    Done,
    NotAllowed,
    Step,
    kept,
    proposed,
    reason_in,
    repeated,
    seen,
    take,
)
from tidewaiter.services.rule import rule
from tidewaiter.store import Acting, Store

TAKES_TWO = frozenset({"accepted"})
"""The states whose release goes against what the corridor decided."""
ANSWERS: tuple[AnswerKind, ...] = ("tax_final", "released")
"""What a filer is told then: that it was accepted it knows."""


async def release(
    id: int, reason: str, *, principal: Principal, store: Store, at: datetime, key: str | None = None
) -> Done:
    """How it ended. Raises NotThere, NotAllowed, CannotNow, and MovedOn where somebody else was first."""
    told = reason_in(reason)
    async with store.acts.on(id) as found:
        acting = seen(found, principal)
        before = await repeated(acting, principal, key, kind="release", detail={})
        if before is not None:
            return before
        ruling = rule(principal, "release", acting.stored)
        if not ruling.allowed:
            raise NotAllowed(ruling.policy)
        refuse_state(acting)
        if acting.stored.control in TAKES_TWO:
            return await proposed(acting, principal, "release", detail={}, reason=told, at=at)
        await let_go(acting, by=principal.id, at=at)
        return await kept(
            acting, principal, "release", policy=ruling.policy, reason=told, detail={}, at=at, key=key,
            control="released",
        )  # fmt: skip


def refuse_state(acting: Acting) -> None:
    """Nothing where a release may follow. Raises CannotNow."""
    if not may_decide(acting.stored.control, "released"):
        raise CannotNow("state", acting.stored.control)


async def let_go(acting: Acting, *, by: str, at: datetime) -> None:
    """The consignment released, and the filer's answers with it. Raises MovedOn."""
    decision = Decision(security=acting.stored.security, control="released", reasons=(RELEASED_BY_OFFICER,))
    await take(acting, Step(decision=decision, kinds=ANSWERS), by=by, at=at)

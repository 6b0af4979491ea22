"""Completing the assessment for security, by a named officer: what was asked has been answered, it may be loaded."""

from __future__ import annotations

from datetime import datetime

from tidewaiter.access import Principal
from tidewaiter.clearance import COMPLETED_BY_OFFICER, may_follow
from tidewaiter.model.outcome import Decision
from tidewaiter.services.acting import CannotNow, Done, Step, alone
from tidewaiter.store import Acting, Store, StoredConsignment


async def complete(
    id: int, reason: str, *, principal: Principal, store: Store, at: datetime, key: str | None = None
) -> Done:
    """How it ended. Raises NotThere, NotAllowed, CannotNow, and MovedOn where somebody else was first."""

    def step(acting: Acting) -> Step:
        stored = acting.stored
        if not may_complete(stored):
            raise CannotNow("state", stored.control if stored.control == "lodged" else stored.security)
        decision = Decision(
            security="assessment_complete",
            control=stored.control,
            reasons=(COMPLETED_BY_OFFICER,),
        )
        return Step(decision=decision, kinds=("cleared",))

    return await alone(id, "complete", {}, step, reason=reason, principal=principal, store=store, at=at, key=key)


def may_complete(stored: StoredConsignment) -> bool:
    """Whether the assessment may be completed now. Of goods that are not there yet it begins as they are presented."""
    return stored.control != "lodged" and may_follow(stored.security, "assessment_complete")

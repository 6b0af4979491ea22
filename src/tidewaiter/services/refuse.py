"""Refusing goods: always a named person's, on a ground that law knows, which the filer is told."""

from __future__ import annotations

from datetime import datetime

from tidewaiter.access import Principal
from tidewaiter.clearance import GROUNDS, may_decide, told
from tidewaiter.model.outcome import Decision
from tidewaiter.services.acting import CannotNow, Done, Step, alone
from tidewaiter.store import Acting, Store


async def refuse(
    id: int, ground: str, reason: str, *, principal: Principal, store: Store, at: datetime, key: str | None = None
) -> Done:
    """How it ended. `ground` is one of `clearance.GROUNDS` and told to the filer; `reason` is for officials.

    Raises NotThere, NotAllowed, CannotNow, and MovedOn where somebody else was first.
    """
    if ground not in GROUNDS:
        raise CannotNow("ground")
    kind = GROUNDS[ground]

    def step(acting: Acting) -> Step:
        stored = acting.stored
        if not may_decide(stored.control, "refused"):
            raise CannotNow("state", stored.control)
        decision = Decision(security=stored.security, control="refused", reasons=(kind.text,))
        return Step(decision=decision, kinds=("refused",), findings=(told(kind),))

    return await alone(
        id, "refuse", {"ground": ground}, step, reason=reason, principal=principal, store=store, at=at, key=key
    )

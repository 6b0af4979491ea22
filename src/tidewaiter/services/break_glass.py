"""Breaking the glass: for an hour and for a case, an official looks at what another office deals with. Only looks.

Who broke it, why, and each consignment that was looked at is written down; a supervisor looks into it
(`review_glass`). Nothing can be done through it: acts are ruled on as ever.
"""

from __future__ import annotations

import logging
import re
from datetime import datetime, timedelta

from tidewaiter.access import Principal, may_at_best
from tidewaiter.services.acting import CannotNow, NotAllowed, reason_in
from tidewaiter.services.rule import rule
from tidewaiter.store import Opening, Store

log = logging.getLogger("tidewaiter.access")

GLASS = timedelta(minutes=60)
PURPOSE = "control"
CASE = re.compile(r"[!-~]{1,64}", re.ASCII)


async def break_glass(reason: str, case: str, *, principal: Principal, store: Store, at: datetime) -> Opening:
    """The glass, broken. Raises NotAllowed, CannotNow."""
    told = reason_in(reason)
    if not CASE.fullmatch(case):
        raise CannotNow("case")
    ruling = may_at_best(principal, "break_glass")
    if not ruling.allowed:
        raise NotAllowed(ruling.policy)
    opening = await store.glass.open(
        principal.id, country=principal.country, office=principal.office, reason=told, case=case, at=at,
        until=at + GLASS,
    )  # fmt: skip
    log.warning("glass broken opening=%d role=%s policy=%s", opening.id, principal.role, ruling.policy)
    return opening


async def look_through(id: int, *, principal: Principal, store: Store, at: datetime) -> Opening | None:
    """The glass through which this caller may look at that consignment now; that it does is written down. Else None."""
    if principal.kind != "person":
        return None
    opening = await store.glass.opened_by(principal.id, at=at)
    stored = (await store.consignments([id])).get(id) if opening is not None else None
    if opening is None or stored is None:
        return None
    if not rule(principal, "break_glass", stored, purpose=PURPOSE, case=opening.case_id).allowed:
        return None
    await store.glass.look(opening, id, at=at)
    return opening

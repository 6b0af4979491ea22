"""Writing down what an inspection found: by a named officer, and corrected only by a later one that says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tidewaiter.access import Principal
from tidewaiter.model.inspection import MINUTES_MAX, NOTHING, RESULTS, Inspection
from tidewaiter.model.money import LIMIT_MICRO
from tidewaiter.services.acting import CannotNow, NotAllowed, NotThere
from tidewaiter.services.rule import rule
from tidewaiter.store import Store


async def inspect(
    id: int, results: Sequence[str], *, recovered_micro: int, minutes: int, principal: Principal, store: Store,
    at: datetime, supersedes: int | None = None,
) -> Inspection:  # fmt: skip
    """The inspection of a consignment, as written down. `recovered_micro` is in the currency it is charged in.

    The first has nothing to supersede, a later one names the one that stands. Raises NotThere, NotAllowed, CannotNow,
    and MovedOn where somebody else was first.
    """
    stored = (await store.consignments([id])).get(id)
    if stored is None or not rule(principal, "read_risk", stored).allowed:
        raise NotThere
    ruling = rule(principal, "inspect", stored)
    if not ruling.allowed:
        raise NotAllowed(ruling.policy)
    told = tuple(result for result in RESULTS if result in results)
    if not told or len(told) != len(results) or (NOTHING in told and len(told) > 1):
        raise CannotNow("results")
    if not 1 <= minutes <= MINUTES_MAX:
        raise CannotNow("minutes")
    if not 0 <= recovered_micro <= LIMIT_MICRO:
        raise CannotNow("amount")
    before = await store.inspections.of(id)
    standing = before[-1].id if before else None
    if supersedes != standing:
        raise CannotNow("superseded")
    made = Inspection(
        id=0, consignment_id=id, at=at, officer=principal.id, results=told, recovered_micro=recovered_micro,
        currency=stored.cleared.totals.currency, minutes=minutes, supersedes=supersedes,
    )  # fmt: skip
    return await store.inspections.record(made, policy=ruling.policy)

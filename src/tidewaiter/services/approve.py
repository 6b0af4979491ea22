"""The second person: what one proposed is approved by another within a day, as it was seen, or declined.

That nobody approves their own is said three times: by a policy, here, and by the database.
"""

from __future__ import annotations

from datetime import datetime

from tidewaiter.access import Principal
from tidewaiter.services.acting import CannotNow, Done, NotAllowed, NotThere, kept, reason_in, seen
from tidewaiter.services.refund import give_back
from tidewaiter.services.release import let_go, refuse_state
from tidewaiter.services.rule import rule
from tidewaiter.store import Store


async def approve(
    id: int, number: int, *, principal: Principal, store: Store, at: datetime, reason: str, is_approved: bool = True
) -> Done:
    """How it ended. `id` is the consignment and `number` the proposal; who proposed it may withdraw it, not approve it.

    Raises NotThere, NotAllowed, CannotNow, and MovedOn where somebody else was first.
    """
    told = reason_in(reason)
    async with store.acts.on(id) as found:
        acting = seen(found, principal)
        proposal = await acting.proposal(number)
        if proposal is None:
            raise NotThere
        is_own = proposal.proposed_by == principal.id
        if is_own and not is_approved:
            ruling = rule(principal, "propose", acting.stored)
        else:
            ruling = rule(principal, "approve", acting.stored, is_own_proposal=is_own)
        if not ruling.allowed:
            raise NotAllowed(ruling.policy)
        if proposal.is_approved is not None:
            raise CannotNow("closed")
        if is_approved and at > proposal.expires_at:
            raise CannotNow("over")
        if is_approved and proposal.pinned != acting.pinned:
            raise CannotNow("moved_on")
        await acting.close(proposal, is_approved=is_approved, by=principal.id, reason=told, at=at)
        if not is_approved:
            return Done(consignment=id, control=acting.stored.control, is_done=False, proposal=number)
        control = acting.stored.control
        if proposal.kind == "release":
            refuse_state(acting)
            # Decided by the one who answers for it; who proposed it stands with the proposal.
            await let_go(acting, by=principal.id, at=at)
            control = "released"
        else:
            await give_back(acting, proposal.detail, at=at)
        return await kept(
            acting, principal, proposal.kind, policy=ruling.policy, reason=told, detail=proposal.detail, at=at,
            proposal=number, control=control,
        )  # fmt: skip

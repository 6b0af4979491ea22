"""What the acts of officials share: how they end, why they cannot be, and the proposal where they take two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from tidewaiter.access import Principal
from tidewaiter.model.answer import Answer, AnswerKind
from tidewaiter.model.finding import Finding
from tidewaiter.model.outcome import Decision
from tidewaiter.services.answering import answers_after
from tidewaiter.services.clear import in_their_format
from tidewaiter.services.rule import rule
from tidewaiter.store import Act, Acting, Store

REASON_MIN, REASON_MAX = 3, 500
PROPOSAL = timedelta(hours=24)
"""So long may a proposal wait for the second person."""


class NotThere(LookupError):
    """There is no such consignment or proposal, for this caller."""


class NotAllowed(RuntimeError):
    """The caller may not, by this policy."""

    def __init__(self, policy: str) -> None:
        super().__init__(policy)
        self.policy = policy


class CannotNow(RuntimeError):
    """It cannot be done as things stand; `why` is one of the keys of `WHY`, and `detail` says more."""

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.detail = detail


WHY = {
    "state": "It is in a state that this cannot follow.",
    "too_much": "More would be given back than stands of the charge.",
    "nothing": "Nothing is asked back.",
    "amount": "Write an amount such as 12.50.",
    "moved_on": "It has changed since it was proposed: propose anew.",
    "over": "The proposal has waited too long: propose anew.",
    "closed": "The proposal has ended already.",
    "reason": "Say why, in 3 to 500 characters.",
    "case": "Name the case, in up to 64 letters, digits and signs.",
    "ground": "Name one of the grounds on which law lets goods be refused.",
    "version": "This version of the profile is there already: give it a higher number.",
    "elsewhere": "Another country has a profile of this name: choose another.",
    "untested": "Back-test it first.",
    "capacity": "The minutes of the offices are not set, or cannot be read.",
    "day": "Write the day as year, month and day: 2026-07-01.",
    "not_inspected": "Nothing was inspected there in that time.",
    "model_lost": "What the model reckons with is not kept, or cannot be read.",
    "superseded": "It has been corrected since: look again.",
    "results": "Say what was found: nothing, or what.",
    "minutes": "Say how many minutes it took.",
    "key_taken": "The Idempotency-Key was used for another act.",
    "wanted": "Name what is asked for, and with a question of your own say it in 3 to 500 characters.",
    "no_request": "Nothing is asked for there.",
    "which_request": "Several things are asked for: say whether the reply is for security or for control.",
    "empty_reply": "Say something, name a document, or name the message with the amendment.",
    "reply_unfit": "A text has up to 4,000 characters; a document is named by its type or number.",
    "document_unfit": "The content of a document is PDF, JPEG, PNG or plain text in base64, as its media type says.",
    "still_open": "The hour is not over: review it then.",
    "reviewed": "Another has reviewed it.",
    "unsaid": "Say whether it was justified.",
    "amendment": "Name a message of yours that holds an accepted amendment of this consignment.",
}


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """How an act ended: `is_done`, or proposed under a number for another person to approve. `is_repeat` where it had
    been done or proposed before."""

    consignment: int
    control: str
    is_done: bool = True
    proposal: int | None = None
    is_repeat: bool = False


def reason_in(text: str) -> str:
    """The reason as it is kept. Raises CannotNow."""
    told = " ".join(text.split())
    if not REASON_MIN <= len(told) <= REASON_MAX or not told.isprintable():
        raise CannotNow("reason")
    return told


def seen(acting: Acting | None, principal: Principal) -> Acting:
    """The consignment, where this caller may see it. Raises NotThere."""
    # An accountant sees no consignment, and may still give back what was charged on one of the country.
    actions = ("read", "read_ledger")
    if acting is None or not any(rule(principal, action, acting.stored).allowed for action in actions):
        raise NotThere
    return acting


async def repeated(
    acting: Acting, principal: Principal, key: str | None, *, kind: str, detail: dict[str, Any]
) -> Done | None:
    """What had been done under this key before. Raises CannotNow where it was something else."""
    before = await acting.done_before(principal.id, key) if key is not None else None
    if before is None:
        return None
    if (before.consignment_id, before.kind, before.detail) != (acting.stored.id, kind, detail):
        raise CannotNow("key_taken")
    return Done(consignment=acting.stored.id, control=acting.stored.control, is_repeat=True)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that a person takes alone, and what the filer is told with it: answers of these kinds, and findings
    in the first of them."""

    decision: Decision
    kinds: tuple[AnswerKind, ...]
    findings: tuple[Finding, ...] = ()


async def alone(
    id: int,
    kind: str,
    detail: dict[str, Any],
    step_of: Callable[[Acting], Step],
    *,
    reason: str,
    principal: Principal,
    store: Store,
    at: datetime,
    key: str | None,
) -> Done:
    """How an act ended that one person does alone; `kind` names it, and what policies rule on. `step_of` may refuse.

    Raises NotThere, NotAllowed, CannotNow, and MovedOn where somebody else was first.
    """
    told = reason_in(reason)
    async with store.acts.on(id) as found:
        acting = seen(found, principal)
        before = await repeated(acting, principal, key, kind=kind, detail=detail)
        if before is not None:
            return before
        ruling = rule(principal, kind, acting.stored)
        if not ruling.allowed:
            raise NotAllowed(ruling.policy)
        step = step_of(acting)
        await take(acting, step, by=principal.id, at=at)
        return await kept(
            acting, principal, kind, policy=ruling.policy, reason=told, detail=detail, at=at, key=key,
            control=step.decision.control,
        )  # fmt: skip


async def take(acting: Acting, step: Step, *, by: str, at: datetime, by_hand_at: datetime | None = None) -> None:
    """The consignment put into its new state, and the filer's answers with it, in its own dialect. Raises MovedOn.

    `by_hand_at` is when it was decided by hand, where it is only entered at `at`.
    """
    answers, message = said(acting, step, at=at, effective_at=by_hand_at or at)
    await acting.decide(step.decision, by=by, at=at, by_hand_at=by_hand_at, answers=answers, message=message)


def said(
    acting: Acting, step: Step, *, at: datetime, effective_at: datetime | None = None
) -> tuple[Sequence[Answer], bytes]:
    """What the filer is told of a step, and the same in the dialect in which it lodged."""
    stored = acting.stored
    id = f"{stored.id}-{acting.pinned.replace('/', '-')}"
    answers = answers_after(
        stored.record, stored.cleared, step.kinds, findings=step.findings, id=id, at=at, effective_at=effective_at
    )
    return answers, in_their_format(stored.cleared.format, answers) if answers else b""


async def proposed(
    acting: Acting, principal: Principal, kind: str, *, detail: dict[str, Any], reason: str, at: datetime
) -> Done:
    """The act put before a second person. Raises NotAllowed."""
    ruling = rule(principal, "propose", acting.stored)
    if not ruling.allowed:
        raise NotAllowed(ruling.policy)
    number = await acting.proposed_already(kind, detail=detail, by=principal.id, at=at)
    if number is not None:
        return _waiting(acting, number, is_repeat=True)
    number = await acting.propose(kind, detail=detail, reason=reason, by=principal.id, at=at, until=at + PROPOSAL)
    return _waiting(acting, number)


async def kept(
    acting: Acting, principal: Principal, kind: str, *, policy: str, reason: str, detail: dict[str, Any], at: datetime,
    key: str | None = None, proposal: int | None = None, control: str = "",
) -> Done:  # fmt: skip
    """The act written down, and how it ended."""
    await acting.keep(
        Act(
            at=at, consignment_id=acting.stored.id, kind=kind, actor=principal.id, policy=policy, reason=reason,
            detail=detail, proposal_id=proposal, key=key,
        )
    )  # fmt: skip
    return Done(consignment=acting.stored.id, control=control or acting.stored.control, proposal=proposal)


def _waiting(acting: Acting, number: int, *, is_repeat: bool = False) -> Done:
    return Done(
        consignment=acting.stored.id, control=acting.stored.control, is_done=False, proposal=number, is_repeat=is_repeat
    )

"""Asking a filer for information or documents: a named officer's act, told to the filer in its own dialect."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from tidewaiter.access import Principal
from tidewaiter.clearance import WANTED, may_decide, may_follow, told
from tidewaiter.model.answer import AnswerKind
from tidewaiter.model.finding import Finding
from tidewaiter.model.outcome import Decision
from tidewaiter.services.acting import REASON_MAX, REASON_MIN, CannotNow, Done, Step, alone
from tidewaiter.store import Acting, Channel, Store, StoredConsignment

OWN = "answer"
"""What is asked for where the officer asks in words."""


async def ask(
    id: int,
    channel: Channel,
    wanted: Sequence[str],
    reason: str,
    *,
    question: str = "",
    principal: Principal,
    store: Store,
    at: datetime,
    key: str | None = None,
) -> Done:
    """How it ended. On `control` documents are asked for, on `security` information, which opens the assessment again.

    `wanted` are keys of `clearance.WANTED`, `answer` among them where there is a `question`: both are told to the
    filer, `reason` is for officials. Raises NotThere, NotAllowed, CannotNow, and MovedOn where somebody else was first.
    """
    put = " ".join(question.split())
    chosen = tuple(name for name in WANTED if name in wanted)
    is_sayable = put.isprintable() and REASON_MIN <= len(put) <= REASON_MAX if put else True
    if not chosen or len(chosen) != len(wanted) or (OWN in chosen) != bool(put) or not is_sayable:
        raise CannotNow("wanted")
    detail = {"channel": channel, "wanted": list(chosen), "question": put}

    def step(acting: Acting) -> Step:
        decision = _asking(acting.stored, channel, tuple(WANTED[name].text for name in chosen))
        findings = tuple(_finding(name, put) for name in chosen)
        kind: AnswerKind = "documents" if channel == "control" else "information_request"
        return Step(decision=decision, kinds=(kind,), findings=findings)

    return await alone(id, "ask", detail, step, reason=reason, principal=principal, store=store, at=at, key=key)


def may_ask(stored: StoredConsignment, channel: Channel) -> bool:
    """Whether something may be asked on that channel now."""
    if channel == "control":
        return may_decide(stored.control, "documents_requested")
    # An assessment that is complete is opened again by the question, as by an amendment.
    is_open = stored.security == "pending" or may_follow(stored.security, "pending")
    return is_open and stored.security not in ("information_requested", "do_not_load")


def _asking(stored: StoredConsignment, channel: Channel, reasons: tuple[str, ...]) -> Decision:
    if not may_ask(stored, channel):
        raise CannotNow("state", stored.control if channel == "control" else stored.security)
    before = Decision(security=stored.security, control=stored.control, reasons=reasons)
    if channel == "control":
        return msgspec.structs.replace(before, control="documents_requested")
    return msgspec.structs.replace(before, security="information_requested")


def _finding(name: str, question: str) -> Finding:
    return told(WANTED[name], question if name == OWN else "")

"""`GET /v1/consignments/{reference}`: what became of a filer's own consignment; and its receipt, one step below."""

from __future__ import annotations

from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidewaiter.api import problems
from tidewaiter.api.lodging import Refused, filer_of
from tidewaiter.api.problems import problem
from tidewaiter.model.answer import Answer
from tidewaiter.model.outcome import Cleared
from tidewaiter.services.reckon import LawChanged, NotReckoned, receipt_of
from tidewaiter.services.show import Shown, show_to_filer
from tidewaiter.store import CORRIDOR, REPLYING
from tidewaiter.wiring import House, caller_of


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Where a consignment stands on both channels."""

    security: str
    control: str


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One of the declarations lodged under a reference."""

    received_at: datetime
    function: str
    mrn: str | None
    state: State


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that was made, with the reasons that may be told."""

    decided_at: datetime
    decided_by: str
    state: State
    reasons: tuple[str, ...]
    law_digest: str


class ConsignmentView(msgspec.Struct, frozen=True, kw_only=True):
    """A consignment as its filer may see it: where it stands now, what was found and charged when it came, or when its
    goods were presented, where that was later, and since.

    `versions` are all declarations under the reference, newest first. Nothing personal and nothing that risk saw.
    """

    reference: str
    mrn: str | None
    received_at: datetime
    state: State
    result: Cleared
    decisions: tuple[Step, ...]
    answers: tuple[Answer, ...]
    versions: tuple[Version, ...]


async def show_consignment(request: Request) -> Response:
    """The consignment of the reference in the path."""
    try:
        shown = await _own(request, request.path_params["reference"])
    except Refused as refused:
        return refused.response
    return Response(msgspec.json.encode(view(shown)), media_type="application/json")


async def show_receipt(request: Request) -> Response:
    """The receipt of the consignment, reckoned again from what is kept of it."""
    house: House = request.app.state.house
    reference = request.path_params["reference"]
    try:
        if not _names_receipt(request):
            return Response(
                msgspec.json.encode(view(await _own(request, f"{reference}/receipt"))), media_type="application/json"
            )
        shown = await _own(request, reference)
        caller = caller_of(request.scope)
        made = await receipt_of(
            shown.stored,
            store=house.store_for(caller, purpose="assess"),
            law=house.law,
            reader=shown.stored.filer if caller.kind == "open" else caller.id,
            at=house.now(),
        )
    except Refused as refused:
        return refused.response
    except LawChanged as changed:
        return problem(problems.LAW_CHANGED, detail=f"it was charged under the law with the digest {changed}")
    except NotReckoned:
        return problem(problems.NOT_RECKONED)
    return Response(msgspec.json.encode(made), media_type="application/json")


def _names_receipt(request: Request) -> bool:
    """Whether the path ends in the step 'receipt' itself: a reference that ends in '/receipt' comes with its slash
    escaped."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return raw.partition(b"?")[0].endswith(b"/receipt")


async def _own(request: Request, reference: str) -> Shown:
    """The caller's own consignment of that reference. Raises Refused where there is none."""
    house: House = request.app.state.house
    shown = await show_to_filer(
        reference, filer=filer_of(request.headers), store=house.store_for(caller_of(request.scope))
    )
    if shown is None:
        raise Refused(problem(problems.NO_CONSIGNMENT))
    return shown


def view(shown: Shown) -> ConsignmentView:
    """The part of it that its filer may see."""
    stored = shown.stored
    return ConsignmentView(
        reference=stored.cleared.reference,
        mrn=stored.mrn,
        received_at=stored.received_at,
        state=State(security=stored.security, control=stored.control),
        result=stored.cleared,
        decisions=tuple(
            Step(
                decided_at=one.decided_at,
                # A filer is told that an officer decided, not which.
                decided_by=one.decided_by if one.decided_by in (CORRIDOR, REPLYING) else "officer",
                state=State(security=one.decision.security, control=one.decision.control),
                reasons=one.decision.reasons,
                law_digest=one.law_digest,
            )
            for one in shown.behind.decisions
        ),
        answers=tuple(sent.answer for sent in shown.behind.answers),
        versions=tuple(
            Version(
                received_at=one.received_at,
                function=one.cleared.function,
                mrn=one.mrn,
                state=State(security=one.security, control=one.control),
            )
            for one in shown.lodged_under_reference
        ),
    )

"""Pages of what inspections teach, for officials: how profiles and models did, how groups fared, and models' lives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tidewaiter.access import may
from tidewaiter.risk.fairness import GROUP_MIN, LOOKED_MIN
from tidewaiter.risk.model import TooFew
from tidewaiter.services.acting import CannotNow, NotThere
from tidewaiter.services.fitting import CannotFit
from tidewaiter.services.learn import NothingThere, learn, propose_expiries, report_fairness
from tidewaiter.services.life import ACTIVE
from tidewaiter.services.models import (
    ModelLost,
    digest_of,
    draft_model,
    last_drift,
    list_models,
    look_at_drift,
    step_model,
)
from tidewaiter.web.rendering import form_of, shown_next
from tidewaiter.web.risk import TESTED, VERSION_MAX, Page, answering, country_of, kept_of, number_in, shown, span_of
from tidewaiter.wiring import House, caller_of

STEPS = ("proposed", "approved", "declined", "expired")
"""What can be done with a version of a model on its page, besides to look whether it still fits."""


async def show_feedback(house: House, request: Request) -> Response:
    """How each profile, detector and model did."""
    return await _feedback(house, request)


async def _feedback(house: House, request: Request, *, why: str | None = None, status: int = 200) -> Response:
    caller = caller_of(request.scope)
    try:
        span = span_of(house, request, request.query_params)
    except CannotNow as cannot:
        span, why, status = span_of(house, request, {}), cannot.why, 409
    found = await learn(span, principal=caller, store=house.store, law=house.law)
    waiting = [one for one in await kept_of(house, caller) if one.state == ACTIVE and one.last("expiry_proposed")]
    return shown(
        house, request, "risk_feedback.html", status=status, found=found, span=span, why=why, waiting=waiting,
        can_propose=may(caller, "approve_profile").allowed,
    )  # fmt: skip


async def propose(house: House, request: Request) -> Response:
    """Puts before an officer the profiles that find less than chance."""
    form = await form_of(request)
    try:
        span = span_of(house, request, form)
    except CannotNow as cannot:
        return await _feedback(house, request, why=cannot.why, status=409)
    await propose_expiries(span, principal=caller_of(request.scope), store=house.store, law=house.law, at=house.now())
    return shown_next(request, "/risk/feedback", since=span.since.isoformat(), until=span.until.isoformat())


async def show_fairness(house: House, request: Request) -> Response:
    """How groups fared beside the random share."""
    caller, why, status = caller_of(request.scope), None, 200
    try:
        span = span_of(house, request, request.query_params)
    except CannotNow as cannot:
        span, why, status = span_of(house, request, {}), cannot.why, 409
    found = await report_fairness(span, principal=caller, store=house.store, law=house.law)
    return shown(
        house, request, "risk_fairness.html", status=status, found=found, span=span, why=why, group_min=GROUP_MIN,
        looked_min=LOOKED_MIN,
    )  # fmt: skip


async def show_models(house: House, request: Request) -> Response:
    """The versions of the model of the caller's country."""
    return await _models(house, request)


async def _models(
    house: House, request: Request, *, why: str | None = None, wrong: str | None = None, status: int = 200
) -> Response:  # fmt: skip
    caller, today = caller_of(request.scope), house.now().date()
    kept = await list_models(country_of(house, request), principal=caller, store=house.store_for(caller))
    return shown(
        house, request, "risk_models.html", status=status, kept=kept, why=why, wrong=wrong, since=today - 4 * TESTED,
        until=today + timedelta(days=1), can_write=may(caller, "write_profile").allowed,
    )  # fmt: skip


async def train_model(house: House, request: Request) -> Response:
    """Trains a model, and keeps it as a draft."""
    form = await form_of(request)
    try:
        made = await draft_model(
            span_of(house, request, form), principal=caller_of(request.scope), store=house.store, law=house.law,
            at=house.now(),
        )  # fmt: skip
    except CannotNow as cannot:
        return await _models(house, request, why=cannot.why, status=409)
    except NothingThere:
        return await _models(house, request, why="not_inspected", status=409)
    except (TooFew, CannotFit) as wrong:
        return await _models(house, request, wrong=str(wrong), status=409)
    return shown_next(request, f"/risk/models/{made.version}")


async def show_model(house: House, request: Request) -> Response:
    """One version of the model, with its card, its life and whether it still fits."""
    return await _model(house, request)


async def _model(house: House, request: Request, *, why: str | None = None, status: int = 200) -> Response:
    caller, version, today = caller_of(request.scope), number_in(request, "version", VERSION_MAX), house.now().date()
    found = await list_models(country_of(house, request), principal=caller, store=house.store_for(caller))
    kept = next((one for one in found if one.version == version), None)
    if kept is None:
        raise NotThere
    is_own = caller.id in (kept.author, kept.proposed_by)
    return shown(
        house, request, "risk_model.html", status=status, kept=kept, digest=digest_of(kept), looked=last_drift(kept),
        why=why, is_own=is_own, since=today - TESTED, until=today + timedelta(days=1),
        can_write=may(caller, "write_profile").allowed,
        can_approve=may(caller, "approve_profile").allowed and not is_own,
    )  # fmt: skip


async def lived(house: House, request: Request) -> Response:
    """A step in the life of a version of the model."""
    form = await form_of(request)
    caller, version = caller_of(request.scope), number_in(request, "version", VERSION_MAX)
    how: dict[str, Any] = {"principal": caller, "store": house.store, "at": house.now()}
    try:
        if form.get("do") == "drift":
            await look_at_drift(version, span_of(house, request, form), law=house.law, **how)
        elif (kind := form.get("do")) in STEPS:
            await step_model(
                country_of(house, request), version, kind, reason=form.get("reason", ""), **how  # type: ignore[arg-type]
            )  # fmt: skip
        else:
            raise CannotNow("state")
    except CannotNow as cannot:
        return await _model(house, request, why=cannot.why, status=409)
    except ModelLost:
        return await _model(house, request, why="model_lost", status=409)
    except NothingThere:
        return await _model(house, request, why="not_inspected", status=409)
    return shown_next(request, f"/risk/models/{version}")


PAGES: Mapping[str, tuple[str, Page]] = {
    "GET /risk/feedback": ("read_profiles", answering(show_feedback)),
    "POST /risk/feedback": ("approve_profile", answering(propose)),
    "GET /risk/fairness": ("read_fairness", answering(show_fairness)),
    "GET /risk/models": ("read_profiles", answering(show_models)),
    "POST /risk/models": ("write_profile", answering(train_model)),
    "GET /risk/models/{version:int}": ("read_profiles", answering(show_model)),
    "POST /risk/models/{version:int}": ("read_profiles", answering(lived)),
}
"""The pages, each with the act it is for. Who may take a step is ruled where it is known which."""
NEEDS: Mapping[str, str] = {route: action for route, (action, _) in PAGES.items()}

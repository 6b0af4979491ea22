"""`/v1/risk/…` of what inspections teach: how profiles and models did, how groups fared, models and their life."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidewaiter.api import problems
from tidewaiter.api.acting import Reason, answering, asked_in, number_in
from tidewaiter.api.lodging import Refused
from tidewaiter.api.problems import problem
from tidewaiter.api.risking import country_of
from tidewaiter.risk.fairness import Fairness
from tidewaiter.risk.feedback import Feedback
from tidewaiter.risk.model import Drift, TooFew
from tidewaiter.services.acting import WHY, NotThere
from tidewaiter.services.fitting import CannotFit
from tidewaiter.services.learn import NothingThere, Span, learn, propose_expiries, report_fairness
from tidewaiter.services.models import (
    ModelLost,
    digest_of,
    draft_model,
    last_drift,
    list_models,
    look_at_drift,
    step_model,
)
from tidewaiter.services.repeat import Repeated, repeat
from tidewaiter.store import ProfileEvent, StoredProfile
from tidewaiter.store.profiles import State
from tidewaiter.wiring import House, caller_of

VERSION_MAX = 2**31 - 1
USUAL = timedelta(days=90)
"""How far back is looked where nothing else is said."""


class Days(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The consignments accepted from the first of these legal days on and before the other."""

    since: date
    until: date


class Expiries(msgspec.Struct, frozen=True, kw_only=True):
    """The profiles that were now put before an officer to expire."""

    proposed: tuple[str, ...]


class ModelStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step in the life of a model."""

    do: Literal["proposed", "approved", "declined", "expired"]
    reason: Reason


class ModelView(msgspec.Struct, frozen=True, kw_only=True):
    """A version of the country's risk model, where it stands, and its card (Markdown). `drift` is what was found when
    it was last looked whether it still fits, null where nobody has."""

    version: int
    state: State
    author: str
    at: datetime
    digest: str
    card: str
    events: tuple[ProfileEvent, ...]
    drift: Drift | None


SCHEMAS = (Feedback, Fairness, Days, Expiries, ModelStep, ModelView, list[ModelView], Repeated)


async def show_feedback(request: Request) -> Response:
    """How profiles, detectors, models and the random share did."""
    house = _house(request)
    span = _span(request)
    return _json(await learn(span, principal=caller_of(request.scope), store=house.store, law=house.law))


async def propose_expiry(request: Request) -> Response:
    """Put before an officer the profiles that find less than chance."""
    asked, house = await asked_in(request, Days), _house(request)
    proposed = await propose_expiries(
        _asked_span(request, asked), principal=caller_of(request.scope), store=house.store, law=house.law,
        at=house.now(),
    )  # fmt: skip
    return _json(Expiries(proposed=tuple(proposed)))


async def show_fairness(request: Request) -> Response:
    """How groups fared beside the random share."""
    house = _house(request)
    span = _span(request)
    return _json(await report_fairness(span, principal=caller_of(request.scope), store=house.store, law=house.law))


async def show_repeated(request: Request) -> Response:
    """What comes of picking again."""
    house = _house(request)
    made = await repeat(
        country_of(request), number_in(request, "id"), principal=caller_of(request.scope), store=house.store,
        law=house.law, at=house.now(),
    )  # fmt: skip
    return _json(made)


async def show_models(request: Request) -> Response:
    """The versions of the model of the country."""
    found = await list_models(
        country_of(request),
        principal=caller_of(request.scope),
        store=_house(request).store_for(caller_of(request.scope)),
    )
    return _json([_view(one) for one in found])


async def train_one(request: Request) -> Response:
    """Train a model, and keep it as a draft."""
    asked, house = await asked_in(request, Days), _house(request)
    made = await draft_model(
        _asked_span(request, asked), principal=caller_of(request.scope), store=house.store, law=house.law,
        at=house.now(),
    )  # fmt: skip
    return _json(_view(made), status=201)


async def show_model(request: Request) -> Response:
    """One version of the model."""
    version = number_in(request, "version", VERSION_MAX)
    store = _house(request).store_for(caller_of(request.scope))
    found = await list_models(country_of(request), principal=caller_of(request.scope), store=store)
    one = next((one for one in found if one.version == version), None)
    if one is None:
        raise NotThere
    return _json(_view(one))


async def step_one(request: Request) -> Response:
    """Take a step in the life of a model."""
    asked, house = await asked_in(request, ModelStep), _house(request)
    made = await step_model(
        country_of(request), number_in(request, "version", VERSION_MAX), asked.do, reason=asked.reason,
        principal=caller_of(request.scope), store=house.store, at=house.now(),
    )  # fmt: skip
    return _json(_view(made))


async def drift_one(request: Request) -> Response:
    """Look whether the model still fits."""
    asked, house = await asked_in(request, Days), _house(request)
    made, _ = await look_at_drift(
        number_in(request, "version", VERSION_MAX), _asked_span(request, asked), principal=caller_of(request.scope),
        store=house.store, law=house.law, at=house.now(),
    )  # fmt: skip
    return _json(_view(made))


def _telling_why(act: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return await answering(act)(request)
        except NothingThere:
            return problem(problems.CANNOT_NOW, detail=WHY["not_inspected"])
        except ModelLost:
            return problem(problems.CANNOT_NOW, detail=WHY["model_lost"])
        except (TooFew, CannotFit) as wrong:
            return problem(problems.CANNOT_NOW, detail=str(wrong)[:500])

    return answer


ROUTES: Mapping[str, tuple[str, Callable[[Request], Awaitable[Response]]]] = {
    "GET /v1/risk/feedback": ("read_profiles", _telling_why(show_feedback)),
    "POST /v1/risk/expiries": ("approve_profile", _telling_why(propose_expiry)),
    "GET /v1/risk/fairness": ("read_fairness", _telling_why(show_fairness)),
    "GET /v1/risk/queue/{id:int}": ("read_profiles", _telling_why(show_repeated)),
    "GET /v1/risk/models": ("read_profiles", _telling_why(show_models)),
    "POST /v1/risk/models": ("write_profile", _telling_why(train_one)),
    "GET /v1/risk/models/{version:int}": ("read_profiles", _telling_why(show_model)),
    "POST /v1/risk/models/{version:int}": ("read_profiles", _telling_why(step_one)),
    "POST /v1/risk/models/{version:int}/drift": ("write_profile", _telling_why(drift_one)),
}
"""The routes, each with the act it is for. Who may take a step is ruled where it is known which."""
NEEDS: Mapping[str, str] = {route: action for route, (action, _) in ROUTES.items()}


def _span(request: Request) -> Span:
    """The days that the query names, else the last ninety. Raises Refused."""
    today = _house(request).now().date()
    asked = request.query_params
    try:
        since, until = (
            msgspec.convert(asked[name], type=date) if name in asked else usual
            for name, usual in (("since", today - USUAL), ("until", today + timedelta(days=1)))
        )
    except ValueError:
        raise Refused(problem(problems.DAY_UNFIT)) from None
    return Span(country_of(request), since, until)


def _asked_span(request: Request, asked: Days) -> Span:
    return Span(country_of(request), asked.since, asked.until)


def _view(one: StoredProfile) -> ModelView:
    looked = last_drift(one)
    return ModelView(
        version=one.version, state=one.state, author=one.author, at=one.at, digest=digest_of(one), card=one.written,
        events=one.events, drift=None if looked is None else looked[1],
    )  # fmt: skip


def _json(record: Any, *, status: int = 200) -> Response:
    return Response(msgspec.json.encode(record), status_code=status, media_type="application/json")


def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house

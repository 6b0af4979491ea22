"""`/v1/risk/…` and what officials ask of one consignment about risk: for them alone, nothing of it is for a filer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from tidewaiter.api import problems
from tidewaiter.api.acting import ID_MAX, Reason, answering, asked_in, number_in
from tidewaiter.api.lodging import Refused
from tidewaiter.api.problems import problem
from tidewaiter.model.inspection import MINUTES_MAX, Inspection, Result
from tidewaiter.model.money import to_micro
from tidewaiter.services.acting import WHY
from tidewaiter.services.capacity import CapacityError
from tidewaiter.services.explain import Explained, explain
from tidewaiter.services.inspect import inspect
from tidewaiter.services.profiles import Unfit, draft, folder_of, step
from tidewaiter.services.queue import draw_up
from tidewaiter.store import Selected, StoredProfile
from tidewaiter.store.profiles import State
from tidewaiter.wiring import House, caller_of

VERSION_MAX = 2**31 - 1


class InspectionReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an inspection found. `recovered` is duty and tax found due besides, in the currency they are charged in;
    `supersedes` the number of the inspection that this corrects."""

    results: Annotated[tuple[Result, ...], Meta(min_length=1)]
    minutes: Annotated[int, Meta(ge=1, le=MINUTES_MAX)]
    recovered: Annotated[str, Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$")] = "0"
    supersedes: Annotated[int, Meta(ge=1, le=ID_MAX)] | None = None


class Draft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A risk profile, as TOML, to be kept as a new version that changes nothing yet."""

    written: str


class ProfileStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step in the life of a profile."""

    do: Literal["tried", "proposed", "approved", "declined", "expired"]
    reason: Reason


class DrawUp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To draw up the queue of a shift."""

    shift: Annotated[str, Meta(min_length=1, max_length=64)]


class ProfileView(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a risk profile, and where it stands."""

    id: str
    version: int
    state: State
    author: str
    at: datetime
    written: str


SCHEMAS = (
    InspectionReport,
    Draft,
    ProfileStep,
    DrawUp,
    ProfileView,
    list[ProfileView],
    Inspection,
    Explained,
    Selected,
)


async def show_reasons(request: Request) -> Response:
    """What risk saw in a consignment."""
    house = _house(request)
    told = await explain(
        number_in(request, "id"), principal=caller_of(request.scope), store=house.store, law=house.law,
        at=house.now(),
    )  # fmt: skip
    return _json(told)


async def inspect_one(request: Request) -> Response:
    """Write down what an inspection found."""
    asked, house = await asked_in(request, InspectionReport), _house(request)
    made = await inspect(
        number_in(request, "id"), asked.results, recovered_micro=to_micro(Decimal(asked.recovered)),
        minutes=asked.minutes, supersedes=asked.supersedes, principal=caller_of(request.scope), store=house.store,
        at=house.now(),
    )  # fmt: skip
    return _json(made)


async def list_profiles(request: Request) -> Response:
    """The profiles of the caller's country that are kept."""
    house, caller = _house(request), caller_of(request.scope)
    folder = folder_of(caller, house.law)
    found = await house.store_for(caller).profiles.all()
    return _json([_view(one) for one in found if one.jurisdiction == folder])


async def draft_one(request: Request) -> Response:
    """Keep a profile as a draft."""
    asked, house = await asked_in(request, Draft), _house(request)
    made = await draft(
        asked.written, principal=caller_of(request.scope), store=house.store, law=house.law, at=house.now()
    )
    return _json(_view(made), status=201)


async def step_one(request: Request) -> Response:
    """Take a step in the life of a profile."""
    asked, house = await asked_in(request, ProfileStep), _house(request)
    made = await step(
        request.path_params["profile"], number_in(request, "version", VERSION_MAX), asked.do, reason=asked.reason,
        principal=caller_of(request.scope), store=house.store, law=house.law, at=house.now(),
    )  # fmt: skip
    return _json(_view(made))


async def draw_up_one(request: Request) -> Response:
    """Draw up the queue of a shift."""
    asked, house, caller = await asked_in(request, DrawUp), _house(request), caller_of(request.scope)
    try:
        capacity = house.capacity
    except CapacityError:
        capacity = None
    if capacity is None:
        return problem(problems.CANNOT_NOW, detail=WHY["capacity"])
    drawn = await draw_up(
        country_of(request), asked.shift, capacity, principal=caller, store=house.store, law=house.law, at=house.now(),
    )  # fmt: skip
    return _json(drawn)


def country_of(request: Request) -> str:
    """The country that the query names, else the caller's own, else the one that messages are for. Whether the caller
    may look at it is ruled where it is looked at. Raises Refused."""
    house, chosen = _house(request), request.query_params.get("jurisdiction")
    if chosen is not None and chosen not in house.law.known:
        raise Refused(problem(problems.COUNTRY_UNKNOWN))
    return chosen or caller_of(request.scope).country or house.settings.jurisdiction or ""


def _telling_unfit(act: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return await answering(act)(request)
        except Unfit as wrong:
            return problem(problems.ACT_UNFIT, detail=str(wrong)[:500])

    return answer


ROUTES: Mapping[str, tuple[str, Callable[[Request], Awaitable[Response]]]] = {
    "GET /v1/control/{id:int}/risk": ("read_risk", _telling_unfit(show_reasons)),
    "POST /v1/control/{id:int}/inspections": ("inspect", _telling_unfit(inspect_one)),
    "GET /v1/risk/profiles": ("read_profiles", _telling_unfit(list_profiles)),
    "POST /v1/risk/profiles": ("write_profile", _telling_unfit(draft_one)),
    "POST /v1/risk/profiles/{profile}/{version:int}": ("read_profiles", _telling_unfit(step_one)),
    "POST /v1/risk/queue": ("draw_up_queue", _telling_unfit(draw_up_one)),
}
"""The routes, each with the act it is for. Who may take a step is ruled where it is known which."""
NEEDS: Mapping[str, str] = {route: action for route, (action, _) in ROUTES.items()}


def _view(one: StoredProfile) -> ProfileView:
    return ProfileView(
        id=one.id, version=one.version, state=one.state, author=one.author, at=one.at, written=one.written
    )


def _json(record: Any, *, status: int = 200) -> Response:
    return Response(msgspec.json.encode(record), status_code=status, media_type="application/json")


def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house

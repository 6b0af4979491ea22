"""Pages about risk, for officials: the queue of a shift, a consignment with its reasons, profiles and their editor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tidewaiter.access import Principal, may
from tidewaiter.formats.csv.kinds import Fault
from tidewaiter.formats.csv.numbers import number
from tidewaiter.model.inspection import RESULTS
from tidewaiter.model.money import to_micro
from tidewaiter.risk import RANDOM, ruleset
from tidewaiter.risk.backtest import Backtest, Tested
from tidewaiter.services.acting import CannotNow, NotAllowed, NotThere
from tidewaiter.services.capacity import CapacityError
from tidewaiter.services.explain import explain
from tidewaiter.services.inspect import inspect
from tidewaiter.services.learn import NothingThere, Span, backtest, backtest_kept
from tidewaiter.services.profiles import Unfit, draft, folder_of, step
from tidewaiter.services.queue import draw_up
from tidewaiter.services.rule import object_of
from tidewaiter.store import MovedOn, StoredProfile
from tidewaiter.web.quoting import places_of
from tidewaiter.web.rendering import form_of, rendered, shown_next
from tidewaiter.wiring import House, caller_of

Page = Callable[[House, Request], Awaitable[Response]]
ID_MAX = 2**63 - 1
VERSION_MAX = 2**31 - 1
TESTED = timedelta(days=90)
"""How far back a back-test looks where nothing else is said."""
STEPS = ("tried", "proposed", "approved", "declined", "expired")
"""What can be done with a version on its page, besides to back-test it."""


async def show_queue(house: House, request: Request) -> Response:
    """The queue that was last drawn up for the caller's country, of what the caller may see."""
    return await _queue(house, request)


async def _queue(house: House, request: Request, *, why: str | None = None, status: int = 200) -> Response:
    caller = caller_of(request.scope)
    country = country_of(house, request)
    store = house.store_for(caller)
    drawn = await store.inspections.selection(jurisdiction=country)
    picks = sorted(
        (pick for pick in (drawn.picks if drawn else []) if pick["place"] is not None),
        key=lambda pick: (pick["office"], pick["lane"], pick["place"]),
    )
    ids = [pick["id"] for pick in picks]
    stored, signals = await store.consignments(ids), await store.inspections.signals_of(ids)
    try:
        shifts = sorted({queue.shift for queue in house.capacity.queue}) if house.capacity else []
    except CapacityError:
        shifts, why = [], why or "capacity"
    return shown(
        house, request, "risk_queue.html", status=status, drawn=drawn,
        rows=[(pick, stored[pick["id"]], signals.get(pick["id"], [])) for pick in picks if pick["id"] in stored],
        waiting=len(drawn.picks) - len(picks) if drawn else 0, shifts=shifts, why=why,
        can_draw=may(caller, "draw_up_queue").allowed,
    )  # fmt: skip


async def draw_queue(house: House, request: Request) -> Response:
    """Draws up the queue of a shift, and shows it."""
    form = await form_of(request)
    caller = caller_of(request.scope)
    try:
        capacity = house.capacity
    except CapacityError:
        capacity = None
    if capacity is None:
        return await _queue(house, request, why="capacity", status=409)
    await draw_up(
        country_of(house, request), form.get("shift", ""), capacity, principal=caller, store=house.store, law=house.law,
        at=house.now(),
    )  # fmt: skip
    return shown_next(request, "/risk")


async def show_item(house: House, request: Request) -> Response:
    """Why one consignment was picked, and what was found."""
    return await _item(house, request)


async def _item(house: House, request: Request, *, why: str | None = None, status: int = 200) -> Response:
    caller, id = caller_of(request.scope), number_in(request, "id", ID_MAX)
    told = await explain(id, principal=caller, store=house.store, law=house.law, at=house.now())
    stored = (await house.store.consignments([id]))[id]
    return shown(
        house, request, "risk_item.html", status=status, told=told, stored=stored, random=RANDOM, results=RESULTS,
        why=why, can_inspect=may(caller, "inspect", object_of(stored)).allowed,
        standing=told.inspections[-1] if told.inspections else None,
    )  # fmt: skip


async def inspected(house: House, request: Request) -> Response:
    """Writes down what an inspection found."""
    form = await form_of(request)
    id = number_in(request, "id", ID_MAX)
    try:
        recovered = number(form.get("recovered") or "0", "")
        if isinstance(recovered, Fault):
            raise CannotNow("amount")
        minutes, before = form.get("minutes", ""), form.get("supersedes", "")
        await inspect(
            id, [result for result in RESULTS if f"result-{result}" in form], recovered_micro=to_micro(recovered),
            minutes=_whole(minutes), supersedes=_whole(before) if before else None,
            principal=caller_of(request.scope), store=house.store, at=house.now(),
        )  # fmt: skip
    except CannotNow as cannot:
        return await _item(house, request, why=cannot.why, status=409)
    except ValueError:
        return await _item(house, request, why="amount", status=409)
    except MovedOn:
        return await _item(house, request, why="superseded", status=409)
    return shown_next(request, f"/risk/consignments/{id}")


async def show_profiles(house: House, request: Request) -> Response:
    """The profiles of the caller's country, and an empty editor."""
    return await _profiles(house, request)


async def _profiles(
    house: House, request: Request, *, written: str = "", wrong: str | None = None, why: str | None = None,
    made: Backtest | None = None, span: Span | None = None, status: int = 200,
) -> Response:  # fmt: skip
    caller = caller_of(request.scope)
    today = house.now().date()
    return shown(
        house, request, "risk_profiles.html", status=status, written=written, wrong=wrong, why=why, made=made,
        overlaps=_overlaps(made) if made is not None else [],
        kept=await kept_of(house, caller), of_law=ruleset(house.law), since=span.since if span else today - TESTED,
        until=span.until if span else today + timedelta(days=1),
        can_write=may(caller, "write_profile").allowed,
    )  # fmt: skip


def _overlaps(made: Backtest) -> list[tuple[Tested, int]]:
    """The other profiles that hit what the tested one, which is the last, hits; most first."""
    told = zip(made.profiles[:-1], made.overlap[-1], strict=False)
    return sorted(((one, count) for one, count in told if count), key=lambda pair: -pair[1])


async def write_profile(house: House, request: Request) -> Response:
    """Back-tests the text of the editor, or keeps it as a draft."""
    form = await form_of(request)
    caller = caller_of(request.scope)
    written = form.get("written", "").replace("\r\n", "\n")
    try:
        if form.get("do") == "draft":
            kept = await draft(written, principal=caller, store=house.store, law=house.law, at=house.now())
            return shown_next(request, f"/risk/profiles/{kept.id}/{kept.version}")
        span = span_of(house, request, form)
        made = await backtest(
            [written], span, principal=caller, store=house.store, law=house.law,
            minutes_a_day=_minutes(house),
        )  # fmt: skip
    except Unfit as wrong:
        return await _profiles(house, request, written=written, wrong=str(wrong), status=422)
    except CannotNow as cannot:
        return await _profiles(house, request, written=written, why=cannot.why, status=409)
    except NothingThere:
        return await _profiles(house, request, written=written, why="no_consignments", status=409)
    return await _profiles(house, request, written=written, made=made, span=span)


async def show_profile(house: House, request: Request) -> Response:
    """One version of a profile, with its life."""
    return await _profile(house, request)


async def _profile(house: House, request: Request, *, why: str | None = None, status: int = 200) -> Response:
    caller = caller_of(request.scope)
    name, version = request.path_params["profile"], number_in(request, "version", VERSION_MAX)
    kept = next((one for one in await kept_of(house, caller) if (one.id, one.version) == (name, version)), None)
    if kept is None:
        raise NotThere
    is_own = caller.id in (kept.author, kept.proposed_by)
    today = house.now().date()
    return shown(
        house, request, "risk_profile.html", status=status, kept=kept, why=why, is_own=is_own, since=today - TESTED,
        until=today + timedelta(days=1), can_write=may(caller, "write_profile").allowed,
        can_approve=may(caller, "approve_profile").allowed and not is_own,
    )  # fmt: skip


async def lived(house: House, request: Request) -> Response:
    """A step in the life of a version."""
    form = await form_of(request)
    caller = caller_of(request.scope)
    name, version = request.path_params["profile"], number_in(request, "version", VERSION_MAX)
    how: dict[str, Any] = {"principal": caller, "store": house.store, "law": house.law, "at": house.now()}
    try:
        if form.get("do") == "backtested":
            await backtest_kept(name, version, span_of(house, request, form), minutes_a_day=_minutes(house), **how)
        elif (kind := form.get("do")) in STEPS:
            await step(name, version, kind, reason=form.get("reason", ""), **how)  # type: ignore[arg-type]
        else:
            raise CannotNow("state")
    except CannotNow as cannot:
        return await _profile(house, request, why=cannot.why, status=409)
    except Unfit:
        return await _profile(house, request, why="unfit", status=409)
    except NothingThere:
        return await _profile(house, request, why="no_consignments", status=409)
    return shown_next(request, f"/risk/profiles/{name}/{version}")


def answering(page: Page) -> Page:
    """The page, or in its place what says that it is not there, or not for the caller."""

    async def answer(house: House, request: Request) -> Response:
        try:
            return await page(house, request)
        except NotThere:
            return rendered(request, "missing.html", status=404)
        except NotAllowed:
            return rendered(request, "refused.html", status=403)

    return answer


PAGES: Mapping[str, tuple[str, Page]] = {
    "GET /risk": ("read_profiles", answering(show_queue)),
    "POST /risk": ("draw_up_queue", answering(draw_queue)),
    "GET /risk/consignments/{id:int}": ("read_risk", answering(show_item)),
    "POST /risk/consignments/{id:int}": ("inspect", answering(inspected)),
    "GET /risk/profiles": ("read_profiles", answering(show_profiles)),
    "POST /risk/profiles": ("write_profile", answering(write_profile)),
    "GET /risk/profiles/{profile}/{version:int}": ("read_profiles", answering(show_profile)),
    "POST /risk/profiles/{profile}/{version:int}": ("read_profiles", answering(lived)),
}
"""The pages, each with the act it is for. Who may take a step is ruled where it is known which."""
NEEDS: Mapping[str, str] = {route: action for route, (action, _) in PAGES.items()}


def routes(
    pages: Mapping[str, tuple[str, Page]], house: House,
    serve: Callable[[House, Page], Callable[[Request], Awaitable[Response]]],
) -> list[Route]:  # fmt: skip
    """The routes of such pages."""
    return [
        Route(route.partition(" ")[2], serve(house, page), methods=[route.partition(" ")[0]])
        for route, (_, page) in pages.items()
    ]


async def kept_of(house: House, caller: Principal) -> list[StoredProfile]:
    """The profiles of the caller's country that are kept, by name and newest first."""
    folder = folder_of(caller, house.law)
    found = [one for one in await house.store_for(caller).profiles.all() if one.jurisdiction == folder]
    return sorted(found, key=lambda one: (one.id, -one.version))


def country_of(house: House, request: Request) -> str:
    """The country whose risk is looked at: the caller's own; who has none chooses one, else it is the one that messages
    are for. Nothing where none is said."""
    chosen = request.query_params.get("jurisdiction", "")
    return (
        caller_of(request.scope).country
        or (chosen if chosen in house.law.known else "")
        or house.settings.jurisdiction
        or ""
    )


def shown(house: House, request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page about risk: it names its country, and offers the others to a caller who has none of their own."""
    places = {} if caller_of(request.scope).country else places_of(house.law)
    return rendered(request, template, status=status, country=country_of(house, request), places=places, **values)


def span_of(house: House, request: Request, form: Mapping[str, str]) -> Span:
    """The time that is looked at. Raises CannotNow."""
    today = house.now().date()
    try:
        since, until = (
            date.fromisoformat(form[name]) if form.get(name) else usual
            for name, usual in (("since", today - TESTED), ("until", today + timedelta(days=1)))
        )
    except ValueError:
        raise CannotNow("day") from None
    return Span(country_of(house, request), since, until)


def _minutes(house: House) -> dict[str, int] | None:
    try:
        return house.capacity.minutes_a_day() if house.capacity else None
    except CapacityError:
        return None


def _whole(text: str) -> int:
    """A whole number that a form gives; nought where it gives none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def number_in(request: Request, name: str, most: int) -> int:
    """A number in the path. Raises NotThere where none can be so great."""
    found: int = request.path_params[name]
    if found > most:
        raise NotThere
    return found

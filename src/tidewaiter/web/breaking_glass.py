"""The form by which an official breaks the glass, and the pages where a supervisor looks into it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tidewaiter.services.acting import CannotNow, NotAllowed, NotThere
from tidewaiter.services.break_glass import break_glass
from tidewaiter.services.review_glass import opening, openings, review_glass
from tidewaiter.web.rendering import form_of, rendered
from tidewaiter.wiring import House, caller_of

ID_MAX = 2**63 - 1
FOUND = {"justified": True, "unjustified": False}


async def show_form(_: House, request: Request) -> Response:
    """The form."""
    return rendered(request, "glass.html", why=None)


async def broken(house: House, request: Request) -> Response:
    """Breaks it, and goes on to the list."""
    form = await form_of(request)
    try:
        await break_glass(
            form.get("reason", ""), form.get("case", "").strip(), principal=caller_of(request.scope),
            store=house.store, at=house.now(),
        )  # fmt: skip
    except NotAllowed:
        return rendered(request, "refused.html", status=403)
    except CannotNow as cannot:
        return rendered(request, "glass.html", status=409, why=cannot.why)
    return RedirectResponse("/", status_code=303)


async def show_openings(house: House, request: Request) -> Response:
    """Who broke the glass: what waits for a review, and what was reviewed last."""
    caller = caller_of(request.scope)
    try:
        found = await openings(principal=caller, store=house.store_for(caller), at=house.now())
    except NotAllowed:
        return rendered(request, "refused.html", status=403)
    return rendered(request, "openings.html", openings=found)


async def show_opening(house: House, request: Request) -> Response:
    """One of them: why, at what, and the form to review it."""
    return await _page(house, request)


async def reviewed(house: House, request: Request) -> Response:
    """Writes down what was found."""
    form = await form_of(request)
    id = request.path_params["id"]
    if id > ID_MAX:
        return rendered(request, "missing.html", status=404)
    try:
        if form.get("found") not in FOUND:
            raise CannotNow("unsaid")
        await review_glass(
            id, is_justified=FOUND[form["found"]], finding=form.get("reason", ""), principal=caller_of(request.scope),
            store=house.store, at=house.now(),
        )  # fmt: skip
    except NotThere:
        return rendered(request, "missing.html", status=404)
    except NotAllowed:
        return rendered(request, "refused.html", status=403)
    except CannotNow as cannot:
        return await _page(house, request, why=cannot.why)
    return RedirectResponse(f"/openings/{id}", status_code=303)


async def _page(house: House, request: Request, *, why: str | None = None) -> Response:
    caller, id = caller_of(request.scope), request.path_params["id"]
    try:
        if id > ID_MAX:
            raise NotThere
        found = await opening(id, principal=caller, store=house.store_for(caller), at=house.now())
    except NotThere:
        return rendered(request, "missing.html", status=404)
    return rendered(request, "opening.html", status=409 if why else 200, told=found, why=why)

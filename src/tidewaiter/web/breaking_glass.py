"""The form by which an official breaks the glass."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tidewaiter.services.acting import CannotNow, NotAllowed
from tidewaiter.services.break_glass import break_glass
from tidewaiter.web.rendering import form_of, rendered
from tidewaiter.wiring import House, caller_of


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

"""The routes of the pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from tidewaiter.model.money import from_micro
from tidewaiter.model.outcome import Totals
from tidewaiter.services.list_consignments import list_consignments
from tidewaiter.services.show import show_to_officer
from tidewaiter.store import StoreUnavailable
from tidewaiter.web import names, words
from tidewaiter.wiring import House

ID_MAX = 2**63 - 1
STATIC = {"style.css": "text/css", "icon.svg": "image/svg+xml"}

Page = Callable[[House, Request], Awaitable[Response]]


def routes(house: House) -> list[BaseRoute]:
    """The routes of this door."""
    return [
        Route("/", _serve(house, show_list), methods=["GET"]),
        Route("/consignments/{id:int}", _serve(house, show_one), methods=["GET"]),
        Route("/static/{name}", show_static, methods=["GET"]),
    ]


def _serve(house: House, page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        try:
            return await page(house, request)
        except StoreUnavailable:
            return _rendered(request, "away.html", status=503)

    return serve


async def show_list(house: House, request: Request) -> Response:
    """The consignments, newest first, a page at a time."""
    asked = request.query_params
    control = asked.get("control") if asked.get("control") in names.CONTROL else None
    page = await list_consignments(
        store=house.store,
        control=control,
        reference=asked.get("reference", "").strip() or None,
        before=_id(asked.get("before")),
        after=_id(asked.get("after")),
    )
    return _rendered(request, "list.html", page=page, control=control, reference=asked.get("reference", "").strip())


async def show_one(house: House, request: Request) -> Response:
    """One consignment with all that stands behind it."""
    id = request.path_params["id"]
    with_personal = request.query_params.get("personal") == "yes"
    shown = None
    if id <= ID_MAX:
        shown = await show_to_officer(id, store=house.store, at=house.now(), with_personal=with_personal)
    if shown is None:
        return _rendered(request, "missing.html", status=404)
    return _rendered(request, "consignment.html", shown=shown, record=shown.whole or shown.stored.record)


async def show_static(request: Request) -> Response:
    """A file that the pages use."""
    name = request.path_params["name"]
    if name not in STATIC:
        return _rendered(request, "missing.html", status=404)
    return Response(_file(name), media_type=STATIC[name], headers={"Cache-Control": "max-age=3600"})


@cache
def _file(name: str) -> bytes:
    return (resources.files("tidewaiter.web") / "static" / name).read_bytes()


def _id(text: str | None) -> int | None:
    """The id in a query; None where it is none."""
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > 19:
        return None
    return min(int(text), ID_MAX)


def due(totals: Totals) -> Decimal | None:
    """What is due in all; None where a part of it is not known."""
    if totals.duty is None or totals.tax is None or totals.fee is None:
        return None
    return Decimal(totals.duty) + Decimal(totals.tax) + Decimal(totals.fee)


def _rendered(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    asked = request.query_params
    language = words.wanted(asked.get("lang"), request.headers.get("accept-language", ""))

    def link(path: str, **changes: object) -> str:
        """A link within the pages, in the language that was asked for; None leaves a value out."""
        query = {name: asked[name] for name in ("lang",) if name in asked} | changes
        text = urlencode({name: value for name, value in query.items() if value is not None and value != ""})
        return f"{path}?{text}" if text else path

    def same(**changes: object) -> str:
        """A link to this page, changed so."""
        kept = {name: asked[name] for name in ("control", "reference", "before", "after", "personal") if name in asked}
        return link(request.url.path, **(kept | changes))

    body = (
        words.environment(language)
        .get_template(template)
        .render(link=link, same=same, due=due, micro=from_micro, **values)
    )
    return HTMLResponse(body, status_code=status, headers={"Content-Language": language, "Vary": "Accept-Language"})

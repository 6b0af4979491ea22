"""The routes of the pages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from tidewaiter.law.law import Law
from tidewaiter.law.timeline import in_force
from tidewaiter.model.money import from_micro
from tidewaiter.model.outcome import Totals
from tidewaiter.model.receipt import Receipt
from tidewaiter.services.list_consignments import list_consignments
from tidewaiter.services.quote import quote
from tidewaiter.services.reckon import LawChanged, NotReckoned, receipt_of
from tidewaiter.services.show import show_to_officer
from tidewaiter.store import StoredConsignment, StoreUnavailable
from tidewaiter.web import names, quoting, words
from tidewaiter.web.streaming import stream_events
from tidewaiter.wiring import House

ID_MAX = 2**63 - 1
KEPT = ("control", "reference", "before", "after", "personal", *quoting.FIELDS)
"""What a link to the same page keeps of its address."""
OFFICER = "officer"
STATIC = {"style.css": "text/css", "icon.svg": "image/svg+xml", "list.js": "text/javascript"}

Page = Callable[[House, Request], Awaitable[Response]]


def routes(house: House) -> list[BaseRoute]:
    """The routes of this door."""
    return [
        Route("/", _serve(house, show_list), methods=["GET"]),
        Route("/consignments/{id:int}", _serve(house, show_one), methods=["GET"]),
        Route("/consignments/{id:int}/receipt", _serve(house, show_receipt), methods=["GET"]),
        Route("/consignments/{id:int}/receipt.json", _serve(house, give_receipt), methods=["GET"]),
        Route("/quote", _serve(house, show_quote), methods=["GET"]),
        Route("/events/stream", _serve(house, stream_events), methods=["GET"]),
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
    seen = await house.tide.newest()  # before the list is read, so that nothing happens between the two unseen
    page = await list_consignments(
        store=house.store,
        control=control,
        reference=asked.get("reference", "").strip() or None,
        before=_id(asked.get("before")),
        after=_id(asked.get("after")),
    )
    found = asked.get("reference", "").strip()
    return _rendered(request, "list.html", page=page, control=control, reference=found, seen=seen.cursor)


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


async def show_receipt(house: House, request: Request) -> Response:
    """The receipt of one consignment: every line with all that it follows from."""
    stored = await _stored(house, request)
    if stored is None:
        return _rendered(request, "missing.html", status=404)
    made = await _reckoned(house, stored)
    if isinstance(made, str):
        return _rendered(request, "receipt.html", status=409, stored=stored, receipt=None, lost=made)
    return _rendered(request, "receipt.html", stored=stored, receipt=made, lost=None)


async def give_receipt(house: House, request: Request) -> Response:
    """The same as JSON, as `tidewaiter verify` reads it."""
    stored = await _stored(house, request)
    if stored is None:
        return _rendered(request, "missing.html", status=404)
    made = await _reckoned(house, stored)
    if isinstance(made, str):
        return _rendered(request, "receipt.html", status=409, stored=stored, receipt=None, lost=made)
    return Response(
        msgspec.json.encode(made) + b"\n",
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="receipt-{stored.id}.json"'},
    )


async def _stored(house: House, request: Request) -> StoredConsignment | None:
    id = request.path_params["id"]
    return (await house.store.consignments([id])).get(id) if id <= ID_MAX else None


async def _reckoned(house: House, stored: StoredConsignment) -> Receipt | str:
    """The receipt; or why there is none any more, by its key in `names.LOST`."""
    try:
        return await receipt_of(stored, store=house.store, law=house.law, reader=OFFICER, at=house.now())
    except LawChanged:
        return "law_changed"
    except NotReckoned:
        return "not_reckoned"


async def show_quote(house: House, request: Request) -> Response:
    """The form, and below it the offers for what was asked. Nothing is kept."""
    asked = quoting.asked_in(request.query_params)
    made = None
    if not asked.is_empty:
        record = quoting.consignment_of(asked, house.law)
        if record is not None and record.accepted_on is not None:
            made = await asyncio.to_thread(quote, record, law=house.law, on=record.accepted_on)
    today = house.now().date()
    return _rendered(
        request,
        "quote.html",
        asked=asked,
        quote=made,
        today=today,
        places={code: place.name for place in house.law.jurisdictions.values() if (code := place.code)},
        countries=_codes(house.law, "countries", today),
        currencies=_codes(house.law, "currencies", today),
    )


def _codes(law: Law, name: str, day: date) -> list[str]:
    """What is on a list of codes that all countries share."""
    editions = next((law.editions(name, country) for country in sorted(law.known)), ())
    return sorted({code for edition in in_force(editions, day) for code in edition.codes.to_list()})


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
        kept = {name: asked[name] for name in KEPT if name in asked}
        return link(request.url.path, **(kept | changes))

    body = (
        words.environment(language)
        .get_template(template)
        .render(link=link, same=same, due=due, micro=from_micro, **values)
    )
    return HTMLResponse(body, status_code=status, headers={"Content-Language": language, "Vary": "Accept-Language"})

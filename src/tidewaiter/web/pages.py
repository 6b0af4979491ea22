"""The routes of the pages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from functools import cache
from importlib import resources

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from tidewaiter.access import may
from tidewaiter.law.law import Law
from tidewaiter.law.timeline import in_force
from tidewaiter.model.receipt import Receipt
from tidewaiter.services.break_glass import look_through
from tidewaiter.services.federate import BACK
from tidewaiter.services.list_consignments import list_consignments
from tidewaiter.services.quote import quote
from tidewaiter.services.reckon import LawChanged, NotReckoned, receipt_of
from tidewaiter.services.review_glass import count_unreviewed
from tidewaiter.services.rule import object_of, rule
from tidewaiter.services.show import show_to_officer
from tidewaiter.store import StoredConsignment, StoreUnavailable
from tidewaiter.web import (
    acting,
    breaking_glass,
    entering,
    holding_keys,
    learning,
    names,
    presenting,
    quoting,
    replying,
    risk,
)
from tidewaiter.web.rendering import Forged, rendered
from tidewaiter.web.streaming import stream_events
from tidewaiter.wiring import House, caller_of

ID_MAX = 2**63 - 1
CONTROL, ASSESS = "control", "assess"
"""What personal data are read for here."""
STATIC = {
    "style.css": "text/css",
    "icon.svg": "image/svg+xml",
    "list.js": "text/javascript",
    "passkey.js": "text/javascript",
}

NEEDS: Mapping[str, str] = {
    "GET /": "list_consignments",
    "GET /consignments/{id:int}": "read_risk",
    "GET /consignments/{id:int}/receipt": "read_risk",
    "GET /consignments/{id:int}/receipt.json": "read_risk",
    **{f"POST {path}": action for path, action in acting.NEEDS.items()},
    "GET /consignments/{id:int}/replies/{number:int}/{place:int}": "read_personal",
    "GET /presentations": "present",
    "POST /presentations": "present",
    "GET /requests": "reply",
    "GET /requests/{id:int}": "reply",
    "POST /requests/{id:int}": "reply",
    **risk.NEEDS,
    **learning.NEEDS,
    "GET /quote": "quote",
    "GET /events/stream": "list_consignments",
    "GET /enter": "look_up",
    "POST /enter": "look_up",
    "GET /enter/provider": "look_up",
    f"GET {BACK}": "look_up",
    "GET /enter/passkey": "look_up",
    "POST /enter/passkey": "look_up",
    "GET /passkeys": "account",
    "POST /passkeys": "account",
    "POST /passkeys/remove": "account",
    "GET /break-glass": "break_glass",
    "POST /break-glass": "break_glass",
    "GET /openings": "list_openings",
    "GET /openings/{id:int}": "read_opening",
    "POST /openings/{id:int}": "review_opening",
    "POST /leave": "look_up",
    "GET /static/{name}": "look_up",
}
"""The act that each page is for, where the house is guarded. Those of a consignment show what risk saw."""

Page = Callable[[House, Request], Awaitable[Response]]


def routes(house: House) -> list[BaseRoute]:
    """The routes of this door."""
    return [
        Route("/", _serve(house, show_list), methods=["GET"]),
        Route("/consignments/{id:int}", _serve(house, show_one), methods=["GET"]),
        Route("/consignments/{id:int}/receipt", _serve(house, show_receipt), methods=["GET"]),
        Route("/consignments/{id:int}/receipt.json", _serve(house, give_receipt), methods=["GET"]),
        Route(
            "/consignments/{id:int}/replies/{number:int}/{place:int}",
            _serve(house, replying.give_document),
            methods=["GET"],
        ),
        Route("/presentations", _serve(house, presenting.show_awaited), methods=["GET"]),
        Route("/presentations", _serve(house, presenting.presented), methods=["POST"]),
        Route("/requests", _serve(house, replying.show_requests), methods=["GET"]),
        Route("/requests/{id:int}", _serve(house, replying.show_request), methods=["GET"]),
        Route("/requests/{id:int}", _serve(house, replying.replied), methods=["POST"]),
        Route("/quote", _serve(house, show_quote), methods=["GET"]),
        Route("/events/stream", _serve(house, stream_events), methods=["GET"]),
        *(Route(path, _serve(house, act), methods=["POST"]) for path, act in acting.ROUTES.items()),
        *risk.routes(risk.PAGES, house, _serve),
        *risk.routes(learning.PAGES, house, _serve),
        Route("/enter", _serve(house, entering.show_form), methods=["GET"]),
        Route("/enter", _serve(house, entering.let_in), methods=["POST"]),
        Route("/enter/provider", _serve(house, entering.to_provider), methods=["GET"]),
        Route(BACK, _serve(house, entering.from_provider), methods=["GET"]),
        Route("/enter/passkey", _serve(house, holding_keys.show_form), methods=["GET"]),
        Route("/enter/passkey", _serve(house, holding_keys.let_in), methods=["POST"]),
        Route("/passkeys", _serve(house, holding_keys.show_keys), methods=["GET"]),
        Route("/passkeys", _serve(house, holding_keys.added), methods=["POST"]),
        Route("/passkeys/remove", _serve(house, holding_keys.removed), methods=["POST"]),
        Route("/break-glass", _serve(house, breaking_glass.show_form), methods=["GET"]),
        Route("/break-glass", _serve(house, breaking_glass.broken), methods=["POST"]),
        Route("/openings", _serve(house, breaking_glass.show_openings), methods=["GET"]),
        Route("/openings/{id:int}", _serve(house, breaking_glass.show_opening), methods=["GET"]),
        Route("/openings/{id:int}", _serve(house, breaking_glass.reviewed), methods=["POST"]),
        Route("/leave", _serve(house, entering.let_out), methods=["POST"]),
        Route("/static/{name}", show_static, methods=["GET"]),
    ]


def _serve(house: House, page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        try:
            return await page(house, request)
        except StoreUnavailable:
            return rendered(request, "away.html", status=503)
        except Forged:
            return rendered(request, "refused.html", status=403)

    return serve


async def show_list(house: House, request: Request) -> Response:
    """The consignments, newest first, a page at a time."""
    asked = request.query_params
    control = asked.get("control") if asked.get("control") in names.CONTROL else None
    seen = await house.tide.newest()  # before the list is read, so that nothing happens between the two unseen
    caller = caller_of(request.scope)
    store = house.store_for(caller)
    page = await list_consignments(
        store=store,
        control=control,
        reference=asked.get("reference", "").strip() or None,
        before=_id(asked.get("before")),
        after=_id(asked.get("after")),
    )
    found = asked.get("reference", "").strip()
    unreviewed = await count_unreviewed(principal=caller, store=store)
    return rendered(
        request, "list.html", page=page, control=control, reference=found, seen=seen.cursor, unreviewed=unreviewed
    )


async def show_one(house: House, request: Request) -> Response:
    """One consignment with all that stands behind it."""
    id, caller = request.path_params["id"], caller_of(request.scope)
    case = request.query_params.get("case", "")
    store = house.store_for(caller, purpose=CONTROL, case=case)
    stored = (await store.consignments([id])).get(id) if id <= ID_MAX else None
    glass = None
    if stored is None and id <= ID_MAX:
        glass = await look_through(id, principal=caller, store=house.store, at=house.now())
        if glass is not None:
            case = glass.case_id
            store = house.store_for(caller, purpose=CONTROL, case=case, glass=True)
            stored = (await store.consignments([id])).get(id)
    if stored is None:
        return rendered(request, "missing.html", status=404)
    with_personal = request.query_params.get("personal") == "yes"
    if (
        with_personal
        and glass is None
        and not rule(caller, "read_personal", stored, purpose=CONTROL, case=case).allowed
    ):
        return rendered(request, "refused.html", status=403)
    shown = await show_to_officer(id, store=store, at=house.now(), reader=caller.id, with_personal=with_personal)
    if shown is None:
        return rendered(request, "missing.html", status=404)
    return rendered(
        request,
        "consignment.html",
        shown=shown,
        glass=glass,
        record=shown.whole or shown.stored.record,
        sees_weights=may(caller, "read_weights", object_of(stored)).allowed,
        can=acting.possible(caller, shown),
        acts=await store.acts.of(id),
        proposals=await store.acts.proposals(id),
    )


async def show_receipt(house: House, request: Request) -> Response:
    """The receipt of one consignment: every line with all that it follows from."""
    stored = await _stored(house, request)
    if stored is None:
        return rendered(request, "missing.html", status=404)
    made = await _reckoned(house, request, stored)
    if made is None:
        return rendered(request, "refused.html", status=403)
    if isinstance(made, str):
        return rendered(request, "receipt.html", status=409, stored=stored, receipt=None, lost=made)
    return rendered(request, "receipt.html", stored=stored, receipt=made, lost=None)


async def give_receipt(house: House, request: Request) -> Response:
    """The same as JSON, as `tidewaiter verify` reads it."""
    stored = await _stored(house, request)
    if stored is None:
        return rendered(request, "missing.html", status=404)
    made = await _reckoned(house, request, stored)
    if made is None:
        return rendered(request, "refused.html", status=403)
    if isinstance(made, str):
        return rendered(request, "receipt.html", status=409, stored=stored, receipt=None, lost=made)
    return Response(
        msgspec.json.encode(made) + b"\n",
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="receipt-{stored.id}.json"'},
    )


async def _stored(house: House, request: Request) -> StoredConsignment | None:
    id, store = request.path_params["id"], house.store_for(caller_of(request.scope))
    return (await store.consignments([id])).get(id) if id <= ID_MAX else None


async def _reckoned(house: House, request: Request, stored: StoredConsignment) -> Receipt | str | None:
    """The receipt; or why there is none any more, by its key in `names.LOST`; None where the caller may not have the
    vault opened for it."""
    caller, case = caller_of(request.scope), request.query_params.get("case", "")
    if not rule(caller, "read_personal", stored, purpose=ASSESS, case=case).allowed:
        return None
    store = house.store_for(caller, purpose=ASSESS, case=case)
    try:
        return await receipt_of(stored, store=store, law=house.law, reader=caller.id, at=house.now())
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
    return rendered(
        request,
        "quote.html",
        asked=asked,
        quote=made,
        today=today,
        places=quoting.places_of(house.law),
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
        return rendered(request, "missing.html", status=404)
    return Response(_file(name), media_type=STATIC[name], headers={"Cache-Control": "max-age=3600"})


@cache
def _file(name: str) -> bytes:
    return (resources.files("tidewaiter.web") / "static" / name).read_bytes()


def refuse(scope: Scope, status: int) -> Response:
    """What a page says to a caller who is not known, or may not."""
    request = Request(scope)
    if status == 401:
        return entering.to_the_door(request)
    return rendered(request, "refused.html", status=status)


def _id(text: str | None) -> int | None:
    """The id in a query; None where it is none."""
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > 19:
        return None
    return min(int(text), ID_MAX)

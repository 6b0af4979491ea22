"""Putting the HTTP door together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

import jinja2
import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from tidewaiter.api import acting, learning, openapi, problems, risking, subscribing, uploading
from tidewaiter.api.conforming import ConformMessage, show_keys
from tidewaiter.api.door import Doorkeeper, Refuse
from tidewaiter.api.feeding import show_answer, show_events, show_later_answer
from tidewaiter.api.guarding import Guard
from tidewaiter.api.lodging import LodgeMessage
from tidewaiter.api.presenting import present_goods
from tidewaiter.api.problems import problem
from tidewaiter.api.quoting import QuoteMessage
from tidewaiter.api.receipting import show_lodgement_receipt
from tidewaiter.api.replying import reply_to_request
from tidewaiter.api.showing import show_consignment, show_receipt
from tidewaiter.api.tokens import GiveToken, show_metadata
from tidewaiter.store import StoreUnavailable
from tidewaiter.wiring import House


def routes(house: House) -> list[BaseRoute]:
    """The routes of this door."""
    return [
        Route("/v1/messages", LodgeMessage(house), methods=["POST"]),
        Route("/v1/messages/{id}/receipt", show_lodgement_receipt, methods=["GET"]),
        Route("/v1/consignments", LodgeMessage(house, format="json"), methods=["POST"]),
        Route("/v1/quotes", QuoteMessage(house), methods=["POST"]),
        Route("/v1/conform", ConformMessage(house), methods=["POST"]),
        Route("/v1/keys", show_keys, methods=["GET"]),
        *(Route(path, act, methods=["POST"]) for path, act in acting.ROUTES.items()),
        *(
            Route(name.split(" ")[1], act, methods=[name.split(" ")[0]])
            for name, (_, act) in (*risking.ROUTES.items(), *learning.ROUTES.items())
        ),
        Route("/v1/consignments/{reference:path}/replies", reply_to_request, methods=["POST"]),
        Route("/v1/presentations", present_goods, methods=["POST"]),
        Route("/v1/token", GiveToken(house), methods=["POST"]),
        Route("/.well-known/oauth-authorization-server", show_metadata, methods=["GET"]),
        Route("/v1/consignments/{reference:path}/receipt", show_receipt, methods=["GET"]),
        Route("/v1/consignments/{reference:path}", show_consignment, methods=["GET"]),
        Route("/v1/events", show_events, methods=["GET"]),
        Route("/v1/messages/{id:int}/answer", show_answer, methods=["GET"]),
        Route("/v1/messages/{id:int}/answers/{number:int}", show_later_answer, methods=["GET"]),
        *subscribing.ROUTES,
        *uploading.ROUTES,
        Route("/openapi.json", show_description, methods=["GET"]),
        Route("/docs", show_docs, methods=["GET"]),
        Route("/docs.css", show_style, methods=["GET"]),
        Route("/health/live", is_live, methods=["GET"]),
        Route("/health/ready", is_ready, methods=["GET"]),
    ]


def application(
    house: House,
    pages: Sequence[BaseRoute] = (),
    *,
    needs: Mapping[str, str] | None = None,
    refuse: Refuse | None = None,
) -> ASGIApp:
    """A whole application: this door's routes, then `pages` of another door, behind the guard.

    `needs` are the acts that the pages are for, and `refuse` how they say that a caller is not known or may not.
    """
    inner = Starlette(
        routes=[*routes(house), *pages],
        exception_handlers={
            HTTPException: problems.on_http_exception,
            StoreUnavailable: problems.on_unavailable,
            Exception: problems.on_our_mistake,
        },
    )
    inner.state.house = house
    settings = house.settings
    if not settings.is_guarded:
        return Guard(inner, host=settings.host)
    kept = Doorkeeper(inner, house, needs=needs or {}, refuse=refuse)
    return Guard(kept, host=settings.host, issuer=settings.issued_by)


async def show_description(_: Request) -> Response:
    """The OpenAPI description."""
    return Response(_description(), media_type="application/json")


async def show_docs(_: Request) -> Response:
    """The same as a page."""
    return HTMLResponse(_docs())


async def show_style(_: Request) -> Response:
    """How that page looks."""
    return Response(_page("docs.css"), media_type="text/css", headers={"Cache-Control": "max-age=3600"})


async def is_live(_: Request) -> Response:
    """That the server runs."""
    return Response(b'{"status":"live"}', media_type="application/json")


async def is_ready(request: Request) -> Response:
    """Whether there is room, and the store answers."""
    house: House = request.app.state.house
    if not house.intake.room.is_ready:
        return problem(problems.FULL)
    if not await house.store.is_ready():
        return problem(problems.UNAVAILABLE)
    return Response(b'{"status":"ready"}', media_type="application/json")


@cache
def _description() -> bytes:
    return msgspec.json.format(msgspec.json.encode(openapi.description()), indent=2)


@cache
def _docs() -> str:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(_page("docs.html")).render(
        api=openapi.description(), problems=sorted(problems.KINDS, key=lambda kind: (kind.status, kind.code))
    )


def _page(name: str) -> str:
    return (resources.files("tidewaiter.api") / "pages" / name).read_text(encoding="utf-8")

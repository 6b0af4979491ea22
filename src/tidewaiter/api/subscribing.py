"""`/v1/webhooks`: where the caller wants to be told of events, how that fares, and what was given up."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tidewaiter.api import problems
from tidewaiter.api.describing import CURSOR
from tidewaiter.api.feeding import EVENTS_DEFAULT, EVENTS_MAX, ID_MAX, cursor_in, number_in
from tidewaiter.api.lodging import Refused, body_of, filer_of
from tidewaiter.api.problems import problem
from tidewaiter.exchange.addresses import URL_LENGTH_MAX, UrlUnfit
from tidewaiter.exchange.feed import Event, event_of
from tidewaiter.services import subscribe as services
from tidewaiter.store import START, AlreadyTold, Webhook, position_of
from tidewaiter.wiring import House

BODY_BYTES_MAX = 4 * URL_LENGTH_MAX


class Subscription(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address to be told of events: of those after the cursor `after`, or of what happens from now on."""

    url: Annotated[
        str,
        Meta(
            description="Https, to a public address, without user and fragment.",
            # Described and not enforced in reading: what is unfit is told apart in more than one way.
            extra_json_schema={
                "format": "uri",
                "pattern": r"^https://[A-Za-z0-9.\-]+([/?][!-~]*)?$",
                "maxLength": URL_LENGTH_MAX,
            },
        ),
    ]
    after: (
        Annotated[str, Meta(description="A cursor that was given here.", extra_json_schema={"pattern": CURSOR})] | None
    ) = None


class WebhookView(msgspec.Struct, frozen=True, kw_only=True):
    """An address and how it fares.

    All events up to the cursor `sent` have been delivered, but for those that are held and those that were given up.
    `failures` counts the requests since the last that did not fail, `failure` says why the last one failed, and nothing
    new is sent before `wait_until`.
    """

    id: int
    url: str
    created_at: datetime
    sent: str
    failures: int
    failure: str | None
    wait_until: datetime | None
    held: int
    dead: int


class WebhookList(msgspec.Struct, frozen=True, kw_only=True):
    """The caller's addresses."""

    webhooks: tuple[WebhookView, ...]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An event that was given up: how often it was tried, and why the last try failed."""

    event: Event
    attempts: int
    failure: str | None
    dead_at: datetime


class DeadLetters(msgspec.Struct, frozen=True, kw_only=True):
    """Events that were given up, in their order; `next` is the cursor to go on from, `more` whether there are more."""

    letters: tuple[DeadLetter, ...]
    next: str
    more: bool


class DrivenAgain(msgspec.Struct, frozen=True, kw_only=True):
    """How many dead letters are sent again."""

    again: int


async def add_webhook(request: Request) -> Response:
    """The address as it was added."""
    house = _house(request)
    try:
        filer = filer_of(request.headers)
        asked = await _asked(request)
        after = None if asked.after is None else position_of(asked.after)
        if asked.after is not None and after is None:
            return problem(problems.CURSOR_UNFIT)
        if house.signer is None:
            return problem(problems.NO_KEY)
        added = await services.subscribe(
            asked.url, filer=filer, store=house.store, at=house.now(), after=after, excepted=house.webhook_hosts
        )
    except Refused as refused:
        return refused.response
    except UrlUnfit as unfit:
        return problem(problems.WEBHOOK_UNFIT, detail=str(unfit))
    except services.TooManyWebhooks:
        return problem(problems.WEBHOOKS_FULL, detail=f"at most {services.WEBHOOKS_MAX}")
    except AlreadyTold:
        return problem(problems.WEBHOOK_TAKEN)
    return _json(_view(added), status=201, headers={"Location": f"/v1/webhooks/{added.id}"})


async def list_webhooks(request: Request) -> Response:
    """All addresses of the caller."""
    try:
        filer = filer_of(request.headers)
    except Refused as refused:
        return refused.response
    found = await _house(request).store.webhooks.of(filer)
    return _json(WebhookList(webhooks=tuple(_view(one) for one in found)))


async def show_webhook(request: Request) -> Response:
    """One address of the caller."""
    try:
        filer, id = _named(request)
    except Refused as refused:
        return refused.response
    found = await services.subscription(id, filer=filer, store=_house(request).store)
    return problem(problems.NO_WEBHOOK) if found is None else _json(_view(found))


async def remove_webhook(request: Request) -> Response:
    """Nothing, once the address is removed."""
    try:
        filer, id = _named(request)
    except Refused as refused:
        return refused.response
    is_gone = await services.unsubscribe(id, filer=filer, store=_house(request).store)
    return Response(status_code=204) if is_gone else problem(problems.NO_WEBHOOK)


async def show_dead_letters(request: Request) -> Response:
    """A page of what was given up for one address."""
    try:
        filer, id = _named(request)
        after = cursor_in(request) or START
        size = number_in(request, "limit", least=1, most=EVENTS_MAX) or EVENTS_DEFAULT
    except Refused as refused:
        return refused.response
    found = await services.dead_letters(id, filer=filer, store=_house(request).store, after=after, size=size + 1)
    if found is None:
        return problem(problems.NO_WEBHOOK)
    letters = tuple(
        DeadLetter(event=event_of(one.event), attempts=one.attempts, failure=one.failure, dead_at=one.dead_at)
        for one in found[:size]
        if one.dead_at is not None
    )
    last = letters[-1].event.cursor if letters else after.cursor
    return _json(DeadLetters(letters=letters, next=last, more=len(found) > size))


async def drive_dead_letters_again(request: Request) -> Response:
    """How many dead letters are sent again: all, or the one that `cursor` names."""
    house = _house(request)
    named = request.query_params.get("cursor")
    only = None if named is None else position_of(named)
    if named is not None and only is None:
        return problem(problems.CURSOR_UNFIT)
    try:
        filer, id = _named(request)
    except Refused as refused:
        return refused.response
    again = await services.drive_again(id, filer=filer, store=house.store, at=house.now(), only=only)
    return problem(problems.NO_WEBHOOK) if again is None else _json(DrivenAgain(again=again))


def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house


def _named(request: Request) -> tuple[str, int]:
    """Who calls, and the id in the path. Raises Refused."""
    filer, id = filer_of(request.headers), request.path_params["id"]
    if id > ID_MAX:
        raise Refused(problem(problems.NO_WEBHOOK))
    return filer, id


async def _asked(request: Request) -> Subscription:
    data = await body_of(request.headers, request.receive, BODY_BYTES_MAX)
    try:
        return msgspec.json.decode(data or b"", type=Subscription)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused(problem(problems.OTHER, detail="a JSON object with url, and after if wanted")) from None


def _view(hook: Webhook) -> WebhookView:
    return WebhookView(
        id=hook.id,
        url=hook.url,
        created_at=hook.created_at,
        sent=hook.sent.cursor,
        failures=hook.failures,
        failure=hook.failure,
        wait_until=hook.wait_until,
        held=hook.held,
        dead=hook.dead,
    )


def _json(record: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(record), status_code=status, headers=headers, media_type="application/json")


ROUTES = (
    Route("/v1/webhooks", add_webhook, methods=["POST"]),
    Route("/v1/webhooks", list_webhooks, methods=["GET"]),
    Route("/v1/webhooks/{id:int}", show_webhook, methods=["GET"]),
    Route("/v1/webhooks/{id:int}", remove_webhook, methods=["DELETE"]),
    Route("/v1/webhooks/{id:int}/dead-letters", show_dead_letters, methods=["GET"]),
    Route("/v1/webhooks/{id:int}/dead-letters", drive_dead_letters_again, methods=["POST"]),
)
"""The routes of this file."""

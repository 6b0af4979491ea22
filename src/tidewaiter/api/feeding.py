"""`GET /v1/events`: what happened to the caller's own messages and consignments, from a cursor on; and the answer to a
message in its sender's format."""

from __future__ import annotations

import re
import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidewaiter import formats
from tidewaiter.api import problems
from tidewaiter.api.lodging import Refused, filer_of
from tidewaiter.api.problems import problem
from tidewaiter.exchange.feed import Page, page
from tidewaiter.store import START, Position, position_of
from tidewaiter.wiring import House

EVENTS_DEFAULT, EVENTS_MAX = 100, 1_000
WAIT_S_MAX = 20
"""Long enough that few ask in vain, short enough that a server that is told to stop need not wait for them."""
ID_MAX = 2**63 - 1


async def show_events(request: Request) -> Response:
    """A page of the caller's events. Where there is none yet it waits, if asked to, until there is."""
    house: House = request.app.state.house
    try:
        filer = filer_of(request.headers)
        after = cursor_in(request) or START
        size = number_in(request, "limit", least=1, most=EVENTS_MAX) or EVENTS_DEFAULT
        until = time.monotonic() + (number_in(request, "wait", least=0, most=WAIT_S_MAX) or 0)
        return _json(await _page(house, filer, after, size, until))
    except Refused as refused:
        return refused.response


async def _page(house: House, filer: str, after: Position, size: int, until: float) -> Page:
    while True:
        seen = await house.tide.newest()  # before reading, so that nothing comes unseen between the two
        found = await page(house.store, filer=filer, after=after, size=size)
        if found.events or not await house.tide.risen(seen, within_s=until - time.monotonic()):
            return found


async def show_answer(request: Request) -> Response:
    """The answer to one of the caller's messages, as it was sent."""
    house: House = request.app.state.house
    id = request.path_params["id"]
    try:
        filer = filer_of(request.headers)
    except Refused as refused:
        return refused.response
    return _as_sent(await house.store.feed.answer(id, filer=filer) if id <= ID_MAX else None)


async def show_later_answer(request: Request) -> Response:
    """What was answered to one of the caller's messages later, as it was sent."""
    house: House = request.app.state.house
    id, number = request.path_params["id"], request.path_params["number"]
    try:
        filer = filer_of(request.headers)
    except Refused as refused:
        return refused.response
    is_near = max(id, number) <= ID_MAX
    return _as_sent(await house.store.feed.later_answer(id, number, filer=filer) if is_near else None)


def _as_sent(found: tuple[str, bytes] | None) -> Response:
    if found is None:
        return problem(problems.NO_MESSAGE)
    format, body = found
    return Response(body, media_type=formats.FORMATS[format or "json"].MEDIA_TYPES[0])


def cursor_in(request: Request) -> Position | None:
    """The cursor in the query; None where there is none. Raises Refused."""
    asked = request.query_params.get("after", "")
    found = position_of(asked)
    if asked and found is None:
        raise Refused(problem(problems.CURSOR_UNFIT))
    return found


def number_in(request: Request, name: str, *, least: int, most: int) -> int | None:
    """The number in the query; None where there is none. Raises Refused."""
    asked = request.query_params.get(name)
    if asked is None:
        return None
    if not re.fullmatch("[0-9]{1,6}", asked, re.ASCII) or not least <= int(asked) <= most:
        raise Refused(problem(problems.NUMBER_UNFIT, detail=f"{name} is a number from {least} to {most}"))
    return int(asked)


def _json(record: object) -> Response:
    return Response(msgspec.json.encode(record), media_type="application/json")

"""`GET /events/stream`: what happens while the list of consignments is looked at, as server-sent events.

A stream ends after some seconds, and the browser comes back with the last event it saw: so nothing is missed, nobody
who has gone away is kept, and a server that is told to stop need not wait for long.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tidewaiter.store import Position, Store, StoredEvent, StoreUnavailable, position_of
from tidewaiter.wiring import House, caller_of

LIFE_S = 20.0
AGAIN_MS = 1_000
EVENTS_MAX = 200
BUSY_MS = 15_000
"""When to come back where too many wait."""


async def stream_events(house: House, request: Request) -> Response:
    """Decisions after the event that the browser saw last, or after a place, or from now on."""
    asked = request.headers.get("last-event-id") or request.query_params.get("after", "")
    after = position_of(asked) or await house.tide.newest()
    store = house.store_for(caller_of(request.scope))
    return StreamingResponse(_events(house, store, after), media_type="text/event-stream")


async def _events(house: House, store: Store, after: Position) -> AsyncIterator[bytes]:
    # The place is told at once, so that a browser that comes back goes on from here even where nothing happened.
    yield b"retry: %d\nid: %s\n\n" % (BUSY_MS if house.tide.is_full else AGAIN_MS, after.cursor.encode())
    until = time.monotonic() + LIFE_S
    try:
        while (left := until - time.monotonic()) > 0:
            seen = await house.tide.newest()
            found = await store.feed.read(filer=None, after=after, size=EVENTS_MAX)
            for one in found:
                after = one.position
                if one.consignment_id is not None:
                    yield _told(one)
            if len(found) < EVENTS_MAX:  # what else there is up to here is not for this caller
                after = max(after, seen)
            if seen <= after and not await house.tide.risen(after, within_s=left):
                return
    except StoreUnavailable:
        return


def _told(event: StoredEvent) -> bytes:
    data = msgspec.json.encode({"consignment": event.consignment_id, "control": event.control})
    return b"id: %s\nevent: decided\ndata: %s\n\n" % (event.position.cursor.encode(), data)

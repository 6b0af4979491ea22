"""The list of consignments tells what happens while it is looked at."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator

import httpx
import msgspec
import pytest
from starlette.types import Message as Sent

from make import consignment
from tidewaiter import api, web
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import lodge
from tidewaiter.store import position_of
from tidewaiter.web import streaming
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio


async def lodged(house: House, filer: str, reference: str) -> int:
    data = msgspec.json.encode(consignment(reference=reference))
    await lodge(Message(source="test", data=data, sender=filer), store=house.store, law=house.law, at=house.now())
    [id] = await house.store.ids_of(reference, filer=filer)
    return id


async def streamed(house: House, query: str = "", **headers: str) -> AsyncGenerator[str, None]:
    """The stream, a block of lines at a time; it ends when the server ends it."""
    blocks: asyncio.Queue[str | None] = asyncio.Queue()

    async def receive() -> Sent:
        await asyncio.sleep(3600)
        return {"type": "http.disconnect"}

    async def send(message: Sent) -> None:
        for block in message.get("body", b"").decode().split("\n\n"):
            if block:
                await blocks.put(block)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            await blocks.put(None)

    scope = {
        "type": "http", "method": "GET", "path": "/events/stream", "query_string": query.encode(), "scheme": "http",
        "headers": [(b"host", b"127.0.0.1"), *((k.replace("_", "-").encode(), v.encode()) for k, v in headers.items())],
        "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "server": ("127.0.0.1", 8080),
    }  # fmt: skip

    async def serve() -> None:
        await api.application(house, pages=web.routes(house))(scope, receive, send)

    serving = asyncio.create_task(serve())
    try:
        while (block := await asyncio.wait_for(blocks.get(), 15)) is not None:
            yield block
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


def told(block: str) -> tuple[str, dict[str, object]]:
    """The id and the data of an event."""
    fields = dict(line.split(": ", 1) for line in block.splitlines())
    return fields["id"], msgspec.json.decode(fields.get("data", "{}"))


async def test_what_happens_is_told_once_it_has_happened(house: House, filer: str) -> None:
    stream = streamed(house)
    start = await anext(stream)
    id = await lodged(house, filer, "R-1")
    cursor, data = told(await anext(stream))
    await stream.aclose()

    assert start.startswith("retry: 1000\nid: ")
    assert data == {"consignment": id, "control": "released"}
    assert position_of(cursor) is not None


async def test_a_browser_that_comes_back_misses_nothing(house: House, filer: str) -> None:
    seen = (await house.tide.newest()).cursor
    first, second = [await lodged(house, filer, f"R-{n}") for n in range(2)]
    stream = streamed(house, f"after={seen}")
    await anext(stream)
    cursor, one = told(await anext(stream))
    await stream.aclose()
    # It says both what the page said and what it saw last: the latter counts.
    again = streamed(house, f"after={seen}", last_event_id=cursor)
    await anext(again)
    _, two = told(await anext(again))
    await again.aclose()

    assert (one["consignment"], two["consignment"]) == (first, second)


async def test_a_stream_ends_after_a_while_and_names_where_to_go_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "LIFE_S", 0.3)
    newest = (await house.tide.newest()).cursor

    [start] = [block async for block in streamed(house)]

    assert told(start)[0] == newest


async def test_a_stream_names_nobody_and_tells_nothing_of_risk(house: House, filer: str) -> None:
    seen = (await house.tide.newest()).cursor
    await lodged(house, filer, "R-1")
    stream = streamed(house, f"after={seen}")
    await anext(stream)
    _, data = told(await anext(stream))
    await stream.aclose()

    assert set(data) == {"consignment", "control"}


async def test_the_list_says_from_where_on_and_works_without_scripts(house: House, filer: str) -> None:
    await lodged(house, filer, "R-1")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(api.application(house, pages=web.routes(house))), base_url="http://127.0.0.1"
    ) as http:
        page = await http.get("/?lang=fr")
        script = await http.get("/static/list.js")

    found = re.search('data-news="([^"]+)"', page.text)
    assert found is not None
    assert position_of(found[1]) == await house.tide.newest()
    assert "{count}. Afficher" in page.text
    assert ">R-1</a>" in page.text
    assert script.headers["content-type"].startswith("text/javascript")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]+src=)", page.text), "a script in the page itself is not run"

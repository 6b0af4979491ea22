"""A message in parts over links that break: what is durable is told, going on gives what one whole request gives."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
import uvicorn
from starlette.types import Message as Event

from conftest import NOW
from make import consignment
from tidewaiter import api, server
from tidewaiter.api import uploading
from tidewaiter.services import upload as services
from tidewaiter.services.gathering import Gatherer
from tidewaiter.settings import Settings
from tidewaiter.store import StoreUnavailable, Uploads
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
PART = "application/partial-upload"


def declared(name: str, count: int = 3) -> bytes:
    return msgspec.json.encode([consignment(reference=f"{name}-{number}") for number in range(count)])


def client(house: House, filer: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(api.application(house), raise_app_exceptions=False),
        base_url="http://127.0.0.1:8080",
        headers={"Tidewaiter-Filer": filer},
    )


@pytest.fixture
async def http(house: House, filer: str) -> AsyncIterator[httpx.AsyncClient]:
    async with client(house, filer) as opened:
        yield opened


async def begun(http: httpx.AsyncClient, content: bytes = b"", **headers: str) -> str:
    """Where an upload is that has this content so far."""
    told = {"Upload-Complete": "?0", **{name.replace("_", "-"): value for name, value in headers.items()}}
    response = await http.post("/v1/uploads", content=content, headers=told)
    assert response.status_code == 201, response.text
    assert response.headers["upload-offset"] == str(len(content))
    return response.headers["location"]


async def sent(
    http: httpx.AsyncClient, at: str, offset: int, content: Any = b"", *, last: bool = False, **headers: str
) -> httpx.Response:
    """The answer to a part."""
    told = {"Content-Type": PART, "Upload-Offset": str(offset), "Upload-Complete": "?1" if last else "?0"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await http.patch(at, content=content, headers=told)


def code_of(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/problem+json"
    found: str = response.json()["code"]
    return found


async def messages(house: House, filer: str) -> list[bytes]:
    """The messages of the filer that are kept, as they were sent."""
    async with house.store._pool.acquire() as connection:
        rows = await connection.fetch("select raw from messages where filer = $1 order by id", filer)
    return [row["raw"] for row in rows]


async def parts(house: House, at: str) -> bytes:
    """The bytes that are durable of an upload that is not lodged."""
    async with house.store._pool.acquire() as connection:
        rows = await connection.fetch(
            "select content from upload_parts where upload_id = $1 order by starts", at.rpartition("/")[2]
        )
    return b"".join(row["content"] for row in rows)


def digest_of(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


async def lodged_whole(http: httpx.AsyncClient, data: bytes, answer: httpx.Response) -> None:
    """The same bytes in one request are the same lodgement, with the same answer."""
    whole = await http.post("/v1/messages", content=data)

    assert whole.headers["idempotent-replayed"] == "true"
    assert whole.headers["tidewaiter-message"] == answer.headers["tidewaiter-message"]
    assert whole.content == answer.content


async def test_parts_are_lodged_as_the_whole_is(house: House, http: httpx.AsyncClient, filer: str) -> None:
    data = declared("PARTS")
    at = await begun(http, data[:100], Upload_Length=str(len(data)), Repr_Digest=digest_of(data))
    second = await sent(http, at, 100, data[100:777])
    asked = await http.head(at)
    answer = await sent(http, at, 777, data[777:], last=True)

    assert (second.status_code, second.headers["upload-offset"], second.headers["upload-complete"]) == (
        204,
        "777",
        "?0",
    )
    assert (asked.status_code, asked.headers["upload-offset"]) == (204, "777")
    assert asked.headers["upload-length"] == str(len(data))
    assert asked.headers["upload-limit"] == "max-size=16777216, max-age=86400"
    assert asked.headers["cache-control"] == "no-store"
    assert (answer.status_code, answer.headers["upload-complete"]) == (200, "?1")
    assert "idempotent-replayed" not in answer.headers
    assert await messages(house, filer) == [data]
    await lodged_whole(http, data, answer)


async def test_all_at_once_is_answered_at_once(http: httpx.AsyncClient) -> None:
    data = declared("ONCE")
    answer = await http.post("/v1/uploads", content=data, headers={"Upload-Complete": "?1"})

    assert (answer.status_code, answer.headers["upload-complete"]) == (200, "?1")
    await lodged_whole(http, data, answer)


async def test_a_request_cut_anywhere_leaves_all_that_came_and_is_gone_on_with(
    house: House, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut at each of many bytes, in parts smaller and greater than what came."""
    monkeypatch.setattr(services, "PART_BYTES", 500)
    app, draw = api.application(house), random.Random(5)
    size = len(declared("CUT-000", 1))
    for number, cut in enumerate([0, 1, 499, 500, 501, size - 1, size, *draw.sample(range(size), 12)]):
        data = declared(f"CUT-{number:03}", 1)
        at = await begun(http)
        pieces = [data[:cut][start : start + 130] for start in range(0, cut, 130)]
        events: list[Event] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
        events.append({"type": "http.disconnect"})

        async def receive(events: list[Event] = events) -> Event:
            return events.pop(0)

        async def send(_: Event) -> None:
            return None

        headers = {
            "host": "127.0.0.1:8080", "tidewaiter-filer": http.headers["tidewaiter-filer"], "content-type": PART,
            "upload-offset": "0", "upload-complete": "?1", "content-length": str(len(data)),
        }  # fmt: skip
        scope = {
            "type": "http", "method": "PATCH", "path": at, "query_string": b"", "http_version": "1.1",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        await app(scope, receive, send)
        asked = await http.head(at)
        durable = await parts(house, at)
        answer = await sent(http, at, cut, data[cut:], last=True)

        assert (asked.headers["upload-offset"], asked.headers["upload-complete"]) == (str(cut), "?0")
        assert asked.headers["upload-length"] == str(len(data))
        assert durable == data[:cut]
        assert answer.status_code == 200
        await lodged_whole(http, data, answer)


@pytest.fixture
async def port(house: House) -> AsyncIterator[int]:
    """A real server."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    serving = uvicorn.Server(
        uvicorn.Config(api.application(house), ws="none", lifespan="off", log_level="warning", access_log=False)
    )
    task = asyncio.create_task(serving.serve(sockets=[listening]))
    while not serving.started:
        await asyncio.sleep(0.01)
    yield listening.getsockname()[1]
    serving.should_exit = True
    await task
    listening.close()


async def cut_short(port: int, at: str, filer: str, offset: int, part: bytes, *, sends: int, is_reset: bool) -> None:
    """A PATCH of which so many bytes of its part are sent, in four bursts, before the connection is closed, or reset.

    What the server has not yet read when it learns of the break is lost with it: so a link that carries all at once and
    breaks at once gets nothing through.
    """
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"PATCH {at} HTTP/1.1\r\nHost: 127.0.0.1\r\nTidewaiter-Filer: {filer}\r\nContent-Type: {PART}\r\n"
        f"Upload-Offset: {offset}\r\nUpload-Complete: ?1\r\nContent-Length: {len(part)}\r\n\r\n"
    )
    writer.write(head.encode())
    for burst in range(4):
        await asyncio.sleep(0.03)
        writer.write(part[sends * burst // 4 : sends * (burst + 1) // 4])
        await writer.drain()
    if is_reset:
        writer.transport.abort()
        return
    writer.close()
    await writer.wait_closed()


async def test_a_connection_that_breaks_again_and_again_gets_it_through(
    house: House, port: int, filer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over real connections, asked at once after each break, while the server may not even have seen it."""
    monkeypatch.setattr(services, "PART_BYTES", 2_000)
    draw, data = random.Random(11), declared("BROKEN", 60)
    breaks = 0
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"Tidewaiter-Filer": filer}) as http:
        at = await begun(http)
        offset, offsets = 0, [0]
        while breaks < 16:
            # A sender that gets through nothing but what the link carries, and the last byte never.
            carried = draw.randrange(0, min(8_000, len(data) - offset))
            await cut_short(port, at, filer, offset, data[offset:], sends=carried, is_reset=breaks % 2 == 0)
            await asyncio.sleep(draw.choice((0, 0.05)))
            asked = await http.head(at)
            told = int(asked.headers["upload-offset"])

            assert offset <= told <= offset + carried
            assert asked.headers["upload-complete"] == "?0"
            assert await parts(house, at) == data[:told]
            offset, breaks = told, breaks + 1
            offsets.append(told)
        answer = await sent(http, at, offset, data[offset:], last=True)

        assert answer.status_code == 200
        assert len(set(offsets)) > 3, "hardly anything ever got through: nothing is shown"
        await lodged_whole(http, data, answer)
        assert await messages(house, filer) == [data]


async def test_of_several_who_append_at_once_one_wins(house: House, http: httpx.AsyncClient) -> None:
    for _ in range(20):
        at = await begun(http, b"[")
        contents = [bytes([letter]) * 3_000 for letter in b"abcd"]

        async def slowly(content: bytes) -> AsyncIterator[bytes]:
            for start in range(0, len(content), 1_000):
                yield content[start : start + 1_000]
                await asyncio.sleep(0)

        answers = await asyncio.gather(*(sent(http, at, 1, slowly(content)) for content in contents))
        won = [content for content, answer in zip(contents, answers, strict=True) if answer.status_code == 204]

        assert len(won) == 1
        assert {answer.status_code for answer in answers} == {204, 409}
        assert await parts(house, at) == b"[" + won[0]
        await http.delete(at)


async def test_of_several_who_complete_at_once_one_lodges(house: House, http: httpx.AsyncClient, filer: str) -> None:
    data = declared("TOGETHER")
    at = await begun(http, data[:-1])
    answers = await asyncio.gather(*(sent(http, at, len(data) - 1, data[-1:], last=True) for _ in range(8)))
    again = await sent(http, at, len(data), last=True)

    assert 200 in {answer.status_code for answer in answers}
    # The others were too late, or are at a place that it is past.
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert again.content == next(answer.content for answer in answers if answer.status_code == 200)
    assert await messages(house, filer) == [data]


async def test_who_asks_how_far_it_is_ends_a_request_that_hangs(house: House, http: httpx.AsyncClient) -> None:
    """The sender gave it up; had it gone on, the offset that was told would no longer be true."""
    at = await begun(http, b"0123")
    asked = asyncio.Event()

    async def hanging() -> AsyncIterator[bytes]:
        yield b"45"
        await asked.wait()
        yield b"67"

    hangs = asyncio.create_task(sent(http, at, 4, hanging()))
    await asyncio.sleep(0.2)
    told = await http.head(at)
    asked.set()
    late = await hangs
    next_one = await sent(http, at, 4, b"456789")

    assert told.headers["upload-offset"] == "4"
    assert (code_of(late), late.status_code) == ("upload_taken_over", 409)
    assert next_one.headers["upload-offset"] == "10"
    assert await parts(house, at) == b"0123456789"


async def test_what_came_is_durable_soon_though_the_link_vanished_unseen(
    house: House, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploading, "COMMIT_EVERY_S", 0.05)
    at = await begun(http)
    vanished = asyncio.Event()

    async def hanging() -> AsyncIterator[bytes]:
        yield b"0123"
        await vanished.wait()
        yield b"4567"

    hangs = asyncio.create_task(sent(http, at, 0, hanging()))
    async with asyncio.timeout(10):
        while not await parts(house, at):
            await asyncio.sleep(0.02)
    told = await http.head(at)
    vanished.set()
    await hangs

    assert told.headers["upload-offset"] == "4"
    assert await parts(house, at) == b"0123"


async def test_a_wrong_offset_is_told_the_right_one(house: House, http: httpx.AsyncClient) -> None:
    at = await begun(http, b"0123456789")
    for offset in (0, 9, 11, 10**14):
        refused = await sent(http, at, offset, b"x")

        assert (code_of(refused), refused.status_code) == ("upload_offset", 409)
        assert refused.headers["upload-offset"] == "10"
        told = refused.json()
        assert told["type"] == "https://iana.org/assignments/http-problem-types#mismatching-upload-offset"
        assert (told["expected-offset"], told["provided-offset"]) == (10, offset)
    assert await parts(house, at) == b"0123456789"


async def test_once_complete_nothing_is_added_and_the_answer_is_given_again(
    house: House, http: httpx.AsyncClient, filer: str
) -> None:
    data = declared("DONE")
    at = await begun(http, data)
    first = await sent(http, at, len(data), last=True)
    asked = await http.head(at)
    again = await sent(http, at, len(data), last=True)
    more = await sent(http, at, len(data), b"more", last=True)
    open_again = await sent(http, at, len(data))

    assert (asked.headers["upload-complete"], asked.headers["upload-offset"]) == ("?1", str(len(data)))
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["tidewaiter-message"] == first.headers["tidewaiter-message"]
    assert again.headers["idempotent-replayed"] == "true"
    assert (code_of(more), more.status_code) == ("upload_length", 400)
    assert (code_of(open_again), open_again.status_code) == ("upload_complete", 400)
    assert await parts(house, at) == b"", "what is lodged is kept once"
    assert await messages(house, filer) == [data]


@pytest.mark.parametrize("breaks", [(Gatherer, "lodge"), (Uploads, "lodged")], ids=["before", "after"])
async def test_a_whole_upload_whose_lodging_fails_is_lodged_when_asked_again(
    house: House, http: httpx.AsyncClient, filer: str, monkeypatch: pytest.MonkeyPatch, breaks: tuple[type, str]
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable

    data = declared("AWAY")
    at = await begun(http, data[:50])
    with monkeypatch.context() as patched:
        patched.setattr(*breaks, away)
        failed = await sent(http, at, 50, data[50:], last=True)
    asked = await http.head(at)
    again = await sent(http, at, len(data), last=True)

    assert failed.status_code == 503
    assert asked.headers["upload-complete"] == "?1"
    assert again.status_code == 200
    assert await messages(house, filer) == [data]


async def test_an_upload_expires_by_the_clock_of_the_door(house: House, http: httpx.AsyncClient, filer: str) -> None:
    at = await begun(http, b"[", Idempotency_Key="monday")
    later = replace(house, now=lambda: NOW + timedelta(days=1))
    just_before = replace(house, now=lambda: NOW + timedelta(hours=23, minutes=59))
    async with client(later, filer) as tomorrow, client(just_before, filer) as tonight:
        still = await tonight.head(at)
        gone = [await tomorrow.head(at), await sent(tomorrow, at, 1, b"]"), await tomorrow.delete(at)]
        anew = await begun(tomorrow, b"", Idempotency_Key="monday")

    assert (still.status_code, still.headers["upload-limit"]) == (204, "max-size=16777216, max-age=60")
    assert [answer.status_code for answer in gone] == [404, 404, 404]
    assert anew != at


async def test_what_expired_is_swept(house: House, http: httpx.AsyncClient) -> None:
    old = [await begun(http, b"[") for _ in range(3)]
    async with client(replace(house, now=lambda: NOW + timedelta(hours=1)), http.headers["tidewaiter-filer"]) as soon:
        young = await begun(soon, b"[")
    later = replace(house, now=lambda: NOW + timedelta(days=1))
    sweeping = asyncio.create_task(server.keep_sweeping(later, every_s=0.01))
    while await parts(house, old[-1]):
        await asyncio.sleep(0.01)
    sweeping.cancel()
    await asyncio.gather(sweeping, return_exceptions=True)

    assert [await parts(house, at) for at in (*old, young)] == [b"", b"", b"", b"["]


async def test_another_filer_has_no_such_upload(house: House, http: httpx.AsyncClient, filer: str) -> None:
    at = await begun(http, b"[1", Idempotency_Key="mine")
    async with client(house, f"{filer}-other") as other:
        refused = [
            await other.get(at), await sent(other, at, 2, b"]"), await sent(other, at, 2, last=True),
            await other.delete(at),
        ]  # fmt: skip
        own = await begun(other, b"", Idempotency_Key="mine")

    assert [(code_of(answer), answer.status_code) for answer in refused] == [("upload_unknown", 404)] * 4
    assert own != at
    assert (await http.head(at)).headers["upload-offset"] == "2"


@pytest.mark.parametrize("id", ["%00" * 32, "x", "a" * 33, "%C3%A9" * 32, "' or true --"])
async def test_an_id_that_was_never_given_is_of_no_upload(http: httpx.AsyncClient, id: str) -> None:
    at = f"/v1/uploads/{id}"
    refused = [await http.head(at), await sent(http, at, 0, b"x"), await http.delete(at)]

    assert [answer.status_code for answer in refused] == [404, 404, 404]


async def test_beginning_again_under_the_same_key_goes_on(http: httpx.AsyncClient) -> None:
    at = await begun(http, b"", Idempotency_Key="K-1")
    await sent(http, at, 0, b"0123")
    again = await http.post("/v1/uploads", headers={"Upload-Complete": "?0", "Idempotency-Key": "K-1"})
    from_start = await http.post(
        "/v1/uploads", content=b"0123", headers={"Upload-Complete": "?0", "Idempotency-Key": "K-1"}
    )

    assert (again.status_code, again.headers["location"], again.headers["upload-offset"]) == (201, at, "4")
    assert (code_of(from_start), from_start.headers["location"]) == ("upload_offset", at)


async def test_the_key_of_an_upload_is_that_of_its_lodgement(http: httpx.AsyncClient) -> None:
    data, other = declared("KEY-A"), declared("KEY-B")
    at = await begun(http, data, Idempotency_Key="K-2")
    await sent(http, at, len(data), last=True)
    other_content = await http.post("/v1/messages", content=other, headers={"Idempotency-Key": "K-2"})
    first = await http.post("/v1/messages", content=other, headers={"Idempotency-Key": "K-3"})
    late = await begun(http, data, Idempotency_Key="K-3")
    refused = await sent(http, late, len(data), last=True)

    assert code_of(other_content) == "idempotency_key_taken"
    assert first.status_code == 200
    assert (code_of(refused), refused.headers["upload-complete"]) == ("idempotency_key_taken", "?1")


async def test_bytes_with_another_digest_are_not_lodged(house: House, http: httpx.AsyncClient, filer: str) -> None:
    data = declared("DIGEST")
    at = await begun(http, data[:-1], Repr_Digest=digest_of(data))
    spoiled = await sent(http, at, len(data) - 1, b"x", last=True)
    said_last = await begun(http, data)
    spoiled_too = await sent(http, said_last, len(data), last=True, Repr_Digest=digest_of(b"other"))

    assert [code_of(answer) for answer in (spoiled, spoiled_too)] == ["digest_differs", "digest_differs"]
    assert [(await http.head(one)).status_code for one in (at, said_last)] == [404, 404]
    assert await messages(house, filer) == []


@pytest.mark.parametrize("digest", ["sha-256=abc", "sha-256=:YWJj:", "sha-256"])
async def test_a_digest_that_is_none_is_refused(http: httpx.AsyncClient, digest: str) -> None:
    refused = await http.post("/v1/uploads", headers={"Upload-Complete": "?0", "Repr-Digest": digest})

    assert (code_of(refused), refused.status_code) == ("digest_unfit", 400)


async def test_a_digest_by_another_name_is_left_aside(http: httpx.AsyncClient) -> None:
    await begun(http, b"x", Repr_Digest="sha-512=:YWJj:, md5=:YWJj:")


async def test_lengths_must_agree(house: House, http: httpx.AsyncClient, filer: str) -> None:
    at = await begun(http, b"0123", Upload_Length="10")
    wrong = [
        await sent(http, at, 4, b"45", Upload_Length="11"), await sent(http, at, 4, b"45", last=True),
        await sent(http, at, 4, b"4567890"),
    ]  # fmt: skip
    kept = await http.head(at)

    async def too_much() -> AsyncIterator[bytes]:
        yield b"456789"
        yield b"x"

    over = await sent(http, at, 4, too_much())

    assert [(code_of(answer), answer.status_code) for answer in (*wrong, over)] == [("upload_length", 400)] * 4
    assert kept.headers["upload-offset"] == "4"
    assert (await http.head(at)).status_code == 404, "longer than it was to be: nobody knows which bytes were meant"
    assert await messages(house, filer) == []


async def test_an_upload_is_no_longer_than_a_message_and_no_filer_has_many(house: House, filer: str) -> None:
    small = replace(house, settings=Settings(message_bytes_max=1024, uploads_open_max=2))

    async def long() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * 250

    async with client(small, filer) as http:
        told = await http.post("/v1/uploads", headers={"Upload-Complete": "?0", "Upload-Length": "1025"})
        stated = await http.post("/v1/uploads", content=b"x" * 1025, headers={"Upload-Complete": "?0"})
        at = await begun(http)
        grown = await sent(http, at, 0, long(), last=True)
        asked = await http.head(at)
        second = await begun(http)
        third = await http.post("/v1/uploads", headers={"Upload-Complete": "?0"})
        await http.delete(second)
        fourth = await http.post("/v1/uploads", headers={"Upload-Complete": "?0"})

    assert [(code_of(one), one.status_code) for one in (told, stated, grown)] == [("message_too_long", 413)] * 3
    assert grown.headers["upload-limit"] == "max-size=1024"
    assert (asked.headers["upload-offset"], asked.headers["upload-complete"]) == ("1000", "?0")
    assert (code_of(third), third.status_code) == ("uploads_full", 409)
    assert fourth.status_code == 201


async def test_a_sender_of_whom_nothing_comes_is_let_go_and_keeps_what_came(
    house: House, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploading, "IDLE_S_MAX", 0.05)
    at = await begun(http)

    async def stuck() -> AsyncIterator[bytes]:
        yield b"0123"
        await asyncio.sleep(1)
        yield b"4567"

    slow = await sent(http, at, 0, stuck())

    assert (code_of(slow), slow.status_code) == ("message_too_slow", 408)
    assert await parts(house, at) == b"0123"


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Upload-Complete": "yes"}, 400), ({"Upload-Complete": "1"}, 400), ({"Upload-Complete": "?0, ?1"}, 400),
        ({"Upload-Offset": "-1"}, 400), ({"Upload-Offset": "1.0"}, 400), ({"Upload-Offset": "0, 4"}, 400),
        ({"Upload-Offset": "1" * 400}, 400), ({"Upload-Offset": "٤"}, 400), ({"Content-Type": "text/plain"}, 415),
        ({"Content-Encoding": "gzip"}, 415), ({"Upload-Length": "x"}, 204), ({"Upload-Offset": "4;a=1"}, 204),
    ],
)  # fmt: skip
async def test_what_the_headers_may_not_say(
    house: House, http: httpx.AsyncClient, changed: dict[str, str], status: int
) -> None:
    at = await begun(http, b"0123")
    told = {"Content-Type": PART, "Upload-Offset": "4", "Upload-Complete": "?0", **changed}
    answer = await http.patch(
        at, content=b"45", headers={name.encode(): value.encode() for name, value in told.items()}
    )

    assert answer.status_code == status, answer.text
    assert await parts(house, at) == (b"012345" if status == 204 else b"0123")


async def test_what_is_given_up_is_gone_and_what_was_lodged_stays(
    house: House, http: httpx.AsyncClient, filer: str
) -> None:
    data = declared("KEPT")
    open_one, done = await begun(http, b"["), await begun(http, data)
    await sent(http, done, len(data), last=True)
    given_up = [await http.delete(at) for at in (open_one, done, done)]

    assert [answer.status_code for answer in given_up] == [204, 204, 404]
    assert [(await http.head(at)).status_code for at in (open_one, done)] == [404, 404]
    assert await messages(house, filer) == [data]

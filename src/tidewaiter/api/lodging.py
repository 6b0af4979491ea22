"""`POST /v1/messages`: a message of any format in, its answer out, once everything is committed.

`POST /v1/consignments` takes our own JSON alone: one consignment, a list, or one a line with a result a line.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tidewaiter import formats
from tidewaiter.api import problems
from tidewaiter.api.problems import problem
from tidewaiter.api.rows import LINES, rows_of
from tidewaiter.formats import json
from tidewaiter.services.clear import Message
from tidewaiter.services.gathering import Flooding, Full
from tidewaiter.services.lodge import KeyTaken, Lodged, Lodging, TryAgain
from tidewaiter.store import StoreUnavailable
from tidewaiter.wiring import House

log = logging.getLogger("tidewaiter.api")

FILER_HEADER = "tidewaiter-filer"
ANONYMOUS = "anonymous"
"""Who lodges where no filer is named: all such share one drawer of references."""
FILER = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
KEY = re.compile(r"[!-~]{1,255}", re.ASCII)
BODY_TIMEOUT_S = 60
RESULTS = "application/json"


class Refused(Exception):
    """The request is refused with this response."""

    def __init__(self, response: Response) -> None:
        self.response = response


@dataclass(frozen=True, slots=True)
class LodgeMessage:
    """The route as a plain ASGI application: the framework's request objects would cost more than the rest of it."""

    house: House
    format: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        # Looked into so often that a search through the list each time costs as much as the routing. The first counts.
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
        try:
            response = await self._answered(headers, receive)
        except Refused as refused:
            response = refused.response
        except Full:
            response = problem(problems.FULL)
        except Flooding:
            response = problem(problems.FLOODING)
        if response is not None:  # else the caller went away: nobody to answer, and nothing was lodged
            await response(scope, receive, send)

    async def _answered(self, headers: Mapping[str, str], receive: Receive) -> Response | None:
        started = time.perf_counter()
        filer, key = filer_of(headers), _key_of(headers)
        with self.house.intake.room.taken(filer) as room:
            data = await body_of(headers, receive, self.house.settings.message_bytes_max, grow=room.grow)
            if data is None:
                return None
            message = Message(
                source="api", data=data, sender=filer, format=self.format, received_at=self.house.now()
            )  # fmt: skip
            done = await lodged(message, key, house=self.house, started=started)
            accept = headers.get("accept", "")
            if self.format == json.NAME and _speaks_lines(headers.get("content-type", ""), accept):
                rows = rows_of(done, message.data)
                if rows is not None:
                    return Response(rows, headers=_headers(done), media_type=LINES)
            return answer_to(done, accept)


async def lodged(message: Message, key: str | None, *, house: House, started: float) -> Lodged:
    """What became of the message, once it is committed. `started` is of `time.perf_counter`. Raises Refused."""
    try:
        done = await house.intake.lodge(Lodging(message, key))
    except KeyTaken as taken:
        raise Refused(problem(problems.KEY_TAKEN, detail=f"that of message {taken.message_id}")) from None
    except TryAgain:
        raise Refused(problem(problems.BUSY)) from None
    except StoreUnavailable:
        raise Refused(problem(problems.UNAVAILABLE)) from None
    log.info(
        "lodged message=%d format=%s consignments=%d repeat=%s bytes=%d ms=%.0f",
        done.message_id,
        done.format or "none",
        len(done.results),
        done.is_repeat,
        len(message.data),
        (time.perf_counter() - started) * 1e3,
    )
    return done


def filer_of(headers: Mapping[str, str]) -> str:
    """Who calls, by its own word. Raises Refused."""
    filer = headers.get(FILER_HEADER, ANONYMOUS)
    if not FILER.fullmatch(filer):
        raise Refused(problem(problems.FILER_UNFIT))
    return filer


def prefers_results(accept: str, own: tuple[str, ...]) -> bool:
    """Whether an Accept header asks for our results in JSON rather than for an answer in the sender's own format.

    They are given where `application/json` is named and none of the sender's own types is wanted more; anything else
    (nothing, `*/*`, a type we do not have) gets the own format. A JSON sender who names JSON gets results.
    """
    wanted = dict(_ranges(accept))
    others = [wanted.get(media_type, 0.0) for media_type in own if media_type != RESULTS]
    return wanted.get(RESULTS, 0.0) > 0 and wanted[RESULTS] >= max(others, default=0.0)


@lru_cache(maxsize=256)
def _ranges(accept: str) -> tuple[tuple[str, float], ...]:
    found = []
    for part in accept.split(","):
        media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((p.removeprefix("q=") for p in parameters if p.startswith("q=")), "1")
        found.append((media_type, float(quality) if re.fullmatch(r"[01](\.[0-9]{1,3})?", quality, re.ASCII) else 0.0))
    return tuple(found)


def _speaks_lines(content_type: str, accept: str) -> bool:
    """Whether a row is to be answered by a row."""
    return content_type.partition(";")[0].strip().lower() == LINES or dict(_ranges(accept)).get(LINES, 0.0) > 0


def _key_of(headers: Mapping[str, str]) -> str | None:
    key = headers.get("idempotency-key")
    if key is not None and not KEY.fullmatch(key):
        raise Refused(problem(problems.KEY_UNFIT))
    return key


def length_of(headers: Mapping[str, str]) -> int | None:
    """How long the body is, where it is said. Raises Refused, as for a body that is not the message itself."""
    # Not so application/x-www-form-urlencoded, which curl says of whatever it sends.
    is_form = headers.get("content-type", "").lower().startswith("multipart/")
    if is_form or headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(problem(problems.ENCODED, headers={"Connection": "close"}))
    stated = headers.get("content-length")
    if stated is not None and not re.fullmatch("[0-9]{1,18}", stated, re.ASCII):
        raise Refused(problem(problems.LENGTH_UNFIT, headers={"Connection": "close"}))
    return None if stated is None else int(stated)


async def body_of(
    headers: Mapping[str, str], receive: Receive, bytes_max: int, *, grow: Callable[[int], None] = lambda _size: None
) -> bytes | None:
    """The whole body, or None where the caller went away. Raises Refused, without having read more than `bytes_max`.

    `grow` is told of each part that came, and may raise.
    """
    stated = length_of(headers)
    if stated is not None and stated > bytes_max:
        raise _too_long(bytes_max)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            while True:
                event = await receive()
                if event["type"] == "http.disconnect":
                    return None
                chunk = event.get("body", b"")
                size += len(chunk)
                if size > bytes_max:
                    raise _too_long(bytes_max)
                grow(len(chunk))
                chunks.append(chunk)
                if not event.get("more_body", False):
                    return b"".join(chunks)
    except TimeoutError:
        raise Refused(problem(problems.TOO_SLOW, headers={"Connection": "close"})) from None


def _too_long(bytes_max: int) -> Refused:
    detail = f"at most {bytes_max} bytes"
    return Refused(problem(problems.TOO_LONG, detail=detail, headers={"Connection": "close"}))


def _headers(done: Lodged) -> dict[str, str]:
    headers = {
        "Tidewaiter-Message": str(done.message_id),
        "Link": f'</v1/messages/{done.message_id}/receipt>; rel="receipt"',
    }
    if done.is_repeat:
        headers["Idempotent-Replayed"] = "true"
    return headers


def answer_to(done: Lodged, accept: str) -> Response:
    """The answer to what was lodged, in the form that an Accept header asks for."""
    own = formats.FORMATS[done.format or "json"].MEDIA_TYPES
    headers = _headers(done)
    wants_results = prefers_results(accept, own)
    if done.findings and not done.results:
        named = {media_type for media_type, quality in _ranges(accept) if quality > 0}
        if wants_results or not named & set(own):
            return problem(problems.UNREADABLE, errors=done.findings, headers=headers)
        return Response(done.answer, status_code=422, headers=headers, media_type=own[0])
    if wants_results:
        return Response(msgspec.json.encode(done.records), headers=headers, media_type=RESULTS)
    return Response(done.answer, headers=headers, media_type=own[0])

"""`/v1/uploads`: a message in parts, for links that break. Whole, it goes where `POST /v1/messages` goes.

Source: Resumable Uploads for HTTP, draft-ietf-httpbis-resumable-upload; the digest after RFC 9530.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tidewaiter.api import problems
from tidewaiter.api.acting import key_in
from tidewaiter.api.lodging import Refused, answer_to, filer_of, length_of, lodged
from tidewaiter.api.problems import problem
from tidewaiter.services import upload as services
from tidewaiter.services.clear import Message
from tidewaiter.services.gathering import Flooding, Full, Held
from tidewaiter.services.upload import PART_BYTES, Claim
from tidewaiter.store import Upload
from tidewaiter.wiring import House

log = logging.getLogger("tidewaiter.api")

PART = "application/partial-upload"
IDLE_S_MAX = 60
"""A sender of whom nothing came for so long is gone. How long the whole takes does not matter: the link is bad."""
COMMIT_EVERY_S = 1.0
"""What came is durable after so long: a link that vanished unseen must not take more along."""
_ID = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)
_FLAG = re.compile(r"\?([01])(?: *;.*)?", re.ASCII)
_NUMBER = re.compile(r"([0-9]{1,15})(?: *;.*)?", re.ASCII)
_SHA_256 = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):(?: *;.*)?", re.ASCII)


class CutOff(Exception):
    """The link broke in the middle of a request."""


def _answering(act: Callable[[Request, House, str], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """The act for a house and a filer, with a problem where it cannot be done."""

    async def answer(request: Request) -> Response:
        house: House = request.app.state.house
        at = house.now()
        try:
            return await act(request, house, filer_of(request.headers))
        except Refused as refused:
            return refused.response
        except (Full, Flooding) as full:
            return _no_room(full)
        except CutOff:  # nobody hears it
            return problem(problems.TOO_SLOW, headers={"Connection": "close"})
        except services.NoUpload:
            return problem(problems.NO_UPLOAD)
        except services.TooManyUploads:
            return problem(problems.UPLOADS_FULL, detail=f"at most {house.settings.uploads_open_max}")
        except services.OffsetDiffers as differs:
            offsets = differs.upload.received, differs.offered
            return problem(problems.OFFSET_DIFFERS, offsets=offsets, headers=_headers(differs.upload, house, at))
        except services.TakenOver as taken:
            return problem(problems.TAKEN_OVER, headers=_headers(taken.upload, house, at))
        except services.Complete as complete:
            return problem(problems.UPLOAD_COMPLETE, headers=_headers(complete.upload, house, at))
        except services.LengthDiffers:
            return problem(problems.LENGTH_DIFFERS, headers={"Connection": "close"})
        except services.AnotherDigest:
            return problem(problems.DIGEST_UNFIT)
        except services.TooLong:
            most = house.settings.message_bytes_max
            headers = {"Upload-Limit": f"max-size={most}", "Connection": "close"}
            return problem(problems.TOO_LONG, detail=f"at most {most} bytes", headers=headers)

    return answer


async def _begin(request: Request, house: House, filer: str) -> Response:
    """Where the upload is, or the answer to the message where the first part is all of it."""
    key, at = key_in(request), house.now()
    claim = _claim(request, received=0)
    with house.intake.room.taken(filer) as room:
        begun = await services.begin(claim, filer=filer, key=key, yard=house.yard, at=at)
        if claim.bytes == 0 and not claim.is_last:
            return Response(status_code=201, headers=_headers(begun, house, at))
        try:
            return await _taken(
                begun.id, claim, request=request, house=house, filer=filer, at=at, room=room, status=201
            )
        except CutOff:
            if key is None:  # nobody will ever know its id
                await house.store.uploads.discard(begun.id, filer=filer, at=at)
            raise


async def _show(request: Request, house: House, filer: str) -> Response:
    """How far the upload is. Whoever was still sending gives way to who asks."""
    at = house.now()
    found = await house.store.uploads.look(_id(request), filer=filer, at=at)
    if found is None:
        raise services.NoUpload
    return Response(status_code=204, headers=_headers(found, house, at))


async def _append(request: Request, house: House, filer: str) -> Response:
    """How far the upload is now, or the answer to the message once it is whole."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != PART:
        return problem(problems.NOT_PARTIAL, headers={"Accept-Patch": PART, "Connection": "close"})
    received = _number(request, "upload-offset")
    if received is None:
        raise Refused(problem(problems.UPLOAD_UNFIT, headers={"Connection": "close"}))
    claim = _claim(request, received=received)
    with house.intake.room.taken(filer) as room:
        return await _taken(
            _id(request), claim, request=request, house=house, filer=filer, at=house.now(), room=room,
            status=204,
        )  # fmt: skip


async def _discard(request: Request, house: House, filer: str) -> Response:
    """Nothing, once the upload is gone."""
    if not await house.store.uploads.discard(_id(request), filer=filer, at=house.now()):
        raise services.NoUpload
    return Response(status_code=204)


async def _taken(
    id: str, claim: Claim, *, request: Request, house: House, filer: str, at: datetime, room: Held, status: int
) -> Response:
    started = time.perf_counter()
    room.grow(PART_BYTES if claim.bytes is None else min(claim.bytes, PART_BYTES))
    async with aclosing(_parts(request, claim.bytes)) as parts:
        upload = await services.take(id, claim, parts, filer=filer, yard=house.yard, at=at)
    log.info("taken in upload=%s bytes=%d complete=%s", id, upload.received - claim.received, upload.is_complete)
    headers = _headers(upload, house, at)
    if not upload.is_complete:
        return Response(status_code=status, headers=headers)
    try:
        response = await _lodged(upload, request, house, room=room, started=started)
    except Refused as refused:
        response = refused.response
    except (Full, Flooding) as full:
        response = _no_room(full)
    # By which the sender knows that the bytes are all here, whatever the answer is: to ask again needs no more of them.
    response.headers.update({name: headers[name] for name in ("Upload-Complete", "Upload-Offset")})
    return response


async def _lodged(upload: Upload, request: Request, house: House, *, room: Held, started: float) -> Response:
    room.grow(upload.received)
    try:
        data = await services.whole(upload, store=house.store)
    except services.DigestDiffers:
        raise Refused(problem(problems.DIGEST_DIFFERS)) from None
    message = Message(source="api", data=data, sender=upload.filer, received_at=house.now())
    done = await lodged(message, services.key_of(upload), house=house, started=started)
    if upload.message_id is None:
        await house.store.uploads.lodged(upload, done.message_id)
    return answer_to(done, request.headers.get("accept", ""))


async def _parts(request: Request, stated: int | None) -> AsyncGenerator[bytes, None]:
    """What comes, as it comes, and an empty part whenever it is time to commit what came.

    Raises CutOff where the link breaks, Refused where nothing comes any more.
    """
    came, committed_at = 0, time.monotonic()
    while True:
        waiting = asyncio.ensure_future(request.receive())
        heard_at = time.monotonic()
        try:
            while not waiting.done():
                # Not by a timeout around it: what is cut off in its waiting may lose what was just coming.
                await asyncio.wait({waiting}, timeout=min(COMMIT_EVERY_S, IDLE_S_MAX))
                if time.monotonic() - committed_at >= COMMIT_EVERY_S:
                    yield b""
                    committed_at = time.monotonic()
                if not waiting.done() and time.monotonic() - heard_at >= IDLE_S_MAX:
                    raise Refused(problem(problems.TOO_SLOW, headers={"Connection": "close"}))
        finally:
            waiting.cancel()
        event = waiting.result()
        if event["type"] == "http.disconnect":
            raise CutOff
        part: bytes = event.get("body", b"")
        came += len(part)
        yield part
        if not event.get("more_body", False):
            break
    if stated is not None and came < stated:  # a server in front that does not count
        raise CutOff


def _claim(request: Request, *, received: int) -> Claim:
    """What the headers say of this part and of the whole. Raises Refused."""
    stated = length_of(request.headers)
    if stated is None and "transfer-encoding" not in request.headers:
        stated = 0
    flags = [found[1] for value in request.headers.getlist("upload-complete") if (found := _FLAG.fullmatch(value))]
    if len(flags) != 1:
        raise Refused(problem(problems.UPLOAD_UNFIT, headers={"Connection": "close"}))
    return Claim(
        received=received, is_last=flags[0] == "1", length=_number(request, "upload-length"),
        sha256=_sha256(request.headers.getlist("repr-digest")), bytes=stated,
    )  # fmt: skip


def _id(request: Request) -> str:
    """The id in the path. Raises NoUpload where none looks like that."""
    id: str = request.path_params["id"]
    if not _ID.fullmatch(id):
        raise services.NoUpload
    return id


def _number(request: Request, name: str) -> int | None:
    """The number in a header; None where it holds none: the draft lets what is not a number count for nothing."""
    values = request.headers.getlist(name)
    found = _NUMBER.fullmatch(values[0]) if len(values) == 1 else None
    return int(found[1]) if found else None


def _sha256(values: Iterable[str]) -> bytes | None:
    """The SHA-256 of the whole; None where none is said. Digests by other names are left aside. Raises Refused."""
    told = [member.strip() for value in values for member in value.split(",")]
    ours = [member for member in told if member.partition("=")[0] == "sha-256"]
    if not ours:
        return None
    found = _SHA_256.fullmatch(ours[-1])
    if found is None:
        raise Refused(problem(problems.DIGEST_UNFIT, headers={"Connection": "close"}))
    return base64.b64decode(found[1])


def _headers(upload: Upload, house: House, at: datetime) -> Mapping[str, str]:
    left = max(0, int((upload.expires_at - at).total_seconds()))
    headers = {
        "Location": f"/v1/uploads/{upload.id}",
        "Upload-Complete": "?1" if upload.is_complete else "?0",
        "Upload-Offset": str(upload.received),
        "Upload-Limit": f"max-size={house.settings.message_bytes_max}, max-age={left}",
    }
    return headers if upload.length is None else headers | {"Upload-Length": str(upload.length)}


def _no_room(full: Exception) -> Response:
    return problem(problems.FULL if isinstance(full, Full) else problems.FLOODING)


ROUTES = (
    Route("/v1/uploads", _answering(_begin), methods=["POST"]),
    Route("/v1/uploads/{id}", _answering(_show), methods=["GET"]),
    Route("/v1/uploads/{id}", _answering(_append), methods=["PATCH"]),
    Route("/v1/uploads/{id}", _answering(_discard), methods=["DELETE"]),
)
"""The routes of this file. What GET gives HEAD gives."""

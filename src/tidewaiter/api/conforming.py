"""`POST /v1/conform`: a message of any format in, a report on how it conforms out. Nothing is kept."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import date

import msgspec
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tidewaiter import formats
from tidewaiter.api import problems
from tidewaiter.api.lodging import Refused, body_of
from tidewaiter.api.problems import problem
from tidewaiter.api.quoting import asked_in, day_in
from tidewaiter.services.attest import attest
from tidewaiter.services.clear import Message
from tidewaiter.services.conform import ANY, conform
from tidewaiter.services.signing import public_keys
from tidewaiter.wiring import House

log = logging.getLogger("tidewaiter.api")

SOURCE = "message"
"""What the message is called in the report."""


@dataclass(frozen=True, slots=True)
class ConformMessage:
    """The route as a plain ASGI application, as that of lodging is."""

    house: House

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        headers = Headers(scope=scope)
        try:
            format, on = _format_in(scope), day_in(scope)
            data = await body_of(headers, receive, self.house.settings.message_bytes_max)
            if data is None:
                return  # the caller went away
            response = await asyncio.to_thread(self._answer, data, format, on)
        except Refused as refused:
            response = refused.response
        await response(scope, receive, send)

    def _answer(self, data: bytes, format: str, on: date | None) -> Response:
        started = time.perf_counter()
        house = self.house
        at = house.now()
        report = conform(
            [Message(source=SOURCE, data=data)],
            law=house.law,
            on=on or at.date(),
            at=at,
            format=format,
            jurisdiction=house.settings.jurisdiction,
        )
        log.info(
            "conformed format=%s conforms=%s findings=%d bytes=%d ms=%.0f",
            report.messages[0].format or "none",
            report.conforms,
            len(report.messages[0].findings),
            len(data),
            (time.perf_counter() - started) * 1e3,
        )
        return Response(msgspec.json.encode(attest(report, house.signing_key)), media_type="application/json")


async def show_keys(request: Request) -> Response:
    """The public keys that sign all that is signed here."""
    house: House = request.app.state.house
    return Response(msgspec.json.encode(public_keys(house.signing_key)), media_type="application/json")


def _format_in(scope: Scope) -> str:
    """The format asked for in the query. Raises Refused."""
    asked = asked_in(scope, "format")
    if asked is None:
        return ANY
    if asked != ANY and asked not in formats.FORMATS:
        raise Refused(problem(problems.FORMAT_UNKNOWN, detail=f"one of {', '.join((ANY, *formats.FORMATS))}"))
    return asked

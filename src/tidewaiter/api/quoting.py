"""`POST /v1/quotes`: a message of any format in, a quote for each consignment out. Nothing is kept."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import date
from urllib.parse import parse_qs

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tidewaiter.api import problems
from tidewaiter.api.lodging import Refused, body_of, filer_of
from tidewaiter.api.problems import problem
from tidewaiter.model.finding import Finding
from tidewaiter.model.quote import Quote
from tidewaiter.services.clear import Message, read_message
from tidewaiter.services.quote import dated, quotes
from tidewaiter.wiring import House

log = logging.getLogger("tidewaiter.api")

QUOTES_MAX = 200
"""So many consignments are quoted in one request: each is assessed several times over."""


class Quoted(msgspec.Struct, frozen=True, kw_only=True):
    """The quotes in the order of the message; `findings` are about the message as a whole."""

    quotes: tuple[Quote, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class QuoteMessage:
    """The route as a plain ASGI application, as that of lodging is."""

    house: House

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        headers = Headers(scope=scope)
        try:
            filer_of(headers)
            on = day_in(scope)
            data = await body_of(headers, receive, self.house.settings.message_bytes_max)
            if data is None:
                return  # the caller went away
            response = await asyncio.to_thread(self._answer, data, on)
        except Refused as refused:
            response = refused.response
        await response(scope, receive, send)

    def _answer(self, data: bytes, on: date | None) -> Response:
        started = time.perf_counter()
        house = self.house
        reading = read_message(Message(source="api", data=data), jurisdiction=house.settings.jurisdiction)
        if not reading.declared:
            return problem(problems.UNREADABLE, errors=reading.findings)
        if len(reading.declared) > QUOTES_MAX:
            return problem(problems.TOO_MANY, detail=f"at most {QUOTES_MAX}")
        declared = dated(reading.declared, law=house.law, on=on, at=house.now())
        made = quotes(declared, law=house.law, format=reading.format)
        log.info(
            "quoted format=%s consignments=%d offers=%d bytes=%d ms=%.0f",
            reading.format,
            len(made),
            sum(len(one.offers) for one in made),
            len(data),
            (time.perf_counter() - started) * 1e3,
        )
        body = msgspec.json.encode(Quoted(quotes=tuple(made), findings=reading.findings))
        return Response(body, media_type="application/json")


def day_in(scope: Scope) -> date | None:
    """The day asked for in the query; None where none is. Raises Refused."""
    asked = asked_in(scope, "on")
    if asked is None:
        return None
    try:
        return msgspec.convert(asked, date, strict=False)
    except msgspec.ValidationError:
        raise Refused(problem(problems.DAY_UNFIT)) from None


def asked_in(scope: Scope, name: str) -> str | None:
    """What the query says under this name, the last where it says several; None where it says nothing."""
    query: bytes = scope.get("query_string", b"")
    asked = parse_qs(query.decode("latin-1"), keep_blank_values=True).get(name)
    return asked[-1] if asked else None

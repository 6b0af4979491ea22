"""A real receiver of webhooks on this machine, which does what a test tells it to, and checks every signature."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType

import msgspec
from joserfc.jwk import OKPKey

from tidewaiter.exchange.feed import Event, Hint
from tidewaiter.exchange.nonces import NonceFile
from tidewaiter.exchange.verifying import Verifier, keys_of
from tidewaiter.services.signing import public_keys

OK = b"HTTP/1.1 204 No Content\r\n\r\n"
Does = Callable[[Sequence[Event], asyncio.StreamWriter], Awaitable[bytes | None]]
"""What the receiver does with these events: what it answers, or None where it has done so itself and goes away."""


async def take(_: Sequence[Event], __: asyncio.StreamWriter) -> bytes | None:
    """It takes them."""
    return OK


def answering(status: int, *headers: str) -> Does:
    """It answers with this status."""
    lines = "".join(f"{line}\r\n" for line in headers)

    async def do(_: Sequence[Event], __: asyncio.StreamWriter) -> bytes | None:
        return f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n{lines}\r\n".encode()

    return do


class Receiver:
    """Serves on 127.0.0.1 while the context lasts, and may be shut and opened again on the same port.

    `taken` are the events that it took with 2xx, in order; `asked` counts requests.
    """

    def __init__(self, key: OKPKey, file: Path, now: Callable[[], datetime]) -> None:
        self._key, self._now = key, now
        self._nonces = NonceFile(file)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.does: Does = take
        self.taken: list[Event] = []
        self.asked = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?from=tidewaiter"

    async def __aenter__(self) -> Receiver:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.shut()
        self._nonces.close()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        self._verifier = Verifier(
            keys=keys_of(public_keys(self._key)), authority=f"127.0.0.1:{self.port}", nonces=self._nonces
        )

    async def shut(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in self._open:
                writer.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while await self._answer(reader, writer):
                    pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rest = head.strip().split("\r\n")
        method, target, _ = line.split(" ")
        headers = [(name, value.strip()) for name, _, value in (one.partition(":") for one in rest)]
        length = int(next(value for name, value in headers if name.lower() == "content-length"))
        body = await reader.readexactly(length)
        self.asked += 1
        self._verifier.verify(method, target, headers, body, at=self._now())
        events = msgspec.json.decode(body, type=Hint).events
        answer = await self.does(events, writer)
        if answer is None:
            return False
        if answer.split(b" ", 2)[1].startswith(b"2"):
            self.taken += events
        writer.write(answer)
        await writer.drain()
        return True

"""Sending one signed request, and what came of it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

import httpcore

from tidewaiter.exchange.addresses import AddressRefused, CheckedNetwork, UrlUnfit, checked_url
from tidewaiter.exchange.signing import Signer, signed

TIMEOUT_S = 10.0
"""So long one request may take in all, from looking up the name to the end of the answer."""
ANSWER_BYTES_MAX = 65_536
"""So much of an answer is read, and thrown away: only its status counts."""
CONNECTIONS_MAX = 64
IDLE_S = 15.0
CONTENT_TYPE = "application/json"
TOO_MANY_REQUESTS = 429
WAIT_S_MAX = 3600


class Sent(NamedTuple):
    """What came of a request: `failure` is None where the receiver took it. `is_away` where nobody was reached, so that
    it says nothing of what was sent; `wait_s` where the receiver wants to be left alone so long."""

    failure: str | None = None
    is_away: bool = False
    wait_s: int | None = None


class Sender:
    """Sends requests over connections that are kept for a while. Follows no redirect, unpacks nothing.

    One takes `timeout_s` at most, in all.
    """

    def __init__(
        self, pool: httpcore.AsyncConnectionPool, signer: Signer, excepted: Collection[str], timeout_s: float
    ) -> None:
        self._pool = pool
        self._signer = signer
        self._excepted = excepted
        self.timeout_s = timeout_s

    async def send(self, url: str, body: bytes, *, at: datetime) -> Sent:
        """What came of a POST of this body, signed anew. The form of the URL is looked at again, since what is
        excepted may have changed; its addresses are whenever a connection is opened."""
        try:
            checked_url(url, excepted=self._excepted)
            headers = signed(url, body, signer=self._signer, at=at, content_type=CONTENT_TYPE)
            async with asyncio.timeout(self.timeout_s):
                return await self._sent(url, body, headers)
        except (UrlUnfit, AddressRefused) as refused:
            return Sent(str(refused), is_away=True)
        except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout):
            return Sent("no connection", is_away=True)
        except (TimeoutError, httpcore.TimeoutException):
            return Sent(f"no answer in {self.timeout_s:g} s")
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError):
            return Sent("the connection broke, or the answer was none of HTTP")

    async def _sent(self, url: str, body: bytes, headers: dict[str, str]) -> Sent:
        sent = [*headers.items(), ("User-Agent", "tidewaiter")]
        async with self._pool.stream("POST", url, headers=sent, content=body) as answer:
            read = 0
            async for chunk in answer.aiter_stream():
                read += len(chunk)
                if read > ANSWER_BYTES_MAX:
                    break
        if 200 <= answer.status < 300:
            return Sent()
        if answer.status == TOO_MANY_REQUESTS:
            return Sent("status 429", is_away=True, wait_s=_seconds(answer.headers))
        return Sent(f"status {answer.status}")


@asynccontextmanager
async def open_sender(
    signer: Signer, *, excepted: Collection[str] = (), timeout_s: float = TIMEOUT_S
) -> AsyncIterator[Sender]:
    """A sender while the context lasts. `excepted` are hosts that need be neither public nor https."""
    async with httpcore.AsyncConnectionPool(
        ssl_context=ssl.create_default_context(),
        max_connections=CONNECTIONS_MAX,
        max_keepalive_connections=CONNECTIONS_MAX,
        keepalive_expiry=IDLE_S,
        network_backend=CheckedNetwork(excepted=excepted),
    ) as pool:
        yield Sender(pool, signer, frozenset(excepted), timeout_s)


def _seconds(headers: list[tuple[bytes, bytes]]) -> int | None:
    """What Retry-After says, where it is a number of seconds: no more than an hour."""
    said = next((value for name, value in headers if name.lower() == b"retry-after"), b"")
    return min(int(said), WAIT_S_MAX) if said.isdigit() and len(said) < 10 else None

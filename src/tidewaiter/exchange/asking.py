"""Asking another server one thing: a page of JSON, over HTTPS, with bounds on its size and on the time."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpcore

TIMEOUT_S = 10.0
ANSWER_BYTES_MAX = 256 * 1024
LOCAL = frozenset({"127.0.0.1", "[::1]", "localhost"})


class NoAnswer(RuntimeError):
    """The other server gave no answer that can be used; what it says is for our log."""


def is_askable(url: str) -> bool:
    """Whether a server may be asked there: by https, or on this machine."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition(":")[0] if parts.netloc.rpartition(":")[2].isdecimal() else parts.netloc
    return bool(host) and "@" not in host and (parts.scheme == "https" or (parts.scheme == "http" and host in LOCAL))


async def ask(url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> bytes:
    """The body of its answer with the status 200, to a GET, or a POST where there is a body. Raises NoAnswer.

    No redirect is followed, and nothing unpacked.
    """
    if not is_askable(url):
        raise NoAnswer("not by https")
    sent = [("Accept", "application/json"), ("User-Agent", "tidewaiter"), *(headers or {}).items()]
    try:
        async with asyncio.timeout(TIMEOUT_S), httpcore.AsyncConnectionPool() as pool:
            method = "GET" if body is None else "POST"
            async with pool.stream(method, url, headers=sent, content=body) as answer:
                chunks, size = [], 0
                async for chunk in answer.aiter_stream():
                    size += len(chunk)
                    if size > ANSWER_BYTES_MAX:
                        raise NoAnswer("the answer is too long")
                    chunks.append(chunk)
    except (TimeoutError, httpcore.TimeoutException):
        raise NoAnswer("no answer in time") from None
    except (
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
        ssl.SSLError,
        OSError,
    ) as error:
        raise NoAnswer(type(error).__name__) from None
    if answer.status != 200:
        raise NoAnswer(f"status {answer.status}")
    return b"".join(chunks)

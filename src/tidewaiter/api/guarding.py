"""What stands before every route: which pages may call, and what browsers may do with the answers.

Two attacks of a foreign web page on a server of this machine are stopped here: posting to it (browsers say so in
Sec-Fetch-Site), and reaching it under another name (DNS rebinding; the Host header tells). Who calls is for `door`.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tidewaiter.api.problems import FOREIGN, FOREIGN_HOST, problem
from tidewaiter.settings import is_loopback

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Sent with every answer. `Cache-Control: no-store` too, unless a route says otherwise."""
_SENT = [(name.lower().encode(), value.encode()) for name, value in (*HEADERS.items(), ("Cache-Control", "no-store"))]


class Guard:
    """An ASGI application around another. `host` is the address served: a loopback one answers to local names and to
    that of the issuer only."""

    def __init__(self, inner: ASGIApp, *, host: str, issuer: str = "") -> None:
        self._inner = inner
        self._names = LOCAL_NAMES | {_name(urlsplit(issuer).netloc)}
        self._is_local = is_loopback(host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves, or refuses what comes from a foreign page."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        headers = Headers(scope=scope)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(header for header in _SENT if header[0] not in said)]
            await send(message)

        if self._is_local and _name(headers.get("host", "")) not in self._names:
            await problem(FOREIGN_HOST)(scope, receive, send_guarded)
        elif scope["method"] not in SAFE and headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            await problem(FOREIGN)(scope, receive, send_guarded)
        else:
            await self._inner(scope, receive, send_guarded)


def _name(host: str) -> str:
    """The name in a Host header, without the port."""
    return host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0].lower()

"""The keeper of the door of a guarded house: who calls, and whether such a one may ever do what is asked.

Each route names the act it is for in `NEEDS`; one that names none is shut. What is ruled on a single consignment is
asked again where it is known which. In an open house nobody keeps the door, and everyone is `OPEN`.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from tidewaiter.access import NOBODY, Principal, may_at_best
from tidewaiter.api import learning, problems, risking
from tidewaiter.api.problems import problem
from tidewaiter.services.admit import TOKEN_PATH, Gate, NotPassed
from tidewaiter.services.enter import SESSION_COOKIE, session_of
from tidewaiter.settings import SettingsError
from tidewaiter.store import StoreUnavailable
from tidewaiter.wiring import CALLER, House

log = logging.getLogger("tidewaiter.access")

NEEDS: Mapping[str, str] = {
    "POST /v1/messages": "lodge",
    "POST /v1/consignments": "lodge",
    "POST /v1/uploads": "lodge",
    "GET /v1/uploads/{id}": "lodge",
    "PATCH /v1/uploads/{id}": "lodge",
    "DELETE /v1/uploads/{id}": "lodge",
    "GET /v1/messages/{id}/receipt": "read_own",
    "GET /v1/messages/{id:int}/answer": "read_own",
    "GET /v1/messages/{id:int}/answers/{number:int}": "read_own",
    "GET /v1/events": "follow_events",
    "POST /v1/webhooks": "follow_events",
    "GET /v1/webhooks": "follow_events",
    "GET /v1/webhooks/{id:int}": "follow_events",
    "DELETE /v1/webhooks/{id:int}": "follow_events",
    "GET /v1/webhooks/{id:int}/dead-letters": "follow_events",
    "POST /v1/webhooks/{id:int}/dead-letters": "follow_events",
    "GET /v1/consignments/{reference:path}": "read_own",
    "GET /v1/consignments/{reference:path}/receipt": "read_own",
    "POST /v1/control/{id:int}/release": "release",
    "POST /v1/control/{id:int}/refuse": "refuse",
    "POST /v1/consignments/{reference:path}/replies": "reply",
    "POST /v1/presentations": "present",
    "POST /v1/control/{id:int}/ask": "ask",
    "POST /v1/control/{id:int}/complete": "complete",
    "POST /v1/control/{id:int}/refund": "propose",
    "POST /v1/control/{id:int}/proposals/{number:int}": "propose",
    **risking.NEEDS,
    **learning.NEEDS,
    "POST /v1/quotes": "quote",
    "POST /v1/conform": "look_up",
    "GET /v1/keys": "look_up",
    f"POST {TOKEN_PATH}": "look_up",
    "GET /.well-known/oauth-authorization-server": "look_up",
    "GET /openapi.json": "look_up",
    "GET /docs": "look_up",
    "GET /docs.css": "look_up",
    "GET /health/live": "look_up",
    "GET /health/ready": "look_up",
}
"""The act that each route of this door is for."""

FILER_HEADER = "tidewaiter-filer"
FORM_TOKEN_HEADER = "tidewaiter-form-token"  # noqa: S105 - a header's name
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

Refuse = Callable[[Scope, int], Response]
"""How a page says that its caller is not known (401) or may not (403)."""


class Doorkeeper:
    """An ASGI application around another, for a guarded house. `needs` and `refuse` are those of the pages.

    Raises SettingsError where the house has no key to sign with.
    """

    def __init__(
        self,
        inner: Starlette,
        house: House,
        *,
        needs: Mapping[str, str],
        refuse: Refuse | None,
    ) -> None:
        if house.signing_key is None:
            raise SettingsError("a guarded house needs a key to sign with: set TIDEWAITER_SIGNING_KEY")
        self._inner = inner
        self._house = house
        self._needs = {**needs, **NEEDS}
        self._pages, self._refuse = needs, refuse
        self._gate = Gate(store=house.store, key=house.signing_key, issuer=house.settings.issued_by)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves whom it knows and who may, and refuses others."""
        if scope["type"] == "websocket":  # there are none
            await send({"type": "websocket.close"})
            return
        name = self._name(scope) if scope["type"] == "http" else None
        if name is None:  # a path or method there is not: the router says so
            await self._inner(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            principal, form_token = await self._who(headers, scope)
        except StoreUnavailable:
            await problem(problems.UNAVAILABLE)(scope, receive, send)
            return
        except NotPassed as refused:
            log.info("not passed because=%s", refused.why.replace(" ", "_"))
            await self._say(name, scope, 401)(scope, receive, send)
            return
        action = self._needs.get(name)
        ruling = may_at_best(principal, action) if action is not None else None
        if ruling is None or not ruling.allowed:
            policy = ruling.policy if ruling else "the-route-names-no-act"
            log.info("refused action=%s policy=%s role=%s", action, policy, principal.role)
            await self._say(name, scope, 401 if principal is NOBODY else 403)(scope, receive, send)
            return
        if form_token and scope["method"] not in SAFE and name not in self._pages:
            sent = headers.get(FORM_TOKEN_HEADER, "")
            if not hmac.compare_digest(sent.encode(), form_token.encode()):
                await problem(problems.FORGED)(scope, receive, send)
                return
        await self._inner(_introduced(scope, principal, form_token), receive, send)

    def _name(self, scope: Scope) -> str | None:
        """The route that is asked for, as NEEDS calls it; None where there is none."""
        for route in self._inner.routes:
            if route.matches(scope)[0] is Match.FULL:
                # What is no plain route has no path of its own, names no act, and is shut.
                path = route.path if isinstance(route, Route) else ""
                return f"{'GET' if scope['method'] == 'HEAD' else scope['method']} {path}"
        return None

    async def _who(self, headers: Headers, scope: Scope) -> tuple[Principal, str]:
        """Who calls, with the token that forms of its session must carry. Raises NotPassed."""
        at = self._house.now()
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme:
            if scheme.lower() not in ("bearer", "dpop") or headers.getlist("authorization")[1:]:
                raise NotPassed("another scheme")
            proofs = headers.getlist("dpop")
            if len(proofs) > 1:
                raise NotPassed("several proofs")
            path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
            machine = await self._gate.machine(
                token.strip(), scheme=scheme, proof=proofs[0] if proofs else None, method=scope["method"], path=path,
                at=at,
            )  # fmt: skip
            return machine, ""
        cookie = _cookie(headers)
        if cookie is None:
            return NOBODY, ""
        session = await session_of(cookie, store=self._house.store, at=at)
        if session is None:
            return NOBODY, ""
        person = session.person
        return (
            Principal(
                id=person.id, kind="person", role=person.role, filer=person.filer, office=person.office,
                country=person.country,
            ),
            session.form_token,
        )  # fmt: skip

    def _say(self, name: str, scope: Scope, status: int) -> Response:
        if name in self._pages and self._refuse is not None:
            return self._refuse({**scope, "app": self._inner}, status)
        if status == 401:
            return problem(problems.UNKNOWN_CALLER, headers={"WWW-Authenticate": 'DPoP algs="Ed25519 ES256", Bearer'})
        return problem(problems.MAY_NOT)


def _introduced(scope: Scope, principal: Principal, form_token: str) -> dict[str, Any]:
    """The request with who calls: whatever it says itself of the filer is put right."""
    told = {**scope, "headers": list(scope["headers"]), CALLER: (principal, form_token)}
    headers = MutableHeaders(scope=told)
    del headers[FILER_HEADER]
    if principal.filer:
        headers[FILER_HEADER] = principal.filer
    return told


def _cookie(headers: Headers) -> str | None:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(SESSION_COOKIE)
    except CookieError:
        return None
    return found.value if found else None

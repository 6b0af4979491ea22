"""`POST /v1/token`: a short access token for a machine that proves who it is; and where the rest is told of.

It answers as OAuth 2 has it (RFC 6749, 5), not as a problem: libraries of callers expect so.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from urllib.parse import parse_qsl

import msgspec
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tidewaiter.access.signed import ALGORITHMS
from tidewaiter.api import problems
from tidewaiter.api.lodging import Refused, body_of
from tidewaiter.api.problems import problem
from tidewaiter.services.admit import TOKEN_PATH, NotAdmitted, give_token
from tidewaiter.store import StoreUnavailable
from tidewaiter.wiring import House

log = logging.getLogger("tidewaiter.access")

FORM = "application/x-www-form-urlencoded"
FORM_BYTES_MAX = 32 * 1024
FIELDS_MAX = 20


@dataclass(frozen=True, slots=True)
class GiveToken:
    """The route as a plain ASGI application, as that of lodging is."""

    house: House

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        headers = Headers(scope=scope)
        try:
            data = await body_of(headers, receive, FORM_BYTES_MAX)
            if data is None:
                return  # the caller went away
            response = await self._answer(headers, data)
        except Refused as refused:
            response = refused.response
        except StoreUnavailable:
            response = problem(problems.UNAVAILABLE)
        await response(scope, receive, send)

    async def _answer(self, headers: Headers, data: bytes) -> Response:
        house = self.house
        if house.signing_key is None:
            return problem(problems.NO_TOKENS)
        try:
            form = _form_in(headers, data)
            given = await give_token(
                form, proof=_proof_in(headers), store=house.store, key=house.signing_key,
                issuer=house.settings.issued_by, at=house.now(),
            )  # fmt: skip
        except NotAdmitted as refused:
            log.info("no token error=%s because=%s", refused.error, refused.why.replace(" ", "_"))
            status = 401 if refused.error == "invalid_client" else 400
            body = msgspec.json.encode({"error": refused.error})
            return Response(body, status_code=status, media_type="application/json")
        return Response(msgspec.json.encode(given), media_type="application/json")


async def show_metadata(request: Request) -> Response:
    """What a client of OAuth needs to know of this server (RFC 8414)."""
    house: House = request.app.state.house
    issuer = house.settings.issued_by
    told = {
        "issuer": issuer,
        "token_endpoint": issuer + TOKEN_PATH,
        "jwks_uri": issuer + "/v1/keys",
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": sorted(ALGORITHMS),
        "dpop_signing_alg_values_supported": sorted(ALGORITHMS),
    }
    return Response(msgspec.json.encode(told), media_type="application/json")


def _form_in(headers: Headers, data: bytes) -> dict[str, str]:
    """The fields of the form. Raises NotAdmitted where it is none, or one stands twice."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise NotAdmitted("invalid_request", "no form")
    try:
        pairs = parse_qsl(
            data.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict",
            max_num_fields=FIELDS_MAX,
        )  # fmt: skip
    except ValueError:
        raise NotAdmitted("invalid_request", "no form") from None
    if len(dict(pairs)) != len(pairs):
        raise NotAdmitted("invalid_request", "a field stands twice")
    return dict(pairs)


def _proof_in(headers: Headers) -> str | None:
    proofs = headers.getlist("dpop")
    if len(proofs) > 1:
        raise NotAdmitted("invalid_dpop_proof", "several proofs")
    return proofs[0] if proofs else None

"""What a machine proves with a signature: who it is (client assertion) and that a token is its own (DPoP).

Sources: RFC 7523 (assertions), RFC 9449 (DPoP), RFC 9068 (access tokens), FAPI 2.0 Security Profile (which of these,
how narrow). Whatever is wrong is `signed.Unfit`. That a proof is used once is for the store to see to: each has `once`,
what it may be known by, and `until`, when it may be forgotten.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from joserfc import jwt
from joserfc.jwk import OKPKey

from tidewaiter.access import signed
from tidewaiter.access.signed import Unfit

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_S_MAX = 300
"""So long may an assertion hold from now, at most."""
SKEW_S = 10
"""So far may a machine's clock be ahead of ours (FAPI 2.0, 5.3.2.1)."""
PROOF_S_MAX = 60
"""So old may a DPoP proof be."""
TOKEN_S = 300
TOKEN_TYPE = "at+jwt"  # noqa: S105 - the type of such tokens (RFC 9068)
PROOF_TYPE = "dpop+jwt"
_ASSERTION_TYPES = (None, "JWT", "client-authentication+jwt")
_ID = re.compile(r"[!-~]{8,128}", re.ASCII)


class Once(NamedTuple):
    """What may be used once: who said it, what it is known by, and when it may be forgotten."""

    owner: str
    once: str
    until: datetime


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """What an access token says: which machine, until when, and the key it is bound to, if to one."""

    client: str
    until: datetime
    bound_to: str = ""


def named_in(assertion: str) -> str:
    """The machine an assertion names, before anything of it is believed. Raises Unfit."""
    parts = assertion.split(".")
    if len(parts) != 3 or len(assertion) > signed.TEXT_MAX:
        raise Unfit("not three parts")
    said = signed.claims(signed.decoded(parts[1])).get("sub")
    if not isinstance(said, str):
        raise Unfit("names nobody")
    return said


def assertion(text: str, *, client: str, keys: Sequence[Mapping[str, Any]], issuer: str, now: datetime) -> Once:
    """That this machine made the assertion for us, now. Raises Unfit."""
    said = _by_one_of(text, keys)
    if said.header.get("typ") not in _ASSERTION_TYPES:
        raise Unfit("another type")
    claims = signed.claims(said.payload)
    if claims.get("iss") != client or claims.get("sub") != client:
        raise Unfit("made by or about another")
    # One audience, as a text: what was made for another server must not count here (FAPI 2.0, 5.3.2.1).
    if claims.get("aud") != issuer:
        raise Unfit("made for another")
    at = now.timestamp()
    until = _instant(claims, "exp", needed=True)
    if not at < until <= at + ASSERTION_S_MAX + SKEW_S:
        raise Unfit("over, or valid for too long")
    for name in ("nbf", "iat"):
        if _instant(claims, name, or_else=at) > at + SKEW_S:
            raise Unfit("not yet valid")
    return Once(client, f"assertion:{_id(claims)}", datetime.fromtimestamp(until + SKEW_S, UTC))


def proof(text: str, *, method: str, url: str, now: datetime, token: str | None = None) -> tuple[str, Once]:
    """The thumbprint of the key that made this DPoP proof for this request, and what it may be known by. Raises Unfit.

    `token` is the access token it goes with, where one is shown.
    """
    parts = text.split(".")
    if len(parts) != 3 or len(text) > signed.TEXT_MAX:
        raise Unfit("not three parts")
    key = signed.claims(signed.decoded(parts[0])).get("jwk")
    if not isinstance(key, dict):
        raise Unfit("no key in the proof")
    [key] = signed.public_keys(key)
    said = signed.read(text, key, headers=("alg", "typ", "jwk"))
    if said.header.get("typ") != PROOF_TYPE:
        raise Unfit("another type")
    claims = signed.claims(said.payload)
    if claims.get("htm") != method or claims.get("htu") != url:
        raise Unfit("made for another request")
    at, made = now.timestamp(), _instant(claims, "iat", needed=True)
    if not at - PROOF_S_MAX <= made <= at + SKEW_S:
        raise Unfit("too old, or not yet valid")
    if token is not None and not hmac.compare_digest(str(claims.get("ath")), _digest(token)):
        raise Unfit("made for another token")
    print = signed.thumbprint(key)
    return print, Once(print, f"proof:{_id(claims)}", datetime.fromtimestamp(made + PROOF_S_MAX + SKEW_S, UTC))


def token(client: str, *, key: OKPKey, issuer: str, id: str, now: datetime, bound_to: str = "") -> str:
    """An access token for a machine, signed with the installation's key; `id` is its own, `bound_to` a thumbprint."""
    at = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": issuer, "aud": issuer, "sub": client, "client_id": client, "iat": at, "exp": at + TOKEN_S, "jti": id,
    }  # fmt: skip
    if bound_to:
        claims["cnf"] = {"jkt": bound_to}
    header = {"alg": "Ed25519", "typ": TOKEN_TYPE, "kid": key.thumbprint()}
    return jwt.encode(header, claims, key, algorithms=["Ed25519"])


def passed(text: str, *, key: OKPKey, issuer: str, now: datetime) -> Pass:
    """What one of our access tokens says. Raises Unfit."""
    public = {**key.as_dict(private=False), "alg": "Ed25519", "kid": key.thumbprint()}
    said = signed.read(text, public, algorithms=("Ed25519",))
    if said.header.get("typ") != TOKEN_TYPE or said.header.get("kid") != key.thumbprint():
        raise Unfit("another type, or another key")
    claims = signed.claims(said.payload)
    client, bound = claims.get("sub"), claims.get("cnf", {"jkt": ""})
    until = _instant(claims, "exp", needed=True)
    if claims.get("iss") != issuer or claims.get("aud") != issuer or not isinstance(client, str):
        raise Unfit("made for another")
    if until <= now.timestamp():
        raise Unfit("over")
    return Pass(client=client, until=datetime.fromtimestamp(until, UTC), bound_to=str(bound["jkt"]))


def _by_one_of(text: str, keys: Sequence[Mapping[str, Any]]) -> signed.Signed:
    """What the holder of one of these keys signed: the one that is named, or the only one."""
    named = signed.claims(signed.decoded(text.partition(".")[0])).get("kid")
    fitting = [key for key in keys if named is None or key.get("kid") in (None, named)]
    if len(fitting) != 1:
        raise Unfit("none of its keys, or none named of several")
    return signed.read(text, fitting[0])


def _instant(claims: Mapping[str, Any], name: str, *, needed: bool = False, or_else: float = 0) -> float:
    """A claim in seconds since 1970, within what a clock can tell."""
    value = claims.get(name)
    if value is None and not needed:
        return or_else
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**33:
        raise Unfit(f"{name} is no instant")
    return float(value)


def _id(claims: Mapping[str, Any]) -> str:
    value = claims.get("jti")
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Unfit("jti is not of 8 to 128 printable characters")
    return value


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()

"""For receivers: whether a request is a hint of ours, whole, fresh, meant for them and not seen before.

    verifier = Verifier(keys=keys_of(jwks), authority="hooks.example", nonces=NonceFile("nonces.sqlite"))
    verifier.verify("POST", "/tidewaiter", headers, body, at=datetime.now(UTC))

`jwks` is what `GET /v1/keys` answers. What is not spelled as `signing` spells it is refused, so that one
signature has one form only. Needs no other room of this house.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tidewaiter.exchange.signing import COMPONENTS, TAG, base_of, components_of, digest_of

AGE_MAX = timedelta(seconds=300)
SKEW_MAX = timedelta(seconds=30)
NEEDED = ("host", "content-type", "content-digest", "signature-input", "signature")
_INPUT = re.compile(
    r'(?P<label>[a-z][a-z0-9_-]{0,31})=(?P<parameters>\((?P<components>"[a-z@-]{1,40}"(?: "[a-z@-]{1,40}")*)\)'
    r'(?P<rest>(?:;[a-z]{1,16}=(?:[0-9]{1,15}|"[A-Za-z0-9_.:-]{1,200}")){1,8}))',
    re.ASCII,
)
_PARAMETER = re.compile(r';([a-z]+)=(?:([0-9]+)|"([^"]*)")', re.ASCII)
_SIGNATURE = re.compile(r"([a-z][a-z0-9_-]{0,31})=:([A-Za-z0-9+/]{86}==):", re.ASCII)
_NONCE = re.compile("[A-Za-z0-9_-]{16,64}", re.ASCII)
_NUMBERS = {"created", "expires"}
_PARAMETERS = _NUMBERS | {"nonce", "alg", "keyid", "tag"}


class Untrusted(Exception):
    """The request is not to be believed. Its text says why, and repeats nothing of it."""


class Nonces(Protocol):
    """What was seen already. It must outlive a restart of the receiver."""

    def is_first(self, nonce: str, *, until: datetime, at: datetime) -> bool:
        """Whether this nonce is seen for the first time; from now on, until then, it is not."""


class Verified(NamedTuple):
    """What the signature says of itself."""

    key_id: str
    created: datetime
    nonce: str


class _Signed(NamedTuple):
    """A signature with what it says it is over."""

    parameters: str
    components: tuple[str, ...]
    said: Mapping[str, str]
    signature: bytes


def keys_of(jwks: Mapping[str, Any]) -> dict[str, Ed25519PublicKey]:
    """The Ed25519 keys in a set (RFC 7517, RFC 8037) by their names; others are left out."""
    found = {}
    for one in jwks.get("keys", ()):
        if one.get("kty") == "OKP" and one.get("crv") == "Ed25519" and "kid" in one:
            raw = base64.urlsafe_b64decode(one["x"] + "=" * (-len(one["x"]) % 4))
            found[one["kid"]] = Ed25519PublicKey.from_public_bytes(raw)
    return found


class Verifier:
    """What one receiver believes: signatures of these keys, over requests to this authority (host, port if unusual)."""

    def __init__(self, *, keys: Mapping[str, Ed25519PublicKey], authority: str, nonces: Nonces) -> None:
        self._keys = keys
        self._authority = authority.lower()
        self._nonces = nonces

    def verify(
        self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes, *, at: datetime
    ) -> Verified:
        """What is signed, where the request may be believed. `target` is path and query as they came, undecoded.

        Raises Untrusted. The nonce is written down last, so that only what is genuine fills the store.
        """
        given = _once(headers)
        if given["host"].lower() != self._authority:
            raise Untrusted("it is for another host")
        one = _signed(given["signature-input"], given["signature"])
        if sorted(one.components) != sorted(COMPONENTS):
            raise Untrusted("not these components are signed that must be, each once")
        values = components_of(
            method,
            authority=given["host"],
            target=target,
            content_digest=given["content-digest"],
            content_type=given["content-type"],
        )
        key = self._keys.get(one.said["keyid"])
        if key is None:
            raise Untrusted("the key is not known")
        try:
            key.verify(one.signature, base_of({name: values[name] for name in one.components}, one.parameters))
        except (InvalidSignature, UnicodeEncodeError):
            raise Untrusted("the signature does not hold") from None
        if not hmac.compare_digest(given["content-digest"], digest_of(body)):
            raise Untrusted("the body is another than was signed")
        created = _in_time(one.said, at)
        nonce = one.said["nonce"]
        if not self._nonces.is_first(nonce, until=created + AGE_MAX + 2 * SKEW_MAX, at=at):
            raise Untrusted("it was received before")
        return Verified(one.said["keyid"], created, nonce)


def _once(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers that are needed, each of which must be there once."""
    found: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        if lower in NEEDED:
            if lower in found:
                raise Untrusted(f"{lower} is there twice")
            found[lower] = value.strip(" \t")
    missing = [name for name in NEEDED if name not in found]
    if missing:
        raise Untrusted(f"{missing[0]} is missing")
    return found


def _signed(signature_input: str, signature: str) -> _Signed:
    given, over = _SIGNATURE.fullmatch(signature), _INPUT.fullmatch(signature_input)
    if given is None or over is None or given[1] != over["label"]:
        raise Untrusted("the signature is not of the form that is used here")
    try:
        raw = base64.b64decode(given[2], validate=True)
    except binascii.Error:
        raise Untrusted("the signature is not of the form that is used here") from None
    pairs = _PARAMETER.findall(over["rest"])
    said = {name: number or text for name, number, text in pairs}
    if len(pairs) != len(said) or set(said) != _PARAMETERS or base64.b64encode(raw).decode() != given[2]:
        raise Untrusted("not these parameters are there that must be, each once")
    if any((name in _NUMBERS) != bool(number) for name, number, _ in pairs) or not _NONCE.fullmatch(said["nonce"]):
        raise Untrusted("a parameter is not of its form")
    if said["tag"] != TAG or said["alg"] != "ed25519":
        raise Untrusted("it is signed for another purpose or in another way")
    return _Signed(over["parameters"], tuple(re.findall('"([^"]+)"', over["components"])), said, raw)


def _in_time(said: Mapping[str, str], at: datetime) -> datetime:
    """When it was signed. Raises Untrusted where that is too long ago, ahead, or past its own end."""
    now, created, expires = at.timestamp(), int(said["created"]), int(said["expires"])
    if created > now + SKEW_MAX.total_seconds():
        raise Untrusted("it was signed in the future")
    if now - created > (AGE_MAX + SKEW_MAX).total_seconds() or now > expires + SKEW_MAX.total_seconds():
        raise Untrusted("it was signed too long ago")
    return datetime.fromtimestamp(created, at.tzinfo)

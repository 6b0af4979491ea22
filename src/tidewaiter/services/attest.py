"""A report that its maker vouches for: signed, and verified by whoever holds the public key.

The signature is a JWS (RFC 7515) with the algorithm Ed25519 (RFC 9864) over the canonical form of the report (RFC
8785), detached, so that the report stays readable. A file that spells the same in two ways is refused: what a person
reads is what was signed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from tidewaiter.model.conformance import Report, SignedReport

ALGORITHM = "Ed25519"
TYPE = "tidewaiter-conformance+json"
UNSIGNED = "This report is not signed: no key is configured where it was made (TIDEWAITER_SIGNING_KEY)."
SIGNED = "Verify with: tidewaiter conform --verify REPORT --key PUBLIC_KEY"
REPORT_BYTES_MAX = 256 * 1024 * 1024
_DETACHED = re.compile(r"([A-Za-z0-9_-]+)\.\.([A-Za-z0-9_-]{86})")


class KeyUnfit(ValueError):
    """The bytes are no Ed25519 key, or not one of the kind that is needed. Its text never repeats the key."""


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a report is what the holder of a key signed; `why` not, in words. `report` is None where it is none."""

    holds: bool
    why: str = ""
    report: Report | None = None


def signing_key(data: bytes) -> OKPKey:
    """The private key in these bytes, PEM or JWK. Raises KeyUnfit."""
    key = _key(data)
    if not key.is_private:
        raise KeyUnfit("this is a public key; a private one is needed to sign")
    return key


def public_key(data: bytes) -> OKPKey:
    """The public key in these bytes: PEM, JWK, a JWKS of one, or the private key it belongs to. Raises KeyUnfit."""
    return OKPKey.import_key(_key(data).as_dict(private=False))


def public_keys(key: OKPKey | None) -> dict[str, list[dict[str, Any]]]:
    """The public half as a set of keys (RFC 7517), empty where there is none."""
    if key is None:
        return {"keys": []}
    told = {**key.as_dict(private=False), "alg": ALGORITHM, "use": "sig", "kid": key.thumbprint()}
    return {"keys": [told]}


def attest(report: Report, key: OKPKey | None) -> SignedReport:
    """The report with its signature; without a key, one that says that nobody signed it."""
    if key is None:
        return SignedReport(report=report, note=UNSIGNED)
    header = _header(key)
    whole = jws.serialize_compact(header, canonical(report), key, algorithms=[ALGORITHM])
    return SignedReport(report=report, signature=jws.detach_content(whole), key=header["kid"], note=SIGNED)


def canonical(report: Report) -> bytes:
    """The one spelling of the report: RFC 8785. There are only texts, whole numbers, yes and no in it."""
    built = msgspec.to_builtins(report)
    return json.dumps(built, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def verify(data: bytes, key: OKPKey, *, messages: Sequence[bytes] = ()) -> Checked:
    """Whether the report in these bytes is what the holder of this key signed, and is about these messages.

    Of messages that are given, each must be one of those reported. Bad input is an answer, never an exception.
    """
    if len(data) > REPORT_BYTES_MAX:
        return Checked(holds=False, why="it is too long for a report")
    try:
        signed = msgspec.json.decode(data, type=SignedReport)
        json.loads(data, object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        return Checked(holds=False, why="it is no report of this version, or says something twice")
    report = signed.report
    if not signed.signature:
        return Checked(holds=False, why="nobody signed it", report=report)
    wrong = _wrong_signature(signed, key)
    if wrong:
        return Checked(holds=False, why=wrong, report=report)
    known = {one.sha256 for one in report.messages}
    strange = sum(hashlib.sha256(message).hexdigest() not in known for message in messages)
    if strange:
        return Checked(holds=False, why=f"{strange} of these messages are not among those reported", report=report)
    return Checked(holds=True, report=report)


def _wrong_signature(signed: SignedReport, key: OKPKey) -> str:
    parts = _DETACHED.fullmatch(signed.signature)
    if parts is None or not all(_is_canonical(part) for part in parts.groups()):
        return "its signature is not of the form that is written here"
    if signed.key != key.thumbprint():
        return "another key signed it"
    if _decoded(parts[1]) != json.dumps(_header(key), separators=(",", ":")).encode():
        return "its signature is of another kind than is made here"
    try:
        jws.deserialize_compact(signed.signature, key, algorithms=[ALGORITHM], payload=canonical(signed.report))
    except (JoseError, ValueError):
        return "it was changed after it was signed"
    return ""


def _header(key: OKPKey) -> dict[str, str]:
    return {"alg": ALGORITHM, "typ": TYPE, "kid": key.thumbprint()}


def _key(data: bytes) -> OKPKey:
    try:
        given: Any = json.loads(data) if data.lstrip()[:1] == b"{" else data
        if isinstance(given, dict) and "keys" in given:
            [given] = given["keys"]
        key = OKPKey.import_key(given)
        curve = key.as_dict(private=False)["crv"]
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise KeyUnfit("this is no key: an Ed25519 key is needed, as PEM or JWK") from None
    if curve != "Ed25519":
        raise KeyUnfit("the key is of another curve than Ed25519")
    return key


def _each_once(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name stands twice")


def _is_canonical(part: str) -> bool:
    """Whether the text is the one spelling of its bytes in base64url."""
    try:
        return base64.urlsafe_b64encode(_decoded(part)).rstrip(b"=").decode() == part
    except (binascii.Error, ValueError):
        return False


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

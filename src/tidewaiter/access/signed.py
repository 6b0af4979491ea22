"""A signed text (JWS compact, RFC 7515) that counts: one spelling, one algorithm for a key, a key meant for signing.

The library checks the mathematics; what is refused besides is ours: base64url in another than its one spelling
(otherwise a signature has many, and one that was used could be used again), an algorithm that the key does not name,
a key that is for something else, names said twice, headers that we do not know. Whatever is wrong is `Unfit`.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

TEXT_MAX = 16 * 1024
RSA_BITS_MIN = 2048
ALGORITHMS = frozenset({"Ed25519", "EdDSA", "ES256", "PS256"})
"""The algorithms that machines may sign with (FAPI 2.0 Security Profile, 5.4; Ed25519 by its name of RFC 9864 too)."""
_KINDS: dict[str, type[Key]] = {"OKP": OKPKey, "EC": ECKey, "RSA": RSAKey, "oct": OctKey}
_NATURAL = {("OKP", "Ed25519"): ("Ed25519", "EdDSA"), ("EC", "P-256"): ("ES256",), ("RSA", None): ("PS256",)}
_SECRET = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_HEADERS = frozenset({"alg", "kid", "typ"})


class Unfit(ValueError):
    """The text or the key does not count. What it says is for our log, and repeats nothing of either."""


class Signed(NamedTuple):
    """What was signed: the header, and the bytes that the signature is over."""

    header: dict[str, Any]
    payload: bytes


def read(
    text: str,
    key: Mapping[str, Any],
    *,
    algorithms: Collection[str] = ALGORITHMS,
    headers: Collection[str] = _HEADERS,
) -> Signed:
    """What the holder of this key, a JWK, signed. `headers` are the header names that may stand. Raises Unfit."""
    if len(text) > TEXT_MAX or not text.isascii():
        raise Unfit("too long, or not ASCII")
    parts = text.split(".")
    if len(parts) != 3:
        raise Unfit("not three parts")
    header, _, _ = (decoded(part) for part in parts)
    said = _object(header)
    if not said.keys() <= set(headers):
        raise Unfit("a header that is not known here")
    pinned = [one for one in _algorithms(key) if one in algorithms]
    if said.get("alg") not in pinned:
        raise Unfit("the algorithm is not that of the key")
    if "kid" in said and key.get("kid") not in (None, said["kid"]):
        raise Unfit("another key is named")
    try:
        found = jws.deserialize_compact(text, _imported(key), algorithms=[said["alg"]])
    except Exception as wrong:  # the library lets errors of its parts through, such as those of JSON
        raise Unfit(type(wrong).__name__) from None
    return Signed(said, found.payload)


def claims(payload: bytes) -> dict[str, Any]:
    """The claims in a payload: a JSON object that says nothing twice. Raises Unfit."""
    return _object(payload)


def public_keys(given: object) -> list[dict[str, Any]]:
    """The public keys of a JWK set, or of one JWK. Raises Unfit where one cannot be used, or a secret is among them."""
    listed = given.get("keys") if isinstance(given, dict) and "keys" in given else [given]
    if not isinstance(listed, list) or not listed:
        raise Unfit("no key set")
    for one in listed:
        if not isinstance(one, dict):
            raise Unfit("no key")
        if one.keys() & _SECRET:
            raise Unfit("a private or secret key: only public ones are taken")
        if not set(_algorithms(one)) & ALGORITHMS:
            raise Unfit(f"a key for none of {', '.join(sorted(ALGORITHMS))}")
        _imported(one)
    names = [one.get("kid") for one in listed]
    if len(names) > 1 and (None in names or len(set(names)) != len(names)):
        raise Unfit("several keys need names (kid), each its own")
    return listed


def thumbprint(key: Mapping[str, Any]) -> str:
    """The SHA-256 thumbprint of a public key (RFC 7638). Raises Unfit."""
    return _imported(key).thumbprint()


def _algorithms(key: Mapping[str, Any]) -> tuple[str, ...]:
    """The algorithms that a key may be used with: the one it names, else those of its kind. Raises Unfit."""
    if key.get("use", "sig") != "sig":
        raise Unfit("the key is not for signatures")
    operations = key.get("key_ops")
    if operations is not None and (not isinstance(operations, list) or "verify" not in operations):
        raise Unfit("the key is not for verifying")
    named = key.get("alg")
    if named is not None:
        if not isinstance(named, str):
            raise Unfit("the algorithm of the key is no text")
        return ("Ed25519", "EdDSA") if named in ("Ed25519", "EdDSA") else (named,)
    kind = key.get("kty")
    return _NATURAL.get((str(kind), None if kind == "RSA" else key.get("crv")), ())


def _imported(key: Mapping[str, Any]) -> Key:
    try:
        kind = _KINDS[str(key.get("kty"))]
        made = kind.import_key(dict(key))
    except Exception as wrong:
        raise Unfit(type(wrong).__name__) from None
    if isinstance(made, RSAKey) and made.raw_value.key_size < RSA_BITS_MIN:
        raise Unfit("an RSA key shorter than is taken here")
    return made


def decoded(part: str) -> bytes:
    """The bytes of a part, in base64url without padding and in its one spelling. Raises Unfit."""
    try:
        found = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Unfit("not base64url") from None
    if base64.urlsafe_b64encode(found).rstrip(b"=").decode() != part:
        raise Unfit("not the one spelling in base64url")
    return found


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data.decode("utf-8"), object_pairs_hook=_each_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Unfit("no JSON, or something said twice") from None
    if not isinstance(found, dict):
        raise Unfit("no JSON object")
    return found


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_number(name: str) -> float:
    raise ValueError(name)

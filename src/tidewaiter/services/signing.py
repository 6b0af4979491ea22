"""The key of this installation, and what it signs: a JWS (RFC 7515) with the algorithm Ed25519 (RFC 9864).

A signature has one spelling only, and one header: what is spelt otherwise is refused before it is verified.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from tidewaiter.services.settle import settle

ALGORITHM = "Ed25519"
OWN_KEY = "signing-key.pem"
"""What the key is called that an installation makes for itself, in its data folder."""
_PART = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


class KeyUnfit(ValueError):
    """The bytes are no Ed25519 key, or not one of the kind that is needed. Its text never repeats the key."""


class Unverified(ValueError):
    """A signature does not hold. Says why, in words for a person."""


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


def own_key(folder: Path) -> OKPKey:
    """The key that this installation made for itself, made now if it has none. Only its owner may read the file.

    Raises OSError, and KeyUnfit where the file holds something else.
    """
    path = folder / OWN_KEY
    try:
        return signing_key(path.read_bytes())
    except FileNotFoundError:
        pass
    folder.mkdir(parents=True, exist_ok=True)
    pem = OKPKey.generate_key("Ed25519").as_pem(private=True)
    # Written whole under another name and then linked: who comes at the same time finds a whole key, and only one.
    handle, name = tempfile.mkstemp(prefix=f".{OWN_KEY}.", dir=folder)  # which nobody else may read
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(made, path)
    finally:
        made.unlink()
    settle(folder)  # before anything is signed: what nobody can verify any more was signed for nothing
    return signing_key(path.read_bytes())


def private_half(key: OKPKey) -> Ed25519PrivateKey:
    """The key as it signs what is no JWS. Raises KeyUnfit where it is a public one."""
    found = key.private_key
    if not isinstance(found, Ed25519PrivateKey):
        raise KeyUnfit("this is a public key; a private one is needed to sign")
    return found


def public_half(key: OKPKey) -> Ed25519PublicKey:
    """The key as it verifies what is no JWS."""
    found = key.public_key
    if not isinstance(found, Ed25519PublicKey):
        raise KeyUnfit("the key is of another curve than Ed25519")
    return found


def sign(payload: bytes, key: OKPKey, type: str) -> str:
    """The payload signed, as a compact JWS whose header names algorithm, type and key."""
    return jws.serialize_compact(_header(key, type), payload, key, algorithms=[ALGORITHM])


def opened(token: str, key: OKPKey, type: str) -> bytes:
    """The payload of what `sign` made with this key and type. Raises Unverified."""
    header, payload = verified(token, key, ALGORITHM)
    if header != json.dumps(_header(key, type), separators=(",", ":")).encode():
        raise Unverified("its signature is of another kind than is made here")
    return payload


def verified(token: str, key: OKPKey | OctKey | RSAKey | ECKey, algorithm: str) -> tuple[bytes, bytes]:
    """Header and payload, as bytes, of a compact JWS that this key signed with this algorithm. Raises Unverified."""
    parts = token.split(".")
    if len(parts) != 3 or not all(_is_canonical(part) for part in parts):
        raise Unverified("its signature is not of the form that is written here")
    try:
        # Whatever the library stumbles over is an answer about the token, never an exception of ours.
        found = jws.deserialize_compact(token, key, algorithms=[algorithm])
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Unverified("another key signed it, or it was changed after it was signed") from None
    return decoded(parts[0]), found.payload


def encoded(data: bytes) -> str:
    """The bytes in base64url, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(part: str) -> bytes:
    """The bytes of base64url in its one spelling. Raises ValueError."""
    if not _is_canonical(part):
        raise ValueError("this is not base64url as it is written here")
    return _decoded(part)


def _header(key: OKPKey, type: str) -> dict[str, str]:
    return {"alg": ALGORITHM, "typ": type, "kid": key.thumbprint()}


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


def _is_canonical(part: str) -> bool:
    """Whether the text is the one spelling of its bytes in base64url."""
    try:
        return _PART.fullmatch(part) is not None and encoded(_decoded(part)) == part
    except (binascii.Error, ValueError):
        return False


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

"""Signatures of HTTP requests by RFC 9421, in one profile: these components, these parameters, Ed25519.

`http-message-signatures` does the mathematics of the whole standard and leaves to its user what must be signed; here it
is the other way round: one profile, spelled in one way, and that library checks it in the tests.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

COMPONENTS = ("@method", "@authority", "@path", "@query", "content-digest", "content-type")
"""What is signed. Source: RFC 9421, sections 2.2.1 to 2.2.7; RFC 9530, Content-Digest."""
LABEL = "tidewaiter"
TAG = "tidewaiter-webhook"
"""The application, so that a signature made for another purpose under the same key means nothing here."""
LIFE_S = 300
"""How long after it was made a signature is good."""
_PORTS = {"http": 80, "https": 443}


class Signer(NamedTuple):
    """A key, and the name by which its public half is found."""

    key: Ed25519PrivateKey
    id: str


def authority_of(url: str) -> str:
    """The host of a URL with its port, unless that is the usual one. Source: RFC 9421, section 2.2.3."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, _PORTS.get(parts.scheme)) else f"{host}:{parts.port}"


def digest_of(body: bytes) -> str:
    """The Content-Digest of a body. Source: RFC 9530, section 2."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def components_of(
    method: str, *, authority: str, target: str, content_digest: str, content_type: str
) -> dict[str, str]:
    """The values of `COMPONENTS`. `target` is path and query as they are sent."""
    path, _, query = target.partition("?")
    values = (method, authority, path or "/", f"?{query}", content_digest, content_type)
    return dict(zip(COMPONENTS, values, strict=True))


def base_of(components: Mapping[str, str], parameters: str) -> bytes:
    """The bytes that are signed. `parameters` is the value of the label in Signature-Input. Source: RFC 9421, 2.5."""
    lines = [f'"{name}": {value}' for name, value in components.items()]
    return "\n".join([*lines, f'"@signature-params": {parameters}']).encode("ascii")


def signed(url: str, body: bytes, *, signer: Signer, at: datetime, content_type: str) -> dict[str, str]:
    """The headers of a POST of this body to this URL, under a nonce of its own."""
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    headers = {"Host": authority_of(url), "Content-Type": content_type, "Content-Digest": digest_of(body)}
    components = components_of(
        "POST",
        authority=headers["Host"],
        target=target,
        content_digest=headers["Content-Digest"],
        content_type=content_type,
    )
    created = int(at.timestamp())
    parameters = (
        "(" + " ".join(f'"{name}"' for name in COMPONENTS) + ")"
        f';created={created};expires={created + LIFE_S};nonce="{secrets.token_urlsafe(18)}"'
        f';alg="ed25519";keyid="{signer.id}";tag="{TAG}"'
    )
    signature = base64.b64encode(signer.key.sign(base_of(components, parameters))).decode()
    return headers | {"Signature-Input": f"{LABEL}={parameters}", "Signature": f"{LABEL}=:{signature}:"}

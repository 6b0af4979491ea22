"""A device that holds passkeys, in software: it makes keys and shows them as a browser would bring it, and may lie."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
ORIGIN = "https://customs.example"
SITE = "customs.example"


def plain(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def read(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Device:
    """One key of it. What it says of where it is may be set to something else than where it is."""

    key: EllipticCurvePrivateKey | Ed25519PrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: bytes = b""
    uses: int = 0
    origin: str = ORIGIN
    site: str = SITE
    flags: int = PRESENT | VERIFIED
    said: dict[str, Any] = field(default_factory=dict)
    """What it says besides, or instead, in the data that are signed."""

    @property
    def public(self) -> bytes:
        """COSE_Key (RFC 9053, 7)."""
        if isinstance(self.key, Ed25519PrivateKey):
            return cbor2.dumps({1: 1, 3: -8, -1: 6, -2: self.key.public_key().public_bytes_raw()})
        numbers = self.key.public_key().public_numbers()
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)})

    def makes(self, asked: str, **changed: Any) -> str:
        """A key, for what a page asked."""
        told = json.loads(asked)
        self.handle = read(told["user"]["id"])
        attested = bytes(16) + len(self.id).to_bytes(2) + self.id + self.public
        data = self._data(self.flags | ATTESTED) + attested
        whole = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data} | changed)
        response = {"clientDataJSON": plain(self._said("webauthn.create", told)), "attestationObject": plain(whole)}
        return self._answer(response)

    def shows(self, asked: str) -> str:
        """The key, for what a page asked."""
        self.uses += 1
        return self.shows_again(asked)

    def shows_again(self, asked: str) -> str:
        """The same without counting: what a copy of the key would bring."""
        said, data = self._said("webauthn.get", json.loads(asked)), self._data(self.flags)
        response = {
            "clientDataJSON": plain(said), "authenticatorData": plain(data), "userHandle": plain(self.handle),
            "signature": plain(self._signed(data + hashlib.sha256(said).digest())),
        }  # fmt: skip
        return self._answer(response)

    def _answer(self, response: dict[str, str]) -> str:
        return json.dumps({"id": plain(self.id), "rawId": plain(self.id), "type": "public-key", "response": response})

    def _said(self, kind: str, asked: dict[str, Any]) -> bytes:
        told = {"type": kind, "challenge": asked["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(told | self.said).encode()

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.site.encode()).digest() + bytes([flags]) + self.uses.to_bytes(4)

    def _signed(self, data: bytes) -> bytes:
        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.sign(data)
        return self.key.sign(data, ECDSA(SHA256()))


def altered(answer: str, name: str, place: int = -1) -> str:
    """The answer with one bit of a part of it turned."""
    told = json.loads(answer)
    data = bytearray(read(told["response"][name]))
    data[place] ^= 1
    told["response"][name] = plain(bytes(data))
    return json.dumps(told)

"""Checkpoints: how many entries the log has and their root, as a signed note (C2SP tlog-checkpoint, signed-note)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

NOTE_BYTES_MAX = 16 * 1024
_ED25519 = b"\1"
_BODY = re.compile(r"([^\s+]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n", re.ASCII)
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})\n", re.ASCII)


class Checkpoint(NamedTuple):
    """What is signed: `origin` names the log, `size` counts its entries, `root` is over them."""

    origin: str
    size: int
    root: bytes


class Unsigned(ValueError):
    """A note is no checkpoint, or nobody whose key is held signed it. Says why."""


def signed(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """The checkpoint as a note that the key signs, in the name of the log."""
    body = _body(checkpoint)
    signature = _key_id(checkpoint.origin, key.public_key()) + key.sign(body.encode())
    return f"{body}\n— {checkpoint.origin} {base64.b64encode(signature).decode()}\n"


def opened(data: bytes, keys: Sequence[Ed25519PublicKey]) -> Checkpoint:
    """What a note says that one of these keys signed. Raises Unsigned.

    Signatures in other names, such as those of witnesses, are passed over.
    """
    checkpoint, signatures = _parted(data)
    own = [part for name, part in signatures if name == checkpoint.origin]
    body = _body(checkpoint).encode()
    for key in keys:
        for part in own:
            if part[:4] == _key_id(checkpoint.origin, key):
                try:
                    key.verify(part[4:], body)
                except InvalidSignature:
                    continue
                return checkpoint
    raise Unsigned("its signature is not by a key that is held" if own else "the log has not signed it")


def told(data: bytes) -> Checkpoint:
    """What a note says, whoever signed it. Raises Unsigned."""
    return _parted(data)[0]


def verifier(origin: str, key: Ed25519PublicKey) -> str:
    """The key as other programs for such logs take it: name, number and key with plus signs between (signed-note)."""
    return f"{origin}+{_key_id(origin, key).hex()}+{base64.b64encode(_ED25519 + key.public_bytes_raw()).decode()}"


def _parted(data: bytes) -> tuple[Checkpoint, list[tuple[str, bytes]]]:
    try:
        text = data[:NOTE_BYTES_MAX].decode()
    except UnicodeDecodeError:
        raise Unsigned("it is no checkpoint") from None
    body, gap, rest = text.partition("\n\n")
    parts = _BODY.fullmatch(body + "\n")
    lines = rest.splitlines(keepends=True)
    found = [_SIGNATURE.fullmatch(line) for line in lines]
    if len(data) > NOTE_BYTES_MAX or not gap or parts is None or not lines or None in found:
        raise Unsigned("it is no checkpoint")
    try:
        checkpoint = Checkpoint(parts[1], int(parts[2]), _decoded(parts[3]))
        return checkpoint, [(one[1], _decoded(one[2])) for one in found if one is not None]
    except binascii.Error:
        raise Unsigned("it is no checkpoint") from None


def _decoded(text: str) -> bytes:
    """The bytes of base64 in its one spelling. Raises binascii.Error."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise binascii.Error("not the usual spelling")
    return data


def _body(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.origin}\n{checkpoint.size}\n{base64.b64encode(checkpoint.root).decode()}\n"


def _key_id(origin: str, key: Ed25519PublicKey) -> bytes:
    return hashlib.sha256(origin.encode() + b"\n" + _ED25519 + key.public_bytes_raw()).digest()[:4]

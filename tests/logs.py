"""A log in static files by a second hand: slow and obvious, straight from RFC 6962 and C2SP tlog-tiles."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterable, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ORIGIN = "tidewaiter/test"
Files = dict[str, bytes]


def leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, over leaf hashes."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + root(leaves[:split]) + root(leaves[split:])).digest()


def note(size: int, top: bytes, key: Ed25519PrivateKey, origin: str = ORIGIN) -> bytes:
    """A checkpoint as a signed note."""
    body = f"{origin}\n{size}\n{base64.b64encode(top).decode()}\n".encode()
    public = key.public_key().public_bytes_raw()
    number = hashlib.sha256(origin.encode() + b"\n\x01" + public).digest()[:4]
    return body + f"\n— {origin} {base64.b64encode(number + key.sign(body)).decode()}\n".encode()


def name(level: str, number: int, width: int) -> str:
    text = str(number)
    while len(text) % 3:
        text = "0" + text
    groups = [text[at : at + 3] for at in range(0, len(text), 3)]
    path = "/".join(["x" + group for group in groups[:-1]] + groups[-1:])
    return f"tile/{level}/{path}" + ("" if width == 256 else f".p/{width}")


def log(entries: Sequence[bytes], key: Ed25519PrivateKey, kept: Iterable[int] = ()) -> Files:
    """The files of a log of these entries, with the checkpoints of the sizes in `kept` beside the last."""
    files: Files = {}
    hashes = [leaf(entry) for entry in entries]
    for at in range(0, len(entries), 256):
        some = entries[at : at + 256]
        files[name("entries", at // 256, len(some))] = b"".join(struct.pack(">H", len(one)) + one for one in some)
    level, row = 0, hashes
    while row:
        for at in range(0, len(row), 256):
            files[name(str(level), at // 256, len(row[at : at + 256]))] = b"".join(row[at : at + 256])
        row = [root(row[at : at + 256]) for at in range(0, len(row) - 255, 256)]
        level += 1
    for size in {*kept, len(entries)}:
        files[f"checkpoints/{size:020d}"] = note(size, root(hashes[:size]), key)
    files["checkpoint"] = files[f"checkpoints/{len(entries):020d}"]
    return files

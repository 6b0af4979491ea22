"""A log as static files: where each stands and what is in it, as C2SP tlog-tiles has it.

`tile/<level>/<number>` holds the hashes of a tile, `tile/entries/<number>` the entries themselves; a number is written
in groups of three digits, and one that is not full ends in `.p/<how many>`.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidewaiter.audit.merkle import HASH_BYTES, WIDTH

CHECKPOINT = "checkpoint"
ENTRY_BYTES_MAX = 0xFFFF
ENTRIES = "entries"


class Malformed(ValueError):
    """A bundle is none. `place` is that of the first entry in it that cannot be told."""

    def __init__(self, place: int, why: str) -> None:
        super().__init__(why)
        self.place = place


def path(level: int | str, number: int, width: int = WIDTH) -> str:
    """Where a tile or, at the level `ENTRIES`, a bundle stands.

    >>> path(0, 1234067)
    'tile/0/x001/x234/067'
    >>> path(ENTRIES, 0, 7)
    'tile/entries/000.p/7'
    """
    digits = f"{number:d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{level}/{name}" + (f".p/{width}" if width < WIDTH else "")


def kept(size: int) -> str:
    """Where a checkpoint of this size is kept after a later one has taken its place."""
    return f"checkpoints/{size:020d}"


def bundle(entries: Sequence[bytes]) -> bytes:
    """The entries, each after its length in two bytes. Raises ValueError where one is too long."""
    if any(len(entry) > ENTRY_BYTES_MAX for entry in entries):
        raise ValueError(f"an entry of the log has at most {ENTRY_BYTES_MAX} bytes")
    return b"".join(part for entry in entries for part in (len(entry).to_bytes(2, "big"), entry))


def entries_in(data: bytes, width: int) -> list[bytes]:
    """The entries of a bundle that holds so many. Raises Malformed."""
    found: list[bytes] = []
    at, end = 0, len(data)
    while at < end:
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        if at > end or start > end:
            raise Malformed(min(len(found), width - 1), "it breaks off")
        found.append(data[start:at])
    if len(found) != width:
        raise Malformed(min(len(found), width - 1), f"it holds {len(found)} entries and should hold {width}")
    return found


def hashes_in(data: bytes, width: int) -> list[bytes] | None:
    """The hashes of a tile that holds so many; None where it does not."""
    if len(data) != width * HASH_BYTES:
        return None
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]

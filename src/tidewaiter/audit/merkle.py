"""Merkle trees as RFC 6962 (2.1) hashes them: roots, paths of inclusion, and the right edge of a tree that grows.

A hash is 32 bytes of SHA-256. What a leaf is made of stands under another prefix than what a node is made of, so that
no node can be passed off as a leaf.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import pairwise

HASH_BYTES = 32
WIDTH = 256
"""So many hashes has a full tile, and so many entries a full bundle (C2SP tlog-tiles)."""
EMPTY = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""

_sha256 = hashlib.sha256


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf.

    >>> leaf_hash(b"").hex()[:16]
    '6e340b9cffb37a98'
    """
    return _sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children."""
    return _sha256(b"\1" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over these hashes: leaves, or the roots of trees of one size with as many leaves each."""
    if not hashes:
        return EMPTY
    level = hashes
    while len(level) > 1:
        level = _above(level)
    return level[0]


def _above(level: Sequence[bytes]) -> list[bytes]:
    """The level above. The odd one at the end goes up as it is, which comes to the split of RFC 6962."""
    above = [_sha256(b"\1" + level[at] + level[at + 1]).digest() for at in range(0, len(level) - 1, 2)]
    if len(level) % 2:
        above.append(level[-1])
    return above


def levels_of(hashes: Sequence[bytes]) -> list[Sequence[bytes]]:
    """All levels of the tree over these leaves, which must be some: they first, the root last."""
    levels: list[Sequence[bytes]] = [hashes]
    while len(levels[-1]) > 1:
        levels.append(_above(levels[-1]))
    return levels


def path_in(levels: Sequence[Sequence[bytes]], place: int) -> list[bytes]:
    """What is hashed with the leaf at this place on its way to the root, from below: at most 64 hashes."""
    beside = ((level, (place >> height) ^ 1) for height, level in enumerate(levels[:-1]))
    return [level[at] for level, at in beside if at < len(level)]


def root_by_path(leaf: bytes, place: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root of a tree of `size` leaves in which this leaf has this place; None where the path cannot be one."""
    if not 0 <= place < size:
        return None
    left, found = list(path), leaf
    while size > 1:
        if place ^ 1 < size:
            if not left:
                return None
            beside = left.pop(0)
            found = node_hash(beside, found) if place % 2 else node_hash(found, beside)
        place, size = place // 2, (size + 1) // 2
    return None if left else found


class Edge:
    """The right edge of a growing tree, as tiles: the hashes at each level that do not fill a tile yet.

    `levels[0]` is the first level above the leaves, where a hash stands for `WIDTH` of them; leaves that do not fill a
    bundle are kept by the caller. `count` is the number of full bundles below.
    """

    def __init__(self, count: int = 0, levels: Sequence[Sequence[bytes]] = ()) -> None:
        self.count = count
        self.levels = [list(level) for level in levels]

    def add(self, root: bytes) -> Iterator[tuple[int, int, list[bytes]]]:
        """Takes the root of the next full bundle. Gives each tile that it fills: level (1 and up), number, hashes."""
        self.count += 1
        level, number = 0, self.count
        while True:
            if level == len(self.levels):
                self.levels.append([])
            self.levels[level].append(root)
            if len(self.levels[level]) < WIDTH:
                return
            full, self.levels[level] = self.levels[level], []
            level, number = level + 1, number // WIDTH
            yield level, number - 1, full
            root = root_of(full)

    def partial(self) -> Iterator[tuple[int, int, list[bytes]]]:
        """The tiles that are not full: level (1 and up), number, hashes."""
        for level, hashes in enumerate(self.levels, start=1):
            if hashes:
                yield level, self.count // WIDTH**level, hashes

    def root(self, part: bytes | None = None) -> bytes:
        """The root of the whole. `part` is the root over the leaves at the end, where some do not fill a bundle."""
        found = part
        for level in self.levels:
            for whole in reversed(_perfect(level)):
                found = whole if found is None else node_hash(whole, found)
        return EMPTY if found is None else found


def _perfect(hashes: Sequence[bytes]) -> list[bytes]:
    """The roots of the largest trees that fill up these hashes from the left, largest first."""
    bounds, at = [0], 0
    for bit in reversed(range(len(hashes).bit_length())):
        if len(hashes) >> bit & 1:
            at += 1 << bit
            bounds.append(at)
    return [root_of(hashes[start:end]) for start, end in pairwise(bounds)]

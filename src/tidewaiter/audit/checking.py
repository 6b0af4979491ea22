"""Whether a log in static files is what was signed; and where not, which entry or tile of it is wrong.

Everything is reckoned from the entries up. Where that does not come to the signed root, the tiles are asked: of two
that differ, the one with which the signed root comes out is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tidewaiter.audit import note, tiles
from tidewaiter.audit.merkle import WIDTH, Edge, leaf_hash, root_of
from tidewaiter.audit.note import Checkpoint, Unsigned
from tidewaiter.audit.tiles import CHECKPOINT, ENTRIES, Malformed

NAMED_MAX = 20
"""So many faults of one kind in one tile are named one by one."""

Read = Callable[[str], bytes | None]
"""Gives the file of this name, None where there is none."""


class Fault(NamedTuple):
    """What is wrong, and where: an entry by its index, or a file by its name."""

    where: str
    what: str


class Checked(NamedTuple):
    """The checkpoint that was checked, None where it is no good, and everything that is wrong."""

    checkpoint: Checkpoint | None
    faults: tuple[Fault, ...]


class _Bundle(NamedTuple):
    """What one bundle comes to: the hashes by its entries and by its tile, each None where the file is no good."""

    number: int
    entries: list[bytes] | None
    tile: list[bytes] | None


def check(read: Read, keys: Sequence[Ed25519PublicKey], older: Iterable[tuple[str, bytes]] = ()) -> Checked:
    """Everything that is wrong with a log. `older` are checkpoints that it gave before: what they are called, notes."""
    data = read(CHECKPOINT)
    if data is None:
        return Checked(None, (Fault(CHECKPOINT, "it is missing"),))
    try:
        head = note.opened(data, keys)
    except Unsigned as unsigned:
        return Checked(None, (Fault(CHECKPOINT, str(unsigned)),))
    faults: list[Fault] = []
    marks = _marks(older, head, keys, faults)
    return Checked(head, (*faults, *_Survey(read, head, marks).faults()))


def _marks(
    older: Iterable[tuple[str, bytes]], head: Checkpoint, keys: Sequence[Ed25519PublicKey], faults: list[Fault]
) -> dict[int, list[tuple[str, Checkpoint]]]:
    """The older checkpoints by their size; what is wrong with one by itself goes to the faults."""
    found: dict[int, list[tuple[str, Checkpoint]]] = {}
    for name, data in older:
        try:
            one = note.opened(data, keys)
        except Unsigned as unsigned:
            faults.append(Fault(name, str(unsigned)))
            continue
        if one.origin != head.origin:
            faults.append(Fault(name, f"it is of another log, {one.origin}"))
        elif one.size > head.size:
            lost = span(head.size, one.size)
            faults.append(Fault(lost, f"they are missing: {name} is of {one.size:,} entries, here are {head.size:,}"))
        else:
            found.setdefault(one.size, []).append((name, one))
    return found


class _Survey:
    """One walk over all files of a log."""

    def __init__(self, read: Read, head: Checkpoint, marks: dict[int, list[tuple[str, Checkpoint]]]) -> None:
        self._read, self._head, self._marks = read, head, marks
        self._full, self._rest = divmod(head.size, WIDTH)
        self._lost: list[Fault] = []
        # Bundles of which not all that is said agrees; and the roots, by entries and by tile, over the first entries
        # of the bundle in which a checkpoint ends, by the size of that.
        self._apart: list[_Bundle] = []
        self._parts: dict[int, tuple[bytes | None, bytes | None]] = {}
        self._tile_above: tuple[int, list[bytes] | None] = (-1, None)
        self._ends: dict[int, list[int]] = {}
        for size in sorted({*marks, head.size}):
            self._ends.setdefault(size // WIDTH, []).append(size)

    def faults(self) -> Iterator[Fault]:
        """Everything that is wrong, once."""
        by_entry, by_tile, above, chosen = [], [], [], []
        for bundle in self._bundles():
            if bundle.number == self._full:
                continue
            one = root_of(bundle.entries) if bundle.entries is not None else None
            is_same = bundle.entries == bundle.tile
            two = one if is_same else root_of(bundle.tile) if bundle.tile is not None else None
            said = self._above(bundle.number)
            if not one == two == said:
                self._apart.append(bundle)
            by_entry.append(one or two or said)
            by_tile.append(two or one or said)
            above.append(said or one or two)
            chosen.append(two if two == said else one or two or said)
        yield from self._lost
        # The signed root says which of them are right: what the tile above agrees with, or all of one kind.
        ways = [(chosen, 0), (chosen, 1), (by_entry, 0), (by_tile, 1), (above, 0), (above, 1)]
        for roots, by in ways:
            if self._root(roots, by) == self._head.root:
                yield from self._settled(roots, by)
                return
        yield from self._unsettled(by_entry)

    def _bundles(self) -> Iterator[_Bundle]:
        for number in range(self._full + (self._rest > 0)):
            width = WIDTH if number < self._full else self._rest
            entries, tile = self._entry_hashes(number, width), self._tile(0, number, width)
            parts = {
                size: (
                    root_of(entries[: size % WIDTH]) if entries is not None else None,
                    root_of(tile[: size % WIDTH]) if tile is not None else None,
                )
                for size in self._ends.get(number, ())
                if size % WIDTH
            }
            self._parts |= parts
            bundle = _Bundle(number, entries, tile)
            if number == self._full and entries != tile:
                self._apart.append(bundle)
            yield bundle

    def _entry_hashes(self, number: int, width: int) -> list[bytes] | None:
        name = tiles.path(ENTRIES, number, width)
        data = self._read(name)
        if data is None:
            self._lost.append(Fault(name, f"it is missing, with {span(number * WIDTH, number * WIDTH + width)}"))
            return None
        try:
            return [leaf_hash(entry) for entry in tiles.entries_in(data, width)]
        except Malformed as wrong:
            self._lost.append(Fault(name, f"{wrong}, from entry {number * WIDTH + wrong.place} on"))
            return None

    def _tile(self, level: int, number: int, width: int) -> list[bytes] | None:
        name = tiles.path(level, number, width)
        data = self._read(name)
        found = tiles.hashes_in(data, width) if data is not None else None
        if found is None:
            what = "it is missing" if data is None else f"it has {len(data)} bytes and should have {width * 32}"
            self._lost.append(Fault(name, what))
        return found

    def _above(self, number: int) -> bytes | None:
        """What the tile above says that this full bundle comes to."""
        at, place = divmod(number, WIDTH)
        if self._tile_above[0] != at:
            data = self._read(tiles.path(1, at, min(WIDTH, self._full - at * WIDTH)))
            found = tiles.hashes_in(data, min(WIDTH, self._full - at * WIDTH)) if data is not None else None
            self._tile_above = (at, found)
        found = self._tile_above[1]
        return found[place] if found is not None else None

    def _root(self, roots: Sequence[bytes | None], by: int) -> bytes | None:
        """The root of the whole, where these are the roots of the full bundles; None where one is not known."""
        edge = Edge()
        for root in roots:
            if root is None:
                return None
            for _ in edge.add(root):
                pass
        part = self._part(self._head.size, by)
        return None if self._rest and part is None else edge.root(part)

    def _part(self, size: int, by: int) -> bytes | None:
        found = self._parts.get(size, (None, None))
        return found[by] or found[1 - by]

    def _settled(self, roots: Sequence[bytes | None], by: int) -> Iterator[Fault]:
        """What is wrong, now that the roots of the bundles are known: entries, tiles, older checkpoints."""
        bys: dict[int, int | None] = {self._full: by}
        for bundle in self._apart:
            right = roots[bundle.number] if bundle.number < self._full else self._part(self._head.size, by)
            yield from _wrong(bundle, right)
            sides = (bundle.entries, bundle.tile)
            bys[bundle.number] = next((n for n, one in enumerate(sides) if one and root_of(one) == right), None)
        edge, sound = Edge(), 0
        for number in range(self._full + 1):
            for size, wrong in self._marks_in(number, edge, bys.get(number, 0)):
                for name in wrong:
                    yield Fault(span(sound, size), f"they are not those that {name} was signed over")
                sound = sound if wrong else size
            if number < self._full:
                for level, at, hashes in edge.add(roots[number] or b""):
                    yield from self._held(level, at, hashes)
        for level, at, hashes in edge.partial():
            yield from self._held(level, at, hashes)

    def _marks_in(self, number: int, edge: Edge, by: int | None) -> Iterator[tuple[int, list[str]]]:
        """Each older checkpoint that ends in this bundle: its size, and what those are called that say another root.

        `by` says what is right of the bundle, 0 its entries, 1 its tile; where neither is, nothing can be told.
        """
        for size in self._ends.get(number, ()):
            part = self._part(size, by) if size % WIDTH and by is not None else None
            if size in self._marks and (part is not None or not size % WIDTH):
                root = edge.root(part)
                yield size, [name for name, one in self._marks[size] if one.root != root]

    def _held(self, level: int, number: int, hashes: Sequence[bytes]) -> Iterator[Fault]:
        """What is wrong with a tile above the first level, where it should hold these hashes."""
        before = len(self._lost)
        found = self._tile(level, number, len(hashes))
        yield from self._lost[before:]
        for place, right in enumerate(hashes):
            if found is not None and found[place] != right:
                yield Fault(tiles.path(level, number, len(hashes)), f"hash {place} in it was changed")

    def _unsettled(self, roots: Sequence[bytes | None]) -> Iterator[Fault]:
        """Nothing here comes to the signed root: what differs, and between which checkpoints it must be."""
        for bundle in self._apart:
            yield from _wrong(bundle, None)
        known = list(roots[: roots.index(None)]) if None in roots else list(roots)
        edge, sound, end = Edge(), 0, self._head.size
        for number in range(len(known) + 1):
            for size, wrong in self._marks_in(number, edge, 0):
                if wrong:
                    end = min(end, size)
                else:
                    sound = size
            if number < len(known):
                for _ in edge.add(known[number] or b""):
                    pass
        what = "they are not those that were signed: neither entries nor tiles come to the root of the checkpoint"
        yield Fault(span(sound, end), what)


def _wrong(bundle: _Bundle, right: bytes | None) -> Iterator[Fault]:
    """Which of a bundle and its tile does not come to the right root, and in which places the two differ."""
    entries, tile, number = bundle.entries, bundle.tile, bundle.number
    width = len(entries or tile or ())
    is_entry = entries is not None and root_of(entries) != right
    is_tile = tile is not None and root_of(tile) != right
    names = tiles.path(ENTRIES, number, width), tiles.path(0, number, width)
    if entries is None or tile is None or entries == tile:
        if is_entry:
            yield Fault(span(number * WIDTH, number * WIDTH + width), f"{names[0]} does not hold what was signed")
        if is_tile:
            yield Fault(names[1], "it is not what the tile above says")
        return
    places = [place for place, pair in enumerate(zip(entries, tile, strict=True)) if pair[0] != pair[1]]
    for place in places[:NAMED_MAX]:
        if is_entry:
            yield Fault(f"entry {number * WIDTH + place}", f"it was changed: {names[0]} does not hold what was signed")
        if is_tile:
            yield Fault(names[1], f"its hash of entry {number * WIDTH + place} was changed")
    if len(places) > NAMED_MAX:
        yield Fault(span(number * WIDTH, number * WIDTH + width), f"{len(places)} of them differ so")


def span(start: int, end: int) -> str:
    """What the entries from `start` up to before `end` are called."""
    return f"entry {start}" if end - start == 1 else f"entries {start} to {end - 1}"

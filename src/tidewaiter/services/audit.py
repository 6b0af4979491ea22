"""The audit log as static files: write out what was added and sign it; and check such files, without the store.

Before anything is signed, every row that is new is read again and hashed again, and each message it speaks of too, and
its decisions are looked up; and what was signed before must still come out. A log in which that is not so is not signed
any more.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import msgspec
from joserfc.jwk import OKPKey

from tidewaiter.audit import note, tiles
from tidewaiter.audit.checking import Checked, check, span
from tidewaiter.audit.leaf import Leaf
from tidewaiter.audit.merkle import WIDTH, Edge, leaf_hash, root_of
from tidewaiter.audit.note import Checkpoint, Unsigned
from tidewaiter.audit.tiles import CHECKPOINT, ENTRIES
from tidewaiter.services.signing import private_half, public_half
from tidewaiter.store import LeafRow, Store, StoredCheckpoint

BUNDLES_TOGETHER = 64
"""So many bundles of rows are asked of the store at once."""
LOCK_EVERY_S = 0.1
MADE = ".tmp"
"""What the name of a file ends in that is not whole yet."""
FOLDER = "audit"
"""What the folder of the log is called, in the data folder."""


class LogDamaged(Exception):
    """The log is not what was written or signed. `where` names the entry, checkpoint or file."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where, self.what = where, what


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What now stands in the files: the checkpoint, and how many entries it has more than the one before there."""

    checkpoint: Checkpoint
    added: int


async def publish(*, store: Store, key: OKPKey, folder: Path, at: datetime) -> Published:
    """The log written into the folder, which is made or gone on with, and signed. Raises LogDamaged.

    A checkpoint is signed only where there are leaves that none is over yet. Files are written whole; the checkpoint
    last, so that whoever reads the folder meanwhile finds a log that holds.
    """
    last = await store.last_checkpoint()  # before the log is looked at, which only grows
    log = await store.log()
    if last is not None and log.size < last.size:
        raise LogDamaged(span(log.size, last.size), "they were signed and are missing")
    async with _held(folder):
        before = await _before(store, folder)
        if before is not None and before.size == log.size:
            return Published(checkpoint=before, added=0)
        writer = await asyncio.to_thread(_Writer, folder, before)
        marks = {one.size: one.root for one in await store.checkpoints(before.size if before else 0, log.size)}
        part = await _write(store, writer, log.size, marks)
        for index, what in await store.altered(min(before.size if before else 0, last.size if last else 0), log.size):
            raise LogDamaged(f"entry {index}", what)
        made = Checkpoint(log.origin, log.size, writer.edge.root(part))
        if last is None or log.size > last.size:
            text = note.signed(made, private_half(key))
            held = await store.keep_checkpoint(StoredCheckpoint(size=made.size, root=made.root, note=text), at=at)
        else:
            held = last
        await asyncio.to_thread(writer.close, held)
    return Published(checkpoint=made, added=made.size - (before.size if before else 0))


async def _before(store: Store, folder: Path) -> Checkpoint | None:
    """The checkpoint in the folder, which must be one that this log gave. Raises LogDamaged."""
    try:
        data = (folder / CHECKPOINT).read_bytes()
    except FileNotFoundError:
        return None
    try:
        found = note.told(data)
    except Unsigned as unsigned:
        raise LogDamaged(str(folder / CHECKPOINT), f"{unsigned}; write the log into an empty folder") from None
    if [one.note.encode() for one in await store.checkpoints(found.size, found.size)] != [data]:
        raise LogDamaged(str(folder / CHECKPOINT), "this log has not given it; write the log into an empty folder")
    kept = folder / tiles.kept(found.size)
    if not kept.exists():  # the process was killed just before
        _put(kept, data)
    return found


async def _write(store: Store, writer: _Writer, size: int, marks: Mapping[int, bytes]) -> bytes | None:
    """Writes all tiles up to this size. The root over the leaves at the end that fill no bundle, None where there are
    none. Raises LogDamaged."""
    part: bytes | None = None
    start = writer.edge.count * WIDTH
    for at in range(start, size, BUNDLES_TOGETHER * WIDTH):
        end = min(size, at + BUNDLES_TOGETHER * WIDTH)
        rows = await store.leaves(at, end)
        part = await asyncio.to_thread(_write_rows, writer, rows, at, end, marks)
    writer.hold(size, part, marks)
    return part


def _write_rows(
    writer: _Writer, rows: Sequence[LeafRow], start: int, end: int, marks: Mapping[int, bytes]
) -> bytes | None:
    for place, index in enumerate(range(start, end)):
        if place >= len(rows) or rows[place].index != index:
            raise LogDamaged(f"entry {index}", "it is missing")
        if leaf_hash(rows[place].entry) != rows[place].hash:
            raise LogDamaged(f"entry {index}", "it is not what was written: its hash is another")
        try:
            msgspec.json.decode(rows[place].entry, type=Leaf)
        except msgspec.DecodeError:
            raise LogDamaged(f"entry {index}", "it is no leaf") from None
    for at in range(start, end, WIDTH):
        chunk = rows[at - start : at - start + WIDTH]
        hashes = [row.hash for row in chunk]
        for size in range(at, at + len(chunk)):
            if size in marks:
                writer.hold(size, root_of(hashes[: size - at]) if size > at else None, marks)
        writer.add([row.entry for row in chunk], hashes)
    return root_of(hashes) if len(hashes) < WIDTH else None


class _Writer:
    """Writes tiles into a folder, from the checkpoint on that is there. Raises LogDamaged where its tiles are not."""

    def __init__(self, folder: Path, before: Checkpoint | None) -> None:
        self._folder = folder
        self._before = before.size if before is not None else 0
        self._sound = 0
        self.edge = _edge_in(folder, self._before // WIDTH)

    def hold(self, size: int, part: bytes | None, marks: Mapping[int, bytes]) -> None:
        """Holds what was written against the root that was signed for this size, where one was. Raises LogDamaged."""
        if size in marks:
            if self.edge.root(part) != marks[size]:
                what = f"they are not those that were signed in the checkpoint of {size}"
                raise LogDamaged(span(self._sound, size), what)
            self._sound = size

    def add(self, entries: Sequence[bytes], hashes: Sequence[bytes]) -> None:
        """The next entries: those of a full bundle, or the last ones."""
        number, width = self.edge.count, len(hashes)
        self._file(tiles.path(ENTRIES, number, width), tiles.bundle(entries))
        self._file(tiles.path(0, number, width), b"".join(hashes))
        if width == WIDTH:
            for level, at, full in self.edge.add(root_of(hashes)):
                self._file(tiles.path(level, at), b"".join(full))

    def close(self, checkpoint: StoredCheckpoint) -> None:
        """Writes the tiles at the edge and the checkpoint, and takes away what only the one before needed."""
        for level, at, hashes in self.edge.partial():
            self._file(tiles.path(level, at, len(hashes)), b"".join(hashes))
        # The one kept for later comparison comes last: killed between the two, no kept one may be ahead of the log.
        for name in (CHECKPOINT, tiles.kept(checkpoint.size)):
            self._file(name, checkpoint.note.encode())
        self._sweep(ENTRIES, self._before, checkpoint.size)
        for level in range(len(self.edge.levels) + 1):
            self._sweep(level, self._before // WIDTH**level, checkpoint.size // WIDTH**level)

    def _sweep(self, level: int | str, before: int, now: int) -> None:
        """Takes away the part of a tile that was at the edge before and has grown since."""
        number, width = divmod(before, WIDTH)
        if width and before != now:
            folder = (self._folder / tiles.path(level, number, width)).parent
            if now // WIDTH > number:
                shutil.rmtree(folder, ignore_errors=True)
            else:
                (folder / str(width)).unlink(missing_ok=True)

    def _file(self, name: str, data: bytes) -> None:
        _put(self._folder / name, data)


def _put(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(path.name + MADE)
    with made.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    made.replace(path)


def _edge_in(folder: Path, count: int) -> Edge:
    """The edge of the tree as the tiles in the folder have it, above this many full bundles. Raises LogDamaged."""
    levels: list[list[bytes]] = []
    level, left = 1, count
    while left:
        number, width = divmod(left, WIDTH)
        found: list[bytes] | None = []
        if width:
            name = tiles.path(level, number, width)
            data = _read(folder, name)
            found = tiles.hashes_in(data, width) if data is not None else None
            if found is None:
                raise LogDamaged(str(folder / name), "it is not what was written; write the log into an empty folder")
        levels.append(found or [])
        level, left = level + 1, number
    return Edge(count, levels)


def verify(folder: Path, keys: Sequence[OKPKey], *, older: Sequence[Path] = ()) -> Checked:
    """Everything that is wrong with the log in a folder, or in it and what these older checkpoints say of it."""
    kept = (path for path in (folder / "checkpoints").glob("*") if not path.name.endswith(MADE))
    notes = [(str(path.relative_to(folder)), path.read_bytes()) for path in sorted(kept)]
    notes += [(str(path), path.read_bytes()) for path in older]
    return check(lambda name: _read(folder, name), [public_half(key) for key in keys], notes)


def entry_in(folder: Path, index: int, keys: Sequence[OKPKey]) -> bytes | None:
    """The entry of this index in the log in a folder; None where its checkpoint is not over it yet.

    Raises LogDamaged where the checkpoint or the bundle is no good. That the log holds, `verify` says.
    """
    try:
        head = note.opened(_read(folder, CHECKPOINT) or b"", [public_half(key) for key in keys])
    except Unsigned as unsigned:
        raise LogDamaged(CHECKPOINT, str(unsigned)) from None
    if index >= head.size:
        return None
    number, place = divmod(index, WIDTH)
    width = min(WIDTH, head.size - number * WIDTH)
    name = tiles.path(ENTRIES, number, width)
    try:
        return tiles.entries_in(_read(folder, name) or b"", width)[place]
    except tiles.Malformed as wrong:
        raise LogDamaged(name, str(wrong)) from None


def _read(folder: Path, name: str) -> bytes | None:
    try:
        return (folder / name).read_bytes()
    except OSError:
        return None


@asynccontextmanager
async def _held(folder: Path) -> AsyncIterator[None]:
    """Alone in the folder, among those who write logs into it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(LOCK_EVERY_S)
            else:
                break
        yield

"""Watching: files that are put into a folder are lodged, and their answers put into another.

So Tidewaiter stands beside an office that exchanges files, as one of ASYCUDA does. A file is finished when it has not
changed between two looks. It is lodged, its answer is written whole or not at all, and then the file is moved to
`done` or, where nothing in it could be read, to `failed`. Killed at any moment, the next start goes on: lodging the
same bytes again gives the same answer again, the name of an answer follows from the bytes, and only what was answered
is moved.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import stat
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from tidewaiter import formats
from tidewaiter.services.answering import answer_about_message
from tidewaiter.services.clear import Message, in_their_format
from tidewaiter.services.lodge import Lodged, TryAgain
from tidewaiter.services.settle import settle
from tidewaiter.store import StoreUnavailable

DONE, FAILED = "done", "failed"
_LOCK, _PART = ".tidewaiter-watch", ".tidewaiter-part"
_UNFINISHED = (".part", ".partial", ".tmp", ".filepart", ".crdownload", _PART)
"""Endings under which programs write what is not whole yet."""

Lodge = Callable[[Message], Awaitable[Lodged]]


class AlreadyWatched(Exception):
    """Another process watches this folder."""


class Look(NamedTuple):
    """A file as it looked: when two looks are the same, nobody writes to it."""

    inode: int
    size: int
    changed_ns: int


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file: `answer` is the name of its answer, `format` that of the message, '' for none known.

    `moved_to` is the folder it went to, `done` or `failed`; `consignments` counts those in it.
    """

    name: str
    answer: str
    format: str
    moved_to: str
    consignments: int
    is_repeat: bool


class Folders:
    """The folder that is watched, with `done` and `failed` in it, and the folder for answers. Made where missing.

    A file of more than `bytes_max` bytes is refused unread.
    """

    def __init__(self, source: Path, answers: Path, *, bytes_max: int = formats.BYTES_MAX) -> None:
        self.source, self.answers, self.bytes_max = source, answers, bytes_max
        for folder in (source, answers, source / DONE, source / FAILED):
            folder.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """The folder is this process's alone while the context lasts. Raises AlreadyWatched."""
        with (self.source / _LOCK).open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise AlreadyWatched(f"{self.source} is watched by another process") from error
            for part in self.answers.glob(f".*{_PART}"):
                part.unlink(missing_ok=True)
            yield

    def looks(self) -> dict[str, Look]:
        """The files in the folder by name, in order; links, hidden files and those still being written left out."""
        found: dict[str, Look] = {}
        with os.scandir(self.source) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name.lower().endswith(_UNFINISHED):
                    continue
                with contextlib.suppress(FileNotFoundError):
                    known = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(known.st_mode):
                        found[entry.name] = Look(known.st_ino, known.st_size, known.st_mtime_ns)
        return dict(sorted(found.items()))

    def bytes_of(self, name: str) -> bytes:
        """The file's bytes, one more than may be read of one that is too long. Raises OSError."""
        with (self.source / name).open("rb") as file:
            return file.read(self.bytes_max + 1)

    def keep_answer(self, name: str, data: bytes) -> None:
        """Write an answer so that it is there whole or not at all, even if the machine stops."""
        part = self.answers / f".{name}{_PART}"
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.answers / name)
        settle(self.answers)

    def put_away(self, name: str, folder: str, digest: str) -> None:
        """Move a file; where one of its name is there already, under a name with its digest."""
        target = self.source / folder / name
        if target.exists():
            target = target.with_name(_marked(name, digest))
        (self.source / name).replace(target)
        settle(self.source)


def _marked(name: str, *marks: str) -> str:
    """The name with marks before its ending: 'a.xml' is 'a.1f2e.answer.xml'."""
    path = Path(name)
    return "".join([path.stem, *(f".{mark}" for mark in marks), path.suffix])


class Sweep(NamedTuple):
    """What became of the files that looked as before, how all look now, and why some wait for the next look."""

    answered: list[Answered]
    looks: dict[str, Look]
    waiting: dict[str, str]


async def sweep(folders: Folders, before: dict[str, Look], *, lodge: Lodge, filer: str, at: datetime) -> Sweep:
    """Take the files that look as they did `before`.

    A file that cannot be read from the disk, or lodged now, stays where it is and is tried at the next look.
    """
    now = await asyncio.to_thread(folders.looks)
    answered = []
    waiting: dict[str, str] = {}
    for name, look in now.items():
        if before.get(name) != look:
            continue
        try:
            answered.append(await _answer(folders, name, lodge=lodge, filer=filer, at=at))
        except (OSError, TryAgain, StoreUnavailable) as error:
            waiting[name] = type(error).__name__
    return Sweep(answered, now, waiting)


async def _answer(folders: Folders, name: str, *, lodge: Lodge, filer: str, at: datetime) -> Answered:
    data = await asyncio.to_thread(folders.bytes_of, name)
    digest = hashlib.sha256(data).hexdigest()[:16]
    answer = _marked(name, digest, "answer")
    if len(data) > folders.bytes_max:
        reading = formats.read(data, bytes_max=folders.bytes_max)
        told, format, count, is_repeat = reading.findings, reading.format, 0, False
        text = in_their_format(format, [answer_about_message(told, id=digest, at=at)])
    else:
        lodged = await lodge(Message(source=name, data=data, sender=filer))
        told, format, count, is_repeat = lodged.findings, lodged.format, len(lodged.results), lodged.is_repeat
        text = lodged.answer
    is_failed = not count or any(finding.severity == "error" for finding in told)
    folder = FAILED if is_failed else DONE
    await asyncio.to_thread(folders.keep_answer, answer, text)
    await asyncio.to_thread(folders.put_away, name, folder, digest)
    return Answered(
        name=name, answer=answer, format=format, moved_to=folder, consignments=count, is_repeat=is_repeat
    )  # fmt: skip

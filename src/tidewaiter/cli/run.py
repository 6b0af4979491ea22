"""A run over files of any size: what was done is known after a crash, so that it goes on and nothing is done twice.

A small state file is written anew after every handful, whole or not at all, after its results are on disk. Going on
cuts the results back to what the state knows of, passes over the messages done, and holds their bytes against those
of the run before.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import msgspec
import typer

from tidewaiter.model.outcome import Cleared
from tidewaiter.services.clear import Message


class CannotGoOn(typer.BadParameter):
    """The run cannot be taken up again: other files, other options, or results that are not there."""


class State(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a run has come: messages done, a digest over their bytes, and the bytes of results written.

    `asked` is what was asked for, which must be the same to go on; `is_unread` whether some could not be read.
    """

    asked: dict[str, str]
    done: int = 0
    digest: str = ""
    written: int = 0
    is_unread: bool = False


def state_of(path: Path | None) -> State | None:
    """The state in the file; None where there is none yet. Raises CannotGoOn where it is something else."""
    if path is None or not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except msgspec.DecodeError as wrong:
        raise CannotGoOn(f"{path} is no state of a run: {wrong}") from None


class Run:
    """One run, or the rest of it. `out` is where results go as JSON lines, `resume` where the state is kept."""

    def __init__(self, *, asked: dict[str, str], resume: Path | None = None, out: Path | None = None) -> None:
        self._path = resume
        before = state_of(resume)
        if before is not None and before.asked != asked:
            differs = sorted(name for name in {*before.asked, *asked} if before.asked.get(name) != asked.get(name))
            raise CannotGoOn(f"the run before had another {' and '.join(differs)}")
        self.state = before or State(asked=asked)
        self._file = _opened(out, self.state.written) if out is not None else None
        self._sum = hashlib.sha256()

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def rest(self, messages: Iterable[Message]) -> Iterator[Message]:
        """The messages that are not done yet. Raises CannotGoOn where those done are not those of the run before."""
        before, rest = self.state, iter(messages)
        seen = 0
        for message in itertools.islice(rest, before.done):
            self._count(message)
            seen += 1
        if seen < before.done or (before.done and self._sum.hexdigest() != before.digest):
            raise CannotGoOn("the files are not those of the run before")
        yield from rest

    def done(self, messages: Sequence[Message], records: Sequence[Cleared], *, is_unread: bool) -> None:
        """Keep the results of these messages, then that they are done."""
        written = self.state.written
        if self._file is not None:
            written += self._file.write(b"".join(msgspec.json.encode(record) + b"\n" for record in records))
            self._file.flush()
        for message in messages:
            self._count(message)
        self.state = State(
            asked=self.state.asked,
            done=self.state.done + len(messages),
            digest=self._sum.hexdigest(),
            written=written,
            is_unread=self.state.is_unread or is_unread,
        )
        if self._path is not None:
            if self._file is not None:
                os.fsync(self._file.fileno())
            _replace(self._path, msgspec.json.encode(self.state))

    def _count(self, message: Message) -> None:
        self._sum.update(b"%d %s\n" % (len(message.data), message.source.encode("utf-8", "surrogateescape")))
        self._sum.update(message.data)


def _opened(out: Path, written: int) -> BinaryIO:
    """The results so far, to be gone on with. Raises CannotGoOn where there are fewer than the state knows of."""
    size = out.stat().st_size if out.exists() else 0
    if size < written:
        raise CannotGoOn(f"{out} has {size:,} bytes, and the run before had written {written:,}")
    file = out.open("r+b" if out.exists() else "xb")
    file.truncate(written)
    file.seek(written)
    return file


def _replace(path: Path, data: bytes) -> None:
    """Write the file whole or not at all."""
    beside = path.with_name(f"{path.name}.new")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)

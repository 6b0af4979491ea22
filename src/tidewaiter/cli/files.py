"""The files a person names: each file as it is, a folder as all the messages below it, long ones in pieces."""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tidewaiter import formats
from tidewaiter.formats import pieces
from tidewaiter.services.clear import Message

PACKED_ENDINGS = frozenset({".gz", ".zip"})
"""Those of archives, whose members are messages."""
MESSAGE_ENDINGS = PACKED_ENDINGS | {".xml", ".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".xlsx", ".edi", ".imp"}
"""What is looked for in folders; a file named outright is read whatever its name."""
NOTES_ENDING = ".txt"
"""A file that ends so may be a message or a note beside messages: it is one where it begins as one."""

TOGETHER_MAX = 200
"""How many messages go through the corridor at once, so that progress can be seen and memory stays small."""
TOGETHER_BYTES = 1 << 18
"""And about how many bytes."""


class Input:
    """The messages in files and folders, folders in order of name. `total` and `taken` count the bytes of the files.

    A long file comes in pieces, and an archive as what it holds; no more of it is held than a piece. `total` is None
    where a pipe is among the files, whose length nobody knows. `columns` says what headings of the sheets among them
    stand for.
    """

    def __init__(self, paths: Iterable[Path], columns: Mapping[str, str] | None = None) -> None:
        self.columns = columns or {}
        self.files = [file for path in paths for file in _files(path)]
        kinds = [file.stat() for file in self.files]
        self.total = sum(one.st_size for one in kinds) if all(stat.S_ISREG(one.st_mode) for one in kinds) else None
        self.taken = 0

    def __iter__(self) -> Iterator[Message]:
        before = 0
        for path in self.files:
            with path.open("rb") as file:
                for piece in pieces.pieces(file, columns=self.columns):
                    source = f"{path}:{piece.member}" if piece.member else str(path)
                    self.taken = before + (file.tell() if file.seekable() else piece.ends)
                    yield Message(source=source, data=piece.data, columns=self.columns, piece=piece)
            before = self.taken = before + path.stat().st_size


def messages(paths: Iterable[Path]) -> Iterator[Message]:
    """The messages in these files and folders, folders in order of name."""
    return iter(Input(paths))


def whole(path: Path) -> Iterator[Message]:
    """The file, or those in the folder in order of name, each as one message however long; archives are passed over."""
    for file in _files(path):
        if file == path or file.suffix.lower() not in PACKED_ENDINGS:
            yield Message(source=str(file), data=file.read_bytes())


def columns(path: Path | None) -> dict[str, str]:
    """What headings stand for, as a TOML file says it under [columns]: ours by theirs, '' for one to be left out.

    Raises ValueError where the file is no such mapping.
    """
    if path is None:
        return {}
    told = tomllib.loads(path.read_text(encoding="utf-8")).get("columns")
    if not isinstance(told, dict) or not all(isinstance(ours, str) for ours in told.values()):
        raise ValueError('a mapping of columns is a table [columns] with lines such as "Peso neto" = "net_mass_g"')
    return told


def _files(path: Path) -> Sequence[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and _is_message(file))


def _is_message(file: Path) -> bool:
    ending = file.suffix.lower()
    if ending != NOTES_ENDING:
        return ending in MESSAGE_ENDINGS
    with file.open("rb") as opened:
        return formats.sniff(opened.read(formats.SNIFF_BYTES)) is not None


def gathered(found: Iterable[Message]) -> Iterator[list[Message]]:
    """The messages in handfuls of at most TOGETHER_MAX, and of about TOGETHER_BYTES."""
    handful: list[Message] = []
    size = 0
    for message in found:
        handful.append(message)
        size += len(message.data)
        if len(handful) == TOGETHER_MAX or size >= TOGETHER_BYTES:
            yield handful
            handful, size = [], 0
    if handful:
        yield handful

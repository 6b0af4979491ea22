"""The files a person names: each file as it is, a folder as all the messages below it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tidewaiter.services.clear import Message

MESSAGE_ENDINGS = frozenset({".xml", ".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".xlsx", ".edi", ".imp"})
"""What is looked for in folders; a file named outright is read whatever its name."""

TOGETHER_MAX = 200
"""How many messages go through the corridor at once, so that progress can be seen and memory stays small."""


def messages(paths: Iterable[Path], columns: Mapping[str, str] | None = None) -> Iterator[Message]:
    """The messages in these files and folders, folders in order of name.

    `columns` says what headings of the sheets among them stand for.
    """
    for path in paths:
        for file in _files(path):
            yield Message(source=str(file), data=file.read_bytes(), columns=columns or {})


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
    found = (file for file in path.rglob("*") if file.is_file() and file.suffix.lower() in MESSAGE_ENDINGS)
    return sorted(found)


def count(paths: Iterable[Path]) -> int:
    """How many messages `messages` will give."""
    return sum(len(_files(path)) for path in paths)


def gathered(found: Iterable[Message]) -> Iterator[list[Message]]:
    """The messages in handfuls of at most TOGETHER_MAX."""
    handful: list[Message] = []
    for message in found:
        handful.append(message)
        if len(handful) == TOGETHER_MAX:
            yield handful
            handful = []
    if handful:
        yield handful

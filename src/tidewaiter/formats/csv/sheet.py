"""From bytes to rows of cells: encoding, separator, headings."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tidewaiter.formats.csv.columns import Heading, heading
from tidewaiter.formats.csv.kinds import BROKEN_QUOTES, ENCODING_TOLD, HEADING_TWICE, NO_HEADINGS, UNREADABLE
from tidewaiter.formats.text import found, shortened
from tidewaiter.model.finding import Finding

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_SEPARATORS = (",", ";", "\t", "|")
_HEAD_LINES = 5
NAMES_OF_REFERENCE = ("reference", "order_id")
"""The columns that say which rows belong together, best first."""
KNOWN_MIN = 2
"""A sheet is known by at least so many headings."""


class Sheet(NamedTuple):
    """A sheet as rows. A row is its number, as a spreadsheet shows it, and its cells."""

    headings: tuple[Heading, ...]
    unknown: tuple[str, ...]
    width: int
    rows: Iterator[tuple[int, list[str]]]
    findings: list[Finding]


class _Separated(NamedTuple):
    separator: str
    known: int


def opened(data: bytes, *, before: int = 0) -> Sheet:
    """The sheet in these bytes. `findings` grows while `rows` is read, where quotation marks are broken.

    `before` is how many rows stood before those of this part of a sheet.
    """
    text, findings = _decoded(data)
    if text is None:
        return Sheet((), (), 0, iter(()), findings)
    separated = _separated(text)
    if separated.known < KNOWN_MIN:
        return Sheet((), (), 0, iter(()), [*findings, found(NO_HEADINGS, source_pointer="row 1")])
    rows = _rows(text, separated.separator, findings, before)
    first = next((cells for _, cells in rows if any(cell.strip() for cell in cells)), [])
    headings: dict[str, Heading] = {}
    unknown: list[str] = []
    twice: list[str] = []
    for place, cell in enumerate(first):
        known = heading(cell, place)
        if known is None:
            if cell.strip():
                unknown.append(cell)
        elif known.column.name in headings:
            twice.append(cell)
        else:
            headings[known.column.name] = known
    if twice:
        findings.append(found(HEADING_TWICE, quoted(twice), source_pointer="row 1"))
    return Sheet(tuple(headings.values()), (*unknown, *twice), len(first), rows, findings)


def quoted(names: Iterable[str]) -> str:
    """Headings as they stand in a finding."""
    return ", ".join(f"“{shortened(name)}”" for name in names)


def looks_like_sheet(head: bytes) -> bool:
    """Whether bytes begin with a row of headings that are known here."""
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            text = head[len(bom) :].decode(encoding, "ignore")
            break
    else:
        text = head.decode("utf-8", "ignore")
        if _separated(text).known < KNOWN_MIN:
            text = head.decode("gb18030", "ignore")
    return text.lstrip()[:1] not in ("{", "[", "<") and _separated(text).known >= KNOWN_MIN


def _decoded(data: bytes) -> tuple[str | None, list[Finding]]:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            try:
                return data[len(bom) :].decode(encoding), []
            except UnicodeDecodeError:
                return None, [found(UNREADABLE)]
    try:
        return data.decode(), []
    except UnicodeDecodeError:
        pass
    texts = {}
    for encoding in ("cp1252", "gb18030"):
        try:
            texts[encoding] = data.decode(encoding)
        except UnicodeDecodeError:
            continue
    if not texts:
        return None, [found(UNREADABLE)]
    # Chinese spreadsheets save in GB 18030, in which hardly any byte is wrong: the headings decide.
    best = max(texts, key=lambda encoding: _separated(texts[encoding]).known)
    return texts[best], [found(ENCODING_TOLD, {"cp1252": "Windows-1252", "gb18030": "GB 18030"}[best])]


def _separated(text: str) -> _Separated:
    """The separator under which most headings of the first filled row are known, and how many are."""
    lines = itertools.islice(io.StringIO(text, newline=""), _HEAD_LINES)
    sample = "".join(line for line in lines if line.strip() and not line.startswith("sep="))
    found_ = [_Separated(separator, _known_headings(sample, separator)) for separator in _SEPARATORS]
    return max(found_, key=lambda one: one.known)


def _known_headings(sample: str, separator: str) -> int:
    try:
        first = next(csv.reader(io.StringIO(sample, newline=""), delimiter=separator), [])
    except csv.Error:
        return 0
    return len({known.column.name for cell in first if (known := heading(cell, 0)) is not None})


def separator_of(text: str) -> str:
    """What separates the cells of a sheet that begins so."""
    return _separated(text).separator


def _rows(text: str, separator: str, findings: list[Finding], before: int) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    try:
        for cells in reader:
            number += 1
            if number == 1 and cells[:1] and cells[0].startswith("sep="):
                continue
            yield before + number, cells
    except csv.Error:
        row = before + number + 1
        findings.append(found(BROKEN_QUOTES, str(row), source_pointer=f"row {row}"))

"""From bytes to rows of cells: encoding, separator, headings.

A sheet of any kind, text or workbook, is a `Sheet`: `titled` makes one of rows whose first filled one is headings.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from tidewaiter.formats.csv.columns import HEADING_MAX, IGNORED, Heading, folded, heading, nearest
from tidewaiter.formats.csv.kinds import (
    BROKEN_QUOTES,
    ENCODING_TOLD,
    HEADING_TWICE,
    MAPPED_AMISS,
    NO_HEADINGS,
    UNKNOWN_COLUMNS,
    UNREADABLE,
    Fault,
)
from tidewaiter.formats.text import found, shortened
from tidewaiter.model.finding import Finding

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_SEPARATORS = (",", ";", "\t", "|")
_HEAD_LINES = 5
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)?")
NAMES_OF_REFERENCE = ("reference", "order_id")
"""The columns that say which rows belong together, best first."""
LOOKED_AT_MAX = 20
"""For so many unknown headings the nearest known one is looked for."""
TITLES_BYTES = 64 * 1024
"""Headings stand within so many bytes."""
KNOWN_MIN = 2
"""A sheet is known by at least so many headings."""


Rows = Iterator[tuple[int, list[str]]]
"""Rows of cells, each with its number as a spreadsheet shows it."""


class Rest(NamedTuple):
    """The rows below the headings as they stand there: in UTF-8, and what stands between the cells."""

    body: bytes
    separator: str


class Sheet(NamedTuple):
    """A sheet as rows. `first` is the row of its headings, `titles` are they as they stand there.

    `findings` grows while `rows` is read, where they break off. `rest` gives what stands below the headings of a text
    sheet, as long as no row of it was read.
    """

    headings: tuple[Heading, ...]
    unknown: tuple[str, ...]
    first: int
    titles: tuple[str, ...]
    rows: Rows
    findings: list[Finding]
    rest: Callable[[], Rest | None] = lambda: None

    @property
    def width(self) -> int:
        """How many cells a row may have."""
        return len(self.titles)


class Cell(str):
    """A cell of a workbook. `is_exact` where it is a number as it is, whatever marks the sheet's texts use.

    `fault` is why it cannot be used.
    """

    is_exact: bool
    fault: Fault | None

    def __new__(cls, text: str, *, is_exact: bool = False, fault: Fault | None = None) -> Cell:
        """The cell with this text."""
        cell = super().__new__(cls, text)
        cell.is_exact, cell.fault = is_exact, fault
        return cell


class _Separated(NamedTuple):
    separator: str
    known: int


def opened(data: bytes, columns: Mapping[str, str] | None = None, *, before: int = 0) -> Sheet:
    """The sheet in these bytes. `columns` says what headings stand for that are not known here.

    `before` is how many rows stood before those of this part of a sheet.
    """
    text, findings = _decoded(data, columns)
    if text is None:
        return unreadable(findings)
    separated = _separated(text, columns)
    if separated.known < KNOWN_MIN:
        return unreadable([*findings, found(NO_HEADINGS, source_pointer="row 1")])
    lines = _Lines(text)
    sheet = titled(_rows(lines, separated.separator, findings, before), findings, columns)
    is_as_sent = text.isascii() and len(text) == len(data)
    return sheet._replace(
        rest=lambda: Rest(data[lines.at :] if is_as_sent else text[lines.at :].encode(), separated.separator)
    )


class _Lines:
    """The lines of a text, and how far they were read, `at`: no more is read than was asked for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.at = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = _LINE.match(self._text, self.at)
        if line is None or not line[0]:
            raise StopIteration
        self.at = line.end()
        return line[0]


def separator_of(data: bytes, columns: Mapping[str, str] | None = None) -> str:
    """What stands between the cells of a text sheet; a comma where nothing says so."""
    text, _ = _decoded(data, columns)
    return _separated(text or "", columns).separator


def titles(data: bytes) -> tuple[str, ...]:
    """The headings of a sheet as they stand there, whether they are known or not."""
    text = _begun(data[:TITLES_BYTES])
    separator = max(_SEPARATORS, key=lambda one: (_known_headings(_sample(text), one, {}), text.count(one)))
    try:
        return tuple(next(csv.reader(io.StringIO(_sample(text), newline=""), delimiter=separator), []))
    except csv.Error:
        return ()


def unreadable(findings: list[Finding]) -> Sheet:
    """A sheet of which nothing could be made."""
    return Sheet((), (), 1, (), iter(()), findings)


def titled(rows: Rows, findings: list[Finding], columns: Mapping[str, str] | None = None) -> Sheet:
    """The sheet whose first filled row is headings. `columns` as in `opened`."""
    mapping = mapped(columns)
    number, first = next(((n, cells) for n, cells in rows if any(cell.strip() for cell in cells)), (1, []))
    headings: dict[str, Heading] = {}
    unknown: list[str] = []
    twice: list[str] = []
    amiss: list[str] = []
    for place, cell in enumerate(first):
        known = heading_of(cell, place, mapping)
        if known is None:
            if not is_passed_over(cell, mapping):
                (amiss if folded(cell) in mapping else unknown).append(cell)
        elif known.column.name in headings:
            twice.append(cell)
        else:
            headings[known.column.name] = known
    if amiss:
        findings.append(found(MAPPED_AMISS, quoted(amiss), source_pointer=f"row {number}"))
    if twice:
        findings.append(found(HEADING_TWICE, quoted(twice), source_pointer=f"row {number}"))
    if unknown:
        findings.append(found(UNKNOWN_COLUMNS, _with_nearest(unknown), source_pointer=f"row {number}"))
    return Sheet(tuple(headings.values()), (*unknown, *twice, *amiss), number, tuple(first), rows, findings)


def mapped(columns: Mapping[str, str] | None) -> dict[str, str]:
    """What was said of headings, by heading without case and accents."""
    return {folded(theirs): ours for theirs, ours in (columns or {}).items()}


def heading_of(cell: str, place: int, mapping: Mapping[str, str]) -> Heading | None:
    """What a heading stands for: as it was said to, else as it is known here. None where neither."""
    ours = mapping.get(folded(cell)) if mapping and len(cell) <= HEADING_MAX else None
    if ours is None:
        return heading(cell, place)
    known = heading(ours, place)
    return None if known is None else replace(known, text=cell)


def is_passed_over(cell: str, mapping: Mapping[str, str]) -> bool:
    """Whether a heading is empty, was said to mean nothing, or is one of ours that means nothing."""
    name = folded(cell[:HEADING_MAX])
    return not cell.strip() or mapping.get(name) == "" or (name in IGNORED and name not in mapping)


def _with_nearest(unknown: list[str]) -> str:
    """The headings, those first looked at with the known one they are most like."""
    named = []
    for place, cell in enumerate(unknown):
        like = nearest(cell) if place < LOOKED_AT_MAX else ""
        named.append(f"{quoted([cell])} (nearest known: {quoted([like])})" if like else quoted([cell]))
    return ", ".join(named)


def quoted(names: Iterable[str]) -> str:
    """Headings as they stand in a finding."""
    return ", ".join(f"“{shortened(name)}”" for name in names)


def looks_like_sheet(head: bytes) -> bool:
    """Whether bytes begin with a row of headings that are known here."""
    if head.lstrip()[:1] in (b"{", b"[", b"<"):  # told at a glance, since most messages are no sheets
        return False
    text = _begun(head)
    return text.lstrip()[:1] not in ("{", "[", "<") and _separated(text).known >= KNOWN_MIN


def _begun(head: bytes) -> str:
    """The beginning of a sheet as text, in the encoding in which its headings are known."""
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return head[len(bom) :].decode(encoding, "ignore")
    text = head.decode("utf-8", "ignore")
    return text if _separated(text).known >= KNOWN_MIN else head.decode("gb18030", "ignore")


def _decoded(data: bytes, columns: Mapping[str, str] | None) -> tuple[str | None, list[Finding]]:
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
    best = max(texts, key=lambda encoding: _separated(texts[encoding], columns).known)
    return texts[best], [found(ENCODING_TOLD, {"cp1252": "Windows-1252", "gb18030": "GB 18030"}[best])]


def _separated(text: str, columns: Mapping[str, str] | None = None) -> _Separated:
    """The separator under which most headings of the first filled row are known, and how many are."""
    mapping = mapped(columns)
    sample = _sample(text)
    found_ = [_Separated(separator, _known_headings(sample, separator, mapping)) for separator in _SEPARATORS]
    return max(found_, key=lambda one: one.known)


def _sample(text: str) -> str:
    """The first lines, from the first filled one on."""
    lines = itertools.islice(_Lines(text), _HEAD_LINES)
    return "".join(line for line in lines if line.strip() and not line.startswith("sep="))


def _known_headings(sample: str, separator: str, mapping: Mapping[str, str]) -> int:
    try:
        first = next(csv.reader(io.StringIO(sample, newline=""), delimiter=separator), [])
    except csv.Error:
        return 0
    return len({known.column.name for cell in first if (known := heading_of(cell, 0, mapping)) is not None})


def _rows(lines: _Lines, separator: str, findings: list[Finding], before: int) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines, delimiter=separator, strict=True)
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

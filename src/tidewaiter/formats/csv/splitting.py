"""A sheet of any size in pieces, cut between consignments, the headings before each.

Rows are told apart by the reader that reads them, so a line break within quotation marks never looks like the end of
a row. A sheet that is cut must be in UTF-8, or in UTF-16 with its mark: in other encodings one part of a sheet can
look like another encoding than the next.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from tidewaiter.formats.csv.cells import bare
from tidewaiter.formats.csv.kinds import APART, ENCODING_OF_LONG
from tidewaiter.formats.csv.reading import NAME, read_part
from tidewaiter.formats.csv.sheet import NAMES_OF_REFERENCE, opened, separator_of
from tidewaiter.formats.reading import PIECE_BYTES, RECORD_BYTES_MAX, RECORD_TOO_LONG, Piece, Reading
from tidewaiter.formats.text import found
from tidewaiter.formats.unpacking import Stream
from tidewaiter.model.finding import Kind

ROWS = "rows"
SEEN_MAX = 2_000_000
"""So many references are remembered, to find one whose rows stand apart."""
_TOGETHER = 20_000
_HEAD_BYTES = 65_536
_ENCODINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def split(
    stream: Stream, *, piece_bytes: int = PIECE_BYTES // 4, record_max: int = RECORD_BYTES_MAX
) -> Iterator[Piece] | None:
    """The sheet in pieces of about so many bytes, in UTF-8; None where no column says what belongs together.

    They are shorter than those of other formats: a consignment takes less room in a sheet than anywhere else.
    """
    return split_mapped(stream, {}, piece_bytes=piece_bytes, record_max=record_max)


def split_mapped(
    stream: Stream,
    columns: Mapping[str, str],
    *,
    piece_bytes: int = PIECE_BYTES // 4,
    record_max: int = RECORD_BYTES_MAX,
) -> Iterator[Piece] | None:
    """The same, where the sender said what his headings stand for. `columns` as in `read_mapped`."""
    encoding = _ENCODINGS.get(stream.peek(2)[:2], "utf-8-sig")
    head = stream.peek(_HEAD_BYTES)[:_HEAD_BYTES].decode(encoding, "ignore").encode()
    sheet = opened(head, columns)
    by_name = {heading.column.name: heading for heading in sheet.headings}
    reference = next((by_name[name] for name in NAMES_OF_REFERENCE if name in by_name), None)
    if reference is None:
        return None
    text = io.TextIOWrapper(stream.as_file(), encoding=encoding, newline="")
    rows = _Rows(text, separator_of(head, columns), record_max)
    return _Cutter(stream, rows, reference.place, piece_bytes, record_max).pieces()


def read_piece(piece: Piece, *, jurisdiction: str | None = None) -> Reading:
    """What the piece holds; rows are counted as in the whole sheet."""
    return read_piece_mapped(piece, {}, jurisdiction=jurisdiction)


def read_piece_mapped(piece: Piece, columns: Mapping[str, str], *, jurisdiction: str | None = None) -> Reading:
    """The same, with the columns with which it was cut."""
    return read_part(piece.data, columns, jurisdiction=jurisdiction, before=piece.before)


class _Broken(Exception):
    """The sheet cannot be read on from here. `kind` says why; where it is None, reading the rest will say so."""

    def __init__(self, kind: Kind | None = None) -> None:
        self.kind = kind


class _TooLong(Exception):
    """A row was longer than any may be. It has been passed over."""


class _Rows:
    """The rows of a sheet, each with the text it stood in."""

    def __init__(self, text: io.TextIOWrapper, separator: str, record_max: int) -> None:
        self._text = text
        self._separator = separator
        self._max = record_max
        self._lines: list[str] = []
        self._reader = self._made()

    def _made(self) -> Iterator[list[str]]:
        return csv.reader(iter(self._line, ""), delimiter=self._separator, strict=True)

    def _line(self) -> str:
        try:
            line = self._text.readline(self._max)
            if len(line) == self._max and not line.endswith(("\n", "\r")):
                while (more := self._text.readline(self._max)) and not more.endswith(("\n", "\r")):
                    pass
                raise _TooLong
        except UnicodeDecodeError:
            raise _Broken(ENCODING_OF_LONG) from None
        self._lines.append(line)
        return line

    def next(self) -> tuple[list[str], str] | None:
        """The cells of the next row and its text, None at the end. Raises _Broken or _TooLong."""
        self._lines = []
        try:
            cells = next(self._reader, None)
        except csv.Error:
            raise _Broken from None
        except _TooLong:
            self._reader = self._made()
            raise
        return None if cells is None else (cells, self.text())

    def text(self) -> str:
        """What was read of the row that is being read."""
        return "".join(self._lines)


class _Cutter:
    """Gathers rows into pieces: whole runs of rows with one reference, until there is enough of them."""

    def __init__(self, stream: Stream, rows: _Rows, place: int, piece_bytes: int, record_max: int) -> None:
        self._stream, self._rows, self._place = stream, rows, place
        self._piece_bytes, self._record_max = piece_bytes, record_max
        self._heading = ""
        self._headings = 0  # rows up to the headings, with them
        self._number = 0
        self._before = 0
        self._done: list[str] = []  # the consignments that are whole
        self._run: list[str] = []  # the rows of the one that is being read
        self._reference = ""
        self._size = self._size_of_run = 0
        self._is_passing = False
        self._seen = _Seen()

    def pieces(self) -> Iterator[Piece]:
        """All pieces of the sheet."""
        while True:
            try:
                row = self._rows.next()
            except _TooLong:
                self._number += 1
                yield from self._pass_over(RECORD_TOO_LONG, f"{self._record_max:,}")
                continue
            except _Broken as stop:
                yield from self._rest(self._rows.text(), stop.kind)
                return
            if row is None:
                yield from self._rest("", None)
                return
            self._number += 1
            if self._headings:
                yield from self._take(*row)
            else:
                self._head(*row)

    def _head(self, cells: list[str], text: str) -> None:
        self._heading += text
        if any(cell.strip() for cell in cells) and not (self._number == 1 and cells[0].startswith("sep=")):
            self._headings = self._number

    def _take(self, cells: list[str], text: str) -> Iterator[Piece]:
        # A row without reference is a fault of its own, and parts no consignment from itself.
        reference = bare(cells[self._place]) if self._place < len(cells) else ""
        if reference and reference != self._reference:
            self._done += self._run
            self._run, self._size_of_run, self._reference = [], 0, reference
            if self._is_passing:
                self._is_passing = False
                self._before = self._number - 1 - self._headings
            elif self._size >= self._piece_bytes:
                yield from self._flush(following=self._number)
            if self._seen.again(reference):
                yield from self._pass_over(APART, str(self._number))
        if self._is_passing:
            return
        self._run.append(text)
        self._size += len(text) if reference else 0
        self._size_of_run += len(text)
        if self._size_of_run > self._record_max:
            yield from self._pass_over(RECORD_TOO_LONG, f"{self._record_max:,}")

    def _pass_over(self, kind: Kind, detail: str) -> Iterator[Piece]:
        """Leave out the consignment that is being read, with the rows of it that may follow."""
        first = self._number - len(self._run)
        told = f"row {self._number}" if first == self._number else f"rows {first} to {self._number}"
        self._run, self._size_of_run, self._is_passing = [], 0, True
        yield from self._flush(following=self._number)
        yield self._failed(kind, detail, told)

    def _rest(self, text: str, kind: Kind | None) -> Iterator[Piece]:
        """The last piece. `text` is a row that breaks off: reading it will say why, where `kind` does not."""
        is_whole = self._stream.finding is None
        if is_whole and kind is None:
            if self._is_passing:
                self._before = self._number - self._headings
            self._done += [*self._run, text]
        yield from self._flush(following=self._number, is_needed=is_whole and not self._number > self._headings)
        if is_whole and kind is not None:
            yield self._failed(kind, str(self._number + 1), f"row {self._number + 1}")

    def _flush(self, *, following: int, is_needed: bool = False) -> Iterator[Piece]:
        data = "".join((self._heading, *self._done)).encode()
        if is_needed or any(self._done):
            yield Piece(format=NAME, shape=ROWS, data=data, before=self._before, ends=self._stream.at)
        self._done, self._size, self._before = [], 0, following - 1 - self._headings

    def _failed(self, kind: Kind, detail: str, place: str) -> Piece:
        return Piece(
            format=NAME, findings=(found(kind, detail, source_pointer=place),), ends=self._stream.at
        )  # fmt: skip


class _Seen:
    """The references met, as eight bytes each."""

    def __init__(self) -> None:
        self._sorted: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._new: set[int] = set()

    def again(self, reference: str) -> bool:
        """Whether this one was met before; from now on it was."""
        digest = int.from_bytes(hashlib.blake2b(reference.encode(), digest_size=8).digest(), "little")
        if digest in self._new:
            return True
        place = int(self._sorted.searchsorted(np.uint64(digest)))
        if place < len(self._sorted) and int(self._sorted[place]) == digest:
            return True
        if len(self._sorted) < SEEN_MAX:
            self._new.add(digest)
            if len(self._new) >= _TOGETHER:
                self._sorted = np.sort(np.append(self._sorted, np.fromiter(self._new, np.uint64, len(self._new))))
                self._new.clear()
        return False

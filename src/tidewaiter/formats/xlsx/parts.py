"""The parts of a packed workbook, under bounds that are looked at before anything is unpacked.

A part is never unpacked further than the size its directory states; where the two differ the part is refused.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from xml.parsers import expat

from tidewaiter.formats.xlsx.kinds import TOO_LARGE, UNREADABLE
from tidewaiter.model.finding import Kind

UNPACKED_MAX = 64 * 1024 * 1024
"""No workbook with more in all is unpacked."""
PARTS_MAX = 1_000
RATIO_MAX = 100
"""Sheets of rows much alike pack to a fiftieth; bombs to a thousandth."""
SMALL = 1024 * 1024
"""Below this the ratio does not matter."""
DEPTH_MAX = 40
_CHUNK = 64 * 1024
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    NotImplementedError,
    OverflowError,
)

Start = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]
Text = Callable[[str], None]


class Refused(Exception):
    """The workbook, or the rest of it, is not read. `detail` never quotes it."""

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


class Parts:
    """The parts of a workbook by name. Raises Refused where the packing is broken or beyond a bound."""

    def __init__(self, data: bytes) -> None:
        try:
            self._file = zipfile.ZipFile(io.BytesIO(data))
        except (*_BROKEN, IndexError) as error:
            raise Refused(UNREADABLE, "it is no packed file, or only part of one") from error
        entries = self._file.infolist()
        if len(entries) > PARTS_MAX:
            raise Refused(TOO_LARGE, f"more than {PARTS_MAX:,} parts")
        if sum(entry.file_size for entry in entries) > UNPACKED_MAX:
            raise Refused(TOO_LARGE, f"more than {UNPACKED_MAX:,} bytes unpacked")
        for entry in entries:
            if entry.file_size > SMALL and entry.file_size > RATIO_MAX * max(entry.compress_size, 1):
                raise Refused(TOO_LARGE, f"a part that unpacks to more than {RATIO_MAX} times its size")
            if entry.flag_bits & 1:
                raise Refused(UNREADABLE, "it is locked with a password")
        self._entries = {entry.filename.lstrip("/"): entry for entry in entries}
        if len(self._entries) < len(entries):
            raise Refused(UNREADABLE, "two of its parts have the same name")

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def chunks(self, name: str) -> Iterator[bytes]:
        """The unpacked part, piece by piece."""
        if name not in self._entries:
            raise Refused(UNREADABLE, "a part of it is missing")
        try:
            with self._file.open(self._entries[name]) as part:
                while chunk := part.read(_CHUNK):
                    yield chunk
        except _BROKEN as error:
            raise Refused(UNREADABLE, "a part of it cannot be unpacked") from error

    def parse(self, name: str, start: Start, end: End | None = None, text: Text | None = None) -> Iterator[None]:
        """Walk the XML of a part, pausing after each piece. Names come without their prefix.

        Raises Refused where it is not well-formed, has a document type, or goes too deep.
        """
        parser = expat.ParserCreate()
        parser.buffer_text = True
        depth = 0

        def opening(raw: str, attributes: dict[str, str]) -> None:
            nonlocal depth
            depth += 1
            if depth > DEPTH_MAX:
                raise Refused(TOO_LARGE, f"elements inside each other more than {DEPTH_MAX} deep")
            start(raw.rpartition(":")[2], {name.rpartition(":")[2]: value for name, value in attributes.items()})

        def closing(raw: str) -> None:
            nonlocal depth
            depth -= 1
            if end is not None:
                end(raw.rpartition(":")[2])

        parser.StartElementHandler, parser.EndElementHandler = opening, closing
        if text is not None:
            parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = _refuse_doctype
        try:
            for chunk in self.chunks(name):
                parser.Parse(chunk, False)
                yield
            parser.Parse(b"", True)
            yield
        except (expat.ExpatError, LookupError, ValueError) as error:
            raise Refused(UNREADABLE, "a part of it is not well-formed XML") from error


def _refuse_doctype(*_: object) -> None:
    raise Refused(UNREADABLE, "a part of it has a document type declaration")

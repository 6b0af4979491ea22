"""A file of many interchanges in pieces, each of one or several whole interchanges.

An interchange itself is never cut: its control counts stand at its end, and nothing is accepted from one that came
damaged. So it is held whole while it is read, up to `INTERCHANGE_BYTES_MAX`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidewaiter.formats.edifact.kinds import OVER_LIMIT
from tidewaiter.formats.edifact.reading import NAME, read_stream
from tidewaiter.formats.reading import PIECE_BYTES, Piece, Reading
from tidewaiter.formats.text import found
from tidewaiter.formats.unpacking import Stream

INTERCHANGES = "interchanges"
INTERCHANGE_BYTES_MAX = 64 << 20

_LAYOUT = rb"[\r\n \t\x00\x1a]{0,16}"
_BETWEEN = re.compile(
    rb"(?<!\?)([^A-Za-z0-9?])" + _LAYOUT + rb"UNZ[^A-Za-z0-9].{0,80}?(?<!\?)\1" + _LAYOUT
    + rb"(?=UNA[^A-Za-z0-9]{6}|UNB[^A-Za-z0-9])",
    re.DOTALL,
)  # fmt: skip
"""The end of an interchange and the beginning of the next. The sign that ends the segment before UNZ, which UNA may
have chosen, ends UNZ too."""
_BETWEEN_MAX = 400
_MARK = b"\xef\xbb\xbf"


def split(
    stream: Stream, *, piece_bytes: int = PIECE_BYTES, record_max: int = INTERCHANGE_BYTES_MAX
) -> Iterator[Piece] | None:
    """Whole interchanges, together about so many bytes; None where the file is in UTF-16."""
    return None if stream.peek(2)[:2] in (b"\xff\xfe", b"\xfe\xff") else _pieces(stream, piece_bytes, record_max)


def read_piece(piece: Piece, *, jurisdiction: str | None = None) -> Reading:
    """What the piece holds; bytes are counted as in the whole file."""
    return read_stream([piece.data], jurisdiction=jurisdiction, begins=piece.before)


def _pieces(stream: Stream, piece_bytes: int, record_max: int) -> Iterator[Piece]:
    mark = stream.read(len(_MARK)) if stream.peek(len(_MARK)).startswith(_MARK) else b""
    held = bytearray()
    begins = searched = 0
    is_advised = stream.peek(64).lstrip().startswith(b"UNA")
    is_passing = False  # whether the interchange is longer than any may be

    def piece(data: bytes) -> Piece:
        # The mark says of all that follows it how it is written, so that each piece needs it.
        return Piece(format=NAME, shape=INTERCHANGES, data=mark + data, before=begins, ends=stream.at)

    while block := stream.read(piece_bytes):
        held += block
        ends = []
        for between in _BETWEEN.finditer(held, max(0, searched - _BETWEEN_MAX)):
            is_advice = held.startswith(b"UNA", between.end())
            # Signs that UNA chose may hold for the next interchange too, where that has none of its own.
            if is_advice or not is_advised:
                ends.append(between.end())
            is_advised |= is_advice
        if ends and is_passing:
            del held[: ends[0]]
            begins, ends, is_passing = begins + ends[0], [end - ends[0] for end in ends[1:]], False
        if ends:
            yield piece(bytes(held[: ends[-1]]))
            del held[: ends[-1]]
            begins += ends[-1]
        if len(held) > record_max and not is_passing:
            told = found(OVER_LIMIT, f"more than {record_max:,} bytes", source_pointer=f"byte {begins + 1}")
            yield Piece(format=NAME, findings=(told,), ends=stream.at)
            is_passing = True
        if is_passing:
            begins += max(0, len(held) - _BETWEEN_MAX)
            del held[:-_BETWEEN_MAX]
        searched = len(held)
    if held and not is_passing and stream.finding is None:
        yield piece(bytes(held))

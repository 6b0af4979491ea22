"""A JSON message of any size in pieces: lines of it, or the entries of its list. A single consignment is not cut.

An envelope is cut where `consignments` is its first field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidewaiter.formats.json.columns import NAME
from tidewaiter.formats.json.kinds import MALFORMED
from tidewaiter.formats.json.reading import BOM, read_entries, read_lines
from tidewaiter.formats.json.scanning import Scanner
from tidewaiter.formats.reading import PIECE_BYTES, RECORD_BYTES_MAX, RECORD_TOO_LONG, Piece, Reading
from tidewaiter.formats.text import found
from tidewaiter.formats.unpacking import Stream
from tidewaiter.model.finding import Finding

LINES, LIST, ENVELOPE = "lines", "list", "envelope"
_OPENED = {LIST: b"[", ENVELOPE: b'{"consignments":['}
_CLOSED = {LIST: b"]", ENVELOPE: b"]}"}
_ROOTS = {LIST: "", ENVELOPE: "/consignments"}
_LIST = re.compile(rb"\s*\[")
_ENVELOPE = re.compile(rb'\s*\{\s*"consignments"\s*:\s*\[')
_TAIL_MAX = 65_536
"""So many bytes may stand behind the list."""


def split(
    stream: Stream, *, piece_bytes: int = PIECE_BYTES, record_max: int = RECORD_BYTES_MAX
) -> Iterator[Piece] | None:
    """The message in pieces of about so many bytes; None where it is a single consignment, or no list we know."""
    head = stream.peek(piece_bytes)
    if head.startswith(BOM):
        stream.read(len(BOM))
        head = head[len(BOM) :]
    for shape, pattern in ((LIST, _LIST), (ENVELOPE, _ENVELOPE)):
        if opened := pattern.match(head):
            stream.read(opened.end())
            return _entries(stream, shape, piece_bytes, record_max)
    return _lines(stream, piece_bytes, record_max) if _is_lines(head) else None


def read_piece(piece: Piece, *, jurisdiction: str | None = None) -> Reading:
    """What the piece holds; places are '/1234/items/0' or 'line 1234 /items/0' of the whole."""
    if piece.shape == LINES:
        return read_lines(piece.data, jurisdiction, before=piece.before)
    return read_entries(piece.data, jurisdiction, root=_ROOTS[piece.shape], before=piece.before)


def _is_lines(head: bytes) -> bool:
    """Whether most of the whole lines at the beginning look like an object each."""
    lines = [line.strip() for line in head[: head.rfind(b"\n") + 1].split(b"\n") if line.strip()]
    return sum(line.startswith(b"{") and line.endswith(b"}") for line in lines) * 2 > len(lines)


def _lines(stream: Stream, piece_bytes: int, record_max: int) -> Iterator[Piece]:
    held, before = b"", 0
    while block := stream.read(piece_bytes):
        held += block
        end = held.rfind(b"\n") + 1
        if end:
            yield from _of_lines(held[:end], before, stream.at - len(held) + end)
            before += held.count(b"\n", 0, end)
            held = held[end:]
        if len(held) > record_max:
            yield _too_long(f"line {before + 1}", record_max, stream)
            before += 1
            held = _after_line(stream, piece_bytes)
    if stream.finding is None:
        yield from _of_lines(held, before, stream.at)


def _of_lines(data: bytes, before: int, ends: int) -> Iterator[Piece]:
    if data.strip():
        yield Piece(format=NAME, shape=LINES, data=data, before=before, ends=ends)


def _after_line(stream: Stream, piece_bytes: int) -> bytes:
    """What has come after the end of the line that is being passed over."""
    while block := stream.read(piece_bytes):
        _, ended, rest = block.partition(b"\n")
        if ended:
            return rest
    return b""


def _too_long(place: str, record_max: int, stream: Stream) -> Piece:
    return _failed(found(RECORD_TOO_LONG, f"{record_max:,}", source_pointer=place), stream)


def _failed(finding: Finding, stream: Stream) -> Piece:
    return Piece(format=NAME, findings=(finding,), ends=stream.at)


def _blocks(stream: Stream, size: int) -> Iterator[bytes]:
    """The rest of the stream in blocks, none of which ends in the middle of an escape."""
    held = b""
    while block := stream.read(size):
        block = held + block
        odd = (len(block) - len(block.rstrip(b"\\"))) % 2
        held = block[len(block) - odd :]
        if block := block[: len(block) - odd]:
            yield block
    if held:
        yield held


def _entries(stream: Stream, shape: str, piece_bytes: int, record_max: int) -> Iterator[Piece]:
    scanner = Scanner()
    opened = _OPENED[shape]
    held, before, is_passing = b"", 0, False

    def piece(entries: bytes, closed: bytes) -> Piece:
        is_whole = not before and closed != _CLOSED[shape]
        if not entries.strip() and not is_whole:  # a comma with nothing beside it
            return _failed(found(MALFORMED, source_pointer=f"{_ROOTS[shape]}/{before}"), stream)
        return Piece(format=NAME, shape=shape, data=opened + entries + closed, before=before, ends=stream.at)

    for block in _blocks(stream, piece_bytes):
        commas, end = scanner.scan(block)
        start = 0
        if is_passing and commas:
            start, is_passing, before = commas.pop(0) + 1, False, before + 1
        if end >= 0:
            tail = block[end:] + stream.peek(_TAIL_MAX)[:_TAIL_MAX]
            while stream.read(piece_bytes):
                pass
            if stream.finding is None and not is_passing:
                yield piece(held + block[start:end], tail)
            return
        if commas:
            yield piece(held + block[start : commas[-1]], _CLOSED[shape])
            before += len(commas)
            held = block[commas[-1] + 1 :]
        elif not is_passing:
            held += block[start:]
        if len(held) > record_max:
            yield _too_long(f"{_ROOTS[shape]}/{before}", record_max, stream)
            held, is_passing = b"", True
    if stream.finding is None and not is_passing:
        yield piece(held, b"")

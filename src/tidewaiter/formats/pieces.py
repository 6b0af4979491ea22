"""A file of any size as pieces, each a message of its own that is read in bounded memory.

A format that can be cut offers `split` beside `read`: pieces of about `PIECE_BYTES`, each a whole message of that
format, and `read_piece`, which reads one with the places of the whole file. What is small, or of a format that cannot
be cut, is one piece and read as any message is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import BinaryIO

from msgspec import structs

from tidewaiter import formats
from tidewaiter.formats.reading import WHOLE, Divisible, DivisibleSheet, Format, Piece, Reading
from tidewaiter.formats.text import found
from tidewaiter.formats.unpacking import LIMITS, Limits, Stream, unpacked

WHOLE_BYTES = 4 << 20
"""What is no longer than this is read in one, whatever its format."""


def pieces(
    file: BinaryIO,
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    limits: Limits = LIMITS,
    whole_bytes: int = WHOLE_BYTES,
) -> Iterator[Piece]:
    """What the file holds, in order. What is wrong with it is in the pieces' findings, never an exception.

    `format` is the name of a format, where the sender said it, and `columns` what he said headings of a sheet stand
    for: the pieces are to be read with the same.
    """
    for member in unpacked(file, is_ours=lambda head: formats.sniff(head) is not None, limits=limits):
        if member.findings:
            yield Piece(member=member.name, findings=member.findings)
            continue
        for piece in _cut(member.stream, format, columns or {}, whole_bytes):
            yield structs.replace(piece, member=member.name)


def read(
    piece: Piece,
    *,
    jurisdiction: str | None = None,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Reading:
    """What the piece holds, with the places of the whole file. Bad input is findings, never an exception."""
    if not piece.data and piece.findings:
        return Reading(format=piece.format, findings=piece.findings)
    if piece.shape == WHOLE:
        return formats.read(piece.data, jurisdiction=jurisdiction, format=format, columns=columns)
    reading = _read_part(piece, columns or {}, jurisdiction)
    return structs.replace(reading, findings=(*piece.findings, *reading.findings)) if piece.findings else reading


def _read_part(piece: Piece, columns: Mapping[str, str], jurisdiction: str | None) -> Reading:
    taken = formats.FORMATS[piece.format]
    if columns and isinstance(taken, DivisibleSheet):
        return taken.read_piece_mapped(piece, columns, jurisdiction=jurisdiction)
    if not isinstance(taken, Divisible):
        raise TypeError(f"{piece.format} has no pieces")
    return taken.read_piece(piece, jurisdiction=jurisdiction)


def _parts(taken: Format | None, stream: Stream, columns: Mapping[str, str]) -> Iterator[Piece] | None:
    """The message in pieces; None where it cannot be cut."""
    if columns and isinstance(taken, DivisibleSheet):
        return taken.split_mapped(stream, columns)
    return taken.split(stream) if isinstance(taken, Divisible) else None


def _cut(stream: Stream, format: str | None, columns: Mapping[str, str], whole_bytes: int) -> Iterator[Piece]:
    start = stream.peek(whole_bytes + 1)
    if len(start) > whole_bytes:
        taken = formats.sniff(start, columns) if format is None else formats.FORMATS.get(format)
        parts = _parts(taken, stream, columns)
        if parts is not None:
            yield from parts
        else:
            start = stream.peek(formats.BYTES_MAX + 1)
            if len(start) > formats.BYTES_MAX:
                named = taken.NAME if taken is not None else ""
                yield Piece(format=named, findings=(found(formats.TOO_LONG, f"{formats.BYTES_MAX:,}"),))
                return
            if stream.finding is None:
                yield Piece(data=stream.read(len(start)), ends=stream.at)
    elif stream.finding is None:
        yield Piece(data=stream.read(len(start)), ends=stream.at)
    if stream.finding is not None:
        yield Piece(findings=(stream.finding,), ends=stream.at)

"""A file of any size as pieces, each a message of its own that is read in bounded memory.

A format that can be cut offers `split` beside `read`: pieces of about `PIECE_BYTES`, each a whole message of that
format, and `read_piece`, which reads one with the places of the whole file. What is small, or of a format that cannot
be cut, is one piece and read as any message is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, cast

from tidewaiter import formats
from tidewaiter.formats.reading import WHOLE, Divisible, Piece, Reading
from tidewaiter.formats.text import found
from tidewaiter.formats.unpacking import LIMITS, Limits, Stream, unpacked

WHOLE_BYTES = 4 << 20
"""What is no longer than this is read in one, whatever its format."""


def pieces(
    file: BinaryIO, *, format: str | None = None, limits: Limits = LIMITS, whole_bytes: int = WHOLE_BYTES
) -> Iterator[Piece]:
    """What the file holds, in order. What is wrong with it is in the pieces' findings, never an exception.

    `format` is the name of a format, where the sender said it.
    """
    for member in unpacked(file, is_ours=lambda head: formats.sniff(head) is not None, limits=limits):
        if member.findings:
            yield Piece(member=member.name, findings=member.findings)
            continue
        for piece in _cut(member.stream, format, whole_bytes):
            yield Piece(
                member=member.name, shape=piece.shape, data=piece.data, ends=piece.ends, before=piece.before,
                format=piece.format, findings=piece.findings,
            )  # fmt: skip


def read(piece: Piece, *, jurisdiction: str | None = None, format: str | None = None) -> Reading:
    """What the piece holds, with the places of the whole file. Bad input is findings, never an exception."""
    if not piece.data and piece.findings:
        return Reading(format=piece.format, findings=piece.findings)
    if piece.shape == WHOLE:
        return formats.read(piece.data, jurisdiction=jurisdiction, format=format)
    reading = _divisible(piece.format).read_piece(piece, jurisdiction=jurisdiction)
    if not piece.findings:
        return reading
    return Reading(
        format=reading.format, declared=reading.declared, answers=reading.answers,
        findings=(*piece.findings, *reading.findings), kept=reading.kept, dropped=reading.dropped,
    )  # fmt: skip


def _divisible(format: str) -> Divisible:
    return cast("Divisible", formats.FORMATS[format])


def _cut(stream: Stream, format: str | None, whole_bytes: int) -> Iterator[Piece]:
    start = stream.peek(whole_bytes + 1)
    if len(start) > whole_bytes:
        taken = formats.sniff(start) if format is None else formats.FORMATS.get(format)
        parts = _divisible(taken.NAME).split(stream) if taken is not None and hasattr(taken, "split") else None
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

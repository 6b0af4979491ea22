"""The one shape of every message format: what `sniff`, `read`, `answer` and `write` take and give back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.finding import Finding, Kind

if TYPE_CHECKING:
    from tidewaiter.formats.unpacking import Stream

SNIFF_BYTES = 4096
"""How much of a message `sniff` is shown."""

PIECE_BYTES = 1 << 20
"""About so long is a piece of a file that is cut."""

RECORD_BYTES_MAX = 4 << 20
"""No single consignment of a file that is cut is longer; one that is is left out, and the rest is read on."""

WHOLE = ""
"""The shape of a piece that is a message as it came."""

RECORD_TOO_LONG = Kind(
    code="MSG-05",
    severity="error",
    text="A consignment here is longer than {detail} bytes; it was left out, and the rest was read.",
    remedy="Split the consignment as the carrier splits it; check that no bracket or quotation mark is missing.",
    law="Limit of this installation; Implementing Regulation (EU) 2015/2447, Annex B: 9,999 goods items",
)


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """A consignment as read, with what was wrong in reading it.

    `anchor` lets the format say later where a field stood in the sender's message: its keys are the format's own.
    """

    consignment: Consignment
    findings: tuple[Finding, ...] = ()
    anchor: Mapping[str, str] = {}


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a message held: consignments, or answers where it was one, and findings about the message as a whole."""

    format: str
    declared: tuple[Declared, ...] = ()
    answers: tuple[Answer, ...] = ()
    findings: tuple[Finding, ...] = ()
    kept: int = 0
    dropped: tuple[str, ...] = ()
    """`kept` counts the leaf values that found a field, `dropped` names the places of those that did not."""


class Format(Protocol):
    """A message format: a package under `formats/` with these names at module level."""

    NAME: str
    MEDIA_TYPES: tuple[str, ...]

    def sniff(self, head: bytes) -> bool:
        """Whether a message that begins so is of this format. Cheap, and never raises."""

    def read(self, data: bytes, *, jurisdiction: str | None = None) -> Reading:
        """What the message holds. Bad input is findings, never an exception.

        `jurisdiction` is used where the message does not name its country.
        """

    def write(self, consignments: Sequence[Consignment]) -> bytes:
        """A message that `read` reads back as these consignments."""

    def answer(self, answers: Sequence[Answer]) -> bytes:
        """The answers in this dialect."""

    def source_pointer(self, declared: Declared, pointer: str) -> str:
        """Where the field at our `pointer` stood in the sender's message, in the way that dialect points."""


class Piece(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A message of its own, cut from a longer one, and where that was: what `read_piece` needs to name places in it.

    `data` is empty where nothing but `findings` is told, whose places are those of the whole. `before` counts what
    stood before it in the whole (lines, entries of a list, rows, messages, as `shape` says, which is the format's own
    word), `ends` the bytes of the whole read so far. `member` is its name where the whole was packed with others.
    """

    data: bytes = b""
    format: str = ""
    member: str = ""
    shape: str = WHOLE
    before: int = 0
    ends: int = 0
    findings: tuple[Finding, ...] = ()


class Divisible(Protocol):
    """What a format offers besides, where a message of it may be cut into messages."""

    def split(self, stream: Stream) -> Iterator[Piece] | None:
        """The message in pieces of about PIECE_BYTES in bounded memory; None where this one cannot be cut.

        What stands unfinished where `stream.finding` says that the stream broke off is left out.
        """

    def read_piece(self, piece: Piece, *, jurisdiction: str | None = None) -> Reading:
        """What `read` gives for its data, with the places of the whole."""

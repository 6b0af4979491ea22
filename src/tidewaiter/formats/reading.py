"""The one shape of every message format: what `sniff`, `read`, `answer` and `write` take and give back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, overload, runtime_checkable

import msgspec
import numpy as np

from tidewaiter.model.answer import Answer, AnswerKind
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.exact import Yes
from tidewaiter.model.finding import Finding, Kind
from tidewaiter.model.movement import Movement
from tidewaiter.model.trade import TradeDocument

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
    stage="bytes",
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


class InColumns(Sequence[Declared]):
    """So many consignments that were read as columns: neither the batch nor a record is made before it is asked for.

    `apart` are, by their places, those that were read one by one, since something in them called for a closer look: no
    other has findings. `batch` makes the columns of all, `make` the record of one that is not apart.
    """

    def __init__(
        self,
        size: int,
        *,
        batch: Callable[[], Batch],
        apart: Mapping[int, Declared],
        make: Callable[[int], Declared],
    ) -> None:
        self.apart = apart
        self.within: tuple[InColumns, int] | None = None
        self._size = size
        self._framed = batch
        self._make = make
        self._batch: Batch | None = None
        self._made: list[Declared] | None = None

    @classmethod
    def beside(
        cls,
        alone: Sequence[Declared],
        is_odd: Yes,
        is_kept: Yes,
        *,
        batch: Callable[[], Batch],
        make: Callable[[int], Declared],
    ) -> InColumns:
        """Of so many entries of a message those that are kept: odd ones as they were read `alone`, the others from the
        columns of all, `batch`, in which what stands in the rows of odd ones is not used.

        `make` makes the record of an entry that is not odd, by its place among all. All that are not odd are kept.
        """
        order = np.flatnonzero(is_kept)

        def woven() -> Batch:
            if not is_odd.any():
                return batch()
            apart = Batch.of([declared.consignment for declared in alone])
            if is_odd.all():
                return apart
            places = np.where(is_kept, np.cumsum(is_kept) - 1, -1)
            plain = (batch(), np.where(is_odd, -1, places))
            return Batch.woven([plain, (apart, places[is_odd & is_kept])])

        by_place = dict(zip(np.flatnonzero(is_odd[order]).tolist(), alone, strict=True))
        return cls(len(order), batch=woven, apart=by_place, make=lambda place: make(int(order[place])))

    def batch(self) -> Batch:
        """All of them as columns."""
        if self._batch is None:
            self._batch = self._framed()
        return self._batch

    def alone(self, place: int) -> InColumns:
        """The consignment at this place by itself. `within` of it says where its columns are."""
        one = InColumns(
            1,
            batch=lambda: self.only([place]),
            apart={0: self.apart[place]} if place in self.apart else {},
            make=lambda _: self[place],
        )
        one.within = self, place
        return one

    def only(self, places: Sequence[int]) -> Batch:
        """Those at these places as columns, in this order."""
        if list(places) == list(range(len(self))):
            return self.batch()
        if len(set(places)) < len(places):
            return Batch.of([self[place].consignment for place in places])
        row = np.full(len(self), -1, np.int64)
        row[list(places)] = np.arange(len(places))
        return Batch.woven([(self.batch(), row)])

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, place: int) -> Declared: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Declared]: ...
    def __getitem__(self, place: int | slice) -> Declared | Sequence[Declared]:
        """The consignment at this place as a record, or those of a slice."""
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        one = range(len(self))[place]
        if self._made is not None:
            return self._made[one]
        return self.apart[one] if one in self.apart else self._make(one)

    def __iter__(self) -> Iterator[Declared]:
        if self._made is None:
            self._made = [self[place] for place in range(len(self))]
        return iter(self._made)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"<{len(self)} consignments in columns>"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A document of trade as read: an order, a payment or a waybill, with what was wrong in reading it.

    `places` says where values stood in the sender's message, by pointer into our record.
    """

    document: TradeDocument
    findings: tuple[Finding, ...] = ()
    places: Mapping[str, str] = {}


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a message held: consignments, or documents of trade that are matched with them, or movements of parcels that
    are linked to them, or answers where it was one; and findings about the message as a whole.

    Movements declare nothing: findings about one are among those of the whole and point to it, as
    '/movements/0/receptacles/2/id'. `signer` is the SHA-256, in hexadecimal, of the certificate with which all that was
    read is signed; None where the message is not signed. Whether that certificate is to be trusted is for who knows its
    holder.
    """

    format: str
    declared: Sequence[Declared] = ()
    documents: tuple[Told, ...] = ()
    answers: tuple[Answer, ...] = ()
    movements: tuple[Movement, ...] = ()
    findings: tuple[Finding, ...] = ()
    signer: str | None = None
    kept: int = 0
    dropped: tuple[str, ...] = ()
    """`kept` counts the leaf values that found a field, `dropped` names the places of those that did not."""

    def batch(self) -> Batch:
        """The consignments as columns: as they were read, where they were read so."""
        if isinstance(self.declared, InColumns):
            return self.declared.batch()
        return Batch.of([one.consignment for one in self.declared])


class Format(Protocol):
    """A message format: a package under `formats/` with these names at module level."""

    NAME: str
    MEDIA_TYPES: tuple[str, ...]
    ANSWERS: Mapping[AnswerKind, str]
    """How each kind of answer is said in this dialect; a kind that it does not have is not there."""
    POINTERS: str
    """How an answer in this dialect points at a place; '' where it cannot."""

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


@runtime_checkable
class ReadTogether(Protocol):
    """What a format offers besides, where many short messages are read faster together than one by one."""

    def read_many(self, messages: Sequence[bytes], *, jurisdiction: str | None = None) -> list[Reading]:
        """What `read` gives for each of these messages."""


@runtime_checkable
class Compiled(Protocol):
    """What a format offers besides, where it reads much by kernels that must be made ready (`model/kernels.py`)."""

    def ready(self) -> bool:
        """Make them ready; False where they cannot be, and the same is read without them."""


@runtime_checkable
class SheetFormat(Format, Protocol):
    """A format whose messages are rows under headings, which a sender words in his own way."""

    def read_mapped(self, data: bytes, columns: Mapping[str, str], *, jurisdiction: str | None = None) -> Reading:
        """As `read`, where the sender said what his headings stand for: ours by theirs, '' for one to be left out."""

    def titles(self, data: bytes) -> tuple[str, ...]:
        """The headings of the sheet as they stand there, whether they are known or not; () where it has none."""

    def returned(self, data: bytes, columns: Mapping[str, str], reasons: Mapping[int, Sequence[str]]) -> bytes:
        """The sheet with only those rows that have reasons, and the rest of their consignments; b'' where none has.

        Under the sender's own headings, with one more column, `reason`. `reasons` are by number of row.
        """


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


@runtime_checkable
class Divisible(Protocol):
    """What a format offers besides, where a message of it may be cut into messages."""

    def split(self, stream: Stream) -> Iterator[Piece] | None:
        """The message in pieces of about PIECE_BYTES in bounded memory; None where this one cannot be cut.

        What stands unfinished where `stream.finding` says that the stream broke off is left out.
        """

    def read_piece(self, piece: Piece, *, jurisdiction: str | None = None) -> Reading:
        """What `read` gives for its data, with the places of the whole."""


@runtime_checkable
class DivisibleSheet(SheetFormat, Divisible, Protocol):
    """A sheet that may be cut, also where its sender said what his headings stand for. `columns` as in `read_mapped`.

    A piece is to be read with the columns with which it was cut: they say which rows belong together.
    """

    def split_mapped(self, stream: Stream, columns: Mapping[str, str]) -> Iterator[Piece] | None:
        """As `split`."""

    def read_piece_mapped(
        self, piece: Piece, columns: Mapping[str, str], *, jurisdiction: str | None = None
    ) -> Reading:
        """As `read_piece`."""

"""Files unpacked as they are read: plain, gzip, or zip with many members, told by how they begin and never by name.

An archive is a stranger's claim about bytes, so nothing in it is believed: what comes out is counted against limits
while it comes, names are only shown and never used as paths, and what is wrong is a finding after whatever could be
read. Nothing is written to disk, and no more is held than was asked for.

Source: RFC 1952 (gzip); PKWARE APPNOTE 6.3.10 (zip).
"""

from __future__ import annotations

import gzip
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

import msgspec

from tidewaiter.formats.text import found, shortened
from tidewaiter.model.finding import Finding, Kind

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer as Buffer

_LIMIT = "Limit of this installation"

DAMAGED = Kind(
    code="PAK-01",
    severity="error",
    stage="bytes",
    text="The archive is damaged or was cut off; what came before byte {detail} of its content was read.",
    remedy="Pack it again and send it again; what was taken already is not taken twice.",
    law="RFC 1952, section 2.3.1; PKWARE APPNOTE, section 4.3",
)
SWELLS = Kind(
    code="PAK-02",
    severity="error",
    stage="bytes",
    text="The archive unpacks to more than is read here, and the rest was not read: {detail}.",
    remedy="Send it in parts, or unpacked.",
    law=_LIMIT,
)
LOCKED = Kind(
    code="PAK-03",
    severity="error",
    stage="bytes",
    text="This member of the archive cannot be unpacked: {detail}.",
    remedy="Pack it with deflate and without a password.",
    law="PKWARE APPNOTE, sections 4.4.5 and 6",
)
NESTED = Kind(
    code="PAK-04",
    severity="error",
    stage="bytes",
    text="An archive stands within an archive here, and was not read.",
    remedy="Send files packed once.",
    law=_LIMIT,
)
MANY = Kind(
    code="PAK-05",
    severity="error",
    stage="bytes",
    text="The archive has more than {detail} members, and was not read.",
    remedy="Send them in several archives.",
    law=_LIMIT,
)
TWICE = Kind(
    code="PAK-06",
    severity="error",
    stage="bytes",
    text="The archive has another member of the same name before this one, which was not read.",
    remedy="Give each file a name of its own, so that no reader takes another one than you mean.",
    law=_LIMIT,
)
UNSEEKABLE = Kind(
    code="PAK-07",
    severity="error",
    stage="bytes",
    text="A zip archive cannot be read from a pipe: its list of members stands at its end.",
    remedy="Name the file itself, or pipe it as gzip or unpacked.",
    law="PKWARE APPNOTE, section 4.3.6",
)
KINDS = (DAMAGED, SWELLS, LOCKED, NESTED, MANY, TWICE, UNSEEKABLE)

GZIP = b"\x1f\x8b"
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_BYTES = 22
_ENTRY_BYTES = 600
"""More than an entry in the list of members takes, with a name and the extra fields that packers write."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UNREADABLE = (zlib.error, EOFError, gzip.BadGzipFile, zipfile.BadZipFile, struct.error, ValueError, OverflowError)
_PART = 1 << 18


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What may come out of one file. Bytes are those unpacked; `ratio_max` counts once `ratio_from` have come."""

    bytes_max: int = 64 << 30
    ratio_max: int = 200
    ratio_from: int = 16 << 20
    members_max: int = 10_000


LIMITS = Limits()
"""Declarations pack to a tenth or a twentieth; a file of nothing but repeats to a thousandth."""


class Bytes(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


class Stream:
    """The bytes of one file or member as they come, within limits. It never raises for what is wrong with them.

    `finding` says what was wrong, where it ended before its end: then what stands unfinished there must not be used.
    `at` counts the bytes given.
    """

    def __init__(self, inner: Bytes, *, guard: Callable[[int], str] = lambda _: "") -> None:
        self._inner = inner
        self._guard = guard
        self._ahead = b""
        self._taken = 0
        self.at = 0
        self.finding: Finding | None = None

    def read(self, size: int) -> bytes:
        """So many bytes, fewer only at the end."""
        data = self.peek(size)[:size]
        self._ahead = self._ahead[len(data) :]
        self.at += len(data)
        return data

    def peek(self, size: int) -> bytes:
        """The bytes that `read` gives next, at least so many unless the end comes before."""
        parts = [self._ahead]
        held = len(self._ahead)
        while held < size and (part := self._more()):
            parts.append(part)
            held += len(part)
        if len(parts) > 1:
            self._ahead = b"".join(parts)
        return self._ahead

    def as_file(self) -> io.BufferedReader:
        """The same as a file that cannot seek."""
        return io.BufferedReader(_Raw(self))

    def _more(self) -> bytes:
        if self.finding is not None:
            return b""
        try:
            part = self._inner.read(_PART)
        except _UNREADABLE:
            self.finding = found(DAMAGED, f"{self._taken:,}")
            return b""
        self._taken += len(part)
        if wrong := self._guard(len(part)):
            self.finding = found(SWELLS, wrong)
            return b""
        return part


class Member(NamedTuple):
    """One file: itself (its name is ''), or a member of an archive by its name, safe to show and no path."""

    name: str
    stream: Stream
    findings: tuple[Finding, ...] = ()


class _Raw(io.RawIOBase):
    """A stream as a raw file."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer)
        data = self._stream.read(len(view))
        view[: len(data)] = data
        return len(data)


class _Guard:
    """Holds what comes out of one file against its limits."""

    def __init__(self, limits: Limits, size: int | None = None) -> None:
        self._limits = limits
        self._size = size  # of the archive: its members may overlap, so that each looks honest
        self._out = 0

    def over(self, packed: Callable[[], int]) -> Callable[[int], str]:
        """A function that says what is wrong once so many bytes more have come out of what was packed."""
        own = 0

        def wrong(count: int) -> str:
            nonlocal own
            own += count
            self._out += count
            limits = self._limits
            if self._out > limits.bytes_max:
                return f"more than {limits.bytes_max:,} bytes"
            is_bomb = own > limits.ratio_from and own > limits.ratio_max * max(packed(), 1)
            is_all = self._size is not None and self._out > max(limits.ratio_from, limits.ratio_max * self._size)
            if is_bomb or is_all:
                return f"more than {limits.ratio_max:,} times its own size"
            return ""

        return wrong


def is_packed(head: bytes) -> bool:
    """Whether a file that begins so is an archive."""
    return head.startswith((GZIP, *_ZIPS))


def unpacked(file: BinaryIO, *, is_ours: Callable[[bytes], bool], limits: Limits = LIMITS) -> Iterator[Member]:
    """The file, or all it has packed, each to be read before the next is asked for.

    `is_ours` tells by how it begins a message that is itself a kind of archive, as sheets of an office suite are.
    """
    plain = Stream(file)
    head = plain.peek(4096)
    if not is_packed(head) or is_ours(head):
        yield Member("", plain)
    elif head.startswith(GZIP):
        yield _gunzipped("", plain, _Guard(limits), is_ours)
    elif not file.seekable():
        yield _failed(UNSEEKABLE)
    else:
        yield from _unzipped(file, is_ours, limits)


def _failed(kind: Kind, detail: str = "", *, name: str = "") -> Member:
    return Member(name, Stream(_Nothing()), (found(kind, detail),))


class _Nothing:
    def read(self, _size: int, /) -> bytes:
        return b""


def _gunzipped(name: str, packed: Stream, guard: _Guard, is_ours: Callable[[bytes], bool]) -> Member:
    opened = gzip.GzipFile(fileobj=packed.as_file(), mode="rb")
    stream = Stream(opened, guard=guard.over(lambda: packed.at))
    head = stream.peek(4096)
    return _failed(NESTED, name=name) if is_packed(head) and not is_ours(head) else Member(name, stream)


def _unzipped(file: BinaryIO, is_ours: Callable[[bytes], bool], limits: Limits) -> Iterator[Member]:
    guard = _Guard(limits, file.seek(0, 2))
    try:
        if _listed_bytes(file) > limits.members_max * _ENTRY_BYTES:
            yield _failed(MANY, f"{limits.members_max:,}")
            return
        archive = zipfile.ZipFile(file)
    except (*_UNREADABLE, NotImplementedError):
        yield _failed(DAMAGED, "0")
        return
    entries = [entry for entry in archive.infolist() if not entry.is_dir() or entry.file_size]
    if len(entries) > limits.members_max:
        yield _failed(MANY, f"{limits.members_max:,}")
        return
    met: set[str] = set()
    for entry in entries:
        name = safe_name(entry.filename)
        if entry.filename in met:
            yield _failed(TWICE, name=name)
            continue
        met.add(entry.filename)
        yield _member(archive, entry, name, guard, is_ours)


def _member(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, guard: _Guard, is_ours: Callable[[bytes], bool]
) -> Member:
    if entry.flag_bits & 0x1:
        return _failed(LOCKED, "it is encrypted", name=name)
    if entry.compress_type not in _METHODS:
        return _failed(LOCKED, f"it is packed by method {entry.compress_type}", name=name)
    try:
        inner = archive.open(entry)
    except (*_UNREADABLE, NotImplementedError, RuntimeError):
        return _failed(DAMAGED, "0", name=name)
    stream = Stream(inner, guard=guard.over(lambda: entry.compress_size))
    head = stream.peek(4096)
    if is_packed(head) and not is_ours(head):
        return _gunzipped(name, stream, guard, is_ours) if head.startswith(GZIP) else _failed(NESTED, name=name)
    if stream.finding is None and not head and entry.file_size:
        return _failed(DAMAGED, "0", name=name)
    return Member(name, stream)


def safe_name(name: str) -> str:
    """A member's name to be shown: it has no separators of paths and nothing that could turn a line around."""
    return shortened(re.sub(r"[\\/:\s]+", "_", name).lstrip("."), 40) or "_"


def _listed_bytes(file: BinaryIO) -> int:
    """How long the list of members says it is, as `zipfile` will read it whole. Raises BadZipFile where there is
    none."""
    file.seek(0, 2)
    size = file.tell()
    file.seek(max(0, size - _END_BYTES - 0xFFFF))
    tail = file.read()
    place = len(tail) - _END_BYTES
    if not (tail[place:].startswith(_END) and tail.endswith(b"\0\0")):
        place = tail.rfind(_END)
    if place < 0 or len(tail) - place < _END_BYTES:
        raise zipfile.BadZipFile
    if tail[max(0, place - 20) : place].startswith(_LOCATOR64):
        file.seek(max(0, size - len(tail) + place - 20 - 56))
        record = file.read(56)
        if record.startswith(_END64):
            return int(struct.unpack_from("<Q", record, 40)[0])
    return int(struct.unpack_from("<L", tail, place + 12)[0])

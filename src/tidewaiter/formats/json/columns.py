"""Reading JSON by columns: what is regular goes from bytes into the frames of a batch, and the rest record by record.

What a consignment is, is for the reading of one to say: whatever is not plain here is read by it. A record of one that
is plain is made when it is asked for, from the same bytes, by the typed decoder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import msgspec
import numpy as np

from tidewaiter.formats import spans
from tidewaiter.formats.json import shapes
from tidewaiter.formats.json.framing import Judged
from tidewaiter.formats.json.kinds import AND_MORE
from tidewaiter.formats.json.scanning import ODD_TEXT
from tidewaiter.formats.reading import Declared, InColumns, Reading
from tidewaiter.formats.spans import Bytes
from tidewaiter.formats.text import found
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.exact import Whole
from tidewaiter.model.finding import Finding

if TYPE_CHECKING:
    from tidewaiter.formats.json.passing import Passed

NAME = "json"
COLUMNS_MIN = 32_768
"""A message of fewer bytes is sooner read record by record."""
MANY_MIN = 131_072
"""Messages of one consignment that together have fewer bytes are sooner read one by one."""
FINDINGS_MAX = 1_000
"""So many findings about consignments that could not be read at all are listed for one message."""
_BRACE = ord("{")
_GAP_MAX = 64
"""Objects of a list that stand farther apart are looked for one by one."""
_OPENED = re.compile(rb"[ \t\r\n]*\[[ \t\r\n]*(?=\{)")
_IS_BETWEEN = np.zeros(256, np.bool_)
_IS_BETWEEN[list(b", \t\r\n")] = True
_ENVELOPE = re.compile(rb'\s*\{\s*"consignments"\s*:\s*(?=\[)')

# Made here and not at the first message: two threads that each meet a record for the first time crash the process.
_ONE, _RAW = msgspec.json.Decoder(Consignment), msgspec.json.Decoder(msgspec.Raw)

One: TypeAlias = Callable[[str, bytes], Reading]
"""What reads one consignment, from where it stood and its bytes."""


_PASSED: list[type[Passed]] = []
"""What reads a list by the kernel, once it was made ready."""


def ready() -> bool:
    """Make the kernel ready, for a process that will read much; False where numba is not installed.

    It takes about a second, and where it was not yet compiled on this machine, many: who reads one message does better
    without. Until then, and without numba, the same is read more slowly.
    """
    if not _PASSED:
        try:
            from tidewaiter.formats.json.passing import Passed
        except ImportError:
            return False
        spans.ready()
        Passed(b'[{"reference": "A", "jurisdiction": "GB", "version": 1}]', 1).batch()
        _PASSED.append(Passed)
    return True


def _passed(body: bytes, at: int) -> Passed | None:
    """A list whose entries begin there, read by the kernel; None where that is not ready, or it is not plainly one."""
    try:
        return _PASSED[0](body, at) if _PASSED else None
    except (ValueError, MemoryError):  # it asks for more room than it will use
        return None


def _passed_together(texts: Sequence[bytes]) -> Passed | None:
    """The same of a list of these, each of which must be one object by itself."""
    if not _PASSED:
        return None
    passed = _passed(b"[%s]" % b",".join(texts), 1)
    if passed is None or len(passed.starts) != len(texts):
        return None
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    ends = np.cumsum(sizes + 1)
    # Together they may be what none of them is alone: then one does not begin or end where it stands.
    return passed if (passed.ends == ends).all() and (passed.starts == ends - sizes).all() else None


def of_list(body: bytes, one: One, *, before: int = 0) -> Reading | None:
    """The reading of a list or an envelope by columns; None where it is short, or not plainly one.

    `before` is how many entries of its list stood before it.
    """
    if len(body) < COLUMNS_MIN:
        return None
    root = ""
    try:
        if opened := _ENVELOPE.match(body):
            held = msgspec.json.decode(body, type=dict[str, msgspec.Raw]).get("consignments", b"")
            listed = body[opened.end() : opened.end() + len(memoryview(held))]
            # Nothing beside it, nor the same name once more in other letters.
            if listed != bytes(held) or body[opened.end() + len(listed) :].strip() != b"}":
                return None
            body, root = listed, "/consignments"
        opened = _OPENED.match(body)
        if opened and (passed := _passed(body, opened.end())):
            return _read(body, passed.starts, passed.ends, passed, at=lambda place: f"{root}/{before + place}", one=one)
        raws = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, RecursionError):
        return None
    sizes = _sizes(raws)
    starts = _starts(body, raws, sizes)
    if starts is None:
        return None
    ends = starts + sizes
    return _read(body, starts, ends, _judged(body, starts, ends), at=lambda place: f"{root}/{before + place}", one=one)


def of_lines(lines: Sequence[tuple[str, bytes]], one: One) -> Reading | None:
    """The same of one object a line: where each stood, and its bytes."""
    texts = [text for _, text in lines]
    if sum(map(len, texts)) < COLUMNS_MIN:
        return None
    if passed := _passed_together(texts):
        return _read(passed.body, passed.starts, passed.ends, passed, at=lambda place: lines[place][0], one=one)
    body = b"\n".join(texts)
    try:
        raws = msgspec.json.Decoder(msgspec.Raw).decode_lines(body)
    except (msgspec.MsgspecError, RecursionError):
        return None
    # Each is a line of its own: none goes over two, and no line holds two.
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    if len(raws) != len(texts) or (_sizes(raws) != sizes).any():
        return None
    ends = np.cumsum(sizes + 1) - 1
    if (np.frombuffer(body, np.uint8)[ends - sizes] != _BRACE).any():
        return None
    starts = ends - sizes
    return _read(body, starts, ends, _judged(body, starts, ends), at=lambda place: lines[place][0], one=one)


def _sizes(raws: Sequence[msgspec.Raw]) -> Whole:
    """How many bytes each value has."""
    return np.array([len(memoryview(raw)) for raw in raws], np.int64)


def _starts(body: bytes, raws: Sequence[msgspec.Raw], sizes: Whole) -> Whole | None:
    """Where each object of a list of these begins; None where one is none.

    Between two stands a comma and white space, mostly as much as between the first two.
    """
    opened = _OPENED.match(body)
    if opened is None or not len(sizes):
        return None
    starts = opened.end() + np.cumsum(sizes) - sizes
    if len(sizes) == 1:
        return starts
    signs = np.frombuffer(body, np.uint8)
    first_end = opened.end() + int(sizes[0])
    gap = body.find(b"{", first_end) - first_end
    evenly = starts + np.arange(len(sizes)) * gap
    if 0 < gap <= _GAP_MAX and evenly[-1] < len(body) and _is_between(signs, evenly, sizes, gap):
        return evenly
    at = opened.end()
    for place, (raw, size) in enumerate(zip(raws, sizes.tolist(), strict=True)):
        if memoryview(raw)[0] != _BRACE:
            return None
        at = body.index(b"{", at)
        starts[place] = at
        at += size
    return starts


def _is_between(signs: Bytes, starts: Whole, sizes: Whole, gap: int) -> bool:
    """Whether nothing but a comma and white space stands between the end of each and an object so many bytes on."""
    behind = starts[:-1] + sizes[:-1]
    return bool((signs[starts] == _BRACE).all()) and all(
        bool(_IS_BETWEEN[signs[behind + step]].all()) for step in range(gap)
    )


def _read(
    body: bytes, starts: Whole, ends: Whole, judged: Judged | Passed | None, *, at: Callable[[int], str], one: One
) -> Reading | None:
    """The reading of consignments that stand there in the message; those that are not plain are read one by one.

    `at` says where the one at a place stood. None where the message cannot be read so.
    """
    if judged is None:
        return None
    is_odd = judged.is_odd
    gathered = Gathered()
    is_kept = np.ones(len(starts), np.bool_)
    for place in np.flatnonzero(is_odd).tolist():
        reading = one(at(place), body[starts[place] : ends[place]])
        is_kept[place] = bool(reading.declared)
        gathered.add(reading)

    def make(entry: int) -> Declared:
        record = msgspec.json.decode(body[starts[entry] : ends[entry]], type=Consignment)
        return Declared(consignment=record, anchor={"at": at(entry)})

    declared = InColumns.beside(gathered.declared, is_odd, is_kept, batch=judged.batch, make=make)
    return gathered.reading(declared, kept=int(judged.kept[~is_odd].sum()))


def of_many(messages: Sequence[bytes]) -> list[Reading | None] | None:
    """The readings of messages of one consignment each, by columns together; None in the place of one that is not
    plain, and instead of all where they are few or short.

    Each is seen to be an object by itself first, so that none can reach into another.
    """
    if sum(map(len, messages)) < MANY_MIN:
        return None
    places = [place for place, one in enumerate(messages) if one.startswith(b"{") and one.endswith(b"}")]
    texts = [messages[place] for place in places]
    judged: Judged | Passed | None = _passed_together(texts) if texts else None
    if judged is None:
        places = [place for place in places if _is_object(messages[place])]
        texts = [messages[place] for place in places]
        sizes = np.array(list(map(len, texts)), np.int64)
        ends = np.cumsum(sizes + 1) - 1
        judged = _judged(b"\n".join(texts), ends - sizes, ends)
    if judged is None:
        return None
    together = InColumns(
        len(places), batch=judged.batch, apart={}, make=lambda place: Declared(consignment=_ONE.decode(texts[place]))
    )
    readings: list[Reading | None] = [None] * len(messages)
    kept = judged.kept.tolist()
    for number in np.flatnonzero(~judged.is_odd).tolist():
        readings[places[number]] = Reading(format=NAME, declared=together.alone(number), kept=kept[number])
    return readings


def _is_object(body: bytes) -> bool:
    try:
        return body.startswith(b"{") and len(memoryview(_RAW.decode(body))) == len(body)
    except (msgspec.MsgspecError, RecursionError):
        return False


def _judged(body: bytes, starts: Whole, ends: Whole) -> Judged | None:
    """The objects that stand there in the message, judged; None where it cannot be read by columns."""
    is_ascii = body.isascii()
    try:
        if not is_ascii:
            body.decode()
    except UnicodeDecodeError:
        return None
    told = shapes.found(body, starts, ends) if len(starts) else None
    if told is None:
        return None
    judged = Judged(told)
    if not is_ascii or b"\x7f" in body:
        odd = [match.start() for match in ODD_TEXT.finditer(body)]
        judged.is_odd[np.searchsorted(starts, odd, "right") - 1] = True
    return judged


class Gathered:
    """Readings of single consignments on their way to become one."""

    def __init__(self, findings: Iterable[Finding] = ()) -> None:
        self.declared: list[Declared] = []
        self._findings = list(findings)
        self._dropped: list[str] = []
        self._kept = self._unlisted = 0

    def add(self, one: Reading) -> None:
        """One more."""
        self._kept += one.kept
        self._dropped += one.dropped
        self.declared += one.declared
        room = FINDINGS_MAX - len(self._findings)
        self._findings += one.findings[:room]
        self._unlisted += len(one.findings[room:])

    def reading(self, declared: Sequence[Declared] | None = None, kept: int = 0) -> Reading:
        """All of them, or these consignments with their findings. `kept` counts what was kept beside them."""
        more = [found(AND_MORE, f"{self._unlisted:,}")] if self._unlisted else []
        return Reading(
            format=NAME,
            declared=tuple(self.declared) if declared is None else declared,
            findings=(*self._findings, *more),
            kept=self._kept + kept,
            dropped=tuple(self._dropped),
        )

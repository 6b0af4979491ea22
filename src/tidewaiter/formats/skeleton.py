"""A message of XML as its skeleton and its texts, and what was learnt of the skeletons that were met.

Messages of one sender repeat all but their texts. A message is cut into what stands around its records, the records,
and the items of each (a declaration and its goods items), and each of these into a skeleton, which is every byte but
the texts, and the texts. What was learnt of a skeleton holds for every message that has it: its tags are those that
expat passed and the mapping walked before, and the texts between them have no bracket. A text that is not printable,
has blanks at an end, or is empty is never taken: it stands in the skeleton, or the message is not cut.

What is learnt is a format's own; see `plan`. It may depend on some of the texts, too, the codes that say which field
a value is for. All is kept within bounds, the oldest forgotten first unless it was of use, and a skeleton is learnt
only when it comes a second time, so that who never repeats himself costs no more than the cut.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import numpy as np

from tidewaiter.formats.envelopes import Wrapped, unwrapped
from tidewaiter.formats.tree import BYTES_MAX, Node, may_have_too_many, text_of

if TYPE_CHECKING:
    from tidewaiter.formats.spanned import Spanned

_BETWEEN, _APART, _NEXT = "\x00", "\x01", "\x02"
"""Stand for a text in a skeleton, for where records or items were cut out, and between parts while they are cut. XML
has no such characters."""
_TEXTS = re.compile(r">([^<>\s\x00-\x02][^<>\x01\x02]*)</")
_SEGMENT_MAX = 32_768
"""Characters of a part with its texts, none of which is then over the limit of a text."""
_SKELETONS_MAX, _CHARACTERS_MAX, _WAYS_MAX = 1_024, 2_000_000, 64
"""Skeletons that are known, their characters together, and how many sets of deciding texts are known of one."""
_SEEN_MAX = 8_192
_TOGETHER = 16
"""So many records are cut at once: few enough for what is made on the way to be still at hand."""

Learnt = TypeVar("Learnt")


class Segment(NamedTuple):
    """A part of a message: its skeleton and its texts in their order."""

    skeleton: str
    texts: list[str]

    @property
    def split(self) -> int:
        """How many of its texts stand before what was cut out of it."""
        return self.skeleton.count(_BETWEEN, 0, self.skeleton.index(_APART))


class Record(NamedTuple):
    """A record of a message: what stands before and behind its items as one; the items."""

    frame: Segment
    items: list[Segment]


class Envelopes(NamedTuple):
    """The elements that stand around each record, by their name without prefix: what stands before each record and
    behind it where it is alone in the message, that as one, the records, and what stands behind all."""

    name: str
    befores: Sequence[str]
    arounds: Sequence[Segment]
    bodies: Sequence[str]
    behind: str

    def alone(self, place: int, start: str) -> bytes:
        """The message with one of its records alone, by its place from 0 and the tag it starts with."""
        return f"{self.befores[place]}{start}{self.bodies[place]}{self.behind}".encode()


class Cut(NamedTuple):
    """A message that was cut: what stands around its records as one; the records.

    `start` and `start_of_item` are the tags that records and items begin with. Where each record has an envelope of
    its own, `around` is what stands around the first where it is alone in the message, and `envelopes` tells of all.
    """

    around: Segment
    records: list[Record]
    start: str
    start_of_item: str
    envelopes: Envelopes | None = None


class Spread(NamedTuple):
    """A message that was cut by the kernel; `around` and `envelopes` as in `Cut`."""

    around: Segment
    envelopes: Envelopes | None
    records: Spanned


class Opened(NamedTuple):
    """A message about to be cut: its bytes, the tags that records and items begin and end with, what stands before the
    first record, these, each with all that stands before the next, and what stands behind the last. `wrapped` where
    each has an envelope of its own."""

    data: bytes
    start: str
    end: str
    start_of_item: str
    end_of_item: str
    before: str
    bodies: list[str]
    behind: str
    wrapped: Wrapped | None

    @property
    def own(self) -> list[str]:
        """The records out of their envelopes."""
        return self.bodies if self.wrapped is None else self.wrapped.bodies


class Saw:
    """Cuts messages whose records are elements with these names, and their items elements with this one.

    With `single_blanks` a message is not cut that has two blanks together in a text. The tags of items have the prefix
    of the record, or none with `bare_items`.
    """

    def __init__(self, records: Sequence[str], item: str, *, single_blanks: bool, bare_items: bool) -> None:
        self._single_blanks, self._bare_items = single_blanks, bare_items
        self._record = re.compile(rf"<([^<>/\s:]{{1,64}}:)?(?:{'|'.join(records)})(?:\s[^<>]*)?>")
        self._item = item

    def opened(self, data: bytes) -> Opened | None:
        """The message about to be cut; None where it must be read as a whole."""
        if len(data) > BYTES_MAX:
            return None
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return None
        opening = self._record.search(text)
        if opening is None or any(sign in text for sign in (_BETWEEN, _APART, _NEXT)):
            return None
        if may_have_too_many(data):
            return None
        start = opening[0]
        before, *bodies = text.split(start)
        end = _end_of(start)
        last, has_end, behind = bodies[-1].rpartition(end)
        if not has_end:
            return None
        bodies[-1] = last + end
        wrapped: Wrapped | None = None
        if len(bodies) > 1 and not bodies[0].rstrip().endswith(end):
            wrapped = unwrapped(before, bodies, behind, end)
        start_of_item = f"<{'' if self._bare_items else opening[1] or ''}{self._item}>"
        return Opened(data, start, end, start_of_item, _end_of(start_of_item), before, bodies, behind, wrapped)

    def cut(self, opened: Opened) -> Cut | None:
        """The message cut; None where it must be read as a whole."""
        knife = _Knife(single_blanks=self._single_blanks)
        around = _around(opened, knife)
        if around is None:
            return None
        records: list[Record] = []
        bodies = opened.own
        for first in range(0, len(bodies), _TOGETHER):
            some = [_frame_and_items(body, opened) for body in bodies[first : first + _TOGETHER]]
            segments = knife.cut([part for parts in some for part in parts])
            if segments is None:
                return None
            left = iter(segments)
            records += [Record(next(left), list(itertools.islice(left, len(parts) - 1))) for parts in some]
        return Cut(around[0], records, opened.start, opened.start_of_item, around[1])

    def spread(self, opened: Opened) -> Spread | None:
        """The message cut by the kernel; None where that is not `ready`, or it may have to be read as a whole."""
        around = _around(opened, _Knife(single_blanks=self._single_blanks)) if _SPREAD else None
        if around is None:
            return None
        data = opened.data
        size = len if data.isascii() else _bytes_in
        begins = np.cumsum([size(opened.before), *map(size, opened.bodies[:-1])])
        begins += np.arange(1, len(begins) + 1) * size(opened.start)
        ends = begins + np.fromiter(map(size, opened.own), np.int64, len(begins))
        records = _SPREAD[0](
            data,
            (begins, ends),
            (opened.start_of_item.encode(), opened.end_of_item.encode()),
            part_max=_SEGMENT_MAX,
            single_blanks=self._single_blanks,
        )
        return None if records is None else Spread(*around, records)


_SPREAD: list[Callable[..., Spanned | None]] = []
"""`spanned.spanned`, once it was made ready."""


def ready() -> bool:
    """Make the kernel ready, for a process that will read much; False where numba is not installed."""
    if not _SPREAD:
        try:
            from tidewaiter.formats.spanned import ready
        except ImportError:
            return False
        _SPREAD.append(ready())
    return True


def _end_of(start: str) -> str:
    """The end tag for a start tag."""
    return f"</{start[1:-1].split(maxsplit=1)[0]}>"


def _bytes_in(text: str) -> int:
    return len(text.encode())


def _around(opened: Opened, knife: _Knife) -> tuple[Segment, Envelopes | None] | None:
    """What stands around the first record where it is alone, as one; the envelopes, where each record has one."""
    wrapped = opened.wrapped
    befores = [opened.before] if wrapped is None else wrapped.befores
    different = list(dict.fromkeys(befores))
    cut = knife.cut([f"{one}{_APART}{opened.start}{_APART}{opened.behind}" for one in different])
    if cut is None:
        return None
    around = dict(zip(different, cut, strict=True))
    envelopes = None
    if wrapped is not None:
        arounds = [around[one] for one in befores]
        envelopes = Envelopes(wrapped.name, befores, arounds, wrapped.bodies, opened.behind)
    return around[befores[0]], envelopes


def _frame_and_items(body: str, opened: Opened) -> list[str]:
    """What stands around the items of a record, and what is in each."""
    start = opened.start_of_item
    before, *items = body.split(start)
    if not items:
        return [f"{before}{_APART}{_APART}"]
    last, end, behind = items[-1].rpartition(opened.end_of_item)
    items[-1] = last + end
    return [f"{before}{_APART}{start}{_APART}{behind}", *items]


class _Knife:
    """Cuts the parts of one message. Skeletons that are the same are one text."""

    def __init__(self, *, single_blanks: bool) -> None:
        self._single_blanks = single_blanks
        self._met: dict[str, tuple[str, int]] = {}

    def cut(self, parts: Sequence[str]) -> list[Segment] | None:
        """The parts cut; None where one has a text that must be looked at closely."""
        if max(map(len, parts)) > _SEGMENT_MAX:
            return None
        pieces = _TEXTS.split(_NEXT.join(parts))
        texts = pieces[1::2]
        joined = ">".join(texts)
        if "&" in joined:
            told = [text_of(one) if "&" in one else one for one in texts]
            texts = [one for one in told if one is not None and one and one.isprintable() and one == one.strip()]
            if len(texts) < len(told) or (self._single_blanks and any("  " in one for one in texts)):
                return None
        elif (
            " >" in joined or joined[-1:] == " " or not joined.isprintable() or (self._single_blanks and "  " in joined)
        ):
            return None
        segments: list[Segment] = []
        end = 0
        for skeleton in _BETWEEN.join(pieces[::2]).split(_NEXT):
            met = self._met.get(skeleton)
            if met is None:
                met = self._met[skeleton] = skeleton, skeleton.count(_BETWEEN)
            begin, end = end, end + met[1]
            segments.append(Segment(met[0], texts[begin:end]))
        return segments


class Places(NamedTuple):
    """Where the text of an element stands among those of its segment, by the first byte of the element."""

    around: dict[int, int]
    frames: list[dict[int, int]]
    items: list[list[dict[int, int]]]


def places(cut: Cut, root: Node) -> Places | None:
    """The places of all texts of a message that was cut, by its tree; None where they are not the same texts."""
    nodes = [node for node in nodes_in(root) if node.text]
    left = iter(nodes)

    def taken(segment: Segment, first: int = 0, last: int | None = None) -> dict[int, int]:
        return {next(left).index: place for place in range(first, len(segment.texts) if last is None else last)}

    count = len(cut.around.texts) + sum(
        len(one.frame.texts) + sum(len(item.texts) for item in one.items) for one in cut.records
    )
    if count != len(nodes):
        return None
    around, frames, items = taken(cut.around, 0, cut.around.split), [], []
    for record in cut.records:
        frame = taken(record.frame, 0, record.frame.split)
        items.append([taken(item) for item in record.items])
        frames.append({**frame, **taken(record.frame, record.frame.split)})
    around.update(taken(cut.around, cut.around.split))
    found = Places(around, frames, items)
    return found if _have_texts(cut, found, {node.index: node.text for node in nodes}) else None


def _have_texts(cut: Cut, found: Places, texts: Mapping[int, str]) -> bool:
    segments = [(cut.around, found.around)]
    for record, frame, items in zip(cut.records, found.frames, found.items, strict=True):
        segments += [(record.frame, frame), *zip(record.items, items, strict=True)]
    return all(texts[index] == segment.texts[place] for segment, where in segments for index, place in where.items())


def stand_together(data: bytes, start: str, nodes: Sequence[Node], within: Node) -> bool:
    """Whether these elements of the message begin with the tag, and stand one behind the other in one element."""
    tag = start.encode()
    if nodes[0] is within:
        return len(nodes) == 1 and data.startswith(tag, within.index)
    above = next((node for node in nodes_in(within) if any(child is nodes[0] for child in node.children)), None)
    if above is None:
        return False
    first = next(place for place, child in enumerate(above.children) if child is nodes[0])
    run = above.children[first : first + len(nodes)]
    return len(run) == len(nodes) and all(
        one is other and data.startswith(tag, other.index) for one, other in zip(run, nodes, strict=True)
    )


def nodes_in(node: Node) -> Iterator[Node]:
    """An element and all in it, in the order in which they begin."""
    yield node
    for child in node.children:
        yield from nodes_in(child)


class Ways(Generic[Learnt]):
    """What is known of a skeleton: which of its texts decide, and what was learnt for those that were met."""

    __slots__ = ("count", "deciding", "number", "used", "ways")

    def __init__(self, number: int, count: int, deciding: Sequence[int]) -> None:
        self.number, self.count, self.deciding = number, count, tuple(deciding)
        self.ways: dict[tuple[str, ...], Learnt] = {}
        self.used = True


class Skeletons(Generic[Learnt]):
    """What was learnt of skeletons. Safe to use from several threads.

    What is learnt within a message holds only where the same stands around it, since that says what prefixes mean:
    `within` is the number that `find` gave for what stands around, 0 for that itself.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], Ways[Learnt]] = {}
        self._characters = 0
        self._seen: dict[int, int] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def find(self, segment: Segment, within: int = 0) -> tuple[int, Learnt] | None:
        """The number of the skeleton and what was learnt of it; None where it is not known."""
        known = self.ways(segment.skeleton, within)
        if known is None:
            return None
        texts = segment.texts
        if len(texts) != known.count:
            return None
        learnt = known.ways.get(tuple([texts[place] for place in known.deciding]))
        return None if learnt is None else (known.number, learnt)

    def ways(self, skeleton: str, within: int = 0) -> Ways[Learnt] | None:
        """All that was learnt of the skeleton; None where it is not known."""
        known = self._known.get((within, skeleton))
        if known is not None:
            known.used = True
        return known

    def is_due(self, segment: Segment, within: int = 0) -> bool:
        """Whether to learn of a skeleton that is not known: when it comes a 2nd, 4th, 8th time and so on."""
        known = self._known.get((within, segment.skeleton))
        deciding = () if known is None else tuple(segment.texts[place] for place in known.deciding)
        mark = hash((within, segment.skeleton, deciding))
        if len(self._seen) >= _SEEN_MAX:
            self._seen.clear()
        self._seen[mark] = count = self._seen.get(mark, 0) + 1
        return count > 1 and not count & (count - 1)

    def learn(self, segment: Segment, learnt: Learnt, deciding: Sequence[int], within: int = 0) -> int:
        """Keep what was learnt, with the places of the texts that decide; the number of the skeleton."""
        key = (within, segment.skeleton)
        told = tuple(segment.texts[place] for place in deciding)
        with self._lock:
            known = self._known.get(key)
            if known is None or known.deciding != tuple(deciding) or len(known.ways) >= _WAYS_MAX:
                self._forget(key)
                known = Ways(next(self._numbers), len(segment.texts), deciding)
                self._characters += len(segment.skeleton)
                self._known[key] = known
            known.ways[told] = learnt
            while len(self._known) > _SKELETONS_MAX or self._characters > _CHARACTERS_MAX:
                oldest, kept = next(iter(self._known.items()))
                self._forget(oldest)
                if kept.used and oldest != key:  # of use since the last round: once more round
                    kept.used = False
                    self._known[oldest] = kept
                    self._characters += len(oldest[1])
            return known.number

    def forget(self) -> None:
        """Forget everything."""
        with self._lock:
            self._known.clear()
            self._seen.clear()
            self._characters = 0

    def _forget(self, key: tuple[int, str]) -> None:
        if self._known.pop(key, None) is not None:
            self._characters -= len(key[1])

"""Messages of a shape that was met before: their texts go where the texts before them went.

A format whose messages are records with items in them (declarations with goods items) has one `Memory`. It asks it for
what a message holds before it makes a tree of it, and where it is asked to, has it learn from the tree. What is made
is what the format makes of the tree; where it might not be, None is given, and the tree is made.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, overload

import numpy as np

from tidewaiter.formats.plan import Found, Plan, Trace
from tidewaiter.formats.reading import Declared, InColumns
from tidewaiter.formats.skeleton import (
    Cut,
    Envelopes,
    Opened,
    Record,
    Saw,
    Segment,
    Skeletons,
    nodes_in,
    places,
    ready,
    stand_together,
)
from tidewaiter.formats.stacks import Alike, Laid, Stack, Texts, numbered
from tidewaiter.formats.tree import Node
from tidewaiter.model.exact import Whole

__all__ = [
    "Around", "Known", "Lesson", "Memory", "Met", "Reading", "Settling", "Stacks", "Told", "ready",
]  # fmt: skip

if TYPE_CHECKING:
    from tidewaiter.formats.spanned import Cuts

ITEMS = "items"
"""The field of ours that has the items."""
COLUMNS_MIN = 16
"""Fewer records of a message are sooner made one by one."""
ALONE_MAX = 64
"""So many shapes are learnt at most of one message of envelopes."""

Own = TypeVar("Own")
OwnOfFrame = TypeVar("OwnOfFrame")
OwnOfItem = TypeVar("OwnOfItem")


class Around(NamedTuple, Generic[Own]):
    """What stands around the records: the path of the first, without a number at its end, how many values were kept
    and which dropped, and what the format wants to know of it."""

    path: str
    kept: int
    dropped: tuple[str, ...]
    own: Own


class Known(NamedTuple, Generic[Own]):
    """A record but for its items, or an item: how its fields are filled, how many values are kept, and which dropped
    before and behind the items, by paths below its own; and what the format wants to know of it."""

    plan: Plan
    kept: int
    before: tuple[str, ...]
    behind: tuple[str, ...]
    own: Own


class Told(NamedTuple):
    """A record that was read with a trace, and its path."""

    node: Node
    path: str
    trace: Trace


class Lesson(NamedTuple, Generic[Own, OwnOfFrame, OwnOfItem]):
    """What a format tells of a message that it read by its tree: what stands around the records, these, and all that
    was dropped of the message.

    `deciding` are the elements around the records whose texts say what becomes of these. What is known of a record but
    for its items, and of an item, comes from `own_of_frame` and `own_of_item`, which are told the record, the place of
    the item, and the places of the texts by the first bytes of their elements. With None the shape is not learnt.
    """

    around: Around[Own]
    told: Sequence[Told]
    dropped: Sequence[str]
    deciding: Sequence[Node]
    own_of_frame: Callable[[Told, Mapping[int, int]], OwnOfFrame | None]
    own_of_item: Callable[[Told, int, Mapping[int, int]], OwnOfItem | None]


class Met(NamedTuple, Generic[Own, OwnOfFrame, OwnOfItem]):
    """A record of known shape: its path, what is known of what stands around it, and of itself and its items, each with
    its texts."""

    path: str
    around: Own
    frame: Known[OwnOfFrame]
    texts: Found
    items: list[tuple[Known[OwnOfItem], Found]]

    def fields(self) -> dict[str, Any]:
        """Its fields, items among them as a list. Raises ValueError where a text must be looked at closely."""
        fields = self.frame.plan.fields(self.texts)
        if self.items:
            fields[ITEMS] = [item.plan.record(texts) for item, texts in self.items]
        return fields


class Settling(NamedTuple, Generic[Own, OwnOfFrame, OwnOfItem]):
    """What a format works out of a record once it is read: these `fields`, from what they say themselves, the names
    in `reads`, and those of items in `of_item`. `settle` does so, and says whether there is nothing to be found."""

    fields: frozenset[str]
    reads: frozenset[str]
    of_item: frozenset[str]
    settle: Callable[[Met[Own, OwnOfFrame, OwnOfItem], dict[str, Any]], bool]


class Stacks(NamedTuple, Generic[OwnOfFrame, OwnOfItem]):
    """Records, and items of them, by what is known of them: stacks of each, and the texts of all."""

    frames: list[tuple[Known[OwnOfFrame], Stack]]
    items: list[tuple[Known[OwnOfItem], Stack]]
    texts: Texts

    def some(self, names: Collection[str], of_item: Collection[str], count: int) -> list[dict[str, Any]]:
        """These fields alone of each of so many records, and of its items those. What is made of texts that are the
        same is the same. Raises ValueError where a text must be looked at closely."""
        fields: list[dict[str, Any]] = [{ITEMS: []} for _ in range(count)]
        for known, stack in self.frames:
            rows = stack.rows.tolist()
            for row in rows:
                fields[row].update(known.plan.constants)
            for name, plan in known.plan.each(names):
                made, which = _made(stack, plan, plan.fields)
                values = [one[name] for one in made]
                for row, one in zip(rows, which, strict=True):
                    fields[row][name] = values[one]
        items: list[tuple[int, int, Any]] = []
        for known_item, stack in self.items:
            plan = known_item.plan.only(of_item)
            made, which = _made(stack, plan, plan.record)
            places = [] if stack.items is None else stack.items.tolist()
            items += zip(stack.rows.tolist(), places, [made[one] for one in which], strict=True)
        items.sort(key=itemgetter(0, 1))
        for row, _, record in items:
            fields[row][ITEMS].append(record)
        return fields


def _made(stack: Stack, plan: Plan, make: Callable[[Found], Any]) -> tuple[list[Any], list[int]]:
    """What the plan makes of the different texts of a stack, and which of these each has."""
    told, which = stack.texts.together(plan.places)
    return [make(dict(zip(plan.places, one, strict=True))) for one in told], which.tolist()


class Reading(Generic[Own, OwnOfFrame, OwnOfItem]):
    """A message whose shape is known: the records, how many values were kept, which dropped.

    `stacks` makes stacks of the records, when they are asked for.
    """

    def __init__(
        self,
        records: Sequence[Met[Own, OwnOfFrame, OwnOfItem]],
        kept: int,
        dropped: Sequence[str],
        stacks: Callable[[], Stacks[OwnOfFrame, OwnOfItem]],
    ) -> None:
        self.records, self.kept, self.dropped = records, kept, dropped
        self._make_stacks = stacks

    @functools.cached_property
    def stacks(self) -> Stacks[OwnOfFrame, OwnOfItem]:
        """The records in stacks."""
        return self._make_stacks()

    def in_columns(
        self, settling: Settling[Own, OwnOfFrame, OwnOfItem], make: Callable[[int], Declared]
    ) -> InColumns | None:
        """The consignments as columns; None where they are few, or something calls for a closer look.

        `make` makes the record of the one at a place.
        """
        if len(self.records) < COLUMNS_MIN:
            return None
        settled: dict[str, list[Any]] = {name: [] for name in settling.fields}
        try:
            some = self.stacks.some(settling.reads, settling.of_item, len(self.records))
            for met, fields in zip(self.records, some, strict=True):
                if not settling.settle(met, fields):
                    return None
                for name, values in settled.items():
                    values.append(fields.get(name))
            stacks = [stack for _, stack in (*self.stacks.frames, *self.stacks.items)]
            laid = Laid(stacks, self.stacks.texts, settled=settling.fields, aside=settling.reads)
        except ValueError:
            return None
        laid.settle(settled)
        return InColumns(len(self.records), batch=laid.batch, apart={}, make=make)


def _heaped(records: Sequence[Met[Own, OwnOfFrame, OwnOfItem]], cut: Sequence[Record]) -> Stacks[OwnOfFrame, OwnOfItem]:
    """Records in stacks, with the texts that were cut out of each."""
    texts: list[str] = []
    frames, items = _Heap[OwnOfFrame](texts), _Heap[OwnOfItem](texts)
    for row, (met, record) in enumerate(zip(records, cut, strict=True)):
        frames.add(met.frame, record.frame.texts, row, -1)
        for place, ((item, _), segment) in enumerate(zip(met.items, record.items, strict=True)):
            items.add(item, segment.texts, row, place)
    words, which = numbered(texts)
    every = Texts(which, words)
    return Stacks(frames.stacks(every), items.stacks(every), every)


class _Heap(Generic[Own]):
    """Records or items by what is known of them, on their way to stacks. Their texts come to those of all."""

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts
        self._of: dict[int, tuple[Known[Own], list[tuple[int, int, int]], int]] = {}

    def add(self, known: Known[Own], texts: Sequence[str], row: int, item: int) -> None:
        """One more: its consignment, and which of the items of that it is, -1 where it is none."""
        held = self._of.get(id(known))
        if held is None:
            held = self._of[id(known)] = known, [], len(texts)
        held[1].append((row, item, len(self._texts)))
        self._texts.extend(texts)

    def stacks(self, texts: Texts) -> list[tuple[Known[Own], Stack]]:
        """The stacks."""
        stacks: list[tuple[Known[Own], Stack]] = []
        for known, each, width in self._of.values():
            rows, items, firsts = np.array(each).T
            stacks.append(
                (known, Stack(known.plan, rows, None if items[0] < 0 else items, Alike(texts, firsts, width)))
            )
        return stacks


class _Texts:
    """The texts of one record or item, from the first on among those of all."""

    __slots__ = ("_first", "_texts")

    def __init__(self, texts: Texts, first: int) -> None:
        self._texts, self._first = texts, first

    def __getitem__(self, place: int) -> str:
        texts = self._texts
        return texts.words[texts.listed[self._first + place]]


class _Spread(Sequence[Met[Own, OwnOfFrame, OwnOfItem]]):
    """Records that were cut by the kernel, each made when it is asked for."""

    def __init__(
        self,
        each: Sequence[tuple[int, str, Own]],
        frames: _Parts[OwnOfFrame],
        items: _Parts[OwnOfItem],
        begins: Sequence[int],
        texts: Texts,
    ) -> None:
        self._each, self._frames, self._items, self._begins, self._texts = each, frames, items, begins, texts

    def __len__(self) -> int:
        return len(self._each)

    @overload
    def __getitem__(self, place: int) -> Met[Own, OwnOfFrame, OwnOfItem]: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Met[Own, OwnOfFrame, OwnOfItem]]: ...

    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return [self[one] for one in range(len(self))[place]]
        texts, of_items = self._texts, self._items
        items: list[tuple[Known[OwnOfItem], Found]] = [
            (of_items.known[of_items.which[one]], _Texts(texts, of_items.first[one]))
            for one in range(self._begins[place], self._begins[place + 1])
        ]
        _, path, own = self._each[place]
        frame = self._frames.known[self._frames.which[place]]
        return Met(path, own, frame, _Texts(texts, self._frames.first[place]), items)


class _Parts(Generic[Own]):
    """Records or items that were cut by the kernel: the different things that are `known` of them, `which` of them is
    known of each, and the place of its `first` text."""

    def __init__(self, size: int, first: Whole) -> None:
        self.known: list[Known[Own]] = []
        self.which: list[int] = [0] * size
        self.first: list[int] = first.tolist()
        self._stacked: list[tuple[Whole, Alike]] = []

    @classmethod
    def of(
        cls, skeletons: Skeletons[Known[Own]], within: Whole, names: Sequence[str], cuts: Cuts, texts: Texts
    ) -> _Parts[Own] | None:
        """By what is learnt of the skeletons with these names, `within` what stands around each; None where nothing
        is."""
        parts = cls(len(within), cuts.first)
        which = np.empty(len(within), np.int64)
        codes = within * len(names) + cuts.skeleton
        for code in np.unique(codes).tolist():
            number, skeleton = divmod(code, len(names))
            ways = skeletons.ways(names[skeleton], number)
            if ways is None:
                return None
            at = np.flatnonzero(codes == code)
            alike = Alike(texts, cuts.first[at], ways.count)
            told, way = alike.together(ways.deciding)
            which[at] = len(parts.known) + way
            for place, one in enumerate(told):
                learnt = ways.ways.get(one)
                if learnt is None:
                    return None
                own = np.flatnonzero(way == place)
                parts.known.append(learnt)
                parts._stacked.append((at[own], alike.some(own)))
        parts.which = which.tolist()
        return parts

    @property
    def kept(self) -> int:
        """How many values are kept in all."""
        return sum(len(at) * one.kept for (at, _), one in zip(self._stacked, self.known, strict=True))

    def stacks(self, rows: Whole, items: Whole | None) -> list[tuple[Known[Own], Stack]]:
        """The stacks of them, by the record each is or is in, and which item of it."""
        return [
            (known, Stack(known.plan, rows[at], None if items is None else items[at], texts))
            for known, (at, texts) in zip(self.known, self._stacked, strict=True)
        ]


class Memory(Generic[Own, OwnOfFrame, OwnOfItem]):
    """What a format knows of the shapes of messages. Records and items are elements with these names.

    `way` is the path from a record to its items, without a number. With `numbers_all` a record has a number in its
    path where it is the only one, too. `single_blanks` and `bare_items` are those of `skeleton.Saw`.
    """

    def __init__(
        self,
        records: Sequence[str],
        way: str,
        *,
        numbers_all: bool = False,
        single_blanks: bool = False,
        bare_items: bool = False,
    ) -> None:
        self._way = way
        self._numbers_all = numbers_all
        self._saw = Saw(records, way.rpartition("/")[2], single_blanks=single_blanks, bare_items=bare_items)
        self._around: Skeletons[Around[Own]] = Skeletons()
        self._frames: Skeletons[Known[OwnOfFrame]] = Skeletons()
        self._items: Skeletons[Known[OwnOfItem]] = Skeletons()

    def forget(self) -> None:
        """Forget all that was learnt."""
        for skeletons in (self._around, self._frames, self._items):
            skeletons.forget()

    def cut(self, data: bytes) -> Cut | None:
        """The message cut; None where it is to be read as a tree."""
        opened = self._saw.opened(data)
        return None if opened is None else self._saw.cut(opened)

    def held(self, data: bytes) -> tuple[Reading[Own, OwnOfFrame, OwnOfItem] | None, Cut | None]:
        """What a message holds, where all of its shape is known; else, where it can be cut, the message cut."""
        opened = self._saw.opened(data)
        if opened is None:
            return None, None
        known = self._at_once(opened) if len(opened.bodies) >= COLUMNS_MIN else None
        if known is not None:
            return known, None
        message = self._saw.cut(opened)
        known = None if message is None else self.reading(message)
        return (known, None) if known is not None else (None, message)

    def _at_once(self, opened: Opened) -> Reading[Own, OwnOfFrame, OwnOfItem] | None:
        """What a message holds, cut by the kernel; None where that is not ready (`ready`), or cannot tell."""
        spread = self._saw.spread(opened)
        stands = None if spread is None else self._stands(spread.around, spread.envelopes, len(opened.bodies))
        if spread is None or stands is None:
            return None
        names, of_frames, of_items, rows, texts = spread.records
        within = np.array([number for number, _, _ in stands.each])
        frames = _Parts.of(self._frames, within, names, of_frames, texts)
        items = None if frames is None else _Parts.of(self._items, within[rows], names, of_items, texts)
        if frames is None or items is None:
            return None
        every = np.arange(len(within))
        begins = np.searchsorted(rows, np.arange(len(within) + 1))
        records = _Spread(stands.each, frames, items, begins.tolist(), texts)

        def stacks() -> Stacks[OwnOfFrame, OwnOfItem]:
            places = np.arange(len(rows)) - begins[rows]
            return Stacks(frames.stacks(every, None), items.stacks(rows, places), texts)

        if any(one.before or one.behind for one in frames.known) or any(one.before for one in items.known):
            for met in records:
                stands.dropped.extend(self._dropped(met))
        return Reading(records, stands.kept + frames.kept + items.kept, stands.dropped, stacks)

    def _dropped(self, met: Met[Own, OwnOfFrame, OwnOfItem]) -> Iterator[str]:
        """The paths of what was dropped of a record."""
        for below in met.frame.before:
            yield met.path + below
        for place, (item, _) in enumerate(met.items):
            if item.before:
                here = self.path_of_item(met.path, place)
                for below in item.before:
                    yield here + below
        for below in met.frame.behind:
            yield met.path + below

    def reading(self, message: Cut) -> Reading[Own, OwnOfFrame, OwnOfItem] | None:
        """What the message holds, where all of its shape is known; else None."""
        stands = self._stands(message.around, message.envelopes, len(message.records))
        if stands is None:
            return None
        kept, dropped = stands.kept, stands.dropped
        records: list[Met[Own, OwnOfFrame, OwnOfItem]] = []
        for (number, path, own), record in zip(stands.each, message.records, strict=True):
            known_frame = self._frames.find(record.frame, number)
            if known_frame is None:
                return None
            frame = known_frame[1]
            kept += frame.kept
            items: list[tuple[Known[OwnOfItem], Found]] = []
            for segment in record.items:
                known_item = self._items.find(segment, number)
                if known_item is None:
                    return None
                item = known_item[1]
                items.append((item, segment.texts))
                kept += item.kept
            met = Met(path, own, frame, record.frame.texts, items)
            dropped += self._dropped(met)
            records.append(met)
        return Reading(records, kept, dropped, functools.partial(_heaped, records, message.records))

    def _stands(self, outside: Segment, envelopes: Envelopes | None, size: int) -> _Stands[Own] | None:
        """Where so many records stand, where that is known and can be told; else None."""
        if envelopes is None:
            known = self._around.find(outside)
            if known is None:
                return None
            number, around = known
            paths = self._paths(around, size)
            return _Stands([(number, path, around.own) for path in paths], around.kept, list(around.dropped))
        last = "[1]" if self._numbers_all else ""
        stands: _Stands[Own] = _Stands([], 0, [])
        kept = 0
        ways: dict[int, tuple[int, Around[Own], tuple[str, str]]] = {}  # the same stands around many
        for place, segment in enumerate(envelopes.arounds, start=1):
            if id(segment) not in ways:
                known = self._around.find(segment)
                way = None if known is None else _in_envelope(known[1].path, known[1].dropped, envelopes.name)
                if known is None or way is None:
                    return None
                ways[id(segment)] = (*known, way)
            number, around, way = ways[id(segment)]
            start = f"{way[0]}[{place}]"
            stands.each.append((number, f"{start}{way[1]}{last}", around.own))
            stands.dropped.extend(start + path[len(way[0]) :] for path in around.dropped)
            kept += around.kept
        return stands._replace(kept=kept)

    def _paths(self, around: Around[Own], size: int) -> list[str]:
        """The paths of so many records, one beside the other."""
        if size == 1 and not self._numbers_all:
            return [around.path]
        return [f"{around.path}[{place}]" for place in range(1, size + 1)]

    def path_of_item(self, path: str, place: int) -> str:
        """The path of an item of the record at a path, by its place from 0."""
        return f"{path}{self._way}[{place + 1}]"

    def is_due(self, message: Cut) -> bool:
        """Whether to learn of a message of which `reading` does not know all."""
        due = False
        for record, around in _beside(message):
            known = self._around.find(around)
            if known is None:
                due |= self._around.is_due(around)
                if message.envelopes is None:
                    break
                continue
            number = known[0]
            if self._frames.find(record.frame, number) is None:
                due |= self._frames.is_due(record.frame, number)
            for item in record.items:
                if self._items.find(item, number) is None:
                    due |= self._items.is_due(item, number)
        return due

    def alone(self, message: Cut) -> Iterator[tuple[bytes, Cut]]:
        """The records of a message of envelopes whose shape is not known, each alone in a message to be learnt from.

        Which are known is asked as they are drawn, so that each shape comes once, and where one cannot be learnt no
        more are given: the message has to be read by its tree. There are at most `ALONE_MAX`.
        """
        if message.envelopes is None:
            return
        given = 0
        for place, (record, around) in enumerate(_beside(message)):
            if self._is_known(record, around):
                continue
            data = message.envelopes.alone(place, message.start)
            cut = self.cut(data)
            given += 1
            if cut is None or given > ALONE_MAX:
                return
            yield data, cut
            if not self._is_known(record, around):
                return

    def _is_known(self, record: Record, around: Segment) -> bool:
        known = self._around.find(around)
        return (
            known is not None
            and self._frames.find(record.frame, known[0]) is not None
            and all(self._items.find(one, known[0]) is not None for one in record.items)
        )

    def learn(self, data: bytes, message: Cut, root: Node, lesson: Lesson[Own, OwnOfFrame, OwnOfItem]) -> None:
        """Keep what was done with the texts of a message that was cut, and read by its tree without a fault."""
        where = places(message, root)
        told, deciding = lesson.told, [node.index for node in lesson.deciding if node.text]
        nodes = [one.node for one in told]
        if where is None or len(told) != len(message.records) or not stand_together(data, message.start, nodes, root):
            return
        if any(index not in where.around for index in deciding):
            return
        of_around = sorted(where.around[index] for index in deciding)
        number = self._around.learn(message.around, lesson.around, of_around)
        for place, one in enumerate(told):
            if not one.trace.is_spoilt:
                traces = one.trace.lists.pop(ITEMS, [])
                record, in_frame, in_items = message.records[place], where.frames[place], where.items[place]
                if not self._are_items(data, message, record, one, traces):
                    continue
                try:
                    frame = _frame(lesson, one, traces, in_frame)
                    items = [self._item(lesson, one, n, trace, in_items[n]) for n, trace in enumerate(traces)]
                except KeyError:  # something was made of a text that stands elsewhere
                    continue
                deciding_here = one.trace.deciding
                self._frames.learn(record.frame, frame, _places(deciding_here, in_frame), number)
                for segment, item, within in zip(record.items, items, in_items, strict=True):
                    self._items.learn(segment, item, _places(deciding_here, within), number)

    def _are_items(self, data: bytes, message: Cut, record: Record, told: Told, traces: Sequence[Trace]) -> bool:
        """Whether the items that were read are those that were cut out."""
        begins = {trace.index for trace in traces}
        nodes = [node for node in nodes_in(told.node) if node.index in begins]
        if not len(traces) == len(nodes) == len(record.items):
            return False
        # Items are known apart from what stands around them, which therefore must not say what prefixes in them mean.
        return not traces or (
            "xmlns" not in record.frame.skeleton and stand_together(data, message.start_of_item, nodes, told.node)
        )

    def _item(
        self,
        lesson: Lesson[Own, OwnOfFrame, OwnOfItem],
        told: Told,
        place: int,
        trace: Trace,
        where: Mapping[int, int],
    ) -> Known[OwnOfItem]:
        own = lesson.own_of_item(told, place, where)
        if own is None:
            raise KeyError(trace.index)
        first, last = trace.dropped
        dropped = _below(self.path_of_item(told.path, place), lesson.dropped[first:last])
        return Known(trace.plan(where), trace.kept, dropped, (), own)


def _beside(message: Cut) -> Iterator[tuple[Record, Segment]]:
    """The records, each with what stands around it."""
    for place, record in enumerate(message.records):
        yield record, message.around if message.envelopes is None else message.envelopes.arounds[place]


class _Stands(NamedTuple, Generic[Own]):
    """Where the records of a message stand: for each the number of what is around it, its path, and what is known of
    what is around it; how many values were kept around all, and which dropped."""

    each: list[tuple[int, str, Own]]
    kept: int
    dropped: list[str]


def _in_envelope(path: str, below: Sequence[str], name: str) -> tuple[str, str] | None:
    """The path of the envelope and that of the record below it, by the path of one that is alone.

    None where the envelope is the root, another element on the way has its name, or one of the paths is not in it.
    """
    before, step, rest = path.partition(f"/{name}/")
    start = f"{before}/{name}"
    if not before or not step or f"/{name}/" in f"/{rest}" or any(not one.startswith(f"{start}/") for one in below):
        return None
    return start, f"/{rest}"


def _frame(
    lesson: Lesson[Own, OwnOfFrame, OwnOfItem], told: Told, traces: Sequence[Trace], where: Mapping[int, int]
) -> Known[OwnOfFrame]:
    own = lesson.own_of_frame(told, where)
    trace = told.trace
    if own is None:
        raise KeyError(trace.index)
    begins, ends = trace.dropped
    first, last = (traces[0].dropped[0], traces[-1].dropped[1]) if traces else (ends, ends)
    before, behind = _below(told.path, lesson.dropped[begins:first]), _below(told.path, lesson.dropped[last:ends])
    return Known(trace.plan(where), trace.kept - sum(one.kept for one in traces), before, behind, own)


def _below(path: str, paths: Sequence[str]) -> tuple[str, ...]:
    """What of the paths is below the first; raises KeyError where one is not."""
    if any(not one.startswith(path) for one in paths):
        raise KeyError(path)
    return tuple(one[len(path) :] for one in paths)


def _places(deciding: frozenset[int], where: Mapping[int, int]) -> list[int]:
    return sorted(place for index, place in where.items() if index in deciding)

"""Messages of a shape that was met before: their texts go where the texts before them went.

A format whose messages are records with items in them (declarations with goods items) has one `Memory`. It asks it for
what a message holds before it makes a tree of it, and where it is asked to, has it learn from the tree. What is made
is what the format makes of the tree; where it might not be, None is given, and the tree is made.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from tidewaiter.formats import met
from tidewaiter.formats.met import ITEMS, Known, Met, OnDemand, Parts, Reading, Stacks, heaped
from tidewaiter.formats.plan import Found, Trace
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
    stand_together,
)
from tidewaiter.formats.tree import Node

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
        known = self._at_once(opened) if len(opened.bodies) >= met.COLUMNS_MIN else None
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
        frames = Parts.of(self._frames, within, names, of_frames, texts)
        items = None if frames is None else Parts.of(self._items, within[rows], names, of_items, texts)
        if frames is None or items is None:
            return None
        every = np.arange(len(within))
        begins = np.searchsorted(rows, np.arange(len(within) + 1))
        records = OnDemand(stands.each, frames, items, begins.tolist(), texts)

        def stacks() -> Stacks[OwnOfFrame, OwnOfItem]:
            places = np.arange(len(rows)) - begins[rows]
            return Stacks(frames.stacks(every, None), items.stacks(rows, places), texts)

        if any(one.before or one.behind for one in frames.known) or any(one.before for one in items.known):
            for one in records:
                stands.dropped.extend(self._dropped(one))
        return Reading(records, stands.kept + frames.kept + items.kept, stands.dropped, stacks)

    def _dropped(self, one: Met[Own, OwnOfFrame, OwnOfItem]) -> Iterator[str]:
        """The paths of what was dropped of a record."""
        for below in one.frame.before:
            yield one.path + below
        for place, (item, _) in enumerate(one.items):
            if item.before:
                here = self.path_of_item(one.path, place)
                for below in item.before:
                    yield here + below
        for below in one.frame.behind:
            yield one.path + below

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
            records.append(Met(path, own, frame, record.frame.texts, items))
            dropped += self._dropped(records[-1])
        return Reading(records, kept, dropped, functools.partial(heaped, records, message.records))

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

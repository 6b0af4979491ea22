"""Messages of a shape that was met before: their texts go where the texts before them went.

A format whose messages are records with items in them (declarations with goods items) has one `Memory`. It asks it for
what a message holds before it makes a tree of it, and where it is asked to, has it learn from the tree. What is made
is what the format makes of the tree; where it might not be, None is given, and the tree is made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from tidewaiter.formats.plan import Plan, Trace
from tidewaiter.formats.reading import Declared, InColumns
from tidewaiter.formats.skeleton import Cut, Record, Saw, Segment, Skeletons, nodes_in, places, stand_together
from tidewaiter.formats.stacks import Heap, Laid
from tidewaiter.formats.tree import Node

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
    texts: Sequence[str]
    items: list[tuple[Known[OwnOfItem], Sequence[str]]]

    def fields(self) -> dict[str, Any]:
        """Its fields, items among them as a list. Raises ValueError where a text must be looked at closely."""
        fields = self.frame.plan.fields(self.texts)
        if self.items:
            fields[ITEMS] = [item.plan.record(texts) for item, texts in self.items]
        return fields

    def some(self, names: Collection[str], of_item: Collection[str], made: dict[Any, Any]) -> dict[str, Any]:
        """These fields alone, and of the items those. Items that are alike in them are one, which is kept in `made`."""
        fields = self.frame.plan.only(names).fields(self.texts)
        items = fields[ITEMS] = []
        for item, texts in self.items:
            plan = item.plan.only(of_item)
            key = (plan, *[texts[place] for place in plan.places])
            if key not in made:
                made[key] = plan.record(texts)
            items.append(made[key])
        return fields


class Settling(NamedTuple, Generic[Own, OwnOfFrame, OwnOfItem]):
    """What a format works out of a record once it is read: these `fields`, from what they say themselves, the names
    in `reads`, and those of items in `of_item`. `settle` does so, and says whether there is nothing to be found."""

    fields: frozenset[str]
    reads: frozenset[str]
    of_item: frozenset[str]
    settle: Callable[[Met[Own, OwnOfFrame, OwnOfItem], dict[str, Any]], bool]


class Reading(NamedTuple, Generic[Own, OwnOfFrame, OwnOfItem]):
    """A message whose shape is known: the records, how many values were kept, which dropped."""

    records: list[Met[Own, OwnOfFrame, OwnOfItem]]
    kept: int
    dropped: list[str]

    def in_columns(
        self, settling: Settling[Own, OwnOfFrame, OwnOfItem], make: Callable[[int], Declared]
    ) -> InColumns | None:
        """The consignments as columns; None where they are few, or something calls for a closer look.

        `make` makes the record of the one at a place.
        """
        if len(self.records) < COLUMNS_MIN:
            return None
        heap = Heap()
        settled: dict[str, list[Any]] = {name: [] for name in settling.fields}
        made: dict[Any, Any] = {}
        try:
            for row, met in enumerate(self.records):
                heap.add(met.frame.plan, met.texts, row)
                for place, (item, texts) in enumerate(met.items):
                    heap.add(item.plan, texts, row, place)
                fields = met.some(settling.reads, settling.of_item, made)
                if not settling.settle(met, fields):
                    return None
                for name, values in settled.items():
                    values.append(fields.get(name))
            laid = Laid(*heap.stacks(), settled=settling.fields, aside=settling.reads)
        except ValueError:
            return None
        laid.settle(settled)
        return InColumns(len(self.records), batch=laid.batch, apart={}, make=make)


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
        return self._saw.cut(data)

    def reading(self, message: Cut) -> Reading[Own, OwnOfFrame, OwnOfItem] | None:
        """What the message holds, where all of its shape is known; else None."""
        stands = self._stands(message)
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
            if frame.before:
                dropped += [path + below for below in frame.before]
            items: list[tuple[Known[OwnOfItem], Sequence[str]]] = []
            for item_place, segment in enumerate(record.items, start=1):
                known_item = self._items.find(segment, number)
                if known_item is None:
                    return None
                item = known_item[1]
                items.append((item, segment.texts))
                kept += item.kept
                if item.before:
                    here = f"{path}{self._way}[{item_place}]"
                    dropped += [here + below for below in item.before]
            if frame.behind:
                dropped += [path + below for below in frame.behind]
            records.append(Met(path, own, frame, record.frame.texts, items))
        return Reading(records, kept, dropped)

    def _stands(self, message: Cut) -> _Stands[Own] | None:
        """Where the records stand, where that is known and can be told; else None."""
        size = len(message.records)
        if message.envelopes is None:
            known = self._around.find(message.around)
            if known is None:
                return None
            number, around = known
            is_single = size == 1 and not self._numbers_all
            paths = [around.path] if is_single else [f"{around.path}[{place}]" for place in range(1, size + 1)]
            return _Stands([(number, path, around.own) for path in paths], around.kept, list(around.dropped))
        last = "[1]" if self._numbers_all else ""
        stands: _Stands[Own] = _Stands([], 0, [])
        kept = 0
        for place, segment in enumerate(message.envelopes.arounds, start=1):
            known = self._around.find(segment)
            if known is None:
                return None
            number, around = known
            way = _in_envelope(around.path, around.dropped, message.envelopes.name)
            if way is None:
                return None
            start = f"{way[0]}[{place}]"
            stands.each.append((number, f"{start}{way[1]}{last}", around.own))
            stands.dropped.extend(start + path[len(way[0]) :] for path in around.dropped)
            kept += around.kept
        return stands._replace(kept=kept)

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

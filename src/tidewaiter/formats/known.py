"""Messages of a shape that was met before: their texts go where the texts before them went.

A format whose messages are records with items in them (declarations with goods items) has one `Memory`. It asks it for
what a message holds before it makes a tree of it, and where it is asked to, has it learn from the tree. What is made
is what the format makes of the tree; where it might not be, None is given, and the tree is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from tidewaiter.formats.plan import Plan, Trace
from tidewaiter.formats.skeleton import Cut, Places, Saw, Skeletons, nodes_in, places, stand_together
from tidewaiter.formats.tree import Node

ITEMS = "items"
"""The field of ours that has the items."""

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


class Filled(NamedTuple, Generic[OwnOfFrame, OwnOfItem]):
    """A record of a message: its path and fields, its items among them as a list, and what is known of its parts."""

    path: str
    fields: dict[str, Any]
    frame: OwnOfFrame
    frame_texts: Sequence[str]
    items: list[tuple[OwnOfItem, Sequence[str]]]


class Reading(NamedTuple, Generic[Own, OwnOfFrame, OwnOfItem]):
    """A message whose shape is known: what stands around, the records, how many values were kept, which dropped."""

    around: Own
    records: list[Filled[OwnOfFrame, OwnOfItem]]
    kept: int
    dropped: list[str]


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
        """What the message holds, where all of its shape is known and all texts fit; else None."""
        known = self._around.find(message.around)
        if known is None:
            return None
        number, around = known
        kept, dropped = around.kept, list(around.dropped)
        records: list[Filled[OwnOfFrame, OwnOfItem]] = []
        is_single = len(message.records) == 1 and not self._numbers_all
        try:
            for place, record in enumerate(message.records, start=1):
                known_frame = self._frames.find(record.frame, number)
                if known_frame is None:
                    return None
                frame = known_frame[1]
                path = around.path if is_single else f"{around.path}[{place}]"
                filled = Filled(path, frame.plan.fields(record.frame.texts), frame.own, record.frame.texts, [])
                kept += frame.kept
                if frame.before:
                    dropped += [path + below for below in frame.before]
                items = []
                for item_place, segment in enumerate(record.items, start=1):
                    known_item = self._items.find(segment, number)
                    if known_item is None:
                        return None
                    item = known_item[1]
                    items.append(item.plan.record(segment.texts))
                    filled.items.append((item.own, segment.texts))
                    kept += item.kept
                    if item.before:
                        here = f"{path}{self._way}[{item_place}]"
                        dropped += [here + below for below in item.before]
                if items:
                    filled.fields[ITEMS] = items
                if frame.behind:
                    dropped += [path + below for below in frame.behind]
                records.append(filled)
        except ValueError:  # a text that must be looked at closely
            return None
        return Reading(around.own, records, kept, dropped)

    def path_of_item(self, path: str, place: int) -> str:
        """The path of an item of the record at a path, by its place from 0."""
        return f"{path}{self._way}[{place + 1}]"

    def is_due(self, message: Cut) -> bool:
        """Whether to learn of a message of which `reading` does not know all."""
        known = self._around.find(message.around)
        if known is None:
            return self._around.is_due(message.around)
        number = known[0]
        due = False
        for record in message.records:
            if self._frames.find(record.frame, number) is None:
                due |= self._frames.is_due(record.frame, number)
            for item in record.items:
                if self._items.find(item, number) is None:
                    due |= self._items.is_due(item, number)
        return due

    def learn(
        self,
        data: bytes,
        message: Cut,
        root: Node,
        around: Around[Own],
        told: Sequence[Told],
        dropped: Sequence[str],
        *,
        deciding: Sequence[Node] = (),
        own_of_frame: Callable[[Told, Mapping[int, int]], OwnOfFrame | None],
        own_of_item: Callable[[Told, int, Mapping[int, int]], OwnOfItem | None],
    ) -> None:
        """Keep what was done with the texts of a message that was read without a fault.

        `dropped` is all that was of the message, `deciding` the elements around the records whose texts say what
        becomes of these. What is known of a frame or an item comes from `own_of_frame` and `own_of_item`, which are
        told the record, the place of the item, and those of the texts; with None the shape is not learnt.
        """
        where = places(message, root)
        nodes = [one.node for one in told]
        if where is None or len(told) != len(message.records) or not stand_together(data, message.start, nodes, root):
            return
        if any(node.index not in where.around for node in deciding if node.text):
            return
        of_around = sorted(where.around[node.index] for node in deciding if node.text)
        number = self._around.learn(message.around, around, of_around)
        for place, one in enumerate(told):
            if not one.trace.is_spoilt:
                traces = one.trace.lists.pop(ITEMS, [])
                if self._are_items(data, message, place, one, traces):
                    self._learn(message, place, one, traces, where, dropped, number, own_of_frame, own_of_item)

    def _are_items(self, data: bytes, message: Cut, place: int, told: Told, traces: Sequence[Trace]) -> bool:
        """Whether the items that were read are those that were cut out."""
        record = message.records[place]
        begins = {trace.index for trace in traces}
        nodes = [node for node in nodes_in(told.node) if node.index in begins]
        if not len(traces) == len(nodes) == len(record.items):
            return False
        # Items are known apart from what stands around them, which therefore must not say what prefixes in them mean.
        return not traces or (
            "xmlns" not in record.frame.skeleton and stand_together(data, message.start_of_item, nodes, told.node)
        )

    def _learn(
        self,
        message: Cut,
        place: int,
        told: Told,
        traces: Sequence[Trace],
        where: Places,
        dropped: Sequence[str],
        number: int,
        own_of_frame: Callable[[Told, Mapping[int, int]], OwnOfFrame | None],
        own_of_item: Callable[[Told, int, Mapping[int, int]], OwnOfItem | None],
    ) -> None:
        record, trace = message.records[place], told.trace
        first, last = (traces[0].dropped[0], traces[-1].dropped[1]) if traces else (trace.dropped[1], trace.dropped[1])
        try:
            frame = _known(
                trace,
                trace.kept - sum(one.kept for one in traces),
                _below(told.path, dropped[trace.dropped[0] : first]),
                _below(told.path, dropped[last : trace.dropped[1]]),
                own_of_frame(told, where.frames[place]),
                where.frames[place],
            )
            items = [
                _known(
                    one,
                    one.kept,
                    _below(self.path_of_item(told.path, n), dropped[one.dropped[0] : one.dropped[1]]),
                    (),
                    own_of_item(told, n, where.items[place][n]),
                    where.items[place][n],
                )
                for n, one in enumerate(traces)
            ]
        except KeyError:  # something was made of a text that stands elsewhere
            return
        deciding = trace.deciding
        self._frames.learn(record.frame, frame, _places(deciding, where.frames[place]), number)
        for segment, item, within in zip(record.items, items, where.items[place], strict=True):
            self._items.learn(segment, item, _places(deciding, within), number)


def _known(
    trace: Trace, kept: int, before: tuple[str, ...], behind: tuple[str, ...], own: Own | None, where: Mapping[int, int]
) -> Known[Own]:
    if own is None:
        raise KeyError(trace.index)
    return Known(trace.plan(where), kept, before, behind, own)


def _below(path: str, paths: Sequence[str]) -> tuple[str, ...]:
    """What of the paths is below the first; raises KeyError where one is not."""
    if any(not one.startswith(path) for one in paths):
        raise KeyError(path)
    return tuple(one[len(path) :] for one in paths)


def _places(deciding: frozenset[int], where: Mapping[int, int]) -> list[int]:
    return sorted(place for index, place in where.items() if index in deciding)

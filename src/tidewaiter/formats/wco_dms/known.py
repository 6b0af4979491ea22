"""Declarations in messages of a shape that was met before: their texts go where the texts before them went.

What is made is what `reading` makes of the message as a tree, and where it might not be, None is given and it does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tidewaiter.formats.plan import Plan, Trace
from tidewaiter.formats.reading import Declared, Reading
from tidewaiter.formats.skeleton import Cut, Places, Saw, Skeletons, nodes_in, places, stand_together
from tidewaiter.formats.text import found
from tidewaiter.formats.tree import Node
from tidewaiter.formats.wco_dms.declaration import declared_of
from tidewaiter.formats.wco_dms.kinds import NAMESPACE
from tidewaiter.formats.wco_dms.mapping import DECLARATION
from tidewaiter.formats.wco_dms.passing import Reader

NAME = "wco_dms"
RECORD = "Declaration"
_ITEM = "GovernmentAgencyGoodsItem"
_SAW = Saw((RECORD,), _ITEM)
_ITEMS_AT = "/items/"

cut = _SAW.cut


class Around(NamedTuple):
    """What stands around the declarations: their path without a number, the country that is named there, what is wrong
    with their namespace or '', how many values were kept and which dropped."""

    path: str
    country: str
    about_space: str
    kept: int
    dropped: tuple[str, ...]


class _Frame(NamedTuple):
    """A declaration but for its items. `dropped` are paths before and behind them; all paths are below its own."""

    plan: Plan
    kept: int
    before: tuple[str, ...]
    behind: tuple[str, ...]
    anchor: tuple[tuple[str, str], ...]
    items: str


class _Item(NamedTuple):
    """An item, with pointers and paths below its own."""

    plan: Plan
    kept: int
    dropped: tuple[str, ...]
    anchor: tuple[tuple[str, str], ...]


class Told(NamedTuple):
    """A declaration that was read with a trace: its element, its path and where things stood."""

    node: Node
    path: str
    trace: Trace
    anchor: Mapping[str, str]


_AROUND: Skeletons[Around] = Skeletons()
_FRAMES: Skeletons[_Frame] = Skeletons()
_ITEMS: Skeletons[_Item] = Skeletons()


def forget() -> None:
    """Forget all shapes that were met."""
    for skeletons in (_AROUND, _FRAMES, _ITEMS):
        skeletons.forget()


def reading_of(message: Cut, *, jurisdiction: str | None) -> Reading | None:
    """What the message holds, where all of its shape is known; else None."""
    known = _AROUND.find(message.around)
    if known is None:
        return None
    number, around = known
    kept, dropped = around.kept, list(around.dropped)
    declared: list[Declared] = []
    for place, record in enumerate(message.records, start=1):
        frame_known = _FRAMES.find(record.frame, number)
        if frame_known is None:
            return None
        frame = frame_known[1]
        path = around.path if len(message.records) == 1 else f"{around.path}[{place}]"
        kept += frame.kept
        anchor = {pointer: path + below for pointer, below in frame.anchor}
        dropped += [path + below for below in frame.before]
        items = []
        try:
            fields = frame.plan.fields(record.frame.texts)
            for item_place, segment in enumerate(record.items):
                item_known = _ITEMS.find(segment, number)
                if item_known is None:
                    return None
                item = item_known[1]
                items.append(item.plan.record(segment.texts))
                kept += item.kept
                at, here = f"/items/{item_place}", f"{path}{frame.items}[{item_place + 1}]"
                for pointer, below in item.anchor:
                    anchor[at + pointer] = here + below
                if item.dropped:
                    dropped += [here + below for below in item.dropped]
        except ValueError:  # a text that must be looked at closely
            return None
        dropped += [path + below for below in frame.behind]
        if items:
            fields["items"] = items
        findings = (found(NAMESPACE, around.about_space, source_pointer=path),) if around.about_space else ()
        declared.append(
            declared_of(fields, path, anchor, country=around.country, jurisdiction=jurisdiction, findings=findings)
        )
    return Reading(format=NAME, declared=tuple(declared), kept=kept, dropped=tuple(dropped))


def is_due(message: Cut) -> bool:
    """Whether to learn of a message of which not all is known."""
    known = _AROUND.find(message.around)
    if known is None:
        return _AROUND.is_due(message.around)
    number = known[0]
    due = False
    for record in message.records:
        if _FRAMES.find(record.frame, number) is None:
            due |= _FRAMES.is_due(record.frame, number)
        for item in record.items:
            if _ITEMS.find(item, number) is None:
                due |= _ITEMS.is_due(item, number)
    return due


def learn(data: bytes, message: Cut, root: Node, around: Around, deciding: Sequence[Node], told: Sequence[Told],
          reader: Reader) -> None:  # fmt: skip
    """Keep what was done with the texts of a message that was read without a fault."""
    where = places(message, root)
    nodes = [one.node for one in told]
    if where is None or len(told) != len(message.records) or not stand_together(data, message.start, nodes, root):
        return
    if any(node.index not in where.around for node in deciding):
        return
    of_around = sorted(where.around[node.index] for node in deciding)
    number = _AROUND.learn(message.around, around, of_around)
    for place, one in enumerate(told):
        if not one.trace.is_spoilt:
            _learn_one(data, message, place, where, one, reader, number)


def _learn_one(data: bytes, message: Cut, place: int, where: Places, told: Told, reader: Reader, number: int) -> None:
    record, in_frame, in_items = message.records[place], where.frames[place], where.items[place]
    traces = told.trace.lists.pop("items", [])
    begins = {trace.index for trace in traces}
    nodes = [node for node in nodes_in(told.node) if node.index in begins]
    if not len(traces) == len(nodes) == len(record.items):
        return
    if traces and not (
        # Items are known apart from what stands around them, which therefore must not say what prefixes in them mean.
        "xmlns" not in record.frame.skeleton and stand_together(data, message.start_of_item, nodes, told.node)
    ):
        return
    frame = _frame_of(told, traces, in_frame, reader)
    items = [_item_of(told, trace, n, in_items[n], reader) for n, trace in enumerate(traces)]
    if frame is None or None in items:
        return
    deciding = told.trace.deciding
    _FRAMES.learn(record.frame, frame, sorted(n for index, n in in_frame.items() if index in deciding), number)
    for segment, item, within in zip(record.items, items, in_items, strict=True):
        if item is not None:
            _ITEMS.learn(segment, item, sorted(n for index, n in within.items() if index in deciding), number)


def _frame_of(told: Told, traces: Sequence[Trace], places: Mapping[int, int], reader: Reader) -> _Frame | None:
    try:
        plan = told.trace.plan(places)
    except KeyError:
        return None
    first, last = (traces[0].dropped[0], traces[-1].dropped[1]) if traces else (told.trace.dropped[1], told.trace.dropped[1])
    begins = len(told.path)
    items = told.anchor["/items/0"][begins:].removesuffix("[1]") if traces else ""
    return _Frame(
        plan,
        told.trace.kept - sum(trace.kept for trace in traces),
        tuple(path[begins:] for path in reader.dropped[told.trace.dropped[0] : first]),
        tuple(path[begins:] for path in reader.dropped[last : told.trace.dropped[1]]),
        tuple((at, path[begins:]) for at, path in told.anchor.items() if not at.startswith(_ITEMS_AT)),
        items,
    )


def _item_of(told: Told, trace: Trace, number: int, places: Mapping[int, int], reader: Reader) -> _Item | None:
    try:
        plan = trace.plan(places)
    except KeyError:
        return None
    at = f"{_ITEMS_AT}{number}"
    here = told.anchor[at]
    begins = len(here)
    return _Item(
        plan,
        trace.kept,
        tuple(path[begins:] for path in reader.dropped[trace.dropped[0] : trace.dropped[1]]),
        tuple(
            (pointer[len(at) :], path[begins:])
            for pointer, path in told.anchor.items()
            if pointer == at or pointer.startswith(f"{at}/")
        ),
    )

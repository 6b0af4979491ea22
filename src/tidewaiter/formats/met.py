"""Records of known shape as they are met in a message: each by itself, or in stacks, which go into columns."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, overload

import numpy as np

from tidewaiter.formats.plan import Found, Plan
from tidewaiter.formats.reading import Declared, InColumns
from tidewaiter.formats.skeleton import Record, Skeletons
from tidewaiter.formats.stacks import Alike, Laid, Stack, Texts, numbered
from tidewaiter.model.exact import Whole

if TYPE_CHECKING:
    from tidewaiter.formats.spanned import Cuts

ITEMS = "items"
"""The field of ours that has the items."""
COLUMNS_MIN = 16
"""Fewer records of a message are sooner made one by one."""

Own = TypeVar("Own")
OwnOfFrame = TypeVar("OwnOfFrame")
OwnOfItem = TypeVar("OwnOfItem")


class Known(NamedTuple, Generic[Own]):
    """A record but for its items, or an item: how its fields are filled, how many values are kept, and which dropped
    before and behind the items, by paths below its own; and what the format wants to know of it."""

    plan: Plan
    kept: int
    before: tuple[str, ...]
    behind: tuple[str, ...]
    own: Own


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
            same = {name: value for name, value in known.plan.constants.items() if name in names}
            for row in rows:
                fields[row].update(same)
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
        items.sort(key=itemgetter(1))
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


def heaped(records: Sequence[Met[Own, OwnOfFrame, OwnOfItem]], cut: Sequence[Record]) -> Stacks[OwnOfFrame, OwnOfItem]:
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


class OnDemand(Sequence[Met[Own, OwnOfFrame, OwnOfItem]]):
    """Records that were cut by the kernel, each made when it is asked for."""

    def __init__(
        self,
        each: Sequence[tuple[int, str, Own]],
        frames: Parts[OwnOfFrame],
        items: Parts[OwnOfItem],
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


class Parts(Generic[Own]):
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
    ) -> Parts[Own] | None:
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

"""Records of known shape laid into columns, one value of all of them after the other, and no record made on the way.

Records with one plan are a stack: where they stand, and their texts. A value that all of them have at one place is
taken for all at once: a text as it is, by its place among all texts; any other is made once for each different text.
A text that a field cannot hold raises ValueError, as a plan does, and the message is then read record by record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from tidewaiter.formats.framing import Frames, lists, placed
from tidewaiter.formats.layout import CONTEXTS, EXACT, MANY, ONE, PLACES, TEXTS, WHOLE, Place
from tidewaiter.formats.plan import Convert, Fits, Plan, Unlike
from tidewaiter.model.batch import SCHEMA, Batch
from tidewaiter.model.exact import MISSING, Whole
from tidewaiter.model.money import to_micro

_NUMBER_OF = {(place.context, place.name): number for number, place in enumerate(PLACES) if number}
HEAD = 0
ITEM = PLACES[_NUMBER_OF[HEAD, "items"]].below
"""The contexts of consignments and of their goods items."""


class Stack(NamedTuple):
    """Records of one plan: the consignment of each, which of its items each is, or None, and their texts, `width` of
    each one behind those of another, the first at `first` of all texts of the message."""

    plan: Plan
    rows: Whole
    items: Whole | None
    first: int
    width: int

    def at(self, place: int) -> Whole:
        """Where the text of each is that has this place among its own."""
        return self.first + place + np.arange(len(self.rows)) * self.width


class Heap:
    """Records of a message by their plans, on their way to stacks. Each has one plan, and comes with its texts."""

    def __init__(self) -> None:
        self._of: dict[int, tuple[Plan, list[int], list[int], list[str], int]] = {}

    def add(self, plan: Plan, texts: Sequence[str], row: int, item: int = -1) -> None:
        """One more: its consignment, and which of the items of that it is, where it is one."""
        held = self._of.get(id(plan))
        if held is None:
            held = self._of[id(plan)] = (plan, [], [], [], len(texts))
        held[1].append(row)
        held[2].append(item)
        held[3].extend(texts)

    def stacks(self) -> tuple[list[Stack], list[str]]:
        """The stacks, and all texts."""
        stacks: list[Stack] = []
        texts: list[str] = []
        for plan, rows, items, own, width in self._of.values():
            which = None if items[0] < 0 else np.array(items, np.int64)
            stacks.append(Stack(plan, np.array(rows, np.int64), which, len(texts), width))
            texts += own
        return stacks, texts


class _Objects:
    """The objects of a context: the consignment of each, the item, its place in the list, each maybe none."""

    def __init__(self) -> None:
        self.parts: list[tuple[Whole, Whole | None, int]] = []
        self.size = 0

    def add(self, rows: Whole, items: Whole | None, position: int) -> Whole:
        """So many more, and their numbers."""
        self.parts.append((rows, items, position))
        self.size += len(rows)
        return np.arange(self.size - len(rows), self.size)

    def keys(self) -> tuple[dict[str, Whole], Whole]:
        """The columns that tell where each stands, in the order in which they stand in a frame; and the place that
        each object has in this order."""
        keys = {"row": np.concatenate([rows for rows, _, _ in self.parts])}
        if self.parts[0][1] is not None:
            keys["item"] = np.concatenate([rows if items is None else items for rows, items, _ in self.parts])
        if self.parts[0][2] >= 0:
            keys["position"] = np.concatenate([np.full(len(rows), place) for rows, _, place in self.parts])
        order = np.lexsort(list(keys.values())[::-1])
        rank = np.empty(self.size, np.int64)
        rank[order] = np.arange(self.size)
        return {name: key[order] for name, key in keys.items()}, rank


class Laid:
    """Columns of a message, as they come together from stacks. `settled` are the fields of a consignment that `settle`
    fills; what is read for that, `aside`, need not be a field of ours."""

    def __init__(self, stacks: Sequence[Stack], texts: list[str], settled: Collection[str], aside: Collection[str]):
        self._texts = texts
        self._settled, self._aside = settled, aside
        self._words: dict[str, int] = {}
        self._moments: dict[Any, int] = {}
        self._objects: dict[int, _Objects] = {}
        self._columns: dict[int, list[tuple[Whole, Whole]]] = {}
        for stack in stacks:
            context = HEAD if stack.items is None else ITEM
            owners = self._open(context, stack.rows, stack.items, -1)
            self._lay(stack.plan, context, stack, owners)

    def settle(self, fields: Mapping[str, Sequence[Any]]) -> None:
        """Fill these fields of all consignments in their order; with None nothing is said."""
        order = np.argsort(np.concatenate([rows for rows, _, _ in self._objects[HEAD].parts]))
        for name, values in fields.items():
            number = {value: place for place, value in enumerate(dict.fromkeys(values))}
            self._put(_NUMBER_OF[HEAD, name], order, list(number), _which(number, values))

    def _open(self, context: int, rows: Whole, items: Whole | None, position: int) -> Whole:
        objects = self._objects.get(context)
        if objects is None:
            objects = self._objects[context] = _Objects()
        return objects.add(rows, items, position)

    def _lay(self, plan: Plan, context: int, stack: Stack, owners: Whole) -> None:
        def texts(place: int) -> Sequence[str]:
            first = stack.first + place
            return self._texts[first : first + len(stack.rows) * stack.width : stack.width]

        for name, place, length in plan.texts:
            if max(map(len, texts(place))) > length:
                raise Unlike
            self._say(context, name, owners, stack.at(place))
        for name, place, fits in plan.forms:
            _check(texts(place), fits)
            self._say(context, name, owners, stack.at(place))
        for place, fits in plan.checks:
            _check(texts(place), fits)
        for name, place, convert in plan.values:
            different, which = _told(texts(place), convert)
            if number := self._number(context, name):
                self._put(number, owners, different, which)
        for name, value in plan.constants.items():
            if number := self._number(context, name):
                self._put(number, owners, [value], np.zeros(len(owners), np.int64))
        for name, row in plan.rows:
            number = self._number(context, name)
            said = [self._word_of(*_told(texts(place), convert)) for place, convert in row]
            if number:
                self._fill(number, np.tile(owners, len(said)), np.concatenate(said))
        for name, plans in plan.lists:
            below = PLACES[_NUMBER_OF[context, name]].below
            for position, inner in enumerate(plans):
                inside = self._open(below, stack.rows, stack.items, position)
                if inner.make is None:
                    keys = list(zip(*map(texts, inner.places), strict=True)) or [()] * len(inside)
                    self._build(inner, below, inside, keys, stack.width)
                else:
                    self._lay(inner, below, stack, inside)
        for name, inner in plan.holders:
            self._lay(inner, PLACES[_NUMBER_OF[context, name]].below, stack, owners)

    def _build(self, plan: Plan, context: int, owners: Whole, keys: Sequence[tuple[str, ...]], width: int) -> None:
        """Records that something is made of only once all their texts are there: once for each that is different."""
        number = {key: place for place, key in enumerate(dict.fromkeys(keys))}
        records = []
        texts = [""] * width
        for key in number:
            for place, text in zip(plan.places, key, strict=True):
                texts[place] = text
            records.append(plan.record(texts))
        which = _which(number, keys)
        for name in CONTEXTS[context].struct.__struct_fields__:
            self._put(_NUMBER_OF[context, name], owners, [getattr(one, name) for one in records], which)

    def _number(self, context: int, name: str) -> int:
        """The place of a field; 0 where it is settled, or only read for that."""
        if context == HEAD and name in self._settled:
            return 0
        number = _NUMBER_OF.get((context, name), 0)
        if not number and name not in self._aside:
            raise Unlike
        return number

    def _say(self, context: int, name: str, owners: Whole, which: Whole) -> None:
        if number := self._number(context, name):
            self._fill(number, owners, which)

    def _fill(self, number: int, owners: Whole, values: Whole) -> None:
        self._columns.setdefault(number, []).append((owners, values))

    def _put(self, number: int, owners: Whole, different: Sequence[Any], which: Whole) -> None:
        """The values of a field: which of the `different` each object has."""
        place = PLACES[number]
        if place.shape == ONE:
            for name in CONTEXTS[place.below].struct.__struct_fields__:
                parts = [None if one is None else getattr(one, name) for one in different]
                self._put(_NUMBER_OF[place.below, name], owners, parts, which)
        elif place.shape in (MANY, TEXTS):
            if any(different):
                raise Unlike
        elif place.sort in (EXACT, WHOLE):
            make: Callable[[Any], int] = to_micro if place.sort == EXACT else int
            numbers = np.array([MISSING if one is None else make(one) for one in different], np.int64)
            self._fill(number, owners, numbers[which])
        elif _dtype(place) == pl.String:
            self._fill(number, owners, self._word_of(different, which, place.usual))
        else:
            moments = [self._moments.setdefault(one, len(self._moments)) for one in different]
            self._fill(number, owners, np.array(moments, np.int64)[which])

    def _word_of(self, different: Sequence[str | None], which: Whole, usual: str | None = None) -> Whole:
        """Texts that were made, by their places among all."""
        told = [usual if one is None else one for one in different]
        return np.array([self._word(one) for one in told])[which]

    def _word(self, word: str | None) -> int:
        """Where a text that was made stands among all: null behind those of the message, and the others behind it."""
        behind = len(self._texts)
        return behind if word is None else behind + 1 + self._words.setdefault(word, len(self._words))

    def batch(self) -> Batch:
        """All of it in frames."""
        frames = Frames({context: objects.size for context, objects in self._objects.items()})
        ranks: dict[int, Whole] = {}
        for context, objects in self._objects.items():
            keys, ranks[context] = objects.keys()
            frames.keys(context, **keys)

        usual = {number: self._word(PLACES[number].usual) for number in self._columns}
        words = pl.Series([*self._texts, None, *self._words], dtype=pl.String)
        for number, parts in self._columns.items():
            place = PLACES[number]
            rank, dtype = ranks[place.entity], _dtype(place)
            owners = rank[np.concatenate([of for of, _ in parts])]
            values = np.concatenate([value for _, value in parts])
            if place.shape == TEXTS:
                order = np.argsort(owners, kind="stable")
                flat = words[pl.Series(values[order].astype(np.uint32))]
                frames.column(place.entity, lists(place.column, flat, owners[order], len(rank)))
            elif place.sort in (EXACT, WHOLE):
                whole = np.full(len(rank), MISSING, np.int64)
                whole[owners] = values
                frames.numbers(place.entity, place.column, whole)
            elif dtype == pl.String:
                frames.words(place.entity, place.column, placed(len(rank), owners, values, usual[number]))
            else:
                kind = date if dtype == pl.Date else datetime
                told = [one if type(one) is kind else None for one in self._moments]
                moments = pl.Series(place.column, [*told, None], dtype=dtype)
                which = placed(len(rank), owners, values, len(self._moments))
                frames.column(place.entity, moments[pl.Series(which)])
        return frames.batch(words)


def _dtype(place: Place) -> Any:
    return SCHEMA[CONTEXTS[place.entity].frame][place.column]


def _check(texts: Sequence[str], fits: Fits) -> None:
    if not all(map(fits, set(texts))):
        raise Unlike


def _told(texts: Sequence[str], convert: Convert) -> tuple[list[Any], Whole]:
    """The different values that are made of these texts, and which of them each is."""
    number = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    return list(map(convert, number)), _which(number, texts)


def _which(number: Mapping[Any, int], values: Sequence[Any]) -> Whole:
    return np.fromiter(map(number.__getitem__, values), np.int64, len(values))

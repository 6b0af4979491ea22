"""Records of known shape laid into columns, one value of all of them after the other, and no record made on the way.

Records with one plan are a stack: where they stand, and their texts. A value that all of them have at one place is
taken for all at once: a text as it is, by its number among the different ones; any other is made once of each of these.
A text that a field cannot hold raises ValueError, as a plan does, and the message is then read record by record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
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

Value = TypeVar("Value")


class Texts:
    """All texts of a message, each by its place among them: which of the `words` it is."""

    def __init__(self, which: Whole, words: list[str]) -> None:
        self.which, self.words = which, words
        self.listed: list[int] = which.tolist()
        self.room = np.empty(len(words), np.int64)
        """A number for each word, for who needs some for a moment."""
        self._sizes: Whole | None = None

    @property
    def sizes(self) -> Whole:
        """How many characters each word has."""
        if self._sizes is None:
            self._sizes = np.fromiter(map(len, self.words), np.int64, len(self.words))
        return self._sizes


class Alike:
    """The texts of records that have as many each, `width`, the first of each at one of `firsts` of all texts."""

    def __init__(self, texts: Texts, firsts: Whole, width: int) -> None:
        self.texts, self.firsts, self.width = texts, firsts, width
        self._which: npt.NDArray[np.int64] = np.ascontiguousarray(texts.which[firsts + np.arange(width)[:, None]])
        self._is_same: list[bool] = (self._which == self._which[:, :1]).all(axis=1).tolist()
        self._same = np.zeros(len(firsts), np.int64)
        self._different: dict[int, tuple[list[str], Whole]] = {}

    def some(self, at: Whole) -> Alike:
        """Those of these records."""
        return self if len(at) == len(self.firsts) else Alike(self.texts, self.firsts[at], self.width)

    def which(self, place: int) -> Whole:
        """Which word each has at this place."""
        column: Whole = self._which[place]
        return column

    def are_longer(self, place: int, length: int) -> bool:
        """Whether one of those at this place has more characters."""
        sizes = self.texts.sizes
        if self._is_same[place]:
            return bool(sizes[self._which[place, 0]] > length)
        return bool((sizes[self._which[place]] > length).any())

    def different(self, place: int) -> tuple[list[str], Whole]:
        """The different ones of those at this place, and which of them each is."""
        told = self._different.get(place)
        if told is None:
            told = self._different[place] = self._told(place)
        return told

    def _told(self, place: int) -> tuple[list[str], Whole]:
        which, words, room = self._which[place], self.texts.words, self.texts.room
        if self._is_same[place]:
            return [words[which[0]]], self._same
        every = np.arange(len(which))
        room[which] = every  # the last that has each; what else stands there is of no use
        last = room[which]
        is_last = last == every
        return [words[one] for one in which[is_last].tolist()], (np.cumsum(is_last) - 1)[last]

    def together(self, places: Sequence[int]) -> tuple[list[tuple[str, ...]], Whole]:
        """The different ones of the texts that stand together at these places, and which of them each is."""
        told = [self.different(place) for place in places]
        which, first = self._same, self._same[:1]
        for different, of in told:
            if len(different) == 1:
                continue
            if len(first) > 1:
                _, first, which = np.unique(which * len(different) + of, return_index=True, return_inverse=True)
            else:
                which, first = of, np.empty(len(different), np.int64)
                first[of] = np.arange(len(of))
        return [tuple([different[of[place]] for different, of in told]) for place in first.tolist()], which


def numbered(values: Sequence[Value]) -> tuple[list[Value], Whole]:
    """The different ones of these values, and which of them each is."""
    number = {value: place for place, value in enumerate(dict.fromkeys(values))}
    return list(number), np.fromiter(map(number.__getitem__, values), np.int64, len(values))


class Stack(NamedTuple):
    """Records of one plan: the consignment of each, which of its items each is, or None, and their texts."""

    plan: Plan
    rows: Whole
    items: Whole | None
    texts: Alike


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

    def __init__(self, stacks: Sequence[Stack], texts: Texts, settled: Collection[str], aside: Collection[str]):
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
            self._put(_NUMBER_OF[HEAD, name], order, *numbered(values))

    def _open(self, context: int, rows: Whole, items: Whole | None, position: int) -> Whole:
        objects = self._objects.get(context)
        if objects is None:
            objects = self._objects[context] = _Objects()
        return objects.add(rows, items, position)

    def _lay(self, plan: Plan, context: int, stack: Stack, owners: Whole) -> None:
        texts = stack.texts
        for name, place, length in plan.texts:
            if texts.are_longer(place, length):
                raise Unlike
            self._say(context, name, owners, texts.which(place))
        for name, place, fits in plan.forms:
            _check(texts, place, fits)
            self._say(context, name, owners, texts.which(place))
        for place, fits in plan.checks:
            _check(texts, place, fits)
        for name, place, convert in plan.values:
            different, which = _told(texts, place, convert)
            if number := self._number(context, name):
                self._put(number, owners, different, which)
        for name, value in plan.constants.items():
            if number := self._number(context, name):
                self._put(number, owners, [value], np.zeros(len(owners), np.int64))
        for name, row in plan.rows:
            number = self._number(context, name)
            said = [self._word_of(*_told(texts, place, convert)) for place, convert in row]
            if number:
                self._fill(number, np.tile(owners, len(said)), np.concatenate(said))
        for name, plans in plan.lists:
            below = PLACES[_NUMBER_OF[context, name]].below
            for position, inner in enumerate(plans):
                inside = self._open(below, stack.rows, stack.items, position)
                if inner.make is None:
                    self._build(inner, below, inside, *texts.together(inner.places))
                else:
                    self._lay(inner, below, stack, inside)
        for name, inner in plan.holders:
            self._lay(inner, PLACES[_NUMBER_OF[context, name]].below, stack, owners)

    def _build(self, plan: Plan, context: int, owners: Whole, keys: Sequence[tuple[str, ...]], which: Whole) -> None:
        """Records that something is made of only once all their texts are there: once for each that is different."""
        records = [plan.record(dict(zip(plan.places, key, strict=True))) for key in keys]
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
        behind = len(self._texts.words)
        return behind if word is None else behind + 1 + self._words.setdefault(word, len(self._words))

    def batch(self) -> Batch:
        """All of it in frames."""
        frames = Frames({context: objects.size for context, objects in self._objects.items()})
        ranks: dict[int, Whole] = {}
        for context, objects in self._objects.items():
            keys, ranks[context] = objects.keys()
            frames.keys(context, **keys)

        usual = {number: self._word(PLACES[number].usual) for number in self._columns}
        words = pl.Series([*self._texts.words, None, *self._words], dtype=pl.String)
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


def _check(texts: Alike, place: int, fits: Fits) -> None:
    if not all(map(fits, texts.different(place)[0])):
        raise Unlike


def _told(texts: Alike, place: int, convert: Convert) -> tuple[list[Any], Whole]:
    """The different values that are made of the texts at this place, and which of them each is."""
    different, which = texts.different(place)
    return list(map(convert, different)), which

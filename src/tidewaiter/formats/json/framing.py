"""From the values of a JSON message to the frames of a batch, and which consignments are not plain."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

import msgspec
import numpy as np
import polars as pl

from tidewaiter.formats.framing import USUAL, Frames, Places, lists, placed
from tidewaiter.formats.json.building import ENTRIES_MAX
from tidewaiter.formats.json.shapes import Found, Values, positions
from tidewaiter.formats.layout import (
    BYTES_MAX,
    CAPITALS,
    CONTEXTS,
    EXACT,
    PLACES,
    SORT,
    TEXTS,
    TOLD,
    WHOLE,
    WHOLE_MAX,
)
from tidewaiter.formats.spans import LONGEST, apart, exact, texts
from tidewaiter.formats.text import YEARS
from tidewaiter.model.batch import SCHEMA, Batch
from tidewaiter.model.exact import MISSING, Whole, Yes
from tidewaiter.model.money import MICRO


class Judged:
    """The values of a message, judged: which consignments are not plain, `is_odd`, and how many values of each are
    `kept`. Columns are made when they are asked for."""

    def __init__(self, found: Found) -> None:
        self.found = found
        self.is_odd = found.is_odd.copy()
        quoted, bare = found.quoted, found.bare
        self.kept = np.bincount(quoted.row, minlength=len(self.is_odd)) + np.bincount(
            bare.row, minlength=len(self.is_odd)
        )
        self._judge(quoted, quoted.ends - quoted.starts > BYTES_MAX[quoted.place])
        sort = SORT[quoted.place]
        is_number = sort == EXACT
        self.numbers = Values(
            *(np.concatenate([part[is_number], other]) for part, other in zip(quoted, bare, strict=True))
        )
        self.micro = exact(found.padded, self.numbers.starts, self.numbers.ends)
        self._judge(self.numbers, self.micro == MISSING)
        self._judge_whole()
        self._judge_lists()
        self.coded = Values(*(part[sort == TOLD] for part in quoted))
        self._tell_apart()
        is_text = (sort != EXACT) & (sort != TOLD)
        self.quoted = Values(*(part[is_text] for part in quoted))
        self._judge_capitals()

    def _judge(self, values: Values, is_wrong: Yes) -> None:
        if is_wrong.any():
            self.is_odd[values.row[is_wrong]] = True

    def _judge_lists(self) -> None:
        """Lists that are too long. Keeps the place of each object in its list."""
        self.position = {entity: positions(objects.parent) for entity, objects in self.found.objects.items()}
        for entity, objects in self.found.objects.items():
            is_beyond = self.position[entity] >= ENTRIES_MAX
            if entity and is_beyond.any():
                self.is_odd[objects.row[is_beyond]] = True

    def _judge_whole(self) -> None:
        """Whole numbers: they are written without a point, and within their bound."""
        at = np.flatnonzero(SORT[self.numbers.place] == WHOLE)
        micro, starts, ends = self.micro[at], self.numbers.starts[at], self.numbers.ends[at]
        is_whole = (micro % MICRO == 0) & (micro <= WHOLE_MAX[self.numbers.place[at]] * MICRO)
        for step in range(min(int((ends - starts).max(initial=0)), LONGEST)):  # what is longer is no number here
            is_whole &= (self.found.signs[starts + step] != ord(".")) | (starts + step >= ends)
        if not is_whole.all():
            self.is_odd[self.numbers.row[at[~is_whole]]] = True

    def _judge_capitals(self) -> None:
        found, values = self.found, self.quoted
        at = np.flatnonzero(SORT[values.place] == CAPITALS)
        starts, sizes, place = values.starts[at], values.ends[at] - values.starts[at], values.place[at]
        fits = (sizes == LEAST[place]) | (sizes == MOST[place])
        for step in range(int(MOST.max())):
            fits &= (step >= sizes) | (found.signs[starts + step] - np.uint8(ord("A")) < 26)
        if not fits.all():
            self.is_odd[values.row[at[~fits]]] = True

    def _tell_apart(self) -> None:
        """Values of a type with few different ones: each of these is judged by the type itself."""
        values, padded = self.coded, self.found.padded
        first, which = apart(padded, values.starts, values.ends, values.place)
        made = [value_of(padded[values.starts[at] : values.ends[at]], int(values.place[at])) for at in first.tolist()]
        self._judge(values, np.array([value is None for value in made], np.bool_)[which])
        self._judge(values, values.ends - values.starts > LONGEST)
        self.different, self.which = made, which

    def batch(self) -> Batch:
        """All consignments as columns. What stands in the rows that are not plain is not to be used."""
        sizes = {entity: len(objects.row) for entity, objects in self.found.objects.items()}
        size_of = [sizes.get(place.entity, 0) for place in PLACES]
        numbers, words, listed, told = [], [], [], []
        for number, at in _grouped(self.numbers.place):
            whole = np.full(size_of[number], MISSING, np.int64)
            micro = self.micro[at]
            whole[self.numbers.owner[at]] = micro // MICRO if PLACES[number].sort == WHOLE else micro
            numbers.append((number, whole))
        nothing = len(self.quoted.starts)
        for number, at in _grouped(self.quoted.place):
            owners = self.quoted.owner[at]
            if PLACES[number].shape == TEXTS:
                listed.append((number, at, owners))
            else:
                words.append((number, placed(size_of[number], owners, at, nothing)))
        for number, at in _grouped(self.coded.place):
            told.append((number, placed(size_of[number], self.coded.owner[at], self.which[at], len(self.different))))
        keys = {
            entity: keys_of(entity, objects.row, objects.parent, self.position)
            for entity, objects in self.found.objects.items()
        }
        pool = texts(self.found.padded, self.quoted.starts, self.quoted.ends)
        return Said(sizes, keys, pool, self.different, numbers, words, listed, told).batch()


class Said(NamedTuple):
    """What a message says, column by column, by the number of each place. `keys` are those of the objects of each
    context. Texts are told by their numbers in `pool`, whose last is null, and told values by theirs in `different`,
    with one more for none; of lists there are the texts, and the object of each."""

    sizes: dict[int, int]
    keys: dict[int, dict[str, Whole]]
    pool: pl.Series
    different: list[Any]
    numbers: list[tuple[int, Whole]]
    words: list[tuple[int, Places]]
    listed: list[tuple[int, Whole, Whole]]
    told: list[tuple[int, Places]]

    def batch(self) -> Batch:
        """The same in frames.

        All texts are one column, in which come behind those of the message: null, the words, what usually holds.
        """
        frames = Frames(self.sizes)
        for entity, keys in self.keys.items():
            frames.keys(entity, **keys)
        for number, whole in self.numbers:
            frames.numbers(PLACES[number].entity, PLACES[number].column, whole)
        for number, which in self.words:
            frames.words(PLACES[number].entity, PLACES[number].column, which)
        for number, at, owners in self.listed:
            place = PLACES[number]
            flat = self.pool[pl.Series(at.astype(np.uint32))]
            frames.column(place.entity, lists(place.column, flat, owners, self.sizes[place.entity]))
        words = [value if isinstance(value, str) else None for value in self.different]
        behind, none = len(self.pool), len(self.different)
        for number, which in self.told:
            place = PLACES[number]
            dtype = SCHEMA[CONTEXTS[place.entity].frame][place.column]
            if dtype == pl.String:
                usual = np.uint32(behind + none + USUAL.index(place.usual))
                full = which + np.uint32(behind)
                frames.words(place.entity, place.column, np.where(which == none, usual, full))
            else:
                kind = date if dtype == pl.Date else datetime
                values = [value if type(value) is kind else None for value in self.different]
                made = pl.Series(place.column, [*values, None], dtype=dtype)[pl.Series(which)]
                frames.column(place.entity, made)
        return frames.batch(pl.concat([self.pool, pl.Series([*words, *USUAL], dtype=pl.String)]))


def keys_of(entity: int, row: Whole, parent: Whole, position: Mapping[int, Whole]) -> dict[str, Whole]:
    """Which consignment each object of a context stands in, which goods item, and where in its list: all the columns
    that tell it. `position` has the place in its list of each object of each context."""
    if not entity:
        return {"row": row}
    if CONTEXTS[entity].frame == "items":
        return {"row": row, "item": position[entity]}
    if CONTEXTS[entity].above:
        return {"row": row, "item": position[CONTEXTS[entity].above][parent], "position": position[entity]}
    return {"row": row, "position": position[entity]}


@functools.lru_cache(maxsize=8_192)
def value_of(text: bytes, number: int) -> Any:
    """The value of a place whose type must judge it; None where it is none, or a day that is out of our time.

    Remembered: making ready to judge a value takes longer than judging it, and messages say the same words and days.
    """
    try:
        value = msgspec.convert(text.decode(), PLACES[number].hint)
    except (msgspec.ValidationError, UnicodeDecodeError):
        return None
    return None if isinstance(value, date) and value.year not in YEARS else value  # an instant is a date, too


LEAST = np.array([min(place.sizes, default=0) for place in PLACES], np.int64)
MOST = np.array([max(place.sizes, default=0) for place in PLACES], np.int64)


def _grouped(place: Whole) -> list[tuple[int, Whole]]:
    """Each place that has values, and the numbers of these."""
    order = np.argsort(place.astype(np.uint16), kind="stable")
    sizes = np.bincount(place, minlength=1)
    ends = np.cumsum(sizes)
    return [(number, order[ends[number] - sizes[number] : ends[number]]) for number in np.flatnonzero(sizes).tolist()]

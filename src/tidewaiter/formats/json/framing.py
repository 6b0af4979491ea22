"""From the values of a JSON message to the frames of a batch, and which consignments are not plain."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec
import numpy as np
import polars as pl

from tidewaiter.formats.framing import USUAL, Frames, lists, placed
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
        fits = (sizes == _LEAST[place]) | (sizes == _MOST[place])
        for step in range(int(_MOST.max())):
            fits &= (step >= sizes) | (found.signs[starts + step] - np.uint8(ord("A")) < 26)
        if not fits.all():
            self.is_odd[values.row[at[~fits]]] = True

    def _tell_apart(self) -> None:
        """Values of a type with few different ones: each of these is judged by the type itself."""
        values, padded = self.coded, self.found.padded
        first, which = apart(padded, values.starts, values.ends, values.place)
        made: list[Any] = []
        for at in first.tolist():
            try:
                text = padded[values.starts[at] : values.ends[at]].decode()
                value = msgspec.convert(text, PLACES[values.place[at]].hint)
            except (msgspec.ValidationError, UnicodeDecodeError):
                value = None
            is_far = isinstance(value, date) and value.year not in YEARS  # an instant is a date, too
            made.append(None if is_far else value)
        self._judge(values, np.array([value is None for value in made], np.bool_)[which])
        self._judge(values, values.ends - values.starts > LONGEST)
        self.different, self.which = made, which

    def batch(self) -> Batch:
        """All consignments as columns. What stands in the rows that are not plain is not to be used.

        All texts are one column, in which come behind those of the message: null, the words, what usually holds.
        """
        sizes = {entity: len(objects.row) for entity, objects in self.found.objects.items()}
        frames = Frames(sizes)
        for entity in sizes:
            frames.keys(entity, **self._keys(entity))
        for number, at in _grouped(self.numbers.place):
            place = PLACES[number]
            whole = np.full(sizes[place.entity], MISSING, np.int64)
            whole[self.numbers.owner[at]] = self.micro[at] // MICRO if place.sort == WHOLE else self.micro[at]
            frames.numbers(place.entity, place.column, whole)
        pool = texts(self.found.padded, self.quoted.starts, self.quoted.ends)
        nothing = len(self.quoted.starts)
        for number, at in _grouped(self.quoted.place):
            place, owners = PLACES[number], self.quoted.owner[at]
            if place.shape == TEXTS:
                flat = pool[pl.Series(at.astype(np.uint32))]
                frames.column(place.entity, lists(place.column, flat, owners, sizes[place.entity]))
            else:
                frames.words(place.entity, place.column, placed(sizes[place.entity], owners, at, nothing))
        said = [value if isinstance(value, str) else None for value in self.different]
        for number, at in _grouped(self.coded.place):
            place, owners, which = PLACES[number], self.coded.owner[at], self.which[at]
            dtype = SCHEMA[CONTEXTS[place.entity].frame][place.column]
            if dtype == pl.String:
                other = nothing + 1 + len(said) + USUAL.index(place.usual)
                full = placed(sizes[place.entity], owners, which + nothing + 1, other)
                frames.words(place.entity, place.column, full)
            else:
                kind = date if dtype == pl.Date else datetime
                values = [value if type(value) is kind else None for value in self.different]
                full = placed(sizes[place.entity], owners, which, len(values))
                frames.column(place.entity, pl.Series(place.column, [*values, None], dtype=dtype)[pl.Series(full)])
        return frames.batch(pl.concat([pool, pl.Series([*said, *USUAL], dtype=pl.String)]))

    def _keys(self, entity: int) -> dict[str, Whole]:
        """Which consignment each object stands in, which goods item, and where in its list."""
        row, parent = self.found.objects[entity]
        if not entity:
            return {"row": row}
        position = self.position[entity]
        if CONTEXTS[entity].frame == "items":
            return {"row": row, "item": position}
        if CONTEXTS[entity].above:
            items = self.position[CONTEXTS[entity].above]
            return {"row": row, "item": items[parent], "position": position}
        return {"row": row, "position": position}


_LEAST = np.array([min(place.sizes, default=0) for place in PLACES], np.int64)
_MOST = np.array([max(place.sizes, default=0) for place in PLACES], np.int64)


def _grouped(place: Whole) -> list[tuple[int, Whole]]:
    """Each place that has values, and the numbers of these."""
    order = np.argsort(place.astype(np.uint16), kind="stable")
    sizes = np.bincount(place, minlength=1)
    ends = np.cumsum(sizes)
    return [(number, order[ends[number] - sizes[number] : ends[number]]) for number in np.flatnonzero(sizes).tolist()]

"""From what a message says, column by column, to the frames of a batch.

A reader that makes no records says what stands in which column of which context (`layout.CONTEXTS`); what it says
nothing of is made here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from tidewaiter.formats.layout import CONTEXTS, MANY, PLACES
from tidewaiter.model.batch import SCHEMA, Batch
from tidewaiter.model.exact import Whole, series

Column = TypeVar("Column", bound=npt.NDArray[Any])
Places: TypeAlias = npt.NDArray[np.uint32]

USUAL: list[str | None] = list(dict.fromkeys(place.usual for place in PLACES))
"""What may hold where nothing is said: the texts that stand behind all others; None is the first."""


class Frames:
    """What is said in each context, on its way into the frames of a batch. `sizes` has how many objects there are of
    each context of which there is any.

    Columns of one type are made at once and then cut apart: a column made alone costs ten times as much.
    """

    def __init__(self, sizes: Mapping[int, int]) -> None:
        self.sizes = sizes
        self._columns: dict[int, dict[str, pl.Series]] = {entity: {} for entity in sizes}
        self._keys = _Together[Whole](self._columns)
        self._numbers = _Together[Whole](self._columns)
        self._words = _Together[Places](self._columns)

    def keys(self, entity: int, **keys: Whole) -> None:
        """Which consignment each object stands in (`row`), which goods item (`item`), and where in its list
        (`position`)."""
        for name, key in keys.items():
            self._keys.add(entity, name, key)

    def numbers(self, entity: int, name: str, values: Whole) -> None:
        """A column of whole numbers, `MISSING` where there is none: one an object."""
        self._numbers.add(entity, name, values)

    def words(self, entity: int, name: str, which: Places) -> None:
        """A column of texts, by their places among the texts that `batch` is given: one an object."""
        self._words.add(entity, name, which)

    def column(self, entity: int, made: pl.Series) -> None:
        """A column of another type."""
        self._columns[entity][made.name] = made

    def batch(self, texts: pl.Series) -> Batch:
        """All that was said, in frames."""
        texts = texts.rechunk()  # to take from a column in several pieces would cost ten times as much
        self._keys.cut(lambda every: pl.Series(every.astype(np.uint32)))
        self._numbers.cut(lambda every: series("", every))
        self._words.cut(lambda every: texts[pl.Series(every)])
        made: dict[str, list[pl.DataFrame]] = {}
        for entity in sorted(self.sizes):
            said, nothing = self._columns[entity], _Nothing(self.sizes[entity])
            frame = [said[name] if name in said else nothing.column(one, kind) for name, one, kind in _NOTHING[entity]]
            made.setdefault(CONTEXTS[entity].frame, []).append(pl.DataFrame(frame))
        said_frames = {
            name: pl.concat(parts, rechunk=True) if len(parts) > 1 else parts[0] for name, parts in made.items()
        }
        return Batch(**_EMPTY | said_frames)


def placed(size: int, owners: Whole, values: Whole, nothing: int) -> Places:
    """The values at the places of their owners, and `nothing` elsewhere."""
    full = np.full(size, nothing, np.uint32)
    full[owners] = values
    return full


class _Together(Generic[Column]):
    """Columns of one type that are made at once and then cut apart."""

    def __init__(self, columns: dict[int, dict[str, pl.Series]]) -> None:
        self._columns = columns
        self._parts: list[tuple[int, str, Column]] = []

    def add(self, entity: int, name: str, values: Column) -> None:
        """One more column of a context."""
        self._parts.append((entity, name, values))

    def cut(self, make: Callable[[npt.NDArray[Any]], pl.Series]) -> None:
        """Make them."""
        if not self._parts:
            return
        every = make(np.concatenate([values for _, _, values in self._parts]))
        at = 0
        for entity, name, values in self._parts:
            self._columns[entity][name] = every.slice(at, len(values)).alias(name)
            at += len(values)


_USUAL: dict[int, dict[str, str]] = {}
for _place in PLACES[1:]:
    if _place.usual is not None:
        _USUAL.setdefault(_place.entity, {})[_place.column] = _place.usual


def _nothing(name: str, dtype: pl.DataType | type[pl.DataType], usual: str | None = None) -> pl.Series:
    empty: list[Any] = [[]] if isinstance(dtype, pl.List) else [usual]
    return pl.Series(name, empty, dtype=dtype)


_NOTHING = {
    number: [
        (name, _nothing(name, dtype, usual), f"{dtype} {usual}")
        for name, dtype in SCHEMA[context.frame].items()
        for usual in [_USUAL.get(number, {}).get(name)]
    ]
    for number, context in enumerate(CONTEXTS)
    if context.shape == MANY
}
"""Of each context one row in which nothing is said: the name of each column, the column, and what it is."""


class _Nothing:
    """Columns in which nothing is said, so many rows long: one of each type and content is made."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._made: dict[str, pl.Series] = {}

    def column(self, one: pl.Series, kind: str) -> pl.Series:
        """That one row so many times, under its name. `kind` is alike where nothing but the name differs."""
        made = self._made.get(kind)
        if made is None:
            made = self._made[kind] = one.new_from_index(0, self._size)
        return made.alias(one.name)


_EMPTY = {name: pl.DataFrame(schema=schema) for name, schema in SCHEMA.items()}


def lists(name: str, flat: pl.Series, owners: Whole, size: int) -> pl.Series:
    """A column of lists: of each owner its texts, in their order."""
    sizes = np.bincount(owners, minlength=size)
    first = np.cumsum(sizes) - sizes
    parts, order = [_nothing(name, pl.List(pl.String))], np.zeros(size, np.uint32)
    held = 1
    for many in np.flatnonzero(np.bincount(sizes)).tolist():
        of = np.flatnonzero(sizes == many)
        if not many:
            continue
        at = (first[of][:, None] + np.arange(many)).ravel()
        shaped = flat[pl.Series(at.astype(np.uint32))].reshape((len(of), many))
        parts.append(shaped.cast(pl.List(pl.String)).alias(name))
        order[of] = held + np.arange(len(of))
        held += len(of)
    return pl.concat(parts, rechunk=True)[pl.Series(order)]

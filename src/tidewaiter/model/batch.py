"""The same consignments as columns: one frame for each kind of record, all joined by `row`.

`consignments` has one row a consignment, `items` one row a goods item (`row`, `item`), and each kind of list
below them (parties, documents, …) a frame of its own, where `item` is null for what stands at the head of the
consignment and `position` is the place in its list. An amount `price` becomes `price_micro` and
`price_currency`, a mass or quantity becomes whole millionths (`gross_mass_micro`), and a single record inside
another is laid flat (`transport_border_mode`). The schema follows from the records alone; see `SCHEMA`.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from typing import Any, Literal, NamedTuple, TypeVar, get_args, get_origin

import msgspec
import numpy as np
import polars as pl

from tidewaiter.model import about
from tidewaiter.model.consignment import Consignment, GoodsItem
from tidewaiter.model.exact import MISSING, Whole, Yes, distinct, known, spread, told_apart
from tidewaiter.model.money import MICRO, Money, from_micro

T = TypeVar("T")
ROW = pl.UInt32
"""Type of the keys `row`, `item` and `position`."""
_KEYS = ("row", "item", "position")
_MICRO = Decimal(MICRO)


@dataclass(frozen=True, slots=True)
class _Column:
    """One column: where its values come from in a record, and what they are."""

    name: str
    path: tuple[str, ...]
    dtype: pl.DataType | type[pl.DataType]
    is_micro: bool = False
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class _Plan:
    """How one kind of record is laid out: its own columns, and the lists below it."""

    struct: type[msgspec.Struct]
    columns: tuple[_Column, ...]
    lists: tuple[tuple[str, type[msgspec.Struct]], ...]


def _dtype(kind: Any) -> pl.DataType | type[pl.DataType]:
    plain: dict[Any, Any] = {
        str: pl.String, int: pl.Int64, bool: pl.Boolean, date: pl.Date, datetime: pl.Datetime("us", "UTC"),
    }  # fmt: skip
    found: pl.DataType | type[pl.DataType] = pl.String if get_origin(kind) is Literal else plain[kind]
    return found


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _plan(struct: type[msgspec.Struct], prefix: str = "", path: tuple[str, ...] = ()) -> _Plan:
    columns: list[_Column] = []
    lists: list[tuple[str, type[msgspec.Struct]]] = []
    for name, kind, _ in about.fields(struct):
        here = (*path, name)
        if kind is Money:
            columns.append(_Column(f"{prefix}{name}_micro", (*here, "amount"), pl.Int64, is_micro=True))
            columns.append(_Column(f"{prefix}{name}_currency", (*here, "currency"), pl.String))
        elif kind is Decimal:
            columns.append(_Column(f"{prefix}{name}_micro", here, pl.Int64, is_micro=True))
        elif get_origin(kind) is tuple:
            [inner, _] = get_args(kind)
            if _is_struct(inner):
                lists.append((name, inner))
            else:
                columns.append(_Column(prefix + name, here, pl.List(_dtype(inner)), is_list=True))
        elif _is_struct(kind):
            columns.extend(_plan(kind, f"{prefix}{name}_", here).columns)
        else:
            columns.append(_Column(prefix + name, here, _dtype(kind)))
    return _Plan(struct, tuple(columns), tuple(lists))


_HEAD = _plan(Consignment)
_ITEM = _plan(GoodsItem)
_LISTS: dict[str, _Plan] = {
    name: _plan(struct) for plan in (_HEAD, _ITEM) for name, struct in plan.lists if name != "items"
}


def _schema(plan: _Plan, *keys: str) -> pl.Schema:
    return pl.Schema(dict.fromkeys(keys, ROW) | {column.name: column.dtype for column in plan.columns})


SCHEMA: dict[str, pl.Schema] = {
    "consignments": _schema(_HEAD, "row"),
    "items": _schema(_ITEM, "row", "item"),
} | {name: _schema(plan, *_KEYS) for name, plan in _LISTS.items()}
"""Every frame of a batch with its columns and their types."""


_EMPTY = {name: pl.DataFrame(schema=schema) for name, schema in SCHEMA.items()}
_NOTHING = {
    name: {column: pl.Series(column, [None], dtype=dtype) for column, dtype in schema.items()}
    for name, schema in SCHEMA.items()
}
"""Of each column one row in which nothing is said: most columns of a small batch are that, and making them costs."""


class Apart(NamedTuple):
    """The values of a column: for each row `which` of the `different` ones it has, None for null among them."""

    which: Whole
    different: list[Any]

    @staticmethod
    def of(column: pl.Series) -> Apart:
        """A column told apart."""
        return Apart(*told_apart(column))

    def stated(self) -> list[Any]:
        """The different values without null."""
        return [value for value in self.different if value is not None]

    def among(self, values: Sequence[Any]) -> Whole:
        """For each row the place of its value among a few, -1 where it is none of them."""
        order = {value: place for place, value in enumerate(values)}
        found: Whole = spread(lambda value: order.get(value, -1), self.different, self.which)
        return found

    def one_of(self, values: Collection[Any]) -> Yes:
        """For each row whether its value is one of a few."""
        found: Yes = spread(lambda value: value in values, self.different, self.which, np.bool_)
        return found


class Settings(NamedTuple):
    """Where and when customs meets consignments: for each `which` of the `different` pairs of country and day of
    acceptance it has. Days are counted from 1970, None where one is not stated."""

    which: Whole
    different: list[tuple[str, int | None]]


def settings_of(countries: Apart, days: pl.Series) -> Settings:
    """The settings of consignments of which these are the columns."""
    country, names = countries
    day = known(days)
    first = int(day[day != MISSING].min(initial=0)) - 1
    since = np.where(day == MISSING, 0, day - first)
    span = int(since.max(initial=0)) + 1
    keys, which = distinct(country * span + since, len(names) * span)
    return Settings(which, [(names[key // span], key % span + first if key % span else None) for key in keys.tolist()])


class Procedures(NamedTuple):
    """The additional procedures of `size` goods items, one after another: of each the place of its item, and `which`
    of the `different` codes it is."""

    size: int
    items: Whole
    which: Whole
    different: list[str]

    def some(self, codes: Collection[str]) -> Yes:
        """The goods items that have one of these codes."""
        found = np.zeros(self.size, np.bool_)
        wanted = np.array([code in codes for code in self.different], np.bool_)
        if wanted.any():
            found[self.items[wanted[self.which]]] = True
        return found


_FEW = 250
"""Up to so many goods lists of codes are sooner taken apart by Python than by the column engine."""


def _procedures(lists: pl.Series) -> Procedures:
    if len(lists) <= _FEW:
        stated = [codes or [] for codes in lists.to_list()]
        of = np.repeat(np.arange(len(stated)), np.fromiter(map(len, stated), np.int64, len(stated)))
        return Procedures(len(lists), of, *told_apart(pl.Series(list(chain(*stated)), dtype=pl.String)))
    sizes = known(lists.list.len())
    items = np.repeat(np.arange(len(lists)), np.where(sizes == MISSING, 0, sizes))
    flat = lists.explode(empty_as_null=False, keep_nulls=False) if len(items) else pl.Series([], dtype=pl.String)
    return Procedures(len(lists), items, *told_apart(flat))


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Consignments as columns. Frames follow `SCHEMA`; `items` and the lists are sorted by their keys."""

    consignments: pl.DataFrame
    items: pl.DataFrame
    parties: pl.DataFrame
    fiscal_references: pl.DataFrame
    documents: pl.DataFrame
    statements: pl.DataFrame
    adjustments: pl.DataFrame
    equipment: pl.DataFrame
    authorisations: pl.DataFrame
    guarantees: pl.DataFrame
    changes: pl.DataFrame
    codes: pl.DataFrame
    packages: pl.DataFrame
    means: pl.DataFrame
    taxes: pl.DataFrame
    _told: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _apart: dict[tuple[str, str], Apart] = field(default_factory=dict, init=False, repr=False, compare=False)

    def apart(self, frame: str, column: str) -> Apart:
        """A column of a frame as places among its different values; told apart once."""
        if (frame, column) not in self._apart:
            self._apart[frame, column] = Apart.of(getattr(self, frame)[column])
        return self._apart[frame, column]

    def once(self, name: str, *of: object, make: Callable[[], T]) -> T:
        """What is made of the batch and of these very objects besides; made once as long as they are the same."""
        if name not in self._told or any(was is not now for was, now in zip(self._told[name][0], of, strict=True)):
            self._told[name] = of, make()
        found: T = self._told[name][1]
        return found

    @property
    def settings(self) -> Settings:
        """The settings of all consignments; told apart once."""
        if "settings" not in self._told:
            self._told["settings"] = settings_of(
                self.apart("consignments", "jurisdiction"), self.consignments["accepted_on"]
            )
        found: Settings = self._told["settings"]
        return found

    @property
    def procedures(self) -> Procedures:
        """The additional procedures of all goods items; told apart once."""
        if "procedures" not in self._told:
            self._told["procedures"] = _procedures(self.items["additional_procedures"])
        found: Procedures = self._told["procedures"]
        return found

    @staticmethod
    def of(records: Sequence[Consignment]) -> Batch:
        """The records as columns, `row` being their place in the sequence."""
        of_heads = [record.items for record in records]
        items = list(chain.from_iterable(of_heads))
        row, item = _places(of_heads)
        frames = {
            "consignments": _frame("consignments", _HEAD, records, row=np.arange(len(records))),
            "items": _frame("items", _ITEM, items, row=row, item=item),
        }
        for name, plan in _LISTS.items():
            found: list[msgspec.Struct] = []
            keys: list[list[pl.Series]] = []
            for struct, holders in ((Consignment, records), (GoodsItem, items)):
                lists = list(map(operator.attrgetter(name), holders)) if name in struct.__struct_fields__ else []
                if any(lists):
                    found += chain.from_iterable(lists)
                    keys.append(_keys(lists, row, item) if struct is GoodsItem else _keys(lists))
            joined = [pl.concat(parts, rechunk=True) for parts in zip(*keys, strict=True)]
            frames[name] = _frame(name, plan, found, **dict(zip(_KEYS, joined, strict=False)))
        return Batch(**frames)

    @staticmethod
    def woven(parts: Sequence[tuple[Batch, Whole]]) -> Batch:
        """One batch of several: row `n` of a part becomes row `places[n]`, and is left out where that is below nought.

        Together the places that are not are all from nought up, each once.
        """
        return Batch(**{name: _woven([(getattr(batch, name), places) for batch, places in parts]) for name in SCHEMA})

    def records(self) -> list[Consignment]:
        """The consignments again, equal to those the batch was made of."""
        below: dict[tuple[int, int | None], dict[str, list[msgspec.Struct]]] = defaultdict(lambda: defaultdict(list))
        for name, plan in _LISTS.items():
            for values in getattr(self, name).iter_rows(named=True):
                below[values["row"], values["item"]][name].append(_record(plan, values, {}))
        items: dict[int, list[GoodsItem]] = defaultdict(list)
        for values in self.items.iter_rows(named=True):
            row = values["row"]
            items[row].append(_record(_ITEM, values, below[row, values["item"]]))
        return [
            _record(_HEAD, values, {**below[values["row"], None], "items": items[values["row"]]})
            for values in self.consignments.iter_rows(named=True)
        ]

    def __len__(self) -> int:
        return self.consignments.height

    @staticmethod
    def frame_names() -> tuple[str, ...]:
        """The names of all frames."""
        return tuple(SCHEMA)


def _woven(parts: Sequence[tuple[pl.DataFrame, Whole]]) -> pl.DataFrame:
    moved = []
    for frame, places in parts:
        if frame.height:
            row = places[frame["row"].to_numpy()]
            placed = frame.with_columns(pl.Series("row", np.maximum(row, 0), dtype=ROW))
            moved.append(placed if row.min() >= 0 else placed.filter(pl.Series(row >= 0)))
    if not moved:
        return parts[0][0].clear()
    joined = pl.concat(moved, rechunk=True)
    # What stands at the head of any consignment comes before what stands at a goods item.
    order = [pl.col("item").is_not_null(), "row", "item", "position"] if "position" in joined.columns else _KEYS[:2]
    return joined.sort([key for key in order if not isinstance(key, str) or key in joined.columns])


def _places(lists: Sequence[Sequence[Any]]) -> tuple[Whole, Whole]:
    """For each entry of some lists which list it is in, and its place there."""
    sizes = np.fromiter(map(len, lists), np.int64, len(lists))
    which = np.repeat(np.arange(len(lists)), sizes)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def _keys(lists: Sequence[Sequence[Any]], row: Whole | None = None, item: Whole | None = None) -> list[pl.Series]:
    """The keys of all entries of lists that stand at the consignments, or at the items whose keys are given."""
    which, position = _places(lists)
    none = pl.Series([None], dtype=ROW).new_from_index(0, len(which))
    own = (
        [pl.Series(which, dtype=ROW), none]
        if row is None or item is None
        else [pl.Series(row[which], dtype=ROW), pl.Series(item[which], dtype=ROW)]
    )
    return [*own, pl.Series(position, dtype=ROW)]


def _frame(name: str, plan: _Plan, records: Sequence[Any], **keys: Whole | pl.Series) -> pl.DataFrame:
    size = len(records)
    if not size:
        return _EMPTY[name]
    data = [pl.Series(key, values, dtype=ROW) for key, values in keys.items()]
    owners: dict[tuple[str, ...], list[Any]] = {(): list(records)}
    for column in plan.columns:
        values = _reach(owners, column.path)
        if column.is_list:
            data.append(_lists(column, values))
        elif _is_nothing(values):
            nothing = _NOTHING[name][column.name]
            data.append(nothing if size == 1 else nothing.new_from_index(0, size))
        elif column.is_micro:  # exact: the record was checked when it was made
            micro = [None if v is None else int(v * _MICRO) for v in values]
            data.append(pl.Series(column.name, micro, dtype=column.dtype))
        else:
            data.append(pl.Series(column.name, values, dtype=column.dtype))
    return pl.DataFrame(data)


def _is_nothing(values: list[Any]) -> bool:
    """Whether all are None. A look at the first spares most columns the count, as decimals are slow to compare."""
    return values[0] is None and values.count(None) == len(values)


def _lists(column: _Column, values: Sequence[tuple[str, ...] | None]) -> pl.Series:
    """A list column: the different lists, each at the places that have it."""
    number = {value: place for place, value in enumerate(dict.fromkeys(values))}
    which = np.fromiter(map(number.__getitem__, values), np.uint32, len(values))
    return _different_lists(column, list(number))[pl.Series(which)]


_FEW = 16
"""So few lists are sooner made as they are."""


def _different_lists(column: _Column, values: Sequence[tuple[str, ...] | None]) -> pl.Series:
    """A list column built flat and then grouped: a Python list a row would cost twenty times as much."""
    if len(values) <= _FEW:
        return pl.Series(column.name, [list(value or ()) for value in values], dtype=column.dtype)
    empty = pl.Series(column.name, [[]], dtype=column.dtype).new_from_index(0, len(values))
    flat = [(place, text) for place, found in enumerate(values) if found for text in found]
    if not flat:
        return empty
    places, texts = zip(*flat, strict=True)
    grouped = pl.DataFrame({"place": pl.Series(places, dtype=ROW), "text": texts}).group_by("place").agg("text")
    every = pl.DataFrame({"place": pl.Series(range(len(values)), dtype=ROW)})
    joined = every.join(grouped, on="place", how="left", maintain_order="left")["text"]
    return joined.zip_with(joined.is_not_null(), empty).alias(column.name)


def _reach(owners: dict[tuple[str, ...], list[Any]], path: tuple[str, ...]) -> list[Any]:
    """What stands at the path in each of the records."""
    if path not in owners:
        above, take = _reach(owners, path[:-1]), operator.attrgetter(path[-1])
        if len(path) == 1:
            owners[path] = list(map(take, above))
        elif _is_nothing(above):
            owners[path] = above
        else:
            owners[path] = [None if x is None else take(x) for x in above]
    return owners[path]


def _record(plan: _Plan, values: dict[str, Any], lists: dict[str, list[Any]]) -> Any:
    tree: dict[str, Any] = {}
    for column in plan.columns:
        value = values[column.name]
        if value is None or (column.is_list and not value):
            continue
        if column.is_micro:
            value = from_micro(value)
        elif column.is_list:
            value = tuple(value)
        place = tree
        for step in column.path[:-1]:
            place = place.setdefault(step, {})
        place[column.path[-1]] = value
    return _build(plan.struct, tree, {name: tuple(found) for name, found in lists.items()})


def _build(struct: type[msgspec.Struct], tree: dict[str, Any], lists: dict[str, Any]) -> Any:
    kinds = _KINDS.get(struct) or _KINDS.setdefault(struct, {name: kind for name, kind, _ in about.fields(struct)})
    make: Callable[..., Any] = struct
    return make(**{k: _build(kinds[k], v, {}) if isinstance(v, dict) else v for k, v in tree.items()}, **lists)


_KINDS: dict[type[msgspec.Struct], dict[str, Any]] = {}

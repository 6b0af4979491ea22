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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

import msgspec
import polars as pl

from tidewaiter.model import about
from tidewaiter.model.consignment import Consignment, GoodsItem
from tidewaiter.model.money import Money, from_micro

ROW = pl.UInt32
"""Type of the keys `row`, `item` and `position`."""


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
} | {name: _schema(plan, "row", "item", "position") for name, plan in _LISTS.items()}
"""Every frame of a batch with its columns and their types."""


_EMPTY = {name: pl.DataFrame(schema=schema) for name, schema in SCHEMA.items()}


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

    @staticmethod
    def of(records: Sequence[Consignment]) -> Batch:
        """The records as columns, `row` being their place in the sequence."""
        rows = range(len(records))
        items = [(row, place, item) for row in rows for place, item in enumerate(records[row].items)]
        frames = {
            "consignments": _frame("consignments", _HEAD, records, row=rows),
            "items": _frame(
                "items", _ITEM, [i for _, _, i in items], row=[r for r, _, _ in items], item=[p for _, p, _ in items]
            ),
        }
        for name, plan in _LISTS.items():
            take = operator.attrgetter(name)
            found: list[tuple[int, int | None, int, msgspec.Struct]] = []
            if name in Consignment.__struct_fields__:
                found += [(row, None, p, x) for row in rows for p, x in enumerate(take(records[row]))]
            if name in GoodsItem.__struct_fields__:
                found += [(row, place, p, x) for row, place, item in items for p, x in enumerate(take(item))]
            keys = list(zip(*found, strict=True)) if found else [(), (), (), ()]
            frames[name] = _frame(name, plan, keys[3], row=keys[0], item=keys[1], position=keys[2])
        return Batch(**frames)

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
        return tuple(field.name for field in dataclass_fields(Batch))


def _frame(name: str, plan: _Plan, records: Sequence[Any], **keys: Iterable[int | None]) -> pl.DataFrame:
    size = len(records)
    if not size:
        return _EMPTY[name]
    data = [pl.Series(key, list(values), dtype=ROW) for key, values in keys.items()]
    owners: dict[tuple[str, ...], list[Any]] = {(): list(records)}
    for column in plan.columns:
        holder = _reach(owners, column.path[:-1])
        leaf, optional = column.path[-1], len(column.path) > 1
        take = operator.attrgetter(leaf)
        values = list(map(take, holder)) if not optional else [None if x is None else take(x) for x in holder]
        if column.is_list:
            data.append(_lists(column, values))
            continue
        if values.count(None) == size:
            data.append(pl.Series(column.name, [None], dtype=column.dtype).new_from_index(0, size))
            continue
        if column.is_micro:  # exact: the record was checked when it was made
            values = [None if v is None else int(v.scaleb(6)) for v in values]
        data.append(pl.Series(column.name, values, dtype=column.dtype))
    return pl.DataFrame(data)


def _lists(column: _Column, values: Sequence[tuple[str, ...] | None]) -> pl.Series:
    """A list column, built flat and then grouped: a Python list a row would cost twenty times as much."""
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
    if path not in owners:
        above = _reach(owners, path[:-1])
        owners[path] = [None if x is None else getattr(x, path[-1]) for x in above]
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

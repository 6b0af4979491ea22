"""Consignees, sellers, scheme numbers and products as they were known when each consignment was accepted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

import polars as pl
from msgspec import json

from tidewaiter.model.past import PARTIES, PRODUCTS, RECENT
from tidewaiter.risk.history.memory import RANDOM_PICKS, Event, Head, Memory, below
from tidewaiter.risk.history.records import History
from tidewaiter.risk.history.telling import Goods, Key

_FEW = 16
_NAMES = RECENT.names().index("identity_names") - 1


class Known(NamedTuple):
    """What came before each consignment of a batch and each of its goods items: frames RECENT, PARTIES, PRODUCTS."""

    recent: pl.DataFrame
    parties: pl.DataFrame
    products: pl.DataFrame


def known_of(history: History, asked: History) -> Known:
    """What came before those of `asked`, the earlier of these too.

    `history.results` are those known by now, and `is_low` says of which goods of `asked` their price was compared.
    """
    memory, new = _memory(history, asked), _heads(asked.consignments)
    rows, items = asked.consignments["row"].to_list(), asked.items
    goods: dict[int, list[tuple[int, Key, Goods, bool | None]]] = defaultdict(list)
    for place, (row, told) in enumerate(zip(items["row"], _goods(items), strict=True)):
        goods[row].append((place, *told))
    recent: list[list[int | None]] = [[]] * len(new)
    parties = list(recent)
    products: list[list[int | None]] = [[]] * len(items)
    for place in sorted(range(len(new)), key=lambda place: new[place].at):
        recent[place], parties[place] = memory.recent(new[place]), memory.parties(new[place])
        for at, _, one, _ in goods[rows[place]]:
            products[at] = memory.products(one)
        memory.add(new[place])
        for _, seller, one, is_low in goods[rows[place]]:
            memory.add_goods(seller, one, is_low)
    heads = [asked.consignments["row"]]
    return Known(
        framed(heads, recent, RECENT),
        framed(heads, parties, PARTIES),
        framed([items["row"], items["item"]], products, PRODUCTS),
    )


def recent_later(history: History, asked: History, *, wait: timedelta) -> pl.DataFrame:
    """A frame RECENT about the consignments of `asked` looked at again so much later, as on arrival: what came until
    then counts besides."""
    memory, new = _memory(history, asked), _heads(asked.consignments)
    for head in sorted(new, key=_at):
        memory.add(head)
    return framed([asked.consignments["row"]], [memory.recent(head, wait=wait) for head in new], RECENT)


def figures_later(figures: str, own: Event, others: Sequence[Event], *, wait: timedelta) -> str:
    """The figures of a consignment (`Remembered`) as it is looked at again so much later: what its consignee had by
    then, of which `others` are those since `RECENT_D` days before it, oldest first. What else was known stays."""
    told: dict[str, list[int | None]] = json.decode(figures)
    if "recent" not in told:
        return figures
    memory = Memory(persons={(0, ""): sorted([own, *others], key=_at)})
    head = Head(own.at, "", own.seller, None, None, 0, None, None, None, own.value_micro, 0)
    now = memory.recent(head, wait=wait)
    now[_NAMES] = told["recent"][_NAMES]
    return json.encode(told | {"recent": now}).decode()


def _memory(history: History, asked: History) -> Memory:
    """The history as what came before `asked`, with the results that were known when it began."""
    memory = Memory(is_priced=True)
    for head in sorted(_heads(history.consignments), key=_at):
        memory.add(head)
    for told in _goods(history.items):
        memory.add_goods(*told)
    known = history.results.filter(pl.col("at") <= asked.consignments["at"].min())
    of_all = known.filter("is_random").with_columns(seller=pl.lit(RANDOM_PICKS, pl.Int64))
    counted = pl.concat([known.drop_nulls("seller"), of_all]).group_by("seller").agg(pl.len(), pl.col("is_wrong").sum())
    memory.results = {seller: (inspected, wrong) for seller, inspected, wrong in counted.iter_rows()}
    return memory


def _heads(consignments: pl.DataFrame) -> list[Head]:
    told = consignments.with_columns(pl.col("at").to_physical(), below=pl.lit(0)).rename({"consignee_name": "name"})
    shares = consignments["threshold_share_micro"].to_list()
    return [
        head._replace(below=below(share))
        for head, share in zip(map(Head._make, told.select(Head._fields).iter_rows()), shares, strict=True)
    ]


def _goods(items: pl.DataFrame) -> Iterator[tuple[Key, Goods, bool | None]]:
    told = items.select("seller", "is_low", *Goods._fields).iter_rows()
    return ((seller, Goods._make(goods), is_low) for seller, is_low, *goods in told)


def _at(one: Head | Event) -> int:
    return one.at


def framed(keys: Sequence[pl.Series], found: Sequence[Sequence[int | None]], schema: pl.Schema) -> pl.DataFrame:
    """A frame of this schema of what was found under each of these keys, the first columns."""
    if len(found) <= _FEW:
        # A third of what columns one by one take.
        rows = [(*key, *of) for key, of in zip(zip(*keys, strict=True), found, strict=True)]
        return pl.DataFrame(rows, schema=schema, orient="row")
    names = schema.names()[len(keys) :]
    columns = zip(*found, strict=True) if found else [()] * len(names)
    told = [pl.Series(name, column, dtype=schema[name]) for name, column in zip(names, columns, strict=True)]
    return pl.DataFrame([*keys, *told])

"""Consignees, sellers and scheme numbers as they were known when each consignment was accepted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from operator import attrgetter

import numpy as np
import polars as pl

from tidewaiter.model.exact import MISSING, Whole
from tidewaiter.model.money import MICRO
from tidewaiter.model.past import PARTIES, RECENT
from tidewaiter.risk.history.memory import WEIGHT, WRONG_RATE, Head, Memory, below
from tidewaiter.risk.history.records import History

_FEW = 16
LOW_RATE = 0.05
"""The share of goods that are among the cheapest twentieth of their like, where nobody states too little."""


def recent(history: History, asked: History, *, wait: timedelta | None = None) -> pl.DataFrame:
    """A frame RECENT about the consignments of `asked`: those that came before count, and the earlier of these too.

    With a `wait` they are looked at again so much later, as on arrival, and what came until then counts besides.
    """
    if wait is None:
        return _said(history, asked, Memory.recent, RECENT)
    memory, new = _memory(history), _heads(asked.consignments)
    for head in sorted(new, key=_at):
        memory.add(head)
    return framed(asked.consignments["row"], [memory.recent(head, wait=wait) for head in new], RECENT)


def parties(history: History, asked: History) -> pl.DataFrame:
    """A frame PARTIES about the consignments of `asked`. `history.results` are those known by now; of prices what is
    known of earlier batches alone, as those of this one have not been compared yet."""
    told = _said(history, asked, Memory.parties, PARTIES)
    return _with_records(history, asked, told).select(PARTIES.names()).cast(PARTIES)


def _said(
    history: History, asked: History, says: Callable[[Memory, Head], list[int | None]], schema: pl.Schema
) -> pl.DataFrame:
    """What the memory says of each when it comes, in the order of acceptance."""
    memory, new = _memory(history), _heads(asked.consignments)
    found: list[list[int | None]] = [[]] * len(new)
    for place in sorted(range(len(new)), key=lambda place: new[place].at):
        found[place] = says(memory, new[place])
        memory.add(new[place])
    return framed(asked.consignments["row"], found, schema)


def _memory(history: History) -> Memory:
    memory = Memory()
    for head in sorted(_heads(history.consignments), key=_at):
        memory.add(head)
    return memory


def _heads(consignments: pl.DataFrame) -> list[Head]:
    told = consignments.with_columns(pl.col("at").to_physical(), below=pl.lit(0)).rename({"consignee_name": "name"})
    shares = consignments["threshold_share_micro"].to_list()
    return [
        head._replace(below=below(share))
        for head, share in zip(map(Head._make, told.select(Head._fields).iter_rows()), shares, strict=True)
    ]


_at = attrgetter("at")


def framed(rows: pl.Series, found: Sequence[Sequence[int | None]], schema: pl.Schema) -> pl.DataFrame:
    """A frame of this schema of what was found of each row."""
    if len(found) <= _FEW:
        # A third of what columns one by one take.
        return pl.DataFrame([(row, *of) for row, of in zip(rows, found, strict=True)], schema=schema, orient="row")
    names = [name for name in schema if name != "row"]
    columns = zip(*found, strict=True) if found else [()] * len(names)
    told = [pl.Series(name, column, dtype=schema[name]) for name, column in zip(names, columns, strict=True)]
    return pl.DataFrame([rows, *told])


def _with_records(history: History, asked: History, told: pl.DataFrame) -> pl.DataFrame:
    """Besides what inspections and prices said of the seller before."""
    begin = asked.consignments["at"].min()
    results = history.results.filter(pl.col("at") <= begin)
    # What is picked for its looks is wrong far more often than what is usual: only the random share says that.
    random = results.filter("is_random")
    usual = (int(random["is_wrong"].sum()) + WEIGHT * WRONG_RATE) / (len(random) + WEIGHT)
    inspected = results.group_by("seller").agg(
        pl.len().alias("seller_inspected"), pl.col("is_wrong").sum().alias("wrong")
    )
    low = history.items.group_by("seller").agg(
        pl.col("is_low").count().alias("priced"), pl.col("is_low").sum().alias("low")
    )
    of = asked.consignments.select("seller").join(inspected, on="seller", how="left", maintain_order="left")
    of = of.join(low, on="seller", how="left", maintain_order="left")
    seen, wrong, priced, cheap = (pl.col(name).fill_null(0) for name in ("seller_inspected", "wrong", "priced", "low"))
    rates = {
        "seller_inspected": seen,
        "seller_wrong": wrong,
        "seller_wrong_rate_micro": ((wrong + WEIGHT * usual) / (seen + WEIGHT) * MICRO).floor(),
        "seller_low_price_rate_micro": ((cheap + WEIGHT * LOW_RATE) / (priced + WEIGHT) * MICRO).floor(),
    }
    is_known = pl.col("seller").is_not_null()
    said = of.select(pl.when(is_known).then(rate).alias(name) for name, rate in rates.items())
    return told.with_columns(said.get_columns())


def paired(both: pl.DataFrame, one: str, other: str) -> pl.Series:
    """The pairs of two columns as one key; null where one of the two is."""
    ranks = both.select(pl.col(name).rank("dense").cast(pl.Int64).alias(name) for name in (one, other))
    return ranks.select(pl.col(one) * (pl.col(other).max().fill_null(0) + 1) + pl.col(other)).to_series()


def rate(part: Whole, whole: Whole) -> Whole:
    """The share in millionths; `MISSING` where the whole is nothing or one of them is not known."""
    is_told = (whole > 0) & (part != MISSING)
    return np.where(is_told, np.where(is_told, part, 0) * MICRO // np.where(whole > 0, whole, 1), MISSING)

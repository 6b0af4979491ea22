"""What goods like these cost: tables of prices by code, origin and platform, and each price beside its like.

A table is made of earlier goods (an installation makes it anew each night), so no price is measured by itself. Where
few are known of a code, origin and platform, their figures are drawn toward those of the code and origin, and these
toward those of the heading: each level counts by how many it rests on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from tidewaiter.model.exact import MISSING, series
from tidewaiter.model.money import MICRO
from tidewaiter.model.past import MEASURES, PEERS
from tidewaiter.risk.history.memory import OWN_SHOP
from tidewaiter.risk.history.records import History

WEIGHT = 20
"""So many prices of a level weigh as much as the level above it."""
SPREAD_MIN = 0.1
"""No prices are taken to lie closer than this, as a standard deviation of the logarithm: a tenth up or down."""
_SHARES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
_MEDIAN, _Q05 = _SHARES.index(0.5), _SHARES.index(0.05)
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("jurisdiction", "hs4", "origin_country"),
    ("jurisdiction", "hs6", "origin_country"),
    ("jurisdiction", "hs6", "origin_country", "platform"),
)
_COUNTED = 1
"""The level whose number of prices is told: code and origin."""
_OF_NORMAL = 1.4826
"""A standard deviation, where the median of the deviations from the median is one and prices are normal."""

PeerTable: TypeAlias = dict[str, list[pl.DataFrame]]
"""For each measure the tables of the levels, the widest first: keys, `n`, the quantiles of the logarithm, `spread`."""
Floats: TypeAlias = npt.NDArray[np.float64]


def peer_table(history: History) -> PeerTable:
    """The table of prices of all goods in the history."""
    items = _leveled(history.items)
    return {measure: [_level(items, f"{measure}_micro", keys) for keys in _LEVELS] for measure in MEASURES}


def _leveled(items: pl.DataFrame) -> pl.DataFrame:
    platform = pl.col("platform").fill_null(OWN_SHOP)
    return items.with_columns(platform, hs4=pl.col("hs_code").str.head(4), hs6=pl.col("hs_code").str.head(6))


def _level(items: pl.DataFrame, price: str, keys: Sequence[str]) -> pl.DataFrame:
    priced = items.filter(pl.col(price) > 0, pl.all_horizontal(pl.col(*keys).is_not_null()))
    logs = priced.select(*keys, log=pl.col(price).cast(pl.Float64).log())
    away = (pl.col("log") - pl.col("log").median()).abs().median() * _OF_NORMAL
    quantiles = [pl.col("log").quantile(share, "linear").alias(f"q{place}") for place, share in enumerate(_SHARES)]
    return logs.group_by(*keys).agg(pl.len().alias("n"), *quantiles, away.alias("spread"))


def peers(asked: History, table: PeerTable) -> pl.DataFrame:
    """A frame PEERS about the goods items of `asked`; null where not even the heading is known from that origin."""
    items = _leveled(asked.items)
    found = [asked.items["row"], asked.items["item"]]
    for measure in MEASURES:
        found += _beside(items, measure, table[measure])
    return pl.DataFrame(found).select(PEERS.names())


def _beside(items: pl.DataFrame, measure: str, levels: Sequence[pl.DataFrame]) -> list[pl.Series]:
    figures = np.full((len(items), len(_SHARES) + 1), np.nan)
    counts = np.zeros(len(items), np.int64)
    for place, (keys, level) in enumerate(zip(_LEVELS, levels, strict=True)):
        of = items.select(keys).join(level, on=list(keys), how="left", maintain_order="left")
        n = of["n"].fill_null(0).cast(pl.Int64).to_numpy()
        own = of.select(*(f"q{share}" for share in range(len(_SHARES))), "spread").to_numpy()
        weight = np.where(np.isnan(figures[:, 0]), 1.0, n / (n + WEIGHT))[:, None]
        drawn = own * weight + np.where(np.isnan(figures), 0.0, figures) * (1 - weight)
        figures = np.where((n > 0)[:, None], drawn, figures)
        if place == _COUNTED:
            counts = n
    price = items[f"{measure}_micro"].cast(pl.Float64).to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log(np.where(price > 0, price, np.nan))
    quantiles, spread = figures[:, :-1], np.maximum(figures[:, -1], SPREAD_MIN)
    told = {
        "median_micro": np.exp(quantiles[:, _MEDIAN]),
        "q05_micro": np.exp(quantiles[:, _Q05]),
        "rank_micro": _ranks(log, quantiles) * MICRO,
        "deviation_micro": (log - quantiles[:, _MEDIAN]) / spread * MICRO,
    }
    return [
        series(f"{measure}_count", counts),
        *(series(f"{measure}_{name}", _whole(column)) for name, column in told.items()),
    ]


def _ranks(log: Floats, quantiles: Floats) -> Floats:
    """Which share of the like cost less, evenly between the quantiles; half the last share beyond them."""
    shares = np.array([_SHARES[0] / 2, *_SHARES, 1 - _SHARES[0] / 2])
    above = (quantiles < log[:, None]).sum(axis=1)
    padded = np.concatenate([quantiles[:, :1], quantiles, quantiles[:, -1:]], axis=1)
    row = np.arange(len(log))
    low, high = padded[row, above], padded[row, above + 1]
    gap = high - low
    with np.errstate(divide="ignore", invalid="ignore"):
        within = np.where(gap > 0, (log - low) / gap, above == len(_SHARES))
    ranks: Floats = shares[above] + np.clip(within, 0, 1) * (shares[above + 1] - shares[above])
    return np.where(np.isnan(log) | np.isnan(quantiles[:, 0]), np.nan, ranks)


def _whole(column: Floats) -> npt.NDArray[np.int64]:
    is_told = np.isfinite(column) & (np.abs(column) < 2.0**62)
    return np.where(is_told, np.where(is_told, column, 0), MISSING).astype(np.int64)

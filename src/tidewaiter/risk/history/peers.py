"""What goods like these cost: tables of prices by code, origin and platform, and each price beside its like.

A table is made of earlier goods (an installation makes it anew each day), so no price is measured by itself. Where
few are known of a code, origin and platform, their figures are drawn toward those of the code and origin, and these
toward those of the heading: each level counts by how many it rests on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from tidewaiter.model.exact import MISSING, series
from tidewaiter.model.money import MICRO
from tidewaiter.model.past import MEASURES, PEERS
from tidewaiter.risk.history.memory import OWN_SHOP
from tidewaiter.risk.history.records import History
from tidewaiter.risk.history.telling import Key

WEIGHT = 20
"""So many prices of a level weigh as much as the level above it."""
SPREAD_MIN = 0.1
"""No prices are taken to lie closer than this, as a standard deviation of the logarithm: a tenth up or down."""
_SHARES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
_MEDIAN, _Q05 = _SHARES.index(0.5), _SHARES.index(0.05)
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("jurisdiction", "heading", "origin"),
    ("jurisdiction", "code", "origin"),
    ("jurisdiction", "code", "origin", "platform"),
)
_COUNTED = 1
"""The level whose number of prices is told: code and origin."""
_OF_NORMAL = 1.4826
"""A standard deviation, where the median of the deviations from the median is one and prices are normal."""
_OF_HEADING = 100
"""A code of six digits as a number, divided by this, is that of its heading."""
_FIGURES = (*(f"q{place}" for place in range(len(_SHARES))), "spread")

Floats: TypeAlias = npt.NDArray[np.float64]
Kind = tuple[str, Key, Key, Key]
"""What goods are of: country, code, origin and platform."""
PRICES = pl.Schema(
    {
        "jurisdiction": pl.String(), "code": pl.Int64(), "origin": pl.Int64(), "platform": pl.Int64(),
        **{f"{measure}_micro": pl.Int64() for measure in MEASURES},
    }
)  # fmt: skip
"""A row a goods item of the past, of which a table of prices is made: those of ITEMS do."""
TABLE = pl.Schema(
    {
        "measure": pl.String(), "level": pl.UInt8(), "jurisdiction": pl.String(), "heading": pl.Int64(),
        "code": pl.Int64(), "origin": pl.Int64(), "platform": pl.Int64(), "n": pl.Int64(),
        **dict.fromkeys(_FIGURES, pl.Float64()),
    }
)  # fmt: skip
"""A row for each measure, level and its keys: how many prices, and of their logarithms the quantiles and the spread."""


class _Level(NamedTuple):
    """Where the figures of each of its keys stand; the last of them are of what is not known."""

    places: dict[tuple[object, ...], int]
    n: npt.NDArray[np.int64]
    figures: Floats


class PeerTable:
    """A table of prices made ready: for each measure its levels, the widest first. `frame` is a frame TABLE."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        # Of an empty one no level is asked: it is made on import, where Polars must not start threads yet.
        self._levels = {
            measure: [
                _ready(frame.filter(pl.col("measure") == measure, pl.col("level") == level), keys)
                for level, keys in enumerate(_LEVELS if self.is_telling else ())
            ]
            for measure in MEASURES
        }

    @property
    def is_telling(self) -> bool:
        """Whether it has any price."""
        return len(self.frame) > 0

    def beside(self, kinds: Sequence[Kind], prices: Mapping[str, Sequence[int | None]]) -> list[pl.Series]:
        """The columns of PEERS but for its keys, of goods of these kinds with these prices by measure."""
        keys = _keys(kinds)
        return [one for measure in MEASURES for one in _beside(measure, prices[measure], keys, self._levels[measure])]


def peer_table(goods: pl.DataFrame) -> PeerTable:
    """The table of the prices of goods in a frame that has the columns of PRICES."""
    platform = pl.col("platform").fill_null(OWN_SHOP)
    items = goods.with_columns(platform, heading=pl.col("code") // _OF_HEADING)
    made = [
        _level(items, f"{measure}_micro", keys).with_columns(
            measure=pl.lit(measure), level=pl.lit(level, dtype=TABLE["level"])
        )
        for measure in MEASURES
        for level, keys in enumerate(_LEVELS)
    ]
    return PeerTable(pl.concat([pl.DataFrame(schema=TABLE), *made], how="diagonal"))


def _level(items: pl.DataFrame, price: str, keys: Sequence[str]) -> pl.DataFrame:
    priced = items.filter(pl.col(price) > 0, pl.all_horizontal(pl.col(*keys).is_not_null()))
    logs = priced.select(*keys, log=pl.col(price).cast(pl.Float64).log())
    away = (pl.col("log") - pl.col("log").median()).abs().median() * _OF_NORMAL
    quantiles = [pl.col("log").quantile(share, "linear").alias(f"q{place}") for place, share in enumerate(_SHARES)]
    return logs.group_by(*keys).agg(pl.len().cast(TABLE["n"]).alias("n"), *quantiles, away.alias("spread"))


def _ready(level: pl.DataFrame, keys: Sequence[str]) -> _Level:
    places = {key: place for place, key in enumerate(level.select(keys).iter_rows())}
    figures = np.vstack([level.select(_FIGURES).to_numpy(), np.full((1, len(_FIGURES)), np.nan)])
    return _Level(places, np.append(level["n"].to_numpy(), 0), figures)


def _keys(kinds: Sequence[Kind]) -> list[list[tuple[object, ...]]]:
    """By level the key of each."""
    headings = [None if code is None else code // _OF_HEADING for _, code, _, _ in kinds]
    return [
        [(country, heading, origin) for (country, _, origin, _), heading in zip(kinds, headings, strict=True)],
        [(country, code, origin) for country, code, origin, _ in kinds],
        [(country, code, origin, OWN_SHOP if shop is None else shop) for country, code, origin, shop in kinds],
    ]


def peers(asked: History, table: PeerTable) -> pl.DataFrame:
    """A frame PEERS about the goods items of `asked`; null where not even the heading is known from that origin."""
    items = asked.items
    kinds = items.select("jurisdiction", "code", "origin", "platform").rows()
    told = table.beside(kinds, {measure: items[f"{measure}_micro"].to_list() for measure in MEASURES})
    return pl.DataFrame([items["row"], items["item"], *told]).select(PEERS.names())


def _beside(
    measure: str, prices: Sequence[int | None], keys: Sequence[Sequence[tuple[object, ...]]], levels: Sequence[_Level]
) -> list[pl.Series]:
    figures = np.full((len(prices), len(_FIGURES)), np.nan)
    counts = np.zeros(len(prices), np.int64)
    for number, (of, level) in enumerate(zip(keys, levels, strict=False)):
        places = np.array([level.places.get(key, -1) for key in of], np.int64)
        n, own = level.n[places], level.figures[places]
        weight = np.where(np.isnan(figures[:, 0]), 1.0, n / (n + WEIGHT))[:, None]
        drawn = own * weight + np.where(np.isnan(figures), 0.0, figures) * (1 - weight)
        figures = np.where((n > 0)[:, None], drawn, figures)
        if number == _COUNTED:
            counts = n
    price = np.array([np.nan if one is None else one for one in prices], np.float64)
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


NO_PRICES = PeerTable(pl.DataFrame(schema=TABLE))
"""The table of an installation that has none yet."""

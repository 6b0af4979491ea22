"""How near a consignment comes to a threshold of law: what it is worth, and as a share of the next threshold above."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from tidewaiter.law import Law
from tidewaiter.law.timeline import EPOCH, in_force
from tidewaiter.model.batch import Batch
from tidewaiter.model.exact import MISSING, Whole, known, scaled, series
from tidewaiter.model.money import MICRO
from tidewaiter.model.rows import positions


def goods_values(batch: Batch, values: pl.DataFrame) -> pl.Series:
    """What the goods of each consignment cost without carriage, in millionths of the country's own currency; null where
    that is not known of one of its items, or it has none. `values` is a frame VALUES."""
    return batch.once("goods values", values, make=lambda: _goods_values(batch, values))


def _goods_values(batch: Batch, values: pl.DataFrame) -> pl.Series:
    rows = positions(values["row"], batch.consignments["row"]).to_numpy()
    goods = known(values["goods_micro"])
    total = np.zeros(len(batch), np.int64)
    is_told = np.zeros(len(batch), np.bool_)
    is_told[rows] = True
    is_told[rows[goods == MISSING]] = False
    # So large that a sum might wrap: nobody splits such a consignment, so its value is simply not told here.
    is_told[rows[goods > _GREATEST]] = False
    np.add.at(total, rows, np.where(goods > _GREATEST, 0, np.maximum(goods, 0)))
    return series("value", np.where(is_told, total, MISSING))


_GREATEST = 2**62 // 100_000


def threshold_shares(batch: Batch, goods: pl.Series, law: Law) -> pl.Series:
    """The value of each consignment in millionths of the lowest threshold for its category that it does not pass.

    Null where it passes all, where there are none, and where they are stated in a currency not the country's own.
    `goods` are the values of `goods_values`. Source: the regimes of the law in force.
    """
    return batch.once("threshold shares", goods, law, make=lambda: _threshold_shares(batch, goods, law))


def _threshold_shares(batch: Batch, goods: pl.Series, law: Law) -> pl.Series:
    of, settings = batch.settings
    categories, names = batch.apart("consignments", "category")
    worth = known(goods)
    found = np.full(len(batch), MISSING, np.int64)
    keys = of * len(names) + categories
    for key in np.unique(keys[worth != MISSING]).tolist():
        country, day = settings[key // len(names)]
        limits = _limits(law, country, day, names[key % len(names)])
        here = np.flatnonzero((keys == key) & (worth != MISSING))
        found[here] = _shares(worth[here], limits)
    return series("threshold_share", found)


def _shares(worth: Whole, limits: Sequence[int]) -> Whole:
    if not limits:
        return np.full(len(worth), MISSING, np.int64)
    steps = np.array(limits, np.int64)
    place = np.searchsorted(steps, worth, side="left")
    limit = steps[np.minimum(place, len(steps) - 1)]
    return scaled(np.where(place < len(steps), worth, MISSING), MICRO, limit, quantum=1, half_up=False)


def _limits(law: Law, country: str, day: int | None, category: str | None) -> tuple[int, ...]:
    """The thresholds of the country on the day for imports of that category, rising."""
    if day is None:
        return ()
    return law.remembered(("thresholds", country, day, category), lambda: _found(law, country, day, category))


def _found(law: Law, country: str, day: int, category: str | None) -> tuple[int, ...]:
    own = law.currency(country)
    limits = set()
    for regime in in_force(law.regimes(country), date.fromordinal(day + EPOCH)):
        when = regime.when
        concerns = "import" in (when.direction or ("import",)) and category in (when.category or (category,))
        # A relief that is claimed by a code of its own is no threshold to those that do not claim it.
        is_claimed = bool(when.additional_procedure) and not when.category
        if concerns and not is_claimed and when.currency == own and when.value_per == "consignment":
            limits |= {limit for limit in (when.value_max, when.value_over) if limit}
    return tuple(sorted(limits))

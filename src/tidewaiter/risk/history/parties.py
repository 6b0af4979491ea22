"""Consignees, sellers and scheme numbers as they were known when each consignment was accepted."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from tidewaiter.model.exact import MISSING, Whole, known, series
from tidewaiter.model.money import MICRO
from tidewaiter.model.past import PARTIES, RECENT, WINDOWS_H
from tidewaiter.risk.history.records import History
from tidewaiter.risk.history.running import Running

_TWENTIETH = MICRO // 20
_DAY_MS = 86_400_000
WEIGHT = 20
"""So many earlier goods or inspections weigh as much as what is usual of all sellers."""
LOW_RATE = 0.05
"""The share of goods that are among the cheapest twentieth of their like, where nobody states too little."""


WRONG_RATE = 0.04
"""The share of all consignments taken to be wrong until random inspections say more."""


def recent(history: History, asked: History, *, wait: timedelta = timedelta(0)) -> pl.DataFrame:
    """A frame RECENT about the consignments of `asked`: those that came before count, and the earlier of these too.

    With a `wait` they are looked at again so much later, as on arrival, and what came until then counts besides.
    """
    both, new = _both(history, asked)
    # What one had in two countries costs so much in two currencies, and is below the thresholds of two laws.
    both = both.with_columns(consignee=paired(both, "consignee", "jurisdiction"))
    goods = known(both["value_micro"])
    consignee = Running(both["consignee"], both["at"])
    of_seller = Running(paired(both, "consignee", "seller"), both["at"])
    found: dict[str, Whole] = {}
    for window, hours in WINDOWS_H.items():
        found[f"consignee_{window}_count"] = consignee.within(hours, wait=wait)
        found[f"consignee_{window}_value_micro"] = consignee.within(hours, goods, wait=wait)
        found[f"consignee_{window}_from_seller_count"] = of_seller.within(hours, wait=wait)
    found["identity_names"] = Running(both["identity"], both["at"]).different(both["consignee_name"])
    return _framed(asked, found, new).select(RECENT.names())


def parties(history: History, asked: History) -> pl.DataFrame:
    """A frame PARTIES about the consignments of `asked`. `history.results` are those known by now; of prices what is
    known of earlier batches alone, as those of this one have not been compared yet."""
    both, new = _both(history, asked)
    at = both["at"]
    seller, scheme = Running(both["seller"], at), Running(both["scheme"], at)
    share = known(both["threshold_share_micro"])
    time = known(at.dt.epoch("ms"))
    age = (time - time.min(initial=0) - seller.first()) // _DAY_MS if len(time) else time
    count = scheme.count()
    # To have a shop of one's own is to sell over no platform, and counts as one more.
    over_same = Running(paired(both.with_columns(pl.col("platform").fill_null("")), "scheme", "platform"), at).count()
    found = {
        "seller_age_d": np.where(seller.is_known, age, MISSING),
        "seller_count": seller.count(),
        "seller_7d_count": seller.within(168),
        "seller_just_below": seller.total((share > MICRO - _TWENTIETH).astype(np.int64)),
        "seller_near_below": seller.total(
            ((share > MICRO - 4 * _TWENTIETH) & (share <= MICRO - _TWENTIETH)).astype(np.int64)
        ),
        "seller_place_sellers": Running(both["seller_place"], at).different(both["seller"]),
        "scheme_count": count,
        "scheme_platform_rate_micro": rate(over_same, count),
        "scheme_seller_count": Running(paired(both, "scheme", "seller"), at).count(),
    }
    told = _framed(asked, found, new)
    return _with_records(history, asked, told).select(PARTIES.names()).cast(PARTIES)


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
    return told.hstack(of.select(pl.when(is_known).then(rate).alias(name) for name, rate in rates.items()))


def _both(history: History, asked: History) -> tuple[pl.DataFrame, slice]:
    return pl.concat([history.consignments, asked.consignments]), slice(len(history.consignments), None)


def paired(both: pl.DataFrame, one: str, other: str) -> pl.Series:
    """The pairs of two columns as one key; null where one of the two is."""
    ranks = both.select(pl.col(name).rank("dense").cast(pl.Int64).alias(name) for name in (one, other))
    return ranks.select(pl.col(one) * (pl.col(other).max().fill_null(0) + 1) + pl.col(other)).to_series()


def rate(part: Whole, whole: Whole) -> Whole:
    """The share in millionths; `MISSING` where the whole is nothing or one of them is not known."""
    is_told = (whole > 0) & (part != MISSING)
    return np.where(is_told, np.where(is_told, part, 0) * MICRO // np.where(whole > 0, whole, 1), MISSING)


def _framed(asked: History, found: dict[str, Whole], new: slice) -> pl.DataFrame:
    rows = asked.consignments["row"]
    return pl.DataFrame([rows, *(series(name, numbers[new]) for name, numbers in found.items())])

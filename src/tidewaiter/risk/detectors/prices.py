"""Goods that cost far less than their like."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tidewaiter.risk.detectors.detector import Figures, Limits, detector, ramp


def _deviation(of: Mapping[str, Figures], limits: Limits) -> Figures:
    """How far below the median, by mass and by piece: the lesser of the two, as a wrong mass moves only the one."""
    sides = [
        np.where(
            of[f"peers.price_per_{unit}_count"] >= limits["peers_min"], -of[f"peers.price_per_{unit}_deviation"], np.nan
        )
        for unit in ("kg", "unit")
    ]
    lesser: Figures = np.fmin(*sides)
    return lesser


@detector(
    "low-price",
    looks_at=(
        "peers.price_per_kg_deviation", "peers.price_per_kg_count", "peers.price_per_unit_deviation",
        "peers.price_per_unit_count",
    ),
    limits=("peers_min", "deviations_min", "deviations_full"),
)  # fmt: skip
def low_price(of: Mapping[str, Figures], limits: Limits) -> Figures:
    """The goods cost far less than goods of the same code, origin and platform did before."""
    return ramp(_deviation(of, limits), limits["deviations_min"], limits["deviations_full"])


@detector(
    "low-price-habit",
    looks_at=("past.seller_low_price_rate", "past.seller_count", "peers.price_per_kg_rank"),
    limits=("count_min", "rate_min", "rate_full", "rank_max"),
)
def low_price_habit(of: Mapping[str, Figures], limits: Limits) -> Figures:
    """The seller's goods are time and again among the cheapest of their like, and so are these."""
    seen = ramp(of["past.seller_low_price_rate"], limits["rate_min"], limits["rate_full"])
    concerned = (of["past.seller_count"] >= limits["count_min"]) & (of["peers.price_per_kg_rank"] <= limits["rank_max"])
    found: Figures = np.where(concerned, seen, 0.0)
    return found

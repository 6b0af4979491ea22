"""Consignments made to stay below a threshold of law: priced to it, or split."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tidewaiter.model.past import WINDOWS_H
from tidewaiter.risk.detectors.detector import Figures, Limits, detector, ramp

_EVEN = 0.25
"""Of the last four twentieths below a threshold the last holds so many, where nobody minds the threshold."""


@detector(
    "just-below-threshold",
    looks_at=("consignment.threshold_share", "past.seller_just_below", "past.seller_near_below"),
    limits=("share_min", "count_min", "deviations_min", "deviations_full"),
)
def just_below_threshold(of: Mapping[str, Figures], limits: Limits) -> Figures:
    """The seller's consignments heap just below a threshold of law, and this one lies there too."""
    just = of["past.seller_just_below"]
    both = just + of["past.seller_near_below"]
    concerned = (of["consignment.threshold_share"] >= limits["share_min"]) & (both >= limits["count_min"])
    if not concerned.any():
        return np.zeros(len(just))
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = (just - _EVEN * both) / np.sqrt(_EVEN * (1 - _EVEN) * both)
    seen: Figures = np.where(concerned, ramp(deviation, limits["deviations_min"], limits["deviations_full"]), 0.0)
    return seen


def _splitting(window: str) -> None:
    goods, earlier = "consignment.value", f"past.consignee_{window}_from_seller_value"
    share, count = "consignment.threshold_share", f"past.consignee_{window}_from_seller_count"

    @detector(
        f"splitting-{window}",
        looks_at=(goods, share, earlier, count),
        limits=("count_min", "count_full", "strength_min", "part_min", "together_min"),
    )
    def splitting(of: Mapping[str, Figures], limits: Limits) -> Figures:
        """One person has had several consignments from the same seller within the time, each below a threshold of law,
        and together they pass it. Where they are few, none is a small part of it."""
        often = ramp(of[count], limits["count_min"], limits["count_full"], lowest=limits["strength_min"])
        if not often.any():
            return often
        with np.errstate(invalid="ignore", divide="ignore"):
            before = of[earlier] / of[goods] * of[share]
            each = before / of[count]
        # Who buys twice from one shop seldom buys for nearly the threshold both times; what was above it by itself was
        # charged, and hides nothing. Of the earlier ones the mean stands for each.
        is_part = (each <= 1) & (np.fmin(each, of[share]) >= limits["part_min"])
        are_many = of[count] >= limits["count_full"]
        seen: Figures = np.where((is_part | are_many) & (before + of[share] >= limits["together_min"]), often, 0.0)
        return seen


for _window in WINDOWS_H:
    _splitting(_window)

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
    goods, earlier = "consignment.value", f"past.consignee_{window}_value"
    share, count = "consignment.threshold_share", f"past.consignee_{window}_from_seller_count"

    @detector(
        f"splitting-{window}",
        looks_at=(goods, share, earlier, count),
        limits=("count_min", "count_full", "together_min"),
    )
    def splitting(of: Mapping[str, Figures], limits: Limits) -> Figures:
        """One person has had several consignments from the same seller within the time, each below a threshold of law,
        and together they pass it."""
        often = ramp(of[count], limits["count_min"], limits["count_full"])
        if not often.any():
            return often
        with np.errstate(invalid="ignore", divide="ignore"):
            together = (of[goods] + of[earlier]) / of[goods] * of[share]
        seen: Figures = np.where(together >= limits["together_min"], often, 0.0)
        return seen


for _window in WINDOWS_H:
    _splitting(_window)

"""One product declared in two ways."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tidewaiter.risk.detectors.detector import Figures, Limits, detector, ramp


def _unlike(rate: Figures, of: Mapping[str, Figures], limits: Limits) -> Figures:
    seen: Figures = np.where(
        of["product.count"] >= limits["count_min"],
        ramp(1 - rate, limits["otherwise_min"], limits["otherwise_full"]),
        0.0,
    )
    return seen


_LIMITS = ("count_min", "otherwise_min", "otherwise_full")


@detector("code-changed", looks_at=("product.count", "product.code_rate"), limits=_LIMITS)
def code_changed(of: Mapping[str, Figures], limits: Limits) -> Figures:
    """The same product was nearly always declared under another code."""
    return _unlike(of["product.code_rate"], of, limits)


@detector("origin-changed", looks_at=("product.count", "product.origin_rate"), limits=_LIMITS)
def origin_changed(of: Mapping[str, Figures], limits: Limits) -> Figures:
    """The same product was nearly always declared with another origin."""
    return _unlike(of["product.origin_rate"], of, limits)

"""One product declared in two ways."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tidewaiter.risk.detectors.detector import Figures, Limits, detector, ramp


def _unlike(count: Figures, rate: Figures, limits: Limits) -> Figures:
    otherwise = ramp(1 - rate, limits["otherwise_min"], limits["otherwise_full"])
    seen: Figures = np.where(count >= limits["count_min"], otherwise, 0.0)
    return seen


_LIMITS = ("count_min", "otherwise_min", "otherwise_full")


@detector("code-changed", looks_at=("product.count", "product.code_rate"), limits=_LIMITS)
def code_changed(of: Mapping[str, Figures], limits: Limits) -> Figures:
    """The same product was nearly always declared under another code."""
    return _unlike(of["product.count"], of["product.code_rate"], limits)


@detector("origin-changed", looks_at=("product.count", "product.origin_rate"), limits=_LIMITS)
def origin_changed(of: Mapping[str, Figures], limits: Limits) -> Figures:
    """The same product was nearly always declared with another origin."""
    return _unlike(of["product.count"], of["product.origin_rate"], limits)


@detector("code-unlike-words", looks_at=("product.words_count", "product.words_code_rate"), limits=_LIMITS)
def code_unlike_words(of: Mapping[str, Figures], limits: Limits) -> Figures:
    """Goods in the same words were nearly always declared under another code, by whomever."""
    return _unlike(of["product.words_count"], of["product.words_code_rate"], limits)

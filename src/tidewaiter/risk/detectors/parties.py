"""Who is behind it: borrowed identities and numbers, sellers that are not there, and those caught before."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tidewaiter.risk.detectors.detector import Figures, Limits, detector, ramp


@detector("identity-reused", looks_at=("past.identity_names",), limits=("names_min", "names_full"))
def identity_reused(of: Mapping[str, Figures], limits: Limits) -> Figures:
    """The consignee's identity number was used under several other names before."""
    return ramp(of["past.identity_names"], limits["names_min"], limits["names_full"])


@detector(
    "scheme-borrowed",
    looks_at=("past.scheme_count", "past.scheme_platform_rate"),
    limits=("count_min", "elsewhere_min", "elsewhere_full"),
)
def scheme_borrowed(of: Mapping[str, Figures], limits: Limits) -> Figures:
    """The import scheme number was nearly always used over another platform: it may be somebody else's."""
    elsewhere = ramp(1 - of["past.scheme_platform_rate"], limits["elsewhere_min"], limits["elsewhere_full"])
    seen: Figures = np.where(of["past.scheme_count"] >= limits["count_min"], elsewhere, 0.0)
    return seen


@detector(
    "ghost-seller",
    looks_at=("past.seller_age_d", "past.seller_place_sellers"),
    limits=("age_max_d", "sellers_min", "sellers_full"),
)
def ghost_seller(of: Mapping[str, Figures], limits: Limits) -> Figures:
    """The seller has been there for a few days at most, and gives the telephone or address of several before it."""
    shared = ramp(of["past.seller_place_sellers"], limits["sellers_min"], limits["sellers_full"])
    seen: Figures = np.where(of["past.seller_age_d"] <= limits["age_max_d"], shared, 0.0)
    return seen


@detector(
    "caught-before",
    looks_at=("past.seller_inspected", "past.seller_wrong_rate"),
    limits=("inspected_min", "rate_min", "rate_full"),
)
def caught_before(of: Mapping[str, Figures], limits: Limits) -> Figures:
    """Inspections of the seller's goods found something wrong more often than is usual."""
    often = ramp(of["past.seller_wrong_rate"], limits["rate_min"], limits["rate_full"])
    seen: Figures = np.where(of["past.seller_inspected"] >= limits["inspected_min"], often, 0.0)
    return seen

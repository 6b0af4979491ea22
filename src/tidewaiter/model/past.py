"""What the corridor may know of earlier consignments, handed in as columns by whoever has a store."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

TRACKING_IDS = pl.Schema({"tracking_id": pl.String, "reference": pl.String, "last_on": pl.Date})
"""A row a tracking number lodged before: under which reference, and on which legal day last."""
_NOTHING = pl.DataFrame(schema=TRACKING_IDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Earlier consignments as columns, as known at acceptance. With nothing given, nothing is known."""

    tracking_ids: pl.DataFrame = field(default_factory=lambda: _NOTHING)

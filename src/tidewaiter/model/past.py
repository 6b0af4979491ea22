"""What the corridor may know of earlier consignments, handed in as columns by whoever has a store."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

TRACKING_IDS = pl.Schema({"tracking_id": pl.String, "reference": pl.String, "last_on": pl.Date})
"""A row a tracking number lodged before: under which reference, and on which legal day last."""

PERSON_TOTALS = pl.Schema({"row": pl.UInt32, "day_micro": pl.Int64, "year_micro": pl.Int64})
"""A row a consignment of the batch: what its buyer imported before it on the same legal day, and in the same calendar
year, under a limit by the person; in the currency of the country's thresholds."""

_NO_TRACKING_IDS, _NO_TOTALS = pl.DataFrame(schema=TRACKING_IDS), pl.DataFrame(schema=PERSON_TOTALS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Earlier consignments as columns, as known at acceptance. With nothing given, nothing is known."""

    tracking_ids: pl.DataFrame = field(default_factory=lambda: _NO_TRACKING_IDS)
    person_totals: pl.DataFrame = field(default_factory=lambda: _NO_TOTALS)

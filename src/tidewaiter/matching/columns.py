"""What matching found, as a column of the past that risk looks at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from tidewaiter.matching.meeting import Match, Order
from tidewaiter.model.past import DOCUMENTS


def mismatches(matches: Iterable[Match], rows: Mapping[Order, Iterable[int]]) -> pl.DataFrame:
    """A frame DOCUMENTS about the consignments of a batch; `rows` are those that each order is of."""
    found = [
        (row, sum(mismatch.kind.severity == "error" for mismatch in one.mismatches))
        for one in matches
        for row in rows.get((one.jurisdiction, one.order), ())
    ]
    return pl.DataFrame(found, schema=DOCUMENTS, orient="row").group_by("row").sum().sort("row")

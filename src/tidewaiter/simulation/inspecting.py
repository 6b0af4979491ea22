"""What inspection reveals: of what is opened alone, and not all of that."""

from __future__ import annotations

import numpy as np
import polars as pl

from tidewaiter.model.batch import ROW

FOUND = pl.Schema({"row": ROW, "is_wrong": pl.Boolean, "scheme": pl.String})
"""A row an inspected consignment: whether something was found, and what. Of the others nothing is known."""
MISS = 0.1
"""The part of what is wrong that an inspection does not see."""


def inspect(truth: pl.DataFrame, picked: pl.Series, rng: np.random.Generator, *, miss: float = MISS) -> pl.DataFrame:
    """A frame FOUND of the rows `picked` of a frame TRUTH: selective labels."""
    opened = truth.filter(pl.col("row").is_in(picked.implode())).sort("row")
    sees = pl.Series(rng.random(len(opened)) >= miss)
    is_wrong = opened["scheme"].is_not_null() & sees
    none = pl.Series([None], dtype=pl.String).new_from_index(0, len(opened))
    found = [opened["row"], is_wrong.alias("is_wrong"), opened["scheme"].zip_with(is_wrong, none).alias("scheme")]
    return pl.DataFrame(found, schema=FOUND)

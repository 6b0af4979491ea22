"""How many rows with the same key came before each."""

from __future__ import annotations

import numpy as np
import polars as pl

from tidewaiter.model.exact import MISSING, Whole, beginnings, known


def count_before(key: pl.Series, at: pl.Series) -> Whole:
    """For each row how many of its key came before it; `MISSING` where it has none.

    `at` are the instants of acceptance. Of two at the same instant the one that stands first came first: so a batch
    lodged together gives what its consignments give one after another.
    """
    codes, time = known(key.rank("dense")), known(at.to_physical())
    order = np.lexsort((time, codes))
    begin = beginnings(codes[order])
    place = np.arange(len(codes))
    found = np.empty(len(codes), np.int64)
    found[order] = place - np.repeat(begin, np.diff(begin, append=len(codes)))
    return np.where(codes == MISSING, MISSING, found)

"""What measurements of this machine share: columns that are the same all the way down, frames of a batch, memory."""

from __future__ import annotations

import resource
from collections.abc import Mapping

import polars as pl

from tidewaiter.model.batch import SCHEMA


def same(text: str, size: int) -> pl.Series:
    """A column that has the text in every row, told apart already."""
    return pl.Series([text], dtype=pl.Enum([text])).new_from_index(0, size)


def framed(name: str, columns: Mapping[str, pl.Series]) -> pl.DataFrame:
    """The frame of a batch with those columns, and nothing in the others."""
    if not columns:
        return pl.DataFrame(schema=SCHEMA[name])
    size = len(next(iter(columns.values())))
    return pl.DataFrame(
        [
            columns[column].alias(column)
            if column in columns
            else pl.Series(column, [[]] if dtype == pl.List else [None], dtype=dtype).new_from_index(0, size)
            for column, dtype in SCHEMA[name].items()
        ]
    )


def memory_mb() -> float:
    """The most memory this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

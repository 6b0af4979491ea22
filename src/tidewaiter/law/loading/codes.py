"""`codes/*.csv`: lists of codes, each by the days on which it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise

import polars as pl

from tidewaiter.law.loading.files import day_of, end_of
from tidewaiter.law.rules import CodeEdition


def editions_of(rows: Sequence[Mapping[str, str]]) -> Iterator[CodeEdition]:
    """Codes with the same days are one edition, so that a test of membership is one look-up.

    Of a list in parts, where the longest code decides, all that hold on a day are one edition.
    """
    if any(row.get("part") for row in rows):
        yield from _editions_in_parts(rows)
        return
    by_days: dict[tuple[date, date | None], list[str]] = {}
    for row in rows:
        by_days.setdefault((day_of(row["from"]), end_of(row)), []).append(row["code"])
    for (since, until), codes in by_days.items():
        yield CodeEdition(since=since, until=until, codes=pl.Series(sorted(set(codes)), dtype=pl.String))


def _editions_in_parts(rows: Sequence[Mapping[str, str]]) -> Iterator[CodeEdition]:
    turns = sorted({day for row in rows for day in (day_of(row["from"]), end_of(row)) if day is not None})
    for since, until in pairwise([*turns, None]):
        if since is None:
            continue
        here = [row for row in rows if day_of(row["from"]) <= since and ((end := end_of(row)) is None or since < end)]
        parts = {row["code"]: frozenset((row["part"] or "").split()) for row in here}
        if len(parts) < len(here):
            raise ValueError(f"a code is there twice on {since}")
        if here:
            yield CodeEdition(since=since, until=until, codes=pl.Series(sorted(parts), dtype=pl.String), parts=parts)

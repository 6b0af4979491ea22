"""`tariff/*.csv`: measures, of which each gives a duty for goods of a code and an origin."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from tidewaiter.law import expressions
from tidewaiter.law.expressions import Formula, Unsupported
from tidewaiter.law.loading.files import day_of, end_of, one_of, only, reading, rows_of, source_of
from tidewaiter.law.measures import ENDED
from tidewaiter.law.rules import GroupMember
from tidewaiter.law.tariff import TARIFF

_MEASURE = (
    "code", "origin", "excluded", "kind", "additional_code", "claim", "from", "until", "known_from", "rate", "measure",
    "source", "confidence",
)  # fmt: skip


def measures_in(schedule: str, paths: Sequence[Path], kinds: Collection[str]) -> pl.DataFrame:
    """The measures of one tariff, each of a kind that some charge asks for: a misspelt kind would let goods in free."""
    measures: list[tuple[Any, ...]] = []
    for path in paths:
        for row in rows_of(path):
            with reading(path):
                measures += [_measure(schedule, one, kinds) for one in _apart(row)]
    return pl.DataFrame(measures, schema=TARIFF, orient="row")


def spread_groups(tariff: pl.DataFrame, groups: Mapping[str, tuple[GroupMember, ...]]) -> pl.DataFrame:
    """The measures with each group of origins written out as its countries, each for as long as it is a member."""
    members = pl.DataFrame(
        [(group, one.code, one.since, one.until) for group, found in groups.items() for one in found],
        schema={"origin": pl.String, "member": pl.String, "joined": pl.Date, "left": pl.Date},
        orient="row",
    )
    return (
        tariff.join(members, on="origin", how="left")
        .with_columns(
            origin=pl.coalesce("member", "origin"),
            since=pl.max_horizontal("since", "joined"),
            until=pl.min_horizontal("until", "left"),
        )
        .filter(pl.col("until").is_null() | (pl.col("since") < pl.col("until")))
        .filter(~pl.col("excluded").list.contains(pl.col("origin")))
        .select(TARIFF.names())
    )


def _apart(row: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """A row of a tariff file as rows of one origin and one claim each; a claim without an origin is of its own: the
    country or the group that has its name."""
    for claim in (row.get("claim") or "").split() or [""]:
        for origin in row["origin"].split() or [claim]:
            yield {**row, "origin": origin, "claim": claim}


def _measure(schedule: str, row: Mapping[str, str], kinds: Collection[str]) -> tuple[Any, ...]:
    """One row of a tariff file as a row of the frame TARIFF. Raises ValueError, KeyError."""
    only(row, *_MEASURE)
    kind, code, origin, more = row["kind"], row["code"], row["origin"], row.get("additional_code") or ""
    claim = row["claim"]
    if claim and kind == "third_country":
        raise ValueError(f"{code} asks for the claim {claim}, so it is no duty for all: a preference, or a layer")
    if kind not in kinds:
        raise ValueError(f"no charge takes measures of the kind {kind!r}")
    if not row["rate"]:
        raise ValueError(f"{code} from {row['from']} has no rate; write free where it is free")
    unread = isinstance(read := _duty(row["rate"]), Unsupported) and read.kind == "unread"
    if unread and row["rate"] not in (ENDED, expressions.write(read)):
        raise ValueError(f"{row['rate']!r} is no duty expression")
    return (
        schedule,
        code,
        origin,
        (row.get("excluded") or "").split(),
        kind,
        more,
        claim,
        day_of(row["from"]),
        end_of(row),
        day_of(row["known_from"]) if row.get("known_from") else None,
        row["rate"],
        row.get("measure") or f"{schedule}:{kind}:{code}:{origin or 'all'}{more and ':' + more}{claim and ':' + claim}",
        source_of(row),
        one_of("confidence", row.get("confidence") or "firm"),
    )


@cache
def _duty(text: str) -> Formula | Unsupported:
    return expressions.read(text)

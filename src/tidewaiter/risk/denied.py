"""Which consignments name somebody who may be on a list of denied parties: columns that profiles ask of."""

from __future__ import annotations

import re

import polars as pl

from tidewaiter.model.batch import Batch
from tidewaiter.risk.screening import Asked, Hit, Index

TOLD_MAX = 5
"""Hits of one consignment that are told in words, the likest first."""

_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "denied_score": pl.Int64,
    "denied_lists": pl.List(pl.String),
    "denied_why": pl.String,
}
DENIED = pl.Schema(_COLUMNS)
"""A row a consignment of the batch: how sure the likest hit is, of 100, nought without one; the lists that have one;
all of it in words for officers. Null, empty and null where nothing was screened."""


_UNSCREENED = tuple(
    pl.Series(name, [[] if dtype == pl.List else None], dtype=dtype) for name, dtype in _COLUMNS.items()
)


def denied(batch: Batch, index: Index | None) -> pl.DataFrame:
    """Every party of every consignment looked for on the lists: a frame DENIED."""
    if index is None:
        return pl.DataFrame([column.new_from_index(0, len(batch)) for column in _UNSCREENED])
    named = batch.parties.filter(pl.col("name").is_not_null()).select(
        "row", "role", "name", "kind", "country", "identity"
    )
    places: dict[Asked, int] = {}
    rows: list[tuple[int, str, int]] = []
    for row, role, name, kind, country, identity in named.iter_rows():
        asked = Asked(
            name,
            "person" if kind == "natural" else "entity" if kind else "",
            countries=frozenset([country]) if country else frozenset(),
            identifiers=frozenset([re.sub(r"[^0-9A-Z]", "", identity.upper())]) if identity else frozenset(),
        )
        rows.append((row, role, places.setdefault(asked, len(places))))
    hits: dict[int, list[Hit]] = {}
    for hit in index.hits(list(places)):
        hits.setdefault(hit.row, []).append(hit)
    found: dict[int, list[tuple[str, Hit]]] = {}
    for row, role, place in rows:
        found.setdefault(row, []).extend((role, hit) for hit in hits.get(place, ()))
    return pl.DataFrame(
        [_told(found.get(row, [])) for row in batch.consignments["row"].to_list()], schema=DENIED, orient="row"
    )


def _told(found: list[tuple[str, Hit]]) -> tuple[int, list[str], str | None]:
    if not found:
        return 0, [], None
    found = sorted(found, key=lambda one: (-one[1].score, one[1].list.source, one[1].party.id, one[0]))
    words = "; ".join(
        f"{role} may be {hit.party.id} on list {hit.list.source} {hit.list.digest[:12]}"
        f" (likeness {hit.score:.2f}: {', '.join(hit.reasons)})"
        for role, hit in found[:TOLD_MAX]
    )
    more = f"; and {len(found) - TOLD_MAX} more" if len(found) > TOLD_MAX else ""
    return int(100 * found[0][1].score), sorted({hit.list.source for _, hit in found}), words + more

"""Which measure of the tariff holds for goods: by code, origin and day, the longest prefix that says something."""

from __future__ import annotations

from typing import Any

import polars as pl

from tidewaiter.law.rules import Law

MEASURE = (
    "kind", "ad_valorem_ppm", "specific_micro", "specific_currency", "unit", "rate", "measure", "source", "confidence",
)  # fmt: skip

FEW = 5_000
"""So many keys at most are looked up among those found before; more are looked up in the tariff together."""
FOUND_MAX = 200_000
"""How many keys are remembered; past it, memory begins anew."""


def measures(law: Law, keys: pl.DataFrame) -> pl.DataFrame:
    """One row a key, with the columns `MEASURE`; keys for which the tariff says nothing are left out.

    `keys` has schedule, code, origin, preferred (country of a preference claimed, or null) and accepted_on, what
    else it likes, and no row twice. A preference claimed and in force goes before the third-country duty; then the
    longer code, then the measure of the very country before that for all.
    """
    if keys.height > FEW:
        return _measures(law, keys)
    # The same few codes, origins and days come again and again: what was found for one key stays true.
    found: dict[tuple[Any, ...], tuple[Any, ...] | None] = law.remembered("measures found", dict)
    asked = keys.rows()
    if len(found) > FOUND_MAX:
        found.clear()
    new = [key for key in asked if key not in found]
    if new:
        found.update(dict.fromkeys(new))
        width = len(keys.columns)
        looked_up = _measures(law, pl.DataFrame(new, schema=keys.schema, orient="row"))
        found.update((row[:width], row[width:]) for row in looked_up.iter_rows())
    rows = [(*key, *measure) for key in asked if (measure := found[key]) is not None]
    schema = keys.schema | {name: law.tariff.schema[name] for name in MEASURE}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _measures(law: Law, keys: pl.DataFrame) -> pl.DataFrame:
    tariff = law.tariff
    lengths = law.remembered("lengths of codes", lambda: tariff["code"].str.len_chars().unique().sort().to_list())
    candidates = (
        keys.lazy()
        .with_columns(prefix=pl.concat_list([pl.col("code").str.slice(0, length) for length in lengths]))
        .explode("prefix", empty_as_null=True, keep_nulls=True)
        .unique()
        .join(tariff.lazy(), left_on=["schedule", "prefix"], right_on=["schedule", "code"], suffix="_measure")
        .filter(
            (pl.col("accepted_on") >= pl.col("since"))
            & (pl.col("until").is_null() | (pl.col("accepted_on") < pl.col("until")))
        )
        .filter(
            pl.when(pl.col("kind") == "preference")
            .then(pl.col("preferred") == pl.col("origin_measure"))
            .otherwise((pl.col("origin_measure") == "") | (pl.col("origin_measure") == pl.col("origin")))
            .fill_null(value=False)
        )
    )
    best = candidates.sort(
        pl.col("kind") == "preference",
        pl.col("prefix").str.len_chars(),
        pl.col("origin_measure") != "",
        pl.col("since"),
        descending=True,
    ).unique(keys.columns, keep="first", maintain_order=True)
    return best.select(*keys.columns, *MEASURE).collect()

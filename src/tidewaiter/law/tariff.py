"""Which measure of the tariff holds for goods: by code, origin and day, the longest prefix that says something."""

from __future__ import annotations

import polars as pl

MEASURE = (
    "kind", "ad_valorem_ppm", "specific_micro", "specific_currency", "unit", "rate", "measure", "source", "confidence",
)  # fmt: skip


def lengths(tariff: pl.DataFrame) -> list[int]:
    """The lengths of the codes for which the tariff says something."""
    return tariff["code"].str.len_chars().unique().sort().to_list()


def measures(tariff: pl.DataFrame, keys: pl.DataFrame, known_lengths: list[int]) -> pl.DataFrame:
    """One row a key, with the columns `MEASURE`; keys for which the tariff says nothing are left out.

    `keys` has schedule, code, origin, preferred (country of a preference claimed, or null) and accepted_on, what
    else it likes, and no row twice. A preference claimed and in force goes before the third-country duty; then the
    longer code, then the measure of the very country before that for all.
    """
    candidates = (
        keys.lazy()
        .with_columns(prefix=pl.concat_list([pl.col("code").str.slice(0, length) for length in known_lengths]))
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

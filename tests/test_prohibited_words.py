"""Prohibited and restricted goods by their words: what the profiles stop among ordinary goods. Their own positive and
negative phrases in seven languages stand in the profiles, and run whenever they are read."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tidewaiter.law import Law
from tidewaiter.law.in_force import InForce
from tidewaiter.model.batch import Apart, settings_of
from tidewaiter.risk import ruleset
from tidewaiter.risk.columns import expression

DATA = Path(__file__).parents[2] / "shared/data/reference/hs_labelled_descriptions"
PROFILES = (
    "fiction-prohibited-firearms", "fiction-prohibited-explosives", "fiction-prohibited-drugs",
    "fiction-prohibited-close-weapons", "fiction-restricted-species",
)  # fmt: skip
MEANT = ("93", "36", "2939", "1211", "1302", "0303", "0507", "9601")
"""Codes of goods that are meant: arms, explosives, alkaloids, plants and extracts for drugs, shark fins, ivory."""


def goods() -> pl.DataFrame:
    """Titles of a marketplace and words of traders, with the code each was given."""
    with (DATA / "marketplace_listings.jsonl").open(encoding="utf-8") as file:
        rows = [(one["product_name"], str(one["hs_code"])) for one in map(json.loads, file)]
    rows += json.loads((DATA / "uk_fpo/search_references.json").read_text()).items()
    with (DATA / "uk_fpo/extra_references.csv").open(encoding="utf-8-sig", newline="") as file:
        rows += [(row["Goods Description"], row["Commodity Code"]) for row in csv.DictReader(file)]
    frame = pl.DataFrame(rows, schema=["item.description", "item.hs_code"], orient="row")
    return frame.with_columns(jurisdiction=pl.lit("GB"), accepted_on=pl.lit(date(2026, 1, 1)))


def stopped(frame: pl.DataFrame, law: Law) -> pl.DataFrame:
    here = InForce.over(settings_of(Apart.of(frame["jurisdiction"]), frame["accepted_on"]).different, law)
    conditions = [one.condition for one in ruleset(law).profiles if one.id in PROFILES and one.condition]
    assert len(conditions) == len(PROFILES)
    return frame.filter(pl.any_horizontal([expression(one, here).fill_null(value=False) for one in conditions]))


@pytest.mark.skipif(not DATA.is_dir(), reason="the reference data are not here")
def test_ordinary_goods_are_let_by(law: Law) -> None:
    """The words were written before these texts were looked at, but for `tnt`, which was taken out after."""
    frame = goods()
    is_meant = pl.any_horizontal([pl.col("item.hs_code").str.starts_with(code) for code in MEANT])
    with_code = stopped(frame, law)
    without = stopped(frame.with_columns(pl.lit(None, pl.String).alias("item.hs_code")), law)
    told = frame.filter(pl.col("item.description").is_in(without["item.description"].implode()))
    wrong = with_code.filter(~is_meant), told.filter(~is_meant)
    print(f"{len(frame)} texts: stopped {len(with_code)} by words and code, {len(wrong[0])} wrongly; by words alone "
          f"{len(told)}, {len(wrong[1])} wrongly")  # fmt: skip

    assert len(frame) > 6_000
    assert len(wrong[0]) <= 1
    assert len(wrong[1]) <= 16


@pytest.mark.skipif(not DATA.is_dir(), reason="the reference data are not here")
def test_arms_are_found_by_their_words(law: Law) -> None:
    arms = goods().filter(pl.col("item.hs_code").str.starts_with("93"))
    by_words = stopped(arms.with_columns(pl.lit(None, pl.String).alias("item.hs_code")), law)

    assert len(stopped(arms.filter(pl.col("item.hs_code").str.contains("^93(01|02|03|05|06)")), law)) >= 25
    assert len(by_words) >= 15

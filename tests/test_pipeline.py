"""The corridor as a whole: what it says of a batch is what it says of each consignment."""

from __future__ import annotations

import random
from dataclasses import fields
from datetime import date
from functools import cache
from pathlib import Path

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies
from make import consignment, item
from tidewaiter import formats
from tidewaiter.assessment import receipt
from tidewaiter.law import Law, load
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.outcome import Outcome
from tidewaiter.model.past import Past
from tidewaiter.pipeline import clear

DAY = date(2026, 11, 2)
FRAMES = [field.name for field in fields(Outcome) if field.name not in ("law_digest", "remembered", "drawn_ppm")]
SAMPLES = Path(formats.__file__).parent


@cache
def law() -> Law:
    return load()


@cache
def samples() -> tuple[Consignment, ...]:
    """Every consignment of our own samples, on a day that has law."""
    read = [formats.read(file.read_bytes()) for file in sorted(SAMPLES.glob("*/samples/*.*"))]
    found = [one.consignment for reading in read for one in reading.declared]
    return tuple(msgspec.structs.replace(one, accepted_on=one.accepted_on or DAY) for one in found)


def alone(one: Consignment, row: int) -> Outcome:
    """The outcome of one consignment, with its rows numbered as in a batch."""
    outcome = clear(Batch.of([one]), law(), Past())
    assert not outcome.remembered  # of what nobody asked for the past of
    moved = {name: getattr(outcome, name).with_columns(row=pl.lit(row, pl.UInt32)) for name in FRAMES}
    return Outcome(**moved, law_digest=outcome.law_digest, drawn_ppm=outcome.drawn_ppm)


def assert_same(together: Outcome, apart: list[Outcome]) -> None:
    for name in FRAMES:
        whole = getattr(together, name)
        parts = pl.concat([getattr(outcome, name).select(whole.columns) for outcome in apart])
        said = sorted(map(str, parts.rows()))
        assert sorted(map(str, whole.rows())) == said, name
    assert together.drawn_ppm.to_list() == [ppm for outcome in apart for ppm in outcome.drawn_ppm]


def test_a_batch_gives_what_its_consignments_give_one_by_one() -> None:
    mixed = list(samples())
    random.Random(7).shuffle(mixed)
    together = clear(Batch.of(mixed), law(), Past())

    assert_same(together, [alone(one, row) for row, one in enumerate(mixed)])


@settings(max_examples=15, deadline=None)
@given(st.lists(strategies.consignments(), min_size=1, max_size=4))
def test_whatever_the_model_can_hold_is_judged_together_as_alone(records: list[Consignment]) -> None:
    together = clear(Batch.of(records), law(), Past())

    assert together.decisions.height == len(records)
    assert_same(together, [alone(one, row) for row, one in enumerate(records)])


def test_every_posting_balances_and_repeats_what_is_charged() -> None:
    outcome = clear(Batch.of(samples()), law(), Past())
    sums = outcome.postings.group_by("row", "currency").agg(pl.col("debit_micro", "credit_micro").sum())

    assert outcome.postings.height
    assert (sums["debit_micro"] == sums["credit_micro"]).all()


def test_every_charge_says_why_and_by_which_law() -> None:
    batch = Batch.of(samples())
    charges = receipt(batch, clear(batch, law(), Past()).charges, law())

    assert charges.height
    for column in ("measure", "why", "law", "rate", "collector"):
        assert (charges[column].str.len_chars() > 0).all(), column


@pytest.mark.parametrize("price", ["134.99 GBP", "135.00 GBP", "135.01 GBP"])
def test_splitting_a_parcel_into_lines_does_not_make_it_duty_free(price: str) -> None:
    amount, currency = price.split()
    pence = int(amount.replace(".", ""))
    lines = [pence // 2, pence - pence // 2]
    whole = consignment(items=(item(price=price),), accepted_on=DAY)
    split = consignment(
        items=tuple(item(price=f"{part / 100:.2f} {currency}") for part in lines), accepted_on=DAY, reference="SPLIT-1"
    )
    outcome = clear(Batch.of([whole, split]), law(), Past())

    assert outcome.regimes["regime"].n_unique() == 1

"""The made-up world: the same from the same seed, honest where it is honest, and what is planted in it is found."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
import pytest

from tidewaiter.law import Law, load
from tidewaiter.simulation import (
    SCHEMES,
    TRUTH,
    USUAL_PLAN,
    Plan,
    Share,
    Week,
    as_lodged,
    build,
    inspect,
    measured,
    noticed,
    picks,
    run_weeks,
    scores,
)
from tidewaiter.simulation.documents import documents
from tidewaiter.simulation.drafts import honest_week
from tidewaiter.simulation.framing import framed
from tidewaiter.simulation.planting import NUMBER, plant

NOTHING = Plan(parts={}, later={})
SEED, PARCELS, WEEKS, WARM_UP = 4, 900, 6, 3
PLAN = Plan(
    parts={"splitting": 0.012, "document_mismatch": 0.004, "identity_reuse": 0.002, "ghost_seller": 0.002}, later={}
)


@cache
def law() -> Law:
    return load()


def rng(seed: int = SEED) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


@cache
def weeks() -> tuple[Week, ...]:
    """Some weeks of one world, after those in which the history fills."""
    world = build(rng(), sellers=300, buyers=6_000)
    every = run_weeks(world, law(), seed=SEED, weeks=WEEKS, parcels=PARCELS, plan=PLAN)
    return tuple(week for week in every if week.number >= WARM_UP)


def test_the_same_seed_gives_the_same_world_and_another_gives_another() -> None:
    one, same, other = (
        framed(plant(rng(seed), w, honest_week(rng(seed), w, 0, 200), week=0), w, prefix="A-").batch
        for seed, w in ((1, build(rng(1))), (1, build(rng(1))), (2, build(rng(2))))
    )

    assert all(getattr(one, name).equals(getattr(same, name)) for name in one.frame_names())
    assert not one.items.equals(other.items)


def test_an_honest_parcel_is_lodged_without_a_fault_and_costs_the_revenue_nothing() -> None:
    world = build(rng(), roles={})
    [week] = run_weeks(world, law(), seed=SEED, weeks=1, parcels=300, plan=NOTHING)
    wrong = week.outcome.findings.filter(pl.col("severity") == "error")

    assert len(week.batch) == 300
    assert wrong.is_empty(), wrong
    assert week.truth.schema == TRUTH
    assert week.truth["scheme"].null_count() == 300
    # A code chosen by mistake may cost something; nearly all cost nothing.
    assert (week.truth["loss_micro"] == 0).mean() > 0.98  # type: ignore[operator]


def test_every_scheme_is_planted_and_new_ones_no_sooner_than_they_begin() -> None:
    world = build(rng())
    seen = {}
    for week in (0, USUAL_PLAN.later["sale_as_gift"]):
        draft = plant(rng(), world, honest_week(rng(), world, week, 5_000), week=week)
        seen[week] = {name for name in SCHEMES if (draft.scheme == NUMBER[name]).any()}

    assert seen == {0: set(SCHEMES) - {"sale_as_gift"}, 8: set(SCHEMES)}


def test_documents_of_honest_sales_agree_and_every_spoilt_set_is_found() -> None:
    world = build(rng())
    draft = plant(rng(), world, honest_week(rng(), world, 0, 1_500), week=0)
    made = framed(draft, world, prefix="A-")
    clean = documents(rng(), made.batch, draft, law(), at=made.at, spoil=False)
    found = documents(rng(), made.batch, draft, law(), at=made.at)
    planted = np.flatnonzero(draft.scheme == NUMBER["document_mismatch"]).tolist()

    assert len(clean) > 120
    assert clean["document_mismatches"].sum() == 0
    assert found.filter(pl.col("document_mismatches") > 0)["row"].to_list() == planted


def test_inspection_tells_of_what_was_opened_alone_and_misses_some() -> None:
    schemes = ["splitting"] * 5_000 + [None] * 5_000
    truth = pl.DataFrame({"row": range(10_000), "scheme": schemes}, schema_overrides={"row": pl.UInt32})
    picked = pl.Series("row", range(0, 10_000, 2), dtype=pl.UInt32)
    found = inspect(truth, picked, rng(), miss=0.2)

    assert found["row"].to_list() == picked.to_list()
    assert not found.filter(pl.col("row") >= 5_000)["is_wrong"].any()
    # Of 2,500 that are wrong a fifth is missed: 500, give or take four standard deviations of 20.
    assert 1_920 <= found["is_wrong"].sum() <= 2_080
    assert found.filter(pl.col("is_wrong"))["scheme"].unique().to_list() == ["splitting"]
    assert found.filter(~pl.col("is_wrong"))["scheme"].null_count() == found.height - found["is_wrong"].sum()


def test_signals_together_weigh_more_than_each_and_the_random_draw_nothing() -> None:
    rows = pl.Series("row", [0, 1, 2, 3], dtype=pl.UInt32)
    told = pl.DataFrame(
        {"row": [0, 0, 1, 2], "profile": ["a", "b", "a", "random"], "score": [50, 50, 50, 0]},
        schema_overrides={"row": pl.UInt32},
    )

    assert scores(told, rows).to_list() == [0.75, 0.5, 0, 0]
    assert picks(told, rows, rng(), capacity=0.5).to_list() == [0, 2]


def test_the_interval_is_wilsons() -> None:
    low, high = Share(hits=10, of=10).interval()

    # Newcombe, Statistics in Medicine 17 (1998), table I: 81/263 gives 0.2553 to 0.3662, 0/20 gives 0 to 0.1611.
    assert Share(hits=81, of=263).interval() == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert Share(hits=0, of=20).interval() == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert Share(hits=0, of=0).interval() == (0.0, 1.0)
    assert (low, high) == pytest.approx((0.7225, 1.0), abs=5e-5)


def test_with_a_twentieth_inspected_mismatches_are_all_found_and_split_purchases_nearly_all() -> None:
    found = measured(weeks()).recalls

    assert found["document_mismatch"].parcels.rate == 1.0
    assert found["splitting"].cases.rate >= 0.9
    assert found["splitting"].parcels.rate >= 0.9
    assert found["splitting"].cases.of >= 5


def test_as_it_is_declared_the_first_parcel_of_a_split_purchase_looks_like_any_other() -> None:
    declared = measured(map(as_lodged, weeks())).recalls["splitting"]

    assert declared.cases.rate >= 0.9
    assert declared.from_third.rate >= 0.9
    assert declared.parcels.rate < measured(weeks()).recalls["splitting"].parcels.rate
    controls = {control for week in weeks() for control in week.lodged.decisions["control"]}
    assert "lodged" in controls
    assert not controls & {"examine", "documents_requested"}


def test_few_honest_parcels_are_inspected() -> None:
    found = measured(weeks())

    assert found.picked.rate < 0.04
    assert found.precision.rate > 0.3


def test_each_week_is_judged_by_what_was_known_before() -> None:
    later = weeks()[-1]

    assert later.past.peers["price_per_kg_median_micro"].null_count() < later.past.peers.height / 10
    assert later.past.parties["seller_inspected"].sum() > 0
    assert later.outcome.signals["profile"].is_in(["random"]).any()


def test_a_new_scheme_is_met_by_chance_by_the_week_that_the_rule_of_three_names() -> None:
    plan = Plan(parts={}, later={"sale_as_gift": 1})
    [few, many] = noticed(
        build(rng()), seed=SEED, scheme="sale_as_gift", plan=plan, parcels=4_000, shares=(0.2, 0.6), weeks=40, draws=150
    )

    assert few.by_rule > many.by_rule
    # At least 95 % by the rule; over 150 draws that is 143, give or take three standard deviations of 2.7.
    assert few.found_by_then.hits >= 134
    assert many.found_by_then.hits >= 134
    assert few.median > many.median

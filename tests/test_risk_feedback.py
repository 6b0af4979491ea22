"""What inspections teach, and whether some are looked at more than their due: over made-up consignments of which all is
known, and in the officers' story through each door."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewaiter.risk.fairness import FEW, GROUP_MIN, LOOKED_MIN, OfGroup, fairness
from tidewaiter.risk.feedback import JUDGED, SEEN, feedback
from tidewaiter.risk.intervals import Rate, mean, rate, ratio


def judged(*rows: dict[str, Any]) -> pl.DataFrame:
    """Consignments of a frame JUDGED, each given by what is not usual about it."""
    usual: dict[str, Any] = dict.fromkeys(JUDGED.names()) | {"origin": "CN", "sender": "small", "channel": "post"}
    return pl.DataFrame([usual | {"id": id} | row for id, row in enumerate(rows)], schema=JUDGED)


def looked(is_found: bool, **more: Any) -> dict[str, Any]:
    return {"is_found": is_found, "recovered_micro": 3_000_000 if is_found else 0, "minutes": 15} | more


def seen(*pairs: tuple[int, str]) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema=SEEN, orient="row")


def test_each_source_is_told_beside_the_random_share() -> None:
    drawn = [looked(place < 5, drawn_ppm=50_000) for place in range(50)]
    by_profile = [looked(place < 20) for place in range(40)]
    by_model = [looked(place < 6, model="d" * 64) for place in range(8)]
    frame = judged(*drawn, *by_profile, *by_model, {})
    hits = [*((id, "dear") for id in range(50, 90)), *((id, "splitting") for id in range(70, 90)), (0, "random")]
    told = feedback(frame, seen(*hits), detectors={"splitting"}, currency="GBP")

    assert (told.consignments, told.looked_at) == (99, 98)
    assert (told.base.found, told.base.looked_at) == (5, 50)
    assert [(one.kind, one.name, one.rate.found, one.rate.looked_at) for one in (*told.profiles, *told.models)] == [
        ("profile", "dear", 20, 40), ("detector", "splitting", 0, 20), ("model", "d" * 64, 6, 8),
    ]  # fmt: skip
    assert (told.random.kind, told.random.lift, told.random.recovered_micro) == ("random", None, 15_000_000)
    dear, splitting = told.profiles
    assert dear.lift is not None
    assert dear.lift.value == pytest.approx(5)
    assert dear.lift.low < 5 < (dear.lift.high or 0)
    assert (dear.recovered_micro, dear.minutes, dear.hour_micro) == (60_000_000, 600, 6_000_000)
    assert dear.each_micro.value == 1_500_000
    assert dear.each_micro.low is not None
    assert 0 < dear.each_micro.low < 1_500_000
    # Nought of 20 reaches up to 16 in a hundred, and so not below ten.
    assert not splitting.is_below
    assert told.recovered_micro == 31 * 3_000_000


def test_nothing_looked_at_is_told_as_nothing_known() -> None:
    told = feedback(judged({}, {}), seen((0, "dear")))

    assert told.base.rate is None
    [dear] = told.profiles
    assert (dear.seen, dear.rate.rate, dear.lift, dear.each_micro.value, dear.hour_micro) == (1, None, None, None, None)


def test_the_interval_of_a_lift_holds_the_true_one_about_as_often_as_it_says() -> None:
    draw = np.random.default_rng(5)
    for wrong, base, looked_at, drawn in ((0.3, 0.1, 60, 200), (0.1, 0.1, 100, 100), (0.05, 0.2, 80, 150)):
        held = 0
        for _ in range(1_000):
            one = rate(int(draw.binomial(looked_at, wrong)), looked_at)
            found = ratio(one, rate(int(draw.binomial(drawn, base)), drawn))
            if found is None:
                continue
            held += found.low <= wrong / base and (found.high is None or wrong / base <= found.high)
        assert 930 <= held <= 985, (wrong, base, held)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_a_lift_lies_in_its_interval(found: int, missed: int, base: int, others: int) -> None:
    told = ratio(rate(found, found + missed), rate(base, base + others))

    if not found + missed or not base:
        assert told is None
    else:
        assert told is not None
        assert 0 <= told.low <= told.value + 1e-9
        assert told.high is None or told.value <= told.high + 1e-9


def test_the_interval_of_a_mean_holds_the_true_one_where_there_are_some_dozens() -> None:
    draw = np.random.default_rng(9)
    held = sum(one.low <= 5.0 <= one.high for one in (mean(draw.exponential(5.0, 80)) for _ in range(1_000)))  # type: ignore[operator]

    assert 915 <= held <= 965


def groups(told: tuple[OfGroup, ...]) -> dict[str, OfGroup]:
    return {one.name: one for one in told}


def test_a_group_that_is_looked_at_more_though_less_is_found_is_marked() -> None:
    """Half of all from CN are looked at and little is found; a tenth from US, and much is; at random they are alike."""
    rows = [looked(place < 10) | {"origin": "CN"} if place < 200 else {"origin": "CN"} for place in range(400)]
    rows += [looked(place < 30) | {"origin": "US"} if place < 40 else {"origin": "US"} for place in range(400)]
    rows += [looked(place % 5 == 0, drawn_ppm=100_000, origin="CN" if place % 2 else "US") for place in range(100)]
    told = fairness(judged(*rows))

    cn, us = groups(told.groups["origin"])["CN"], groups(told.groups["origin"])["US"]
    assert (cn.selected.found, cn.selected.looked_at) == (200, 400)
    assert cn.is_over_selected
    assert not us.is_over_selected
    assert cn.chosen is not None
    assert us.chosen is not None
    assert cn.chosen.high is not None
    assert us.chosen.low is not None
    assert cn.chosen.high < us.chosen.low
    assert cn.random is not None
    assert (cn.random.found, cn.random.looked_at) == (10, 50)
    assert (told.drawn, told.selected.looked_at) == (100, 800)


def test_chosen_blindly_nobody_is_marked() -> None:
    draw = Random(3)
    marked = 0
    for _ in range(60):
        rows = [
            looked(draw.random() < 0.2, origin=origin) if draw.random() < 0.3 else {"origin": origin}
            for origin in draw.choices(("CN", "US", "TR"), k=300)
        ]
        marked += sum(one.is_over_selected for one in fairness(judged(*rows)).groups["origin"])

    # Of 180 groups both intervals would have to be beside the truth, on the wrong side each.
    assert marked <= 3


@given(st.lists(st.sampled_from(["CN", "US", "TR", "VN", "JP", None]), max_size=80), st.randoms(use_true_random=False))
def test_no_group_is_told_of_few(origins: list[str | None], draw: Random) -> None:
    rows = [looked(draw.random() < 0.5, origin=one) if draw.random() < 0.4 else {"origin": one} for one in origins]
    told = fairness(judged(*rows))

    for found in told.groups.values():
        assert sum(one.consignments for one in found) == len(origins)
        # Alone in the report it is all there is.
        assert all(one.consignments >= GROUP_MIN for one in found) or len(found) == 1
        for one in found:
            for part in (one.chosen, one.random):
                assert part is None or part.looked_at >= LOOKED_MIN
    names = [one.name for one in told.groups["origin"]]
    assert FEW not in names[:-1]


def test_few_is_not_told_by_the_next_group_alone() -> None:
    """A single small one is told with the next larger, so that it is not what is missing from the whole."""
    rows = [{"origin": "VN"}] * 3 + [{"origin": "US"}] * 20 + [{"origin": "CN"}] * 40
    told = groups(fairness(judged(*rows)).groups["origin"])

    assert {name: one.consignments for name, one in told.items()} == {"CN": 40, "few": 23}


def test_an_empty_time_gives_an_empty_report() -> None:
    told = fairness(judged())

    assert told.consignments == 0
    assert told.selected == Rate(found=0, looked_at=0)
    assert all(found == () for found in told.groups.values())

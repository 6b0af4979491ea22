"""What a back-test says of profiles: counted again, slowly, from the signals of the same consignments."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make
from test_risk_signals import law_with, profile, worth
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.inspection import LABELS
from tidewaiter.risk import ruleset, signals
from tidewaiter.risk.backtest import UNKNOWN, Tally, report, tally
from tidewaiter.risk.intervals import Rate, rate, weighted

ITEM = 'item.hs_code = "{}"'
LAW = law_with(
    profile('item.hs_code.startsWith("61")', ITEM.format("610910"), ITEM.format("85"), id="clothing"),
    profile("item.value > 50", 'item.value = "51"', 'item.value = "1"', id="dear"),
    profile('consignor.country == "CN"', 'consignor.country = "CN"', 'consignor.country = "VN"', id="from-china"),
    profile('item.hs_code == "999999"', ITEM.format("999999"), ITEM.format("85"), id="never"),
)

consignments = st.builds(
    lambda codes, prices, country, reference: make.consignment(
        reference=f"ORDER-{reference:05d}",
        items=[make.item(hs_code=code, price=f"{price} GBP") for code, price in zip(codes, prices, strict=False)],
        parties=[make.party("consignor", country=country), make.party("consignee")],
    ),
    st.lists(st.sampled_from(["610910", "851712", "620342"]), min_size=1, max_size=3),
    st.lists(st.integers(1, 100), min_size=3, max_size=3),
    st.sampled_from(["CN", "VN", "TR"]),
    st.integers(0, 99_999),
)
outcomes = st.tuples(
    st.sampled_from([None, True, False]), st.sampled_from([None, 10_000, 25_000]), st.integers(0, 90),
    st.integers(0, 10_000_000), st.sampled_from([None, "new", "large"]),
)  # fmt: skip


def labelled(told: list[tuple[Any, ...]]) -> pl.DataFrame:
    rows = [
        (place, found, ppm, money, minutes, sender) for place, (found, ppm, minutes, money, sender) in enumerate(told)
    ]
    return pl.DataFrame(rows, schema=LABELS, orient="row")


def of(records: list[Consignment], told: list[tuple[Any, ...]]) -> Tally:
    return tally(Batch.of(records), worth(records), LAW, labelled(told))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(consignments, outcomes), min_size=1, max_size=80))
def test_every_figure_is_that_of_a_slow_count(drawn: list[tuple[Consignment, tuple[Any, ...]]]) -> None:
    records, told = [record for record, _ in drawn], [outcome for _, outcome in drawn]
    seen = signals(Batch.of(records), worth(records), LAW)
    hit = {
        name: {row for row, profile in seen.select("row", "profile").iter_rows() if profile == name}
        for name in ("clothing", "dear", "from-china", "never")
    }

    made = report(of(records, told), ruleset(LAW))

    assert made.consignments == len(records)
    assert made.missed == len(set(range(len(records))) - set().union(*hit.values()))
    assert made.looked_at == sum(outcome[0] is not None for outcome in told)
    for place, one in enumerate(made.profiles):
        own, others = hit[one.profile], set().union(*(rows for name, rows in hit.items() if name != one.profile))
        looked = [told[row] for row in own if told[row][0] is not None]
        assert one.hits == len(own)
        assert one.alone == len(own - others)
        assert one.alone_found == sum(told[row][0] is True for row in own - others)
        assert (one.rate.found, one.rate.looked_at) == (sum(outcome[0] for outcome in looked), len(looked))
        at_random = [outcome for outcome in looked if outcome[1] is not None]
        assert (one.random.found, one.random.looked_at) == (sum(one[0] for one in at_random), len(at_random))
        assert one.minutes == sum(told[row][2] for row in own)
        assert one.recovered_micro == sum(told[row][3] for row in own)
        for other, name in enumerate(each.profile for each in made.profiles):
            assert made.overlap[place][other] == len(own & hit[name])
        for sender, share in one.senders.items():
            count = sum((told[row][4] or UNKNOWN) == sender for row in own)
            assert share == pytest.approx(count / len(own))
        assert sum(one.countries.values()) == pytest.approx(1 if own else 0)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(consignments, outcomes), min_size=2, max_size=60), st.integers(1, 59))
def test_the_figures_of_parts_add_up_to_those_of_the_whole(
    drawn: list[tuple[Consignment, tuple[Any, ...]]], cut: int
) -> None:
    records, told = [record for record, _ in drawn], [outcome for _, outcome in drawn]
    cut = min(cut, len(records) - 1)

    parts = of(records[:cut], told[:cut]) + of(records[cut:], told[cut:])

    assert report(parts, ruleset(LAW)) == report(of(records, told), ruleset(LAW))


def test_two_labels_for_one_consignment_are_refused() -> None:
    record = make.consignment()
    twice = labelled([(True, None, 1, 0, None), (True, None, 1, 0, None)]).with_columns(row=pl.lit(0, pl.UInt32))

    with pytest.raises(ValueError, match="two labels"):
        tally(Batch.of([record]), worth([record]), LAW, twice)


def test_capacity_is_what_all_hits_of_a_day_would_take() -> None:
    records = [make.consignment(reference=f"ORDER-{place}") for place in range(10)]
    told = [(place == 0, None, 30, 0, None) if place < 2 else (None, None, 0, 0, None) for place in range(10)]

    made = report(of(records, told), ruleset(LAW), minutes_a_day={"examine": 600})

    clothing = made.profiles[0]
    assert (clothing.hits_a_day, clothing.minutes_a_day, clothing.capacity) == (10, 300, 0.5)


@pytest.mark.parametrize(
    ("found", "looked_at", "low", "high"),
    # Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998), table I.
    [
        (81, 263, "0.2553", "0.3662"),
        (15, 148, "0.0624", "0.1605"),
        (0, 20, "0.0000", "0.1611"),
        (1, 29, "0.0061", "0.1718"),
    ],
)
def test_the_interval_is_the_published_one(found: int, looked_at: int, low: str, high: str) -> None:
    made = rate(found, looked_at)

    assert made.low is not None
    assert made.high is not None
    assert (round(Decimal(made.low), 4), round(Decimal(made.high), 4)) == (Decimal(low), Decimal(high))


def test_cases_drawn_at_one_probability_weigh_the_same() -> None:
    plain, even = rate(3, 40), weighted({25_000: (3, 40)})

    assert even.rate == pytest.approx(plain.rate)
    assert even.low == pytest.approx(plain.low)
    assert even.high == pytest.approx(plain.high)


def test_a_case_drawn_rarely_stands_for_many() -> None:
    # 40 of a stratum drawn at 1 in 10, all clean, and 10 of one drawn at 1 in 100, all wrong: 400 clean, 1,000 wrong.
    made = weighted({100_000: (0, 40), 10_000: (10, 10)})

    assert made.rate == pytest.approx(1_000 / 1_400)


def test_nothing_looked_at_is_nothing_known() -> None:
    assert rate(0, 0) == Rate(found=0, looked_at=0)
    assert not rate(0, 0).is_below(rate(1, 2))
    assert rate(0, 200).is_below(rate(40, 400))
    assert not rate(0, 5).is_below(rate(40, 400))

"""Who is looked at when not all can be, and at which probability."""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewaiter.risk import is_drawn
from tidewaiter.risk.draw import UNCODED, numbers, probabilities, section, stratum
from tidewaiter.risk.selection import CANDIDATES, CAPACITY, PICKS, Draw, select

KEY = b"a key for tests"
NONE = Draw(key=KEY, simple_ppm=0)
HOUSE = pl.DataFrame([("OFFICE", "examine", "day", 60)], schema=CAPACITY, orient="row")


def waiting(*rows: dict[str, Any]) -> pl.DataFrame:
    usual = {
        "jurisdiction": "GB", "office": "OFFICE", "lane": "examine", "shift": "day", "stratum": "11/asia/post",
        "is_obligatory": False, "loss_micro": 1_000_000, "minutes": 20,
    }  # fmt: skip
    told = [{**usual, "id": place, "reference": f"ORDER-{place:05d}", **row} for place, row in enumerate(rows)]
    return pl.DataFrame([[row[name] for name in CANDIDATES] for row in told], schema=CANDIDATES, orient="row")


def picked(picks: pl.DataFrame) -> dict[int, str]:
    """How each that was picked was, by its place among those that wait."""
    return dict(picks.filter(pl.col("how").is_not_null()).select("id", "how").iter_rows())


rows = st.fixed_dictionaries(
    {
        "office": st.sampled_from(["OFFICE", "OTHER"]),
        "lane": st.sampled_from(["examine", "documents"]),
        "stratum": st.sampled_from(["11/asia/post", "16/asia/express"]),
        "is_obligatory": st.sampled_from([False, False, False, True]),
        "loss_micro": st.sampled_from([0, 1_000_000, 2_000_000, 9_000_000]),
        "minutes": st.sampled_from([5, 10, 20]),
    }
)
capacities = st.builds(
    lambda minutes: pl.DataFrame(
        [
            (office, lane, "day", minutes[2 * at + on])
            for at, office in enumerate(("OFFICE", "OTHER"))
            for on, lane in enumerate(("examine", "documents"))
        ],
        schema=CAPACITY,
        orient="row",
    ),
    st.lists(st.integers(0, 200), min_size=4, max_size=4),
)
shares = st.sampled_from([0, 100_000, 400_000, 1_000_000])


@settings(max_examples=60, deadline=None)
@given(st.lists(rows, max_size=40), capacities, shares, st.randoms(use_true_random=False))
def test_the_same_are_picked_in_whatever_order_they_stand(
    drawn: list[dict[str, Any]], capacity: pl.DataFrame, share: int, chance: Any
) -> None:
    candidates = waiting(*drawn)
    order = list(range(len(candidates)))
    chance.shuffle(order)

    first = select(candidates, capacity, Draw.halves(KEY, share))
    again = select(candidates[order], capacity.reverse(), Draw.halves(KEY, share))

    assert first.schema == PICKS
    assert first.equals(again)


@settings(max_examples=60, deadline=None)
@given(st.lists(rows, max_size=40), capacities, shares)
def test_what_is_picked_by_loss_fits_and_nothing_worth_more_was_left_out(
    drawn: list[dict[str, Any]], capacity: pl.DataFrame, share: int
) -> None:
    candidates = waiting(*drawn)

    told = select(candidates, capacity, Draw.halves(KEY, share)).join(candidates, on=["id", "office", "lane", "shift"])

    assert told.filter("is_obligatory")["how"].to_list() == ["obligatory"] * int(candidates["is_obligatory"].sum())
    for (office, lane, shift), queue in told.group_by("office", "lane", "shift"):
        room = capacity.filter(office=office, lane=lane, shift=shift)["minutes"].item()
        by_loss, left_out = queue.filter(pl.col("how") == "loss"), queue.filter(pl.col("how").is_null())
        if len(by_loss):
            assert queue.filter(pl.col("how").is_not_null())["minutes"].sum() <= room
            worth = pl.col("loss_micro") // pl.col("minutes")
            least = by_loss.select(worth.min()).item()
            assert left_out.filter((pl.col("loss_micro") > 0) & (worth > least)).is_empty()
        assert by_loss.filter(pl.col("loss_micro") == 0).is_empty()
        places = queue["place"].drop_nulls().sort().to_list()
        assert places == list(range(1, len(places) + 1))


def test_what_must_be_looked_at_goes_before_all_even_past_the_capacity() -> None:
    told = select(waiting(*[{"is_obligatory": True}] * 5, {"loss_micro": 10**12}), HOUSE, NONE)

    assert Counter(picked(told).values()) == {"obligatory": 5}


def test_more_loss_a_minute_goes_first() -> None:
    quick = {"loss_micro": 5_000_000, "minutes": 10}
    long = {"loss_micro": 9_000_000, "minutes": 60}
    other = {"loss_micro": 4_000_000, "minutes": 20}

    told = select(waiting(quick, long, other), HOUSE, NONE)

    assert picked(told) == {0: "loss", 2: "loss"}
    assert told["place"].to_list() == [1, None, 2]


def test_the_random_share_is_drawn_whatever_else_waits_and_an_auditor_draws_it_again() -> None:
    draw = Draw.halves(KEY, 200_000, {"11/asia/post": 50_000})
    candidates = waiting(*[{"loss_micro": 0}] * 2_000)

    told = picked(select(candidates, HOUSE.clear(), draw))

    again = {
        place: "simple"
        for place, reference in enumerate(candidates["reference"])
        if is_drawn(reference, jurisdiction="GB", key=KEY, share_ppm=100_000)
    }
    places = [("GB", reference) for reference in candidates["reference"]]
    for place, number in enumerate(numbers(places, key=KEY, purpose=b"stratified")):
        if number < 2**64 * 50_000 // 1_000_000:
            again.setdefault(place, "stratified")
    assert told == again
    # 100,000 in a million of 2,000, and 50,000 of the rest: 200 and 90, within four standard deviations.
    assert abs(Counter(told.values())["simple"] - 200) < 54
    assert abs(Counter(told.values())["stratified"] - 90) < 38


def test_a_consignment_drawn_at_random_does_not_depend_on_what_else_is_known_of_it() -> None:
    draw = Draw.halves(KEY, 300_000)
    plain, dear = waiting(*[{"loss_micro": 0}] * 300), waiting(*[{"loss_micro": 10**9, "minutes": 1}] * 300)

    randoms = [
        {place for place, how in picked(select(these, HOUSE, draw)).items() if how != "loss"} for these in (plain, dear)
    ]

    assert randoms[0] == randoms[1]


def test_the_probability_that_is_kept_is_that_of_being_picked() -> None:
    """Over many keys each is picked as often as it says: ten equals for three places, a better one, a worthless one."""
    candidates = waiting(*[{}] * 10, {"loss_micro": 9_000_000}, {"loss_micro": 0})
    room = pl.DataFrame([("OFFICE", "examine", "day", 80)], schema=CAPACITY, orient="row")
    keys = 400
    times: Counter[int] = Counter()
    said: Counter[int] = Counter()
    for key in range(keys):
        told = select(candidates, room, Draw.halves(b"key %d" % key, 200_000))
        times.update(picked(told).keys())
        said.update(dict(told.select("id", "propensity_ppm").iter_rows()))

    for place, ppm in said.items():
        expected = ppm / 1_000_000
        assert abs(times[place] - expected) < 4 * (keys * 0.25) ** 0.5 + 1, place
    assert said[11] == keys * 200_000


def test_equals_stand_in_an_order_that_the_key_alone_gives() -> None:
    candidates = waiting(*[{}] * 30)

    one, other = (picked(select(candidates, HOUSE, Draw.halves(key, 0))) for key in (KEY, b"another key"))

    assert len(one) == len(other) == 3
    assert one != other


def test_strata_give_as_many_each_from_what_came_before() -> None:
    counts = {"11/asia/post": 90_000, "16/asia/post": 9_000, "93/asia/post": 1_000}

    told = probabilities(counts, share_ppm=10_000)

    assert told == {"11/asia/post": 3_703, "16/asia/post": 37_037, "93/asia/post": 333_333}
    assert probabilities({"rare": 1, "usual": 999_999}, share_ppm=500_000)["rare"] == 1_000_000


@pytest.mark.parametrize(
    ("code", "number"),
    [("010121", 1), ("0501", 1), ("0601", 2), ("61", 11), ("8517", 16), ("930100", 19), ("97", 21), ("98", UNCODED),
     ("", UNCODED), (None, UNCODED), ("6x", UNCODED), ("00", UNCODED)],
)  # fmt: skip
def test_a_code_is_in_the_section_of_its_chapter(code: str | None, number: int) -> None:
    assert section(code) == number


def test_a_stratum_is_named_by_its_three_parts() -> None:
    assert stratum(hs_code="610910", origin_group="asia", channel="post") == "11/asia/post"


@pytest.mark.parametrize(
    "wrong", [{"minutes": 0}, {"minutes": None}, {"loss_micro": -1}, {"loss_micro": None}, {"loss_micro": 2**63 - 1}]
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a minute at least"):
        select(waiting(wrong), HOUSE, NONE)


def test_a_consignment_or_queue_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="waits twice"):
        select(waiting({"id": 1}, {"id": 1}), HOUSE, NONE)
    with pytest.raises(ValueError, match="two capacities"):
        select(waiting({}), pl.concat([HOUSE, HOUSE]), NONE)


def test_nothing_is_drawn_without_a_key() -> None:
    with pytest.raises(ValueError, match="needs a key"):
        select(waiting({}), HOUSE, Draw.halves(b"", 10))

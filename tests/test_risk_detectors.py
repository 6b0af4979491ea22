"""What detectors see in the past of a consignment, what officers are told, and what models get."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make
from test_risk_profiles import file
from test_risk_profiles import law_with as law_of_files
from test_risk_signals import LAW, law_with, of_items, profile, profiles_of, worth
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.outcome import SIGNALS
from tidewaiter.model.past import DOCUMENTS, PARTIES, PEERS, PRODUCTS, RECENT, Past
from tidewaiter.risk import DETECTORS, FIELDS, ProfileError, features, read, ruleset, signals
from tidewaiter.risk.features import OF_CONSIGNMENTS, OF_ITEMS

FRAMES = {"recent": RECENT, "parties": PARTIES, "documents": DOCUMENTS, "peers": PEERS, "products": PRODUCTS}


def past(**frames: dict[str, Any]) -> Past:
    """A past of one row in some frames, about the first consignment and its first item; what is not given is null."""
    made = {}
    for name, told in frames.items():
        keys = {"row": 0, "item": 0} if "item" in FRAMES[name] else {"row": 0}
        made[name] = pl.DataFrame([{**keys, **told}], schema=FRAMES[name])
    return Past(**made)


def hits(known: Past, *records: Consignment) -> list[tuple[int, int | None, str, int]]:
    batch = Batch.of(records or [make.consignment()])
    found = signals(batch, worth(records or [make.consignment()]), LAW, known)
    return found.select("row", "item", "profile", "score").rows()


CHEAP = {
    "price_per_kg_count": 400, "price_per_kg_deviation_micro": -6_000_000, "price_per_unit_count": 400,
    "price_per_unit_deviation_micro": -5_500_000, "price_per_kg_rank_micro": 10_000,
    "price_per_kg_median_micro": 210_000_000, "price_per_kg_q05_micro": 118_000_000,
}  # fmt: skip


@pytest.mark.parametrize(
    ("known", "name", "item"),
    [
        (past(peers=CHEAP), "fiction-low-price", 0),
        (
            past(
                peers={"price_per_kg_rank_micro": 90_000},
                parties={"seller_low_price_rate_micro": 700_000, "seller_count": 9},
            ),
            "fiction-low-price-habit",
            0,
        ),
        (
            past(recent={"consignee_24h_from_seller_count": 2, "consignee_24h_from_seller_value_micro": 160_000_000}),
            "fiction-splitting-24h",
            None,
        ),
        (
            past(recent={"consignee_72h_from_seller_count": 2, "consignee_72h_from_seller_value_micro": 160_000_000}),
            "fiction-splitting-72h",
            None,
        ),
        (
            past(recent={"consignee_30d_from_seller_count": 20, "consignee_30d_from_seller_value_micro": 160_000_000}),
            "fiction-splitting-30d",
            None,
        ),
        (past(products={"count": 40, "code_rate_micro": 0}), "fiction-code-changed", 0),
        (past(products={"count": 40, "origin_rate_micro": 0}), "fiction-origin-changed", 0),
        (past(products={"words_count": 40, "words_code_rate_micro": 0}), "fiction-code-unlike-words", 0),
        (past(recent={"identity_names": 9}), "fiction-identity-reused", None),
        (past(parties={"scheme_count": 900, "scheme_platform_rate_micro": 0}), "fiction-scheme-borrowed", None),
        (past(parties={"seller_age_d": 1, "seller_place_sellers": 9}), "fiction-ghost-seller", None),
        (past(parties={"seller_inspected": 9, "seller_wrong_rate_micro": 900_000}), "fiction-caught-before", None),
        (past(documents={"document_mismatches": 1}), "fiction-document-mismatch", None),
    ],
)
def test_each_detector_sees_what_it_is_for_at_its_full_score(known: Past, name: str, item: int | None) -> None:
    score = next(profile.score for profile in ruleset(LAW).profiles if profile.id == name)

    assert hits(known) == [(0, item, name, score)]


@pytest.mark.parametrize(
    ("price", "before", "count", "is_seen"),
    [
        ("80.00", 70, 1, True),
        ("60.00", 70, 1, False),  # together not above the threshold of GBP 135
        ("30.00", 130, 1, False),  # a small thing besides a large one
        ("130.00", 30, 1, False),
        ("80.00", 200, 1, False),  # the one before was above the threshold by itself
        ("30.00", 130, 2, True),  # of three a small one may be what was left
        ("80.00", 400, 2, True),
        ("136.00", 130, 2, False),  # above the threshold itself: there is nothing to gain
    ],
)
def test_two_parcels_are_a_split_purchase_only_where_both_are_a_good_part_of_the_threshold(
    price: str, before: int, count: int, is_seen: bool
) -> None:
    recent = {"consignee_72h_from_seller_count": count, "consignee_72h_from_seller_value_micro": before * 1_000_000}
    found = hits(past(recent=recent), of_items(make.item(price=f"{price} GBP")))

    assert [name for _, _, name, _ in found] == ["fiction-splitting-72h"] * is_seen


def test_heaping_is_seen_in_the_band_below_the_threshold_alone() -> None:
    known = past(parties={"seller_just_below": 30, "seller_near_below": 0})
    within, below, above = (of_items(make.item(price=f"{price} GBP")) for price in ("134.99", "80.00", "135.01"))

    assert hits(known, within) == [(0, None, "fiction-just-below-threshold", 70)]
    assert hits(known, below) == hits(known, above) == []


def test_every_detector_has_a_profile_of_ours_that_shows_how_it_is_used() -> None:
    rules = ruleset(LAW)
    used = {profile.detector.name for profile in rules.profiles if profile.detector is not None}

    assert rules.faults == ()
    assert used == set(DETECTORS)
    assert all(found.text and set(found.looks_at) <= set(FIELDS) for found in DETECTORS.values())


def test_a_little_past_the_first_limit_counts_for_less() -> None:
    [(*_, little)] = hits(past(recent={"identity_names": 2}))
    [(*_, more)] = hits(past(recent={"identity_names": 3}))

    assert hits(past(recent={"identity_names": 1})) == []
    assert 0 < little < more < 75


def test_the_officer_reads_what_goods_like_it_cost() -> None:
    [reason] = signals(Batch.of([make.consignment()]), worth([make.consignment()]), LAW, past(peers=CHEAP))["reason"]

    assert reason == ("66.66 a net kilogram; half of 400 like it cost over 210.00, all but one in twenty over 118.00")


def test_with_nothing_known_no_detector_speaks_and_the_other_signals_stay() -> None:
    records = [make.consignment(), of_items(make.item(description="A dagger", hs_code="82119200"))]
    batch = Batch.of(records)

    assert signals(batch, worth(records), LAW, Past()).equals(signals(batch, worth(records), LAW))
    assert hits(Past(), *records) == [(1, 0, "fiction-blades", 60)]


def test_a_past_that_knows_nothing_of_a_consignment_says_nothing_of_it() -> None:
    known = past(documents={"document_mismatches": 1})

    assert [row for row, *_ in hits(known, make.consignment(), make.consignment())] == [0]


def test_amendments_and_exports_are_not_looked_at() -> None:
    known = past(documents={"document_mismatches": 1})

    assert hits(known, make.consignment(function="amendment")) == []
    assert hits(known, make.consignment(direction="export")) == []


DETECTING = """
id = "example"
version = 1
title = "An example"
owner = "Example Office"
law = "Fictional"
from = 2021-01-01
lane = "examine"
score = 50
reason = "{past.identity_names} names"
detector = "identity-reused"
[limits]
names_min = 2
names_full = "4.5"
[[match]]
past.identity_names = 2
[[no_match]]
past.identity_names = 1
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"identity-reused"', '"identity-reusd"', "detector = 'identity-reusd' is none of"),
        ('"identity-reused"', "[]", "is none of"),
        ("names_min = 2\n", "", "limits must set names_min, names_full, and no more"),
        ("names_min = 2\n", "names_min = 2\nnames = 2\n", "limits must set names_min, names_full, and no more"),
        ("names_min = 2\n", "names_min = 2.0\n", "names_min = 2.0 is no number; write decimals as text"),
        ("names_min = 2\n", "names_min = true\n", "names_min = True is no number"),
        ("names_min = 2\n", 'names_min = "nan"\n', "names_min = 'nan' is no number"),
        ("names_min = 2\n", "names_min = 3\n", "example 1 of [[match]] does not match"),
        ("names_min = 2\n", "names_min = 1\n", "example 1 of [[no_match]] matches"),
        ('detector = "identity-reused"', 'detector = "identity-reused"\nwhen = "true"', "a condition or a detector"),
        (
            'detector = "identity-reused"',
            'when = "past.identity_names > 1"',
            "limits are a detector's, and none is named",
        ),
        ("{past.identity_names}", "{peers.price_per_kg_rank}", "is of an item, and the condition is about the whole"),
    ],
)
def test_what_is_wrong_in_a_profile_with_a_detector_is_said(old: str, new: str, words: str) -> None:
    assert old in DETECTING

    with pytest.raises(ProfileError) as caught:
        read(file(DETECTING.replace(old, new, 1)), LAW)
    assert words in str(caught.value)


def test_a_detector_holds_where_and_when_its_profile_does() -> None:
    law = law_of_files(
        file(DETECTING, jurisdiction="gb"),
        file(
            DETECTING.replace("example", "old", 1).replace("from = 2021-01-01", "from = 2021-01-01\nuntil = 2022-01-01")
        ),
    )
    here, abroad = make.consignment(), make.consignment(jurisdiction="FR")
    told = pl.DataFrame([{"row": row, "identity_names": 9} for row in range(2)], schema=RECENT)
    records = [here, abroad]
    found = signals(Batch.of(records), worth(records), law, Past(recent=told))

    assert found.select("row", "profile").rows() == [(0, "example")]


def test_a_condition_may_speak_of_the_past_and_of_peers() -> None:
    law = law_with(
        profile(
            "past.consignee_72h_count >= 3 && peers.price_per_kg_rank < 0.05",
            "past.consignee_72h_count = 3\npeers.price_per_kg_rank = '0.01'",
            "past.consignee_72h_count = 3",
            reason="{past.consignee_72h_count} others in 72 hours",
        ),
        profile("!(past.seller_count > 5)", "past.seller_count = 5", "consignment.channel = 'post'", id="young"),
    )
    records = [make.consignment(), make.consignment()]
    known = past(
        recent={"consignee_72h_count": 3}, peers={"price_per_kg_rank_micro": 49_999}, parties={"seller_count": 2}
    )
    found = signals(Batch.of(records), worth(records), law, known)

    assert found.select("row", "item", "profile", "reason").rows() == [
        (0, None, "young", "Seen"),
        (0, 0, "example", "3 others in 72 hours"),
    ]
    assert profiles_of(*records, law=law) == []


@st.composite
def known_of(draw: st.DrawFn, size: int) -> Past:
    """Whatever might be known of so many consignments of one item each; of some nothing."""
    frames = {}
    for name, schema in FRAMES.items():
        rows = [row for row in range(size) if draw(st.booleans())]
        keys: list[dict[str, int | None]] = [
            {"row": row, "item": 0} if "item" in schema else {"row": row} for row in rows
        ]
        number = st.none() | st.sampled_from([0, 1, 3, 40, 900_000, 1_000_000, 200_000_000])
        told = [key | {column: draw(number) for column in schema if column not in ("row", "item")} for key in keys]
        for one in told:
            for column in one:
                if column.endswith("deviation_micro"):
                    one[column] = -(one[column] or 0) // 20
        frames[name] = pl.DataFrame(told, schema=schema)
    return Past(**frames)


def only(known: Past, row: int) -> Past:
    """What is known of one consignment, as if it were the first."""
    return Past(
        **{
            name: getattr(known, name).filter(pl.col("row") == row).with_columns(row=pl.lit(0, pl.UInt32))
            for name in FRAMES
        }
    )


@settings(max_examples=10, deadline=None)
@given(data=st.data(), prices=st.lists(st.sampled_from(["1", "90", "134.9", "500"]), min_size=1, max_size=3))
def test_a_batch_with_a_past_gives_what_its_consignments_give_one_by_one(
    data: st.DataObject, prices: list[str]
) -> None:
    records = [of_items(make.item(price=f"{price} GBP")) for price in prices]
    known = data.draw(known_of(len(records)))
    together = signals(Batch.of(records), worth(records), LAW, known)
    told = features(Batch.of(records), worth(records), LAW, known)

    alone = [pl.DataFrame(schema=SIGNALS)]
    for row, record in enumerate(records):
        own = signals(Batch.of([record]), worth([record]), LAW, only(known, row))
        alone.append(own.with_columns(row=pl.lit(row, pl.UInt32)))
        of_one = features(Batch.of([record]), worth([record]), LAW, only(known, row))
        assert told[row].drop("row").equals(of_one.drop("row"))
    assert together.equals(pl.concat(alone))


def test_features_are_numbers_of_each_consignment_and_tell_nothing_of_a_person() -> None:
    records = [
        of_items(make.item(), make.item(price="60 GBP", net_mass="0.1")),
        of_items(make.item(net_mass=None)),
        make.consignment(items=()),
    ]
    told = features(Batch.of(records), worth(records), LAW, past(documents={"document_mismatches": 2}))
    named = {name.removeprefix("detector.") for name in told.columns if name.startswith("detector.")}

    assert told["row"].to_list() == [0, 1, 2]
    assert set(told.drop("row").dtypes) == {pl.Float64}
    assert told["item.value_per_kg.least"].to_list() == pytest.approx([66.666666, None, None])
    assert told["item.value_per_kg.greatest"].to_list() == pytest.approx([600.0, None, None])
    assert told["past.document_mismatches"].to_list() == [2.0, None, None]
    assert told["detector.fiction-document-mismatch"].to_list() == [1.0, 0.0, 0.0]
    assert named == {profile.id for profile in ruleset(LAW).profiles if profile.detector is not None}
    assert not [name for name in (*OF_CONSIGNMENTS, *OF_ITEMS) if FIELDS[name].kind.value.startswith("text")]


def test_no_figure_however_odd_makes_a_detector_say_more_than_one_or_less_than_nothing() -> None:
    odd = np.array([np.nan, 0.0, -1e18, 1e18, 1.0, 0.5])

    for profile_ in ruleset(LAW).profiles:
        if profile_.detector is not None:
            for one in odd:
                of = {name: np.full(len(odd), one) for name in profile_.detector.looks_at}
                mixed = {name: np.roll(odd, place) for place, name in enumerate(of)}
                for figures in (of, mixed):
                    strength = profile_.detector.strength(figures, profile_.limits)
                    assert ((strength >= 0) & (strength <= 1)).all(), profile_.id

"""What was before, as columns: who is known again, what counts as before, and what goods like these cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make
from test_risk_signals import LAW, worth
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Classification, Consignment
from tidewaiter.model.past import PARTIES, PEERS, PRODUCTS, RECENT, Past
from tidewaiter.risk.history import (
    RESULTS,
    Head,
    History,
    Memory,
    Persons,
    past_of,
    peer_table,
    peers,
    recent_later,
    remembered,
)
from tidewaiter.risk.history.knowing import framed
from tidewaiter.risk.history.memory import Event
from tidewaiter.risk.history.recalling import NEWEST, Found
from tidewaiter.risk.history.telling import Goods

KEY = b"key of the tests: made up, public"
BEGIN = datetime(2026, 11, 2, 8, tzinfo=UTC)


def parcel(seller: str = "Example Trading Ltd", phone: str | None = "07700 900123", **what: Any) -> Consignment:
    """The default parcel from a seller to somebody with this telephone."""
    to = {"name": what.pop("name", "Pat Example"), "identity": what.pop("identity", None)}
    given: dict[str, Any] = {"street": what.pop("street", "2 Sample Street")}
    parties = [
        make.party("seller", name=seller, phone=what.pop("seller_phone", None)),
        make.party("consignee", phone=phone, **to, **given),
    ]
    if platform := what.pop("platform", None):
        parties.append(make.party("marketplace", id=platform))
    return make.consignment(parties=tuple(parties), **what)


def kept(records: Sequence[Consignment], hours: Sequence[float], persons: Persons | None = None) -> History:
    """What is remembered of these, accepted so many hours after the beginning."""
    at = pl.Series([BEGIN + timedelta(hours=hour) for hour in hours], dtype=pl.Datetime("us", "UTC"))
    return remembered(
        Batch.of(records), worth(records), LAW, at=at, key=KEY, persons=Persons() if persons is None else persons
    )


def past(records: Sequence[Consignment], hours: Sequence[float]) -> Past:
    """What is known of each of these, lodged one after another, where nothing was before."""
    return past_of(History(), kept(records, hours), peer_table(History().items))


def test_where_nothing_was_before_nothing_is_counted() -> None:
    found = past([parcel(platform="P-1", fiscal_references=(make.ioss(),))], [0])

    assert [frame.schema for frame in (found.recent, found.parties, found.peers, found.products)] == [
        RECENT, PARTIES, PEERS, PRODUCTS,
    ]  # fmt: skip
    assert set(found.recent.drop("row", "identity_names").row(0)) == {0}
    assert found.recent["identity_names"].item() is None
    assert found.parties.select("seller_count", "seller_age_d", "scheme_count").row(0) == (0, 0, 0)
    assert found.parties["scheme_platform_rate_micro"].item() is None
    assert set(found.peers.drop("row", "item").select(pl.exclude("^.*count$")).row(0)) == {None}
    assert found.products.select("words_count", "words_code_rate_micro").row(0) == (0, None)


def test_a_person_is_known_again_by_telephone_or_address_under_whatever_name() -> None:
    found = past(
        [
            parcel(),
            parcel(name="P. Exampel", phone="+44 7700 900123"),
            parcel(name="Sam Other", phone=None, street="2, SAMPLE street"),
            parcel(name="Sam Other", phone="07700 900999", street="9 Else Street"),
        ],
        [0, 1, 2, 3],
    )

    assert found.recent["consignee_72h_count"].to_list() == [0, 1, 2, 3]


def test_somebody_else_at_another_address_is_somebody_else() -> None:
    found = past([parcel(), parcel(name="Sam Other", phone="07700 900999", street="9 Else Street")], [0, 1])

    assert found.recent["consignee_30d_count"].to_list() == [0, 0]


def test_one_identity_number_of_many_people_does_not_make_one_of_them() -> None:
    names = ["Pat Example", "Sam Other", "Kim Third", "Pat Example"]
    people = [
        parcel(name=name, identity="ID-1", phone=f"07700 9009{n:02d}", street=f"{n} Else Street")
        for n, name in enumerate(names)
    ]
    found = past(people, [0, 1, 2, 3])

    assert found.recent["consignee_72h_count"].to_list()[:3] == [0, 0, 0]
    assert found.recent["identity_names"].to_list() == [0, 1, 2, 2]


def test_what_came_before_counts_within_its_time_alone_and_from_the_same_seller_apart() -> None:
    sellers = ["A", "A", "B", "A", "A"]
    found = past([parcel(seller) for seller in sellers], [0, 23, 24, 72, 730])
    days, three, month = (found.recent[f"consignee_{w}_count"].to_list() for w in ("24h", "72h", "30d"))

    assert days == [0, 1, 2, 0, 0]
    assert three == [0, 1, 2, 3, 0]
    assert month == [0, 1, 2, 3, 3]
    assert found.recent["consignee_72h_from_seller_count"].to_list() == [0, 1, 0, 2, 0]
    assert found.recent["consignee_24h_value_micro"].to_list() == [0, 20_000_000, 40_000_000, 0, 0]


def test_on_arrival_what_came_since_counts_too() -> None:
    asked = kept([parcel(), parcel(), parcel()], [0, 10, 100])
    found = recent_later(History(), asked, wait=timedelta(hours=48))

    assert found["consignee_72h_count"].to_list() == [1, 1, 0]
    assert found["consignee_72h_value_micro"].to_list() == [20_000_000, 20_000_000, 0]


def test_a_new_seller_with_the_telephone_of_others_is_told() -> None:
    found = past([parcel(name, seller_phone="+86 139 0000") for name in ("A", "B", "B", "C")], [0, 24, 48, 72])

    assert found.parties["seller_place_sellers"].to_list() == [0, 1, 1, 2]
    assert found.parties["seller_age_d"].to_list() == [0, 0, 1, 0]


def test_a_scheme_number_used_over_another_platform_stands_out() -> None:
    records = [parcel(platform="P-1", fiscal_references=(make.ioss(),)) for _ in range(4)]
    found = past([*records, parcel(seller="B", fiscal_references=(make.ioss(),))], range(5)).parties

    assert found["scheme_count"].to_list() == [0, 1, 2, 3, 4]
    assert found["scheme_platform_rate_micro"].to_list() == [None, 1_000_000, 1_000_000, 1_000_000, 0]
    assert found["scheme_seller_count"].to_list() == [0, 1, 2, 3, 0]


def test_parcels_in_the_last_twentieth_below_a_threshold_of_law_are_counted() -> None:
    prices = ["134.50 GBP", "135.00 GBP", "120.00 GBP", "135.01 GBP", "90.00 GBP", "10.00 GBP"]
    asked = kept([parcel(items=(make.item(price=price),)) for price in prices], range(6))
    found = past_of(History(), asked, peer_table(History().items)).parties

    assert asked.consignments["threshold_share_micro"].to_list() == [996_296, 1_000_000, 888_888, None, 666_666, 74_074]
    assert found["seller_just_below"].to_list() == [0, 1, 2, 2, 2, 2]
    assert found["seller_near_below"].to_list() == [0, 0, 0, 1, 1, 1]


def test_a_seller_found_wrong_is_drawn_toward_what_is_usual_of_random_picks() -> None:
    asked = kept([parcel("A"), parcel("B")], [100, 100])
    of_a, of_b = asked.consignments["seller"]
    rows = [(BEGIN, of_a, True, False)] * 5 + [(BEGIN, of_b, False, True)] * 20
    late = [(BEGIN + timedelta(hours=101), of_b, True, False)] * 9
    found = past_of(
        History(results=pl.DataFrame([*rows, *late], schema=RESULTS, orient="row")), asked, peer_table(History().items)
    ).parties

    # Usual: none of 20 random ones and a prior of 4 % that weighs 20, so 2 %. A: (5 + 0.4) / 25, B: 0.4 / 40.
    assert found["seller_inspected"].to_list() == [5, 20]
    assert found["seller_wrong_rate_micro"].to_list() == [216_000, 10_000]


def test_a_product_under_another_code_or_origin_than_before_is_told() -> None:
    def of(hs_code: str, origin: str, words: str = "Ceramic mug", code: str = "4006381333931") -> Consignment:
        codes = (Classification(scheme="GTIN", code=code),)
        return parcel(items=(make.item(hs_code=hs_code, origin_country=origin, description=words, codes=codes),))

    found = past(
        [
            of("69120081", "CN"),
            of("69120085", "CN", "mug, CERAMIC"),
            of("49019900", "VN"),
            of("69120081", "CN", code="X"),
        ],
        range(4),
    ).products

    assert found["count"].to_list() == [0, 1, 2, 0]
    assert found["code_rate_micro"].to_list() == [None, 1_000_000, 0, None]
    assert found["origin_rate_micro"].to_list() == [None, 1_000_000, 0, None]
    assert found["words_count"].to_list() == [0, 1, 2, 3]
    assert found["words_code_rate_micro"].to_list() == [None, 1_000_000, 0, 666_666]


def test_two_sellers_may_give_one_number_to_different_articles() -> None:
    item = make.item(codes=(Classification(scheme="SKU", code="1"),))
    found = past([parcel("A", items=(item,)), parcel("B", items=(item,)), parcel("A", items=(item,))], range(3))

    assert found.products["count"].to_list() == [0, 0, 1]


def goods(price: int, **what: Any) -> Consignment:
    return parcel(platform="P-1", items=(make.item(price=f"{price}.00 GBP", net_mass="1", quantity="1", **what),))


def test_a_price_stands_beside_those_that_came_before_and_not_beside_itself() -> None:
    history = kept([goods(price) for price in range(60, 161)], [0.0] * 101)
    found = peers(kept([goods(110), goods(20), goods(400)], [1, 1, 1]), peer_table(history.items))
    again = peers(kept([goods(20)], [1]), peer_table(history.items))

    assert found["price_per_kg_count"].to_list() == [101] * 3
    assert found["price_per_kg_median_micro"][0] == pytest.approx(110_000_000, rel=1e-6)
    assert found["price_per_kg_q05_micro"][0] == pytest.approx(65_000_000, rel=1e-6)
    assert found["price_per_kg_deviation_micro"][0] == pytest.approx(0, abs=10)
    assert found["price_per_kg_rank_micro"].to_list() == [500_000, 5_000, 995_000]
    assert found[1].drop("row").equals(again.drop("row"))


def test_where_few_are_known_of_a_code_they_are_drawn_toward_its_heading() -> None:
    heading = [goods(100, hs_code="61099090") for _ in range(200)]
    few, many = (kept([*heading, *[goods(10)] * n], [0.0] * (200 + n)) for n in (2, 200))
    asked = kept([goods(10), goods(10, hs_code="6110"), goods(10, origin_country="VN")], [1, 1, 1])
    drawn, own = (
        peers(asked, peer_table(history.items))["price_per_kg_median_micro"].to_list() for history in (few, many)
    )

    assert 60_000_000 < drawn[0] < 75_000_000
    assert 10_000_000 < own[0] < 16_000_000
    assert drawn[1:] == own[1:] == [None, None]


KEYS = st.sampled_from([11, 12, 13, None])
HEADS = st.builds(
    Head, at=st.integers(0, 900).map(lambda hour: hour * 3_600_000_000), jurisdiction=st.sampled_from(["GB", "FR"]),
    seller=KEYS, platform=st.sampled_from([21, 22, None]), seller_place=KEYS, consignee=KEYS, name=KEYS,
    identity=KEYS, scheme=KEYS, value_micro=st.sampled_from([None, 5, 7]), below=st.sampled_from([0, 1, 2]),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(HEADS, max_size=14))
def test_what_came_before_is_what_counting_by_hand_says(heads: list[Head]) -> None:
    heads.sort(key=lambda head: head.at)
    memory = Memory()
    for place, head in enumerate(heads):
        before = heads[:place]
        recent = dict(zip(RECENT.names()[1:], memory.recent(head), strict=True))
        parties = dict(zip(PARTIES.names()[1:], memory.parties(head), strict=True))
        memory.add(head)
        wide = [one for one in before if one[1] == head[1] and one.consignee == head.consignee]
        for window, hours in (("24h", 24), ("72h", 72), ("30d", 720)):
            near = [one for one in wide if head.at - one.at <= hours * 3_600_000_000]
            asked = ("count", "value_micro", "from_seller_count", "from_seller_value_micro")
            told = [recent[f"consignee_{window}_{what}"] for what in asked]
            same = [one.value_micro or 0 for one in near if one.seller == head.seller]
            from_seller = [None, None] if head.seller is None else [len(same), sum(same)]
            by_hand = [len(near), sum(one.value_micro or 0 for one in near), *from_seller]
            assert told == (by_hand if head.consignee is not None else [None] * 4)
        names = {one.name for one in before if one.identity == head.identity} - {None, head.name}
        assert recent["identity_names"] == (len(names) if head.identity is not None else None)
        sent = [one for one in before if one.seller == head.seller and head.seller is not None]
        day = head.at // 86_400_000_000
        by_hand = [
            (head.at - sent[0].at) // 86_400_000_000 if sent else 0,
            len(sent),
            sum(day - one.at // 86_400_000_000 < 7 for one in sent),
            sum(one.below == 1 for one in sent),
            sum(one.below == 2 for one in sent),
        ]
        of_seller = ("seller_age_d", "seller_count", "seller_7d_count", "seller_just_below", "seller_near_below")
        assert [parties[name] for name in of_seller] == (by_hand if head.seller is not None else [None] * 5)
        there = {one.seller for one in before if one.seller_place == head.seller_place} - {None, head.seller}
        assert parties["seller_place_sellers"] == (len(there) if head.seller_place is not None else None)
        under = [one for one in before if one.scheme == head.scheme and head.scheme is not None]
        over_same = sum(one.platform == head.platform for one in under)
        by_hand = [
            len(under),
            over_same * 1_000_000 // len(under) if under else None,
            sum(one.seller == head.seller for one in under) if head.seller is not None else None,
        ]
        of_scheme = ("scheme_count", "scheme_platform_rate_micro", "scheme_seller_count")
        assert [parties[name] for name in of_scheme] == (by_hand if head.scheme is not None else [None] * 3)


def test_sums_beyond_any_number_of_64_bits_are_the_greatest_there_is() -> None:
    head = Head(0, "GB", 1, None, None, 2, None, None, None, 2**62, 0)
    memory = Memory()
    for _ in range(3):
        memory.add(head)

    assert memory.recent(head)[:3] == [3, 2**63 - 1, 3]
    assert framed([pl.Series("row", [0], dtype=pl.UInt32)], [memory.recent(head)], RECENT)[0, 2] == 2**63 - 1


def test_of_one_person_the_newest_count_within_a_batch_as_they_do_between_batches() -> None:
    """A file of thousands of parcels for one person took time by their square, and counted what no look-up does."""
    had = [Head(second * 1_000_000, "GB", 1, None, None, 2, None, None, None, 1_000_000, 0) for second in range(210)]
    later = had[-1]._replace(at=300 * 1_000_000)
    within = Found().memory()
    for head in had:
        within.add(head)
    newest = [(2, "GB", Event(head.at, head.seller, head.value_micro)) for head in had[-NEWEST:]]

    assert within.recent(later)[:3] == [NEWEST, NEWEST * 1_000_000, NEWEST]
    assert within.recent(later) == Found(events=newest).memory().recent(later)


GOODS = st.builds(
    Goods, item=st.just(1), article=KEYS, words=st.sampled_from([31, 32, None]),
    code=st.sampled_from([610910, 691200, None]), origin=st.sampled_from([-17230, -22094, None]),
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    sent=st.lists(st.tuples(st.sampled_from([41, 42, None]), GOODS, st.sampled_from([True, False, None])), max_size=14)
)
def test_of_each_product_those_that_came_before_are_counted_as_by_hand(
    sent: list[tuple[int | None, Goods, bool | None]],
) -> None:
    def declared(before: list[Goods], what: str, goods: Goods, as_this: str) -> list[int | None]:
        key, this = getattr(goods, what), getattr(goods, as_this)
        if key is None:
            return [None, None]
        of = [getattr(one, as_this) for one in before if getattr(one, what) == key]
        return [len(of), None if this is None or not of else of.count(this) * 1_000_000 // len(of)]

    memory = Memory(is_priced=True)
    for place, (seller, goods, is_low) in enumerate(sent):
        before = [one for _, one, _ in sent[:place]]
        [count, by_code], [_, by_origin] = (declared(before, "article", goods, what) for what in ("code", "origin"))
        by_hand = [count, by_code, by_origin, *declared(before, "words", goods, "code")]
        assert dict(zip(PRODUCTS.names()[2:], memory.products(goods), strict=True)) == dict(
            zip(PRODUCTS.names()[2:], by_hand, strict=True)
        )
        head = Head(0, "GB", seller, None, None, None, None, None, None, None, 0)
        compared = [low for whose, _, low in sent[:place] if whose == seller and low is not None]
        # Drawn toward a twentieth, as if twenty had been compared before the first.
        rate = None if seller is None else int((sum(compared) + 1) / (len(compared) + 20) * 1_000_000)
        told = dict(zip(PARTIES.names()[1:], memory.parties(head), strict=True))
        assert told["seller_low_price_rate_micro"] == rate
        memory.add_goods(seller, goods, is_low)


def test_two_goods_of_one_consignment_do_not_count_for_each_other() -> None:
    codes = (Classification(scheme="GTIN", code="4006381333931"),)
    two = parcel(items=(make.item(codes=codes), make.item(codes=codes)))
    found = past([two, two], [0, 1]).products

    assert found["count"].to_list() == found["words_count"].to_list() == [0, 0, 2, 2]


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("AB"), st.sampled_from(["1", "2", None]), st.sampled_from(["10", "130"]), st.integers(0, 3)
        ),
        min_size=1,
        max_size=6,
    )
)
def test_lodged_together_is_lodged_one_after_another(drawn: list[tuple[str, str | None, str, int]]) -> None:
    drawn.sort(key=lambda one: one[3])
    records = [
        parcel(seller, phone, street=f"{phone} Else Street", identity="ID-1", items=(make.item(price=f"{price} GBP"),))
        for seller, phone, price, _ in drawn
    ]
    hours = [one[3] * 12.0 for one in drawn]
    together = past(records, hours)
    history, persons, table = History(), Persons(), peer_table(History().items)

    for row, (record, hour) in enumerate(zip(records, hours, strict=True)):
        asked = kept([record], [hour], persons)
        alone = past_of(history, asked, table)
        for name in ("recent", "parties", "products"):
            own = getattr(together, name).filter(pl.col("row") == row).drop("row")
            assert own.equals(getattr(alone, name).drop("row")), name
        history = history.and_then(asked)


def test_nothing_of_a_person_is_kept_in_the_open() -> None:
    record = parcel(identity="ID-SECRET", seller_phone="+86 139 5555")
    asked = kept([msgspec.structs.replace(record)], [0])
    text = str([frame.rows() for frame in (asked.consignments, asked.items)])

    assert not [word for word in ("Pat", "Example", "SECRET", "900123", "5555", "Cotton") if word in text]


def test_prices_found_low_are_counted_against_the_seller_later() -> None:
    usual = kept([goods(price) for price in range(60, 161)], [0.0] * 101)
    cheap = kept(
        [parcel("Z", platform="P-1", items=(make.item(price="9 GBP", net_mass="1", quantity="1"),))] * 20, [1] * 20
    )
    ranked = cheap.ranked(peers(cheap, peer_table(usual.items)))
    asked = kept([parcel("Z")], [2])
    found = past_of(usual.and_then(ranked), asked, peer_table(usual.items)).parties

    # (20 low + 20 * 5 %) of (20 + 20)
    assert found["seller_low_price_rate_micro"].item() == 525_000
    assert replace(ranked).items["is_low"].to_list() == [True] * 20


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ({"phone": "07700 900123"}, {"phone": "+44 (0)7700 900123", "street": "9 Else St", "name": "S. O."}, True),
        ({"name": "Alda Ashgrove"}, {"name": "Ada Ashgrove"}, True),
        ({"name": "Alda Ashgrove"}, {"name": "ASHGROVE, A."}, True),
        ({"street": "2 Sample Street"}, {"name": "Sam Other", "street": "Sample St., 2"}, True),
        ({"street": "Musterstraße 7"}, {"street": "7, MUSTERSTR.", "name": "Sam Other"}, True),
        ({"street": "12 Sample Street"}, {"street": "2 Sample Street", "name": "Sam Other"}, False),
        # Two of a family, or two at one parcel locker, office or forwarder: one address, each with a telephone.
        ({"name": "Alda Ash", "phone": "07700 900123"}, {"name": "Boran Ash", "phone": "07700 900124"}, False),
        ({"name": "Alda Ash", "phone": "07700 900123"}, {"name": "Sam Other", "phone": "07700 900124"}, False),
    ],
)  # fmt: skip
def test_who_is_the_same_however_it_is_written_and_who_only_shares_an_address(
    one: dict[str, Any], other: dict[str, Any], is_same: bool
) -> None:
    found = past([parcel(**{"phone": None, **given}) for given in (one, other)], [0, 1])

    assert found.recent["consignee_72h_count"].to_list() == [0, int(is_same)]

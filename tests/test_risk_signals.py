"""Which consignments the profiles and the random share pick, and what an officer is told."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make
from tidewaiter.law import Law, load
from tidewaiter.law.in_force import InForce
from tidewaiter.law.rules import RiskFile
from tidewaiter.model.batch import Apart, Batch
from tidewaiter.model.consignment import Consignment, Document, GoodsItem
from tidewaiter.model.money import to_micro
from tidewaiter.model.outcome import SIGNALS, VALUES
from tidewaiter.model.rows import firsts, marks, positions
from tidewaiter.risk import is_drawn, ruleset, signals
from tidewaiter.risk.columns import expression
from tidewaiter.risk.meaning import understand
from tidewaiter.risk.sieve import Judged, Sieve
from tidewaiter.risk.syntax import parse

LAW = dataclasses.replace(load(), draw_share_ppm=0)
KEY = b"a key for tests"

FIRM = make.party("consignee", kind="legal")
PERSON = make.party("consignee")


def law_with(*profiles: str, share_ppm: int = 0, key: bytes = KEY) -> Law:
    """The law with these profiles, in TOML, in place of the world's."""
    files = tuple(
        RiskFile(jurisdiction="world", name=str(place), content=tomllib.loads(text))
        for place, text in enumerate(profiles)
    )
    world = dataclasses.replace(LAW.jurisdictions["world"], risk=files)
    law = dataclasses.replace(
        LAW,
        jurisdictions={**LAW.jurisdictions, "world": world},
        digest="test " + "".join(profiles),
        draw_share_ppm=share_ppm,
        draw_key=key,
    )
    assert ruleset(law).faults == ()
    return law


def profile(when: str, match: str, no_match: str, *, id: str = "example", more: str = "", reason: str = "Seen") -> str:
    return f"""
id = "{id}"
version = 1
title = "An example"
owner = "Example Office"
law = "Fictional"
from = 2021-01-01
lane = "examine"
score = 10
reason = "{reason}"
{more}
when = '''{when}'''
[[match]]
{match}
[[no_match]]
{no_match}
"""


def worth(records: Sequence[Consignment]) -> pl.DataFrame:
    """Values as if every price were in the country's own currency."""
    rows = [
        (row, place, to_micro(item.price.amount) if item.price else None, None, None, "GBP")
        for row, record in enumerate(records)
        if record.function == "original" and record.direction == "import"
        for place, item in enumerate(record.items)
    ]
    return pl.DataFrame(rows, schema=VALUES, orient="row")


def seen(*records: Consignment, law: Law = LAW) -> pl.DataFrame:
    return signals(Batch.of(records), worth(records), law)


def profiles_of(*records: Consignment, law: Law = LAW) -> list[tuple[int, int | None, str]]:
    return seen(*records, law=law).select("row", "item", "profile").rows()


def of_items(*items: GoodsItem, **what: Any) -> Consignment:
    return make.consignment(items=items, **what)


def test_an_ordinary_parcel_is_not_seen() -> None:
    found = seen(make.consignment())

    assert found.schema == SIGNALS
    assert found.is_empty()


@pytest.mark.parametrize(
    ("name", "lane", "record", "quiet"),
    [
        (
            "fiction-batteries-by-post",
            "screening",
            of_items(make.item(hs_code="85076000")),
            of_items(make.item(hs_code="85076000"), channel="express"),
        ),
        (
            "fiction-blades",
            "examine",
            of_items(make.item(hs_code="82119200", description="Throwing knives")),
            of_items(make.item(hs_code="82159900", description="Butter knives")),
        ),
        (
            "fiction-clothing-dear",
            "examine",
            of_items(make.item(price="200.01 GBP", net_mass="0.1")),
            of_items(make.item(price="200.00 GBP", net_mass="0.1")),
        ),
        (
            "fiction-electronics-cheap",
            "documents",
            of_items(make.item(hs_code="85171300", price="3.00 GBP")),
            of_items(make.item(hs_code="85171300", price="4.00 GBP")),
        ),
        (
            "fiction-gift-from-firm",
            "documents",
            of_items(make.item(quantity="10"), category="gift"),
            of_items(make.item(quantity="10"), category="gift", parties=(make.party("consignor", kind="natural"),)),
        ),
        (
            "fiction-medicines",
            "hold_for_officer",
            of_items(make.item(hs_code="30049000", quantity="21")),
            of_items(make.item(hs_code="30049000", quantity="21"), parties=(FIRM,)),
        ),
        (
            "fiction-plants-and-seeds",
            "hold_for_officer",
            of_items(make.item(hs_code="06029050", description="Rooted pot plant")),
            of_items(make.item(hs_code="06031100", description="Cut roses")),
        ),
        (
            "fiction-many-codes",
            "examine",
            of_items(*(make.item(hs_code=f"61{n:02d}1000", gross_mass="0.2", net_mass="0.1") for n in range(1, 9))),
            of_items(*(make.item(hs_code="61091000", gross_mass="0.2", net_mass="0.1") for n in range(1, 9))),
        ),
        (
            "fiction-return-without-trace",
            "documents",
            make.consignment(category="return"),
            of_items(make.item(documents=(Document(kind="previous", id="EXAMPLE-1"),)), category="return"),
        ),
        (
            "fiction-scheme-to-firm",
            "documents",
            make.consignment(fiscal_references=(make.ioss(),), parties=(FIRM,)),
            make.consignment(fiscal_references=(make.ioss(),), parties=(PERSON,)),
        ),
    ],
)
def test_each_fictional_profile_sees_what_it_is_for_and_no_more(
    name: str, lane: str, record: Consignment, quiet: Consignment
) -> None:
    found = seen(record)

    assert found["profile"].to_list() == [name]
    assert found["lane"].to_list() == [lane]
    assert profiles_of(quiet) == []


def test_a_hit_names_the_item_and_a_hit_on_the_whole_names_none() -> None:
    blade = make.item(hs_code="82119200", description="A dagger")
    first = of_items(make.item(), blade, make.item(), blade, category="return")

    assert profiles_of(make.consignment(), first) == [
        (1, None, "fiction-return-without-trace"),
        (1, 1, "fiction-blades"),
        (1, 3, "fiction-blades"),
    ]


def test_a_profile_about_the_whole_sees_a_consignment_without_items() -> None:
    assert profiles_of(of_items(category="return")) == [(0, None, "fiction-return-without-trace")]


def test_the_officer_reads_the_figures_of_the_very_item() -> None:
    cheap = make.item(hs_code="85171300", price="3.00 GBP", net_mass="0.9")
    cheaper = make.item(hs_code="85171300", price="0.05 GBP", net_mass="0.9")

    assert seen(of_items(cheap, cheaper))["reason"].to_list() == [
        "3.33 a net kilogram is far below what such electronics cost",
        "0.05 a net kilogram is far below what such electronics cost",
    ]


def test_a_figure_that_is_missing_is_said_to_be() -> None:
    law = law_with(
        profile(
            "item.hs_code == '61091000'",
            "item.hs_code = '61091000'",
            "item.hs_code = '62'",
            reason="{item.net_mass} kg, {consignment.package_count} packages",
        )
    )

    assert seen(of_items(make.item(net_mass=None)), law=law)["reason"].to_list() == ["unknown kg, 1 packages"]


def test_a_profile_holds_from_its_first_day_and_no_longer_on_its_last() -> None:
    law = law_with(
        profile(
            "item.hs_code == '61091000'", "item.hs_code = '61091000'", "item.hs_code = '62'", more="until = 2021-01-03"
        )
    )
    days = [date(2020, 12, 31), date(2021, 1, 1), date(2021, 1, 2), date(2021, 1, 3)]

    found = seen(*(make.consignment(accepted_on=day) for day in days), make.consignment(accepted_on=None), law=law)

    assert found["row"].to_list() == [1, 2]


def test_what_is_no_import_or_no_original_is_not_looked_at() -> None:
    blade = make.item(hs_code="82119200", description="A dagger")
    law = dataclasses.replace(LAW, draw_share_ppm=1_000_000)

    found = seen(
        of_items(blade, function="amendment"),
        of_items(blade, function="cancellation"),
        of_items(blade, direction="export"),
        of_items(blade),
        law=law,
    )

    assert found["row"].unique().to_list() == [3]


def test_a_country_whose_law_is_not_held_has_no_profiles() -> None:
    assert profiles_of(of_items(make.item(description="A dagger"), jurisdiction="XX")) == []


def test_a_party_of_an_item_is_not_that_of_the_consignment_and_the_first_of_a_role_counts() -> None:
    law = law_with(profile("consignee.kind == 'legal'", "consignee.kind = 'legal'", "consignee.kind = 'natural'"))
    of_item = make.item(parties=(FIRM,))

    assert profiles_of(of_items(of_item, parties=(PERSON,)), law=law) == []
    assert profiles_of(of_items(of_item, parties=()), law=law) == []
    assert profiles_of(of_items(make.item(), parties=(PERSON, FIRM)), law=law) == []
    assert profiles_of(of_items(make.item(), parties=(FIRM, PERSON)), law=law) == [(0, None, "example")]


def test_an_item_that_was_not_assessed_has_no_value_per_kilogram() -> None:
    dear = make.item(price="900.00 GBP", net_mass="0.1")
    batch = Batch.of([of_items(dear, dear)])
    values = pl.DataFrame([(0, 1, 900_000_000, None, None, "GBP")], schema=VALUES, orient="row")

    assert signals(batch, values, LAW)["item"].to_list() == [1]
    assert signals(batch, values.clear(), LAW).is_empty()


def test_an_empty_batch_gives_no_signals() -> None:
    assert seen().schema == SIGNALS


def test_a_law_without_profiles_gives_no_signals() -> None:
    assert profiles_of(make.consignment(), law=law_with()) == []


def test_of_a_hundred_profiles_each_that_hits_is_named() -> None:
    texts = [
        profile(f"item.net_mass > {n}", f"item.net_mass = {n + 1}", f"item.net_mass = {n}", id=f"example-{n}")
        for n in range(100)
    ]

    found = profiles_of(of_items(make.item(net_mass="10.5", gross_mass="11")), law=law_with(*texts))

    assert found == [(0, 0, f"example-{n}") for n in range(11)]


GOODS = st.lists(
    st.builds(
        make.item,
        hs_code=st.sampled_from(["61091000", "82119200", "85076000", "85171300", "30049000", "12099180", None]),
        description=st.sampled_from(["A dagger", "Butter knife", "Tomato seeds", None]),
        price=st.sampled_from(["1.00 GBP", "500.00 GBP", None]),
        net_mass=st.sampled_from(["0.1", "2", None]),
        quantity=st.sampled_from(["1", "50", None]),
        documents=st.sampled_from([(), (Document(kind="previous", id="EXAMPLE-1"),)]),
    ),
    max_size=3,
)


@st.composite
def consignments(draw: st.DrawFn) -> Consignment:
    parties = (make.party("consignor"), PERSON, FIRM)
    return make.consignment(
        reference=draw(st.text("ABC123", min_size=1, max_size=6)),
        items=draw(GOODS),
        jurisdiction=draw(st.sampled_from(["GB", "FR", "XX"])),
        channel=draw(st.sampled_from(["post", "express", "other", None])),
        category=draw(st.sampled_from(["sale", "gift", "return", None])),
        function=draw(st.sampled_from(["original", "original", "amendment"])),
        direction=draw(st.sampled_from(["import", "import", "export"])),
        accepted_on=draw(st.sampled_from([date(2026, 11, 2), date(2019, 1, 1), None])),
        parties=tuple(draw(st.lists(st.sampled_from(parties), max_size=3))),
        fiscal_references=draw(st.sampled_from([(), (make.ioss(),)])),
    )


@settings(max_examples=30, deadline=None)
@given(records=st.lists(consignments(), max_size=5))
def test_a_batch_gives_what_its_consignments_give_one_by_one(records: list[Consignment]) -> None:
    law = dataclasses.replace(LAW, draw_share_ppm=400_000, draw_key=KEY)
    together = seen(*records, law=law)

    alone = [seen(record, law=law).with_columns(row=pl.lit(row, pl.UInt32)) for row, record in enumerate(records)]

    assert together.equals(pl.concat([pl.DataFrame(schema=SIGNALS), *alone]))


CONDITIONS = (
    "!(item.hs_code == '61091000') && !mentions(item.description, ['dagger'])",
    "!listed('risk-batteries', item.hs_code) || item.net_mass > 1",
    "!has(item.description) || !(has(item.hs_code) && item.quantity > 20)",
    "(item.hs_code in ['85171300', '30049000']) == (item.net_mass > 1)",
    "!(!(item.description.size() > 12))",
)


@dataclasses.dataclass(frozen=True)
class ItemsOf:
    """The goods items of a batch, as the sieve asks for them."""

    batch: Batch

    def apart(self, column: str) -> Apart:
        return self.batch.apart("items", column.removeprefix("item."))


@settings(max_examples=40, deadline=None)
@given(records=st.lists(consignments(), min_size=1, max_size=4), conditions=st.permutations(CONDITIONS))
def test_a_profile_that_is_passed_over_would_have_hit_nothing(
    records: list[Consignment], conditions: list[str]
) -> None:
    batch = Batch.of(records)
    here = InForce.over(batch.settings.different, LAW)
    terms = [understand(parse(condition)) for condition in conditions]
    judged = Judged(Sieve.of(terms, here), ItemsOf(batch))
    heads = batch.consignments.select("row", "jurisdiction", "accepted_on")
    items = batch.items.join(heads, on="row").rename(lambda name: name if name in heads.columns else f"item.{name}")

    for condition, term in zip(conditions, terms, strict=True):
        if not judged.may_hit(term):
            assert not items.select(expression(term, here).any()).item(), condition


@settings(max_examples=20, deadline=None)
@given(records=st.lists(consignments(), min_size=1, max_size=4), first=st.integers(1, 90))
def test_rows_need_not_count_from_nought(records: list[Consignment], first: int) -> None:
    batch, law = Batch.of(records), dataclasses.replace(LAW, draw_share_ppm=400_000, draw_key=KEY)

    def moved(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.col("row") * 3 + first)

    apart = Batch(**{name: moved(getattr(batch, name)) for name in Batch.frame_names()})

    assert signals(apart, moved(worth(records)), law).equals(moved(signals(batch, worth(records), law)))


def drawn(records: Sequence[Consignment], share_ppm: int, key: bytes = KEY) -> list[int]:
    law = law_with(share_ppm=share_ppm, key=key)
    return seen(*records, law=law)["row"].to_list()


MANY = [make.consignment(reference=f"ORDER-{n:05d}") for n in range(4_000)]


def test_the_share_drawn_is_near_the_share_asked_for() -> None:
    # 4,000 draws of a tenth: 400, give or take four standard deviations of 19.
    assert 324 <= len(drawn(MANY, 100_000)) <= 476


def test_a_larger_share_draws_all_that_a_smaller_one_draws() -> None:
    few, more, whole = (set(drawn(MANY[:500], share)) for share in (20_000, 200_000, 1_000_000))

    assert few < more < whole
    assert whole == set(range(500))
    assert drawn(MANY[:500], 0) == []


def test_the_auditor_draws_the_same_again() -> None:
    again = [
        row
        for row, record in enumerate(MANY[:500])
        if is_drawn(record.reference, jurisdiction="GB", key=KEY, share_ppm=50_000)
    ]

    assert drawn(MANY[:500], 50_000) == again


def test_the_draw_is_what_the_standard_says_it_is() -> None:
    # Keyed BLAKE2b (RFC 7693) of country and reference, big end first: reckoned here apart from the code, so that
    # nobody changes who is drawn without knowing it.
    number = int.from_bytes(blake2b(b"GB\nORDER-00007", key=KEY, digest_size=8).digest(), "big")
    share = number * 1_000_000 // 2**64

    assert not is_drawn("ORDER-00007", jurisdiction="GB", key=KEY, share_ppm=share)
    assert is_drawn("ORDER-00007", jurisdiction="GB", key=KEY, share_ppm=share + 1)


def test_another_key_draws_others_and_without_a_key_nothing_is_drawn() -> None:
    assert drawn(MANY[:500], 100_000) != drawn(MANY[:500], 100_000, key=b"another")
    assert len(drawn(MANY[:500], 100_000, key=b"k" * 65)) > 0
    with pytest.raises(ValueError, match="needs a key"):
        drawn(MANY[:1], 100_000, key=b"")


def test_the_draw_looks_at_nothing_but_country_and_reference() -> None:
    blades = [
        msgspec.structs.replace(record, items=(make.item(description="A dagger"),), accepted_on=date(2027, 1, 1))
        for record in MANY[:500]
    ]

    assert drawn(blades, 100_000) == drawn(MANY[:500], 100_000)


def test_a_random_signal_says_that_it_is_one_and_of_no_item() -> None:
    found = seen(make.consignment(), law=law_with(share_ppm=1_000_000))

    assert found.rows() == [(0, None, "random", "examine", 0, "drawn at random")]


ROWS = st.lists(st.integers(0, 12), max_size=8)


@given(
    rows=ROWS,
    among=st.lists(st.integers(0, 12), max_size=8, unique=True) | st.integers(0, 9).map(lambda n: [*range(n)]),
)
def test_rows_are_found_where_they_stand(rows: list[int], among: list[int]) -> None:
    given_rows, given_among = pl.Series(rows, dtype=pl.UInt32), pl.Series(among, dtype=pl.UInt32)

    assert positions(given_rows, given_among).to_list() == [among.index(r) if r in among else None for r in rows]
    assert marks(given_rows, given_among).to_list() == [row in rows for row in among]
    assert firsts(given_rows, given_among).to_list() == [rows.index(r) if r in rows else None for r in among]


def test_the_masses_of_an_example_are_exact() -> None:
    law = law_with(profile("item.net_mass > 0.3", 'item.net_mass = "0.300001"', 'item.net_mass = "0.3"'))
    at, above = (of_items(make.item(net_mass=str(mass))) for mass in (Decimal("0.3"), Decimal("0.300001")))

    assert profiles_of(at, above, law=law) == [(1, 0, "example")]

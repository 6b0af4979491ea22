"""What is charged on a parcel, and what the receipt says of it: one thing a test, in the law that ships with us.

Zedland (`zz`) uses every feature of the law files and changes for no reason but ours, so most tests ask there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import polars as pl
import pytest

import make
from both_ways import assess
from tidewaiter.assessment import KINDS, Assessment, receipt
from tidewaiter.law import Law, load, loading
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Adjustment, Consignment, GoodsItem
from tidewaiter.model.finding import FINDINGS
from tidewaiter.model.outcome import CHARGES, RECEIPT, REGIMES, VALUES

DAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def law() -> Law:
    return load()


def zedland(*items: GoodsItem, **what: Any) -> Consignment:
    """A parcel to Zedland by express from one firm to another: no regime but the tariff's fits it."""
    parties = [make.party("consignor"), make.party("consignee", kind="legal", country="ZZ")]
    given: dict[str, Any] = {"jurisdiction": "ZZ", "accepted_on": DAY, "channel": "express", "parties": parties}
    return make.consignment(items=items or (shirts(),), **{**given, **what})


def shirts(price: str = "1000.00 ZZD", **what: Any) -> GoodsItem:
    return make.item(price=price, **what)


def lines(found: Assessment, row: int = 0) -> list[tuple[str, int | None, Decimal | None]]:
    """Type, item and amount of every line of one consignment."""
    charges = found.charges.filter(pl.col("row") == row)
    return [
        (kind, item, None if micro is None else Decimal(micro) / 1_000_000)
        for kind, item, micro in charges.select("type", "item", "amount_micro").iter_rows()
    ]


def told(law: Law, *consignments: Consignment) -> pl.DataFrame:
    """The receipts of the consignments."""
    batch = Batch.of(consignments)
    return receipt(batch, assess(batch, law).charges, law)


def codes(found: Assessment) -> list[tuple[str, str, str | None]]:
    """Code, pointer and detail of every finding."""
    return sorted(found.findings.select("code", "pointer", "detail").rows())


def values(found: Assessment, name: str) -> list[Decimal | None]:
    return [None if micro is None else Decimal(micro) / 1_000_000 for micro in found.values[f"{name}_micro"]]


def test_the_frames_have_the_columns_they_promise(law: Law) -> None:
    for batch in (Batch.of([zedland(), make.consignment()]), Batch.of([])):
        found = assess(batch, law)
        assert (found.values.schema, found.regimes.schema) == (VALUES, REGIMES)
        assert (found.charges.schema, found.findings.schema) == (CHARGES, FINDINGS)
        assert receipt(batch, found.charges, law).schema == RECEIPT


def test_duty_is_on_the_value_and_tax_on_the_value_with_the_duty(law: Law) -> None:
    found = assess(Batch.of([zedland()]), law)

    assert lines(found) == [("duty", 0, Decimal("142.5")), ("tax", 0, Decimal("205.65"))]
    assert found.charges["base_micro"].to_list() == [1_000_000_000, 1_142_500_000]
    assert values(found, "tax_base") == [Decimal("1142.5")]


def test_a_line_of_the_receipt_says_measure_rate_conversion_rounding_and_law(law: Law) -> None:
    duty, tax = told(law, zedland(shirts("500.00 EUR"))).iter_rows(named=True)

    assert duty["measure"] == "zz:third_country:61091000:all"
    assert duty["rate"] == "14.25 %"
    assert duty["conversion"] == "0.5 EUR for 1 ZZD (zz-month)"
    assert duty["rounding"] == "down to 0.05"
    assert duty["law"] == "Tariff of Zedland 2020: cotton is cheaper (made up)"
    assert tax["rate"] == "18 % (standard)"
    assert (duty["currency"], duty["collector"], duty["confidence"]) == ("ZZD", "importer", "firm")


def test_a_price_in_the_home_currency_has_no_conversion(law: Law) -> None:
    assert told(law, zedland())["conversion"].to_list() == [None, None]


def test_carriage_is_in_the_tax_base_and_in_the_customs_value_where_law_says_so(law: Law) -> None:
    plain = {"category": "other", "freight": "10 GBP", "insurance": "2 GBP"}
    british = make.consignment(items=[make.item(price="988 GBP", additional_procedures=())], **plain)
    zeddish = zedland(shirts("988 ZZD"), freight="10 ZZD", insurance="2 ZZD")
    found = assess(Batch.of([british, zeddish]), law)

    assert values(found, "goods") == [988, 988]
    assert values(found, "customs_value") == [1000, 988]
    assert values(found, "tax_base") == [1120, Decimal("1140.75")]  # with the duty of 120.00 and of 140.75


def test_shares_of_carriage_follow_the_price_and_miss_no_cent(law: Law) -> None:
    items = [shirts("1.00 ZZD"), shirts("1.00 ZZD"), shirts("1.00 ZZD"), shirts("0.00 ZZD")]
    found = assess(Batch.of([zedland(*items, discount="1.00 ZZD")]), law)

    assert values(found, "goods") == [Decimal("0.67"), Decimal("0.66"), Decimal("0.67"), 0]


def test_where_nothing_has_a_price_every_item_bears_the_same_share(law: Law) -> None:
    found = assess(Batch.of([make.consignment(items=[make.item(price="0 GBP")] * 3, freight="1 GBP")]), law)

    assert values(found, "customs_value") == [Decimal("0.33"), Decimal("0.34"), Decimal("0.33")]


def test_additions_and_deductions_count_by_their_codes(law: Law) -> None:
    changes = tuple(
        Adjustment(code=code, amount=make.money(f"{amount} ZZD"))
        for code, amount in (("AB", 100), ("BB", 30), ("AW", 7), ("??", 999))
    )
    of_item = assess(Batch.of([zedland(shirts(adjustments=changes))]), law)
    of_whole = assess(Batch.of([zedland(shirts(), adjustments=changes)]), law)

    assert values(of_item, "customs_value") == [1070]
    assert of_item.charges["base_micro"].to_list() == [1_070_000_000, 1_229_450_000]  # 1070 + 7 + duty 152.45
    assert of_item.charges.equals(of_whole.charges)


def test_deductions_never_make_a_value_negative(law: Law) -> None:
    change = Adjustment(code="BB", amount=make.money("5000 ZZD"))
    found = assess(Batch.of([zedland(shirts(adjustments=(change,)))]), law)

    assert values(found, "customs_value") == [0]
    assert [amount for _, _, amount in lines(found)] == [0, 0]


def test_a_declared_customs_value_is_taken_where_no_price_is_stated(law: Law) -> None:
    goods = msgspec.structs.replace(shirts(), price=None, customs_value=make.money("200 ZZD"))
    found = assess(Batch.of([zedland(goods, freight="50 ZZD")]), law)

    assert values(found, "customs_value") == [200]
    assert found.charges["base_micro"].to_list() == [200_000_000, 278_500_000]  # 200 + 50 carriage + 28.50 duty


@pytest.mark.parametrize(
    ("prices", "regime"),
    [
        (["135.00 GBP"], "gb-low-value-sale"),
        (["135.01 GBP"], "gb-standard"),
        (["135.000001 GBP"], "gb-standard"),
        (["100.00 GBP", "35.00 GBP"], "gb-low-value-sale"),
        (["100.00 GBP", "35.01 GBP"], "gb-standard"),
    ],
)
def test_the_threshold_looks_at_the_whole_consignment_without_carriage(
    law: Law, prices: list[str], regime: str
) -> None:
    goods = [make.item(price=price, additional_procedures=()) for price in prices]
    found = assess(Batch.of([make.consignment(items=goods, freight="50.00 GBP")]), law)

    assert found.regimes["regime"].to_list() == [regime]
    assert found.regimes["reason"].str.contains("GBP 135|tariff").all()


def test_the_threshold_has_a_rate_of_exchange_of_its_own(law: Law) -> None:
    """EUR 40 is ZZD 100 by the month of July 2026, and ZZD 80 by the year: a gift to ZZD 80 is free."""
    parties = [make.party("consignor", kind="natural"), make.party("consignee", country="ZZ")]
    what: dict[str, Any] = {"category": "gift", "parties": parties, "accepted_on": date(2026, 7, 1)}
    found = assess(Batch.of([zedland(shirts("40.00 EUR"), **what), zedland(shirts("40.01 EUR"), **what)]), law)

    assert found.regimes["regime"].to_list() == ["zz-gift", "zz-gift-flat-rate"]
    assert values(found, "customs_value") == [100, Decimal("100.03")]


def test_a_flat_duty_is_charged_once_for_each_distinct_code(law: Law) -> None:
    goods = [make.item(hs_code=code, price="10 EUR") for code in ("61091000", "64041900", "61091000")]
    parcel = make.consignment(
        jurisdiction="DE", accepted_on=date(2026, 7, 15), items=goods, fiscal_references=(make.ioss(),)
    )
    duties = told(law, parcel).filter(pl.col("type") == "duty")

    assert duties["amount_micro"].to_list() == [3_000_000, 3_000_000, 0]
    assert "already" in duties["why"][2]


def test_a_fee_for_the_consignment_is_one_line_of_the_whole(law: Law) -> None:
    found = assess(Batch.of([zedland(shirts("20 ZZD"), shirts("30 ZZD"), channel="post")]), law)
    fees = [line for line in lines(found) if line[0] == "fee"]

    assert found.regimes["regime"].to_list() == ["zz-low-value-post"]
    assert fees == [("fee", None, Decimal(3))]
    assert [amount for kind, _, amount in lines(found) if kind == "tax"] == [Decimal("4.4"), Decimal("5.65")]


def test_tax_charged_at_the_sale_is_nought_at_the_border_and_says_so(law: Law) -> None:
    tax = told(law, make.consignment()).row(1, named=True)

    assert (tax["type"], tax["amount_micro"], tax["rate"]) == ("tax", 0, "20 % (standard)")
    assert "at the sale" in tax["why"]


@pytest.mark.parametrize(
    ("code", "on", "said"),
    [
        ("49011000", date(2026, 3, 2), "0 % (zero)"),
        ("49021000", date(2025, 12, 31), "0 % (zero)"),
        ("49021000", date(2026, 1, 1), "18 % (standard)"),
        ("09012100", date(2026, 3, 2), "6.5 % (reduced)"),
        ("61091000", date(2024, 12, 31), "15 % (standard)"),
    ],
)
def test_the_class_of_the_goods_and_the_day_give_the_rate_of_the_tax(law: Law, code: str, on: date, said: str) -> None:
    found = told(law, zedland(shirts(hs_code=code), accepted_on=on, channel="other"))

    assert found.filter(pl.col("type") == "tax")["rate"].to_list() == [said]


def test_a_specific_duty_is_by_weight_or_by_piece_and_converted(law: Law) -> None:
    coffee = shirts("100 ZZD", hs_code="09012100", net_mass="2.5")
    tea = shirts("100 ZZD", hs_code="09023000", net_mass="2.5")
    watches = shirts("100 ZZD", hs_code="91021100", quantity="3")
    found = assess(Batch.of([zedland(coffee, tea, watches, category="other")]), law)

    duties = [amount for kind, _, amount in lines(found) if kind == "duty"]
    assert duties == [3, 4, Decimal("4.5")]  # 2.5 × 1.2; 3 % + 2.5 × 0.4; 3 × 0.75 EUR at 0.5


def test_a_procedure_not_stated_is_free_circulation(law: Law) -> None:
    stated, silent, other = (zedland(shirts(procedure=code)) for code in ("40", None, "44"))
    found = assess(Batch.of([stated, silent, other]), law)

    assert found.regimes["regime"].to_list() == ["zz-standard", "zz-standard", None]


def test_only_original_import_declarations_are_assessed(law: Law) -> None:
    found = assess(Batch.of([zedland(function="amendment"), zedland(direction="export"), zedland()]), law)

    assert found.values["row"].to_list() == found.regimes["row"].to_list() == [2]
    assert set(found.charges["row"]) == {2}
    assert found.findings.is_empty()


@pytest.mark.parametrize(
    ("parcel", "finding"),
    [
        (zedland(accepted_on=date(2019, 12, 31)), ("ASM-01", "/jurisdiction", None)),
        (zedland(accepted_on=None), ("ASM-01", "/jurisdiction", None)),
        (zedland(jurisdiction="AQ"), ("ASM-01", "/jurisdiction", None)),
        (zedland(shirts("5 XTS")), ("ASM-02", "/items/0/price", "XTS")),
        (zedland(freight="5 XTS"), ("ASM-02", "/freight", "XTS")),
        (zedland(discount="5 XTS"), ("ASM-02", "/discount", "XTS")),
        (zedland(shirts(freight="5 XTS")), ("ASM-02", "/items/0/freight", "XTS")),
        (
            zedland(adjustments=(Adjustment(code="AB", amount=make.money("5 XTS")),)),
            ("ASM-02", "/adjustments/0/amount", "XTS"),
        ),
        (zedland(shirts(hs_code="99999999")), ("ASM-03", "/items/0/hs_code", "99999999")),
        (zedland(shirts(procedure="44")), ("ASM-04", "", None)),
        (zedland(shirts(hs_code="09012100", net_mass=None)), ("ASM-06", "/items/0", "KGM")),
        (make.consignment(incoterm="FOB"), ("ASM-07", "/freight", "FOB")),
        (zedland(shirts(hs_code="22030001")), ("ASM-08", "/items/0", "Z90")),
        (zedland(shirts(preference="300", origin_country="US")), ("ASM-09", "/items/0/preference", "US")),
        (zedland(shirts("999999999999.999999 ZZD")), ("ASM-10", "/items/0/price", None)),
    ],
    ids=lambda value: f"{value[0]} {value[1]}" if isinstance(value, tuple) else "",
)
def test_what_cannot_be_assessed_is_a_finding_with_its_place(
    law: Law, parcel: Consignment, finding: tuple[str, str, str | None]
) -> None:
    assert finding in codes(assess(Batch.of([zedland(), parcel]), law))
    assert not codes(assess(Batch.of([zedland()]), law))


def test_what_cannot_be_known_is_never_a_nought(law: Law) -> None:
    unknown = [
        zedland(shirts("5 XTS")),
        zedland(shirts(freight="5 XTS"), shirts()),
        zedland(shirts(hs_code="99999999")),
        zedland(shirts(hs_code="09012100", net_mass=None)),
        zedland(shirts(hs_code="22030001")),
    ]
    found = assess(Batch.of(unknown), law)

    for row in range(len(unknown)):
        assert None in [amount for kind, item, amount in lines(found, row) if kind == "tax" and item == 0]


def test_one_absurd_amount_neither_sinks_the_batch_nor_passes_as_a_small_one(law: Law) -> None:
    great = "999999999999.999999 GBP"
    many = msgspec.structs.replace(
        make.consignment(), items=tuple(make.item(price=great, additional_procedures=()) for _ in range(10))
    )
    danish = make.consignment(jurisdiction="DK", accepted_on=date(2026, 8, 3), items=[make.item(price=great)])
    found = assess(Batch.of([many, danish, make.consignment()]), law)

    assert found.regimes["regime"].to_list() == ["gb-standard", "eu-standard", "gb-low-value-sale"]
    assert not found.charges.filter(pl.col("row") < 2)["amount_micro"].drop_nulls().to_list()
    assert lines(found, 2) == [("duty", 0, Decimal(0)), ("tax", 0, Decimal(0))]


def test_every_kind_of_finding_has_a_text_and_a_remedy() -> None:
    assert [kind.code for kind in KINDS] == sorted({kind.code for kind in KINDS})
    assert all(kind.text and kind.remedy for kind in KINDS)


def test_a_law_in_use_gives_the_same_again(law: Law) -> None:
    """What a law remembers of one batch must not leak into another."""
    batches = [Batch.of([zedland(shirts(price))]) for price in ("1000 ZZD", "500 EUR", "5 XTS", "80 ZZD")]
    first = [assess(batch, loading.load()) for batch in batches]
    again = [assess(batch, law) for batch in reversed(batches)]

    for one, other in zip(first, reversed(again), strict=True):
        assert one.charges.equals(other.charges)
        assert one.values.equals(other.values)


def test_a_discount_on_the_order_counts_where_a_threshold_looks_at_the_price() -> None:
    goods = (make.item(price="140 GBP"),)
    whole = make.consignment(items=goods, accepted_on=date(2026, 11, 2))
    reduced = make.consignment(items=goods, discount=make.money("10 GBP"), accepted_on=date(2026, 11, 2))
    found = assess(Batch.of([whole, reduced]), load())

    assert found.regimes["regime"].to_list() == ["gb-standard", "gb-low-value-sale"]


def test_goods_and_carriage_are_compared_at_the_rates_of_thresholds(law: Law) -> None:
    """EUR 125 are ZZD 250 by the year, as much as is free in the Free Port, though ZZD 312.50 by the month."""
    parties = [make.party("consignee", postcode="15 200", country="ZZ")]
    parcels = [
        zedland(shirts("120 EUR"), freight=freight, parties=parties, accepted_on=date(2026, 8, 3))
        for freight in ("5 EUR", "5.01 EUR")
    ]
    found = assess(Batch.of(parcels), law)

    assert found.regimes["regime"].to_list() == ["zz-free-port", "zz-standard"]
    assert values(found, "customs_value") == [300, 300]


def test_the_part_of_the_value_that_law_takes_is_what_is_told(law: Law) -> None:
    parties = [make.party("consignee", country="ZZ")]
    found = assess(Batch.of([zedland(shirts("100 ZZD", origin_country="GB"), parties=parties)]), law)

    assert found.regimes["regime"].to_list() == ["zz-own-use"]
    assert values(found, "goods") == [100]
    assert values(found, "customs_value") == [60]
    assert values(found, "tax_base") == [Decimal("68.55")]


def test_national_digits_without_a_code_are_no_chapter_of_the_tariff(law: Law) -> None:
    found = assess(Batch.of([zedland(shirts(hs_code="", taric_code="61"))]), law)

    assert lines(found) == [("duty", 0, None), ("tax", 0, None)]


def test_a_charge_with_a_rounding_of_its_own_says_so(law: Law) -> None:
    parties = [make.party("consignee", country="ZZ")]
    duty, tax = told(law, zedland(shirts("100 ZZD"), parties=parties, export_country="US")).iter_rows(named=True)

    assert (duty["rounding"], tax["rounding"]) == ("down to 0.05", "half up to 0.01")


def test_goods_that_are_free_anyway_are_not_said_to_be_waived(law: Law) -> None:
    """Shirts with a duty of ZZD 1.99, which is not collected, beside a book, of which none is due."""
    parties = [make.party("consignee", country="ZZ")]
    goods = [shirts("23.38 ZZD", origin_country="GB"), shirts("5 ZZD", hs_code="49019900", origin_country="GB")]
    found = told(law, zedland(*goods, parties=parties)).filter(pl.col("type") == "duty")

    assert found["amount_micro"].to_list() == [0, 0]
    assert [("not collected" in why, "free" in why) for why in found["why"]] == [(True, False), (False, True)]


def test_what_is_taken_off_is_not_known_where_a_value_is_not(law: Law) -> None:
    """Were the sum taken off the known goods alone, their duty would be too small."""
    parties = [make.party("consignee", country="ZZ")]
    goods = [shirts("100 ZZD"), shirts("100 ZZD", freight="5 XTS")]
    found = assess(Batch.of([zedland(*goods, parties=parties, export_country="US")]), law)

    assert found.regimes["regime"].to_list() == ["zz-remittance"]
    assert [amount for kind, _, amount in lines(found) if kind == "duty"] == [None, None]


def test_a_limit_by_the_person_looks_at_the_whole_and_not_at_one_article(law: Law) -> None:
    place = law.jurisdictions["zz"]
    regimes = [
        replace(one, when=replace(one.when, value_per="item")) if one.id == "zz-neighbours" else one
        for one in place.regimes
    ]
    changed = law.amended("zz", replace(place, regimes=tuple(regimes)))
    parcel = zedland(
        shirts("301 ZZD", quantity="7"), parties=[make.party("consignee", country="ZZ")], export_country="FJ"
    )

    assert assess(Batch.of([parcel]), changed).regimes["regime"].to_list() == ["zz-standard"]

"""What goods not yet sent will cost, whoever collects, and whether they would clear: told as a seller would ask."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make
import strategies
from tidewaiter import pipeline
from tidewaiter.assessment.conditions import in_words, names
from tidewaiter.formats import Declared
from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Consignment, GoodsItem, Party
from tidewaiter.model.past import Past
from tidewaiter.model.quote import Offer, Quote
from tidewaiter.model.receipt import PersonTotals
from tidewaiter.services.clear import Message, clear_messages
from tidewaiter.services.offers import COLLECTS, variants
from tidewaiter.services.quote import quote, quotes, schema
from tidewaiter.services.receipt import verify

SCHEMA = Path(__file__).resolve().parents[1] / "docs" / "reference" / "quote.schema.json"
JUNE, JULY, NOVEMBER = date(2026, 6, 30), date(2026, 7, 1), date(2026, 11, 2)


def shirt(to: str = "FR", price: str = "20.00 EUR", **what: Any) -> Consignment:
    """A shirt sold to a person, of which nobody has said yet how it is declared."""
    return make.consignment(jurisdiction=to, items=(make.item(price=price, additional_procedures=()),), **what)


def gift(price: str, **what: Any) -> Consignment:
    """Something that a person sends to a person in Great Britain."""
    parties = (make.party("consignor", kind="natural"), make.party("consignee"))
    given = {"category": "gift", "parties": parties, "items": (make.item(price=price, additional_procedures=()),)}
    return make.consignment(**(given | what))


def offered(made: Quote) -> dict[str, Offer]:
    """The offers by their regimes."""
    return {offer.regime: offer for offer in made.offers}


def why_not(made: Quote, model: str) -> str:
    return "; ".join(next(one.why for one in made.not_offered if one.model == model))


def test_a_shirt_to_france_before_july_costs_the_same_whoever_collects_the_tax(law: Law) -> None:
    made = quote(shirt(freight="5.00 EUR"), law=law, on=JUNE)

    at_border, at_sale = (offered(made)[name] for name in ("fr-low-value", "fr-low-value-ioss"))
    assert (at_border.as_stated, at_sale.as_stated) == (True, False)
    assert (at_border.duty, at_border.tax, at_border.fee, at_border.tax_at_sale) == ("0.00", "5.00", "2.00", "0.00")
    assert (at_sale.duty, at_sale.tax, at_sale.fee, at_sale.tax_at_sale) == ("0.00", "0.00", "2.00", "5.00")
    assert (at_border.goods, at_border.carriage, at_border.landed_cost) == ("20.00", "5.00", "32.00")
    assert at_sale.landed_cost == "32.00"
    assert [(one.collector, one.at_sale, one.at_border) for one in at_sale.collected] == [
        ("seller", "5.00", "0.00"),
        ("declarant", "0.00", "2.00"),
    ]
    assert made.valid_until == JUNE


def test_from_july_the_shirt_pays_three_euros_and_the_tax_on_them(law: Law) -> None:
    made = quote(shirt(freight="5.00 EUR"), law=law, on=JULY)

    at_sale = offered(made)["fr-low-value-ioss"]
    assert (at_sale.duty, at_sale.tax, at_sale.tax_at_sale, at_sale.landed_cost) == ("3.00", "0.60", "5.00", "35.60")
    assert at_sale.model == "hybrid"
    assert at_sale.change == ("give the number of the seller's registration in the import scheme (FR5)",)
    assert any("is registered in the import scheme (one-stop shop)" in one for one in at_sale.requires)
    assert made.valid_until == date(2028, 6, 30)


def test_a_seller_in_the_scheme_sees_what_it_would_cost_outside_of_it(law: Law) -> None:
    made = quote(shirt(fiscal_references=(make.ioss(),)), law=law, on=JULY)

    inside, outside = (offered(made)[name] for name in ("fr-low-value-ioss", "fr-low-value"))
    assert inside.as_stated
    assert outside.change == ("give no number of an import scheme (FR5)",)


def test_in_germany_before_july_each_way_of_collecting_has_its_offer_or_its_reason(law: Law) -> None:
    made = quote(shirt("DE"), law=law, on=JUNE)

    assert [(offer.model, offer.regime) for offer in made.offers] == [
        ("vendor", "eu-low-value-ioss"),
        ("intermediary", "eu-low-value"),
    ]
    assert why_not(made, "buyer") == "it would fit, but “Goods worth EUR 150 or less, VAT at the border” goes before it"
    assert "VAT charged at the sale (IOSS)” goes before it" in why_not(made, "hybrid")


@pytest.mark.parametrize(("price", "model"), [("135.00 GBP", "vendor"), ("135.01 GBP", "buyer")])
def test_at_135_pounds_the_seller_collects_and_a_penny_above_the_buyer_pays(law: Law, price: str, model: str) -> None:
    made = quote(shirt("GB", price), law=law, on=NOVEMBER)

    assert next(offer.model for offer in made.offers if offer.as_stated) == model


def test_a_penny_above_the_limit_is_said_in_the_laws_own_words(law: Law) -> None:
    made = quote(shirt("GB", "135.01 GBP"), law=law, on=NOVEMBER)

    [buyer] = made.offers
    assert (buyer.duty, buyer.tax, buyer.landed_cost) == ("16.20", "30.24", "181.45")
    assert why_not(made, "vendor") == "the goods are worth more than 135.00 GBP"
    assert why_not(made, "hybrid") == "law there has no regime of this kind that day"
    there = {one.regime: one for one in made.regimes}
    assert there["gb-standard"].applies
    assert there["gb-low-value-sale"].why_not == ("the goods are worth more than 135.00 GBP",)
    assert "the sender is not stated to be a private person" in there["gb-gift"].why_not


def test_a_gift_is_free_up_to_39_pounds_and_says_why_not_above(law: Law) -> None:
    free, above = (quote(gift(price), law=law, on=NOVEMBER) for price in ("39.00 GBP", "39.01 GBP"))

    assert [(offer.regime, offer.landed_cost) for offer in free.offers if offer.as_stated] == [("gb-gift", "39.00")]
    there = {one.regime: one for one in above.regimes}
    assert there["gb-gift"].why_not == ("the goods are worth more than 39.00 GBP",)
    assert there["gb-gift-over-39"].applies


def test_nobody_is_told_to_call_a_sale_a_gift(law: Law) -> None:
    made = quote(shirt("DE", "20.00 EUR"), law=law, on=JULY)

    assert not any("C08" in change for offer in made.offers for change in offer.change)
    assert "eu-gift-claimed" not in offered(made)


def test_a_gift_of_which_the_sender_is_not_known_may_be_claimed_as_one(law: Law) -> None:
    parties = (make.party("consignor", kind=None), make.party("consignee"))
    claimed = quote(gift("39.00 GBP", parties=parties), law=law, on=NOVEMBER)
    from_shop = quote(gift("39.00 GBP", parties=(make.party("consignor"), parties[1])), law=law, on=NOVEMBER)

    assert offered(claimed)["gb-gift-claimed"].change == ("claim C08 (gift from one private person to another)",)
    assert "gb-gift-claimed" not in offered(from_shop)


def test_an_unknown_code_is_something_to_mend_and_no_zero(law: Law) -> None:
    parcel = make.consignment(jurisdiction="DE", items=(make.item(hs_code="99999999", price="200.00 EUR"),))
    made = quote(parcel, law=law, on=NOVEMBER)

    [offer] = made.offers
    assert (offer.duty, offer.tax, offer.landed_cost) == (None, None, None)
    assert [one.at_border for one in offer.collected] == [None]
    assert offer.model == "buyer"
    [fix] = [fix for fix in made.preflight.fixes if "ASM-03" in fix.codes]
    assert fix.pointers == ("/items/0/hs_code",)
    assert made.preflight.decision.control == "hold"


def test_tax_at_the_sale_that_cannot_be_known_is_no_zero_either(law: Law) -> None:
    made = quote(shirt("DE", "20.00 EUR", freight="5.00 KPW"), law=law, on=JUNE)

    vendor = offered(made)["eu-low-value-ioss"]
    assert (vendor.tax_at_sale, vendor.landed_cost, vendor.model) == (None, None, "vendor")
    assert [(one.collector, one.at_sale) for one in vendor.collected] == [("seller", None)]


def test_errors_come_first_and_each_remedy_once_with_all_its_places(law: Law) -> None:
    items = [make.item(price=None), make.item(hs_code="99999999"), make.item(price=None)]
    fixes = quote(make.consignment(items=items), law=law, on=NOVEMBER).preflight.fixes

    assert [fix.severity for fix in fixes] == sorted((fix.severity for fix in fixes), key=["error", "warning"].index)
    assert len({fix.remedy for fix in fixes}) == len(fixes)
    assert next(fix.pointers for fix in fixes if "VAL-02" in fix.codes) == ("/items/0/price", "/items/2/price")


def test_nobody_need_be_named_to_be_told_the_price(law: Law) -> None:
    goods = GoodsItem(hs_code="61091000", origin_country="CN", price=make.money("20.00 GBP"), quantity=Decimal(1))
    made = quote(Consignment(reference="Q", jurisdiction="GB", category="sale", items=(goods,)), law=law, on=NOVEMBER)

    assert made.preflight.decision.control == "released"
    assert {code for fix in made.preflight.when_lodged for code in fix.codes} == {"HDR-15", "HDR-16", "GDS-01"}


def test_what_is_stated_of_a_person_and_wrong_is_to_be_mended_now(law: Law) -> None:
    parcel = make.consignment(parties=(make.party("consignor"),))
    made = quote(parcel, law=law, on=NOVEMBER)

    assert "HDR-15" in {code for fix in made.preflight.fixes for code in fix.codes}
    assert made.preflight.decision.control == "not_accepted"


def test_a_country_or_a_day_without_law_is_said_and_not_guessed(law: Law) -> None:
    nowhere, long_ago = quote(shirt("XX"), law=law, on=NOVEMBER), quote(shirt(), law=law, on=date(1950, 1, 1))

    for made in (nowhere, long_ago):
        assert (made.offers, made.regimes, made.valid_until) == ((), (), None)
        assert {one.why for one in made.not_offered} == {("no law is held here for that country on that day",)}
        assert made.preflight.fixes
        assert made.preflight.decision.control == "not_accepted"


def test_a_quote_in_dollars_holds_as_long_as_the_rate_of_exchange(law: Law) -> None:
    made = quote(shirt("DE", "20.00 USD"), law=law, on=date(2026, 11, 2))

    assert made.valid_until == date(2026, 11, 30)


def test_a_quote_ends_where_the_rate_of_the_tax_changes(law: Law) -> None:
    made = quote(shirt("FI", "20.00 EUR"), law=law, on=date(2024, 8, 1))

    assert made.valid_until == date(2024, 8, 31)


def test_a_quote_by_the_tariff_ends_where_its_measure_does(law: Law) -> None:
    tomatoes = make.item(hs_code="07020000", taric_code="07", price="200.00 GBP")
    by_tariff = quote(make.consignment(items=(tomatoes,)), law=law, on=date(2021, 4, 2))
    by_value = quote(shirt("GB", "200.00 GBP"), law=law, on=date(2021, 4, 2))

    assert by_tariff.valid_until == date(2021, 5, 14)
    assert by_value.valid_until is None


def test_every_offer_can_be_reckoned_again_by_anyone(law: Law) -> None:
    for parcel in (shirt(), shirt("GB", "135.01 GBP"), gift("39.01 GBP"), shirt("ZZ", "20.00 EUR")):
        for offer in quote(parcel, law=law, on=NOVEMBER).offers:
            again = msgspec.json.decode(msgspec.json.encode(offer), type=Offer)

            assert verify(again.receipt, law=law).equal


def test_what_the_buyer_imported_before_counts_and_stands_in_the_receipt(law: Law) -> None:
    totals = PersonTotals(day=Decimal("10.00"), year=Decimal("250.00"))
    made = quote(shirt(), law=law, on=NOVEMBER, totals=totals)

    assert {offer.receipt.person_totals for offer in made.offers} == {totals}


def test_nothing_that_risk_sees_is_in_a_quote(law: Law) -> None:
    everything_drawn = replace(law, draw_share_ppm=1_000_000)
    dear = shirt("GB", "900.00 GBP")
    seen = pipeline.clear(Batch.of([dear]), everything_drawn, Past()).signals

    said = msgspec.json.encode(quote(dear, law=everything_drawn, on=NOVEMBER)).decode()

    assert "fiction-clothing-dear" in seen["profile"].to_list()
    assert seen.height > 1
    for word in (*seen["profile"], *seen["reason"], "selected"):
        assert word not in said
    assert said == msgspec.json.encode(quote(dear, law=replace(law, draw_share_ppm=0), on=NOVEMBER)).decode()


def test_nothing_in_a_quote_names_or_finds_a_person(law: Law) -> None:
    said = msgspec.json.encode(quote(shirt(fiscal_references=(make.ioss(),)), law=law, on=NOVEMBER)).decode()

    for word in ("Pat Example", "Example Trading", "Sample Street", "Exampleham", "IM2760000001", "T-shirt"):
        assert word not in said


@settings(max_examples=60, deadline=None)
@given(
    cents=st.integers(0, 30_000),
    currency=st.sampled_from(["EUR", "GBP", "USD"]),
    country=st.sampled_from(["GB", "FR", "DE", "IT", "RO", "SE", "ZZ", "XX"]),
    day=st.dates(date(2020, 1, 1), date(2026, 11, 30)),
    category=st.sampled_from(["sale", "gift", "documents", "return", "other"]),
    claims=st.sampled_from([(), ("C07",), ("C08",)]),
    schemes=st.sampled_from([(), (make.ioss(),)]),
    code=st.sampled_from(["61091000", "33030010", "22042100", "49019900", None]),
)
def test_the_offer_as_stated_is_what_clearing_charges(law: Law, **drawn: Any) -> None:
    price = f"{Decimal(drawn['cents']) / 100} {drawn['currency']}"
    parcel = make.consignment(
        jurisdiction=drawn["country"], accepted_on=drawn["day"], category=drawn["category"],
        fiscal_references=drawn["schemes"], freight="3.00 EUR",
        items=(make.item(price=price, hs_code=drawn["code"], additional_procedures=drawn["claims"]),),
    )  # fmt: skip
    message = Message(source="", data=msgspec.json.encode(parcel))
    [cleared] = clear_messages([message], law=law, past=Past(), on=drawn["day"])

    made = quote(parcel, law=law, on=drawn["day"])

    charges = [offer.receipt.charges for offer in made.offers if offer.as_stated]
    assert charges == ([cleared.records[0].charges] if cleared.records[0].charges else [])
    assert all(verify(offer.receipt, law=law).equal for offer in made.offers)
    for offer in made.offers:
        parts = (offer.goods, offer.carriage, offer.duty, offer.tax, offer.fee, offer.tax_at_sale)
        known = [Decimal(part) for part in parts if part is not None]
        assert offer.landed_cost == (f"{sum(known):f}" if len(known) == len(parts) else None)


@settings(max_examples=40, deadline=None)
@given(records=st.lists(strategies.consignments(), max_size=4))
def test_whatever_is_asked_a_batch_gives_what_its_consignments_give_one_by_one(
    law: Law, records: list[Consignment]
) -> None:
    asked = [Declared(consignment=msgspec.structs.replace(one, accepted_on=NOVEMBER)) for one in records]

    assert quotes(asked, law=law) == [quotes([one], law=law)[0] for one in asked]


def test_every_condition_of_every_regime_has_its_words(law: Law) -> None:
    for regime in (regime for place in law.jurisdictions.values() for regime in place.regimes):
        for name in names(regime.when):
            holds, fails = in_words(name, regime.when)

            assert holds != fails


def test_the_collector_of_every_charge_stands_for_somebody(law: Law) -> None:
    assert {rule.collector for rule in law.charge_rules} <= set(COLLECTS)


def test_a_variant_changes_nothing_but_schemes_and_claims(law: Law) -> None:
    regimes = law.regimes("FR")
    stated = shirt(parties=(Party(role="consignor", kind="natural"),), category="gift")

    for one in variants(stated, regimes):
        items = tuple(msgspec.structs.replace(item, additional_procedures=()) for item in one.consignment.items)
        plain = msgspec.structs.replace(one.consignment, fiscal_references=(), items=items)
        assert plain == stated


def test_the_published_schema_of_a_quote_is_that_of_the_model() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json.loads(json.dumps(msgspec.to_builtins(schema())))


def to_spain(postcode: str, **what: Any) -> Consignment:
    """A T-shirt sold to a person in Spain, with a number of the import scheme."""
    return make.consignment(
        jurisdiction="ES",
        parties=(make.party("consignor"), make.party("consignee", country="ES", postcode=postcode)),
        items=[make.item(price="40 EUR", **what)],
    )


def test_a_place_outside_the_customs_territory_has_no_offer_and_says_why(law: Law) -> None:
    made = quote(to_spain("51001"), law=law, on=date(2026, 3, 16))

    assert made.offers == ()
    assert made.preflight.decision.control == "hold"
    assert [fix.codes for fix in made.preflight.fixes] == [("ASM-14",)]
    assert "eu-outside-customs" not in {one.regime for one in made.not_offered}


def test_a_place_outside_the_tax_has_no_offer_under_the_scheme_and_no_landed_cost(law: Law) -> None:
    made = quote(to_spain("35001"), law=law, on=date(2026, 3, 16))
    mainland = quote(to_spain("28001"), law=law, on=date(2026, 3, 16))
    [offer] = made.offers

    assert {one.model for one in mainland.offers} == {"vendor", "intermediary"}
    assert (offer.model, offer.duty, offer.tax, offer.landed_cost) == ("intermediary", "0.00", None, None)
    assert [line.amount for line in offer.receipt.charges if line.code == "B00"] == ["0.00"]

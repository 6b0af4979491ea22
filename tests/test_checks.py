"""Every rule by example: one consignment that breaks it and a near one that does not."""

from __future__ import annotations

import functools
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make
from tidewaiter.checks import KINDS, check
from tidewaiter.checks.catalogue import RULES, page
from tidewaiter.checks.rule import rule
from tidewaiter.law import Law, load, loading
from tidewaiter.model import about
from tidewaiter.model.batch import SCHEMA, Batch
from tidewaiter.model.consignment import (
    Change,
    Classification,
    Consignment,
    Document,
    FiscalReference,
    GoodsItem,
    Packaging,
    Party,
    Statement,
)
from tidewaiter.model.finding import FINDINGS
from tidewaiter.model.past import TRACKING_IDS, Past
from waybills import waybill

DOCS = Path(__file__).resolve().parents[1] / "docs" / "reference"


@functools.cache
def law() -> Law:
    return load()


def past(*rows: tuple[str, str, date]) -> Past:
    return Past(tracking_ids=pl.DataFrame(list(rows), schema=TRACKING_IDS, orient="row"))


def found(consignment: Consignment, known: Past | None = None) -> list[tuple[str, str]]:
    """Codes and pointers of what is wrong."""
    findings = check(Batch.of([consignment]), law(), known or Past())
    return list(findings.select("code", "pointer").iter_rows())


def with_item(**what: Any) -> Consignment:
    return make.consignment(items=(make.item(**what),))


def with_party(role: str, **what: Any) -> Consignment:
    """The usual sender, and this one party beside the importer."""
    return make.consignment(parties=(make.party("consignor"), make.party("importer"), make.party(role, **what)))


def amended(**what: Any) -> Consignment:
    """An amendment that carries its number, its reason and nothing else."""
    given: dict[str, Any] = {"mrn": "26GB6M4D8E1RE4WAR8", "changes": (Change(reason="32"),), "items": ()}
    return make.consignment(**{"function": "amendment", **given, **what})


def told_before_loading(*without: str, **what: Any) -> Consignment:
    """A parcel to Germany told for security by its post, but for parties in these roles."""
    parties = (
        make.party("declarant", id="DE123456789"), make.party("consignor", kind="legal"),
        make.party("consignee", kind="natural"),
    )  # fmt: skip
    given: dict[str, Any] = {
        "jurisdiction": "DE", "direction": "entry", "channel": "post", "package_count": 1, "gross_mass": Decimal("0.7"),
        "parties": tuple(one for one in parties if one.role not in without),
    }  # fmt: skip
    return make.consignment(**{**given, **what})


def in_germany(on: date, **item: Any) -> Consignment:
    return make.consignment(jurisdiction="DE", accepted_on=on, items=(make.item(**item),))


def two(first: dict[str, Any], second: dict[str, Any], **what: Any) -> Consignment:
    shoes = {"description": "Leather shoes for men", "hs_code": "64039993"}
    return make.consignment(items=(make.item(**first), make.item(**{**shoes, **second})), **what)


GIFT = {"category": "gift", "parties": (make.party("consignor", kind="natural"), make.party("consignee"))}
IOSS = make.ioss()
CITES = Document(category="C", type="400", id="26GBIMP000001")
NOT_CITES = Document(type="Y900")
SKU, MPN = Classification(scheme="SKU", code="A-17"), Classification(scheme="MPN", code="X1")


def by_air(**what: Any) -> Consignment:
    """A house waybill to the United States with a legal day."""
    record = msgspec.structs.replace(waybill(), accepted_on=date(2026, 11, 2))
    return msgspec.structs.replace(record, **what)


def of_parties(role: str, **what: Any) -> tuple[Party, ...]:
    return tuple(msgspec.structs.replace(one, **what) if one.role == role else one for one in waybill().parties)


# code, what it is about, where it points, a consignment that breaks the rule, one that does not.
CASES: tuple[tuple[str, str, str, Consignment, Consignment], ...] = (
    ("HDR-18", "no country at all", "/jurisdiction", make.consignment(jurisdiction=""), make.consignment()),
    ("HDR-01", "a country without law", "/jurisdiction", make.consignment(jurisdiction="AQ"), make.consignment()),
    ("HDR-02", "no day of acceptance", "/accepted_on", make.consignment(accepted_on=None), make.consignment()),
    ("HDR-03", "a day before the law begins", "/accepted_on",
        make.consignment(accepted_on=date(1950, 1, 1)), make.consignment(accepted_on=date(2025, 1, 1))),
    ("HDR-04", "no goods in an original", "/items", make.consignment(items=()), amended()),
    ("HDR-05", "an amendment of nothing", "/mrn", amended(mrn=None), make.consignment(mrn=None)),
    ("HDR-06", "an amendment without a reason", "/changes", amended(changes=(Change(pointer="42A"),)), amended()),
    ("HDR-06", "a cancellation without a reason", "/changes",
        amended(function="cancellation", changes=()), amended(changes=())),
    ("HDR-07", "three items stated and one sent", "/item_count", make.consignment(item_count=3), amended(item_count=3)),
    ("HDR-08", "five packages stated and two listed", "/package_count",
        make.consignment(package_count=5, items=(make.item(packages=(Packaging(type="CT", quantity=2),)),)),
        make.consignment(package_count=5, items=(make.item(packages=(Packaging(type="VR", quantity=2),)),))),
    ("HDR-09", "items heavier than the whole", "/gross_mass",
        make.consignment(gross_mass="0.2"), make.consignment(gross_mass="0.4")),
    ("HDR-10", "no mass anywhere", "/gross_mass", with_item(gross_mass=None, net_mass=None),
        make.consignment(gross_mass="0.35", items=(make.item(gross_mass=None, net_mass=None),))),
    ("HDR-11", "items numbered 1 and 3", "/items", two({"sequence": 1}, {"sequence": 3}), two({}, {})),
    ("HDR-12", "two items numbered 1", "/items", two({"sequence": 1}, {"sequence": 1}), two({}, {})),
    ("HDR-13", "sent from a country that is none", "/export_country",
        make.consignment(export_country="ZY"), make.consignment(export_country="XK")),
    ("HDR-14", "a whole that weighs nothing", "/gross_mass",
        make.consignment(gross_mass="0", items=(make.item(gross_mass=None, net_mass=None),)),
        make.consignment(gross_mass=None)),
    ("HDR-15", "nobody to receive it", "/parties",
        make.consignment(parties=(make.party("consignor"),)), make.consignment(direction="export", parties=())),
    ("HDR-16", "nobody who sent it", "/parties",
        make.consignment(parties=(make.party("buyer"),)), amended(parties=())),
    ("GDS-01", "no description", "/items/0/description", with_item(description=None), with_item(description="Kilt")),
    ("GDS-01", "a blank description", "/items/0/description", with_item(description="  "), with_item()),
    ("GDS-02", "a gift", "/items/0/description", with_item(description="Gift"), with_item(description="Gift ribbon")),
    ("GDS-02", "parts and accessories", "/items/0/description",
        with_item(description="Parts, ACCESSORIES"), with_item(description="Parts of lawn mowers")),
    ("GDS-02", "a gift in Chinese", "/items/0/description",
        with_item(description="礼品"), with_item(description="棉质T恤")),
    ("GDS-02", "just documents", "/items/0/description",
        with_item(description="samples"),
        make.consignment(category="documents", items=(make.item(description="none"),))),
    ("GDS-03", "only numbers", "/items/0/description", with_item(description="1004"), with_item(description="TV 55")),
    ("GDS-03", "one letter again and again", "/items/0/description",
        with_item(description="xxx"), with_item(description="书")),
    ("GDS-01", "a full declaration without a description", "/items/0/description",
        make.consignment(declaration_type="IMA", items=(make.item(description=None),)),
        make.consignment(declaration_type="IMK", items=(make.item(description=None),))),
    ("GDS-04", "goods sold without a code", "/items/0/hs_code", with_item(hs_code=None),
        make.consignment(category="documents", items=(make.item(hs_code=None),))),
    ("GDS-05", "a gift without a code", "/items/0/hs_code",
        make.consignment(**GIFT, items=(make.item(hs_code=None),)), make.consignment(**GIFT)),
    ("GDS-06", "a code with points", "/items/0/hs_code", with_item(hs_code="6109.10"), with_item(hs_code="610910")),
    ("GDS-07", "a code of four digits", "/items/0/hs_code", with_item(hs_code="6109"), with_item(hs_code="610910")),
    ("GDS-08", "a code of an older edition", "/items/0/hs_code",
        with_item(hs_code="970200"), with_item(hs_code="970210")),
    ("GDS-08", "a day before the edition held here", "/items/0/hs_code", with_item(hs_code="970200"),
        make.consignment(accepted_on=date(2021, 6, 1), items=(make.item(hs_code="970200"),))),
    ("GDS-08", "a chapter left to each country", "/items/0/hs_code",
        with_item(hs_code="000000"), with_item(hs_code="99050000")),
    ("GDS-09", "duty without an origin", "/items/0/origin_country",
        with_item(origin_country=None, additional_procedures=("000",)), with_item(origin_country=None)),
    ("GDS-10", "an origin that is no country", "/items/0/origin_country",
        with_item(origin_country="ZY"), with_item(origin_country="TW")),
    ("GDS-11", "an item sent from nowhere", "/items/0/export_country",
        with_item(export_country="ZY"), with_item(export_country="HK")),
    ("GDS-12", "a preference of no country", "/items/0/preference_country",
        with_item(preference="300", origin_country=None), with_item(preference="100", origin_country=None)),
    ("GDS-13", "a net mass of zero", "/items/0/net_mass", with_item(net_mass="0"), with_item(net_mass=None)),
    ("GDS-14", "net above gross", "/items/0/net_mass", with_item(net_mass="0.36"), with_item(net_mass="0.35")),
    ("GDS-15", "how many is not said", "/items/0/quantity", with_item(quantity=None),
        with_item(quantity=None, packages=(Packaging(type="CT", quantity=1),))),
    ("GDS-16", "a quantity of zero", "/items/0/quantity", with_item(quantity="0"), with_item(quantity="0.5")),
    ("GDS-17", "the same line twice", "/items/1/description",
        make.consignment(items=(make.item(), make.item())),
        make.consignment(items=(make.item(), make.item(price="9 GBP")))),
    ("GDS-18", "a description in the wrong encoding", "/items/0/description",
        with_item(description="Caf\ufffd cup"), with_item(description="Café cup, 陶瓷")),
    ("GDS-19", "one word and no code", "/items/0/description",
        with_item(description="Umbrella", hs_code=None), with_item(description="Umbrella")),
    ("GDS-20", "a package of no kind", "/items/0/packages/0/type",
        with_item(packages=(Packaging(type="??", quantity=1),)),
        with_item(packages=(Packaging(type="CT", quantity=1),))),
    ("GDS-21", "cartons without a number", "/items/0/packages/0/quantity",
        with_item(packages=(Packaging(type="CT"),)), with_item(packages=(Packaging(type="VR"),))),
    ("GDS-22", "no maker's number", "/items/0/codes",
        in_germany(date(2026, 11, 1), codes=(SKU,)), in_germany(date(2026, 11, 1), codes=(SKU, MPN))),
    ("GDS-22", "product numbers before their day", "/items/0/codes",
        in_germany(date(2026, 11, 1)), in_germany(date(2026, 10, 31))),
    ("GDS-23", "reptile leather without a permit", "/items/0/documents",
        with_item(hs_code="41133000"), with_item(hs_code="41133000", documents=(CITES,))),
    ("GDS-23", "reptile leather, and a document of the whole", "/items/0/documents",
        with_item(hs_code="41133000"), make.consignment(items=[make.item(hs_code="41133000")], documents=(NOT_CITES,))),
    ("VAL-01", "a price of 0.01", "/items/0/price", with_item(price="0.01 GBP"), with_item(price="1.01 GBP")),
    ("VAL-01", "a customs value of 1", "/items/0/customs_value",
        with_item(customs_value="1 GBP"), with_item(customs_value="11 GBP")),
    ("VAL-02", "no value", "/items/0/price", with_item(price=None), with_item(price=None, customs_value="20 GBP")),
    ("VAL-02", "no value where law sets none", "/items/0/price",
        with_item(price=None, additional_procedures=("000",)),
        with_item(price=None, additional_procedures=("E02",))),
    ("VAL-03", "paid is not what it adds up to", "/paid",
        make.consignment(paid="30 GBP", freight="5 GBP"),
        make.consignment(paid="26 GBP", freight="5 GBP", tax_collected="3 GBP", discount="2 GBP")),
    ("VAL-04", "an invoice that does not add up", "/invoice_total",
        make.consignment(invoice_total="21 GBP"), make.consignment(invoice_total="20.01 GBP")),
    ("VAL-04", "an invoice in another currency", "/invoice_total",
        make.consignment(invoice_total="19 GBP"), make.consignment(invoice_total="150 CNY")),
    ("VAL-05", "pounds and euro", "/items", two({}, {"price": "10 EUR"}), two({}, {"price": "10 GBP"})),
    ("VAL-06", "an invoice in no currency", "/invoice_total/currency",
        make.consignment(invoice_total="20 XYZ"), make.consignment(invoice_total="20 GBP")),
    ("VAL-07", "a currency that has ended", "/items/0/price/currency", with_item(price="20 HRK"),
        make.consignment(accepted_on=date(2022, 6, 1), items=(make.item(price="20 HRK"),))),
    ("PTY-01", "a party without name or number", "/parties/2/name",
        with_party("consignee", name=None), with_party("consignee", name=None, id="GB123456789000")),
    ("PTY-01", "a declarant without name or number", "/parties/2/name",
        with_party("declarant", name=None), with_party("representative", name=None, status="2")),
    ("PTY-02", "a name without a city", "/parties/2/street",
        with_party("consignee", city=None), with_party("consignee", city=None, id="GB123456789000")),
    ("PTY-03", "no postcode where there are postcodes", "/parties/2/postcode",
        with_party("consignee", postcode=None), with_party("consignee", postcode=None, country="HK")),
    ("PTY-04", "a party in no country", "/parties/2/country",
        with_party("consignee", country="ZY"), with_party("consignee", country="XI")),
    ("PTY-05", "a street with a control character", "/parties/2/street",
        with_party("consignee", street="2 Sample\u0007 Street"), with_party("consignee", street="2 Sampleστράτα")),
    ("PTY-06", "a name of points", "/parties/2/name",
        with_party("consignee", name="..."), with_party("consignee", name="李")),
    ("PTY-07", "a name of blanks", "/parties/2/name",
        with_party("consignee", name=" \u00a0"), with_party("consignee", name="O")),
    ("IDN-01", "a wrong check digit on a postal item", "/tracking_id",
        make.consignment(tracking_id="RR287043776IN"), make.consignment(tracking_id="RR 287 043 775 IN")),
    ("IDN-02", "a carrier's number with a wrong check digit", "/tracking_id",
        make.consignment(channel="express", tracking_id="RR287043776IN"),
        make.consignment(channel="express", tracking_id="1Z999AA10123456784")),
    ("IDN-03", "a carrier's number in the post", "/tracking_id",
        make.consignment(tracking_id="1Z999AA10123456784"), make.consignment(tracking_id=None)),
    ("IDN-05", "a wrong check digit on an air waybill", "/master_bill",
        make.consignment(channel="express", master_bill="020-12345676"),
        make.consignment(channel="express", master_bill="020-12345675")),
    ("IDN-06", "a wrong check digit on an MRN", "/mrn",
        amended(mrn="26GB6M4D8E1RE4WAR9"), amended(mrn="A-NUMBER-OF-ANOTHER-KIND")),
    ("IDN-07", "a UCR in words", "/ucr", make.consignment(ucr="my order"), make.consignment(ucr="6GB123456789000-A1")),
    ("IDN-08", "a reference longer than its place", "/reference",
        make.consignment(reference="ORDER-0001-OF-MANY-ORDERS"), make.consignment(reference="ORDER-0001-OF-MANY")),
    ("HDR-17", "an entry by post without its addressee", "/circumstance",
        told_before_loading("consignee"), told_before_loading()),
    ("HDR-17", "an entry by express without a number of packages", "/circumstance",
        told_before_loading(channel="express", package_count=None), told_before_loading(channel="express")),
    ("HDR-17", "an entry into a country that asks for no such set", "/circumstance",
        told_before_loading("consignee", circumstance="F32"), told_before_loading("consignee", jurisdiction="GB")),
    ("IDN-09", "an EORI number cut short", "/parties/2/id",
        with_party("declarant", id="GB12345"), with_party("declarant", id="CN12345")),
    ("IDN-10", "an IOSS number cut short", "/fiscal_references/0/id",
        make.consignment(fiscal_references=(make.ioss("IM276"),), items=(make.item(additional_procedures=("F48",)),)),
        make.consignment(fiscal_references=(IOSS,), items=(make.item(additional_procedures=("F48",)),))),
    ("IDN-11", "a VAT number in place of a scheme's", "/fiscal_references/0/id",
        make.consignment(fiscal_references=(FiscalReference(role="FR5", id="ATU12345678"),)),
        make.consignment(fiscal_references=(FiscalReference(role="FR1", id="ATU12345678"),))),
    ("PRC-01", "both reliefs", "/items/0/additional_procedures",
        with_item(additional_procedures=("C07", "C08")), with_item(additional_procedures=("C07",))),
    ("PRC-02", "the code of gifts on a sale", "/items/0/additional_procedures",
        with_item(additional_procedures=("C08",)),
        make.consignment(**GIFT, items=(make.item(additional_procedures=("C08",)),))),
    ("PRC-03", "the code of gifts from a shop", "/items/0/additional_procedures",
        with_item(additional_procedures=("C08",)),
        make.consignment(**GIFT, items=(make.item(additional_procedures=("C08",)),))),
    ("PRC-04", "the reduced set for another procedure", "/items/0/procedure",
        with_item(procedure="42", additional_procedures=("1H7", "C07")),
        with_item(additional_procedures=("1H7", "C07"))),
    ("PRC-05", "the reduced set without a relief", "/items/0/additional_procedures",
        with_item(additional_procedures=("1H7",)), with_item(additional_procedures=("1H7", "C08"))),
    ("PRC-06", "F48 without a number", "/items/0/additional_procedures",
        with_item(additional_procedures=("C07", "F48")),
        with_item(additional_procedures=("C07", "F48"), fiscal_references=(IOSS,))),
    ("PRC-07", "a number without F48", "/items/0/additional_procedures",
        make.consignment(fiscal_references=(IOSS,)),
        make.consignment(fiscal_references=(IOSS,), items=(make.item(additional_procedures=()),))),
    ("PRC-08", "both F48 and F49", "/items/0/additional_procedures",
        with_item(additional_procedures=("F48", "F49")), with_item(additional_procedures=("F49",))),
    ("PRC-09", "a gift from a shop", "/category",
        make.consignment(category="gift"), make.consignment(**GIFT)),
    ("PRC-10", "a gift that was ordered", "/category",
        make.consignment(**GIFT, order_id="A-1"), make.consignment(order_id="A-1")),
    ("ACS-01", "a shipper without a name", "/parties",
        by_air(parties=of_parties("consignor", name=None)), by_air()),
    ("ACS-01", "no shipper at all", "/parties", by_air(parties=waybill().parties[1:]),
        by_air(parties=waybill().parties[1:], jurisdiction="GB")),
    ("ACS-02", "a shipper without a city", "/parties", by_air(parties=of_parties("consignor", city=None)),
        by_air(parties=of_parties("consignor", postcode=None))),
    ("ACS-03", "a consignee without a name", "/parties", by_air(parties=of_parties("consignee", name=None)),
        by_air(parties=of_parties("consignee", name=None), direction="import")),
    ("ACS-04", "a consignee without a country", "/parties", by_air(parties=of_parties("consignee", country=None)),
        by_air(parties=of_parties("consignee", region=None))),
    ("ACS-05", "goods without words", "/items", by_air(items=(GoodsItem(sequence=1, hs_code="940521"),)),
        by_air(items=(*waybill().items, GoodsItem(sequence=2, hs_code="853952")))),
    ("ACS-05", "a code without a summary", "/items", by_air(items=(GoodsItem(sequence=1, hs_code="940521"),)),
        by_air(items=(GoodsItem(sequence=1, hs_code="940521"),), statements=(Statement(type="SUM", text="Lamps"),))),
    ("ACS-06", "no number of packages", "/package_count", by_air(package_count=None),
        by_air(package_count=None,
            items=(GoodsItem(sequence=1, description="Lamp", packages=(Packaging(quantity=1),)),))),
    ("ACS-07", "no weight", "/gross_mass", by_air(gross_mass=None),
        by_air(gross_mass=None, items=(GoodsItem(sequence=1, description="Lamp", gross_mass=Decimal("1.5")),))),
    ("ACS-08", "no number of a waybill", "/house_bill", by_air(house_bill=None, master_bill=None),
        by_air(house_bill=None)),
    ("ACS-08", "before the law asked", "/house_bill", by_air(house_bill=None, master_bill=None),
        by_air(house_bill=None, master_bill=None, accepted_on=date(2018, 6, 11))),
)  # fmt: skip

REUSED = make.tracking_id(12345678)
REUSE = (
    ("lodged in January under another reference", [(REUSED, "ORDER-0000", date(2026, 1, 5))], True),
    ("lodged in January and printed with spaces", [("HM 1234 5678 5 CN", "ORDER-0000", date(2026, 1, 5))], True),
    ("lodged more than twelve months ago", [(REUSED, "ORDER-0000", date(2025, 11, 1))], False),
    ("lodged under the same reference", [(REUSED, "ORDER-0001", date(2026, 1, 5))], False),
    ("another parcel", [(make.tracking_id(7), "ORDER-0000", date(2026, 1, 5))], False),
)


@pytest.mark.parametrize(("code", "pointer", "broken"), [(c[0], c[2], c[3]) for c in CASES], ids=[c[1] for c in CASES])
def test_what_is_wrong_is_found_where_it_is(code: str, pointer: str, broken: Consignment) -> None:
    assert (code, pointer) in found(broken)


@pytest.mark.parametrize(("code", "sound"), [(c[0], c[4]) for c in CASES], ids=[f"not {c[1]}" for c in CASES])
def test_what_is_right_is_left_alone(code: str, sound: Consignment) -> None:
    assert code not in [known for known, _ in found(sound)]


@pytest.mark.parametrize(("rows", "again"), [(rows, again) for _, rows, again in REUSE], ids=[r[0] for r in REUSE])
def test_a_parcel_number_may_come_again_after_a_year(rows: list[tuple[str, str, date]], again: bool) -> None:
    assert (("IDN-04", "/tracking_id") in found(make.consignment(), past(*rows))) is again


def test_every_rule_has_an_example_of_both_kinds() -> None:
    shown = {case[0] for case in CASES} | {"IDN-04"}

    assert {kind.code for kind in KINDS} == shown


def test_an_ordinary_parcel_has_no_findings() -> None:
    assert found(make.consignment()) == []


def test_an_amendment_of_one_field_is_not_asked_for_the_rest() -> None:
    bare = Consignment(
        reference="ORDER-0001", jurisdiction="GB", accepted_on=date(2026, 11, 2), function="amendment",
        mrn="26GB6M4D8E1RE4WAR8", changes=(Change(reason="32", pointer="42A/67A/68A[1]/23A#137"),),
        items=(GoodsItem(sequence=3, description="Wool scarf"),),
    )  # fmt: skip

    assert found(bare) == []


def test_a_finding_of_an_item_points_at_that_item_and_tells_the_value() -> None:
    wrong = two({}, {"hs_code": "6403"})

    findings = check(Batch.of([make.consignment(), wrong]), law(), Past())

    assert findings.schema == FINDINGS
    assert findings.rows() == [(1, 1, "GDS-07", "error", "/items/1/hs_code", "6403")]


def test_findings_come_by_row_then_head_then_item_then_code() -> None:
    wrong = two({"hs_code": "6403", "description": "gift"}, {"net_mass": "9"}, gross_mass=None, item_count=9)

    findings = check(Batch.of([wrong, wrong]), law(), Past())

    once = [(None, "HDR-07"), (0, "GDS-02"), (0, "GDS-07"), (1, "GDS-14")]
    assert findings.select("row", "item", "code").rows() == [(row, *what) for row in (0, 1) for what in once]


def test_rows_that_do_not_count_from_zero_keep_their_number() -> None:
    batch = Batch.of([make.consignment(), make.consignment(items=())])
    later = {
        name: getattr(batch, name).with_columns(pl.col("row") + pl.lit(5, dtype=pl.UInt32))
        for name in Batch.frame_names()
    }

    findings = check(Batch(**later), law(), Past())

    assert set(findings["row"]) == {6}
    assert "HDR-04" in findings["code"]


def test_an_empty_batch_has_no_findings() -> None:
    findings = check(Batch.of([]), law(), Past())

    assert findings.schema == FINDINGS
    assert findings.is_empty()


broken_things = st.sampled_from([case[3] for case in CASES] + [case[4] for case in CASES])


@settings(max_examples=25, deadline=None)
@given(consignments=st.lists(broken_things, min_size=1, max_size=12))
def test_a_batch_is_judged_as_its_consignments_are_one_by_one(consignments: list[Consignment]) -> None:
    known = past((REUSED, "ORDER-0000", date(2026, 1, 5)))
    together = check(Batch.of(consignments), law(), known)

    alone = [
        (row, *finding)
        for row, consignment in enumerate(consignments)
        for finding in check(Batch.of([consignment]), law(), known).drop("row").iter_rows()
    ]
    assert together.rows() == alone


def test_the_same_law_loaded_again_finds_the_same() -> None:
    batch = Batch.of([case[3] for case in CASES])

    assert check(batch, loading.load(), Past()).equals(check(batch, law(), Past()))


def test_a_code_is_judged_by_the_law_of_its_own_row_however_often_it_was_seen() -> None:
    def in_kuna(day: date) -> Consignment:
        return make.consignment(accepted_on=day, items=(make.item(price="20 HRK"),))

    before, after = date(2022, 6, 1), date(2026, 11, 2)
    for days in ([after, before], [before], [after], [before, after]):
        findings = check(Batch.of([in_kuna(day) for day in days]), law(), Past())

        assert findings.filter(code="VAL-07")["row"].to_list() == [row for row, day in enumerate(days) if day == after]


def test_without_a_day_lists_say_nothing_of_any_row() -> None:
    crates = (Packaging(type="VR"), Packaging(type=None, quantity=None), Packaging(type="??"))
    undated = make.consignment(
        accepted_on=None, package_count=9, items=(make.item(packages=crates),),
        fiscal_references=(FiscalReference(role="FR5", id="ATU12345678"),),
    )  # fmt: skip
    findings = check(Batch.of([undated, undated]), law(), Past())

    assert findings.select("row", "code", "pointer").rows() == [
        (row, *finding) for row in (0, 1) for finding in found(undated)
    ]
    assert {"GDS-20", "IDN-11"}.isdisjoint(findings["code"])


def test_codes_are_never_used_twice() -> None:
    assert [code for code, times in Counter(kind.code for kind in KINDS).items() if times > 1] == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_a_rule_says_what_is_wrong_how_to_mend_it_and_by_which_law(kind: Any) -> None:
    assert kind.text.endswith(".")
    assert kind.remedy.endswith(".")
    assert len(kind.law) > 7


def test_a_detail_is_told_where_the_text_has_a_place_for_it() -> None:
    for each in RULES:
        assert bool(each.details) == ("{detail}" in each.kind.text), each.kind.code


def test_no_detail_is_personal() -> None:
    structs: dict[str, type[msgspec.Struct]] = {
        "consignments": Consignment, "items": GoodsItem, "parties": Party, "packages": Packaging,
        "fiscal_references": FiscalReference,
    }  # fmt: skip
    for each in RULES:
        classes = {name: what.privacy for name, _, what in about.fields(structs[each.on]) if what}
        for column in each.details.values():
            told = column.removesuffix("_micro").removesuffix("_currency")
            assert classes.get(told, "public") in ("public", "business"), (each.kind.code, column)


def test_every_pointer_leads_to_a_field_of_the_model() -> None:
    for each in RULES:
        columns = set(SCHEMA[each.on].names()) | {"items", "parties", "changes", "codes", "documents"}
        for field in each.tests:
            assert columns & {field, f"{field}_micro", field.replace("/", "_")}, (each.kind.code, field)


def test_a_rule_without_a_source_is_not_a_rule() -> None:
    def unsourced(_: Any) -> pl.Expr:
        """Something is wrong. Mend it."""
        return pl.lit(value=True)

    with pytest.raises(ValueError, match="Source"):
        rule("XXX-01", on="items", field="price", severity="error")(unsourced)


def test_the_reference_page_is_what_the_rules_say() -> None:
    assert (DOCS / "checks.md").read_text(encoding="utf-8") == page()


CORPUS = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "messages" / "wco-dms-uk-cds" / "samples"


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the published UK CDS samples are not beside the repository")
def test_declarations_that_customs_accepted_have_no_errors() -> None:
    from tidewaiter.formats import wco_dms

    files = sorted(path for path in CORPUS.rglob("*") if path.suffix.lower() == ".xml")
    read = [one for path in files for one in wco_dms.read(path.read_bytes(), jurisdiction="GB").declared]
    imports = [
        msgspec.structs.replace(one.consignment, accepted_on=date(2026, 11, 2))
        for one in read
        if one.consignment.direction == "import"
    ]
    findings = check(Batch.of(imports), law(), Past())

    assert len(imports) > 200
    assert findings.filter(pl.col("severity") == "error").is_empty()
    # Few warnings too: a check that is always raised is read by nobody.
    assert findings.height < len(imports) / 10


def test_amounts_are_added_up_past_what_64_bits_hold() -> None:
    line = make.item(price="999999999999.99 GBP", quantity="1")
    many = msgspec.structs.replace(make.consignment(), items=(line,) * 12, invoice_total=make.money("1 GBP"))

    assert ("VAL-04", "/invoice_total") in found(many)
    assert Decimal("999999999999.99") * 12 * 10**6 > 2**63


def test_two_parcels_to_a_country_that_asks_for_product_numbers_are_checked_together() -> None:
    parcel = make.consignment(jurisdiction="FR", items=[make.item(price="20.00 EUR", additional_procedures=("F48",))])
    one, two = (check(Batch.of([parcel] * size), law(), Past())["code"].to_list() for size in (1, 2))

    assert sorted(two) == sorted(one * 2)
    assert "GDS-22" in one

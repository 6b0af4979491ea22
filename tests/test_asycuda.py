"""Declarations and manifests of ASYCUDA World."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from strategies import COUNTRIES, amounts, decimals, texts
from tidewaiter import formats
from tidewaiter.formats import asycuda
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import (
    Classification,
    Consignment,
    Document,
    Equipment,
    GoodsItem,
    GoodsLocation,
    Packaging,
    Party,
    Statement,
    TaxLine,
    Transport,
)
from tidewaiter.model.finding import Finding
from tidewaiter.model.money import Money
from waybills import names, some

SAMPLES = Path(asycuda.__file__).parent / "samples"
CORPUS = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "messages" / "asycuda-sad"
SAD = (SAMPLES / "declaration.xml").read_bytes()
MANIFEST = (SAMPLES / "manifest.xml").read_bytes()
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def only(data: bytes) -> Consignment:
    [declared] = asycuda.read(data).declared
    return declared.consignment


def codes(data: bytes) -> list[tuple[str, str]]:
    [declared] = asycuda.read(data).declared
    return [(finding.code, finding.pointer) for finding in declared.findings]


def test_a_declaration_is_an_import_with_its_items() -> None:
    record = only(SAD)
    first = record.items[0]

    assert (record.direction, record.jurisdiction, record.declaration_type) == ("import", "ZZ", "IM4")
    assert (record.reference, record.mrn, record.declaration_office) == ("ORDER-0001", "C1234", "ZZSAM")
    assert (record.declared_at, record.entry_office, record.exit_office) == (NOON, "ZZSAM", None)
    assert {party.role: party.id for party in record.parties} == {
        "exporter": None, "consignee": "ZZ0000001", "declarant": "ZZ0000002",
    }  # fmt: skip
    assert record.invoice_total == Money(Decimal("120.000000"), "USD")
    assert record.insurance is None
    assert (first.procedure, first.previous_procedure, first.additional_procedures) == ("40", "00", ("C07",))
    assert (first.hs_code, first.taric_code, first.origin_country) == ("94052190", "00", "CN")
    assert first.packages == (Packaging(type="CT", quantity=2, marks="ADDRESS"),)
    assert first.taxes == (TaxLine(type="CID", method="1"),)
    assert first.documents[1] == Document(type="N380", name="Invoice", id="INV-1")
    assert record.transaction_nature == "11"


def test_a_price_without_a_currency_of_its_own_is_in_that_of_the_invoice() -> None:
    assert only(SAD).items[1].price == Money(Decimal("20.0"), "USD")
    assert codes(SAD.replace(b"<Item_price>100.0<", b"<Item_price>10.0<")) == [("FLD-05", "/items/0/price")]


def test_at_export_the_means_and_the_office_are_those_of_departure() -> None:
    record = only(SAD.replace(b"<Sad_flow>I<", b"<Sad_flow>E<"))
    assert record.transport is not None

    assert (record.direction, record.jurisdiction) == ("export", "CN")
    assert (record.exit_office, record.entry_office) == ("ZZSAM", None)
    assert (record.transport.departure_id, record.transport.departure_mode) == ("ZZ8400", "3")
    assert (record.transport.arrival_id, record.transport.arrival_mode) == (None, None)
    assert only(asycuda.write([record])) == record


def test_empty_elements_and_null_are_nothing() -> None:
    dropped = asycuda.read(SAD).dropped

    assert not [place for place in dropped if "null" in place]
    assert "/ASYCUDA/Item[1]/Taxation[1]/Taxation_line[1]/Duty_tax_amount[1]" in dropped


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (b">2026-11-02<", b">11/02/26<", [("FLD-01", "/declared_at")]),
        (b"<Sad_flow>I<", b"<Sad_flow>T<", [("FLD-06", "/direction")]),
        (b"<Gross_weight>2.5<", b"<Gross_weight>2,5<", [("FLD-01", "/gross_mass")]),
        (b"<Number>ORDER-0001<", b"<Number><", [("ASY-02", "/reference")]),
        (b"<Destination_country_code>ZZ<", b"<Destination_country_code><", [("ASY-03", "/jurisdiction")]),
        (b"<Destination_country_code>ZZ<", b"<Destination_country_code>Zz<",
         [("FLD-02", "/destination_country"), ("ASY-03", "/jurisdiction")]),
        (b"<Container_flag>false<", b"<Container_flag>maybe<", [("FLD-06", "/transport/container")]),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_a_finding(old: bytes, new: bytes, found: list[tuple[str, str]]) -> None:
    assert old in SAD
    assert codes(SAD.replace(old, new, 1)) == found


def test_each_bill_of_a_manifest_is_an_entry() -> None:
    straight, house = (one.consignment for one in asycuda.read(MANIFEST).declared)

    assert [(one.direction, one.jurisdiction) for one in (straight, house)] == [("entry", "LK")] * 2
    assert (straight.house_bill, straight.master_bill) == (None, "99912345675")
    assert (house.house_bill, house.master_bill) == ("SAMPLE0002", "99912345675")
    assert straight.equipment == (Equipment(id="AKE12345ZZ", seals=("SEAL1",)),)
    assert house.invoice_total == Money(Decimal("120.00"), "USD")
    assert straight.freight is None
    assert [party.role for party in house.parties] == ["carrier"]


@pytest.mark.parametrize(("again", "at"), [(b"Bol_id", "Bol_id[2]"), (b"Bol_nature", "Bol_id[1]/Bol_nature[2]")])
def test_what_says_which_bill_it_is_stands_once(again: bytes, at: str) -> None:
    start, end = MANIFEST.index(b"<%b>" % again), MANIFEST.index(b"</%b>" % again) + len(again) + 3
    straight, house = asycuda.read(MANIFEST[:end] + MANIFEST[start:end] + MANIFEST[end:]).declared

    assert ("FLD-05", f"/Awmds/Bol_segment[1]/{at}") in [(one.code, one.source_pointer) for one in straight.findings]
    assert house.findings == ()


def test_bills_that_came_the_same_way_are_written_into_one_manifest() -> None:
    records = [one.consignment for one in asycuda.read(MANIFEST).declared]
    root = etree.fromstring(asycuda.write(records))

    assert (root.tag, len(root.findall("Bol_segment"))) == ("Awmds", 2)
    assert [one.consignment for one in asycuda.read(asycuda.write(records)).declared] == records


def test_the_bills_of_a_deconsolidation_have_its_master() -> None:
    data = b"""<Awbolds><Master_bol><Customs_office_code>ZZSAM</Customs_office_code>
    <Reference_number>M1</Reference_number></Master_bol><Bol_segment><Bol_id><Bol_reference>H1</Bol_reference><Bol_type_code>HSB</Bol_type_code>
    <Master_bol_ref_number /></Bol_id></Bol_segment></Awbolds>"""
    [declared] = asycuda.read(data, jurisdiction="LK").declared

    assert (declared.consignment.house_bill, declared.consignment.master_bill) == ("H1", "M1")
    assert declared.anchor["/house_bill"] == "/Awbolds/Bol_segment[1]/Bol_id[1]/Bol_reference[1]"
    assert declared.findings == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<Bol_reference>99912345675<", b"<Bol_reference>99900000000<"),
        (b"<Bol_reference>SAMPLE0002<", b"<Bol_reference><"),
        (b"<Goods_segment>", b"<Goods_segment/><Goods_segment>"),
    ],
)
def test_bills_under_other_masters_and_goods_without_a_word_are_written_back(old: bytes, new: bytes) -> None:
    records = [one.consignment for one in asycuda.read(MANIFEST.replace(old, new)).declared]

    assert MANIFEST.count(old)
    assert records != [one.consignment for one in asycuda.read(MANIFEST).declared]
    assert [one.consignment for one in asycuda.read(asycuda.write(records)).declared] == records


def test_a_message_with_neither_is_a_finding() -> None:
    assert [finding.code for finding in asycuda.read(b"<Awmds/>").findings] == ["ASY-01"]
    assert [finding.code for finding in asycuda.read(b"<Messages><X>1</X></Messages>").findings] == ["ASY-01"]


def party(role: str) -> st.SearchStrategy[Party]:
    return st.builds(Party, role=st.just(role), id=st.none() | texts(), name=names())


@st.composite
def declarations(draw: st.DrawFn) -> Consignment:
    direction = draw(st.sampled_from(("import", "export")))
    end, office = ("arrival", "entry_office") if direction == "import" else ("departure", "exit_office")
    moved: dict[str, Any] = draw(some(**{f"{end}_id": texts(), f"{end}_mode": st.just("3"), "border_id": texts(),
        "border_mode": st.just("4"), "container": st.sampled_from("01"), "loading_place": texts()}))  # fmt: skip
    country = draw(st.sampled_from(COUNTRIES))
    papers = st.lists(st.builds(Document, type=texts(4), name=names(), id=texts()), max_size=2)
    items = tuple(
        GoodsItem(description=draw(names()), documents=tuple(draw(papers)), **draw(some(
            sequence=st.integers(0, 99), hs_code=st.sampled_from(("61091000", "940521")), taric_code=st.just("00"),
            codes=st.just((Classification(scheme="P2", code="A1"),)), origin_country=st.sampled_from(COUNTRIES),
            price=amounts(), freight=amounts(), gross_mass=decimals(), net_mass=decimals(), quantity=decimals(),
            quantity_unit=st.just("NAR"), procedure=st.just("40"), preference=st.just("300"),
            additional_procedures=st.just(("C07",)), valuation_method=st.just("1"),
            packages=st.just((Packaging(type="CT", quantity=3, marks="ADDR"),)),
            taxes=st.just((TaxLine(type="VAT", method="1"), TaxLine(type="CID"))),
        )))
        for _ in range(draw(st.integers(0, 3)))
    )  # fmt: skip
    more: dict[str, Any] = draw(some(
        mrn=st.sampled_from(("C1234", "I9")), declaration_type=st.sampled_from(("IM4", "EX1")), item_count=st.just(2),
        package_count=st.integers(0, 99), gross_mass=decimals(), invoice_total=amounts(), freight=amounts(),
        insurance=amounts(), declared_at=st.just(NOON), declaration_place=names(), declaration_office=texts(17),
        incoterm=st.just("DAP"), incoterm_place=texts(), transaction_nature=st.just("11"), warehouse_id=texts(),
        location=st.builds(GoodsLocation, id=texts()), documents=st.just((Document(kind="previous", id="M1"),)),
        statements=st.builds(lambda text: (Statement(type="TXT", text=text),), names()),
        equipment=st.just((Equipment(id="ZZZU1234567"),)), **{office: texts(17)},
    ))  # fmt: skip
    return Consignment(
        reference=draw(texts()), jurisdiction=country, direction=direction,  # type: ignore[arg-type]
        parties=tuple(draw(party(role)) for role in ("exporter", "consignee", "declarant")),
        export_country=country, destination_country=country, items=items,
        transport=Transport(**moved) if moved else None, **more,
    )  # fmt: skip


@given(declarations())
@settings(max_examples=100, deadline=None)
def test_a_declaration_that_is_written_is_read_back(record: Consignment) -> None:
    [declared] = asycuda.read(asycuda.write([record])).declared

    assert declared.findings == ()
    assert declared.consignment == record


@st.composite
def bills(draw: st.DrawFn) -> Consignment:
    parties = [
        Party(role=role, name=draw(names()), street=draw(st.none() | names()))
        for role in ("carrier", "consignor", "notify", "consignee")
    ]
    items = st.lists(st.builds(GoodsItem, description=names(), gross_mass=decimals(), hs_code=st.just("610910"),
        packages=st.just((Packaging(type="CT", quantity=3),))), max_size=3)  # fmt: skip
    return Consignment(
        reference="H1", house_bill="H1", master_bill="M1", jurisdiction="LK", direction="entry",
        parties=tuple(parties), items=tuple(draw(items)),
        transport=Transport(unloading_place="LKCMB", **draw(some(conveyance=texts(), border_mode=st.just("1")))),
        statements=(Statement(type="NAT", text="23"), Statement(type="TYP", text="HSB")),
        equipment=tuple(draw(st.lists(st.builds(Equipment, id=texts(), seals=st.just(("S1", "S2"))), max_size=2))),
        **draw(some(entry_office=texts(17), arrival_expected=st.just(NOON), freight=amounts(), invoice_total=amounts(),
                    insurance=amounts())),
    )  # fmt: skip


@given(bills())
@settings(max_examples=100, deadline=None)
def test_a_bill_that_is_written_is_read_back(record: Consignment) -> None:
    [declared] = asycuda.read(asycuda.write([record])).declared

    assert declared.findings == ()
    assert declared.consignment == record


def test_declarations_and_bills_may_stand_in_one_file() -> None:
    records = [only(SAD), *(one.consignment for one in asycuda.read(MANIFEST).declared)]

    assert [one.consignment for one in asycuda.read(asycuda.write(records)).declared] == records


def test_an_answer_is_a_report() -> None:
    finding = Finding(code="GDS-03", severity="error", pointer="/x", source_pointer="/ASYCUDA/Item[1]", text="Wrong.")
    root = etree.fromstring(asycuda.answer([Answer(kind="rejected", id="A1", reference="R1", findings=(finding,))]))

    assert (root.findtext("Answer"), root.findtext("Reference")) == ("rejected", "R1")
    assert (root.findtext("Message/Code"), root.findtext("Message/Element")) == ("GDS-03", "/ASYCUDA/Item[1]")


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here (../shared/data/messages/asycuda-sad)")
def test_the_template_of_the_corpus_is_a_declaration_of_nothing_and_is_read_once_filled() -> None:
    data = (CORPUS / "blank-template.xml").read_bytes()
    root = etree.fromstring(data)
    [declared] = formats.read(data).declared

    assert len(declared.consignment.items) == len(root.findall("Item")) == 0
    assert [finding.code for finding in declared.findings] == ["ASY-02", "ASY-03"]

    for path, text in (
        ("Declarant/Reference/Number", "R1"),
        ("General_information/Country/Destination/Destination_country_code", "ZZ"),
        ("Valuation/Gs_Invoice/Amount_foreign_currency", "120"),
        ("Valuation/Gs_Invoice/Currency_code", "USD"),
    ):
        element = root.find(path)
        element.clear()
        element.text = text
    items = etree.fromstring(SAD).findall("Item")
    root.extend(items)
    [filled] = formats.read(etree.tostring(root)).declared

    assert filled.findings == ()
    assert len(filled.consignment.items) == len(items)
    assert only(asycuda.write([filled.consignment])) == filled.consignment


def test_a_name_in_any_script_stays_as_it_is() -> None:
    for name in ("Тест", "مثال", "示例", "ตัวอย่าง", "ምሳሌ"):
        record = msgspec.structs.replace(only(SAD), parties=(Party(role="exporter", name=name),))

        assert only(asycuda.write([record])).parties == (Party(role="exporter", name=name),)

"""House waybills, house manifests and air waybills as Cargo-XML."""

from __future__ import annotations

import copy
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from lxml import etree

from tidewaiter import formats
from tidewaiter.formats import cargo_xml
from tidewaiter.law import load
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment, Statement
from tidewaiter.model.finding import Finding
from tidewaiter.model.money import Money
from tidewaiter.model.past import Past
from tidewaiter.services.clear import Message, clear_messages
from waybills import waybill, waybills

SAMPLES = Path(cargo_xml.__file__).parent / "samples"
CORPUS = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "messages" / "iata-cargo-xml"
HOUSE = (SAMPLES / "house-waybill.xml").read_bytes()


def only(data: bytes) -> Consignment:
    [declared] = cargo_xml.read(data).declared
    return declared.consignment


def codes(data: bytes) -> list[tuple[str, str]]:
    [declared] = cargo_xml.read(data).declared
    return [(finding.code, finding.pointer) for finding in declared.findings]


def test_a_house_waybill_is_a_consignment_told_before_loading() -> None:
    record = only(HOUSE)
    parties = {party.role: party for party in record.parties}

    assert (record.direction, record.jurisdiction, record.function) == ("entry", "US", "original")
    assert (record.reference, record.house_bill, record.master_bill) == ("ORDER-0001", "SAMPLE0001", "999-12345675")
    assert record.transport is not None
    assert (record.transport.border_mode, record.transport.loading_place) == ("4", "PVG")
    assert parties["consignor"].street == "1 Example Road Building 2"
    assert parties["consignor"].email == "shop@example.com"
    assert parties["consignee"].region == "NY"
    assert record.package_count == 1
    assert record.invoice_total == Money(Decimal("120.00"), "USD")


def test_the_order_of_elements_makes_no_difference() -> None:
    root = etree.fromstring(HOUSE)
    for parent in root.iter("{*}MasterConsignment", "{*}IncludedHouseConsignment"):
        notes = [one for one in parent if etree.QName(one).localname == "IncludedCustomsNote"]
        for one in reversed(notes):
            parent.insert(0, one)

    assert etree.tostring(root) != etree.tostring(etree.fromstring(HOUSE))
    assert only(etree.tostring(root)) == only(HOUSE)


@pytest.mark.parametrize("name", ["MessageHeaderDocument", "BusinessHeaderDocument", "MasterConsignment"])
def test_what_stands_once_in_a_message_and_comes_twice_is_an_error(name: str) -> None:
    root = etree.fromstring(HOUSE)
    again = next(root.iter(f"{{*}}{name}"))
    root.append(copy.deepcopy(again))

    assert ("FLD-05", "") in codes(etree.tostring(root))


def test_pounds_are_reckoned_into_kilograms() -> None:
    assert only(HOUSE).gross_mass == Decimal("1.133981")


def test_of_a_charge_paid_here_and_nought_paid_there_the_charge_counts() -> None:
    assert only(HOUSE).freight == Money(Decimal("88.50"), "CNY")


def test_a_customs_note_is_a_statement_and_a_traders_number_that_of_the_party() -> None:
    record = only(HOUSE)
    numbers = {party.role: party.id for party in record.parties}

    assert Statement(type="OCI", code="US/CUS/AH", text="S") in record.statements
    assert numbers["consignor"] == "CN0000000001"
    assert numbers["notify"] == "AG0000000001"
    assert not [one for one in record.statements if (one.code or "").endswith("/T")]


def test_a_traders_number_of_another_country_stays_a_note() -> None:
    record = only(HOUSE.replace(b"<ram:CountryID>CN</ram:CountryID>\n      </ram:IncludedCustomsNote>",
                                b"<ram:CountryID>HK</ram:CountryID>\n      </ram:IncludedCustomsNote>"))  # fmt: skip

    assert next(party for party in record.parties if party.role == "consignor").id is None
    assert Statement(type="OCI", code="HK/SHP/T", text="CN0000000001") in record.statements


def test_a_traders_number_finds_its_party_though_the_first_of_two_addresses_says_no_country() -> None:
    empty = b"<ram:PostalStructuredAddress><ram:CountryID> </ram:CountryID></ram:PostalStructuredAddress>"
    record = only(HOUSE.replace(b"<ram:PostalStructuredAddress>", empty + b"<ram:PostalStructuredAddress>", 1))

    assert record == only(HOUSE)


def test_a_note_whose_subject_has_an_oblique_is_no_code_and_is_told_as_dropped() -> None:
    reading = cargo_xml.read(HOUSE.replace(b">CUS<", b">1/2<", 1))
    record = reading.declared[0].consignment

    assert [one.code for one in record.statements if one.type == "OCI"] == [None]
    assert {"ContentCode[1]", "SubjectCode[1]", "CountryID[1]"} <= {one.rpartition("/")[2] for one in reading.dropped}
    assert only(cargo_xml.write([record])) == record


def test_an_item_of_two_commodity_codes_is_two_items() -> None:
    first, second = only(HOUSE).items

    assert (first.hs_code, second.hs_code) == ("94052190", "85395200")
    assert first.description == "Desk lamps of metal, with LED bulbs"
    assert first.equipment[0].id == "AKE12345ZZ"


def test_each_house_of_a_manifest_is_a_consignment_under_the_same_master() -> None:
    data = (SAMPLES / "house-manifest.xml").read_bytes()
    first, second = (one.consignment for one in cargo_xml.read(data, jurisdiction="US").declared)

    assert [one.house_bill for one in (first, second)] == ["SAMPLE0001", "SAMPLE0002"]
    assert {one.master_bill for one in (first, second)} == {"999-12345675"}
    assert [one.items[0].description for one in (first, second)] == ["Desk lamps", "Cotton shirts"]
    assert second.statements == (
        Statement(type="SLC", text="12"),
        Statement(type="OCI", code="US/CUS/RT", text="B2C"),
    )
    assert cargo_xml.read(data, jurisdiction="US").declared[1].anchor["/house_bill"] == (
        "/HouseManifest/MasterConsignment[1]/IncludedHouseConsignment[2]/TransportContractDocument[1]/ID[1]"
    )


def test_a_manifest_without_a_country_asks_for_one() -> None:
    data = (SAMPLES / "house-manifest.xml").read_bytes()

    assert [[finding.code for finding in one.findings] for one in cargo_xml.read(data).declared] == [["AIR-02"]] * 2


def test_a_manifest_is_written_and_read_again() -> None:
    data = (SAMPLES / "house-manifest.xml").read_bytes()
    records = [one.consignment for one in cargo_xml.read(data, jurisdiction="US").declared]
    again = cargo_xml.read(cargo_xml.write_manifest(records), jurisdiction="US")

    assert [one.consignment for one in again.declared] == records


def test_a_manifest_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        cargo_xml.write_manifest([])


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (b'unitCode="KGM">1.133', b'unitCode="STN">1.133', [("FLD-04", "/items/0/gross_mass")]),
        (b">1.133<", b">1,133<", [("FLD-01", "/items/0/gross_mass")]),
        (b">1.133<", b">-1<", [("FLD-01", "/items/0/gross_mass")]),
        (b">1.133<", "١".encode().join([b">", b"<"]), [("FLD-01", "/items/0/gross_mass")]),
        (b'currencyID="USD">120.00', b">120.00", [("FLD-03", "/invoice_total")]),
        (b"2026-11-02T08:30:00+08:00", b"2026-02-30T08:30:00Z", [("FLD-01", "/issued_at")]),
        (b">Creation<", b">Invention<", [("FLD-06", "/function")]),
        (b"<ram:ID>JFK</ram:ID>", b"<ram:ID>JFK</ram:ID><ram:ID>EWR</ram:ID>",
         [("FLD-05", "/transport/unloading_place")]),
        (b">Desk lamps and bulbs<", b">Desk\xe2\x80\xaelamps<", [("FLD-02", "/statements/1")]),
        (b"Pat Example", b"P" * 141, [("FLD-02", "/parties/2/name")]),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_a_finding_where_it_stands(
    old: bytes, new: bytes, found: list[tuple[str, str]]
) -> None:
    assert old in HOUSE
    assert codes(HOUSE.replace(old, new, 1)) == found


def test_what_has_no_field_is_named() -> None:
    reading = cargo_xml.read(HOUSE.replace(b"<ram:PieceQuantity>", b"<ram:Colour>red</ram:Colour><ram:PieceQuantity>"))

    assert [place.rpartition("/")[2] for place in reading.dropped] == ["@schemeID", "Signatory[1]", "Colour[1]"]


def test_a_waybill_without_any_number_is_an_error() -> None:
    data = HOUSE.replace(b"<ram:ID>ORDER-0001</ram:ID>", b"").replace(b"<ram:ID>SAMPLE0001</ram:ID>", b"")
    data = data.replace(b"<ram:ID>999-12345675</ram:ID>", b"")

    assert codes(data) == [("AIR-01", "/reference")]


def test_a_message_of_another_kind_is_a_finding() -> None:
    data = b'<rsm:FlightManifest xmlns:rsm="iata:flightmanifest:1" xmlns:ram="iata:datamodel:3"/>'

    assert [finding.code for finding in formats.read(data).findings] == ["AIR-03"]


@given(waybills())
@settings(max_examples=150, deadline=None)
def test_what_is_written_is_read_back(record: Consignment) -> None:
    data = cargo_xml.write([record])
    [declared] = cargo_xml.read(data).declared

    assert declared.findings == ()
    assert declared.consignment == record


def test_several_house_waybills_are_written_into_one_file() -> None:
    records = [waybill(), waybill(reference="SAMPLE0002", house_bill="SAMPLE0002")]

    assert [one.consignment for one in cargo_xml.read(cargo_xml.write(records)).declared] == records


def test_an_answer_is_a_response_that_can_be_read() -> None:
    finding = Finding(code="ACS-01", severity="error", pointer="/x", source_pointer="/HouseWaybill/X[1]", text="Wrong.")
    answers = [
        Answer(kind="rejected", id="A1", reference="SAMPLE0001", findings=(finding,)),
        Answer(kind="accepted", id="A2", reference="SAMPLE0002", mrn="26US0000000001"),
    ]
    first, second = cargo_xml.read(cargo_xml.answer(answers)).answers

    assert (first.kind, first.reference, first.errors[0].code) == ("rejected", "SAMPLE0001", "ACS-01")
    assert first.errors[0].pointer == "/HouseWaybill/X[1]"
    assert (second.kind, second.mrn) == ("accepted", "26US0000000001")


def test_a_waybill_to_the_united_states_without_the_shippers_name_is_sent_back_before_loading() -> None:
    data = HOUSE.replace(b"<ram:Name>Example Trading Ltd</ram:Name>", b"")
    messages = [Message(source=name, data=one) for name, one in (("sound", HOUSE), ("nameless", data))]
    sound, nameless = clear_messages(messages, law=load(), past=Past(), on=date(2026, 11, 2))
    [answer] = cargo_xml.read(nameless.answers).answers

    assert sound.consignments[0].cleared.decision.control == "accepted"
    assert nameless.consignments[0].cleared.decision.control == "not_accepted"
    assert [error.code for error in answer.errors if error.code.startswith("ACS")] == ["ACS-01"]


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here (../shared/data/messages/iata-cargo-xml)")
def test_every_waybill_of_the_corpus_is_read_whole() -> None:
    for path in sorted(CORPUS.glob("*.xml")):
        root = etree.parse(str(path)).getroot()
        names = [etree.QName(one).localname for one in root.iter() if isinstance(one.tag, str)]
        notes = names.count("IncludedCustomsNote")
        houses = names.count("IncludedHouseConsignment") or names.count("MasterConsignment")
        items = names.count("IncludedHouseConsignmentItem") or names.count("IncludedMasterConsignmentItem")
        hs_codes = [
            one.text for one in root.iter("{*}TypeCode")
            if etree.QName(one.getparent()).localname.endswith("ConsignmentItem")
        ]  # fmt: skip
        reading = formats.read(path.read_bytes())
        records = [one.consignment for one in reading.declared]
        told = sum(1 for one in records for note in one.statements if note.type == "OCI")
        numbered = sum(1 for one in records for party in one.parties if party.role != "submitter" and party.id)

        assert len(records) == houses, path.name
        assert sum(len(one.items) for one in records) == items, path.name
        assert [item.hs_code for one in records for item in one.items if item.hs_code] == hs_codes, path.name
        assert told + numbered == notes, path.name
        assert [finding for one in reading.declared for finding in one.findings] == [], path.name
        assert [one.consignment for one in cargo_xml.read(cargo_xml.write(records)).declared] == records, path.name


def test_a_name_in_any_script_stays_as_it_is() -> None:
    for name in ("Тест", "مثال", "示例", "ตัวอย่าง", "ምሳሌ"):
        parties = tuple(msgspec.structs.replace(one, name=name) for one in waybill().parties)

        assert [one.name for one in only(cargo_xml.write([waybill(parties=parties)])).parties] == [name, name]

"""Waybills and shipments as ONE Record JSON-LD."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies import amounts, decimals, texts
from tidewaiter import formats
from tidewaiter.formats import one_record
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment, GoodsItem, Statement, Transport
from tidewaiter.model.finding import Finding
from tidewaiter.model.money import Money
from waybills import NOTE_CODES, names, party, some

SAMPLE = Path(one_record.__file__).parent / "samples" / "house-waybill-graph.json"
CORPUS = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "messages" / "iata-one-record"
ID = "https://1r.example.com/logistics-objects/"


def graph() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(SAMPLE.read_text())
    return made


def read(tree: Any) -> formats.Reading:
    return one_record.read(json.dumps(tree).encode())


def codes(tree: Any) -> list[tuple[str, str]]:
    [declared] = read(tree).declared
    return [(finding.code, finding.source_pointer) for finding in declared.findings]


def test_a_house_waybill_and_all_it_refers_to_is_a_consignment() -> None:
    [declared] = read(graph()).declared
    record = declared.consignment
    parties = {party.role: party for party in record.parties}

    assert declared.findings == ()
    assert (record.direction, record.jurisdiction) == ("entry", "US")
    assert (record.house_bill, record.master_bill) == ("SAMPLE0001", "999-12345675")
    assert record.invoice_total == Money(Decimal("120.00"), "USD")
    assert (record.gross_mass, record.package_count) == (Decimal("2.5"), 2)
    assert parties["consignor"].street == "1 Example Road Building 2"
    assert parties["consignor"].id == "CN0000000001"
    assert parties["consignee"].phone == "10000000000"
    assert record.statements == (Statement(type="OCI", code="US/CUS/AH", text="S"),)
    assert [(item.description, item.hs_code) for item in record.items] == [
        ("Desk lamps of metal", "940521"), (None, "853952"), ("Cotton shirts", None),
    ]  # fmt: skip


def test_places_point_to_where_the_value_stands_in_the_graph() -> None:
    [declared] = read(graph()).declared

    assert declared.anchor["/items/2/description"] == "/@graph/4/cargo:goodsDescription"
    assert declared.anchor["/items/1/hs_code"] == "/@graph/6/cargo:hsCode/@id"
    assert one_record.source_pointer(declared, "/items/0/gross_mass") == "/@graph/3"


def test_what_is_referred_to_and_not_there_is_a_finding_and_is_not_fetched() -> None:
    tree = graph()
    del tree["@graph"][4]

    assert codes(tree) == [("ONE-01", "/@graph/2/cargo:pieces/1/@id")]
    assert read(tree).declared[0].consignment.package_count == 1


def test_the_same_objects_put_in_place_are_the_same_consignment() -> None:
    tree = graph()
    by_id = {one["@id"]: one for one in tree["@graph"]}
    house, shipment = by_id[f"{ID}house"], by_id[f"{ID}shipment"]
    for piece in (f"{ID}piece-1", f"{ID}piece-2"):
        by_id[piece]["cargo:contentProducts"] = [
            by_id[one["@id"]] for one in by_id[piece].get("cargo:contentProducts", [])
        ]
    shipment["cargo:pieces"] = [by_id[one["@id"]] for one in shipment["cargo:pieces"]]
    del shipment["cargo:waybill"]
    house["cargo:shipment"] = shipment
    house["cargo:masterWaybill"] = {key: by_id[f"{ID}master"][key] for key in (
        "@type", "cargo:waybillPrefix", "cargo:waybillNumber", "cargo:waybillType"
    )}  # fmt: skip
    embedded = {"@context": tree["@context"], **house}

    assert read(embedded).declared[0].consignment == read(graph()).declared[0].consignment


@pytest.mark.parametrize("said", [{}, {"cargo:hsCode": {"@id": "x#610910"}}])
def test_a_piece_of_which_little_is_known_is_a_piece_all_the_same(said: dict[str, Any]) -> None:
    tree = graph()
    tree["@graph"][5]["cargo:unknown"] = tree["@graph"][5].pop("cargo:hsCode")
    tree["@graph"][4] = {"@id": f"{ID}piece-2", "@type": "cargo:Piece", "cargo:unknown": "x",
                         "cargo:contentProducts": {"@type": "cargo:Product", **said}}  # fmt: skip
    record = read(tree).declared[0].consignment

    assert (record.package_count, len(record.items), record.items[0].hs_code) == (2, 3, None)
    assert one_record.read(one_record.write([record])).declared[0].consignment == record


@pytest.mark.parametrize("type", [None, True, {}, [None, 7]])
def test_an_object_whose_type_is_none_is_of_no_type(type: object) -> None:
    tree = graph()
    tree["@graph"].append({"@type": type, "cargo:code": "x"})

    assert read(tree).declared[0].consignment == read(graph()).declared[0].consignment


@pytest.mark.parametrize("prefix", ["½", "1.2", "AB"])
def test_a_master_bill_of_whatever_form_is_not_taken_for_that_of_the_house(prefix: str) -> None:
    text = json.dumps(graph()).replace('"999"', json.dumps(prefix))
    record = read(json.loads(text)).declared[0].consignment

    assert record.master_bill == f"{prefix}-12345675"
    assert one_record.read(one_record.write([record])).declared[0].consignment == record


def test_items_in_a_piece_are_goods_items() -> None:
    tree = graph()
    tree["@graph"][4]["cargo:containedItems"] = [
        {"@type": "cargo:Item", "cargo:describedByProduct": {"@type": "cargo:Product", "cargo:description": words,
                                                             "cargo:hsCode": code}}
        for words, code in (("Shirt, white", "620520"), ("Shirt, blue", "610510"))
    ]  # fmt: skip
    items = read(tree).declared[0].consignment.items

    assert [(item.description, item.hs_code) for item in items[2:]] == [
        ("Shirt, white", "620520"), ("Shirt, blue", "610510"),
    ]  # fmt: skip
    record = read(tree).declared[0].consignment
    assert one_record.read(one_record.write([record])).declared[0].consignment == record


def test_an_air_waybill_without_houses_is_a_consignment_of_its_own() -> None:
    tree = {"@context": {}, "@type": "cargo:Waybill", "cargo:waybillPrefix": "999", "cargo:waybillNumber": "12345675"}
    record = read(tree).declared[0].consignment

    assert (record.reference, record.house_bill, record.master_bill) == ("999-12345675", None, "999-12345675")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"cargo:numericalValue": "2,5"}, "FLD-01"),
        ({"cargo:unit": {"@id": "https://vocabulary.uncefact.org/UnitMeasureCode#STN"}}, "FLD-04"),
        ({"cargo:numericalValue": -1}, "FLD-01"),
    ],
)
def test_a_value_that_does_not_fit_is_a_finding(change: dict[str, Any], found: str) -> None:
    tree = graph()
    tree["@graph"][2]["cargo:totalGrossWeight"].update(change)

    assert codes(tree) == [(found, "/@graph/2/cargo:totalGrossWeight/cargo:numericalValue")]


def test_a_name_given_twice_is_refused() -> None:
    data = SAMPLE.read_bytes().replace(
        b'"cargo:waybillPrefix": "999"', b'"cargo:waybillPrefix": "1", "cargo:waybillPrefix": "999"'
    )
    [declared] = one_record.read(data).declared

    assert [finding.code for finding in declared.findings] == ["JSN-06"]


@pytest.mark.parametrize(
    "data", [b'{"@type": "cargo:Waybill",}', b'{"cargo:x": NaN}', b"[" * 5_000, b'{"a": "\xff"}', b"{}", b"null", b"[]"]
)
def test_what_is_no_message_is_a_finding(data: bytes) -> None:
    reading = one_record.read(data)

    assert reading.declared == ()
    assert reading.findings


@pytest.mark.parametrize("times", [2, 10])
def test_objects_that_multiply_by_reference_are_refused_in_time(times: int) -> None:
    levels = [
        {"@id": f"x:{n}", "@type": "cargo:Piece", "cargo:containedPieces": [{"@id": f"x:{n + 1}"}] * times}
        for n in range(30)
    ]
    shipment = {"@id": "x:s", "@type": "cargo:Shipment", "cargo:pieces": [{"@id": "x:0"}]}
    tree = {"@context": {"cargo": "https://onerecord.iata.org/ns/cargo#"}, "@graph": [shipment, *levels]}
    started = time.process_time()
    [declared] = read(tree).declared

    assert "ONE-02" in {finding.code for finding in declared.findings}
    assert time.process_time() - started < 1.0  # some hundredths; it took sixteen seconds once


def test_what_many_waybills_share_is_put_into_each() -> None:
    company = {"@id": "x:party", "@type": "cargo:Company", "cargo:name": "Example Trading Ltd"}
    parties = [
        {"@type": "cargo:Party", "cargo:partyRole": {"@id": f"x:r#{role}"}, "cargo:partyDetails": {"@id": "x:party"}}
        for role in ("SHP", "CNE", "AGT", "NFY")
    ]
    waybills = [
        {"@id": f"x:{n}", "@type": "cargo:Waybill", "cargo:waybillNumber": f"H{n}", "cargo:involvedParties": parties}
        for n in range(1_000)
    ]
    context = {"cargo": "https://onerecord.iata.org/ns/cargo#"}
    declared = read({"@context": context, "@graph": [company, *waybills]}).declared

    assert len(declared) == 1_000
    assert not any(finding.code == "ONE-02" for one in declared for finding in one.findings)


@st.composite
def waybills(draw: st.DrawFn) -> Consignment:
    parties = tuple(draw(party(role)) for role in ("consignor", "consignee", "representative", "notify"))
    notes = st.lists(st.builds(Statement, type=st.just("OCI"), code=NOTE_CODES, text=texts()), max_size=2)
    handled = st.lists(st.builds(Statement, type=st.just("SPH"), code=st.sampled_from(("NSC", "ELI"))), max_size=2)
    items = tuple(
        GoodsItem(description=draw(names()), statements=(*draw(handled), *draw(notes)), **draw(some(
            hs_code=st.sampled_from(("610910", "9405219000")), gross_mass=decimals(), origin_country=st.just("CN"),
        )))
        for _ in range(draw(st.integers(0, 3)))
    )  # fmt: skip
    summary = [Statement(type="SUM", text=draw(names()))] if draw(st.booleans()) else []
    instructions = draw(st.lists(st.builds(Statement, type=st.just("OSI"), text=names()), max_size=2))
    number = draw(texts())
    return Consignment(
        reference=number, house_bill=number, jurisdiction=parties[1].country or "", direction="entry",
        parties=parties, package_count=len(items) or None, items=items,
        statements=(*summary, *instructions, *draw(notes)),
        transport=Transport(border_mode="4", **draw(some(loading_place=texts(), unloading_place=texts()))),
        **draw(some(master_bill=st.just("999-12345675"), gross_mass=decimals(), invoice_total=amounts())),
    )  # fmt: skip


@given(waybills())
@settings(max_examples=100, deadline=None)
def test_what_is_written_is_read_back(record: Consignment) -> None:
    [declared] = one_record.read(one_record.write([record])).declared

    assert declared.findings == ()
    assert declared.consignment == record


def test_a_shipment_without_a_waybill_keeps_its_reference() -> None:
    record = msgspec.structs.replace(
        read(graph()).declared[0].consignment, house_bill=None, master_bill=None, reference="SHIPMENT-1",
        invoice_total=None, transport=Transport(border_mode="4"),
    )  # fmt: skip

    assert one_record.read(one_record.write([record])).declared[0].consignment == record


def test_an_answer_is_an_error_that_can_be_read() -> None:
    finding = Finding(code="ACS-01", severity="error", pointer="/parties", source_pointer="/@graph/2", text="Wrong.")
    data = one_record.answer([Answer(kind="rejected", id="A1", reference="SAMPLE0001", findings=(finding,))])
    [answer] = formats.read(data).answers

    assert (answer.kind, answer.reference) == ("rejected", "SAMPLE0001")
    assert (answer.errors[0].code, answer.errors[0].pointer) == ("ACS-01", "/@graph/2")


def types(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["@type"]] if isinstance(value.get("@type"), str) and set(value) - {"@id", "@type"} else []
        return own + [one for inside in value.values() for one in types(inside)]
    return [one for inside in value for one in types(inside)] if isinstance(value, list) else []


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here (../shared/data/messages/iata-one-record)")
def test_every_example_of_the_standard_is_read_into_what_it_holds() -> None:
    held = 0
    for path in sorted((CORPUS / "examples").glob("*.json")):
        found = types(json.loads(path.read_text(encoding="utf-8-sig")))
        reading = formats.read(path.read_bytes())
        held += len(reading.declared)

        assert reading.format == "one_record", path.name
        assert len(reading.declared) == found.count("cargo:Shipment") + found.count("cargo:Waybill"), path.name
        assert len(reading.answers) == found.count("api:Error"), path.name
        assert sum(len(one.consignment.items) for one in reading.declared) == (
            found.count("cargo:Piece") if reading.declared else 0
        ), path.name

    assert held == 3


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here (../shared/data/messages/iata-one-record)")
def test_the_example_that_is_no_sound_json_is_refused_where_it_breaks_and_read_once_mended() -> None:
    data = (CORPUS / "orchestration" / "CIMP-Example1.json").read_bytes()
    with pytest.raises(json.JSONDecodeError) as stop:
        json.loads(data)
    [finding] = formats.read(data).findings

    assert (finding.code, f"line {stop.value.lineno}, column {stop.value.colno}" in finding.text) == ("JSN-01", True)

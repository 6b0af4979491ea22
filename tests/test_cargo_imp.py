"""House manifests and air waybills as CARGO-IMP, whole and damaged."""

from __future__ import annotations

import re
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewaiter import formats
from tidewaiter.formats import cargo_imp
from tidewaiter.formats.cargo_imp.lines import LINE_MAX
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment, GoodsItem, Packaging, Party, Statement, Transport
from tidewaiter.model.finding import Finding
from tidewaiter.model.money import Money
from waybills import some

SAMPLES = Path(cargo_imp.__file__).parent / "samples"
CORPUS = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "messages"
HOUSES = (SAMPLES / "house-manifest-5.imp").read_text()
WAYBILL = (SAMPLES / "air-waybill-16.imp").read_text()
HEAD = "FHL/5\nMBI/999-12345675PVGJFK/T1K2.5\nHBS/SAMPLE0001/PVGJFK/1/K2.5//LAMPS\n"
CONSIGNEE = "CNE\nNAM/PAT EXAMPLE\nADR/2 SAMPLE STREET\nLOC/EXAMPLEVILLE/NY\n/US/00000\n"


def records(text: str) -> list[Consignment]:
    return [one.consignment for one in cargo_imp.read(text.encode()).declared]


def codes(text: str) -> list[str]:
    [declared] = cargo_imp.read(text.encode()).declared
    return [finding.code for finding in declared.findings]


def test_each_house_is_a_consignment_told_before_loading() -> None:
    first, second = records(HOUSES)
    parties = {party.role: party for party in first.parties}

    assert (first.direction, first.jurisdiction) == ("entry", "US")
    assert (first.house_bill, first.master_bill) == ("SAMPLE0001", "999-12345675")
    assert (second.house_bill, second.master_bill) == ("SAMPLE0002", "999-12345675")
    assert (first.gross_mass, first.package_count) == (Decimal("2.5"), 1)
    assert first.invoice_total == Money(Decimal("120.00"), "USD")
    assert second.invoice_total is None
    assert parties["consignor"].id == "CN0000000001"
    assert (parties["consignee"].region, parties["consignee"].postcode) == ("NY", "00000")
    assert second.items == (GoodsItem(description="COTTON SHIRTS"),)


def test_a_text_goes_before_the_short_description_and_each_code_is_an_item() -> None:
    first = records(HOUSES)[0]

    assert [(item.description, item.hs_code) for item in first.items] == [
        ("DESK LAMPS OF METAL WITH LED BULBS AND SPARE BULBS", "940521"),
        (None, "853952"),
    ]


def test_an_air_waybill_is_a_consignment() -> None:
    [record] = records(WAYBILL)

    assert (record.house_bill, record.master_bill) == (None, "999-12345675")
    assert record.transport == Transport(
        border_mode="4", conveyance="ZZ8400", loading_place="FRA", unloading_place="JFK"
    )
    assert record.items[0].description == "ELECTRICAL LAMPS"
    assert [item.hs_code for item in record.items] == ["940521", "853952"]
    assert record.items[0].equipment[0].id == "AKE12345ZZ"
    assert [party.role for party in record.parties] == ["consignor", "consignee", "representative"]
    assert Statement(type="OCI", code="//ED", text="1299") in record.statements
    assert record.declaration_place == "FRANKFURT"


def damaged(text: str, length: int) -> str:
    whole = text.replace("\n", "")
    return "\n".join(whole[start : start + length] for start in range(0, len(whole), length))


@pytest.mark.parametrize("length", [LINE_MAX, 10_000])
def test_lines_that_have_run_together_are_told_apart_with_a_warning(length: int) -> None:
    house = HEAD.replace("\n", "") + "TXT/DESK LAMPS OF METALHTS/940521OCI/CN/SHP/T/CN1/US/CUS/AH/S"
    text = house + "SHP/EXAMPLE TRADING/1 EXAMPLE ROAD/SAMPLETOWN/CN/000000/TE/86000CNE/PAT EXAMPLE/2 SAMPLE STREET"
    text += "/EXAMPLEVILLE/NY/US/00000CVD/USD/PP/NVD/120.00/XXX"
    [record] = records(damaged(text, length))
    consignor, consignee = record.parties

    assert codes(damaged(text, length)) == ["CIM-03"]
    assert (consignor.id, consignor.country, consignor.phone) == ("CN1", "CN", "86000")
    assert (consignee.city, consignee.region, consignee.country) == ("EXAMPLEVILLE", "NY", "US")
    assert record.items == (GoodsItem(description="DESK LAMPS OF METAL", hs_code="940521"),)
    assert record.invoice_total == Money(Decimal("120.00"), "USD")


@given(st.integers(LINE_MAX, LINE_MAX + 40))
@settings(max_examples=30, deadline=None)
def test_wherever_lines_are_broken_the_same_is_read(length: int) -> None:
    text = HEAD + "OCI/CN/SHP/CP/SAM SAMPLE\n" + CONSIGNEE

    assert records(damaged(text, length)) == records(text)


def test_several_messages_run_together_are_several_consignments() -> None:
    one = HEAD + CONSIGNEE
    two = one.replace("SAMPLE0001", "SAMPLE0002")

    assert [r.house_bill for r in records(one + two)] == ["SAMPLE0001", "SAMPLE0002"]
    assert [r.house_bill for r in records((one + two).replace("\n", ""))] == ["SAMPLE0001", "SAMPLE0002"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("", []),
        ("OCI/US/CUS/AH/S", []),
        ("OCI/USA/CUS/AH/S", ["CIM-07"]),
        ("OCI/US/CUS/AH/", ["CIM-07"]),
        ("OCI/US/CUST/AH/S", ["CIM-07"]),
        ("TXT/lamps", ["CIM-01"]),
        ("TXT/LÅMPS", ["CIM-08"]),
        ("TXT/lÅmps", ["CIM-08"]),
        ("NFY/SAM SAMPLE", ["CIM-05"]),
        ("RTD/1/P6/K120.0", ["CIM-05"]),
        ("SHP\nNAM/EXAMPLE TRADING\nSHP\nNAM/EXAMPLE SHOP", ["FLD-05"]),
        ("TXT/" + "LAMP " * 15, ["CIM-02"]),
        ("TXT/" + "L" * 65, []),
        ("TXT/" + "L" * 66, ["CIM-02", "CIM-04"]),
        ("SHP\nNAM/" + "N" * 36, ["CIM-04"]),
        ("CVD/USD", ["CIM-04"]),
        ("CVD/US1/PP/NVD/120.00/XXX", ["FLD-03"]),
        ("CVD/USD/PP/NVD/120,00/XXX", ["CIM-08", "FLD-01"]),
    ],
)
def test_a_line_that_is_not_of_its_form_is_a_finding(line: str, found: list[str]) -> None:
    assert codes(HEAD + (line + "\n" if line else "") + CONSIGNEE) == found


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("PVGJFK/1/K2.5", "PVG/1/K2.5", ["CIM-04"]),
        ("PVGJFK/1/K2.5", "PVGJFK/1/X2.5", ["CIM-04"]),
        ("MBI/999-12345675PVGJFK", "MBI/99-12345675PVGJFK", ["CIM-04"]),
        ("FHL/5", "FHL/9", ["CIM-06"]),
        ("HBS/SAMPLE0001", "HBS/", ["CIM-04", "AIR-01"]),
        ("HBS/SAMPLE0001/", "HBS//", ["CIM-04"]),
    ],
)
def test_what_is_wrong_with_the_house_is_a_finding(old: str, new: str, found: list[str]) -> None:
    text = (HEAD + CONSIGNEE).replace(old, new)
    if "AIR-01" in found:
        text = text.replace("MBI/999-12345675PVGJFK/T1K2.5\n", "")

    assert codes(text) == found


def test_a_manifest_without_a_house_is_an_error() -> None:
    assert codes("FHL/5\nMBI/999-12345675PVGJFK/T1K2.5\n" + CONSIGNEE) == ["CIM-04"]


def test_a_line_of_rates_that_names_no_goods_is_no_item() -> None:
    [record] = records(WAYBILL.replace("PPD/", "RTD\nPPD/", 1))

    assert record.items == records(WAYBILL)[0].items


def test_blanks_in_a_row_are_one_blank() -> None:
    [record] = records(HEAD + "TXT/LAMPS   FOR DESKS\n" + CONSIGNEE)

    assert record.items[0].description == "LAMPS FOR DESKS"


def test_small_letters_are_read_as_capitals() -> None:
    assert records(HEAD + "TXT/desk lamps\n" + CONSIGNEE) == records(HEAD + "TXT/DESK LAMPS\n" + CONSIGNEE)


def test_bytes_that_are_no_text_are_an_error() -> None:
    [declared] = cargo_imp.read((HEAD + "TXT/LÅMPS\n" + CONSIGNEE).encode("latin-1")).declared

    assert {(one.code, one.severity) for one in declared.findings} == {("CIM-08", "error")}


def test_an_error_after_many_warnings_is_told() -> None:
    found = codes(HEAD + "TXT/lamps\n" + "/lamps\n" * 300 + "/LÅMPS\n" + CONSIGNEE)

    assert (found.count("CIM-01"), found.count("CIM-08")) == (200, 1)


def test_the_first_of_two_parties_in_a_role_is_read() -> None:
    [declared] = cargo_imp.read((HEAD + "SHP\nNAM/FIRST\nSHP\nNAM/SECOND\n" + CONSIGNEE).encode()).declared

    assert [one.name for one in declared.consignment.parties if one.role == "consignor"] == ["FIRST"]


def test_a_short_description_beside_a_text_is_short() -> None:
    text = HEAD + "TXT/SHIRTS\n" + CONSIGNEE
    short = re.sub("(?m)(HBS/.*)/[^/\n]*$", r"\1/LAMPS OF METAL", text)
    long = re.sub("(?m)(HBS/.*)/[^/\n]*$", r"\1/LAMPS OF METAL AND GLASS", text)

    assert (codes(short), codes(long)) == ([], ["CIM-04"])


def test_a_weight_in_pounds_is_reckoned() -> None:
    assert records((HEAD + CONSIGNEE).replace("/K2.5/", "/L2.5/"))[0].gross_mass == Decimal("1.133981")


def test_a_traders_number_without_the_number_is_no_exception() -> None:
    assert codes(HEAD + "OCI/US/CNE/T/\n" + CONSIGNEE) == ["CIM-07"]


def test_what_follows_an_agent_is_none_of_his_address() -> None:
    reading = cargo_imp.read(WAYBILL.replace("\nSSR/", "\nADR/1 SAMPLE STREET\nSSR/").encode())
    [agent] = [party for party in reading.declared[0].consignment.parties if party.role == "representative"]

    assert agent.street is None
    assert any(" ADR" in place for place in reading.dropped)


def test_an_accounting_code_without_words_is_written_and_read_back() -> None:
    [record] = records(WAYBILL)
    [told] = records(
        cargo_imp.write([msgspec.structs.replace(record, statements=(Statement(type="ACC", code="XXX"),))]).decode()
    )

    assert told.statements == (Statement(type="ACC", code="XXX"),)


def test_a_thousand_notes_are_read_in_time() -> None:
    notes = "OCI" + "".join(f"/US/CNE/T/TH{number}\n" for number in range(4_000))
    started = time.process_time()
    cargo_imp.read((HEAD + notes + CONSIGNEE).encode())

    assert time.process_time() - started < 3


def test_places_are_message_line_and_element() -> None:
    [declared] = cargo_imp.read((HEAD + CONSIGNEE).encode()).declared

    assert declared.anchor["/house_bill"] == "message 1 FHL, line 3 HBS, element 1"
    assert cargo_imp.source_pointer(declared, "/parties/0/country") == "message 1 FHL, line 8, element 1"


def test_what_has_no_field_is_named() -> None:
    reading = cargo_imp.read((HEAD + "CVD/USD/PP/100/NCV/50\n" + CONSIGNEE).encode())

    assert [place.partition(", ")[2] for place in reading.dropped] == [
        "line 2 MBI, element 1", "line 2 MBI, element 2", "line 4 CVD, element 3", "line 4 CVD, element 5",
        "line 4 CVD, element 2",
    ]  # fmt: skip


def test_a_message_without_a_waybill_is_a_finding() -> None:
    assert [finding.code for finding in cargo_imp.read(b"FSU/12\n020-12345675FRAJFK/T1K1\n").findings] == ["AIR-03"]


WORDS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=12)


def party(role: str) -> st.SearchStrategy[Party]:
    fields = some(
        id=WORDS, street=WORDS, city=WORDS, region=st.sampled_from(("NY", "BKK")), postcode=WORDS, phone=WORDS
    )
    return st.builds(
        lambda name, country, more: Party(role=role, name=name, country=country, **more),  # type: ignore[arg-type]
        st.lists(WORDS, min_size=1, max_size=6).map(" ".join),
        st.sampled_from(("US", "CN", "DE")),
        fields,
    )


@st.composite
def houses(draw: st.DrawFn) -> Consignment:
    text = draw(st.lists(WORDS, min_size=1, max_size=12).map(" ".join))
    first = GoodsItem(description=text, hs_code=draw(st.sampled_from(("610910", "9405219000"))))
    rest = draw(st.lists(st.builds(GoodsItem, hs_code=st.sampled_from(("610910", "853952"))), max_size=3))
    notes = [Statement(type="OCI", code=code, text=draw(WORDS)) for code in draw(
        st.lists(st.sampled_from(("US/CUS/AH", "US//FT", "//ED", "KR/SHP/CP")), max_size=3)
    )]  # fmt: skip
    handled = [
        Statement(type="SPH", code=code) for code in draw(st.lists(st.sampled_from(("NSC", "ELI")), max_size=12))
    ]
    parties = (draw(party("consignor")), draw(party("consignee")))
    number = draw(WORDS)
    mass = Decimal(draw(st.integers(1, 9_999_999))).scaleb(-3)
    more: dict[str, Any] = draw(
        some(invoice_total=st.builds(Money, st.integers(0, 10**6).map(Decimal), st.just("USD")))
    )
    return Consignment(
        reference=number, house_bill=number, master_bill="999-12345675", direction="entry",
        jurisdiction=parties[1].country or "", parties=parties, package_count=draw(st.integers(0, 9_999)),
        gross_mass=mass, transport=Transport(border_mode="4", loading_place="PVG", unloading_place="JFK"),
        statements=(*handled, *notes), items=(first, *rest), **more,
    )  # fmt: skip


@given(houses())
@settings(max_examples=150, deadline=None)
def test_what_is_written_is_read_back_in_lines_of_the_right_length(record: Consignment) -> None:
    data = cargo_imp.write([record])
    [declared] = cargo_imp.read(data).declared

    assert declared.findings == ()
    assert declared.consignment == record
    assert max(len(line) for line in data.decode("ascii").splitlines()) <= LINE_MAX


def test_items_of_a_waybill_are_written_and_read_back() -> None:
    items = (
        GoodsItem(description="LAMPS OF METAL WITH LED BULBS", hs_code="940521", gross_mass=Decimal("2.5"),
                  packages=(Packaging(quantity=2),)),
        GoodsItem(hs_code="853952"),
        GoodsItem(description="SHIRTS", gross_mass=Decimal(1)),
    )  # fmt: skip
    record = msgspec.structs.replace(records(WAYBILL)[0], items=items)

    assert records(cargo_imp.write([record]).decode()) == [record]


def test_a_short_description_with_a_word_that_no_line_can_carry_on_is_not_of_its_form() -> None:
    word = "A" * 66

    assert codes(HEAD.replace("LAMPS", "BRIGHT LAMPS OF METAL") + CONSIGNEE) == []
    assert set(codes(HEAD.replace("LAMPS", word) + CONSIGNEE)) == {"CIM-02", "CIM-04"}


def test_accents_are_lost_and_other_letters_are_blanks() -> None:
    record = msgspec.structs.replace(records(HEAD + CONSIGNEE)[0], items=(GoodsItem(description="Lámpara 灯 (LED)"),))

    assert records(cargo_imp.write([record]).decode())[0].items[0].description == "LAMPARA LED"


def test_an_answer_is_an_acknowledgement_or_a_refusal_that_can_be_read() -> None:
    finding = Finding(
        code="ACS-01", severity="error", pointer="/x", text="The shipper has no name and no address at all."
    )
    answers = [
        Answer(kind="do_not_load", id="A1", reference="SAMPLE0001", findings=(finding,)),
        Answer(kind="accepted", id="A2", reference="SAMPLE0002", mrn="26US0000000001"),
    ]
    data = cargo_imp.answer(answers)
    first, second = formats.read(data).answers

    assert data.startswith(b"FNA\r\nACK/DO NOT LOAD\r\n")
    assert (first.kind, first.reference, first.errors[0].code) == ("do_not_load", "SAMPLE0001", "ACS-01")
    assert (second.kind, second.mrn) == ("accepted", "26US0000000001")


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here (../shared/data/messages)")
def test_the_waybill_of_the_corpus_is_read_without_the_dots_where_lines_were_left_out() -> None:
    text = (CORPUS / "iata-one-record" / "orchestration" / "FWB-Example1.txt").read_text().replace("...\n", "")
    graph = (CORPUS / "iata-one-record" / "orchestration" / "CIMP-Example1.json").read_text()  # itself no sound JSON
    hs_codes = re.findall("HSCode#([0-9]+)", graph)
    [declared] = cargo_imp.read(text.encode(), jurisdiction="US").declared
    record = declared.consignment

    assert [item.hs_code for item in record.items] == hs_codes
    assert record.items[0].description == "ELECTRICALS NOT RESTRICTED"
    assert (record.package_count, record.gross_mass) == (6, Decimal("120.0"))
    assert declared.findings == ()


def test_goods_may_be_called_as_an_answer_is() -> None:
    called = HOUSES.replace(HOUSES[HOUSES.index("HBS/") :].split("\n")[0].rpartition("/")[2], "LAMP FMA", 1)
    reading = cargo_imp.read(called.encode())

    assert not reading.answers
    assert len(reading.declared) == len(cargo_imp.read(HOUSES.encode()).declared)

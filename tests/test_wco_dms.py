"""The WCO DMS format: what is read into which field, what is derived, and how our places are told in theirs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

import make
import strategies
from tidewaiter.formats import wco_dms
from tidewaiter.formats.reading import Declared
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Consignment, Document, Statement, TaxLine
from tidewaiter.model.money import Money

SAMPLES = Path(wco_dms.__file__).parent / "samples"
SPACE = 'xmlns="urn:wco:datamodel:WCO:DEC-DMS:2"'


def read(name: str) -> Declared:
    [declared] = wco_dms.read((SAMPLES / name).read_bytes()).declared
    return declared


def declared_in(
    inside: str = "",
    *,
    item: str = "",
    shipment: str = "",
    function: str = "9",
    type: str = "IMA",
    reference: str = "A1",
    jurisdiction: str | None = "GB",
) -> Declared:
    """What is read of a declaration with these elements in it, in its one item, in its shipment."""
    item = f"<SequenceNumeric>1</SequenceNumeric>{item}"
    text = (
        f"<Declaration {SPACE}><FunctionCode>{function}</FunctionCode>"
        f"<FunctionalReferenceID>{reference}</FunctionalReferenceID><TypeCode>{type}</TypeCode>{inside}<GoodsShipment>"
        f"<GovernmentAgencyGoodsItem>{item}</GovernmentAgencyGoodsItem>{shipment}</GoodsShipment></Declaration>"
    )
    [declared] = wco_dms.read(text.encode(), jurisdiction=jurisdiction).declared
    return declared


def codes(declared: Declared) -> list[str]:
    return [finding.code for finding in declared.findings]


def again(record: Consignment) -> Consignment:
    [declared] = wco_dms.read(wco_dms.write([record])).declared

    assert not [finding for finding in declared.findings if finding.severity == "error"]
    return declared.consignment


def test_a_low_value_parcel_by_post_is_read_field_by_field() -> None:
    declared = read("gb-low-value-post.xml")
    record = declared.consignment
    [shirt, mug] = record.items

    assert declared.findings == ()
    assert record.reference == "GBPOST-000201"
    assert (record.jurisdiction, record.direction, record.function) == ("GB", "import", "original")
    assert (record.channel, record.category, record.tracking_id) == ("post", "sale", "HM100002018CN")
    assert record.declared_acceptance == datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    assert record.freight == Money(Decimal("4.20"), "GBP")
    assert {party.role: (party.id, party.name, party.status) for party in record.parties} == {
        "representative": ("GB123456789000", None, "2"),
        "declarant": ("GB123456789000", None, None),
        "exporter": (None, "Example Trading Ltd", None),
        "importer": (None, "Pat Example", None),
    }
    assert record.documents == (Document(kind="previous", category="Z", type="750", id="HM100002018CN"),)
    assert shirt.customs_value == Money(Decimal("22.50"), "GBP")
    assert (shirt.hs_code, shirt.origin_country, shirt.quantity) == ("61091000", "CN", Decimal(2))
    assert (shirt.procedure, shirt.previous_procedure) == ("40", "00")
    assert shirt.additional_procedures == ("1H7", "C07")
    assert mug.packages[0].quantity == 0


def test_h7_is_the_same_message_with_its_own_few_elements() -> None:
    declared = read("fr-low-value-ioss.xml")
    record = declared.consignment

    assert declared.findings == ()
    assert (record.procedure_category, record.jurisdiction, record.declaration_office) == ("H7", "FR", "FR00677A")
    assert record.house_bill == "LD100000301"
    assert [(one.role, one.id) for one in record.fiscal_references] == [("FR5", "IM2760000001")]
    assert [(item.hs_code, item.price, item.additional_procedures) for item in record.items] == [
        ("701810", Money(Decimal("18.90"), "EUR"), ("C07", "F48")),
        ("621410", Money(Decimal("64.00"), "EUR"), ("C07", "F48")),
    ]
    assert record.declared_acceptance == datetime(2026, 3, 16, 9, 15, tzinfo=UTC)
    assert b"<IdentificationTypeCode>HS</IdentificationTypeCode>" in wco_dms.write([record])
    assert b"TransportContractDocument" in wco_dms.write([record])


def test_a_parcel_number_makes_it_post_and_c08_makes_it_a_gift() -> None:
    record = read("dk-gift.xml").consignment

    assert (record.jurisdiction, record.channel, record.category) == ("DK", "post", "gift")
    assert record.tracking_id == "CX100002035US"
    assert record.fiscal_references == ()


def test_an_ordinary_import_keeps_its_codes_taxes_and_additions() -> None:
    record = read("gb-import-with-duty.xml").consignment
    [coffee, cups] = record.items

    assert (coffee.hs_code, coffee.taric_code) == ("09012100", "00")
    assert [(code.scheme, code.code) for code in coffee.codes] == [("GN", "VATZ")]
    assert coffee.preference == "100"
    assert coffee.taxes == (TaxLine(type="A00", preference="100", method="E"), TaxLine(type="B00", method="E"))
    assert (cups.preference, cups.taxes) == ("100", ())
    assert [(one.code, one.amount) for one in record.adjustments] == [("AK", Money(Decimal("140.00"), "GBP"))]
    assert record.equipment[0].seals == ("S-0001",)
    assert record.transport is not None
    assert (record.transport.border_mode, record.transport.arrival_id) == ("1", "EXAMPLE STAR")
    assert record.channel == "other"
    assert [document.kind for document in record.documents] == ["header", "previous"]
    assert record.declared_acceptance == datetime(2026, 9, 15, 7, 15, tzinfo=UTC)


def test_a_request_amends_or_cancels_by_its_type() -> None:
    amendment, cancellation = read("gb-amendment.xml").consignment, read("gb-cancellation.xml").consignment

    assert (amendment.function, amendment.mrn) == ("amendment", "26GB0000000000042A")
    assert [change.pointer for change in amendment.changes] == ["42A[1]#146", "42A[1]/67A/68A[2]/23A/65A#128"]
    assert [item.sequence for item in amendment.items] == [2]
    assert amendment.category is None
    assert cancellation.function == "cancellation"
    assert cancellation.statements == (Statement(text="Lodged twice by mistake", type="AES", pointer="42A[1]/06A[1]"),)
    assert [change.reason for change in cancellation.changes] == ["1"]


def test_every_mistake_of_one_declaration_is_told_at_once_and_the_rest_is_read() -> None:
    declared = read("gb-with-mistakes.xml")

    assert {finding.pointer: finding.code for finding in declared.findings} == {
        "/invoice_total": "DMS-03",
        "/package_count": "DMS-01",
        "": "DMS-10",
        "/items/0/gross_mass": "DMS-07",
        "/items/0/price": "DMS-01",
        "/reference": "DMS-04",
    }
    for finding in declared.findings:
        assert finding.source_pointer
        assert "34,50" not in finding.text
    [price] = [finding for finding in declared.findings if finding.pointer == "/items/0/price"]
    assert "line 34, column 13" in price.text
    assert declared.consignment.reference == "26GB0000000000077A"
    assert declared.consignment.items[0].hs_code == "69111000"
    assert declared.consignment.items[0].price is None


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ('<A currencyID="GBP">12,50</A>', "DMS-01"), ('<A currencyID="GBP">1e3</A>', "DMS-01"),
        ('<A currencyID="GBP">NaN</A>', "DMS-01"), ('<A currencyID="GBP">1_000</A>', "DMS-01"),
        ('<A currencyID="GBP">-1</A>', "DMS-01"), ('<A currencyID="GBP">1000000000000</A>', "DMS-01"),
        ('<A currencyID="GBP">0.0000001</A>', "DMS-01"), ('<A currencyID="GBP">' + "9" * 41 + "</A>", "DMS-01"),
        ("<A>12.50</A>", "DMS-03"), ('<A currencyID="">12.50</A>', "DMS-03"),
        ('<A currencyID="POUND">12.50</A>', "DMS-02"), ('<A currencyID="GB1">12.50</A>', "DMS-02"),
    ],
)  # fmt: skip
def test_an_amount_that_is_none_is_a_finding_and_no_amount(amount: str, code: str) -> None:
    declared = declared_in(amount.replace("A>", "InvoiceAmount>").replace("<A", "<InvoiceAmount"))

    assert codes(declared) == [code]
    assert declared.consignment.invoice_total is None
    assert declared.findings[0].source_pointer == "/Declaration/InvoiceAmount"
    assert wco_dms.wco_pointer(declared, "/invoice_total") == "42A#109"


@pytest.mark.parametrize(("text", "value"), [("12.5", "12.5"), ("+12.50", "12.50"), (".5", "0.5"), ("5.", "5")])
def test_an_amount_is_read_as_it_is_written(text: str, value: str) -> None:
    declared = declared_in(f'<InvoiceAmount currencyID="gbp"> {text} </InvoiceAmount>')

    assert declared.consignment.invoice_total == Money(Decimal(value), "GBP")
    assert codes(declared) == []


@pytest.mark.parametrize(
    ("inside", "pointer"),
    [
        ("<TotalPackageQuantity>1.5</TotalPackageQuantity>", "/package_count"),
        ("<TotalPackageQuantity>-1</TotalPackageQuantity>", "/package_count"),
        ("<TotalPackageQuantity>99999999999</TotalPackageQuantity>", "/package_count"),
        ("<AcceptanceDateTime><DateTimeString>20260230</DateTimeString></AcceptanceDateTime>", "/declared_acceptance"),
        ("<AcceptanceDateTime><DateTimeString>today</DateTimeString></AcceptanceDateTime>", "/declared_acceptance"),
        ("<IssueDateTime><DateTimeString>20260229120000Z</DateTimeString></IssueDateTime>", "/issued_at"),
        ("<BorderTransportMeans><ModeCode>444</ModeCode></BorderTransportMeans>", "/transport/border_mode"),
        ("<Declarant><ID>" + "G" * 36 + "</ID></Declarant>", "/parties/0/id"),
        ("<Declarant><Address><CountryCode>GBR</CountryCode></Address></Declarant>", "/parties/0/country"),
        ("<CurrencyExchange><RateNumeric>one</RateNumeric></CurrencyExchange>", "/declared_rate"),
    ],
)  # fmt: skip
def test_a_value_its_field_cannot_hold_is_a_finding_there(inside: str, pointer: str) -> None:
    declared = declared_in(inside)

    assert [finding.pointer for finding in declared.findings] == [pointer]
    assert codes(declared)[0] in ("DMS-01", "DMS-02")
    assert again(declared.consignment).reference == "A1"
    assert Batch.of([declared.consignment]).records() == [declared.consignment]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("20261102093000Z", datetime(2026, 11, 2, 9, 30, tzinfo=UTC)),
        ("20261102093000", datetime(2026, 11, 2, 9, 30, tzinfo=UTC)),
        ("20261102093000+01", datetime(2026, 11, 2, 8, 30, tzinfo=UTC)),
        ("20261102093000-0530", datetime(2026, 11, 2, 15, 0, tzinfo=UTC)),
        ("202611020930", datetime(2026, 11, 2, 9, 30, tzinfo=UTC)),
        ("20261102", datetime(2026, 11, 2, 12, 0, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_in_any_of_the_formats_of_the_code_list(text: str, instant: datetime) -> None:
    declared = declared_in(f"<AcceptanceDateTime><DateTimeString>{text}</DateTimeString></AcceptanceDateTime>")

    assert declared.consignment.declared_acceptance == instant
    assert again(declared.consignment).declared_acceptance == instant


def test_the_zone_that_was_sent_is_kept() -> None:
    summer = timezone(timedelta(hours=1))
    record = make.consignment(declared_acceptance=datetime(2026, 7, 1, 0, 30, tzinfo=summer))

    assert b"20260701003000+01" in wco_dms.write([record])


@pytest.mark.parametrize(
    ("function", "type", "item", "expected"),
    [
        ("9", "IMA", "", ("original", "import")),
        ("9", "EXA", "", ("original", "export")),
        (
            "9",
            "COA",
            "<GovernmentProcedure><CurrentCode>40</CurrentCode></GovernmentProcedure>",
            ("original", "import"),
        ),
        (
            "9",
            "COD",
            "<GovernmentProcedure><CurrentCode>10</CurrentCode></GovernmentProcedure>",
            ("original", "export"),
        ),
        ("13", "COR", "", ("amendment", "import")),
        ("13", "GPR", "", ("amendment", "import")),
        ("13", "INV", "", ("cancellation", "import")),
        ("09", "IMA", "", ("original", "import")),
    ],
)
def test_function_and_direction_follow_from_the_codes(function: str, type: str, item: str, expected: Any) -> None:
    record = declared_in(item=item, function=function, type=type).consignment

    assert (record.function, record.direction) == expected


@pytest.mark.parametrize(("function", "taken"), [("14", "amendment"), ("7", "amendment"), ("", "original")])
def test_an_unknown_function_is_an_error_that_says_what_it_was_taken_for(function: str, taken: str) -> None:
    declared = declared_in(function=function)

    assert codes(declared) == ["DMS-05"]
    assert declared.consignment.function == taken


def test_without_a_reference_the_number_of_customs_stands_in() -> None:
    with_number = declared_in("<ID>26GB00000000000001</ID>", reference="")
    without = declared_in(reference="")

    assert (codes(with_number), with_number.consignment.reference) == (["DMS-04"], "26GB00000000000001")
    assert (codes(without), without.consignment.reference) == (["DMS-04"], "")


def test_the_country_comes_from_the_message_then_the_door_then_the_office() -> None:
    office = "<DeclarationOfficeID>DK003103</DeclarationOfficeID>"

    assert declared_in(office, jurisdiction="SE").consignment.jurisdiction == "SE"
    assert declared_in(office, jurisdiction=None).consignment.jurisdiction == "DK"
    nowhere = declared_in(jurisdiction=None)
    assert (codes(nowhere), nowhere.consignment.jurisdiction) == (["DMS-06"], "")
    [named] = wco_dms.read((SAMPLES / "gb-cancellation.xml").read_bytes(), jurisdiction="FR").declared
    assert named.consignment.jurisdiction == "GB"


def test_procedures_are_a_pair_and_then_additional_codes() -> None:
    pair = "<GovernmentProcedure><CurrentCode>40</CurrentCode><PreviousCode>71</PreviousCode></GovernmentProcedure>"
    more = "".join(
        f"<GovernmentProcedure><CurrentCode>{one}</CurrentCode></GovernmentProcedure>" for one in ("C07", "1RV")
    )
    declared = declared_in(item=pair + more)
    [item] = declared.consignment.items

    assert (item.procedure, item.previous_procedure, item.additional_procedures) == ("40", "71", ("C07", "1RV"))
    where = "/Declaration/GoodsShipment/GovernmentAgencyGoodsItem[1]/GovernmentProcedure"
    assert wco_dms.source_pointer(declared, "/items/0/additional_procedures/1") == f"{where}[3]/CurrentCode"
    assert wco_dms.wco_pointer(declared, "/items/0/previous_procedure") == "42A/67A/68A[1]/70A[1]#161"


def test_only_additional_codes_are_no_procedure() -> None:
    [item] = declared_in(
        item="<GovernmentProcedure><CurrentCode>C07</CurrentCode></GovernmentProcedure>"
    ).consignment.items

    assert (item.procedure, item.additional_procedures) == (None, ("C07",))


def test_a_preference_said_alone_is_the_items_and_no_tax() -> None:
    alone = "<Commodity><DutyTaxFee><DutyRegimeCode>300</DutyRegimeCode></DutyTaxFee>{}</Commodity>"
    taxed = "<DutyTaxFee><TypeCode>B00</TypeCode></DutyTaxFee>"
    both = "<DutyTaxFee><DutyRegimeCode>300</DutyRegimeCode><TypeCode>A00</TypeCode></DutyTaxFee>"
    plain, same = declared_in(item=alone.format(taxed)), declared_in(item=alone.format(both))

    assert plain.consignment.items[0].preference == "300"
    assert plain.consignment.items[0].taxes == (TaxLine(type="B00"),)
    assert wco_dms.source_pointer(plain, "/items/0/taxes/0/type").endswith("/DutyTaxFee[2]/TypeCode")
    assert wco_dms.source_pointer(plain, "/items/0/preference").endswith("/DutyTaxFee[1]/DutyRegimeCode")
    assert same.consignment.items[0].taxes == (TaxLine(preference="300"), TaxLine(type="A00", preference="300"))
    for declared in (plain, same):
        assert again(declared.consignment) == declared.consignment


def test_origin_is_told_apart_by_its_type() -> None:
    origin = "<Origin><CountryCode>{}</CountryCode>{}</Origin>"
    both = origin.format("FR", "<TypeCode>2</TypeCode>") + origin.format("CN", "<TypeCode>1</TypeCode>")
    [item] = declared_in(item=both).consignment.items
    [bare] = declared_in(item=origin.format("VN", "")).consignment.items

    assert (item.origin_country, item.preference_country) == ("CN", "FR")
    assert (bare.origin_country, bare.preference_country) == ("VN", None)


def test_product_numbers_have_our_names_inside_and_theirs_outside() -> None:
    one = "<Classification><ID>{}</ID><IdentificationTypeCode>{}</IdentificationTypeCode></Classification>"
    declared = declared_in(
        item="<Commodity>" + one.format("04012345678901", "SRV") + one.format("X1", "SA") + "</Commodity>"
    )
    [item] = declared.consignment.items

    assert [(code.scheme, code.code) for code in item.codes] == [("GTIN", "04012345678901"), ("SKU", "X1")]
    assert again(declared.consignment) == declared.consignment
    assert b">SRV<" in wco_dms.write([declared.consignment])


def test_the_parcel_number_and_bills_are_found_among_the_previous_documents() -> None:
    document = "<PreviousDocument><CategoryCode>Z</CategoryCode><ID>{}</ID><TypeCode>{}</TypeCode></PreviousDocument>"
    told = (("02026000011", "741"), ("HAWB-77", "703"), ("HM100002018CN", "ZZZ"), ("HM100002019CN", "ZZZ"))
    declared = declared_in(shipment="".join(document.format(*one) for one in told))
    record = declared.consignment

    assert (record.master_bill, record.house_bill, record.tracking_id) == ("02026000011", "HAWB-77", "HM100002018CN")
    assert wco_dms.source_pointer(declared, "/tracking_id").endswith("/PreviousDocument[3]/ID")
    assert len(record.documents) == 4
    assert again(record) == record


def test_a_parcel_number_without_document_is_written_as_one() -> None:
    record = make.consignment()
    document = Document(kind="previous", category="Z", type="750", id=record.tracking_id)

    assert again(record).documents == (document,)
    assert again(record).tracking_id == record.tracking_id


@pytest.mark.parametrize("number", ["\u0661\u0662", "1\u202e", "x", "-1", "1.0"])
def test_a_step_of_a_pointer_is_numbered_in_plain_digits_or_dropped(number: str) -> None:
    pointer = (
        f"<Pointer><SequenceNumeric>{number}</SequenceNumeric><DocumentSectionCode>42A</DocumentSectionCode></Pointer>"
    )
    statement = f"<AdditionalInformation><StatementCode>1</StatementCode>{pointer}</AdditionalInformation>"
    plain = declared_in(statement.replace(number, "1")).consignment.statements
    odd = declared_in(statement).consignment.statements

    assert [one.pointer for one in plain] == ["42A[1]"]
    assert [one.pointer for one in odd] == [None]


def test_a_transport_document_without_its_number_is_kept_by_its_type() -> None:
    record = make.consignment(
        procedure_category="H7", documents=(Document(kind="transport", type="N750"),), tracking_id=None, house_bill=None
    )

    assert Document(kind="transport", type="N750") in again(record).documents


def test_what_has_no_field_is_listed_with_its_place() -> None:
    reading = wco_dms.read(
        f"<Declaration {SPACE}><FunctionCode>9</FunctionCode><FunctionalReferenceID>A</FunctionalReferenceID>"
        "<LoadingListQuantity>2</LoadingListQuantity><Exporter><Contact><Name>Pat Example</Name></Contact></Exporter>"
        "<Empty/></Declaration>".encode(),
        jurisdiction="GB",
    )

    assert reading.kept == 2
    assert reading.dropped == ("/Declaration/LoadingListQuantity", "/Declaration/Exporter/Contact/Name")
    assert reading.declared[0].consignment.parties == ()


def test_a_number_of_nothing_is_no_statement() -> None:
    declared = wco_dms.read(
        f"<Declaration {SPACE}><FunctionCode>9</FunctionCode><FunctionalReferenceID>A</FunctionalReferenceID>"
        "<AdditionalInformation><SequenceNumeric>1</SequenceNumeric><Odd>2</Odd></AdditionalInformation>"
        "<AdditionalInformation><SequenceNumeric>2</SequenceNumeric><StatementCode>00500</StatementCode>"
        "</AdditionalInformation></Declaration>".encode(),
        jurisdiction="GB",
    )

    assert [(one.code, one.sequence) for one in declared.declared[0].consignment.statements] == [("00500", 2)]
    assert declared.dropped == (
        "/Declaration/AdditionalInformation[1]/Odd",
        "/Declaration/AdditionalInformation[1]/SequenceNumeric",
    )


def test_a_lost_namespace_is_a_note_and_an_odd_one_too() -> None:
    good = (SAMPLES / "gb-cancellation.xml").read_bytes()
    bare = good.replace(b' xmlns="urn:wco:datamodel:WCO:DEC-DMS:2"', b"")
    odd = good.replace(b"DEC-DMS:2", b"DEC-DMS:9")

    for data in (bare, odd):
        [declared] = wco_dms.read(data).declared
        assert [(finding.code, finding.severity) for finding in declared.findings] == [("XML-05", "note")]
        assert declared.consignment == read("gb-cancellation.xml").consignment


def test_prefixes_do_not_matter() -> None:
    text = (SAMPLES / "dk-gift.xml").read_text(encoding="utf-8").replace("ns2", "any")

    assert wco_dms.read(text.encode()).declared[0].consignment == read("dk-gift.xml").consignment


def test_a_declaration_is_found_inside_the_envelope_of_a_gateway() -> None:
    inner = (SAMPLES / "gb-cancellation.xml").read_text(encoding="utf-8").partition("?>")[2]
    envelope = (
        f"<v:submitDeclarationRequest xmlns:v='urn:x'><v:clientID>7</v:clientID>{inner}</v:submitDeclarationRequest>"
    )
    reading = wco_dms.read(envelope.encode())
    [declared] = reading.declared

    assert declared.consignment == read("gb-cancellation.xml").consignment
    assert reading.dropped == ("/submitDeclarationRequest/clientID",)
    path = "/submitDeclarationRequest/MetaData/Declaration/FunctionalReferenceID"
    assert wco_dms.source_pointer(declared, "/reference") == path
    assert wco_dms.sniff(envelope.encode())


def test_a_report_about_declarations_declares_nothing() -> None:
    inside = b"<Declaration><FunctionCode>9</FunctionCode></Declaration>"
    reading = wco_dms.read(b"<DeclarationStatusResponse>" + inside + b"</DeclarationStatusResponse>")

    assert [finding.code for finding in reading.findings] == ["DMS-08"]
    assert not reading.declared
    assert reading.dropped == ("/DeclarationStatusResponse/Declaration/FunctionCode",)


def test_several_declarations_in_a_message_are_several_consignments_each_with_its_place() -> None:
    records = [read(name).consignment for name in ("gb-cancellation.xml", "gb-amendment.xml", "dk-gift.xml")]
    reading = wco_dms.read(wco_dms.write(records))

    assert [declared.consignment for declared in reading.declared] == records
    assert [wco_dms.source_pointer(declared, "/mrn") for declared in reading.declared] == [
        "/Messages/MetaData[1]/Declaration[1]/ID",
        "/Messages/MetaData[1]/Declaration[2]/ID",
        "/Messages/MetaData[2]/Declaration/ID",
    ]


@pytest.mark.parametrize(
    ("pointer", "path", "wco"),
    [
        ("/reference", "FunctionalReferenceID", "42A#D026"),
        ("/function", "FunctionCode", "42A#017"),
        ("/invoice_total/currency", "InvoiceAmount/@currencyID", "42A#109"),
        ("/transport/border_mode", "BorderTransportMeans/ModeCode", "42A/15A#T022"),
        ("/parties/2/name", "Exporter/Name", "42A/57A#R031"),
        ("/parties/2/city", "Exporter/Address/CityName", "42A/57A/04A#241"),
        ("/items/1", "GoodsShipment/GovernmentAgencyGoodsItem[2]", "42A/67A/68A[2]"),
        ("/items/1/hs_code", "GoodsShipment/GovernmentAgencyGoodsItem[2]/Commodity/Classification[1]/ID",
         "42A/67A/68A[2]/23A/21A[1]#145"),
        ("/items/0/codes/0/code", "GoodsShipment/GovernmentAgencyGoodsItem[1]/Commodity/Classification[3]/ID",
         "42A/67A/68A[1]/23A/21A[3]#145"),
        ("/items/0/price/amount", "GoodsShipment/GovernmentAgencyGoodsItem[1]/Commodity/InvoiceLine/ItemChargeAmount",
         "42A/67A/68A[1]/23A/79A#112"),
        ("/items/1/quantity", "GoodsShipment/GovernmentAgencyGoodsItem[2]/Commodity/GoodsMeasure/TariffQuantity",
         "42A/67A/68A[2]/23A/65A#130"),
        ("/items/1/quantity_unit",
         "GoodsShipment/GovernmentAgencyGoodsItem[2]/Commodity/GoodsMeasure/TariffQuantity/@unitCode",
         "42A/67A/68A[2]/23A/65A#130"),
        ("/documents/1/id", "GoodsShipment/PreviousDocument[1]/ID", "42A/67A/99A[1]#D018"),
        ("/equipment/0/seals/0", "GoodsShipment/Consignment/TransportEquipment[1]/Seal[1]/ID",
         "42A/67A/28A/31B[1]/44B[1]#165"),
        ("/gross_mass", "TotalGrossMassMeasure", "42A#131"),
        ("/tax_collected", "", "42A"),
        ("/items/0/no_such_field", "GoodsShipment/GovernmentAgencyGoodsItem[1]", "42A/67A/68A[1]"),
        ("", "", "42A"),
    ],
)  # fmt: skip
def test_our_places_are_told_in_their_way(pointer: str, path: str, wco: str) -> None:
    declared = read("gb-import-with-duty.xml")

    assert wco_dms.source_pointer(declared, pointer) == f"/MetaData/Declaration/{path}".rstrip("/")
    assert wco_dms.wco_pointer(declared, pointer) == wco


def test_places_of_a_consignment_from_elsewhere_follow_from_its_order() -> None:
    declared = Declared(consignment=make.consignment())

    assert wco_dms.wco_pointer(declared, "/items/4/description") == "42A/67A/68A[5]/23A#137"
    assert wco_dms.source_pointer(declared, "/items/0/origin_country").endswith("[1]/Origin/CountryCode")


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("*.xml") if "answer" not in path.name))
def test_a_sample_is_written_and_read_again(name: str) -> None:
    record = read(name).consignment

    assert again(record) == record


def test_a_consignment_from_elsewhere_loses_only_what_the_family_has_no_element_for() -> None:
    record = make.consignment()
    back = again(record)
    parties = {msgspec.structs.replace(party, kind=None) for party in record.parties}

    assert set(back.parties) == parties
    assert msgspec.structs.replace(
        back, parties=record.parties, documents=record.documents, accepted_on=record.accepted_on
    ) == msgspec.structs.replace(record)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(strategies.consignments())
def test_whatever_is_written_reads_back_without_error_and_then_stays_the_same(record: Consignment) -> None:
    type = "EXA" if record.direction == "export" else "IMA"
    record = msgspec.structs.replace(record, declaration_type=type)
    once = again(record)

    assert again(once) == once
    assert once.reference == record.reference
    assert len(once.items) == len(record.items)


def test_text_that_xml_would_trip_over_is_escaped() -> None:
    record = make.consignment(items=(make.item(description="5 < 6 & \"7\" > ]]> '8'"),))

    assert again(record).items[0].description == "5 < 6 & \"7\" > ]]> '8'"


@pytest.mark.parametrize(
    ("head", "is_ours"),
    [
        (b"<Declaration>", True), (b"<ns2:Declaration xmlns:ns2='x'>", True), (b"\xef\xbb\xbf\n<md:MetaData ", True),
        (b"<?xml version='1.0'?><!-- note --><Response/>", True), ("<Declaration/>".encode("utf-16"), True),
        (b"<html><body>Declaration</body></html>", False), (b"{\"Declaration\": 1}", False), (b"", False),
        (b"Declaration", False), (b"<CC315A></CC315A>", False),
    ],
)  # fmt: skip
def test_a_message_of_the_family_is_known_by_how_it_begins(head: bytes, is_ours: bool) -> None:
    assert wco_dms.sniff(head) is is_ours

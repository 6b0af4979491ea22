"""Messages of China's electronic port: their tables, what is read and written, receipts, signatures, matching."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from msgspec import structs
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner

import make
import strategies
from tidewaiter import formats
from tidewaiter.formats import Declared, Told, ceb
from tidewaiter.formats.ceb.answers import RECEIPTS, kind_of
from tidewaiter.formats.ceb.fields import instant_of
from tidewaiter.formats.ceb.rules import is_resident_id
from tidewaiter.formats.ceb.tables import FITS, OURS, SHAPES, STATUSES, THEIRS, form_of
from tidewaiter.law import Law
from tidewaiter.matching import Match, declared_document, declared_pointers, match, seal
from tidewaiter.model.answer import Answer, AnswerKind, Concerned
from tidewaiter.model.consignment import Consignment, Party
from tidewaiter.model.finding import Finding
from tidewaiter.model.money import Money
from tidewaiter.model.trade import TradeDocument

SAMPLES = Path(ceb.__file__).parent / "samples"
FIELDS = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "messages" / "china-ceb"
HOSTILE = FIELDS.parents[1] / "hostile"
KEY = b"key of the tests: made up, public"
AT = datetime(2026, 11, 3, tzinfo=UTC)


def sample(name: str) -> str:
    return (SAMPLES / f"{name}.xml").read_text(encoding="utf-8")


def told(text: str) -> Told:
    [one] = ceb.read(text.encode()).documents
    return one


def declared(text: str) -> Declared:
    [one] = ceb.read(text.encode()).declared
    return one


def places(one: Told | Declared) -> list[tuple[str, str, str]]:
    """What was found: code, place in their message below the document, place in our record."""
    return [(f.code, re.sub(r"^/ceb:\w+/ceb:\w+\[1\]/", "", f.source_pointer), f.pointer) for f in one.findings]


# The tables.


def test_every_form_is_a_pattern_and_every_field_is_one_of_the_record() -> None:
    assert all(form_of(form).words for form in FITS)
    for shape in SHAPES.values():
        for group in filter(None, (shape.head, shape.lines)):
            assert all(row.name for row in group.rows.values())


@pytest.mark.parametrize("name", ["country", "currency", "unit", "mode"])
def test_codes_stand_for_one_thing_each(name: str) -> None:
    assert {ours: theirs for theirs, ours in OURS[name].items()} == THEIRS[name]


def field_tables() -> dict[str, list[dict[str, Any]]]:
    path = FIELDS / "ceb_fields.json"
    if not path.exists():
        pytest.skip("the field tables are not here (../shared/data/messages/china-ceb)")
    found: dict[str, list[dict[str, Any]]] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize(
    ("number", "head", "lines"),
    [
        ("311", "cbi/order/po/declare/IOrderHead", "cbi/order/po/declare/IOrderList"),
        ("411", "cbi/payment/po/declare/IPayment", ""),
        ("511", "cbi/logistics/po/declare/ILogistics", ""),
        ("513", "cbi/logisticsStatus/po/declare/ILogisticsStatus", ""),
        ("621", "cbi/inventory/po/declare/IInventoryHead", "cbi/inventory/po/declare/IInventoryList"),
        ("623", "cbi/invtCancel/po/declare/IInvtCancel", ""),
        ("625", "cbi/invtRefund/po/declare/IInvtRefundHead", "cbi/invtRefund/po/declare/IInvtRefundList"),
        ("711", "cbi/delivery/po/declare/IDeliveryHead", "cbi/delivery/po/declare/IDeliveryList"),
        ("303", "cbe/order/po/declare/EOrderHead", "cbe/order/po/declare/EOrderList"),
        ("403", "cbe/receipts/po/declare/EReceipts", ""),
        ("505", "cbe/logistics/po/declare/ELogistics", ""),
        ("603", "cbe/inventory/po/declare/EInventoryHead", "cbe/inventory/po/declare/EInventoryList"),
        ("605", "cbe/invtCancel/po/declare/EInvtCancel", ""),
        ("312", "cbi/order/po/result/IOrderReturn", ""),
        ("412", "cbi/payment/po/result/IPaymentReturn", ""),
        ("512", "cbi/logistics/po/result/ILogisticsReturn", ""),
        ("622", "cbi/inventory/po/result/IInventoryReturn", ""),
        ("816", "cbi/tax/po/result/ITaxHead", "cbi/tax/po/result/ITaxList"),
    ],
)
def test_our_table_has_the_elements_of_theirs_in_their_order(number: str, head: str, lines: str) -> None:
    tables, shape = field_tables(), SHAPES[number]
    common = {"guid", "appType", "appTime", "appStatus", "returnStatus", "returnTime", "returnInfo"}
    for group, name in ((shape.head, head), (shape.lines, lines)):
        if group is None:
            continue
        theirs = [field["name"] for field in tables[name] if field["name"] not in common]
        needed = {field["name"] for field in tables[name] if field["required"]}

        assert [element for element in group.rows if element not in common] == theirs
        assert needed <= {element for element, row in group.rows.items() if row.required}


def test_our_table_of_statuses_has_those_of_theirs_and_no_other() -> None:
    path = FIELDS / "ceb_codes.json"
    if not path.exists():
        pytest.skip("the codes are not here (../shared/data/messages/china-ceb)")

    assert set(STATUSES) == {one["code"] for one in json.loads(path.read_text(encoding="utf-8"))["returnStatus"]}


# Reading.


def test_an_order_is_a_document_of_trade() -> None:
    one = told(sample("order-311"))
    order = one.document

    assert one.findings == ()
    assert (order.kind, order.number, order.order, order.issuer) == (
        "order", "ORDER-SAMPLE-0001", "ORDER-SAMPLE-0001", "3100960A01",
    )  # fmt: skip
    assert (order.function, order.issued_at) == ("original", datetime(2026, 11, 2, 2, 15, tzinfo=UTC))
    assert order.total == Money(Decimal("464.13"), "CNY")
    assert (order.payment, order.payment_issuer) == ("PAY-SAMPLE-0001", "31222699D4")
    assert order.buyer is not None
    assert order.consignee is not None
    assert (order.buyer.name, order.buyer.id_type, order.consignee.phone) == ("示例一", "1", "13900000000")
    assert [(line.number, line.article, line.quantity, line.unit, line.total) for line in order.lines] == [
        (1, "ART-1", Decimal(2), "140", Money(Decimal(240), "CNY")),
        (2, "ART-2", Decimal(1), "122", Money(Decimal(180), "CNY")),
    ]  # fmt: skip
    assert order.details["taxTotal"] == "39.13"
    assert order.details["1/price"] == "180.00"
    assert one.places["/lines/1/total"] == "/ceb:CEB311Message/ceb:Order[1]/ceb:OrderList[2]/ceb:totalPrice"


def test_a_list_is_a_declaration_with_everything_that_it_says() -> None:
    one = declared(sample("list-621"))
    record = one.consignment
    parties = {party.role: party for party in record.parties}

    assert one.findings == ()
    assert (record.reference, record.jurisdiction, record.direction) == ("LIST-SAMPLE-0001", "CN", "import")
    assert (record.order_id, record.tracking_id, record.master_bill) == (
        "ORDER-SAMPLE-0001", "WAY-SAMPLE-0001", "784-00000011",
    )  # fmt: skip
    assert parties["marketplace"].id == "3100960A01"
    assert (parties["buyer"].name, parties["buyer"].id, parties["buyer"].identity_type) == ("示例一", None, "1")
    assert parties["buyer"].identity is not None
    assert (record.declaration_office, record.entry_office, record.export_country) == ("2249", "2233", "KR")
    assert (record.freight, record.insurance) == (Money(Decimal(10), "CNY"), Money(Decimal(0), "CNY"))
    assert record.transport is not None
    assert (record.transport.border_mode, record.transport.conveyance) == ("4", "ZZ0001/20261102")
    assert [(item.hs_code, item.origin_country, item.procedure, item.price) for item in record.items] == [
        ("3304990039", "KR", "9610", Money(Decimal(240), "CNY")),
        ("1901101000", "NZ", "9610", Money(Decimal(180), "CNY")),
    ]  # fmt: skip
    assert ("CEB", "netWeight", "1.1") in [(one.type, one.code, one.text) for one in record.statements]


def test_only_what_says_who_sent_a_message_is_without_a_field() -> None:
    for path in SAMPLES.glob("*.xml"):
        dropped = [place for place in ceb.read(path.read_bytes()).dropped if "/ceb:BaseTransfer/" not in place]
        mistakes = ("surprise", "customsCode", "gcode")

        assert [place for place in dropped if not place.endswith(mistakes)] == [], path.name


@pytest.mark.parametrize("head", ["OrderHead", "PaymentHead", "LogisticsHead"])
def test_the_head_may_stand_in_an_element_of_its_own_or_not(head: str) -> None:
    name = {"OrderHead": "order-311", "PaymentHead": "payment-411", "LogisticsHead": "waybill-511"}[head]
    bare = re.sub(f"</?ceb:{head}>", "", sample(name))

    assert told(bare).document == told(sample(name)).document


@pytest.mark.parametrize(("app_type", "function"), [("1", "original"), ("2", "amendment"), ("3", "cancellation")])
def test_what_kind_of_declaration_it_is(app_type: str, function: str) -> None:
    def changed(name: str) -> str:
        return sample(name).replace("<ceb:appType>1<", f"<ceb:appType>{app_type}<")

    assert declared(changed("list-621")).consignment.function == function
    assert told(changed("payment-411")).document.function == function


def test_requests_about_a_list_name_it_by_its_number() -> None:
    cancelled, returned = (declared(sample(name)).consignment for name in ("cancel-623", "return-625"))

    assert (cancelled.function, cancelled.mrn) == ("cancellation", "22492026I000000001")
    assert (returned.function, returned.category, returned.items[0].quantity) == ("amendment", "return", Decimal(1))


def test_mistakes_are_found_with_both_places() -> None:
    head = "ceb:InventoryHead"

    assert places(declared(sample("list-621-with-mistakes"))) == [
        ("CEB-02", f"{head}/ceb:customsCode", "/declaration_office"),
        ("CEB-03", f"{head}/ceb:netWeight", ""),
        ("CEB-02", "ceb:InventoryList[1]/ceb:gcode", "/items/0/hs_code"),
        ("CEB-04", "ceb:InventoryList[2]/ceb:surprise", "/items/1"),
        ("CEB-10", f"{head}/ceb:buyerIdNumber", "/parties"),
        ("CEB-09", "ceb:InventoryList[1]/ceb:totalPrice", "/items/0"),
        ("CEB-05", "ceb:InventoryList[2]/ceb:gnum", "/items/1"),
        ("CEB-02", f"{head}/ceb:declTime", "/declared_at"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "code", "place"),
    [
        ("<ceb:appType>1<", "<ceb:appType>4<", "CEB-02", "appType"),
        ("<ceb:appTime>20261102101500<", "<ceb:appTime>20261102241500<", "CEB-02", "appTime"),
        ("<ceb:appStatus>2<", "<ceb:appStatus>1<", "CEB-08", "appStatus"),
        ("<ceb:acturalPaid>464.13<", "<ceb:acturalPaid>464.14<", "CEB-09", "acturalPaid"),
        ("<ceb:acturalPaid>464.13<", "<ceb:acturalPaid>4,64<", "CEB-02", "acturalPaid"),
        ("<ceb:acturalPaid>464.13<", "<ceb:acturalPaid>-464.13<", "CEB-02", "acturalPaid"),
        ("<ceb:acturalPaid>464.13<", "<ceb:acturalPaid>٤٦٤<", "CEB-02", "acturalPaid"),
        ("<ceb:orderNo>ORDER-SAMPLE-0001<", f"<ceb:orderNo>{'X' * 61}<", "CEB-02", "orderNo"),
        ("<ceb:orderNo>ORDER-SAMPLE-0001<", "<ceb:orderNo> <", "CEB-03", "orderNo"),
        ("<ceb:orderNo>ORDER-SAMPLE-0001<", "<ceb:orderNo>A&#x202e;B<", "CEB-02", "orderNo"),
        ("<ceb:consignee>", "<ceb:consignee>A</ceb:consignee><ceb:consignee>", "CEB-05", "consignee[2]"),
        ("<ceb:consignee>示例一<", "<ceb:consignee><ceb:b>示</ceb:b><", "CEB-02", "consignee"),
        ("13900000000</ceb:buyerTelephone>", "1</ceb:buyerTelephone><ceb:new>1</ceb:new>", "CEB-04", "new"),
    ],
)  # fmt: skip
def test_each_mistake_of_an_order_is_found_where_it_stands(before: str, after: str, code: str, place: str) -> None:
    text = sample("order-311")
    assert before in text
    [(found, at, _), *_] = places(told(text.replace(before, after, 1)))

    assert (found, at) == (code, f"ceb:OrderHead/ceb:{place}")


def test_a_finding_repeats_no_value_of_a_person() -> None:
    text = sample("order-311").replace("13900000000", "1" * 60).replace("示例一", "示例" * 60)
    found = told(text).findings

    assert {one.code for one in found} == {"CEB-02"}
    assert not any("1111" in one.text or "示例示例" in one.text for one in found)


def test_a_code_that_is_not_known_is_kept_as_it_came() -> None:
    text = sample("list-621").replace("<ceb:country>133<", "<ceb:country>999<")
    one = declared(text)

    assert [code for code, _, _ in places(one)] == ["CEB-11", "CEB-11"]
    assert one.consignment.export_country is None
    assert ceb.write([one.consignment]).decode().count("<ceb:country>999<") == 2


def test_an_amount_without_a_currency_that_is_known_is_kept_and_found() -> None:
    strange = told(sample("payment-411").replace("<ceb:currency>142<", "<ceb:currency>999<"))
    without = told(sample("payment-411").replace("<ceb:currency>142</ceb:currency>", ""))

    assert [code for code, _, _ in places(strange)] == ["CEB-11"]
    assert [code for code, _, _ in places(without)] == ["CEB-03", "CEB-15"]
    assert [one.document.total for one in (strange, without)] == [None, None]
    assert strange.document.details["amountPaid"] == without.document.details["amountPaid"] == "464.13"


def test_a_number_too_long_for_its_field_is_kept_by_its_element() -> None:
    one = declared(sample("list-621").replace("WAY-SAMPLE-0001", "W" * 40))

    assert [code for code, _, _ in places(one)] == ["CEB-12"]
    assert one.consignment.tracking_id is None
    assert f"<ceb:logisticsNo>{'W' * 40}<".encode() in ceb.write([one.consignment])


def test_too_many_lines_and_too_many_documents_are_found() -> None:
    line = re.search(r"<ceb:OrderList>.*?</ceb:OrderList>", sample("order-311"), re.DOTALL)
    order = re.search(r"<ceb:Order>.*</ceb:Order>", sample("order-311"), re.DOTALL)
    assert line is not None
    assert order is not None
    lines = sample("order-311").replace(line[0], line[0] * 99, 1)
    orders = sample("order-311").replace(order[0], order[0] * 101)

    assert "CEB-06" in [code for code, _, _ in places(told(lines))]
    assert [one.code for one in ceb.read(orders.encode()).findings] == ["CEB-06"]


def test_a_message_without_namespace_is_read_and_found() -> None:
    reading = ceb.read(sample("order-311").replace("chinaport.gov.cn/ceb", "example.org/ceb").encode())

    assert [one.code for one in reading.findings] == ["CEB-01"]
    assert reading.documents[0].document.number == "ORDER-SAMPLE-0001"


@pytest.mark.parametrize("body", ["", "<x/>", "<ceb:Payment/>"])
def test_a_message_that_holds_nothing_is_found(body: str) -> None:
    data = f'<ceb:CEB311Message xmlns:ceb="http://www.chinaport.gov.cn/ceb">{body}</ceb:CEB311Message>'.encode()

    assert "CEB-07" in [one.code for one in formats.read(data).findings]


@pytest.mark.parametrize("number", ["000", "314", "999"])
def test_a_message_that_is_none_of_these_is_found(number: str) -> None:
    data = f'<CEB{number}Message xmlns="http://www.chinaport.gov.cn/ceb"><A>1</A></CEB{number}Message>'.encode()
    reading = formats.read(data)

    assert [one.code for one in reading.findings] == ["CEB-07"]
    assert reading.dropped == (f"/ceb:CEB{number}Message/ceb:A",)


@pytest.mark.parametrize(
    ("number", "inside"),
    [
        ("513", "<ceb:LogisticsStatus><ceb:guid>{guid}</ceb:guid><ceb:appType>1</ceb:appType></ceb:LogisticsStatus>"),
        ("711", "<ceb:Delivery><ceb:DeliveryHead><ceb:guid>{guid}</ceb:guid></ceb:DeliveryHead></ceb:Delivery>"),
    ],
)
def test_what_nothing_is_made_of_is_looked_at_and_said_to_be_left_out(number: str, inside: str) -> None:
    body = inside.replace("{guid}", "G" * 36)
    data = f'<ceb:CEB{number}Message xmlns:ceb="http://www.chinaport.gov.cn/ceb">{body}</ceb:CEB{number}Message>'
    reading = ceb.read(data.encode())

    assert {one.code for one in reading.findings} == {"CEB-03", "CEB-14"}
    assert reading.dropped[0].endswith("/ceb:guid")
    assert reading.kept == 0


def test_a_message_in_an_envelope_is_unpacked() -> None:
    inside = base64.b64encode(sample("payment-411").encode()).decode()
    envelope = f'<DxpMsg ver="1.0"><TransInfo/><Data>{inside}</Data></DxpMsg>'

    assert told(envelope) == told(sample("payment-411"))
    assert [one.code for one in formats.read(b"<DxpMsg><Data>*</Data></DxpMsg>").findings] == ["CEB-16"]
    assert [one.code for one in formats.read(b"<DxpMsg/>").findings] == ["CEB-16"]


def test_times_are_those_of_china() -> None:
    assert instant_of("20261102101500") == datetime(2026, 11, 2, 2, 15, tzinfo=UTC)
    assert instant_of("20261102") == datetime(2026, 11, 1, 16, tzinfo=UTC)
    assert instant_of("20261102101500123") == datetime(2026, 11, 2, 2, 15, 0, 123000, tzinfo=UTC)
    assert instant_of("20260229") is None


def test_the_number_of_an_identity_card_has_a_check_digit() -> None:
    assert is_resident_id("11010519491231002X")  # the example that GB 11643-1999 prints
    assert not is_resident_id("110105194912310020")
    assert not is_resident_id("11010519491331002X")


# Writing.

_SCRIPTS = ("Example Ltd", "Пример", "مثال", "示例有限公司", "ตัวอย่าง", "ምሳሌ")


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.xml")), ids=lambda path: path.stem)
def test_what_was_read_is_written_and_read_again(path: Path) -> None:
    reading = ceb.read(path.read_bytes())
    documents, records = [one.document for one in reading.documents], [one.consignment for one in reading.declared]

    if documents:
        assert [one.document for one in ceb.read(ceb.write_documents(documents)).documents] == documents
    if records:
        assert [one.consignment for one in ceb.read(ceb.write(records)).declared] == records
    if reading.answers:
        assert sorted(ceb.read(ceb.answer(reading.answers)).answers, key=str) == sorted(reading.answers, key=str)


@pytest.mark.parametrize("name", _SCRIPTS)
def test_names_of_any_script_come_back(name: str) -> None:
    order = told(sample("order-311")).document
    assert order.buyer is not None
    changed = structs.replace(
        order, buyer=structs.replace(order.buyer, name=name), issuer_name=name, platform_name=name
    )
    record = declared(sample("list-621")).consignment
    renamed = structs.replace(
        record,
        parties=tuple(structs.replace(party, name=name) if party.name else party for party in record.parties),
        items=tuple(structs.replace(item, description=name) for item in record.items),
    )

    assert told(ceb.write_documents([changed]).decode()).document == changed
    assert declared(ceb.write([renamed]).decode()).consignment == renamed


_names, _numbers = strategies.texts(20), st.from_regex("[A-Z0-9]{1,18}", fullmatch=True)
_yuan = st.integers(0, 10**9).map(lambda cents: Money(Decimal(cents).scaleb(-2), "CNY"))
_instants = st.datetimes(datetime(2019, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda instant: instant.replace(microsecond=0)
)


@st.composite
def trade_documents(draw: st.DrawFn) -> TradeDocument:
    """Orders, payments and waybills with all that their messages have a field for."""
    name = draw(st.sampled_from(["order-311", "payment-411", "waybill-511", "export-order-303", "export-receipt-403"]))
    document = told(sample(name)).document
    what: dict[str, Any] = {
        "function": draw(st.sampled_from(["original", "amendment", "cancellation"])), "issued_at": draw(_instants),
        "issuer": draw(_numbers), "issuer_name": draw(_names), "number": draw(_numbers),
    }  # fmt: skip
    if document.kind == "order":
        what |= {"order": what["number"], "platform": what["issuer"], "platform_name": what["issuer_name"]}
        what["lines"] = tuple(
            structs.replace(line, description=draw(_names), quantity=draw(strategies.decimals().filter(_has_five)))
            for line in document.lines
        )
    if document.total is not None:
        what["total"] = Money(draw(_yuan).amount, document.total.currency)
    for person in ("buyer", "consignee"):
        if (known := getattr(document, person)) is not None:
            what[person] = structs.replace(known, name=draw(_names))
    return structs.replace(document, **what)


def _has_five(value: Decimal) -> bool:
    return value == round(value, 5)


@settings(max_examples=150)
@given(st.lists(trade_documents(), min_size=1, max_size=4))
def test_documents_of_trade_that_are_written_are_read_again(documents: list[TradeDocument]) -> None:
    again = [one.document for one in ceb.read(ceb.write_documents(documents)).documents]

    assert sorted(again, key=repr) == sorted(documents, key=repr)


@settings(max_examples=150)
@given(st.data())
def test_consignments_that_are_written_are_read_again(data: st.DataObject) -> None:
    draw = data.draw
    record = declared(
        sample(draw(st.sampled_from(["list-621", "export-list-603", "cancel-623", "return-625"])))
    ).consignment
    record = structs.replace(
        record,
        reference=draw(_numbers),
        issued_at=draw(_instants),
        parties=tuple(structs.replace(party, name=draw(_names)) if party.name else party for party in record.parties),
        items=tuple(
            structs.replace(item, description=draw(_names), quantity=draw(strategies.decimals().filter(_has_five)))
            for item in record.items
        ),
    )
    if record.freight is not None:
        record = structs.replace(record, freight=draw(_yuan), insurance=draw(_yuan))

    assert declared(ceb.write([record]).decode()).consignment == record


@settings(max_examples=100)
@given(strategies.consignments())
def test_any_consignment_is_written_and_what_is_written_comes_back_the_same(record: Consignment) -> None:
    once = ceb.read(ceb.write([record])).declared[0].consignment
    twice = ceb.read(ceb.write([once])).declared[0].consignment

    assert twice == once


# Receipts.


def test_a_receipt_is_an_answer() -> None:
    stored, released, refused = ceb.read(sample("receipt-622").encode()).answers

    assert [one.kind for one in (stored, released, refused)] == ["accepted", "released", "rejected"]
    assert (released.reference, released.mrn, released.status) == ("LIST-SAMPLE-0001", "22492026I000000001", "800")
    assert released.effective_at == datetime(2026, 11, 3, 1, 40, 0, 456000, tzinfo=UTC)
    assert [(one.code, one.text) for one in refused.errors] == [("1330", "示例错误")]
    assert released.concerned == Concerned(
        lodgement_office="2249", issuer="3100960A01", seller="3100960B02", declarant="3100980C03"
    )


def test_a_tax_bill_is_an_answer_with_taxes_of_the_whole_and_of_lines() -> None:
    [bill] = ceb.read(sample("tax-bill-816").encode()).answers
    taxes = [(tax.item, tax.type, tax.assessed.amount) for tax in bill.taxes if tax.assessed]

    assert bill.kind == "tax_final"
    assert (None, "L", Decimal("39.13")) in taxes
    assert sum(amount for item, type, amount in taxes if item and type == "L") == Decimal("39.13")
    assert next(tax.base for tax in bill.taxes if tax.item == 2) == Money(Decimal("184.29"), "CNY")


def test_a_report_of_a_wrong_form_is_a_rejection() -> None:
    [report] = ceb.read(sample("error-900").encode()).answers

    assert (report.kind, [error.code for error in report.errors]) == ("rejected", ["0001"])
    assert report.concerned is not None
    assert report.concerned.message_id is not None


@pytest.mark.parametrize(
    ("status", "kind"), [*((code, kind) for code, (kind, _) in STATUSES.items()), ("-1", "rejected")]
)
def test_each_status_has_its_kind_of_answer(status: str, kind: str) -> None:
    text = re.sub("<returnStatus>[^<]*<", f"<returnStatus>{status}<", sample("receipt-622"))

    assert {one.kind for one in ceb.read(text.encode()).answers} == {kind}
    assert kind_of(status) == kind


def test_our_answers_are_written_as_receipts_of_what_they_are_about() -> None:
    for document, number in RECEIPTS.items():
        concerned = Concerned(document=cast("Any", document), issuer="3100960A01", seller="3100960B02")
        for kind, code in (("received", "2"), ("rejected", "100"), ("accepted", "120"), ("released", "800")):
            finding = Finding(code="GDS-03", severity="error", pointer="/items/0", text="Six digits [at least].")
            one = Answer(
                kind=cast("AnswerKind", kind), id="A-1", reference="REF-1", effective_at=AT, concerned=concerned,
                findings=(finding,) if kind == "rejected" else (),
            )  # fmt: skip
            data = ceb.answer([one])
            [again] = ceb.read(data).answers

            assert f"<CEB{number}Message ".encode() in data
            assert (again.kind, again.reference, again.status, again.effective_at) == (kind, "REF-1", code, AT)
            assert [(error.code, error.text) for error in again.errors] == (
                [("GDS-03", "Six digits (at least).")] if kind == "rejected" else []
            )


def test_answers_that_the_dialect_does_not_have_are_left_out() -> None:
    assert b"Message" not in ceb.answer([Answer(kind="do_not_load", id="A", reference="R")]).replace(b"Messages", b"")


# The signature.


@pytest.fixture(scope="module")
def signer() -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """A key and a certificate of nobody."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example signer")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    return key, certificate


class _Sha1Signer(XMLSigner):
    """One that may sign with SHA-1, as the electronic port does."""

    def check_deprecated_methods(self) -> None:
        """Nothing is refused."""


Sign = Callable[..., bytes]


@pytest.fixture(scope="module")
def sign(signer: tuple[rsa.RSAPrivateKey, x509.Certificate]) -> Sign:
    key, certificate = signer

    def signed(text: str, *, method: str = "SHA256", uri: str | None = None) -> bytes:
        maker = _Sha1Signer(
            method=SignatureConstructionMethod.enveloped,
            signature_algorithm=SignatureMethod[f"RSA_{method}"],
            digest_algorithm=DigestAlgorithm[method],
            c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_0,
        )
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        root = maker.sign(
            etree.fromstring(text.encode()), key=pem, reference_uri=uri,
            cert=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        )  # fmt: skip
        written: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
        return written

    return signed


def refused(data: bytes) -> str:
    """Why nothing is read of a message."""
    reading = ceb.read(data)
    [finding] = reading.findings

    assert finding.code == "CEB-13"
    assert (reading.declared, reading.documents, reading.answers, reading.signer) == ((), (), (), None)
    return finding.text


@pytest.mark.parametrize("method", ["SHA256", "SHA1"])
def test_a_signed_message_is_read_and_says_by_whom(
    method: str, sign: Sign, signer: tuple[rsa.RSAPrivateKey, x509.Certificate]
) -> None:
    reading = ceb.read(sign(sample("list-621"), method=method))

    assert reading.findings == ()
    assert reading.signer == signer[1].fingerprint(hashes.SHA256()).hex()
    assert reading.declared == ceb.read(sample("list-621").encode()).declared


def test_an_unsigned_message_is_read_and_says_so() -> None:
    assert ceb.read(sample("list-621").encode()).signer is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"<ceb:totalPrice>240.00<", b"<ceb:totalPrice>24.00<"),
        (b"<ceb:orderNo>ORDER-SAMPLE-0001<", b"<ceb:orderNo>ORDER-SAMPLE-0002<"),
        (b"</ceb:Inventory>", b"</ceb:Inventory><ceb:Inventory/>"),
        (b'guid="5A3D', b'guid="5A3E'),
    ],
)
def test_a_message_changed_after_it_was_signed_is_not_read(sign: Sign, before: bytes, after: bytes) -> None:
    data = sign(sample("list-621"))
    assert before in data

    refused(data.replace(before, after, 1))


def _signature(data: bytes) -> bytes:
    found = re.search(rb"<ds:Signature.*</ds:Signature>", data, re.DOTALL)
    assert found is not None
    return found[0]


def test_a_signed_message_wrapped_in_another_is_not_read(sign: Sign) -> None:
    data = sign(sample("list-621"))
    inner = data[data.index(b"<ceb:CEB621Message") :]
    forged = sample("list-621").replace("WAY-SAMPLE-0001", "WAY-FORGED").encode()
    end = b"</ceb:CEB621Message>"
    for wrapped in (
        forged.replace(end, b"<ceb:ExtendMessage>" + inner + b"</ceb:ExtendMessage>" + end),
        forged.replace(end, _signature(data).replace(b"</ds:Signature>", b"<ds:Object>" + inner.replace(
            _signature(data), b"") + b"</ds:Object></ds:Signature>") + end),
        forged.replace(end, _signature(data) + end),
        b"<Messages>" + forged[forged.index(b"<ceb:CEB621Message") :] + inner + b"</Messages>",
        b"<Messages>" + inner.replace(_signature(data), b"") + _signature(data) + b"</Messages>",
        data.replace(_signature(data), b"").replace(b"<ceb:BaseTransfer>", b"<ceb:BaseTransfer>" + _signature(data)),
    ):  # fmt: skip
        refused(wrapped)


def test_two_signatures_or_two_references_are_refused(sign: Sign) -> None:
    data = sign(sample("list-621"))
    reference = re.search(rb"<ds:Reference.*</ds:Reference>", data, re.DOTALL)
    assert reference is not None

    assert "more than one signature" in refused(data.replace(_signature(data), _signature(data) * 2))
    assert "SignedInfo should hold" in refused(data.replace(reference[0], reference[0] * 2))


@pytest.mark.parametrize("uri", ["#x", "http://192.0.2.1/x", "file:///etc/passwd", "#xpointer(/)"])
def test_a_reference_to_anything_but_the_whole_message_is_refused(sign: Sign, uri: str) -> None:
    data = sign(sample("list-621")).replace(b'URI=""', f'URI="{uri}"'.encode())

    assert "empty URI" in refused(data)


def test_a_reference_by_id_that_is_rightly_signed_is_refused(sign: Sign) -> None:
    text = sample("list-621").replace("<ceb:Inventory>", '<ceb:Inventory Id="part">')

    assert "empty URI" in refused(sign(text, uri="#part"))


@pytest.mark.parametrize("method", ["SHA384", "SHA512"])
def test_another_method_than_those_of_the_port_is_refused(sign: Sign, method: str) -> None:
    assert "only RSA with SHA-1 or SHA-256" in refused(sign(sample("list-621"), method=method))


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (rb"xmldsig-more#rsa-sha256", b"xmldsig-more#hmac-sha256", "only RSA"),
        (rb"xmlenc#sha256", b"xmlenc#sha512", "only RSA"),
        (rb"CanonicalizationMethod Algorithm=\"[^\"]*", b'CanonicalizationMethod Algorithm="urn:none', "Canonical XML"),
        (rb"xmldsig#enveloped-signature", b"xmldsig#base64", "enveloped"),
        (rb"<ds:Transform Algorithm=\"[^\"]*enveloped-signature\"/>", b"", "enveloped"),
        (rb"<ds:KeyInfo>.*</ds:KeyInfo>", b"", "KeyInfo"),
        (rb"<ds:KeyInfo>", b"<ds:KeyInfo><ds:KeyValue/>", "KeyInfo"),
        (rb"(X509Certificate>).*(</ds:X509Certificate>)", rb"\1AAAA\2", "certificate"),
        (rb"<ds:SignatureValue>.*</ds:SignatureValue>", b"<ds:SignatureValue>AAAA</ds:SignatureValue>", "does not fit"),
        (rb"http://www.w3.org/2000/09/xmldsig#\"", b'urn:else"', "does not stand"),
    ],
)  # fmt: skip
def test_a_signature_of_another_form_is_refused(sign: Sign, before: bytes, after: bytes, why: str) -> None:
    data = sign(sample("list-621"))
    changed = re.sub(before, after, data, count=1, flags=re.DOTALL)
    assert changed != data

    assert why in refused(changed)


def test_a_comment_cannot_cut_a_signed_value(sign: Sign) -> None:
    """Canonical XML without comments signs 'AB' for 'A<!-- -->B': what is read must be the whole of it."""
    data = sign(sample("list-621")).replace(b">WAY-SAMPLE-0001<", b">WAY-<!-- -->SAMPLE-0001<")
    [one] = ceb.read(data).declared

    assert one.consignment.tracking_id == "WAY-SAMPLE-0001"


def test_a_broken_signature_is_never_an_exception(sign: Sign) -> None:
    data = sign(sample("payment-411"))
    begin, end = data.index(b"<ds:Signature"), data.index(b"</ds:Signature>")
    for place in range(begin, end, 23):
        for broken in (data[:place] + data[place + 1 :], data[:place] + b"A" + data[place + 1 :]):
            reading = ceb.read(broken)

            assert reading.findings or reading.signer


# Matching.


def matched(law: Law, *names: str, change: Callable[[str], str] = str) -> list[Match]:
    sealed = []
    for name in names:
        text = change(sample(name)) if name == names[-1] else sample(name)
        reading = ceb.read(text.encode())
        for one in reading.documents:
            sealed.append(seal(one.document, key=KEY, received_at=AT, message=name, places=one.places))
        for found in reading.declared:
            document = declared_document(found.consignment)
            assert document is not None
            pointers = declared_pointers(found.consignment)
            where = {ours: ceb.source_pointer(found, theirs) for ours, theirs in pointers.items()}
            sealed.append(seal(document, key=KEY, received_at=AT, message=name, places=where))
    return match(sealed, law, at=AT + timedelta(hours=1))


def test_the_order_its_payment_its_waybill_and_its_list_agree(law: Law) -> None:
    [found] = matched(law, "order-311", "payment-411", "waybill-511", "list-621")

    assert (found.state, len(found.documents), found.mismatches) == ("met", 4, ())


def test_an_export_whose_waybill_names_no_order_is_matched_through_its_list(law: Law) -> None:
    [found] = matched(law, "export-order-303", "export-receipt-403", "export-waybill-505", "export-list-603")

    assert len(found.documents) == 4
    assert (found.state, found.mismatches) == ("met", ())


@pytest.mark.parametrize(
    ("before", "after", "code", "places"),
    [
        ("<ceb:amountPaid>464.13<", "<ceb:amountPaid>464.12<", "MTC-02", ("acturalPaid", "amountPaid")),
        ("<ceb:payerName>示例一<", "<ceb:payerName>示例二<", "MTC-04", ("buyerName", "payerName")),
        ("<ceb:currency>142<", "<ceb:currency>502<", "MTC-03", ("acturalPaid", "amountPaid")),
    ],
)
def test_a_payment_that_differs_is_found_with_both_elements(
    law: Law, before: str, after: str, code: str, places: tuple[str, str]
) -> None:
    [found] = matched(law, "order-311", "waybill-511", "payment-411", change=lambda text: text.replace(before, after))
    [mismatch] = found.mismatches

    assert mismatch.kind.code == code
    assert mismatch.left.source_pointer == f"/ceb:CEB311Message/ceb:Order[1]/ceb:OrderHead/ceb:{places[0]}"
    assert mismatch.right.source_pointer == f"/ceb:CEB411Message/ceb:Payment[1]/ceb:PaymentHead/ceb:{places[1]}"
    assert (mismatch.left.message, mismatch.right.message) == ("order-311", "payment-411")


def test_a_list_with_another_quantity_than_the_order_is_found(law: Law) -> None:
    [found] = matched(
        law, "order-311", "payment-411", "waybill-511", "list-621",
        change=lambda text: text.replace("<ceb:qty>2<", "<ceb:qty>3<"),
    )  # fmt: skip

    assert [mismatch.kind.code for mismatch in found.mismatches] == ["MTC-07"]
    assert found.mismatches[0].right.source_pointer.endswith("/ceb:InventoryList[1]/ceb:qty")


# What is meant to hurt.


@pytest.mark.parametrize("name", ["order-311", "list-621", "receipt-622"])
def test_a_message_cut_off_or_with_bits_flipped_is_never_an_exception(name: str) -> None:
    data = sample(name).encode()
    for place in range(0, len(data), 17):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        for broken in (data[:place], bytes(flipped)):
            reading = ceb.read(broken)

            assert reading.findings or reading.documents or reading.declared or reading.answers


def test_hostile_files_are_findings() -> None:
    files = [path for path in HOSTILE.rglob("*") if path.is_file() and path.stat().st_size < 1_000_000]
    if not files:
        pytest.skip("the hostile files are not here (../shared/data/hostile)")
    for path in files:
        reading = ceb.read(path.read_bytes())

        assert reading.findings
        assert (reading.declared, reading.documents, reading.answers) == ((), (), ())


def test_a_party_that_buys_is_told_by_its_paper_and_never_by_an_official_number() -> None:
    record = make.consignment(
        parties=(Party(role="buyer", identity="9" * 18, identity_type="1", name="示例", kind="natural"),)
    )
    again = declared(ceb.write([record]).decode()).consignment

    assert again.parties == record.parties

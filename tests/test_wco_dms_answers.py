"""Answers in the WCO DMS family: every kind there and back, and our findings as its errors."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from tidewaiter.formats import wco_dms
from tidewaiter.formats.wco_dms.answers import CODES
from tidewaiter.model.answer import Answer, AnswerKind, AssessedTax, DialectError, Remark
from tidewaiter.model.consignment import Change
from tidewaiter.model.finding import Finding
from tidewaiter.model.money import Money

SAMPLES = Path(wco_dms.__file__).parent / "samples"
AT = datetime(2026, 11, 2, 9, 30, 1, tzinfo=UTC)


def pounds(text: str) -> Money:
    return Money(Decimal(text), "GBP")


def full(kind: AnswerKind = "tax_final") -> Answer:
    """An answer with everything the family can say."""
    return Answer(
        kind=kind,
        id="a-1",
        reference="GBPOST-000201",
        mrn="26GB0000000000201A",
        version=2,
        sent_at=AT,
        effective_at=AT,
        statements=(Remark(code="ACA", text="Send the invoice", type="ACA", until=AT, pointer="42A/67A/68A[1]"),),
        changes=(Change(reason="16", pointer="42A/67A/28A/64A#L017"),),
        appeal_office="GBLBA001",
        contact_office="GBLBA002",
        bank="EXAMPLEGB2L",
        account="GB00EXAM00000000000000",
        errors=(DialectError(code="CDS12056", pointer="42A/67A/68A[1]/23A/21A[3]#145", text="Not in the tariff"),),
        taxes=(
            AssessedTax(payable=pounds("12.00"), assessed=pounds("12.00"), reference="P-1", guarantee="1909241"),
            AssessedTax(
                item=1, type="A00", preference="100", base=pounds("100.00"), rate=Decimal("2.70"),
                relief=pounds("0.00"), assessed=pounds("2.70"), payable=pounds("2.70"),
            ),
            AssessedTax(item=1, type="B00", base=pounds("102.70"), rate=Decimal("20.00"), assessed=pounds("20.54")),
            AssessedTax(item=2, type="A00", base_quantity=Decimal("3.5"), base_unit="LTR", payable=pounds("1.00")),
        ),
    )  # fmt: skip


@pytest.mark.parametrize("kind", get_args(AnswerKind))
def test_every_kind_of_answer_comes_back_whole(kind: AnswerKind) -> None:
    assert wco_dms.read(wco_dms.answer([full(kind)])).answers == (full(kind),)


def test_every_kind_of_answer_has_codes_of_its_own() -> None:
    assert set(CODES) == set(get_args(AnswerKind))
    assert len(set(CODES.values())) == len(CODES)


def test_several_answers_stand_in_one_message_in_order() -> None:
    answers = tuple(msgspec.structs.replace(full(kind), id=kind) for kind in ("accepted", "tax_final", "released"))

    assert wco_dms.read(wco_dms.answer(answers)).answers == answers


def test_an_answer_of_which_little_is_known_comes_back_too() -> None:
    answer = Answer(kind="rejected", id="a-2", reference=None)

    assert wco_dms.read(wco_dms.answer([answer])).answers == (answer,)


def test_a_status_beyond_the_kind_is_kept() -> None:
    answer = Answer(kind="request_result", id="a-3", reference="A", status="39")
    other_tax = Answer(kind="tax_final", id="a-4", reference="A", status="115")

    assert wco_dms.read(wco_dms.answer([answer, other_tax])).answers == (answer, other_tax)


def test_the_sample_of_a_rejection_points_into_the_declaration() -> None:
    [answer] = wco_dms.read((SAMPLES / "answer-rejected.xml").read_bytes()).answers

    assert answer.kind == "rejected"
    assert answer.effective_at == AT
    assert answer.errors == (DialectError(code="CDS12056", pointer="42A/67A/68A[2]/23A/21A[1]#145"),)


def test_the_goods_exit_result_is_known_by_both_its_numbers() -> None:
    message = wco_dms.answer([Answer(kind="goods_exit_result", id="a", reference="A")])

    for number in (b"17", b"18"):
        [answer] = wco_dms.read(message.replace(b"FunctionCode>18<", b"FunctionCode>" + number + b"<")).answers
        assert answer.kind == "goods_exit_result"


def test_an_unknown_answer_is_a_finding() -> None:
    message = wco_dms.answer([Answer(kind="accepted", id="a", reference="A")])
    reading = wco_dms.read(message.replace(b"FunctionCode>01<", b"FunctionCode>99<"))

    assert [finding.code for finding in reading.findings] == ["DMS-09"]
    assert reading.answers == ()


def test_an_amount_without_currency_is_a_finding_and_the_answer_is_read() -> None:
    message = wco_dms.answer([full()]).replace(b'<PaymentAmount currencyID="GBP">12.00', b"<PaymentAmount>12.00")
    reading = wco_dms.read(message)

    assert [finding.code for finding in reading.findings] == ["DMS-03"]
    assert reading.answers[0].taxes[0].payable is None


def test_a_lost_namespace_of_answers_is_one_note() -> None:
    message = wco_dms.answer([full(), full()]).replace(b' xmlns="urn:wco:datamodel:WCO:RES-DMS:2"', b"")
    reading = wco_dms.read(message)

    assert [(finding.code, finding.severity) for finding in reading.findings] == [("XML-05", "note")]
    assert reading.answers == (full(), full())


def finding(severity: str, **what: str) -> Finding:
    given = {"code": "GDS-03", "pointer": "/items/1/hs_code", "text": "Too short.", "remedy": "Give six digits."}
    return msgspec.convert({"severity": severity, **given, **what}, Finding)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("/MetaData/Declaration/GoodsShipment/GovernmentAgencyGoodsItem[2]/Commodity/Classification[3]/ID",
         "42A/67A/68A[2]/23A/21A[3]#145"),
        ("42A/67A/68A[7]#006", "42A/67A/68A[7]#006"),
        ("", "42A/67A/68A[2]/23A/21A#145"),
        ('row 7, column "HS code"', "42A/67A/68A[2]/23A/21A#145"),
    ],
)  # fmt: skip
def test_our_errors_are_errors_of_the_dialect_with_its_pointers(source: str, told: str) -> None:
    answer = Answer(kind="rejected", id="a", reference="A", findings=(finding("error", source_pointer=source),))
    [read] = wco_dms.read(wco_dms.answer([answer])).answers

    assert read.errors == (DialectError(code="GDS-03", pointer=told, text="Too short. Give six digits."),)


def test_what_is_no_error_is_a_remark() -> None:
    answer = Answer(kind="accepted", id="a", reference="A", findings=(finding("warning"), finding("note", pointer="")))
    [read] = wco_dms.read(wco_dms.answer([answer])).answers

    assert read.errors == ()
    assert [remark.code for remark in read.statements] == ["GDS-03", "GDS-03"]
    assert [remark.pointer for remark in read.statements] == ["42A/67A/68A[2]/23A/21A#145", None]


def test_a_long_text_is_cut_to_what_the_schema_takes() -> None:
    answer = Answer(kind="rejected", id="a", reference="A", findings=(finding("error", text="x" * 600),))
    [read] = wco_dms.read(wco_dms.answer([answer])).answers

    assert len(read.errors[0].text) == 512
    assert read.errors[0].text.endswith("…")


def test_a_second_declaration_in_an_answer_is_listed_as_dropped() -> None:
    second = b"<Declaration><FunctionCode>9</FunctionCode></Declaration></Response>"
    message = wco_dms.answer([full("amendment_result")]).replace(b"</Response>", second)
    reading = wco_dms.read(message)

    assert reading.answers == (full("amendment_result"),)
    assert reading.dropped == ("/MetaData/Response/Declaration/FunctionCode",)
    assert reading.declared == ()

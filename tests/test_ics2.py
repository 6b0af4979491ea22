"""ICS2 at house level: filings F43 and F32, referrals and results, held to the types of the repository's contract."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from msgspec import structs

import strategies
from tidewaiter.checks import check, minimum
from tidewaiter.formats import ics2
from tidewaiter.formats.ics2.page import page
from tidewaiter.formats.ics2.shape import CODES, MESSAGES, NUMBERS, REFERRALS, SPACE
from tidewaiter.law import Law
from tidewaiter.model.answer import Answer, AnswerKind, Concerned, Remark
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Consignment, GoodsItem, Packaging, Party
from tidewaiter.model.finding import Finding
from tidewaiter.model.money import Money
from tidewaiter.model.past import Past

HOUSE = Path(__file__).resolve().parents[1]
SAMPLES = Path(ics2.__file__).parent / "samples"
CONTRACT = HOUSE.parent / "shared/data/messages/ics2-eu-cr-nes/BusinessObjects/ICS/Common/V2"
AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
S10 = "LX123456785CN"
LIST = HOUSE / "src/tidewaiter/jurisdictions/eu/codes/entry-minimum.csv"


def person(role: str, **what: Any) -> Party:
    given: dict[str, Any] = {"name": "Sam Invented", "kind": "natural", "street": "4 Made-up Lane", "city": "Lyon",
                             "postcode": "69001", "country": "FR"}  # fmt: skip
    return Party(role=role, **{**given, **what})  # type: ignore[arg-type]


def parcel(**what: Any) -> Consignment:
    """A parcel by post with everything that F43 makes mandatory."""
    item = GoodsItem(
        sequence=1, description="paper lantern", hs_code="94055000", origin_country="CN", net_mass=Decimal("0.4"),
        price=Money(Decimal("30.00"), "EUR"), packages=(Packaging(quantity=1),),
    )  # fmt: skip
    given: dict[str, Any] = {
        "reference": "LRN-0001", "jurisdiction": "FR", "direction": "entry", "channel": "post", "circumstance": "F43",
        "issued_at": AT, "tracking_id": S10, "gross_mass": Decimal("0.74"), "freight": Money(Decimal("4.20"), "EUR"),
        "parties": (
            Party(role="declarant", name="Made-up Post", id="FR12345678900012", city="Paris", country="FR"),
            person("consignee", email="sam@example.org"),
            person("consignor", name="Made-up Lantern Works", kind="legal", city="Guangzhou", country="CN"),
        ),
        "items": (item,),
    }  # fmt: skip
    return Consignment(**{**given, **what})


def express(**what: Any) -> Consignment:
    """A parcel by courier with the minimum of F32."""
    item = GoodsItem(sequence=1, description="lantern", hs_code="940550", packages=(Packaging(quantity=1),))
    given: dict[str, Any] = {"channel": "express", "circumstance": "F32", "tracking_id": None, "house_bill": "HAWB0001",
                             "freight": None, "items": (item,)}  # fmt: skip
    return parcel(**{**given, **what})


# --- the contract's schemas


def schema(name: str) -> etree.XMLSchema:
    if not CONTRACT.exists():
        pytest.skip("the repository's contract is not here (../shared/data/messages/ics2-eu-cr-nes)")
    return etree.XMLSchema(etree.parse(str(CONTRACT / f"{name}.xsd")))


def of_type(type_: str) -> etree.XMLSchema:
    """A schema for an element `house` of a type of the contract."""
    if not CONTRACT.exists():
        pytest.skip("the repository's contract is not here (../shared/data/messages/ics2-eu-cr-nes)")
    text = (
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="{SPACE}" targetNamespace="{SPACE}"'
        f' elementFormDefault="qualified"><xs:include schemaLocation="{(CONTRACT / "ctypes.xsd").as_uri()}"/>'
        f'<xs:element name="consignmentHouseLevel" type="{type_}"/></xs:schema>'
    )
    return etree.XMLSchema(etree.fromstring(text))


def house_of(data: bytes) -> Any:
    return etree.fromstring(data).find(f".//{{{SPACE}}}consignmentHouseLevel")


@pytest.mark.parametrize(
    ("record", "type_"),
    [
        pytest.param(parcel(), "ConsignmentHouseLevelType63", id="post"),
        pytest.param(express(), "ConsignmentHouseLevelType65", id="express"),
    ],
)
def test_the_house_consignment_of_a_filing_is_valid_by_its_type(record: Consignment, type_: str) -> None:
    held = of_type(type_)
    house = house_of(ics2.write([record]))

    assert held.validate(house), held.error_log
    house.remove(house[0])
    assert not held.validate(house)


def referral(kind: AnswerKind = "information_request", **what: Any) -> Answer:
    given: dict[str, Any] = {"id": "REQ-1", "reference": S10, "mrn": "26FR6M4D8E1RE4WAR8", "sent_at": AT}
    return Answer(kind=kind, **{**given, **what})


VAGUE = Finding(
    code="GDS-01", severity="error", pointer="/items/0/description", source_pointer="/IE3F43[1]/x", text="Too vague.",
    remedy="Say what it is.",
)  # fmt: skip
WRITTEN = [
    pytest.param(referral(), "IE4Q04", id="RFI"),
    pytest.param(referral(status="AMD", findings=(VAGUE,)), "IE4Q04", id="AMD"),
    pytest.param(referral("screening_request", statements=(Remark(code="X1", text="By X-ray."),)), "IE4Q04", id="RFS"),
    pytest.param(referral("do_not_load"), "IE4S02", id="DNL"),
    pytest.param(
        referral("do_not_load", statements=(Remark(type="RECEPTACLE", text="CNCANAFRCDGAAUN60042001000085"),)),
        "IE4S02", id="DNL of a receptacle",
    ),
    pytest.param(referral("cleared"), "IE4S02", id="assessment complete"),
    pytest.param(referral("rejected", findings=(VAGUE,)), "IE4N99", id="error"),
    pytest.param(referral("rejected", mrn=None), "IE4N99", id="error without a word"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "name"), WRITTEN)
def test_what_we_write_is_valid_by_the_schema_of_the_contract(answer: Answer, name: str) -> None:
    held = schema(name)
    message = etree.fromstring(ics2.answer([answer]))

    assert held.validate(message), held.error_log


@pytest.mark.parametrize(("answer", "name"), WRITTEN)
def test_an_answer_is_read_again_as_the_same_kind(answer: Answer, name: str) -> None:
    del name
    reading = ics2.read(ics2.answer([answer]))
    [again] = reading.answers

    assert reading.findings == ()
    assert (again.kind, again.id, again.reference, again.sent_at) == (
        answer.kind, answer.id, answer.reference, answer.sent_at,
    )  # fmt: skip
    if answer.kind == "information_request":
        assert again.status == (answer.status or "RFI")
    if answer.kind == "do_not_load":
        assert again.statements == answer.statements


def test_a_referral_points_to_the_element_it_is_about() -> None:
    [answer] = ics2.read((SAMPLES / "ie4q04-referrals.xml").read_bytes()).answers[:1]

    assert [(one.code, one.pointer) for one in answer.errors] == [
        ("RFI", "/IE3F43/consignmentMasterLevel/consignmentHouseLevel[1]")
    ]
    assert answer.statements[0].text == "What is it made of?"


def test_a_referral_of_another_type_is_a_finding() -> None:
    data = (SAMPLES / "ie4q04-referrals.xml").read_bytes().replace(b">AMD<", b">XXX<")
    reading = ics2.read(data)

    assert [one.code for one in reading.findings] == ["ICS-03"]
    assert [one.status for one in reading.answers] == ["RFI", "RFS"]


def test_the_vocabulary_has_every_referral_and_outcome() -> None:
    assert dict(REFERRALS) == {
        "RFI": "information_request", "AMD": "information_request", "RFS": "screening_request",
    }  # fmt: skip
    assert (NUMBERS["IE3Q01"], NUMBERS["IE3N03"], NUMBERS["IE3R01"]) == ("do_not_load", "cleared", "accepted")


def test_answers_that_the_contract_does_not_have_are_left_out() -> None:
    assert ics2.read(ics2.answer([referral("tax_final"), referral("released")])).answers == ()


def test_the_member_state_is_that_of_the_office_of_entry() -> None:
    answer = referral(concerned=Concerned(entry_office="DE004851"))

    assert b"<responsibleMemberState>\n<country>DE</country>" in ics2.answer([answer])


# --- filings


def test_an_f43_is_an_entry_by_post() -> None:
    [declared] = ics2.read((SAMPLES / "ie3f43-parcel.xml").read_bytes()).declared
    record = declared.consignment

    assert declared.findings == ()
    assert (record.direction, record.channel, record.circumstance) == ("entry", "post", "F43")
    assert (record.tracking_id, record.items[0].hs_code) == (S10, "94055000")
    assert {party.role: party.kind for party in record.parties} == {
        "declarant": None, "consignee": "natural", "consignor": "legal",
    }  # fmt: skip


def test_a_pointer_of_ours_is_a_path_in_the_filing() -> None:
    [declared] = ics2.read((SAMPLES / "ie3f43-parcel.xml").read_bytes()).declared
    house = "/IE3F43[1]/consignmentMasterLevel[1]/consignmentHouseLevel[1]"

    assert ics2.source_pointer(declared, "/items/0/hs_code") == (
        f"{house}/goodsItem[1]/commodity[1]/commodityCode[1]/harmonizedSystemSubHeadingCode[1]"
    )
    assert ics2.source_pointer(declared, "/procedure_category") == house


def test_house_consignments_of_one_filing_are_known_by_their_documents() -> None:
    data = ics2.write([parcel()])
    house = data[data.index(b"<consignmentHouseLevel>") : data.index(b"</consignmentMasterLevel>")]
    two = data.replace(house, house + house.replace(S10.encode(), b"UA000000005CN"))

    assert [one.consignment.reference for one in ics2.read(two).declared] == [S10, "UA000000005CN"]


@pytest.mark.parametrize(
    ("old", "new", "code", "pointer"),
    [
        ("<totalGrossMass>0.74", "<totalGrossMass>0,74", "PST-06", "/gross_mass"),
        ("<typeOfPerson>1", "<typeOfPerson>7", "PST-06", "/parties/1/kind"),
        ("<country>CN</country>\n</address>", "<country>China</country>\n</address>", "PST-06", "/parties/2/country"),
        ("<descriptionOfGoods>paper lantern</descriptionOfGoods>\n", "", "PST-08", "/items/0/description"),
        ("<LRN>", "<colour>red</colour><LRN>", "PST-04", ""),
        (SPACE, "urn:another", "ICS-02", ""),
    ],
)
def test_what_does_not_fit_is_found_in_its_place(old: str, new: str, code: str, pointer: str) -> None:
    data = ics2.write([parcel()]).decode()
    changed = data.replace("<street>4 Made-up Lane</street>\n<postCode>69001</postCode>\n", "").replace(old, new)
    [declared] = ics2.read(changed.encode()).declared

    assert changed != data
    assert [(one.code, one.pointer) for one in declared.findings] == [(code, pointer)]


def code_of(item: GoodsItem) -> str | None:
    """A commodity code of six or eight digits where the item has any."""
    digits = "".join(str(ord(sign) % 10) for sign in item.hs_code or "")
    return (digits and digits.ljust(6, "0")[: 8 if len(digits) > 7 else 6]) or None


@pytest.mark.parametrize(
    ("old", "new", "pointer", "code"),
    [
        ("<specificCircumstanceIndicator>F43<", "<specificCircumstanceIndicator>F32<", "/circumstance", "PST-06"),
        (">940550</", ">9405501</", "/items/0/hs_code", "PST-06"),
        (">00</combined", ">NaN</combined", "/items/0/hs_code", "PST-06"),
        (f"<documentNumber>{S10}<", "<documentNumber> <", "", "PST-08"),
    ],
)
def test_what_no_filing_could_carry_on_is_an_error(old: str, new: str, pointer: str, code: str) -> None:
    written = ics2.write([parcel()]).decode()
    [declared] = ics2.read(written.replace(old, new).encode()).declared

    assert written.count(old) == 1
    assert [(one.code, one.pointer) for one in declared.findings] == [(code, pointer)]


def told(record: Consignment, number: int) -> Consignment:
    """The record with what an F43 can say, in its order."""
    parties = {party.role: party for party in reversed(record.parties)}
    kept = []
    for role in ("representative", "declarant", "consignee", "consignor"):
        if role in parties:
            one = parties[role]
            status = one.status if role == "representative" else None
            kind = None if role in ("representative", "declarant") else one.kind
            kept.append(structs.replace(one, status=status, kind=kind, identity=None, identity_type=None))
    items = tuple(
        GoodsItem(
            sequence=item.sequence, description=item.description or "goods", origin_country=item.origin_country,
            hs_code=code_of(item), price=item.price, net_mass=item.net_mass,
            packages=tuple(Packaging(quantity=one.quantity) for one in item.packages if one.quantity is not None),
        )
        for item in record.items
    )  # fmt: skip
    return Consignment(
        reference=record.reference, jurisdiction=record.jurisdiction or "FR", direction="entry", channel="post",
        circumstance="F43", issued_at=record.issued_at and record.issued_at.replace(microsecond=0),
        tracking_id=f"LX{number:09d}CN", gross_mass=record.gross_mass, freight=record.freight, ucr=record.ucr,
        parties=tuple(one for one in kept if one != Party(role=one.role)), fiscal_references=record.fiscal_references,
        documents=tuple(
            type(one)(id=one.id, type=one.type) for one in record.documents if one.id or one.type
        ),
        statements=tuple(type(one)(code=one.code, text=one.text) for one in record.statements if one.code or one.text),
        items=items,
    )  # fmt: skip


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(records=st.lists(strategies.consignments(), min_size=1, max_size=2))
def test_a_filing_is_read_again(records: list[Consignment]) -> None:
    sent = [told(record, number) for number, record in enumerate(records)]
    reading = ics2.read(ics2.write(sent))

    assert [one.consignment for one in reading.declared] == sent
    assert reading.dropped == ()
    assert {finding.code for one in reading.declared for finding in one.findings} <= {"PST-08"}


@settings(max_examples=100, deadline=None)
@given(
    data=st.binary(max_size=300),
    name=st.sampled_from(sorted(path.name for path in SAMPLES.iterdir())),
    at=st.integers(0),
)
def test_any_bytes_in_a_message_are_findings_and_never_an_exception(data: bytes, name: str, at: int) -> None:
    whole = (SAMPLES / name).read_bytes()
    place = at % len(whole)

    assert ics2.read(whole[:place] + data + whole[place + len(data) :]).format == "ics2"


def test_hostile_files_are_read_without_an_exception() -> None:
    folder = HOUSE.parent / "shared" / "data" / "hostile"
    if not folder.exists():
        pytest.skip("the hostile files are not here (../shared/data/hostile)")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size < 200_000]
    for path in files:
        reading = ics2.read(path.read_bytes())

        assert not reading.declared, path.name
        assert reading.findings, path.name
    assert len(files) > 300


# --- the minimum sets


def lacking(record: Consignment, law: Law) -> list[str]:
    dated = structs.replace(record, accepted_on=AT.date())
    found = check(Batch.of([dated]), law, Past()).filter(code="HDR-17")["detail"].to_list()
    return found[0].split(", ") if found else []


def test_a_whole_filing_lacks_nothing(law: Law) -> None:
    assert lacking(parcel(), law) == []
    assert lacking(express(), law) == []


@pytest.mark.parametrize(
    ("change", "of_post", "of_express"),
    [
        ({"gross_mass": None}, ["total gross mass (131)"], ["total gross mass (131)"]),
        ({"tracking_id": None, "house_bill": None}, ["number of the parcel (D023)"], ["number of the parcel (D023)"]),
        (
            {"items": (GoodsItem(sequence=1, packages=(Packaging(quantity=1),)),)},
            ["description of every goods item (137)"], ["description of every goods item (137)"],
        ),
        (
            {"items": (GoodsItem(sequence=1, description="lantern"),)},
            ["number of packages (144)"], ["number of packages (144)"],
        ),
        (
            {"items": ()},
            ["goods items (29A)", "description of every goods item (137)", "number of packages (144)"], None,
        ),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(
    change: dict[str, Any], of_post: list[str], of_express: list[str] | None, law: Law
) -> None:
    assert lacking(parcel(**change), law) == of_post
    assert lacking(express(**change), law) == (of_post if of_express is None else of_express)


def test_post_must_say_what_kind_of_person_it_is_and_express_need_not(law: Law) -> None:
    parties = tuple(structs.replace(one, kind=None) for one in parcel().parties)

    assert lacking(parcel(parties=parties), law) == [
        "kind of person of the consignor", "kind of person of the consignee",
    ]  # fmt: skip
    assert lacking(express(parties=parties), law) == []


def test_before_the_first_release_and_outside_the_union_nothing_is_asked(law: Law) -> None:
    bare = parcel(gross_mass=None)
    early = structs.replace(bare, accepted_on=datetime(2021, 3, 14, tzinfo=UTC).date())

    assert check(Batch.of([early]), law, Past()).filter(code="HDR-17").is_empty()
    assert lacking(structs.replace(bare, jurisdiction="GB"), law) == []
    assert lacking(structs.replace(bare, channel="other", circumstance=None), law) == []
    assert lacking(structs.replace(bare, direction="import"), law) == []
    assert lacking(structs.replace(bare, function="amendment"), law) == []


def rows() -> list[dict[str, str]]:
    with LIST.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_mandatory_element_of_the_list_can_be_looked_for() -> None:
    mandatory = {row["code"].split(":")[2]: row for row in rows() if row["code"].split(":")[1] == "M"}

    assert set(mandatory) == set(minimum.ELEMENTS)
    for element, row in mandatory.items():
        assert f"({row['wco']})" in minimum.ELEMENTS[element][0] if row["wco"] else True, element


def test_the_list_names_fields_of_ours_and_a_source() -> None:
    for row in rows():
        field = row["field"].partition(":")[0].partition(".")[0]
        assert field in Consignment.__struct_fields__, row
        assert row["source"]


def test_the_page_is_made_from_the_tables() -> None:
    assert (HOUSE / "docs" / "reference" / "ics2.md").read_text(encoding="utf-8") == page()
    assert {row.list for row in CODES} == {"person", "referral", "notice"}
    assert set(MESSAGES) == {"IE3F43", "IE3F32", "IE4Q04", "IE4S02", "IE4N99"}

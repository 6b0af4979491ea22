"""Entry summary declarations: their tables, what is read of them, what is found, what is written and answered."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import CodeType, FunctionType
from typing import get_args, get_type_hints

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

import make
import strategies
from tidewaiter import formats
from tidewaiter.formats import Declared, ens
from tidewaiter.formats.ens import predicates
from tidewaiter.formats.ens.answers import INTERVENTIONS
from tidewaiter.formats.ens.kinds import KINDS
from tidewaiter.formats.ens.reading import read, schema_of
from tidewaiter.formats.ens.rules import Asked, Rule
from tidewaiter.formats.ens.shape import Group, Leaf
from tidewaiter.formats.ens.tables import ANSWER_ELEMENTS, ELEMENTS, RULES, DataSet, form_of
from tidewaiter.formats.values import kind_of
from tidewaiter.law import Law
from tidewaiter.model.answer import Answer, AnswerKind, Concerned
from tidewaiter.model.consignment import Consignment, Equipment, Party
from tidewaiter.model.finding import Finding
from tidewaiter.model.past import Past
from tidewaiter.services.clear import ClearedMessage, Message, clear_readings

SAMPLES = Path(ens.__file__).parent / "samples"
SPACE = "http://ics.dgtaxud.ec/"


def sample(name: str) -> str:
    return (SAMPLES / f"{name}.xml").read_text(encoding="utf-8")


def one(text: str, data_set: DataSet = "reduced") -> Declared:
    [declared] = read(text.encode(), data_set=data_set).declared
    return declared


def places(declared: Declared) -> list[tuple[str, str, str]]:
    """What was found: code, place in their message below the root, place in our record."""
    return [
        (found.code, re.sub(r"^/ie:CC31.A\[1\]/?", "", found.source_pointer), found.pointer)
        for found in declared.findings
    ]


def again(record: Consignment) -> Consignment:
    [declared] = ens.read(ens.write([record])).declared
    return declared.consignment


# The tables.


def groups(group: Group) -> Iterator[Group]:
    yield group
    for inner in group.inner.values():
        if isinstance(inner, Group):
            yield from groups(inner)


@pytest.mark.parametrize("name", ["CC315A", "CC313A"])
@pytest.mark.parametrize("data_set", ["full", "reduced"])
def test_every_rule_stands_at_an_element_of_the_message(name: str, data_set: DataSet) -> None:
    schema = schema_of(name, data_set)
    asked = [rule for group in groups(schema.message.root) for rule in of(schema.rules.at(group))]
    wanted = [row for row in RULES if row.data_set in ("", data_set)]
    elsewhere = {"8616"} if name == "CC313A" else set()  # an amendment has no office of lodgement

    assert {row.code for row in wanted} - {rule.code for rule in asked} == elsewhere


def of(asked: Asked) -> list[Rule]:
    return [*asked.of_group, *(rule for rules in asked.of_leaves.values() for rule in rules)]


def test_every_rule_says_what_is_wrong_and_how_to_mend_it_and_one_number_says_one_thing() -> None:
    told: dict[str, set[tuple[str, str]]] = {}
    for row in RULES:
        told.setdefault(row.code, set()).add((row.text, row.remedy))

    assert all(len(texts) == 1 for texts in told.values())
    assert all(text and remedy for code, [(text, remedy)] in told.items() if code != "4065")
    assert all(row.error in ("12", "13", "15", "35") for row in RULES)
    assert {row.code for row in RULES} <= {kind.code for kind in KINDS}


def test_every_form_is_a_pattern_and_every_element_has_one() -> None:
    for row in (*ELEMENTS, *ANSWER_ELEMENTS):
        assert row.name
        if row.type:
            assert re.compile(form_of(row.type).pattern)
    with pytest.raises(KeyError):
        form_of("an35x")


def test_the_longest_text_that_the_schema_lets_pass_fits_its_field() -> None:
    text = sample("gb-road-parcels")
    for name, longest in {row.path[-1]: _longest(row.type) for row in ELEMENTS if row.type[:4] == "an.."}.items():
        text = re.sub(rf"<{name}>[^<]*<", f"<{name}>{'X' * longest}<", text)
    record = one(text).consignment

    assert record.items[0].description == "X" * 280
    assert msgspec.json.decode(msgspec.json.encode(record), type=Consignment) == record


def _longest(type: str) -> int:
    return int(type.removeprefix("an.."))


@pytest.mark.parametrize("name", ["CC315A", "CC313A"])
def test_no_field_is_shorter_than_its_element(name: str) -> None:
    compared = 0

    def walk(group: Group, struct: type[msgspec.Struct]) -> None:
        nonlocal compared
        for element in group.inner.values():
            if isinstance(element, Group):
                walk(element, element.struct or struct)
            elif (row := rows[element.name]).type[:4] == "an.." and element.field and element.field[0] not in "=.":
                holder, _, field = element.field.rpartition(".")
                field = "id" if ":" in field else field
                longest = lengths(kind_of(struct, holder)[0] if holder else Party if field == "id" else struct)[field]
                compared += 1
                assert _longest(row.type) <= longest, element.name

    rows = {row.path[-1]: row for row in ELEMENTS}
    walk(schema_of(name, "reduced").message.root, Consignment)

    assert compared > 35


def lengths(struct: type[msgspec.Struct]) -> dict[str, int]:
    """The longest text of each field that has a bound."""
    found = {}
    for name, hint in get_type_hints(struct, include_extras=True).items():
        for option in (hint, *get_args(hint)):
            for note in getattr(option, "__metadata__", ()):
                if note.max_length:
                    found[name] = note.max_length
    return found


# Reading.


def test_a_declaration_is_a_consignment_that_enters_and_nothing_more() -> None:
    declared = one(sample("gb-road-parcels"))
    record = declared.consignment

    assert declared.findings == ()
    assert (record.direction, record.function, record.jurisdiction) == ("entry", "original", "GB")
    assert (record.reference, record.mrn, record.message_id) == ("ENS-SAMPLE-000001", None, "SAMPLE-000001")
    assert record.issued_at == datetime(2026, 11, 2, 9, 15, tzinfo=UTC)
    assert record.arrival_expected == datetime(2026, 11, 2, 11, 30, tzinfo=UTC)
    assert (record.item_count, record.package_count, record.gross_mass) == (2, 3, Decimal("6.25"))
    assert record.transport is not None
    assert (record.transport.border_mode, record.transport.border_nationality) == ("10", "FR")
    assert (record.transport.conveyance, record.transport.unloading_place) == ("CROSSING-0915", "GBDVR")
    assert record.transport.route == ("FR", "GB")
    assert record.entry_office == "GB000060"
    assert record.equipment == (Equipment(seals=("SEAL-000001",)),)
    assert [(party.role, party.id) for party in record.parties] == [
        ("submitter", "GB000000000001/0000000001"), ("declarant", "GB000000000001"),
    ]  # fmt: skip


def test_goods_items_have_their_own_parties_papers_and_packages() -> None:
    first, second = one(sample("gb-road-parcels")).consignment.items

    assert (first.sequence, first.hs_code, first.gross_mass) == (1, "610910", Decimal(4))
    assert [(party.role, party.name, party.id) for party in first.parties] == [
        ("consignor", "Example Trading Ltd", None), ("consignee", None, "GB000000000002"),
    ]  # fmt: skip
    assert [(paper.kind, paper.type, paper.id) for paper in first.documents] == [("transport", "N730", "CMR-SAMPLE-1")]
    assert [(pack.type, pack.quantity, pack.marks) for pack in first.packages] == [("CT", 2, "SAMPLE 1-2")]
    assert [(code.scheme, code.code) for code in second.codes] == [("UNDG", "3481")]
    assert second.parties[0].city == "Musterstadt"


def test_a_parcel_number_on_all_goods_is_that_of_the_consignment() -> None:
    record = one(sample("gb-air-mail")).consignment

    assert (record.tracking_id, record.channel) == ("HM123456785CN", "post")
    assert record.parties[1].name == "示例贸易有限公司"


def test_an_amendment_names_what_it_amends_by_its_number() -> None:
    record = one(sample("gb-sea-to-order-amendment")).consignment

    assert (record.function, record.mrn, record.reference) == ("amendment", "26GB000000000SAMR9", "26GB000000000SAMR9")
    assert (record.house_bill, record.master_bill) == ("HBL-SAMPLE-17", "MBL-SAMPLE-1")
    assert record.later_entry_offices == ("GB000081",)
    assert [statement.code for statement in record.items[0].statements] == ["10600"]
    assert record.items[0].packages[0].pieces == 120


def test_several_messages_in_one_file_are_several_declarations() -> None:
    records = [one(sample(name)).consignment for name in ("gb-road-parcels", "gb-sea-to-order-amendment")]
    reading = ens.read(ens.write(records))

    assert [declared.consignment for declared in reading.declared] == records
    assert reading.declared[1].anchor[""] == "/ie:CC313A[1]"


def test_a_message_without_office_takes_the_country_of_the_door_or_none() -> None:
    text = re.sub(r"<RefNumCUSOFFFENT731>.*</RefNumCUSOFFFENT731>", "", sample("gb-road-parcels"))
    [with_door] = read(text.encode(), jurisdiction="XI").declared

    assert with_door.consignment.jurisdiction == "XI"
    assert [code for code, _, _ in places(one(text))] == ["4065", "ENS-03"]


# The schema stage.


def test_what_does_not_fit_the_schema_is_found_with_both_places_and_no_rule_is_asked() -> None:
    assert places(one(sample("gb-not-of-the-schema"))) == [
        ("4065", "DatOfPreMES9[1]", "/issued_at"),
        ("4065", "HEAHEA[1]/TotGroMasHEA307[1]", "/gross_mass"),
        ("4065", "HEAHEA[1]", "/transport/border_mode"),
        ("4065", "GOOITEGDS[1]/Price[1]", "/items/0"),
        ("4065", "CUSOFFFENT730[1]/RefNumCUSOFFFENT731[1]", "/entry_office"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "place", "pointer"),
    [
        ("<SeaIdSEAID530>SEAL-000001<", f"<SeaIdSEAID530>{'X' * 21}<", "SEAID529[1]/SeaIdSEAID530[1]",
         "/equipment/0/seals/0"),
        ("<CouOfRouCodITI1>GB<", "<CouOfRouCodITI1>gb<", "ITI[2]/CouOfRouCodITI1[1]", "/transport/route/1"),
        ("<UNDanGooCodGDI1>3481<", "<UNDanGooCodGDI1>34A1<", "GOOITEGDS[2]/UNDanGooCodGDI1[1]", "/items/1/codes/0"),
        ("<ITI>", "<ITI>GB</ITI><ITI>", "ITI[1]", ""),
        ("<MesIdeMES19>SAMPLE-000001</MesIdeMES19>", "<MesIdeMES19>A</MesIdeMES19>" * 2, "MesIdeMES19[2]", ""),
        ("<DecDatTimHEA114>202611020915<", "<DecDatTimHEA114>202611310915<", "HEAHEA[1]/DecDatTimHEA114[1]",
         "/declared_at"),
        ("<TotGroMasHEA307>6.25<", "<TotGroMasHEA307>123456789.012<", "HEAHEA[1]/TotGroMasHEA307[1]", "/gross_mass"),
        ("<GroMasGDS46>4<", "<GroMasGDS46>4.0001<", "GOOITEGDS[1]/GroMasGDS46[1]", "/items/0/gross_mass"),
    ],
    ids=lambda value: value[:24],
)  # fmt: skip
def test_one_misfit_is_one_finding(before: str, after: str, place: str, pointer: str) -> None:
    text = sample("gb-road-parcels")
    assert before in text
    declared = one(text.replace(before, after, 1))

    assert ("4065", place, pointer) in places(declared)
    assert {code for code, _, _ in places(declared)} == {"4065"}


def test_a_day_that_the_schema_has_and_the_calendar_has_not_is_found_by_itself() -> None:
    text = sample("gb-road-parcels").replace("202611020915", "202702290915")

    assert places(one(text)) == [("ENS-05", "HEAHEA[1]/DecDatTimHEA114[1]", "/declared_at")]
    assert one(text).consignment.declared_at is None


def test_text_with_marks_that_turn_the_writing_is_refused_by_name() -> None:
    text = sample("gb-road-parcels").replace("Lithium batteries", "Lithium \u202ebatteries")
    [found] = one(text).findings

    assert (found.code, found.pointer) == ("ENS-05", "/items/1/description")
    assert "U+202E" in found.text


def test_of_a_message_full_of_faults_the_first_thousand_are_told() -> None:
    text = sample("gb-road-parcels").replace("<ITI>", "<ITI/>" * 1_500 + "<ITI>", 1)
    findings = one(text).findings

    assert len(findings) == 1_001
    assert findings[-1].code == "XML-07"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f'xmlns:ie="{SPACE}CC315A"', 'xmlns:ie="urn:other"'), ("ie:CC315A xmlns:ie=", "CC315A xmlns:ie="),
        (f'<ie:CC315A xmlns:ie="{SPACE}CC315A"', f'<ie:CC315A xmlns:ie="{SPACE}CC315A" xmlns="{SPACE}CC315A"'),
    ],
)  # fmt: skip
def test_another_namespace_is_a_warning(before: str, after: str) -> None:
    text = sample("gb-road-parcels").replace(before, after, 1)
    if "<CC315A" in text:
        text = text.replace("</ie:CC315A>", "</CC315A>")
    declared = one(text)

    assert [(found.code, found.severity) for found in declared.findings] == [("ENS-02", "warning")]
    assert len(declared.consignment.items) == 2


def test_a_document_type_is_refused() -> None:
    text = sample("gb-road-parcels").replace("<ie:CC315A", "<!DOCTYPE a [<!ENTITY x 'y'>]><ie:CC315A", 1)

    assert [found.code for found in read(text.encode()).findings] == ["XML-02"]


def test_a_message_of_another_kind_is_a_finding() -> None:
    reading = read(b"<CC323A><HEAHEA><RefNumHEA4>X</RefNumHEA4></HEAHEA></CC323A>")

    assert [found.code for found in reading.findings] == ["ENS-01"]
    assert reading.dropped == ("/CC323A/HEAHEA/RefNumHEA4",)


# The rules.


def test_broken_rules_are_found_with_their_official_number_and_both_places() -> None:
    declared = one(sample("gb-with-broken-rules"))

    assert places(declared) == [
        ("8115", "HEAHEA[1]", "/transport/border_mode"),
        ("8206", "HEAHEA[1]", "/item_count"),
        ("8623", "GOOITEGDS[1]", "/items/0/statements"),
        ("8151", "GOOITEGDS[1]/PACGS2[1]", "/items/0/packages/0/quantity"),
        ("8646", "GOOITEGDS[2]/TRACONCE2[1]/NamCE27[1]", "/items/1/parties/0/name"),
        ("8692", "PERLODSUMDEC[1]/TINPLD1[1]", "/parties/2/id"),
    ]
    assert all(found.severity == "error" and found.text and found.remedy and found.law for found in declared.findings)


@pytest.mark.parametrize(
    ("before", "after", "codes"),
    [
        ("<IteNumGDS7>2<", "<IteNumGDS7>3<", ["8102"]),
        ("<TraModAtBorHEA76>10<", "<TraModAtBorHEA76>3<", []),
        ("<TraModAtBorHEA76>10<", "<TraModAtBorHEA76>03<", ["8690"]),
        ("<TraModAtBorHEA76>10<", "<TraModAtBorHEA76>5<", ["8689", "8115"]),
        ("<TotGroMasHEA307>6.25<", "<TotGroMasHEA307>6.24<", ["8686"]),
        ("<TotGroMasHEA307>6.25<", "<TotGroMasHEA307>-6.25<", ["8673", "8686"]),
        ("<GroMasGDS46>4<", "<GroMasGDS46>-4<", ["8679"]),
        ("<GroMasGDS46>4<", "<GroMasGDS46>4.<", ["8677"]),
        ("<MesSenMES3>GB000000000001/0000000001<", "<MesSenMES3>GB1<", ["4065"]),
        ("<MarNumOfPacGSL21>SAMPLE 3</MarNumOfPacGSL21>", "", ["8152"]),
        ("<NumOfPacGS24>1<", "<NumOfPacGS24>0<", ["8153"]),
        ("<TINCE259>GB000000000002</TINCE259>", "", ["8142", "8143", "8144", "8145", "8146"]),
        ("<TINCE259>GB000000000002</TINCE259>", "<TINCE259>FR000000000002</TINCE259>",
         ["8242", "8243", "8244", "8245", "8246"]),
        ("  <ITI>\n    <CouOfRouCodITI1>FR</CouOfRouCodITI1>\n  </ITI>\n", "", ["8684"]),
        ("</SEAID529>", "</SEAID529>", []),
    ],
)  # fmt: skip
def test_a_change_breaks_the_rules_it_should_and_no_other(before: str, after: str, codes: list[str]) -> None:
    text = sample("gb-road-parcels")
    assert before in text
    declared = one(text.replace(before, after, 1))

    assert [code for code, _, _ in places(declared)] == codes


def test_goods_in_another_items_packages_say_so_by_their_marks() -> None:
    text = sample("gb-road-parcels").replace("<NumOfPacGS24>1<", "<NumOfPacGS24>0<")

    assert places(one(text.replace("SAMPLE 3", "SAMPLE 1-2"))) == []


def test_the_full_data_set_asks_for_more() -> None:
    text = re.sub(r"<(TotNumOfIteHEA305|DecPlaHEA394)>.*</\1>", "", sample("gb-road-parcels"))
    fuller = sample("gb-road-parcels").replace("<TotNumOfPacHEA306>3<", "<TotNumOfPacHEA306>4<")

    assert places(one(text)) == places(one(fuller)) == []
    assert [code for code, _, _ in places(one(text, "full"))] == ["4065", "4065"]
    assert [code for code, _, _ in places(one(fuller, "full"))] == ["8117"]


# Pointing and writing.


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("", ""),
        ("/reference", "HEAHEA[1]/RefNumHEA4[1]"),
        ("/issued_at", "DatOfPreMES9[1]"),
        ("/transport/border_mode", "HEAHEA[1]/TraModAtBorHEA76[1]"),
        ("/transport/route/1", "ITI[2]/CouOfRouCodITI1[1]"),
        ("/parties/0/id", "MesSenMES3[1]"),
        ("/parties/1/id", "PERLODSUMDEC[1]/TINPLD1[1]"),
        ("/parties/1/name", "PERLODSUMDEC[1]/NamPLD1[1]"),
        ("/parties/7/name", ""),
        ("/items/1", "GOOITEGDS[2]"),
        ("/items/1/hs_code", "GOOITEGDS[2]/COMCODGODITM[1]/ComNomCMD1[1]"),
        ("/items/1/codes/0/code", "GOOITEGDS[2]/UNDanGooCodGDI1[1]"),
        ("/items/1/parties/1/street", "GOOITEGDS[2]/TRACONCE2[1]/StrAndNumCE222[1]"),
        ("/items/0/packages/0/marks", "GOOITEGDS[1]/PACGS2[1]/MarNumOfPacGSL21[1]"),
        ("/items/0/documents/0/id", "GOOITEGDS[1]/PRODOCDC2[1]/DocRefDC23[1]"),
        ("/items/0/price/amount", "GOOITEGDS[1]"),
        ("/equipment/0/seals/0", "SEAID529[1]/SeaIdSEAID530[1]"),
        ("/later_entry_offices/2", "CUSOFFSENT740[3]/RefNumSUBENR909[1]"),
        ("/arrival_expected", "CUSOFFFENT730[1]/ExpDatOfArrFIRENT733[1]"),
    ],
)
def test_a_pointer_of_ours_leads_to_the_element(pointer: str, place: str) -> None:
    found = ens.source_pointer(one(sample("gb-road-parcels")), pointer)

    assert found == f"/ie:CC315A[1]/{place}".rstrip("/")


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(strategies.consignments())
def test_whatever_is_written_reads_back_and_then_stays_the_same(record: Consignment) -> None:
    function = "original" if record.function == "original" else "amendment"
    once = again(msgspec.structs.replace(record, direction="entry", function=function))

    assert again(once) == once
    assert (once.direction, once.function) == ("entry", function)


@pytest.mark.parametrize(
    "name", ["Zoë Beispiel", "Пример Иванов", "مثال محمد", "示例贸易有限公司", "ตัวอย่าง จำกัด", "ምሳሌ ንግድ"]
)
def test_names_in_any_script_are_kept(name: str) -> None:
    text = sample("gb-air-mail").replace("示例贸易有限公司", name)
    declared = one(text)

    assert declared.findings == ()
    assert declared.consignment.parties[1].name == name
    assert again(declared.consignment) == declared.consignment


def test_blanks_between_words_are_one_and_those_of_other_scripts_are_kept() -> None:
    text = sample("gb-air-mail").replace("示例贸易有限公司", " 示例\u3000贸易 \n  公司\t")

    assert one(text).consignment.parties[1].name == "示例\u3000贸易 公司"


# Answers.


AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
CONCERNED = Concerned(
    message_id="SAMPLE-000001", sender="GB000000000001/0000000001", declarant="GB000000000001", entry_office="GB000060",
    declared_at=datetime(2026, 11, 2, 9, 15, tzinfo=UTC),
)  # fmt: skip


def answer(kind: AnswerKind, **what: object) -> Answer:
    given: dict[str, object] = {
        "id": "A-1", "reference": "ENS-SAMPLE-000001", "mrn": "26GB000000000SAMR9", "sent_at": AT, "effective_at": AT,
        "concerned": CONCERNED,
    }  # fmt: skip
    return Answer(kind=kind, **{**given, **what})  # type: ignore[arg-type]


def test_each_answer_is_the_message_of_its_kind() -> None:
    amended = msgspec.structs.replace(CONCERNED, function="amendment")
    told = {
        "CC328A": answer("accepted"),
        "CC316A": answer("rejected"),
        "CC304A": answer("received", concerned=amended),
        "CC305A": answer("rejected", concerned=amended),
        "CC351A": answer("do_not_load"),
    }
    for name, about in told.items():
        text = ens.answer([about]).decode()

        assert f"<ie:{name} xmlns:ie=" in text
        assert f"<MesTypMES20>{name}</MesTypMES20>" in text
        assert "<CorIdeMES25>SAMPLE-000001</CorIdeMES25>" in text
    assert "<CusIntCodCUSINT665>A001</CusIntCodCUSINT665>" in text


def test_a_rejection_names_rule_place_and_kind_of_error() -> None:
    declared = one(sample("gb-with-broken-rules"))
    text = ens.answer([answer("rejected", mrn=None, findings=declared.findings)]).decode()
    errors = re.findall(
        r"<ErrTypER11>(\d+)</ErrTypER11>\s*<ErrPoiER12>(.*)</ErrPoiER12>\s*<ErrReaER13>(.*)</ErrReaER13>", text
    )

    assert errors == [
        ("15", "/ie:CC315A[1]/HEAHEA[1]", "8115"),
        ("12", "/ie:CC315A[1]/HEAHEA[1]", "8206"),
        ("13", "/ie:CC315A[1]/GOOITEGDS[1]", "8623"),
        ("12", "/ie:CC315A[1]/GOOITEGDS[1]/PACGS2[1]", "8151"),
        ("15", "/ie:CC315A[1]/GOOITEGDS[2]/TRACONCE2[1]/NamCE27[1]", "8646"),
        ("12", "/ie:CC315A[1]/PERLODSUMDEC[1]/TINPLD1[1]", "8692"),
    ]
    assert "<DecRejReaHEA252LNG>EN</DecRejReaHEA252LNG>" in text


@pytest.mark.parametrize("kind", ["accepted", "rejected", *INTERVENTIONS])
@pytest.mark.parametrize("function", ["original", "amendment"])
def test_an_answer_that_is_written_reads_back(kind: AnswerKind, function: str) -> None:
    concerned = msgspec.structs.replace(CONCERNED, function=function)
    [back] = ens.read(ens.answer([answer(kind, concerned=concerned)])).answers

    assert (back.kind, back.mrn or "26GB000000000SAMR9") == (kind, "26GB000000000SAMR9")
    assert back.sent_at == back.effective_at == AT
    assert back.concerned is not None
    assert back.concerned.message_id == "SAMPLE-000001"


def test_a_kind_of_answer_that_the_dialect_does_not_have_is_left_out() -> None:
    assert b"<ie:" not in ens.answer([answer("tax_final")])
    assert ens.answer([answer("tax_final"), answer("accepted")]) == ens.answer([answer("accepted")])


# Through the corridor.


def cleared(law: Law, name: str) -> ClearedMessage:
    message = Message(data=sample(name).encode(), source=f"{name}.xml", received_at=AT)
    [result] = clear_readings(
        [message], [formats.read(message.data)], law=law, past=Past(), on=date(2026, 11, 2),
        number=lambda _, __: "26GB000000000SAMR9",
    )  # fmt: skip
    return result


def test_an_entry_is_registered_and_neither_priced_nor_released(law: Law) -> None:
    for name in ("gb-road-parcels", "gb-air-mail"):
        result = cleared(law, name)
        [done] = result.consignments

        assert [found.code for found in done.cleared.findings if found.severity == "error"] == []
        assert (done.cleared.charges, done.postings, done.cleared.regime) == ((), (), None)
        assert (done.cleared.decision.control, done.cleared.decision.security) == ("accepted", "assessment_complete")
        assert b"<ie:CC328A " in result.answers
        assert b"<DocNumHEA5>26GB000000000SAMR9</DocNumHEA5>" in result.answers


def test_an_entry_need_not_say_what_only_customs_must_know(law: Law) -> None:
    text = sample("gb-road-parcels").replace("<ComNomCMD1>610910<", "<ComNomCMD1>6109<")
    text = re.sub(r"<GooDesGDS23>.*</GooDesGDS23>", "", text)
    [result] = clear_readings([Message(data=text.encode(), source="x")], [formats.read(text.encode())], law=law,
                              past=Past(), on=date(2026, 11, 2))  # fmt: skip
    [done] = result.consignments

    assert [found.code for found in done.cleared.findings if found.severity != "note"] == []
    assert done.cleared.decision.control == "accepted"


def test_an_amendment_is_accepted_and_a_broken_declaration_rejected(law: Law) -> None:
    assert b"<ie:CC304A " in cleared(law, "gb-sea-to-order-amendment").answers
    assert b"<ie:CC316A " in cleared(law, "gb-with-broken-rules").answers
    assert b"<ie:CC316A " in cleared(law, "gb-not-of-the-schema").answers


def test_who_must_not_load_is_told_before_all_else() -> None:
    told = ens.answer([answer("do_not_load"), answer("accepted")]).decode()

    assert told.index("CC351A") < told.index("CC328A")


def test_a_finding_of_ours_about_an_entry_points_into_the_message() -> None:
    declared = one(sample("gb-road-parcels"))
    finding = Finding(code="GDS-03", severity="error", pointer="/items/1/hs_code", text="Too short.")
    text = ens.answer([answer("rejected", findings=(finding,))]).decode()

    assert "<ErrPoiER12>/items/1/hs_code</ErrPoiER12>" in text
    assert ens.source_pointer(declared, finding.pointer).endswith("COMCODGODITM[1]/ComNomCMD1[1]")


def test_a_consignment_from_elsewhere_keeps_what_the_messages_have_an_element_for() -> None:
    record = make.consignment()
    back = again(record)

    assert (back.reference, back.direction) == (record.reference, "entry")
    assert [item.hs_code for item in back.items] == [item.hs_code for item in record.items]
    assert {party.role for party in back.parties} == {"consignor", "consignee"}


def test_leaves_and_groups_are_told_apart() -> None:
    root = schema_of("CC315A", "reduced").message.root

    assert isinstance(root.inner["MesSenMES3"], Leaf)
    assert isinstance(root.inner["GOOITEGDS"], Group)


# Hostile messages.

HOSTILE = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "hostile"


def test_hostile_files_are_findings() -> None:
    if not HOSTILE.is_dir():
        pytest.skip("the hostile files are not here (../shared/data/hostile)")
    read_here = 0
    for path in sorted(HOSTILE.rglob("*")):
        if path.is_file() and path.stat().st_size < 4 * 1024 * 1024:
            reading = ens.read(path.read_bytes())
            read_here += 1

            assert any(found.severity == "error" for found in reading.findings) or reading.declared, path.name
    assert read_here > 100


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<ITI>", "<ITI><CouOfRouCodITI1>no</CouOfRouCodITI1></ITI>"),
        ("<PACGS2>", "<PACGS2><KinOfPacGS23>CT</KinOfPacGS23><NumOfPacGS24>0</NumOfPacGS24>"
                     "<MarNumOfPacGSL21>NOWHERE</MarNumOfPacGSL21></PACGS2>"),
        ("<SEAID529>", "<SEAID529><SeaIdSEAID530>S</SeaIdSEAID530></SEAID529>"),
        ("<GOOITEGDS>", "<GOOITEGDS><IteNumGDS7>1</IteNumGDS7><PACGS2><KinOfPacGS23>CT</KinOfPacGS23>"
                        "<NumOfPacGS24>0</NumOfPacGS24><MarNumOfPacGSL21>X</MarNumOfPacGSL21></PACGS2></GOOITEGDS>"),
        ("<MesIdeMES19>", "<Unknown>x</Unknown>"),
    ],
    ids=["misfits", "too-many", "seals", "items", "unknown"],
)  # fmt: skip
def test_time_grows_with_the_message_and_no_faster(before: str, after: str) -> None:
    def seconds(times: int) -> float:
        data = sample("gb-road-parcels").replace(before, after * times + before, 1).encode()
        started = time.process_time()
        ens.read(data)
        return time.process_time() - started

    few = min(seconds(2_000) for _ in range(2))

    assert seconds(16_000) < 8 * 4 * few + 0.5


@pytest.mark.parametrize("mass", ["0." + "0" * 200, "+" + "0" * 200 + "4", "1." + "0" * 200, "-0", "-0.0"])
def test_a_mass_with_many_noughts_is_a_number_like_others(mass: str) -> None:
    declared = one(sample("gb-road-parcels").replace("<GroMasGDS46>4<", f"<GroMasGDS46>{mass}<"))

    assert declared.consignment.items[0].gross_mass == Decimal(mass)
    assert msgspec.json.decode(msgspec.json.encode(declared.consignment), type=Consignment) == declared.consignment


def names_in(function: Callable[..., object]) -> set[str]:
    """The groups and elements that a function names, and the functions beside it that it calls."""
    held, names = [function.__code__], set[str]()
    for code in held:
        for one in code.co_consts:
            held += [one] if isinstance(one, CodeType) else []
            names |= {one} if isinstance(one, str) and one in NAMED else set()
        helpers = [vars(predicates)[name] for name in code.co_names if name in vars(predicates)]
        held += [one.__code__ for one in helpers if isinstance(one, FunctionType) and one.__code__ not in held]
    return names


NAMED = {name for row in ELEMENTS for name in row.path}


@pytest.mark.parametrize("name", predicates.PREDICATES)
def test_a_condition_on_several_groups_says_what_it_looks_at(name: str) -> None:
    """Of a declaration of known shape nothing else is there to be looked at."""
    visited = predicates.VISITED[name]

    assert names_in(predicates.PREDICATES[name]) | {predicates.EVERY_TEXT} == visited | {predicates.EVERY_TEXT}
    assert (predicates.EVERY_TEXT in visited) == (name == "consignors_differ")

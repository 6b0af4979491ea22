"""The post's messages: four forms of one tree, from one table."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

import make
import strategies
from tidewaiter import formats
from tidewaiter.formats import post
from tidewaiter.formats.post.shape import MESSAGES, RECORDS, ROWS, Group, Leaf
from tidewaiter.model.answer import Answer, AnswerKind
from tidewaiter.model.consignment import Consignment, Party
from tidewaiter.model.movement import Dispatch, ItemEvent

HOUSE = Path(__file__).resolve().parents[1]
SAMPLES = Path(post.__file__).parent / "samples"
SHARED = HOUSE.parent / "shared" / "data"
FORMS = tuple(post.FORMS)
SCRIPTS = ("Zoë Müller", "Иван Выдуманный", "اسم مخترع", "王小明", "สมมติ ชื่อ", "ምናባዊ ስም")


def codes(reading: formats.Reading) -> list[str]:
    return [finding.code for one in reading.declared for finding in one.findings] + [
        finding.code for finding in reading.findings
    ]


def itmatt(**item: Any) -> dict[str, Any]:
    """An ITMATT of one item in the JSON form."""
    content = {"description": "paper lantern", "net_mass": "0.4", "value": {"amount": "3.00", "currency": "EUR"}}
    made = {"item_id": "LX123456785CN", "destination_country": "FR", "gross_mass": "0.5", "content": [content], **item}
    return {"message": "ITMATT", "item": [{name: value for name, value in made.items() if value is not None}]}


def read(message: dict[str, Any]) -> formats.Reading:
    return post.read(json.dumps(message).encode())


# --- golden


def test_a_cn_23_becomes_a_consignment_of_the_post() -> None:
    reading = post.read((SAMPLES / "itmatt-two-items.json").read_bytes())
    first, second = (one.consignment for one in reading.declared)

    assert codes(reading) == []
    assert reading.dropped == ()
    assert (first.reference, first.tracking_id, first.jurisdiction, first.channel) == (
        "LX123456785CN", "LX123456785CN", "FR", "post",
    )  # fmt: skip
    assert [party.role for party in first.parties] == ["submitter", "consignor", "consignee"]
    assert [item.hs_code for item in first.items] == ["940550", "340600"]
    assert str(first.items[0].price and first.items[0].price.amount) == "30.00"
    assert first.fiscal_references[0].id == "IM2500000001"
    assert (second.category, second.jurisdiction) == ("gift", "GB")


@pytest.mark.parametrize("name", ["itmatt-two-items.xml", "itmatt-two-items.edi", "cusitm-two-items.csv"])
def test_the_same_declaration_in_every_form_is_the_same_consignment(name: str) -> None:
    told = [one.consignment for one in post.read((SAMPLES / "itmatt-two-items.json").read_bytes()).declared]

    assert [one.consignment for one in post.read((SAMPLES / name).read_bytes()).declared] == told


def test_what_customs_answers_is_read_by_its_word_and_by_the_partners() -> None:
    reading = post.read((SAMPLES / "cusrsp-answers.json").read_bytes())

    assert [(one.kind, one.status) for one in reading.answers] == [
        ("released", "release"), ("information_request", "info_needed"), ("hold", "return"),
    ]  # fmt: skip
    assert reading.answers[1].findings[0].code == "GDS-01"
    assert reading.answers[2].taxes[0].type == "B00"


def test_a_pre_advice_is_a_dispatch_with_its_receptacles_and_items() -> None:
    [dispatch] = post.read((SAMPLES / "predes-one-dispatch.json").read_bytes()).movements

    assert isinstance(dispatch, Dispatch)
    assert dispatch.id == "CNCANAFRCDGAAUN60042"
    assert [len(receptacle.items) for receptacle in dispatch.receptacles] == [2, 1]


def test_events_are_read_in_their_order() -> None:
    reading = post.read((SAMPLES / "emsevt-events.csv").read_bytes())

    assert [(one.item_id, one.event) for one in reading.movements if isinstance(one, ItemEvent)] == [
        ("LX123456785CN", "EMD"), ("LX123456785CN", "EDB"), ("UA000000005CN", "EMD"),
    ]  # fmt: skip


def test_every_kind_of_answer_has_a_word() -> None:
    answers = [Answer(kind=kind, id=f"A-{kind}", reference="LX123456785CN") for kind in get_args(AnswerKind)]

    assert list(post.read(post.answer(answers)).answers) == answers


# --- strictness


@pytest.mark.parametrize(
    ("change", "code", "pointer", "place"),
    [
        ({"gross_mass": "1,5"}, "PST-06", "/gross_mass", "/item/0/gross_mass"),
        ({"gross_mass": "1_000"}, "PST-06", "/gross_mass", "/item/0/gross_mass"),
        ({"gross_mass": "-1"}, "PST-06", "/gross_mass", "/item/0/gross_mass"),
        ({"gross_mass": True}, "PST-06", "/gross_mass", "/item/0/gross_mass"),
        ({"gross_mass": None}, "PST-08", "/gross_mass", "/item/0"),
        ({"posted_at": "2026-02-30T10:00:00Z"}, "PST-06", "/declared_acceptance", "/item/0/posted_at"),
        ({"posted_at": "2026-02-03"}, "PST-06", "/declared_acceptance", "/item/0/posted_at"),
        ({"category": "birthday"}, "PST-06", "/category", "/item/0/category"),
        ({"origin_country": "China"}, "PST-06", "/export_country", "/item/0/origin_country"),
        ({"ucr": "a\u0000b"}, "PST-07", "/ucr", "/item/0/ucr"),
        ({"colour": "red"}, "PST-04", "", "/item/0/colour"),
        ({"postage": {"amount": "1.00"}}, "PST-08", "/freight/currency", "/item/0/postage"),
        ({"sender": "Sam"}, "PST-06", "/parties", "/item/0/sender"),
        ({"item_id": None, "reference": "A1"}, "PST-08", "/tracking_id", "/item/0"),
        ({"destination_country": None}, "PST-09", "/jurisdiction", "/item/0"),
        ({"content": None}, "PST-08", "/items", "/item/0"),
    ],
)
def test_what_does_not_fit_is_a_finding_in_its_place(
    change: dict[str, Any], code: str, pointer: str, place: str
) -> None:
    [declared] = read(itmatt(**change)).declared

    assert [(one.code, one.pointer, one.source_pointer) for one in declared.findings] == [(code, pointer, place)]


def test_an_amendment_is_asked_only_for_what_names_it() -> None:
    [declared] = read(itmatt(function="amendment", version="2", gross_mass=None, content=None)).declared

    assert declared.findings == ()


def test_an_item_that_nothing_names_is_no_consignment_and_nothing_of_it_is_lost_silently() -> None:
    reading = read(itmatt(item_id=None))

    assert reading.declared == ()
    assert "PST-08" in codes(reading)
    assert "/item/0/content/0/description" in reading.dropped


def test_elements_without_a_field_are_named_as_not_kept() -> None:
    reading = read({**itmatt(insured_value="50", non_delivery="return"), "to": "FRA"})

    assert set(reading.dropped) == {"/to", "/item/0/insured_value", "/item/0/non_delivery"}


def test_a_name_given_twice_is_an_error() -> None:
    text = json.dumps(itmatt()).replace('"gross_mass": "0.5"', '"gross_mass": "0.5", "gross_mass": "0.6"')
    of_list = json.dumps(itmatt()).replace('"content": [', '"content": [], "content": [')

    assert codes(post.read(text.encode())) == ["PST-05"]
    assert codes(post.read(of_list.encode())) == ["PST-06"]


def test_a_row_of_a_sheet_that_contradicts_the_one_before_is_an_error() -> None:
    sheet = (
        "message,item.item_id,item.gross_mass,item.destination_country,item.content.description\n"
        "ITMATT,LX123456785CN,0.5,FR,lantern\nITMATT,LX123456785CN,0.7,FR,candle\n"
    )
    [declared] = post.read(sheet.encode()).declared

    assert [(one.code, one.source_pointer) for one in declared.findings] == [
        ("PST-05", "row 3, column “item.gross_mass”")
    ]
    assert [item.description for item in declared.consignment.items] == ["lantern", "candle"]


def test_a_column_that_no_message_has_is_told_once() -> None:
    sheet = "message,item.item_id,colour\nITMATT,LX123456785CN,red\nITMATT,UA000000005CN,blue\n"
    reading = post.read(sheet.encode(), jurisdiction="FR")

    assert [one.code for one in reading.findings] == ["PST-04"]
    assert [one.consignment.tracking_id for one in reading.declared] == ["LX123456785CN", "UA000000005CN"]


def test_a_wrong_control_count_keeps_every_item_of_the_file_from_being_accepted() -> None:
    data = (SAMPLES / "itmatt-two-items.edi").read_bytes().replace(b"UNT+51", b"UNT+50")
    reading = post.read(data)

    assert len(reading.declared) == 2
    for declared in reading.declared:
        assert "EDI-11" in [one.code for one in declared.findings if one.severity == "error"]


def test_a_receptacle_that_is_none_is_pointed_at() -> None:
    data = (SAMPLES / "predes-one-dispatch.json").read_bytes().replace(b"60042002100010", b"6004200210001")
    [finding] = post.read(data).findings

    assert finding.code == "PST-10"
    assert finding.pointer == "/movements/0/receptacles/1/id"
    assert finding.source_pointer == "/receptacle/1/receptacle_id"


def test_an_event_that_is_not_on_the_list_is_kept_with_a_warning() -> None:
    data = (SAMPLES / "emsevt-events.csv").read_bytes().replace(b"EDB", b"EZZ")
    reading = post.read(data)

    assert len(reading.movements) == 3
    assert [(one.code, one.severity) for one in reading.findings] == [("PST-12", "warning")]


def test_a_pointer_of_ours_is_told_in_the_words_of_the_form() -> None:
    places = {}
    for name in ("itmatt-two-items.json", "cusitm-two-items.csv", "itmatt-two-items.xml", "itmatt-two-items.edi"):
        reading = post.read((SAMPLES / name).read_bytes())
        places[name] = formats.source_pointer("post", reading.declared[0], "/items/1/hs_code")

    assert places["itmatt-two-items.json"] == "/item/0/content/1/hs_code"
    assert places["cusitm-two-items.csv"] == "row 4, column “item.content.hs_code”"
    assert places["itmatt-two-items.xml"] == "/ITMATT[1]/item[1]/content[2]/hs_code[1]"
    assert places["itmatt-two-items.edi"].endswith("segment 32 PIA, element 2, component 1")


# --- properties


def fitting(record: Consignment, number: int) -> Consignment:
    """The record with what the messages can say, and in their order."""
    kept = {name: getattr(record, name) for name in shown(MESSAGES["ITMATT"]) | shown(MESSAGES["ITMATT"].records)}
    group = MESSAGES["ITMATT"].records
    for inner in group.groups():
        if inner.many and inner.field != "parties":
            kept[inner.field] = tuple(reduced(one, inner) for one in kept[inner.field])
            kept[inner.field] = tuple(one for one in kept[inner.field] if not is_empty(one))
    kept["parties"] = in_order(record.parties)
    kept |= {"tracking_id": f"LX{number:09d}CN", "channel": "post", "jurisdiction": record.jurisdiction or "FR"}
    return Consignment(**kept)


def shown(group: Group) -> set[str]:
    return {one.field.partition(":")[0] for one in group.inner.values()} - {"", "="}


def reduced(record: Any, group: Group) -> Any:
    """The record with the fields that the group tells, and a description where that must be there."""
    kept = {name: getattr(record, name) for name in shown(group)}
    for inner in group.groups():
        if inner.many:
            kept[inner.field] = tuple(
                one for one in (reduced(one, inner) for one in kept[inner.field]) if not is_empty(one)
            )
    if "description" in kept:
        kept["description"] = kept["description"] or "goods"
    return group.struct(**kept)


def is_empty(record: Any) -> bool:
    return all(value is None or value == () for value in structs.astuple(record))


def in_order(parties: tuple[Party, ...]) -> tuple[Party, ...]:
    """The parties as they are written, without the papers of persons, which these messages do not tell."""
    parties = tuple(structs.replace(party, identity=None, identity_type=None) for party in parties)
    said = [party for party in parties if party != Party(role=party.role)]
    first = {party.role: party for party in reversed(said)}
    submitter = first.get("submitter")
    roles = ["consignor", "consignee"]
    if submitter is not None and submitter == Party(role="submitter", id=submitter.id):
        roles = ["submitter", *roles]
    placed = [first[role] for role in roles if role in first]
    return (*placed, *(party for party in said if not any(party is one for one in placed)))


def whole_seconds(record: Any) -> Any:
    """The record with instants to the second, as EDIFACT tells them."""
    plain = msgspec.to_builtins(record, builtin_types=(datetime,))
    for name in ("issued_at", "declared_acceptance"):
        if plain.get(name):
            plain[name] = plain[name].replace(microsecond=0)
    return msgspec.convert(plain, type(record))


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(records=st.lists(strategies.consignments(), min_size=1, max_size=3))
def test_what_is_written_is_read_again(form: str, records: list[Consignment]) -> None:
    told = [fitting(record, number) for number, record in enumerate(records)]
    if form == "edifact":
        told = [whole_seconds(one) for one in told]
    for message in ("ITMATT", "CUSITM"):
        reading = post.read(post.write_as(told, message=message, form=form))
        missing = {"PST-08"}  # a drawn record may lack a mass or goods: that is told, and nothing else

        assert set(codes(reading)) <= missing
        assert [one.consignment for one in reading.declared] == told
        assert reading.dropped == ()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SCRIPTS)
def test_names_in_every_script_come_through(form: str, name: str) -> None:
    party = Party(role="consignee", name=name, street=f"{name}; 'a' + b: c?, \"d\" <e> & f*", country="FR")
    record = make.consignment(
        reference="LX123456785CN", tracking_id="LX123456785CN", channel="post", jurisdiction="FR", parties=(party,)
    )
    told = structs.replace(record, **dict.fromkeys(("accepted_on", "paid", "incoterm"), None))
    [declared] = post.read(post.write_as([told], message="ITMATT", form=form)).declared

    assert declared.consignment.parties == (party,)


receptacle_numbers = st.tuples(st.integers(0, 999), st.integers(0, 1), st.integers(0, 1), st.integers(0, 9999)).map(
    lambda parts: "CNCANAFRCDGAAUN60042{:03d}{}{}{:04d}".format(*parts)
)
documents = st.one_of(
    st.lists(strategies.records(Dispatch).map(lambda one: structs.replace(one, id="CNCANAFRCDGAAUN60042")), max_size=2),
    st.lists(strategies.records(ItemEvent).map(lambda one: structs.replace(one, event="EMA")), max_size=4),
)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=documents, numbers=st.lists(receptacle_numbers, min_size=4, max_size=4, unique=True))
def test_dispatches_and_events_are_read_again(form: str, drawn: list[Any], numbers: list[str]) -> None:
    told = []
    for place, one in enumerate(drawn):
        if isinstance(one, Dispatch):
            bags = [structs.replace(bag, id=numbers[n]) for n, bag in enumerate(one.receptacles)]
            bags = [
                structs.replace(
                    bag, items=tuple(structs.replace(i, item_id=f"RR{n:09d}CN") for n, i in enumerate(bag.items))
                )
                for bag in bags
            ]
            number = f"CNCANAFRCDGAAUN6{place:04d}"
            told.append(structs.replace(one, id=number, receptacles=tuple(bags)))
        else:
            told.append(structs.replace(one, receptacle_id=None if one.receptacle_id is None else numbers[0]))
    if form == "edifact":
        told = [clipped(one) for one in told]
    reading = post.read(post.movements_as(told, form=form))

    assert list(reading.movements) == told
    assert reading.dropped == ()


def clipped(record: Any) -> Any:
    """The record with every instant to the second."""
    return structs.replace(
        record,
        **{
            name: value.replace(microsecond=0)
            for name, value in structs.asdict(record).items()
            if isinstance(value, datetime)
        },
    )


@settings(max_examples=150, deadline=None)
@given(
    data=st.binary(max_size=400),
    name=st.sampled_from(sorted(path.name for path in SAMPLES.iterdir())),
    at=st.integers(0),
)
def test_any_bytes_in_a_message_are_findings_and_never_an_exception(data: bytes, name: str, at: int) -> None:
    whole = (SAMPLES / name).read_bytes()
    place = at % len(whole)

    assert post.read(whole[:place] + data + whole[place:]).format == "post"
    assert post.read(whole[:place] + data + whole[place + len(data) :]).format == "post"


def test_hostile_files_are_read_without_an_exception() -> None:
    if not (SHARED / "hostile").exists():
        pytest.skip("the hostile files are not here (../shared/data/hostile)")
    files = [
        path for path in sorted((SHARED / "hostile").rglob("*")) if path.is_file() and path.stat().st_size < 200_000
    ]
    for path in files:
        reading = post.read(path.read_bytes())

        assert not reading.declared, path.name
        assert reading.findings, path.name
    assert len(files) > 300


# --- the table


def test_the_page_is_made_from_the_table() -> None:
    assert (HOUSE / "docs" / "reference" / "post.md").read_text(encoding="utf-8") == post.page()


def test_every_field_named_in_the_table_is_one_of_its_record() -> None:
    assert Counter(row.path for row in ROWS if "ITMATT" in row.messages).most_common(1)[0][1] == 1
    for name, group in MESSAGES.items():
        assert set(shown(group)) | set(shown(group.records)) <= set(RECORDS[name].__struct_fields__)


@pytest.mark.parametrize("name", MESSAGES)
def test_no_two_elements_of_a_message_share_a_place_in_edifact(name: str) -> None:
    def places(group: Group) -> None:
        told = [(one.segment, isinstance(one, Leaf)) for one in group.inner.values()]
        assert len(told) == len(set(told)), group.name
        for inner in group.groups():
            places(inner)

    places(MESSAGES[name])


def test_records_with_the_same_head_share_a_message() -> None:
    at = datetime(2026, 11, 2, tzinfo=UTC)
    records = [
        Consignment(reference=f"A{n}", jurisdiction="FR", tracking_id=f"LX{n:09d}CN", message_id=id_, issued_at=at)
        for n, id_ in enumerate(("M1", "M1", "M2"))
    ]

    assert [len(one["item"]) for one in json.loads(post.write(records))] == [2, 1]

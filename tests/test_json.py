"""The canonical form: what is read, what is refused and where, and that nothing changes on the way."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make
import strategies
from tidewaiter.formats import json as canonical
from tidewaiter.formats.json.building import ENTRIES_MAX
from tidewaiter.formats.reading import Reading
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.money import Money

SUITE = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "hostile" / "jsontestsuite"
SCHEMA = Path(__file__).resolve().parents[1] / "docs" / "reference" / "consignment.schema.json"
HEAD = '"reference": "A", "jurisdiction": "GB"'


def read(text: str | bytes, **how: Any) -> Reading:
    return canonical.read(text.encode() if isinstance(text, str) else text, **how)


def faults(reading: Reading) -> list[tuple[str, str]]:
    """Code and place in their document of everything found."""
    found = [*reading.findings, *(finding for one in reading.declared for finding in one.findings)]
    return [(finding.code, finding.source_pointer) for finding in found]


@settings(max_examples=80, deadline=None)
@given(strategies.consignments())
def test_what_is_written_is_read_again_in_every_field(record: Consignment) -> None:
    reading = canonical.read(canonical.write([record]))

    assert [one.consignment for one in reading.declared] == [record]
    assert faults(reading) == []


@settings(max_examples=40, deadline=None)
@given(strategies.consignments())
def test_the_careful_way_reads_what_the_quick_way_reads(record: Consignment) -> None:
    data = canonical.write([record])
    quick = canonical.read(data)
    # One stray field sends the message the careful way.
    careful = canonical.read(data.replace(b'"reference"', b'"stray": 1, "reference"', 1))

    assert [one.consignment for one in careful.declared] == [record]
    assert faults(careful) == [("JSN-07", "/0/stray")]
    assert careful.kept == quick.kept


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (f"{{{HEAD}}}", [""]),
        (f"[{{{HEAD}}}, {{{HEAD}}}]", ["/0", "/1"]),
        (f'{{"consignments": [{{{HEAD}}}, {{{HEAD}}}]}}', ["/consignments/0", "/consignments/1"]),
        (f"{{{HEAD}}}\n\n{{{HEAD}}}\n", ["line 1 ", "line 3 "]),
        (f"\ufeff  {{{HEAD}}}", [""]),
    ],
    ids=["one", "list", "envelope", "lines", "mark"],
)
def test_a_message_is_one_object_a_list_an_envelope_or_one_object_a_line(text: str, places: list[str]) -> None:
    reading = read(text)

    assert faults(reading) == []
    assert reading.kept == 2 * len(places)
    assert [canonical.source_pointer(one, "/items/0/price") for one in reading.declared] == [
        f"{place}/items/0/price" for place in places
    ]


@pytest.mark.parametrize("name", ["list", "envelope", "lines"])
def test_one_bad_consignment_does_not_sink_the_others(name: str) -> None:
    good, bad = f"{{{HEAD}}}", '{"reference": 5, "jurisdiction": "GB"}'
    text, place = {
        "list": (f"[{good}, {bad}, {good}]", "/1/reference"),
        "envelope": (f'{{"consignments": [{good}, {bad}, {good}]}}', "/consignments/1/reference"),
        "lines": (f"{good}\n{bad}\n{good}", "line 2 /reference"),
    }[name]
    reading = read(text)

    assert len(reading.declared) == 2
    assert faults(reading) == [("JSN-09", place)]


def test_a_line_that_is_no_json_does_not_sink_the_others() -> None:
    reading = read(f'{{{HEAD}}}\n{{"reference": "B", "juris\n{{{HEAD}}}')

    assert len(reading.declared) == 2
    assert faults(reading) == [("JSN-01", "line 2")]


BAD_FIELDS = [
    ('"mrn": 5', "JSN-09", "/mrn"),
    ('"channel": "pigeon"', "JSN-09", "/channel"),
    ('"version": 1.5', "JSN-09", "/version"),
    ('"version": -1', "JSN-09", "/version"),
    (f'"version": 1{"0" * 30}', "JSN-09", "/version"),
    (f'"version": 1{"0" * 5000}', "JSN-09", "/version"),
    ('"export_country": "gb"', "JSN-09", "/export_country"),
    (f'"ucr": "{"x" * 71}"', "JSN-09", "/ucr"),
    ('"accepted_on": "2026-02-30"', "JSN-09", "/accepted_on"),
    ('"accepted_on": "20260201"', "JSN-09", "/accepted_on"),
    ('"issued_at": "2026-02-01T10:00:00"', "JSN-09", "/issued_at"),
    ('"issued_at": "0001-01-01T00:00:00+23:00"', "JSN-09", "/issued_at"),
    ('"issued_at": "9999-12-31T23:00:00-23:00"', "JSN-09", "/issued_at"),
    ('"gross_mass": "1_000"', "JSN-10", "/gross_mass"),
    ('"gross_mass": "1e5"', "JSN-10", "/gross_mass"),
    ('"gross_mass": " 5"', "JSN-10", "/gross_mass"),
    ('"gross_mass": "１２"', "JSN-10", "/gross_mass"),
    ('"gross_mass": "٣"', "JSN-10", "/gross_mass"),
    ('"gross_mass": "05"', "JSN-10", "/gross_mass"),
    ('"gross_mass": "sNaN"', "JSN-10", "/gross_mass"),
    ('"gross_mass": "Infinity"', "JSN-10", "/gross_mass"),
    ('"gross_mass": "-1"', "JSN-10", "/gross_mass"),
    ('"gross_mass": "1,5"', "JSN-10", "/gross_mass"),
    ('"gross_mass": "1.1234567"', "JSN-10", "/gross_mass"),
    ('"gross_mass": "1000000000000"', "JSN-10", "/gross_mass"),
    ('"gross_mass": 0.30000000000000004', "JSN-10", "/gross_mass"),
    ('"gross_mass": 1e999999999', "JSN-10", "/gross_mass"),
    ('"gross_mass": 1e400', "JSN-10", "/gross_mass"),
    ('"gross_mass": true', "JSN-10", "/gross_mass"),
    ('"gr\\u006fss_mass": "1_000"', "JSN-10", "/gross_mass"),
    ('"colour": "red"', "JSN-07", "/colour"),
    ('"a/b~c": "red"', "JSN-07", "/a~1b~0c"),
    ('"mrn": "1", "mrn": "2"', "JSN-06", "/mrn"),
    ('"mrn": "1", "\\u006drn": "2"', "JSN-06", "/mrn"),
    ('"incoterm_place": "a\\u0000b"', "JSN-11", "/incoterm_place"),
    ('"incoterm_place": "a\\tb"', "JSN-11", "/incoterm_place"),
    ('"incoterm_place": "a\u202eb"', "JSN-11", "/incoterm_place"),
    ('"incoterm_place": "a\\u202Eb"', "JSN-11", "/incoterm_place"),
    ('"incoterm_place": "a\u0085b"', "JSN-11", "/incoterm_place"),
    ('"incoterm_place": "a\x7fb"', "JSN-11", "/incoterm_place"),
    ('"incoterm_place": "a\uffffb"', "JSN-11", "/incoterm_place"),
    ('"incoterm_place": "a\U0001fffeb"', "JSN-11", "/incoterm_place"),
    ('"incoterm_place": "a\\ud83f\\udffeb"', "JSN-11", "/incoterm_place"),
    ('"incoterm_place": "a\\ud800b"', "JSN-11", "/incoterm_place"),
    ('"items": 5', "JSN-09", "/items"),
    ('"items": [{"price": "5 GBP"}]', "JSN-05", "/items/0/price"),
    ('"items": [{"price": {"amount": "5"}}]', "JSN-08", "/items/0/price/currency"),
    ('"items": [{}, {"net_mass": "-1"}]', "JSN-10", "/items/1/net_mass"),
    ('"parties": [{"role": "seller", "name": "Pat Example", "shoe": 1}]', "JSN-07", "/parties/0/shoe"),
]  # fmt: skip
"""What is wrong in one field, its code, and where."""


@pytest.mark.parametrize(("field", "code", "place"), BAD_FIELDS)
def test_a_bad_field_is_pointed_at_and_the_rest_is_kept(field: str, code: str, place: str) -> None:
    reading = read(f"[{{{HEAD}, {field}}}, {{{HEAD}}}]")

    assert faults(reading) == [(code, f"/0{place}")]
    assert len(reading.declared) == 2
    assert reading.declared[0].findings[0].pointer == place
    assert reading.dropped == (f"/0{place}",)


def test_half_a_character_in_one_consignment_spoils_no_other() -> None:
    for before, after, place in (("[", "]", ""), ('{"consignments": [', "]}", "/consignments")):
        reading = read(f'{before}{{{HEAD}, "mrn": "\\ud800"}}, {{{HEAD}}}, null{after}')

        assert len(reading.declared) == 2
        assert sorted(faults(reading)) == [("JSN-05", f"{place}/2"), ("JSN-11", f"{place}/0/mrn")]


def test_all_faults_of_a_consignment_are_told_at_once() -> None:
    reading = read(f'{{{HEAD}, "channel": "x", "gross_mass": "x", "items": [{{"hs_code": 1}}, {{"colour": 1}}]}}')

    assert faults(reading) == [
        ("JSN-09", "/channel"),
        ("JSN-10", "/gross_mass"),
        ("JSN-09", "/items/0/hs_code"),
        ("JSN-07", "/items/1/colour"),
    ]


def test_many_faults_are_counted_and_not_all_listed() -> None:
    fields = ", ".join(f'"x{n}": 1' for n in range(200))
    reading = read(f"{{{HEAD}, {fields}}}")

    assert len(reading.declared[0].findings) == 51
    assert "150 more" in reading.declared[0].findings[-1].text


def test_many_consignments_that_cannot_be_read_are_counted_and_not_all_listed() -> None:
    reading = read("[" + ", ".join(["{}"] * 2_000) + "]")

    assert len(reading.findings) == 1_001
    assert "3,000 more" in reading.findings[-1].text


def test_no_finding_holds_what_was_sent() -> None:
    secret = "Pat Example 7QX"
    fields = ", ".join(f'"{name}": "{secret}"' for name in Consignment.__struct_fields__[2:])
    reading = read(f'{{{HEAD}, {fields}, "items": [{{"price": "{secret}", "sequence": "{secret}"}}]}}')

    assert len(faults(reading)) > 10
    assert secret not in str([*reading.findings, *(one.findings for one in reading.declared)])


def test_pointers_follow_an_item_that_moved_up() -> None:
    reading = read(f'[{{{HEAD}, "items": [5, {{"gross_mass": "x"}}, {{}}]}}]')
    [declared] = reading.declared

    assert [finding.pointer for finding in declared.findings] == ["/items", "/items/0/gross_mass"]
    assert [finding.source_pointer for finding in declared.findings] == ["/0/items/0", "/0/items/1/gross_mass"]
    assert canonical.source_pointer(declared, "/items/1/net_mass") == "/0/items/2/net_mass"


def test_numbers_may_stand_without_quotation_marks_and_stay_exact() -> None:
    item = '{"price": {"amount": 20.10, "currency": "GBP"}, "gross_mass": 1}'
    [declared] = read(f'{{{HEAD}, "gross_mass": 12e-1, "items": [{item}]}}').declared

    assert declared.findings == ()
    assert str(declared.consignment.items[0].price) == str(Money(amount=Decimal("20.10"), currency="GBP"))
    assert declared.consignment.gross_mass == Decimal("1.2")


def test_a_number_is_never_written_with_an_exponent() -> None:
    record = make.consignment(gross_mass="1E+2", items=(make.item(description="1E+2 pieces", net_mass="0E-6"),))
    data = canonical.write([record])

    assert b'"gross_mass": "100"' in data
    assert b'"net_mass": "0.000000"' in data
    assert b'"description": "1E+2 pieces"' in data
    assert canonical.read(data).declared[0].consignment == record


@pytest.mark.parametrize("name", ["王小明", "Zoë O’Brien-Ñuñez", "Noe\u0308l", "አበበ", "Null", "-1", "😀", "שרה"])
def test_a_name_is_kept_as_it_was_sent(name: str) -> None:
    text = json.dumps([{"reference": "A", "jurisdiction": "GB", "parties": [{"role": "seller", "name": name}]}])
    for message in (text, json.dumps(json.loads(text), ensure_ascii=False)):
        [declared] = read(message).declared

        assert declared.consignment.parties[0].name == name
        assert declared.findings == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[]", "JSN-04"),
        ("{}", "JSN-08"),
        ('"text"', "JSN-05"),
        ("[1]", "JSN-05"),
        ("[NaN]", "JSN-01"),
        (f'{{{HEAD}, "gross_mass": NaN}}', "JSN-01"),
        (f'[{{{HEAD}}}, {{"reference": }}]', "JSN-01"),
        ('{"consignments": {}}', "JSN-09"),
        ('{"consignments": []}', "JSN-04"),
        (f'{{"consignments": [{{{HEAD}}}], "sender": "x"}}', "JSN-07"),
        (f'{{"consignments": [{{{HEAD}}}], "consignments": []}}', "JSN-06"),
        ("[" * 100_000, "JSN-03"),
        ('{"a":' * 100_000, "JSN-03"),
        (f'{{{HEAD}, "items": {"[" * 100_000}{"]" * 100_000}}}', "JSN-03"),
    ],
    ids=lambda value: value[:40],
)
def test_a_message_that_holds_no_consignments_says_why(text: str, code: str) -> None:
    assert code in [found for found, _ in faults(read(text))]


def test_text_that_stops_being_json_is_pointed_at_by_line_and_column() -> None:
    [finding] = read('[\n  {"reference": "A",\n   "jurisdiction" "GB"}\n]').findings

    assert "line 3, column 19" in finding.text


def test_other_encodings_are_told_to_be_so() -> None:
    assert faults(read(f'{{{HEAD}, "incoterm_place": "ü"}}'.encode("latin-1"))) == [("JSN-02", "")]
    assert canonical.sniff(f"{{{HEAD}}}".encode("utf-16"))
    assert faults(read(f"{{{HEAD}}}".encode("utf-16"))) == [("JSN-02", "")]


def test_a_list_without_end_is_cut() -> None:
    items = ", ".join(["{}"] * (ENTRIES_MAX + 1))
    [declared] = read(f'{{{HEAD}, "items": [{items}]}}').declared

    assert [finding.code for finding in declared.findings] == ["JSN-12"]
    assert len(declared.consignment.items) == ENTRIES_MAX


def test_the_country_asked_for_does_not_mend_one_that_is_wrong() -> None:
    assert read('{"reference": "A"}', jurisdiction="GB").declared
    assert read('{"reference": "A", "jurisdiction": null}', jurisdiction="GB").declared
    assert faults(read('{"reference": "A", "jurisdiction": "Britain"}', jurisdiction="GB")) == [
        ("JSN-09", "/jurisdiction")
    ]


def test_every_kept_value_is_counted() -> None:
    record = make.consignment()

    def leaves(part: Any) -> int:
        if isinstance(part, dict):
            return sum(leaves(value) for value in part.values())
        return sum(leaves(value) for value in part) if isinstance(part, list) else 1

    assert canonical.read(canonical.write([record])).kept == leaves(msgspec.json.decode(msgspec.json.encode(record)))


def suite(pattern: str) -> list[Path]:
    found = sorted(SUITE.glob(f"test_parsing/{pattern}"))
    if not found:
        pytest.skip("JSONTestSuite is not here (../shared/data/hostile/jsontestsuite)")
    return found


def test_what_is_no_json_is_always_a_finding() -> None:
    paths = suite("n_*.json")
    for path in paths:
        reading = canonical.read(path.read_bytes())

        assert reading.findings, path.name
        assert not reading.declared, path.name

    assert len(paths) > 150


def test_json_that_is_no_declaration_is_a_finding_and_not_called_broken() -> None:
    paths = suite("y_*.json")
    for path in paths:
        reading = canonical.read(path.read_bytes())

        assert reading.findings, path.name
        assert not {finding.code for finding in reading.findings} & {"JSN-01", "JSN-02", "JSN-03"}, path.name

    assert len(paths) > 80


def test_json_on_which_readers_differ_is_never_an_exception() -> None:
    for path in [*suite("i_*.json"), *sorted(SUITE.glob("test_transform/*.json"))]:
        assert canonical.read(path.read_bytes()).findings, path.name


def test_the_published_schema_is_the_one_of_the_model() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == canonical.schema()


def test_the_schema_names_every_field_and_refuses_others() -> None:
    schema = canonical.schema()
    told = schema["$defs"]["Consignment"]

    assert schema["$id"]
    assert schema["title"]
    assert set(told["properties"]) == set(Consignment.__struct_fields__)
    assert told["additionalProperties"] is False
    assert told["required"] == ["reference", "jurisdiction"]
    assert schema["$defs"]["Money"]["properties"]["amount"]["type"] == ["string", "number"]
    assert '"format": "decimal"' in json.dumps(schema)
    assert '"type": "string", "format": "decimal"' not in json.dumps(schema)


def test_answers_are_a_list_that_can_be_read_back() -> None:
    answers = [Answer(kind="cleared", id="A1", reference="ORDER-1", sent_at=datetime(2026, 11, 2, 9, tzinfo=UTC))]

    assert msgspec.json.decode(canonical.answer(answers), type=list[Answer]) == answers


SPOILED = (
    (b'"GB"', b'"GB","jurisdiction":"FR"'),  # a name said twice
    (b'"quantity":"2"', b'"quantity":"2e0"'),
    (b'"quantity":"2"', b'"quantity":2'),
    (b'"reference":"', b'"reference":"\\u0007'),
    (b'"reference":"', b'"reference":"\xc2\x85'),
    (b'"reference":"', b'"reference":"\xff'),
    (b"}", b""),
    (b"{", b" \n{"),
    (b'{"', b'{"consignments":[]},{"'),
    (b'"GB"', b'null'),
    (b'"items":[', b'"items":[],"unknown":['),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(strategies.consignments(), st.none() | st.sampled_from(SPOILED), st.sampled_from([0, 0, 0, 1, 2])),
        max_size=5,
    )
)
def test_many_read_together_are_read_as_each_for_itself(
    drawn: list[tuple[Consignment, tuple[bytes, bytes] | None, int]],
) -> None:
    messages = []
    for record, spoiling, shape in drawn:
        data = (msgspec.json.encode(record), canonical.write([record]), msgspec.json.encode([record, record]))[shape]
        messages.append(data if spoiling is None else data.replace(*spoiling, 1))

    together = canonical.read_many(messages, jurisdiction="GB")

    assert together == [canonical.read(data, jurisdiction="GB") for data in messages]


def test_no_message_reaches_into_another_that_is_read_with_it() -> None:
    own = msgspec.json.encode(make.consignment(reference="OWN"))
    torn = [own[:-1] + b',"items":[', own, own + b"," + own, b"]}"]

    together = canonical.read_many(torn)

    assert [len(one.declared) for one in together] == [0, 1, 0, 0]
    assert together == [canonical.read(data) for data in torn]


FIRST_READ = """
import sys, threading
from tidewaiter.formats import json
start = threading.Barrier(16)
def read():
    start.wait()
    assert json.read(DATA).declared
DATA = bytes.fromhex(sys.argv[1])
sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=read) for _ in range(16)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


@pytest.mark.parametrize("envelope", [b"%s", b'{"consignments":[%s]}'])
def test_the_first_messages_of_a_process_may_come_all_at_once(envelope: bytes) -> None:
    data = envelope % msgspec.json.encode(make.consignment())

    done = subprocess.run([sys.executable, "-c", FIRST_READ, data.hex()], check=False, timeout=60)

    assert done.returncode == 0

"""Entry summary declarations against HMRC's published test cases, samples and schemas, read in place.

Run with `-s` to see the figures: cases agreed with, by suite and by rule, each miss with its reason, and the time.
"""

from __future__ import annotations

import random
import re
import tarfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from lxml import etree

from tidewaiter import formats
from tidewaiter.formats import SNIFF_BYTES, ens
from tidewaiter.formats.ens.reading import read, schema_of
from tidewaiter.formats.ens.tables import RULES, DataSet
from tidewaiter.formats.ens.taking import Taker, take_apart
from tidewaiter.formats.tree import grow
from tidewaiter.model.answer import Answer, AnswerKind, Concerned
from tidewaiter.model.batch import Batch

CORPUS = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "messages" / "ens-ics-uk"
ERROR = "{http://www.govtalk.gov.uk/CM/errorresponse}"
pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="HMRC's samples are not in ../shared/data/messages")

SUITES: dict[str, DataSet] = {"ruleTestCases315New": "reduced", "ruleTestCases315": "full"}
SCHEMA_SUITES: dict[str, DataSet] = {"schemaTestCases315": "full", "schemaTestCases313New": "reduced"}
MISSES: dict[str, str] = {}
"""Cases that are judged otherwise here, with the reason. There are none."""


@dataclass(frozen=True)
class Case:
    """A message and what is expected of it: error codes with places, or for the schema whether there are any."""

    suite: str
    name: str
    data: bytes
    expected: Counter[tuple[str, str]]


@cache
def cases(suite: str) -> tuple[Case, ...]:
    path = CORPUS / "conformance" / f"{suite}.tar.xz"
    if not path.exists():
        pytest.skip(f"{suite} is not in ../shared/data/messages/ens-ics-uk/conformance")
    with tarfile.open(path) as archive:
        files = {
            member.name.rpartition("/")[2]: file.read()
            for member in archive
            if member.isfile() and (file := archive.extractfile(member)) is not None
        }
    return tuple(
        Case(suite, name[:-4], data, expected_of(files[f"{name[:-4]}.ctl"]))
        for name, data in sorted(files.items())
        if name.endswith(".xml")
    )


def expected_of(control: bytes) -> Counter[tuple[str, str]]:
    errors = etree.fromstring(control).findall(f"{ERROR}Error")
    return Counter((one.findtext(f"{ERROR}Number") or "", one.findtext(f"{ERROR}Location") or "") for one in errors)


def found_in(case: Case, data_set: DataSet) -> Counter[tuple[str, str]]:
    [declared] = read(case.data, data_set=data_set).declared
    return Counter((one.code, one.source_pointer) for one in declared.findings if one.severity == "error")


@pytest.mark.parametrize("suite", SUITES)
def test_each_rule_case_gives_the_codes_and_places_that_are_expected(suite: str) -> None:
    agreed, by_rule, right_by_rule = 0, Counter[str](), Counter[str]()
    missed: dict[str, str] = {}
    started = time.process_time()
    results = [(case, found_in(case, SUITES[suite])) for case in cases(suite)]
    spent = time.process_time() - started
    for case, found in results:
        if found == case.expected:
            agreed += 1
        else:
            missed[case.name] = f"besides: {dict(found - case.expected)}, not found: {dict(case.expected - found)}"
        for code, _ in case.expected | found:
            by_rule[code] += 1
            right_by_rule[code] += found == case.expected
    total = len(results)
    valid = sum(not case.expected for case, _ in results)
    print(f"\n{suite}: {agreed} of {total} cases ({agreed / total:.2%}; {valid} of them valid messages), "
          f"{sum(sum(case.expected.values()) for case, _ in results)} errors expected; "
          f"{total / spent:,.0f} messages a CPU-second")  # fmt: skip
    print("  by rule: " + ", ".join(f"{code} {right_by_rule[code]}/{by_rule[code]}" for code in sorted(by_rule)))
    for name, what in missed.items():
        print(f"  missed {name}: {what}; {MISSES.get(name, 'unexplained')}")

    assert set(missed) <= set(MISSES)
    assert agreed / total >= 0.99


def test_every_rule_of_the_tables_is_in_some_case_or_named() -> None:
    """What no case breaks is named here, so that nobody takes it for proven."""
    broken = {code for suite in SUITES for case in cases(suite) for code, _ in case.expected}

    assert {row.code for row in RULES} - broken == set()
    assert broken - {row.code for row in RULES} == set()


def test_every_published_assertion_is_a_rule_of_ours() -> None:
    published = set()
    for path in sorted((CORPUS / "rules").glob("*.json")):
        rules = msgspec.json.decode(path.read_bytes())
        data_set = {"p3_p72": "full", "p3_p72_New": "reduced"}.get(rules["name"], "")
        published |= {(one["errorCode"], rules["element"].strip("/"), data_set) for one in rules["asserts"]}
    ours = set()
    for row in RULES:
        sets = ("full", "reduced") if row.at == ("HEAHEA",) and not row.data_set else (row.data_set,)
        ours |= {(row.code, "/".join(row.at), data_set) for data_set in sets}

    print(f"\n{len(published)} published assertions, {len(RULES)} rules of ours for them")
    assert len(published) == 204
    assert ours == published


@pytest.mark.parametrize("suite", SCHEMA_SUITES)
def test_each_schema_case_is_valid_or_not_as_expected(suite: str) -> None:
    missed = [case.name for case in cases(suite) if fits(case.data, SCHEMA_SUITES[suite]) == bool(case.expected)]
    total = len(cases(suite))

    print(f"\n{suite}: {total - len(missed)} of {total} cases")
    for name in missed:
        print(f"  missed {name}: {MISSES.get(name, 'unexplained')}")
    assert set(missed) <= set(MISSES)


def fits(data: bytes, data_set: DataSet) -> bool:
    """Whether the schema stage alone finds nothing."""
    root = grow(data).root
    assert root is not None
    taker = Taker()
    take_apart(root, schema_of(root.name, data_set).message, taker, at="")
    return taker.fits


@cache
def schema(path: str) -> Any:
    return etree.XMLSchema(etree.parse(CORPUS / path))


def declarations() -> Iterator[bytes]:
    """Whole messages that fit their schema: ours and theirs."""
    for path in sorted(Path(ens.__file__).parent.glob("samples/gb-[ars]*.xml")):
        root = etree.parse(path).getroot()
        yield etree.tostring(next(root.iter("{*}CC315A", "{*}CC313A")))
    for name in ("CC315A-schemaValidSample-v11-2", "CC313A-schemaValidSample-v11-2"):
        yield (CORPUS / "samples" / f"{name}.xml").read_bytes()


def changed(data: bytes, draw: random.Random) -> bytes:
    """The message with one to three things changed: an element gone, twice, elsewhere, of another name or text."""
    root = etree.fromstring(data)
    for _ in range(draw.randint(1, 3)):
        inside = [one for one in root.iter() if isinstance(one.tag, str) and one is not root]
        one = draw.choice(inside)
        above = one.getparent()
        change = draw.choice(("gone", "twice", "elsewhere", "renamed", "text", "text", "text"))
        if change == "gone":
            above.remove(one)
        elif change == "twice":
            above.insert(above.index(one), etree.fromstring(etree.tostring(one)))
        elif change == "elsewhere":
            above.remove(one)
            above.insert(draw.randint(0, len(above)), one)
        elif change == "renamed":
            one.tag = draw.choice(inside).tag
        elif not len(one):
            one.text = draw.choice(
                ("", "0", "00", "7", "12", "AB", "ab", "GB", "GB1", "X" * 14, "X" * 17, "X" * 18, "X" * 36, "X" * 71,
                 "12345", "123456", "1.5", "-1.5", "1.2345", ".5", "5.", "12345678.901", "123456789.12", "é",
                 "202611020915", "202613020915", "202611310915", "26GB000000000SAMR9", "GB000060", "CC315A", "A b  c"),
            )  # fmt: skip
    written: bytes = etree.tostring(root)
    return written


def test_the_schema_stage_says_of_changed_messages_what_the_published_schemas_say() -> None:
    draw = random.Random(315)
    whole = list(declarations())
    schemas: dict[tuple[str, DataSet], Any] = {
        ("CC315A", "reduced"): schema("schemas-internal/CC315A-v11-2-New.xsd"),
        ("CC313A", "reduced"): schema("schemas-internal/CC313A-v11-2-New.xsd"),
        ("CC315A", "full"): schema("schemas-internal/CC315A-v11-2.xsd"),
        ("CC313A", "full"): schema("schemas-internal/CC313A-v11-2.xsd"),
    }
    told: Counter[tuple[bool, bool]] = Counter()
    differ = []
    for number in range(3_000):
        data = changed(draw.choice(whole), draw)
        data_set: DataSet = "full" if number % 2 else "reduced"
        root = etree.fromstring(data)
        theirs = schemas[etree.QName(root).localname, data_set].validate(root)
        ours = fits(data, data_set)
        told[theirs, ours] += 1
        if theirs != ours:
            differ.append((data_set, data))
    print(f"\n3,000 changed messages: {told[True, True]} valid to both, {told[False, False]} invalid to both, "
          f"{len(differ)} judged otherwise")  # fmt: skip

    assert not differ, differ[0]
    assert min(told[True, True], told[False, False]) > 400


def test_every_sample_is_read_without_exception_with_the_items_counted_by_xpath() -> None:
    rows: Counter[str] = Counter()
    for path in sorted(CORPUS.rglob("*.xml")):
        data = path.read_bytes()
        root = etree.fromstring(data)
        held = list(root.iter("{*}CC315A", "{*}CC313A"))
        answers = list(root.iter("{*}CC304A", "{*}CC305A", "{*}CC316A", "{*}CC328A", "{*}CC351A"))
        reading = formats.read(data)
        rows["files"] += 1
        if held or answers:
            assert ens.sniff(data[:SNIFF_BYTES]), path.name
        assert len(reading.declared) == len(held), path.name
        assert len(reading.answers) == len(answers), path.name
        for declared, element in zip(reading.declared, held, strict=True):
            assert len(declared.consignment.items) == len(element.findall("{*}GOOITEGDS")), path.name
            assert declared.consignment.direction == "entry"
            rows["items"] += len(declared.consignment.items)
        rows["declarations"] += len(held)
        rows["answers"] += len(answers)
        rows["values with a field"] += reading.kept
        rows["values without"] += len(reading.dropped)
        rows["of those, languages"] += sum("LNG" in place or "LANG" in place for place in reading.dropped)
    print(f"\n{dict(rows)}")
    assert rows["declarations"] >= 15
    assert rows["answers"] >= 12


def test_what_is_read_of_every_case_is_written_so_that_it_reads_the_same() -> None:
    several = 0
    records = []
    for suite in SUITES:
        for case in cases(suite):
            [declared] = read(case.data).declared
            [again] = read(ens.write([declared.consignment])).declared
            several += 1

            assert again.consignment == declared.consignment, case.name
            if len(declared.consignment.items) < 5:
                records.append(declared.consignment)
    print(f"\n{several} messages written and read again")
    assert Batch.of(records).records() == records


def test_what_is_written_of_a_valid_case_is_valid_by_the_published_schema() -> None:
    valid = 0
    for case in cases("ruleTestCases315New"):
        if case.expected:
            continue
        [declared] = read(case.data).declared
        written = etree.fromstring(ens.write([declared.consignment]))
        known = schema("schemas/CC315A-v11-2.xsd")
        valid += 1

        assert known.validate(written), f"{case.name}: {known.error_log.last_error}"
        assert not read(ens.write([declared.consignment])).declared[0].findings, case.name
    print(f"\n{valid} valid cases written as valid messages without a broken rule")
    assert valid > 200


def test_every_place_that_a_finding_names_is_in_the_message_and_in_our_record() -> None:
    followed = 0
    for case in cases("ruleTestCases315New"):
        [declared] = read(case.data).declared
        root = etree.fromstring(case.data)
        for one in declared.findings:
            path = re.sub(r"^/ie:CC315A\[1\]", ".", one.source_pointer)
            followed += 1

            assert len(root.xpath(path)) == 1, f"{case.name}: {one.source_pointer}"
            steps = [step for step in one.pointer.split("/") if step]
            assert steps or one.code == "8102", f"{case.name}: {one.code} {one.pointer}"
            if steps:
                assert steps[0] in declared.consignment.__struct_fields__, one.pointer
    print(f"\n{followed} findings followed to one element each")
    assert followed > 2_000


SCHEMAS_OF_ANSWERS = {
    "CC304A": ("responses-decision/schemas/CC304A-v10-0.xsd", "responses-outcome/schemas/CC304A-v10-0.xsd"),
    "CC305A": ("responses-decision/schemas/CC305A-v10-0.xsd", "responses-outcome/schemas/CC305A-v10-0.xsd"),
    "CC316A": ("responses-decision/schemas/CC316A-v10-0.xsd", "responses-outcome/schemas/CC316A-v10-0.xsd"),
    "CC328A": ("responses-decision/schemas/CC328A-v10-0.xsd", "responses-outcome/schemas/CC328A-v10-0.xsd"),
    "CC351A": (
        "responses-intervention/schemas/CC351A-v10-0.xsd", "responses-intervention/schemas/CC351A-v10-0New.xsd",
    ),
}  # fmt: skip
KINDS: tuple[AnswerKind, ...] = (
    "accepted", "received", "rejected", "control", "documents", "hold", "information_request", "screening_request",
    "do_not_load",
)  # fmt: skip


def answers() -> Iterator[Answer]:
    """Answers of every kind, about what was read of the cases: with all that each message wants to repeat."""
    for number, case in enumerate(cases("ruleTestCases315New")):
        [declared] = read(case.data).declared
        record = declared.consignment
        numbers = {party.role: party.id for party in record.parties}
        yield Answer(
            kind="rejected" if declared.findings else KINDS[number % len(KINDS)],
            id=f"{number:020x}-0-0",
            reference=record.reference,
            mrn="26GB000000000SAMR9",
            sent_at=record.declared_at,
            effective_at=record.declared_at,
            findings=declared.findings,
            concerned=Concerned(
                function="amendment" if number % 2 else "original",
                message_id=record.message_id,
                sender=numbers["submitter"],
                declarant=numbers["declarant"],
                representative=numbers.get("representative"),
                carrier=numbers.get("carrier"),
                border_mode=record.transport.border_mode if record.transport else None,
                lodgement_office=record.declaration_office,
                entry_office=record.entry_office,
                arrival_expected=record.arrival_expected,
                declared_at=record.declared_at,
            ),
        )


def test_every_answer_is_valid_by_the_published_schemas() -> None:
    written: Counter[str] = Counter()
    for answer in answers():
        root = etree.fromstring(ens.answer([answer]))
        name = str(etree.QName(root).localname)
        written[name] += 1
        for path in SCHEMAS_OF_ANSWERS[name]:
            assert schema(path).validate(root), f"{name}: {schema(path).error_log.last_error}"
        errors = sum(one.severity == "error" for one in answer.findings)
        assert len(root.findall("FUNERRER1")) == errors
    print(f"\nanswers valid by two schemas each: {dict(written)}")

    assert set(written) == set(SCHEMAS_OF_ANSWERS)


def test_reading_takes_little_time() -> None:
    """A floor that only a blunder breaks; the figure is printed. The machine may be busy with other tests."""
    messages = [case.data for case in cases("ruleTestCases315New") if len(case.data) < 5_000]
    best = float("inf")
    for _ in range(2):
        started = time.process_time()
        for data in messages:
            read(data)
        best = min(best, (time.process_time() - started) / len(messages))
    size = sum(map(len, messages)) // len(messages)

    print(f"\n{best * 1e6:.0f} microseconds of CPU a message of {size} bytes, {1 / best:,.0f} a second")
    assert best < 0.01

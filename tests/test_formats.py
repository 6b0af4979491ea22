"""The contract of a message format; a new format is tested by being there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

import make
from tidewaiter import formats
from tidewaiter.formats import FORMATS, KINDS, SNIFF_BYTES, Declared, Format
from tidewaiter.formats.text import found, keep
from tidewaiter.model.answer import Answer
from tidewaiter.model.batch import Batch
from tidewaiter.model.finding import Finding, Kind

FOLDER = Path(formats.__file__).parent
HOSTILE = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "hostile"
SAMPLES = [
    pytest.param(name, path, id=f"{name}/{path.name}")
    for name in FORMATS
    for path in sorted((FOLDER / name / "samples").glob("*"))
    if path.is_file()
]
HEADLONG = (
    b"", b" \r\n", b"\x00", b"\x1f\x8b\x08\x00", b"PK\x03\x04", b"%PDF-1.7", b"\xff\xfe", b"\xef\xbb\xbf", b"{", b"[",
    b"<", b"<a/>", b"UNB+UNOC:3+X+Y'", b"reference", b"reference,description\n", b'reference,description\n"',
    b"\xd8\x00" * 9, b"null", b"[null]", b"[[[]]]", b'{"":0}', bytes(range(256)),
    b"\n" * 5000, b"," * 5000, b"[" * 5000, b"reference,paid\nA," + b" " * 100_000 + b"x" + b" " * 100_000 + b"USD",
    b"reference,paid\nA," + b"1" * 100_000, b"reference,paid\nA,\"" + b"\n" * 50_000 + b'x"',
)  # fmt: skip


def errors(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings if finding.severity == "error"]


def test_the_folder_is_the_list() -> None:
    packages = {path.parent.name for path in FOLDER.glob("*/__init__.py")}

    assert set(FORMATS) == packages
    assert {"json", "csv"} <= packages


def test_a_format_that_takes_whatever_looks_like_it_is_asked_after_the_others() -> None:
    loose = [bool(getattr(module, "LOOSE", False)) for module in FORMATS.values()]

    assert loose == sorted(loose)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_the_shape(name: str) -> None:
    module: Any = FORMATS[name]

    assert name == module.NAME
    assert module.MEDIA_TYPES
    assert all("/" in media_type for media_type in module.MEDIA_TYPES)
    assert module.__doc__
    for member in ("sniff", "read", "write", "answer", "source_pointer"):
        assert getattr(module, member).__doc__, f"{name}.{member} says nothing of itself"
    assert any((FOLDER / name / "samples").iterdir())


def test_every_kind_of_finding_is_told_apart_and_says_how_to_mend_it() -> None:
    assert len({kind.code for kind in KINDS}) == len(KINDS)
    for kind in KINDS:
        assert kind.text
        assert kind.remedy
        assert kind.law


@pytest.mark.parametrize(("name", "path"), SAMPLES)
def test_a_sample_is_sniffed_by_its_own_format_alone(name: str, path: Path) -> None:
    head = path.read_bytes()[:SNIFF_BYTES]
    sniffed = formats.sniff(head)
    closely = [other for other, module in FORMATS.items() if not getattr(module, "LOOSE", False) and module.sniff(head)]

    assert sniffed is not None
    assert name == sniffed.NAME
    assert closely == ([] if getattr(sniffed, "LOOSE", False) else [name])


@pytest.mark.parametrize(("name", "path"), SAMPLES)
def test_a_sample_is_read_and_its_findings_point_somewhere(name: str, path: Path) -> None:
    reading = formats.read(path.read_bytes())

    assert reading.format == name
    assert reading.declared or reading.documents or reading.movements or reading.answers
    assert reading.kept > 0
    of_documents = [finding for told in reading.documents for finding in told.findings]
    for finding in [*of_documents, *(finding for declared in reading.declared for finding in declared.findings)]:
        assert finding.source_pointer
        assert finding.code in {kind.code for kind in KINDS}


@pytest.mark.parametrize(("name", "path"), SAMPLES)
def test_what_was_read_from_a_sample_is_written_and_read_again(name: str, path: Path) -> None:
    records = [declared.consignment for declared in formats.read(path.read_bytes()).declared]
    if not records:
        pytest.skip("this sample holds answers, documents or movements, not declarations")
    module = FORMATS[name]

    assert [declared.consignment for declared in module.read(module.write(records)).declared] == records
    assert Batch.of(records).records() == records


@pytest.mark.parametrize(("name", "path"), SAMPLES)
def test_a_sample_that_is_cut_off_anywhere_is_read_without_exception(name: str, path: Path) -> None:
    data = path.read_bytes()
    for end in range(0, len(data), max(1, len(data) // 60)):
        reading = FORMATS[name].read(data[:end])

        assert reading.findings or reading.declared or reading.documents or reading.movements or reading.answers


@pytest.mark.parametrize("name", FORMATS)
def test_bytes_that_are_no_message_are_findings(name: str) -> None:
    for data in HEADLONG:
        FORMATS[name].sniff(data)
        reading = FORMATS[name].read(data)

        assert reading.format == name
        assert errors(reading.findings) or reading.declared, data[:40]


@pytest.mark.parametrize("data", HEADLONG, ids=[f"{place}-{len(data)}" for place, data in enumerate(HEADLONG)])
def test_any_bytes_can_be_sniffed_and_read(data: bytes) -> None:
    assert errors(formats.read(data).findings)


def test_random_bytes_are_never_an_exception() -> None:
    seed = bytes(range(256))
    for name, module in FORMATS.items():
        for path in sorted((FOLDER / name / "samples").glob("*"))[:2]:
            data = bytearray(path.read_bytes())
            for step in range(0, 120):
                broken = bytearray(data)
                for hit in range(1 + step % 4):
                    place = (step * 7919 + hit * 104_729) % len(broken)
                    broken[place] = seed[(step * 31 + hit) % 256]
                reading = module.read(bytes(broken))

                assert reading.findings or reading.declared or reading.documents or reading.movements or reading.answers


def test_an_empty_message_is_a_finding() -> None:
    for data in (b"", b"  \r\n", b"\xef\xbb\xbf", b"\xff\xfe"):
        assert errors(formats.read(data).findings) == ["MSG-01"]


def test_a_message_that_is_too_long_is_refused_unread() -> None:
    data = FORMATS["json"].write([make.consignment()])

    assert errors(formats.read(data, bytes_max=100).findings) == ["MSG-02"]
    assert not errors(formats.read(data, bytes_max=len(data)).findings)


def test_an_unknown_format_is_a_finding_that_names_those_known() -> None:
    [finding] = formats.read(b"%PDF-1.7 ...").findings

    assert finding.code == "MSG-03"
    assert "json" in finding.text
    assert formats.sniff(b"%PDF-1.7 ...") is None


def test_a_format_named_by_the_sender_is_taken_at_its_word() -> None:
    data = FORMATS["json"].write([make.consignment()])

    assert formats.read(data, format="json").declared
    assert errors(formats.read(data, format="csv").findings)
    assert errors(formats.read(data, format="telex").findings) == ["MSG-04"]


def test_the_country_asked_for_is_used_only_where_the_message_names_none() -> None:
    told = FORMATS["json"].write([make.consignment(jurisdiction="FR")])

    assert formats.read(told, jurisdiction="DE").declared[0].consignment.jurisdiction == "FR"
    assert formats.read(b'{"reference": "A"}', jurisdiction="DE").declared[0].consignment.jurisdiction == "DE"


def test_a_source_pointer_is_asked_of_the_format_that_read_it() -> None:
    reading = formats.read(FORMATS["json"].write([make.consignment(), make.consignment(reference="B")]))

    assert formats.source_pointer(reading.format, reading.declared[1], "/items/0/price") == "/1/items/0/price"


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_answers(name: str) -> None:
    finding = Finding(
        code="GDS-03", severity="error", pointer="/items/0/hs_code", source_pointer='row 7, column "HS code"',
        text="The commodity code needs at least six digits.", remedy="Give six digits.",
    )  # fmt: skip
    answers = [
        Answer(kind="rejected", id="A1", reference="ORDER-0001", findings=(finding,)),
        Answer(kind="cleared", id="A2", reference="ORDER-0002", mrn="26GB0000000000001"),
    ]

    assert FORMATS[name].answer(answers)


@pytest.mark.parametrize("name", FORMATS)
def test_a_source_pointer_is_given_for_any_pointer(name: str) -> None:
    declared = Declared(consignment=make.consignment())
    module: Format = FORMATS[name]
    for pointer in ("", "/", "/items", "/items/0", "/items/0/hs_code", "/items/99/price/amount", "/parties/0/name",
                    "/parties/x", "/fiscal_references/3/id", "/nothing/of/the/kind", "items"):  # fmt: skip
        assert isinstance(module.source_pointer(declared, pointer), str)


def naughty() -> list[str]:
    path = HOSTILE / "blns" / "blns.json"
    if not path.exists():
        pytest.skip("the list of naughty strings is not here (../shared/data/hostile/blns)")
    found: list[str] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", ["json", "csv"])
def test_naughty_text_is_kept_to_the_letter_or_refused_by_name(name: str) -> None:
    kept = 0
    texts = naughty()
    for text in texts:
        clean = text.strip()[:500] if name == "csv" else text[:500]
        if not clean:
            continue
        record = make.consignment(items=(msgspec.structs.replace(make.item(), description=clean),))
        reading = FORMATS[name].read(FORMATS[name].write([record]))
        [declared] = reading.declared
        if not declared.findings:
            assert declared.consignment.items[0].description == clean
            kept += 1
        else:
            assert {finding.code for finding in declared.findings} <= {"JSN-11", "CSV-25", "CSV-26"}
            assert {finding.pointer for finding in declared.findings} == {"/items/0/description"}

    assert kept > len(texts) * 0.95


def test_the_first_error_is_kept_after_however_many_warnings() -> None:
    more = Kind(code="M", severity="warning", text="Only {detail} are listed.", remedy="", law="")
    warning, error = (
        found(Kind(code=severity[:1], severity=severity, text="", remedy="", law=""), source_pointer="/x")
        for severity in ("warning", "error")
    )
    findings: list[Finding] = []
    for one in [*[warning] * 5, *[error] * 3]:
        keep(one, findings, most=3, more=more)

    assert [one.code for one in findings] == ["w", "w", "w", "M", "e"]
    assert findings[3].text == "Only 3 are listed."


STUFFED = """
from pathlib import Path
from tidewaiter import formats

heads = [b""]
for name in formats.FORMATS:
    for path in sorted(one for one in (Path(formats.__path__[0]) / name / "samples").rglob("*") if one.is_file()):
        data = path.read_bytes()[:2_000]
        heads += [data[:cut] for cut in (20, 200, 2_000)] + [data[: data.find(b"\\n") + 1]]
for head in set(heads):
    for filling in (b"\\n", b" ", b",", b"\\t\\n", b'"', b',"\\n;', b"<", b"{", b"'", b"-", b":"):
        formats.sniff(head + filling * (4_000 // len(filling)) + b"x")
print("done")
"""


def test_no_message_stuffed_with_blanks_and_marks_is_looked_at_for_ever() -> None:
    """A header and a few hundred empty lines once took the telling of formats longer than anyone would wait."""
    done = subprocess.run([sys.executable, "-c", STUFFED], capture_output=True, text=True, timeout=100, check=True)

    assert done.stdout == "done\n"

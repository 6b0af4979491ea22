"""The conformance kit: stages, expected answers, sets of messages, signed reports, and the command."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from typer.testing import CliRunner

import make
from conftest import NOW
from tidewaiter import formats
from tidewaiter.cli import app
from tidewaiter.cli.conform_report import page
from tidewaiter.formats import FORMATS
from tidewaiter.law import Law, load
from tidewaiter.model.answer import Answer
from tidewaiter.model.conformance import STAGES, Place, Report, SignedReport
from tidewaiter.model.consignment import Consignment
from tidewaiter.services.attest import attest, canonical, verify
from tidewaiter.services.clear import Message
from tidewaiter.services.conform import KINDS, conform
from tidewaiter.services.expect import Expected, expected_of
from tidewaiter.services.signing import KeyUnfit, public_key, public_keys, signing_key
from tidewaiter.settings import Settings, SettingsError
from tidewaiter.wiring import signing_key_of

ON = date(2026, 11, 26)
FOLDER = Path(formats.__file__).parent
BROKEN_RULES = FOLDER / "ens" / "samples" / "gb-with-broken-rules.xml"


@pytest.fixture(scope="module")
def law() -> Law:
    return load()


def told(*records: Consignment, name: str = "a.json") -> Message:
    return Message(source=name, data=FORMATS["json"].write(records))


def judged(law: Law | None, *messages: Message, expected: dict[str, Expected] | None = None) -> Report:
    return conform(messages, law=law, on=ON, at=NOW, expected=expected)


def outcomes(report: Report) -> str:
    """The outcome of each stage of the first message, by its first letter."""
    return "".join(one.outcome[0] for one in report.messages[0].stages)


def codes(report: Report, stage: str) -> list[list[str]]:
    return [[one.code for one in message.findings if one.stage == stage] for message in report.messages]


def test_every_kind_says_at_which_stage_it_is_found() -> None:
    by_stage = {stage: {kind.code for kind in KINDS.values() if kind.stage == stage} for stage in STAGES}

    assert {"MSG-01", "JSN-02", "CSV-01"} <= by_stage["bytes"]
    assert {"XML-01", "JSN-01", "EDI-06"} <= by_stage["syntax"]
    assert {"4065", "JSN-07", "DMS-01"} <= by_stage["schema"]
    assert {"8111", "GDS-03"} <= by_stage["rules"] | by_stage["codes"]
    assert {"HDR-07", "EDI-11", "SET-01"} <= by_stage["across"]
    assert all(by_stage.values())


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "fooooo"),
        (b"%PDF-1.7", "fooooo"),
        (b'[{"reference": }]', "pfoooo"),
        (b'[{"reference": "A", "jurisdiction": "GB", "colour": 1}]', "ppfof"),
        (FORMATS["json"].write([make.consignment()]), "pppppp"),
        (FORMATS["json"].write([make.consignment(item_count=7)]), "pppppf"),
    ],
)
def test_a_stage_fails_passes_or_is_open_until_an_earlier_one_is_mended(law: Law, data: bytes, expected: str) -> None:
    report = judged(law, Message(source="a", data=data))

    assert outcomes(report).startswith(expected)
    assert report.conforms == ("f" not in expected)


def test_without_a_law_the_dialect_alone_is_asked(law: Law) -> None:
    lacking = told(make.consignment(items=(make.item(description="x", hs_code="1"),)))

    assert [one for one in codes(judged(law, lacking), "codes") + codes(judged(law, lacking), "rules") if one]
    assert codes(judged(None, lacking), "rules") == [[]]
    assert judged(None, lacking).conforms
    assert judged(None, lacking).law == ""


def test_a_reference_stands_for_one_consignment_in_a_set() -> None:
    first, other = make.consignment(reference="A"), make.consignment(reference="A", gross_mass=None)
    report = judged(None, told(first), told(other, name="b.json"), told(first, name="c.json"))

    assert codes(report, "across") == [[], ["SET-01"], ["SET-02"]]
    assert [one.conforms for one in report.messages] == [True, False, True]
    [found] = report.messages[1].findings
    assert found.location == "/0/reference"
    assert "a.json" in found.text


def test_two_consignments_of_one_message_may_not_share_a_reference() -> None:
    report = judged(None, told(make.consignment(reference="A"), make.consignment(reference="A", gross_mass=None)))

    assert codes(report, "across") == [["SET-01"]]
    assert "this message" in report.messages[0].findings[0].text


def test_a_change_and_an_answer_speak_of_something_in_the_set() -> None:
    original = told(make.consignment(reference="A", mrn="26GB000000000SAMR9"))
    changes = told(make.consignment(function="amendment", reference="X", mrn="26GB000000000SAMR9"), name="b.json")
    answer = FORMATS["wco_dms"].answer([Answer(kind="accepted", id="1", reference="A")])
    answers = Message(source="c.xml", data=answer)

    assert codes(judged(None, original, changes, answers), "across") == [[], [], []]
    alone = judged(None, changes, answers)
    assert codes(alone, "across") == [["SET-03"], ["SET-04"]]
    assert alone.conforms, "they may have been sent before: a warning, no error"


def test_what_is_expected_is_compared_as_a_multiset() -> None:
    data = BROKEN_RULES.read_bytes()
    message = Message(source="a.xml", data=data)
    [plain] = judged(None, message).messages
    errors = [(one.code, one.location) for one in plain.findings if one.severity == "error"]
    right = Expected(findings=tuple(reversed(errors)), decision="rejected")
    wrong = Expected(findings=(*errors[1:], errors[1], ("8999", "/x")), decision="accepted")

    assert not plain.conforms
    assert judged(None, message, expected={"a.xml": right}).conforms
    report = judged(None, message, expected={"a.xml": wrong})
    agreement = report.messages[0].agreement
    assert agreement is not None
    assert not report.conforms
    assert set(agreement.missing) == {
        Place(code=errors[1][0], location=errors[1][1]),
        Place(code="8999", location="/x"),
    }
    assert agreement.surplus == (Place(code=errors[0][0], location=errors[0][1]),)
    assert (agreement.decision_expected, agreement.decision_found) == ("accepted", "rejected")


@pytest.mark.parametrize(
    ("name", "sample"),
    [("ens", "gb-with-broken-rules.xml"), ("edifact", "cusdec-wrong-count.edi"), ("wco_dms", "gb-with-mistakes.xml")],
)
def test_an_answer_of_customs_may_say_what_is_expected(name: str, sample: str) -> None:
    message = Message(source="a", data=(FOLDER / name / "samples" / sample).read_bytes())
    findings = [one for each in formats.read(message.data).declared for one in each.findings if one.severity == "error"]
    answer = FORMATS[name].answer([Answer(kind="rejected", id="1", reference="A", findings=tuple(findings))])
    expected = expected_of(answer)
    fewer = FORMATS[name].answer([Answer(kind="rejected", id="1", reference="A", findings=tuple(findings[1:]))])
    less = expected_of(fewer)

    assert expected is not None
    assert less is not None
    assert len(expected.findings) == len(findings) > 0
    assert judged(None, message, expected={"a": expected}).conforms
    assert not judged(None, message, expected={"a": less}).conforms


def test_expected_answers_of_no_form_that_is_known_are_none() -> None:
    control = b'<ErrorResponse xmlns="x"><Error><Number>8111</Number><Location>/a[1]</Location></Error></ErrorResponse>'

    assert expected_of(control) == Expected(findings=(("8111", "/a[1]"),))
    assert expected_of(b'{"findings": [["8111", "/a[1]"]]}') == Expected(findings=(("8111", "/a[1]"),))
    for data in (b"", b"{}x", b'{"finding": []}', b"<a/>", FORMATS["json"].write([make.consignment()])):
        assert expected_of(data) is None


def run(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["conform", *map(str, words)])
    return done.exit_code, done.output


@pytest.mark.parametrize("name", FORMATS)
def test_our_vectors_agree_with_themselves_and_notice_a_change(name: str, tmp_path: Path) -> None:
    status, _ = run(name, "--vectors", tmp_path)
    expected = sorted(tmp_path.glob("*.expected.json"))
    samples = [path for path in (FOLDER / name / "samples").iterdir() if path.is_file()]

    assert status == 0
    assert len(expected) == len(samples)
    status, output = run(name, tmp_path, "--expect", tmp_path)
    assert status == 0, output
    assert f"{len(samples)} of {len(samples)} agree with what is expected (100.00%)" in output
    changed = msgspec.json.decode(expected[0].read_bytes(), type=Expected)
    told_more = msgspec.structs.replace(changed, findings=(*changed.findings, ("GDS-03", "/x")))
    expected[0].write_bytes(msgspec.json.encode(told_more))
    assert run(name, tmp_path, "--expect", tmp_path)[0] == 1


def test_the_command_ends_with_0_1_or_2(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_bytes(told(make.consignment()).data)
    bad.write_bytes(b'{"reference": ')
    (tmp_path / "none").mkdir()

    assert run("json", good)[0] == 0
    assert run("any", tmp_path)[0] == 1
    assert run("csv", good)[0] == 1
    for words in (["telex", good], ["json"], ["json", tmp_path / "none"], ["json", tmp_path / "nothing"],
                  ["json", good, "--expect", tmp_path / "none"], ["--verify", good],
                  ["json", good, "--html", tmp_path / "no" / "a.html"], ["json", "--vectors", good / "x"]):  # fmt: skip
        assert run(*words)[0] == 2, words


def test_the_table_counts_by_format_and_names_files_by_their_place_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.json").write_bytes(told(make.consignment(), make.consignment(reference="B")).data)
    (tmp_path / "b.xml").write_bytes(BROKEN_RULES.read_bytes())
    (tmp_path / "c.csv").write_bytes(b"no,sheet\n1,2\n")
    _, output = run("any", tmp_path, "--table")
    rows = [line.split() for line in output.splitlines()[2:]]
    _, printed = run("any", tmp_path, "--json")
    report = msgspec.json.decode(printed, type=SignedReport).report

    assert [row[:5] for row in rows] == [
        ["ens", "1", "1", "1", "2"],
        ["json", "1", "1", "2", "2"],
        ["none", "1", "0", "0", "0"],
    ]
    assert [one.source for one in report.messages] == ["b.xml", "c.csv", "deep/a.json"]


class Page:
    """The page of a report about a message with a name that is none."""

    def __init__(self) -> None:
        message = Message(source="<script>alert(1)</script>.xml", data=BROKEN_RULES.read_bytes())
        self.report = judged(None, message)
        self.html = page(attest(self.report, None))


def test_the_page_stands_alone_and_says_all_that_was_found() -> None:
    made = Page()

    assert "<script" not in made.html
    assert not re.search(r"\b(?:src|href)=\"(?!#)", made.html)
    assert not re.search(r"url\(|@import", made.html)
    assert '<html lang="en">' in made.html
    assert len(made.html) < 40_000
    for found in made.report.messages[0].findings:
        assert found.code in made.html
    for target in re.findall(r'href="#([^"]+)"', made.html):
        assert f'id="{target}"' in made.html


def pair() -> tuple[bytes, bytes]:
    """A new key, private and public, as PEM."""
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, key.public_key().public_bytes(*form)


def test_a_signed_report_verifies_by_any_program_and_by_us() -> None:
    private, public = pair()
    report = judged(None, told(make.consignment(), name="Zoë 你好 \U0001f600.json"))
    signed = attest(report, signing_key(private))
    header, payload, signature = signed.signature.split(".")
    detached = base64.urlsafe_b64encode(json.dumps(  # RFC 8785, by another hand
        json.loads(msgspec.json.encode(report)), sort_keys=True, separators=(",", ":"), ensure_ascii=False,
    ).encode()).rstrip(b"=")  # fmt: skip
    theirs = serialization.load_pem_public_key(public)

    assert isinstance(theirs, ed25519.Ed25519PublicKey)
    assert payload == ""
    theirs.verify(base64.urlsafe_b64decode(signature + "=="), header.encode() + b"." + detached)
    assert verify(msgspec.json.encode(signed), public_key(public)).holds
    jwks = json.dumps(public_keys(signing_key(private))).encode()
    assert verify(msgspec.json.format(msgspec.json.encode(signed)), public_key(jwks)).holds
    assert b'"d"' not in jwks
    assert public_keys(None) == {"keys": []}


def test_a_report_that_was_changed_or_signed_by_another_does_not_verify() -> None:
    private, public = pair()
    message = told(make.consignment())
    data = msgspec.json.encode(attest(judged(None, message), signing_key(private)))
    ours, key = data.decode(), public_key(public)
    signature = json.loads(data)["signature"]
    last = signature[-1]
    spoiled = [
        ours.replace('"conforms":true', '"conforms":false', 1),
        ours.replace('"source":"a.json"', '"source":"b.json"'),
        ours.replace('"conforms":true', '"conforms":false,"conforms":true', 1),
        ours.replace('"note"', '"more":1,"note"'),
        ours.replace(signature, signature[:-1] + chr(ord(last) + 1)),
        ours.replace(signature, signature + "=="),
        ours.replace(signature, ""),
        ours.replace(signature, "a" + signature[1:]),
        ours[:-1], "", "{}", "[]", "[" * 100_000,
    ]  # fmt: skip

    assert verify(data, key, messages=[message.data]).holds
    assert not verify(data, key, messages=[message.data, b"another"]).holds
    assert not verify(data, public_key(pair()[1])).holds
    for each in spoiled:
        assert each != ours
        assert not verify(each.encode(), key).holds, each[:80]


def test_without_a_key_a_report_says_that_it_is_not_signed() -> None:
    signed = attest(judged(None, told(make.consignment())), None)

    assert signed.signature == ""
    assert "not signed" in signed.note
    assert verify(msgspec.json.encode(signed), public_key(pair()[1])).why == "nobody signed it"


@pytest.mark.parametrize("data", [b"", b"no key", b"{}", b'{"keys": []}', b'{"kty": "oct", "k": "AAAA"}'])
def test_what_is_no_key_is_refused(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(data)

    with pytest.raises(KeyUnfit):
        signing_key(data)
    with pytest.raises(KeyUnfit):
        public_key(data)
    with pytest.raises(SettingsError):
        signing_key_of(Settings(signing_key=file))


def test_a_public_key_signs_nothing_and_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(KeyUnfit, match="public"):
        signing_key(pair()[1])
    with pytest.raises(SettingsError, match="cannot be read"):
        signing_key_of(Settings(signing_key=Path("nowhere/key.pem")))


def test_the_command_signs_and_verifies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private, public = pair()
    for name, data in (("key.pem", private), ("key.pub", public), ("a.json", told(make.consignment()).data)):
        (tmp_path / name).write_bytes(data)
    monkeypatch.setenv("TIDEWAITER_SIGNING_KEY", str(tmp_path / "key.pem"))
    status, printed = run("json", tmp_path / "a.json", "--json")
    (tmp_path / "report.json").write_text(printed)
    words: Sequence[str | Path] = ("--verify", tmp_path / "report.json", "--key", tmp_path / "key.pub")

    assert status == 0
    assert run(*words)[0] == 0
    assert run("any", tmp_path / "a.json", *words)[0] == 0
    assert run("any", BROKEN_RULES, *words)[0] == 1
    (tmp_path / "report.json").write_text(printed.replace("a.json", "b.json"))
    assert run(*words)[0] == 1


def test_the_canonical_form_does_not_hang_on_the_order_of_names() -> None:
    report = judged(None, told(make.consignment()))
    shuffled = json.dumps(dict(reversed(list(json.loads(msgspec.json.encode(report)).items()))))

    assert canonical(msgspec.json.decode(shuffled, type=Report)) == canonical(report)
    assert b", " not in canonical(report)[:200]

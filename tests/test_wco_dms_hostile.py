"""XML that is broken or means harm: a finding each time, quickly, and never an exception."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tidewaiter.formats import tree, wco_dms
from tidewaiter.model.finding import Finding

HOSTILE = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "hostile" / "xml_hostile"
SAMPLES = Path(wco_dms.__file__).parent / "samples"
LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))


def only(data: bytes) -> Finding:
    reading = wco_dms.read(data)
    [finding] = reading.findings

    assert not reading.declared
    assert not reading.answers
    assert finding.severity == "error"
    return finding


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE d [<!ENTITY l0 "ha">' + LAUGHS + b"]><Declaration>&l9;</Declaration>",
        b'<!DOCTYPE d [<!ENTITY a "' + b"x" * 100_000 + b'">]><Declaration>' + b"&a;" * 10_000 + b"</Declaration>",
        b'<!DOCTYPE d [<!ENTITY f SYSTEM "file:///etc/hostname">]><Declaration>&f;</Declaration>',
        b'<!DOCTYPE d SYSTEM "http://example.invalid/d.dtd"><Declaration/>',
        b'<!DOCTYPE d [<!ENTITY % p SYSTEM "http://example.invalid/p"> %p;]><Declaration/>',
        b"<!DOCTYPE Declaration><Declaration/>",
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE d [<!ENTITY a "b">]><Declaration>&a;</Declaration>'.encode(
            "utf-16"
        ),
    ],
    ids=["billion-laughs", "quadratic", "file", "external", "parameter", "empty", "utf-16"],
)
def test_a_document_type_is_refused_where_it_begins(data: bytes) -> None:
    start = time.perf_counter()
    finding = only(data)

    assert finding.code == "XML-02"
    assert "line 1, column" in finding.text
    assert time.perf_counter() - start < 1


@pytest.mark.skipif(not HOSTILE.is_dir(), reason="hostile XML is not in ../shared/data/hostile")
def test_every_hostile_file_is_refused_with_a_finding() -> None:
    files = sorted(HOSTILE.rglob("*.xml"))
    for path in files:
        finding = only(path.read_bytes())

        assert finding.code == ("XML-06" if path.name.startswith("simple") else "XML-02"), path.name
    assert len(files) >= 9


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"<a>" * 100_000, "deep"),
        (b"<Declaration>" + b"<a>" * 41 + b"</a>" * 41 + b"</Declaration>", "deep"),
        (b"<Declaration>" + b"<a/>" * 500_001 + b"</Declaration>", "elements"),
        (b'<Declaration a="' + b"x" * 40_000 + b'"/>', "attribute"),
        (b"<Declaration " + b" ".join(b'a%d="1"' % n for n in range(40)) + b"/>", "attributes"),
        (b"<Declaration><ID>" + b"x" * 40_000 + b"</ID></Declaration>", "characters"),
        (b"<Declaration><" + b"x" * 40_000 + b"/></Declaration>", "name"),
        (b"<Declaration>" + b" " * tree.BYTES_MAX + b"</Declaration>", "bytes"),
    ],
    ids=["deep-unclosed", "deep", "wide", "long-attribute", "many-attributes", "long-text", "long-name", "long"],
)
def test_a_message_past_a_limit_is_refused(data: bytes, what: str) -> None:
    finding = only(data)

    assert finding.code == "XML-03"
    assert what in finding.text


def test_text_cut_into_many_pieces_takes_no_long_time() -> None:
    data = b"<Declaration><ID>" + b"a<!---->" * 30_000 + b"</ID></Declaration>"
    start = time.perf_counter()
    reading = wco_dms.read(data)

    assert reading.declared
    assert time.perf_counter() - start < 2


def test_only_so_many_findings_of_a_message_are_listed() -> None:
    wrong = b"<GovernmentAgencyGoodsItem><SequenceNumeric>x</SequenceNumeric></GovernmentAgencyGoodsItem>"
    data = b"<Declaration><GoodsShipment>" + wrong * 3_000 + b"</GoodsShipment></Declaration>"
    [declared] = wco_dms.read(data).declared

    assert len(declared.consignment.items) == 3_000
    assert len(declared.findings) < 1_010
    assert "XML-07" in {finding.code for finding in declared.findings}


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [
        (b"<Declaration>\n  <ID>1</id>\n</Declaration>", 2, 10),
        (b"<Declaration>\n <!-- a -- b -->\n</Declaration>", 2, 11),
        (b"<Declaration>", 1, 14),
        (b"<Declaration/>\n<Declaration/>", 2, 1),
        (b"<Declaration>&nothing;</Declaration>", 1, 14),
        (b"<Declaration>\xff</Declaration>", 1, 14),
        (b'<?xml version="1.0" encoding="klingon"?><Declaration/>', 1, 1),
        (b"", 1, 1),
    ],
    ids=["mismatch", "comment", "open", "two-roots", "entity", "utf-8", "encoding", "empty"],
)
def test_xml_that_is_not_well_formed_is_a_finding_with_line_and_column(data: bytes, line: int, column: int) -> None:
    finding = only(data)

    assert finding.code == "XML-01"
    assert f"line {line}, column {column}" in finding.text
    assert finding.source_pointer == f"line {line}, column {column}"


def test_the_sample_that_is_not_xml_says_where() -> None:
    [path] = (SAMPLES / "unreadable").glob("*.xml")

    assert "line 4, column" in only(path.read_bytes()).text


def test_a_prefix_without_namespace_is_an_error_and_the_rest_is_read() -> None:
    data = b"<x:Declaration>\n<x:FunctionalReferenceID>A1</x:FunctionalReferenceID></x:Declaration>"
    [declared] = wco_dms.read(data, jurisdiction="GB").declared

    assert declared.consignment.reference == "A1"
    first = declared.findings[0]
    assert (first.code, first.severity) == ("XML-04", "error")
    assert "line 1, column 1" in first.text


def test_a_prefix_without_namespace_before_a_break_gives_both_places() -> None:
    reading = wco_dms.read(b"<x:Declaration>\n<ID>1</id></x:Declaration>")

    assert [finding.code for finding in reading.findings] == ["XML-04", "XML-01"]
    assert not reading.declared


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_a_message_is_read_in_its_own_encoding(encoding: str) -> None:
    name = {"utf-8-sig": "utf-8"}.get(encoding, encoding)
    data = (
        f'<?xml version="1.0" encoding="{name}"?><Declaration xmlns="urn:wco:datamodel:WCO:DEC-DMS:2">'
        "<Exporter><Name>Zoë Exämple</Name></Exporter></Declaration>"
    ).encode(encoding)
    [declared] = wco_dms.read(data).declared

    assert wco_dms.sniff(data[:4096])
    assert declared.consignment.parties[0].name == "Zoë Exämple"


def test_characters_that_turn_the_writing_round_are_refused_by_name() -> None:
    data = "<Declaration><Exporter><Name>Pat\u202eelpmaxE</Name></Exporter></Declaration>".encode()
    [declared] = wco_dms.read(data).declared
    [finding] = [one for one in declared.findings if one.code == "DMS-02"]

    assert "U+202E" in finding.text
    assert "elpmaxE" not in finding.text
    assert declared.consignment.parties == ()

"""A message cut anywhere and read piece by piece is the message read whole, to the last place."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import make
import strategies
from tidewaiter import formats
from tidewaiter.formats import Declared, Reading, pieces
from tidewaiter.formats.csv import splitting as csv_splitting
from tidewaiter.formats.edifact import splitting as edifact_splitting
from tidewaiter.formats.json import splitting as json_splitting
from tidewaiter.formats.reading import Piece
from tidewaiter.formats.unpacking import Stream
from tidewaiter.model.consignment import Consignment

EXAMPLES = settings(max_examples=60, suppress_health_check=list(HealthCheck))
SPLITS: dict[str, Callable[..., Any]] = {
    "json": json_splitting.split, "csv": csv_splitting.split, "edifact": edifact_splitting.split,
}  # fmt: skip
EDI = sorted((Path(edifact_splitting.__file__).parent / "samples").glob("*.edi"))


def cut(data: bytes, format: str, *, piece_bytes: int, **limits: int) -> list[Piece]:
    """The pieces of a message that can be cut."""
    found = SPLITS[format](Stream(io.BytesIO(data)), piece_bytes=piece_bytes, **limits)
    assert found is not None
    return list(found)


def together(parts: Sequence[Piece], jurisdiction: str | None = None) -> Reading:
    """One reading of all pieces."""
    readings = [pieces.read(part, jurisdiction=jurisdiction) for part in parts]
    return Reading(
        format=readings[0].format,
        declared=tuple(one for reading in readings for one in reading.declared),
        findings=tuple(one for reading in readings for one in reading.findings),
        kept=sum(reading.kept for reading in readings),
        dropped=tuple(one for reading in readings for one in reading.dropped),
    )


def places(format: str, declared: Declared) -> list[str]:
    """Where the reference, the first item and its price stood."""
    return [formats.source_pointer(format, declared, at) for at in ("/reference", "/items/0", "/items/0/price")]


def assert_same(whole: Reading, parts: Reading) -> None:
    assert [one.consignment for one in parts.declared] == [one.consignment for one in whole.declared]
    assert [one.findings for one in parts.declared] == [one.findings for one in whole.declared]
    assert [places(whole.format, one) for one in parts.declared] == [
        places(whole.format, one) for one in whole.declared
    ]
    assert sorted(parts.findings, key=repr) == sorted(whole.findings, key=repr)
    assert parts.kept == whole.kept
    assert sorted(parts.dropped) == sorted(whole.dropped)


def encoded(consignment: Consignment) -> str:
    return msgspec.json.encode(consignment).decode()


odd_texts = st.sampled_from(['a"b', "\\", '\\"', "[", "]}", "{,", "\\\\", "é漢", "a\\u0041"])


@st.composite
def objects(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Consignments as JSON, some with fields that are not known and texts full of the signs of JSON."""
    made = [json.loads(encoded(one)) for one in draw(st.lists(strategies.consignments(), min_size=1, max_size=6))]
    for one in made:
        if draw(st.booleans()):
            one["remark"] = draw(odd_texts)
        if draw(st.booleans()):
            one["description"] = draw(odd_texts)
    return made


@EXAMPLES
@given(objects(), st.integers(1, 3000), st.sampled_from([None, 1]), st.booleans(), st.booleans())
def test_a_json_list_in_pieces_is_the_list(
    made: list[dict[str, Any]], size: int, indent: int | None, is_ascii: bool, is_enveloped: bool
) -> None:
    tree = {"consignments": made} if is_enveloped else made
    data = json.dumps(tree, indent=indent, ensure_ascii=is_ascii).encode()

    assert_same(formats.read(data), together(cut(data, "json", piece_bytes=size)))


@EXAMPLES
@given(objects(), st.integers(200, 3000), st.booleans(), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_json_lines_in_pieces_are_the_lines(made: list[dict[str, Any]], size: int, is_ascii: bool, ended: str) -> None:
    lines = [json.dumps(one, ensure_ascii=is_ascii) for one in (*made, *made)]
    data = ended.join(lines).encode()
    parts = json_splitting._lines(Stream(io.BytesIO(data)), size, 1 << 20)

    assert_same(formats.read(data), together(list(parts)))


def sheet(rows: Sequence[Sequence[str]], *, separator: str = ",", ended: str = "\r\n") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator=ended).writerows(rows)
    return text.getvalue()


HEADINGS = ["reference", "destination_country", "description", "quantity", "line_total", "currency", "net_mass (kg)"]


@st.composite
def sheets(draw: st.DrawFn) -> list[list[str]]:
    """Rows of consignments that follow one another; some bad, some blank, some with line breaks and odd signs."""
    words = st.sampled_from(["Shirt", "two\nlines", 'a "quoted" one', "a,b;c", "汗衫", 'inch 5"', "", "x\r\ny"])
    rows = [HEADINGS]
    for place in range(draw(st.integers(1, 6))):
        for _ in range(draw(st.integers(1, 4))):
            row = [f"R-{place}", "GB", draw(words), "1", draw(st.sampled_from(["12.50", "-3", "x"])), "GBP", "0.25"]
            rows.append(draw(st.sampled_from([row, row, row, [*row, "too", "many"], [], ["", *row[1:]]])))
    return rows


@EXAMPLES
@given(sheets(), st.integers(1, 400), st.sampled_from([",", ";", "\t"]), st.sampled_from(["\n", "\r\n"]))
def test_a_sheet_in_pieces_is_the_sheet(rows: list[list[str]], size: int, separator: str, ended: str) -> None:
    data = sheet(rows, separator=separator, ended=ended).encode()

    assert_same(formats.read(data), together(cut(data, "csv", piece_bytes=size)))


@EXAMPLES
@given(
    st.lists(strategies.consignments(), min_size=1, max_size=5, unique_by=lambda one: one.reference),
    st.integers(1, 2000),
)
def test_a_sheet_we_wrote_in_pieces_is_the_sheet(made: list[Consignment], size: int) -> None:
    data = formats.FORMATS["csv"].write(made)

    assert_same(formats.read(data, format="csv"), together(cut(data, "csv", piece_bytes=size)))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_sheet_with_its_mark_is_cut_in_any_unicode(encoding: str) -> None:
    rows = [HEADINGS, *([f"R-{n}", "GB", "汗衫 é", "1", "12.50", "GBP", "0.25"] for n in range(50))]
    data = sheet(rows).encode(encoding)

    parts = cut(data, "csv", piece_bytes=300)

    assert len(parts) == 5
    assert_same(formats.read(data), together(parts))


def test_a_long_sheet_in_another_encoding_says_from_where_it_was_not_read() -> None:
    rows = [HEADINGS, *([f"R-{n}", "GB", "shirt", "1", "12.50", "GBP", "0.25"] for n in range(2000))]
    data = sheet(rows).encode() + sheet([["R-x", "FR", "chaîne", "1", "2.50", "EUR", "0.1"]]).encode("cp1252")

    found = together(cut(data, "csv", piece_bytes=2000))

    [finding] = found.findings
    row = int(finding.source_pointer.removeprefix("row "))
    assert finding.code == "CSV-40"
    # The consignment before the break may lack rows, so it is not taken.
    assert len(found.declared) == row - 3
    assert row > 1500


def test_a_missing_quotation_mark_ends_a_sheet_where_it_stands() -> None:
    rows = [HEADINGS, *([f"R-{n}", "GB", "shirt", "1", "12.50", "GBP", "0.25"] for n in range(50))]
    data = sheet(rows).encode() + b'R-50,GB,"shirt,1,2.50,GBP,0.1\r\nR-51,GB,shirt,1,2.50,GBP,0.1\r\n'

    whole = formats.read(data)

    assert whole.findings[-1].code == "CSV-07"
    assert_same(whole, together(cut(data, "csv", piece_bytes=300)))


def test_a_reference_that_stands_apart_is_told_and_not_read_again() -> None:
    rows = [HEADINGS, *([f"R-{n % 5}", "GB", "shirt", "1", "12.50", "GBP", "0.25"] for n in range(7))]

    found = together(cut(sheet(rows).encode(), "csv", piece_bytes=1))

    assert [one.consignment.reference for one in found.declared] == [f"R-{n}" for n in range(5)]
    assert [(one.code, one.source_pointer) for one in found.findings] == [("CSV-41", "row 7"), ("CSV-41", "row 8")]


def test_a_consignment_longer_than_any_is_told_and_the_rest_of_the_sheet_is_read() -> None:
    rows = [[name, "GB", "shirt", "1", "12.50", "GBP", "0.25"] for name in ["A"] * 2 + ["B"] * 30 + ["C"] * 2]

    found = together(cut(sheet([HEADINGS, *rows]).encode(), "csv", piece_bytes=100, record_max=400))

    assert [(one.consignment.reference, len(one.consignment.items)) for one in found.declared] == [("A", 2), ("C", 2)]
    assert [one.code for one in found.findings] == ["MSG-05"]
    assert formats.source_pointer("csv", found.declared[1], "/items/1") == "row 35"


def test_a_row_longer_than_any_is_told_and_the_rest_of_the_sheet_is_read() -> None:
    rows = [[name, "GB", "s" * size, "1", "12.50", "GBP", "0.25"] for name, size in (("A", 5), ("B", 9000), ("C", 5))]

    found = together(cut(sheet([HEADINGS, *rows]).encode(), "csv", piece_bytes=100, record_max=1000))

    # Whose row it was cannot be known, so the consignment before it may lack one.
    assert [one.consignment.reference for one in found.declared] == ["C"]
    assert [(one.code, one.source_pointer) for one in found.findings] == [("MSG-05", "rows 2 to 3")]
    assert formats.source_pointer("csv", found.declared[-1], "/reference") == 'row 4, column "reference"'


def listed(count: int, **what: Any) -> list[str]:
    return [encoded(make.consignment(reference=f"R-{n}", **what)) for n in range(count)]


@pytest.mark.parametrize(("begins", "ends", "at"), [("[", "]", "/1"), ('{"consignments":[', "]}", "/consignments/1")])
def test_an_entry_longer_than_any_is_told_and_the_rest_of_the_list_is_read(begins: str, ends: str, at: str) -> None:
    one, _, two = listed(3)
    huge = '{"reference":"' + "x" * 20_000 + '"}'

    found = together(
        cut((begins + ",".join([one, huge, two]) + ends).encode(), "json", piece_bytes=500, record_max=5000)
    )

    assert [one.consignment.reference for one in found.declared] == ["R-0", "R-2"]
    assert [(one.code, one.source_pointer) for one in found.findings] == [("MSG-05", at)]
    assert places("json", found.declared[1])[1] == at.replace("1", "2") + "/items/0"


def test_a_line_longer_than_any_is_told_and_the_rest_is_read() -> None:
    one, _, two = listed(3)
    huge = '{"reference":"' + "x" * 20_000 + '"}'
    data = "\n".join([one, huge, two]).encode()

    found = together(cut(data, "json", piece_bytes=3000, record_max=5000))

    assert [one.consignment.reference for one in found.declared] == ["R-0", "R-2"]
    assert [(one.code, one.source_pointer) for one in found.findings] == [("MSG-05", "line 2")]
    assert places("json", found.declared[1])[1] == "line 3 /items/0"


def test_an_entry_that_is_no_json_spoils_no_other() -> None:
    entries = listed(9)
    entries[4] = '{"reference": tru}'

    found = together(cut(("[" + ",".join(entries) + "]").encode(), "json", piece_bytes=2000))

    assert [one.consignment.reference for one in found.declared] == [f"R-{n}" for n in range(9) if n != 4]
    assert "/4" in {one.source_pointer for one in found.findings}
    assert {one.code for one in found.findings} == {"JSN-01"}


@pytest.mark.parametrize("ends", ["", ",", ",]", "]]", "] x", "}", ',"', ",,{}]"])
@pytest.mark.parametrize("size", [1, 700, 1 << 20])
def test_a_list_that_ends_wrongly_is_never_silent(ends: str, size: int) -> None:
    data = ("[" + ",".join(listed(5)) + ends).encode()

    found = together(cut(data, "json", piece_bytes=size))

    assert "JSN-01" in {one.code for one in found.findings}
    assert [one.consignment.reference for one in found.declared] == [f"R-{n}" for n in range(5)]


def test_what_stands_beside_the_list_in_an_envelope_is_told() -> None:
    data = ('{"consignments":[' + ",".join(listed(5)) + '], "total": 5}').encode()

    assert_same(formats.read(data), together(cut(data, "json", piece_bytes=700)))


def test_a_byte_that_is_no_text_spoils_its_line_alone() -> None:
    lines = [line.encode() for line in listed(5)]
    lines[2] = lines[2].replace(b"R-2", b"R-\xff")

    found = together(cut(b"\n".join(lines), "json", piece_bytes=3000))

    assert len(found.declared) == 4
    assert [one.source_pointer for one in found.findings] == ["line 3"]


def test_a_single_consignment_is_not_cut() -> None:
    assert json_splitting.split(Stream(io.BytesIO(json.dumps(json.loads(listed(1)[0]), indent=1).encode()))) is None


def test_a_small_message_is_one_piece_read_as_ever() -> None:
    data = "\n".join(listed(3)).encode()

    [piece] = pieces.pieces(io.BytesIO(data))

    assert piece.data == data
    assert pieces.read(piece) == formats.read(data)


def test_a_long_message_that_cannot_be_cut_is_read_whole_up_to_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    data = json.dumps(json.loads(listed(1)[0]), indent=1).encode()

    [piece] = pieces.pieces(io.BytesIO(data), whole_bytes=10)
    assert pieces.read(piece) == formats.read(data)

    monkeypatch.setattr(formats, "BYTES_MAX", len(data) - 1)
    [piece] = pieces.pieces(io.BytesIO(data), whole_bytes=10)
    assert [one.code for one in pieces.read(piece).findings] == ["MSG-02"]
    assert piece.data == b""


MARK = b"\xef\xbb\xbf"


@EXAMPLES
@given(
    st.permutations([sample.read_bytes().removeprefix(MARK) for sample in EDI]),
    st.integers(1, 5000),
    st.sampled_from([b"", b"\r\n"]),
    st.sampled_from([b"", MARK]),
)
def test_a_file_of_interchanges_in_pieces_is_the_file(
    samples: list[bytes], size: int, between: bytes, mark: bytes
) -> None:
    data = mark + between.join(samples)

    parts = cut(data, "edifact", piece_bytes=size)

    assert mark + b"".join(part.data.removeprefix(mark) for part in parts) == data
    assert len(parts) > 1
    whole, found = formats.read(data), together(parts)
    assert_same(whole, found)
    assert sum(len(pieces.read(part).answers) for part in parts) == len(whole.answers)


def test_an_end_within_a_text_ends_no_interchange() -> None:
    interchange = formats.FORMATS["edifact"].write(
        [make.consignment(items=(make.item(description="a'UNZ+1+1'UNB+UNOC:3+A+B'"),))]
    )

    [part] = cut(interchange, "edifact", piece_bytes=10)

    assert part.data == interchange


def test_an_interchange_longer_than_any_is_told_and_the_next_is_read() -> None:
    one, two = (sample.read_bytes() for sample in EDI if sample.stem in ("cusdec-gb-parcel", "cusexp-courier"))
    huge = b"UNB+UNOC:3+A+B+260101:1200+HUGE'" + b"UNH+1+CUSDEC:D:21A:UN'" * 1000 + b"UNZ+1+HUGE'"

    found = together(cut(one + huge + two, "edifact", piece_bytes=300, record_max=10_000))

    assert [one.consignment for one in found.declared] == [
        *(x.consignment for x in formats.read(one).declared), *(x.consignment for x in formats.read(two).declared),
    ]  # fmt: skip
    assert [one.code for one in found.findings] == ["EDI-05"]


MAPPED = {
    "Kennung A": "reference", "Was es ist": "description", "Kostet je": "unit_price", "Anz.": "quantity",
    "In": "currency", "Geht nach": "destination_country",
}  # fmt: skip


def test_a_long_sheet_with_headings_of_its_senders_own_is_cut_and_read_as_the_whole() -> None:
    heads = "Kennung A;Was es ist;Kostet je;Anz.;In;Geht nach\n"
    rows = (f"R-{n // 2};Ball {n};{'x' if n == 9_001 else '1.50'};2;EUR;DE\n" for n in range(12_000))
    data = (heads + "".join(rows)).encode()
    whole = formats.read(data, columns=MAPPED)

    parts = list(pieces.pieces(io.BytesIO(data), columns=MAPPED, whole_bytes=1_000))
    readings = [pieces.read(piece, columns=MAPPED) for piece in parts]
    declared = [one for reading in readings for one in reading.declared]
    back = [
        formats.rows_returned(
            piece.data, [f for one in reading.declared for f in one.findings], format="csv", columns=MAPPED,
            before=piece.before,
        )
        for piece, reading in zip(parts, readings, strict=True)
    ]  # fmt: skip
    faults = [finding for one in whole.declared for finding in one.findings]

    assert len(parts) > 1
    assert declared == list(whole.declared)
    assert [f.source_pointer for f in faults if f.severity == "error"] == ['row 9003, column "Kostet je"']
    assert b"".join(back) == formats.rows_returned(data, faults, format="csv", columns=MAPPED)
    assert formats.sniff(data) is None

"""Workbooks: the sheet inside is read as any sheet, to the digit, and nothing hostile is unpacked."""

from __future__ import annotations

import io
import random
import time
import tracemalloc
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make
from test_csv import sheet_records
from tidewaiter import formats
from tidewaiter.formats import xlsx
from tidewaiter.formats.reading import Reading
from tidewaiter.formats.xlsx.workbook import Format, opened, shown
from tidewaiter.formats.xlsx.writing import workbook
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import GoodsItem

SAMPLE = Path(xlsx.__file__).parent / "samples" / "de-laden.xlsx"
HEADINGS = ("reference", "jurisdiction", "description", "quantity", "line_total", "currency", "gross_mass_kg")
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def workbook_xml(sheets: str, about: str = "") -> str:
    return f'<workbook {MAIN} xmlns:r="{OFFICE}">{about}<sheets>{sheets}</sheets></workbook>'


def text(value: str) -> str:
    return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def number(value: str, style: int = 0) -> str:
    return f'<c s="{style}"><v>{value}</v></c>'


def book(*rows: str, packing: int = zipfile.ZIP_DEFLATED, **parts: Any) -> bytes:
    """A workbook as other programs write it; each of `rows` is the XML of a row's cells. `parts` stand instead."""
    sheet = "".join(f"<row>{row}</row>" for row in rows)
    whole = {
        "xl/workbook.xml": workbook_xml('<sheet name="S" r:id="r1"/>'),
        "xl/_rels/workbook.xml.rels": f'<Relationships><Relationship Id="r1" Type="{OFFICE}/worksheet" '
        f'Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="{OFFICE}/styles" Target="/xl/styles.xml"/>'
        f'<Relationship Id="r3" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f"<worksheet {MAIN}><sheetData>{sheet}</sheetData></worksheet>",
    } | {f"xl/{name.replace('__', '/')}.xml": content for name, content in parts.items()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", packing) as file:
        for name, content in whole.items():
            file.writestr(name, content)
    return packed.getvalue()


def one_row(*cells: str, **parts: Any) -> Reading:
    """A sheet of one row under HEADINGS; it begins with a reference and a country."""
    head = "".join(map(text, HEADINGS))
    return xlsx.read(book(head, text("A") + text("GB") + "".join(cells), **parts))


def item_of(reading: Reading) -> GoodsItem:
    [declared] = reading.declared
    [item] = declared.consignment.items
    return item


def faults(reading: Reading) -> list[tuple[str, str]]:
    found = [*reading.findings, *(finding for one in reading.declared for finding in one.findings)]
    return [(finding.code, finding.source_pointer) for finding in found]


@settings(max_examples=40, deadline=None)
@given(sheet_records)
def test_what_a_sheet_has_columns_for_is_read_as_it_was_written(record: Any) -> None:
    reading = xlsx.read(xlsx.write([record]))

    assert faults(reading) == []
    assert [one.consignment for one in reading.declared] == [record]


@pytest.mark.parametrize(
    "name", ["Grüße", "Дом книги", "متجر", "示例商店", "ร้าน", "ሱቅ", "a_x000D_b", "=1+1", "<&>", "'01"]
)
def test_every_script_and_every_sign_comes_through(name: str) -> None:
    record = make.consignment(order_id=name, items=())
    data = xlsx.write([record])

    assert xlsx.read(data).declared[0].consignment.order_id == name
    assert xlsx.write([record]) == data


def test_a_workbook_of_a_spreadsheet_is_read_cell_by_cell() -> None:
    reading = formats.read(SAMPLE.read_bytes())
    first, second = (one.consignment for one in reading.declared)

    assert reading.format == "xlsx"
    assert [finding.code for finding in reading.findings] == ["XLS-04", "CSV-05"]
    assert (str(first.accepted_on), second.parties[0].postcode) == ("2026-11-02", "01067")
    assert [str(item.price.amount) for item in first.items if item.price] == ["24.7", "6.3"]
    assert str(second.items[0].price and second.items[0].price.amount) == "19.95"


# --- numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("19.989999999999998", "19.99"), ("0.30000000000000004", "0.3"), ("1.125", "1.125"), ("1234.567", "1234.567"),
        ("1.25E2", "125"), ("1E-3", "0.001"), ("12", "12"), ("0", "0"), ("1E+15", None),
        ("123456789012.345", "123456789012.345"),
        ("-5", None), ("1.0000001", None), ("12,5", None), ("NaN", None), ("1e999", None), ("1_000", None), ("٣", None),
    ],
)  # fmt: skip
def test_a_number_is_what_the_spreadsheet_shows_and_never_what_binary_made_of_it(
    stored: str, shown: str | None
) -> None:
    price = item_of(one_row(text("Bowl"), number("1"), number(stored), text("GBP"))).price

    assert (None if price is None else price.amount) == (None if shown is None else Decimal(shown))


@settings(max_examples=300)
@given(st.integers(0, 10**12 - 1), st.integers(0, 3))
def test_any_price_of_twelve_digits_that_went_through_a_binary_number_comes_back_exact(
    digits: int, places: int
) -> None:
    price = Decimal(digits).scaleb(-places)
    found = item_of(one_row(text("Bowl"), number("1"), number(f"{float(price):.17g}"), text("GBP"))).price

    assert found is not None
    assert found.amount == price


def test_a_mark_that_texts_use_is_no_mark_for_numbers_and_numbers_are_no_witness_for_texts() -> None:
    reading = one_row(text("Bowl"), number("1"), text("1,250"), text("GBP"), number("1.125"))

    assert item_of(reading).gross_mass == Decimal("1.125")
    assert faults(reading) == [("CSV-12", 'row 2, column "line_total"')]


def test_a_number_that_lost_its_last_digits_is_an_error_in_any_column() -> None:
    reading = one_row(number("1.2345678901234568E+17"))

    assert faults(reading) == [("CSV-30", 'row 2, column "description"')]
    assert reading.dropped == ('row 2, column "description"',)


def test_the_error_of_a_formula_is_an_error() -> None:
    assert faults(one_row('<c t="e"><v>#REF!</v></c>')) == [("CSV-31", 'row 2, column "description"')]
    assert item_of(one_row('<c t="str"><f>A1</f><v>Bowl</v></c>')).description == "Bowl"


def test_days_are_told_from_numbers_by_their_format() -> None:
    own = {165: "[$-407]yyyy-mm-dd;@", 166: "000000", 167: "0.00&quot; mm&quot;"}
    formats_ = "".join(f'<numFmt numFmtId="{n}" formatCode="{code}"/>' for n, code in own.items())
    used = "".join(f'<xf numFmtId="{n}"/>' for n in (0, 14, *own))
    styles = (
        f"<styleSheet {MAIN}><numFmts>{formats_}</numFmts>"
        f'<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>{used}</cellXfs></styleSheet>'
    )
    head = "".join(map(text, ("reference", "jurisdiction", "accepted_on", "hs_code", "gross_mass_kg")))

    def row(style: int) -> Any:
        cells = text("A") + text("GB") + number("46328", style) + number("10121", 3) + number("1.5", 4)
        return xlsx.read(book(head, cells, styles=styles)).declared[0]

    assert str(row(1).consignment.accepted_on) == "2026-11-02"
    assert str(row(2).consignment.accepted_on) == "2026-11-02"
    assert [finding.code for finding in row(0).findings] == ["CSV-23"]
    assert shown("46328.395833333336", Format(is_date=True), date(1899, 12, 30)) == "2026-11-02T09:30:00"
    assert row(1).consignment.items[0].hs_code == "010121"
    assert row(1).consignment.items[0].gross_mass == Decimal("1.5")


def test_days_count_from_1904_where_the_workbook_says_so() -> None:
    book_of_1904 = (
        f'<workbook {MAIN} xmlns:r="{OFFICE}"><workbookPr date1904="1"/><sheets><sheet r:id="r1"/></sheets></workbook>'
    )
    styles = f'<styleSheet {MAIN}><cellXfs><xf numFmtId="14"/></cellXfs></styleSheet>'
    head = "".join(map(text, ("reference", "jurisdiction", "accepted_on")))
    data = book(head, text("A") + text("GB") + number("44866"), workbook=book_of_1904, styles=styles)

    assert str(xlsx.read(data).declared[0].consignment.accepted_on) == "2026-11-02"


def test_texts_that_cells_share_are_read_without_their_readings() -> None:
    shared = f"<sst {MAIN}><si><r><t>商</t></r><r><t>品</t></r><rPh><t>ショウヒン</t></rPh></si></sst>"

    assert item_of(one_row('<c t="s"><v>0</v></c>', sharedStrings=shared)).description == "商品"
    assert faults(one_row('<c t="s"><v>1</v></c>', sharedStrings=shared))[0] == ("XLS-01", "")


def test_cells_and_rows_stand_where_they_say() -> None:
    head = '<c r="B3" t="str"><v>reference</v></c><c r="D3" t="str"><v>jurisdiction</v></c>'
    cells = '<c r="D7" t="str"><v>GB</v></c><c r="B7" t="str"><v>A</v></c>'
    sheet = f'<worksheet><sheetData><row r="3">{head}</row><row r="7">{cells}</row></sheetData></worksheet>'
    [declared] = xlsx.read(book(worksheets__sheet1=sheet)).declared

    assert declared.consignment.reference == "A"
    assert formats.source_pointer("xlsx", declared, "/reference") == 'row 7, column "reference"'


def test_only_a_sheet_that_can_be_seen_is_read() -> None:
    hidden = workbook_xml('<sheet r:id="r9" state="hidden"/><sheet r:id="r1"/>')

    assert faults(one_row(text("Bowl"), workbook=hidden)) == [("XLS-04", "")]
    assert faults(one_row(workbook=hidden.replace('"r1"', '"r1" state="hidden"'))) == [("XLS-01", "")]


def test_answers_are_a_workbook() -> None:
    reading = xlsx.titles(xlsx.answer([Answer(kind="released", id="A", reference="7")]))

    assert reading == ("reference", "row", "status", "code", "text", "remedy")


# --- hostile ----------------------------------------------------------------------------------------------------


def refused(data: bytes) -> str:
    """The code of the one error; that it was found within a second and 32 MB beside the file."""
    tracemalloc.start()
    started = time.process_time()
    reading = xlsx.read(data)
    spent = time.process_time() - started
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert not reading.declared
    assert spent < 1.0
    assert peak < 32 * 1024 * 1024
    [code] = [finding.code for finding in reading.findings if finding.severity == "error"]
    return code


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file,
        file.open("xl/workbook.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(600):
            part.write(b" " * 1024 * 1024)

    assert refused(packed.getvalue()) == "XLS-02"
    assert refused(book("x", sharedStrings=" " * 40_000_000)) == "XLS-02"


def test_a_part_that_is_larger_than_it_says_is_refused() -> None:
    data = bytearray(book(*[text("reference")] * 3000))
    for place in (data.find(b"PK\x01\x02", at) for at in range(len(data))):
        if place >= 0 and b"sheet1" in data[place : place + 80]:
            data[place + 24 : place + 28] = (100).to_bytes(4, "little")
    assert refused(bytes(data)) == "XLS-01"


def test_many_parts_and_parts_of_one_name_are_refused() -> None:
    many: dict[str, Any] = {f"p{n}": "" for n in range(1001)}
    assert refused(book("", **many)) == "XLS-02"
    packed = io.BytesIO(book(""))
    with zipfile.ZipFile(packed, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("xl/workbook.xml", "<workbook/>")
    assert refused(packed.getvalue()) == "XLS-01"


@pytest.mark.parametrize(
    ("sheet", "code"),
    [
        ('<!DOCTYPE a [<!ENTITY b "c">]><worksheet/>', "XLS-01"),
        ("<worksheet>" * 41 + "</worksheet>" * 41, "XLS-02"),
        ('<worksheet><row r="1"><c r="XFD1"><v>1</v></c></row></worksheet>', "XLS-02"),
        ('<worksheet><row r="2000000"/></worksheet>', "XLS-02"),
        ('<worksheet><row r="2"/><row r="1"/></worksheet>', "XLS-01"),
        ("<worksheet><row>", "XLS-01"),
        ("<worksheet><row><c t='str'><v>" + "x" * 32_768 + "</v></c></row></worksheet>", "XLS-02"),
    ],
)
def test_a_hostile_sheet_is_refused(sheet: str, code: str) -> None:
    assert refused(book(worksheets__sheet1=sheet)) == code


def test_a_cell_far_away_takes_no_room_for_those_between() -> None:
    far = '<worksheet><row r="1"><c t="str"><v>reference</v></c><c r="B1" t="str"><v>description</v></c></row>' \
          '<row r="1048576"><c r="SR1048576" t="str"><v>x</v></c></row></worksheet>'  # fmt: skip
    tracemalloc.start()
    xlsx.read(book(worksheets__sheet1=far))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 4 * 1024 * 1024


def test_rows_before_the_place_where_a_workbook_breaks_are_read() -> None:
    head = "".join(map(text, ("reference", "jurisdiction", "description")))
    rows = "".join(f"<row>{text(f'R{n}')}{text('GB')}{text('Bowl')}</row>" for n in range(2000))
    reading = xlsx.read(
        book(worksheets__sheet1=f"<worksheet><row>{head}</row>{rows}<row><c><v>1</c></row></worksheet>")
    )

    assert 500 < len(reading.declared) <= 2000
    assert [code for code, _ in faults(reading)] == ["XLS-01", "XLS-03"]


def test_a_workbook_with_bytes_changed_is_never_an_exception() -> None:
    data = SAMPLE.read_bytes()
    dice = random.Random(7)
    stored = book(*["".join(map(text, HEADINGS)), text("A") + text("GB")], packing=zipfile.ZIP_STORED)
    for step in range(400):
        broken = bytearray(stored if step % 2 else data)
        for _ in range(1 + step % 5):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        reading = formats.read(bytes(broken), format="xlsx")

        assert reading.findings or reading.declared


# --- rows that come back ----------------------------------------------------------------------------------------


def test_rows_that_are_wrong_come_back_with_their_reason_and_the_rest_of_their_order() -> None:
    rows = [
        ["Bestellung", "Zielland", "Artikel", "Menge", "Gesamtpreis", "Währung", "Lager"],
        ["A", "DE", "Schale", "1", "5,50", "EUR", "x"],
        ["B", "DE", "Tasse", "zwei", "5,50", "EUR", "y"],
        ["A", "DE", "Löffel", "1", "2,50", "EUR", "z"],
        ["B", "DE", "Teller", "1", "7,50", "EUR", ""],
    ]
    data = workbook(rows)
    reading = formats.read(data)
    findings = [*reading.findings, *(finding for one in reading.declared for finding in one.findings)]
    back = opened(formats.rows_returned(data, findings, format="xlsx"), {})
    cells = dict(back.rows)

    assert back.titles == (*rows[0], "reason")
    assert [row[:6] for row in cells.values()] == [rows[2][:6], rows[4][:6]]
    assert cells[2][7].startswith("CSV-13: ")
    assert len(cells[3]) < 8
    assert formats.rows_returned(data, [], format="xlsx") == b""

"""A sheet read by columns is the sheet read row by row: frames, findings, places, counts and records."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from test_csv import sheet_records
from test_json_columns import assert_same
from tidewaiter import formats
from tidewaiter.cli import bench
from tidewaiter.formats.csv import reading as sheets
from tidewaiter.formats.csv import splitting, writing
from tidewaiter.formats.reading import InColumns, Reading

EXAMPLES = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
NEVER = 1 << 60

CELLS = (
    "", " ", "0", "1", "2", "7", "12", "0.5", "12.50", "12,50", "1.234", "1,234", "1.234,56", "1,234.56", "1'234.50",
    "1 234,50", "1\u00a0234,50", "12.345678", "12.3456789", "0.0000001", "007", "00.5", ".5", "5.", "-1", "+1", "1e5",
    "1.2E+05", "999999999999.999999", "1000000000000", "123456789012345", "1.000.000", "12.50 EUR", "EUR 12.50",
    "€12.50", "12.50€", "$5", "£ 3", "12,50 kr", "EUR", "eur", "GBP", "Euro", "kg", "g", "lb", "oz", "Unzen", "stone",
    "GB", "gb", "Germany", "XXL", "CN", "gift", "Geschenk", "sale", "original", "natural", "import", "export",
    "2026-11-02", "2026-02-30", "02.11.2026", "1850-01-01", "2026-11-02T09:30:00Z", "2026-11-02T09:30:00+01:00",
    "6109.10.00", "6109 10 00", "61091000", "F48 C07", "F48;C07", "F48", "'0123", "'=1+1", "''x", "'x", "'", "='x'",
    '="0123"', '="x', "=1", " 7 ", "\t8", "9\t", "a\nb", "a\r\nb", "a\vb", "a\u2028b", "a\u0085b", "\u00a0a", "a\u3000",
    "\u3000", "é漢", "漢\u3000字", "a\x00b", "a\x7fb", "a\u202eb", "a\u0099b", "\ufffe", "x" * 36, "漢" * 30,
    "漢" * 200, 'say "so"', '"', '""', 'a"b', "a,b", "a;b", "a|b",
    '"a, b"', "2147483648", "99999999999", "99999", "100000",
)  # fmt: skip
HEADINGS = (
    "reference", "order_id", "jurisdiction", "destination_country", "consignee_country", "description", "Warennummer",
    "hs_code", "origin_country", "quantity", "unit_price", "unit_price EUR", "line_total", "line_total (GBP)", "price",
    "price USD", "currency", "gross_mass_kg", "gross_mass_g", "Gewicht (g)", "weight", "weight oz", "net_mass_lb",
    "mass_unit", "category", "accepted_on", "issued_at", "additional_procedures", "later_entry_offices", "code_sku",
    "code_gtin", "fiscal_fr5", "seller_name", "consignee_name", "consignee_kind", "buyer_email", "freight",
    "line_freight", "item_count", "total_gross_mass_kg", "sequence", "direction", "colour", "reason", "tracking_id",
)  # fmt: skip
REFERENCES = ("A", "B", "C", "A", " A", "'0123", "D E", "漢", "", "x" * 40, "漢" * 30, "a\u202eb")


def altered(rows: Sequence[Sequence[str]], chance: random.Random, share: float) -> list[list[str]]:
    """The same rows with some cells exchanged for others, and some rows too short, too long, empty, or moved."""
    made = []
    for row in rows:
        cells = [chance.choice(CELLS) if chance.random() < share else cell for cell in row]
        if chance.random() < share:
            cells = chance.choice([cells[:-1], [*cells, ""], [*cells, "more"], [], [""] * len(cells), cells[:1]])
        made.append(cells)
    if chance.random() < share * 4:
        chance.shuffle(made)
    return made


def drawn_sheet(chance: random.Random) -> list[list[str]]:
    """A sheet of any headings and cells, most of which fit each other."""
    headings = chance.sample(HEADINGS, chance.randint(3, 20))
    if chance.random() < 0.9:
        headings = ["reference", "jurisdiction", *(name for name in headings if name not in ("reference", "order_id"))]
    few = [chance.choice(CELLS) for _ in headings]
    rows = [
        [few[place] if chance.random() < 0.8 else chance.choice(CELLS) for place in range(len(headings))]
        for _ in range(chance.randint(1, 25))
    ]
    for row in rows:
        for place, heading in enumerate(headings):
            if heading in ("reference", "order_id"):
                row[place] = chance.choice(REFERENCES)
            elif heading == "jurisdiction" and chance.random() < 0.8:
                row[place] = "GB"
    return [headings, *rows]


def written(rows: Sequence[Sequence[str]], chance: random.Random) -> bytes:
    """The sheet as one of the programs that make such sheets writes it."""
    text = io.StringIO(newline="")
    quoting: Literal[0, 1] = csv.QUOTE_ALL if chance.random() < 0.3 else csv.QUOTE_MINIMAL
    separator, end = chance.choice([",", ",", ";", "\t"]), chance.choice(["\r\n", "\n", "\n", "\r"])
    csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=end).writerows(rows)
    said = text.getvalue()
    if chance.random() < 0.3:
        said = said.rstrip("\r\n")
    if chance.random() < 0.1:
        at = chance.randrange(len(said) + 1)
        said = said[:at] + '"' + said[at:]
    if chance.random() < 0.1:
        said = f"sep={separator}{end}{said}"
    encoding = chance.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252", "gb18030"])
    return said.encode(encoding, "replace")


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A sheet that is good, bad or mixed, in some encoding."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    if draw(st.booleans()):
        return written(drawn_sheet(chance), chance)
    drawn = draw(st.lists(sheet_records, max_size=3))
    headings, *rows = writing.rows_of([*drawn, *bench.consignments(chance.randint(1, 12))])
    return written([headings, *altered(rows, chance, chance.choice([0, 0, 0.003, 0.03, 0.2]))], chance)


def both(data: bytes, jurisdiction: str | None = "FR", *, before: int = 0) -> tuple[Reading, Reading]:
    """The sheet by columns, and row by row."""
    readings = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        for least in (0, NEVER):
            monkeypatch.setattr(sheets, "COLUMNS_MIN", least)
            readings.append(sheets.read_part(data, {}, before=before, jurisdiction=jurisdiction))
    return readings[0], readings[1]


def test_a_long_sheet_is_read_by_columns() -> None:
    made = bench.consignments(200)
    columns = formats.read(formats.FORMATS["csv"].write(made))

    assert isinstance(columns.declared, InColumns)
    assert not columns.declared.apart
    assert [one.consignment.reference for one in columns.declared] == [one.reference for one in made]


def test_a_column_that_says_something_of_no_consignment_makes_no_entry() -> None:
    columns, rows = both(b"reference,consignee_name,currency\nA-1,,EUR\n")

    assert_same(columns, rows)


@EXAMPLES
@given(data=messages(), jurisdiction=st.sampled_from(["FR", None]), before=st.sampled_from([0, 7]))
def test_any_sheet_by_columns_is_the_sheet_by_rows(data: bytes, jurisdiction: str | None, before: int) -> None:
    columns, rows = both(data, jurisdiction, before=before)

    assert_same(columns, rows)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("heading", ["description", "unit_price"])
def test_any_cell_among_plain_ones_is_read_as_by_rows(heading: str, cell: str) -> None:
    headings = ["reference", "jurisdiction", "quantity", "currency", heading]
    usual = "Cup" if heading == "description" else "12.50"
    rows = [[f"R{number}", "GB", "1", "GBP", usual] for number in range(12)]
    rows[5][4] = cell
    text = io.StringIO(newline="")
    csv.writer(text).writerows([headings, *rows])
    columns, by_rows = both(text.getvalue().encode())

    assert_same(columns, by_rows)
    assert isinstance(columns.declared, InColumns)
    assert set(columns.declared.apart) <= {5}


@pytest.mark.parametrize("cut_at", [1_000, 5_000])
def test_pieces_read_by_columns_are_the_sheet_read_whole(cut_at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from tidewaiter.formats.unpacking import Stream

    data = formats.FORMATS["csv"].write(bench.consignments(60))
    monkeypatch.setattr(sheets, "COLUMNS_MIN", 0)
    cut = splitting.split(Stream(io.BytesIO(data)), piece_bytes=cut_at)

    assert cut is not None
    parts = [splitting.read_piece(piece) for piece in cut]
    whole = sheets.read(data)
    assert len(parts) > 1
    assert [one.consignment for part in parts for one in part.declared] == [one.consignment for one in whole.declared]
    assert [one.anchor["rows"] for part in parts for one in part.declared] == [
        one.anchor["rows"] for one in whole.declared
    ]

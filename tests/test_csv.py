"""A seller's sheet: good rows come in, bad ones come back by number and reason, nothing is guessed."""

from __future__ import annotations

import csv
import io
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make
import strategies
from tidewaiter import formats
from tidewaiter.formats import csv as sheets
from tidewaiter.formats.csv.cells import bare, harmless
from tidewaiter.formats.csv.columns import COLUMNS, FISCAL_ROLES, ROLES, SCHEMES, heading
from tidewaiter.formats.csv.numbers import decimal_mark, number
from tidewaiter.formats.reading import Declared, Reading
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Classification, Consignment, FiscalReference, GoodsItem
from tidewaiter.model.finding import Finding

SPECTRUM = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "hostile" / "csv_spectrum" / "csvs"
SYNONYMS = tomllib.loads((Path(sheets.__file__).parent / "columns.toml").read_text(encoding="utf-8"))["names"]


def read(text: str | bytes, **how: Any) -> Reading:
    return sheets.read(text.encode() if isinstance(text, str) else text, **how)


def one_row(**cells: str) -> Reading:
    """A sheet of one row: whatever is given, beside a reference and a country. `__` in a name stands for a space."""
    values = {"reference": "A", "jurisdiction": "GB"} | {name.replace("__", " "): cell for name, cell in cells.items()}
    text = io.StringIO(newline="")
    csv.writer(text).writerows([values.keys(), values.values()])
    return read(text.getvalue())


def faults(reading: Reading) -> list[tuple[str, str]]:
    """Code and place in their sheet of everything found."""
    found = [*reading.findings, *(finding for one in reading.declared for finding in one.findings)]
    return [(finding.code, finding.source_pointer) for finding in found]


def item_of(reading: Reading) -> GoodsItem:
    [declared] = reading.declared
    [item] = declared.consignment.items
    return item


def price_of(reading: Reading) -> tuple[str, str] | None:
    price = item_of(reading).price
    return None if price is None else (str(price.amount), price.currency)


# --- what is written is read again ------------------------------------------------------------------------------


def of_columns(scope: str, **other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Values for those fields of a record that a sheet has columns for."""
    chosen = {
        column.field: other.get(column.field, strategies.values(column.hint))
        for column in COLUMNS.values()
        if column.scope == scope
    }
    required = {name: chosen.pop(name) for name in ("reference", "jurisdiction") if name in chosen}
    return st.fixed_dictionaries(required, optional={**chosen, **{k: v for k, v in other.items() if k not in chosen}})


_codes = st.lists(st.sampled_from(SCHEMES), unique=True).map(
    sorted_by := lambda found: sorted(found, key=SCHEMES.index)
)
sheet_items = of_columns(
    "item",
    hs_code=st.text("0123456789", min_size=1, max_size=10),
    additional_procedures=st.lists(st.sampled_from(("C07", "C08", "F48", "1H7")), max_size=3).map(tuple),
    codes=_codes.flatmap(
        lambda schemes: st.tuples(
            *(st.builds(Classification, scheme=st.just(scheme), code=strategies.texts()) for scheme in schemes)
        )
    ),
).map(lambda fields: GoodsItem(**fields)).filter(lambda item: item != GoodsItem())  # fmt: skip
sheet_records = of_columns(
    "head",
    later_entry_offices=st.lists(st.sampled_from(("GB000060", "GB000434")), max_size=2).map(tuple),
    items=st.lists(sheet_items, max_size=3).map(tuple),
    parties=st.lists(strategies.parties(), max_size=3, unique_by=lambda party: party.role).map(
        lambda found: tuple(sorted((p for p in found if p != type(p)(role=p.role)), key=lambda p: ROLES.index(p.role)))
    ),
    fiscal_references=st.lists(st.sampled_from(FISCAL_ROLES), unique=True, max_size=2).flatmap(
        lambda roles: st.tuples(
            *(st.builds(FiscalReference, role=st.just(role), id=strategies.texts()) for role in sorted(roles))
        )
    ),
).map(lambda fields: Consignment(**fields))


@settings(max_examples=80, deadline=None)
@given(sheet_records)
def test_what_a_sheet_has_columns_for_is_read_as_it_was_written(record: Consignment) -> None:
    reading = sheets.read(sheets.write([record]))

    assert faults(reading) == []
    assert [one.consignment for one in reading.declared] == [record]


def test_a_number_with_three_decimals_is_written_so_that_nobody_takes_it_for_thousands() -> None:
    record = make.consignment(gross_mass="1.250", items=(make.item(net_mass="1.125", gross_mass="1.250"),))
    data = sheets.write([record])

    assert b"1.2500" in data
    assert [one.consignment.gross_mass for one in sheets.read(data).declared] == [Decimal("1.25")]
    assert item_of(sheets.read(data)).net_mass == Decimal("1.125")


def test_many_consignments_keep_their_rows_apart() -> None:
    records = [make.consignment(reference=f"R{n}", items=(make.item(),) * (n % 3 + 1)) for n in range(50)]
    reading = sheets.read(sheets.write(records))

    assert [one.consignment.reference for one in reading.declared] == [record.reference for record in records]
    assert [len(one.consignment.items) for one in reading.declared] == [len(record.items) for record in records]


@given(st.text(max_size=30))
def test_no_cell_is_taken_for_a_formula_and_every_cell_comes_back(text: str) -> None:
    cell = harmless(text.strip())

    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))
    if not text.strip().startswith('="'):
        assert bare(cell) == text.strip()


def test_a_written_formula_is_only_text() -> None:
    record = make.consignment(order_id="=HYPERLINK(1)", items=(make.item(description='="x"'),))
    data = sheets.write([record])

    assert b"'=HYPERLINK(1)" in data
    assert not [cell for row in csv.reader(io.StringIO(data.decode("utf-8-sig"))) for cell in row if cell[:1] == "="]
    [declared] = sheets.read(data).declared
    assert (declared.consignment.order_id, declared.consignment.items[0].description) == ("=HYPERLINK(1)", '="x"')


# --- columns ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in SYNONYMS.items() for text in texts])
def test_every_name_in_the_table_stands_for_one_column(name: str, text: str) -> None:
    known = heading(text, 0)

    assert known is not None
    assert known.column.name == name


def test_every_column_is_known_by_its_own_name() -> None:
    for name, column in COLUMNS.items():
        known = heading(name, 0)

        assert known is not None
        assert known.column is column


@pytest.mark.parametrize(
    ("text", "name", "unit"),
    [
        ("HS_Code", "hs_code", ""),
        ("  hs-code: ", "hs_code", ""),
        ("Weight (g)", "weight", "g"),
        ("gross_mass_kg", "gross_mass", "kg"),
        ("Gross weight in lbs", "gross_mass", "lb"),
        ("Unit price (EUR)", "unit_price", "EUR"),
        ("STÜCKPREIS EUR", "unit_price", "EUR"),
        ("numero de commande", "reference", ""),
    ],
)
def test_a_heading_is_known_without_regard_to_case_spaces_and_accents(text: str, name: str, unit: str) -> None:
    known = heading(text, 0)

    assert known is not None
    assert (known.column.name, known.unit) == (name, unit)


@pytest.mark.parametrize("text", ["colour", "name", "weight of my heart", "price per kilo", "unit price net", ""])
def test_a_heading_that_is_not_known_is_not_guessed(text: str) -> None:
    assert heading(text, 0) is None


def test_unknown_columns_are_named_and_their_values_are_not() -> None:
    reading = one_row(description="Phone case", colour="midnight")

    assert faults(reading) == [("CSV-05", "row 1")]
    assert "“colour”" in reading.findings[0].text
    assert reading.findings[0].severity == "note"
    assert reading.dropped == ("colour",)
    assert "midnight" not in str(reading.findings)


def test_two_columns_that_say_the_same_are_a_finding_and_the_first_is_read() -> None:
    reading = read("reference,jurisdiction,HS code,commodity code\nA,GB,610910,999999\n")

    assert faults(reading)[:1] == [("CSV-06", "row 1")]
    assert item_of(reading).hs_code == "610910"


# --- encodings and separators -----------------------------------------------------------------------------------

GERMAN = "Bestellnummer;Warenbezeichnung;Stückpreis;Menge;Währung;Zielland\nB1;Hülle für Möbel;3,50;2;EUR;DE\n"


@pytest.mark.parametrize(
    ("encoding", "codes"),
    [("utf-8", []), ("utf-8-sig", []), ("utf-16", []), ("cp1252", ["CSV-02"])],
)
def test_a_sheet_may_come_in_the_encodings_spreadsheets_save(encoding: str, codes: list[str]) -> None:
    data = GERMAN.encode(encoding)
    reading = read(data)

    assert sheets.sniff(data)
    assert [code for code, _ in faults(reading)] == codes
    assert item_of(reading).description == "Hülle für Möbel"
    assert price_of(reading) == ("7.00", "EUR")


def test_a_chinese_sheet_saved_the_chinese_way_is_read() -> None:
    data = "订单号,品名,海关编码,数量,单价,币种,目的国\nA1,硅胶手机壳,392690,2,10,CNY,FR\n".encode("gb18030")
    reading = read(data)

    assert sheets.sniff(data)
    assert [code for code, _ in faults(reading)] == ["CSV-02"]
    assert item_of(reading).description == "硅胶手机壳"


def test_bytes_in_no_encoding_are_a_finding() -> None:
    assert faults(read(b"reference,description\nA,\xff\xff\x81\n")) == [("CSV-01", "")]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_by_the_headings(separator: str) -> None:
    rows = [["reference", "jurisdiction", "description"], ["A", "GB", "Bowl"]]
    text = "\r\n".join(separator.join(row) for row in rows)

    assert item_of(read(text)).description == "Bowl"
    assert item_of(read(f"sep={separator}\r\n{text}")).description == "Bowl"


def test_a_sheet_whose_headings_are_not_known_is_a_finding() -> None:
    assert faults(read("a,b,c\n1,2,3\n")) == [("CSV-03", "row 1")]
    assert faults(read("description,hs code\nBowl,691200\n")) == [("CSV-04", "row 1")]
    assert faults(read("reference,description\n\n")) == [("CSV-27", "row 2")]


# --- rows -------------------------------------------------------------------------------------------------------


def test_rows_that_share_a_reference_are_one_consignment_wherever_they_stand() -> None:
    reading = read("reference,jurisdiction,description\nA,GB,one\nB,FR,two\nA,,three\n")

    assert [(d.consignment.reference, [i.description for i in d.consignment.items]) for d in reading.declared] == [
        ("A", ["one", "three"]),
        ("B", ["two"]),
    ]


def test_good_rows_come_in_and_bad_rows_come_back_by_number() -> None:
    reading = read(
        "reference,destination,description,quantity,unit price,currency\n"
        "A,GB,Bowl,1,5.50,GBP\n"
        ",GB,Lost,1,5.50,GBP\n"
        "\n"
        "B,GB,Cup,two,5.50,GBP\n"
        "C,GB,Plate,1,5.50,GBP\n"
    )

    assert [one.consignment.reference for one in reading.declared] == ["A", "B", "C"]
    assert faults(reading) == [("CSV-08", 'row 3, column "reference"'), ("CSV-13", 'row 5, column "quantity"')]
    assert [len(one.findings) for one in reading.declared] == [0, 1, 0]
    assert reading.declared[1].findings[0].pointer == "/items/0/quantity"
    assert reading.dropped == ("row 3", 'row 5, column "quantity"')


def test_a_row_with_too_many_cells_is_not_read() -> None:
    reading = read("reference,jurisdiction,description\nA,GB,Bowl\nA,GB,Cup, small,5\n")

    assert faults(reading) == [("CSV-09", "row 3")]
    assert item_of(reading).description == "Bowl"


def test_rows_before_a_broken_quotation_mark_are_read() -> None:
    reading = read('reference,jurisdiction,description\nA,GB,Bowl\nB,GB,"Cup\nC,GB,Plate\n')

    assert [one.consignment.reference for one in reading.declared] == ["A"]
    assert faults(reading) == [("CSV-07", "row 3")]


def test_rows_that_contradict_each_other_are_told() -> None:
    reading = read("reference,jurisdiction,category,description\nA,GB,sale,one\nA,GB,gift,two\n")

    assert faults(reading) == [("CSV-11", 'row 3, column "category"')]
    assert reading.declared[0].consignment.category == "sale"


def test_the_country_is_that_of_the_column_then_the_destination_then_the_consignee_then_the_one_asked_for() -> None:
    def country(**cells: str) -> str:
        names, values = ",".join(cells), ",".join(cells.values())
        return (
            read(f"reference,description,{names}\nA,Bowl,{values}\n", jurisdiction="ZZ")
            .declared[0]
            .consignment.jurisdiction
        )

    assert country(jurisdiction="GB", destination="FR", consignee_country="DE") == "GB"
    assert country(destination="FR", consignee_country="DE") == "FR"
    assert country(consignee_country="DE") == "DE"
    assert country(channel="post") == "ZZ"
    assert faults(read("reference,description\nA,Bowl\n")) == [("CSV-10", "row 2")]


def test_a_consignment_without_goods_is_still_one() -> None:
    assert one_row(tracking_id="HM123456785CN").declared[0].consignment.items == ()


# --- numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", "12"), ("12.5", "12.5"), ("12,50", "12.50"), ("0,350", "0.350"), (".5", "0.5"), ("1234.567", "1234.567"),
        ("1,234.56", "1234.56"), ("1.234,56", "1234.56"), ("1 234,56", "1234.56"), ("1’234.56", "1234.56"),
        ("1\u00a0234\u00a0567", "1234567"), ("1,234,567", "1234567"), ("1.234.567", "1234567"),
        ("1 234.567", "1234.567"),
    ],
)  # fmt: skip
def test_a_number_that_can_be_read_in_one_way_is_read(text: str, value: str) -> None:
    assert number(text, "") == Decimal(value)


@pytest.mark.parametrize("text", ["1,234", "1.234", "12.345", "999,000"])
def test_a_number_that_can_be_read_in_two_ways_is_not_read(text: str) -> None:
    found = number(text, "")

    assert not isinstance(found, Decimal)
    assert found.kind.code == "CSV-12"


@pytest.mark.parametrize(
    "text",
    ["", "x", "1.2E+05", "1e5", "-5", "−5", "1,2,3", "1.234,5.6", "12,34.567",
     "1_000", "１２", "٣", "NaN", "1 2", "5.", "1.1234567",
     "1" * 13, "1" * 100],
)  # fmt: skip
def test_what_is_no_plain_number_is_refused(text: str) -> None:
    found = number(text, ".")

    assert not isinstance(found, Decimal)
    assert found.kind.code == "CSV-13"


def test_a_doubtful_number_is_read_as_the_rest_of_the_sheet_is_written() -> None:
    assert decimal_mark(["12,50", "1.234", "7"]) == ","
    assert decimal_mark(["12,50", "12.50"]) == ""
    assert decimal_mark(["1.234", "7"]) == ""

    assert number("1.250", ",") == Decimal(1250)
    assert number("1,250", ",") == Decimal("1.250")


def test_a_doubtful_number_with_nothing_to_tell_it_by_is_a_finding() -> None:
    reading = one_row(line_total="1,250", currency="GBP")

    assert faults(reading) == [("CSV-12", 'row 2, column "line_total"')]
    assert item_of(reading).price is None


# --- money ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "price"),
    [
        ({"line_total": "12.50", "currency": "GBP"}, ("12.50", "GBP")),
        ({"line_total": "12.50", "currency": "gbp"}, ("12.50", "GBP")),
        ({"line_total": "12.50 GBP"}, ("12.50", "GBP")),
        ({"line_total": "GBP 12.50"}, ("12.50", "GBP")),
        ({"line_total": "£12.50"}, ("12.50", "GBP")),
        ({"line_total": "12,50 €"}, ("12.50", "EUR")),
        ({"line_total": "€ 1.234,50"}, ("1234.50", "EUR")),
        ({"line_total (EUR)": "12.50"}, ("12.50", "EUR")),
        ({"unit_price": "2.50", "quantity": "3", "currency": "GBP"}, ("7.50", "GBP")),
        ({"unit_price": "2.50", "quantity": "3", "line_total": "7.50", "currency": "GBP"}, ("7.50", "GBP")),
        ({"price": "2.50", "currency": "GBP"}, ("2.50", "GBP")),
        ({"price": "2.50", "quantity": "1", "currency": "GBP"}, ("2.50", "GBP")),
    ],
)  # fmt: skip
def test_an_amount_is_read_with_its_currency(cells: dict[str, str], price: tuple[str, str]) -> None:
    reading = one_row(**cells)

    assert faults(reading) == []
    assert price_of(reading) == price


@pytest.mark.parametrize(
    ("cells", "code", "column"),
    [
        ({"line_total": "12.50"}, "CSV-14", "line_total"),
        ({"line_total": "$12.50", "currency": "USD"}, "CSV-15", "line_total"),
        ({"line_total": "¥12"}, "CSV-15", "line_total"),
        ({"line_total": "12 kr"}, "CSV-15", "line_total"),
        ({"line_total": "€12.50", "currency": "GBP"}, "CSV-16", "line_total"),
        ({"line_total (EUR)": "12.50", "currency": "GBP"}, "CSV-16", "line_total (EUR)"),
        ({"line_total": "-12.50", "currency": "GBP"}, "CSV-13", "line_total"),
        ({"unit_price": "5", "currency": "GBP"}, "CSV-19", "unit_price"),
        ({"price": "5", "quantity": "2", "currency": "GBP"}, "CSV-20", "price"),
        ({"unit_price": "0.333333", "quantity": "0.5", "currency": "GBP"}, "CSV-13", "unit_price"),
    ],
)
def test_an_amount_that_leaves_doubt_is_not_read(cells: dict[str, str], code: str, column: str) -> None:
    reading = one_row(**cells)

    assert faults(reading) == [(code, f'row 2, column "{column}"')]
    assert item_of(reading).price is None


def test_a_total_that_is_off_by_rounding_is_kept_and_one_that_is_off_by_more_is_an_error() -> None:
    def severities(total: str) -> list[str]:
        reading = one_row(unit_price="3.33", quantity="3", line_total=total, currency="GBP")

        assert price_of(reading) == (total, "GBP")
        return [finding.severity for finding in reading.declared[0].findings]

    assert severities("9.99") == []
    assert severities("10.00") == ["note"]
    assert severities("9.95") == ["error"]
    assert severities("3.33") == ["error"]


# --- masses, codes, countries, words ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "kilograms"),
    [
        ({"gross_mass_kg": "1.25"}, "1.25"), ({"gross weight (g)": "350"}, "0.35"),
        ({"gross weight lb": "1"}, "0.453592"),
        ({"gross weight oz": "2"}, "0.056699"), ({"gross weight": "350", "mass unit": "g"}, "0.35"),
    ],
)  # fmt: skip
def test_a_mass_is_brought_to_kilograms(cells: dict[str, str], kilograms: str) -> None:
    reading = one_row(**cells)

    assert faults(reading) == []
    assert item_of(reading).gross_mass == Decimal(kilograms)


def test_a_mass_without_a_unit_is_not_read() -> None:
    assert faults(one_row(gross__weight="350")) == [("CSV-21", 'row 2, column "gross weight"')]


def test_a_plain_weight_is_taken_as_gross_and_a_note_says_so() -> None:
    reading = one_row(**{"weight (g)": "350"})

    assert faults(reading) == [("CSV-22", 'row 1, column "weight (g)"')]
    assert item_of(reading).gross_mass == Decimal("0.35")


def test_what_spreadsheets_put_around_a_cell_is_taken_off() -> None:
    reading = one_row(hs_code='="061091"', consignee_postcode="'01234", description="'t Example")

    assert item_of(reading).hs_code == "061091"
    assert item_of(reading).description == "'t Example"
    assert reading.declared[0].consignment.parties[0].postcode == "01234"


def test_a_commodity_code_loses_its_dots_and_nothing_else() -> None:
    assert item_of(one_row(hs_code="6109.10 00")).hs_code == "61091000"
    assert item_of(one_row(hs_code="61091")).hs_code == "61091"
    assert item_of(one_row(hs_code="6.1E+05")).hs_code == "6.1E+05"


def test_a_country_is_given_by_its_code() -> None:
    assert item_of(one_row(origin="cn")).origin_country == "CN"
    reading = one_row(origin="China", description="Bowl")

    assert faults(reading) == [("CSV-24", 'row 2, column "origin"')]
    assert "ISO 3166" in reading.declared[0].findings[0].remedy


def test_words_for_the_category_are_known_in_other_languages() -> None:
    for text in ("gift", "Geschenk", "CADEAU", "regalo", "礼品"):
        assert one_row(category=text).declared[0].consignment.category == "gift"
    assert faults(one_row(category="stuff")) == [("CSV-23", 'row 2, column "category"')]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("issued_at", "123"),
        ("issued_at", "2026-02-01T10:00:00"),
        ("issued_at", "0001-01-01T00:00:00+23:00"),
        ("accepted_on", "20260101"),
        ("accepted_on", "1/2/2026"),
        ("version", "true"),
        ("version", "1e3"),
        ("version", "1_0"),
        ("version", "9" * 10),
        ("package_count", "-1"),
        ("direction", "sideways"),
        ("incoterm", "DELIVERED"),
    ],
)
def test_a_cell_that_does_not_fit_its_column_is_pointed_at(column: str, cell: str) -> None:
    reading = one_row(**{column: cell})

    assert faults(reading) == [("CSV-23", f'row 2, column "{column}"')]
    assert reading.dropped == (f'row 2, column "{column}"',)


def test_a_line_break_in_a_cell_is_a_space_and_other_control_characters_are_refused() -> None:
    reading = one_row(consignee_street="1 Example\r\nRoad")

    assert faults(reading) == [("CSV-26", 'row 2, column "consignee_street"')]
    assert reading.declared[0].findings[0].pointer == "/parties/0/street"
    assert reading.declared[0].consignment.parties[0].street == "1 Example Road"
    assert faults(one_row(description="a\x00b", hs_code="1")) == [("CSV-25", 'row 2, column "description"')]


def test_a_scheme_number_becomes_a_fiscal_reference() -> None:
    assert one_row(ioss="IM2760000001").declared[0].consignment.fiscal_references == (make.ioss(),)


# --- pointers, answers, hostile files ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("/items/1/hs_code", 'row 4, column "HS Code"'),
        ("/items/1/price/amount", 'row 4, column "Unit Price"'),
        ("/items/0/net_mass", "row 2"),
        ("/items/7/hs_code", 'row 2, column "HS Code"'),
        ("/parties/0/name", 'row 2, column "Recipient"'),
        ("/channel", 'row 4, column "Sent by"'),
        ("/reference", 'row 2, column "Order"'),
        ("/gross_mass", "row 2"),
        ("", "row 2"),
    ],
)
def test_a_pointer_is_given_as_row_and_column_in_the_sheets_own_words(pointer: str, place: str) -> None:
    reading = read(
        "Order,Recipient,Destination,Sent by,HS Code,Unit Price,Qty,Currency\n"
        "A,Pat Example,GB,,610910,5.00,1,GBP\n"
        "B,Pat Example,GB,,610910,5.00,1,GBP\n"
        "A,,,post,711719,6.00,1,GBP\n"
    )

    assert sheets.source_pointer(reading.declared[0], pointer) == place


def test_a_pointer_can_be_asked_of_a_consignment_that_was_never_in_a_sheet() -> None:
    assert sheets.source_pointer(Declared(consignment=make.consignment()), "/items/0/hs_code") == "row 1"


def test_answers_are_a_sheet_with_a_row_for_each_finding() -> None:
    finding = Finding(
        code="GDS-03", severity="error", pointer="/items/0/hs_code", source_pointer='row 7, column "HS code"',
        text="=1+1", remedy="Give six digits.",
    )  # fmt: skip
    data = sheets.answer(
        [
            Answer(kind="rejected", id="A1", reference="ORDER-1", findings=(finding, finding)),
            Answer(kind="released", id="A2", reference="@ORDER-2", status="released"),
        ]
    )
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))

    assert rows[0] == ["reference", "row", "status", "code", "text", "remedy"]
    assert rows[1] == rows[2] == ["ORDER-1", "7", "rejected", "GDS-03", "'=1+1", "Give six digits."]
    assert rows[3] == ["'@ORDER-2", "", "released", "", "", ""]


def test_no_finding_holds_what_was_sent() -> None:
    secret = "Pat Example 7QX"
    names = [name for name in COLUMNS if name not in ("reference", "jurisdiction")]
    reading = one_row(**dict.fromkeys(names, secret))

    assert len(faults(reading)) > 20
    assert secret not in str([*reading.findings, *(one.findings for one in reading.declared)])


def test_sheets_of_others_are_never_an_exception() -> None:
    paths = sorted(SPECTRUM.glob("*.csv"))
    if not paths:
        pytest.skip("csv-spectrum is not here (../shared/data/hostile/csv_spectrum)")
    for path in paths:
        data = path.read_bytes()

        assert read(data).findings, path.name
        assert not sheets.sniff(data), path.name
        # Under headings that are known, their cells are text like any other.
        rows = list(csv.reader(io.StringIO(data.decode("utf-8", "replace"), newline="")))[1:]
        text = io.StringIO(newline="")
        csv.writer(text).writerows(
            [
                ["reference", "jurisdiction", "description"],
                *([f"R{n}", "GB", row[-1]] for n, row in enumerate(rows) if row),
            ]
        )
        for declared in read(text.getvalue()).declared:
            assert {finding.code for finding in declared.findings} <= {"CSV-25", "CSV-26"}


# --- headings in other words ------------------------------------------------------------------------------------

LANGUAGES = {
    "en": "Order number,Recipient,Destination,Item description,HS,Origin,Qty,Unit price,Currency,Net weight (oz)",
    "fr": "n° commande;destinataire;pays de destination;désignation;code SH;pays d'origine;quantité;prix unitaire;"
    "devise;poids net (g)",
    "de": "Bestellnummer;Empfänger;Zielland;Warenbezeichnung;HS-Nummer;Ursprungsland;Menge;Stückpreis;Währung;"
    "Nettogewicht (g)",
    "es": "número de pedido;destinatario;país de destino;descripción;código HS;país de origen;cantidad;"
    "precio unitario;moneda;peso neto (g)",
    "zh": "订单号,收件人,目的国,品名,海关编码,原产国,数量,单价,币种,净重 (克)",
    "ja": "注文番号,受取人,仕向国,商品名,HSコード,原産国,数量,単価,通貨,正味重量 (グラム)",
    "ar": "رقم الطلب,المستلم,بلد الوجهة,وصف السلعة,رمز النظام المنسق,بلد المنشأ,الكمية,سعر الوحدة,العملة,"
    "الوزن الصافي (غرام)",
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_sheet_in_each_language_says_the_same(language: str, encoding: str) -> None:
    heads = LANGUAGES[language]
    cells = "A,Pat,GB,Bowl,691200,CN,2,2.50,GBP,4" if "," in heads else "A;Pat;GB;Bowl;691200;CN;2;2,50;GBP;4"
    reading = read(f"{heads}\n{cells}\n".encode(encoding))
    item = item_of(reading)

    assert faults(reading) == []
    assert (item.description, item.hs_code, item.origin_country, str(item.quantity)) == ("Bowl", "691200", "CN", "2")
    assert item.price is not None
    assert str(item.price.amount) == "5.00"
    assert item.net_mass == Decimal("0.113398" if language == "en" else "0.004")


def test_a_sheet_in_gb_18030_and_with_tabs_is_read() -> None:
    text = "订单号\t收件人\t目的国\t品名\nA\t王\tGB\t碗\n"

    assert item_of(read(text.encode("gb18030"))).description == "碗"


def test_a_unit_of_weight_may_stand_in_a_column_of_its_own() -> None:
    text = "reference,jurisdiction,net weight,weight unit\nA,GB,2,oz\nA,GB,50,g\n"
    [declared] = read(text).declared

    assert [str(item.net_mass) for item in declared.consignment.items] == ["0.056699", "0.050"]


def test_an_unknown_heading_is_told_with_the_known_one_it_is_most_like() -> None:
    [finding] = read("reference,jurisdiction,Warenbezeichnnug,xyz\nA,GB,Bowl,1\n").findings

    assert (finding.code, finding.source_pointer) == ("CSV-05", "row 1")
    assert "“Warenbezeichnnug” (nearest known: “Warenbezeichnung”), “xyz”." in finding.text


MAPPED = {
    "Nummer": "reference", "wohin": "destination", "Was": "description", "Stück": "quantity",
    "je": "unit_price EUR", "Gramm": "net_mass_g", "Lager": "",
}  # fmt: skip
OWN_WORDS = "Nummer;wohin;Was;Stück;je;Gramm;Lager\nA;DE;Schale;2;1,50;250;x\n"


def test_headings_mean_what_their_sender_said_they_mean() -> None:
    for data in (OWN_WORDS.encode(), OWN_WORDS.encode("utf-16"), OWN_WORDS.replace("Nummer", " NUMMER ").encode()):
        reading = formats.read(data, columns=MAPPED)

        assert formats.read(data).declared == ()
        assert faults(reading) == []
        item = item_of(reading)
        assert (item.description, price_of(reading), item.net_mass) == ("Schale", ("3.00", "EUR"), Decimal("0.250"))
        assert sheets.source_pointer(reading.declared[0], "/items/0/price") == 'row 2, column "je"'


def test_a_mapping_goes_before_what_a_heading_would_mean_and_one_to_nothing_is_told() -> None:
    text = "reference,jurisdiction,description,origin\nA,GB,Bowl,blue\n"

    assert faults(formats.read(text.encode(), columns={"Origin": ""})) == []
    reading = formats.read(text.encode(), columns={"origin": "colour"})
    assert faults(reading) == [("CSV-29", "row 1")]
    assert reading.dropped == ("origin",)


def test_a_mapping_says_nothing_of_a_message_that_is_no_sheet() -> None:
    data = formats.FORMATS["json"].write([make.consignment()])

    assert formats.read(data, columns=MAPPED) == formats.read(data)


# --- rows that come back ----------------------------------------------------------------------------------------


def back(data: bytes, columns: dict[str, str] | None = None) -> list[list[str]]:
    reading = formats.read(data, columns=columns)
    findings = [*reading.findings, *(finding for one in reading.declared for finding in one.findings)]
    rows = formats.rows_returned(data, findings, format="csv", columns=columns)
    return list(csv.reader(io.StringIO(rows.decode("utf-8-sig"), newline=""), delimiter=";"))


def joined(rows: list[list[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows(rows)
    return text.getvalue()


def test_a_row_that_is_too_long_comes_back_whole() -> None:
    assert back(b"reference;jurisdiction\nA;GB;Cup;small\n")[1][:2] == ["A", "GB"]
    assert back(b"reference;jurisdiction\nA;GB;Cup;small\n")[1][3:] == ["Cup", "small"]


def test_rows_that_are_wrong_come_back_and_when_mended_are_read() -> None:
    text = "Bestellung;Zielland;Artikel;Menge\nA;DE;Schale;1\nB;DE;=1+1;zwei\nB;DE;Teller;1\n;DE;Topf;1\n"
    rows = back(text.encode())

    assert rows[0] == ["Bestellung", "Zielland", "Artikel", "Menge", "reason"]
    assert [row[:4] for row in rows[1:]] == [
        ["B", "DE", "'=1+1", "zwei"],
        ["B", "DE", "Teller", "1"],
        ["", "DE", "Topf", "1"],
    ]
    assert [row[4][:6] for row in rows[1:]] == ["CSV-13", "", "CSV-08"]

    rows[1][3], rows[3][0] = "2", "C"
    mended = joined(rows)
    reading = read(mended)
    assert faults(reading) == []
    assert [one.consignment.reference for one in reading.declared] == ["B", "C"]
    assert reading.declared[0].consignment.items[0].description == "=1+1"
    assert back(mended.encode()) == []


def test_rows_that_come_back_twice_have_the_newest_reason_alone() -> None:
    text = "reference;jurisdiction;description;quantity\nA;GB;Bowl;x\n"
    rows = back(text.encode())
    again = back(joined(rows).encode())

    assert again == rows


def test_rows_come_back_under_headings_that_only_their_sender_knows() -> None:
    rows = back(OWN_WORDS.replace(";2;", ";zwei;").encode(), MAPPED)

    assert rows[0] == ["Nummer", "wohin", "Was", "Stück", "je", "Gramm", "Lager", "reason"]
    assert rows[1][:7] == ["A", "DE", "Schale", "zwei", "1,50", "250", "x"]

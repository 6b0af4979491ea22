"""What can be wrong in a seller's sheet."""

from __future__ import annotations

from typing import NamedTuple

from tidewaiter.model.finding import Kind

_CSV = "RFC 4180"
_FORM = "UPU Convention Manual, forms CN 22 and CN 23: particulars of each article"
_LIMIT = "Limit of this installation"

UNREADABLE = Kind(
    code="CSV-01",
    severity="error",
    stage="bytes",
    text="The sheet is in no encoding known here.",
    remedy="Save it as “CSV UTF-8”.",
    law=_CSV,
)
ENCODING_TOLD = Kind(
    code="CSV-02",
    severity="note",
    stage="bytes",
    text="The sheet is not in UTF-8; it was read as {detail}.",
    remedy="Check that accents came through, and save the next one as “CSV UTF-8”.",
    law=_CSV,
)
NO_HEADINGS = Kind(
    code="CSV-03",
    severity="error",
    text="No heading in the first row is known.",
    remedy="Put headings such as reference, description, hs_code, quantity, unit_price, currency into the first row.",
    law=_CSV,
)
NO_REFERENCE_COLUMN = Kind(
    code="CSV-04",
    severity="error",
    text="The sheet has no column for the order or reference, so its rows cannot be told apart.",
    remedy="Add a column “reference”; rows that share a value there are one consignment.",
    law=_FORM,
)
UNKNOWN_COLUMNS = Kind(
    code="CSV-05",
    severity="note",
    text="These columns are not known and were not read: {detail}.",
    remedy="Rename a column that matters to one that is known, or say once what it stands for (a mapping of columns).",
    law=_CSV,
)
HEADING_TWICE = Kind(
    code="CSV-06",
    severity="error",
    text="More than one column says the same: {detail}. Only the first was read.",
    remedy="Leave one of them.",
    law=_CSV,
)
BROKEN_QUOTES = Kind(
    code="CSV-07",
    severity="error",
    stage="syntax",
    text="From row {detail} on the sheet cannot be read: a quotation mark is missing, or a cell is far too long.",
    remedy="Mend the quotation marks there; the rows before it were read.",
    law=f"{_CSV}, section 2",
)
NO_REFERENCE = Kind(
    code="CSV-08",
    severity="error",
    text="Row {detail} has no reference and belongs to no consignment.",
    remedy="Give every row the reference of its order.",
    law=_FORM,
)
ROW_TOO_LONG = Kind(
    code="CSV-09",
    severity="error",
    stage="syntax",
    text="The row has more cells than there are headings, so values may stand in wrong columns; it was not read.",
    remedy="Put quotation marks around a cell that holds the separator.",
    law=f"{_CSV}, section 2",
)
NO_JURISDICTION = Kind(
    code="CSV-10",
    severity="error",
    text="Nothing says to which country the consignment of row {detail} is declared.",
    remedy="Add a column “destination_country” with two letters (ISO 3166).",
    law=_FORM,
)
CONTRADICTION = Kind(
    code="CSV-11",
    severity="error",
    stage="rules",
    text="Rows of one consignment say different things here; the first was kept.",
    remedy="Say it in one row only, or the same in all.",
    law=_FORM,
)
AMBIGUOUS_NUMBER = Kind(
    code="CSV-12",
    severity="error",
    text="The number can be read in two ways: its mark may stand for thousands or for a decimal.",
    remedy="Leave out marks for thousands, and write decimals with two or four digits, such as 1234.50 or 1.2340.",
    law=_FORM,
)
NOT_A_NUMBER = Kind(
    code="CSV-13",
    severity="error",
    text="This is not a number customs can reckon with: {detail}.",
    remedy="Write digits with at most one decimal mark, such as 12.50; format the column as text if a spreadsheet "
    "turned it into something like 1.2E+05.",
    law=_FORM,
)
NO_CURRENCY = Kind(
    code="CSV-14",
    severity="error",
    text="Nothing says in which currency this amount is.",
    remedy="Add a column “currency” with three letters (ISO 4217), such as GBP.",
    law="WCO Customs Valuation Agreement, art. 9; CN 23, column 5",
)
UNCLEAR_CURRENCY = Kind(
    code="CSV-15",
    severity="error",
    stage="codes",
    text="The sign with this amount stands for more than one currency, or for none.",
    remedy="Write three letters (ISO 4217), such as USD.",
    law="WCO Customs Valuation Agreement, art. 9; CN 23, column 5",
)
TWO_CURRENCIES = Kind(
    code="CSV-16",
    severity="error",
    stage="rules",
    text="The cell, its heading and the column “currency” name different currencies.",
    remedy="Name one.",
    law="WCO Customs Valuation Agreement, art. 9; CN 23, column 5",
)
DOES_NOT_MULTIPLY = Kind(
    code="CSV-17",
    severity="error",
    stage="rules",
    text="Unit price times quantity is not the line total; the total was kept.",
    remedy="Correct one of the three.",
    law=_FORM,
)
ROUNDED_TOTAL = Kind(
    code="CSV-18",
    severity="note",
    stage="rules",
    text="Unit price times quantity differs from the line total by no more than rounding; the total was kept.",
    remedy="Nothing needs to be done.",
    law=_FORM,
)
NO_QUANTITY = Kind(
    code="CSV-19",
    severity="error",
    text="A unit price without a quantity says nothing about the line.",
    remedy="Give the quantity, or the line total.",
    law=_FORM,
)
UNIT_OR_LINE = Kind(
    code="CSV-20",
    severity="error",
    text="The quantity is not one, and the heading does not say whether this is the price of one piece or of all.",
    remedy="Name the column “unit_price” or “line_total”.",
    law=_FORM,
)
NO_UNIT = Kind(
    code="CSV-21",
    severity="error",
    text="Nothing says in which unit this weight is.",
    remedy="Name the column with its unit, such as “gross_mass_g”, or add a column “mass_unit” (kg, g, lb, oz).",
    law=_FORM,
)
TAKEN_AS_GROSS = Kind(
    code="CSV-22",
    severity="note",
    text="The weight was taken as the gross weight of all pieces in the row.",
    remedy="Name the column “gross weight” or “net weight” to be sure.",
    law=_FORM,
)
UNFIT_VALUE = Kind(
    code="CSV-23",
    severity="error",
    text="The value does not fit the column: expected {detail}.",
    remedy="Give {detail}.",
    law=_FORM,
)
NOT_A_COUNTRY_CODE = Kind(
    code="CSV-24",
    severity="error",
    stage="codes",
    text="This is not the code of a country.",
    remedy="Write the two letters of ISO 3166 instead of a name: GB, FR, DE, CN.",
    law="ISO 3166-1",
)
UNFIT_CHARACTER = Kind(
    code="CSV-25",
    severity="error",
    stage="bytes",
    text="The cell holds a character that is none, {detail}: a control character, or a mark that turns the direction "
    "of writing.",
    remedy="Type the cell anew.",
    law="Unicode Technical Report 36, section 3",
)
LINE_BREAK = Kind(
    code="CSV-26",
    severity="note",
    stage="syntax",
    text="A line break in the cell was read as a space.",
    remedy="Nothing needs to be done.",
    law=f"{_CSV}, section 2",
)
NO_ROWS = Kind(
    code="CSV-27",
    severity="error",
    text="The sheet has headings and not one row below them.",
    remedy="Fill in a row for each goods item.",
    law=_FORM,
)
AND_MORE = Kind(
    code="CSV-28",
    severity="error",
    text="{detail} more faults were found and are not listed.",
    remedy="Mend those listed, then send again.",
    law=_LIMIT,
)
ENCODING_OF_LONG = Kind(
    code="CSV-40",
    severity="error",
    stage="bytes",
    text="From about row {detail} on the sheet is not in UTF-8, and one so long is read in no other encoding.",
    remedy="Save it as “CSV UTF-8”; the rows before it were read.",
    law=_LIMIT,
)
APART = Kind(
    code="CSV-41",
    severity="error",
    text="The reference of row {detail} stood further up, and in a sheet so long its rows must follow one another.",
    remedy="Sort the sheet by reference; the rows further up were read as the whole consignment.",
    law=_LIMIT,
)

MAPPED_AMISS = Kind(
    code="CSV-29",
    severity="error",
    text="The mapping of columns lets these stand for columns that there are none of; they were not read: {detail}.",
    remedy="Name a column of ours, such as hs_code, unit_price or gross_mass_g, or nothing (“”) to leave it out.",
    law=_CSV,
)
LOST_DIGITS = Kind(
    code="CSV-30",
    severity="error",
    text="The cell is a number of more than fifteen digits, of which the spreadsheet has lost the last.",
    remedy="Format the column as text and type the number anew.",
    law="IEC 60559: a binary64 number keeps fifteen decimal digits",
)
CELL_ERROR = Kind(
    code="CSV-31",
    severity="error",
    text="The formula in the cell has no result.",
    remedy="Mend the formula, or put its value in its place.",
    law="ECMA-376-1, section 18.18.11: cell type e",
)

KINDS = (
    UNREADABLE, ENCODING_TOLD, NO_HEADINGS, NO_REFERENCE_COLUMN, UNKNOWN_COLUMNS, HEADING_TWICE, BROKEN_QUOTES,
    NO_REFERENCE, ROW_TOO_LONG, NO_JURISDICTION, CONTRADICTION, AMBIGUOUS_NUMBER, NOT_A_NUMBER, NO_CURRENCY,
    UNCLEAR_CURRENCY, TWO_CURRENCIES, DOES_NOT_MULTIPLY, ROUNDED_TOTAL, NO_QUANTITY, UNIT_OR_LINE, NO_UNIT,
    TAKEN_AS_GROSS, UNFIT_VALUE, NOT_A_COUNTRY_CODE, UNFIT_CHARACTER, LINE_BREAK, NO_ROWS, AND_MORE,
    MAPPED_AMISS, LOST_DIGITS, CELL_ERROR, ENCODING_OF_LONG, APART,
)  # fmt: skip


class Fault(NamedTuple):
    """Why a cell cannot be used."""

    kind: Kind
    detail: str = ""

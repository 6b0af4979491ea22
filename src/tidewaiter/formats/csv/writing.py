"""Writing sheets: consignments as rows, answers as a list of results a seller can work through."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, get_args

from tidewaiter.formats.csv.cells import bare, harmless
from tidewaiter.formats.csv.columns import COLUMNS, Column, folded
from tidewaiter.formats.csv.sheet import NAMES_OF_REFERENCE, Sheet, opened, separator_of
from tidewaiter.model.answer import Answer, AnswerKind
from tidewaiter.model.consignment import Consignment, GoodsItem
from tidewaiter.model.finding import Finding
from tidewaiter.model.money import Money

_ANSWER_HEADINGS = ("reference", "row", "status", "code", "text", "remedy")
REASON = "reason"
"""The heading under which rows come back; a sheet that is sent again may still have it."""
_ROW = re.compile(r"row ([0-9]+)")


def write(consignments: Sequence[Consignment]) -> bytes:
    """A sheet of the consignments in UTF-8 with a byte order mark, as spreadsheets want it.

    A row a goods item; what is true of the whole stands in the first row. What a sheet has no column for is left out:
    documents, statements, packages, taxes, transport, a second party in one role.
    """
    return sheet_of(rows_of(consignments))


def rows_of(consignments: Sequence[Consignment]) -> list[list[str]]:
    """Headings and rows of the consignments, as `write` puts them into a sheet."""
    rows = [row for consignment in consignments for row in _rows(consignment)]
    used = [name for name in COLUMNS if any(name in row for row in rows)]
    headings = [f"{name}_kg" if COLUMNS[name].is_mass else name for name in used]
    return [headings, *([row.get(name, "") for name in used] for row in rows)]


ANSWERS: Mapping[AnswerKind, str] = {kind: f"status {kind}" for kind in get_args(AnswerKind)}
"""How each answer is said here, by kind; two that are said alike are read as the first of them."""
POINTERS = "number of the row: `2`"
"""How a place in a message is pointed at."""


def answer(answers: Sequence[Answer]) -> bytes:
    """A sheet with a row for each finding, and one row for each answer that has none."""
    return sheet_of(result_rows(answers))


def result_rows(answers: Sequence[Answer]) -> Iterator[Sequence[str]]:
    """Headings and rows of the answers, as `answer` puts them into a sheet."""
    yield _ANSWER_HEADINGS
    for one in answers:
        yield from _results(one)


def returned(data: bytes, columns: Mapping[str, str], reasons: Mapping[int, Sequence[str]]) -> bytes:
    """The sheet with only those rows that have reasons, and the rest of their consignments; b'' where none has.

    Under the sender's own headings and with his separator, in UTF-8, with one more column, `reason`: empty in a row
    that only comes back because its consignment does. `reasons` are by number of row.
    """
    rows = rows_returned(opened(data, columns), reasons)
    return sheet_of(rows, separator=separator_of(data, columns)) if rows else b""


def rows_returned(sheet: Sheet, reasons: Mapping[int, Sequence[str]]) -> list[list[str]]:
    """Headings and rows of what goes back of a sheet of any kind; nothing where no row has a reason."""
    place = next((h.place for name in NAMES_OF_REFERENCE for h in sheet.headings if h.column.name == name), None)
    rows = [(number, cells) for number, cells in sheet.rows if any(cell.strip() for cell in cells)]

    def reference(cells: list[str]) -> str:
        return bare(cells[place]) if place is not None and place < len(cells) else ""

    touched = {reference(cells) for number, cells in rows if number in reasons} - {""}
    before = next((at for at, title in enumerate(sheet.titles) if folded(title) == REASON), None)
    titles = [*sheet.titles, REASON] if before is None else list(sheet.titles)
    back = [titles]
    for number, cells in rows:
        if number not in reasons and reference(cells) not in touched:
            continue
        row = [*cells, *[""] * (sheet.width - len(cells))]
        reason = "; ".join(dict.fromkeys(reasons.get(number, ())))
        if before is None:
            row.insert(sheet.width, reason)  # before what a row that is too long has beyond its headings
        else:
            row[before] = reason
        back.append(row)
    return back if len(back) > 1 else []


def _results(one: Answer) -> Iterator[Sequence[str]]:
    reference, status = one.reference or "", one.status or one.kind
    for finding in one.findings:
        yield reference, _row_of(finding), status, finding.code, finding.text, finding.remedy
    for error in one.errors:
        yield reference, "", status, error.code, error.text or error.pointer, ""
    if not one.findings and not one.errors:
        yield reference, "", status, "", "; ".join(remark.text for remark in one.statements if remark.text), ""


def _row_of(finding: Finding) -> str:
    place = _ROW.match(finding.source_pointer)
    return place[1] if place else ""


def sheet_of(rows: Iterable[Sequence[str]], *, separator: str = ",") -> bytes:
    """The rows as text in UTF-8 with a byte order mark, as spreadsheets want it; no cell of them is a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n", delimiter=separator)
    for row in rows:
        writer.writerow([harmless(cell) for cell in row])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _rows(consignment: Consignment) -> Iterator[dict[str, str]]:
    head = _head(consignment)
    for place, item in enumerate(consignment.items or (None,)):
        values = (head if place == 0 else {}) | (_item(item) if item is not None else {})
        if place == 0 or values:
            yield {"reference": consignment.reference} | _texts(values)


def _head(consignment: Consignment) -> dict[str, Any]:
    """Values of the whole by name of column."""
    values = {
        column.name: getattr(consignment, column.field)
        for column in COLUMNS.values()
        if column.scope == "head" and _is_said(column, getattr(consignment, column.field))
    }
    for party in reversed(consignment.parties):
        columns = (column for column in COLUMNS.values() if column.scope == "party" and column.key == party.role)
        values |= {column.name: getattr(party, column.field) for column in columns}
    for reference in reversed(consignment.fiscal_references):
        values[f"fiscal_{reference.role.lower()}"] = reference.id
    return {name: value for name, value in values.items() if name in COLUMNS}


def _is_said(column: Column, value: Any) -> bool:
    return not (column.field in ("function", "direction") and value in ("original", "import"))


def _item(item: GoodsItem) -> dict[str, Any]:
    values = {column.name: getattr(item, column.field) for column in COLUMNS.values() if column.scope == "item"}
    for code in reversed(item.codes):
        values[f"code_{code.scheme.lower()}"] = code.code
    return {name: value for name, value in values.items() if name in COLUMNS}


def _texts(values: dict[str, Any]) -> dict[str, str]:
    """The values as cells. Amounts in one currency stand bare beside the column `currency`, others with their own."""
    said = {name: value for name, value in values.items() if value is not None and value != ()}
    currencies = {value.currency for value in said.values() if isinstance(value, Money)}
    shared = currencies.pop() if len(currencies) == 1 else ""
    texts = {name: _text(value, shared) for name, value in said.items()}
    return texts | ({"currency": shared} if shared else {})


def _text(value: Any, shared: str) -> str:
    if isinstance(value, Money):
        return _digits(value.amount) if value.currency == shared else f"{_digits(value.amount)} {value.currency}"
    if isinstance(value, Decimal):
        return _digits(value)
    if isinstance(value, tuple):
        return " ".join(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _digits(number: Decimal) -> str:
    """The number in digits, never with three decimals: '1.250' might be read as a thousand and more."""
    text = format(number, "f")
    return f"{text}0" if len(text.partition(".")[2]) == 3 else text

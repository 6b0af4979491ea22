"""Writing sheets: consignments as rows, answers as a list of results a seller can work through."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from tidewaiter.formats.csv.cells import harmless
from tidewaiter.formats.csv.columns import COLUMNS, Column
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment, GoodsItem
from tidewaiter.model.finding import Finding
from tidewaiter.model.money import Money

_ANSWER_HEADINGS = ("reference", "row", "status", "code", "text", "remedy")
_ROW = re.compile(r"row ([0-9]+)")


def write(consignments: Sequence[Consignment]) -> bytes:
    """A sheet of the consignments in UTF-8 with a byte order mark, as spreadsheets want it.

    A row a goods item; what is true of the whole stands in the first row. What a sheet has no column for is left out:
    documents, statements, packages, taxes, transport, a second party in one role.
    """
    rows = [row for consignment in consignments for row in _rows(consignment)]
    used = [name for name in COLUMNS if any(name in row for row in rows)]
    headings = [f"{name}_kg" if COLUMNS[name].is_mass else name for name in used]
    return sheet([headings, *([row.get(name, "") for name in used] for row in rows)])


def answer(answers: Sequence[Answer]) -> bytes:
    """A sheet with a row for each finding, and one row for each answer that has none."""
    return sheet([_ANSWER_HEADINGS, *(row for one in answers for row in _results(one))])


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


def sheet(rows: Iterable[Sequence[str]]) -> bytes:
    """The rows in UTF-8 with a byte order mark, no cell such that a spreadsheet takes it for a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
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

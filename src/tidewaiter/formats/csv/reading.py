"""From rows to consignments: rows that share a reference are one, a bad cell is a finding with its row and column.

A long text sheet is read by columns, and row by row only what is not plain in it; any other row by row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tidewaiter.formats.csv import kinds
from tidewaiter.formats.csv.cutting import Cut, cut
from tidewaiter.formats.csv.framing import framed
from tidewaiter.formats.csv.grouping import Judged
from tidewaiter.formats.csv.numbers import decimal_mark
from tidewaiter.formats.csv.places import source_pointer, where
from tidewaiter.formats.csv.rows import RowReader
from tidewaiter.formats.csv.sheet import Sheet, opened
from tidewaiter.formats.reading import Declared, InColumns, Reading
from tidewaiter.formats.text import found

__all__ = ["NAME", "read", "read_mapped", "read_part", "read_sheet", "source_pointer"]

NAME = "csv"
COLUMNS_MIN = 0
"""A sheet of fewer bytes is sooner read row by row."""


def read(data: bytes, *, jurisdiction: str | None = None) -> Reading:
    """What a seller's sheet holds: a consignment for each reference, an item for each row.

    The country is that of the column, else the destination, else the consignee's, else `jurisdiction`.
    """
    return read_mapped(data, {}, jurisdiction=jurisdiction)


def read_mapped(data: bytes, columns: Mapping[str, str], *, jurisdiction: str | None = None) -> Reading:
    """The same, where the sender said what his headings stand for: ours by theirs, '' for one to be left out."""
    return read_sheet(opened(data, columns), format=NAME, jurisdiction=jurisdiction)


def read_part(data: bytes, columns: Mapping[str, str], *, before: int, jurisdiction: str | None = None) -> Reading:
    """The same for a part of a sheet that has the headings again. `before` is how many rows stood before its own.

    What is wrong with the headings is said of the first part.
    """
    sheet = opened(data, columns, before=before)
    if before:
        sheet.findings.clear()
        sheet = sheet._replace(unknown=())
    return read_sheet(sheet, format=NAME, jurisdiction=jurisdiction, is_first=not before)


def read_sheet(sheet: Sheet, *, format: str, jurisdiction: str | None, is_first: bool = True) -> Reading:
    """What a sheet of any kind holds, or a part of one."""
    if not sheet.headings:
        return Reading(format=format, findings=tuple(sheet.findings), dropped=sheet.unknown)
    reader = RowReader(sheet, jurisdiction)
    rest = sheet.rest() if reader.named else None
    if rest is not None and len(rest.body) >= COLUMNS_MIN:
        told = cut(rest.body, rest.separator, sheet.width)
        if told is not None and len(told.plain):
            return _by_columns(sheet, told, reader, format, is_first=is_first)
    return _by_rows(sheet, reader, format, is_first=is_first)


def _by_rows(sheet: Sheet, reader: RowReader, format: str, *, is_first: bool) -> Reading:
    rows = [(number, cells) for number, cells in sheet.rows if any(cell.strip() for cell in cells)]
    if is_first and not rows and not any(finding.severity == "error" for finding in sheet.findings):
        reader.say(kinds.NO_ROWS, "", f"row {sheet.first + 1}")
    if not reader.named:
        reader.say(kinds.NO_REFERENCE_COLUMN, "", f"row {sheet.first}")
        rows = []
    reader.mark = decimal_mark(reader.number_texts(rows))
    for number, cells in rows:
        reader.take(number, cells)
    _say_gross(sheet, reader, is_needed=is_first and bool(rows))
    return _reading(sheet, reader, format, [one for one in reader.declared() if one is not None])


def _by_columns(sheet: Sheet, told: Cut, reader: RowReader, format: str, *, is_first: bool) -> Reading:
    first = sheet.first + 1
    if told.is_broken:
        row = first + told.size
        sheet.findings.append(found(kinds.BROKEN_QUOTES, str(row), source_pointer=f"row {row}"))
    judged = Judged(told, reader)
    is_odd = judged.is_odd
    for row in judged.odd_rows().tolist():
        reader.take(first + row, told.cells(row))
    _say_gross(sheet, reader, is_needed=is_first)
    is_kept = np.ones(len(is_odd), np.bool_)
    alone = reader.declared()
    is_kept[is_odd] = [one is not None for one in alone]

    def make(entry: int) -> Declared:
        return reader.record((first + row, told.cells(row)) for row in judged.rows_of(entry).tolist())

    read_alone = [one for one in alone if one is not None]
    declared = InColumns.beside(read_alone, is_odd, is_kept, batch=lambda: framed(judged), make=make)
    return _reading(sheet, reader, format, declared, kept=judged.kept())


def _say_gross(sheet: Sheet, reader: RowReader, *, is_needed: bool) -> None:
    if is_needed and "weight" in reader.by_name and "gross_mass" not in reader.by_name:
        reader.say(kinds.TAKEN_AS_GROSS, "", where(sheet.first, reader.by_name["weight"].text))


def _reading(sheet: Sheet, reader: RowReader, format: str, declared: Sequence[Declared], *, kept: int = 0) -> Reading:
    """What was read, and what was said of it. `kept` counts what was kept beside what the reader of rows kept."""
    more = [found(kinds.AND_MORE, f"{reader.unlisted:,}")] if reader.unlisted else []
    return Reading(
        format=format,
        declared=declared if isinstance(declared, InColumns) else tuple(declared),
        findings=(*sheet.findings, *reader.findings, *more),
        kept=reader.kept + kept,
        dropped=tuple(reader.dropped),
    )

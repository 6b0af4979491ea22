"""A small seller's sheet as a workbook (Office Open XML, .xlsx): read like the text sheets of `csv`, cell by cell.

The first sheet that is not hidden is read; others are told. Numbers are taken from the digits the workbook holds, to
the fifteen that a spreadsheet keeps, and never pass through a binary number; a formula stands for the value it had
when the workbook was saved. Nothing is unpacked that says it is larger than the bounds of `parts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidewaiter.formats.csv.reading import read_sheet, source_pointer
from tidewaiter.formats.csv.writing import ANSWERS, POINTERS, result_rows, rows_of, rows_returned
from tidewaiter.formats.reading import Reading
from tidewaiter.formats.xlsx.kinds import KINDS
from tidewaiter.formats.xlsx.workbook import opened
from tidewaiter.formats.xlsx.writing import workbook
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment

__all__ = [
    "ANSWERS",
    "KINDS",
    "MEDIA_TYPES",
    "NAME",
    "POINTERS",
    "answer",
    "read",
    "read_mapped",
    "returned",
    "sniff",
    "source_pointer",
    "titles",
    "write",
]  # fmt: skip

NAME = "xlsx"
MEDIA_TYPES = ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",)


def sniff(head: bytes) -> bool:
    """Whether the message begins as a packed file whose first names are those of an office document."""
    return head.startswith(b"PK\x03\x04") and any(
        name in head for name in (b"[Content_Types].xml", b"xl/", b"_rels/.rels")
    )


def titles(data: bytes) -> tuple[str, ...]:
    """The headings of the sheet as they stand there, whether they are known or not."""
    return opened(data, {}).titles


def read(data: bytes, *, jurisdiction: str | None = None) -> Reading:
    """What the sheet holds: a consignment for each reference, an item for each row. As in `csv`."""
    return read_mapped(data, {}, jurisdiction=jurisdiction)


def read_mapped(data: bytes, columns: Mapping[str, str], *, jurisdiction: str | None = None) -> Reading:
    """The same, where the sender said what his headings stand for: ours by theirs, '' for one to be left out."""
    return read_sheet(opened(data, columns), format=NAME, jurisdiction=jurisdiction)


def returned(data: bytes, columns: Mapping[str, str], reasons: Mapping[int, Sequence[str]]) -> bytes:
    """A workbook with only those rows that have reasons, and the rest of their consignments; b'' where none has.

    As in `csv`: under the sender's own headings, with one more column, `reason`.
    """
    rows = rows_returned(opened(data, columns), reasons)
    return workbook(rows) if rows else b""


def write(consignments: Sequence[Consignment]) -> bytes:
    """A workbook of one sheet, with the rows that `csv` writes."""
    return workbook(rows_of(consignments))


def answer(answers: Sequence[Answer]) -> bytes:
    """A workbook with a row for each finding, and one row for each answer that has none."""
    return workbook(result_rows(answers))

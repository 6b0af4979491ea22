"""A small seller's sheet: one row a goods item, rows with one reference a consignment, headings in the first row.

Headings are known in English, German, French, Spanish, Chinese, Japanese and Arabic (`columns.toml`); what others stand
for can be said by their sender, in a mapping. Good rows come in, bad ones come
back by number and reason. Nothing is guessed: a number that can be read two ways, a currency sign that two countries
use, a weight without a unit and a price that may be of one piece or of all are findings with a remedy.

Sheets are read in UTF-8, UTF-16 with its mark, Windows-1252 or GB 18030, separated by comma, semicolon or tab. They
are written so that no spreadsheet takes a cell for a formula.
"""

from __future__ import annotations

from tidewaiter.formats.csv.cutting import ready
from tidewaiter.formats.csv.kinds import KINDS
from tidewaiter.formats.csv.reading import NAME, read, read_mapped, source_pointer
from tidewaiter.formats.csv.sheet import looks_like_sheet, titles
from tidewaiter.formats.csv.splitting import read_piece, read_piece_mapped, split, split_mapped
from tidewaiter.formats.csv.writing import ANSWERS, POINTERS, answer, returned, write

__all__ = [
    "ANSWERS",
    "KINDS",
    "LOOSE",
    "MEDIA_TYPES",
    "NAME",
    "POINTERS",
    "answer",
    "read",
    "read_mapped",
    "read_piece",
    "read_piece_mapped",
    "ready",
    "returned",
    "sniff",
    "source_pointer",
    "split",
    "split_mapped",
    "titles",
    "write",
]  # fmt: skip

MEDIA_TYPES = ("text/csv", "text/tab-separated-values")
LOOSE = True


def sniff(head: bytes) -> bool:
    """Whether the message begins with a row of headings, at least two of them known."""
    return looks_like_sheet(head)

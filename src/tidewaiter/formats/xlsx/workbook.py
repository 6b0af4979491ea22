"""From a workbook to rows of cells: its first visible sheet, its shared texts, its formats of dates."""

from __future__ import annotations

import posixpath
import re
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Context, Decimal, InvalidOperation
from typing import NamedTuple

from tidewaiter.formats.csv.kinds import CELL_ERROR, LOST_DIGITS, NO_HEADINGS, Fault
from tidewaiter.formats.csv.sheet import KNOWN_MIN, Cell, Sheet, titled, unreadable
from tidewaiter.formats.text import found
from tidewaiter.formats.xlsx.kinds import BROKEN_OFF, OTHER_SHEETS, TOO_LARGE, UNREADABLE
from tidewaiter.formats.xlsx.parts import Parts, Refused
from tidewaiter.model.finding import Finding

COLUMNS_MAX = 512
ROWS_MAX = 1_048_576
"""A spreadsheet has no more rows."""
CELLS_MAX = 5_000_000
"""So many cells are read, those left empty before the last of a row among them."""
CHARACTERS_MAX = 64 * 1024 * 1024
"""So many characters in all cells are read: a long text may stand in many of them and be stored once."""
CELL_MAX = 32_767
"""A cell of a spreadsheet holds no more characters."""
_RELATIONS = "xl/_rels/workbook.xml.rels"
_WORKBOOK = "xl/workbook.xml"
_PLACE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})", re.ASCII)
_DIGITS = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_FIFTEEN = Context(prec=15)
_NO_TEXT = "\x00"
"""What a cell without a usable value holds: no text of any other cell."""
_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""Numbers of the built-in formats that show a date or a time (ECMA-376-1, section 18.8.30)."""


class Format(NamedTuple):
    """How a cell shows its number: as a date, or with at least so many digits before the point."""

    is_date: bool = False
    digits: int = 0


class Book(NamedTuple):
    """A workbook opened: its parts, the part of the sheet to be read, and what all cells share."""

    parts: Parts
    sheet: str
    texts: list[str]
    formats: list[Format]
    first_day: date
    others: int


def opened(data: bytes, columns: Mapping[str, str]) -> Sheet:
    """The sheet in these bytes. `columns` says what headings stand for that are not known here."""
    findings: list[Finding] = []
    try:
        book = _book(Parts(data))
        if book.others:
            findings.append(found(OTHER_SHEETS, str(book.others)))
        sheet = titled(_until_refused(book, findings), findings, columns)
    except Refused as refused:
        return unreadable([found(refused.kind, refused.detail)])
    if len({heading.column.name for heading in sheet.headings}) < KNOWN_MIN:
        if not any(finding.severity == "error" for finding in findings):
            findings.append(found(NO_HEADINGS, source_pointer=f"row {sheet.first}"))
        return sheet._replace(headings=())
    return sheet


def _until_refused(book: Book, findings: list[Finding]) -> Iterator[tuple[int, list[str]]]:
    number = 0
    try:
        for number, cells in _rows(book):
            yield number, cells
    except Refused as refused:
        findings.append(found(refused.kind, refused.detail))
        if number:
            findings.append(found(BROKEN_OFF, str(number), source_pointer=f"row {number}"))


def _book(parts: Parts) -> Book:
    sheets: list[dict[str, str]] = []
    first_day = date(1899, 12, 30)

    def of_workbook(name: str, attributes: dict[str, str]) -> None:
        nonlocal first_day
        if name == "sheet":
            sheets.append(attributes)
        elif name == "workbookPr" and attributes.get("date1904") in ("1", "true"):
            first_day = date(1904, 1, 1)

    targets: dict[str, str] = {}
    kinds: dict[str, str] = {}

    def of_relations(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship":
            target = posixpath.normpath(posixpath.join("/xl", attributes.get("Target", ""))).lstrip("/")
            targets[attributes.get("Id", "")] = target
            kinds.setdefault(attributes.get("Type", "").rpartition("/")[2], target)

    deque(parts.parse(_WORKBOOK, of_workbook), maxlen=0)
    deque(parts.parse(_RELATIONS, of_relations), maxlen=0)
    visible = [sheet for sheet in sheets if sheet.get("state", "visible") == "visible" and sheet.get("id") in targets]
    if not visible:
        raise Refused(UNREADABLE, "it has no sheet that is not hidden")
    texts, formats = kinds.get("sharedStrings", ""), kinds.get("styles", "")
    return Book(
        parts=parts,
        sheet=targets[visible[0]["id"]],
        texts=_texts(parts, texts) if texts in parts else [],
        formats=_formats(parts, formats) if formats in parts else [],
        first_day=first_day,
        others=len(sheets) - 1,
    )


def _texts(parts: Parts, name: str) -> list[str]:
    """The texts that cells refer to by number. Readings of Chinese characters (rPh) are no part of them."""
    texts: list[str] = []
    pieces: list[str] = []
    inside: list[str] = []

    def start(name: str, _: dict[str, str]) -> None:
        inside.append(name)

    def end(name: str) -> None:
        inside.pop()
        if name == "si":
            texts.append(_unescaped("".join(pieces)))
            pieces.clear()

    def text(data: str) -> None:
        if inside and inside[-1] == "t" and "rPh" not in inside:
            pieces.append(data)

    deque(parts.parse(name, start, end, text), maxlen=0)
    return texts


def _formats(parts: Parts, name: str) -> list[Format]:
    """How each style of the workbook shows a number."""
    own: dict[str, Format] = {}
    styles: list[str] = []
    inside: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "numFmt":
            own[attributes.get("numFmtId", "")] = _format(attributes.get("formatCode", ""))
        elif name == "xf" and inside and inside[-1] == "cellXfs":
            styles.append(attributes.get("numFmtId", "0"))
        inside.append(name)

    def end(_: str) -> None:
        inside.pop()

    deque(parts.parse(name, start, end), maxlen=0)
    built_in = {str(number): Format(is_date=True) for number in _DATES}
    return [own.get(number, built_in.get(number, Format())) for number in styles]


def _format(code: str) -> Format:
    if re.fullmatch("0{2,15}", code):
        return Format(digits=len(code))
    return Format(is_date=re.search("[dmyhs]", _QUOTED.sub("", code.partition(";")[0]), re.IGNORECASE) is not None)


def _rows(book: Book) -> Iterator[tuple[int, list[str]]]:
    """The rows that are there, by number. A cell that stands nowhere follows the one before."""
    sheet = _Cells(book)
    for _ in book.parts.parse(book.sheet, sheet.start, sheet.end, sheet.text):
        while sheet.done:
            yield sheet.done.popleft()


class _Cells:
    """The cells of a sheet as its XML goes by."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.done: deque[tuple[int, list[str]]] = deque()
        self.left = CHARACTERS_MAX
        self.cells_left = CELLS_MAX
        self.row: list[str] = []
        self.number = 0
        self.place = 0
        self.type = ""
        self.style = 0
        self.takes = False
        self.pieces: list[str] = []
        self.phonetic = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            stated = attributes.get("r", "")
            number = int(stated) if re.fullmatch("[1-9][0-9]{0,6}", stated, re.ASCII) else self.number + 1
            if number <= self.number:
                raise Refused(UNREADABLE, "its rows are not in order")
            if number > ROWS_MAX:
                raise Refused(TOO_LARGE, f"more than {ROWS_MAX:,} rows")
            self.number, self.row, self.place = number, [], 0
        elif name == "c":
            self._cell(attributes)
        elif name in ("v", "t"):
            self.takes = not self.phonetic and (name == "v" or self.type == "inlineStr")
        elif name == "rPh":
            self.phonetic = True

    def _cell(self, attributes: dict[str, str]) -> None:
        stated = _PLACE.fullmatch(attributes.get("r", ""))
        if stated is not None:
            place = 0
            for letter in stated[1]:
                place = place * 26 + ord(letter) - 64
            self.place = place - 1
        if self.place >= COLUMNS_MAX:
            raise Refused(TOO_LARGE, f"more than {COLUMNS_MAX} columns")
        self.type = attributes.get("t", "n")
        style = attributes.get("s", "0")
        self.style = int(style) if style.isascii() and style.isdecimal() and len(style) < 8 else 0
        self.pieces.clear()

    def text(self, data: str) -> None:
        if self.takes:
            self.pieces.append(data)

    def end(self, name: str) -> None:
        if name in ("v", "t"):
            self.takes = False
        elif name == "rPh":
            self.phonetic = False
        elif name == "c":
            self._put("".join(self.pieces))
            self.place += 1
        elif name == "row":
            self.cells_left -= len(self.row)
            if self.cells_left < 0:
                raise Refused(TOO_LARGE, f"more than {CELLS_MAX:,} cells")
            self.done.append((self.number, self.row))
            self.row = []

    def _put(self, raw: str) -> None:
        cell = self._read(raw) if raw else ""
        self.left -= len(cell)
        if self.left < 0:
            raise Refused(TOO_LARGE, f"more than {CHARACTERS_MAX:,} characters in its cells")
        if len(cell) > CELL_MAX:
            raise Refused(TOO_LARGE, f"a cell of more than {CELL_MAX:,} characters")
        if not cell:
            return
        self.row.extend([""] * (self.place + 1 - len(self.row)))
        self.row[self.place] = cell

    def _read(self, raw: str) -> str:
        if self.type == "s":
            number = int(raw) if raw.isascii() and raw.isdecimal() and len(raw) < 9 else -1
            if not 0 <= number < len(self.book.texts):
                raise Refused(UNREADABLE, "a cell refers to a text that is not there")
            return self.book.texts[number]
        if self.type in ("str", "inlineStr"):
            return _unescaped(raw)
        if self.type == "d":
            return raw
        if self.type == "b":
            return "true" if raw == "1" else "false"
        if self.type == "e" or not _DIGITS.fullmatch(raw.strip()):
            return Cell(_NO_TEXT, fault=Fault(CELL_ERROR))
        formats = self.book.formats
        return shown(raw.strip(), formats[self.style] if self.style < len(formats) else Format(), self.book.first_day)


def shown(raw: str, format: Format, first_day: date) -> str:
    """What the cell shows of the number it holds: a day, or its digits, of which a spreadsheet keeps fifteen."""
    try:
        number = _FIFTEEN.create_decimal(raw)
    except InvalidOperation:
        return Cell(_NO_TEXT, fault=Fault(CELL_ERROR))
    if format.is_date and 0 < number < 2_958_466:
        days, seconds = divmod(int((number * 86_400).to_integral_value()), 86_400)
        day = (first_day + timedelta(days=days)).isoformat()
        return f"{day}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}" if seconds else day
    if abs(number) >= 10**15:
        return Cell(_NO_TEXT, fault=Fault(LOST_DIGITS))
    digits = format_digits(number)
    return Cell(digits.zfill(format.digits) if "." not in digits else digits, is_exact=True)


def format_digits(number: Decimal) -> str:
    """The number in plain digits without needless zeros; never with three decimals, which might be thousands."""
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text}0" if len(text.partition(".")[2]) == 3 else text


def _unescaped(text: str) -> str:
    """The text with characters that XML cannot hold: they are written as _x000D_."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text

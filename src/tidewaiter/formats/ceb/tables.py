"""The tables beside the code: which elements each message has, of what form, and which codes stand for what.

`elements.csv` has an element a row in the order of the message: its group, its form, whether it is required, the field
of ours, and what it is. Its column `source` says where form and necessity are from: 'notes' are the message notes of
the China electronic port for import (2016-08) and export (2018-05), 'beans' the field tables of the open package
common-customs-beans (MIT), which has no lengths; those are then of the element of that name in the notes.
Groups are those of public messages. `statuses.csv` has what customs says of a document, `codes.csv` codes of China's
customs that stand for those of everybody: of common knowledge in the trade, not compared with the official list, and
not complete. A code that is not there is kept as it came.

A field is one of our record ('order_id', 'transport.border_id'), or says how it is put there: 'party:buyer.name',
'doc:previous.EMS', 'code:SKU', 'guarantee', 'tax:A', 'money:freight' in the currency of the group, and
'country:', 'unit:' and 'mode:' before a field for a code of theirs; '=' is settled by the code. An element without a
field is kept by its name: as a statement of type CEB, or among the details of a document of trade.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from tidewaiter.formats.forms import Form, trade_form

SPACE = "http://www.chinaport.gov.cn/ceb"
DOCUMENTS_MAX, LINES_MAX = 100, 99
"""Business documents in a message, lines in a document. Source: China E-port message notes."""

About = Literal["order", "payment", "waybill", "declaration", "answer", "nothing"]
_ABOUT: dict[About, tuple[str, ...]] = {
    "order": ("311", "303"),
    "payment": ("411", "403"),
    "waybill": ("511", "505"),
    "declaration": ("621", "603", "623", "625", "605"),
    "nothing": ("513", "711"),
}
CANCELLING, EXPORT = ("623", "605"), ("303", "403", "505", "603", "605")
_DATE = "[12][0-9]{3}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_TIME = "(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]"
_FORMS = {
    "app_type": Form("[123]", "1 for new, 2 for a change, 3 for deleting"),
    "app_status": Form("[12]", "1 for a draft or 2 for declared"),
    "ie_flag": Form("[IE]", "I or E"),
    "decimal": Form(r"[0-9]{1,12}(?:\.[0-9]{1,5})?", "a number of at most 12 digits and five decimals"),
    "date8": Form(_DATE, "a day as YYYYMMDD"),
    "time14": Form(_DATE + _TIME, "a day and time as YYYYMMDDhhmmss"),
    "time17": Form(f"{_DATE}{_TIME}(?:[0-9]{{3}})?", "a day and time as YYYYMMDDhhmmss and milliseconds"),
}


class Row(NamedTuple):
    """A row of `elements.csv`: an element that stands once in its group."""

    element: str
    form: str
    required: bool
    field: str
    name: str


class Group(NamedTuple):
    """The elements of one record of a message, in their order. `name` is '' where they stand in what is around."""

    name: str
    rows: Mapping[str, Row]


class Shape(NamedTuple):
    """A message by its number: the element of a document in it, the head of that and its lines."""

    number: str
    about: About
    document: str
    head: Group
    lines: Group | None

    @property
    def root(self) -> str:
        """The name of its root, CEB311Message."""
        return f"CEB{self.number}Message"


def _rows(name: str) -> list[dict[str, str]]:
    with (Path(__file__).parent / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _shapes() -> dict[str, Shape]:
    groups: dict[str, dict[str, dict[str, Row]]] = {}
    for row in _rows("elements.csv"):
        made = Row(row["element"], row["form"], row["required"] == "1", row["field"], row["name"])
        groups.setdefault(row["message"], {}).setdefault(row["group"], {})[row["element"]] = made
    shapes = {}
    for number, named in groups.items():
        [(path, head), *lines] = named.items()
        document, _, name = path.partition("/")
        about: About = next((about for about, numbers in _ABOUT.items() if number in numbers), "answer")
        line = Group(lines[0][0].partition("/")[2], lines[0][1]) if lines else None
        shapes[number] = Shape(number, about, document, Group(name, head), line)
    return shapes


def _codes() -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    ours: dict[str, dict[str, str]] = {}
    theirs: dict[str, dict[str, str]] = {}
    for row in _rows("codes.csv"):
        ours.setdefault(row["list"], {})[row["theirs"]] = row["ours"]
        theirs.setdefault(row["list"], {})[row["ours"]] = row["theirs"]
    return ours, theirs


def form_of(name: str) -> Form:
    """The form of an element by its name or as the trade writes it. Raises KeyError."""
    return _FORMS.get(name) or trade_form(name)


SHAPES: Mapping[str, Shape] = _shapes()
OURS, THEIRS = _codes()
"""Codes by list ('country', 'currency', 'unit', 'mode'): from theirs to ours, and from ours to theirs."""
STATUSES: Mapping[str, tuple[str, str]] = {
    row["status"]: (row["kind"], row["meaning"]) for row in _rows("statuses.csv")
}
"""What a returnStatus means, as a kind of answer and in words; one below nought is a rejection."""
FITS = {
    form: re.compile(form_of(form).pattern).fullmatch
    for shape in SHAPES.values()
    for group in (shape.head, shape.lines)
    if group is not None
    for form in {row.form for row in group.rows.values()}
}
"""Whether a text has a form, by the name of the form."""

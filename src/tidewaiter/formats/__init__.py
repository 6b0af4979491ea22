"""Message formats: from the sender's bytes to consignments, and from our answers to the sender's dialect.

A format is a package in this folder with the names that `reading.Format` lists; the folder is the list, so a new
format is there as soon as its package is. `sniff` says which format a message is of, and `read` reads it. Bad input
is findings with a place, never an exception: findings about the whole message stand in the `Reading`, those about one
consignment in its `Declared`, and a consignment with an error among them must not be accepted as it is.

A format that takes whatever looks roughly like it sets `LOOSE = True` and is asked after the others. Samples of each
format lie in its `samples/` folder; the tests read every one. A format whose messages can be cut offers `split` and
`read_piece` too (`reading.Divisible`), and files of any size are read in it by `formats.pieces`. This room may import
`law` and `model`.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import cast

from tidewaiter.formats.air import KINDS as KINDS_OF_WAYBILLS
from tidewaiter.formats.mapped import KINDS as KINDS_OF_FIELDS
from tidewaiter.formats.orders_kinds import KINDS as KINDS_OF_ORDERS
from tidewaiter.formats.reading import (
    RECORD_TOO_LONG,
    SNIFF_BYTES,
    Compiled,
    Declared,
    Format,
    Reading,
    ReadTogether,
    SheetFormat,
    Told,
)
from tidewaiter.formats.text import found
from tidewaiter.formats.tree import KINDS as KINDS_OF_XML
from tidewaiter.formats.unpacking import KINDS as KINDS_OF_ARCHIVES
from tidewaiter.model.finding import Finding, Kind

__all__ = [
    "BYTES_MAX",
    "FORMATS",
    "KINDS",
    "SNIFF_BYTES",
    "Declared",
    "Format",
    "Reading",
    "SheetFormat",
    "Told",
    "read",
    "read_many",
    "ready",
    "rows_returned",
    "sniff",
    "source_pointer",
    "titles",
]

_ROW = re.compile(r"row ([0-9]{1,10})\b", re.ASCII)
_SAYS_SOMETHING = re.compile(rb"[^ \t\r\n\x00\xef\xbb\xbf\xff\xfe]")
"""A byte that is no blank and no part of a byte order mark."""
BYTES_MAX = 64 * 1024 * 1024
"""A message longer than this is refused unread. Files of any size are read piece by piece: `formats.pieces`."""

EMPTY = Kind(
    code="MSG-01",
    severity="error",
    stage="bytes",
    text="The message is empty.",
    remedy="Send the declaration itself; check that the file was not cut off on its way.",
    law="WCO SAFE Framework of Standards, pillar 1, standard 6: advance electronic information",
)
TOO_LONG = Kind(
    code="MSG-02",
    severity="error",
    stage="bytes",
    text="The message is longer than {detail} bytes.",
    remedy="Send it in parts.",
    law="Limit of this installation",
)
UNKNOWN = Kind(
    code="MSG-03",
    severity="error",
    stage="bytes",
    text="The message is in none of the formats read here: {detail}.",
    remedy="Send one of these formats, unpacked and unencrypted. A sheet needs its headings in the first row.",
    law="WCO Framework of Standards on Cross-Border E-Commerce, standard 2: harmonised message formats",
)
UNNAMED = Kind(
    code="MSG-04",
    severity="error",
    stage="bytes",
    text="No format has the name that was asked for. These are read here: {detail}.",
    remedy="Name one of them, or none to let the message speak for itself.",
    law="WCO Framework of Standards on Cross-Border E-Commerce, standard 2: harmonised message formats",
)


def _walk() -> Mapping[str, Format]:
    names = [module.name for module in pkgutil.iter_modules(__path__) if module.ispkg]
    modules = [importlib.import_module(f"{__name__}.{name}") for name in sorted(names)]
    modules.sort(key=lambda module: bool(getattr(module, "LOOSE", False)))
    return MappingProxyType({module.NAME: cast("Format", module) for module in modules})


FORMATS: Mapping[str, Format] = _walk()
"""Every format by its name, in the order in which `sniff` asks them."""

_OF_XML = tuple(module for module in FORMATS.values() if any("xml" in type for type in module.MEDIA_TYPES))
_FIRST_BYTES = 512
"""Most XML says within so many bytes what it is, and is asked about them first, since many formats ask."""

SHEETS: Mapping[str, SheetFormat] = {name: one for name, one in FORMATS.items() if isinstance(one, SheetFormat)}
"""Those whose messages are rows under headings. Asked here once: to ask a module what it offers takes a while."""

TEXT_SHEET = SHEETS["csv"]
"""What a message may be that is of no format known by its looks: a sheet whose headings only its sender knows."""

KINDS: tuple[Kind, ...] = (
    EMPTY,
    TOO_LONG,
    UNKNOWN,
    UNNAMED,
    RECORD_TOO_LONG,
    *KINDS_OF_XML,
    *KINDS_OF_ARCHIVES,
    *KINDS_OF_FIELDS,
    *KINDS_OF_ORDERS,
    *KINDS_OF_WAYBILLS,
    *(kind for module in FORMATS.values() for kind in getattr(module, "KINDS", ())),
)
"""Every kind of finding that reading can give."""


def ready() -> bool:
    """Make ready what is compiled, in a process that will read much: about a second, many where it is the first time on
    this machine. False where some of it cannot be; the same is then read more slowly."""
    are_ready = [module.ready() for module in FORMATS.values() if isinstance(module, Compiled)]
    return all(are_ready)


def sniff(data: bytes, columns: Mapping[str, str] | None = None) -> Format | None:
    """The format the message is of, told by how it begins; None where it is none of ours.

    XML that shows at its very beginning what it is, is that, whatever else is said further on.
    Where `columns` says what headings stand for, it may be a sheet whose headings are known by that alone.
    """
    head = data[:SNIFF_BYTES]
    taken = _asked(head[:_FIRST_BYTES], _OF_XML) if head.lstrip()[:1] == b"<" else None
    taken = taken or _asked(head, FORMATS.values())
    return TEXT_SHEET if taken is None and columns else taken


def _asked(head: bytes, modules: Iterable[Format]) -> Format | None:
    return next((module for module in modules if module.sniff(head)), None)


def read(
    data: bytes,
    *,
    jurisdiction: str | None = None,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    bytes_max: int = BYTES_MAX,
) -> Reading:
    """What the message holds. Bad input is findings, never an exception.

    `jurisdiction` is used where the message does not name its country; `format` is the name of a format, where the
    sender said it. `columns` says what headings of a sheet stand for, ours by theirs ('' for one to be left out); a
    message that is no sheet passes over it. The `format` of the answer is '' where none could be found.
    """
    named = format if format is not None and format in FORMATS else ""
    if not _SAYS_SOMETHING.search(data):
        return Reading(format=named, findings=(found(EMPTY),))
    if len(data) > bytes_max:
        return Reading(format=named, findings=(found(TOO_LONG, f"{bytes_max:,}"),))
    if format is not None and format not in FORMATS:
        return Reading(format="", findings=(found(UNNAMED, ", ".join(FORMATS)),))
    taken = sniff(data, columns) if format is None else FORMATS[format]
    if taken is None:
        return Reading(format="", findings=(found(UNKNOWN, ", ".join(FORMATS)),))
    if columns and isinstance(taken, SheetFormat):
        return taken.read_mapped(data, columns, jurisdiction=jurisdiction)
    return taken.read(data, jurisdiction=jurisdiction)


def read_many(messages: Sequence[bytes], *, format: str, jurisdiction: str | None = None) -> list[Reading]:
    """What `read` gives for each of these messages, which are of this format."""
    taken = FORMATS[format]
    if not isinstance(taken, ReadTogether) or not all(0 < len(data) <= BYTES_MAX for data in messages):
        return [read(data, jurisdiction=jurisdiction, format=format) for data in messages]
    return taken.read_many(messages, jurisdiction=jurisdiction)


def titles(data: bytes, format: str | None = None) -> tuple[str, ...]:
    """The headings of a message that is a sheet, or may be one, as they stand there; () for any other.

    `format` is the name of its format, where the sender said it.
    """
    if format is None:
        taken = sniff(data)
        format = TEXT_SHEET.NAME if taken is None else taken.NAME
    sheet = SHEETS.get(format)
    return sheet.titles(data) if sheet is not None else ()


def rows_returned(
    data: bytes,
    findings: Iterable[Finding],
    *,
    format: str,
    columns: Mapping[str, str] | None = None,
    before: int = 0,
) -> bytes:
    """Of a sheet, the rows in which an error was found, each with its reasons; b'' where none was or it is no sheet.

    `findings` are those of the sheet and of its consignments; `format` is that in which it was read. `before` is how
    many rows stood before those of `data`, where it is a piece of a sheet.
    """
    taken = FORMATS.get(format)
    if not isinstance(taken, SheetFormat):
        return b""
    reasons: dict[int, list[str]] = {}
    for finding in findings:
        place = _ROW.match(finding.source_pointer) if finding.severity == "error" else None
        if place is not None:
            reasons.setdefault(int(place[1]) - before, []).append(
                f"{finding.code}: {finding.text} {finding.remedy}".strip()
            )
    return taken.returned(data, columns or {}, reasons) if reasons else b""


def source_pointer(format: str, declared: Declared, pointer: str) -> str:
    """Where the field at our `pointer` stood in the sender's message, pointed at as that format does.

    Raises KeyError where no format has that name.
    """
    return FORMATS[format].source_pointer(declared, pointer)

"""The lines of a message, also where they have run together.

A line begins with an identifier of three letters and an oblique, or with an oblique where it goes on with the line
before. In transmission line ends are lost, or set after 69 characters wherever that falls. Then the identifiers are
looked for inside: an oblique is never part of a text, so that letters with an oblique after them and none before can
only be the beginning of a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tidewaiter.formats.cargo_imp import kinds as k
from tidewaiter.formats.text import found, keep
from tidewaiter.model.finding import Finding, Kind

LINE_MAX = 69
LINES_MAX = 200_000
"""So many lines are read of one file."""
FINDINGS_MAX = 200
"""So many findings about the lines of one message are listed."""
VERSIONS = {"FHL": range(2, 6), "FWB": range(5, 18), "FMA": range(10), "FNA": range(10)}
DECLARED = ("FHL", "FWB")
"""Messages that declare something; the others are answers."""
IDENTIFIERS = {
    "FHL": ("MBI", "HBS", "TXT", "HTS", "OCI", "SHP", "CNE", "NAM", "ADR", "LOC", "CVD"),
    "FWB": (
        "FLT", "RTG", "SHP", "CNE", "AGT", "SSR", "NFY", "NAM", "ADR", "LOC", "ACC", "CVD", "RTD", "OTH", "PPD", "COL",
        "CER", "ISU", "OSI", "CDC", "REF", "COR", "COI", "SII", "ARD", "SPH", "NOM", "SRI", "OPI", "OCI",
    ),
    "FMA": ("ACK", "HBS", "MBI"),
    "FNA": ("ACK", "HBS", "MBI"),
}  # fmt: skip
"""The identifiers of lines by message."""

_WAYBILL = r"[0-9]{3}-[0-9]{8}"
_BEGINS = re.compile(
    r"(FHL|FWB)/([0-9]{1,2}?)(?=\s*$|\s*MBI/|\s*" + _WAYBILL + r")|(FMA|FNA)(?=\s*ACK/)|^\s*(FMA|FNA)(?=\s*$)"
)
"""An answer's name alone is one where nothing else is in the line: goods may be called so at the end of theirs."""
_EVERY = sorted({name for names in IDENTIFIERS.values() for name in names})
_INSIDE = re.compile(
    r"(?<!/)(?:" + "|".join(_EVERY) + r")(?=/)|(?:SHP|CNE|NFY)(?=NAM/)|(?:FHL|FWB)/[0-9]{1,2}?(?=MBI/|" + _WAYBILL + ")"
)
_PROPER = re.compile(rf"/|(?:{'|'.join(_EVERY)})(?:/|$)|{_WAYBILL}")
_SMALL = re.compile("[a-z]+")
_FIT = re.compile(r"[A-Z0-9 ./\-]*")


class Line(NamedTuple):
    """A line without what it goes on with: its identifier, '' for one that goes on; its parts; where it stands."""

    name: str
    parts: tuple[str, ...]
    place: str
    number: int


class Message(NamedTuple):
    """A message: FHL, FWB, FMA or FNA, its version, its lines, and what is wrong with them."""

    name: str
    version: str
    lines: list[Line]
    findings: list[Finding]
    place: str


def messages(text: str) -> Iterator[Message]:
    """The messages in a text, one after the other. Lines before the first, such as addresses, are passed over."""
    message: Message | None = None
    raw: list[tuple[int, str]] = []
    count = 0
    physical = re.split(r"\r\n|\r|\n", text)[:LINES_MAX]
    for number, line in enumerate(physical, start=1):
        rest = line.strip("\x00\x01\x02\x03\x1a\ufeff")
        while rest.strip():
            begin = _BEGINS.match(rest.lstrip()) if message is None else _BEGINS.search(rest)
            if message is not None:
                raw.append((number, rest[: begin.start()] if begin else rest))
            if begin is None:
                break
            if message is not None:
                yield _read(message, raw)
            count += 1
            name = begin[1] or begin[3] or begin[4]
            message, raw = Message(name, begin[2] or "", [], [], f"message {count} {name}"), []
            rest = (rest if begin.string is rest else rest.lstrip())[begin.end() :].lstrip()
            if rest:
                raw.append((-number, rest))
                rest = ""
    if message is not None:
        yield _read(message, raw)


def _read(message: Message, raw: list[tuple[int, str]]) -> Message:
    """The message with its lines. A number below nought marks what stood on the line that begins the message."""
    if message.version and int(message.version) not in VERSIONS[message.name]:
        _note(message, k.VERSION, f"{message.name}/{message.version}", message.place)
    whole = [(number, line.strip()) for number, line in raw if line.strip()]
    damaged = any(number < 0 or _PROPER.match(line) is None for number, line in whole) or any(
        len(line) > LINE_MAX and _INSIDE.search(line, 1) for _, line in whole
    )
    if damaged:
        _note(message, k.RUN_TOGETHER, "", message.place)
        whole = _apart(raw, len(message.name) + 1 + len(message.version))
    for number, line in whole:
        place = f"{message.place}, line {abs(number)}"
        if len(line) > LINE_MAX and not damaged:
            _note(message, k.TOO_LONG, f"{len(line)} characters", place)
        message.lines.append(_line(_fit(message, line, place), place, abs(number)))
    return message


def _fit(message: Message, line: str, place: str) -> str:
    """The line in the characters of CARGO-IMP, small letters as capitals; others stay, and a finding says so."""
    if _FIT.fullmatch(line):
        return line
    if message.name not in DECLARED:
        _note(message, k.CHARACTER, "others than letters, digits and . - /", place)
        return line
    capitals = _SMALL.sub(lambda found: found[0].upper(), line)
    if _FIT.fullmatch(capitals):
        _note(message, k.CHARACTER, "small letters, which were read as capitals", place)
        return capitals
    _note(message, k.FOREIGN, "others than letters, digits and . - /", place)
    return line


def _apart(raw: list[tuple[int, str]], head: int) -> list[tuple[int, str]]:
    """Lines that were broken anywhere, put together again and broken where an identifier stands.

    So many characters of the first line were what begins the message.
    """
    joined: list[tuple[int, str]] = []
    before = 0
    for number, line in raw:
        if not line.strip():
            continue
        if joined and (before >= LINE_MAX or _PROPER.match(line) is None):
            joined[-1] = (joined[-1][0], joined[-1][1] + line)
        else:
            joined.append((abs(number), line))
        before = len(line) + (head if number < 0 else 0)
    made: list[tuple[int, str]] = []
    for number, line in joined:
        starts = sorted({0, *(hit.start() for hit in _INSIDE.finditer(line))})
        ends = [*starts[1:], len(line)]
        made += [(number, line[start:end].strip()) for start, end in zip(starts, ends, strict=True)]
    return made


def _line(line: str, place: str, number: int) -> Line:
    head, *parts = line.split("/")
    if head and head not in _EVERY:
        parts = [head, *parts]  # the number of the waybill, which stands without an identifier
        head = "AWB" if re.match(_WAYBILL, parts[0]) else "?"
    told = f"{place} {head}".rstrip()
    return Line(head, tuple(" ".join(part.split()) for part in parts), told, number)


def _note(message: Message, kind: Kind, detail: str, place: str) -> None:
    keep(found(kind, detail, source_pointer=place), message.findings, most=FINDINGS_MAX, more=None)

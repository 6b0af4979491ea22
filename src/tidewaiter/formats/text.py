"""Which text and which instants may stand in a field, and how a finding of a format is made."""

from __future__ import annotations

import re

from tidewaiter.model.finding import Finding, Kind

UNFIT = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef"
    + "".join(chr(plane * 0x10000 + end) for plane in range(17) for end in (0xFFFE, 0xFFFF))
    + "]"
)
"""Characters no field may hold: control characters, which XML and PostgreSQL cannot carry; lone surrogates and
noncharacters, which are no text; and marks that turn the direction of writing, which make an officer read what is
not there. Everything else is kept as it was sent: a name is never refused for its script."""

YEARS = range(1900, 2200)
"""Instants outside these years are slips of the pen, and at the ends of the calendar no zone can be reckoned."""


def unfit_in(text: str) -> str:
    """The first unfit character as 'U+0000', or '' where the text may stand in a field."""
    found = UNFIT.search(text)
    return f"U+{ord(found.group()):04X}" if found else ""


def found(kind: Kind, detail: str = "", *, pointer: str = "", source_pointer: str = "") -> Finding:
    """A finding of this kind. `detail` takes the place of `{detail}`; it never holds a value that was sent."""
    return Finding(
        code=kind.code,
        severity=kind.severity,
        pointer=pointer,
        source_pointer=source_pointer,
        text=kind.text.replace("{detail}", detail),
        remedy=kind.remedy.replace("{detail}", detail),
        law=kind.law,
    )


def keep(finding: Finding, findings: list[Finding], *, most: int, more: Kind | None) -> None:
    """Put the finding to the others unless there are so many; then `more`, of which there can be one, says so.

    The first error is kept beyond that too, since it decides what becomes of the message.
    """
    if len(findings) < most:
        findings.append(finding)
        return
    if more is not None and len(findings) == most:
        findings.append(found(more, f"{most:,}", source_pointer=finding.source_pointer))
    if finding.severity == "error" and all(one.severity != "error" for one in findings):
        findings.append(finding)


def shortened(name: str, length: int = 60) -> str:
    """A name out of a message (a key, a heading), safe to print and at most so long."""
    if len(name) <= length and name.isascii() and name.isprintable():
        return name
    clean = UNFIT.sub("\ufffd", name)
    return clean if len(clean) <= length else clean[: length - 1] + "…"


def folded(text: str, length: int, count: int) -> list[str]:
    """The text in at most `count` lines of at most `length` characters, broken at spaces where there are any."""
    made: list[str] = []
    while text and len(made) < count:
        cut = len(text) if len(text) <= length else text.rfind(" ", 1, length + 1)
        cut = cut if cut > 0 else length
        made.append(text[:cut])
        text = text[cut:].removeprefix(" ")
    return made

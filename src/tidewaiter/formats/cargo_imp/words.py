"""Text in the few characters and short lines of CARGO-IMP."""

from __future__ import annotations

import re
import unicodedata

from tidewaiter.formats.text import folded

LINES = {
    "TXT": (65, 9), "NG": (20, 12), "NAM": (35, 4), "ADR": (35, 6), "SSR": (65, 3), "OSI": (65, 3), "ACC": (65, 3),
}  # fmt: skip
"""How many characters a line of this kind holds, and how many such lines there may be."""

_FOREIGN = re.compile(r"[^A-Z0-9 .\-]+")


def plain(text: str) -> str:
    """The text in capitals, digits, spaces, full stops and hyphens; letters without accents, blanks for others."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return " ".join(_FOREIGN.sub(" ", bare.upper()).split())


def in_lines(name: str, text: str) -> list[str]:
    """The text as lines of this kind have it; what there is no line for is left out."""
    return folded(plain(text), *LINES[name])


def fits(name: str, text: str) -> bool:
    """Whether lines of this kind can hold the text so that it is read the same."""
    whole = plain(text)
    return " ".join(folded(whole, *LINES[name])) == whole

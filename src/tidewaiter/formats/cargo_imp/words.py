"""Text in the few characters of CARGO-IMP."""

from __future__ import annotations

import re
import unicodedata

_FOREIGN = re.compile(r"[^A-Z0-9 .\-]+")


def plain(text: str) -> str:
    """The text in capitals, digits, spaces, full stops and hyphens; letters without accents, blanks for others."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return " ".join(_FOREIGN.sub(" ", bare.upper()).split())

"""How each administration spells its duties: a module each, a table of tokens for the one grammar.

`read(text, "us")` gives the formula. A new dialect is a new module here with a `DIALECT`, a line below, and a test.
"""

from __future__ import annotations

import re

from tidewaiter.law.expressions.dialects import br, eaeu, il, uk, us
from tidewaiter.law.expressions.formula import Formula, Unsupported
from tidewaiter.law.expressions.grammar import Unreadable, formula, tokens

DIALECTS = {"br": br.DIALECT, "eaeu": eaeu.DIALECT, "il": il.DIALECT, "uk": uk.DIALECT, "us": us.DIALECT}
"""`uk` reads the tariffs of the United Kingdom and of the European Union alike."""


def read(text: str, dialect: str) -> Formula | Unsupported:
    """The duty as the administration spells it; `Unsupported` with a named kind where it cannot be reckoned."""
    table = DIALECTS[dialect]
    plain = tidy(text)
    try:
        return formula(tokens(plain, table.rules), bare_percent=table.bare_percent)
    except Unreadable:
        found = (kind for kind, pattern in table.kinds if re.search(pattern, plain, re.IGNORECASE))
        return Unsupported(next(found, "unread"), text)


def tidy(text: str) -> str:
    """The text without markup, with plain spaces and without words broken at the end of a line."""
    plain = re.sub(r"<[^<>]{0,40}>", "", text)
    plain = re.sub(r"(?<=[a-z])- (?=[a-z])", "", plain)
    return re.sub(r"\s+", " ", plain).strip()

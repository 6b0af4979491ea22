"""The form of a text as the trade writes it: a2, n4, n4..8, an..35."""

from __future__ import annotations

import re
from typing import NamedTuple

_TRADE = re.compile(r"(an|a|n)([0-9]*)(\.\.)?([0-9]*)")
_LETTERS = {"an": (".", "characters"), "a": ("[a-zA-Z]", "letters"), "n": ("[0-9]", "digits")}


class Form(NamedTuple):
    """What a text must look like, as a pattern for the whole of it, and in words."""

    pattern: str
    words: str


def trade_form(type: str) -> Form:
    """The form that is written so. Raises KeyError for what is not written as the trade does."""
    matched = _TRADE.fullmatch(type)
    if matched is None:
        raise KeyError(type)
    letters, least, dots, most = matched.groups()
    pattern, words = _LETTERS[letters]
    if not dots:
        return Form(f"{pattern}{{{least}}}", f"{least} {words}")
    return Form(f"{pattern}{{{least or 1},{most}}}", f"{least or 1} to {most} {words}")

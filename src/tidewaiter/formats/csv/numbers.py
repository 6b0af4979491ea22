"""Numbers as people write them: decimal commas, marks for thousands, currency signs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from tidewaiter.formats.csv.columns import CURRENCY_SIGNS
from tidewaiter.formats.csv.kinds import AMBIGUOUS_NUMBER, NOT_A_NUMBER, UNCLEAR_CURRENCY, Fault
from tidewaiter.model.money import to_micro

_DIGITS_MAX = 40
_SPACES = re.compile("[\u00a0\u2007\u2009\u202f '’]")
_GROUPED = re.compile(r"[0-9]{1,3}(?:[\u00a0\u2007\u2009\u202f '’][0-9]{3})+(?:[.,][0-9]+)?", re.ASCII)
_MARKED = re.compile(r"[0-9]*(?:[.,][0-9]+)*", re.ASCII)
_CODED = re.compile(r"(?:(?P<before>[A-Z]{3})\s*)?(?P<number>.*?)(?:\s*(?P<after>[A-Z]{3}))?", re.DOTALL)


class Parts(NamedTuple):
    """A number taken apart: `mark` is its decimal mark, '' without one, '?' where it could be either."""

    whole: str
    fraction: str
    mark: str


def parts(text: str) -> Parts | None:
    """The number in its parts, None where it is none. '1.234' comes back with mark '?'."""
    text = text.strip()
    if len(text) > _DIGITS_MAX or not text:
        return None
    grouped = _GROUPED.fullmatch(text) is not None
    if grouped:
        text = _SPACES.sub("", text)
    if not _MARKED.fullmatch(text):
        return None
    marks = [char for char in text if char in ".,"]
    if not marks:
        return Parts(text, "", "")
    last = marks[-1]
    whole, fraction = text.rsplit(last, 1)
    if len(marks) == 1:
        doubtful = len(fraction) == 3 and 1 <= len(whole) <= 3 and whole[0] != "0" and not grouped
        return Parts(whole or "0", fraction, "?" if doubtful else last)
    other = "," if last == "." else "."
    if set(marks) == {last}:
        return Parts(text.replace(last, ""), "", other) if _in_threes(text, last) else None
    if marks.count(last) > 1 or not _in_threes(whole, other):
        return None
    return Parts(whole.replace(other, ""), fraction, last)


def decimal_mark(texts: Iterable[str]) -> str:
    """The decimal mark of a sheet: the one that every number that leaves no doubt uses; '' where none or both do."""
    marks = {found.mark for text in texts if (found := parts(text)) is not None} - {"", "?"}
    return marks.pop() if len(marks) == 1 else ""


def number(text: str, mark: str) -> Decimal | Fault:
    """The exact number in a cell of a sheet with that decimal mark."""
    if text.strip().startswith(("-", "−")):
        return Fault(NOT_A_NUMBER, "it is below zero")
    found = parts(text)
    if found is None:
        return Fault(NOT_A_NUMBER, "it is not written in plain digits")
    whole, fraction = found.whole, found.fraction
    if found.mark == "?":
        if not mark:
            return Fault(AMBIGUOUS_NUMBER)
        if mark not in text:
            whole, fraction = whole + fraction, ""
    value = Decimal(f"{whole}.{fraction}" if fraction else whole)
    try:
        to_micro(value)
    except ValueError as refusal:
        return Fault(NOT_A_NUMBER, str(refusal))
    return value


def without_currency(text: str) -> tuple[str, str | Fault]:
    """The digits of an amount and the currency that stands with them, '' where none does."""
    text = text.strip()
    if len(text) > _DIGITS_MAX:
        return text, ""
    for sign, code in CURRENCY_SIGNS.items():
        if text.startswith(sign) or text.endswith(sign):
            return text.removeprefix(sign).removesuffix(sign).strip(), code
    coded = _CODED.fullmatch(text)
    if coded and (coded["before"] or coded["after"]):
        if coded["before"] and coded["after"]:
            return coded["number"], Fault(UNCLEAR_CURRENCY)
        return coded["number"], coded["before"] or coded["after"]
    bare = text.strip("0123456789.,'’+-− \u00a0\u2007\u2009\u202f")
    # Letters and signs around a number mean money we cannot name; inside it (1.2E+05) they spoil the number itself.
    if bare and (text.startswith(bare) or text.endswith(bare)):
        return text.replace(bare, "").strip(), Fault(UNCLEAR_CURRENCY)
    return text, ""


def _in_threes(text: str, mark: str) -> bool:
    first, *others = text.split(mark)
    return 1 <= len(first) <= 3 and all(len(group) == 3 for group in others)

"""What one value of an order says, by how its table says it is written: amounts, masses, codes, words."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, NamedTuple

from tidewaiter.formats.csv.columns import KILOGRAMS, word
from tidewaiter.formats.json.building import Repeated
from tidewaiter.formats.json.kinds import NOT_EXACT, UNFIT_VALUE
from tidewaiter.model.finding import Kind

WHOLE = frozenset({"amount", "off", "named"})
"""What may be an object with several values in it."""
_PLAIN = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?", re.ASCII)


class Refusal(NamedTuple):
    """Why a value of theirs is not taken."""

    kind: Kind
    detail: str


def value_of(tree: Any, kind: str, ours: str) -> Any:
    """The value in our form, None where it says nothing, a `Refusal` where it cannot be taken."""
    if kind in KILOGRAMS or kind == "number":
        number = exact(tree)
        if isinstance(number, Refusal) or kind == "number":
            return number
        return number * KILOGRAMS[kind] if number else None  # no weight at all is how shops say "not weighed"
    if kind in ("amount", "off"):
        return _amount(tree, is_off=kind == "off")
    if kind.startswith("if "):
        return True if isinstance(tree, str) and tree.lower() in kind.split()[1:] else None
    if kind == "flag":
        return {True: True, False: False, "true": True, "false": False}.get(
            tree if isinstance(tree, bool | str) else None, Refusal(UNFIT_VALUE, "true or false")
        )
    if isinstance(tree, int) and not isinstance(tree, bool):
        tree = str(tree)
    if not isinstance(tree, str):
        return Refusal(UNFIT_VALUE, "text")
    text = tree.strip()
    if kind == "upper":
        text = text.upper()
    elif kind == "hs" and re.fullmatch(r"[0-9. ]+", text, re.ASCII):
        text = text.replace(".", "").replace(" ", "")
    elif kind == "word":
        text = word(ours[1:], text)
    return text or None


def _amount(tree: Any, *, is_off: bool) -> tuple[Decimal, str] | Refusal:
    currency = ""
    if isinstance(tree, dict):
        named = {name.lower().replace("_", ""): value for name, value in tree.items()}
        if isinstance(tree, Repeated) or set(named) != {"amount", "currencycode"}:
            return Refusal(UNFIT_VALUE, "an amount and its currency")
        tree, said = named["amount"], named["currencycode"]
        if not isinstance(said, str) or not re.fullmatch("[A-Z]{3}", said):
            return Refusal(UNFIT_VALUE, "a currency as three capital letters (ISO 4217)")
        currency = said
    number = exact(tree, may_be_below_zero=is_off)
    return number if isinstance(number, Refusal) else (abs(number), currency)


def exact(tree: Any, *, may_be_below_zero: bool = False) -> Decimal | Refusal:
    """The number that was written, to its last digit; as text or as a JSON number."""
    if isinstance(tree, str):
        if not _PLAIN.fullmatch(tree.strip()):
            return Refusal(NOT_EXACT, "it is not written in plain digits")
        tree = Decimal(tree.strip())
    if isinstance(tree, bool) or not isinstance(tree, int | Decimal):
        return Refusal(NOT_EXACT, "it is no number")
    number = Decimal(tree)
    if not number.is_finite() or abs(number) >= 10**12:
        return Refusal(NOT_EXACT, "the number must be below 1,000,000,000,000")
    if number < 0 and not may_be_below_zero:
        return Refusal(NOT_EXACT, "it is below zero")
    return number

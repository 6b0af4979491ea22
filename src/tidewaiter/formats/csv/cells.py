"""What one cell says, by its column."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal, get_args, get_origin

import msgspec

from tidewaiter.formats.csv.columns import KILOGRAMS, Column, folded, word
from tidewaiter.formats.csv.kinds import (
    NO_CURRENCY,
    NO_UNIT,
    NOT_A_COUNTRY_CODE,
    TWO_CURRENCIES,
    UNFIT_VALUE,
    Fault,
)
from tidewaiter.formats.csv.numbers import number, without_currency
from tidewaiter.formats.text import YEARS
from tidewaiter.model.consignment import COUNTRY
from tidewaiter.model.money import Money, to_micro

_LISTED = re.compile(r"[\s,;|+]+")
_WHOLE = re.compile("[0-9]{1,10}", re.ASCII)
_MILLIONTH = Decimal("0.000001")
_FORMULA = "=+-@＝＋－＠"


def bare(cell: str) -> str:
    """The text of a cell without what spreadsheets put around it: "'0123" and '="0123"' are both 0123."""
    text = cell.strip()
    if text[:1] == "'" and text[1:2] and (text[1] in _FORMULA + "'" or text[1].isdecimal()):
        return text[1:].strip()
    if len(text) > 3 and text.startswith('="') and text.endswith('"'):
        return text[2:-1].strip()
    return text


def harmless(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula; `bare` gives it back."""
    if text[:1] and text[0] in _FORMULA + "\t\r":
        return f"'{text}"
    if text[:1] == "'" and text[1:2] and (text[1] in _FORMULA + "'" or text[1].isdecimal()):
        return f"'{text}"
    return text


def amount(text: str, *, mark: str, named: str, of_row: str) -> Money | Fault:
    """The amount in a cell. `named` is the currency in its heading, `of_row` that of the row, '' where not given."""
    digits, own = without_currency(text)
    if isinstance(own, Fault):
        return own
    currencies = {own, named, of_row} - {""}
    if len(currencies) > 1:
        return Fault(TWO_CURRENCIES)
    value = number(digits, mark)
    if isinstance(value, Fault):
        return value
    return Money(amount=value, currency=currencies.pop()) if currencies else Fault(NO_CURRENCY)


def mass(text: str, *, mark: str, unit: str) -> Decimal | Fault:
    """Kilograms, to the milligram."""
    value = number(text, mark)
    if isinstance(value, Fault):
        return value
    if not unit:
        return Fault(NO_UNIT)
    kilograms = value * KILOGRAMS[unit]
    try:
        to_micro(kilograms)
    except ValueError:
        kilograms = kilograms.quantize(_MILLIONTH, ROUND_HALF_UP)
    return kilograms


def plain(column: Column, text: str, *, mark: str) -> Any:
    """The value of a cell that is neither an amount nor a mass, or a `Fault`."""
    kind = column.kind
    if kind is Decimal:
        return number(text, mark)
    if get_origin(kind) is tuple:
        return tuple(part for part in _LISTED.split(text) if part)
    given: Any = text
    meta = column.meta
    if get_origin(kind) is Literal:
        ours = word(column.field, text)
        given = next((option for option in get_args(kind) if folded(option) == folded(ours)), ours)
    elif kind is str and meta.pattern:
        given = text.upper()
    elif column.field == "hs_code" and re.fullmatch(r"[0-9. ]+", text, re.ASCII):
        given = text.replace(".", "").replace(" ", "")
    elif kind is int and _WHOLE.fullmatch(text):
        given = int(text)
    try:
        value = msgspec.convert(given, column.hint, strict=True)
    except (msgspec.ValidationError, UnicodeError):
        return _unfit(column)
    return _unfit(column) if isinstance(value, datetime) and value.year not in YEARS else value


def _unfit(column: Column) -> Fault:
    kind, meta = column.kind, column.meta
    if meta.pattern == COUNTRY:
        return Fault(NOT_A_COUNTRY_CODE)
    if get_origin(kind) is Literal:
        return Fault(UNFIT_VALUE, "one of " + ", ".join(get_args(kind)))
    if kind is int:
        return Fault(UNFIT_VALUE, "a whole number")
    if kind is str:
        return Fault(UNFIT_VALUE, f"at most {meta.max_length} characters" if meta.max_length else "three letters")
    example = "2026-11-02" if kind.__name__ == "date" else "2026-11-02T09:30:00Z"
    return Fault(UNFIT_VALUE, f"a {kind.__name__} such as {example}")

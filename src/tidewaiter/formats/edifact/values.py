"""From the text of a component to a value of our model, and back."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any

import msgspec

from tidewaiter.formats.edifact.kinds import NOT_OF_THE_FORM, NOT_READABLE, UNIT
from tidewaiter.formats.text import UNFIT, YEARS
from tidewaiter.formats.values import Unfit, kind_of, text_converter, whole_converter
from tidewaiter.model.money import Money, check_exact

KILOGRAM = "KGM"
_KILOGRAMS = {"KGM": 0, "GRM": -3, "TNE": 3}
"""Powers of ten from a unit to kilograms; every one is exact."""
_NUMBER = re.compile(r"[+-]?(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)")
_WHOLE = re.compile(r"([0-9]{1,18})(?:[.,]0*)?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_DIGITS_MAX = 40

_DAY = r"((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})"
_TIME, _SECONDS, _AHEAD = r"([0-9]{2})([0-9]{2})", r"([0-9]{2})", r"([+-])([0-9]{2}):?([0-9]{2})"
_FORMS: dict[str, str] = {
    "102": _DAY,
    "203": _DAY + _TIME,
    "204": _DAY + _TIME + _SECONDS,
    "205": f"{_DAY}{_TIME}(?P<n>)(?:{_AHEAD})",
    "208": _DAY + _TIME + _SECONDS + _AHEAD,
    "303": f"{_DAY}{_TIME}(?:Z|UTC|GMT)",
    "304": f"{_DAY}{_TIME}{_SECONDS}(?:Z|UTC|GMT)",
}
_INSTANTS = {name: re.compile(form) for name, form in _FORMS.items()}
"""Formats of code list 2379. An instant without a zone is taken in UTC; a zone that is named must be UTC."""

Convert = Callable[[str], Any]


@functools.cache
def converter(struct: type[msgspec.Struct], field: str) -> Convert:
    """What turns text into a value of the field, or raises `Unfit`. Amounts and instants need more than their text."""
    kind, meta = kind_of(struct, field)
    if kind is int:
        return whole_converter(meta, _WHOLE, NOT_READABLE)
    return exact if kind in (Decimal, Money) else text_converter(meta, NOT_OF_THE_FORM)


def exact(text: str) -> Decimal:
    """The number as it is written, with either decimal mark. Raises `Unfit`."""
    if len(text) > _DIGITS_MAX or _NUMBER.fullmatch(text) is None:
        raise Unfit(NOT_READABLE, "a number")
    value = Decimal(text.replace(",", "."))
    try:
        check_exact(value, "the number")
    except ValueError as error:
        raise Unfit(NOT_READABLE, "a number from 0 to below 1,000,000,000,000, with at most six decimals") from error
    return value if value else value.copy_abs()


def kilograms(text: str, unit: str) -> Decimal:
    """The mass in kilograms; no unit means kilograms. Raises `Unfit`."""
    power = _KILOGRAMS.get(unit or KILOGRAM)
    if power is None:
        raise Unfit(UNIT, "it is another")
    value = exact(text)
    return exact(format(value.scaleb(power), "f")) if power else value


def money(text: str, currency: str) -> Money:
    """The amount in that currency. Raises `Unfit`."""
    amount = exact(text)
    if _CURRENCY.fullmatch(currency) is None:
        raise Unfit(NOT_OF_THE_FORM, "a currency as three capital letters (ISO 4217)")
    return Money(amount, currency)


def instant(text: str, format: str) -> datetime:
    """An aware instant. A bare day is noon in UTC, which is that day nearly everywhere. Raises `Unfit`."""
    form = _INSTANTS.get(format)
    found = form.fullmatch(text) if form else None
    if found is None:
        raise Unfit(NOT_READABLE, "a date in one of the formats " + ", ".join(_INSTANTS))
    year, month, day, hour, minute, second, sign, hours, minutes = (*found.groups(), *[None] * 9)[:9]
    zone: tzinfo = UTC if hours is None else _zone(sign or "+", int(hours), int(minutes or 0))
    try:
        made = datetime(int(year or 0), int(month or 0), int(day or 0), int(hour or 12), int(minute or 0),
                        int(second or 0), tzinfo=zone)  # fmt: skip
    except ValueError as error:
        raise Unfit(NOT_READABLE, "a date that is in the calendar") from error
    if made.year not in YEARS:
        raise Unfit(NOT_READABLE, "a moment of our time")
    return made


def _zone(sign: str, hours: int, minutes: int) -> timezone:
    ahead = timedelta(hours=hours, minutes=minutes)
    if ahead >= timedelta(days=1):
        raise Unfit(NOT_READABLE, "a zone less than a day ahead")
    return timezone(-ahead if sign == "-" else ahead)


def instant_text(value: datetime) -> tuple[str, str]:
    """The text of an instant to the second and its format: 204 in UTC, 208 elsewhere."""
    ahead = value.utcoffset() or timedelta()
    if ahead % timedelta(minutes=1):
        value, ahead = value.astimezone(UTC), timedelta()
    if not ahead:
        return f"{value:%Y%m%d%H%M%S}", "204"
    minutes = abs(ahead) // timedelta(minutes=1)
    sign = "-" if ahead < timedelta() else "+"
    return f"{value:%Y%m%d%H%M%S}{sign}{minutes // 60:02d}{minutes % 60:02d}", "208"


def clean(text: str) -> str:
    """Text that may stand in a component."""
    return UNFIT.sub(" ", text).strip()

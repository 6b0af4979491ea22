"""From the text of an element to a value of our model, and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec

from tidewaiter.formats.text import UNFIT, unfit_in
from tidewaiter.formats.values import LENGTH_MAX, Unfit, kind_of
from tidewaiter.formats.wco_dms.kinds import NO_CURRENCY, NOT_OF_THE_FORM, NOT_READABLE, UNIT
from tidewaiter.model.money import Money, check_exact

CURRENCY, UNIT_CODE, FORMAT_CODE = "currencyID", "unitCode", "formatCode"
KILOGRAM = "KGM"
INSTANT_ELEMENT = "DateTimeString"
INSTANT_FORMAT = "304"
"""UNECE code list 2379: CCYYMMDDHHMMSS and a zone. 102 is the day alone."""

_PLAIN_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")
"""What fits whatever it says: from 0 to below 1,000,000,000,000, with at most six decimals."""
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_WHOLE = re.compile(r"\+?([0-9]{1,18})(?:\.0*)?")
_INSTANT = re.compile(
    r"((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})(?:([0-9]{2})([0-9]{2})([0-9]{2})?(?:Z|([+-])([0-9]{2}):?([0-9]{2})?)?)?"
)
_DIGITS_MAX = 40

Convert = Callable[[str, Mapping[str, str]], Any]
"""From the text of an element and its attributes to a value; raises `Unfit`."""


def converter(struct: type[msgspec.Struct], field: str, *, mass: bool = False) -> Convert:
    """What turns the text of an element into a value for the field. `mass` asks for kilograms."""
    kind, meta = kind_of(struct, field)
    if kind is str:
        return text_converter(meta)
    if kind is int:
        return _whole_converter(meta)
    if mass:
        return _kilograms
    return {Decimal: _exact, Money: _money, datetime: _instant}[kind]


def for_these(convert: Convert, attributes: Mapping[str, str]) -> Callable[[str], Any]:
    """The converter for elements that have these attributes, which it took before."""
    if convert is _money:
        currency = _currency(attributes)
        return lambda text: Money(_exact(text, attributes), currency)
    if convert is _kilograms:
        convert = _exact
    return lambda text: convert(text, attributes)


def text_length(meta: msgspec.Meta) -> int:
    """How many characters a text of a field may have."""
    return meta.max_length or LENGTH_MAX


def text_converter(meta: msgspec.Meta) -> Convert:
    """What gives a text of at most so many characters and of the form the field has."""
    length = text_length(meta)
    form = re.compile(meta.pattern).search if meta.pattern else None

    def convert(text: str, _: Mapping[str, str]) -> str:
        if not (text.isascii() and text.isprintable()):
            text = _clean(text)
        if len(text) > length:
            raise Unfit(NOT_OF_THE_FORM, f"at most {length} characters")
        if form is not None and form(text) is None:
            text = text.upper()
            if form(text) is None:
                raise Unfit(NOT_OF_THE_FORM, f"capital letters, of the form {meta.pattern}")
        return text

    return convert


def _clean(text: str) -> str:
    """The text on one line. Line breaks come from how a message is laid out, not from what it says."""
    text = re.sub(r"[ \t\r\n]*[\t\r\n][ \t\r\n]*", " ", text)
    unfit = unfit_in(text)
    if unfit:
        raise Unfit(NOT_OF_THE_FORM, f"no character {unfit}")
    return text


def _whole_converter(meta: msgspec.Meta) -> Convert:
    least, most = int(meta.ge or 0), int(meta.le) if meta.le is not None else 2**31 - 1

    def convert(text: str, _: Mapping[str, str]) -> int:
        found = _WHOLE.fullmatch(text)
        if found is None:
            raise Unfit(NOT_READABLE, "a whole number")
        value = int(found[1])
        if not least <= value <= most:
            raise Unfit(NOT_READABLE, f"a whole number from {least} to {most}")
        return value

    return convert


def _exact(text: str, _: Mapping[str, str]) -> Decimal:
    if _PLAIN_NUMBER.fullmatch(text):
        return Decimal(text)
    if len(text) > _DIGITS_MAX or _NUMBER.fullmatch(text) is None:
        raise Unfit(NOT_READABLE, "a number")
    value = Decimal(text)
    try:
        check_exact(value, "the number")
    except ValueError as error:
        raise Unfit(NOT_READABLE, "a number from 0 to below 1,000,000,000,000, with at most six decimals") from error
    return value if value else value.copy_abs()


def _kilograms(text: str, attributes: Mapping[str, str]) -> Decimal:
    unit = attributes.get(UNIT_CODE, KILOGRAM).strip()
    if unit != KILOGRAM:
        raise Unfit(UNIT, "unitCode is another")
    return _exact(text, attributes)


def _money(text: str, attributes: Mapping[str, str]) -> Money:
    return Money(_exact(text, attributes), _currency(attributes))


def _currency(attributes: Mapping[str, str]) -> str:
    currency = attributes.get(CURRENCY, "").strip().upper()
    if not currency:
        raise Unfit(NO_CURRENCY, "currencyID is missing")
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise Unfit(NOT_OF_THE_FORM, "three letters in currencyID")
    return currency


def _instant(text: str, _: Mapping[str, str]) -> datetime:
    """An aware instant, in the zone that was sent.

    A bare day is read as noon in UTC, which is that day nearly everywhere.
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise Unfit(NOT_READABLE, "a date, with or without a time")
    year, month, day, hour, minute, second, sign, hours, minutes = found.groups()
    zone = UTC
    if hours:
        ahead = timedelta(hours=int(hours), minutes=int(minutes or 0))
        zone = timezone(-ahead if sign == "-" else ahead) if timedelta() < ahead < timedelta(days=1) else UTC
    try:
        if hour is None:
            return datetime(int(year), int(month), int(day), 12, tzinfo=UTC)
        return datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), tzinfo=zone)
    except ValueError as error:
        raise Unfit(NOT_READABLE, "a date that is in the calendar") from error


def written(value: Any) -> tuple[str, dict[str, str]]:
    """The text of a value and the attributes that belong to it."""
    if isinstance(value, str):
        return UNFIT.sub(" ", value).strip(), {}
    if isinstance(value, Money):
        return format(value.amount, "f"), {CURRENCY: value.currency}
    if isinstance(value, Decimal):
        return format(value, "f"), {}
    if isinstance(value, datetime):
        return _instant_text(value), {FORMAT_CODE: INSTANT_FORMAT}
    return str(value), {}


def _instant_text(value: datetime) -> str:
    ahead = value.utcoffset() or timedelta()
    if ahead % timedelta(hours=1):
        value, ahead = value.astimezone(UTC), timedelta()
    zone = f"{ahead // timedelta(hours=1):+03d}" if ahead else "Z"
    return f"{value:%Y%m%d%H%M%S}{zone}"

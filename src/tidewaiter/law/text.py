"""The strings of the law files as exact numbers: "20 %", "135 GBP", "0.01"."""

from __future__ import annotations

import re
from decimal import Decimal

from tidewaiter.model.money import to_micro

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ([A-Z]{3})")


def number(text: str) -> Decimal:
    """The exact decimal. Raises ValueError for anything but digits and a point."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is not a number")
    return Decimal(text)


def amount(text: str) -> tuple[int, str]:
    """("135 GBP") as (millionths, currency). Raises ValueError."""
    match = _AMOUNT.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not an amount such as '135 GBP'")
    return to_micro(Decimal(match[1])), match[2]


def percent(text: str) -> int:
    """("20 %" or "20") as parts in a million: 200,000. Raises ValueError where it is not exact in them."""
    parts = number(text.removesuffix("%").strip()) * 10_000
    if parts != int(parts):
        raise ValueError(f"{text!r} has more than four decimals")
    return int(parts)


def percent_text(parts: int) -> str:
    """Parts in a million as people write them: 200,000 is '20 %'."""
    value = Decimal(parts) / 10_000
    return f"{value.normalize():f} %"

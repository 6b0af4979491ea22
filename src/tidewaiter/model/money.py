"""Exact numbers: amounts, masses and quantities as decimals outside, as whole millionths inside.

A column holds millionths of the unit (`price_micro`, `gross_mass_micro` in kilograms) in 64 bits, for every
currency alike: messages carry two decimals even where the currency has none, and a unit price may have four.
Only law says to what quantum a charge is rounded. See docs/decisions/0001-millionths.md.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec

from tidewaiter.model.about import KEEP_ACCOUNT, about

MICRO = 1_000_000
LIMIT = Decimal(10) ** 12
"""No amount, mass or quantity reaches this; past it the boundary refuses, so that 64 bits always hold it."""
_QUANTUM = Decimal("0.000001")
LIMIT_MICRO = int(LIMIT) * MICRO
"""The same in millionths: a sum of nine below it still fits in 64 bits."""


def to_micro(value: Decimal) -> int:
    """Whole millionths of an exact decimal.

    Raises ValueError where the value is not finite, has more than six decimals, or reaches `LIMIT`.
    """
    if not value.is_finite():
        raise ValueError("not a number")
    if abs(value) >= LIMIT:
        raise ValueError("the number must be below 1,000,000,000,000")
    micro = int(value.scaleb(6))
    if value != Decimal(micro).scaleb(-6):
        raise ValueError("the number may have at most six decimals")
    return micro


def from_micro(micro: int) -> Decimal:
    """The decimal of so many millionths, without needless zeros but with at least two decimals."""
    whole, fraction = divmod(abs(micro), MICRO)
    digits = f"{fraction:06d}".rstrip("0").ljust(2, "0")
    return Decimal(f"{'-' if micro < 0 else ''}{whole}.{digits}")


def check_exact(value: Decimal | None, name: str) -> None:
    """Refuse what `to_micro` refuses, and what is below zero, naming the field. Raises ValueError."""
    if value is None:
        return
    if value.is_finite() and 0 <= value < LIMIT and value.quantize(_QUANTUM) == value:
        return
    if value.is_finite() and value < 0:
        raise ValueError(f"{name} must not be negative")
    to_micro(value)


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """An amount in one currency. Never negative: what is taken off is an adjustment with its own code."""

    amount: Annotated[
        Decimal, about("Exact amount, at most six decimals", wco="112", purpose="value", keep=KEEP_ACCOUNT)
    ]
    currency: Annotated[
        str,
        about("ISO 4217 code", wco="135", privacy="public", purpose="value", keep=KEEP_ACCOUNT, pattern="^[A-Z]{3}$"),
    ]

    def __post_init__(self) -> None:
        check_exact(self.amount, "amount")

"""The records a duty expression is read into."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

VALUE = "value"
RETAIL_PRICE = "retail price"

_WORD = r"[a-z0-9%][a-z0-9%,.'()-]*"
WORDS = rf"{_WORD}(?: {_WORD})*"
"""A base, a qualifier or a reference: small letters, so that it cannot be taken for MIN, MAX, a currency or a unit."""
_CODE = re.compile(r"[A-Z][A-Z0-9]{1,2}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_IS_WORDS = re.compile(WORDS)


@dataclass(frozen=True, slots=True)
class AdValorem:
    """`rate` percent of `base`: the customs value, the retail price, or a named part of the article ("case")."""

    rate: Fraction
    base: str = VALUE

    def __post_init__(self) -> None:
        if not self.rate:
            raise ValueError("no per cent is no part of a duty")
        rate_text(self.rate)
        _check_words(self.base)

    @property
    def ppm(self) -> int | None:
        """Parts in a million; None where that is not exact, as for 33 1/3 %."""
        parts = self.rate * 10_000
        return parts.numerator if parts.denominator == 1 else None


@dataclass(frozen=True, slots=True)
class Specific:
    """`amount` of `currency` for each `per` of `unit` (UN/ECE Recommendation 20; KGM is net kilograms).

    A qualifier says which quantity is measured ("drained weight", "copper content"); one that begins with "per" is a
    further measure the quantity is multiplied by ("per % vol").
    """

    amount: Decimal
    currency: str
    per: Decimal
    unit: str
    qualifier: str = ""

    def __post_init__(self) -> None:
        number_text(self.amount)
        number_text(self.per)
        if not self.amount:
            raise ValueError("no amount is no part of a duty")
        if self.per <= 0:
            raise ValueError(f"{self.per} is no number of units")
        if not _CURRENCY.fullmatch(self.currency) or not _CODE.fullmatch(self.unit):
            raise ValueError(f"{self.currency!r} per {self.unit!r} is no currency and unit")
        if self.qualifier:
            _check_words(self.qualifier)
            if not self.qualifier[0].isalpha() or self.qualifier.split()[0] == "of":
                raise ValueError(f"{self.qualifier!r} would be taken for a number or a base")


Part = AdValorem | Specific


@dataclass(frozen=True, slots=True)
class Formula:
    """The sum of `parts`, `at_least` the sum of these and then `at_most` the sum of those. No parts: free.

    `reference` says whose duty is owed before the parts: "applicable subheading" (the duty the goods bear by
    themselves, where a line of chapters 98 and 99 adds to it), or the headings named.
    """

    parts: tuple[Part, ...] = ()
    at_least: tuple[Part, ...] = ()
    at_most: tuple[Part, ...] = ()
    reference: str = ""

    def __post_init__(self) -> None:
        if self.reference:
            _check_words(self.reference)
        elif not self.parts and (self.at_least or self.at_most):
            raise ValueError("what is free has no bounds")

    @property
    def ppm(self) -> int | None:
        """The rate where the duty is nothing but parts in a million of the customs value, free being 0; else None."""
        if self.at_least or self.at_most or self.reference or len(self.parts) > 1:
            return None
        if not self.parts:
            return 0
        (part,) = self.parts
        return part.ppm if isinstance(part, AdValorem) and part.base == VALUE else None


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A duty that is not reckoned here: why (`kind`, see `KINDS`), and the text as it stood."""

    kind: str
    text: str = ""


FREE = Formula()

KINDS = {
    "entry-price": "the duty hangs on the entry price of fruit and vegetables",
    "meursing": "an agricultural component (EA, ADSZ, ADFM) hangs on the composition by Meursing code",
    "seasonal": "the duty changes by season, in ranges that do not make up a year",
    "see-note": "a note of the tariff says what the duty is",
    "reference": "the duty is that of another article or heading",
    "part-value": "the duty is laid on a part of the value worked out by a note, such as processing abroad",
    "conditional": "the duty hangs on a certificate, a bond or a time that somebody sets",
    "drawback": "the duty hangs on what was paid or given back before",
    "unit-only": "a supplementary unit, no duty",
    "unread": "nobody has yet taught us this expression",
}
"""What cannot be reckoned, by kind."""


def number_text(value: Decimal) -> str:
    """The number in plain digits. Raises ValueError past 15 digits before the point or 12 after it."""
    text = f"{abs(value):f}"
    whole, _, places = text.partition(".")
    places = places.rstrip("0")
    if not value.is_finite() or len(whole) > 15 or len(places) > 12:
        raise ValueError(f"{value} has more than 15 digits before the point or 12 after it")
    return f"{'-' if value < 0 else ''}{whole}{'.' if places else ''}{places}"


def rate_text(rate: Fraction) -> str:
    """The rate in plain digits, or as "33 1/3" where it has no end in decimals. Raises ValueError as `number_text`."""
    scaled = abs(rate) * 10**12
    if scaled.denominator == 1:
        text = number_text(Decimal(scaled.numerator).scaleb(-12))
    else:
        whole, rest = divmod(abs(rate), 1)
        if len(str(whole)) > 15 or len(str(rest.denominator)) > 4:
            raise ValueError(f"{rate} cannot be written as a number of per cent")
        text = f"{whole} {rest.numerator}/{rest.denominator}"
    return f"-{text}" if rate < 0 else text


def _check_words(text: str) -> None:
    if len(text) > 200 or not _IS_WORDS.fullmatch(text):
        raise ValueError(f"{text!r} is not written in small letters, digits and single spaces")

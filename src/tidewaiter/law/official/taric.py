"""What the tariffs of the European Union and the United Kingdom share: measure types, codes, days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from tidewaiter.law.expressions import Unsupported, write
from tidewaiter.law.expressions.dialects import read

ALL_COUNTRIES = "1011"
KINDS: Mapping[str, str] = {
    "103": "third_country",
    "105": "end_use",
    "106": "preference",
    "112": "suspension",
    "115": "suspension",
    "117": "suspension",
    "119": "suspension",
    "122": "quota",
    "123": "quota",
    "141": "preference_suspension",
    "142": "preference",
    "143": "preference_quota",
    "145": "preference_end_use",
    "146": "preference_quota",
    "147": "quota",
    "305": "vat",
    "306": "excise",
    "551": "anti_dumping",
    "552": "anti_dumping",
    "553": "countervailing",
    "554": "countervailing",
    "695": "additional",
    "696": "safeguard",
    "VTA": "vat",
    "VTE": "vat",
    "VTS": "vat",
    "VTZ": "vat",
}
"""Kinds of measure by TARIC measure type; a type not named here lays on no duty. Source: TARIC measure types."""
DUTY_SERIES = frozenset("CDJPQ")
"""The series of measure types that lay on a duty or tax: applicable duties, trade defence, additional, VAT, excise."""


def kind(measure_type: str, series: str = "") -> str | None:
    """The kind of a measure; None where it is no duty, or of a series other than the type's own."""
    if series and series not in DUTY_SERIES:
        return None
    return "excise" if series == "Q" else KINDS.get(measure_type)


def prefix(code: str) -> str:
    """The code without the pairs of noughts that only fill it up: what it holds for."""
    digits = code.strip()
    while len(digits) > 2 and digits.endswith("00"):
        digits = digits[:-2]
    return digits


def origin(area: str) -> str:
    """The country, or the id of the group; '' for all countries."""
    return "" if area == ALL_COUNTRIES else area


def day(text: str | None) -> date | None:
    """The day of "2021-01-01T00:00:00.000Z" or "2021-01-01"; None where there is none."""
    return date.fromisoformat(text[:10]) if text else None


def day_after(text: str | None) -> date | None:
    """The first day on which what ends with this day holds no longer."""
    last = day(text)
    return last + timedelta(days=1) if last else None


def rate(text: str, conditions: frozenset[str] = frozenset()) -> str:
    """The duty in our own spelling; `conditions` are the codes (A, V ...) that a measure without a duty hangs on."""
    if text.strip():
        return write(read(text, "uk"))
    return write(Unsupported("entry-price" if "V" in conditions else "conditional"))

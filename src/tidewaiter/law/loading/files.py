"""What every file of law is read by: days, sources, words to choose from, and whose fault it is."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any


class LawError(ValueError):
    """A law file says something that cannot be read as law."""


CHOICES = {
    "arithmetic": ("relief", "tariff", "rate", "flat", "tax"),
    "type": ("duty", "tax", "fee"),
    "per": ("", "code", "item", "consignment"),
    "due": ("border", "sale"),
    "collector": ("seller", "marketplace", "carrier", "post", "declarant", "importer"),
    "value_basis": ("goods", "goods+carriage", "customs_value"),
    "value_per": ("consignment", "item"),
    "person": ("", "natural", "legal", "association"),
    "customs_value": ("CIF", "FOB"),
    "tax_base": ("CIF+duty", "FOB+duty", "CIF", "FOB"),
    "rounding": ("half_up", "down", ""),
    "confidence": ("firm", "secondary"),
    "unsigned": ("error", "warning", "note"),
}
"""What a key may say that takes one of a few words."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns whatever is wrong in a file into a LawError that names it."""
    try:
        yield
    except LawError:  # it names its file already
        raise
    except (KeyError, ValueError, TypeError) as wrong:
        missing = f"{wrong} is missing" if isinstance(wrong, KeyError) else str(wrong)
        raise LawError(f"{path.parent.parent.name}/{path.parent.name}/{path.name}: {missing}") from wrong


def toml_of(path: Path) -> dict[str, Any]:
    """What a file of TOML says. Raises LawError."""
    with reading(path), path.open("rb") as handle:
        return tomllib.load(handle)


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a file of CSV, by its headings. Raises LawError."""
    with reading(path), path.open(encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle)


def day_of(value: object) -> date:
    """A day, as TOML has it or written as in ISO 8601. Raises ValueError."""
    if isinstance(value, str):
        return date.fromisoformat(value)
    if not isinstance(value, date):
        raise ValueError(f"{value!r} is not a day")
    return value


def end_of(block: Mapping[str, Any]) -> date | None:
    """The first day on which a dated block no longer holds. Raises ValueError where that is not after its first."""
    if not block.get("until"):
        return None
    until = day_of(block["until"])
    if until <= day_of(block["from"]):
        raise ValueError(f"from {block['from']} until {until} is no time at all")
    return until


def source_of(block: Mapping[str, Any]) -> str:
    """The law that a block rests on. Raises where it names none."""
    source: str = block["source"]
    if not source.strip():
        raise ValueError("source is empty")
    return source


def only(block: Mapping[str, Any], *names: str) -> None:
    """Refuse a key that nothing reads: a misspelt `until` would let a rule hold for ever. Raises ValueError."""
    if unknown := block.keys() - set(names):
        raise ValueError(f"no key is called {', '.join(sorted(unknown))}")


def one_of(name: str, value: str) -> str:
    """The value, which is one of `CHOICES` under that name. Raises ValueError."""
    if value not in CHOICES[name]:
        raise ValueError(f"{name} = {value!r} is none of {', '.join(CHOICES[name])}")
    return value

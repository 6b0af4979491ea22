"""JSON text as dicts and lists: numbers exact, objects that repeat a name marked."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from tidewaiter.formats.json.building import NO_NUMBER, Repeated

_DIGITS_MAX = 40


def tree_of(raw: bytes) -> Any:
    """The JSON text as dicts and lists, numbers exact, with objects that repeat a name marked. Raises ValueError."""
    text = raw.decode()
    return json.loads(
        text, object_pairs_hook=_object, parse_int=_number, parse_float=_number, parse_constant=refuse
    )  # fmt: skip


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    repeated = Repeated(made)
    names = [name for name, _ in pairs]
    repeated.again = frozenset(name for name in made if names.count(name) > 1)
    return repeated


def _number(text: str) -> int | Decimal:
    """An exact number; one with absurdly many digits or so great an exponent is `NO_NUMBER`."""
    mantissa, _, exponent = text.lower().partition("e")
    if len(mantissa) > _DIGITS_MAX or len(exponent) > 3:
        return NO_NUMBER
    return int(text) if text.lstrip("-").isdigit() else Decimal(text)


def refuse(name: str) -> Any:
    """Raises ValueError: NaN and the infinities are no JSON."""
    raise ValueError(f"{name} is no JSON")


def where(raw: bytes, error: Exception) -> str:
    """Where the text stops being JSON, as ' (line 3, column 7)'."""
    try:
        json.loads(raw.decode(), parse_constant=refuse, parse_int=_number, parse_float=_number)
    except json.JSONDecodeError as stop:
        return f" (line {stop.lineno}, column {stop.colno})"
    except (ValueError, RecursionError):
        pass
    place = re.search(r"byte (\d+)", str(error))
    if place is None:
        return ""
    before = raw[: int(place[1])]
    return f" (line {before.count(10) + 1}, column {len(before) - before.rfind(10)})"

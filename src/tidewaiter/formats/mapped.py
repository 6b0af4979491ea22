"""Messages that are trees, held to a table beside the code: which element is which field, for reading and writing.

A row of the table says: in a record of this section (`of`), the element at this `path` is this `field`, in this
`form`. Sections are entered with a form that begins with '*'. Fields are

    name, transport.conveyance, packages.0.type   a value, in a record inside, in the first record of a list
    seals[]                                       one more text of a list
    codes:CUS                                     a record of a list that is this text and this key
    items, parties:consignor                      one more record of a list, with '*section' as its form
    =703                                          what always stands there, and nothing of ours
    nothing, with '*section' as its form          the same record: the rows of that section, below this path

and forms a kind of value and words that change it: see `FORMS`. Elements stand in the order of their rows.
"""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from importlib import resources
from typing import Any, Literal, NamedTuple, get_args, get_origin

import msgspec

from tidewaiter.formats.text import YEARS
from tidewaiter.formats.values import Unfit, kind_of, on_one_line, text_converter, whole_converter
from tidewaiter.model.finding import Kind
from tidewaiter.model.money import Money, check_exact

FORMS = {
    "": "as the field has it",
    "mass": "kilograms, or what `unit=` says",
    "flag": "true and false for 1 and 0",
    "day": "a day; noon in UTC is meant, which is that day nearly everywhere",
    "code": "one of the words named as theirs=ours",
    "any": "after '=…': whatever else stands there is right too",
    "currency=X, unit=X": "the attribute '@X' or the element X beside it that says the currency or the unit",
    "first": "of several the first is meant; the others have no field",
    "joined": "several are lines of one text",
    "read": "read and never written",
    "with=X": "a constant that is written only where the element X stands beside it",
}
"""What may stand in the column `form`."""

_LAW = "The guide of the message's format"
NOT_READABLE = Kind(
    code="FLD-01",
    severity="error",
    text="This should be {detail}.",
    remedy="Write numbers with digits and a decimal point, days and instants as in 2026-11-02T10:00:00Z.",
    law=_LAW,
)
NOT_OF_THE_FORM = Kind(
    code="FLD-02",
    severity="error",
    text="This does not fit its field: {detail}.",
    remedy="Look at the length and the form that is wanted.",
    law=_LAW,
)
NO_CURRENCY = Kind(
    code="FLD-03",
    severity="error",
    text="The amount has no currency, or none of three capital letters: {detail}.",
    remedy="Give the currency by its ISO 4217 code.",
    law="ISO 4217",
)
UNIT = Kind(
    code="FLD-04",
    severity="error",
    text="The unit is not one reckoned with here: {detail}.",
    remedy="Give masses in kilograms or pounds.",
    law="UNECE Recommendation 20",
)
TWICE = Kind(
    code="FLD-05",
    severity="error",
    text="This is said more than once and differently; the first was read.",
    remedy="Leave one of them.",
    law=_LAW,
)
NOT_KNOWN = Kind(
    code="FLD-06",
    severity="error",
    text="This code is not known here: {detail}.",
    remedy="Use one of those named.",
    law=_LAW,
)
AND_MORE = Kind(
    code="FLD-07",
    severity="error",
    text="More faults were found than are listed: {detail}.",
    remedy="Mend those listed, then send again.",
    law="Limit of this installation",
)
KINDS = (NOT_READABLE, NOT_OF_THE_FORM, NO_CURRENCY, UNIT, TWICE, NOT_KNOWN, AND_MORE)
"""Every kind of finding about a value that a table maps."""

KEYS = {
    "parties": ("role", "id"), "codes": ("scheme", "code"), "fiscal_references": ("role", "id"),
    "statements": ("type", "text"), "documents": ("kind", "id"), "adjustments": ("code", "amount"),
}  # fmt: skip
"""By list, what 'list:key' means: the field that is the key, and the one that is the text of a leaf."""
POUND = Decimal("0.45359237")
"""Kilograms in a pound, exactly: International yard and pound agreement of 1959."""
_UNITS = {"": Decimal(1), "KGM": Decimal(1), "K": Decimal(1), "KG": Decimal(1), "LBR": POUND, "L": POUND}
_MICRO = Decimal("0.000001")

_NUMBER = re.compile(r"\+?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_WHOLE = re.compile(r"\+?([0-9]{1,18})(?:\.0*)?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Z+-].*)?")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?"
)
_DIGITS_MAX = 40

Convert = Callable[[str], Any]


class Entry(NamedTuple):
    """A row of a table, bound to a record. `key` is what 'list:key' names; `options` are the words of the form."""

    path: tuple[str, ...]
    field: str
    key: str
    form: str
    options: Mapping[str, str]
    kind: type
    convert: Convert
    group: Group | None


class Group:
    """A section of a table, bound to the type of record that it is about."""

    def __init__(self, struct: type[msgspec.Struct]) -> None:
        self.struct = struct
        self.required = frozenset(field.name for field in msgspec.structs.fields(struct) if field.required)
        self.entries: list[Entry] = []
        self.by_path: dict[tuple[str, ...], Entry] = {}
        self.inner: set[tuple[str, ...]] = set()
        """Paths that lead to an entry."""
        self.order: dict[tuple[str, ...], int] = {}
        """By path of an entry or to one, the number of its first row."""
        self.beside: set[tuple[str, ...]] = set()
        """Paths that say the currency or the unit of another."""


@functools.cache
def table(package: str, name: str, section: str, struct: type[msgspec.Struct]) -> Group:
    """A section of the table `name` beside a package's code. Raises KeyError where a row names what is not there."""
    text = (resources.files(package) / name).read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines(), strict=True))
    return _group(rows, section, struct)


def _group(rows: list[dict[str, str]], section: str, struct: type[msgspec.Struct]) -> Group:
    group = Group(struct)
    for row in rows:
        if row["of"] == section:
            group.entries += _entries(rows, row, struct)
    for row_number, entry in enumerate(group.entries):
        group.by_path[entry.path] = entry
        above = [entry.path[:length] for length in range(1, len(entry.path))]
        group.inner.update(above)
        for path in (*above, entry.path):
            group.order.setdefault(path, row_number)
        for word in ("currency", "unit"):
            beside = entry.options.get(word, "@")
            if not beside.startswith("@"):
                group.beside.add((*entry.path[:-1], beside))
    if not group.entries:
        raise KeyError(section)
    return group


def _entries(rows: list[dict[str, str]], row: dict[str, str], struct: type[msgspec.Struct]) -> list[Entry]:
    if row["field"]:
        return [_entry(rows, row, struct)]
    above = tuple(row["path"].split("/")) if row["path"] else ()
    inside = _group(rows, row["form"].removeprefix("*"), struct).entries
    return [entry._replace(path=(*above, *entry.path)) for entry in inside]


def _entry(rows: list[dict[str, str]], row: dict[str, str], struct: type[msgspec.Struct]) -> Entry:
    path = tuple(row["path"].split("/"))
    words = row["form"].split()
    form = words.pop(0) if words and (words[0] in FORMS or words[0].startswith("*")) else ""
    options = {word.partition("=")[0]: word.partition("=")[2] for word in words}
    if form in ("first", "joined", "read"):
        form, options = "", {form: "", **options}
    if row["field"].startswith("="):
        return Entry(path, row["field"], "", form, options, str, str, None)
    field, _, key = row["field"].partition(":")
    if form.startswith("*"):
        inner = get_args(kind_of(struct, field)[0])[0]
        return Entry(path, field, key, "*", options, inner, str, _group(rows, form[1:], inner))
    if key:
        inner = get_args(kind_of(struct, field)[0])[0]
        kind, convert = _converter(inner, KEYS[field][1], form, options)
    elif field.endswith("[]"):
        kind, convert = str, _text(msgspec.Meta())
    else:
        kind, convert = _converter(struct, field, form, options)
    return Entry(path, field, key, form, options, kind, convert, None)


def _converter(struct: type[msgspec.Struct], field: str, form: str, options: Mapping[str, str]) -> tuple[type, Convert]:
    """The type of a field, and what turns text into a value of it or raises `Unfit`."""
    kind, meta = kind_of(struct, field)
    if form == "code":
        known = {theirs: ours for theirs, ours in options.items() if ours}
        return str, functools.partial(_code, known)
    if form == "flag":
        return str, functools.partial(_code, {"true": "1", "false": "0"})
    if form == "day":
        return datetime, _noon
    if kind is int:
        return int, whole_converter(meta, _WHOLE, NOT_READABLE)
    if kind in (Decimal, Money):
        return kind, exact
    if kind is datetime:
        return datetime, _instant
    if get_origin(kind) is Literal:
        return str, functools.partial(_code, {word: word for word in get_args(kind)})
    return str, _text(meta)


def _code(known: Mapping[str, str], text: str) -> str:
    if text not in known:
        raise Unfit(NOT_KNOWN, "one of " + ", ".join(known))
    return known[text]


def _text(meta: msgspec.Meta) -> Convert:
    convert = text_converter(meta, NOT_OF_THE_FORM)
    return lambda text: convert(on_one_line(text))


def exact(text: str) -> Decimal:
    """The number as it is written; noughts beyond the sixth decimal are none. Raises `Unfit`."""
    if len(text) > _DIGITS_MAX or _NUMBER.fullmatch(text) is None:
        raise Unfit(NOT_READABLE, "a number that is not below nought")
    value = Decimal(text)
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -6 and value == value.quantize(_MICRO, ROUND_HALF_EVEN):
        value = value.quantize(_MICRO)
    try:
        check_exact(value, "the number")
    except ValueError as error:
        raise Unfit(NOT_READABLE, "a number from 0 to below 1,000,000,000,000, with at most six decimals") from error
    return value if value else value.copy_abs()


def kilograms(value: Decimal, unit: str) -> Decimal:
    """The mass in kilograms, to the milligram where it was in pounds. Raises `Unfit`."""
    factor = _UNITS.get(unit)
    if factor is None:
        raise Unfit(UNIT, "KGM and LBR are")
    return value if factor == 1 else (value * factor).quantize(_MICRO, ROUND_HALF_EVEN)


def money(value: Decimal, currency: str) -> Money:
    """The amount in that currency. Raises `Unfit`."""
    if _CURRENCY.fullmatch(currency) is None:
        raise Unfit(NO_CURRENCY, "say which")
    return Money(value, currency)


def _noon(text: str) -> datetime:
    found = _DAY.fullmatch(text)
    if found is None:
        raise Unfit(NOT_READABLE, "a day as in 2026-11-02")
    return _instant(f"{found[1]}T12:00:00Z")


def _instant(text: str) -> datetime:
    """An aware instant; without a zone it is taken in UTC."""
    if _INSTANT.fullmatch(text) is None:
        raise Unfit(NOT_READABLE, "an instant as in 2026-11-02T10:00:00Z")
    try:
        made = datetime.fromisoformat(text)
    except ValueError as error:
        raise Unfit(NOT_READABLE, "an instant that is in the calendar") from error
    if made.year not in YEARS:
        raise Unfit(NOT_READABLE, "a moment of our time")
    return made if made.tzinfo else made.replace(tzinfo=UTC)


def instant_text(value: datetime) -> str:
    """The instant as text, in its zone."""
    if (value.utcoffset() or timedelta()) % timedelta(minutes=1):
        value = value.astimezone(UTC)
    return value.isoformat().replace("+00:00", "Z")

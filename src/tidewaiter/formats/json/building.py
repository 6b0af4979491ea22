"""Building one consignment from a JSON tree leaf by leaf, so that every fault is found and no good leaf is lost.

This is the slow way, taken only where the typed decoder refused or a careful look is called for.
"""

from __future__ import annotations

import functools
import re
from datetime import date, datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec

from tidewaiter.formats.json.kinds import (
    AND_MORE,
    MISSING,
    NOT_AN_OBJECT,
    NOT_EXACT,
    TOO_MANY,
    TWICE,
    UNFIT_CHARACTER,
    UNFIT_VALUE,
    UNKNOWN_FIELD,
)
from tidewaiter.formats.text import YEARS, found, shortened, unfit_in
from tidewaiter.model.consignment import COUNTRY
from tidewaiter.model.finding import Finding, Kind
from tidewaiter.model.money import to_micro

ENTRIES_MAX = 9_999
"""No list in a consignment is read further than this (goods items of one declaration in ICS2 and H7)."""
FAULTS_MAX = 50
"""So many faults of one consignment are listed."""
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)
_DIGITS_MAX = 40
NO_NUMBER = Decimal("Infinity")
"""What stands in a tree for a number with more digits than any amount has."""


class Repeated(dict[str, Any]):
    """An object in which the names `again` stood more than once."""

    again: frozenset[str] = frozenset()


class _Fault(NamedTuple):
    kind: Kind
    detail: str
    ours: str
    theirs: str


class _Nothing:
    """What comes of a value that could not be built."""


_NOTHING = _Nothing()


class Built(NamedTuple):
    """What came of one tree: the record or None, the faults, and what was kept and dropped.

    `moved` has, for each list of ours that lost an entry, the places its entries had in theirs: '0 2 3'.
    """

    record: Any
    findings: tuple[Finding, ...]
    moved: dict[str, str]
    kept: int
    dropped: tuple[str, ...]


def build(tree: Any, struct: type[msgspec.Struct], *, at: str = "") -> Built:
    """The record that a JSON tree describes; None where even what it needs most could not be read.

    Numbers in the tree are int or Decimal. `at` is what stands before each pointer into their document.
    """
    builder = _Builder()
    record = builder.struct(tree, struct, "")
    faults = builder.faults
    findings = [found(f.kind, f.detail, pointer=f.ours, source_pointer=at + f.theirs) for f in faults[:FAULTS_MAX]]
    if len(faults) > FAULTS_MAX:
        findings.append(found(AND_MORE, str(len(faults) - FAULTS_MAX), source_pointer=at))
    dropped = tuple(at + place for place in builder.dropped)
    return Built(None if record is _NOTHING else record, tuple(findings), builder.moved, builder.kept, dropped)


class _Builder:
    def __init__(self) -> None:
        self.faults: list[_Fault] = []
        self.moved: dict[str, str] = {}
        self.dropped: list[str] = []
        self.kept = 0

    def struct(self, tree: Any, struct: type[msgspec.Struct], at: str) -> Any:
        if not isinstance(tree, dict):
            return self._fault(NOT_AN_OBJECT, _called(tree), at)
        hints, required = _layout(struct)
        again = tree.again if isinstance(tree, Repeated) else frozenset()
        made: dict[str, Any] = {}
        for name, value in tree.items():
            place = f"{at}/{_escaped(name)}"
            if name in again:
                self._fault(TWICE, f"“{shortened(name)}”", place)
            elif name not in hints:
                self._fault(UNKNOWN_FIELD, f"“{shortened(name)}”", place)
            else:
                built = self.value(value, hints[name], place)
                if built is not _NOTHING:
                    made[name] = built
        missing = [name for name in required if name not in made]
        for name in missing:
            if name not in tree:
                self._fault(MISSING, f"“{name}”", f"{at}/{name}")
        return _NOTHING if missing else struct(**made)

    def value(self, value: Any, hint: Any, at: str) -> Any:
        if get_origin(hint) in (Union, UnionType):
            if value is None:
                return None
            [hint] = [option for option in get_args(hint) if option is not NoneType]
        kind = get_args(hint)[0] if get_origin(hint) is Annotated else hint
        if get_origin(kind) is tuple:
            return self.entries(value, get_args(kind)[0], at)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self.struct(value, kind, at)
        return self.leaf(value, hint, kind, at)

    def entries(self, value: Any, hint: Any, at: str) -> Any:
        if not isinstance(value, list):
            return self._fault(UNFIT_VALUE, "a list", at)
        if len(value) > ENTRIES_MAX:
            self._fault(TOO_MANY, f"{ENTRIES_MAX:,}", at)
        built = [self.value(entry, hint, f"{at}/{place}") for place, entry in enumerate(value[:ENTRIES_MAX])]
        kept = [place for place, entry in enumerate(built) if entry is not _NOTHING]
        if len(kept) < len(built):
            self._move(at, kept)
        return tuple(built[place] for place in kept)

    def leaf(self, value: Any, hint: Any, kind: Any, at: str) -> Any:
        if kind is Decimal:
            return self.number(value, at)
        if isinstance(value, str) and (unfit := unfit_in(value)):
            return self._fault(UNFIT_CHARACTER, unfit, at)
        try:
            made = msgspec.convert(value, hint, strict=True)
        except (msgspec.ValidationError, UnicodeError):
            return self._fault(UNFIT_VALUE, _wanted(hint, kind), at)
        if isinstance(made, datetime) and made.year not in YEARS:
            return self._fault(UNFIT_VALUE, "a moment of our time", at)
        self.kept += 1
        return made

    def number(self, value: Any, at: str) -> Any:
        if isinstance(value, str):
            if len(value) > _DIGITS_MAX or not _NUMBER.fullmatch(value):
                return self._fault(NOT_EXACT, "it is not written in plain digits", at)
            value = Decimal(value)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            return self._fault(NOT_EXACT, f"it is {_called(value)}", at)
        number = Decimal(value)
        if number.is_finite() and number.is_signed():
            return self._fault(NOT_EXACT, "it is below zero" if number else "nought has no sign", at)
        try:
            to_micro(number)
        except ValueError as refusal:
            return self._fault(NOT_EXACT, str(refusal), at)
        self.kept += 1
        return number

    def _fault(self, kind: Kind, detail: str, at: str) -> _Nothing:
        self.faults.append(_Fault(kind, detail, at, at))
        self.dropped.append(at)
        return _NOTHING

    def _move(self, at: str, kept: list[int]) -> None:
        """Let our pointers below the list at `at` follow its entries to their new places."""
        now = {f"{at}/{old}": f"{at}/{new}" for new, old in enumerate(kept)}

        def follow(ours: str) -> str:
            if not ours.startswith(f"{at}/"):
                return ours
            entry = ours[: len(at) + 1] + ours[len(at) + 1 :].partition("/")[0]
            return now[entry] + ours[len(entry) :] if entry in now else at

        self.faults = [fault._replace(ours=follow(fault.ours)) for fault in self.faults]
        self.moved = {follow(ours): places for ours, places in self.moved.items()}
        self.moved[at] = " ".join(map(str, kept))


@functools.cache
def _layout(struct: type[msgspec.Struct]) -> tuple[dict[str, Any], tuple[str, ...]]:
    required = tuple(field.name for field in msgspec.structs.fields(struct) if field.required)
    return get_type_hints(struct, include_extras=True), required


def _escaped(name: str) -> str:
    return shortened(name).replace("~", "~0").replace("/", "~1")


def _called(value: Any) -> str:
    names: dict[type, str] = {bool: "true or false", str: "text", list: "a list", int: "a number", NoneType: "null"}
    return names.get(type(value), "a number" if isinstance(value, Decimal) else "an object")


def _wanted(hint: Any, kind: Any) -> str:
    """What a leaf of this type looks like, in words; never the value that was sent."""
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(get_args(kind))
    meta = get_args(hint)[1] if get_origin(hint) is Annotated else msgspec.Meta()
    if kind is str:
        if meta.pattern == COUNTRY:
            return "a country as two capital letters (ISO 3166)"
        if meta.pattern:
            return "a currency as three capital letters (ISO 4217)"
        return f"text of at most {meta.max_length} characters" if meta.max_length else "text"
    if kind is int:
        return f"a whole number from {meta.ge or 0} to {meta.le:,}" if meta.le else "a whole number"
    words = {datetime: "a moment with its zone, such as 2026-11-02T09:30:00Z", date: "a day, such as 2026-11-02"}
    return words.get(kind, f"a {kind.__name__}")

"""From the tree of a message to records of ours, with a finding for everything that did not fit."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import NoneType
from typing import Any, Literal, NamedTuple, get_args, get_origin

import msgspec

from tidewaiter.formats.post import kinds as k
from tidewaiter.formats.post.node import NO_VALUE, Branch, Text
from tidewaiter.formats.post.shape import RECORD, SAME, Group, Leaf
from tidewaiter.formats.text import YEARS, found, keep, shortened, unfit_in
from tidewaiter.formats.values import kind_of
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import COUNTRY, COUNTRY_OR_NONE, Party
from tidewaiter.model.finding import Finding, Kind
from tidewaiter.model.money import to_micro

FAULTS_MAX = 50
"""So many faults of one record are listed."""
_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,6})?", re.ASCII)
_WHOLE = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)
_TEXT_MAX = 4_096


class Fault(ValueError):
    """A text that its field cannot hold. `detail` says what was wanted, never what was sent."""

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(detail)
        self.kind, self.detail = kind, detail


@dataclass
class Tally:
    """What became of the values of a record: findings, how many were kept, the places of those that were not.

    `anchor` has the place of each field by our pointer.
    """

    findings: list[Finding] = field(default_factory=list)
    anchor: dict[str, str] = field(default_factory=dict)
    kept: int = 0
    dropped: list[str] = field(default_factory=list)
    is_partial: bool = False
    """An amendment or cancellation carries what changes and what names it, and is not asked for more."""

    def say(self, kind: Kind, detail: str, pointer: str, at: str) -> None:
        """Note a finding; of very many only the first."""
        said = found(kind, detail, pointer=pointer, source_pointer=at)
        keep(said, self.findings, most=FAULTS_MAX, more=k.AND_MORE)

    def drop(self, child: Text | Branch) -> None:
        """Note that this is not kept."""
        self.dropped += child.places() if isinstance(child, Branch) else [child.at]


class _Listed(NamedTuple):
    """Texts and groups of a branch, each under its element, what may not stand there left out."""

    texts: list[tuple[Leaf, Text]]
    groups: list[tuple[Group, Branch]]


def fields_of(
    branch: Branch, group: Group, tally: Tally, pointer: str = "", *, before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The fields that a branch fills in the record it is about, lists as lists; those of records inside it too.

    `before` are fields that were filled already; what is listed comes after what they list.
    """
    listed = _listed(branch, group, tally, pointer)
    values = {name: list(value) if isinstance(value, list) else value for name, value in (before or {}).items()}
    met = {name for name, _ in branch.children if name == group.records.name}
    for leaf, said in listed.texts:
        if said.text:
            met.add(leaf.name)
            _take(leaf, said, values, tally, pointer)
    tally.is_partial |= values.get("function", "original") != "original"
    for inner, below in listed.groups:
        if _is_said(below, inner):
            met.add(inner.name)
        if not inner.field:
            tally.drop(below)
            continue
        if inner.field == SAME:
            values = fields_of(below, inner, tally, pointer, before=values)
            continue
        is_listed = inner.many or bool(inner.role)
        entries: list[Any] = values.setdefault(inner.field, []) if is_listed else []
        at = f"{pointer}/{inner.field}/{len(entries)}" if is_listed else f"{pointer}/{inner.field}"
        record = _record(below, inner, tally, at)
        if record is None:
            continue
        if is_listed:
            entries.append(record)
        else:
            values[inner.field] = record
    for child in group.inner.values():
        if child.need in (("K",) if tally.is_partial else ("K", "M")) and child.name not in met:
            tally.say(k.MISSING, f"“{child.name}”", _pointer(child, pointer), branch.at)
    return values


def _is_said(branch: Branch, group: Group) -> bool:
    """Whether any element of the group says anything there."""
    for name, child in branch.children:
        element = group.inner.get(name)
        inside = isinstance(element, Group) and isinstance(child, Branch) and _is_said(child, element)
        if inside or (isinstance(element, Leaf) and isinstance(child, Text) and child.text):
            return True
    return False


def records_in(branch: Branch, group: Group) -> list[Branch]:
    """The branches of the records in a message, wherever in it they stand."""
    found_here: list[Branch] = []
    for name, child in branch.children:
        element = group.inner.get(name)
        if isinstance(element, Group) and isinstance(child, Branch):
            if element.field == RECORD:
                found_here.append(child)
            elif element.field == SAME:
                found_here += records_in(child, element)
    return found_here


def _listed(branch: Branch, group: Group, tally: Tally, pointer: str) -> _Listed:
    listed = _Listed([], [])
    met: set[str] = set()
    for name, child in branch.children:
        element = group.inner.get(name)
        if element is None:
            tally.say(k.UNKNOWN_FIELD, f"“{shortened(name)}”", pointer, child.at)
            tally.drop(child)
        elif name in met and not (isinstance(element, Group) and element.many):
            tally.say(k.TWICE, f"“{name}”", _pointer(element, pointer), child.at)
            tally.drop(child)
        elif isinstance(element, Leaf) and isinstance(child, Text):
            listed.texts.append((element, child))
        elif isinstance(element, Group) and isinstance(child, Branch):
            if element is not group.records:  # the records themselves are taken one by one
                listed.groups.append((element, child))
        elif isinstance(child, Branch) or child.text:
            wanted = "a text" if isinstance(element, Leaf) else "a group of elements"
            tally.say(k.UNFIT, wanted, _pointer(element, pointer), child.at)
            tally.drop(child)
        met.add(name)
    order = list(group.inner)
    listed.groups.sort(key=lambda one: order.index(one[0].name))
    return listed


def _pointer(element: Leaf | Group, pointer: str) -> str:
    name = element.field.partition(":")[0]
    return f"{pointer}/{name}" if name not in ("", RECORD, SAME) else pointer


def _take(leaf: Leaf, said: Text, values: dict[str, Any], tally: Tally, pointer: str) -> None:
    """Put the value of a leaf where it belongs, or say why it cannot stand there."""
    name, _, of_role = leaf.field.partition(":")
    if not name:
        tally.dropped.append(said.at)
        return
    role, _, inner = of_role.partition(".")
    struct, plain = (Party, inner) if role else (leaf.struct, name)
    at = f"{pointer}/{name}/{len(values.get(name, ()))}/{inner}" if role else f"{pointer}/{name}"
    try:
        value = value_of(struct, plain, leaf.codes.get(said.text, said.text))
    except Fault as fault:
        tally.say(fault.kind, fault.detail, _pointer(leaf, pointer), said.at)
        tally.dropped.append(said.at)
        return
    tally.kept += 1
    tally.anchor[at] = said.at
    if role:
        values.setdefault(name, []).append(msgspec.convert({"role": role, plain: value}, Party))
    else:
        values[name] = value
    if leaf.struct is Answer and name == "kind" and said.text != value:
        values.setdefault("status", said.text)


def _record(branch: Branch, group: Group, tally: Tally, pointer: str) -> Any:
    """The record that a group describes; None, and its values dropped, where even what it needs most is missing."""
    mine = Tally(findings=tally.findings, is_partial=tally.is_partial)
    values = fields_of(branch, group, mine, pointer)
    record = made(group.struct, {"role": group.role, **values} if group.role else values)
    tally.dropped += mine.dropped
    if record is None or not mine.kept:
        tally.dropped += mine.anchor.values()
        return None
    tally.kept += mine.kept
    tally.anchor[pointer] = branch.at
    tally.anchor.update(mine.anchor)
    return record


def made(struct: type[msgspec.Struct], values: dict[str, Any]) -> Any:
    """The record of these fields, None where one that must be there is not. Lists become tuples.

    A field that may be null is null where it was not told; the pointer of a finding without one is to the whole.
    """
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    for one in _required(struct):
        if one.name in values:
            continue
        if NoneType in get_args(one.type):
            values[one.name] = None
        elif struct is Finding and one.name == "pointer":
            values[one.name] = ""
        else:
            return None
    return struct(**values)


@functools.cache
def _required(struct: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return tuple(one for one in msgspec.structs.fields(struct) if one.required)


def value_of(struct: type[msgspec.Struct], name: str, text: str) -> Any:
    """The value of a field that a text says. Raises `Fault`."""
    kind, meta = kind_of(struct, name)
    if text == NO_VALUE:
        raise Fault(k.UNFIT, "a text or a plain number, once")
    if unfit := unfit_in(text):
        raise Fault(k.UNFIT_CHARACTER, unfit)
    if get_origin(kind) is Literal:
        if text not in get_args(kind):
            raise Fault(k.UNFIT, "one of " + ", ".join(get_args(kind)))
        return text
    if kind is Decimal:
        return _number(text)
    if kind is int:
        least, most = int(meta.ge or 0), int(meta.le) if meta.le is not None else 2**31 - 1
        if _WHOLE.fullmatch(text) is None or not least <= int(text) <= most:
            raise Fault(k.UNFIT, f"a whole number from {least:,} to {most:,}")
        return int(text)
    if kind is datetime:
        return _instant(text)
    return _text(text, meta)


def _number(text: str) -> Decimal:
    if _NUMBER.fullmatch(text) is None:
        raise Fault(k.UNFIT, "a number in plain digits, from 0 to below 1,000,000,000,000, with at most six decimals")
    value = Decimal(text)
    to_micro(value)
    return value


def _instant(text: str) -> datetime:
    if _INSTANT.fullmatch(text) is not None:
        try:
            value = datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            if value.year in YEARS:
                return value
    raise Fault(k.UNFIT, "a moment with its zone, such as 2026-11-02T09:30:00Z")


def _text(text: str, meta: msgspec.Meta) -> str:
    if meta.pattern and re.search(meta.pattern, text) is None:
        is_country = meta.pattern in (COUNTRY, COUNTRY_OR_NONE)
        raise Fault(
            k.UNFIT, "a country as two capital letters" if is_country else "a currency as three capital letters"
        )
    if len(text) > (meta.max_length or _TEXT_MAX):
        raise Fault(k.UNFIT, f"text of at most {meta.max_length or _TEXT_MAX:,} characters")
    return text

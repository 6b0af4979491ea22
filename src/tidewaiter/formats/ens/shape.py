"""The schema of a message as a tree of groups and leaves, made from the tables once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple, get_args

import msgspec

from tidewaiter.formats.ens.tables import CODES, DataSet, ElementRow, form_of
from tidewaiter.formats.plan import Convert, Fits, Trace, Unlike
from tidewaiter.formats.text import unfit_in
from tidewaiter.formats.tree import Node
from tidewaiter.formats.values import kind_of

SPACE = "http://ics.dgtaxud.ec/"
"""The namespace of a message is this and its name; the elements in it have none."""
_DECIMALS, _DIGITS = 3, 11
"""So many may a mass have after the point, and so many in all, noughts at both ends not counted."""
_ANY_TEXT = re.compile(r"\.\{1,([0-9]+)\}")
_CENTURY = 2000
"""Messages write the year with two digits where they say when they were made; there were none before this."""


class Misfit(ValueError):
    """A text that the schema lets pass and our field cannot hold. Says what was wanted, never what was sent; nothing
    where a rule says it."""


class Keep(NamedTuple):
    """What puts the text of an element where it belongs in a record: see `_keep`. `into` does so, and `note` notes it
    for messages of the same shape, with the form that the text must have."""

    into: Callable[[dict[str, Any], str], None]
    note: Callable[[Trace, Node, Fits], None]


class Leaf(msgspec.Struct, frozen=True, gc=False):
    """An element with a text. `keep` puts it into the fields of a record; None where we have no field for it.

    With `keeps_blanks` the schema counts blanks around and inside the text; our record does not have those around it.
    `is_kept_as_it_is` says that `keep` does no more with plain text than to put it into `field`.
    """

    name: str
    place: int
    fits: Callable[[str], object]
    words: str
    field: str
    keep: Keep | None
    says: str
    keeps_blanks: bool
    is_mass: bool
    is_kept_as_it_is: bool
    length: int
    """How many characters fit, where any text of so many does, and else 0."""
    decides: bool
    """Whether rules ask which of a few codes it is."""

    def note(self, trace: Trace, node: Node) -> None:
        """Note for messages of the same shape where the text goes."""
        if self.decides:
            trace.decides(node)
        if self.is_kept_as_it_is and self.length:
            trace.text(self.field, node, self.length)
        elif self.keep is None:
            trace.check(node, self.fits)
        else:
            self.keep.note(trace, node, _fits_mass(self.fits) if self.is_mass else self.fits)


class Group:
    """An element that holds others. With a `struct` it is one record in the list `field`, else of the record above."""

    def __init__(self, name: str, place: int, most: int | None, field: str, says: str) -> None:
        self.name, self.place, self.most, self.says = name, place, most, says
        self.field, _, self.role = field.partition(":")
        self.struct: type[msgspec.Struct] | None = None
        self.inner: dict[str, Leaf | Group] = {}
        self.required: tuple[str, ...] = ()

    @property
    def is_list_of_texts(self) -> bool:
        """Whether it is no more than one text in a list of ours, such as a country passed."""
        return self.field.endswith("[]")


class Message(NamedTuple):
    """A message by its name, CC315A: its groups, and the fields it was bound to."""

    name: str
    root: Group


def message_of(name: str, rows: Sequence[ElementRow], struct: type[msgspec.Struct], data_set: DataSet) -> Message:
    """The shape of a message, its fields bound to a record. Raises KeyError where a row names what is not there."""
    root = Group(name, 0, 1, "", "")
    root.struct = struct
    groups: dict[tuple[str, ...], Group] = {(): root}
    structs: dict[tuple[str, ...], type[msgspec.Struct]] = {(): struct}
    for place, row in enumerate(row for row in rows if name in row.messages):
        above = groups[row.path[:-1]]
        record = structs[row.path[:-1]]
        if row.type:
            above.inner[row.path[-1]] = _leaf(row, place, record, above)
        else:
            group = Group(row.path[-1], place, row.most, row.field, row.name)
            if group.field and not group.is_list_of_texts:
                group.struct = get_args(kind_of(record, group.field)[0])[0]
                record = group.struct
            above.inner[row.path[-1]] = groups[row.path] = group
            structs[row.path] = record
        if row.least_full if data_set == "full" else row.least:
            above.required = (*above.required, row.path[-1])
    return Message(name, root)


def _leaf(row: ElementRow, place: int, record: type[msgspec.Struct], above: Group) -> Leaf:
    form = form_of(row.type)
    keep = _keep(row, record, above)
    any_text = _ANY_TEXT.fullmatch(form.pattern)
    is_of_record = keep is not None and row.field.isidentifier()
    return Leaf(
        name=row.path[-1],
        place=place,
        fits=re.compile(form.pattern).fullmatch,
        words=form.words,
        field=row.field,
        keep=keep,
        says=row.name,
        keeps_blanks=row.type == "tin",
        is_mass=row.field.endswith("_mass"),
        length=int(any_text[1]) if any_text else 0,
        decides=row.path[-1] in CODES,
        is_kept_as_it_is=is_of_record and row.type != "tin" and kind_of(record, row.field)[0] is str,
    )


def _keep(row: ElementRow, record: type[msgspec.Struct], above: Group) -> Keep | None:
    """What puts the text of an element where it belongs.

    A field is one of the record, 'ucr' or 'transport.border_mode'; '.' the one text of its group; 'parties:submitter'
    and 'codes:UNDG' a record of a list that has the text and this role or scheme; '=…' what reading settles itself.
    """
    if not row.field or row.field in ("=type", "=language"):
        return _pass_over() if row.field else None
    if row.field.startswith("="):
        return _put(row.field, _text)
    if row.field == ".":
        return _append(above.field.removesuffix("[]"))
    listed, _, told = row.field.partition(":")
    if told:
        return _record_of(listed, told, get_args(kind_of(record, listed)[0])[0])
    holder, _, name = row.field.rpartition(".")
    if holder:
        record = kind_of(record, holder)[0]
    convert = _CONVERTERS[kind_of(record, name)[0]] if row.type != "mass" else _mass
    return _put_inside(holder, name, convert) if holder else _put(name, convert)


def _pass_over() -> Keep:
    """What the place itself says, and writing puts back."""
    return Keep(lambda _into, _text: None, lambda trace, node, fits: trace.check(node, fits))


def _put(name: str, convert: Convert) -> Keep:
    def keep(into: dict[str, Any], text: str) -> None:
        into[name] = convert(text)

    return Keep(keep, lambda trace, node, fits: _note(trace, name, node, fits, convert))


def _note(trace: Trace, name: str, node: Node, fits: Fits, convert: Convert) -> None:
    if convert is _text:  # which gives a text back that can be printed and has no blanks around it
        trace.form(name, node, fits)
    else:
        trace.value(name, node, _fit(fits, convert))


def _fit(fits: Fits, convert: Convert) -> Convert:
    """The converter for texts of this form, and no other."""

    def fit(text: str) -> Any:
        if not fits(text):
            raise Unlike
        return convert(text)

    return fit


def _fits_mass(fits: Fits) -> Fits:
    return lambda text: fits(text) and has_digits_of_mass(text)


def _put_inside(holder: str, name: str, convert: Convert) -> Keep:
    def keep(into: dict[str, Any], text: str) -> None:
        value = convert(text)
        if holder in into:
            into[holder][name] = value
        else:
            into[holder] = {name: value}

    def note(trace: Trace, node: Node, fits: Fits) -> None:
        _note(trace.holder(holder), name, node, fits, convert)

    return Keep(keep, note)


def _append(listed: str) -> Keep:
    holder, _, name = listed.rpartition(".")

    def keep(into: dict[str, Any], text: str) -> None:
        value = _text(text)
        (into.setdefault(holder, {}) if holder else into).setdefault(name, []).append(value)

    return Keep(keep, lambda trace, node, fits: trace.holder(holder).one_more(name, node, _fit(fits, _text)))


def _record_of(listed: str, told: str, struct: type[msgspec.Struct]) -> Keep:
    by, value = ("role", "id") if listed == "parties" else ("scheme", "code")

    def keep(into: dict[str, Any], text: str) -> None:
        into.setdefault(listed, []).append(struct(**{by: told, value: _text(text)}))

    def note(trace: Trace, node: Node, fits: Fits) -> None:
        inner = trace.inside(node)
        inner.form(value, node, fits)
        trace.made(listed, inner, struct, {by: told})

    return Keep(keep, note)


def _text(text: str) -> str:
    text = text.strip()
    if not (text.isascii() and text.isprintable()):
        unfit = unfit_in(text)
        if unfit:
            raise Misfit(f"no character {unfit}")
    return text


def _mass(text: str) -> Decimal:
    """Kilograms. What the schema has against them is said by `has_digits_of_mass`."""
    whole, _, fraction = text.lstrip("+-").partition(".")
    value = Decimal(f"{whole.lstrip('0') or '0'}.{fraction.rstrip('0')}")
    if text[0] == "-" and value:
        raise Misfit
    return value


def has_digits_of_mass(text: str) -> bool:
    """Whether a number has no more digits and decimals than the schema lets a mass have."""
    whole, _, fraction = text.lstrip("+-").partition(".")
    fraction = fraction.rstrip("0")
    return len(fraction) <= _DECIMALS and len(whole.lstrip("0")) + len(fraction) <= _DIGITS


def _instant(text: str) -> datetime:
    try:
        year, month, day, hour, minute = int(text[:4]), int(text[4:6]), int(text[6:8]), int(text[8:10]), int(text[10:])
        return datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError as error:
        raise Misfit("a day that is in the calendar") from error


def instant_of(day: str, clock: str) -> datetime:
    """The instant of a day YYMMDD and a time HHMM, in UTC. Raises `Misfit` for a day that is in no calendar."""
    try:
        on = date(_CENTURY + int(day[:2]), int(day[2:4]), int(day[4:]))
    except ValueError as error:
        raise Misfit("a day that is in the calendar") from error
    return datetime.combine(on, time(int(clock[:2]), int(clock[2:])), UTC)


_CONVERTERS: Mapping[Any, Convert] = {str: _text, int: int, datetime: _instant}

"""What reading did with the texts of a message, noted once, so that the next of the same shape is filled in at once.

A `Trace` is written while a message is read as ever: which element went into which field of which record, through
which converter. Made fast, it is a `Plan`, which takes the texts of another message with the same elements in the same
places and makes the same records of them. A text that a field cannot hold raises ValueError there: that message is
read as ever, and its findings are told with their places.

What a trace says must follow from the elements alone. A text that decides where others go (the code beside a value)
is noted with `decides`; a plan is then one for these texts too. Where neither will do, the trace is spoilt.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from tidewaiter.formats.tree import Node


class Unlike(ValueError):
    """A message of known shape has a text that must be looked at closely."""


Convert = Callable[[str], Any]
"""From a text to a value of a field; raises ValueError where the field cannot hold it."""


Fits = Callable[[str], object]
"""Whether a text is of some form: true or false."""


class Found(Protocol):
    """Texts by their places."""

    def __getitem__(self, place: int, /) -> str: ...


class Plan:
    """How the fields of one record are filled from the texts of a message: see the module.

    The record is `make` of its fields, or where that is None what `build` builds of them.
    """

    __slots__ = (
        "_narrowed", "_places", "_told",
        "build", "checks", "constants", "forms", "holders", "lists", "make", "rows", "texts", "values",
    )  # fmt: skip

    def __init__(
        self,
        make: Callable[..., Any] | None,
        build: Callable[[dict[str, Any]], Any],
        *,
        constants: Mapping[str, Any],
        texts: Sequence[tuple[str, int, int]],
        forms: Sequence[tuple[str, int, Fits]],
        values: Sequence[tuple[str, int, Convert]],
        checks: Sequence[tuple[int, Convert]],
        rows: Sequence[tuple[str, Sequence[tuple[int, Convert]]]],
        lists: Sequence[tuple[str, Sequence[Plan]]],
        holders: Sequence[tuple[str, Plan]],
    ) -> None:
        self.make, self.build, self.constants = make, build, dict(constants)
        self.texts, self.forms, self.values = texts, forms, values
        self.checks, self.rows, self.lists, self.holders = checks, rows, lists, holders
        self._narrowed: tuple[Collection[str], Plan] | None = None
        self._told: tuple[Collection[str], list[tuple[str, Plan]]] | None = None
        self._places: list[int] | None = None

    def fields(self, found: Found) -> dict[str, Any]:
        """The fields of the record, lists as tuples. Raises ValueError where a text does not do."""
        fields = self.constants.copy()
        for name, place, length in self.texts:
            text = found[place]
            if len(text) > length:
                raise Unlike
            fields[name] = text
        for name, place, fits in self.forms:
            text = found[place]
            if not fits(text):
                raise Unlike
            fields[name] = text
        for name, place, convert in self.values:
            fields[name] = convert(found[place])
        if self.checks:
            for place, fits in self.checks:
                if not fits(found[place]):
                    raise Unlike
        if self.rows:
            for name, row in self.rows:
                fields[name] = tuple([convert(found[place]) for place, convert in row])
        if self.lists:
            for name, plans in self.lists:
                fields[name] = tuple([plan.record(found) for plan in plans])
        if self.holders:
            for name, plan in self.holders:
                fields[name] = plan.fields(found)
        return fields

    @property
    def places(self) -> list[int]:
        """The places of the texts that it takes."""
        if self._places is None:
            self._places = self._find_places()
        return self._places

    def _find_places(self) -> list[int]:
        own = [place for _, place, _ in (*self.texts, *self.forms, *self.values)]
        own += [place for place, _ in (*self.checks, *(leaf for _, row in self.rows for leaf in row))]
        inside = [*(inner for _, plans in self.lists for inner in plans), *(inner for _, inner in self.holders)]
        return sorted({*own, *(place for inner in inside for place in inner.places)})

    def only(self, names: Collection[str]) -> Plan:
        """The plan for these fields alone, and what is the same in all records. It does not check other texts.

        It is remembered for the names last asked for, by the object that they are.
        """
        narrowed = self._narrowed
        if narrowed is None or narrowed[0] is not names:
            self._narrowed = narrowed = names, self._only(names)
        return narrowed[1]

    def each(self, names: Collection[str]) -> list[tuple[str, Plan]]:
        """These fields, each with a plan for it alone; constants have none. Remembered as `only` does."""
        told = self._told
        if told is None or told[0] is not names:
            leaves = [name for name, _, _ in (*self.texts, *self.forms, *self.values)]
            own = {*leaves, *(name for part in (self.rows, self.lists, self.holders) for name, _ in part)}
            self._told = told = names, [(name, self._only((name,))) for name in names if name in own]
        return told[1]

    def _only(self, names: Collection[str]) -> Plan:
        return Plan(
            self.make,
            self.build,
            constants=self.constants,
            texts=[one for one in self.texts if one[0] in names],
            forms=[one for one in self.forms if one[0] in names],
            values=[one for one in self.values if one[0] in names],
            checks=(),
            rows=[one for one in self.rows if one[0] in names],
            lists=[one for one in self.lists if one[0] in names],
            holders=[one for one in self.holders if one[0] in names],
        )

    def record(self, found: Found) -> Any:
        """The record of these texts. Raises ValueError where a text does not do."""
        return self.build(self.fields(found)) if self.make is None else self.make(**self.fields(found))


class _Notes:
    """What holds for all the traces of one message."""

    def __init__(self) -> None:
        self.deciding: set[int] = set()
        self.is_spoilt = False


class _Leaf(NamedTuple):
    """An element by its first byte, and what its text goes through."""

    at: int
    convert: Convert


class Trace:
    """What was done for one record while a message was read: see the module.

    `index` is the first byte of its element. `kept` counts the values that found a field in it, `dropped` says from
    where to where, of all that were noted of the message, those stand that did not.
    """

    def __init__(self, index: int = 0, *, above: Trace | None = None) -> None:
        self.index = index
        self.kept = 0
        self.dropped = (0, 0)
        self._notes: _Notes = _Notes() if above is None else above._notes
        self._constants: dict[str, Any] = {}
        self._texts: dict[str, tuple[int, int]] = {}
        self._forms: dict[str, tuple[int, Fits]] = {}
        self._values: dict[str, _Leaf] = {}
        self._checks: list[tuple[int, Fits]] = []
        self._rows: dict[str, list[_Leaf]] = {}
        self.lists: dict[str, list[Trace]] = {}
        self._holders: dict[str, Trace] = {}
        self._make: Callable[..., Any] | None = None
        self._build: Callable[[dict[str, Any]], Any] = _unbuilt

    @property
    def is_spoilt(self) -> bool:
        """Whether no plan can be made of this."""
        return self._notes.is_spoilt

    @property
    def deciding(self) -> frozenset[int]:
        """The elements, by their first byte, whose texts decide where others go: of the whole message."""
        return frozenset(self._notes.deciding)

    def spoil(self) -> None:
        """Say that what was done depends on more than can be noted."""
        self._notes.is_spoilt = True

    def decides(self, node: Node) -> None:
        """Say that what was done depends on the text of this element."""
        self._notes.deciding.add(node.index)

    def constant(self, name: str, value: Any) -> None:
        """Note what a field holds whatever the texts say."""
        self._constants[name] = value

    def text(self, name: str, node: Node, length: int) -> None:
        """Note that a field is the text of this element, of at most so many characters."""
        self._texts[name] = (node.index, length)

    def form(self, name: str, node: Node, fits: Fits) -> None:
        """Note that a field is the text of this element, of this form."""
        self._forms[name] = (node.index, fits)

    def value(self, name: str, node: Node, convert: Convert) -> None:
        """Note that a field is made of the text of this element."""
        self._values[name] = _Leaf(node.index, convert)

    def check(self, node: Node, fits: Fits) -> None:
        """Note that the text of this element must be of this form, and goes nowhere."""
        self._checks.append((node.index, fits))

    def one_more(self, name: str, node: Node, convert: Convert) -> None:
        """Note that a list of values has one more, made of the text of this element."""
        self._rows.setdefault(name, []).append(_Leaf(node.index, convert))

    def holder(self, name: str) -> Trace:
        """The trace of the one record in this field; this one where there is no name."""
        if not name:
            return self
        if name not in self._holders:
            self._holders[name] = Trace(self.index, above=self)
        return self._holders[name]

    def inside(self, node: Node) -> Trace:
        """A trace for a record that may come to stand in this one; see `built`."""
        return Trace(node.index, above=self)

    def built(self, name: str, inner: Trace, build: Callable[[dict[str, Any]], Any]) -> None:
        """Note that a list of records has one more, and how that is built of its fields."""
        inner._build = build
        self.lists.setdefault(name, []).append(inner)

    def made(self, name: str, inner: Trace, struct: type[msgspec.Struct], required: Mapping[str, Any]) -> None:
        """Note that a list of records has one more, of this type. `required` stands for what no element says."""
        for field, value in required.items():
            if field not in inner._names():
                inner.constant(field, value)
        if inner._holders:  # it would have to be made a record first
            self.spoil()
        inner._make = struct
        self.lists.setdefault(name, []).append(inner)

    def passed(self, kept: int, dropped: tuple[int, int]) -> None:
        """Note how many values were kept, and which dropped."""
        self.kept, self.dropped = kept, dropped

    def _names(self) -> list[str]:
        """The fields that are filled."""
        some = (*self._constants, *self._texts, *self._forms, *self._values)
        return [*some, *self._rows, *self.lists, *self._holders]

    def plan(self, places: Mapping[int, int]) -> Plan:
        """The plan, for texts at these places by the first byte of their element.

        Raises KeyError where something was made of an element that has no place.
        """
        names = self._names()
        if len(set(names)) < len(names):  # a list that is filled in two ways, say
            raise KeyError(self.index)
        return Plan(
            self._make,
            self._build,
            constants=self._constants,
            texts=[(name, places[index], length) for name, (index, length) in self._texts.items()],
            forms=[(name, places[index], fits) for name, (index, fits) in self._forms.items()],
            values=[(name, places[leaf.at], leaf.convert) for name, leaf in self._values.items()],
            checks=[(places[index], fits) for index, fits in self._checks],
            rows=[(name, [(places[leaf.at], leaf.convert) for leaf in row]) for name, row in self._rows.items()],
            lists=[(name, [inner.plan(places) for inner in traces]) for name, traces in self.lists.items()],
            holders=[(name, inner.plan(places)) for name, inner in self._holders.items()],
        )


def _unbuilt(fields: dict[str, Any]) -> Any:
    return fields

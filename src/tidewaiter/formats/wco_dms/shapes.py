"""What a line of the mapping can be. Each knows how to read its element, to write it, and to find it again.

A mapping is a tree of lines in the order of the schema. `Leaf` is an element with a value; `Group` is an element that
only holds others, of the same record of ours; `Each` is an element that is a record of ours, one of a list.
`choice.py` has the repeated element that a code inside it sends to one field or another, `special.py` the odd ones.

Reading goes element by element through dictionaries made once, so that it costs little more than the parsing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeAlias, get_origin

import msgspec

from tidewaiter.formats.plan import Trace
from tidewaiter.formats.tree import Node
from tidewaiter.formats.values import Unfit, kind_of
from tidewaiter.formats.wco_dms.kinds import TWICE
from tidewaiter.formats.wco_dms.passing import SEQUENCE, Condition, Element, Spot, Writer
from tidewaiter.formats.wco_dms.values import (
    INSTANT_ELEMENT,
    KILOGRAM,
    UNIT_CODE,
    Convert,
    converter,
    for_these,
    text_converter,
    text_length,
    written,
)


class Line(Protocol):
    """A line of the mapping."""

    element: str
    wco: str

    def bind(self, struct: type[msgspec.Struct]) -> None:
        """Look up the types of the fields, once."""

    def read(self, node: Node, into: dict[str, Any], spot: Spot) -> None:
        """Take one element into the fields of a record."""

    def write(self, record: Any, writer: Writer) -> Iterator[Element]:
        """The elements that say what the record holds."""

    def path_to(self, field: str) -> str:
        """Where a field of the record stands, below the element above; '' where not in this line."""

    def inner(self) -> Mapping[str, Line]:
        """The lines inside, by element."""


class Lines:
    """The lines of one record, in the order of the schema."""

    def __init__(self, struct: type[msgspec.Struct], lines: Sequence[Line]) -> None:
        self.struct = struct
        self.lines = lines
        self.by_element = by_element(lines)
        for line in lines:
            line.bind(struct)
        self._readings = readings(self.by_element)
        fields = msgspec.structs.fields(struct)
        self.required: dict[str, Any] = {field.name: "" for field in fields if field.required}
        kinds = {field.name: kind_of(struct, field.name)[0] for field in fields}
        self._lists = [name for name, kind in kinds.items() if get_origin(kind) is tuple]
        self._nested = {
            name: kind for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
        }

    def read(self, node: Node, into: dict[str, Any], spot: Spot) -> None:
        """Take the children of an element."""
        read_children(node, self._readings, into, spot)

    def build(self, into: dict[str, Any]) -> Any:
        """The record of these fields, '' standing for a required text that was not sent."""
        for name in self._lists:
            if name in into:
                into[name] = tuple(into[name])
        for name, kind in self._nested.items():
            value = into.get(name)
            if type(value) is dict:  # a record inside another, which is never empty
                inner = {key: tuple(part) if type(part) is list else part for key, part in value.items() if part != []}
                if inner:
                    into[name] = kind(**inner)
                else:
                    del into[name]
        return self.struct(**{**self.required, **into})

    def write(self, record: Any, writer: Writer) -> list[Element]:
        """The elements of the record."""
        return [element for line in self.lines for element in line.write(record, writer)]


def by_element(lines: Iterable[Line]) -> dict[str, Line]:
    """The lines by the name of their element; of two with one name, the first reads."""
    table: dict[str, Line] = {}
    for line in lines:
        table.setdefault(line.element, line)
    return table


SEQUENCE_FIELD = "sequence"
"""The field of ours for the number of an element among its like."""


Reading: TypeAlias = "tuple[Callable[[Node, dict[str, Any], Spot], None], str, int]"
"""What reads an element; and the field whose text it is, with the characters it may have, where it is no more."""


Finish: TypeAlias = "Callable[[dict[str, Any], Spot], None]"
"""What puts the fields of a record right once all of it was read."""


def readings(lines: Mapping[str, Line]) -> dict[str, Reading]:
    """How each element is read."""
    return {
        element: (line.read, line.field, line.length) if isinstance(line, Leaf) else (line.read, "", 0)
        for element, line in lines.items()
    }


def read_children(node: Node, table: dict[str, Reading], into: dict[str, Any], spot: Spot) -> None:
    """Give every child of an element to its line; what has none is dropped and noted.

    Most elements are plain text for a field. They are taken here, which spares three calls each.
    """
    kept = 0
    trace = spot.trace
    for child in node.children:
        found_here = table.get(child.name)
        if found_here is None:
            spot.reader.drop(child, f"{spot.here}/{child.name}")
            continue
        read, field, length = found_here
        text = child.text
        if trace is None and 0 < len(text) <= length and field not in into and text.isascii() and text.isprintable():
            into[field] = text
            kept += 1
        else:
            read(child, into, spot)
    spot.reader.kept += kept


def step(element: str, position: int) -> str:
    """The step of a path to one of several elements."""
    return f"{element}[{position}]"


def value_of(record: Any, field: str) -> Any:
    """The value of 'price' or 'transport.border_mode'; None where it or the record around it is not there."""
    for name in field.split("."):
        record = getattr(record, name, None)
    return record


class Leaf:
    """An element with one value. `unit` is the field of its unit; `mass` has the unit kilogram.

    `length` is how many characters fit, where any text of so many does, and else 0. A leaf with `when` is written
    only where that holds. One that `decides` says by its text what becomes of others. `numbered` writes the place in
    the list where the record has no number of its own, since the schema wants one.
    """

    def __init__(
        self,
        element: str,
        wco: str,
        field: str,
        *,
        unit: str = "",
        mass: bool = False,
        when: Condition | None = None,
        numbered: bool = False,
        decides: bool = False,
    ) -> None:
        self.element, self.wco, self.field, self.decides = element, wco, field, decides
        self.unit, self.mass, self.when, self.numbered = unit, mass, when, numbered
        self._holder, _, self._name = field.rpartition(".")
        self._convert: Convert
        self._convert_unit: Convert
        self._is_instant = False
        self._is_plain = not unit and not self._holder
        self.length = 0

    def bind(self, struct: type[msgspec.Struct]) -> None:
        """See `Line.bind`."""
        if self._holder:
            struct = kind_of(struct, self._holder)[0]
        self._convert = converter(struct, self._name, mass=self.mass)
        kind, meta = kind_of(struct, self._name)
        self._is_instant = kind is datetime
        if kind is str and self._is_plain and meta.pattern is None:
            self.length = text_length(meta)
        if self.unit:
            self._convert_unit = text_converter(kind_of(struct, self.unit)[1])

    def read(self, node: Node, into: dict[str, Any], spot: Spot) -> None:
        """See `Line.read`."""
        if not (self._is_plain and node.text) or self._name in into:
            self._read_other(node, into, spot)
            return
        try:
            into[self._name] = self._convert(node.text, node.attributes)
        except Unfit as unfit:
            spot.fault(unfit, node, field=self.field, path=f"{spot.here}/{self.element}")
            return
        spot.reader.kept += 1
        if spot.trace is not None:
            self._note(node, spot.trace)

    def _note(self, node: Node, trace: Trace) -> None:
        if self.decides:
            trace.decides(node)
        if self.length:
            trace.text(self._name, node, self.length)
        else:
            trace.value(self._name, node, for_these(self._convert, node.attributes))

    def _read_other(self, node: Node, into: dict[str, Any], spot: Spot) -> None:
        """Read what is more than a text for a field of the record itself that has none yet."""
        leaf = node
        if node.children:
            if not (self._is_instant and len(node.children) == 1):
                spot.reader.drop(node, f"{spot.here}/{self.element}")
                return
            leaf = node.children[0]
        if not leaf.text:
            return
        holder = into.setdefault(self._holder, {}) if self._holder else into
        try:
            if self._name in holder:
                raise Unfit(TWICE, self.element)
            value = self._convert(leaf.text, leaf.attributes)
            if self.unit and (code := leaf.attributes.get(UNIT_CODE, "").strip()):
                holder[self.unit] = self._convert_unit(code, leaf.attributes)
                if spot.trace is not None:
                    spot.trace.constant(self.unit, holder[self.unit])
        except Unfit as unfit:
            spot.fault(unfit, leaf, field=self.field, path=f"{spot.here}/{self.element}")
            return
        holder[self._name] = value
        spot.reader.kept += 1
        if spot.trace is not None:
            self._note(leaf, spot.trace.holder(self._holder))

    def write(self, record: Any, writer: Writer) -> Iterator[Element]:
        """See `Line.write`."""
        value = value_of(record, self.field)
        if value is None or value == "" or (self.when is not None and not self.when(writer)):
            return
        text, attributes = written(value)
        if self.mass:
            attributes = {UNIT_CODE: KILOGRAM}
        elif self.unit and getattr(record, self.unit):
            attributes = {UNIT_CODE: getattr(record, self.unit)}
        if self._is_instant:
            yield Element(self.element, children=(Element(INSTANT_ELEMENT, text, attributes),))
        elif text:
            yield Element(self.element, text, attributes)

    def path_to(self, field: str) -> str:
        """See `Line.path_to`."""
        if field == f"{self.field}.currency":
            return f"{self.element}/@currencyID"
        if self.unit and field == self.unit:
            return f"{self.element}/@{UNIT_CODE}"
        return self.element if field == self.field or field.startswith(f"{self.field}.") else ""

    def inner(self) -> Mapping[str, Line]:
        """See `Line.inner`."""
        return {}


class Group:
    """An element that only holds others, all of the same record. With `first_only`, more of them are passed over."""

    def __init__(self, element: str, wco: str, *lines: Line, first_only: bool = False) -> None:
        self.element, self.wco, self.lines, self.first_only = element, wco, lines, first_only
        self._by_element = by_element(lines)
        self._readings: dict[str, Reading] = {}

    def bind(self, struct: type[msgspec.Struct]) -> None:
        """See `Line.bind`."""
        for line in self.lines:
            line.bind(struct)
        self._readings = readings(self._by_element)

    def read(self, node: Node, into: dict[str, Any], spot: Spot) -> None:
        """See `Line.read`."""
        here = f"{spot.here}/{self.element}"
        if spot.count(self.element) > 1:
            if self.first_only:
                spot.reader.drop(node, here)
            else:
                spot.reader.fault(Unfit(TWICE, self.element), node, pointer=spot.at, path=here)
            return
        if node.text:
            spot.reader.drop(node, here)
        read_children(node, self._readings, into, Spot(spot.at, here, spot.reader, trace=spot.trace))

    def write(self, record: Any, writer: Writer) -> Iterator[Element]:
        """See `Line.write`."""
        children = [element for line in self.lines for element in line.write(record, writer)]
        if children:
            yield Element(self.element, children=children)

    def path_to(self, field: str) -> str:
        """See `Line.path_to`."""
        below = first_path(self.lines, field)
        return f"{self.element}/{below}" if below else ""

    def inner(self) -> Mapping[str, Line]:
        """See `Line.inner`."""
        return self._by_element


def first_path(lines: Iterable[Line], field: str) -> str:
    """Where a field stands, by the first line that knows it; '' where none does."""
    return next((path for line in lines if (path := line.path_to(field))), "")


class Each:
    """An element that is one record of a list of ours.

    `fixed` are values that the place itself says (the role of a party); only records that have them are written here.
    `takes` says so in a freer way. `adds` gives records to write besides those of the list. `single` elements stand
    once; an element with `always` makes a record even where nothing is in it. With `finish`, the list is put right
    once the record around it has been read; see `special.py`.
    """

    def __init__(
        self,
        element: str,
        wco: str,
        field: str,
        struct: type[msgspec.Struct],
        *lines: Line,
        fixed: Mapping[str, Any] | None = None,
        takes: Callable[[Any, Writer], bool] | None = None,
        adds: Callable[[Any, Writer], Sequence[Any]] | None = None,
        single: bool = False,
        finish: Finish | None = None,
        when: Condition | None = None,
        always: bool = False,
    ) -> None:
        self.element, self.wco, self.field, self.always = element, wco, field, always
        self.fixed, self.takes, self.adds, self.single = dict(fixed or {}), takes, adds, single
        self.finish, self.when = finish, when
        self._lines = Lines(struct, lines)
        self._finishers = finishers(lines)
        numbers = [one for one in lines if isinstance(one, Leaf) and one.field == SEQUENCE_FIELD]
        self._is_numbered_at_times = any(one.when for one in numbers)

    def bind(self, struct: type[msgspec.Struct]) -> None:
        """Nothing: the record of an element is bound when the line is made."""

    def read(self, node: Node, into: dict[str, Any], spot: Spot) -> None:
        """See `Line.read`."""
        position = spot.count(self.element)
        here = f"{spot.here}/{self.element}" if self.single else f"{spot.here}/{self.element}[{position}]"
        if self.single and position > 1:
            spot.reader.fault(Unfit(TWICE, self.element), node, pointer=spot.at, path=here)
            return
        records = into.setdefault(self.field, [])
        trace = None if spot.trace is None else spot.trace.inside(node)
        inside = Spot(f"{spot.at}/{self.field}/{len(records)}", here, spot.reader, trace=trace)
        own: dict[str, Any] = {}
        kept, dropped = spot.reader.kept, len(spot.reader.dropped)
        self._lines.read(node, own, inside)
        for finish in self._finishers:
            finish(own, inside)
        if self._is_numbered_at_times and own.keys() == {SEQUENCE_FIELD}:
            # The number of nothing is no record: not every message could say it again.
            spot.reader.kept -= 1
            spot.reader.dropped.append(f"{here}/{SEQUENCE}")
        elif own or self.always:
            own.update(self.fixed)
            records.append(self._lines.build(own))
            spot.reader.anchor[inside.at] = here
            if spot.trace is not None and trace is not None:
                trace.passed(spot.reader.kept - kept, (dropped, len(spot.reader.dropped)))
                self._note(trace, spot.trace)

    def _note(self, inner: Trace, trace: Trace) -> None:
        for name, value in self.fixed.items():
            inner.constant(name, value)
        trace.made(self.field, inner, self._lines.struct, self._lines.required)

    def write(self, record: Any, writer: Writer) -> Iterator[Element]:
        """See `Line.write`."""
        if self.when is not None and not self.when(writer):
            return
        records = [one for one in getattr(record, self.field) if self._is_here(one, writer)]
        if self.adds is not None:
            records = [*self.adds(record, writer), *records]
        for position, one in enumerate(records[:1] if self.single else records, start=1):
            children = self._lines.write(one, writer)
            yield Element(self.element, children=self._number(children, position))

    def _is_here(self, record: Any, writer: Writer) -> bool:
        if self.takes is not None:
            return self.takes(record, writer)
        return all(getattr(record, name) == value for name, value in self.fixed.items())

    def _number(self, children: list[Element], position: int) -> list[Element]:
        """The children with the number that the schema wants, where the record has none."""
        place_of = next((n for n, line in enumerate(self._lines.lines) if getattr(line, "numbered", False)), None)
        if place_of is None or any(child.name == SEQUENCE for child in children):
            return children
        before = {line.element for line in self._lines.lines[:place_of]}
        cut = sum(child.name in before for child in children)
        return [*children[:cut], Element(SEQUENCE, str(position)), *children[cut:]]

    def path_to(self, field: str) -> str:
        """See `Line.path_to`."""
        return self.element if field == self.field or field.startswith(f"{self.field}.") else ""

    def inner(self) -> Mapping[str, Line]:
        """See `Line.inner`."""
        return self._lines.by_element


def finishers(lines: Iterable[Line]) -> list[Finish]:
    """What must be done after the record around these lines has been read."""
    found_here: list[Finish] = []
    for line in lines:
        if isinstance(line, Each) and line.finish is not None:
            found_here.append(line.finish)
        elif isinstance(line, Group):
            found_here += finishers(line.lines)
    return found_here

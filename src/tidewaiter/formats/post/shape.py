"""The shape of the messages, from the table `fields.csv` that the documentation too is made from.

A message is a tree of groups and leaves whose names are those of the table; the four forms (JSON, CSV, XML, EDIFACT)
are four ways to write such a tree. The table says of each element which field of ours it fills.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin

import msgspec

from tidewaiter.formats.edifact.values import kind_of
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.document import Dispatch, ItemEvent

RECORDS: Mapping[str, type[msgspec.Struct]] = {
    "ITMATT": Consignment, "CUSITM": Consignment, "CUSRSP": Answer, "PREDES": Dispatch, "EMSEVT": ItemEvent,
}  # fmt: skip
"""What each message holds."""
RECORD = "="
"""The field of a group whose every occurrence is a record; without one the message itself is the record."""

_FOLDER = Path(__file__).parent
Position = tuple[int, int]


class Row(NamedTuple):
    """A row of `fields.csv`. `need` is K for a key, M for mandatory, O for optional."""

    messages: tuple[str, ...]
    path: tuple[str, ...]
    many: bool
    need: str
    field: str
    element: str
    edifact: str
    text: str


class CodeRow(NamedTuple):
    """A row of `codes.csv`: a code of a list and our word for it."""

    list: str
    code: str
    ours: str
    text: str
    source: str


class Segment(NamedTuple):
    """Where an element stands in EDIFACT: the tag, the codes that tell the segment, and the place of the value."""

    tag: str
    fixed: tuple[tuple[Position, str], ...] = ()
    at: Position | None = None


@dataclasses.dataclass(frozen=True)
class Leaf:
    """An element with a text. `struct` and `field` say what it fills; `field` is '' where we have none."""

    name: str
    need: str
    field: str
    struct: type[msgspec.Struct]
    segment: Segment


@dataclasses.dataclass(frozen=True)
class Group:
    """An element with others in it. `field` is what it fills in the record around it, a list where `many` or `role`.

    `role` is that of the party that the group always stands for.
    """

    name: str
    need: str
    many: bool
    field: str
    role: str
    struct: type[msgspec.Struct]
    segment: Segment
    inner: dict[str, Leaf | Group] = dataclasses.field(default_factory=dict)

    def leaves(self) -> Iterator[Leaf]:
        """The leaves that stand in it directly."""
        yield from (inner for inner in self.inner.values() if isinstance(inner, Leaf))

    def groups(self) -> Iterator[Group]:
        """The groups that stand in it directly."""
        yield from (inner for inner in self.inner.values() if isinstance(inner, Group))

    @property
    def records(self) -> Group:
        """The group whose occurrences are the records: one inside, or this one."""
        return next((group for group in self.groups() if group.field == RECORD), self)

    @property
    def key(self) -> str:
        """The name of the leaf that tells one occurrence from the next; '' where there is none."""
        return next((leaf.name for leaf in self.leaves() if leaf.need == "K"), "")


def _segment(text: str) -> Segment:
    tag, *parts = text.split()
    fixed = tuple((_position(place), code) for place, _, code in (one.partition("=") for one in parts) if code)
    places = [one for one in parts if "=" not in one]
    return Segment(tag, fixed, _position(places[0]) if places else None)


def _position(text: str) -> Position:
    element, _, component = text.partition(".")
    return int(element), int(component)


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (_FOLDER / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


ROWS = tuple(
    Row(
        messages=tuple(row["in"].split()),
        path=tuple(row["path"].split("/")),
        many=bool(row["many"]),
        need=row["need"],
        field=row["field"],
        element=row["element"],
        edifact=row["edifact"],
        text=row["text"],
    )
    for row in _rows("fields.csv")
)
CODES = tuple(CodeRow(**row) for row in _rows("codes.csv"))


def ours(list_: str) -> dict[str, str]:
    """Our word for each code of a list."""
    return {row.code: row.ours for row in CODES if row.list == list_}


def _message(name: str) -> Group:
    struct = RECORDS[name]
    root = Group(name, "M", False, "", "", struct, Segment("UNH"))
    rows = [row for row in ROWS if name in row.messages]
    inside = {row.path[:-1] for row in rows}
    known: dict[tuple[str, ...], Group] = {(): root}
    for row in rows:
        around = known[row.path[:-1]]
        segment = _segment(row.edifact)
        if row.path not in inside:
            around.inner[row.path[-1]] = Leaf(row.path[-1], row.need, row.field, around.struct, segment)
            continue
        field_, _, role = row.field.partition(":")
        group = Group(row.path[-1], row.need, row.many, field_, role, _inside(around.struct, field_), segment)
        around.inner[row.path[-1]] = known[row.path] = group
    return root


def _inside(struct: type[msgspec.Struct], field_: str) -> type[msgspec.Struct]:
    """The type of record that a field holds, one or many."""
    if field_ == RECORD:
        return struct
    kind: Any = kind_of(struct, field_)[0]
    held: type[msgspec.Struct] = get_args(kind)[0] if get_origin(kind) is tuple else kind
    return held


MESSAGES: Mapping[str, Group] = {name: _message(name) for name in RECORDS}
"""The shape of each message."""

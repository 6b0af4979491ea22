"""The shape of the messages, from the table `fields.csv` that the documentation too is made from.

A message is a tree of groups and leaves whose names are those of the table; the four forms (JSON, CSV, XML, EDIFACT)
are four ways to write such a tree. The table says of each element which field of ours it fills.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin

import msgspec

from tidewaiter.formats.values import kind_of
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.movement import Dispatch, ItemEvent

RECORDS: Mapping[str, type[msgspec.Struct]] = {
    "ITMATT": Consignment, "CUSITM": Consignment, "CUSRSP": Answer, "PREDES": Dispatch, "EMSEVT": ItemEvent,
}  # fmt: skip
"""What each message holds."""
RECORD = "="
"""The field of a group whose every occurrence is a record; without one the message itself is the record."""
SAME = "."
"""The field of a group that is about the same record as what is around it."""

_FOLDER = Path(__file__).parent
Position = tuple[int, int]


class Row(NamedTuple):
    """A row of `fields.csv`. `need` is K for a key, M for mandatory, O for optional.

    `list` names the list of codes in which the element is written, where it is not in our words.
    """

    messages: tuple[str, ...]
    path: tuple[str, ...]
    many: bool
    need: str
    field: str
    element: str
    edifact: str
    text: str
    list: str = ""


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
    """An element with a text. `struct` and `field` say what it fills; `field` is '' where we have none.

    `codes` has our word for each code that it may be written in; it is written so where it `is_coded`.
    """

    name: str
    need: str
    field: str
    struct: type[msgspec.Struct]
    segment: Segment
    codes: Mapping[str, str]
    is_coded: bool


@dataclasses.dataclass(frozen=True)
class Group:
    """An element with others in it. `field` is what it fills in the record around it, a list where `many` or `role`.

    `role` is that of the party that the group always stands for. A group with the field `SAME` is about the record
    around it, and only holds elements together.
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
        for group in self.groups():
            if group.field == RECORD:
                return group
            if group.field == SAME and group.records is not group:
                return group.records
        return self

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


def rows_of(folder: Path, name: str) -> Iterator[dict[str, str]]:
    """The rows of a table beside the code."""
    with (folder / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def table_of(folder: Path) -> tuple[Row, ...]:
    """The table `fields.csv` in a folder."""
    return tuple(
        Row(
            messages=tuple(row["in"].split()),
            path=tuple(row["path"].split("/")),
            many=bool(row["many"]),
            need=row["need"],
            field=row["field"],
            element=row["element"],
            edifact=row.get("edifact", ""),
            text=row["text"],
            list=row.get("list", ""),
        )
        for row in rows_of(folder, "fields.csv")
    )


def codes_of(folder: Path) -> tuple[CodeRow, ...]:
    """The table `codes.csv` in a folder."""
    return tuple(CodeRow(**row) for row in rows_of(folder, "codes.csv"))


ROWS = table_of(_FOLDER)
CODES = codes_of(_FOLDER)


def ours(list_: str, rows: Sequence[CodeRow] = CODES) -> dict[str, str]:
    """Our word for each code of a list."""
    return {row.code: row.ours for row in rows if row.list == list_}


_LISTS = {(Consignment, "category"): ours("category"), (Answer, "kind"): ours("response")}


def message_of(
    name: str, table: Sequence[Row], struct: type[msgspec.Struct], codes: Sequence[CodeRow] = CODES
) -> Group:
    """The shape of a message whose records are of this type, from the rows that name it."""
    root = Group(name, "M", False, "", "", struct, Segment("UNH"))
    rows = [row for row in table if name in row.messages]
    inside = {row.path[:-1] for row in rows}
    known: dict[tuple[str, ...], Group] = {(): root}
    for row in rows:
        around = known[row.path[:-1]]
        segment = _segment(row.edifact) if row.edifact else Segment("")
        if row.path not in inside:
            known_codes = ours(row.list, codes) if row.list else _LISTS.get((around.struct, row.field), {})
            around.inner[row.path[-1]] = Leaf(
                row.path[-1], row.need, row.field, around.struct, segment, known_codes, bool(row.list)
            )
            continue
        field_, _, role = row.field.partition(":")
        group = Group(row.path[-1], row.need, row.many, field_, role, _inside(around.struct, field_), segment)
        around.inner[row.path[-1]] = known[row.path] = group
    return root


def _inside(struct: type[msgspec.Struct], field_: str) -> type[msgspec.Struct]:
    """The type of record that a field holds, one or many."""
    if field_ in ("", RECORD, SAME):
        return struct
    kind: Any = kind_of(struct, field_)[0]
    held: type[msgspec.Struct] = get_args(kind)[0] if get_origin(kind) is tuple else kind
    return held


MESSAGES: Mapping[str, Group] = {name: message_of(name, ROWS, struct) for name, struct in RECORDS.items()}
"""The shape of each message."""

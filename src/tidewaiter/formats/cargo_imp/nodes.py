"""Lines that belong together, and nodes made of their parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from tidewaiter.formats.cargo_imp.lines import Line, Message
from tidewaiter.formats.text import found
from tidewaiter.formats.tree import Node
from tidewaiter.model.finding import Finding, Kind


class Segment(NamedTuple):
    """A line with those that go on with it."""

    name: str
    rows: list[Line]

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of all its lines."""
        return tuple(part for row in self.rows for part in row.parts)


class Shaper:
    """Makes nodes, and notes where each came from and what is wrong."""

    def __init__(self, places: dict[int, str]) -> None:
        self.places = places
        self.findings: list[Finding] = []

    def node(self, name: str, text: str, row: Line, element: int, **attributes: str) -> Node:
        """A node of one part of a line; `element` counts from 1."""
        index = len(self.places) + 1
        self.places[index] = f"{row.place}, element {element}" if element else row.place
        return Node(name, "", attributes, index, text)

    def above(self, name: str, row: Line, children: list[Node]) -> Node:
        """A node around others."""
        made = self.node(name, "", row, 0)
        made.children = children
        return made

    def fault(self, kind: Kind, detail: str, row: Line) -> None:
        """Note what is wrong with a line."""
        self.findings.append(found(kind, detail, source_pointer=row.place))

    def rest(self, row: Line, start: int = 0) -> list[Node]:
        """The parts of a line from there on, under a name that no table has: they have no field."""
        return [self.node("Unread", part, row, n) for n, part in enumerate(row.parts, start=1) if n > start and part]


def segments(message: Message) -> Iterator[Segment]:
    """The lines of a message with those that go on with them."""
    current: Segment | None = None
    for line in message.lines:
        if line.name or current is None:
            if current is not None:
                yield current
            current = Segment(line.name or "?", [line])
        else:
            current.rows.append(line)
    if current is not None:
        yield current


def each(name: str) -> Callable[[Segment, Shaper], list[Node]]:
    """Every part of the lines under this name."""

    def made(segment: Segment, shaper: Shaper) -> list[Node]:
        return [
            shaper.node(name, part, row, n) for row in segment.rows for n, part in enumerate(row.parts, start=1) if part
        ]

    return made

"""What is handed from line to line of the mapping while a message is read or written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from tidewaiter.formats.plan import Trace
from tidewaiter.formats.text import found
from tidewaiter.formats.tree import Node, place
from tidewaiter.formats.values import Unfit
from tidewaiter.model.finding import Finding

SEQUENCE = "SequenceNumeric"
FINDINGS_MAX = 1_000
"""So many findings are kept of one message."""


class Element(msgspec.Struct, frozen=True):
    """An element to be written."""

    name: str
    text: str = ""
    attributes: Mapping[str, str] = {}
    children: Sequence[Element] = ()


class Reader:
    """What comes together while a message is read: findings, what was kept and dropped, and where things stood."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.kept = 0
        self.dropped: list[str] = []
        self.findings: list[Finding] = []
        self.more = False
        self.anchor: dict[str, str] = {}

    def drop(self, node: Node, path: str) -> None:
        """Note every value in and under an element as one without a field."""
        if node.text:
            self.dropped.append(path)
        for child in node.children:
            self.drop(child, f"{path}/{child.name}")

    def fault(self, unfit: Unfit, node: Node, *, pointer: str, path: str) -> None:
        """Note a value that could not be taken, with its place, and that it was dropped."""
        self.drop(node, path)
        if len(self.findings) >= FINDINGS_MAX:
            self.more = True
            return
        line, column = place(self.data, node.index)
        detail = f"{unfit.detail} (line {line}, column {column})"
        self.findings.append(found(unfit.kind, detail, pointer=pointer, source_pointer=path))


class Spot(msgspec.Struct, gc=False):
    """Where reading is: `at` points to the record in ours, `here` is the path of the element above in theirs.

    Where there is a `trace` of that record, what is done is noted in it.
    """

    at: str
    here: str
    reader: Reader
    seen: dict[str, int] = {}
    trace: Trace | None = None

    def count(self, element: str) -> int:
        """Which of its name this element is, from 1. To be asked once an element."""
        seen = self.seen
        seen[element] = position = seen.get(element, 0) + 1
        return position

    def fault(self, unfit: Unfit, node: Node, *, field: str, path: str) -> None:
        """Note a value that the field could not take."""
        self.reader.fault(unfit, node, pointer=f"{self.at}/{field.replace('.', '/')}", path=path)


class Writer(msgspec.Struct, frozen=True):
    """What a line may ask about the whole that is being written."""

    profile: str = ""
    """The data set, 'H7' and the like; '' where none is named."""
    direction: str = "import"


Condition = Callable[[Writer], bool]

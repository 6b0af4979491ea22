"""A message compared with its shape: texts of the right form by element, and findings with their XPath for the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tidewaiter.formats.ceb.kinds import CONTENT, MISSING, TOO_MANY, TWICE, UNKNOWN
from tidewaiter.formats.ceb.tables import FITS, LINES_MAX, Group, Row, Shape, form_of
from tidewaiter.formats.text import found, keep, shortened, unfit_in
from tidewaiter.formats.tree import AND_MORE, Node
from tidewaiter.model.finding import Finding, Kind

FINDINGS_MAX = 1_000
"""So many findings are kept of one document."""
PREFIX = "ceb"
"""Paths name the namespace so, whatever the message calls it."""


class Texts(NamedTuple):
    """The texts of a group, each of the right form, by element; `at` is the XPath of the group, `pointer` ours."""

    at: str
    pointer: str
    by: dict[str, str]

    def place(self, element: str) -> str:
        """The XPath of an element in it."""
        return f"{self.at}/{PREFIX}:{element}"

    def pointer_of(self, row: Row) -> str:
        """Where the value of an element stands in our record; that of the group, where it has no place of its own."""
        kind, _, field = row.field.rpartition(":")
        if kind == "party":
            return "/parties"
        if not row.field or row.field[0] == "=" or kind in ("doc", "code", "tax"):
            return self.pointer
        return f"{self.pointer}/{field.replace('.', '/')}"


class Taken(NamedTuple):
    """A document taken apart."""

    shape: Shape
    at: str
    head: Texts
    lines: tuple[Texts, ...]


class Taker:
    """What comes together while a message is taken apart. `findings` are of the document at hand."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.kept = 0
        self.dropped: list[str] = []

    def note(self, kind: Kind, detail: str, *, at: str, pointer: str = "") -> None:
        """Keep a finding; past the limit, say once that there are more."""
        noted = found(kind, detail, pointer=pointer, source_pointer=at)
        keep(noted, self.findings, most=FINDINGS_MAX, more=AND_MORE)

    def drop(self, node: Node, at: str) -> None:
        """Note every text in and under an element as one without a field."""
        if node.text:
            self.dropped.append(at)
        for child in node.children:
            self.drop(child, f"{at}/{PREFIX}:{shortened(child.name)}")


def take(node: Node, shape: Shape, taker: Taker, *, at: str) -> Taken:
    """The document, whose head may stand in an element of its own or not, since senders do both."""
    heads = [child for child in node.children if child.name == shape.head.name]
    line_name = shape.lines.name if shape.lines else ""
    if not heads:
        inside = [child for child in node.children if child.name != line_name]
        head = _texts(inside, shape.head, taker, at=at, pointer="")
    else:
        at_head = f"{at}/{PREFIX}:{shape.head.name}"
        _loose(heads[0], taker, at_head)
        head = _texts(heads[0].children, shape.head, taker, at=at_head, pointer="")
        _strangers(node, (shape.head.name, line_name), taker, at=at)
        for extra in heads[1:]:
            taker.note(TWICE, shape.head.name, at=f"{at_head}[2]")
            taker.drop(extra, f"{at_head}[2]")
    _loose(node, taker, at)
    listed = "items" if shape.about == "declaration" else "lines"
    lines = tuple(_lines(node, shape.lines, taker, at=at, listed=listed)) if shape.lines else ()
    return Taken(shape, at, head, lines)


def _lines(node: Node, group: Group, taker: Taker, *, at: str, listed: str) -> Iterator[Texts]:
    inside = [child for child in node.children if child.name == group.name]
    for number, child in enumerate(inside, start=1):
        where = f"{at}/{PREFIX}:{group.name}[{number}]"
        if number == LINES_MAX + 1:
            taker.note(TOO_MANY, f"more than {LINES_MAX} lines", at=where)
        _loose(child, taker, where)
        yield _texts(child.children, group, taker, at=where, pointer=f"/{listed}/{number - 1}")


def _loose(node: Node, taker: Taker, at: str) -> None:
    if node.text:
        taker.note(CONTENT, f"{shortened(node.name)} holds text and should hold elements", at=at)
        taker.dropped.append(at)


def _strangers(node: Node, known: tuple[str, str], taker: Taker, *, at: str) -> None:
    for child in node.children:
        if child.name not in known:
            where = f"{at}/{PREFIX}:{shortened(child.name)}"
            taker.note(UNKNOWN, f"{shortened(child.name)} in {node.name}", at=where)
            taker.drop(child, where)


def _texts(nodes: list[Node], group: Group, taker: Taker, *, at: str, pointer: str) -> Texts:
    texts = Texts(at, pointer, {})
    met: set[str] = set()
    faulty: set[str] = set()
    for node in nodes:
        where = texts.place(shortened(node.name))
        row = group.rows.get(node.name)
        if row is None:
            taker.note(UNKNOWN, shortened(node.name), at=where, pointer=pointer)
            taker.drop(node, where)
            continue
        if node.name in met:
            taker.note(TWICE, row.element, at=f"{where}[2]", pointer=texts.pointer_of(row))
            taker.drop(node, f"{where}[2]")
            continue
        met.add(node.name)
        wrong = _wrong(node, row)
        if wrong:
            faulty.add(node.name)
            detail = f"{row.element} ({row.name}) should {wrong}"
            taker.note(CONTENT, detail, at=where, pointer=texts.pointer_of(row))
            taker.drop(node, where)
        elif node.text:
            texts.by[row.element] = node.text
            taker.kept += 1
    for row in group.rows.values():
        if row.required and row.element not in texts.by and row.element not in faulty:
            where, ours = texts.place(row.element), texts.pointer_of(row)
            taker.note(MISSING, f"{row.element} ({row.name})", at=where, pointer=ours)
    return texts


def _wrong(node: Node, row: Row) -> str:
    """What the element should be, where it is not."""
    if node.children or (node.text and not FITS[row.form](node.text)):
        return f"be {form_of(row.form).words}"
    unfit = unfit_in(node.text)
    return f"have no character {unfit}" if unfit else ""

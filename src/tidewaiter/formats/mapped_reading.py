"""From a tree to the fields of a record, by a table; see `mapped`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from tidewaiter.formats.mapped import AND_MORE, KEYS, NO_CURRENCY, TWICE, Entry, Group, kilograms, money
from tidewaiter.formats.reading import Declared
from tidewaiter.formats.text import found, shortened
from tidewaiter.formats.tree import Node
from tidewaiter.formats.values import Unfit, kind_of
from tidewaiter.model.finding import Finding, Kind
from tidewaiter.model.money import Money

FINDINGS_MAX = 1_000
"""So many findings are listed of one consignment."""
ENTRIES_MAX = 9_999
"""No list of a consignment is read further than this (goods items of one declaration in ICS2 and H7)."""

Values = dict[str, Any]


def places(root: Node) -> dict[int, str]:
    """The path of each element by where it begins: '/HouseWaybill/MasterConsignment[1]/…'."""
    found: dict[int, str] = {root.index: f"/{shortened(root.name)}"}
    stack = [(root, found[root.index])]
    while stack:
        node, at = stack.pop()
        count: dict[str, int] = {}
        for child in node.children:
            count[child.name] = number = count.get(child.name, 0) + 1
            found[child.index] = told = f"{at}/{shortened(child.name)}[{number}]"
            stack.append((child, told))
    return found


def twice_in(elements: Iterable[Node], where: Mapping[int, str]) -> Iterator[Finding]:
    """A finding for each element whose name is met again: what the two say would run into one another."""
    met: set[str] = set()
    for one in elements:
        if one.name in met:
            yield found(TWICE, source_pointer=where[one.index])
        met.add(one.name)


class Taker:
    """Takes one consignment out of a tree: what is wrong, what was kept and dropped, and what stood where.

    `places` says by the index of a node where it stands in the sender's message.
    """

    def __init__(self, places: Mapping[int, str]) -> None:
        self.places = places
        self.findings: list[Finding] = []
        self.anchor: dict[str, str] = {}
        self.kept: set[int] = set()
        self.dropped: list[str] = []
        self._texts: tuple[Node, dict[str, str]] | None = None

    def place(self, node: Node) -> str:
        """Where a node stands in the sender's message."""
        return self.places.get(node.index, "")

    def fault(self, kind: Kind, detail: str, *, pointer: str, node: Node) -> None:
        """Note what is wrong with an element."""
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(found(kind, detail, pointer=pointer, source_pointer=self.place(node)))
        elif len(self.findings) == FINDINGS_MAX:
            more = found(AND_MORE, f"{FINDINGS_MAX:,} are", source_pointer=self.place(node))
            self.findings.append(more)

    def drop(self, node: Node) -> None:
        """Note every value in an element for which there is no field."""
        for one in _all(node):
            if one.text:
                self.dropped.append(self.place(one))
            self._drop_attributes(one, "")

    def _drop_attributes(self, node: Node, used: str) -> None:
        for name, text in node.attributes.items():
            if text and name != used and " " not in name:  # one with a namespace is about the document
                self.dropped.append(f"{self.place(node)}/@{shortened(name)}")

    def take(self, node: Node, group: Group, pointer: str = "") -> Values:
        """The values of a record by field, those of records inside it as values too."""
        values: Values = {}
        if pointer or not self.anchor:
            self.anchor[pointer] = self.place(node)
        self._walk(node, group, (), pointer, values)
        return values

    def _walk(self, node: Node, group: Group, path: tuple[str, ...], pointer: str, values: Values) -> None:
        """Take what is inside in the order of the table, in whatever order it stands: a list of ours has one order."""
        last = len(group.entries)
        for child in sorted(node.children, key=lambda one: group.order.get((*path, one.name), last)):
            inside = (*path, child.name)
            entry = group.by_path.get(inside)
            if entry is None:
                if inside in group.beside:
                    continue
                if inside in group.inner:
                    self._drop_attributes(child, "")
                    if child.text:
                        self.dropped.append(self.place(child))
                    self._walk(child, group, inside, pointer, values)
                else:
                    self.drop(child)
            elif entry.group is not None:
                self._record(child, entry, entry.group, pointer, values)
            elif child.text:
                self._leaf(child, node, entry, pointer, values)
            else:
                self._drop_attributes(child, "")
                for one in child.children:
                    self.drop(one)

    def _record(self, node: Node, entry: Entry, group: Group, pointer: str, values: Values) -> None:
        records = values.setdefault(entry.field, [])
        if len(records) >= ENTRIES_MAX:
            self.drop(node)
            return
        inner = f"{pointer}/{entry.field}/{len(records)}"
        taken = self.take(node, group, inner)
        if not taken and entry.field != "items":  # goods of which nothing is known here are goods all the same
            return
        if entry.key:
            taken = {KEYS[entry.field][0]: entry.key, **taken}
        if not group.required <= taken.keys():
            self.drop(node)
            return
        records.append(taken)

    def _leaf(self, node: Node, parent: Node, entry: Entry, pointer: str, values: Values) -> None:
        if entry.field.startswith("="):
            if node.text != entry.field[1:] and entry.form != "any":
                self.drop(node)
            else:
                self.kept.add(node.index)
            return
        field = entry.field.removesuffix("[]")
        at = f"{pointer}/{field.replace('.', '/')}"
        if entry.key or entry.field.endswith("[]"):
            at = f"{at}/{len(values.get(field, ()))}"
        beside = entry.options.get("currency") or entry.options.get("unit") or ""
        used = beside.removeprefix("@") if beside.startswith("@") else ""
        self._drop_attributes(node, used)
        try:
            value = self._value(node, parent, entry, beside)
        except Unfit as unfit:
            self.fault(unfit.kind, unfit.detail, pointer=at, node=node)
            return
        if value is None:
            self.dropped.append(self.place(node))
            return
        if entry.key:
            by, name = KEYS[field]
            values.setdefault(field, []).append({by: entry.key, name: value})
        elif entry.field.endswith("[]"):
            values.setdefault(field, []).append(value)
        elif not self._put(node, entry, value, at, values):
            return
        self.kept.add(node.index)
        self.anchor.setdefault(at, self.place(node))

    def _put(self, node: Node, entry: Entry, value: Any, at: str, values: Values) -> bool:
        holder = values
        *heads, last = entry.field.split(".")
        for head in heads:
            holder = holder.setdefault(head, {})
        if last not in holder:
            holder[last] = value
        elif "joined" in entry.options:
            try:
                holder[last] = entry.convert(f"{holder[last]} {value}")
            except Unfit as unfit:
                self.fault(unfit.kind, unfit.detail, pointer=at, node=node)
        elif holder[last] == value:
            pass
        elif "first" in entry.options:
            self.dropped.append(self.place(node))
            return False
        else:
            self.fault(TWICE, "", pointer=at, node=node)
            return False
        return True

    def _value(self, node: Node, parent: Node, entry: Entry, beside: str) -> Any:
        value = entry.convert(node.text)
        if beside.startswith("@"):
            word = node.attributes.get(beside[1:], "").strip()
        else:
            word = self._texts_in(parent).get(beside, "") if beside else ""
        if entry.kind is Money:
            if not word and not value:  # nought of no currency is how forms say that there is none
                return None
            if not word:
                raise Unfit(NO_CURRENCY, "say which")
            return money(value, word)
        return kilograms(value, word) if entry.form == "mass" else value

    def _texts_in(self, parent: Node) -> dict[str, str]:
        """The texts of the elements in one by their names, of several the first. Made once, however many ask."""
        if self._texts is None or self._texts[0] is not parent:
            self._texts = parent, {one.name: one.text for one in reversed(parent.children)}
        return self._texts[1]


def messages_in(node: Node, names: Collection[str], around: Taker) -> Iterator[Node]:
    """The messages of these names in what may be an envelope; what stands around them is dropped."""
    if node.name in names:
        yield node
        return
    if node.text:
        around.dropped.append(around.place(node))
    for child in node.children:
        yield from messages_in(child, names, around)


def build(struct: type[msgspec.Struct], values: Values) -> Any:
    """The record of these values."""
    fields: dict[str, Any] = {}
    for name, value in values.items():
        kind = kind_of(struct, name)[0]
        if isinstance(value, dict):
            if "0" in value:
                fields[name] = (build(kind.__args__[0], value["0"]),)
            else:
                fields[name] = build(kind, value)
        elif isinstance(value, list):
            inner = kind.__args__[0]
            if value:
                fields[name] = tuple(build(inner, one) if isinstance(one, dict) else one for one in value)
        else:
            fields[name] = value
    return struct(**fields)


def source_pointer(declared: Declared, pointer: str) -> str:
    """The place of the field, as reading noted it; for a field that was not sent, of the record around it."""
    told = pointer.rstrip("/")
    while told and told not in declared.anchor:
        told = told.rpartition("/")[0]
    return declared.anchor.get(told, "")


def _all(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _all(child)

"""From a record to a tree, by a table, and from a tree to XML; see `mapped`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import msgspec

from tidewaiter.formats.mapped import KEYS, Entry, Group, instant_text
from tidewaiter.formats.text import UNFIT
from tidewaiter.formats.tree import Node
from tidewaiter.model.money import Money


def node(name: str, text: str = "", *children: Node, **attributes: str) -> Node:
    """A node to be written."""
    return Node(name=name, space="", attributes=attributes, index=0, text=text, children=list(children))


def tree_of(record: msgspec.Struct, group: Group, name: str) -> Node:
    """The element of this name that says what the record holds, in the order of the table."""
    root = node(name)
    opened: dict[tuple[str, ...], Node] = {(): root}
    said: set[str] = set()
    for entry, made in _made(record, group, said):
        parent = root
        for length in range(1, len(entry.path)):
            path = entry.path[:length]
            if path not in opened:
                opened[path] = node(entry.path[length - 1])
                parent.children.append(opened[path])
            parent = opened[path]
        parent.children += made
    return root


def _made(record: msgspec.Struct, group: Group, said: set[str]) -> Iterator[tuple[Entry, list[Node]]]:
    """The elements of each row that says something; `said` are the fields that have been."""
    found: list[tuple[Entry, list[Node]]] = []
    for entry in group.entries:
        if entry.field.startswith("="):
            if entry.field != "=":
                found.append((entry, [node(entry.path[-1], entry.field[1:])]))
            continue
        called = f"{entry.field}:{entry.key}"
        if "read" in entry.options or called in said:
            continue
        elements = list(_elements(record, entry, group))
        said.add(called)
        if elements:
            found.append((entry, elements))
    held = [entry.path for entry, _ in found if not entry.field.startswith("=")]
    for entry, elements in found:
        beside = entry.options.get("with")
        if beside is None or any(path[: len(entry.path)] == (*entry.path[:-1], beside) for path in held):
            yield entry, elements


def _elements(record: msgspec.Struct, entry: Entry, group: Group) -> Iterator[Node]:
    name = entry.path[-1]
    if entry.group is not None:
        for one in getattr(record, entry.field):
            if _is_of(one, entry, entry.group, group):
                yield tree_of(one, entry.group, name)
        return
    if entry.key:
        by, field = KEYS[entry.field]
        for one in getattr(record, entry.field):
            if getattr(one, by) == entry.key:
                yield from leaves(name, getattr(one, field), entry)
        return
    if entry.field.endswith("[]"):
        for text in getattr(record, entry.field.removesuffix("[]")):
            yield from leaves(name, text, entry)
        return
    yield from leaves(name, _value(record, entry.field), entry)


def _is_of(one: Any, entry: Entry, inner: Group, group: Group) -> bool:
    """Whether a record of a list is written by this row: by its key, or because no other row has its key."""
    if entry.field not in KEYS:
        return True
    by = KEYS[entry.field][0]
    key = getattr(one, by)
    if entry.key:
        return bool(key == entry.key)
    if any(other.field == entry.field and other.key == key for other in group.entries):
        return False
    leaf = next((row for row in inner.entries if row.field == by), None)
    return leaf is None or leaf.form != "code" or key in leaf.options.values()


def leaves(name: str, value: Any, entry: Entry) -> Iterator[Node]:
    """The element of a value, with the one beside it that says its currency or unit; nothing for None."""
    text = written(value, entry)
    if not text:
        return
    leaf = node(name, text)
    beside = entry.options.get("currency") or entry.options.get("unit") or ""
    word = value.currency if isinstance(value, Money) else "KGM" if beside else ""
    if beside.startswith("@"):
        leaf.attributes[beside[1:]] = word
        yield leaf
    else:
        yield leaf
        if beside:
            yield node(beside, word)


def written(value: Any, entry: Entry) -> str:
    """A value as text; '' for None."""
    if value is None:
        return ""
    if entry.form == "flag":
        return {"1": "true", "0": "false"}.get(value, "")
    if entry.form == "code":
        return next((theirs for theirs, ours in entry.options.items() if ours == value), "")
    if isinstance(value, Money):
        return format(value.amount, "f")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}" if entry.form == "day" else instant_text(value)
    return UNFIT.sub(" ", str(value)).strip()


def _value(record: Any, field: str) -> Any:
    for name in field.split("."):
        if name.isdecimal():
            record = record[int(name)] if len(record or ()) > int(name) else None
        else:
            record = getattr(record, name, None)
    return record


def document(root: Node, names: Callable[[str, int], str], attributes: Iterable[tuple[str, str]] = ()) -> bytes:
    """The tree as XML in UTF-8. `names` gives an element its prefix, from its name and how deep it stands."""
    root = msgspec.structs.replace(root, attributes={**dict(attributes), **root.attributes})
    return "\n".join(('<?xml version="1.0" encoding="UTF-8"?>', *_lines(root, names, 0), "")).encode()


def _lines(one: Node, names: Callable[[str, int], str], depth: int) -> Iterator[str]:
    indent, name = "  " * depth, names(one.name, depth)
    attributes = "".join(f" {key}={quoteattr(value)}" for key, value in one.attributes.items())
    if not one.children:
        yield (
            f"{indent}<{name}{attributes}>{escape(one.text)}</{name}>" if one.text else f"{indent}<{name}{attributes}/>"
        )
        return
    yield f"{indent}<{name}{attributes}>"
    for child in one.children:
        yield from _lines(child, names, depth + 1)
    yield f"{indent}</{name}>"

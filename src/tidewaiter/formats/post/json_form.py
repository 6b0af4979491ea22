"""The profile in JSON: an object a message with its name under `message`, or a list of them.

A group that may stand several times is a list, any other an object; every value is text, and a plain number will do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from tidewaiter.formats.json.building import Repeated
from tidewaiter.formats.json.reading import BOM
from tidewaiter.formats.json.tree import tree_of
from tidewaiter.formats.post import kinds as k
from tidewaiter.formats.post.node import NO_VALUE, Branch, Opened, Text
from tidewaiter.formats.post.shape import MESSAGES, Group
from tidewaiter.formats.text import found, shortened

TYPE = "message"
"""The name under which a message says what it is."""


def opened(data: bytes) -> Opened:
    """The messages of a file as trees. Places are JSON pointers."""
    try:
        tree = tree_of(data.removeprefix(BOM))
    except (ValueError, RecursionError):
        return Opened([], [found(k.MALFORMED, "it is not JSON in UTF-8", source_pointer="/")], [])
    made = Opened([], [], [])
    for at, one in [(f"/{n}", one) for n, one in enumerate(tree)] if isinstance(tree, list) else [("", tree)]:
        name = one.get(TYPE) if isinstance(one, dict) else None
        if not isinstance(name, str) or name not in MESSAGES or (isinstance(one, Repeated) and TYPE in one.again):
            made.findings.append(found(k.UNKNOWN_MESSAGE, source_pointer=at or "/"))
            made.dropped.append(at or "/")
            continue
        rest = {key: value for key, value in one.items() if key != TYPE}
        if isinstance(one, Repeated):
            again, rest = one.again, Repeated(rest)
            rest.again = again
        made.messages.append((name, _branch(rest, at, MESSAGES[name])))
    return made


def _branch(tree: dict[str, Any], at: str, group: Group | None) -> Branch:
    branch = Branch(at or "/")
    again = tree.again if isinstance(tree, Repeated) else frozenset()
    for name, value in tree.items():
        place = f"{at}/{shortened(name).replace('~', '~0').replace('/', '~1')}"
        element = group.inner.get(name) if group else None
        inner = element if isinstance(element, Group) else None
        branch.children += [(name, child) for child in _children(value, place, inner)]
        if name in again:  # what was said before is gone; that it was is enough
            branch.children.append((name, Text(NO_VALUE, place)))
    return branch


def _children(value: Any, at: str, group: Group | None) -> Iterator[Text | Branch]:
    if isinstance(value, dict):
        yield _branch(value, at, group)
    elif isinstance(value, list) and group is not None and group.many:
        for place, one in enumerate(value):
            if isinstance(one, dict):
                yield _branch(one, f"{at}/{place}", group)
            else:
                yield Text(_text(one) or NO_VALUE, f"{at}/{place}")
    elif value is not None:
        yield Text(_text(value), at)


def _text(value: Any) -> str:
    """The text of a bare value."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return format(Decimal(value), "f")
    return NO_VALUE


def written(messages: Sequence[tuple[str, Branch]]) -> bytes:
    """The messages: one as an object, others as a list."""
    trees = [{TYPE: name, **_tree(branch, MESSAGES[name])} for name, branch in messages]
    return json.dumps(trees[0] if len(trees) == 1 else trees, ensure_ascii=False, indent=1).encode("utf-8", "replace")


def _tree(branch: Branch, group: Group) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, child in branch.children:
        element = group.inner[name]
        if isinstance(child, Text):
            tree[name] = child.text
        elif isinstance(element, Group) and element.many:
            tree.setdefault(name, []).append(_tree(child, element))
        elif isinstance(element, Group):
            tree[name] = _tree(child, element)
    return tree

"""The profile in XML, unverified: no sample of the XML form of a postal message is public.

A message is an element of its name, several stand in one element `post`; groups and leaves are elements in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from tidewaiter.formats.post import kinds as k
from tidewaiter.formats.post.node import Branch, Opened, Text
from tidewaiter.formats.post.shape import MESSAGES
from tidewaiter.formats.text import found, shortened
from tidewaiter.formats.tree import Node, about, grow

SPACE = "urn:tidewaiter:post:1"
ENVELOPE = "post"


def opened(data: bytes) -> Opened:
    """The messages of a file as trees. Places are paths of element names, each with its number."""
    tree = grow(data)
    findings = [about(fault) for fault in tree.faults]
    made = Opened([], findings, [])
    if tree.root is None:
        return made
    is_many = tree.root.name == ENVELOPE
    nodes = tree.root.children if is_many else [tree.root]
    at = f"/{ENVELOPE}[1]" if is_many else ""
    for node, place in _placed(nodes, at):
        if node.name in MESSAGES:
            child = _child(node, place, made.dropped)
            made.messages.append((node.name, child if isinstance(child, Branch) else Branch(place)))
        else:
            made.findings.append(found(k.UNKNOWN_MESSAGE, source_pointer=place))
            made.dropped.append(place)
    return made


def _placed(nodes: Sequence[Node], at: str) -> Iterator[tuple[Node, str]]:
    met: Counter[str] = Counter()
    for node in nodes:
        met[node.name] += 1
        yield node, f"{at}/{shortened(node.name)}[{met[node.name]}]"


def _child(node: Node, at: str, dropped: list[str]) -> Text | Branch:
    dropped += [f"{at}/@{shortened(name)}" for name in node.attributes]
    if not node.children:
        return Text(node.text, at)
    return Branch(at, [(child.name, _child(child, place, dropped)) for child, place in _placed(node.children, at)])


def written(messages: Sequence[tuple[str, Branch]]) -> bytes:
    """The messages in UTF-8; more or less than one stand in `post`."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    space = f' xmlns="{SPACE}"'
    if len(messages) == 1:
        lines += _lines(*messages[0], "", space)
    else:
        inside = [line for message in messages for line in _lines(*message, " ", "")]
        lines += [f"<{ENVELOPE}{space}>", *inside, f"</{ENVELOPE}>"]
    return "\n".join((*lines, "")).encode("utf-8", "replace")


def _lines(name: str, child: Text | Branch, indent: str, space: str) -> Iterator[str]:
    if isinstance(child, Text):
        yield f"{indent}<{name}{space}>{escape(child.text)}</{name}>"
        return
    yield f"{indent}<{name}{space}>"
    for inner, below in child.children:
        yield from _lines(inner, below, f"{indent} ", "")
    yield f"{indent}</{name}>"

"""XML as the contract has it, to and from the tree that the table describes.

Four things are told otherwise in the tree: an attribute is a text named '@value'; a communication and the number of a
transport document carry their type in the name ('communication@EM', 'documentNumber@N750'); and a commodity code is
one text of six or eight digits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from tidewaiter.formats.ics2.shape import SPACE
from tidewaiter.formats.post.node import Branch, Text
from tidewaiter.formats.text import shortened
from tidewaiter.formats.tree import Node

COMMUNICATION, DOCUMENT, CODE = "communication", "transportDocumentHouseLevel", "commodityCode"
HS6, CN2 = "harmonizedSystemSubHeadingCode", "combinedNomenclatureCode"
POST, HOUSE_BILL = "N750", "N703"
"""Types of transport document: by post, and a house waybill. Source: EU code list CL754."""
_CHANNELS = ("EM", "TE")


def tree_of(node: Node, at: str, dropped: list[str]) -> Text | Branch:
    """The element as a tree; `dropped` grows by the places of what the tree cannot tell."""
    if not node.children and not node.attributes:
        return Text(node.text, at)
    branch = Branch(at, [(f"@{name}", Text(text, f"{at}/@{name}")) for name, text in node.attributes.items()])
    if node.text:
        dropped.append(at)
    met: Counter[str] = Counter()
    for child in node.children:
        met[child.name] += 1
        below = tree_of(child, f"{at}/{shortened(child.name)}[{met[child.name]}]", dropped)
        branch.children.append((child.name, below))
    return _told_otherwise(node.name, branch, dropped)


def _told_otherwise(name: str, branch: Branch, dropped: list[str]) -> Branch:
    if name == DOCUMENT:
        return Branch(branch.at, _typed(branch, "documentNumber", {POST: POST}, HOUSE_BILL, dropped))
    if name == CODE:
        return Branch(branch.at, _joined(branch))
    children = []
    for called, child in branch.children:
        if called == COMMUNICATION and isinstance(child, Branch):
            known = {f"{channel}": channel for channel in _CHANNELS}
            told = _typed(child, "identifier", known, "", dropped)
            children += [(f"{COMMUNICATION}{one.removeprefix('identifier')}", below) for one, below in told]
        else:
            children.append((called, child))
    return Branch(branch.at, children)


def _typed(
    branch: Branch, value: str, known: dict[str, str], other: str, dropped: list[str]
) -> list[tuple[str, Text | Branch]]:
    """The children with the type in the name of the value; `other` stands for a type that is not known, '' for none."""
    texts = {called: child for called, child in branch.children if isinstance(child, Text)}
    type_ = texts.get("type")
    name = known.get(type_.text, other) if type_ else other
    if type_ is not None and type_.text != name:
        dropped.append(type_.at)
    kept = [(called, child) for called, child in branch.children if called != "type"]
    if not name:
        dropped += branch.places()
        return []
    return [(f"{called}@{name}" if called == value else called, child) for called, child in kept]


def _joined(branch: Branch) -> list[tuple[str, Text | Branch]]:
    """The six digits and the two that may follow as one text."""
    texts = {called: child for called, child in branch.children if isinstance(child, Text)}
    if len(branch.children) != 2 or set(texts) != {HS6, CN2}:
        return branch.children
    return [(HS6, Text(texts[HS6].text + texts[CN2].text, texts[HS6].at))]


def document(messages: Sequence[tuple[str, Branch]]) -> bytes:
    """The messages in UTF-8; more or less than one stand in `messages`, for which there is no schema."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    if len(messages) == 1:
        lines += element(*messages[0], space=f' xmlns="{SPACE}"')
    else:
        inside = [line for message in messages for line in element(*message)]
        lines += [f'<messages xmlns="{SPACE}">', *inside, "</messages>"]
    return "\n".join((*lines, "")).encode("utf-8", "replace")


def element(name: str, child: Text | Branch, *, space: str = "") -> Iterator[str]:
    """The lines of an element."""
    if isinstance(child, Text):
        yield from _text(name, child.text, space)
        return
    texts = {called: one.text for called, one in child.children if isinstance(one, Text)}
    attributes = "".join(f" {called[1:]}={quoteattr(text)}" for called, text in texts.items() if called[0] == "@")
    if attributes:
        yield f"<{name}{space}{attributes}/>"
        return
    yield f"<{name}{space}>"
    for called, one in child.children:
        yield from element(called, one)
    yield f"</{name}>"


def _text(name: str, text: str, space: str) -> Iterator[str]:
    base, _, type_ = name.partition("@")
    if base == COMMUNICATION:
        yield f"<{base}><identifier>{escape(text)}</identifier><type>{type_}</type></{base}>"
    elif type_:
        yield f"<{base}>{escape(text)}</{base}><type>{type_}</type>"
    elif name == HS6:
        yield f"<{HS6}>{escape(text[:6])}</{HS6}>"
        if len(text) > 6:
            yield f"<{CN2}>{escape(text[6:8])}</{CN2}>"
    else:
        yield f"<{name}{space}>{escape(text)}</{name}>"

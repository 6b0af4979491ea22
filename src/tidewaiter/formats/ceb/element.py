"""Elements to be written, and the bytes they make."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from tidewaiter.formats.ceb.tables import SPACE


class Element(NamedTuple):
    """An element to be written: with a text or with others in it."""

    name: str
    text: str = ""
    children: Sequence[Element] = ()


def plain(value: Decimal) -> str:
    """A number in digits, without needless noughts."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def document(messages: Sequence[tuple[str, str, Sequence[Element]]], *, prefix: str) -> bytes:
    """Messages in UTF-8, each as its root, its guid and what is in it. More or less than one stand in an element
    `Messages`, which is no part of the dialect."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    if len(messages) != 1:
        lines.append("<Messages>")
    colon = f"{prefix}:" if prefix else ""
    space = f"xmlns:{prefix}" if prefix else "xmlns"
    for root, guid, elements in messages:
        lines.append(f'<{colon}{root} guid={quoteattr(guid)} version="1.0" {space}="{SPACE}">')
        lines += [line for element in elements for line in _lines(element, colon, "  ")]
        lines.append(f"</{colon}{root}>")
    if len(messages) != 1:
        lines.append("</Messages>")
    return "\n".join((*lines, "")).encode()


def _lines(element: Element, colon: str, indent: str) -> Iterator[str]:
    if not element.children:
        yield f"{indent}<{colon}{element.name}>{escape(element.text)}</{colon}{element.name}>"
        return
    yield f"{indent}<{colon}{element.name}>"
    for child in element.children:
        yield from _lines(child, colon, indent + "  ")
    yield f"{indent}</{colon}{element.name}>"

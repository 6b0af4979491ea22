"""Elements as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from tidewaiter.formats.wco_dms.passing import Element
from tidewaiter.formats.wco_dms.values import INSTANT_ELEMENT

META_SPACE = "urn:wco:datamodel:WCO:DocumentMetaData-DMS:2"
MODEL_VERSION = "3.6"


def message(parts: Iterable[tuple[str, Sequence[Element]]], *, type: str, space: str, types_space: str) -> bytes:
    """A message in UTF-8: a `MetaData` for each country with its declarations or answers.

    `type` is DEC or RES, `space` the namespace of what is inside, `types_space` that of instants in it. The schema
    lets one declaration or answer stand in a message; where there are more, they follow each other all the same, and
    those of several countries stand in an element `Messages`.
    """
    spaces = {"xmlns:md": META_SPACE, "xmlns": space, "xmlns:p1": types_space}
    roots = []
    for country, elements in parts:
        head = (
            ("WCODataModelVersionCode", MODEL_VERSION),
            ("WCOTypeName", type),
            ("ResponsibleCountryCode", country),
        )
        children = [Element(f"md:{name}", text) for name, text in head if text]
        roots.append(Element("md:MetaData", attributes=spaces, children=[*children, *elements]))
    root = roots[0] if len(roots) == 1 else Element("Messages", children=roots)
    return "\n".join(('<?xml version="1.0" encoding="UTF-8"?>', *_text(root, ""), "")).encode()


def _text(element: Element, indent: str) -> Iterator[str]:
    name = f"p1:{element.name}" if element.name == INSTANT_ELEMENT else element.name
    attributes = "".join(f" {key}={quoteattr(value)}" for key, value in element.attributes.items())
    if not element.children:
        yield f"{indent}<{name}{attributes}>{escape(element.text)}</{name}>"
        return
    yield f"{indent}<{name}{attributes}>"
    for child in element.children:
        yield from _text(child, indent + "  ")
    yield f"{indent}</{name}>"

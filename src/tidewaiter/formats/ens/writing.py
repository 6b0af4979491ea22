"""Records as messages: the shape of the message says which element is which field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from tidewaiter.formats.ens.shape import SPACE, Group, Leaf, Message
from tidewaiter.formats.text import UNFIT

LANGUAGE = "EN"
"""The language of what we say in words."""
_FORMATS = {"date": "%y%m%d", "time": "%H%M"}


class Element(NamedTuple):
    """An element to be written: with a text or with others in it."""

    name: str
    text: str = ""
    children: Sequence[Element] = ()


def element_of(record: Any, message: Message) -> Element:
    """The message that says what the record holds; elements for which it holds nothing are left out."""
    return Element(message.name, children=_children(record, message.root, 1))


def document(elements: Sequence[Element]) -> bytes:
    """The messages in UTF-8; more or less than one stand in an element `Messages`, for which there is no schema."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    if len(elements) == 1:
        lines += _root(elements[0], "")
    else:
        lines += ["<Messages>", *(line for one in elements for line in _root(one, "  ")), "</Messages>"]
    return "\n".join((*lines, "")).encode()


def _root(element: Element, indent: str) -> Iterator[str]:
    yield f'{indent}<ie:{element.name} xmlns:ie="{SPACE}{element.name}">'
    for child in element.children:
        yield from _lines(child, indent + "  ")
    yield f"{indent}</ie:{element.name}>"


def _lines(element: Element, indent: str) -> Iterator[str]:
    if not element.children:
        yield f"{indent}<{element.name}>{escape(element.text)}</{element.name}>"
        return
    yield f"{indent}<{element.name}>"
    for child in element.children:
        yield from _lines(child, indent + "  ")
    yield f"{indent}</{element.name}>"


def _children(record: Any, group: Group, number: int) -> list[Element]:
    """The elements in a group that is about the record, which stands in its list at this number."""
    children: list[Element] = []
    last = -1
    for element in group.inner.values():
        if isinstance(element, Group):
            found = list(_groups(record, element))
        else:
            text = _language(element, last) or _text(record, element, group, number)
            found = [Element(element.name, text)] if text else []
        if found:
            children += found
            last = element.place
    return children


def _language(leaf: Leaf, last: int) -> str:
    """The language, right after the words it is about."""
    return LANGUAGE if leaf.field == "=language" and last == leaf.place - 1 else ""


def _groups(record: Any, group: Group) -> Iterator[Element]:
    if group.is_list_of_texts:
        for text in _texts(record, group.field.removesuffix("[]")):
            [name] = [leaf.name for leaf in group.inner.values() if isinstance(leaf, Leaf) and leaf.field == "."]
            yield Element(group.name, children=(Element(name, written(text)),))
        return
    if group.struct is None:
        inside: Iterable[Any] = (record,)
    else:
        inside = getattr(record, group.field)
        if group.role:
            inside = [party for party in inside if party.role == group.role][:1]
    for number, one in enumerate(inside, start=1):
        children = _children(one, group, number)
        if children or group.struct is not None:  # a record of a list keeps its place, whatever it holds
            yield Element(group.name, children=children)


def _texts(record: Any, field: str) -> Iterable[str]:
    """The texts of a list; `seals` are those of all that has seals."""
    if field == "seals":
        return [seal for one in record.equipment for seal in one.seals]
    return value_of(record, field) or ()


def _text(record: Any, leaf: Leaf, group: Group, number: int) -> str:
    """What stands in the element, '' where nothing does."""
    field = leaf.field
    if not field or field == "=language":
        return ""
    if field == "=type":
        return group.name
    if field.startswith("="):
        name, _, part = field[1:].partition(":")
        instant = getattr(record, name)
        return "" if instant is None else instant.astimezone(UTC).strftime(_FORMATS[part])
    listed, _, told = field.partition(":")
    if told:
        by, value = ("role", "id") if listed == "parties" else ("scheme", "code")
        found = (getattr(one, value) for one in getattr(record, listed) if getattr(one, by) == told)
        return written(next(found, None))
    if field == "sequence" and record.sequence is None:
        return str(number)  # the schema wants one
    return written(value_of(record, field))


def value_of(record: Any, field: str) -> Any:
    """The value of 'ucr' or 'transport.border_mode'; None where it or the record around it is not there."""
    for name in field.split("."):
        record = getattr(record, name, None)
    return record


def written(value: Any) -> str:
    """A value as text: instants in UTC to the minute, numbers in digits; '' for none."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y%m%d%H%M}"
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return UNFIT.sub(" ", str(value)).strip()

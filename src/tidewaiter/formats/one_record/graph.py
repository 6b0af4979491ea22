"""JSON-LD as objects with their place, every reference looked up in the message itself and nothing fetched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from tidewaiter.formats.json.kinds import MALFORMED, NOT_UTF8, TOO_DEEP, TWICE
from tidewaiter.formats.one_record.kinds import OVER_LIMIT, REFERENCE
from tidewaiter.formats.text import found, shortened
from tidewaiter.formats.tree import Node
from tidewaiter.model.finding import Finding

NODES_MAX = 200_000
"""So many objects and values are put together of one message."""
_VISITS, _VISITS_MORE = 10, 2_000
"""What a message refers to again and again is looked at so many times as often as there are values in it, and so many
times more: a few objects that refer to each other ten times could be put together without end."""
DEPTH_MAX = 60
FINDINGS_MAX = 200
"""So many references that lead nowhere are listed."""
_KNOWN = {"cargo": "", "https://onerecord.iata.org/ns/cargo": "", "http://onerecord.iata.org/ns/cargo": ""}
_KEYWORDS = ("@id", "@type", "@context", "@value", "@language")


class Object(dict[str, Any]):
    """An object of the message and the JSON pointer to it."""

    at = ""


class Parsed(NamedTuple):
    """The tree of a message, None where it is none, and what is wrong with it."""

    tree: Any
    findings: tuple[Finding, ...] = ()


def parsed(data: bytes) -> Parsed:
    """The message as objects and lists; numbers stay as they are written."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Parsed(None, (found(NOT_UTF8, f"byte {error.start + 1} begins no character"),))
    twice: list[str] = []

    def made(pairs: list[tuple[str, Any]]) -> Object:
        one = Object(pairs)
        if len(one) != len(pairs):
            names = [name for name, _ in pairs]
            twice.extend(name for name in one if names.count(name) > 1)
        return one

    try:
        tree = json.loads(text, object_pairs_hook=made, parse_int=str, parse_float=str, parse_constant=_refuse)
        _place(tree, "", 0)
    except json.JSONDecodeError as stop:
        return Parsed(None, (found(MALFORMED, f" (line {stop.lineno}, column {stop.colno})"),))
    except RecursionError:
        return Parsed(None, (found(TOO_DEEP),))
    except ValueError:
        return Parsed(None, (found(MALFORMED),))
    return Parsed(tree, tuple(found(TWICE, f"“{shortened(name)}”") for name in dict.fromkeys(twice)))


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _place(value: Any, at: str, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise RecursionError
    if isinstance(value, Object):
        value.at = at
        for name, inside in value.items():
            _place(inside, f"{at}/{shortened(name)}", depth + 1)
    elif isinstance(value, list):
        for number, inside in enumerate(value):
            _place(inside, f"{at}/{number}", depth + 1)


def types_of(one: Object) -> list[str]:
    """The types of an object as they are written, one or many; whatever else stands there is none."""
    listed = one.get("@type")
    return [name for name in (listed if isinstance(listed, list) else [listed]) if isinstance(name, str)]


class Graph:
    """All objects of a message by their id, and nodes made of them."""

    def __init__(self, tree: Any) -> None:
        self.objects: list[Object] = list(_objects(tree))
        self.by_id = {one["@id"].strip(): one for one in self.objects if _is_whole(one)}
        self.prefixes = {name for one in self.objects for name in _prefixes(one)} | {"cargo", "api"}
        self.places: dict[int, str] = {}
        self.findings: list[Finding] = []
        self.is_full = False
        self._visits_max = _VISITS * _values(tree) + _VISITS_MORE
        self._visits = 0

    def of_type(self, name: str) -> list[Object]:
        """The objects of this type that say something, in the order of the message."""
        return [one for one in self.objects if name in self.types(one) and not _is_reference(one)]

    def types(self, one: Object) -> list[str]:
        """The types of an object by their local names, capitals first as the ontology has them."""
        names = (self.local(name) for name in types_of(one))
        return [name[:1].upper() + name[1:] for name in names if name]

    def local(self, name: str) -> str:
        """The name without the prefix or address of the ontology; one of another stays whole."""
        for mark in ("#", ":"):
            space, found, rest = name.rpartition(mark)
            if found and space in _KNOWN:
                return rest
        return name

    def object(self, value: Any) -> Object | None:
        """The object that a value is or refers to; None for other values."""
        if not isinstance(value, Object):
            return None
        id = value.get("@id")
        known = self.by_id.get(id.strip()) if isinstance(id, str) else None
        return known if known is not None and _is_reference(value) else value

    def node(self, name: str, one: Object, seen: tuple[int, ...] = ()) -> Node:
        """The object as a node of this name, what it refers to put in. An object inside itself is left out."""
        made = self.leaf(name, "", one.at)
        for key, value in one.items():
            if key in _KEYWORDS:
                continue
            listed = value if isinstance(value, list) else [value]
            for place, entry in enumerate(listed):
                at = f"{one.at}/{shortened(key)}" + (f"/{place}" if isinstance(value, list) else "")
                made.children += self._inside(self.local(key), entry, at, (*seen, id(one)))
        return made

    def leaf(self, name: str, text: str, at: str) -> Node:
        """A node with a text. Beyond the limit every place is the last, and a finding says so once."""
        index = len(self.places) + 1
        if index > NODES_MAX:
            self._fill(NODES_MAX, at)
        self.places[index] = at
        return Node(name, "", {}, index, text)

    def _fill(self, most: int, at: str) -> None:
        if not self.is_full:
            self.is_full = True
            self.findings.append(found(OVER_LIMIT, f"{most:,}", source_pointer=at))

    def _inside(self, name: str, value: Any, at: str, seen: tuple[int, ...]) -> Iterator[Node]:
        self._visits += 1
        if self._visits > self._visits_max:
            self._fill(self._visits_max, at)
        if self.is_full or value is None:
            return
        if not isinstance(value, Object):
            if isinstance(value, str | bool):
                text = str(value).lower() if isinstance(value, bool) else value
                yield self.leaf(name, text.strip(), at)
            return
        if "@value" in value:
            yield from self._inside(name, value["@value"], f"{at}/@value", seen)
            return
        whole = self.object(value)
        if whole is None or id(whole) in seen or len(seen) > DEPTH_MAX:
            return
        if not _is_reference(whole) or "@id" not in whole:  # one without an id that says nothing is there all the same
            yield self.node(name, whole, seen)
            return
        code = self._code(whole.get("@id"))
        if code:
            yield self.leaf(name, code, f"{at}/@id")
        elif len(self.findings) < FINDINGS_MAX:
            self.findings.append(found(REFERENCE, source_pointer=f"{at}/@id"))

    def _code(self, id: Any) -> str:
        """The code that an id of a code list stands for: what is after '#', or after a prefix of the context."""
        if not isinstance(id, str):
            return ""
        _, mark, code = id.strip().rpartition("#")
        if mark:
            return code
        prefix, mark, code = id.strip().partition(":")
        return code if mark and prefix in self.prefixes else ""


def _objects(value: Any) -> Iterator[Object]:
    if isinstance(value, Object):
        yield value
        for name, inside in value.items():
            if name != "@context":
                yield from _objects(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from _objects(inside)


def _values(value: Any) -> int:
    """How many objects and other values there are."""
    if isinstance(value, Object):
        return 1 + sum(map(_values, value.values()))
    return sum(map(_values, value)) if isinstance(value, list) else 1


def _is_reference(one: Object) -> bool:
    """Whether it says no more than which object is meant."""
    return "@value" not in one and not one.keys() - set(_KEYWORDS)


def _is_whole(one: Object) -> bool:
    return isinstance(one.get("@id"), str) and not _is_reference(one)


def _prefixes(one: Object) -> Iterator[str]:
    context = one.get("@context")
    for part in context if isinstance(context, list) else [context]:
        if isinstance(part, Object):
            yield from part

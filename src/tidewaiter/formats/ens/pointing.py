"""Where a field of ours stands in the message, as a path such as '/ie:CC315A[1]/GOOITEGDS[2]/GroMasGDS46[1]'."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidewaiter.formats.ens.shape import Group, Leaf
from tidewaiter.formats.reading import Declared


def path_of(pointer: str, declared: Declared, root: Group, at: str) -> str:
    """The path to the field at our `pointer`, below `at`.

    A field that was not sent is pointed to where it would stand, one that the message has no place for, to the group
    around it.
    """
    steps = [step for step in pointer.split("/") if step]
    record: Any = declared.consignment
    group = root
    while steps:
        if len(steps) > 1 and steps[1].isdecimal():
            found = _in_list(group, record, steps[0], int(steps[1]))
            taken = 2
        else:
            found, taken = _leaf(group, steps)
        if found is None:
            found, taken = _in_list_of_texts(group, steps), len(steps)
        if found is None:
            return at
        path, element = found
        at = f"{at}/{path}"
        if isinstance(element, Leaf) or element.is_list_of_texts:
            return at
        records = getattr(record, steps[0], ())
        record = records[int(steps[1])] if int(steps[1]) < len(records) else None
        group, steps = element, steps[taken:]
    return at


_Found = tuple[str, "Group | Leaf"]


def _walk(group: Group, path: str = "") -> Iterator[_Found]:
    """Every element that is about the same record, with its path."""
    for element in group.inner.values():
        yield f"{path}{element.name}[1]", element
        if isinstance(element, Group) and element.struct is None and not element.is_list_of_texts:
            yield from _walk(element, f"{path}{element.name}[1]/")


def _leaf(group: Group, steps: list[str]) -> tuple[_Found | None, int]:
    for length in (len(steps), 1):
        field = ".".join(steps[:length])
        for path, element in _walk(group):
            if isinstance(element, Leaf) and element.field and element.field.lstrip("=").partition(":")[0] == field:
                return (path, element), length
    return None, 0


def _in_list(group: Group, record: Any, name: str, place: int) -> _Found | None:
    """The element of one record of a list: told apart by role or scheme where the message does so."""
    records = getattr(record, name, ())
    told = ""
    if name in ("parties", "codes"):
        if place >= len(records):
            return None
        told = records[place].role if name == "parties" else records[place].scheme
    for path, element in _walk(group):
        if isinstance(element, Leaf):
            if told and element.field == f"{name}:{told}":
                return path, element
        elif element.field == name and element.role == (told if name == "parties" else ""):
            return (path if told else _numbered(path, place)), element
    return _in_list_of_texts(group, [name, str(place)])


def _in_list_of_texts(group: Group, steps: list[str]) -> _Found | None:
    """The element of a text in a list: a country passed, an office, a seal."""
    if not steps[-1].isdecimal():
        return None
    field = ".".join(steps[:-1])
    field = "seals" if steps[0] == "equipment" and steps[-2] == "seals" else field
    for path, element in _walk(group):
        if isinstance(element, Group) and element.field == f"{field}[]":
            [leaf] = [one for one in element.inner.values() if isinstance(one, Leaf) and one.field == "."]
            return f"{_numbered(path, int(steps[-1]))}/{leaf.name}[1]", element
    return None


def _numbered(path: str, place: int) -> str:
    return f"{path.removesuffix('[1]')}[{place + 1}]"

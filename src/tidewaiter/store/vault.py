"""Parting what is personal in a record from the rest, by the privacy class of each field, and joining it again."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any, Literal, NamedTuple, get_args, get_origin

import msgspec

from tidewaiter.model import about
from tidewaiter.model.consignment import Consignment

Purpose = Literal["assess", "control", "answer", "compare", "subject_request"]
"""What personal data may be read for."""

PRIVATE = ("personal", "sensitive")


class Parted(NamedTuple):
    """A consignment in two parts, each JSON: `open_part` without what is personal, and that by JSON pointer."""

    open_part: bytes
    private: bytes


def part(record: Consignment) -> Parted:
    """The record without what is personal, and what is personal in it."""
    tree: dict[str, Any] = msgspec.to_builtins(record, builtin_types=(Decimal,))
    private: dict[str, Any] = {}
    _take_out(tree, _PRIVATE, "", private)
    return Parted(msgspec.json.encode(tree), msgspec.json.encode(private))


def join(open_part: bytes, private: bytes | None) -> Consignment:
    """The record again. Without its private part (not asked for, or destroyed) it lacks what is personal."""
    tree = msgspec.json.decode(open_part)
    for pointer, value in (msgspec.json.decode(private) if private is not None else {}).items():
        *above, name = pointer.split("/")[1:]
        place = tree
        for step in above:
            place = place[int(step)] if isinstance(place, list) else place[step]
        place[name] = value
    return msgspec.convert(tree, Consignment, strict=True)


def private_paths(struct: type[msgspec.Struct] = Consignment, path: str = "") -> Iterator[str]:
    """Each field that goes into the vault, as a pointer without places: '/parties/name'."""
    for name, below in _private_fields(struct).items():
        if below is None:
            yield f"{path}/{name}"
        else:
            yield from private_paths(below, f"{path}/{name}")


@cache
def _private_fields(struct: type[msgspec.Struct]) -> dict[str, type[msgspec.Struct] | None]:
    """The fields to look into: None for one that is itself private, else the record inside it that holds such.

    A record or list of records is parted field by field, so that a party's role and country stay readable even where
    the list as a whole counts as personal.
    """
    fields: dict[str, type[msgspec.Struct] | None] = {}
    for name, kind, known in about.fields(struct):
        inner = get_args(kind)[0] if get_origin(kind) is tuple else kind
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            if _private_fields(inner):
                fields[name] = inner
        elif known is None or known.privacy in PRIVATE:
            fields[name] = None
    return fields


def _take_out(tree: dict[str, Any], fields: _Fields, path: str, private: dict[str, Any]) -> None:
    for name in fields.private:
        value = tree.pop(name, None)
        if value is not None:
            private[f"{path}/{name}"] = value
    for name, below in fields.below:
        value = tree.get(name)
        if not value:
            continue
        if isinstance(value, dict):
            _take_out(value, below, f"{path}/{name}", private)
        else:
            for place, entry in enumerate(value):
                _take_out(entry, below, f"{path}/{name}/{place}", private)


class _Fields(NamedTuple):
    """The fields of a record that are themselves private, and those that hold records with such."""

    private: tuple[str, ...]
    below: tuple[tuple[str, _Fields], ...]


def _fields_of(struct: type[msgspec.Struct]) -> _Fields:
    found = _private_fields(struct)
    return _Fields(
        tuple(name for name, below in found.items() if below is None),
        tuple((name, _fields_of(below)) for name, below in found.items() if below is not None),
    )


_PRIVATE = _fields_of(Consignment)

"""Records of ours as messages of the profile: the tree of each, for any of the four forms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

import msgspec

from tidewaiter.formats.edifact.values import clean
from tidewaiter.formats.post.node import Branch, Text
from tidewaiter.formats.post.reading import FORMS, country_of
from tidewaiter.formats.post.shape import MESSAGES, RECORD, RECORDS, SAME, Group, Leaf
from tidewaiter.model.answer import Answer, AnswerKind
from tidewaiter.model.consignment import Consignment, Party
from tidewaiter.model.movement import Dispatch, ItemEvent, Movement

PLACES = ("submitter", "consignor", "consignee")
"""Roles that a message has a place for; others are told one by one."""


ANSWERS: Mapping[AnswerKind, str] = {kind: f"CUSRSP response {kind}" for kind in get_args(AnswerKind)}
"""How each answer is said here, by kind; two that are said alike are read as the first of them."""
POINTERS = "as the form has it: `/item/0/content/0/description`, or row and column, XPath, segment"
"""How a place in a message is pointed at."""


def write_as(
    records: Sequence[Consignment] | Sequence[Answer] | Sequence[Movement], *, message: str, form: str = "json"
) -> bytes:
    """The records as messages of that name, in one of the forms `FORMS`. Those with the same head share a message.

    A record that this message is not for is left out. Raises KeyError where there is no such message or form.
    """
    group, struct = MESSAGES[message], RECORDS[message]
    messages: list[tuple[str, Branch]] = []
    for record in records:
        if not isinstance(record, struct):
            continue
        branch = branch_of(record, group)
        if group.records is not group:
            told = branch_of(record, group.records)
            if messages and messages[-1][1].children[: len(branch.children)] == branch.children == _head(
                messages[-1][1]
            ):
                branch = messages.pop()[1]
            branch.children.append((group.records.name, told))
        messages.append((message, branch))
    written: bytes = FORMS[form].written(messages)
    return written


def movements_as(movements: Sequence[Movement], *, form: str = "json") -> bytes:
    """The movements in one form, events if there are any and else dispatches, since a file holds one kind."""
    is_event = any(isinstance(one, ItemEvent) for one in movements)
    kind: type[Dispatch] | type[ItemEvent] = ItemEvent if is_event else Dispatch
    chosen = [one for one in movements if isinstance(one, kind)]
    return write_as(chosen, message="EMSEVT" if is_event else "PREDES", form=form)


def _head(branch: Branch) -> list[tuple[str, Text | Branch]]:
    return [one for one in branch.children if isinstance(one[1], Text)]


def branch_of(record: Any, group: Group) -> Branch:
    """What the record says in that group, without the records that the group itself holds."""
    branch = Branch("")
    for name, element in group.inner.items():
        if isinstance(element, Leaf):
            text = _text(_value(record, element), element)
            if text:
                branch.children.append((name, Text(text, "")))
        elif element.field == SAME:
            inside = branch_of(record, element)
            if inside.children:
                branch.children.append((name, inside))
        elif element.field not in ("", RECORD):
            branch.children += [(name, branch_of(one, element)) for one in _entries(record, element)]
    return branch


def _value(record: Any, leaf: Leaf) -> Any:
    name, _, of_role = leaf.field.partition(":")
    if of_role:
        role, _, inner = of_role.partition(".")
        party = _in_places(record.parties).get(role)
        return getattr(party, inner) if party is not None else None
    if leaf.need != "M" and isinstance(record, Consignment) and _goes_without_saying(record, name):
        return None
    return getattr(record, name) if name else None


def _in_places(parties: Sequence[Party]) -> dict[str, Party]:
    """The parties that stand in a place of their own: the first sender and addressee, and a submitter that gives its
    number alone."""
    placed: dict[str, Party] = {}
    for party in parties:
        if party.role in PLACES and party != Party(role=party.role):
            placed.setdefault(party.role, party)
    said = dict(placed)
    submitter = said.get("submitter")
    if submitter is not None and submitter != Party(role="submitter", id=submitter.id):
        del said["submitter"]
    return said


def _goes_without_saying(record: Consignment, name: str) -> bool:
    if name == "jurisdiction":
        return record.jurisdiction == country_of(msgspec.structs.asdict(record))
    return {
        "reference": record.reference == record.tracking_id,
        "function": record.function == "original",
        "direction": record.direction == "import",
    }.get(name, False)


def _entries(record: Any, inner: Group) -> Iterator[Any]:
    """What stands in the list or field that the group is about: all of it is told in one group or another."""
    value = getattr(record, inner.field)
    if inner.role:
        yield from [one for one in value if one.role == inner.role and one != Party(role=one.role)][:1]
    elif inner.field == "parties":
        placed = _in_places(value)
        yield from (party for party in value if placed.get(party.role) is not party)
    elif inner.many:
        yield from value
    elif value is not None:
        yield value


def _text(value: Any, leaf: Leaf) -> str:
    if value is None:
        return ""
    if leaf.is_coded:
        value = next((code for code, word in leaf.codes.items() if word == value), value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return clean(str(value))

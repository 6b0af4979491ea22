"""The schema stage: one element after the other is compared with the shape and put into its field, in one go.

What does not fit is a finding with the official number 4065, with its place in their message and in our record. A
record of a list is kept even where values of it were not, so that the places of the others stay what they were.
"""

from __future__ import annotations

import functools
import re
from typing import Any

import msgspec

from tidewaiter.formats.ens.kinds import CONTENT, UNFIT
from tidewaiter.formats.ens.part import Part
from tidewaiter.formats.ens.shape import Group, Leaf, Message, Misfit, has_digits_of_mass
from tidewaiter.formats.plan import Trace
from tidewaiter.formats.text import found, keep, shortened
from tidewaiter.formats.tree import AND_MORE, Node
from tidewaiter.model.consignment import Document
from tidewaiter.model.finding import Finding, Kind

FINDINGS_MAX = 1_000
"""So many findings are kept of one message."""
_BLANKS = re.compile("[ \t\r\n]+")
"""Where the schema counts one blank for several; those of other scripts are text like any other."""
TRANSPORT_TYPES = ("7",)
"""How the types of transport documents begin, an N before them not counted. Source: UNECE code list 1001."""


class Taker:
    """What comes together while a message is taken apart."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.kept = 0
        self.dropped: list[str] = []
        self.fits = True

    def note(self, kind: Kind, detail: str, *, pointer: str, at: str) -> None:
        """Keep a finding; past the limit, say once that there are more."""
        noted = found(kind, detail, pointer=pointer, source_pointer=at)
        keep(noted, self.findings, most=FINDINGS_MAX, more=AND_MORE)

    def fault(self, detail: str, *, pointer: str, at: str) -> None:
        """Keep what does not fit the schema; then no business rule is asked."""
        self.fits = False
        self.note(CONTENT, detail, pointer=pointer, at=at)

    def drop(self, node: Node, at: str) -> None:
        """Note every text in and under an element as one without a field."""
        if node.text:
            self.dropped.append(at)
        for child in node.children:
            self.drop(child, f"{at}/{child.name}")


def take_apart(
    node: Node, message: Message, taker: Taker, *, at: str, trace: Trace | None = None
) -> tuple[Part, dict[str, Any]]:
    """The message as parts for the rules, and as fields of our record: lists are still lists in it.

    `at` is the path of the message, '/ie:CC315A[1]'. Where there is a trace, what is done is noted in it.
    """
    part = Part(message.root, None, at=at, begins=node.index)
    fields: dict[str, Any] = {}
    _take(node, part, fields, taker, trace)
    return part, fields


def _take(node: Node, part: Part, into: dict[str, Any], taker: Taker, trace: Trace | None) -> None:
    group = part.group
    if node.text:
        taker.fault(f"{group.name} holds text and should hold elements", pointer=part.pointer, at=part.at)
        taker.dropped.append(part.at)
    place = -1
    texts, groups, inner = part.texts, part.groups, group.inner
    for child in node.children:
        name = child.name
        element = inner.get(name)
        if element is None:
            where = f"{part.at}/{shortened(name)}[1]"
            taker.fault(f"{shortened(name)} is not known in {group.name}", pointer=part.pointer, at=where)
            taker.drop(child, where)
            continue
        if element.place < place:
            where = f"{part.at}/{name}[1]"
            taker.fault(f"{name} stands too late in {group.name}", pointer=pointer_in(part, name), at=where)
        else:
            place = element.place
        if isinstance(element, Leaf):
            if name in texts:
                where = f"{part.at}/{name}[2]"
                taker.fault(f"{name} stands more than once in {group.name}", pointer=part.pointer, at=where)
                taker.drop(child, where)
            else:
                _take_text(child, element, part, into, taker)
                if trace is not None:
                    element.note(trace, child)
        else:
            _take_group(child, element, part, into, taker, trace=trace)
    for name in group.required:
        if name not in texts and name not in groups:
            says = inner[name].says
            taker.fault(f"{name} ({says}) is missing in {group.name}", pointer=pointer_in(part, name), at=part.at)


def _take_text(node: Node, leaf: Leaf, part: Part, into: dict[str, Any], taker: Taker) -> None:
    text = node.text
    if leaf.is_kept_as_it_is and text.isascii() and text.isprintable() and "  " not in text and leaf.fits(text):
        part.texts[leaf.name] = into[leaf.field] = text
        taker.kept += 1
        return
    if leaf.keeps_blanks:
        text = node.whole or text
    elif "  " in text or not text.isprintable():
        text = _BLANKS.sub(" ", text)
    part.texts[leaf.name] = text
    if node.children or not leaf.fits(text) or (leaf.is_mass and not has_digits_of_mass(text)):
        where = f"{part.at}/{leaf.name}[1]"
        detail = f"{leaf.name} ({leaf.says}) should be {leaf.words}"
        taker.fault(detail, pointer=pointer_in(part, leaf.name), at=where)
        taker.drop(node, where)
        return
    if leaf.keep is None:
        taker.dropped.append(f"{part.at}/{leaf.name}[1]")
        return
    try:
        leaf.keep.into(into, text)
    except Misfit as misfit:
        where = f"{part.at}/{leaf.name}[1]"
        if misfit.args:
            detail = f"{leaf.name} ({leaf.says}) should be {misfit}"
            taker.note(UNFIT, detail, pointer=pointer_in(part, leaf.name), at=where)
        taker.dropped.append(where)
        return
    taker.kept += 1


def _take_group(
    node: Node, group: Group, part: Part, into: dict[str, Any], taker: Taker, *, trace: Trace | None
) -> None:
    number = len(part.groups.get(group.name, ())) + 1
    if group.most is not None and number > group.most:
        where = f"{part.at}/{group.name}[{number}]"
        taker.fault(f"{group.name} stands more than {group.most} times", pointer=part.pointer, at=where)
    if group.struct is None:
        inside = Part(group, part, number=number, begins=node.index)
        part.add(inside)
        _take(node, inside, into, taker, trace)
        return
    field = group.field
    records = into.get(field)
    if records is None:
        records = into[field] = []
    inside = Part(group, part, number=number, record=len(records), begins=node.index)
    part.add(inside)
    own: dict[str, Any] = {}
    kept, dropped = taker.kept, len(taker.dropped)
    inner = None if trace is None else trace.inside(node)
    _take(node, inside, own, taker, inner)
    records.append(_record(group.struct, group.role, own))
    if trace is not None and inner is not None:
        inner.passed(taker.kept - kept, (dropped, len(taker.dropped)))
        if group.struct is Document:
            trace.built(field, inner, functools.partial(_record, group.struct, group.role))
        else:
            trace.made(field, inner, group.struct, {"role": group.role} if group.role else {})


def _record(struct: type[msgspec.Struct], role: str | None, own: dict[str, Any]) -> msgspec.Struct:
    for name, value in own.items():
        if type(value) is list:
            own[name] = tuple(value)
    if role:
        own["role"] = role
    if struct is Document:
        own["kind"] = "transport" if own.get("type", "").removeprefix("N").startswith(TRANSPORT_TYPES) else "supporting"
    return struct(**own)


def pointer_in(part: Part, name: str) -> str:
    """Where the value of an element or the records of a group stand in our record; of the part, where it has none."""
    if not name:
        return part.pointer
    element = part.group.inner.get(name)
    if element is None or not element.field or element.field in ("=type", "=language"):
        return part.pointer
    if element.field.startswith("="):
        return f"{part.pointer}/{element.field[1:].partition(':')[0]}"
    if element.field == ".":
        return f"{part.pointer}/{_ours(part.group.field)}/{part.number - 1}"
    listed, _, told = element.field.partition(":")
    return f"{part.pointer}/{_ours(listed)}" + ("/0" if told and isinstance(element, Leaf) else "")


def _ours(field: str) -> str:
    """The field as a pointer has it: 'transport/route'. Seals of the whole are those of its one equipment."""
    listed = field.removesuffix("[]").replace(".", "/")
    return f"equipment/0/{listed}" if listed == "seals" else listed

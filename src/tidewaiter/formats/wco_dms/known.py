"""Declarations in messages of a shape that was met before; see `formats.known`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tidewaiter.formats import known, met
from tidewaiter.formats.known import Memory, Told
from tidewaiter.formats.met import ITEMS, Settling
from tidewaiter.formats.reading import Declared, Reading
from tidewaiter.formats.skeleton import Cut
from tidewaiter.formats.text import found
from tidewaiter.formats.tree import Node
from tidewaiter.formats.wco_dms.declaration import READ, READ_OF_ITEM, SETTLED, declared_of, settle
from tidewaiter.formats.wco_dms.kinds import NAMESPACE
from tidewaiter.model.finding import Finding

NAME = "wco_dms"
_ITEMS_AT = f"/{ITEMS}/"

Anchor = tuple[tuple[str, str], ...]
"""Where things stood: by pointer the path, both below those of the record or item."""


class _Around(NamedTuple):
    """The country that is named around the declarations, and what is wrong with their namespace, or ''."""

    country: str
    about_space: str


_Met = met.Met[_Around, Anchor, Anchor]
Held = met.Reading[_Around, Anchor, Anchor]
"""A message of known shape."""
_READ = SETTLED | READ
MEMORY: Memory[_Around, Anchor, Anchor] = Memory(("Declaration",), "/GoodsShipment/GovernmentAgencyGoodsItem")


def reading_of(held: Held, *, jurisdiction: str | None) -> Reading | None:
    """What the message holds; None where a text in it must be looked at closely."""

    def make(place: int) -> Declared:
        return _declared(held.records[place], jurisdiction)

    def is_settled(one: _Met, fields: dict[str, Any]) -> bool:
        findings: list[Finding] = []
        country, about_space = one.around
        settle(fields, one.path, country=country, jurisdiction=jurisdiction, note=findings.append)
        return not findings and not about_space

    declared: Sequence[Declared] | None = held.in_columns(Settling(SETTLED, _READ, READ_OF_ITEM, is_settled), make)
    if declared is None:
        try:
            declared = tuple(_declared(one, jurisdiction) for one in held.records)
        except ValueError:  # a text that must be looked at closely
            return None
    return Reading(format=NAME, declared=declared, kept=held.kept, dropped=tuple(held.dropped))


def _declared(one: _Met, jurisdiction: str | None) -> Declared:
    path, (country, about_space) = one.path, one.around
    anchor = {pointer: path + below for pointer, below in one.frame.own}
    for place, (item, _) in enumerate(one.items):
        at, here = f"{_ITEMS_AT}{place}", MEMORY.path_of_item(path, place)
        for pointer, below in item.own:
            anchor[at + pointer] = here + below
    findings = (found(NAMESPACE, about_space, source_pointer=path),) if about_space else ()
    return declared_of(one.fields(), path, anchor, country=country, jurisdiction=jurisdiction, findings=findings)


class Around(NamedTuple):
    """What was found around the declarations: the path of the first and the country that is named for it, what is
    wrong with its namespace, or '', how many values were kept and which dropped; the elements that say so."""

    path: str
    country: str
    about_space: str
    kept: int
    dropped: tuple[str, ...]
    deciding: Sequence[Node]


def learn(
    data: bytes,
    message: Cut,
    root: Node,
    around: Around,
    *,
    told: Sequence[tuple[Told, Mapping[str, str]]],
    dropped: Sequence[str],
) -> None:
    """Keep what was done with the texts of a message, by its declarations and where things stood in each."""
    anchors = {one.path: anchor for one, anchor in told}

    def of_frame(one: Told, _: Mapping[int, int]) -> Anchor | None:
        anchor = anchors[one.path]
        return _below("", one.path, {at: path for at, path in anchor.items() if not at.startswith(_ITEMS_AT)})

    def of_item(one: Told, place: int, _: Mapping[int, int]) -> Anchor | None:
        at = f"{_ITEMS_AT}{place}"
        anchor = anchors[one.path]
        inside = {name: path for name, path in anchor.items() if name == at or name.startswith(f"{at}/")}
        return _below(at, MEMORY.path_of_item(one.path, place), inside)

    own = _Around(around.country, around.about_space)
    stands = known.Around(around.path.removesuffix("[1]"), around.kept, around.dropped, own)
    told_alone = [one for one, _ in told]
    lesson = known.Lesson(stands, told_alone, dropped, around.deciding, of_frame, of_item)
    MEMORY.learn(data, message, root, lesson)


def _below(pointer: str, path: str, anchor: Mapping[str, str]) -> Anchor | None:
    if any(not here.startswith(path) for here in anchor.values()):
        return None
    return tuple((at[len(pointer) :], here[len(path) :]) for at, here in anchor.items())

"""Linking the post's items to receptacles and dispatches, as pre-advices (PREDES) and events (EMSEVT) tell them.

Entry point: `link(lodged, movements)`. A link that is missing, or double, is a finding. Items are known by their
numbers without the spaces and hyphens that people print in them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from tidewaiter.model.finding import Finding, Kind
from tidewaiter.model.identifiers import compact, parts_of_s9
from tidewaiter.model.movement import Dispatch, ItemEvent, Movement

_D = TypeVar("_D", Dispatch, ItemEvent)
_S9 = "UPU standard S9"
_ADVANCE = "UPU Convention Manual, article 20-001: electronic advance data"

OTHER_DISPATCH = Kind(
    code="LNK-01",
    severity="error",
    text="The receptacle {detail} is of another dispatch than the one it is listed in.",
    remedy="Read the label of the receptacle again, or list it in the dispatch that its first twenty characters name.",
    law=_S9,
)
RECEPTACLE_TWICE = Kind(
    code="LNK-02",
    severity="error",
    text="The receptacle {detail} is listed more than once.",
    remedy="List it once; if a pre-advice was sent again, send it under its own number.",
    law=_S9,
)
ITEM_TWICE = Kind(
    code="LNK-03",
    severity="error",
    text="The item {detail} is in more than one receptacle.",
    remedy="List it in the receptacle that holds it, and in no other.",
    law=_S9,
)
NOT_LODGED = Kind(
    code="LNK-04",
    severity="warning",
    text="The item {detail} is in a receptacle, and nothing is known of it.",
    remedy="Send its attributes (ITMATT or CUSITM) before it is loaded.",
    law=_ADVANCE,
)
NOT_LISTED = Kind(
    code="LNK-05",
    severity="warning",
    text="The item {detail} names a dispatch that was pre-advised without it.",
    remedy="List it in its receptacle, or correct the dispatch in its attributes.",
    law=_ADVANCE,
)
EVENT_OF_UNKNOWN = Kind(
    code="LNK-06",
    severity="warning",
    text="There is an event of the item {detail}, and nothing is known of it.",
    remedy="Send its attributes (ITMATT or CUSITM), or read its number again.",
    law=_ADVANCE,
)
OTHER_RECEPTACLE = Kind(
    code="LNK-07",
    severity="warning",
    text="An event has the item {detail} in another receptacle than the pre-advice.",
    remedy="Look which of the two holds it, and send that again.",
    law=_S9,
)
KINDS = (
    OTHER_DISPATCH,
    RECEPTACLE_TWICE,
    ITEM_TWICE,
    NOT_LODGED,
    NOT_LISTED,
    EVENT_OF_UNKNOWN,
    OTHER_RECEPTACLE,
)  # fmt: skip
"""Every kind of finding that linking can give."""


class Link(NamedTuple):
    """Where an item travels."""

    receptacle: str
    dispatch: str


class Links(NamedTuple):
    """By item the receptacles and dispatches that list it, and what was wrong with that.

    Findings point into the list of movements: '/movements/0/receptacles/1/items/0/item_id'; one about an item that no
    document lists points to none.
    """

    by_item: dict[str, tuple[Link, ...]]
    findings: tuple[Finding, ...]


def link(
    lodged: Mapping[str, str | None], movements: Sequence[Movement], before: Mapping[str, Sequence[Link]] | None = None
) -> Links:
    """The links that the movements make, with those made `before`, and the findings about the new ones.

    `lodged` has for each item that was lodged the dispatch that it names itself, None where it names none. An item
    that is listed again in the receptacle it was in before is no double link.
    """
    own = {compact(item): None if dispatch is None else compact(dispatch) for item, dispatch in lodged.items()}
    by_item: dict[str, list[Link]] = defaultdict(list)
    for item, links in (before or {}).items():
        by_item[compact(item)] += links
    listed_here: set[str] = set()
    findings: list[Finding] = []
    seen: set[str] = set()
    for place, dispatch in _of(movements, Dispatch):
        for number, receptacle in enumerate(dispatch.receptacles):
            at = f"/movements/{place}/receptacles/{number}"
            parts = parts_of_s9(receptacle.id)
            if parts is not None and parts.dispatch != dispatch.id:
                findings.append(_found(OTHER_DISPATCH, receptacle.id, f"{at}/id"))
            if receptacle.id in seen:
                findings.append(_found(RECEPTACLE_TWICE, receptacle.id, f"{at}/id"))
            seen.add(receptacle.id)
            for entry, listed in enumerate(receptacle.items):
                item, pointer = compact(listed.item_id), f"{at}/items/{entry}/item_id"
                here = Link(receptacle.id, dispatch.id)
                if item in listed_here or any(one != here for one in by_item.get(item, ())):
                    findings.append(_found(ITEM_TWICE, item, pointer))
                elif item not in own:
                    findings.append(_found(NOT_LODGED, item, pointer))
                listed_here.add(item)
                if here not in by_item[item]:
                    by_item[item].append(here)
    findings += _of_events(own, by_item, movements)
    advised = {dispatch.id for _, dispatch in _of(movements, Dispatch)}
    findings += [
        _found(NOT_LISTED, item, "")
        for item, named in own.items()
        if named in advised and named not in {one.dispatch for one in by_item.get(item, ())}
    ]
    return Links({item: tuple(links) for item, links in by_item.items()}, tuple(findings))


def _of_events(
    own: Mapping[str, str | None], by_item: Mapping[str, Sequence[Link]], movements: Sequence[Movement]
) -> list[Finding]:
    findings = []
    unknown: set[str] = set()
    for place, event in _of(movements, ItemEvent):
        item = compact(event.item_id)
        if item not in own and item not in by_item and item not in unknown:
            unknown.add(item)
            findings.append(_found(EVENT_OF_UNKNOWN, item, f"/movements/{place}/item_id"))
        told = {one.receptacle for one in by_item.get(item, ())}
        if told and event.receptacle_id is not None and event.receptacle_id not in told:
            findings.append(_found(OTHER_RECEPTACLE, item, f"/movements/{place}/receptacle_id"))
    return findings


def _of(movements: Sequence[Movement], kind: type[_D]) -> list[tuple[int, _D]]:
    return [(place, one) for place, one in enumerate(movements) if isinstance(one, kind)]


def _found(kind: Kind, item: str, pointer: str) -> Finding:
    return Finding(
        code=kind.code,
        severity=kind.severity,
        pointer=pointer,
        text=kind.text.replace("{detail}", item),
        remedy=kind.remedy,
        law=kind.law,
    )

"""Parties: their names, addresses and numbers, in the forms of every version."""

from __future__ import annotations

import re

from tidewaiter.formats.cargo_imp.lines import Line
from tidewaiter.formats.cargo_imp.nodes import Segment, Shaper, each
from tidewaiter.formats.tree import Node

_COUNTRY = re.compile(r"[A-Z]{2}")


def party_of(segment: Segment, shaper: Shaper, message: str) -> Node:
    """A party whose lines are name, street, place and country; in FWB the first line is an account."""
    party = shaper.above(segment.name, segment.rows[0], [])
    rows = segment.rows
    if message == "FWB" and segment.name != "NFY":
        party.children += shaper.rest(rows[0])
        rows = rows[1:]
        if segment.name == "AGT":
            names = ("Name", "Place")
            for name, row in zip(names, rows, strict=False):
                party.children += each(name)(Segment(name, [row]), shaper)
            return party
    if len(rows) == 1 and len(rows[0].parts) > 3:
        party.children += _flat(rows[0], shaper)
    else:
        for name, row in zip(("NAM", "ADR", "LOC", ""), rows, strict=False):
            party.children += address(Segment(name or "LOC", [row]) if name else Segment("", [row]), shaper)
        for row in rows[4:]:
            party.children += shaper.rest(row)
    return party


def _flat(row: Line, shaper: Shaper) -> list[Node]:
    """A party on one line, which is where line ends were lost."""
    name, street = row.parts[:2]
    made = [shaper.node("Name", name, row, 1), shaper.node("Street", street, row, 2)]
    return [one for one in made if one.text] + _located(row, 2, shaper)


def _located(row: Line, start: int, shaper: Shaper) -> list[Node]:
    """Place, state, country and what follows, from that part of a line on.

    On a line of its own a place has no more than a state after it. Where more follows, the country is the first two
    letters that can be it.
    """
    place, *rest = (*row.parts[start:], "")
    rest = rest[:-1] if len(row.parts) > start else rest
    has_state = len(rest) == 1 or (
        len(rest) > 1 and (_COUNTRY.fullmatch(rest[1]) is not None or _COUNTRY.fullmatch(rest[0]) is None)
    )
    made = [shaper.node("Place", place, row, start + 1)]
    if has_state:
        made.append(shaper.node("State", rest[0], row, start + 2))
    return [one for one in made if one.text] + _country(row, start + 1 + has_state, shaper)


def address(segment: Segment, shaper: Shaper) -> list[Node]:
    """NAM, ADR and LOC; a line without a name is the one with the country."""
    if segment.name in ("NAM", "ADR"):
        return each({"NAM": "Name", "ADR": "Street"}[segment.name])(segment, shaper)
    rows = segment.rows
    made: list[Node] = []
    if segment.name == "LOC":
        made, rows = _located(rows[0], 0, shaper), rows[1:]
    return made + [one for row in rows for one in _country(row, 0, shaper)]


def _country(row: Line, start: int, shaper: Shaper) -> list[Node]:
    """Country, postcode and numbers, each with what kind it is, from that part of a line on."""
    country, post, *numbers = (*row.parts[start:], "", "")
    made = [shaper.node("Country", country, row, start + 1), shaper.node("Post", post, row, start + 2)]
    for n in range(0, len(numbers) - 1, 2):
        name = "Phone" if numbers[n] == "TE" else "Unread"
        made.append(shaper.node(name, numbers[n + 1], row, start + n + 4))
    return [one for one in made if one.text]

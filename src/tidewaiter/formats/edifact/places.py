"""How a place in an interchange is told: to a person in words, to a program as segment and position."""

from __future__ import annotations

import re

import msgspec

_PARTS = (
    r"interchange (?P<interchange>.*)",
    r"message (?P<count>[0-9]{1,9})(?: (?P<message>[^ ]+) (?P<type>[^ ]+))?",
    r"(?P<groups>[A-Z0-9]{3}\[[0-9]{1,9}\].*)",
    r"segment (?P<number>[0-9]{1,9}) (?P<tag>[^ ]+)",
    r"element (?P<element>[0-9]{1,9})",
    r"component (?P<component>[0-9]{1,9})",
)
_PART = [re.compile(part) for part in _PARTS]
_NUMBERS = ("count", "number", "element", "component")


class Spot(msgspec.Struct, frozen=True, gc=False):
    """A place in an interchange. Segments, elements and components are counted from 1; 0 and '' where not told.

    `number` counts the segments of the message, UNH being the first, as UNT does.
    """

    interchange: str = ""
    count: int = 0
    message: str = ""
    type: str = ""
    groups: str = ""
    number: int = 0
    tag: str = ""
    element: int = 0
    component: int = 0

    def __str__(self) -> str:
        """The place in words: 'interchange X1, message 1 M1 CUSDEC:D:21A:UN, CST[2], segment 14 CST, element 2'."""
        parts = [f"interchange {self.interchange}"] if self.interchange else []
        if self.count:
            named = f" {self.message} {self.type}" if self.message and self.type else ""
            parts.append(f"message {self.count}{named}")
        if self.groups:
            parts.append(self.groups)
        if self.number:
            parts.append(f"segment {self.number} {self.tag}")
        if self.element:
            parts.append(f"element {self.element}")
        if self.component:
            parts.append(f"component {self.component}")
        return ", ".join(parts)


def spot_of(text: str) -> Spot | None:
    """The place told so by `Spot`; None where the text is something else."""
    told: dict[str, str | int] = {}
    for word in text.split(", "):
        found = next((found for part in _PART if (found := part.fullmatch(word))), None)
        if found is None or told.keys() & found.groupdict().keys():
            return None
        parts = found.groupdict(default="")
        told |= {name: int(part or 0) if name in _NUMBERS else part for name, part in parts.items()}
    return msgspec.convert(told, Spot)


def named(reference: str) -> str:
    """A reference of the sender's, safe to stand in a place: at most 35 characters, no spaces or commas."""
    return re.sub(r"[^\x21-\x2b\x2d-\x7e]", "_", reference)[:35]

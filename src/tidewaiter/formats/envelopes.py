"""Records of a message of XML that stand each in an envelope of their own, told apart by the text of the message.

What is told is certain only where a message with one of the records alone is known to be sound: then so is this.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_OPENING = re.compile(r"<([^<>/\s!?][^<>/\s]*)")
_TAGS = re.compile(r"</?([^<>/\s!?][^<>/\s]*)")
_TEXT = re.compile(r">[^<>]*[^<>\s][^<>]*(?:<|$)")
_OUTSIDE_MAX = 2_048
"""Characters outside of all envelopes, which are looked at with each."""


class Wrapped(NamedTuple):
    """Records out of their envelopes: the name of these, what would stand before each record alone, the records."""

    name: str
    befores: list[str]
    bodies: list[str]


def unwrapped(before: str, bodies: Sequence[str], behind: str, end: str) -> Wrapped | None:
    """The records out of their envelopes; None where they cannot be told apart.

    Behind a record stand the end of its envelope, the same each time, and the start of the next one. What is outside
    of all envelopes may hold no text, since it is known as part of each.
    """
    between = bodies[0].rpartition(end)[2]
    opening = _OPENING.search(between)
    if opening is None:
        return None
    tag, name = opening[1], opening[1].rpartition(":")[2]
    close = between[: opening.start()]
    at = before.rfind(f"<{tag}")
    lead, trail = before[: max(at, 0)], behind.removeprefix(close.rstrip())
    is_one = (
        len(lead) + len(behind) <= _OUTSIDE_MAX
        and behind.startswith(close.rstrip())
        and close.rstrip().endswith(f"</{tag}>")
        and _named(close, name) == 1
        and not _named(lead, name)
        and not _named(trail, name)
        and not any(_TEXT.search(outside) for outside in (lead, trail))
        and not any(sign in lead + behind for sign in ("<!", "]]"))
        and "<?" not in behind
    )
    ends = [body.rfind(end + close) for body in bodies[:-1]]
    parts = list(zip(bodies, ends, strict=False))
    heads = [before[max(at, 0) :], *(body[last + len(end + close) :] for body, last in parts)]
    # The element that a head begins is ended by what closes and by nothing before.
    if not is_one or min(ends) < 0 or not all(_is_head(one, name) for one in set(heads)):
        return None
    own = [body[: last + len(end)] for body, last in parts]
    return Wrapped(name, [lead + head for head in heads], [*own, bodies[-1]])


def _is_head(text: str, name: str) -> bool:
    """Whether the text begins with the start of an element of this name, and has no other tag of that name."""
    opening = _OPENING.match(text)
    is_plain = opening is not None and "<!" not in text and "<?" not in text
    return is_plain and _TAGS.findall(text)[0].rpartition(":")[2] == name and _named(text, name) == 1


def _named(text: str, name: str) -> int:
    """How many tags, of starts and ends, have this name after any prefix."""
    return sum(tag.rpartition(":")[2] == name for tag in _TAGS.findall(text))

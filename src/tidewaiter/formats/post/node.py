"""A message as a tree of texts, each with its place: what the four forms are read into and written from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from tidewaiter.model.finding import Finding

NO_VALUE = "\x00"
"""Stands for a value of a kind that no element has (true, a list), so that no field takes it."""


class Text(NamedTuple):
    """The text of an element and where it stood, told as its form tells it."""

    text: str
    at: str


@dataclass
class Branch:
    """A message or a group in it. What is in it stands in the order in which it came, a name perhaps twice."""

    at: str
    children: list[tuple[str, Text | Branch]] = field(default_factory=list)

    def places(self) -> list[str]:
        """The places of all texts below."""
        found: list[str] = []
        for _, child in self.children:
            found += child.places() if isinstance(child, Branch) else [child.at]
        return found


class Opened(NamedTuple):
    """The messages of a file by name, what was wrong with its form, and the places of what no element took."""

    messages: list[tuple[str, Branch]]
    findings: list[Finding]
    dropped: list[str]

"""A message taken apart by its schema, for the rules to look at and for findings to point into."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidewaiter.formats.ens.shape import Group


class Part:
    """A group of the message as it was read: its texts by element, which stand once each, and the groups in it.

    `at` is its path in their message, '/ie:CC315A[1]/GOOITEGDS[2]', and `pointer` that in our record, '/items/1'.
    `number` is its place among those of its name, from 1. What a predicate works out of a whole message it keeps in
    the `known` of the root.
    """

    __slots__ = ("above", "at", "group", "groups", "known", "number", "pointer", "root", "texts")

    def __init__(self, group: Group, above: Part | None, at: str, pointer: str, number: int = 1) -> None:
        self.group = group
        self.number = number
        if above is None:
            self.known: dict[str, frozenset[str]] = {}
            self.above: Part = self
            self.root: Part = self
        else:
            self.above = above
            self.root = above.root
        self.at = at
        self.pointer = pointer
        self.texts: dict[str, str] = {}
        self.groups: dict[str, list[Part]] = {}

    def forget(self) -> None:
        """Let go of all that is around and in it, which hold on to each other, so that no collector need free them."""
        for same in self.groups.values():
            for inner in same:
                inner.forget()
        del self.groups, self.above, self.root

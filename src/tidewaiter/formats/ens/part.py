"""A message taken apart by its schema, for the rules to look at and for findings to point into."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidewaiter.formats.ens.shape import Group


class Part:
    """A group of the message as it was read: its texts by element, which stand once each, and the groups in it.

    `number` is its place among those of its name, from 1, and `record` that of its record in our list, from 0, -1 for
    a group that is about the record of the group above; `begins` is its first byte. What a predicate works out of a
    whole message it keeps in the `known` of the root.
    """

    __slots__ = ("_at", "above", "begins", "group", "groups", "known", "number", "record", "root", "texts")

    def __init__(
        self, group: Group, above: Part | None, number: int = 1, record: int = -1, *, at: str = "", begins: int = 0
    ) -> None:
        self.group = group
        self.number = number
        self.record = record
        self.begins = begins
        if above is None:
            self._at = at
            self.known: dict[str, frozenset[str]] = {}
            self.above: Part = self
            self.root: Part = self
        else:
            self.above = above
            self.root = above.root
        self.texts: dict[str, str] = {}
        self.groups: dict[str, list[Part]] = {}

    @property
    def at(self) -> str:
        """Its path in their message, '/ie:CC315A[1]/GOOITEGDS[2]'."""
        return self._at if self.above is self else f"{self.above.at}/{self.group.name}[{self.number}]"

    @property
    def pointer(self) -> str:
        """Where it is in our record, '/items/1'."""
        if self.above is self:
            return ""
        above = self.above.pointer
        return above if self.record < 0 else f"{above}/{self.group.field}/{self.record}"

    def add(self, inner: Part) -> None:
        """Put a group in it, behind others of its name."""
        same = self.groups.get(inner.group.name)
        if same is None:
            self.groups[inner.group.name] = [inner]
        else:
            same.append(inner)

    def forget(self) -> None:
        """Let go of all that is around and in it, which hold on to each other, so that no collector need free them."""
        for same in self.groups.values():
            for inner in same:
                inner.forget()
        del self.groups, self.above, self.root

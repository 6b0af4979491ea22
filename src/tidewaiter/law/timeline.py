"""What holds on a day, of things that hold from one day until another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Protocol, TypeVar


class Dated(Protocol):
    """Something with a first day, and perhaps a day on which it holds no longer."""

    @property
    def since(self) -> date:
        """The first day on which it holds."""

    @property
    def until(self) -> date | None:
        """The first day on which it no longer holds; None where no end is known."""


D = TypeVar("D", bound=Dated)


def in_force(entries: Iterable[D], day: date) -> list[D]:
    """Those that hold on the day, in the order given."""
    return [entry for entry in entries if entry.since <= day and (entry.until is None or day < entry.until)]


def latest(entries: Sequence[D], day: date) -> D | None:
    """The one that came last of those that hold on the day; None where law says nothing of that day."""
    return max(in_force(entries, day), key=lambda entry: entry.since, default=None)


def ordinal(day: date) -> int:
    """The day as days since 1970, as columns count them."""
    return day.toordinal() - EPOCH


EPOCH = date(1970, 1, 1).toordinal()

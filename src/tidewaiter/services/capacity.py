"""How many can be looked at: the minutes of each office, lane and shift, as an office writes them down.

[[queue]]
office = "GB000060"     # left out: any office of the country
lane = "examine"        # examine, documents or hold_for_officer
shift = "day"
minutes = 480           # officers' minutes in the shift
each = 20               # minutes that one look takes
safety = "50.00"        # what a look is worth besides duty and tax, in the country's currency; left out: nothing
"""

from __future__ import annotations

import tomllib
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

import msgspec
import polars as pl
from msgspec import Meta

from tidewaiter.model.money import to_micro
from tidewaiter.risk.selection import CAPACITY

Waits = Literal["examine", "documents", "hold_for_officer"]
Minutes = Annotated[int, Meta(ge=0, le=10_000_000)]


class CapacityError(ValueError):
    """A capacity that cannot be read, and why."""


class Queue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one office has for a lane in a shift. `office` is empty where it is any of the country."""

    lane: Waits
    shift: str
    minutes: Minutes
    each: Annotated[int, Meta(ge=1, le=100_000)]
    office: str = ""
    safety: str = "0"

    @property
    def safety_micro(self) -> int:
        """What a look is worth besides duty and tax, in millionths."""
        return to_micro(Decimal(self.safety))


class Capacity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All queues, each there once."""

    queue: tuple[Queue, ...]

    def of(self, office: str, lane: str, shift: str) -> Queue | None:
        """The queue in which a consignment of the office waits: its own, else that of any office."""
        found = {one.office: one for one in self.queue if one.lane == lane and one.shift == shift}
        return found.get(office, found.get(""))

    def minutes_a_day(self) -> dict[str, int]:
        """The minutes of each lane over all offices and shifts."""
        summed: dict[str, int] = {}
        for one in self.queue:
            summed[one.lane] = summed.get(one.lane, 0) + one.minutes
        return summed

    def frame(self) -> pl.DataFrame:
        """The same as a frame CAPACITY."""
        rows = [(one.office, one.lane, one.shift, one.minutes) for one in self.queue]
        return pl.DataFrame(rows, schema=CAPACITY, orient="row")


def capacity_of(text: str) -> Capacity:
    """The capacity that the text says. Raises CapacityError."""
    try:
        found = msgspec.convert(tomllib.loads(text), Capacity)
        for one in found.queue:
            if one.safety_micro < 0:
                raise CapacityError("safety is nought or more")
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, InvalidOperation, ValueError) as wrong:
        raise CapacityError(str(wrong)) from wrong
    if len({(one.office, one.lane, one.shift) for one in found.queue}) != len(found.queue):
        raise CapacityError("a queue is there twice")
    return found

"""The past of a batch as it is lodged: what to look up for it, and what it then sees of that and of itself.

Of one person only the newest `NEWEST` consignments count, those of the batch among them, and of one identity number
or place so many names or sellers, so that what a batch costs does not grow with who is in it. A figure that reaches
that says 'so many or more'.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl
from msgspec import json

from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.outcome import Remembered
from tidewaiter.model.past import PARTIES, RECENT, Past
from tidewaiter.risk.history.memory import OWN_SHOP, WHOLE, Event, Memory, Persons, Sums, heads
from tidewaiter.risk.history.parties import framed
from tidewaiter.risk.history.telling import Told, told
from tidewaiter.risk.thresholds import goods_values, threshold_shares

RECENT_D = 30
"""Days for which the consignments of one consignee count."""
REMEMBERED_D = 90
"""Days for which anything counts."""
NEWEST = 200
"""How many of one person count, and how many of one identity number or place are looked up."""
LOOKED_UP = frozenset({"recent", "parties"})
"""The frames of the past that are made of what is looked up."""
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The keys of a batch to be looked up, each once: what persons are known by as in `Given`, identity numbers,
    sellers, places, and scheme numbers each with a seller, a platform, OWN_SHOP or WHOLE."""

    persons: Sequence[Sequence[int]] = ((), (), (), ())
    identities: Sequence[int] = ()
    sellers: Sequence[int] = ()
    places: Sequence[int] = ()
    schemes: Sequence[tuple[int, int]] = ()


class OfSeller(NamedTuple):
    """What a seller sent: the first instant in microseconds, how many, of these in the last seven UTC days up to `day`
    (days since 1970), and how many JUST and NEAR below a threshold."""

    seller: int
    first: int
    sent: int
    week: int
    just: int
    near: int
    day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was looked up: the numbers of persons by what they are known by (of which `stale` is soon forgotten), what
    persons had, each with its country and oldest first; sellers, counts by scheme number and by whom, and pairs of
    identity number and name, and of place and seller. `results` are, by seller and of RANDOM_PICKS, how many were
    inspected and how many of these found wrong; None where nobody looked them up."""

    persons: Mapping[int, int] = field(default_factory=dict)
    stale: Collection[int] = ()
    events: Sequence[tuple[int, str, Event]] = ()
    sellers: Sequence[OfSeller] = ()
    schemes: Sequence[tuple[int, int, int]] = ()
    names: Sequence[tuple[int, int]] = ()
    sellers_at: Sequence[tuple[int, int]] = ()
    results: Sequence[tuple[int, int, int]] | None = None

    def memory(self) -> Memory:
        """The same as what came before the batch."""
        made = Memory(schemes={(scheme, other): count for scheme, other, count in self.schemes}, newest=NEWEST)
        for person, jurisdiction, event in self.events:
            made.persons.setdefault((person, jurisdiction), []).append(event)
        for one in self.sellers:
            made.sellers[one.seller] = Sums(one.first, one.sent, one.just, one.near, {one.day: one.week})
        for pairs, into in ((self.names, made.names), (self.sellers_at, made.sellers_at)):
            for key, other in pairs:
                into.setdefault(key, set()).add(other)
        if self.results is not None:
            made.results = {seller: (inspected, wrong) for seller, inspected, wrong in self.results}
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """A batch of which the past is asked. `at` are the instants of acceptance and `is_readable` says what was read
    whole, a value a consignment; `frames` are those of `LOOKED_UP` that some profile looks at."""

    told: Told
    at: Sequence[datetime]
    is_readable: Sequence[bool]
    frames: frozenset[str]
    found: Found = field(default_factory=Found)

    @property
    def wanted(self) -> Wanted:
        """What to look up."""
        given = self.told
        of_persons, of_firms = "recent" in self.frames, "parties" in self.frames
        return Wanted(
            # Also where only firms are looked at: a new row must not call a person by a second number.
            persons=[_different(keys) for keys in zip(*given.person, strict=True)],
            identities=_different(given.identity) if of_persons else (),
            sellers=_different(given.seller) if of_firms else (),
            places=_different(given.seller_place) if of_firms else (),
            schemes=_schemes(given) if of_firms else (),
        )

    def past(
        self, batch: Batch, values: pl.DataFrame, law: Law, *, findings: pl.DataFrame, but: Past
    ) -> tuple[Past, dict[int, Remembered]]:
        """What each consignment of the batch has behind it, besides what is known already, and by row what is to be
        kept of those that are accepted.

        Of the batch the earlier ones count for the later. What has a mistake is no declaration: it has no past, and is
        nobody's.
        """
        counted = self._counted(batch, findings)
        if not any(counted):
            return but, {}
        goods = goods_values(batch, values)
        shares, rows = threshold_shares(batch, goods, law), batch.consignments["row"]
        made, learnt = heads(
            self.told,
            at=[(at - EPOCH) // _MICROSECOND for at in self.at],
            jurisdictions=batch.consignments["jurisdiction"].to_list(),
            values=goods.to_list(),
            shares=shares.to_list(),
            counted=counted,
            persons=Persons(dict(self.found.persons), set(self.found.stale)),
        )
        memory, numbers = self.found.memory(), rows.to_list()
        says = [(name, _SAYS[name], [_NOTHING[name]] * len(made)) for name in sorted(self.frames)]
        kept: dict[int, Remembered] = {}
        for place in sorted(range(len(made)), key=lambda place: made[place].at):
            if not counted[place]:
                continue
            head = made[place]
            figures = {}
            for name, say, said in says:
                figures[name] = said[place] = say(memory, head)
            memory.add(head)
            kept[numbers[place]] = Remembered(
                self.at[place], *head[1:], *learnt[place], figures=json.encode(figures).decode()
            )
        frames = {name: framed(rows, said, _SCHEMAS[name]) for name, _, said in says}
        return replace(but, **frames), kept

    def _counted(self, batch: Batch, findings: pl.DataFrame) -> list[bool]:
        """Which of them are imports that are declared and accepted."""
        original = batch.apart("consignments", "function").one_of(("original",))
        export = batch.apart("consignments", "direction").one_of(("export",))
        found = (original & ~export).tolist()
        wrong = set(findings.filter(pl.col("severity") == "error")["row"].to_list()) if len(findings) else set()
        rows = batch.consignments["row"].to_list() if wrong else [None] * len(found)
        return [
            counts and readable and row not in wrong
            for counts, readable, row in zip(found, self.is_readable, rows, strict=True)
        ]


_MICROSECOND = timedelta(microseconds=1)
_SAYS = {"recent": Memory.recent, "parties": Memory.parties}
_SCHEMAS = {"recent": RECENT, "parties": PARTIES}
_NOTHING: dict[str, list[int | None]] = {name: [None] * (len(schema) - 1) for name, schema in _SCHEMAS.items()}


def recall(
    batch: Batch, *, at: Sequence[datetime], is_readable: Sequence[bool], frames: frozenset[str], key: bytes
) -> Recall:
    """The batch, of which nothing was looked up yet. `key` is the installation's own for digests."""
    return Recall(told=told(batch, key), at=at, is_readable=is_readable, frames=frames)


def _different(keys: Sequence[int | None]) -> list[int]:
    return [key for key in dict.fromkeys(keys) if key is not None]


def _schemes(given: Told) -> list[tuple[int, int]]:
    found: dict[tuple[int, int], None] = {}
    for scheme, platform, seller in zip(given.scheme, given.platform, given.seller, strict=True):
        if scheme is not None:
            for other in (WHOLE, OWN_SHOP if platform is None else platform, seller):
                if other is not None:
                    found[scheme, other] = None
    return list(found)

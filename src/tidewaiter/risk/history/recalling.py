"""The past of a batch as it is lodged: what to look up for it, and what it then sees of that and of itself.

Of one person only the newest `NEWEST` consignments count, those of the batch among them, and of one identity number
or place so many names or sellers, so that what a batch costs does not grow with who is in it. A figure that reaches
that says 'so many or more'.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import NamedTuple

import polars as pl
from msgspec import json

from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.outcome import Remembered
from tidewaiter.model.past import PARTIES, RECENT, Past
from tidewaiter.risk.history.comparing import OF_GOODS, Comparison
from tidewaiter.risk.history.knowing import framed
from tidewaiter.risk.history.memory import LOW, OWN_SHOP, PRICED, WHOLE, Event, Memory, Persons, Sums, heads
from tidewaiter.risk.history.peers import NO_PRICES, PeerTable
from tidewaiter.risk.history.telling import Told, told
from tidewaiter.risk.thresholds import goods_values, threshold_shares

RECENT_D = 30
"""Days for which the consignments of one consignee count."""
REMEMBERED_D = 90
"""Days for which anything counts."""
NEWEST = 200
"""How many of one person count, and how many of one identity number or place are looked up."""
LOOKED_UP = frozenset({"recent", "parties", "peers", "products"})
"""The frames of the past that are made of what is looked up."""
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The keys of a batch to be looked up, each once: what persons are known by as in `Given`, identity numbers,
    sellers, places, and the pairs that `Memory.counts` goes by."""

    persons: Sequence[Sequence[int]] = ((), (), (), ())
    identities: Sequence[int] = ()
    sellers: Sequence[int] = ()
    places: Sequence[int] = ()
    counts: Sequence[tuple[int, int]] = ()


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
    persons had, each with its country and oldest first; sellers, the `counts` of `Memory`, and pairs of identity number
    and name, and of place and seller. `results` are, by seller and of RANDOM_PICKS, how many were inspected and how
    many of these found wrong; None where nobody looked them up. `table` is the number of the newest table of prices."""

    persons: Mapping[int, int] = field(default_factory=dict)
    stale: Collection[int] = ()
    events: Sequence[tuple[int, str, Event]] = ()
    sellers: Sequence[OfSeller] = ()
    counts: Sequence[tuple[int, int, int]] = ()
    names: Sequence[tuple[int, int]] = ()
    sellers_at: Sequence[tuple[int, int]] = ()
    results: Sequence[tuple[int, int, int]] | None = None
    table: int | None = None

    def memory(self, *, is_priced: bool = False) -> Memory:
        """The same as what came before the batch. `is_priced`: whether prices are compared at all."""
        made = Memory(
            counts={(key, other): count for key, other, count in self.counts}, newest=NEWEST, is_priced=is_priced
        )
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
    whole, a value a consignment; `frames` are those of `LOOKED_UP` that some profile looks at, and `prices` are those
    that goods are compared with."""

    told: Told
    at: Sequence[datetime]
    is_readable: Sequence[bool]
    frames: frozenset[str]
    found: Found = field(default_factory=Found)
    prices: PeerTable = NO_PRICES

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
            counts=[*dict.fromkeys(_counts(given, of_firms=of_firms, of_goods="products" in self.frames))],
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
        worth = goods_values(batch, values)
        shares, rows = threshold_shares(batch, worth, law), batch.consignments["row"]
        made, learnt = heads(
            self.told,
            at=[(at - EPOCH) // _MICROSECOND for at in self.at],
            jurisdictions=batch.consignments["jurisdiction"].to_list(),
            values=worth.to_list(),
            shares=shares.to_list(),
            counted=counted,
            persons=Persons(dict(self.found.persons), set(self.found.stale)),
        )
        memory, numbers = self.found.memory(is_priced=self.prices.is_telling), rows.to_list()
        says = [(name, _SAYS[name], [_NOTHING[name]] * len(made)) for name in sorted(self.frames & _SAYS.keys())]
        goods = None
        if self.frames & OF_GOODS:
            goods = Comparison(
                batch, self.told.goods, frames=self.frames, heads=made, counted=counted, values=values,
                table=self.prices,
            )  # fmt: skip
        kept: dict[int, Remembered] = {}
        for place in sorted(range(len(made)), key=lambda place: made[place].at):
            if not counted[place]:
                continue
            head = made[place]
            figures: dict[str, object] = {}
            for name, say, said in says:
                figures[name] = said[place] = say(memory, head)
            memory.add(head)
            of_goods, goods_kept = ({}, []) if goods is None else goods.say(place, memory, head.seller)
            kept[numbers[place]] = Remembered(
                self.at[place], *head[1:], *learnt[place], goods=goods_kept,
                figures=json.encode(figures | of_goods).decode(),
            )  # fmt: skip
        frames = {name: framed([rows], said, _SCHEMAS[name]) for name, _, said in says}
        return replace(but, **frames, **({} if goods is None else goods.frames())), kept

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
    given = told(batch, key, has_goods=bool(frames & OF_GOODS))
    return Recall(told=given, at=at, is_readable=is_readable, frames=frames)


def _different(keys: Sequence[int | None]) -> list[int]:
    return [key for key in dict.fromkeys(keys) if key is not None]


def _counts(given: Told, *, of_firms: bool, of_goods: bool) -> Iterator[tuple[int, int]]:
    """The pairs that are counted, some more than once."""
    if of_firms:
        for known in _different(given.seller):
            yield from ((known, PRICED), (known, LOW))
        for scheme, platform, seller in zip(given.scheme, given.platform, given.seller, strict=True):
            yield from _pairs(scheme, WHOLE, OWN_SHOP if platform is None else platform, seller)
    if of_goods:
        for one in chain.from_iterable(given.goods):
            yield from _pairs(one.article, WHOLE, one.code, one.origin)
            yield from _pairs(one.words, WHOLE, one.code)


def _pairs(key: int | None, *others: int | None) -> Iterator[tuple[int, int]]:
    return ((key, other) for other in others if key is not None and other is not None)

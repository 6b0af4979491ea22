"""The past of a batch as it is lodged: what to look up for it, and what it then sees of that and of itself.

Only the newest `NEWEST` of what one person, seller, place or scheme number had are looked up, so that what a batch
costs does not grow with who is in it. A figure that reaches that number says 'so many or more'.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import polars as pl
from msgspec import json

from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.past import REMEMBERED, Past
from tidewaiter.risk.history.parties import parties, recent
from tidewaiter.risk.history.records import CONSIGNMENTS, History, Persons, Told

RECENT_D = 30
"""Days for which the consignments of one consignee count."""
REMEMBERED_D = 90
"""Days for which anything counts."""
NEWEST = {"recent": 1_000, "parties": 200}
"""How many of the newest with the same key are looked up, for each frame of the past."""
LOOKED_UP = frozenset(NEWEST)
"""The frames of the past that are made of what is looked up."""
_UNKNOWN = ("seller_inspected", "seller_wrong", "seller_wrong_rate_micro", "seller_low_price_rate_micro")
"""What of a seller is not known from consignments alone: what inspections found, and prices beside their like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The keys of a batch to be looked up: digests of persons, and of what firms and persons are named by."""

    persons: Collection[str] = ()
    identities: Collection[str] = ()
    sellers: Collection[str] = ()
    places: Collection[str] = ()
    schemes: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was looked up: the numbers of persons by their digests, and frames CONSIGNMENTS, oldest first."""

    persons: Mapping[str, int] = field(default_factory=dict)
    recent: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CONSIGNMENTS))
    parties: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CONSIGNMENTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """A batch of which the past is asked. `at` are the instants of acceptance and `is_readable` says what was read
    whole, a value a consignment; `frames` are those of `LOOKED_UP` that some profile looks at."""

    told: Told
    at: pl.Series
    is_readable: pl.Series
    frames: frozenset[str]
    found: Found = field(default_factory=Found)

    @property
    def wanted(self) -> Wanted:
        """What to look up."""
        given = self.told.parties
        of_persons, of_firms = "recent" in self.frames, "parties" in self.frames
        return Wanted(
            persons=sorted({key for column in self.told.given for key in column if key is not None}),
            identities=_different(given["identity"]) if of_persons else (),
            sellers=_different(given["seller"]) if of_firms else (),
            places=_different(given["seller_place"]) if of_firms else (),
            schemes=_different(given["scheme"]) if of_firms else (),
        )

    def past(
        self, batch: Batch, values: pl.DataFrame, law: Law, *, findings: pl.DataFrame, but: Past
    ) -> tuple[Past, pl.DataFrame]:
        """What each consignment of the batch has behind it, besides what is known already, and a frame REMEMBERED of
        what is to be kept of those that are accepted.

        Of the batch the earlier ones count for the later. What has a mistake is no declaration: it has no past, and is
        nobody's.
        """
        counted = self._counted(batch, findings)
        if not counted.any():
            return but, pl.DataFrame(schema=REMEMBERED)
        persons = Persons(dict(self.found.persons))
        given = [
            [key if counts else None for key, counts in zip(keys, counted, strict=True)] for keys in self.told.given
        ]
        heads = replace(self.told, given=given).heads(batch, values, law, at=self.at, persons=persons)
        asked = History(consignments=heads.filter(counted))
        told: dict[str, pl.DataFrame] = {}
        if "recent" in self.frames:
            before = _newest(self.found.recent, asked.consignments, ("consignee", "identity"), NEWEST["recent"])
            told["recent"] = recent(History(consignments=before), asked)
        if "parties" in self.frames:
            before = _newest(
                self.found.parties, asked.consignments, ("seller", "seller_place", "scheme"), NEWEST["parties"]
            )
            firms = parties(History(consignments=before), asked)
            told["parties"] = firms.with_columns(pl.lit(None, pl.Int64).alias(name) for name in _UNKNOWN)
        learnt = _learnt(given, self.found.persons)
        kept = heads.with_columns(pl.Series("person_keys", learnt, dtype=pl.List(pl.String))).filter(counted)
        kept = kept.with_columns(pl.Series("figures", _figures(told, len(kept)), dtype=pl.Binary))
        return replace(but, **told), kept.select(REMEMBERED.names())

    def _counted(self, batch: Batch, findings: pl.DataFrame) -> pl.Series:
        """Which of them are imports that are declared and accepted."""
        rows = batch.consignments["row"]
        wrong = findings.filter(pl.col("severity") == "error")["row"]
        original = batch.apart("consignments", "function").one_of(("original",))
        export = batch.apart("consignments", "direction").one_of(("export",))
        return self.is_readable & pl.Series(original & ~export) & ~rows.is_in(wrong.implode())


def recall(batch: Batch, *, at: pl.Series, is_readable: pl.Series, frames: frozenset[str], key: bytes) -> Recall:
    """The batch, of which nothing was looked up yet. `key` is the installation's own for digests."""
    return Recall(told=Told.of(batch, key), at=at, is_readable=is_readable, frames=frames)


def _different(keys: pl.Series) -> list[str]:
    return keys.drop_nulls().unique().sort().to_list()


def _newest(found: pl.DataFrame, asked: pl.DataFrame, keys: Collection[str], size: int) -> pl.DataFrame:
    """The same, where of each key asked after no more than the newest count, and the very first.

    One row may be found by several keys: without this a figure would depend on who else is in the batch.
    """
    place, last = pl.int_range(pl.len()), pl.len() - 1
    return found.with_columns(
        pl.when(
            ~pl.col(key).is_in(asked[key].drop_nulls().unique().implode())
            | (last - place < size).over(key)
            | (place == 0).over(key)
        )
        .then(pl.col(key))
        .alias(key)
        for key in keys
    )


def _figures(told: Mapping[str, pl.DataFrame], size: int) -> list[bytes]:
    """What is told of each of so many consignments, as JSON by frame and column."""
    rows = {name: frame.drop("row").to_dicts() for name, frame in told.items()}
    return [json.encode({name: of[place] for name, of in rows.items()}) for place in range(size)]


def _learnt(given: list[list[str | None]], known: Mapping[str, int]) -> list[list[str]]:
    """Of each consignment the digests of its consignee that were not known before it."""
    seen = set(known)
    learnt = []
    for keys in zip(*given, strict=True):
        fresh = [key for key in dict.fromkeys(keys) if key is not None and key not in seen]
        seen.update(fresh)
        learnt.append(fresh)
    return learnt

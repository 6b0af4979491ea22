"""What a tariff says of a code, from which day, and since when that is known."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

from tidewaiter.law.measures import ENDED

COLUMNS = (
    "code", "origin", "excluded", "kind", "additional_code", "claim", "from", "until", "known_from", "rate", "measure",
    "source", "confidence",
)  # fmt: skip


class OfficialError(ValueError):
    """The file is not of the official form; names the file and what was looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """From `known_from` on we know that from `since` and before `until` this rate holds.

    Of those with the same schedule, code, origin, kind, additional code and claim that are known and in force, the one
    last known holds, and of these the one with the last `since`. `code` has 2 to 10 digits, or none for all goods.
    `origin` is '' for all, a country, or the id of a group; `claim` the preference that must be claimed, '' for none by
    name. `rate` is in our own spelling of duties, or `ENDED`.
    """

    schedule: str
    code: str
    since: date
    rate: str
    source: str
    origin: str = ""
    excluded: tuple[str, ...] = ()
    kind: str = "third_country"
    additional_code: str = ""
    claim: str = ""
    until: date | None = None
    known_from: date | None = None
    measure: str = ""
    confidence: str = "firm"

    @property
    def known(self) -> date:
        """The day from which it is known: where none is given, the day from which it holds."""
        return self.known_from or self.since


class Key(NamedTuple):
    """What tells one thing a tariff says from another."""

    code: str
    origin: str
    kind: str
    additional_code: str = ""
    claim: str = ""


class Said(NamedTuple):
    """A rate, in our own spelling of duties, and the official id of the measure."""

    rate: str
    measure: str = ""


@dataclass(slots=True)
class Editions:
    """Editions of a whole tariff, one after another, as the fewest measures that say the same."""

    schedule: str
    confidence: str = "firm"
    last: dict[Key, Measure] = field(default_factory=dict)

    def edition(self, said: Mapping[Key, Said], *, since: date, known_from: date, source: str) -> Iterator[Measure]:
        """What an edition says that the ones before it did not: it is complete, so what it does not name has ended.

        Give editions in the order they were published. One may hold from an earlier day than the one before it.
        """
        for key, (rate, measure) in said.items():
            before = self.last.get(key)
            if before is None or before.rate != rate or before.since > since:
                self.last[key] = Measure(
                    schedule=self.schedule, code=key.code, origin=key.origin, kind=key.kind,
                    additional_code=key.additional_code, claim=key.claim, since=since, known_from=known_from, rate=rate,
                    measure=measure, source=source, confidence=self.confidence,
                )  # fmt: skip
                yield self.last[key]
        for key in [key for key in self.last if key not in said]:
            before = self.last[key]
            if before.rate != ENDED or before.since > since:
                self.last[key] = replace(before, since=since, known_from=known_from, rate=ENDED, source=source)
                yield self.last[key]


def write_csv(measures: Iterable[Measure], path: Path) -> int:
    """How many rows were written. Measures that differ in origin alone share a row, origins with a space between."""
    shared: dict[tuple[Measure, bool], list[str]] = {}
    for measure in measures:
        shared.setdefault((replace(measure, origin=""), bool(measure.origin)), []).append(measure.origin)
    rows = sorted(
        (
            measure.code, " ".join(sorted(set(origins))), " ".join(measure.excluded), measure.kind,
            measure.additional_code, measure.claim, measure.since.isoformat(),
            measure.until.isoformat() if measure.until else "",
            measure.known_from.isoformat() if measure.known_from else "", measure.rate, measure.measure, measure.source,
            "" if measure.confidence == "firm" else measure.confidence,
        )
        for (measure, _), origins in shared.items()
    )  # fmt: skip
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return len(rows)

"""The sheet that set the UK Global Tariff beside the EU's common external tariff: two schedules from one file.

The sheet gives no day; both are taken to hold from the first of the UK Global Tariff. Where it says the EU's rate
applies until trade remedies are reviewed, that is the UK's rate too. Source: Department for International Trade, 2021.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from tidewaiter.law.expressions import write
from tidewaiter.law.expressions.seasons import read_seasons, spans
from tidewaiter.law.official import taric
from tidewaiter.law.official.measure import Measure, OfficialError

FIRST_DAY = date(2021, 1, 1)
SEASONS_UNTIL = date(2031, 1, 1)
"""Duties by season are written out year by year, and not further than this."""
_KEEPS_CET = "cet_applies_until_trade_remedy_transition_reviews_concluded"


def read(path: Path) -> Iterator[Measure]:
    """The third-country duties of schedules "gb" and "eu". Raises OfficialError where a column is missing."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if not {"commodity", "cet_duty_rate", "ukgt_duty_rate"} <= set(rows.fieldnames or ()):
            raise OfficialError(f"{path.name}: no columns commodity, cet_duty_rate, ukgt_duty_rate")
        seen = set()
        for row in rows:
            # Some codes stand there twice, once with two noughts more.
            line = (taric.prefix(row["commodity"]), row["cet_duty_rate"], row["ukgt_duty_rate"])
            if line in seen:
                continue
            seen.add(line)
            keeps = row.get(_KEEPS_CET) == "True"
            ours = row["cet_duty_rate"] if keeps else row["ukgt_duty_rate"]
            yield from _duty("gb", row["commodity"], ours, "secondary" if keeps else "firm")
            yield from _duty("eu", row["commodity"], row["cet_duty_rate"], "secondary")


def _duty(schedule: str, commodity: str, text: str, confidence: str) -> Iterator[Measure]:
    rates: list[tuple[date, date | None, str]] = sorted(
        (since, until, write(season.duty))
        for season in read_seasons(text, "uk")
        for since, until in spans(season, FIRST_DAY, SEASONS_UNTIL)
    ) or [(FIRST_DAY, None, taric.rate(text))]
    for since, until, rate in rates:
        yield Measure(
            schedule=schedule, code=taric.prefix(commodity), since=since, until=until, known_from=FIRST_DAY, rate=rate,
            source="UK Global Tariff and CET, sheet of January 2021", confidence=confidence,
        )  # fmt: skip

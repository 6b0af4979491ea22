"""The CSV "UK tariff measures as defined", published by the Department for Business and Trade.

Each measure stands at the code it was made for and holds for all below it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from tidewaiter.law.official import taric
from tidewaiter.law.official.measure import Measure, OfficialError

NEEDED = frozenset(
    ("commodity__code", "measure__type__id", "measure__duty_expression", "measure__effective_start_date",
     "measure__geographical_area__id")
)  # fmt: skip


def read(path: Path, schedule: str = "gb") -> Iterator[Measure]:
    """The import duties of the file, in its order. Raises OfficialError where a column is missing."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if missing := NEEDED - set(rows.fieldnames or ()):
            raise OfficialError(f"{path.name}: no column {', '.join(sorted(missing))}")
        for row in rows:
            kind = taric.kind(row["measure__type__id"])
            since = taric.day(row["measure__effective_start_date"])
            if kind is None or since is None:
                continue
            conditions = row.get("measure__conditions") or ""
            yield Measure(
                schedule=schedule,
                code=taric.prefix(row["commodity__code"]),
                origin=taric.origin(row["measure__geographical_area__id"]),
                excluded=_ids(row.get("measure__excluded_geographical_areas__ids")),
                kind=kind,
                additional_code=row.get("measure__quota__order_number")
                or row.get("measure__additional_code__code")
                or "",
                since=since,
                until=taric.day_after(row.get("measure__effective_end_date")),
                rate=taric.rate(row["measure__duty_expression"], frozenset("V" if "condition:V" in conditions else "")),
                measure=row.get("measure__sid") or "",
                source=row.get("measure__regulation__id") or "UK tariff measures as defined",
            )


def _ids(text: str | None) -> tuple[str, ...]:
    """The areas of "AD|CH" or "AD, CH"."""
    return tuple(sorted(filter(None, (part.strip() for part in (text or "").replace(",", "|").split("|")))))

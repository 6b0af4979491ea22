"""Our own form: `table,base,currency,from,until,per_base,source`, units of the currency for one of the base."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from tidewaiter.law.exchange.files import reading
from tidewaiter.law.text import number
from tidewaiter.model.money import to_micro

COLUMNS = ("table", "base", "currency", "from", "until", "per_base", "source")

_TABLE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRate:
    """`per_base` units of `currency` for one of `base`, in a table of that name, from one day until another.

    Raises ValueError where that is no rate: a name that is none, a currency against itself, no time at all,
    nothing or less for one of the base, more than six decimals, no source.
    """

    table: str
    base: str
    currency: str
    since: date
    until: date | None
    per_base: Decimal
    source: str

    def __post_init__(self) -> None:
        if not _TABLE.fullmatch(self.table):
            raise ValueError(f"{self.table!r} is not the name of a table, such as 'ecb-daily'")
        for code in (self.base, self.currency):
            if not _CURRENCY.fullmatch(code):
                raise ValueError(f"{code!r} is not a currency, such as 'EUR'")
        if self.base == self.currency:
            raise ValueError(f"{self.base} against itself has no rate")
        # An instant is a day to Python; law asks for days.
        if isinstance(self.since, datetime) or isinstance(self.until, datetime):
            raise ValueError("a rate holds from day to day, not from one instant to another")
        if self.until is not None and self.until <= self.since:
            raise ValueError(f"from {self.since} until {self.until} is no time at all")
        if to_micro(self.per_base) <= 0:
            raise ValueError(f"{self.per_base} {self.currency} for one {self.base} is no rate")
        if not self.source.strip() or not self.source.isprintable():
            raise ValueError("a rate names its source, on one line")


def read(path: Path) -> Iterator[ExchangeRate]:
    """The rates of a file in our own form, in its order. Raises ValueError naming the line."""
    with reading(path), path.open(encoding="utf-8", newline="") as handle:
        rows = csv.DictReader(handle)
        if tuple(rows.fieldnames or ()) != COLUMNS:
            raise ValueError(f"its columns are not {','.join(COLUMNS)}")
        for row in rows:
            try:
                if None in row or None in row.values():
                    raise ValueError(f"a row has {len(COLUMNS)} fields")
                yield ExchangeRate(
                    table=row["table"],
                    base=row["base"],
                    currency=row["currency"],
                    since=date.fromisoformat(row["from"]),
                    until=date.fromisoformat(row["until"]) if row["until"] else None,
                    per_base=number(row["per_base"]),
                    source=row["source"],
                )
            except ValueError as wrong:
                raise ValueError(f"line {rows.line_num}: {wrong}") from wrong


def write_csv(rates: Iterable[ExchangeRate], path: Path) -> None:
    """Writes the rates by table, currency and day: the same rates are the same bytes, in whatever order they came."""
    rows = sorted(rates, key=lambda rate: (rate.table, rate.currency, rate.since))
    with path.open("w", encoding="utf-8", newline="") as handle:
        lines = csv.writer(handle, lineterminator="\n")
        lines.writerow(COLUMNS)
        for rate in rows:
            until = rate.until.isoformat() if rate.until else ""
            per_base = format(rate.per_base, "f")
            lines.writerow([rate.table, rate.base, rate.currency, rate.since, until, per_base, rate.source])

"""The European Central Bank's euro reference rates, from its file of all days (`eurofxref-hist`), bare or zipped.

The bank publishes a rate about 16:00 on every day that its payment system is open. Here a rate holds from its own day
until the next day for which the bank published any: over a weekend or a holiday it is the last one before. A currency
that has no rate on that next day ('N/A') has none until it is published again, so one that was dropped, like the
rouble in March 2022, does not go on for ever. The newest rate holds until the next day from Monday to Friday.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

from tidewaiter.law.exchange.files import reading, within
from tidewaiter.law.exchange.months import DAY, following, last_day_before, settled
from tidewaiter.law.exchange.table import ExchangeRate
from tidewaiter.law.text import number

BYTES_MAX = 64 * 1024 * 1024
"""All days since 1999 are two million bytes."""

_GAPS = ("", "N/A")


def read(path: Path) -> Iterator[ExchangeRate]:
    """The daily rates, table `ecb-daily`, base EUR, by day and then in the file's order of currencies.

    Raises ValueError where the file is not of this form, has a day twice, or is larger than `BYTES_MAX`.
    """
    with reading(path):
        yield from _rates(within(path, BYTES_MAX).decode("utf-8-sig"))


def month_end(daily: Iterable[ExchangeRate]) -> Iterator[ExchangeRate]:
    """Monthly rates, table `ecb-monthly`: the last rate of a month holds throughout the next.

    This is nobody's law. It serves countries whose own customs rates are not held, and is secondary there.
    """
    for month, rate in settled(daily, last_day_before):
        yield replace(rate, table="ecb-monthly", since=month, until=following(month))


def _rates(text: str) -> Iterator[ExchangeRate]:
    header, *lines = csv.reader(io.StringIO(text)) if text else [[""]]
    first, *currencies = (name.strip() for name in header)
    if first != "Date":
        raise ValueError("it does not begin with 'Date', as the bank's file of all days does")
    days = sorted((date.fromisoformat(day), values) for day, *values in filter(None, lines))
    ends = [day for day, _ in days[1:]] + [_weekday_after(day) for day, _ in days[-1:]]
    for (day, values), until in zip(days, ends, strict=True):
        if len(values) != len(currencies):
            raise ValueError(f"{day} has {len(values)} rates for {len(currencies)} currencies")
        for currency, value in zip(currencies, map(str.strip, values), strict=True):
            if value not in _GAPS:
                yield ExchangeRate(
                    table="ecb-daily",
                    base="EUR",
                    currency=currency,
                    since=day,
                    until=until,  # the same day where a day comes twice, which is no time at all
                    per_base=number(value),
                    source=f"ECB {day}",
                )


def _weekday_after(day: date) -> date:
    day += DAY
    while day.weekday() >= 5:
        day += DAY
    return day

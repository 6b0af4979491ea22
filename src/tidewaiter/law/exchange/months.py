"""From daily rates to monthly ones: which rate held on the day that settles a month."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta

from tidewaiter.law.exchange.table import ExchangeRate

DAY = timedelta(days=1)


def settled(daily: Iterable[ExchangeRate], settles: Callable[[date], date]) -> Iterator[tuple[date, ExchangeRate]]:
    """(first day of a month, the rate that held on the day that settles that month), in the order of the daily rates.

    `settles` gives for the first day of a month a day in it or in the month before. A month whose day is not among
    the days of the daily rates is not given: nothing is guessed. Raises ValueError for a daily rate without an end.
    """
    # A bank publishes many currencies for one span of days.
    settling: dict[tuple[date, date], list[date]] = {}
    for rate in daily:
        if rate.until is None:
            raise ValueError(f"{rate.table} has a daily rate of {rate.currency} without an end, from {rate.since}")
        span = rate.since, rate.until
        if span not in settling:
            settling[span] = [month for month in _months(*span) if rate.since <= settles(month) < rate.until]
        for month in settling[span]:
            yield month, rate


def following(month: date) -> date:
    """The first day of the next month, given the first of one."""
    return (month + timedelta(days=31)).replace(day=1)


def last_day_before(month: date) -> date:
    """The last day of the month before."""
    return month - DAY


def _months(since: date, until: date) -> Iterator[date]:
    """The first days of all months that a day of the span could settle."""
    month, last = since.replace(day=1), following((until - DAY).replace(day=1))
    while month <= last:
        yield month
        month = following(month)

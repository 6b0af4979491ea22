"""The Union's three rates, derived from the European Central Bank's daily ones. They must not be mixed up.

`customs_monthly` is for what goods cost (Customs Code, art. 53(1)(a)); `tariff_monthly` for sums that the tariff states
in euro, such as specific duties (art. 53(1)(b)); `yearly` for all other sums in euro of customs law (art. 53(2)) and
for the EUR 150 of the import scheme of VAT. Euro countries need the first only.

The monthly rules are of Implementing Regulation (EU) 2015/2447 and apply from 1 May 2016, so they settle the months
from June 2016 on. Before, the tariff's rate was the one in the Official Journal of the last working day but one
(Regulation (EEC) No 2913/92, art. 18); that for customs values was of the last Wednesday but one, as now (Regulation
(EEC) No 2454/93, art. 169).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from tidewaiter.law.exchange.months import DAY, following, last_day_before, settled
from tidewaiter.law.exchange.table import ExchangeRate

WEEK = timedelta(days=7)
WEDNESDAY = 2
OCTOBER = 10


def customs_monthly(daily: Iterable[ExchangeRate]) -> Iterator[ExchangeRate]:
    """Rates for customs values, table `eu-customs-monthly`: that of the last Wednesday but one holds the next month.

    Where none was published on that day, it is the one published last before it. Nothing replaces it within the month:
    the change at 5 % of the old code (Regulation (EEC) No 2454/93) was not taken over. A member state outside the
    euro area publishes rates of its own (par. 1(b)), which these are not.

    Source: Implementing Regulation (EU) 2015/2447, art. 146(2) and (3).
    """
    for month, rate in settled(daily, last_wednesday_but_one_before):
        yield replace(rate, table="eu-customs-monthly", since=month, until=following(month))


def tariff_monthly(daily: Iterable[ExchangeRate]) -> Iterator[ExchangeRate]:
    """Rates for sums in euro in the tariff, table `eu-tariff-monthly`: the last before a month's last day but one.

    It holds throughout the next month. Where it is more than 5 % above or below the last one set before the 15th of
    that month, that one holds from the 15th to its end. As long as the daily rates do not reach the 14th, the month
    is given whole: derive it again after that day.

    Source: Implementing Regulation (EU) 2015/2447, art. 48(1).
    """
    daily = list(daily)
    before_15th = {(rate.currency, month): rate for month, rate in settled(daily, lambda month: month.replace(day=14))}
    for month, first in settled(daily, day_before_last_but_one_before):
        later = before_15th.get((first.currency, month))
        changes = later is not None and differ_by_more_than_5_percent(first.per_base, later.per_base)
        middle, end = month.replace(day=15), following(month)
        yield replace(first, table="eu-tariff-monthly", since=month, until=middle if changes else end)
        if later is not None and changes:
            yield replace(later, table="eu-tariff-monthly", since=middle, until=end)


def yearly(daily: Iterable[ExchangeRate]) -> Iterator[ExchangeRate]:
    """Rates for other sums in euro, table `eu-yearly`: that of October's first working day holds the next year.

    A working day is one for which the bank published. A member state may round the sum, and may keep last year's where
    it moves by less than 5 %: a sum that a state has set in its own currency goes before this rate.

    Source: Implementing Regulation (EU) 2015/2447, art. 48(2) and (3); Directive 2006/112/EC, art. 369zc.
    """
    daily = list(daily)
    # The day after a rate of September is October's first, even where the daily rates begin within an October.
    first_of_october = {
        rate.until for rate in daily if rate.until and rate.since < date(rate.until.year, 10, 1) <= rate.until
    }
    for rate in daily:
        if rate.since in first_of_october and rate.since.month == OCTOBER:
            year = rate.since.year + 1
            yield replace(rate, table="eu-yearly", since=date(year, 1, 1), until=date(year + 1, 1, 1))


def differ_by_more_than_5_percent(first: Decimal, later: Decimal) -> bool:
    """Whether the first is more than 5 % above or below the later one; exactly 5 % is not more."""
    return abs(first - later) * 20 > later


def last_wednesday_but_one_before(month: date) -> date:
    """The last Wednesday but one of the month before."""
    last = last_day_before(month)
    return last - timedelta(days=(last.weekday() - WEDNESDAY) % 7) - WEEK


def day_before_last_but_one_before(month: date) -> date:
    """The day before the last but one of the month before: 29 October, for November."""
    return last_day_before(month) - 2 * DAY

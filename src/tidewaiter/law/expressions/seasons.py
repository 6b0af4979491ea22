"""Duties that change by season: "15.00% (01 JAN-14 FEB, 16 JUN-31 DEC), 0.00% (15 FEB-15 JUN)"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from tidewaiter.law.expressions.dialects import read, tidy
from tidewaiter.law.expressions.dialects.uk import MONTHS
from tidewaiter.law.expressions.formula import Formula

_DUTY = re.compile(r"\s*(?P<duty>[^()]+?)\s*\((?P<ranges>[^()]+)\)(?:,|\Z)")
_RANGE = re.compile(
    rf"\s*(?P<day>[0-9]{{1,2}}) (?P<month>{'|'.join(MONTHS)})[A-Z]* ?- ?"
    rf"(?P<last_day>[0-9]{{1,2}}) +(?P<last_month>{'|'.join(MONTHS)})[A-Z]*\s*",
    re.IGNORECASE,
)
_PLAIN_YEAR = 2023
"""Any year without a 29 February: seasons end with February, whatever its length."""


@dataclass(frozen=True, slots=True)
class Season:
    """A duty from one day of every year to another, both (month, day) and both within; it may pass the year's end."""

    first: tuple[int, int]
    last: tuple[int, int]
    duty: Formula


def read_seasons(text: str, dialect: str) -> tuple[Season, ...]:
    """The seasons in the order written; () unless each can be reckoned and together they make up the year once."""
    plain, place = tidy(text), 0
    found: list[Season] = []
    for match in _DUTY.finditer(plain):
        duty = read(match["duty"], dialect)
        ranges = [_RANGE.fullmatch(part) for part in match["ranges"].split(",")]
        if match.start() != place or not isinstance(duty, Formula) or not all(ranges):
            return ()
        found += [Season(_day(r["day"], r["month"]), _day(r["last_day"], r["last_month"]), duty) for r in ranges if r]
        place = match.end()
    return tuple(found) if place == len(plain) and _make_up_a_year(found) else ()


def spans(season: Season, since: date, until: date) -> list[tuple[date, date]]:
    """The season's times in the days from `since` to before `until`, each as (first day, first day no longer)."""
    found = []
    for year in range(since.year - 1, until.year + 1):
        start = date(year, *season.first)
        last_year = year + (season.last < season.first)
        ends = date(last_year, *_leap(season.last, last_year)) + timedelta(days=1)
        if max(start, since) < min(ends, until):
            found.append((max(start, since), min(ends, until)))
    return found


def _day(day: str, month: str) -> tuple[int, int]:
    return MONTHS.index(month.upper()[:3]) + 1, int(day)


def _leap(last: tuple[int, int], year: int) -> tuple[int, int]:
    """The last day of February in its own year; any other day as it is."""
    return (2, (date(year, 3, 1) - timedelta(days=1)).day) if last in ((2, 28), (2, 29)) else last


def _make_up_a_year(seasons: list[Season]) -> bool:
    days: list[date] = []
    for season in seasons:
        try:
            first = date(_PLAIN_YEAR, *season.first)
            last = date(_PLAIN_YEAR, *((2, 28) if season.last == (2, 29) else season.last))
        except ValueError:
            return False  # such as 31 April
        length = (last - first).days % 365 + 1
        days += [date.fromordinal(date(_PLAIN_YEAR, 1, 1).toordinal() + (first.timetuple().tm_yday - 1 + n) % 365)
                 for n in range(length)]  # fmt: skip
    return len(days) == 365 and len(set(days)) == 365

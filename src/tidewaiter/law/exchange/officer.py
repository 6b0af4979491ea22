"""One rate that an officer types in, where nothing published is held for a currency and a day."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from tidewaiter.law.exchange.table import ExchangeRate
from tidewaiter.law.text import number

SPAN_MAX = timedelta(days=366)
WHO_MAX = 80


def typed(
    *, table: str, base: str, currency: str, since: date, until: date, per_base: str | Decimal, who: str
) -> ExchangeRate:
    """The rate, with a source that names the officer (`who`: a name or number that the audit log knows too).

    Raises ValueError for what is no rate (`ExchangeRate` says what), for a number in any form but digits and a point,
    for more than a year, and where nobody answers for it: a rate that is typed in must not hold for ever unnoticed.
    """
    if not isinstance(per_base, str | Decimal):
        raise ValueError(f"{per_base!r} is not exact: give it as text or as a decimal")
    if not isinstance(since, date) or not isinstance(until, date):
        raise ValueError("a rate that is typed in has a first day and an end")
    if until - since > SPAN_MAX:
        raise ValueError(f"from {since} until {until} is more than a year: type it in anew each year")
    if not who.strip() or len(who) > WHO_MAX:
        raise ValueError(f"a rate that is typed in names the officer, in 1 to {WHO_MAX} characters")
    return ExchangeRate(
        table=table,
        base=base,
        currency=currency,
        since=since,
        until=until,
        per_base=number(per_base) if isinstance(per_base, str) else per_base,
        source=f"typed in by {who.strip()}",
    )

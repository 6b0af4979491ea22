"""HM Revenue & Customs' monthly rates of exchange, in the three forms in which they are given out.

XML (`<exchangeRateMonthList Period="01/Sep/2023 to 30/Sep/2023">`), CSV with the same columns or with those of the
Trade Tariff service ('Currency Units per £1', 'Start date', 'End date'), and the JSON of that service's interface. All
list countries; here each currency comes once, and a currency with two rates in one file is refused.

Source: HMRC publishes them under the Taxation (Cross-border Trade) Act 2018, s. 18, for the month that they name.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from xml.parsers import expat

from tidewaiter.law.exchange.files import reading, within
from tidewaiter.law.exchange.months import DAY
from tidewaiter.law.exchange.table import ExchangeRate
from tidewaiter.law.text import number

BYTES_MAX = 4 * 1024 * 1024
"""A month of all countries is 36,000 bytes of XML, 55,000 of JSON."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NAMED_DAY = re.compile(r"(\d{2})/([A-Z][a-z]{2})/(\d{4})")
_NUMBERED_DAY = re.compile(r"(\d{2})/(\d{2})/(\d{4})")
_PERIOD = " to "


class _Line(NamedTuple):
    """What a form says of one country: `last` is the last day, as HMRC gives it."""

    currency: str
    first: str
    last: str
    rate: str


def read(path: Path) -> Iterator[ExchangeRate]:
    """The rates of the file, table `hmrc-monthly`, base GBP, one a currency, in the file's order.

    Raises ValueError where it is none of the three forms, is larger than `BYTES_MAX`, or contradicts itself.
    """
    with reading(path):
        yield from _rates(within(path, BYTES_MAX))


def _rates(data: bytes) -> Iterable[ExchangeRate]:
    found: dict[str, ExchangeRate] = {}
    for line in _lines(data):
        since = _day(line.first)
        rate = ExchangeRate(
            table="hmrc-monthly",
            base="GBP",
            currency=line.currency,
            since=since,
            until=_day(line.last) + DAY,
            per_base=number(line.rate),
            source=f"HMRC monthly rates {since:%Y-%m}",
        )
        if found.setdefault(line.currency, rate) != rate:
            raise ValueError(f"two rates of {line.currency}")
    if not found:
        raise ValueError("no rates are in it")
    return found.values()


def _lines(data: bytes) -> Iterator[_Line]:
    match data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]:
        case b"<":
            return _xml(data)
        case b"{":
            return _json(data)
        case _:
            return _csv(data)


def _xml(data: bytes) -> Iterator[_Line]:
    """The rates of the XML form. No document type is read, so no entity can grow or reach out."""
    lines: list[_Line] = []
    said: dict[str, str] = {}
    text: list[str] = []
    period = ("", "")

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal period
        if period == ("", ""):
            if name != "exchangeRateMonthList":
                raise ValueError(f"<{name[:40]}> is not HMRC's list of rates")
            period = _split(attributes.get("Period", ""))
        elif name == "exchangeRate":
            said.clear()
        text.clear()

    def end(name: str) -> None:
        if name == "exchangeRate":
            lines.append(_Line(_of(said, "currencyCode"), *period, _of(said, "rateNew")))
        else:
            said[name] = "".join(text).strip()
        text.clear()

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text.append
    try:
        parser.Parse(data, True)
    except expat.ExpatError as wrong:
        raise ValueError(f"line {wrong.lineno} is not XML: {expat.ErrorString(wrong.code)}") from wrong
    yield from lines


def _refuse_doctype(*_: object) -> None:
    raise ValueError("a document type declaration is not accepted")


def _json(data: bytes) -> Iterator[_Line]:
    said = json.loads(data, parse_float=Decimal)
    included = said.get("included")
    for entry in included if isinstance(included, list) else ():
        if isinstance(entry, dict) and entry.get("type") == "exchange_rate":
            rate = entry.get("attributes")
            if not isinstance(rate, dict):
                raise ValueError("a rate has no attributes")
            names = ("currency_code", "validity_start_date", "validity_end_date", "rate")
            yield _Line(*(str(_of(rate, name)) for name in names))


def _csv(data: bytes) -> Iterator[_Line]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:  # older files; only names of countries and the pound sign differ
        text = data.decode("latin-1")
    rows = csv.reader(io.StringIO(text))
    header = [_column(name) for name in next(rows, [])]
    for values in rows:
        if not any(values):
            continue
        row = dict(zip(header, values, strict=False))
        if "period" in row:
            yield _Line(_of(row, "currencycode"), *_split(row["period"]), _of(row, "rate"))
        else:
            yield _Line(_of(row, "currencycode"), _of(row, "startdate"), _of(row, "enddate"), _of(row, "rate"))


def _column(name: str) -> str:
    """The name of a column without spaces and capitals, which differ from year to year; 'rate' for that of the rate."""
    plain = name.replace(" ", "").strip().lower()
    return "rate" if plain == "ratenew" or plain.startswith("currencyunitsper") else plain


def _of(said: dict[str, Any], name: str) -> Any:
    value = said.get(name)
    if value in (None, ""):
        raise ValueError(f"a rate without {name}")
    return value.strip() if isinstance(value, str) else value


def _split(period: str) -> tuple[str, str]:
    first, between, last = period.partition(_PERIOD)
    if not between:
        raise ValueError(f"{period[:40]!r} is not a period such as '01/Sep/2023 to 30/Sep/2023'")
    return first.strip(), last.strip()


def _day(text: str) -> date:
    """The day of '01/Sep/2023', '01/09/2023' or '2023-09-01'. Raises ValueError."""
    if (found := _NAMED_DAY.fullmatch(text)) and found[2] in _MONTHS:
        return date(int(found[3]), _MONTHS.index(found[2]) + 1, int(found[1]))
    if found := _NUMBERED_DAY.fullmatch(text):
        return date(int(found[3]), int(found[2]), int(found[1]))
    return date.fromisoformat(text)

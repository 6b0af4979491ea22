"""Bringing law in: what an administration publishes becomes files of our own form in the operator's folder of law."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tidewaiter.law import Law
from tidewaiter.law.exchange import ExchangeRate, ecb, eu, hmrc, typed
from tidewaiter.law.exchange import write_csv as write_rates
from tidewaiter.law.official import (
    Measure,
    OfficialError,
    il_open_data,
    uk_api,
    uk_csv,
    uk_global_tariff,
    us_hts,
    us_layers,
    write_csv,
)


@dataclass(frozen=True, slots=True)
class Imported:
    """A file that was written, how many rows it has, and how many measures of which kind were left out: nothing in the
    law charges them."""

    path: Path
    rows: int
    left_out: Counter[str]


def import_law(source: str, paths: Sequence[Path], *, law: Law, into: Path, on: date) -> list[Imported]:
    """Read the files in an official form and put them down in the folder `into`, which is of the form of
    `jurisdictions/`. `on` is the day of a file that states none.

    Raises OfficialError, ValueError and OSError, saying which file is not of the form.
    """
    if source in TARIFFS:
        return _tariffs(source, TARIFFS[source](paths, on), law, into)
    if source in RATES:
        return list(_rates(RATES[source](paths), into))
    raise OfficialError(f"there is no source {source}; there are {', '.join(SOURCES)}")


def type_rate(
    *, table: str, base: str, currency: str, since: date, until: date, per_base: str, who: str, into: Path
) -> Imported:
    """Put down one rate of exchange that an officer typed in, under that officer's name. Raises ValueError."""
    rate = typed(table=table, base=base, currency=currency, since=since, until=until, per_base=per_base, who=who)
    return next(_rates({f"{table}-{currency}-{since}": [rate]}, into))


def _tariffs(source: str, measures: Iterable[Measure], law: Law, into: Path) -> list[Imported]:
    charged = {"third_country", "preference"} | {rule.measures for rule in law.charge_rules}
    by_schedule: dict[str, list[Measure]] = {}
    left_out: dict[str, Counter[str]] = {}
    for measure in measures:
        if measure.kind in charged:
            by_schedule.setdefault(measure.schedule, []).append(measure)
        else:
            left_out.setdefault(measure.schedule, Counter())[measure.kind] += 1
    found = []
    for schedule, mine in sorted(by_schedule.items()):
        path = into / schedule / "tariff" / f"{source}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        found.append(Imported(path, write_csv(mine, path), left_out.get(schedule, Counter())))
    return found


def _rates(tables: dict[str, list[ExchangeRate]], into: Path) -> Iterator[Imported]:
    for name, rates in tables.items():
        path = into / "world" / "exchange" / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_rates(rates, path)
        yield Imported(path, len(rates), Counter())


def _us_hts(paths: Sequence[Path], _on: date) -> Iterator[Measure]:
    """The exports of all editions, and the list of their dates (a CSV file) beside them."""
    lists = [path for path in paths if path.suffix == ".csv"]
    if len(lists) != 1:
        raise OfficialError("give the exports, and one list with the dates of their editions (.csv)")
    exports = [path for path in paths if path.suffix != ".csv"]
    return us_hts.read(_files(exports, "hts_*.json*"), us_hts.editions(lists[0]))


def _us_layers(paths: Sequence[Path], _on: date) -> Iterator[Measure]:
    if len(paths) != 2:
        raise OfficialError("give two folders: that of statutory rates, and that of the tracker")
    return us_layers.read(paths[0], paths[1])


def _files(paths: Sequence[Path], pattern: str) -> list[Path]:
    return [file for path in paths for file in (sorted(path.glob(pattern)) if path.is_dir() else [path])]


TARIFFS: dict[str, Callable[[Sequence[Path], date], Iterator[Measure]]] = {
    "us-hts": _us_hts,
    "us-layers": _us_layers,
    "uk-api": lambda paths, _: (m for path in _files(paths, "uk_commodities_*.json") for m in uk_api.read(path)),
    "uk-measures": lambda paths, _: (m for path in paths for m in uk_csv.read(path)),
    "uk-global-tariff": lambda paths, _: (m for path in paths for m in uk_global_tariff.read(path)),
    "il-open-data": lambda paths, on: (m for path in paths for m in il_open_data.read(path, on)),
}
RATES: dict[str, Callable[[Sequence[Path]], dict[str, list[ExchangeRate]]]] = {
    "ecb": lambda paths: _ecb([rate for path in paths for rate in ecb.read(path)]),
    "hmrc": lambda paths: {"hmrc-monthly": [rate for path in paths for rate in hmrc.read(path)]},
}
SOURCES = (*TARIFFS, *RATES)
"""The official forms that are read."""


def _ecb(daily: list[ExchangeRate]) -> dict[str, list[ExchangeRate]]:
    """The daily rates, and what the Union's rules and ours make of them by the month and the year."""
    return {
        "ecb-daily": daily,
        "ecb-monthly": list(ecb.month_end(daily)),
        "eu-customs-monthly": list(eu.customs_monthly(daily)),
        "eu-tariff-monthly": list(eu.tariff_monthly(daily)),
        "eu-yearly": list(eu.yearly(daily)),
    }

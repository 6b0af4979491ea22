"""Change any threshold, rate or day of the law by one unit, and a worked case notices.

The law is changed in memory, one place at a time: a day by a day, a threshold by a cent, a rate by a tenth of a per
cent.
Rates of tariffs and of exchange are not changed here: other tests compare them row by row with what is published.
`make mutants` runs this: it takes some minutes, so it is no part of `make test`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from test_cases import CASES, ROOT, consignment_of, expected, past_of, sums
from tidewaiter.assessment import assess
from tidewaiter.law import Law
from tidewaiter.law.rules import Jurisdiction, Tax, overlaps
from tidewaiter.model.batch import Batch
from tidewaiter.model.past import Past

CENT, TENTH_OF_A_PERCENT, DAY = 10_000, 1_000, timedelta(days=1)
DAYS = ("since", "until")
THRESHOLDS = (
    "value_max", "value_over", "person_day_max", "person_year_max", "waived_below_micro", "waived_up_to_micro",
    "minimum_micro", "maximum_micro",
)  # fmt: skip
RATES = ("rate_ppm", "share_ppm", "value_share_ppm", "amount_micro", "minus_micro")


class Mutant(NamedTuple):
    """One change: where, of what kind, and the jurisdiction with it."""

    name: str
    kind: str
    jurisdiction: Jurisdiction


class Docket(NamedTuple):
    """The cases of some countries as one batch, with what each states."""

    batch: Batch
    past: Past
    regimes: list[str | None]
    charges: list[Mapping[Any, Any]]

    def holds(self, law: Law) -> bool:
        """Whether every case comes out as it says."""
        found = assess(self.batch, law, self.past)
        regimes = dict(found.regimes.select("row", "regime").iter_rows())
        if [regimes.get(row) for row in range(len(self.batch))] != self.regimes:
            return False
        by_row = found.charges.partition_by("row", as_dict=True)
        none = found.charges.clear()
        return all(sums(by_row.get((row,), none)) == said for row, said in enumerate(self.charges))


def docket(countries: set[str]) -> Docket:
    mine = [one.values for one in CASES if one.values[0] in countries]
    return Docket(
        Batch.of([consignment_of(country, case) for country, case in mine]),
        past_of([case for _, case in mine]),
        [case["expect"].get("regime") for _, case in mine],
        [expected(case) for _, case in mine],
    )


def first_day(law: Law, countries: set[str]) -> date:
    """The first day of which law says anything in one of the countries."""
    folders = [law.jurisdictions[folder] for country in countries for folder in law.family(country)]
    return min(ground.since for place in folders for ground in place.ground)


def mutants(place: Jurisdiction, first: date) -> Iterator[Mutant]:
    """Every single change of the jurisdiction by one unit that can make a difference from its first day on."""
    for number, ground in enumerate(place.ground):
        for name, kind, other in changes(ground, date.min):
            yield Mutant(f"ground/{number}/{name}", kind, replace(place, ground=put(place.ground, number, other)))
    for at, tax in enumerate(place.taxes):
        for part in ("rates", "goods"):
            for number, entry in enumerate(getattr(tax, part)):
                if entry.name not in {"standard", *(goods.name for goods in tax.goods)}:
                    continue  # a rate that is stated, and that no goods here bear
                for name, kind, other in changes(entry, first):
                    changed = with_part(tax, part, put(getattr(tax, part), number, other))
                    label = f"taxes/{tax.id}/{part}/{entry.name} {entry.since}/{name}"
                    yield Mutant(label, kind, replace(place, taxes=put(place.taxes, at, changed)))
    for at, regime in enumerate(place.regimes):
        label = f"regimes/{regime.id} {regime.since}"
        found = list(changes(regime, first))
        found += [(f"when/{n}", k, replace(regime, when=o)) for n, k, o in changes(regime.when, first)]
        for number, rule in enumerate(regime.charges):
            found += [
                (f"{rule.code}/{n}", k, replace(regime, charges=put(regime.charges, number, o)))
                for n, k, o in changes(rule, first)
            ]
            for which, other in enumerate(rule.unless):
                found += [
                    (
                        f"{rule.code} {rule.measures}/unless/{which}/{n}",
                        k,
                        replace(
                            regime,
                            charges=put(regime.charges, number, replace(rule, unless=put(rule.unless, which, o))),
                        ),
                    )
                    for n, k, o in changes(other, first)
                ]
        for name, kind, other in found:
            yield Mutant(f"{label}/{name}", kind, replace(place, regimes=put(place.regimes, at, other)))


def changes(entry: Any, first: date) -> Iterator[tuple[str, str, Any]]:
    """Each change of one field of a record: its name, its kind, and the record with it. What moves a day that lies
    before the first changes nothing."""
    for field in fields(entry):
        value = getattr(entry, field.name)
        if field.name in DAYS and isinstance(value, date):
            for step in (-DAY, DAY) if value > first else (DAY,) if value == first else ():
                yield f"{field.name}{step.days:+}", "day", replace(entry, **{field.name: value + step})
        elif field.name in THRESHOLDS and value is not None:
            for micro in (-CENT, CENT):
                yield f"{field.name}{micro:+}", "threshold", replace(entry, **{field.name: value + micro})
        elif field.name in RATES and (value or field.name == "rate_ppm") and not is_idle(entry, field.name):
            step_of = TENTH_OF_A_PERCENT if field.name.endswith("ppm") else CENT
            yield f"{field.name}{step_of:+}", "rate", replace(entry, **{field.name: value + step_of})


def is_idle(entry: Any, name: str) -> bool:
    """Whether the field says nothing in this record: a rate of a charge that is by none, a share of the whole."""
    if name == "rate_ppm":
        return getattr(entry, "arithmetic", "rate") != "rate"
    return name.endswith("share_ppm") and getattr(entry, name) == 1_000_000


def with_part(tax: Tax, part: str, entries: tuple[Any, ...]) -> Tax:
    return replace(tax, rates=entries) if part == "rates" else replace(tax, goods=entries)


def put(entries: tuple[Any, ...], number: int, other: Any) -> tuple[Any, ...]:
    return (*entries[:number], other, *entries[number + 1 :])


def survivors(law: Law, folder: str) -> tuple[Counter[str], list[Mutant]]:
    """How many mutants of each kind the jurisdiction has, and those that no case noticed."""
    countries = {country for country in law.known if folder in law.family(country)}
    cases = docket(countries)
    assert cases.holds(law), "what the law itself does not keep notices no change of it"
    tried: Counter[str] = Counter()
    alive = []
    for mutant in mutants(law.jurisdictions[folder], first_day(law, countries)):
        tried[mutant.kind] += 1
        # Two texts that hold on one day are refused when law is loaded.
        if not any(overlaps(mutant.jurisdiction)) and cases.holds(law.amended(folder, mutant.jurisdiction)):
            alive.append(mutant)
    return tried, alive


UNNOTICED = Path(__file__).with_name("law_unnoticed.txt")
"""Changes that no case notices yet, a line each. It only ever gets shorter: a case is wanted for each."""
FOLDERS = sorted(path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "world")


@pytest.fixture(scope="module")
def tally() -> Iterator[Counter[tuple[str, str]]]:
    """Mutants tried and caught, by kind; printed at the end (`pytest -s`)."""
    counts: Counter[tuple[str, str]] = Counter()
    yield counts
    for kind in ("threshold", "day", "rate"):
        print(f"\n{kind}s: {counts[kind, 'caught']} of {counts[kind, 'tried']} changes noticed by a case", end="")


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_case_notices_every_change_of_the_law(law: Law, folder: str, tally: Counter[tuple[str, str]]) -> None:
    tried, alive = survivors(law, folder)
    for kind, count in tried.items():
        tally[kind, "tried"] += count
        tally[kind, "caught"] += count - sum(mutant.kind == kind for mutant in alive)

    unnoticed = {f"{folder}/{mutant.name}" for mutant in alive}
    known = {line for line in UNNOTICED.read_text(encoding="utf-8").splitlines() if line.startswith(f"{folder}/")}
    if os.environ.get("WRITE_UNNOTICED"):
        others = set(UNNOTICED.read_text(encoding="utf-8").splitlines()) - known
        UNNOTICED.write_text("\n".join(sorted(others | unnoticed)) + "\n", encoding="utf-8")
    else:
        assert unnoticed == known

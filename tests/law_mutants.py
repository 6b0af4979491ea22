"""Change any threshold, rate or day of the law by one unit, and a worked case notices.

The law is changed in memory, one place at a time: a day by a day, a threshold by the smallest coin of its currency, a
rate by a tenth of a per cent.
Rates of tariffs and of exchange are not changed here: other tests compare them row by row with what is published.
`make mutants` runs this, in about a minute: it is no part of `make test`. What no consignment could notice stands in
`law_equal.txt`, with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from test_cases import CASES, ROOT, consignment_of, expected, past_of, sums
from test_law_dated_rules import differing
from tidewaiter.assessment import KINDS, assess
from tidewaiter.checks import check
from tidewaiter.law import Law
from tidewaiter.law.rules import EVERY_CLASS, Jurisdiction, Tax, overlaps
from tidewaiter.model.batch import Batch
from tidewaiter.model.past import Past
from tidewaiter.services.quote import PERMIT_MISSING

CENT, WHOLE, TENTH_OF_A_PERCENT, DAY = 10_000, 1_000_000, 1_000, timedelta(days=1)
WITHOUT_CENTS = ("CLP", "ISK", "JPY", "KRW", "VND")
"""Currencies whose smallest coin is a whole one (ISO 4217)."""
DAYS = ("since", "until")
THRESHOLDS = (
    "value_max", "value_over", "person_day_max", "person_year_max", "waived_below_micro", "waived_up_to_micro",
    "minimum_micro", "maximum_micro", "within_d", "within_h", "tolerance_micro",
)  # fmt: skip
RATES = ("rate_ppm", "share_ppm", "value_share_ppm", "tolerance_ppm", "amount_micro", "minus_micro")


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
    findings: set[tuple[int, str]]
    not_findings: set[tuple[int, str]]
    lacking: set[int]
    not_lacking: set[int]

    def holds(self, law: Law) -> bool:
        """Whether every case comes out as it says."""
        found = assess(self.batch, law, self.past)
        regimes = dict(found.regimes.select("row", "regime").iter_rows())
        if [regimes.get(row) for row in range(len(self.batch))] != self.regimes:
            return False
        findings = set(found.findings.select("row", "code").iter_rows())
        if not self.findings <= findings or self.not_findings & findings:
            return False
        by_row = found.charges.partition_by("row", as_dict=True)
        none = found.charges.clear()
        return all(sums(by_row.get((row,), none), said) == said for row, said in enumerate(self.charges))

    def holds_documents(self, law: Law) -> bool:
        """Whether of every case those documents are found missing that it says."""
        found = check(self.batch, law, self.past)
        missing = set(found.filter(found["code"] == PERMIT_MISSING)["row"])
        return self.lacking <= missing and self.not_lacking.isdisjoint(missing)


def docket(countries: set[str]) -> Docket:
    mine = [one.values for one in CASES if one.values[0] in countries]
    return Docket(
        Batch.of([consignment_of(country, case) for country, case in mine]),
        past_of([case for _, case in mine]),
        [case["expect"].get("regime") for _, case in mine],
        [expected(case) for _, case in mine],
        stated(mine, "findings"),
        stated(mine, "not_findings"),
        of_documents(mine, "findings"),
        of_documents(mine, "not_findings"),
    )


def stated(cases: Sequence[Any], name: str) -> set[tuple[int, str]]:
    """The findings of assessment that the cases state under a name, each with the row of its case."""
    ours = {kind.code for kind in KINDS}
    codes = ((row, code) for row, (_, case) in enumerate(cases) for code in case["expect"].get(name, ()))
    return {(row, code) for row, code in codes if code in ours}


def of_documents(cases: Sequence[Any], name: str) -> set[int]:
    """The cases that state under a name the finding of documents that are missing."""
    return {row for row, (_, case) in enumerate(cases) if PERMIT_MISSING in case["expect"].get(name, ())}


def first_day(law: Law, countries: set[str]) -> date:
    """The first day of which law says anything in one of the countries: the nearest folder's ground rules count."""
    families = [[law.jurisdictions[folder].ground for folder in law.family(country)] for country in countries]
    return min(ground.since for family in families for ground in next(filter(None, family)))


def mutants(place: Jurisdiction, first: date) -> Iterator[Mutant]:
    """Every single change of the jurisdiction by one unit that can make a difference from its first day on."""
    for number, ground in enumerate(place.ground):
        for name, kind, other in changes(ground, date.min):
            yield Mutant(f"ground/{number}/{name}", kind, replace(place, ground=put(place.ground, number, other)))
    for at, tax in enumerate(place.taxes):
        for part in ("rates", "goods"):
            for number, entry in enumerate(getattr(tax, part)):
                if entry.name not in {"standard", EVERY_CLASS, *(goods.name for goods in tax.goods)}:
                    continue  # a rate that is stated, and that no goods here bear
                there = getattr(entry, "delivered_to", "").rpartition("/")[2]
                for name, kind, other in changes(entry, first):
                    changed = with_part(tax, part, put(getattr(tax, part), number, other))
                    label = f"taxes/{tax.id}/{part}/{f'{there} ' if there else ''}{entry.name} {entry.since}/{name}"
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


def mutants_of_documents(place: Jurisdiction, first: date) -> Iterator[Mutant]:
    """Every change by a day of the goods that need documents."""
    for at, permit in enumerate(place.permits):
        for number, goods in enumerate(permit.goods):
            for name, kind, other in changes(goods, first):
                changed = replace(permit, goods=put(permit.goods, number, other))
                label = f"documents/{permit.id}/{goods.prefixes[0]} {goods.since}/{name}"
                yield Mutant(label, kind, replace(place, permits=put(place.permits, at, changed)))


def mutants_of_rules(place: Jurisdiction, first: date) -> Iterator[Mutant]:
    """Every change of how goods are declared ahead, and of how documents from several parties are matched."""
    for part in ("prelodging", "matching"):
        entries = getattr(place, part)
        for number, entry in enumerate(entries):
            for name, kind, other in changes(entry, first):
                changed: Any = {part: put(entries, number, other)}
                yield Mutant(f"{part}/{entry.since}/{name}", kind, replace(place, **changed))


def changes(entry: Any, first: date) -> Iterator[tuple[str, str, Any]]:
    """Each change of one field of a record: its name, its kind, and the record with it. What moves a day that lies
    before the first changes nothing."""
    for field in fields(entry):
        value = getattr(entry, field.name)
        if field.name in DAYS and isinstance(value, date):
            for step in (-DAY, DAY) if value > first else (DAY,) if value == first else ():
                yield f"{field.name}{step.days:+}", "day", replace(entry, **{field.name: value + step})
        elif field.name in THRESHOLDS and value is not None:
            for micro in (-unit(entry, field.name), unit(entry, field.name)):
                yield f"{field.name}{micro:+}", "threshold", replace(entry, **{field.name: value + micro})
        elif field.name in RATES and (value or field.name == "rate_ppm") and not is_idle(entry, field.name, value):
            more = TENTH_OF_A_PERCENT if field.name.endswith("ppm") else unit(entry, field.name)
            yield f"{field.name}{more:+}", "rate", replace(entry, **{field.name: value + more})


def unit(entry: Any, name: str) -> int:
    """The smallest coin, in millionths, of the currency of an amount in this record; of days and hours one."""
    if name.startswith("within"):
        return 1
    of = {
        "amount_micro": "amount_currency", "minus_micro": "minus_currency", "tolerance_micro": "tolerance_currency",
    }.get(name, "limit_currency")  # fmt: skip
    return WHOLE if getattr(entry, of if hasattr(entry, of) else "currency") in WITHOUT_CENTS else CENT


def is_idle(entry: Any, name: str, value: int | None) -> bool:
    """Whether the field says nothing in this record: a rate that is not held or of a charge that is by none, a share of
    the whole."""
    if name == "rate_ppm":
        return value is None or getattr(entry, "arithmetic", "rate") != "rate"
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
    assert cases.holds_documents(law)
    for mutant in mutants_of_documents(law.jurisdictions[folder], first_day(law, countries)):
        tried[mutant.kind] += 1
        if cases.holds_documents(law.amended(folder, mutant.jurisdiction)):
            alive.append(mutant)
    assert differing(law, countries) == []
    for mutant in mutants_of_rules(law.jurisdictions[folder], first_day(law, countries)):
        tried[mutant.kind] += 1
        if not any(overlaps(mutant.jurisdiction)) and not differing(
            law.amended(folder, mutant.jurisdiction), countries
        ):
            alive.append(mutant)
    return tried, alive


EQUAL = Path(__file__).with_name("law_equal.txt")
"""Changes that no consignment whatever could notice, a line each with the reason: `path  # why`. They do not count."""
FOLDERS = sorted(path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "world")


def listed(path: Path) -> list[str]:
    """The lines of a ledger."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line]


@pytest.fixture(scope="module")
def tally() -> Iterator[Counter[tuple[str, str]]]:
    """Mutants tried, caught and equal in effect, by kind; printed at the end (`pytest -s`)."""
    counts: Counter[tuple[str, str]] = Counter()
    yield counts
    for kind in ("threshold", "day", "rate"):
        tried, caught, equal = (counts[kind, what] for what in ("tried", "caught", "equal"))
        print(f"\n{kind}s: {caught} of {tried} changes noticed by a case, {equal} more equal in effect", end="")


def test_every_change_that_is_equal_in_effect_has_its_reason() -> None:
    lines = listed(EQUAL)

    assert lines == sorted(lines)
    assert all(why.strip() for _, why in (line.split("  # ") for line in lines))


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_case_notices_every_change_of_the_law(law: Law, folder: str, tally: Counter[tuple[str, str]]) -> None:
    tried, alive = survivors(law, folder)
    equal = {path for path, *_ in (line.split("  # ") for line in listed(EQUAL)) if path.startswith(f"{folder}/")}
    for kind, count in tried.items():
        left = Counter(f"{folder}/{mutant.name}" in equal for mutant in alive if mutant.kind == kind)
        tally[kind, "equal"] += left[True]
        tally[kind, "tried"] += count - left[True]
        tally[kind, "caught"] += count - left[True] - left[False]

    assert {f"{folder}/{mutant.name}" for mutant in alive} == equal

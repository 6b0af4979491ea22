"""From which day until which goods may be declared before they are there, and documents of a sale are matched.

A line a stretch: the last day before it, its first day, its last day and the day after are each asked. The texts that
say so are named in the law itself.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tidewaiter.law import Law, load
from tidewaiter.model.money import from_micro

NOTHING = "nothing"
PRELODGED = (
    # country, from, until: which additional types of declaration, and the days within which the goods are presented
    ("FR", date(2016, 5, 1), None, "D E F, within 30 days"),
    ("DE", date(2016, 5, 1), None, "D E F, within 30 days"),
    ("GB", date(2021, 1, 1), None, "D E F K, within 30 days"),
    ("ZZ", date(2024, 1, 1), None, "D, within 7 days"),
)
MATCHED = (
    # country, from, until: what must meet, within how many hours, and by how much amounts may differ
    ("CN", date(2019, 1, 1), None, "order payment waybill, within 336 hours, 0 CNY or 0 %"),
    ("ZZ", date(2024, 1, 1), date(2026, 1, 1), "order waybill, within 240 hours, 0.5 ZZD or 1 %"),
    ("ZZ", date(2026, 1, 1), None, "order payment waybill, within 72 hours, 0.1 ZZD or 0 %"),
)


def prelodged(law: Law, country: str, day: date) -> str:
    found = law.prelodging(country, day)
    return NOTHING if found is None else f"{' '.join(found.types)}, within {found.within_d} days"


def matched(law: Law, country: str, day: date) -> str:
    found = law.matching(country, day)
    if found is None:
        return NOTHING
    amount = f"{from_micro(found.tolerance_micro).normalize():f} {found.tolerance_currency}"
    share = f"{from_micro(found.tolerance_ppm * 100).normalize():f} %"
    return f"{' '.join(found.documents)}, within {found.within_h} hours, {amount} or {share}"


def expected(lines: tuple[tuple[str, date, date | None, str], ...]) -> dict[tuple[str, date], str]:
    """What holds on each day that is asked of each country."""
    one, days = timedelta(days=1), dict[tuple[str, date], str]()
    for country, since, until, _ in lines:
        for day in (since - one, since, until - one if until else since + 3_000 * one, until or since):
            held = [text for of, begun, end, text in lines if of == country and begun <= day and (not end or day < end)]
            days[country, day] = held[0] if held else NOTHING
    return days


def differing(law: Law, countries: set[str]) -> list[str]:
    """What the law says otherwise of these countries."""
    asked = ((prelodged, PRELODGED), (matched, MATCHED))
    return [
        f"{country} on {day}: {says(law, country, day)}, not {text}"
        for says, lines in asked
        for (country, day), text in expected(lines).items()
        if country in countries and says(law, country, day) != text
    ]


@pytest.fixture(scope="module")
def law() -> Law:
    return load()


def test_each_stretch_begins_and_ends_on_its_day_and_says_what_it_says(law: Law) -> None:
    assert differing(law, set(law.known)) == []


def test_nowhere_else_are_goods_declared_ahead_or_documents_matched(law: Law) -> None:
    union = {country for country in law.known if "eu" in law.family(country)}
    day = date(2026, 11, 2)

    assert {country for country in law.known if prelodged(law, country, day) != NOTHING} == union | {"GB", "ZZ"}
    assert {country for country in law.known if matched(law, country, day) != NOTHING} == {"CN", "ZZ"}

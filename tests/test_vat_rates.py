"""The rates of VAT in the member states' folders, held against three public tables, day by day.

`ibericode` and `kdeldycke` give rates with their days, `eu_vat_rates_data` those of its own day only. Wherever one of
them says something else than the law here, the difference stands below with what was decided and why: one that is not
listed fails the test, and so does one that is listed and is there no longer. Where the tables are not to hand, the
tests are skipped.
"""

from __future__ import annotations

import csv
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache, partial
from itertools import groupby, pairwise, product
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAW = ROOT / "src" / "tidewaiter" / "jurisdictions"
TABLES = ROOT.parent / "shared" / "data" / "reference" / "vat"
FIRST, LAST = date(2016, 5, 1), date(2026, 9, 29)
"""The first day of the Union's ground rules here, and the day of the newest table."""
OLDEST, NEWEST = FIRST.isoformat(), LAST.isoformat()

MEMBERS = (
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
)  # fmt: skip

Rates = str
"""Percents in order, with commas between; empty where there is none."""


@dataclass(frozen=True)
class Difference:
    """What a table and the law here say of one state or place, from the first day to the last."""

    table: str
    place: str
    first: str
    last: str
    theirs: Rates
    ours: Rates


STANDARD: dict[Difference, str] = {
    Difference("kdeldycke", "IE", "2020-09-01", "2021-02-28", "23", "21"):
        "Ours: the table leaves out the half year at 21 % (Financial Provisions (Covid-19) (No. 2) Act 2020), which "
        "ibericode has.",
    Difference("kdeldycke", "HR", "2022-12-31", "2022-12-31", "", "25"):
        "Ours: no rate changed; the table ends its row for the kuna with the last day instead of the day after.",
    Difference("kdeldycke", "LU", "2022-12-31", "2022-12-31", "", "17"):
        "Ours: the table ends this row with its last day instead of the day after. 16 % from 1 January 2023: Loi du "
        "26 octobre 2022.",
    Difference("kdeldycke", "LU", "2023-12-31", "2023-12-31", "", "16"):
        "Ours: as in the row above; 17 % again from 1 January 2024.",
}  # fmt: skip

REDUCED: dict[Difference, str] = {
    Difference("ibericode", "AT", "2020-07-01", "2021-12-31", "10, 13", "5, 10, 13"):
        "Ours: 5 % for books and others, Umsatzsteuergesetz 1994, § 28(52).",
    Difference("ibericode", "AT", "2026-07-01", NEWEST, "10, 13", "4.9, 10, 13"):
        "Ours: 4.9 % for basic food from July 2026, which eu_vat_rates_data has; the government's list of 28 "
        "January 2026.",
    Difference("eu_vat_rates_data", "AT", NEWEST, NEWEST, "4.9, 10, 13, 19", "4.9, 10, 13"):
        "Both: 19 % is the standard rate of Jungholz and Mittelberg, held here as a rate of these places.",
    Difference("ibericode", "CY", "2023-07-21", NEWEST, "5, 9", "3, 5, 9"):
        "Ours: 3 % since 21 July 2023 (KPMG and others on the amending law of that day), which eu_vat_rates_data "
        "has.",
    Difference("ibericode", "EE", "2022-08-01", "2023-12-31", "9", "5, 9"):
        "Ours: 5 % for the press from 1 August 2022; ibericode has it from 2024 only. Known in general, not read in "
        "the act.",
    Difference("ibericode", "ES", "2024-10-01", "2024-12-31", "4, 10", "2, 4, 10"):
        "Ours: 2 % for basic food in the last quarter of 2024, Real Decreto-ley 4/2024 (the Commission's "
        "Access2Markets, January 2025).",
    Difference("ibericode", "FI", "2026-01-01", NEWEST, "10, 14", "10, 13.5"):
        "Ours: 14 became 13.5 % on 1 January 2026, which eu_vat_rates_data has.",
    Difference("eu_vat_rates_data", "FR", NEWEST, NEWEST, "0.9, 1.05, 2.1, 5.5, 8.5, 10, 13", "2.1, 5.5, 10"):
        "Both: 0.9 and 13 % are Corsica's, 1.05 and 8.5 % those of Guadeloupe, Martinique and Réunion (Code général "
        "des impôts, art. 296, 297).",
    Difference("ibericode", "GR", OLDEST, "2016-05-31", "6, 13.5", "6, 13"):
        "Ours: 13 % before and after; 13.5 is in no other source. Law 2859/2000, art. 21.",
    Difference("eu_vat_rates_data", "GR", NEWEST, NEWEST, "4, 6, 13, 17", "6, 13"):
        "Both: 4 and 17 % are the islands' (VAT Code, art. 26(4)), which hold only for goods cleared there.",
    Difference("eu_vat_rates_data", "IE", NEWEST, NEWEST, "9, 13.5", "4.8, 9, 13.5"):
        "Ours: 4.8 % for livestock (s. 46(1)(d)), which ibericode has.",
    Difference("ibericode", "LT", "2026-01-01", NEWEST, "5, 9", "5, 12"):
        "Ours: Law XV-287 put 12 % for 9 on 1 January 2026, which eu_vat_rates_data has.",
    Difference("ibericode", "LU", OLDEST, "2022-12-31", "3, 8, 13", "3, 8, 14"):
        "Ours: the intermediate rate was 14 % but for 2023 (Loi TVA, art. 39(3)); 13 belongs to 2023.",
    Difference("ibericode", "LV", OLDEST, "2017-12-31", "5, 12", "12"):
        "Ours: 5 % came on 1 January 2018; ibericode has one row for all time.",
    Difference("ibericode", "MT", "2024-01-01", NEWEST, "5, 7", "5, 7, 12"):
        "Ours: 12 % since 1 January 2024, which eu_vat_rates_data has. It touches no goods here.",
    Difference("eu_vat_rates_data", "PT", NEWEST, NEWEST, "6, 13, 16, 22", "6, 13"):
        "Both: 16 % is the standard rate of the Azores, 22 % that of Madeira.",
    Difference("ibericode", "SI", OLDEST, "2019-12-31", "5, 9.5", "9.5"):
        "Ours: 5 % came on 1 January 2020; ibericode has one row for all time.",
}  # fmt: skip

TERRITORIES: dict[Difference, str] = {
    Difference("ibericode", "PT Azores", "2021-07-01", NEWEST, "18", "16"):
        "Ours: 16 % since 1 July 2021 (Decreto Legislativo Regional 15-A/2021/A); 16 is among the rates of "
        "eu_vat_rates_data.",
    Difference("kdeldycke", "PT Azores", "2021-07-01", NEWEST, "18", "16"):
        "Ours: the same.",
    Difference("kdeldycke", "FI Åland", OLDEST, "2024-08-31", "", "24"):
        "Ours: Åland is outside the Union's VAT, but the Finnish VAT act holds there: import VAT is charged on what "
        "comes from outside the Union (Norden.org and the post of Åland say so), at the Finnish rates.",
    Difference("kdeldycke", "FI Åland", "2024-09-01", NEWEST, "", "25.5"):
        "Ours: the same.",
    Difference("ibericode", "FR Saint-Barthélemy", OLDEST, NEWEST, "8.5", ""):
        "Ours: its postcode begins like Guadeloupe's, but it left the Union in 2012 (Council Decision 2010/718/EU).",
    Difference("ibericode", "FR Saint-Martin", OLDEST, NEWEST, "8.5", ""):
        "Ours: its postcode begins like Guadeloupe's, but French VAT does not hold there (Code général des impôts, "
        "art. 294).",
}  # fmt: skip

NOT_HELD = {
    **dict.fromkeys(
        ("DE-87491", "DE-87567", "DE-87568", "DE-87569"),
        "German postcodes of Jungholz and Mittelberg, which are in Austria and held there",
    ),
    **dict.fromkeys(("NL-AW", "NL-CW", "NL-SX", "NL-BQ1", "NL-BQ2", "NL-BQ3"), "reached by country codes of their own"),
    **dict.fromkeys(
        ("GR-34007", "GR-37002", "GR-37003", "GR-37005", "GR-64004", "GR-68002",
         "GR-81", "GR-82", "GR-83", "GR-84", "GR-85"),
        "rows that end with May 2016; the islands are held from the years in which their rate is sure",
    ),
}  # fmt: skip
"""Places of kdeldycke which the lists here leave out, or hold for other years, and why."""

PLACES = {
    "AT-6691": "Jungholz", "AT-6991": "Mittelberg", "AT-6992": "Mittelberg", "AT-6993": "Mittelberg",
    "DE-27498": "Heligoland", "DE-78266": "Büsingen am Hochrhein",
    "ES-CN": "Canary Islands", "ES-GC": "Canary Islands", "ES-TF": "Canary Islands", "ES-ML": "Melilla",
    "ES-CE": "Ceuta", "FI-01": "Åland", "FR-BL": "Saint-Barthélemy", "FR-GF": "Guyane", "FR-GP": "Guadeloupe",
    "FR-MF": "Saint-Martin", "FR-MQ": "Martinique", "FR-NC": "New Caledonia", "FR-PF": "French Polynesia",
    "FR-PM": "Saint-Pierre-et-Miquelon", "FR-RE": "Réunion", "FR-TF": "French Southern and Antarctic Lands",
    "FR-WF": "Wallis and Futuna", "FR-YT": "Mayotte", "GR-69": "Mount Athos",
    "IT-22060": "Campione d'Italia", "IT-23030": "Livigno",  # old postcodes, shared with places that are not special
    "PT-20": "Azores", "PT-30": "Madeira",
}  # fmt: skip
"""What kdeldycke's codes of places (ISO 3166-2 or a postcode) are called in the lists here."""

OUTSIDE_CUSTOMS = "outside-customs"
LIKE_THE_MAINLAND = {"aland"}
"""Parts of the special territories that no rule sets apart: named, so that nobody takes them for forgotten."""

Row = dict[str, str]


def table(name: str) -> Path:
    path = TABLES / name
    if not path.exists():
        pytest.skip(f"the public table {name} is not here")
    return path


@cache
def taxes(country: str) -> list[dict[str, Any]]:
    held: list[dict[str, Any]] = tomllib.loads((LAW / country.lower() / "taxes.toml").read_text("utf-8"))["tax"]
    return next(tax["rate"] for tax in held if tax["id"] == "vat")


@cache
def territories(country: str) -> list[Row]:
    path = LAW / country.lower() / "codes" / "special-territories.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def in_force(block: dict[str, Any], day: date) -> bool:
    first: date = block["from"]
    after: date = block.get("until", date.max)
    return first <= day < after


def said(rates: set[Decimal]) -> Rates:
    """Rates in order; nought is left out, since no table lists it among its reduced rates."""
    return ", ".join(f"{rate.normalize():f}" for rate in sorted(rates) if rate)


def percent(text: str) -> Decimal:
    return Decimal(text.removesuffix(" %"))


def our_standard(country: str, day: date) -> Rates:
    return said({percent(r["rate"]) for r in mainland(country, day) if r["class"] == "standard"})


def our_reduced(country: str, day: date) -> Rates:
    return said({percent(r["rate"]) for r in mainland(country, day) if r["class"] != "standard"})


def mainland(country: str, day: date) -> list[dict[str, Any]]:
    return [rate for rate in taxes(country) if "delivered_to" not in rate and in_force(rate, day)]


@cache
def turns() -> list[date]:
    """Every day on which something changes in a table or here; between two of them all stays as it is."""
    texts = {row[edge] for country in MEMBERS for row in territories(country) for edge in ("from", "until")}
    texts |= {edge for first, after, _, _ in kdeldycke() for edge in (first, after)}
    texts |= {period["effective_from"] for country in MEMBERS for period in ibericode()[country]}
    days = {date.fromisoformat(text) for text in texts if text not in ("", "9999", "0000-01-01")}
    days |= {rate[edge] for country in MEMBERS for rate in taxes(country) for edge in ("from", "until") if edge in rate}
    return sorted(day for day in days if day <= LAST)


def differences(
    name: str, place: str, first: date, ours: Callable[[date], Rates], theirs: Callable[[date], Rates]
) -> Iterator[Difference]:
    """Each longest run of days, from the first to the newest table's, on which the two say different things."""
    days = [first, *(day for day in turns() if day > first), LAST + timedelta(1)]
    for (there, here), run in groupby(pairwise(days), key=lambda span: (theirs(span[0]), ours(span[0]))):
        spans = list(run)
        if there != here:
            first, last = spans[0][0], spans[-1][1] - timedelta(1)
            yield Difference(name, place, first.isoformat(), last.isoformat(), there, here)


@cache
def ibericode() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = json.loads(table("ibericode_vat-rates.json").read_text("utf-8"))["items"]
    return found


def ibericode_period(country: str, day: date) -> dict[str, Any]:
    """The newest period that has begun; the first of each country begins in the year nought."""
    return next(period for period in ibericode()[country] if period["effective_from"] <= day.isoformat())


def ibericode_standard(country: str, day: date) -> Rates:
    return said({Decimal(str(ibericode_period(country, day)["rates"]["standard"]))})


def ibericode_reduced(country: str, day: date) -> Rates:
    rates = ibericode_period(country, day)["rates"]
    return said({Decimal(str(rate)) for name, rate in rates.items() if name != "standard"})


@cache
def kdeldycke() -> list[tuple[str, str, Decimal, list[str]]]:
    """First day, first day after ('9999' where open), percent, places."""
    with table("kdeldycke_vat_rates.csv").open(encoding="utf-8", newline="") as handle:
        return [
            (row["start_date"], row["stop_date"] or "9999", Decimal(row["rate"]) * 100, row["territory_codes"].split())
            for row in csv.DictReader(handle)
            if row["rate_type"] == "standard"
        ]


def by_day(rates: list[tuple[str, str, Decimal, list[str]]], place: str) -> Callable[[date], Rates]:
    """The rate of a place on a day by kdeldycke; '' where it has none."""
    rows = [(first, after, rate) for first, after, rate, places in rates if place in places]
    return lambda day: said({rate for first, after, rate in rows if first <= day.isoformat() < after})


@cache
def newest() -> dict[str, Any]:
    content = json.loads(table("eu_vat_rates_data_2026-09-29.json").read_text("utf-8"))
    assert content["version"] == LAST.isoformat()
    found: dict[str, Any] = content["rates"]
    return found


def test_the_folders_are_the_member_states() -> None:
    below = {
        toml.parent.name.upper()
        for toml in LAW.glob("*/jurisdiction.toml")
        if 'parent = "eu"' in toml.read_text("utf-8")
    }

    assert sorted(below - {"XI"}) == list(MEMBERS)  # Northern Ireland applies the Union's tariff and is no member


def test_standard_rates_are_those_of_three_tables_but_for_what_is_listed() -> None:
    rates, today = kdeldycke(), newest()
    found = set[Difference]()
    for country in MEMBERS:
        first = min(rate["from"] for rate in taxes(country) if rate["class"] == "standard")
        ours = partial(our_standard, country)
        theirs = partial(ibericode_standard, country)
        found |= set(differences("ibericode", country, max(first, FIRST), ours, theirs))
        found |= set(differences("kdeldycke", country, first, ours, by_day(rates, country)))
        if (stated := said({Decimal(str(today[country]["standard"]))})) != ours(LAST):
            found.add(Difference("eu_vat_rates_data", country, NEWEST, NEWEST, stated, ours(LAST)))

    assert found == set(STANDARD)


def test_reduced_rates_are_those_of_two_tables_but_for_what_is_listed() -> None:
    today = newest()
    found = set[Difference]()
    for country in MEMBERS:
        ours = partial(our_reduced, country)
        theirs = partial(ibericode_reduced, country)
        found |= set(differences("ibericode", country, FIRST, ours, theirs))
        listed = (*today[country]["reduced"], today[country]["super_reduced"], today[country]["parking"])
        if (stated := said({Decimal(str(rate)) for rate in listed if rate is not None})) != ours(LAST):
            found.add(Difference("eu_vat_rates_data", country, NEWEST, NEWEST, stated, ours(LAST)))

    assert found == set(REDUCED)


def test_currencies_are_those_of_the_newest_table() -> None:
    for country, stated in newest().items():
        if country in MEMBERS:
            place = tomllib.loads((LAW / country.lower() / "jurisdiction.toml").read_text("utf-8"))

            assert place.get("currency", "EUR") == stated["currency"], country


# Places with rates of their own, or none


def our_rate_at(country: str, name: str, day: date) -> Rates:
    """The standard rate of a place, nought left out: its own, or that of the mainland where it has none."""
    parts = {row["part"] for row in territories(country) if row["territory"] == name and holds(row, day)}
    assert len(parts) <= 1, (country, name, day)
    found = {part for listed in parts for part in listed.split()}
    if not found or OUTSIDE_CUSTOMS in found:
        return ""
    own = [rate for rate in taxes(country) if rate.get("delivered_to", "").partition("/")[2] in found]
    rates = [rate for rate in own if in_force(rate, day)]
    assert bool(rates) == bool(own), (country, name, day)
    if not own:
        return our_standard(country, day)
    return said({percent(rate["rate"]) for rate in rates if rate["rate"] != "unknown"})


def holds(row: Row, day: date) -> bool:
    return row["from"] <= day.isoformat() < (row["until"] or "9999")


def always(rates: Rates, _: date) -> Rates:
    return rates


def matches(pattern: str, prefix: str, length: int) -> bool:
    """Whether some postcode of that length with that prefix fits the pattern."""
    rest = product("0123456789", repeat=length - len(prefix))
    return any(re.fullmatch(pattern, prefix + "".join(digits)) for digits in rest)


def test_special_territories_are_those_of_ibericode_but_for_what_is_listed() -> None:
    found, covered = set[Difference](), set[tuple[str, str]]()
    for country in MEMBERS:
        length = 4 if country in ("AT", "PT", "DK") else 5
        exceptions = ibericode_period(country, LAST).get("exceptions", [])
        for row in territories(country):
            fits = [one for one in exceptions if matches(one["postcode"], row["code"], length)]
            covered |= {(country, one["name"]) for one in fits}
            for one in fits:
                name = row["territory"]
                there = said({Decimal(str(one["standard"]))})
                here = partial(our_rate_at, country, name)
                found |= set(differences("ibericode", f"{country} {name}", FIRST, here, partial(always, there)))
        missing = [one["name"] for one in exceptions if (country, one["name"]) not in covered]

        assert missing == [], country
    assert found == {one for one in TERRITORIES if one.table == "ibericode"}


def test_special_territories_are_those_of_kdeldycke_but_for_what_is_listed() -> None:
    rates = kdeldycke()
    stated = {place for _, after, _, places in rates if after > FIRST.isoformat() for place in places}
    of_members = {place for place in stated if place[:2] in MEMBERS and place[2:3] == "-"}
    found = set[Difference]()
    for code in sorted(of_members & set(PLACES)):
        country, name = code[:2], PLACES[code]
        here = partial(our_rate_at, country, name)
        found |= set(differences("kdeldycke", f"{country} {name}", FIRST, here, by_day(rates, code)))
        assert name in {row["territory"] for row in territories(country)}, code

    assert of_members == set(PLACES) | set(NOT_HELD)
    assert found == {one for one in TERRITORIES if one.table == "kdeldycke"}


def test_every_part_of_the_special_territories_is_asked_for_by_law() -> None:
    union = tomllib.loads((LAW / "eu" / "taxes.toml").read_text("utf-8"))["tax"]
    texts = "\n".join(path.read_text("utf-8") for path in (LAW / "eu").rglob("*.toml"))
    asked = set(re.findall(r'"special-territories/([a-z-]+)"', texts))
    assert any(tax.get("delivered_to") == "special-territories/local-tax" for tax in union)
    for country in MEMBERS:
        own = {rate["delivered_to"].partition("/")[2] for rate in taxes(country) if "delivered_to" in rate}
        used = {part for row in territories(country) for part in row["part"].split()}
        assert all(re.fullmatch(r"\d{2,5}", row["code"]) for row in territories(country))
        assert own <= used, country
        assert used - own - asked <= LIKE_THE_MAINLAND, country


def test_every_difference_says_what_was_decided() -> None:
    decided = STANDARD | REDUCED | TERRITORIES

    assert len(decided) == len(STANDARD) + len(REDUCED) + len(TERRITORIES)
    assert all(decision.startswith(("Ours: ", "Both: ", "Theirs: ")) for decision in decided.values())

"""The law files themselves: their shape, their sources, and that they say what the published tables say.

Nothing here uses the law room: a fault of its reader must not hide a fault of the data.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
import tomllib
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tidewaiter.law import expressions

ROOT = Path(__file__).resolve().parents[1]
LAW = ROOT / "src" / "tidewaiter" / "jurisdictions"
REFERENCE = ROOT.parent / "shared" / "data" / "reference"
FOLDERS = sorted(path.parent.name for path in LAW.glob("*/jurisdiction.toml"))
MINE = tuple(name for name in FOLDERS if name != "world")

Row = dict[str, str]


def toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def family(folder: str) -> list[str]:
    line = [folder]
    while parent := toml(LAW / line[-1] / "jurisdiction.toml").get("parent"):
        line.append(parent)
    return line


def regimes(folder: str) -> list[dict[str, Any]]:
    return [toml(path) for path in sorted((LAW / folder).glob("regimes/*.toml"))]


def cases(folder: str) -> list[dict[str, Any]]:
    return [case for path in sorted((LAW / folder).glob("cases/*.toml")) for case in toml(path)["case"]]


def dated(value: Any) -> Iterator[dict[str, Any]]:
    """Every block below with a first day."""
    if isinstance(value, dict):
        if "from" in value:
            yield value
        for inner in value.values():
            yield from dated(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from dated(inner)


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


def overlaps(spans: list[tuple[date, date | None]]) -> bool:
    ordered = sorted(spans, key=lambda span: span[0])
    pairs = itertools.pairwise(ordered)
    return any(end is None or end > start for (_, end), (start, _) in pairs)


def span(row: Row) -> tuple[date, date | None]:
    return date.fromisoformat(row["from"]), date.fromisoformat(row["until"]) if row["until"] else None


def files(pattern: str) -> list[Path]:
    return sorted(path for folder in MINE for path in (LAW / folder).glob(pattern))


def named(path: Path) -> str:
    return path.relative_to(LAW).as_posix()


def test_law_holds_no_python() -> None:
    assert [path for path in LAW.rglob("*.py") if path.name != "__init__.py"] == []


@pytest.mark.parametrize("path", files("*.toml") + files("regimes/*.toml"), ids=named)
def test_every_dated_block_has_a_source_and_ends_after_it_begins(path: Path) -> None:
    blocks = list(dated(toml(path)))

    assert all(block["source"].strip() for block in blocks)
    assert all("until" not in block or block["until"] > block["from"] for block in blocks)


@pytest.mark.parametrize("path", files("*.toml") + files("*/*.toml"), ids=named)
def test_no_law_file_holds_a_float(path: Path) -> None:
    assert not [leaf for leaf in leaves(toml(path)) if isinstance(leaf, float)]


@pytest.mark.parametrize("folder", MINE)
def test_versions_of_a_regime_follow_one_another(folder: str) -> None:
    for regime in regimes(folder):
        spans = [(version["from"], version.get("until")) for version in regime["version"]]

        assert regime["id"].startswith(f"{folder}-")
        assert not overlaps(spans), regime["id"]


@pytest.mark.parametrize("folder", MINE)
def test_no_two_regimes_of_a_family_have_one_priority_on_one_day(folder: str) -> None:
    by_priority: dict[int, list[tuple[date, date | None]]] = defaultdict(list)
    for place in family(folder):
        for regime in regimes(place):
            for version in regime["version"]:
                by_priority[version["priority"]].append((version["from"], version.get("until")))

    assert [priority for priority, spans in by_priority.items() if overlaps(spans)] == []


@pytest.mark.parametrize("folder", MINE)
def test_regimes_name_only_lists_and_taxes_that_are_there(folder: str) -> None:
    lists = {path.stem for place in family(folder) for path in (LAW / place).glob("codes/*.csv")}
    countries = [
        place for place in MINE if folder in family(place) and "code" in toml(LAW / place / "jurisdiction.toml")
    ]
    # A list of places may be each country's own, where some have none.
    below = {path.stem for place in MINE if folder in family(place) for path in (LAW / place).glob("codes/*.csv")}
    for regime in regimes(folder):
        for version in regime["version"]:
            when = version.get("when", {})
            used = {*when.get("goods_not", ()), *when.get("goods_only", ())}
            places = {when[name].partition("/")[0] for name in ("delivered_to", "not_delivered_to") if name in when}
            taxes = {charge["tax"] for charge in version.get("charge", ()) if charge["arithmetic"] == "tax"}

            assert used <= lists, regime["id"]
            assert places <= lists | below, regime["id"]
            for country in countries:
                held = {tax["id"] for place in family(country) for tax in taxes_of(place)}
                assert taxes <= held, (regime["id"], country)


def layers_of(folder: str) -> set[str]:
    """The layers of the tariff that regimes of the folder and of those above it ask for."""
    versions = [version for place in family(folder) for regime in regimes(place) for version in regime["version"]]
    return {charge["measures"] for version in versions for charge in version.get("charge", ()) if "measures" in charge}


def taxes_of(folder: str) -> list[dict[str, Any]]:
    path = LAW / folder / "taxes.toml"
    return toml(path)["tax"] if path.exists() else []


@pytest.mark.parametrize("folder", MINE)
def test_every_class_of_goods_has_a_rate_from_its_first_day(folder: str) -> None:
    for tax in taxes_of(folder):
        by_class: dict[str, list[tuple[date, date | None]]] = defaultdict(list)
        for rate in tax["rate"]:
            by_class[f"{rate.get('delivered_to', '')} {rate['class']}"].append((rate["from"], rate.get("until")))
        for goods in tax.get("goods", ()):
            assert min(by_class[f" {goods['class']}"])[0] <= goods["from"], goods
            assert all(re.fullmatch(r"\d{2,10}", prefix) for prefix in goods["hs"])
        assert not any(overlaps(spans) for spans in by_class.values())


@pytest.mark.parametrize("path", files("*/*.csv"), ids=named)
def test_every_row_has_a_source_and_ends_after_it_begins(path: Path) -> None:
    for row in rows(path):
        since, until = span(row)

        assert row["source"].strip()
        assert until is None or until > since, row


@pytest.mark.parametrize("path", files("tariff/*.csv"), ids=named)
def test_rates_of_duty_are_exact_and_never_empty(path: Path) -> None:
    layers = layers_of(path.parents[1].name)
    for row in rows(path):
        assert re.fullmatch(r"(\d{2,10})?", row["code"])
        assert row["kind"] in {"third_country", "preference", *layers}
        assert row["confidence"] in ("", "secondary")
        assert row["rate"] == "ended" or expressions.write(expressions.read(row["rate"])) == row["rate"]
        assert not row["rate"].startswith("unsupported: unread")


@pytest.mark.parametrize("folder", MINE)
def test_no_two_rates_of_duty_hold_for_the_same_goods_and_day(folder: str) -> None:
    by_key: dict[tuple[str, ...], list[tuple[date, date | None]]] = defaultdict(list)
    for path in (LAW / folder).glob("tariff/*.csv"):
        for row in rows(path):
            for claim in row.get("claim", "").split() or [""]:
                for origin in row["origin"].split() or [claim]:
                    by_key[row["code"], origin, row["kind"], claim].append(span(row))

    assert [key for key, spans in by_key.items() if overlaps(spans)] == []


@pytest.mark.parametrize("folder", MINE)
def test_groups_of_origin_in_the_tariff_have_members(folder: str) -> None:
    groups = {
        row["group"]
        for place in family(folder)
        for path in (LAW / place).glob("codes/origin-groups.csv")
        for row in rows(path)
    }
    held = [row for path in (LAW / folder).glob("tariff/*.csv") for row in rows(path)]
    origins = {origin for row in held for origin in row["origin"].split()}

    assert all(len(origin) == 2 or origin in groups for origin in origins)


@pytest.mark.parametrize("path", files("exchange/*.csv"), ids=named)
def test_rates_of_exchange_are_exact_and_do_not_overlap(path: Path) -> None:
    by_key: dict[tuple[str, str], list[tuple[date, date | None]]] = defaultdict(list)
    bases: dict[str, set[str]] = defaultdict(set)
    for row in rows(path):
        by_key[row["table"], row["currency"]].append(span(row))
        bases[row["table"]].add(row["base"])
        assert re.fullmatch(r"\d+(\.\d{1,6})?", row["per_base"]), row
        assert Decimal(row["per_base"]) > 0, row

    assert not any(overlaps(spans) for spans in by_key.values())
    assert all(len(found) == 1 for found in bases.values())


@pytest.mark.parametrize("folder", MINE)
def test_ground_rules_name_tables_that_are_there(folder: str) -> None:
    tables = {
        row["table"] for place in family(folder) for path in (LAW / place).glob("exchange/*.csv") for row in rows(path)
    }
    for ground in toml(LAW / folder / "jurisdiction.toml").get("ground", ()):
        assert {ground["exchange_table"], ground["threshold_exchange"]} <= tables


def test_every_regime_has_a_worked_case() -> None:
    worked = {case["expect"].get("regime") for folder in FOLDERS for case in cases(folder)}
    written = {regime["id"] for folder in MINE for regime in regimes(folder)}

    assert written - worked == set()


def test_worked_cases_have_names_sources_and_exact_sums() -> None:
    every = [case for folder in MINE for case in cases(folder)]
    ids = [case["id"] for case in every]

    assert len(ids) == len(set(ids))
    for case in every:
        amounts = [charge["amount"] for charge in case["expect"]["charges"]]
        assert all(case[name].strip() for name in ("title", "source")), case["id"]
        assert isinstance(case["on"], date), case["id"]
        assert all(amount == "unknown" or re.fullmatch(r"\d+\.\d{2}", amount) for amount in amounts), case["id"]
        assert case["consignment"]["items"]
        assert case["expect"].keys() & {"regime", "findings", "not_findings"}, case["id"]


def test_the_made_up_country_uses_everything_the_readme_names() -> None:
    versions = [version for regime in regimes("zz") for version in regime["version"]]
    charges = [charge for version in versions for charge in version.get("charge", ())]
    tariff = [row for path in (LAW / "zz").glob("tariff/*.csv") for row in rows(path)]
    conditions = {name for version in versions for name in version["when"]}
    said = "\n".join(path.read_text(encoding="utf-8") for path in (LAW / "zz").rglob("*.toml"))
    readme = (LAW / "README.md").read_text(encoding="utf-8")
    block = re.search(r"\[version\.when\](.*?)\[\[version\.charge\]\]", readme, re.DOTALL)
    told = re.search(r"\| key \| with \| means \|\n(.*?)\n\n", readme, re.DOTALL)
    bases = re.search(r"a sum of (.*?) and codes", readme)

    assert block
    assert told
    assert bases
    assert conditions == set(re.findall(r"(?:^|; )(\w+)(?: = |: )", block[1], re.MULTILINE))
    assert {charge["arithmetic"] for charge in charges} == set(re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE))
    keys = {key for line in told[1].splitlines() for key in re.findall(r"`(\w+) = ", line.split("|")[1])}
    assert keys <= {key for charge in charges for key in charge}
    assert len(keys) >= 12
    assert {base for charge in charges for base in charge.get("base", ())} > set(re.findall(r"`(\w+)`", bases[1]))
    assert any("value_share" in version for version in versions)
    assert any("officer" in version for version in versions)
    documents = toml(LAW / "zz" / "documents.toml")["document"]
    told = re.search(r"## documents\.toml.*?```toml\n(.*?)```", readme, re.DOTALL)
    assert told
    keys = set(re.findall(r"^(?:# or )?(\w+) = ", told[1], re.MULTILINE))
    assert keys == {key for one in documents for part in (one, *one["goods"]) for key in part} - {"goods"}
    rates = [rate for tax in taxes_of("zz") for rate in tax["rate"] if "delivered_to" in rate]
    assert {"every", "standard"} <= {rate["class"] for rate in rates}
    assert "unknown" in {rate["rate"] for rate in rates}
    assert any("why" in rate for rate in rates)
    assert any("delivered_to" in tax for tax in taxes_of("zz"))
    assert {version["when"].get("value_basis") for version in versions} >= {"goods+carriage", "customs_value"}
    assert {charge.get("per") for charge in charges} >= {"code", "item", "consignment"}
    assert {charge.get("due") for charge in charges} >= {"sale"}
    assert {tuple(charge.get("base", ())) for charge in charges} >= {("charges",)}
    assert {charge["type"] for charge in charges} == {"duty", "tax", "fee"}
    assert {charge["collector"] for charge in charges} >= {"seller", "marketplace", "carrier", "importer"}
    assert all(word in said for word in ('"FOB"', '"CIF"', '"half_up"', '"down"', "until = ", '"secondary"', '"none"'))
    assert {row["kind"] for row in tariff} == {"third_country", "preference", *layers_of("zz")}
    assert {unit for row in tariff for unit in re.findall(r"/ ([A-Z]{3})", row["rate"])} == {"KGM", "NAR"}
    assert any("%" in row["rate"] and "/" in row["rate"] for row in tariff)
    assert {min(len(row["origin"]), 3) for row in tariff} == {0, 2, 3}
    assert {min(len(row["claim"]), 4) for row in tariff} == {0, 3, 4}
    assert {word for row in tariff for word in re.findall(r"SEE|MIN|MAX|% of", row["rate"])} == {
        "SEE", "MIN", "MAX", "% of"
    }  # fmt: skip
    displacing = [one for charge in charges for one in charge.get("unless", ())]
    assert any(isinstance(one, str) for one in displacing)
    assert {key for one in displacing if isinstance(one, dict) for key in one} == {
        "layers", "origin", "from", "until", "part", "source"
    }  # fmt: skip


# What is published, where the tables are to hand


def needs(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"the published table {path.name} is not here")
    return path


PERCENT = re.compile(r"([\d.]+)%")
SPECIFIC = re.compile(r"([\d.,]+) ?(?:GBP|EUR) ?/ ?([\d,]*) ?(kg|items?|tonne)\b")


def printed(text: str) -> tuple[Decimal, Decimal, str]:
    """(percent, amount per unit, unit) of a rate as the sheet prints it."""
    value, amount, unit = Decimal(0), Decimal(0), ""
    if found := PERCENT.match(text):
        value = Decimal(found[1])
    if found := SPECIFIC.search(text):
        count = Decimal(found[2].replace(",", "") or "1") * (1000 if found[3] == "tonne" else 1)
        amount, unit = Decimal(found[1].replace(",", "")) / count, "NAR" if "item" in found[3] else "KGM"
    return value, amount, unit


def told(rate: str) -> tuple[Decimal, Decimal, str]:
    """The same of a rate as our files spell it."""
    value = re.match(r"([\d.]+) %", rate)
    each = re.search(r"([\d.]+) [A-Z]{3} / ([A-Z]{3})$", rate)
    return Decimal(value[1]) if value else Decimal(0), Decimal(each[1] if each else 0), each[2] if each else ""


@pytest.mark.parametrize(("folder", "column"), [("gb", "ukgt_duty_rate"), ("eu", "cet_duty_rate")])
def test_rates_of_duty_are_those_of_the_published_sheet(folder: str, column: str) -> None:
    sheet = rows(needs(REFERENCE / "tariff_uk_eu" / "global-uk-tariff_2021-01.csv"))
    held = {row["code"]: row for row in rows(LAW / folder / "tariff" / "third-country.csv")}
    compared, wrong = 0, []
    for line in sheet:
        code = line["commodity"]
        found = next((held[code[:length]] for length in (10, 8, 6, 4) if code[:length] in held), None)
        if found is None:
            continue
        ours = told(found["rate"])
        compared += 1
        if ours != printed(line[column]) or re.search("MIN|MAX|EA|hl|vol", line[column]):
            wrong.append((code, ours, line[column]))

    assert wrong == []
    assert compared > 1900


def test_customs_rates_of_the_union_are_those_of_the_second_last_wednesday() -> None:
    packed = zipfile.ZipFile(needs(REFERENCE / "exchange" / "ecb_eurofxref-hist_2026-10-30.zip"))
    with packed.open("eurofxref-hist.csv") as handle:
        published = {row["Date"]: row for row in csv.DictReader(io.TextIOWrapper(handle, encoding="utf-8"))}
    held = rows(LAW / "eu" / "exchange" / "eu-customs-monthly.csv")
    for row in held:
        last = date.fromisoformat(row["from"]) - timedelta(days=1)
        last_wednesday = last - timedelta(days=(last.weekday() - 2) % 7)
        day = last_wednesday - timedelta(days=7)

        assert published[day.isoformat()][row["currency"]] == row["per_base"], row

    assert len({row["currency"] for row in held}) >= 30
    assert len({row["from"] for row in held}) == 127


def test_rates_of_duty_are_those_on_real_notifications() -> None:
    messages = REFERENCE.parent / "messages"
    printed_lines = rows(needs(messages / "derived" / "cds_tax_lines.csv"))
    codes = declared_codes(messages / "wco-dms-uk-cds" / "samples")
    held = {row["code"]: row for row in rows(LAW / "gb" / "tariff" / "third-country.csv")}
    compared, wrong = 0, []
    for line in printed_lines:
        code = codes.get((line["scenario"], line["item"]))
        if line["tax_type"] != "A00" or line["duty_regime"] != "100" or not line["rate"] or code is None:
            continue
        found = next((held[code[:length]] for length in (10, 8, 6, 4) if code[:length] in held), None)
        if found is None or "/" in found["rate"]:
            continue
        compared += 1
        if told(found["rate"])[0] != Decimal(line["rate"]):
            wrong.append((line["scenario"], code, line["rate"], found["rate"]))

    assert wrong == []
    assert compared >= 45


def declared_codes(samples: Path) -> dict[tuple[str, str], str]:
    """The commodity code of every item of the first well-formed declaration of each scenario."""
    found: dict[tuple[str, str], str] = {}
    for path in sorted(samples.glob("TT_*/*")):
        if path.suffix.lower() != ".xml":
            continue
        try:
            root = ElementTree.parse(path).getroot()
        except ElementTree.ParseError:
            continue
        for item in root.iterfind(".//{*}GovernmentAgencyGoodsItem"):
            parts = {
                (kind.findtext("{*}IdentificationTypeCode") or "").strip(): (kind.findtext("{*}ID") or "").strip()
                for kind in item.iterfind("{*}Commodity/{*}Classification")
            }
            key = path.parent.name, (item.findtext("{*}SequenceNumeric") or "").strip()
            if "TSP" in parts:
                found.setdefault(key, parts["TSP"] + parts.get("TRC", ""))
    return found

"""All of the law: every jurisdiction with its files, and what holds only of all together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import polars as pl

from tidewaiter.law.law import Law
from tidewaiter.law.loading.codes import editions_of
from tidewaiter.law.loading.documents import matching_in, permits_in
from tidewaiter.law.loading.files import LawError, day_of, end_of, one_of, only, reading, rows_of, source_of, toml_of
from tidewaiter.law.loading.regimes import regimes_in
from tidewaiter.law.loading.tariff import measures_in, spread_groups
from tidewaiter.law.loading.taxes import taxes_in
from tidewaiter.law.rules import (
    CodeEdition,
    Ground,
    GroupMember,
    Jurisdiction,
    Prelodging,
    Rate,
    RiskFile,
    numbered,
    overlaps,
)
from tidewaiter.law.tariff import TARIFF, Tariff
from tidewaiter.law.text import number, percent
from tidewaiter.model.money import to_micro

DEMONSTRATION_KEY = b"tidewaiter demonstration key: set your own"
"""The key of the random draw where an installation has not set one. Public, so good for trying out only."""


def load(folder: Path | None = None, *, overlay: Path | None = None, draw_key: bytes = DEMONSTRATION_KEY) -> Law:
    """The law in the folder: by default the jurisdictions that come with the package.

    `overlay` is a second folder of the same form for what must stay secret, such as risk thresholds; its files
    count as belonging to the jurisdiction of the same name. Raises LawError.
    """
    roots = [folder or Path(str(resources.files("tidewaiter") / "jurisdictions"))] + ([overlay] if overlay else [])
    places: dict[str, Jurisdiction] = {}
    schedules: dict[str, list[Path]] = {}
    exchange: dict[tuple[str, str], list[Rate]] = {}
    bases: dict[str, str] = {}
    for name in sorted({path.parent.name for root in roots for path in root.glob("*/jurisdiction.toml")}):
        files = sorted(
            ((root / name, path) for root in roots for path in (root / name).rglob("*") if path.is_file()),
            key=lambda pair: pair[1].relative_to(pair[0]).as_posix(),
        )
        schedules[name] = _paths(files, "tariff", ".csv")
        for path in _paths(files, "exchange", ".csv"):
            for table, base, currency, rate in _rates_in(path):
                bases[table] = base
                exchange.setdefault((table, currency), []).append(rate)
        places[name] = _jurisdiction(name, files, has_tariff=bool(schedules[name]))
    for name, place in places.items():
        if told := next(overlaps(place), None):
            raise LawError(f"{name}/: {told}")
    places, charge_rules, tax_rates = numbered(places)
    family = _families(places)
    _check_thresholds(places, family)
    kinds = {"third_country", "preference"} | {rule.measures for rule in charge_rules}
    spread = [
        spread_groups(measures_in(name, paths, kinds), _groups(name, places)) for name, paths in schedules.items()
    ]
    share = next((place.draw_share_ppm for place in places.values() if place.draw_share_ppm is not None), 0)
    return Law(
        jurisdictions=places,
        tariff=Tariff(
            pl.concat([pl.DataFrame(schema=TARIFF), *spread]).sort("schedule", "code", "kind", "origin", "since")
        ),
        charge_rules=charge_rules,
        tax_rates=tax_rates,
        exchange={key: tuple(rates) for key, rates in exchange.items()},
        exchange_base=bases,
        digest=_digest(place.digest for place in places.values()),
        draw_key=draw_key,
        draw_share_ppm=share,
        _family=family,
    )


def _paths(files: Sequence[tuple[Path, Path]], folder: str, suffix: str) -> list[Path]:
    return [path for root, path in files if path.suffix == suffix and path.relative_to(root).parts[0] == folder]


def _digest(parts: Iterator[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _jurisdiction(name: str, files: Sequence[tuple[Path, Path]], *, has_tariff: bool) -> Jurisdiction:
    [head, *_] = [path for root, path in files if path.relative_to(root).as_posix() == "jurisdiction.toml"]
    taxes, documents, matching = (
        [path for root, path in files if path.relative_to(root).as_posix() == wanted]
        for wanted in ("taxes.toml", "documents.toml", "matching.toml")
    )
    said = toml_of(head)
    lists: dict[str, tuple[CodeEdition, ...]] = {}
    groups: dict[str, list[GroupMember]] = {}
    for path in _paths(files, "codes", ".csv"):
        rows = list(rows_of(path))
        with reading(path):
            lists[path.stem] = (*lists.get(path.stem, ()), *editions_of(rows))
            if path.stem == "origin-groups":
                for row in rows:
                    member = GroupMember(code=row["code"], since=day_of(row["from"]), until=end_of(row))
                    groups.setdefault(row["group"], []).append(member)
    with reading(head):
        only(said, "code", "name", "parent", "currency", "time_zone", "ground", "draw", "prelodging")
        return Jurisdiction(
            folder=name,
            code=said.get("code", ""),
            name=said["name"],
            parent=said.get("parent", ""),
            currency=said.get("currency", ""),
            time_zone=said.get("time_zone", ""),
            ground=tuple(_ground(block) for block in said.get("ground", ())),
            taxes=tuple(tax for path in taxes for tax in taxes_in(path)),
            regimes=tuple(regime for path in _paths(files, "regimes", ".toml") for regime in regimes_in(path)),
            lists=lists,
            origin_groups={group: tuple(members) for group, members in groups.items()},
            draw_share_ppm=percent(said["draw"]["share"]) if "draw" in said else None,
            risk=tuple(
                RiskFile(jurisdiction=name, name=path.stem, content=toml_of(path))
                for path in _paths(files, "risk", ".toml")
            ),
            has_tariff=has_tariff,
            permits=tuple(permit for path in documents for permit in permits_in(path)),
            matching=tuple(rule for path in matching for rule in matching_in(path)),
            prelodging=tuple(_prelodging(block) for block in said.get("prelodging", ())),
            digest=_digest(
                f"{path.relative_to(root).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}"
                for root, path in files
                if path.suffix in (".toml", ".csv") and path.relative_to(root).parts[0] != "cases"
            ),
        )


def _ground(block: Mapping[str, Any]) -> Ground:
    only(block, "from", *(name for name in Ground.__dataclass_fields__ if name != "since"))
    return Ground(
        since=day_of(block["from"]),
        until=end_of(block),
        customs_value=one_of("customs_value", block["customs_value"]),
        tax_base=one_of("tax_base", block["tax_base"]),
        value_quantum=to_micro(number(block["value_quantum"])),
        value_rounding=one_of("rounding", block["value_rounding"]),
        charge_quantum=to_micro(number(block["charge_quantum"])),
        charge_rounding=one_of("rounding", block["charge_rounding"]),
        exchange_table=block["exchange_table"],
        threshold_exchange=block["threshold_exchange"],
        release_before_payment=block["release_before_payment"],
        source=source_of(block),
        confidence=one_of("confidence", block.get("confidence", "firm")),
    )


def _prelodging(block: Mapping[str, Any]) -> Prelodging:
    only(block, "from", *(name for name in Prelodging.__dataclass_fields__ if name != "since"))
    types = tuple(block["types"])
    if not types or any(len(one) != 1 for one in types):
        raise ValueError("an additional type of declaration is one letter")
    if type(block["within_d"]) is not int or block["within_d"] < 1:
        raise ValueError("within_d must be days")
    return Prelodging(
        since=day_of(block["from"]),
        until=end_of(block),
        types=types,
        within_d=block["within_d"],
        source=source_of(block),
        confidence=one_of("confidence", block.get("confidence", "firm")),
    )


def _rates_in(path: Path) -> Iterator[tuple[str, str, str, Rate]]:
    for row in rows_of(path):
        with reading(path):
            rate = Rate(since=day_of(row["from"]), until=end_of(row), per_base_micro=to_micro(number(row["per_base"])))
            yield row["table"], row["base"], row["currency"], rate


def _families(places: Mapping[str, Jurisdiction]) -> dict[str, tuple[str, ...]]:
    """For each country its folder and all above it, nearest first."""
    found: dict[str, tuple[str, ...]] = {}
    for name, place in places.items():
        line = [name]
        while parent := places[line[-1]].parent:
            if parent in line or parent not in places:
                raise LawError(f"{line[-1]}/jurisdiction.toml: parent {parent!r} is not a folder above it")
            line.append(parent)
        if place.code:
            found[place.code] = tuple(line)
    return found


def _check_thresholds(places: Mapping[str, Jurisdiction], family: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse thresholds of one country in two currencies: the value of a consignment is taken in one."""
    for country, folders in family.items():
        found = {regime.when.currency for name in folders for regime in places[name].regimes} - {""}
        if len(found) > 1:
            raise LawError(f"{folders[0]}/regimes: thresholds of {country} are in {' and '.join(sorted(found))}")


def _groups(name: str, places: Mapping[str, Jurisdiction]) -> dict[str, tuple[GroupMember, ...]]:
    groups: dict[str, tuple[GroupMember, ...]] = {}
    while name:
        groups = {**places[name].origin_groups, **groups}
        name = places[name].parent
    return groups

"""Reading `jurisdictions/` into a `Law`. A fault in a file is a LawError that names the file."""

from __future__ import annotations

import csv
import hashlib
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any, cast, get_args

import polars as pl

from tidewaiter.law import expressions
from tidewaiter.law.expressions import Formula, Unsupported
from tidewaiter.law.law import Law
from tidewaiter.law.measures import ENDED
from tidewaiter.law.rules import (
    ChargeRule,
    CodeEdition,
    Conditions,
    Displacing,
    Ground,
    GroupMember,
    Jurisdiction,
    MatchingRule,
    Permit,
    PermitGoods,
    Prelodging,
    Rate,
    Regime,
    RiskFile,
    Tax,
    TaxGoods,
    TaxRate,
    numbered,
    overlaps,
)
from tidewaiter.law.tariff import TARIFF, Tariff
from tidewaiter.law.text import amount, number, percent
from tidewaiter.model.finding import Severity
from tidewaiter.model.money import MICRO, to_micro
from tidewaiter.model.trade import TradeKind

DEMONSTRATION_KEY = b"tidewaiter demonstration key: set your own"
"""The key of the random draw where an installation has not set one. Public, so good for trying out only."""

_CHOICES = {
    "arithmetic": ("relief", "tariff", "rate", "flat", "tax"),
    "type": ("duty", "tax", "fee"),
    "per": ("", "code", "item", "consignment"),
    "due": ("border", "sale"),
    "collector": ("seller", "marketplace", "carrier", "post", "declarant", "importer"),
    "value_basis": ("goods", "goods+carriage", "customs_value"),
    "value_per": ("consignment", "item"),
    "person": ("", "natural", "legal", "association"),
    "customs_value": ("CIF", "FOB"),
    "tax_base": ("CIF+duty", "FOB+duty", "CIF", "FOB"),
    "rounding": ("half_up", "down", ""),
    "confidence": ("firm", "secondary"),
    "unsigned": ("error", "warning", "note"),
}
_CHARGE = ("type", "code", "arithmetic", "collector", "source", "confidence", "why")
_COLLECTED = ("waived_below", "waived_up_to", "quantum", "rounding")
_TAKES = {
    "relief": (),
    "tariff": ("base", "measures", "unless", *_COLLECTED),
    "rate": ("rate", "per", "base", "gross_up", "share", "minus", "minimum", "maximum", *_COLLECTED),
    "flat": ("amount", "per", *_COLLECTED),
    "tax": ("tax", "due", "base", "gross_up", "share", *_COLLECTED),
}
"""What a charge may say besides, by its arithmetic: a key that nothing reads would be law that is not applied."""
_CHARGE_LIMITS = ("minimum", "maximum", "waived_below", "waived_up_to")
_BASES = ("goods", "carriage", "customs_value", "tax_base", "charges")
_SINGLE = ("scheme", "sender", "receiver", "delivered_to", "not_delivered_to", "value_basis", "value_per")
_MOVED = ("direction", "origin", "not_origin", "export_country", "not_export_country")
"""Conditions on goods that need a document, each a list."""
_MATCHING = (
    "from", "until", "documents", "within_h", "before_declaration", "currency", "tolerance", "share", "signed",
    "unsigned", "procedures", "source", "confidence",
)  # fmt: skip
_LIMITS = ("value_max", "value_over", "person_day_max", "person_year_max")
"""Conditions that name one thing; the others, but for the limits, name a list."""


class LawError(ValueError):
    """A law file says something that cannot be read as law."""


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
            for table, base, currency, rate in _exchange(path):
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
    spread = [_spread_groups(_tariff(name, paths, kinds), _groups(name, places)) for name, paths in schedules.items()]
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


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turns whatever is wrong in a file into a LawError that names it."""
    try:
        yield
    except LawError:  # it names its file already
        raise
    except (KeyError, ValueError, TypeError) as wrong:
        missing = f"{wrong} is missing" if isinstance(wrong, KeyError) else str(wrong)
        raise LawError(f"{path.parent.parent.name}/{path.parent.name}/{path.name}: {missing}") from wrong


def _paths(files: Sequence[tuple[Path, Path]], folder: str, suffix: str) -> list[Path]:
    return [path for root, path in files if path.suffix == suffix and path.relative_to(root).parts[0] == folder]


def _digest(parts: Iterator[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _toml(path: Path) -> dict[str, Any]:
    with _reading(path), path.open("rb") as handle:
        return tomllib.load(handle)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with _reading(path), path.open(encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle)


def _day(value: object) -> date:
    if isinstance(value, str):
        return date.fromisoformat(value)
    if not isinstance(value, date):
        raise ValueError(f"{value!r} is not a day")
    return value


def _end(block: Mapping[str, Any]) -> date | None:
    """The first day on which a dated block no longer holds. Raises ValueError where that is not after its first."""
    if not block.get("until"):
        return None
    until = _day(block["until"])
    if until <= _day(block["from"]):
        raise ValueError(f"from {block['from']} until {until} is no time at all")
    return until


def _source(block: Mapping[str, Any]) -> str:
    """The law that a block rests on. Raises where it names none."""
    source: str = block["source"]
    if not source.strip():
        raise ValueError("source is empty")
    return source


def _only(block: Mapping[str, Any], *names: str) -> None:
    """Refuse a key that nothing reads: a misspelt `until` would let a rule hold for ever. Raises ValueError."""
    if unknown := block.keys() - set(names):
        raise ValueError(f"no key is called {', '.join(sorted(unknown))}")


def _one_of(name: str, value: str) -> str:
    if value not in _CHOICES[name]:
        raise ValueError(f"{name} = {value!r} is none of {', '.join(_CHOICES[name])}")
    return value


def _jurisdiction(name: str, files: Sequence[tuple[Path, Path]], *, has_tariff: bool) -> Jurisdiction:
    [head, *_] = [path for root, path in files if path.relative_to(root).as_posix() == "jurisdiction.toml"]
    taxes, documents, matching = (
        [path for root, path in files if path.relative_to(root).as_posix() == wanted]
        for wanted in ("taxes.toml", "documents.toml", "matching.toml")
    )
    said = _toml(head)
    lists: dict[str, tuple[CodeEdition, ...]] = {}
    groups: dict[str, list[GroupMember]] = {}
    for path in _paths(files, "codes", ".csv"):
        rows = list(_rows(path))
        with _reading(path):
            lists[path.stem] = (*lists.get(path.stem, ()), *_editions(rows))
            if path.stem == "origin-groups":
                for row in rows:
                    member = GroupMember(code=row["code"], since=_day(row["from"]), until=_end(row))
                    groups.setdefault(row["group"], []).append(member)
    with _reading(head):
        _only(said, "code", "name", "parent", "currency", "time_zone", "ground", "draw", "prelodging")
        return Jurisdiction(
            folder=name,
            code=said.get("code", ""),
            name=said["name"],
            parent=said.get("parent", ""),
            currency=said.get("currency", ""),
            time_zone=said.get("time_zone", ""),
            ground=tuple(_ground(block) for block in said.get("ground", ())),
            taxes=tuple(tax for path in taxes for tax in _taxes(path)),
            regimes=tuple(regime for path in _paths(files, "regimes", ".toml") for regime in _regimes(path)),
            lists=lists,
            origin_groups={group: tuple(members) for group, members in groups.items()},
            draw_share_ppm=percent(said["draw"]["share"]) if "draw" in said else None,
            risk=tuple(
                RiskFile(jurisdiction=name, name=path.stem, content=_toml(path))
                for path in _paths(files, "risk", ".toml")
            ),
            has_tariff=has_tariff,
            permits=tuple(permit for path in documents for permit in _permits(path)),
            matching=tuple(rule for path in matching for rule in _matching(path)),
            prelodging=tuple(_prelodging(block) for block in said.get("prelodging", ())),
            digest=_digest(
                f"{path.relative_to(root).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}"
                for root, path in files
                if path.suffix in (".toml", ".csv") and path.relative_to(root).parts[0] != "cases"
            ),
        )


def _ground(block: Mapping[str, Any]) -> Ground:
    _only(block, "from", *(name for name in Ground.__dataclass_fields__ if name != "since"))
    return Ground(
        since=_day(block["from"]),
        until=_end(block),
        customs_value=_one_of("customs_value", block["customs_value"]),
        tax_base=_one_of("tax_base", block["tax_base"]),
        value_quantum=to_micro(number(block["value_quantum"])),
        value_rounding=_one_of("rounding", block["value_rounding"]),
        charge_quantum=to_micro(number(block["charge_quantum"])),
        charge_rounding=_one_of("rounding", block["charge_rounding"]),
        exchange_table=block["exchange_table"],
        threshold_exchange=block["threshold_exchange"],
        release_before_payment=block["release_before_payment"],
        source=_source(block),
        confidence=_one_of("confidence", block.get("confidence", "firm")),
    )


def _prelodging(block: Mapping[str, Any]) -> Prelodging:
    _only(block, "from", *(name for name in Prelodging.__dataclass_fields__ if name != "since"))
    types = tuple(block["types"])
    if not types or any(len(one) != 1 for one in types):
        raise ValueError("an additional type of declaration is one letter")
    if type(block["within_d"]) is not int or block["within_d"] < 1:
        raise ValueError("within_d must be days")
    return Prelodging(
        since=_day(block["from"]),
        until=_end(block),
        types=types,
        within_d=block["within_d"],
        source=_source(block),
        confidence=_one_of("confidence", block.get("confidence", "firm")),
    )


def _taxes(path: Path) -> Iterator[Tax]:
    with _reading(path):
        for tax in _toml(path)["tax"]:
            _only(tax, "id", "code", "name", "delivered_to", "rate", "goods")
            for block in tax["rate"]:
                _only(block, "class", "from", "until", "rate", "delivered_to", "why", "source", "confidence")
            for block in tax.get("goods", ()):
                _only(block, "class", "from", "until", "hs", "source", "confidence")
            yield Tax(
                id=tax["id"],
                code=tax["code"],
                name=tax["name"],
                rates=tuple(
                    TaxRate(
                        name=rate["class"],
                        since=_day(rate["from"]),
                        until=_end(rate),
                        rate_ppm=None if rate["rate"] == "unknown" else percent(rate["rate"]),
                        source=_source(rate),
                        confidence=_one_of("confidence", rate.get("confidence", "firm")),
                        delivered_to=rate.get("delivered_to", ""),
                        why=rate.get("why", ""),
                    )
                    for rate in tax["rate"]
                ),
                goods=tuple(
                    TaxGoods(
                        name=goods["class"],
                        since=_day(goods["from"]),
                        until=_end(goods),
                        prefixes=tuple(goods["hs"]),
                        source=_source(goods),
                        confidence=_one_of("confidence", goods.get("confidence", "firm")),
                    )
                    for goods in tax.get("goods", ())
                ),
                delivered_to=tax.get("delivered_to", ""),
            )


def _permits(path: Path) -> Iterator[Permit]:
    with _reading(path):
        for document in _toml(path)["document"]:
            _only(document, "id", "name", "issuer", "codes", "exempt", "goods")
            for goods in document["goods"]:
                _only(goods, "from", "until", "hs", "source", "confidence", *_MOVED)
                if unknown := set(goods.get("direction", ())) - {"import", "export"}:
                    raise ValueError(f"no direction is called {', '.join(sorted(unknown))}")
            if not document["codes"]:
                raise ValueError(f"{document['id']} has no code as which it is declared")
            yield Permit(
                id=document["id"],
                name=document["name"],
                issuer=document["issuer"],
                codes=tuple(document["codes"]),
                exempt=tuple(document.get("exempt", ())),
                goods=tuple(
                    PermitGoods(
                        since=_day(goods["from"]),
                        until=_end(goods),
                        prefixes=tuple(goods["hs"]),
                        source=_source(goods),
                        confidence=_one_of("confidence", goods.get("confidence", "firm")),
                        **{name: tuple(goods.get(name, ())) for name in _MOVED},
                    )
                    for goods in document["goods"]
                ),
            )


def _matching(path: Path) -> Iterator[MatchingRule]:
    with _reading(path):
        for block in _toml(path)["matching"]:
            _only(block, *_MATCHING)
            tolerance, tolerance_currency = amount(block["tolerance"])
            for name in ("documents", "signed"):
                if unknown := set(block[name]) - set(get_args(TradeKind)):
                    raise ValueError(f"no document is called {', '.join(sorted(unknown))}")
            if not block["documents"] or type(block["within_h"]) is not int or block["within_h"] < 0:
                raise ValueError("documents must be named, and within_h be hours")
            if block["currency"] not in ("", tolerance_currency):
                raise ValueError("the tolerance is in another currency than the amounts")
            yield MatchingRule(
                since=_day(block["from"]),
                until=_end(block),
                documents=tuple(block["documents"]),
                within_h=block["within_h"],
                before_declaration=block["before_declaration"],
                currency=block["currency"],
                tolerance_micro=tolerance,
                tolerance_currency=tolerance_currency,
                tolerance_ppm=percent(block["share"]),
                signed=tuple(block["signed"]),
                unsigned=cast("Severity", _one_of("unsigned", block["unsigned"])),
                procedures=tuple(block["procedures"]),
                source=_source(block),
                confidence=_one_of("confidence", block.get("confidence", "firm")),
            )


def _regimes(path: Path) -> Iterator[Regime]:
    said = _toml(path)
    with _reading(path):
        _only(said, "id", "name", "version")
        for version in said["version"]:
            _only(
                version, "from", "until", "priority", "when", "charge", "source", "confidence", "value_share", "officer"
            )
            if version.get("officer") and version.get("charge"):
                raise ValueError("where an officer decides, nothing is charged here")
            confidence = _one_of("confidence", version.get("confidence", "firm"))
            charges = tuple(_charge(block, version["source"], confidence) for block in version.get("charge", ()))
            _check_bases(charges)
            yield Regime(
                id=said["id"],
                name=said["name"],
                since=_day(version["from"]),
                until=_end(version),
                priority=version["priority"],
                when=_conditions(version.get("when", {})),
                charges=charges,
                source=_source(version),
                confidence=confidence,
                value_share_ppm=percent(version.get("value_share", "100 %")),
                officer=version.get("officer", ""),
            )


def _check_bases(charges: Sequence[ChargeRule]) -> None:
    """Refuse a charge on something that does not come before it, or displaced by a layer that is not charged."""
    codes, layers = set(_BASES), {rule.measures for rule in charges}
    for rule in charges:
        if unknown := set(rule.base) - codes:
            raise ValueError(f"{rule.code} looks at {', '.join(sorted(unknown))}, which does not come before it")
        if unknown := {layer for one in rule.unless for layer in one.layers} - (layers - {rule.measures}):
            raise ValueError(f"{rule.code} gives way to {', '.join(sorted(unknown))}, which nothing charges here")
        codes.add(rule.code)


def _conditions(when: Mapping[str, Any]) -> Conditions:
    if unknown := when.keys() - (set(Conditions.__dataclass_fields__) - {"currency"}):
        raise ValueError(f"no condition is called {', '.join(sorted(unknown))}")
    for name in when.keys() - set(_LIMITS):
        if isinstance(when[name], list) == (name in _SINGLE):
            raise ValueError(f"{name} must be {'one name' if name in _SINGLE else 'a list'}")
    for name in ("sender", "receiver"):
        _one_of("person", when.get(name, ""))
    for name in ("value_basis", "value_per"):
        _one_of(name, when.get(name, _CHOICES[name][0]))
    limits = {name: amount(when[name]) for name in _LIMITS if name in when}
    currencies = {currency for _, currency in limits.values()}
    if len(currencies) > 1:
        raise ValueError("the limits of a value are in different currencies")
    plain: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in when.items() if name not in limits
    } | {name: micro for name, (micro, _) in limits.items()}
    return Conditions(
        currency=next(iter(currencies), ""),
        **plain,
    )


def _check_rate(block: Mapping[str, Any]) -> None:
    """Refuse keys of a charge that only go with others, or not with them."""
    of_whole = block.get("per") == "consignment"
    if block["arithmetic"] == "rate" and block.get("per", "consignment") != "consignment":
        raise ValueError("a rate is taken for each item, or per consignment")
    if block["arithmetic"] == "rate" and not of_whole and block.keys() & {"minimum", "maximum"}:
        raise ValueError("minimum and maximum are for a rate per consignment")
    if (of_whole and block.keys() & {"share", "minus"}) or block.keys() >= {"share", "minus"}:
        raise ValueError("minus and share are for a rate by item, and only one of them")
    if "unless" in block and "measures" not in block:
        raise ValueError("unless is for a layer of the tariff: it needs measures")
    if block.get("gross_up") and percent(block.get("rate", "0 %")) >= MICRO:
        raise ValueError("a charge in its own base is below 100 %")


def _charge(block: Mapping[str, Any], source: str, confidence: str) -> ChargeRule:
    arithmetic = _one_of("arithmetic", block["arithmetic"])
    _only(block, *_CHARGE, *_TAKES[arithmetic])
    _check_rate(block)
    flat = amount(block["amount"]) if "amount" in block else (0, "")
    minus = amount(block["minus"]) if "minus" in block else (0, "")
    limits = {name: amount(block[name]) for name in _CHARGE_LIMITS if name in block}
    if len({currency for _, currency in limits.values()}) > 1:
        raise ValueError("the limits of a charge are in different currencies")
    rule = ChargeRule(
        type=_one_of("type", block["type"]),
        code=block["code"],
        arithmetic=arithmetic,
        collector=_one_of("collector", block["collector"]),
        source=block.get("source", source),
        confidence=_one_of("confidence", block.get("confidence", confidence)),
        why=block.get("why", ""),
        rate_ppm=percent(block["rate"]) if "rate" in block else 0,
        amount_micro=flat[0],
        amount_currency=flat[1],
        per=_one_of("per", block.get("per", "")),
        tax=block.get("tax", ""),
        due=_one_of("due", block.get("due", "border")),
        base=tuple(block.get("base", ())),
        share_ppm=percent(block.get("share", "100 %")),
        is_grossed_up=block.get("gross_up", False),
        minus_micro=minus[0],
        minus_currency=minus[1],
        limit_currency=next((currency for _, currency in limits.values()), ""),
        quantum=to_micro(number(block["quantum"])) if "quantum" in block else None,
        rounding=_one_of("rounding", block.get("rounding", "")),
        measures=block.get("measures", ""),
        unless=tuple(_displacing(one) for one in block.get("unless", ())),
        **{f"{name}_micro": micro for name, (micro, _) in limits.items()},
    )
    needs = {"flat": ("amount", "per"), "rate": ("rate",), "tax": ("tax",), "relief": ("why",), "tariff": ()}
    wanted = (*needs[rule.arithmetic], *(("why",) if rule.due == "sale" else ()))
    if missing := [name for name in wanted if not block.get(name)]:
        raise ValueError(f"a charge by {rule.arithmetic} needs {', '.join(missing)}")
    return rule


def _displacing(said: str | Mapping[str, Any]) -> Displacing:
    """One entry of `unless`: the name of a layer, or a table with its source, and its days where the layers' own days
    do not say enough."""
    if isinstance(said, str):
        return Displacing(layers=(said,))
    _only(said, "layers", "origin", "from", "until", "part", "source")
    return Displacing(
        layers=tuple(said["layers"]),
        origins=tuple(said.get("origin", ())),
        since=_day(said["from"]) if "from" in said else None,
        until=_end({"from": date.min, **said}),
        is_part=said.get("part", False),
        source=_source(said),
    )


def _editions(rows: Sequence[Mapping[str, str]]) -> Iterator[CodeEdition]:
    """Codes with the same days are one edition, so that a test of membership is one look-up.

    Of a list in parts, where the longest code decides, all that hold on a day are one edition.
    """
    if any(row.get("part") for row in rows):
        yield from _editions_in_parts(rows)
        return
    by_days: dict[tuple[date, date | None], list[str]] = {}
    for row in rows:
        by_days.setdefault((_day(row["from"]), _end(row)), []).append(row["code"])
    for (since, until), codes in by_days.items():
        yield CodeEdition(since=since, until=until, codes=pl.Series(sorted(set(codes)), dtype=pl.String))


def _editions_in_parts(rows: Sequence[Mapping[str, str]]) -> Iterator[CodeEdition]:
    turns = sorted({day for row in rows for day in (_day(row["from"]), _end(row)) if day is not None})
    for since, until in pairwise([*turns, None]):
        if since is None:
            continue
        here = [row for row in rows if _day(row["from"]) <= since and ((end := _end(row)) is None or since < end)]
        parts = {row["code"]: frozenset((row["part"] or "").split()) for row in here}
        if len(parts) < len(here):
            raise ValueError(f"a code is there twice on {since}")
        if here:
            yield CodeEdition(since=since, until=until, codes=pl.Series(sorted(parts), dtype=pl.String), parts=parts)


def _tariff(schedule: str, paths: Sequence[Path], kinds: Collection[str]) -> pl.DataFrame:
    """The measures of one tariff, each of a kind that some charge asks for: a misspelt kind would let goods in free."""
    measures: list[tuple[Any, ...]] = []
    for path in paths:
        for row in _rows(path):
            with _reading(path):
                measures += [_measure(schedule, one, kinds) for one in _apart(row)]
    return pl.DataFrame(measures, schema=TARIFF, orient="row")


def _apart(row: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """A row of a tariff file as rows of one origin and one claim each; a claim without an origin is of its own: the
    country or the group that has its name."""
    for claim in (row.get("claim") or "").split() or [""]:
        for origin in row["origin"].split() or [claim]:
            yield {**row, "origin": origin, "claim": claim}


_MEASURE = (
    "code", "origin", "excluded", "kind", "additional_code", "claim", "from", "until", "known_from", "rate", "measure",
    "source", "confidence",
)  # fmt: skip


def _measure(schedule: str, row: Mapping[str, str], kinds: Collection[str]) -> tuple[Any, ...]:
    """One row of a tariff file as a row of the frame TARIFF. Raises ValueError, KeyError."""
    _only(row, *_MEASURE)
    kind, code, origin, more = row["kind"], row["code"], row["origin"], row.get("additional_code") or ""
    claim = row["claim"]
    if claim and kind == "third_country":
        raise ValueError(f"{code} asks for the claim {claim}, so it is no duty for all: a preference, or a layer")
    if kind not in kinds:
        raise ValueError(f"no charge takes measures of the kind {kind!r}")
    if not row["rate"]:
        raise ValueError(f"{code} from {row['from']} has no rate; write free where it is free")
    unread = isinstance(read := _duty(row["rate"]), Unsupported) and read.kind == "unread"
    if unread and row["rate"] not in (ENDED, expressions.write(read)):
        raise ValueError(f"{row['rate']!r} is no duty expression")
    return (
        schedule,
        code,
        origin,
        (row.get("excluded") or "").split(),
        kind,
        more,
        claim,
        _day(row["from"]),
        _end(row),
        _day(row["known_from"]) if row.get("known_from") else None,
        row["rate"],
        row.get("measure") or f"{schedule}:{kind}:{code}:{origin or 'all'}{more and ':' + more}{claim and ':' + claim}",
        _source(row),
        _one_of("confidence", row.get("confidence") or "firm"),
    )


@cache
def _duty(text: str) -> Formula | Unsupported:
    return expressions.read(text)


def _exchange(path: Path) -> Iterator[tuple[str, str, str, Rate]]:
    for row in _rows(path):
        with _reading(path):
            rate = Rate(since=_day(row["from"]), until=_end(row), per_base_micro=to_micro(number(row["per_base"])))
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


def _spread_groups(tariff: pl.DataFrame, groups: Mapping[str, tuple[GroupMember, ...]]) -> pl.DataFrame:
    """The measures with each group of origins written out as its countries, each for as long as it is a member."""
    members = pl.DataFrame(
        [(group, one.code, one.since, one.until) for group, found in groups.items() for one in found],
        schema={"origin": pl.String, "member": pl.String, "joined": pl.Date, "left": pl.Date},
        orient="row",
    )
    return (
        tariff.join(members, on="origin", how="left")
        .with_columns(
            origin=pl.coalesce("member", "origin"),
            since=pl.max_horizontal("since", "joined"),
            until=pl.min_horizontal("until", "left"),
        )
        .filter(pl.col("until").is_null() | (pl.col("since") < pl.col("until")))
        .filter(~pl.col("excluded").list.contains(pl.col("origin")))
        .select(TARIFF.names())
    )

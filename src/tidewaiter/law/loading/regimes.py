"""`regimes/*.toml`: what is charged under which conditions, and who collects it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from tidewaiter.law.loading.files import CHOICES, day_of, end_of, one_of, only, reading, source_of, toml_of
from tidewaiter.law.rules import ChargeRule, Conditions, Displacing, Regime
from tidewaiter.law.text import amount, number, percent
from tidewaiter.model.money import MICRO, to_micro

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
_LIMITS = ("value_max", "value_over", "person_day_max", "person_year_max")
"""Conditions that name one thing; the others, but for the limits, name a list."""


def regimes_in(path: Path) -> Iterator[Regime]:
    """The versions of the regime in a file. Raises LawError."""
    said = toml_of(path)
    with reading(path):
        only(said, "id", "name", "version")
        for version in said["version"]:
            only(
                version, "from", "until", "priority", "when", "charge", "source", "confidence", "value_share", "officer"
            )
            if version.get("officer") and version.get("charge"):
                raise ValueError("where an officer decides, nothing is charged here")
            confidence = one_of("confidence", version.get("confidence", "firm"))
            charges = tuple(_charge(block, version["source"], confidence) for block in version.get("charge", ()))
            _check_bases(charges)
            yield Regime(
                id=said["id"],
                name=said["name"],
                since=day_of(version["from"]),
                until=end_of(version),
                priority=version["priority"],
                when=_conditions(version.get("when", {})),
                charges=charges,
                source=source_of(version),
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
        one_of("person", when.get(name, ""))
    for name in ("value_basis", "value_per"):
        one_of(name, when.get(name, CHOICES[name][0]))
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


def _charge(block: Mapping[str, Any], source: str, confidence: str) -> ChargeRule:
    arithmetic = one_of("arithmetic", block["arithmetic"])
    only(block, *_CHARGE, *_TAKES[arithmetic])
    _check_rate(block)
    flat = amount(block["amount"]) if "amount" in block else (0, "")
    minus = amount(block["minus"]) if "minus" in block else (0, "")
    limits = {name: amount(block[name]) for name in _CHARGE_LIMITS if name in block}
    if len({currency for _, currency in limits.values()}) > 1:
        raise ValueError("the limits of a charge are in different currencies")
    rule = ChargeRule(
        type=one_of("type", block["type"]),
        code=block["code"],
        arithmetic=arithmetic,
        collector=one_of("collector", block["collector"]),
        source=block.get("source", source),
        confidence=one_of("confidence", block.get("confidence", confidence)),
        why=block.get("why", ""),
        rate_ppm=percent(block["rate"]) if "rate" in block else 0,
        amount_micro=flat[0],
        amount_currency=flat[1],
        per=one_of("per", block.get("per", "")),
        tax=block.get("tax", ""),
        due=one_of("due", block.get("due", "border")),
        base=tuple(block.get("base", ())),
        share_ppm=percent(block.get("share", "100 %")),
        is_grossed_up=block.get("gross_up", False),
        minus_micro=minus[0],
        minus_currency=minus[1],
        limit_currency=next((currency for _, currency in limits.values()), ""),
        quantum=to_micro(number(block["quantum"])) if "quantum" in block else None,
        rounding=one_of("rounding", block.get("rounding", "")),
        measures=block.get("measures", ""),
        unless=tuple(_displacing(one) for one in block.get("unless", ())),
        **{f"{name}_micro": micro for name, (micro, _) in limits.items()},
    )
    needs = {"flat": ("amount", "per"), "rate": ("rate",), "tax": ("tax",), "relief": ("why",), "tariff": ()}
    wanted = (*needs[rule.arithmetic], *(("why",) if rule.due == "sale" else ()))
    if missing := [name for name in wanted if not block.get(name)]:
        raise ValueError(f"a charge by {rule.arithmetic} needs {', '.join(missing)}")
    return rule


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


def _displacing(said: str | Mapping[str, Any]) -> Displacing:
    """One entry of `unless`: the name of a layer, or a table with its source, and its days where the layers' own days
    do not say enough."""
    if isinstance(said, str):
        return Displacing(layers=(said,))
    only(said, "layers", "origin", "from", "until", "part", "source")
    return Displacing(
        layers=tuple(said["layers"]),
        origins=tuple(said.get("origin", ())),
        since=day_of(said["from"]) if "from" in said else None,
        until=end_of({"from": date.min, **said}),
        is_part=said.get("part", False),
        source=source_of(said),
    )

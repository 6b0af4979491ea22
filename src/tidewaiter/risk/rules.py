"""Every profile of a law, read once and made ready to run over a batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from tidewaiter.law import Law
from tidewaiter.law.rules import between
from tidewaiter.model.money import MICRO
from tidewaiter.risk.columns import expression
from tidewaiter.risk.fields import FIELDS, Field, Kind
from tidewaiter.risk.profiles import Profile, ProfileError, read


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A profile that was left out, and what is wrong with it."""

    jurisdiction: str
    name: str
    text: str


Scope = tuple[str, ...]
"""The parts that must all hold of a consignment for a profile to apply to it: country, days, channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A profile made ready: where it applies, what it hits, and its reason where that shows figures."""

    profile: Profile
    scope: Scope
    hits: pl.Expr
    reason: pl.Expr | None
    figures: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """Every profile of a law, made ready. `parts` are expressions over consignments for the parts of scopes; columns
    are what rules need: `head_columns` of consignments for all rules, `item_columns` all for rules about items."""

    profiles: tuple[Profile, ...]
    faults: tuple[Fault, ...]
    parts: tuple[pl.Expr, ...]
    of_heads: tuple[Rule, ...]
    of_items: tuple[Rule, ...]
    head_columns: tuple[str, ...]
    item_columns: tuple[str, ...]


_READY: dict[str, Ruleset] = {}
_READY_MAX = 8


def ruleset(law: Law) -> Ruleset:
    """The profiles of the law, read once for each digest. A broken one is a fault, and does not stop the others."""
    if law.digest not in _READY:
        if len(_READY) >= _READY_MAX:
            _READY.clear()
        _READY[law.digest] = _ruleset(law)
    return _READY[law.digest]


def _ruleset(law: Law) -> Ruleset:
    profiles: dict[tuple[str, int], Profile] = {}
    faults = []
    for file in law.risk_files:
        try:
            profile = read(file, law)
            if (profile.id, profile.version) in profiles:
                raise ProfileError(f"version {profile.version} of {profile.id} is there twice")
        except ProfileError as wrong:
            faults.append(Fault(jurisdiction=file.jurisdiction, name=file.name, text=str(wrong)))
        else:
            profiles[profile.id, profile.version] = profile
    return _ready(tuple(profiles.values()), tuple(faults), law)


def _ready(profiles: tuple[Profile, ...], faults: tuple[Fault, ...], law: Law) -> Ruleset:
    parts: dict[str, pl.Expr] = {}
    of_heads: list[Rule] = []
    of_items: list[Rule] = []
    head_columns: set[str] = set()
    item_columns: set[str] = set()
    for profile in profiles:
        scope = _scope(profile)
        parts |= scope
        figures = _columns(profile.figures)
        rule = Rule(
            profile=profile,
            scope=tuple(scope),
            hits=expression(profile.condition, law),
            reason=_reason(profile) if figures else None,
            figures=figures,
        )
        (of_items if profile.is_of_items else of_heads).append(rule)
        columns = {*_columns(FIELDS[name] for name in profile.condition.fields()), *figures}
        head_columns |= {column for column in columns if not column.startswith(("item.", "values."))}
        item_columns |= columns if profile.is_of_items else set()
    return Ruleset(
        profiles=profiles,
        faults=faults,
        parts=tuple(part.alias(name) for name, part in parts.items()),
        of_heads=tuple(of_heads),
        of_items=tuple(of_items),
        head_columns=tuple(sorted(head_columns)),
        item_columns=tuple(sorted(item_columns)),
    )


def _columns(fields: Iterable[Field]) -> tuple[str, ...]:
    return tuple({column: None for field in fields for column in field.columns})


def _scope(profile: Profile) -> dict[str, pl.Expr]:
    """The parts of its scope, named by what they say so that profiles share them."""
    day, since, until = pl.col("accepted_on"), profile.since, profile.until
    countries = sorted(profile.countries)
    scope = {
        f"in {' '.join(countries)}": pl.col("jurisdiction").is_in(countries),
        f"from {since} until {until}": between(day, since, until),
    }
    if profile.channels:
        scope[f"by {' '.join(profile.channels)}"] = pl.col("channel").is_in(profile.channels)
    return scope


def _reason(profile: Profile) -> pl.Expr:
    """The reason with its figures, each as it stands in the row."""
    text = profile.reason
    for field in profile.figures:
        text = text.replace("{" + field.name + "}", "{}", 1)
    return pl.format(text, *(_figure(field) for field in profile.figures)).alias("reason")


def _figure(field: Field) -> pl.Expr:
    """A number as people read it; decimals are cut to two places, and a missing one is said to be."""
    shown = field.expr.cast(pl.String)
    if field.kind is Kind.DECIMAL:
        cents = field.expr // (MICRO // 100)
        shown = pl.format("{}.{}", cents // 100, (cents % 100).cast(pl.String).str.zfill(2))
    return shown.fill_null("unknown")

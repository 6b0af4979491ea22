"""Every profile of a law, read once, and those that apply to a batch made ready to run over it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import and_

import polars as pl

from tidewaiter.law import Law
from tidewaiter.law.in_force import InForce
from tidewaiter.law.law import between
from tidewaiter.model.money import MICRO
from tidewaiter.risk.columns import expression
from tidewaiter.risk.fields import Field, Kind
from tidewaiter.risk.profiles import Profile, ProfileError, read
from tidewaiter.risk.sieve import Sieve


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A profile that was left out, and what is wrong with it."""

    jurisdiction: str
    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """Every profile of a law that can be used, and the faults of those that cannot."""

    profiles: tuple[Profile, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A profile made ready for the countries and days of a batch.

    `scope` is what else must hold of a consignment for the profile to apply to it, None where nothing else must. The
    condition looks at the columns `looks_at`; `reason` is made of the columns `figures`, None where there are none.
    """

    profile: Profile
    scope: pl.Expr | None
    hits: pl.Expr
    looks_at: tuple[str, ...]
    reason: pl.Expr | None
    figures: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What to run over a batch: the rules about consignments and those about items, which go through the sieve."""

    of_heads: tuple[Rule, ...]
    of_items: tuple[Rule, ...]
    sieve: Sieve


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
    return Ruleset(profiles=tuple(profiles.values()), faults=tuple(faults))


def rules_for(here: InForce) -> Rules:
    """The profiles that apply somewhere in a batch of these countries and days, made ready once for all such."""
    return here.law.remembered(("profiles", here), lambda: _rules(tuple(_ready(here)), here))


def _rules(rules: tuple[Rule, ...], here: InForce) -> Rules:
    of_items = tuple(rule for rule in rules if rule.profile.is_of_items)
    return Rules(
        of_heads=tuple(rule for rule in rules if not rule.profile.is_of_items),
        of_items=of_items,
        sieve=Sieve.of((rule.profile.condition for rule in of_items), here),
    )


def _ready(here: InForce) -> Iterator[Rule]:
    for place, profile in enumerate(ruleset(here.law).profiles):
        if not here.touches(profile.countries, profile.since, profile.until):
            continue
        figures, hits = _columns(profile.figures), expression(profile.condition, here)
        yield Rule(
            profile=profile,
            scope=_scope(profile, here),
            hits=hits.alias(str(place)),
            looks_at=tuple(dict.fromkeys(hits.meta.root_names())),
            reason=_reason(profile) if figures else None,
            figures=figures,
        )


def _columns(fields: Iterable[Field]) -> tuple[str, ...]:
    return tuple({column: None for field in fields for column in field.columns})


def _scope(profile: Profile, here: InForce) -> pl.Expr | None:
    parts = []
    if not here.countries <= profile.countries:
        parts.append(pl.col("jurisdiction").is_in(sorted(profile.countries)))
    if not here.is_within(profile.since, profile.until):
        parts.append(between(pl.col("accepted_on"), profile.since, profile.until))
    if profile.channels:
        parts.append(pl.col("channel").is_in(profile.channels))
    return reduce(and_, parts) if parts else None


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

"""Every profile of a law, read once, and those that apply to a batch made ready to run over it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_

import polars as pl

from tidewaiter.law import Law
from tidewaiter.law.in_force import InForce
from tidewaiter.law.law import between
from tidewaiter.model.keeping import kept
from tidewaiter.model.money import MICRO
from tidewaiter.risk.columns import expression
from tidewaiter.risk.detectors import Detector
from tidewaiter.risk.fields import FIELDS, PAST_FRAMES, Field, Kind
from tidewaiter.risk.meaning import Term
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
    condition looks at the columns `looks_at` and at the verdicts on the parts `judged`; `reason` is made of the columns
    `figures`, None where there are none.
    """

    profile: Profile
    condition: Term
    scope: pl.Expr | None
    hits: pl.Expr
    looks_at: tuple[str, ...]
    judged: tuple[int, ...]
    reason: pl.Expr | None
    figures: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """A profile with a detector made ready likewise. `frames`: those of the past that it cannot do without."""

    profile: Profile
    detector: Detector
    scope: pl.Expr | None
    frames: frozenset[str]
    reason: pl.Expr | None
    figures: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Rules to run over the consignments of a batch, or over its items, the sieve they go through first, and the
    detectors to run besides."""

    rules: tuple[Rule, ...]
    sieve: Sieve
    detections: tuple[Detection, ...]


_READY: dict[tuple[str, str], Ruleset] = {}
_READY_MAX = 8


def ruleset(law: Law) -> Ruleset:
    """The profiles of the law, read once for each digest. A broken one is a fault, and does not stop the others."""
    return kept(_READY, (law.digest, law.risk_digest), lambda: _ruleset(law), at_most=_READY_MAX)


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


def rules_for(here: InForce) -> tuple[Rules, Rules]:
    """The profiles about consignments and those about items that apply somewhere in a batch of these countries and
    days, made ready once for all such."""
    return here.law.remembered(("profiles", here), lambda: (_rules(here, of_items=False), _rules(here, of_items=True)))


def frames_looked_at(here: InForce) -> frozenset[str]:
    """The frames of the past that some profile looks at which applies somewhere in such a batch."""
    return here.law.remembered(("frames looked at", here), lambda: _frames(rules_for(here)))


def _frames(ready: tuple[Rules, Rules]) -> frozenset[str]:
    columns = {column for rules in ready for rule in rules.rules for column in (*rule.looks_at, *rule.figures)}
    columns |= {column for rules in ready for detection in rules.detections for column in detection.figures}
    frames = {frame for rules in ready for detection in rules.detections for frame in detection.frames}
    return frozenset(frames | {PAST_FRAMES[column] for column in columns if column in PAST_FRAMES})


def _rules(here: InForce, *, of_items: bool) -> Rules:
    profiles = [
        profile
        for profile in ruleset(here.law).profiles
        if profile.is_of_items is of_items and here.touches(profile.countries, profile.since, profile.until)
    ]
    conditions = [(profile, profile.condition) for profile in profiles if profile.condition is not None]
    sieve = Sieve.of((condition for _, condition in conditions), here)
    return Rules(
        rules=tuple(_ready(conditions, sieve, here)), sieve=sieve, detections=tuple(_detections(profiles, here))
    )


def _detections(profiles: Sequence[Profile], here: InForce) -> Iterator[Detection]:
    for profile in profiles:
        if profile.detector is not None:
            columns, figures = _columns(FIELDS[name] for name in profile.looks_at), _columns(profile.figures)
            yield Detection(
                profile=profile,
                detector=profile.detector,
                scope=_scope(profile, here),
                frames=frozenset(PAST_FRAMES[column] for column in columns if column in PAST_FRAMES),
                reason=_reason(profile) if figures else None,
                figures=figures,
            )


def _ready(conditions: Sequence[tuple[Profile, Term]], sieve: Sieve, here: InForce) -> Iterator[Rule]:
    told: dict[int | str, pl.Expr] = {part: pl.col(str(part)) for part in sieve.columns}
    told |= {field.name: pl.col(field.name) for field in FIELDS.values() if len(field.columns) > 1}
    scopes: dict[str, pl.Expr] = {}
    for place, (profile, condition) in enumerate(conditions):
        figures, hits = _columns(profile.figures), expression(condition, here, told)
        needed = dict.fromkeys(hits.meta.root_names())
        scope = _scope(profile, here)
        yield Rule(
            profile=profile,
            condition=condition,
            # Profiles of the same scope share it, so that it is asked once.
            scope=None if scope is None else scopes.setdefault(str(scope), scope),
            hits=hits.alias(str(place)),
            looks_at=tuple(name for name in needed if not name.isdecimal()),
            judged=tuple(int(name) for name in needed if name.isdecimal()),
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

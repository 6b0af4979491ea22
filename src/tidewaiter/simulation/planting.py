"""Schemes planted into a week of honest parcels; what an honest sender would have declared is kept beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tidewaiter.simulation.catalogue import ORIGINS, PLATFORMS, PROHIBITED
from tidewaiter.simulation.drafts import CHEAPER, GIFT, HOUR_MS, WEEK_MS, Draft, drafted
from tidewaiter.simulation.world import COUNTRIES, HONEST, SCHEMES, THRESHOLDS, Ints, World

NUMBER = {name: place for place, name in enumerate((HONEST, *SCHEMES))}
"""Each scheme as `Draft.scheme` numbers it."""
ZZ, FR = COUNTRIES.index("ZZ"), COUNTRIES.index("FR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of what is planted. `parts` are shares of a week's parcels; schemes of single sellers (see `BY_SELLER`)
    come from their sellers, at most of `zeal` of the parcels that these send. `later` are the first weeks of schemes
    that are not there from the beginning."""

    zeal: float = 0.8
    parts: Mapping[str, float]
    later: Mapping[str, int]


USUAL_PLAN = Plan(
    parts={"splitting": 0.006, "document_mismatch": 0.004, "identity_reuse": 0.004, "ghost_seller": 0.004},
    later={"sale_as_gift": 8},
)


def plant(rng: np.random.Generator, world: World, draft: Draft, *, week: int, plan: Plan = USUAL_PLAN) -> Draft:
    """The week with every scheme that has begun planted into it; splitting and ghost sellers add their own parcels."""
    for name, sellers in world.role.items():
        if week >= plan.later.get(name, 0):
            theirs = np.isin(draft.seller, sellers) & (draft.scheme == 0) & (rng.random(len(draft)) < plan.zeal)
            _BY_SELLER[name](rng, draft, np.flatnonzero(theirs))
    size = len(draft)
    parts = {name: round(part * size) for name, part in plan.parts.items() if week >= plan.later.get(name, 0)}
    _identities(rng, draft, parts.get("identity_reuse", 0))
    _documents(rng, draft, parts.get("document_mismatch", 0))
    if parts.get("splitting"):
        draft = draft.and_also(_split(rng, world, week, parts["splitting"]))
    if parts.get("ghost_seller"):
        draft = draft.and_also(_ghosts(rng, world, week, parts["ghost_seller"]))
    return draft


def _items(draft: Draft, heads: Ints) -> Ints:
    return np.flatnonzero(np.isin(draft.head, heads))


def _mark(draft: Draft, name: str, heads: Ints) -> None:
    draft.scheme[heads] = NUMBER[name]


def _undervalue(rng: np.random.Generator, draft: Draft, heads: Ints) -> None:
    """A fifth to three fifths of the price paid is declared."""
    of = _items(draft, heads)
    factor = rng.uniform(0.2, 0.6, len(draft))[draft.head[of]]
    draft.cents[of] = np.maximum(1, (draft.true_cents[of] * factor).astype(np.int64))
    _mark(draft, "undervaluation", heads)


def _just_below(rng: np.random.Generator, draft: Draft, heads: Ints) -> None:
    """What costs up to two and a half thresholds is declared at a hair less than one."""
    threshold, total = np.array(THRESHOLDS)[draft.country], draft.totals()
    heads = heads[(total[heads] > threshold[heads]) & (total[heads] < 2.5 * threshold[heads])]
    of = _items(draft, heads)
    factor = threshold * rng.uniform(0.955, 0.998, len(draft)) / np.maximum(total, 0.01)
    draft.cents[of] = np.maximum(1, (draft.cents[of] * factor[draft.head[of]]).astype(np.int64))
    _mark(draft, "just_below", heads)


def _misdescribe(_: np.random.Generator, draft: Draft, heads: Ints) -> None:
    """The words are right, the code is one under which less duty is due."""
    draft.code[_items(draft, heads)] = CHEAPER
    _mark(draft, "misdescription", heads)


def _falsify_origin(rng: np.random.Generator, draft: Draft, heads: Ints) -> None:
    of = _items(draft, heads)
    draft.origin[of] = (draft.origin[of] + rng.integers(1, len(ORIGINS), len(of))) % len(ORIGINS)
    _mark(draft, "false_origin", heads)


def _prohibit(rng: np.random.Generator, draft: Draft, heads: Ints) -> None:
    """The goods may not come in; the words say so, the code says something else."""
    draft.words[_items(draft, heads)] = rng.integers(0, len(PROHIBITED), len(_items(draft, heads)))
    _mark(draft, "prohibited", heads)


def _borrow_scheme(rng: np.random.Generator, draft: Draft, heads: Ints) -> None:
    """A shop without a scheme number of its own gives that of a platform it does not sell on."""
    heads = heads[draft.country[heads] == FR]
    draft.scheme_of[heads] = rng.integers(0, len(PLATFORMS), len(heads))
    _mark(draft, "borrowed_scheme", heads)


def _as_gift(_: np.random.Generator, draft: Draft, heads: Ints) -> None:
    draft.category[heads] = GIFT
    _mark(draft, "sale_as_gift", heads)


_BY_SELLER = {
    "undervaluation": _undervalue, "just_below": _just_below, "misdescription": _misdescribe,
    "false_origin": _falsify_origin, "prohibited": _prohibit, "borrowed_scheme": _borrow_scheme,
    "sale_as_gift": _as_gift,
}  # fmt: skip


def _some(rng: np.random.Generator, draft: Draft, country: int, count: int) -> Ints:
    free = np.flatnonzero((draft.country == country) & (draft.scheme == 0))
    return np.sort(rng.choice(free, min(count, len(free)), replace=False))


def _identities(rng: np.random.Generator, draft: Draft, count: int) -> None:
    """Parcels of many people go under the identity numbers of a few, ten or so each week to each number."""
    heads = _some(rng, draft, ZZ, count)
    lent = rng.integers(0, 10, max(1, -(-count // 12)))  # the first ten buyers' numbers are known to those who lend
    draft.identity[heads] = rng.choice(lent, len(heads))
    _mark(draft, "identity_reuse", heads)


def _documents(rng: np.random.Generator, draft: Draft, count: int) -> None:
    """The parcels whose order, payment and waybill will not agree; `documents` spoils these."""
    _mark(draft, "document_mismatch", _some(rng, draft, ZZ, count))


def _split(rng: np.random.Generator, world: World, week: int, count: int) -> Draft:
    """Purchases above a threshold in three to six parcels within 72 hours: to the same person, whose name is written in
    several ways, with the telephone or without, and each below the threshold."""
    cases = max(1, round(count / 4.5))
    parcels = rng.integers(3, 7, cases)
    few = rng.permutation(np.flatnonzero(world.seller_from <= week))[:12]
    case = np.repeat(np.arange(cases), parcels)
    buyer, seller = rng.choice(len(world.buyer_weight), cases, p=world.buyer_weight), rng.choice(few, cases)
    begin = week * WEEK_MS + rng.integers(0, WEEK_MS - 72 * HOUR_MS, cases)
    at = begin[case] + (rng.random(len(case)) * 72 * HOUR_MS).astype(np.int64)
    split = drafted(rng, world, seller[case], buyer[case], at)
    target = np.array(THRESHOLDS)[split.country] * rng.uniform(0.4, 0.95, len(case))
    factor = target / np.maximum(split.totals(), 0.01)
    for name in ("cents", "mass_g"):  # so much of the goods as keeps the price of a kilogram
        setattr(split, name, np.maximum(1, (getattr(split, name) * factor[split.head]).astype(np.int64)))
    split.true_cents = split.cents.copy()
    split.spelling = rng.integers(0, 4, len(case))
    split.case = 1 + week * 10_000 + case
    split.scheme[:] = NUMBER["splitting"]
    return split.taken(np.argsort(split.at_ms, kind="stable"))


def _ghosts(rng: np.random.Generator, world: World, week: int, count: int) -> Draft:
    """Sellers that are there for a week under a new name, with the telephone of those before them."""
    operators = np.sort(world.seller_weight.argsort()[:6])
    seller = rng.choice(operators, count)
    at = np.sort(week * WEEK_MS + rng.integers(0, WEEK_MS, count))
    ghost = drafted(rng, world, seller, rng.choice(len(world.buyer_weight), count, p=world.buyer_weight), at)
    ghost.alias = (week * 10 + rng.integers(0, 2, count)) * 1_000 + seller
    ghost.scheme[:] = NUMBER["ghost_seller"]
    return ghost

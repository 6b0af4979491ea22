"""How well and how fast names are screened on this machine: labelled pairs, perturbed listed names, names of others."""

from __future__ import annotations

import csv
import hashlib
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from tidewaiter.cli.bench import machine
from tidewaiter.cli.made_names import mildly, miswritten, others
from tidewaiter.risk.intervals import area
from tidewaiter.risk.screening import THRESHOLD, Asked, DeniedList, Index, Listed, Version, features, name
from tidewaiter.risk.screening.score import CONFLICT, CONSTANT, DOUBT, LIKENESS, NUMBER
from tidewaiter.services.list_forms import read_list

SEED = 90
"""Seeds 7, 8, 17 and 27 are those by which the matching was chosen; figures are of others."""
LISTED = 50_000
RIDGE = 0.1
FOLDS, DRAWS = 5, 1_000
FPR = 0.001

Numbers = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure, and between what it lies in nineteen of twenty draws of the pairs with replacement."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True, slots=True)
class Pairs:
    """What the labelled pairs come to: `auc` and `f1` of all, with the weights in use as they are, and for F1 the
    threshold of each fifth chosen on the other four; `auc_held` and `f1_held` of the half held out, with the threshold
    and the weights of the other."""

    pairs: int
    auc: Interval
    f1: Interval
    held: int
    auc_held: float
    f1_held: float
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What screening perturbed names and others comes to: shares from 0 to 1."""

    asked: int
    others: int
    recall: float
    fpr: float
    recall_at_fpr: float
    missed: Counter[str]


@dataclass(frozen=True, slots=True)
class Speed:
    """Names a second of one core's time, end to end with reasons, and what making the lists ready took."""

    listed: int
    asked: int
    hits: int
    ready: float
    a_second: float


def run(console: Console, *, count: int, data: Path | None) -> None:
    """Measure, and print the tables."""
    console.print(machine())
    if data is None:
        console.print(
            "without --data there are neither labelled pairs nor real lists: only the speed, on made-up names"
        )
        _print_speed(console, speed(others(LISTED, seed=SEED + 2), min(count, 20_000)))
        return
    told = labelled_pairs(data / "name_matching" / "name_pairs.csv")
    console.print(
        f"labelled pairs ({told.pairs}), with the weights in use: AUC {told.auc}, F1 {told.f1} with the threshold of "
        f"each fifth chosen on the others; the half held out ({told.held}), with weights and threshold of the other: "
        f"AUC {told.auc_held:.3f}, F1 {told.f1_held:.3f}. What is compared was chosen with all pairs in sight, and the "
        "weights in use come from one half: both are kinder than names nobody has seen",
        soft_wrap=True,
    )
    table = Table("weight", "worked out here", "in use")
    used = (CONFLICT, DOUBT, NUMBER, LIKENESS, CONSTANT)
    for what, here, there in zip(
        ("conflict", "doubt", "number", "likeness", "constant"), told.weights, used, strict=True
    ):
        table.add_row(what, f"{here:.2f}", f"{there:.2f}")
    console.print(table)
    listed = united_nations(data)
    for how, write in (("mildly", mildly), ("harshly", miswritten)):
        found = screened(listed, count, write)
        console.print(
            f"{found.asked} persons of the United Nations' list, each {how} miswritten once, and {found.others:,} other"
            f" names: recall {found.recall_at_fpr:.4f} at {FPR:.1%} false positives, and at the threshold {THRESHOLD} "
            f"{found.recall:.4f} with {found.fpr:.3%}; missed: {dict(found.missed)}",
            soft_wrap=True,
        )
    _print_speed(console, speed(real_names(data, LISTED), min(count, 20_000)))


def _print_speed(console: Console, told: Speed) -> None:
    console.print(
        f"{told.asked:,} names against {told.listed:,}: {told.a_second:,.0f} a second of one core's time, "
        f"{told.hits:,} hits with reasons; the lists were made ready in {told.ready:.1f} s of it"
    )


def labelled_pairs(path: Path) -> Pairs:
    """Measure the labelled pairs. Pairs that share a name are in one part."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    seen = [features(name(row["name1"]), name(row["name2"])) for row in rows]
    table = np.array([[one.conflict, one.doubt, one.number, one.likeness, 1.0] for one in seen])
    is_match = np.array([row["is_match"] == "true" for row in rows])
    names = [(row["name1"].lower(), row["name2"].lower()) for row in rows]
    in_fit = _parts(names, 2) == 0
    weights = _fitted(table[in_fit], is_match[in_fit])
    odds = table @ weights
    threshold = _best(odds[in_fit], is_match[in_fit])
    held = ~in_fit
    fixed = np.array([one.log_odds for one in seen])
    said = _said_by_others(fixed, is_match, _parts(names, FOLDS))
    draw = np.random.default_rng(SEED)
    drawn = [draw.integers(len(rows), size=len(rows)) for _ in range(DRAWS)]
    return Pairs(
        pairs=len(rows),
        auc=_interval(auc(fixed, is_match), [auc(fixed[some], is_match[some]) for some in drawn]),
        f1=_interval(f1(said, is_match), [f1(said[some], is_match[some]) for some in drawn]),
        held=int(held.sum()),
        auc_held=auc(odds[held], is_match[held]),
        f1_held=f1(odds[held] >= threshold, is_match[held]),
        weights=tuple(float(weight) for weight in weights),
    )


def _interval(value: float, drawn: Sequence[float]) -> Interval:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(value, float(low), float(high))


def _said_by_others(odds: Numbers, is_match: Marks, parts: npt.NDArray[np.int64]) -> Marks:
    """Which pairs are said to match, each part by the threshold that is best for the others."""
    said = np.zeros(len(odds), np.bool_)
    for part in range(FOLDS):
        here = parts == part
        threshold = _best(odds[~here], is_match[~here])
        said[here] = odds[here] >= threshold
    return said


def _best(odds: Numbers, is_match: Marks) -> float:
    return float(max(np.unique(odds), key=lambda at: f1(odds >= at, is_match)))


def _parts(pairs: Sequence[tuple[str, str]], count: int) -> npt.NDArray[np.int64]:
    """In which of so many parts each pair is: by digest, and pairs with a name in common together."""
    above: dict[str, str] = {}

    def top(one: str) -> str:
        while above.setdefault(one, one) != one:
            one = above[one]
        return one

    for left, right in pairs:
        above[top(left)] = top(right)
    return np.array([hashlib.sha256(top(left).encode()).digest()[0] % count for left, _ in pairs])


def _fitted(table: Numbers, is_match: Marks) -> Numbers:
    """Weights of a logistic regression, by Newton's method, all but the constant held back a little."""
    weights = np.zeros(table.shape[1])
    held_back = np.diag([RIDGE] * (table.shape[1] - 1) + [0.0])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-table @ weights))
        slope = table.T @ (chance - is_match) + held_back @ weights
        weights -= np.linalg.solve((table * (chance * (1 - chance))[:, None]).T @ table + held_back, slope)
    return weights


def auc(scores: Numbers, is_match: Marks) -> float:
    """The chance that a match scores higher than another pair; a tie counts half."""
    return area(scores, is_match).value


def f1(said: Marks, is_match: Marks) -> float:
    """Twice what was rightly said a match, over all that was said or is one."""
    return float(2 * (said & is_match).sum() / (said.sum() + is_match.sum()))


def united_nations(data: Path) -> list[Listed]:
    """The persons on the list of the United Nations."""
    [path] = sorted(data.glob("un_consolidated_*.xml"))[-1:]
    return [party for party in read_list("un", [path.read_bytes()]).parties if party.kind == "person"]


def screened(
    listed: Sequence[Listed], count: int, write: Callable[[str, random.Random], tuple[str, str]], *, seed: int = SEED
) -> Found:
    """Every listed person asked after once under a miswritten name, and so many others."""
    index = _index(listed)
    draw = random.Random(seed)  # noqa: S311
    asked, kinds = zip(*(write(party.names[0], draw) for party in listed), strict=True)
    own: dict[int, float] = {}
    for hit in index.hits([Asked(text) for text in asked], threshold=0.01):
        if hit.party.id == listed[hit.row].id:
            own[hit.row] = max(hit.score, own.get(hit.row, 0.0))
    wrong: dict[int, float] = {}
    for hit in index.hits([Asked(text) for text in others(count, seed=seed)], threshold=0.01):
        wrong[hit.row] = max(hit.score, wrong.get(hit.row, 0.0))
    worst = sorted(wrong.values(), reverse=True)
    allowed = int(count * FPR)
    least = worst[allowed] if len(worst) > allowed else 0.0
    return Found(
        asked=len(listed),
        others=count,
        recall=sum(score >= THRESHOLD for score in own.values()) / len(listed),
        fpr=sum(score >= THRESHOLD for score in worst) / count,
        recall_at_fpr=sum(score > least for score in own.values()) / len(listed),
        missed=Counter(kinds[row] for row in range(len(listed)) if own.get(row, 0.0) < THRESHOLD),
    )


def real_names(data: Path, count: int) -> list[str]:
    """So many listed names: all of the real lists, and where they are too few, those miswritten once."""
    ofac = data / "ofac_moov"
    lists = [
        read_list("ofac-csv", [(ofac / f"test_bench_{part}.csv").read_bytes() for part in ("sdn", "alt")]),
        read_list("ofac-xml", [(data / "ofac_consolidated_nonsdn.xml").read_bytes()]),
        read_list("canada", [(data / "canada_sema.xml").read_bytes()]),
    ]
    parties = [*united_nations(data), *(party for one in lists for party in one.parties)]
    names = dict.fromkeys(text for party in parties for text in (*party.names, *party.weak))
    base, draw = list(names), random.Random(SEED)  # noqa: S311
    while len(names) < count:
        names[miswritten(draw.choice(base), draw)[0]] = None
    return list(names)[:count]


def speed(listed: Iterable[str], count: int) -> Speed:
    """So many other names, one in a hundred a listed name miswritten, against a list of those names. Every measure is a
    cold one: screening remembers nothing of what it was asked before."""
    names = list(listed)
    started = time.process_time()
    index = _index([Listed(str(place), "", (text,)) for place, text in enumerate(names)])
    ready = time.process_time() - started
    draw = random.Random(SEED + 1)  # noqa: S311
    asked = [
        Asked(miswritten(draw.choice(names), draw)[0] if place % 100 == 0 else text)
        for place, text in enumerate(others(count, seed=SEED + 1))
    ]
    index.hits(asked[:100])
    started = time.process_time()
    hits = index.hits(asked)
    return Speed(len(names), count, len(hits), ready, count / (time.process_time() - started))


def _index(parties: Sequence[Listed]) -> Index:
    return Index([DeniedList(Version("bench", "", None, len(parties)), tuple(parties))])

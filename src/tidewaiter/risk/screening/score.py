"""How alike two names are, and in which words an officer can be told so.

Words are set against each other, the likest first. Four things then say whether it is one name: what of each has no
counterpart in the other (conflict), how far apart the counterparts are (doubt), a number that differs, and how alike
the whole is in any order of words. What only one of them has, such as a father's name, is held against nobody.

The weights are those of a logistic regression over the half of the labelled pairs that `bench screen` does not report
on (OpenSanctions' name_bench, MIT licence); `bench screen` works them out again beside those here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from tidewaiter.risk.screening.names import Name, word

CONSTANT, CONFLICT, DOUBT, NUMBER, LIKENESS = -2.1, -4.51, -2.54, -1.41, 4.1
"""Log-odds for one name: to begin with, and for each whole unit of the features."""
COUNTERPART_MIN = 0.6
"""Likeness of two words below which they are no counterparts."""
JOINED_MIN = 0.8
"""The same for a word against two words written together, which needs more."""
_INITIAL, _SAME_SOUND, _SAME_BONES = 0.8, 0.97, 0.85

Places = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Counterparts:
    """Words of one name and those of the other that they are set against, by their places, and how alike they are."""

    left: Places
    right: Places
    likeness: float


@dataclass(frozen=True, slots=True)
class Features:
    """What the score is made of. `conflict` and `doubt` count words, long ones whole; `likeness` is from 0 to 1."""

    conflict: float
    doubt: float
    number: float
    likeness: float

    @property
    def log_odds(self) -> float:
        """For its being one name."""
        return (
            CONSTANT + CONFLICT * self.conflict + DOUBT * self.doubt + NUMBER * self.number + LIKENESS * self.likeness
        )


def probability(log_odds: float) -> float:
    """Log-odds as a number between 0 and 1."""
    return 1 / (1 + math.exp(-max(-40.0, min(40.0, log_odds))))


def log_odds(probability: float) -> float:
    """A number between 0 and 1 as log-odds; the inverse of `probability`."""
    bounded = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(bounded / (1 - bounded))


def features(left: Name, right: Name) -> Features:
    """The features of two names. The same, whichever comes first."""
    return features_of(left, right, counterparts(left, right))


def features_of(left: Name, right: Name, pairs: Sequence[Counterparts]) -> Features:
    """The features, where the counterparts are known already."""
    alone_left, alone_right = [word.weight for word in left.words], [word.weight for word in right.words]
    doubt = 0.0
    for pair in pairs:
        if len(pair.left) == len(pair.right):
            [here], [there] = pair.left, pair.right
            both = alone_left[here] + alone_right[there]
            alone_left[here] = alone_right[there] = 0.0
        else:
            both = 0.0
            for alone, places in ((alone_left, pair.left), (alone_right, pair.right)):
                for place in places:
                    both += alone[place]
                    alone[place] = 0.0
        doubt += (1 - pair.likeness) * both / 2
    if not left.words or not right.words:
        return Features(1.0, 0.0, 0.0, 0.0)
    alike = fuzz.ratio(*_in_one_order(left, right, pairs)) / 100
    return Features(min(sum(alone_left), sum(alone_right)), doubt, float(left.numbers != right.numbers), alike)


def _in_one_order(left: Name, right: Name, pairs: Sequence[Counterparts]) -> tuple[str, str]:
    """Both names as one text each, the words of the left in the order of their counterparts."""
    there = "".join([word.text for word in right.words])
    at = {place: pair.right[0] for pair in pairs for place in pair.left}
    order, last = [], -1.0
    for place in range(len(left.words)):
        last = at.get(place, last + 0.5)
        order.append(last)
    if order == sorted(order):
        return "".join([word.text for word in left.words]), there
    return "".join([left.words[place].text for place in sorted(range(len(order)), key=order.__getitem__)]), there


@lru_cache(maxsize=1 << 18)
def likeness(left: str, right: str, *, is_abjad: bool) -> float:
    """How alike two words of plain small letters are, from 0 to 1. `is_abjad`: one of them comes from a script without
    vowels."""
    if left == right:
        return 1.0
    if len(left) == 1 or len(right) == 1:
        return _INITIAL if left[0] == right[0] else 0.0
    here, there = word(left), word(right)
    if here.sound == there.sound:
        return _SAME_SOUND
    found = max(OSA.normalized_similarity(here.sound, there.sound), OSA.normalized_similarity(left, right))
    if is_abjad:
        return max(found, 0.95 * OSA.normalized_similarity(here.bones, there.bones))
    return max(found, _SAME_BONES) if here.bones == there.bones and len(here.bones) > 2 else found


def counterparts(left: Name, right: Name) -> list[Counterparts]:
    """Words set against each other, each at most once, the likest first."""
    found: list[Counterparts] = []
    texts = [word.text for word in right.words]
    open_left, open_right = [], set(range(len(texts)))
    for place, one in enumerate(left.words):
        same = next((there for there, text in enumerate(texts) if text == one.text and there in open_right), None)
        if same is None:
            open_left.append(place)
        else:
            found.append(Counterparts((place,), (same,), 1.0))
            open_right.discard(same)
    if not open_left or not open_right:
        return found
    rest = sorted(open_right)
    is_abjad = left.is_abjad != right.is_abjad
    likely = [
        Counterparts((here,), (there,), alike)
        for here in open_left
        for there in rest
        if (alike := likeness(left.words[here].text, texts[there], is_abjad=is_abjad)) >= COUNTERPART_MIN
    ]
    likely += [Counterparts((one,), two, alike) for one, two, alike in _joined(left, open_left, right, rest)]
    likely += [Counterparts(two, (one,), alike) for one, two, alike in _joined(right, rest, left, open_left)]
    likely.sort(key=lambda pair: (-pair.likeness, -len(pair.left) - len(pair.right)))
    free_left, free_right = set(open_left), set(rest)
    for pair in likely:
        if free_left.issuperset(pair.left) and free_right.issuperset(pair.right):
            free_left.difference_update(pair.left)
            free_right.difference_update(pair.right)
            found.append(pair)
    return found


def _joined(
    one: Name, places: Sequence[int], other: Name, places_other: Sequence[int]
) -> list[tuple[int, Places, float]]:
    """Words of the one that are two neighbours of the other written together."""
    found: list[tuple[int, Places, float]] = []
    for first, second in itertools.pairwise(places_other):
        if second != first + 1:
            continue
        together = other.words[first].text + other.words[second].text
        if len(together) < 4:
            continue
        for place in places:
            alike = OSA.normalized_similarity(one.words[place].text, together, score_cutoff=JOINED_MIN)
            if alike:
                found.append((place, (first, second), alike))
    return found

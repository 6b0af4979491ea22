"""How alike two names are, and in which words an officer can be told so.

Words are set against each other, the likest first. Four things then say whether it is one name: what of each has no
counterpart in the other (conflict), how far apart the counterparts are (doubt), a number that differs, and how alike
the whole is in any order of words. What only one of them has, such as a father's name, is held against nobody.

The weights are those of a logistic regression over the half of the labelled pairs that `bench screen` does not report
on (OpenSanctions' name_bench, MIT licence); `bench screen` works them out again beside those here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz

from tidewaiter.risk.screening.counterparts import Counterparts, counterparts
from tidewaiter.risk.screening.many import Floats, Ints, Names, alike, summed, texts
from tidewaiter.risk.screening.names import Name

CONSTANT, CONFLICT, DOUBT, NUMBER, LIKENESS = -2.1, -4.51, -2.54, -1.41, 4.1
"""Log-odds for one name: to begin with, and for each whole unit of the features."""


_BEHIND = 0.01
"""By how much a word without a counterpart stands behind the one before it; less than a place in all."""


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
    if not left.words or not right.words:
        return Features(1.0, 0.0, 0.0, 0.0)
    here, there, row = Names.of([left]), Names.of([right]), np.zeros(1, np.int64)
    pairs = counterparts(here, there, row, row)
    [conflict], [doubt], [number] = word_by_word(here, there, row, row, pairs)
    [whole] = likeness_of_all(here, there, row, row, pairs)
    return Features(float(conflict), float(doubt), float(number), float(whole))


def word_by_word(
    left: Names, right: Names, lefts: Ints, rights: Ints, pairs: Counterparts
) -> tuple[Floats, Floats, Floats]:
    """Conflict, doubt and number of the pairs of names in these rows, whose counterparts those are."""
    count = len(lefts)
    here = _weight(left, lefts, pairs.pair, pairs.left, pairs.left_words)
    there = _weight(right, rights, pairs.pair, pairs.right, pairs.right_words)
    alone_left = left.weights[lefts] - summed(pairs.pair, here, count)
    alone_right = right.weights[rights] - summed(pairs.pair, there, count)
    doubt = summed(pairs.pair, (1 - pairs.likeness) * (here + there) / 2, count)
    number: Floats = (left.number_hashes[lefts] != right.number_hashes[rights]).astype(np.float64)
    conflict: Floats = np.maximum(np.minimum(alone_left, alone_right), 0.0)
    return conflict, doubt, number


def _weight(names: Names, rows: Ints, pair: Ints, place: Ints, words: Ints) -> Floats:
    """What the one or two words from a place on come to."""
    first = names.start[rows[pair]] + place
    weights = names.words.weights
    found: Floats = weights[names.word[first]] + np.where(words > 1, weights[names.word[first + words - 1]], 0.0)
    return found


def likeness_max(left: Names, right: Names, lefts: Ints, rights: Ints) -> Floats:
    """How alike the whole can be at most, by the letters that both have."""
    both = np.minimum(left.letters[lefts], right.letters[rights]).sum(1, dtype=np.int64)
    found: Floats = 2 * both / np.maximum(left.lengths[lefts] + right.lengths[rights], 1)
    return found


def likeness_of_all(left: Names, right: Names, lefts: Ints, rights: Ints, pairs: Counterparts) -> Floats:
    """How alike the whole is, from 0 to 1: the words of one in the order of their counterparts in the other, in one;
    where that is another order, whichever way round it is likest."""
    here, moved = _in_order_of_others(left, lefts, pairs)
    found = alike(texts(here), texts([right.texts[row] for row in rights.tolist()]), scorer=fuzz.ratio) / 100
    lefts, rights, pairs = lefts[moved], rights[moved], pairs.of(moved, len(lefts))
    there, _ = _in_order_of_others(right, rights, pairs.turned())
    again = alike(texts([left.texts[row] for row in lefts.tolist()]), texts(there), scorer=fuzz.ratio) / 100
    found[moved] = np.maximum(found[moved], again)
    return found


def _in_order_of_others(names: Names, rows: Ints, pairs: Counterparts) -> tuple[list[str], Ints]:
    """The words of each name in the order of their counterparts, in one, and which of them are in another order so. A
    word without a counterpart stays behind the one before it."""
    start = np.searchsorted(pairs.pair, np.arange(len(rows) + 1)).tolist()
    at, more, to = pairs.left.tolist(), pairs.left_words.tolist(), pairs.right.tolist()
    first_word, sizes, words = names.start[rows].tolist(), names.sizes[rows].tolist(), names.words.texts
    spelt, moved = [], []
    for pair, row in enumerate(rows.tolist()):
        counterpart = {
            at[one] + nth: to[one] for one in range(start[pair], start[pair + 1]) for nth in range(more[one])
        }
        order, last = [], -1.0
        for place in range(sizes[pair]):
            last = counterpart.get(place, last + _BEHIND)
            order.append(last)
        if order == sorted(order):
            spelt.append(names.texts[row])
        else:
            moved.append(pair)
            in_order = first_word[pair] + np.argsort(order, kind="stable")
            spelt.append("".join(words[names.word[in_order]].tolist()))
    return spelt, np.array(moved, np.int64)

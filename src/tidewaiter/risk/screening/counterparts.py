"""Words of one name set against those of another, for many pairs of names at once.

The likest are set against each other first. A word may stand against two neighbours of the other name written together,
which goes first where both are equal, and against a word written together with the particle beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from rapidfuzz.distance import OSA

from tidewaiter.risk.screening.many import Floats, Ints, Marks, Names, Texts, Words, alike, spread, texts

COUNTERPART_MIN = 0.6
"""Likeness of two words below which they are no counterparts."""
JOINED_MIN = 0.8
"""Likeness that a word must pass to stand against two words written together."""
_JOINED_LENGTH_MIN = 4
_INITIAL, _SAME_SOUND, _SAME_BONES, _ABJAD = 0.8, 0.97, 0.85, 0.95
_SAME_SOUND_ALONE = 0.75
"""Likeness of two words of one sound that have no letter in its place."""


class Counterpart(NamedTuple):
    """The places of words of one name and of those of the other, and how alike they are."""

    left: tuple[int, ...]
    right: tuple[int, ...]
    likeness: float


@dataclass(frozen=True, slots=True)
class Counterparts:
    """A row a word, or two neighbours, of the left name and those of the right they are set against: of which pair of
    names, the place of the first word in each, how many words there, and how alike they are, from 0 to 1. Ordered by
    pair, and within it as they were found."""

    pair: Ints
    left: Ints
    right: Ints
    left_words: Ints
    right_words: Ints
    likeness: Floats

    def __getitem__(self, which: Ints | Marks | slice) -> Counterparts:
        return Counterparts(
            self.pair[which], self.left[which], self.right[which], self.left_words[which], self.right_words[which],
            self.likeness[which],
        )  # fmt: skip

    def of(self, some: Ints, pairs: int) -> Counterparts:
        """Those of some of so many pairs of names, numbered anew."""
        again = np.full(pairs, -1)
        again[some] = np.arange(len(some))
        kept = self[again[self.pair] >= 0]
        return replace(kept, pair=again[kept.pair])

    def each(self) -> list[Counterpart]:
        """One by one, for a few."""
        return [
            Counterpart(tuple(range(left, left + left_words)), tuple(range(right, right + right_words)), likeness)
            for _, left, right, left_words, right_words, likeness in zip(
                self.pair.tolist(),
                self.left.tolist(),
                self.right.tolist(),
                self.left_words.tolist(),
                self.right_words.tolist(),
                self.likeness.tolist(),
                strict=True,
            )
        ]

    def turned(self) -> Counterparts:
        """The same, the right names taken for the left."""
        return Counterparts(self.pair, self.right, self.left, self.right_words, self.left_words, self.likeness)

    @staticmethod
    def together(*some: Counterparts) -> Counterparts:
        """One after another."""
        return Counterparts(
            np.concatenate([one.pair for one in some]), np.concatenate([one.left for one in some]),
            np.concatenate([one.right for one in some]), np.concatenate([one.left_words for one in some]),
            np.concatenate([one.right_words for one in some]), np.concatenate([one.likeness for one in some]),
        )  # fmt: skip


def counterparts(left: Names, right: Names, lefts: Ints, rights: Ints) -> Counterparts:
    """Words set against each other, each at most once, of the pairs of names in these rows."""
    here, there = left.sizes[lefts], right.sizes[rights]
    pair, nth = spread(here * there)
    width = np.maximum(there, 1)[pair]
    at, other = nth // width, nth % width
    one, two = left.word[left.start[lefts[pair]] + at], right.word[right.start[rights[pair]] + other]
    is_abjad = (left.is_abjad[lefts] != right.is_abjad[rights])[pair]
    how = likeness(left.words, right.words, one, two, is_abjad=is_abjad)
    some = np.flatnonzero(how >= COUNTERPART_MIN)
    single = np.ones(len(some), np.int64)
    found = Counterparts(pair[some], at[some], other[some], single, single, how[some])
    likely = Counterparts.together(
        found, _joined(left, right, lefts, rights), _joined(right, left, rights, lefts).turned()
    )
    order = np.lexsort((-(likely.left_words + likely.right_words), -likely.likeness, likely.pair))
    return _each_once(likely[order], len(lefts))


def _each_once(likely: Counterparts, pairs: int) -> Counterparts:
    """Those left when each is taken in its order, unless one of its words is taken already."""
    mine = ((1 << likely.left_words) - 1) << likely.left
    yours = ((1 << likely.right_words) - 1) << likely.right
    taken_left, taken_right = np.zeros(pairs, np.int64), np.zeros(pairs, np.int64)
    rest, found = np.arange(len(likely.pair)), list[Ints]()
    while len(rest):
        pair = likely.pair[rest]
        is_first = np.append(True, pair[1:] != pair[:-1])
        taken = rest[is_first]
        found.append(taken)
        taken_left[likely.pair[taken]] |= mine[taken]
        taken_right[likely.pair[taken]] |= yours[taken]
        rest = rest[(mine[rest] & taken_left[pair] == 0) & (yours[rest] & taken_right[pair] == 0)]
    # Taken one of each pair at a time; told by pair, and within it in their order.
    return likely[np.sort(np.concatenate([np.empty(0, np.int64), *found]))]


def _joined(left: Names, right: Names, lefts: Ints, rights: Ints) -> Counterparts:
    """Words of the left that are two neighbours of the right written together."""
    here, there = left.sizes[lefts], right.sizes[rights]
    pair, nth = spread(np.where(there > 1, here * (there - 1), 0))
    width = np.maximum(here, 1)[pair]
    other, at = nth // width, nth % width
    one = left.word[left.start[lefts[pair]] + at]
    first = right.start[rights[pair]] + other
    two, three = right.word[first], right.word[first + 1]
    alone, joined = left.words.lengths[one], right.words.lengths[two] + right.words.lengths[three]
    longest = np.maximum(alone, joined)
    some = np.flatnonzero(
        (joined >= _JOINED_LENGTH_MIN) & (np.abs(alone - joined) <= (1 - JOINED_MIN) * longest + 1e-9)
    )
    together: Texts = right.words.texts[two[some]] + right.words.texts[three[some]]
    how = _alike(left.words.texts[one[some]], together)
    kept = how > JOINED_MIN
    some = some[kept]
    single = np.ones(len(some), np.int64)
    return Counterparts(pair[some], at[some], other[some], single, single + 1, how[kept])


def likeness(left: Words, right: Words, lefts: Ints, rights: Ints, *, is_abjad: Marks) -> Floats:
    """How alike the words in these rows are, from 0 to 1. `is_abjad`: one of them comes from a script without
    vowels."""
    found: Floats = (left.text_hashes[lefts] == right.text_hashes[rights]).astype(np.float64)
    rest = np.flatnonzero(found == 0)
    each = (lefts[rest] * len(right.words) + rights[rest]) * 2 + is_abjad[rest]
    distinct, back = np.unique(each, return_inverse=True)
    couple, abjad = distinct // 2, (distinct % 2).astype(np.bool_)
    found[rest] = _of_others(left, right, couple // len(right.words), couple % len(right.words), is_abjad=abjad)[back]
    return found


def _of_others(left: Words, right: Words, lefts: Ints, rights: Ints, *, is_abjad: Marks) -> Floats:
    """The same for words that are not equal."""
    by_text = _alike(left.texts[lefts], right.texts[rights])
    found = np.maximum(_alike(left.sounds[lefts], right.sounds[rights]), by_text)
    same_bones = left.bones_hashes[lefts] == right.bones_hashes[rights]
    same_bones &= ~is_abjad & np.fromiter((len(bones) > 2 for bones in left.bones[lefts]), np.bool_, len(lefts))
    found[same_bones] = np.maximum(found[same_bones], _SAME_BONES)
    abjad = np.flatnonzero(is_abjad)
    bones = _ABJAD * _alike(left.bones[lefts[abjad]], right.bones[rights[abjad]])
    found[abjad] = np.maximum(found[abjad], bones)
    either = np.flatnonzero(left.has_together[lefts] | right.has_together[rights])
    found[either] = np.maximum(found[either], _with_particles(left, right, lefts[either], rights[either]))
    same_sound = np.flatnonzero(left.sound_hashes[lefts] == right.sound_hashes[rights])
    found[same_sound] = _SAME_SOUND - (_SAME_SOUND - _SAME_SOUND_ALONE) * (1 - by_text[same_sound])
    initial = np.flatnonzero((left.lengths[lefts] == 1) | (right.lengths[rights] == 1))
    found[initial] = [
        _INITIAL if one[0] == other[0] else 0.0
        for one, other in zip(left.texts[lefts[initial]], right.texts[rights[initial]], strict=True)
    ]
    return found


def _with_particles(left: Words, right: Words, lefts: Ints, rights: Ints) -> Floats:
    """How alike they are when one is written together with the particles beside it, nought where that is not enough."""
    found = np.zeros(len(lefts), np.float64)
    for one, other, mine, yours in ((left, right, lefts, rights), (right, left, rights, lefts)):
        counts = np.fromiter(map(len, one.together[mine]), np.int64, len(mine))
        place, _ = spread(counts)
        together = texts([text for some in one.together[mine] for text in some])
        how = _alike(together, other.texts[yours[place]])
        how[how <= JOINED_MIN] = 0.0
        np.maximum.at(found, place, _SAME_SOUND * how)
    return found


def _alike(here: Texts, there: Texts) -> Floats:
    return alike(here, there, scorer=OSA.normalized_similarity)

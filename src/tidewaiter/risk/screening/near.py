"""Which listed names a word asked after may bring: those with a word that it may stand for.

Worked out once a word and remembered, since words come again and again where names do not.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import OSA

from tidewaiter.risk.screening.names import Name, Word, word

RARE = 4
"""Listed names that may share one word and be looked at for that alone."""
NEAR_MIN = 0.6
"""Likeness of two words from which the one may stand for the other."""
SIZE_MIN = 1_000
"""Names that a list is taken to have at the least: on a short one every word would seem common."""
REMEMBERED_MAX, PLACES_MAX = 50_000, 4_000_000
"""How many words asked after are remembered, and how many listed names for all of them together (eight bytes each);
past either, it begins anew."""

Places = npt.NDArray[np.int32]
"""Places of listed names, each once."""
Weights = npt.NDArray[np.float32]

NOBODY: Places = np.empty(0, np.int32)
ONE = 64.0
"""What a word in common adds to the sum of a listed name besides its rarity, so that one sum tells both."""


class Near(NamedTuple):
    """Whom a word asked after may bring: listed names with such a word, each with ONE and the word's rarity; and those
    that it brings by itself, because hardly any other has it (`rare`), or because it is all of their name (`alone`)."""

    places: Places
    weights: Weights
    rare: Places
    alone: Places


class Span(NamedTuple):
    """Words of the name asked after, from the first to the last, and whom they may bring."""

    first: int
    last: int
    near: Near


NONE = Near(NOBODY, np.empty(0, np.float32), NOBODY, NOBODY)


class Vocabulary:
    """The words of listed names, made ready to be looked for."""

    def __init__(self, names: Sequence[Name]) -> None:
        self._size = max(SIZE_MIN, len(names))
        places: dict[str, set[int]] = defaultdict(set)
        alone: dict[str, set[int]] = defaultdict(set)
        words: dict[str, Word] = {}
        both: dict[str, set[str]] = defaultdict(set)
        for place, one in enumerate(names):
            spelt = one.words
            for single in spelt:
                words[single.text] = single
                places[filed_under(single)].add(place)
            for left, right in itertools.pairwise(spelt):
                together = filed_under(word(left.text + right.text))
                places[together].add(place)
                both[left.text + right.text].add(together)
                both["~" + left.sound + right.sound].add(together)
            if len(spelt) < 3:
                alone[filed_under(word("".join([single.text for single in spelt])))].add(place)
        self._places = {under: np.array(sorted(those), np.int32) for under, those in places.items()}
        self._alone = {under: np.array(sorted(those), np.int32) for under, those in alone.items()}
        self._both = {key: tuple(sorted(those)) for key, those in both.items()}
        self._words = _by_key(words.values())
        self._known: dict[str, Near] = {}
        self._remembered = 0

    def rarity(self, under: str) -> float:
        """From 0 for a word that all listed names have to 1 for a word that one has."""
        return 1 - math.log(len(self._places.get(under, " "))) / math.log(self._size)

    def spans(self, asked_name: Name) -> Iterator[Span]:
        """Words of the name, and neighbours written together, that some listed word may stand for: the places of the
        first and the last, in their order."""
        words = asked_name.words
        for place, one in enumerate(words):
            if (near := self._near(one)) is not NONE:
                yield Span(place, place, near)
            if place + 1 < len(words) and (near := self._near_together(one, words[place + 1])) is not NONE:
                yield Span(place, place + 1, near)

    def _near(self, one: Word) -> Near:
        known = self._known.get(one.text)
        if known is None:
            known = self._brought(self._standing_for(one))
            self._remembered += len(known.places)
            if len(self._known) >= REMEMBERED_MAX or self._remembered > PLACES_MAX:
                self._known.clear()
                self._remembered = len(known.places)
            self._known[one.text] = known
        return known

    def _near_together(self, left: Word, right: Word) -> Near:
        text, sound = left.text + right.text, left.sound + right.sound
        under = {filed_under(other) for key in (text, "~" + sound) for other in self._words.get(key, ())}
        under.update(self._both.get(text, ()), self._both.get("~" + sound, ()))
        return self._brought(under) if under else NONE

    def _standing_for(self, one: Word) -> set[str]:
        """What listed words are filed under that are alike enough to the one asked after."""
        others = {other.text: other for key in _keys(one) for other in self._words.get(key, ())}
        found = {
            filed_under(other)
            for other in others.values()
            if OSA.normalized_similarity(one.sound, other.sound, score_cutoff=NEAR_MIN)
            or OSA.normalized_similarity(one.text, other.text, score_cutoff=NEAR_MIN)
        }
        found.update(self._both.get(one.text, ()), self._both.get("~" + one.sound, ()))
        if len(one.text) > 1:
            under = filed_under(one)
            if under in self._places and not under.endswith("."):
                found.add(under)
        return found

    def _brought(self, under: Iterable[str]) -> Near:
        those = sorted((self.rarity(one), one) for one in under if one in self._places)
        if not those:
            return NONE
        best: dict[int, float] = {}
        # From the commonest on, so that of two words of one listed name the rarer is told.
        for rarity, one in those:
            best.update(dict.fromkeys(self._places[one].tolist(), rarity))
        rare = [self._places[one] for _, one in those if len(self._places[one]) <= RARE]
        alone = [self._alone[one] for _, one in those if one in self._alone]
        return Near(
            np.array(list(best), np.int32),
            np.array(list(best.values()), np.float32) + np.float32(ONE),
            np.concatenate([NOBODY, *rare]),
            np.concatenate([NOBODY, *alone]),
        )


def filed_under(one: Word) -> str:
    """What a word is filed under: its bones, and its sound where two consonants or fewer would bring too many."""
    return one.bones if len(one.bones) > 2 else f"{one.sound}."


def _by_key(words: Iterable[Word]) -> dict[str, tuple[Word, ...]]:
    found: dict[str, tuple[Word, ...]] = {}
    for one in words:
        for key in _keys(one):
            found[key] = (*found.get(key, ()), one)
    return found


def _keys(one: Word) -> set[str]:
    """A word's sound, and its text with one letter or none left out: words one letter off have one in common."""
    text = one.text
    keys = {text, "~" + one.sound}
    if len(text) > 3:
        keys.update([text[:at] + text[at + 1 :] for at in range(len(text))])
    return keys

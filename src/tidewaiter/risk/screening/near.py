"""Which listed names a name asked after is held against: those that share two words with it, the only word, or a word
that hardly any other has.

A word is filed under its consonants by sound (its bones). A word one letter off counts as shared, and so do two
neighbours written together. Every two things that a listed name has words filed under are kept as one number, its
couples; so whoever shares two words is found by looking numbers up, however many bear each of the words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from rapidfuzz.distance import OSA

from tidewaiter.risk.screening.filed import Couples, Filed, couples
from tidewaiter.risk.screening.many import Floats, Ints, Marks, Names, alike, spread
from tidewaiter.risk.screening.names import Word, sound_of, word

RARE = 4
"""Listed names that may share one word and be looked at for that alone."""
FEW = 500
"""Listed names that a name of one word is held against; a word that more of them have tells nobody."""
NEAR_MIN = 0.6
"""Likeness that a word must pass to stand for another."""
SIZE_MIN = 1_000
"""Names that a list is taken to have at the least: on a short one every word would seem common."""
COUPLES_MAX = 500_000
"""Couples of names asked after that are looked up together, which bounds the memory."""
_SPANS, _STEPS = 64, 1_024
"""More than a name has words and neighbours; and the steps of rarity in a number that is sorted."""

NOBODY = np.empty(0, np.int64)


class Candidates(NamedTuple):
    """A name asked after and one it is held against, by their rows; and how rare the words are that they share, the
    sum of `rarity`."""

    asked: Ints
    listed: Ints
    told: Floats


@dataclass(frozen=True, slots=True)
class _Spans:
    """What words of a name, or two neighbours written together, are filed under, a row each thing: the row of the name,
    the number of the span in it, the most that it can tell, whether it is all of the name and few have it, and whether
    it is of two words."""

    row: Ints
    span: Ints
    under: Ints
    told: Floats
    is_whole: Marks
    is_joined: Marks

    def __getitem__(self, which: slice) -> _Spans:
        return _Spans(
            self.row[which], self.span[which], self.under[which], self.told[which], self.is_whole[which],
            self.is_joined[which],
        )  # fmt: skip


class Vocabulary:
    """The words of listed names, made ready to be looked for."""

    def __init__(self, listed: Names) -> None:
        self._listed_count = len(listed)
        self.size_log = math.log(max(SIZE_MIN, len(listed)))
        """The logarithm of how many names are listed."""
        self._listed = listed.words
        words = self._listed.words
        numbers: dict[str, int] = {}
        of_word = np.array([numbers.setdefault(filed_under(one), len(numbers)) for one in words], np.int64)
        self._words: dict[str, list[int]] = {}
        for row, one in enumerate(words):
            for key in _keys(one):
                self._words.setdefault(key, []).append(row)
        self._both: dict[str, list[int]] = {}
        for row, one in enumerate(words):
            for key in _keys_together(one):
                self._both.setdefault(key, []).append(int(of_word[row]))
        left, right = _neighbours(listed)
        both, back = np.unique(listed.word[left] * len(words) + listed.word[right], return_inverse=True)
        of_both = []
        for one, other in zip(*_words(listed, both), strict=True):
            under = numbers.setdefault(filed_under(word(one.text + other.text)), len(numbers))
            of_both.append(under)
            for key in (one.text + other.text, "~" + one.sound + other.sound):
                self._both.setdefault(key, []).append(under)
        rows = np.concatenate([listed.row, listed.row[left]])
        under_all = np.concatenate([of_word[listed.word], np.array(of_both, np.int64)[back]])
        short = np.flatnonzero((listed.sizes > 0) & (listed.sizes < 3))
        whole = [numbers.setdefault(filed_under(word(listed.texts[row])), len(numbers)) for row in short.tolist()]
        self._numbers = numbers
        self._alone = Filed.of(np.array(whole, np.int64), short, len(numbers))
        self._places = Filed.of(under_all, rows, len(numbers))
        in_order = np.argsort(rows, kind="stable")
        self._couples = Couples(rows[in_order], under_all[in_order], len(numbers))
        self._bearers = self._places.counts
        self._filed = of_word
        self._rarity = self._rare(self._bearers)
        self.rarity: Floats = self._rarity[of_word]
        """How rare each listed word is with those that sound like it: from 0 where all listed names have one to 1 where
        one has."""
        texts: dict[str, int] = {}
        spelt = np.array([texts.setdefault(one.text, len(texts)) for one in words], np.int64)
        bearers = Filed.of(spelt[listed.word], listed.row, len(texts)).counts
        self.rarity_spelt: Floats = (self.rarity + self._rare(bearers)[spelt]) / 2
        """The same for a word that is spelt the same: halfway to how rare that is."""
        self._spelt = dict(zip([one.text for one in words], self.rarity_spelt.tolist(), strict=True))

    def _rare(self, bearers: Ints) -> Floats:
        found: Floats = 1 - np.log(np.maximum(bearers, 1)) / self.size_log
        return found

    def candidates(self, asked: Names) -> Candidates:
        """Whom each is held against, ordered by who is asked after."""
        spans = self._spans(asked)
        counts = np.bincount(spans.row, minlength=len(asked))
        work = np.cumsum(counts * (counts - 1) // 2 + 1)
        found, first = [Candidates(NOBODY, NOBODY, np.empty(0, np.float64))], 0
        while first < len(asked):
            done = work[first - 1] if first else 0
            last = max(first + 1, int(np.searchsorted(work, done + COUPLES_MAX)))
            some = spans[np.searchsorted(spans.row, first) : np.searchsorted(spans.row, last)]
            found.append(self._of_spans(some))
            first = last
        return Candidates(*(np.concatenate(columns) for columns in zip(*found, strict=True)))

    def _of_spans(self, spans: _Spans) -> Candidates:
        """Whom they are held against. Each row, listed name, span and rarity is made one number, and those sorted."""
        if not len(spans.row):
            return Candidates(NOBODY, NOBODY, np.empty(0, np.float64))
        base, size = int(spans.row[0]), self._listed_count
        step = np.ceil(spans.told * (_STEPS - 1)).astype(np.int64)
        mine = ((spans.row - base) * size * _SPANS + np.minimum(spans.span, _SPANS - 1)) * _STEPS + step
        each: list[Ints] = []

        by_one = np.flatnonzero(spans.is_whole | (self._bearers[spans.under] <= RARE))
        which, listed = self._places.under(spans.under[by_one])
        each.append(mine[by_one][which] + listed * (_SPANS * _STEPS))
        # A listed name of one word is held against two written as one, and not against every bearer of it.
        by_whole = np.flatnonzero(spans.is_joined)
        which, listed = self._alone.under(spans.under[by_whole])
        each.append(mine[by_whole][which] + listed * (_SPANS * _STEPS))
        place = np.arange(len(spans.row))
        _, first, second = couples(spans.row, place)
        apart = spans.span[first] != spans.span[second]
        first, second = first[apart], second[apart]
        which, listed = self._couples.under(spans.under[first], spans.under[second])
        for one in (first, second):
            each.append(mine[one[which]] + listed * (_SPANS * _STEPS))

        numbers = np.sort(np.concatenate(each))
        # Of those of one span the last is the rarest.
        span = numbers // _STEPS
        numbers = numbers[np.append(span[1:] != span[:-1], True)[: len(span)]]
        couple = numbers // (_SPANS * _STEPS)
        start = np.flatnonzero(np.append(True, couple[1:] != couple[:-1]))[: len(couple)]
        told = np.add.reduceat(numbers % _STEPS, start) / (_STEPS - 1) if len(start) else np.empty(0)
        couple = couple[start]
        return Candidates(base + couple // size, couple % size, told)

    def _spans(self, asked: Names) -> _Spans:
        """Words of each name, and neighbours written together, with what the listed words that they may stand for are
        filed under."""
        word_near, word_under = self._standing_for(asked)
        left, right = _neighbours(asked)
        both, back = np.unique(asked.word[left] * len(asked.words.words) + asked.word[right], return_inverse=True)
        together = [self._together(one, other) for one, other in zip(*_words(asked, both), strict=True)]
        both_start = np.concatenate([[0], np.cumsum([len(some) for some in together], dtype=np.int64)])
        both_under = np.array([under for some in together for under in some], np.int64)

        words = asked.words.words
        filed = np.array([self._numbers.get(filed_under(one), -1) for one in words], np.int64)
        spelt = np.array([self._spelt.get(one.text, 0.0) for one in words], np.float64)
        place = np.arange(len(asked.word)) - asked.start[asked.row]
        parts = []
        for rows, nth, is_joined, near, start, under in (
            (asked.row, 2 * place, False, asked.word, word_near, word_under),
            (asked.row[left], 2 * place[left] + 1, True, back, both_start, both_under),
        ):
            which, at = spread(np.diff(start)[near])
            is_whole = asked.sizes[rows] == 1 + is_joined
            is_whole[is_whole] = [self._few(under[start[one] : start[one + 1]]) for one in near[is_whole].tolist()]
            joined = np.full(len(which), is_joined)
            brought = under[start[near][which] + at]
            told = self._rarity[brought]
            if is_joined:
                told = (1 + told) / 2
            else:
                told = np.maximum(told, np.where(filed[near[which]] == brought, spelt[near[which]], 0.0))
            parts.append((rows[which], nth[which], brought, told, is_whole[which], joined))
        row, span, under, told, is_whole, joined = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        order = np.lexsort((span, row))
        return _Spans(row[order], span[order], under[order], told[order], is_whole[order], joined[order])

    def _few(self, under: Ints) -> bool:
        """Whether few have a word filed under any of those."""
        return int(self._bearers[under].sum()) <= FEW or len(np.unique(self._places.under(under)[1])) <= FEW

    def _standing_for(self, asked: Names) -> tuple[Ints, Ints]:
        """For each distinct word asked after what the listed words that are alike enough are filed under, as a run of
        a column: where the runs start, and the column."""
        mine: list[int] = []
        others: list[int] = []
        known = self._words
        for row, one in enumerate(asked.words.words):
            for other in {other for key in _keys(one) for other in known.get(key, ())}:
                mine.append(row)
                others.append(other)
        here, there = np.array(mine, np.int64), np.array(others, np.int64)
        listed = self._listed
        near_by = np.maximum(
            alike(asked.words.sounds[here], listed.sounds[there], scorer=OSA.normalized_similarity),
            alike(asked.words.texts[here], listed.texts[there], scorer=OSA.normalized_similarity),
        )
        kept = near_by > NEAR_MIN
        rows, under = [here[kept]], [self._filed[there[kept]]]
        more: list[tuple[int, int]] = []
        for row, one in enumerate(asked.words.words):
            for key in (one.text, "~" + one.sound):
                more.extend((row, number) for number in self._both.get(key, ()))
            for key in _keys_together(one):
                more.extend((row, int(self._filed[other])) for other in known.get(key, ()))
            number = self._numbers.get(filed_under(one), -1) if len(one.text) > 1 and len(one.bones) > 2 else -1
            if number >= 0:
                more.append((row, number))
        added = np.array(more, np.int64).reshape(-1, 2)
        found = Filed.of(
            np.concatenate([*rows, added[:, 0]]), np.concatenate([*under, added[:, 1]]), len(asked.words.words)
        )
        return found.start, found.rows.astype(np.int64)

    def _together(self, one: Word, other: Word) -> set[int]:
        """What listed words are filed under that two neighbours written together may stand for."""
        found = set[int]()
        for key in (one.text + other.text, "~" + one.sound + other.sound):
            found.update(self._both.get(key, ()))
            if (words := self._words.get(key)) is not None:
                found.update(self._filed[words].tolist())
        return found


def filed_under(one: Word) -> str:
    """What a word is filed under: its bones, and its sound where two consonants or fewer would bring too many."""
    return one.bones if len(one.bones) > 2 else f"{one.sound}."


def _keys(one: Word) -> list[str]:
    """A word's sound, and its text with one letter or none left out: words one letter off have one in common."""
    text = one.text
    keys = [text, "~" + one.sound]
    if len(text) > 3:
        keys += [text[:at] + text[at + 1 :] for at in range(len(text)) if not at or text[at] != text[at - 1]]
    return keys


def _keys_together(one: Word) -> list[str]:
    """The same for a word written together with its particles, none left out."""
    return [key for text in one.together for key in (text, "~" + sound_of(text))]


def _neighbours(names: Names) -> tuple[Ints, Ints]:
    """The places of words of one name that stand one after another."""
    left = np.flatnonzero(names.row[1:] == names.row[:-1])
    return left, left + 1


def _words(names: Names, both: Ints) -> tuple[list[Word], list[Word]]:
    """The two words of each couple, given as one number."""
    words = names.words.words
    one, other = np.divmod(both, max(len(words), 1))
    return [words[row] for row in one.tolist()], [words[row] for row in other.tolist()]

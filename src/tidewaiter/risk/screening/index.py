"""Lists made ready to be asked of, so that few pairs of names are looked at closely.

A word is filed under its consonants by sound (its bones). A name asked after is held against those listed names that
share two words with it, the only word, or a word that hardly any other has; a word one letter off counts as shared.
All names of a batch are looked for together, in columns, and each distinct word is worked out once. What is found so is
passed over where neither evidence nor likeness of the whole can make a hit; the rest is scored word by word, and the
reasons are told of hits alone. Nothing is remembered from one batch to the next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz

from tidewaiter.risk.screening.counterparts import COUNTERPART_MIN, Counterparts, counterparts
from tidewaiter.risk.screening.listed import Asked, DeniedList, Hit, Listed, Version
from tidewaiter.risk.screening.many import Floats, Ints, Names, alike, summed
from tidewaiter.risk.screening.names import WORDS_MAX
from tidewaiter.risk.screening.near import Vocabulary
from tidewaiter.risk.screening.reasons import SAME_NUMBER, facts, facts_max, names_in_words
from tidewaiter.risk.screening.score import (
    CONFLICT,
    CONSTANT,
    DOUBT,
    LIKENESS,
    NUMBER,
    likeness_max,
    likeness_of_all,
    log_odds,
    probability,
    word_by_word,
)

THRESHOLD = 0.22
"""Score from which it is a hit, where nobody says otherwise."""
CLOSE = 16
"""Pairs of one name asked after that are scored word by word, the likest first."""
ENOUGH, ENOUGH_ALONE, WANTING = 1.5, 1.2, -3.0
"""Evidence of the words in common that is enough, the same where one of the names is one word only, and the log-odds
for each whole one that is wanting. A word that one listed name alone has is evidence of 1, a word that all have is
none, and a likeness no better than chance is none. Chosen on names perturbed with four seeds, reported on others."""
WEAK = -2.0
"""Log-odds where the listed name is an alias that the list itself calls weak: a nickname, a given name alone."""
SLACK = 0.12
"""By how much the likeness of a whole name may be more than can be told before words are set against each other: so
much for ninety-nine in a hundred hits."""
SWEEP_MIN = 72.0
"""Likeness of the whole below which a pair is not scored, of 100 that two names of their lengths can have."""
_FACTORIALS_LOG: Floats = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, 3 * WORDS_MAX)))])
TOGETHER = 8_000
"""Names asked after in one sweep, which bounds the memory."""


@dataclass(frozen=True, slots=True)
class _Filed:
    """A listed name and whose it is."""

    list: Version
    party: Listed
    text: str
    is_weak: bool


@dataclass(frozen=True, slots=True)
class _Scored:
    """A row a name asked after and a listed one that may be one: their rows, the log-odds, and what words are set
    against each other."""

    rows: Ints
    places: Ints
    odds: Floats
    pairs: Counterparts


class Index:
    """Any number of lists, made ready. It says the same whenever it is asked; it costs about 4 kB a listed name."""

    def __init__(self, lists: Iterable[DeniedList]) -> None:
        lists = list(lists)
        self.versions: tuple[Version, ...] = tuple(one.version for one in lists)
        self._filed = list(_filed(lists))
        self._numbers = _by_number(self._filed)
        self._names = Names.of([one.text for one in self._filed])
        self._names.made_ready()
        self._words = Vocabulary(self._names)
        self._odds = np.array([WEAK if one.is_weak else 0.0 for one in self._filed], np.float64)
        self._asked_for = np.ones(len(self._filed), np.bool_)

    def among(self, asks: Callable[[str, Listed], bool]) -> Index:
        """The same, asked for some of those listed alone, by the name of the list and the party. How rare a word is
        stays as it is on the whole lists, so the scores are the same."""
        found = copy(self)
        found._asked_for = np.array([asks(one.list.source, one.party) for one in self._filed], np.bool_)
        return found

    @property
    def is_asking(self) -> bool:
        """Whether it is asked for anybody."""
        return bool(self._asked_for.any())

    def __len__(self) -> int:
        """How many names are on the lists, aliases counted."""
        return len(self._filed)

    def hits(self, asked: Sequence[Asked], *, threshold: float = THRESHOLD) -> list[Hit]:
        """Who of those asked after may be who of those listed: for each pair the likest name alone, in the order of
        the rows and the likest first."""
        if not self._filed:
            return []
        found: list[Hit] = []
        for start in range(0, len(asked), TOGETHER):
            found += self._hits(asked[start : start + TOGETHER], start, log_odds(threshold))
        return found

    def _hits(self, asked: Sequence[Asked], start: int, least: float) -> Iterator[Hit]:
        names = Names.of([one.name for one in asked])
        scored = self._scored(names, asked, least)
        best: dict[tuple[int, int], tuple[int, float, int, int]] = {}
        columns = scored.rows.tolist(), scored.odds.tolist(), scored.places.tolist()
        for at, (row, odds, place) in enumerate(zip(*columns, strict=True)):
            party, told = (row, id(self._filed[place].party)), (row, -odds, place, at)
            if party not in best or told < best[party]:
                best[party] = told
        first = np.searchsorted(scored.pairs.pair, np.arange(len(scored.rows) + 1))
        for row, odds, place, at in sorted(best.values()):
            one = self._filed[place]
            pairs = scored.pairs[first[at] : first[at + 1]].each()
            reasons = names_in_words(names[row], self._names[place], pairs, kind=one.party.kind)
            if one.is_weak:
                reasons.append("by an alias the list calls weak")
            reasons += facts(asked[row], one.party)[1]
            yield Hit(start + row, one.list, one.party, one.text, probability(-odds), tuple(reasons))

    def _scored(self, names: Names, asked: Sequence[Asked], least: float) -> _Scored:
        """Those whose log-odds come to `least`."""
        close, with_number = self._close(names, asked, least), self._with_number(asked)
        rows, places = (np.concatenate(both) for both in zip(close, with_number, strict=True))
        pairs = counterparts(names, self._names, rows, places)
        conflict, doubt, number = word_by_word(names, self._names, rows, places, pairs)
        odds = CONSTANT + CONFLICT * conflict + DOUBT * doubt + NUMBER * number + self._odds[places]
        wanted = self._wanted(names, rows, places) + self._ways(names, rows, places, pairs)
        odds += WANTING * np.maximum(0.0, wanted - self._evidence(places, pairs))
        told_max = odds + LIKENESS * likeness_max(names, self._names, rows, places)
        told_max += np.array([facts_max(one) for one in asked])[rows]
        told_max[len(close[0]) :] = np.inf
        some = np.flatnonzero(told_max >= least)
        rows, places, pairs = rows[some], places[some], pairs.of(some, len(odds))
        odds = odds[some] + LIKENESS * likeness_of_all(names, self._names, rows, places, pairs)
        for at, (row, place) in enumerate(zip(rows.tolist(), places.tolist(), strict=True)):
            if _says_more(asked[row]):
                added, _ = facts(asked[row], self._filed[place].party)
                odds[at] = SAME_NUMBER if added >= SAME_NUMBER else odds[at] + added
        some = np.flatnonzero(odds >= least)
        return _Scored(rows[some], places[some], odds[some], pairs.of(some, len(odds)))

    def _with_number(self, asked: Sequence[Asked]) -> tuple[Ints, Ints]:
        """Who of those asked after has a number that somebody listed has, and that one's first name, by their rows."""
        found = [
            (row, place)
            for row, one in enumerate(asked)
            for number in one.identifiers
            for place in self._numbers.get(number, ())
            if self._asked_for[place]
        ]
        rows, places = np.array(found, np.int64).reshape(-1, 2).T
        return rows, places

    def _wanted(self, names: Names, rows: Ints, places: Ints) -> Floats:
        """Evidence that is enough for each of the pairs."""
        return np.where((names.sizes[rows] == 1) | (self._names.sizes[places] == 1), ENOUGH_ALONE, ENOUGH)

    def _ways(self, names: Names, rows: Ints, places: Ints, pairs: Counterparts) -> Floats:
        """Evidence that is wanted besides, where the words in common are some of many: each way to choose them is a
        chance of its own. As rarity, in logarithms to the base of how many names are listed."""
        mine = summed(pairs.pair, pairs.left_words.astype(np.float64), len(rows)).astype(np.int64)
        yours = summed(pairs.pair, pairs.right_words.astype(np.float64), len(rows)).astype(np.int64)
        ways = _choices_log(names.sizes[rows], mine) + _choices_log(self._names.sizes[places], yours)
        return ways / self._words.size_log

    def _evidence(self, places: Ints, pairs: Counterparts) -> Floats:
        """How rare the words are that each pair of names has in common, the less the less alike they are."""
        first = self._names.start[places[pairs.pair]] + pairs.right
        one, is_equal = self._names.word[first], pairs.likeness == 1
        told = np.where(is_equal, self._words.rarity_spelt[one], self._words.rarity[one])
        two = pairs.right_words > 1
        told[two] += self._words.rarity[self._names.word[first[two] + 1]]
        how = (pairs.likeness - COUNTERPART_MIN) / (1 - COUNTERPART_MIN)
        return summed(pairs.pair, told * how, len(places))

    def _close(self, names: Names, asked: Sequence[Asked], least: float) -> tuple[Ints, Ints]:
        """Names asked after and listed names, by their rows, that are to be scored."""
        rows, places, told = self._words.candidates(names)
        odds_max = np.array([facts_max(one) for one in asked])
        wanted = self._wanted(names, rows, places)
        odds = self._odds[places] + odds_max[rows] + WANTING * np.maximum(0.0, wanted - told)
        # What the whole must be alike, and what it can be alike by its letters alone.
        needed = (least - CONSTANT - odds) / LIKENESS - SLACK
        kept = np.flatnonzero(self._asked_for[places] & (needed <= 1 - SLACK))
        rows, places, needed = rows[kept], places[kept], needed[kept]
        kept = np.flatnonzero(likeness_max(names, self._names, rows, places) >= needed)
        rows, places, needed = rows[kept], places[kept], needed[kept]

        here, there = names.sounds[rows], self._names.sounds[places]
        lengths = [np.fromiter(map(len, some), np.int64, len(some)) for some in (here, there)]
        possible = 2 * np.minimum(*lengths) / np.maximum(lengths[0] + lengths[1], 1)
        how = np.maximum(
            alike(names.sounds_sorted[rows], self._names.sounds_sorted[places], scorer=fuzz.ratio),
            alike(here, there, scorer=fuzz.ratio),
        )
        kept = np.flatnonzero((how >= 100 * needed) & (how >= SWEEP_MIN * possible))
        kept = kept[np.lexsort((places[kept], -how[kept], rows[kept]))]
        start = np.searchsorted(rows[kept], rows[kept])
        kept = kept[np.arange(len(kept)) - start < CLOSE]
        return rows[kept], places[kept]


def _choices_log(of: Ints, some: Ints) -> Floats:
    """The logarithm of in how many ways so many can be chosen of so many."""
    ways: Floats = _FACTORIALS_LOG[of] - _FACTORIALS_LOG[some] - _FACTORIALS_LOG[of - some]
    return ways


def _says_more(asked: Asked) -> bool:
    """Whether something beside the name is asked for."""
    return bool(asked.kind or asked.born or asked.countries or asked.identifiers)


def _filed(lists: Iterable[DeniedList]) -> Iterator[_Filed]:
    for one in lists:
        for party in one.parties:
            for texts, is_weak in ((party.names, False), (party.weak, True)):
                for text in dict.fromkeys(texts):
                    yield _Filed(one.version, party, text, is_weak)


def _by_number(filed: Iterable[_Filed]) -> dict[str, list[int]]:
    """For each number the first name of every party that has it."""
    numbers: dict[str, dict[int, int]] = defaultdict(dict)
    for place, one in enumerate(filed):
        for identifier in one.party.identifiers:
            numbers[identifier.number].setdefault(id(one.party), place)
    return {number: list(places.values()) for number, places in numbers.items()}

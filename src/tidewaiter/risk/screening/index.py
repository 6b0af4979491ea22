"""Lists made ready to be asked of, so that few pairs of names are looked at closely.

A word is filed under its consonants by sound (its bones). A name asked after is held against those listed names that
share two words with it, the only word, or a word that hardly any other has; a word one letter off counts as shared.
Which listed words a word may stand for is worked out once a word and remembered, since words come again and again
where names do not. What is found so is passed over where neither evidence nor likeness of the whole can make a hit,
and the rest is scored word by word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz, process

from tidewaiter.risk.screening.listed import Asked, DeniedList, Hit, Listed, Version
from tidewaiter.risk.screening.names import Name, name
from tidewaiter.risk.screening.near import NOBODY, ONE, Places, Span, Vocabulary, Weights, filed_under
from tidewaiter.risk.screening.reasons import SAME_NUMBER, facts, facts_max, names_in_words
from tidewaiter.risk.screening.score import (
    CONSTANT,
    COUNTERPART_MIN,
    LIKENESS,
    Counterparts,
    counterparts,
    features_of,
    log_odds,
    probability,
)

THRESHOLD = 0.22
"""Score from which it is a hit, where nobody says otherwise."""
FEW = 500
"""Listed names that a name of one word is held against; a word that more of them have tells nobody."""
CLOSE = 8
"""Pairs of one name asked after that are scored word by word, the likest first."""
ENOUGH, ENOUGH_ALONE, WANTING = 1.5, 1.2, -3.0
"""Evidence of the words in common that is enough, the same where one of the names is one word only, and the log-odds
for each whole one that is wanting. A word that one listed name alone has is evidence of 1, a word that all have is
none, and a likeness no better than chance is none. Chosen on names perturbed with seed 7, reported on others."""
WEAK = -2.0
"""Log-odds where the listed name is an alias that the list itself calls weak: a nickname, a given name alone."""
SLACK = 0.12
"""By how much the likeness of a whole name may be more than can be told before words are set against each other: so
much for ninety-nine in a hundred hits."""
SWEEP_MIN = 72.0
"""Likeness of the whole below which a pair is not scored, of 100 that two names of their lengths can have."""
TOGETHER = 4_000
"""Names asked after in one sweep, which bounds the memory."""

Texts = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class _Filed:
    """A listed name and whose it is, with the texts that the sweep compares."""

    list: Version
    party: Listed
    text: str
    name: Name
    is_weak: bool
    sorted: str
    joined: str


class Index:
    """Any number of lists, made ready. It says the same whenever it is asked; it costs about 4 kB a listed name."""

    def __init__(self, lists: Iterable[DeniedList]) -> None:
        lists = list(lists)
        self.versions: tuple[Version, ...] = tuple(one.version for one in lists)
        self._filed = list(_filed(lists))
        self._numbers = _by_number(self._filed)
        self._words = Vocabulary([one.name for one in self._filed])
        self._sorted = np.array([one.sorted for one in self._filed], object)
        self._joined = np.array([one.joined for one in self._filed], object)
        self._lengths = np.array([len(one.joined) for one in self._filed], np.float32)
        enough = [_enough(2, len(one.name.words)) for one in self._filed]
        self._enough = np.array(enough, np.float32)
        self._odds = np.array([WEAK if one.is_weak else 0.0 for one in self._filed], np.float32)
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
        least = log_odds(threshold)
        found: list[Hit] = []
        for start in range(0, len(asked), TOGETHER):
            some = asked[start : start + TOGETHER]
            names = [name(one.name) for one in some]
            for row, places in enumerate(self._close(names, some, least)):
                if places:
                    found += self._hits(start + row, some[row], names[row], places, least)
        return found

    def _hits(self, row: int, asked: Asked, asked_name: Name, places: Iterable[int], least: float) -> list[Hit]:
        best: dict[int, tuple[float, int]] = {}
        for place in sorted(places):
            party, told = self._filed[place].party, self._scored(asked, asked_name, place, least)
            if told >= least and (id(party) not in best or told > best[id(party)][0]):
                best[id(party)] = told, place
        ordered = sorted(best.values(), key=lambda one: (-one[0], one[1]))
        return [
            Hit(row, one.list, one.party, one.text, probability(told), _reasons(asked, asked_name, one))
            for told, place in ordered
            for one in (self._filed[place],)
        ]

    def _scored(self, asked: Asked, asked_name: Name, place: int, least: float) -> float:
        """Log-odds that it is one party; what cannot come to `least` is told when that is seen."""
        one = self._filed[place]
        added, _ = facts(asked, one.party)
        if added >= SAME_NUMBER:
            return SAME_NUMBER
        pairs = counterparts(asked_name, one.name)
        enough = _enough(len(asked_name.words), len(one.name.words))
        added += WANTING * max(0.0, enough - self._evidence(one.name, pairs)) + (WEAK if one.is_weak else 0.0)
        if CONSTANT + LIKENESS + added < least:
            return CONSTANT + LIKENESS + added
        return features_of(asked_name, one.name, pairs).log_odds + added

    def _evidence(self, listed: Name, pairs: Sequence[Counterparts]) -> float:
        return sum(
            self._words.rarity(filed_under(listed.words[place]))
            * (pair.likeness - COUNTERPART_MIN)
            / (1 - COUNTERPART_MIN)
            for pair in pairs
            for place in pair.right
        )

    def _close(self, names: Sequence[Name], asked: Sequence[Asked], least: float) -> list[set[int]]:
        """For each name the places of the listed names that are to be scored."""
        found = [
            {place for number in one.identifiers for place in self._numbers.get(number, ()) if self._asked_for[place]}
            for one in asked
        ]
        sums = np.zeros(len(self._filed), np.float32)
        brought = [self._candidates(list(self._words.spans(one)), len(one.words), sums) for one in names]
        places, told = (np.concatenate([NOBODY, *of]) for of in zip(*brought, strict=True))
        places = places.astype(np.int64)
        rows = np.repeat(np.arange(len(names)), [len(some) for some, _ in brought])
        mine = [_texts(one) for one in names]
        is_one = np.array([len(one.words) == 1 for one in names])
        odds_max = np.array([facts_max(one) for one in asked], np.float32)
        lengths = np.array([len(joined) for _, joined in mine], np.float32)

        enough = np.where(is_one[rows], ENOUGH_ALONE, self._enough[places])
        odds = self._odds[places] + odds_max[rows] + WANTING * np.maximum(0.0, enough - told % ONE)
        # What the whole must be alike, and what it can be alike by its length alone.
        needed = (least - CONSTANT - odds) / LIKENESS - SLACK
        here, there = lengths[rows], self._lengths[places]
        possible = (2 * np.minimum(here, there) + 1e-3) / (here + there + 1e-3)
        kept = np.flatnonzero(self._asked_for[places] & (needed <= 1 - SLACK) & (possible >= needed))
        rows, places, needed = rows[kept], places[kept], 100 * needed[kept]

        by_words, joined = (np.array(texts, object) for texts in zip(*mine, strict=True))
        alike = np.maximum(_alike(by_words[rows], self._sorted[places]), _alike(joined[rows], self._joined[places]))
        kept = np.flatnonzero((alike >= needed) & (alike >= SWEEP_MIN * possible[kept]))
        for at in kept[np.lexsort((places[kept], -alike[kept], rows[kept]))].tolist():
            if len(found[rows[at]]) < CLOSE:
                found[rows[at]].add(int(places[at]))
        return found

    def _candidates(self, spans: Sequence[Span], size: int, sums: Weights) -> tuple[Places, Weights]:
        """Listed names that share two words with the one asked after, or the only one, or a rare one; and for each how
        many words and how rare."""
        if not spans:
            return NOBODY, np.empty(0, np.float32)
        found: list[Places] = []
        for first, last, near in spans:
            sums[near.places] += near.weights
            if last > first:
                # A listed name of one word is held against two written as one, and not against every bearer of it.
                found.append(near.alone)
            if last - first + 1 == size and len(near.places) <= FEW:
                found.append(near.places)
            else:
                found.append(near.rare)
        if len(spans) > 1:
            all_ = np.concatenate([near.places for _, _, near in spans])
            found.append(all_[sums[all_] >= 2 * ONE])
        places = np.unique(np.concatenate(found))
        told = sums[places]
        for _, _, near in spans:
            sums[near.places] = 0.0
        return places, told


def _enough(*sizes: int) -> float:
    return ENOUGH_ALONE if 1 in sizes else ENOUGH


def _reasons(asked: Asked, asked_name: Name, one: _Filed) -> tuple[str, ...]:
    pairs = counterparts(asked_name, one.name)
    told = names_in_words(asked_name, one.name, pairs, kind=one.party.kind)
    if one.is_weak:
        told.append("by an alias the list calls weak")
    return (*told, *facts(asked, one.party)[1])


def _filed(lists: Iterable[DeniedList]) -> Iterator[_Filed]:
    for one in lists:
        for party in one.parties:
            for texts, is_weak in ((party.names, False), (party.weak, True)):
                for text in dict.fromkeys(texts):
                    made = name(text)
                    yield _Filed(one.version, party, text, made, is_weak, *_texts(made))


def _texts(one: Name) -> tuple[str, str]:
    """The name by sound with its words sorted, and the same as one word."""
    return " ".join(sorted([word.sound for word in one.words])), one.joined


def _alike(here: Texts, there: Texts) -> Weights:
    """How alike the texts of two columns are pair by pair, of 100."""
    found: Weights = process.cpdist(here, there, scorer=fuzz.ratio, workers=1)
    return found


def _by_number(filed: Iterable[_Filed]) -> dict[str, list[int]]:
    """For each number the first name of every party that has it."""
    numbers: dict[str, dict[int, int]] = defaultdict(dict)
    for place, one in enumerate(filed):
        for identifier in one.party.identifiers:
            numbers[identifier.number].setdefault(id(one.party), place)
    return {number: list(places.values()) for number, places in numbers.items()}

"""Lists made ready to be asked of, so that few pairs of names are looked at closely.

A word is filed under its consonants by sound (its bones). A name asked after is held against those listed names that
share two words with it, the only word, or a word that hardly any other has; a word one letter off counts as shared.
Which listed words a word may stand for is worked out once a word and remembered, since words come again and again
where names do not. What is found so is passed over where neither evidence nor likeness of the whole can make a hit,
and the rest is scored word by word.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from tidewaiter.risk.screening.listed import Asked, DeniedList, Hit, Listed, Version
from tidewaiter.risk.screening.names import Name, Word, name, word
from tidewaiter.risk.screening.reasons import facts, names_in_words
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
RARE = 4
"""Listed names that may share one word and be looked at for that alone."""
NEAR_MIN = 0.6
"""Likeness of two words from which the one may stand for the other."""
SWEEP_MIN = 72.0
"""Likeness of the whole, of 100, below which a pair is not scored."""
CLOSE = 24
"""Pairs of one name asked after that are scored word by word, the likest first."""
ENOUGH, ENOUGH_ALONE, WANTING = 1.5, 1.2, -3.0
"""Evidence of the words in common that is enough, the same where one of the names is one word only, and the log-odds
for each whole one that is wanting. A word that one listed name alone has is evidence of 1, a word that all have is
none, and a likeness no better than chance is none. Chosen on names perturbed with seed 7, reported on others."""
WEAK = -2.0
"""Log-odds where the listed name is an alias that the list itself calls weak: a nickname, a given name alone."""
SLACK = 0.2
"""By how much the likeness of a whole name and the evidence may be more than the sweep can tell."""
REMEMBERED_MAX = 50_000
"""How many words asked after are remembered; past it, it begins anew."""

_NOBODY: frozenset[int] = frozenset()


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
    bones: str


class _Near(NamedTuple):
    """Whom a word asked after may bring: listed names with such a word, and the greatest rarity of one."""

    places: frozenset[int]
    rarity: float
    rare: frozenset[int]
    alone: frozenset[int]


_NONE = _Near(_NOBODY, 0.0, _NOBODY, _NOBODY)


class Index:
    """Any number of lists, made ready. It says the same whenever it is asked; it costs about 4 kB a listed name."""

    def __init__(self, lists: Iterable[DeniedList]) -> None:
        lists = list(lists)
        self.versions: tuple[Version, ...] = tuple(one.version for one in lists)
        self._filed = list(_filed(lists))
        self._numbers = _by_number(self._filed)
        self._size = max(2, len(self._filed))
        places: dict[str, set[int]] = defaultdict(set)
        alone: dict[str, set[int]] = defaultdict(set)
        words: dict[str, Word] = {}
        both: dict[str, set[str]] = defaultdict(set)
        for place, one in enumerate(self._filed):
            spelt = one.name.words
            for single in spelt:
                words[single.text] = single
                places[filed_under(single)].add(place)
            for left, right in zip(spelt, spelt[1:], strict=False):
                together = filed_under(word(left.text + right.text))
                places[together].add(place)
                both[left.text + right.text].add(together)
                both["~" + left.sound + right.sound].add(together)
            if len(spelt) < 3:
                alone[filed_under(word("".join([single.text for single in spelt])))].add(place)
        self._places = {under: frozenset(those) for under, those in places.items()}
        self._alone = {under: frozenset(those) for under, those in alone.items()}
        self._both = {key: tuple(sorted(those)) for key, those in both.items()}
        self._words = _by_key(words.values())
        self._known: dict[str, _Near] = {}

    def __len__(self) -> int:
        """How many names are on the lists, aliases counted."""
        return len(self._filed)

    def hits(self, asked: Sequence[Asked], *, threshold: float = THRESHOLD) -> list[Hit]:
        """Who of those asked after may be who of those listed: for each pair the likest name alone, in the order of
        the rows and the likest first."""
        least = log_odds(threshold)
        return [hit for row, one in enumerate(asked) for hit in self._hits(row, one, least)]

    def _hits(self, row: int, asked: Asked, least: float) -> list[Hit]:
        asked_name = name(asked.name)
        best: dict[int, tuple[float, int, list[Counterparts]]] = {}
        for place in self._close(asked_name, asked, least):
            party = self._filed[place].party
            pairs = counterparts(asked_name, self._filed[place].name)
            told = self._scored(asked, asked_name, place, pairs)
            if told >= least and (id(party) not in best or told > best[id(party)][0]):
                best[id(party)] = told, place, pairs
        ordered = sorted(best.values(), key=lambda one: (-one[0], one[1]))
        return [
            Hit(row, one.list, one.party, one.text, probability(told), _reasons(asked, asked_name, one, pairs))
            for told, place, pairs in ordered
            for one in (self._filed[place],)
        ]

    def _scored(self, asked: Asked, asked_name: Name, place: int, pairs: Sequence[Counterparts]) -> float:
        """Log-odds that it is one party."""
        one = self._filed[place]
        added, _ = facts(asked, one.party)
        features = features_of(asked_name, one.name, pairs)
        wanting = max(0.0, _enough(asked_name, one.name) - self._evidence(one.name, pairs))
        return features.log_odds + added + WANTING * wanting + (WEAK if one.is_weak else 0.0)

    def _evidence(self, listed: Name, pairs: Sequence[Counterparts]) -> float:
        return sum(
            (pair.likeness - COUNTERPART_MIN) / (1 - COUNTERPART_MIN) * self._rarity(filed_under(listed.words[place]))
            for pair in pairs
            for place in pair.right
        )

    def _rarity(self, under: str) -> float:
        """From 0 for a word that all listed names have to 1 for a word that one has."""
        return 1 - math.log(len(self._places.get(under, " "))) / math.log(self._size)

    def _close(self, asked_name: Name, asked: Asked, least: float) -> list[int]:
        """Places of the listed names that are to be scored."""
        by_number = {place for number in asked.identifiers for place in self._numbers.get(number, ())}
        spans = list(self._spans(asked_name))
        if not spans:
            return sorted(by_number)
        kept: list[tuple[float, int]] = []
        mine = _texts(asked_name)
        for place in self._candidates(spans, asked_name) - by_number:
            rank = self._rank(place, asked_name, asked, mine, spans, least)
            if rank is not None:
                kept.append((-rank, place))
        kept.sort()
        return sorted([*by_number, *(place for _, place in kept[:CLOSE])])

    def _rank(
        self,
        place: int,
        asked_name: Name,
        asked: Asked,
        mine: tuple[str, str, str],
        spans: Sequence[tuple[int, int, _Near]],
        least: float,
    ) -> float | None:
        """How alike the whole is; None where it cannot come to a hit."""
        one = self._filed[place]
        evidence = sum(near.rarity for _, _, near in spans if place in near.places)
        wanting = max(0.0, _enough(asked_name, one.name) - evidence - SLACK)
        odds = WANTING * wanting + (WEAK if one.is_weak else 0.0)
        if asked.born or asked.countries or asked.kind:
            odds += facts(asked, one.party)[0]
        if CONSTANT + LIKENESS + odds < least:
            return None
        whole = max(fuzz.ratio(mine[0], one.sorted), fuzz.ratio(mine[1], one.joined))
        if CONSTANT + LIKENESS * min(1.0, whole / 100 + SLACK) + odds < least:
            return None
        bones = fuzz.token_set_ratio(mine[2], one.bones)
        return whole + bones if max(whole, bones) >= SWEEP_MIN else None

    def _candidates(self, spans: Sequence[tuple[int, int, _Near]], asked_name: Name) -> set[int]:
        """Listed names that share two words with the one asked after, or the only one, or a rare one."""
        found: set[int] = set()
        size = len(asked_name.words)
        for at, (first, last, near) in enumerate(spans):
            found |= near.rare
            if last > first:
                # A listed name of one word is held against two written as one, and not against every bearer of it.
                found |= near.alone
            if last - first + 1 == size and len(near.places) <= FEW:
                found |= near.places
            for other_first, _, other in spans[at + 1 :]:
                if other_first > last:
                    found |= near.places & other.places
        return found

    def _spans(self, asked_name: Name) -> Iterator[tuple[int, int, _Near]]:
        """Words of the name, and neighbours written together, that some listed word may stand for: the places of the
        first and the last, in their order."""
        words = asked_name.words
        for place, one in enumerate(words):
            if (near := self._near(one)) is not _NONE:
                yield place, place, near
            if place + 1 < len(words) and (near := self._near_together(one, words[place + 1])) is not _NONE:
                yield place, place + 1, near

    def _near(self, one: Word) -> _Near:
        known = self._known.get(one.text)
        if known is None:
            if len(self._known) >= REMEMBERED_MAX:
                self._known.clear()
            known = self._known[one.text] = self._brought(self._standing_for(one))
        return known

    def _near_together(self, left: Word, right: Word) -> _Near:
        text, sound = left.text + right.text, left.sound + right.sound
        under = {filed_under(other) for key in (text, "~" + sound) for other in self._words.get(key, ())}
        under.update(self._both.get(text, ()), self._both.get("~" + sound, ()))
        return self._brought(under) if under else _NONE

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

    def _brought(self, under: Iterable[str]) -> _Near:
        those = [(self._places[one], one) for one in under if one in self._places]
        if not those:
            return _NONE
        rare = frozenset[int]().union(*(places for places, _ in those if len(places) <= RARE))
        alone = frozenset[int]().union(*(self._alone.get(one, _NOBODY) for _, one in those))
        places = those[0][0] if len(those) == 1 else frozenset[int]().union(*(places for places, _ in those))
        return _Near(places, max(self._rarity(one) for _, one in those), rare, alone)


def filed_under(one: Word) -> str:
    """What a word is filed under: its bones, and its sound where two consonants or fewer would bring too many."""
    return one.bones if len(one.bones) > 2 else f"{one.sound}."


def _enough(asked: Name, listed: Name) -> float:
    return ENOUGH_ALONE if len(listed.words) == 1 or len(asked.words) == 1 else ENOUGH


def _reasons(asked: Asked, asked_name: Name, one: _Filed, pairs: Sequence[Counterparts]) -> tuple[str, ...]:
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


def _texts(one: Name) -> tuple[str, str, str]:
    """The name by sound with its words sorted, the same as one word, and its bones."""
    bones = " ".join(dict.fromkeys([word.bones for word in one.words]))
    return " ".join(sorted([word.sound for word in one.words])), one.joined, bones


def _by_number(filed: Iterable[_Filed]) -> dict[str, list[int]]:
    """For each number the first name of every party that has it."""
    numbers: dict[str, dict[int, int]] = defaultdict(dict)
    for place, one in enumerate(filed):
        for identifier in one.party.identifiers:
            numbers[identifier.number].setdefault(id(one.party), place)
    return {number: list(places.values()) for number, places in numbers.items()}


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

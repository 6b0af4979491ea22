"""Lists made ready to be asked of: names blocked in columns, so that few pairs of names are looked at closely.

A word is filed under its consonants by sound (its bones). A name asked after is held against those listed names that
share a rare word with it, or two words that are not rare; a word one letter off counts as shared. What is found so is
compared as a whole in one sweep, and only what is alike there is scored word by word.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from tidewaiter.risk.screening.listed import Asked, DeniedList, Hit, Listed, Version
from tidewaiter.risk.screening.names import Name, Word, name, word
from tidewaiter.risk.screening.reasons import facts, names_in_words
from tidewaiter.risk.screening.score import COUNTERPART_MIN, Counterparts, counterparts, features_of, probability

THRESHOLD = 0.5
"""Score from which it is a hit."""
RARE = 60
"""A word that so many listed names have, or fewer, is enough to look closer; of the others it takes two."""
COMMON_MAX = 2_000
"""Listed names one such couple of words may bring; beyond that no name is told by those two words."""
SWEEP_MIN = 72.0
"""Likeness of the whole, of 100, below which a pair is not scored."""
CLOSE = 6
"""Pairs of one name asked after that are scored word by word, the likest first."""
TOGETHER = 20_000
"""Names asked after in one sweep, which bounds the memory."""
ENOUGH, WANTING = 1.5, -3.0
"""Evidence of the words in common that is enough, and the log-odds for each whole one that is wanting. A word that one
listed name alone has is evidence of 1, a word that all have is none, and a likeness no better than chance is none."""


@dataclass(frozen=True, slots=True)
class _Filed:
    """A listed name and whose it is."""

    list: Version
    party: Listed
    text: str
    name: Name
    is_weak: bool


class Index:
    """Any number of lists, made ready. Immutable; it costs about 3 kB a listed name."""

    def __init__(self, lists: Iterable[DeniedList]) -> None:
        lists = list(lists)
        self.versions: tuple[Version, ...] = tuple(one.version for one in lists)
        self._filed = _filed(lists)
        names = [one.name for one in self._filed]
        self._whole, self._joined, self._bones = _whole(names), _joined(names), _bones(names)
        self._numbers: dict[str, list[int]] = {}
        seen: set[tuple[int, str]] = set()
        for place, one in enumerate(self._filed):
            for identifier in one.party.identifiers:
                if (id(one.party), identifier.number) not in seen:
                    seen.add((id(one.party), identifier.number))
                    self._numbers.setdefault(identifier.number, []).append(place)
        words = _words(names).rename({"at": "listed"})
        count = words.group_by("bones").agg(count=pl.col("listed").n_unique())
        self._count = dict(zip(count["bones"].to_list(), count["count"].to_list(), strict=True))
        self._size = max(2, len(names))
        self._rare = words.select("bones", "listed").join(count.filter(pl.col("count") <= RARE), on="bones").unique()
        common = words.join(count.filter(pl.col("count") > RARE), on="bones").select("bones", "listed").unique()
        self._common = common.select("bones").unique()
        self._couples = _couples(common, "listed").rename({"at": "listed"})
        many = self._couples.group_by("couple").len().filter(pl.col("len") > COMMON_MAX)
        self._couples = self._couples.join(many, on="couple", how="anti")
        self._keys = _keys(words.select("text", "sound", "bones").unique("text"))

    def __len__(self) -> int:
        """How many names are on the lists, aliases counted."""
        return len(self._filed)

    def hits(self, asked: Sequence[Asked], *, threshold: float = THRESHOLD) -> list[Hit]:
        """Who of those asked after may be who of those listed: for each pair the likest name alone, in the order of
        the rows and the likest first."""
        found: list[Hit] = []
        for start in range(0, len(asked), TOGETHER):
            found += self._hits(asked[start : start + TOGETHER], start, threshold)
        return found

    def _hits(self, asked: Sequence[Asked], start: int, threshold: float) -> list[Hit]:
        if not self._filed:
            return []
        names = [name(one.name) for one in asked]
        best: dict[tuple[int, int], tuple[float, int]] = {}
        for row, place in self._close(names, asked):
            party, told = self._filed[place].party, self._scored(asked[row], names[row], place)
            if told >= threshold and told > best.get((row, id(party)), (-1.0, 0))[0]:
                best[row, id(party)] = (told, place)
        ordered = sorted(best.items(), key=lambda one: (one[0][0], -one[1][0], one[1][1]))
        return [
            Hit(start + row, one.list, one.party, one.text, score, self._reasons(asked[row], names[row], one))
            for (row, _), (score, place) in ordered
            for one in (self._filed[place],)
        ]

    def _scored(self, asked: Asked, asked_name: Name, place: int) -> float:
        one = self._filed[place]
        added, _ = facts(asked, one.party)
        pairs = counterparts(asked_name, one.name)
        features = features_of(asked_name, one.name, pairs)
        wanting = max(0.0, ENOUGH - self._evidence(one.name, pairs))
        return probability(features.log_odds + added + WANTING * wanting)

    def _evidence(self, listed: Name, pairs: Sequence[Counterparts]) -> float:
        return sum(
            (pair.likeness - COUNTERPART_MIN) / (1 - COUNTERPART_MIN) * self._rarity(listed.words[place])
            for pair in pairs
            for place in pair.right
        )

    def _rarity(self, one: Word) -> float:
        """From 0 for a word that all listed names have to 1 for a word that one has."""
        return 1 - math.log(self._count.get(_class(one), 1)) / math.log(self._size)

    @staticmethod
    def _reasons(asked: Asked, asked_name: Name, one: _Filed) -> tuple[str, ...]:
        pairs = counterparts(asked_name, one.name)
        told = names_in_words(asked_name, one.name, pairs, kind=one.party.kind)
        if one.is_weak:
            told.append("by an alias the list calls weak")
        return (*told, *facts(asked, one.party)[1])

    def _close(self, names: Sequence[Name], asked: Sequence[Asked]) -> list[tuple[int, int]]:
        """Rows and places of listed names that are to be scored."""
        by_number = [
            (row, place)
            for row, one in enumerate(asked)
            for number in one.identifiers
            for place in self._numbers.get(number, ())
        ]
        found = self._candidates(_words(names).rename({"at": "row"}))
        if not len(found):
            return by_number
        rows, places = found["row"].to_numpy(), found["listed"].to_numpy()
        whole, joined, bones = (
            process.cpdist(here[rows], there[places], scorer=scorer, workers=1)
            for here, there, scorer in (
                (_whole(names), self._whole, fuzz.ratio),
                (_joined(names), self._joined, fuzz.ratio),
                (_bones(names), self._bones, fuzz.token_set_ratio),
            )
        )
        whole = np.maximum(whole, joined)
        kept = (
            found.with_columns(alike=pl.Series(np.maximum(whole, bones)), rank=pl.Series(whole + bones))
            .filter(pl.col("alike") >= SWEEP_MIN)
            .sort("row", "rank", "listed", descending=[False, True, False])
            .group_by("row", maintain_order=True)
            .head(CLOSE)
        )
        return by_number + list(zip(kept["row"].to_list(), kept["listed"].to_list(), strict=True))

    def _candidates(self, words: pl.DataFrame) -> pl.DataFrame:
        """Rows with the places of listed names that share a rare word or two others with them."""
        different = words.select("text", "sound", "bones").unique("text")
        near = (
            _keys(different)
            .join(self._keys, on="key", suffix="_listed")
            .select("text", "sound", "sound_listed", "bones", bones_listed="bones_listed")
            .unique()
        )
        own = pl.col("bones") == pl.col("bones_listed")
        alike = process.cpdist(
            near["sound"].to_list(), near["sound_listed"].to_list(), scorer=OSA.normalized_similarity, workers=1
        )
        near = near.filter(own | (pl.Series(alike) >= 0.7)).select("text", bones="bones_listed").unique()
        shared = words.select("row", "text").join(near, on="text").select("row", "bones").unique()
        by_rare = shared.join(self._rare, on="bones").select("row", "listed")
        couples = _couples(shared.join(self._common, on="bones", how="semi"), "row").rename({"at": "row"})
        by_couple = couples.join(self._couples, on="couple").select("row", "listed")
        return pl.concat([by_rare, by_couple]).unique()


def _filed(lists: Iterable[DeniedList]) -> list[_Filed]:
    return [
        _Filed(one.version, party, text, name(text), is_weak)
        for one in lists
        for party in one.parties
        for texts, is_weak in ((party.names, False), (party.weak, True))
        for text in dict.fromkeys(texts)
    ]


def _whole(names: Sequence[Name]) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    found = np.empty(len(names), object)
    found[:] = [" ".join(sorted([word.sound for word in one.words])) for one in names]
    return found


def _joined(names: Sequence[Name]) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    found = np.empty(len(names), object)
    found[:] = [one.joined for one in names]
    return found


def _bones(names: Sequence[Name]) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    found = np.empty(len(names), object)
    found[:] = [" ".join(dict.fromkeys([word.bones for word in one.words])) for one in names]
    return found


def _words(names: Sequence[Name]) -> pl.DataFrame:
    """A row a word, and one more for every two neighbours written together: at, text, sound, bones."""
    at: list[int] = []
    texts: list[str] = []
    sounds: list[str] = []
    bones: list[str] = []
    for place, one in enumerate(names):
        for single in one.words:
            at.append(place)
            texts.append(single.text)
            sounds.append(single.sound)
            bones.append(_class(single))
        for first, second in zip(one.words, one.words[1:], strict=False):
            at.append(place)
            both = word(f"{first.text}{second.text}")
            texts.append(both.text)
            sounds.append(both.sound)
            bones.append(_class(both))
    schema = {"at": pl.UInt32, "text": pl.String, "sound": pl.String, "bones": pl.String}
    return pl.DataFrame({"at": at, "text": texts, "sound": sounds, "bones": bones}, schema=schema)


def _class(one: Word) -> str:
    """What a word is filed under: its bones, and its sound where two consonants or fewer would bring too many."""
    return one.bones if len(one.bones) > 2 else f"{one.sound}."


def _keys(words: pl.DataFrame) -> pl.DataFrame:
    """A row for each key of a word: its bones, and its sound with one letter or none left out."""
    keys: list[str] = []
    counts = Counter[int]()
    for place, (sound, bones) in enumerate(zip(words["sound"].to_list(), words["bones"].to_list(), strict=True)):
        own = {f"={bones}", sound}
        if len(sound) > 3:
            own |= {sound[:spot] + sound[spot + 1 :] for spot in range(len(sound))}
        keys += own
        counts[place] = len(own)
    repeated = words.select(pl.all().repeat_by(pl.Series([counts[k] for k in range(len(words))], dtype=pl.UInt32)))
    return repeated.explode(pl.all()).with_columns(key=pl.Series(keys, dtype=pl.String).hash())


def _couples(words: pl.DataFrame, of: str) -> pl.DataFrame:
    """A row for every two different bones of one name: at, couple."""
    words = words.rename({of: "at"}).with_columns(code=pl.col("bones").hash())
    return (
        words.join(words, on="at", suffix="_other")
        .filter(pl.col("code") < pl.col("code_other"))
        .select("at", couple=pl.concat_str(pl.col("bones"), pl.lit(" "), pl.col("bones_other")).hash())
    )

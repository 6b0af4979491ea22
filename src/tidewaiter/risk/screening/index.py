"""Lists made ready to be asked of: names blocked in columns, so that few pairs of names are looked at closely.

A word is filed under its consonants by sound (its bones). A name asked after is held against those listed names that
share a rare word with it, or two words that are not rare; a word one letter off counts as shared. What is found so is
compared as a whole in one sweep, and only what is alike there is scored word by word.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from rapidfuzz import fuzz, process
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
"""Score from which it is a hit."""
FEW = 500
"""Listed names that a name of one word is held against; a word that more of them have tells nobody."""
COUPLE_MAX = 2_000
"""The same for a couple of words."""
RARE = 4
"""Listed names that may share one word and be looked at for that alone."""
NEAR_MIN = 0.6
"""Likeness of two words from which the one may stand for the other."""
SWEEP_MIN = 72.0
"""Likeness of the whole, of 100, below which a pair is not scored."""
CLOSE = 6
"""Pairs of one name asked after that are scored word by word, the likest first."""
TOGETHER = 20_000
"""Names asked after in one sweep, which bounds the memory."""
ENOUGH, ENOUGH_ALONE, WANTING = 1.5, 1.2, -3.0
"""Evidence of the words in common that is enough, the same where one of the names is one word only, and the log-odds
for each whole one that is wanting. A word that one listed name alone has is evidence of 1, a word that all have is
none, and a likeness no better than chance is none. Chosen on names perturbed with seed 7, reported on others."""
WEAK = -2.0
"""Log-odds where the listed name is an alias that the list itself calls weak: a nickname, a given name alone."""


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
        words = _words(names)
        count = words.group_by("bones").agg(count=pl.col("at").n_unique())
        self._count = dict(zip(count["bones"].to_list(), count["count"].to_list(), strict=True))
        self._size = max(2, len(names))
        self._words = (
            words.select("bones", listed="at")
            .unique()
            .join(count.select("bones", rarity=1 - pl.col("count").log() / math.log(self._size)), on="bones")
        )
        self._alone = _alone(words, names).rename({"at": "listed"})
        self._any = words.select("bones", listed="at").unique().filter(pl.len().over("bones") <= FEW)
        self._rare = self._any.filter(pl.len().over("bones") <= RARE)
        couples = _couples(words).rename({"at": "listed"})
        self._couples = couples.filter(pl.len().over("couple") <= COUPLE_MAX)
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
        for row, place in self._close(names, asked, threshold):
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
        is_alone = len(one.name.words) == 1 or len(asked_name.words) == 1
        wanting = max(0.0, (ENOUGH_ALONE if is_alone else ENOUGH) - self._evidence(one.name, pairs))
        return probability(features.log_odds + added + WANTING * wanting + (WEAK if one.is_weak else 0.0))

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

    def _close(self, names: Sequence[Name], asked: Sequence[Asked], threshold: float) -> list[tuple[int, int]]:
        """Rows and places of listed names that are to be scored."""
        by_number = [
            (row, place)
            for row, one in enumerate(asked)
            for number in one.identifiers
            for place in self._numbers.get(number, ())
        ]
        shared = self._shared(_words(names))
        found = self._candidates(shared, names)
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
        kept = self._with_evidence(kept, shared, asked, threshold)
        return by_number + list(zip(kept["row"].to_list(), kept["listed"].to_list(), strict=True))

    def _with_evidence(
        self, pairs: pl.DataFrame, shared: pl.DataFrame, asked: Sequence[Asked], threshold: float
    ) -> pl.DataFrame:
        """The pairs whose words in common can be evidence enough for a hit. Where more is asked than a name, all: a
        date may make up for it."""
        odds_max = CONSTANT + LIKENESS
        lacking = (odds_max - log_odds(threshold)) / -WANTING
        told = (
            pairs.select("row", "listed")
            .join(self._words, on="listed")
            .join(shared.select("bones", row="at").unique(), on=["row", "bones"], how="semi")
            .group_by("row", "listed")
            .agg(pl.col("rarity").sum())
            .filter(pl.col("rarity") >= pl.lit(ENOUGH_ALONE - lacking))
        )
        more = pl.Series([k for k, one in enumerate(asked) if one.born or one.countries], dtype=pl.UInt32).to_frame(
            "row"
        )
        return pl.concat(
            [
                pairs.join(told, on=["row", "listed"], how="semi", maintain_order="left"),
                pairs.join(more, on="row", how="semi", maintain_order="left").join(
                    told, on=["row", "listed"], how="anti"
                ),
            ]
        )

    def _shared(self, words: pl.DataFrame) -> pl.DataFrame:
        """The words asked after as the listed ones they may stand for: at, first, last, bones."""
        different = words.select("text", "sound", "bones").unique("text")
        near = (
            _keys(different)
            .join(self._keys, on="key", suffix="_listed")
            .select("text", "text_listed", "sound", "sound_listed", "bones", "bones_listed")
            .unique(["text", "text_listed"])
        )
        likeness = np.maximum(
            *(
                process.cpdist(
                    near[column].to_list(),
                    near[f"{column}_listed"].to_list(),
                    scorer=OSA.normalized_similarity,
                    workers=1,
                )
                for column in ("sound", "text")
            )
        )
        near = near.filter(pl.Series(likeness) >= NEAR_MIN).select("text", bones="bones_listed").unique()
        return words.drop("bones", "sound").join(near, on="text").drop("text")

    def _candidates(self, shared: pl.DataFrame, names: Sequence[Name]) -> pl.DataFrame:
        """Rows with the places of listed names that share two words with them, or the only one, or a rare one."""
        by_couple = _couples(shared).join(self._couples, on="couple").select("at", "listed")
        # A name of one word has no couples. Asked after, it is held against all that have the word; listed, against
        # two words written as one, since else every bearer of a given name would be held against a nickname.
        by_one = shared.filter(pl.col("first") < pl.col("last")).join(self._alone, on="bones").select("at", "listed")
        by_its_one = _alone(shared, names).join(self._any, on="bones").select("at", "listed")
        by_rare = shared.join(self._rare, on="bones").select("at", "listed")
        return pl.concat([by_couple, by_one, by_its_one, by_rare]).unique().rename({"at": "row"})


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
    """A row a word, and one more for every two neighbours written together: at, first, last (the places of the words
    it is made of), text, sound, bones."""
    rows: list[tuple[int, int, int, str, str, str]] = []
    for at, one in enumerate(names):
        for place, single in enumerate(one.words):
            rows.append((at, place, place, single.text, single.sound, _class(single)))
        for place, (left, right) in enumerate(itertools.pairwise(one.words)):
            both = word(f"{left.text}{right.text}")
            rows.append((at, place, place + 1, both.text, both.sound, _class(both)))
    schema = {"at": pl.UInt32, "first": pl.Int8, "last": pl.Int8, "text": pl.String, "sound": pl.String}
    return pl.DataFrame(rows, schema=schema | {"bones": pl.String}, orient="row")


def _class(one: Word) -> str:
    """What a word is filed under: its bones, and its sound where two consonants or fewer would bring too many."""
    return one.bones if len(one.bones) > 2 else f"{one.sound}."


def _keys(words: pl.DataFrame) -> pl.DataFrame:
    """A row for each key of a word: its bones, its sound, and its text with one letter or none left out."""
    kept = words.with_columns(size=pl.col("text").str.len_chars())
    longer = kept.filter(pl.col("size") > 3)
    letters = longer.with_columns(spot=pl.int_ranges(0, pl.col("size"))).explode("spot")
    text, spot = pl.col("text"), pl.col("spot")
    shorter = letters.with_columns(key=text.str.head(spot) + text.str.slice(spot + 1))
    return (
        pl.concat(
            [
                kept.with_columns(key=pl.lit("=") + pl.col("bones")),
                kept.with_columns(key=pl.lit("~") + pl.col("sound")),
                kept.with_columns(key=text),
                shorter.drop("spot"),
            ]
        )
        .select("text", "sound", "bones", key=pl.col("key").hash())
        .unique()
    )


def _couples(words: pl.DataFrame) -> pl.DataFrame:
    """A row for every two bones of one name that stand for different words of it: at, couple."""
    words = words.select("at", "first", "last", code=pl.col("bones").hash())
    later = pl.col("first_other") > pl.col("last")
    one, other = pl.col("code"), pl.col("code_other")
    return (
        words.join(words, on="at", suffix="_other")
        .filter(later)
        .select("at", couple=pl.min_horizontal(one, other) ^ (pl.max_horizontal(one, other) * 3))
        .unique()
    )


def _alone(words: pl.DataFrame, names: Sequence[Name]) -> pl.DataFrame:
    """Of the words those that are the whole of a name, two written together among them."""
    sizes = pl.Series([len(one.words) for one in names], dtype=pl.Int8)
    whole = sizes.gather(words["at"]) == words["last"] - words["first"] + 1
    return words.filter(whole).select("at", "bones").unique()

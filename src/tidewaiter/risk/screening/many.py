"""Many names as columns: each a run of places in one list of distinct words, so that a word is worked out once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from rapidfuzz import process

from tidewaiter.risk.screening.names import Name, Token, Word, parts

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]

NONE: frozenset[str] = frozenset()
_LETTERS = 27
_PLACE = np.full(256, _LETTERS - 1, np.int64)
_PLACE[ord("a") : ord("z") + 1] = np.arange(26)


class Words:
    """Distinct words, a row each. What is equal has the same hash; that two others have is one in 2^64."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words
        self.texts = texts([one.text for one in words])
        self.sounds = texts([one.sound for one in words])
        self.bones = texts([one.bones for one in words])
        self.together = texts([one.together for one in words])
        self.has_together = np.array([bool(one.together) for one in words], np.bool_)
        self.weights = np.array([one.weight for one in words], np.float64)
        self.lengths = np.array([len(one.text) for one in words], np.int64)
        self.text_hashes, self.sound_hashes, self.bones_hashes = map(hashes, (self.texts, self.sounds, self.bones))


@dataclass(frozen=True)
class Names:
    """Names, a row each: its words are `word[start[row]:start[row + 1]]`, rows of `words`."""

    words: Words
    word: Ints
    start: Ints
    is_abjad: Marks
    numbers: list[frozenset[str]]
    forms: list[frozenset[str]]

    @classmethod
    def of(cls, names: Iterable[str | Name]) -> Names:
        """The same names in columns, in the same order; those that are texts are made ready."""
        known: dict[str, Token] = {}
        rows: dict[str | tuple[str, ...], int] = {}
        words: list[Word] = []
        flat: list[int] = []
        sizes: list[int] = []
        is_abjad: list[bool] = []
        numbers: list[frozenset[str]] = []
        forms: list[frozenset[str]] = []
        spelt: Sequence[Word]
        for one in names:
            if isinstance(one, str):
                spelt, forms_of, numbers_of, abjad = parts(one, known)
                forms.append(frozenset(forms_of) if forms_of else NONE)
                numbers.append(frozenset(numbers_of) if numbers_of else NONE)
            else:
                spelt, abjad = one.words, one.is_abjad
                forms.append(one.forms)
                numbers.append(one.numbers)
            for word in spelt:
                key = (word.text, *word.together) if word.together else word.text
                row = rows.get(key)
                if row is None:
                    row = rows[key] = len(words)
                    words.append(word)
                flat.append(row)
            sizes.append(len(spelt))
            is_abjad.append(abjad)
        start = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        return cls(Words(words), np.array(flat, np.int64), start, np.array(is_abjad, np.bool_), numbers, forms)

    def __getitem__(self, row: int) -> Name:
        words = tuple(self.words.words[at] for at in self.word[self.start[row] : self.start[row + 1]].tolist())
        return Name(words, self.forms[row], self.numbers[row], bool(self.is_abjad[row]))

    def __len__(self) -> int:
        return len(self.is_abjad)

    def made_ready(self) -> None:
        """Have all columns worked out now, for names that are to be asked of again and again."""
        _ = self.weights, self.lengths, self.sounds, self.sounds_sorted, self.number_hashes

    @cached_property
    def sizes(self) -> Ints:
        """How many words each has."""
        return np.diff(self.start)

    @cached_property
    def row(self) -> Ints:
        """The name that each place of `word` belongs to."""
        return np.repeat(np.arange(len(self)), self.sizes)

    @cached_property
    def number_hashes(self) -> Ints:
        """The hash of the numbers of each."""
        return np.fromiter(map(hash, self.numbers), np.int64, len(self))

    @cached_property
    def weights(self) -> Floats:
        """What the words of each come to."""
        return summed(self.row, self.words.weights[self.word], len(self))

    @cached_property
    def texts(self) -> list[str]:
        """The words of each one after another, in the order written."""
        return self._joined([one.text for one in self.words.words])

    @cached_property
    def sounds(self) -> Texts:
        """The same by sound."""
        return texts(self._joined([one.sound for one in self.words.words]))

    @cached_property
    def sounds_sorted(self) -> Texts:
        """The words of each by sound, sorted, with spaces between."""
        return texts([" ".join(sorted(some)) for some in self._each([one.sound for one in self.words.words])])

    @cached_property
    def letters(self) -> npt.NDArray[np.uint8]:
        """How often each letter is in each, 255 at most; what is no letter stands last."""
        lengths = np.fromiter(map(len, self.texts), np.int64, len(self))
        spelt = np.frombuffer("".join(self.texts).encode("ascii", "replace"), np.uint8)
        where = np.repeat(np.arange(len(self)) * _LETTERS, lengths) + _PLACE[spelt]
        counted = np.bincount(where, minlength=len(self) * _LETTERS).reshape(len(self), _LETTERS)
        return np.minimum(counted, 255).astype(np.uint8)

    @cached_property
    def lengths(self) -> Ints:
        """How many letters each has, as they are counted in `letters`."""
        found: Ints = self.letters.sum(1, dtype=np.int64)
        return found

    def _each(self, of_words: list[str]) -> Iterable[list[str]]:
        spelt = [of_words[row] for row in self.word.tolist()]
        start = self.start.tolist()
        return (spelt[first:last] for first, last in itertools.pairwise(start))

    def _joined(self, of_words: list[str]) -> list[str]:
        return ["".join(some) for some in self._each(of_words)]


def texts(of: Sequence[object]) -> Texts:
    """A column of texts, or of tuples of them."""
    return np.fromiter(of, object, len(of))


def hashes(of: Iterable[str]) -> Ints:
    """A column of their hashes."""
    return np.fromiter(map(hash, of), np.int64)


def summed(rows: Ints, of: Floats, count: int) -> Floats:
    """The sum for each of so many rows."""
    return np.bincount(rows, of, count).astype(np.float64)


def spread(counts: Ints) -> tuple[Ints, Ints]:
    """For so many things of each row one after another: the row, and the how manieth of the row it is."""
    rows = np.repeat(np.arange(len(counts)), counts)
    ends = np.cumsum(counts)
    return rows, np.arange(len(rows)) - np.repeat(ends - counts, counts)


def alike(here: Texts, there: Texts, *, scorer: Callable[..., float]) -> Floats:
    """How alike the texts of two columns are, pair by pair."""
    if not len(here):
        return np.empty(0, np.float64)
    found: Floats = process.cpdist(here, there, scorer=scorer, dtype=np.float64, workers=1)
    return found

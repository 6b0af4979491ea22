"""Which field each name of a message is: all names of a message looked up at once."""

from __future__ import annotations

import itertools

import numpy as np

from tidewaiter.formats.layout import NAMES
from tidewaiter.formats.spans import WORD, Words, cut_words, words
from tidewaiter.model.exact import Whole

_MAX = max(map(len, NAMES))
_SLOTS_BITS = 14
_FOLD = np.uint64(29)
_SHIFT = np.uint64(64 - _SLOTS_BITS)


def _word(text: str) -> int:
    return int.from_bytes(text[:WORD].encode().ljust(WORD, b"\0"), "little")


_SIZE = np.array([len(name) for name in NAMES], np.int64)
_FIRST = np.array([_word(name) for name in NAMES], np.uint64)
_LAST = np.array([_word(name[-WORD:]) if len(name) > WORD else 0 for name in NAMES], np.uint64)
_BETWEEN = np.array([_word(name[WORD:]) if len(name) > 2 * WORD else 0 for name in NAMES], np.uint64)


def _hashed(first: Words, last: Words, factor: np.uint64) -> Whole:
    folded: Words = last ^ (last >> _FOLD)
    mixed: Words = first * factor
    mixed += folded * np.uint64(int(factor) ^ 2)
    found: Whole = (mixed >> _SHIFT).astype(np.int64)
    return found


def _factor() -> np.uint64:
    """The first odd number under which no two names share a slot."""
    for odd in itertools.count(0x9E3779B97F4A7C15, 2**40 + 2):
        factor = np.uint64(odd % 2**64)
        if len(set(_hashed(_FIRST[1:], _LAST[1:], factor).tolist())) == len(NAMES) - 1:
            return factor
    raise AssertionError


_FACTOR = _factor()
_SLOTS = np.zeros(1 << _SLOTS_BITS, np.int64)
_SLOTS[_hashed(_FIRST[1:], _LAST[1:], _FACTOR)] = np.arange(1, len(NAMES))


def numbered(padded: bytes, starts: Whole, ends: Whole) -> Whole:
    """For each name between a start and an end its place in NAMES, 0 where it is none of them."""
    sizes = ends - starts
    first = cut_words(padded, starts, sizes)
    # The last eight bytes overlap the first where a name is short, and are compared where it is not.
    last = np.where(sizes > WORD, words(padded, np.maximum(ends - WORD, 0)), 0)
    found = _SLOTS[_hashed(first, last, _FACTOR)]
    is_known = (_FIRST[found] == first) & (_LAST[found] == last) & (_SIZE[found] == sizes)
    long = np.flatnonzero(is_known & (sizes > 2 * WORD))
    if len(long):
        is_known[long] = _BETWEEN[found[long]] == words(padded, starts[long] + WORD)
    return np.where(is_known, found, 0)


if _MAX > 3 * WORD:
    raise AssertionError("a name of more than 24 letters is not told apart here")

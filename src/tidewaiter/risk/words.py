"""Which of many texts mention which words: one walk over the texts for the words of all profiles together.

Hundreds of patterns, each tried on each text, would be most of what profiles cost. A word of plain letters is found
by one automaton for all of them (Aho and Corasick 1975) in the texts' small letters; what that cannot tell by itself
is asked of the pattern, and only of the texts that can have it: words of several parts, harmless phrases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, partial

import numpy as np
import numpy.typing as npt
import polars as pl

from tidewaiter.model.exact import Yes
from tidewaiter.risk.meaning import Term

_PLAIN = re.compile(r"[a-z0-9]+(?: [a-z0-9]+)*")
_RUN = re.compile("[a-z0-9]+")
FEW = 1_000
"""Texts below which patterns are quicker, once those are left out that cannot be true of any."""

Rows = npt.NDArray[np.int64]


class Words:
    """The plain words that parts of conditions ask after, made ready to be looked for together."""

    def __init__(self, parts: Iterable[Term]) -> None:
        asked = tuple(parts)
        mentions = [part for part in asked if part.op == "mentions" and part.parts[0].field is not None]
        self._begin = {id(part): _beginnings(part) for part in mentions}
        self._asked = {id(part): lists for part in mentions if (lists := _plain(part)) is not None}
        self._others = {
            id(part): runs
            for part in mentions
            if id(part) not in self._asked and (runs := _runs(self._begin[id(part)])) is not None
        }
        tokens = {token for lists in self._asked.values() for words in lists for word in words for token in word}
        tokens.update(*self._others.values())
        self._tokens = sorted(tokens)

    def unmentioned(self, texts: Iterable[str | None]) -> frozenset[int]:
        """Parts that are true of none of the texts: no word of theirs has its beginning anywhere in them.

        Most goods are harmless, so that to look through all texts at once spares nearly all patterns. What is taken out
        of a text as harmless leaves a blank, and so brings no beginning about.
        """
        # Letters that the patterns take for one another are one when folded, and some others besides.
        together = "\n".join(filter(None, texts)).casefold()
        runs = frozenset(_RUN.findall(together))
        met = cache(lambda begin: begin in (runs if _RUN.fullmatch(begin) else together))
        return frozenset(part for part, begin in self._begin.items() if not any(map(met, begin)))

    @property
    def parts(self) -> frozenset[int]:
        """The parts, by identity, that can be told so."""
        return frozenset(self._asked) | frozenset(self._others)

    def told(self, texts: pl.Series, patterns: Mapping[int, pl.Expr]) -> dict[int, Yes]:
        """Of each such part which of the texts it is true of; null is a text that mentions nothing.

        `patterns` ask the same one by one, of a column named as the texts.
        """
        if not self.parts:
            return {}
        rows, size = self._rows(texts), len(texts)
        with_all = cache(partial(_with_all, rows=rows, size=size))
        found: dict[int, Yes] = {}
        for part, (words, phrases) in self._asked.items():
            is_true, is_open = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
            for word in words:
                (is_true if len(word) == 1 else is_open)[with_all(word)] = True
            for phrase in phrases:
                with_phrase = with_all(phrase)
                is_open[with_phrase[is_true[with_phrase]]] = True
            found[part] = _asked_of(texts, patterns[part], is_open, is_true)
        # Of a text in plain letters a word needs the token that it begins with; of any other the pattern is asked.
        is_other = (texts.str.len_bytes() != texts.str.len_chars()).fill_null(value=False).to_numpy()
        for part, runs in self._others.items():
            is_open = is_other.copy()
            for run in runs:
                is_open[rows[run]] = True
            found[part] = _asked_of(texts, patterns[part], is_open, np.zeros(size, np.bool_))
        return found

    def _rows(self, texts: pl.Series) -> dict[str, Rows]:
        """The texts that have a token, whole and in small letters or large."""
        if not self._tokens:
            return {}
        # Between blanks, and a blank is part of what is looked for: so a token is whole. These letters are the only
        # ones besides the plain that count as plain ones where case is not looked at (the sign for kelvin is lowered).
        spaced = (
            pl.concat_str(pl.lit(" "), texts.str.to_lowercase(), pl.lit(" "))
            .str.replace_all("ſ", "s", literal=True)
            .str.replace_all(r"\W+", " ")
        )
        sought = [f" {token} " for token in self._tokens]
        met = pl.select(met=spaced.str.extract_many(sought, overlapping=True)).with_row_index("at")
        met = met.explode("met", empty_as_null=False, keep_nulls=False).cast({"met": pl.Enum(sought)})
        which, at = met["met"].to_physical().to_numpy(), met["at"].to_numpy().astype(np.int64)
        order = np.argsort(which, kind="stable")
        ends = np.searchsorted(which[order], np.arange(len(sought) + 1))
        at = at[order]
        return {token: at[ends[place] : ends[place + 1]] for place, token in enumerate(self._tokens)}


def _asked_of(texts: pl.Series, pattern: pl.Expr, is_open: Yes, is_true: Yes) -> Yes:
    """The answers, with those of the texts that are open asked of the pattern."""
    if is_open.any():
        some = texts.gather(pl.Series(np.flatnonzero(is_open)))
        is_true[is_open] = some.to_frame().select_seq(pattern).to_series().to_numpy()
    return is_true


def _with_all(tokens: tuple[str, ...], *, rows: Mapping[str, Rows], size: int) -> Rows:
    found = rows[tokens[0]]
    for token in tokens[1:]:
        has = np.zeros(size, np.bool_)
        has[rows[token]] = True
        found = found[has[found]]
    return found


def _beginnings(part: Term) -> frozenset[str]:
    """What a text must have, folded, to mention one of the words: of plain letters a whole run of them, of others all
    up to the first blank."""
    firsts = (word.split()[0].casefold() for word in part.parts[1].words)
    return frozenset(run[0] if first.isascii() and (run := _RUN.search(first)) else first for first in firsts)


def _runs(begins: Iterable[str]) -> list[str] | None:
    """The tokens of which a text in plain letters must have one; None where one of the words begins with no letter."""
    plain = [begin for begin in begins if begin.isascii()]
    return plain if all(map(_RUN.fullmatch, plain)) else None


def _plain(part: Term) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]] | None:
    """The tokens of the words and of the harmless phrases; None where one of them is not of plain letters, or is no
    word: what is taken out of a text may bring such parts together."""
    if part.op != "mentions":
        return None
    lists = [[word.strip().lower() for word in term.words] for term in part.parts[1:]]
    if not all(word.isascii() and _PLAIN.fullmatch(word) for words in lists for word in words):
        return None
    words, phrases = [[tuple(word.split()) for word in words] for words in (*lists, [])][:2]
    return words, phrases

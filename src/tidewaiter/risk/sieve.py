"""What conditions say of single texts: judged once for each different text of a batch, and not for each row.

A part of a condition that looks at one text alone (a country, a commodity code, words in a description) is judged
over the different texts of its column. A profile that needs such a part to be true, where it is true of no text, is
passed over; for the others the verdicts are spread over the rows. Codes and the like come again and again, so their
verdicts are remembered; free text is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from tidewaiter.law.in_force import InForce
from tidewaiter.model.batch import Apart
from tidewaiter.model.exact import Yes
from tidewaiter.model.keeping import kept_each
from tidewaiter.risk.columns import expression
from tidewaiter.risk.fields import FIELDS, Kind
from tidewaiter.risk.meaning import Term
from tidewaiter.risk.words import FEW, Words

_REMEMBERED_MAX = 10_000
"""How many texts of a column are remembered; past it, it begins anew."""
_NEVER_REMEMBERED = frozenset({"item.description"})
"""Free text: hardly two are the same, and it may speak of a person."""

Verdict = npt.NDArray[np.int8]
"""Of each different text 1 where the part is true of it, 0 where it is false, `UNTOLD` where that cannot be told."""
UNTOLD = -1


class Columns(Protocol):
    """What texts are judged in."""

    def apart(self, column: str) -> Apart:
        """A column of texts, told apart."""


class Judged:
    """The verdicts on the texts that stand in some columns; those of a column are worked out when first asked for."""

    def __init__(self, sieve: Sieve, those: Columns) -> None:
        self._sieve, self._those = sieve, those
        self._verdicts: dict[int, Verdict] = {}

    def verdict(self, part: int) -> Verdict:
        """What a part comes to over the different texts of its column."""
        if part not in self._verdicts:
            column = self._sieve.columns[part]
            parts = self._sieve.parts[column]
            table = self._sieve.table(column, self._those.apart(column).different)
            self._verdicts.update(zip(parts, table, strict=True))
        return self._verdicts[part]

    def may_hit(self, condition: Term, *, be: bool = True) -> bool:
        """Whether the condition may be true (or false) of some row, for all that is known of the texts."""
        if condition.op == "!":
            return self.may_hit(condition.parts[0], be=not be)
        if condition.op in ("&&", "||"):
            every = (condition.op == "&&") is be
            told = (self.may_hit(part, be=be) for part in condition.parts)
            return all(told) if every else any(told)
        return id(condition) not in self._sieve.columns or bool((self.verdict(id(condition)) == be).any())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sieve:
    """The parts to judge, by identity, under the column they look at; and by column the texts judged so far."""

    parts: Mapping[str, Mapping[int, pl.Expr]]
    columns: Mapping[int, str]
    words: Words
    known: dict[str, dict[str | None, Sequence[int]]] = field(default_factory=dict)

    @staticmethod
    def of(conditions: Iterable[Term], here: InForce) -> Sieve:
        """The sieve for these conditions, under the law over the rows of a batch."""
        parts: dict[str, dict[int, pl.Expr]] = {}
        of_text: list[Term] = []
        for part in (part for condition in conditions for part in _parts(condition)):
            judged = expression(part, here)
            # Where law differs within the batch, by country or by day, a verdict is not of the text alone.
            match sorted(set(judged.meta.root_names())):
                case [column] if column in _TEXTS:
                    # As verdicts in the expression: to make them of each column apart would cost a query a part.
                    verdict = judged.cast(pl.Int8).fill_null(UNTOLD)
                    parts.setdefault(column, {})[id(part)] = verdict.alias(str(id(part)))
                    of_text += [part] * (column in _NEVER_REMEMBERED)
        columns = {part: column for column, some in parts.items() for part in some}
        return Sieve(parts=parts, columns=columns, words=Words(of_text))

    def table(self, column: str, texts: list[str | None]) -> Verdict:
        """The verdicts on these texts of the column: a line a part."""
        parts = self.parts[column]
        if column in _NEVER_REMEMBERED:
            return self._read(column, texts, parts)
        if len(texts) > _REMEMBERED_MAX:
            return _judged(column, texts, parts)
        known = self.known.setdefault(column, {})
        found = kept_each(known, texts, lambda new: _judged(column, new, parts).T.tolist(), at_most=_REMEMBERED_MAX)
        return np.array(found, np.int8).reshape(len(texts), len(parts)).T

    def _read(self, column: str, texts: list[str | None], parts: Mapping[int, pl.Expr]) -> Verdict:
        """The same of free texts: their words looked for together, and the rest asked one by one."""
        told: dict[int, Yes]
        if len(texts) < FEW:
            told = dict.fromkeys(self.words.unmentioned(texts), np.zeros(len(texts), np.bool_))
        else:
            told = self.words.told(pl.Series(column, texts, dtype=pl.String), parts)
        missing = [place for place, text in enumerate(texts) if text is None]
        table = np.empty((len(parts), len(texts)), np.int8)
        for line, part in zip(table, parts, strict=True):
            if part in told:
                line[:] = told[part]
                line[missing] = UNTOLD
        rest = {part: judged for part, judged in parts.items() if part not in told}
        if rest:
            table[[place for place, part in enumerate(parts) if part in rest]] = _judged(column, texts, rest)
        return table


def _parts(term: Term) -> Iterator[Term]:
    if term.op in ("&&", "||", "!"):
        for part in term.parts:
            yield from _parts(part)
    elif term.kind is Kind.TRUTH and term.op != "literal":
        yield term


def _judged(column: str, texts: Sequence[str | None], parts: Mapping[int, pl.Expr]) -> Verdict:
    told = pl.DataFrame([pl.Series(column, texts, dtype=pl.String)]).select_seq(parts.values())
    return told.to_numpy().T


_TEXTS = frozenset(field.columns[0] for field in FIELDS.values() if field.kind is Kind.TEXT)

"""Which profiles can hit an item at all, told by the different texts in a batch and not by its rows.

A part of a condition that looks at one text alone, such as words in a description, is judged once for each text. A
profile that needs such a part to be true, where it is true of no text, is passed over. Commodity codes come again
and again, so their verdicts are remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from tidewaiter.law.in_force import InForce
from tidewaiter.model.batch import SCHEMA, Batch
from tidewaiter.risk.columns import expression
from tidewaiter.risk.fields import Kind
from tidewaiter.risk.meaning import Term

_REMEMBERED = "item.hs_code"
_REMEMBERED_MAX = 10_000
"""How many codes are remembered; past it, it begins anew."""

Verdicts = Mapping[int, tuple[bool, bool]]
"""By the identity of a part: whether it is true of some text in the batch, and whether it is false of some."""
Verdict = tuple[bool | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sieve:
    """The parts to judge, by the column they look at, and the codes judged so far."""

    parts: Mapping[str, Mapping[int, pl.Expr]]
    known: dict[str | None, Verdict] = field(default_factory=dict)

    @staticmethod
    def of(conditions: Iterable[Term], here: InForce) -> Sieve:
        """The sieve for these conditions, under the law over the rows of a batch."""
        parts: dict[str, dict[int, pl.Expr]] = {}
        for part in (part for condition in conditions for part in _parts(condition)):
            judged = expression(part, here)
            # Where law differs within the batch, by country or by day, a verdict is not of the text alone.
            match sorted(set(judged.meta.root_names())):
                case [column] if column in _TEXTS:
                    parts.setdefault(column, {})[id(part)] = judged.alias(str(id(part)))
        return Sieve(parts=parts)

    def verdicts(self, batch: Batch) -> Verdicts:
        """What the parts come to over the texts of the goods items of a batch."""
        found: dict[int, tuple[bool, bool]] = {}
        for column, parts in self.parts.items():
            texts = batch.apart("items", _TEXTS[column]).different
            judged = self._remembered(texts) if column == _REMEMBERED else _judged(column, texts, parts)
            found |= zip(parts, judged, strict=True)
        return found

    def _remembered(self, said: list[str | None]) -> list[tuple[bool, bool]]:
        parts = self.parts[_REMEMBERED]
        if new := [code for code in said if code not in self.known]:
            if len(self.known) + len(new) > _REMEMBERED_MAX:
                self.known.clear()
            frame = pl.DataFrame([pl.Series(_REMEMBERED, new, dtype=pl.String)])
            self.known.update(zip(new, frame.select_seq(parts.values()).iter_rows(), strict=True))
        verdicts = {self.known[code] for code in said}
        every = [{verdict[place] for verdict in verdicts} for place in range(len(parts))]
        return [(True in some, False in some) for some in every]


def may_hit(condition: Term, verdicts: Verdicts, *, be: bool = True) -> bool:
    """Whether the condition may be true (or false) of some item, for all that is known of the texts."""
    if condition.op == "!":
        return may_hit(condition.parts[0], verdicts, be=not be)
    if condition.op in ("&&", "||"):
        every = (condition.op == "&&") is be
        told = (may_hit(part, verdicts, be=be) for part in condition.parts)
        return all(told) if every else any(told)
    some_true, some_false = verdicts.get(id(condition), (True, True))
    return some_true if be else some_false


def _parts(term: Term) -> Iterator[Term]:
    if term.op in ("&&", "||", "!"):
        for part in term.parts:
            yield from _parts(part)
    elif term.kind is Kind.TRUTH and term.op != "literal":
        yield term


def _judged(column: str, texts: list[str | None], parts: Mapping[int, pl.Expr]) -> list[tuple[bool, bool]]:
    frame = pl.DataFrame([pl.Series(column, texts, dtype=pl.String)])
    return [(part.any(), not part.all()) for part in frame.select_seq(parts.values())]


_TEXTS = {f"item.{column}": column for column, dtype in SCHEMA["items"].items() if dtype == pl.String}

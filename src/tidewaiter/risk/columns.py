"""A condition as an expression over columns: true, false, or null where it cannot be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import and_, or_
from types import MappingProxyType

import polars as pl

from tidewaiter.law.in_force import InForce
from tidewaiter.model.money import MICRO
from tidewaiter.risk.fields import Kind
from tidewaiter.risk.meaning import Term


def expression(term: Term, law: InForce, told: Mapping[int | str, pl.Expr] = MappingProxyType({})) -> pl.Expr:
    """The term over a frame that has the columns of its fields, and `jurisdiction` and `accepted_on` for lists.

    `told` is where a part, by its identity, or a field, by its name, stands worked out already.
    """
    if id(term) in told:
        return told[id(term)]
    if term.op == "literal":
        return _literal(term)
    if term.field is not None:
        return told.get(term.field.name, term.field.expr)
    if term.op in ("in_named", "listed"):
        code = expression(term.parts[0], law, told)
        if term.op == "listed":
            holds = law.covers(str(term.value), code)
        else:
            holds = law.on_list(str(term.parts[1].value), code)
        # Law says no where there is no code, and a condition that it cannot tell.
        return pl.when(code.is_not_null()).then(holds)
    if term.op == "mentions":
        return _mentions(expression(term.parts[0], law, told), [part.words for part in term.parts[1:]])
    if term.op == "in":
        texts = pl.Series([part.value for part in term.parts[1].parts], dtype=pl.String)
        return expression(term.parts[0], law, told).is_in(texts.implode())
    return _OPERATIONS[term.op](term, [expression(part, law, told) for part in term.parts])


def _literal(term: Term) -> pl.Expr:
    if term.kind in (Kind.WHOLE, Kind.DECIMAL):
        return pl.lit(term.value, pl.Int64)
    return pl.lit(term.value)


def _wide(parts: list[pl.Expr]) -> list[pl.Expr]:
    return [part.cast(pl.Int128) for part in parts]


def _quotient(term: Term, parts: list[pl.Expr]) -> pl.Expr:
    """Cut toward nought. Polars gives null for a division by nought, and cuts downward: hence the signs."""
    above, below = _wide(parts)
    if all(part.low >= 0 for part in term.parts):
        return above // below
    return above.abs() // below.abs() * above.sign() * below.sign()


def _size(term: Term, parts: list[pl.Expr]) -> pl.Expr:
    count = parts[0].str.len_chars() if term.parts[0].kind is Kind.TEXT else parts[0].list.len()
    return count.cast(pl.Int64)


def _mentions(text: pl.Expr, words: list[tuple[str, ...]]) -> pl.Expr:
    """Whether the text has one of the words, in any case, when the phrases that mean no harm are taken out."""
    if len(words) > 1:
        text = text.str.replace_all(pattern(words[1]), " ")
    return text.str.contains(pattern(words[0]))


def pattern(words: tuple[str, ...]) -> str:
    """The regular expression for any of the words, whole and in any case.

    A script without blanks between words (it has no upper case either) is looked for anywhere.
    """
    return f"(?i){'|'.join(_pattern(word.strip()) for word in sorted(words, key=len, reverse=True))}"


def _pattern(word: str) -> str:
    edges = [r"\b" if c.isdigit() or c.lower() != c.upper() else "" for c in (word[0], word[-1])]
    return edges[0] + r"\s+".join(word.split()) + edges[1]


Operation = Callable[[Term, list[pl.Expr]], pl.Expr]

_OPERATIONS: dict[str, Operation] = {
    "&&": lambda _, parts: reduce(and_, parts),
    "||": lambda _, parts: reduce(or_, parts),
    "!": lambda _, parts: ~parts[0],
    "==": lambda _, parts: parts[0] == parts[1],
    "!=": lambda _, parts: parts[0] != parts[1],
    "<": lambda _, parts: parts[0] < parts[1],
    "<=": lambda _, parts: parts[0] <= parts[1],
    ">": lambda _, parts: parts[0] > parts[1],
    ">=": lambda _, parts: parts[0] >= parts[1],
    "in_field": lambda _, parts: pl.when(parts[0].is_not_null()).then(parts[1].list.contains(parts[0])),
    "+": lambda _, parts: _wide(parts)[0] + parts[1],
    "-": lambda _, parts: _wide(parts)[0] - parts[1],
    "*": lambda _, parts: _wide(parts)[0] * parts[1],
    "/": _quotient,
    "negative": lambda _, parts: pl.lit(0, pl.Int128) - parts[0],
    "decimal": lambda _, parts: _wide(parts)[0] * MICRO,
    "startsWith": lambda _, parts: parts[0].str.starts_with(parts[1]),
    "endsWith": lambda _, parts: parts[0].str.ends_with(parts[1]),
    "contains": lambda _, parts: parts[0].str.contains(parts[1], literal=True),
    "size": _size,
    "has": lambda _, parts: parts[0].is_not_null(),
}

"""The tables beside the code: which elements there are, of what form, and which rules hold between them.

`elements.csv` has the declarations CC315A and CC313A, `answers.csv` the answers, an element a row in the order of the
schema: the messages it stands in, its path, how often it may occur (and in the column `full` how often it did in the
full data set, where that differs), its form, the field of ours, and what it is. `forms.csv` has the forms by name;
those written as the trade writes them (an..35, n4) need none. `rules.csv` has a rule a row; see `rules`.

Facts (names, order, lengths, codes, conditions) are those of the schemas of version 11.2 for declarations and 10.0
for answers and of the rules that HMRC publishes with its intake of entry summary declarations; the words are ours.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from tidewaiter.formats.forms import Form, trade_form

DataSet = Literal["full", "reduced"]
"""The reduced set is the one that Great Britain asks for since 31 January 2025, the full one that of before."""

_FOLDER = Path(__file__).parent


class ElementRow(NamedTuple):
    """A row of `elements.csv` or `answers.csv`. `most` is None where there is no bound."""

    messages: frozenset[str]
    path: tuple[str, ...]
    least: int
    least_full: int
    most: int | None
    type: str
    field: str
    name: str


class RuleRow(NamedTuple):
    """A row of `rules.csv`."""

    code: str
    at: tuple[str, ...]
    data_set: str
    when: tuple[str, ...]
    must: tuple[str, ...]
    law: str
    error: str
    text: str
    remedy: str


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (_FOLDER / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _occurs(text: str) -> tuple[int, int | None]:
    least, _, most = text.partition("..")
    return int(least), int(most or least) if most != "*" else None


def _codes() -> frozenset[str]:
    names = set()
    for rule in RULES:
        for condition in (one for many in (*rule.when, *rule.must) for one in many.split("&")):
            path, _, test = condition.strip().partition(" ")
            word, *codes = test.split() or [""]
            if word in ("is", "is_not") or (word in ("in", "not_in") and len(codes) > 1):
                names.add(path.rpartition("/")[2])
    return frozenset(names)


def _elements(name: str) -> tuple[ElementRow, ...]:
    found = []
    for row in _rows(name):
        least, most = _occurs(row["occurs"])
        found.append(
            ElementRow(
                messages=frozenset(f"CC{number}A" for number in row["in"].split()),
                path=tuple(row["path"].split("/")),
                least=least,
                least_full=_occurs(row["full"])[0] if row["full"] else least,
                most=most,
                type=row["type"],
                field=row["field"],
                name=row["name"],
            )
        )
    return tuple(found)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


def form_of(type: str) -> Form:
    """The form of a type, by name or as the trade writes it: a2, n4, n4..8, an..35. Raises KeyError for others."""
    if type in _FORMS:
        return _FORMS[type]
    return trade_form(type)


_FORMS = {row["name"]: Form(row["form"], row["words"]) for row in _rows("forms.csv")}
ELEMENTS = _elements("elements.csv")
ANSWER_ELEMENTS = _elements("answers.csv")
RULES: tuple[RuleRow, ...] = tuple(
    RuleRow(
        code=row["code"],
        at=tuple(step for step in row["at"].split("/") if step),
        data_set=row["set"],
        when=_parts(row["when"]),
        must=_parts(row["must"]),
        law=row["law"],
        error=row["error"],
        text=row["text"],
        remedy=row["remedy"],
    )
    for row in _rows("rules.csv")
)
CODES = _codes()
"""The elements of which rules ask which of a few codes they are."""

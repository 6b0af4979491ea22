"""Conditions mean what the Common Expression Language says: its C++ runtime is asked the same, row by row.

Conditions are drawn, of what both can say: comparisons, sums and whole quotients, lists, the beginnings
and ends of texts, what is missing. A field that is missing is missing in its map, so it is an error there, and an
error is what is unknown here. Decimals are whole millionths there. Our answer is asked twice: of the rows, and with
what looks at one text judged for each text, as the corridor does it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import polars as pl
import pytest

from tidewaiter.law import load
from tidewaiter.law.in_force import InForce
from tidewaiter.model.batch import Apart
from tidewaiter.risk.columns import expression
from tidewaiter.risk.fields import FIELDS, Kind
from tidewaiter.risk.meaning import Term, understand
from tidewaiter.risk.sieve import UNTOLD, Judged, Sieve
from tidewaiter.risk.syntax import ConditionError, parse

cel = pytest.importorskip("cel_expr_python.cel")

CONDITIONS = 1_500
"""So many in the tests; `make oracle` draws ten thousand."""
TOGETHER = 500
ROWS = 24
SEED = 20_261_126
CODES = ("61", "6109", "61091000", "85", "8517", "95", "")
PLACES = ("CN", "VN", "DE", "GB", "XI")
TEXTS = {
    "item.hs_code": CODES, "item.origin_country": PLACES, "consignment.category": ("sale", "gift", "return"),
    "item.description": ("toy sword", "Knife", "刀", "", "cotton shirt é"),
}  # fmt: skip
DECIMALS = (
    "item.value", "item.net_mass", "consignment.gross_mass", "peers.price_per_kg_rank", "peers.price_per_kg_deviation",
    "past.consignee_72h_value",
)  # fmt: skip
WHOLES = (
    "consignment.item_count", "consignment.distinct_codes", "past.consignee_72h_count", "past.seller_age_d",
    "product.count",
)  # fmt: skip
SOURCES = ("item", "consignment", "past", "peers", "product")
LISTS = ("item.additional_procedures",)
TRUTHS = ("consignment.has_previous_document",)
COMPARE = ("==", "!=", "<", "<=", ">", ">=")


class Said(NamedTuple):
    """The same in our words and in those of the oracle."""

    ours: str
    cel: str


def _quoted(text: str) -> Said:
    return Said(f'"{text}"', f'"{text}"')


def _same(text: str) -> Said:
    return Said(text, text)


def _decimal(draw: random.Random, depth: int) -> Said:
    if depth and draw.random() < 0.3:
        left, right, sign = _decimal(draw, depth - 1), _decimal(draw, depth - 1), draw.choice("+-")
        return Said(f"({left.ours} {sign} {right.ours})", f"({left.cel} {sign} {right.cel})")
    if draw.random() < 0.5:
        return _same(draw.choice(DECIMALS))
    micro = draw.choice((0, 1, 500_000, 1_000_000, 12_500_000, draw.randrange(30_000_000)))
    return Said(f"{micro // 10**6}.{micro % 10**6:06d}", str(micro))


def _whole(draw: random.Random, depth: int) -> Said:
    if depth and draw.random() < 0.4:
        left, right, sign = _whole(draw, depth - 1), _whole(draw, depth - 1), draw.choice("+-*/")
        return Said(f"({left.ours} {sign} {right.ours})", f"({left.cel} {sign} {right.cel})")
    kind = draw.random()
    if kind < 0.4:
        return _same(draw.choice(WHOLES))
    return _same(f"size({draw.choice(list(TEXTS))})" if kind < 0.6 else str(draw.randrange(9)))


def _text(draw: random.Random) -> Said:
    name = draw.choice(list(TEXTS))
    return _same(name) if draw.random() < 0.7 else _quoted(draw.choice(TEXTS[name]))


def _truth(draw: random.Random, depth: int) -> Said:
    if depth and draw.random() < 0.75:
        if draw.random() < 0.2:
            part = _truth(draw, depth - 1)
            return Said(f"!({part.ours})", f"!({part.cel})")
        sign = draw.choice((" && ", " || "))
        parts = [_truth(draw, depth - 1) for _ in range(draw.randint(2, 3))]
        return Said(*(f"({sign.join(part[place] for part in parts)})" for place in (0, 1)))
    match draw.randrange(8):
        case 0 | 1:
            pair, sign = [_decimal(draw, 1), _decimal(draw, 1)], draw.choice(COMPARE)
        case 2:
            pair, sign = [_whole(draw, 2), _whole(draw, 2)], draw.choice(COMPARE)
        case 3:
            pair, sign = [_text(draw), _text(draw)], draw.choice(COMPARE)
        case 4:
            name = draw.choice(list(TEXTS))
            some = ", ".join(f'"{text}"' for text in draw.sample(TEXTS[name], 2))
            return _same(f"{name} in [{some}]")
        case 5:
            method = draw.choice(("startsWith", "endsWith", "contains"))
            name = draw.choice(list(TEXTS))
            return _same(f'{name}.{method}("{draw.choice(TEXTS[name])[:3]}")')
        case 6:
            return _same(f"has({draw.choice([*TEXTS, *DECIMALS, *WHOLES])})")
        case _:
            return _same(draw.choice([*TRUTHS, f'"{draw.choice(CODES)}" in {LISTS[0]}']))
    return Said(*(f"{pair[0][place]} {sign} {pair[1][place]}" for place in (0, 1)))


def _conditions(draw: random.Random) -> Iterator[tuple[Said, Term]]:
    """Conditions that look at a field and that we take: a number that could outgrow 128 bits is refused here."""
    while True:
        said = _truth(draw, 3)
        try:
            term = understand(parse(said.ours))
        except ConditionError as refused:
            if "could grow" not in str(refused):
                raise
            continue
        if term.fields():
            yield said, term


def _row(draw: random.Random) -> dict[str, Any]:
    """The fields of a goods item by name; what is missing is not there. Decimals are millionths."""
    row: dict[str, Any] = {name: draw.choice(texts) for name, texts in TEXTS.items()}
    row |= {name: draw.choice((0, 1, 500_000, 12_500_000, draw.randrange(30_000_000))) for name in DECIMALS}
    row |= {name: draw.randrange(9) for name in WHOLES}
    row |= {name: draw.random() < 0.5 for name in TRUTHS}
    if draw.random() < 0.5:  # the only one of these that may be below nought
        row["peers.price_per_kg_deviation"] *= -1
    kept = {name: value for name, value in row.items() if draw.random() < 0.8}
    return kept | {name: draw.sample(CODES, draw.randrange(3)) for name in LISTS}


def _nested(row: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {source: {} for source in SOURCES}
    for name, value in row.items():
        source, _, field = name.partition(".")
        found[source][field] = value
    return found


@dataclass(frozen=True)
class Frame:
    """Rows as columns, as the sieve asks for them."""

    frame: pl.DataFrame

    def apart(self, column: str) -> Apart:
        return Apart.of(self.frame[column])


def _framed(rows: list[dict[str, Any]]) -> pl.DataFrame:
    dtypes = {Kind.TEXT: pl.String(), Kind.TRUTH: pl.Boolean(), Kind.TEXTS: pl.List(pl.String())}
    columns = [
        pl.Series(
            FIELDS[name].columns[0], [row.get(name) for row in rows], dtype=dtypes.get(FIELDS[name].kind, pl.Int64())
        )
        for name in (*TEXTS, *DECIMALS, *WHOLES, *TRUTHS, *LISTS)
    ]
    size = len(rows)
    return pl.DataFrame(
        [*columns, pl.Series("jurisdiction", ["GB"] * size), pl.Series("accepted_on", [date(2026, 11, 2)] * size)]
    )


def _with_judged(terms: Sequence[Term], frame: pl.DataFrame, here: InForce) -> pl.DataFrame:
    """The answers with what looks at one text judged for each text and spread."""
    sieve, those = Sieve.of(terms, here), Frame(frame)
    judged = Judged(sieve, those)
    spread = []
    for part, column in sieve.columns.items():
        verdict = judged.verdict(part)[those.apart(column).which].tolist()
        spread.append(pl.Series(str(part), [None if yes == UNTOLD else yes == 1 for yes in verdict], dtype=pl.Boolean))
    told: dict[int | str, pl.Expr] = {part: pl.col(str(part)) for part in sieve.columns}
    return frame.hstack(spread).select(
        expression(term, here, told).alias(str(place)) for place, term in enumerate(terms)
    )


def compare(count: int) -> None:
    """So many drawn conditions, each over some rows."""
    draw = random.Random(SEED)
    here = InForce.over([("GB", (date(2026, 11, 2) - date(1970, 1, 1)).days)], load())
    environment = cel.NewEnv(variables=dict.fromkeys(SOURCES, cel.Type.DYN))
    conditions = _conditions(draw)
    compared = {True: 0, False: 0, None: 0}
    for _ in range(count // TOGETHER):
        rows = [_row(draw) for _ in range(ROWS)]
        some, terms = zip(*(next(conditions) for _ in range(TOGETHER)), strict=True)
        frame = _framed(rows)
        plain = frame.select(expression(term, here).alias(str(place)) for place, term in enumerate(terms))
        judged = _with_judged(terms, frame, here)
        activations = [environment.Activation(_nested(row)) for row in rows]
        for place, said in enumerate(some):
            compiled = environment.compile(said.cel)
            oracle = []
            for activation in activations:
                result = compiled.eval(activation)
                oracle.append(result.value() if result.type() == cel.Type.BOOL else None)
            for answer in oracle:
                compared[answer] += 1
            assert plain[str(place)].to_list() == oracle, said.ours
            assert judged[str(place)].to_list() == oracle, said.ours
    print(f"\n{count:,} conditions, {ROWS} rows each: {compared[True]:,} hits, {compared[None]:,} unknown, all alike")
    assert min(compared.values()) > count


def test_conditions_mean_what_the_language_says() -> None:
    compare(CONDITIONS)

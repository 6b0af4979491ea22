"""Which measure of a tariff holds: worked out for many goods at once, by many at a time, as one would read it."""

from __future__ import annotations

import importlib.util
import pickle
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from both_ways import compiled
from tidewaiter import pipeline
from tidewaiter.assessment import assess
from tidewaiter.cli import bench
from tidewaiter.law.loading import load  # each time one that nobody asked before
from tidewaiter.law.measures import ENDED, NO_MEASURE, Measures
from tidewaiter.law.sorts import Sorts
from tidewaiter.law.tariff import TARIFF
from tidewaiter.model.batch import Batch
from tidewaiter.model.past import Past

CODES = ("", "61", "6109", "610910", "610990", "62", "6203")
ORIGINS = ("", "CN", "DE", "ZM")
DAYS = range(-3, 12)


class Row(NamedTuple):
    """A measure in a tariff, days counted from 1970."""

    code: str
    origin: str
    excluded: tuple[str, ...]
    known_from: int | None
    since: int
    until: int | None
    is_end: bool


ROWS = st.lists(
    st.builds(
        Row,
        code=st.sampled_from(CODES),
        origin=st.sampled_from(ORIGINS),
        excluded=st.sampled_from([(), (), ("CN",), ("DE", "FR")]),
        known_from=st.sampled_from([None, -2, 0, 3]),
        since=st.integers(-2, 9),
        until=st.none() | st.integers(0, 10),
        is_end=st.booleans(),
    ),
    max_size=12,
)


def frame_of(rows: list[Row]) -> pl.DataFrame:
    written = [
        {
            "schedule": "zz", "code": row.code, "origin": row.origin, "excluded": list(row.excluded), "kind": "duty",
            "additional_code": "", "claim": "", "since": row.since, "until": row.until, "known_from": row.known_from,
            "rate": ENDED if row.is_end else "5 %", "measure": "", "source": "", "confidence": "firm",
        }
        for row in rows
    ]  # fmt: skip
    days = {name: pl.Int32() for name in ("since", "until", "known_from")}
    return pl.DataFrame(written, schema={**TARIFF, **days}).cast(TARIFF).with_row_index("number")


def _end(row: Row) -> int:
    return 100 if row.until is None else row.until


def as_read(rows: list[Row], code: str, origin: str, day: int) -> int:
    """The number of the measure that holds, as one would find it by hand."""
    for length in range(len(code), -1, -1):
        for of in dict.fromkeys((origin, "")):
            its = [
                (-10 if row.known_from is None else row.known_from, row.since, _end(row), number)
                for number, row in enumerate(rows)
                if (row.code, row.origin) == (code[:length], of) and origin not in row.excluded
                if row.since <= day < _end(row)
            ]
            if its:
                # What was known last decides, then what began last, then what ends last; of two ends either is one.
                last = max(its, key=lambda one: (one[:3], -2 if rows[one[3]].is_end else one[3]))
                if not rows[last[3]].is_end:
                    return last[3]
    return NO_MEASURE


@given(rows=ROWS, seed=st.integers(0, 99))
@settings(max_examples=150, deadline=None)
def test_measures_hold_as_one_reads_them(rows: list[Row], seed: int) -> None:
    codes: list[str | None] = [*CODES[1:], "6", "6109100010", "63", None]
    goods = [(code, origin, day) for code in range(len(codes)) for origin in range(4) for day in DAYS]
    random.Random(seed).shuffle(goods)
    held, sorts = Measures(frame_of(rows)), Sorts()
    ways = [True, False] if importlib.util.find_spec("numba") else [False]

    for some in (goods[:5], goods):
        which, origin, day = (np.array(column, np.int64) for column in zip(*some, strict=True))
        numbers = sorts.numbers(which, codes, origin, ORIGINS)
        expected = [as_read(rows, codes[c] or "", ORIGINS[o], d) for c, o, d in some]
        for by_kernel in ways:
            with compiled(is_ready=by_kernel):
                assert held.of("duty", sorts, numbers, day).tolist() == expected

    stretches = held.stretches("duty", "6109100010", "CN")
    found = [next((n for since, until, n in stretches if since <= day < until), NO_MEASURE) for day in DAYS]
    assert found == [as_read(rows, "6109100010", "CN", day) for day in DAYS]


@pytest.mark.parametrize("is_ready", [False, True])
def test_many_who_ask_at_once_are_told_the_same_as_one_after_the_other(*, is_ready: bool) -> None:
    """Lodging and quoting assess on threads of their own, under one law, and meet codes for the first time together."""
    if is_ready:
        pytest.importorskip("numba", reason="without numba there is no kernel")
    frame = load().tariff.frame
    codes = frame.filter(pl.col("schedule") == "zz")["code"].unique().sort().to_list()
    draw = random.Random(7)
    made = bench.consignments(1_600)
    parcels = [
        msgspec.structs.replace(
            one,
            jurisdiction="ZZ",
            items=tuple(
                msgspec.structs.replace(
                    item,
                    hs_code=(draw.choice(codes) + f"{draw.randrange(10**8):08d}")[:10],
                    origin_country=draw.choice(["CN", "NZ", "ZM", "FJ", "DE", "US", "JP", "KR", "IN", "VN"]),
                )
                for item in one.items
            ),
        )
        for one in made
    ]
    batches = [Batch.of(parcels[at : at + 100]) for at in range(0, len(parcels), 100)]

    with compiled(is_ready=is_ready), ThreadPoolExecutor(16) as pool:
        alone = [assess(batch, law).charges for law in [load()] for batch in batches]
        for law in (load(), load()):
            before = sys.getswitchinterval()
            sys.setswitchinterval(1e-6)
            try:
                together = list(pool.map(assess, batches, repeat(law)))
            finally:
                sys.setswitchinterval(before)
            assert all(one.charges.equals(other) for one, other in zip(together, alone, strict=True))
    assert sum(one.height for one in alone) > 3_000


def test_law_that_was_asked_by_all_of_the_corridor_goes_to_another_process() -> None:
    law, batch = load(), Batch.of(bench.consignments(50))
    before = pipeline.clear(batch, law, Past())
    again = pickle.loads(pickle.dumps(law))

    assert assess(batch, again).charges.equals(assess(batch, law).charges)
    assert pipeline.clear(batch, again, Past()).decisions.equals(before.decisions)
    assert assess(Batch.of(bench.consignments(80)), again).charges.height > assess(batch, law).charges.height


def test_where_too_many_sorts_were_met_numbering_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    law, batches = load(), [Batch.of(bench.consignments(size)) for size in (20, 50, 80)]
    before = [assess(batch, law).charges for batch in batches]
    monkeypatch.setattr("tidewaiter.law.sorts._SORTS_MAX", 3)
    first = law.tariff.sorts

    for _ in range(2):
        assert all(assess(batch, law).charges.equals(one) for batch, one in zip(batches, before, strict=True))
    assert law.tariff.sorts is not first

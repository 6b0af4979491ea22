"""A text sheet cut into lines and cells by the kernel is the sheet cut by columns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tidewaiter.formats.csv import cutting
from tidewaiter.formats.csv.cutting import Cut, cut

pytest.importorskip("numba", reason="without numba there is no kernel")
BITS = ["A", "12.50", " ", "'", "=", '"', '""', ",", ",", ";", "\t", "\n", "\n", "\r\n", "\r", "\x00", "\x7f", "\x0b"]
BEYOND = ["é", "漢字", "\x85", "\xa0", "\u2028", "\u202e", "😀"]
GOOD = ["A,B,C\n", "1,2,3\n", '"a, b",2,""\r\n', ",,\n", "'1, 2 ,=3\n", "é,漢字,\xa0z\n"]


@pytest.fixture(autouse=True, scope="module")
def _ready() -> Iterator[None]:
    was = list(cutting._COMPILED)
    assert cutting.ready()
    yield
    cutting._COMPILED[:] = was


def both(body: str, separator: str, width: int) -> tuple[Cut | None, Cut | None]:
    """The sheet cut by the kernel, and by columns."""
    by_kernel = cut(body.encode(), separator, width)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(cutting, "_COMPILED", [])
        return by_kernel, cut(body.encode(), separator, width)


@settings(max_examples=400, deadline=None)
@example(bits=["A,B,C\n", '"', "1,2,3\n", "1,2,3\n"], separator=",", width=3)
@example(bits=['"a"', "\r", "\n"], separator=",", width=2)
@example(bits=["A,", "x" * (cutting.LINE_MAX + 1), ",C\n", "1,2,3\n"], separator=",", width=3)
@given(
    bits=st.lists(st.sampled_from([*BITS, *BITS, *BEYOND, *GOOD, *GOOD]), min_size=1, max_size=40),
    separator=st.sampled_from([",", ",", ";", "\t"]),
    width=st.sampled_from([2, 3, 3]),
)
def test_any_lines_cut_by_the_kernel_are_those_cut_by_columns(bits: list[str], separator: str, width: int) -> None:
    by_kernel, by_columns = both("".join(bits), separator, width)

    if by_kernel is None or by_columns is None:
        assert by_kernel is by_columns
        return
    for name, one, other in zip(Cut._fields, by_kernel, by_columns, strict=True):
        assert np.array_equal(np.asarray(one), np.asarray(other)) if isinstance(one, np.ndarray) else one == other, name


def test_many_lines_below_many_headings_take_no_more_room_than_the_sheet() -> None:
    lines = "," * 20_000 + "\n" + "\n" * 200_000
    by_kernel, by_columns = both(lines, ",", 20_001)

    assert by_kernel is not None
    assert by_columns is not None
    assert np.array_equal(by_kernel.starts, by_columns.starts)
    assert by_kernel.starts.shape == (1, 20_001)


def test_plain_lines_are_cut_by_the_kernel_where_they_stand() -> None:
    found, _ = both('A,B\nred,"a, cup"\r\n,\n"", 7 \n', ",", 2)

    assert found is not None
    assert not found.others
    assert [
        [found.padded[start:end].decode() for start, end in zip(*row, strict=True)]
        for row in zip(found.starts.tolist(), found.ends.tolist(), strict=True)
    ] == [["A", "B"], ["red", "a, cup"], ["", ""], ["", "7"]]

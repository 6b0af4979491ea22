"""Texts of a message made into a column by Arrow are those that Polars cuts out one by one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewaiter.formats import spans

pytest.importorskip("numba", reason="without numba texts are not made sooner")
pytest.importorskip("pyarrow", reason="without pyarrow texts are not made sooner")


@pytest.fixture(autouse=True, scope="module")
def _ready() -> Iterator[None]:
    was = list(spans._COMPILED)
    assert spans.ready()
    yield
    spans._COMPILED[:] = was


@given(
    parts=st.lists(st.text(max_size=20), min_size=1, max_size=12),
    picks=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), min_size=1, max_size=20),
    whole=st.sampled_from([np.int32, np.int64]),
)
def test_any_stretches_of_a_message_are_the_same_texts_either_way(
    parts: list[str], picks: list[tuple[int, int]], whole: type[np.int32 | np.int64]
) -> None:
    bounds = np.cumsum([0, *(len(part.encode()) for part in parts)])
    message = "".join(parts).encode()
    pairs = [sorted((low % len(bounds), high % len(bounds))) for low, high in picks]
    starts, ends = (np.array([bounds[pair[side]] for pair in pairs], whole) for side in (0, 1))

    sooner = spans.texts(message, starts, ends)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(spans, "_COMPILED", [])
        one_by_one = spans.texts(message, starts, ends)

    assert sooner.to_list() == one_by_one.to_list()
    assert sooner.to_list() == [message[start:end].decode() for start, end in zip(starts, ends, strict=True)] + [None]


def test_a_column_of_texts_outlives_what_it_was_made_of() -> None:
    made = [spans.texts(b"PARCEL%06d" % number, np.zeros(3, np.int64), np.full(3, 12)) for number in range(200)]

    assert [one[2] for one in made] == [f"PARCEL{number:06d}" for number in range(200)]

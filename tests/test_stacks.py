"""Texts of records that have as many each: told apart at one place, and those that stand together at several."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tidewaiter.formats.stacks import Alike, Texts, numbered

words = st.sampled_from(["a", "b", "bb", "ccc", "Ω"])
tables = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.lists(words, min_size=width, max_size=width), min_size=1, max_size=12)
)


def alike(records: list[list[str]]) -> Alike:
    """The records, the last of them first among all texts."""
    texts = [word for record in reversed(records) for word in record]
    different, which = numbered(texts)
    firsts = np.arange(len(records))[::-1] * len(records[0])
    return Alike(Texts(which, different), firsts, len(records[0]))


@given(tables, st.data())
def test_what_stands_together_is_told_apart(records: list[list[str]], data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, len(records[0]) - 1), max_size=4))
    told, which = alike(records).together(places)

    assert [told[one] for one in which.tolist()] == [tuple(record[place] for place in places) for record in records]
    assert len(set(told)) == len(told)


@given(tables, st.integers(0, 4))
def test_each_place_is_as_it_was(records: list[list[str]], length: int) -> None:
    texts = alike(records)
    for place, column in enumerate(zip(*records, strict=True)):
        told, which = texts.different(place)

        assert [told[one] for one in which.tolist()] == list(column)
        assert len(set(told)) == len(told)
        assert texts.are_longer(place, length) == any(len(word) > length for word in column)
        assert [texts.texts.words[one] for one in texts.which(place).tolist()] == list(column)

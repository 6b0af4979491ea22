"""What was worked out is kept for the next time, whoever else asks or makes room meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tidewaiter.model.keeping import kept, kept_each


def test_what_was_made_once_is_not_made_again() -> None:
    known: dict[str, int | None] = {}
    made: list[str] = []

    def making(key: str, value: int | None) -> Callable[[], int | None]:
        return lambda: made.append(key) or value  # type: ignore[func-returns-value]

    assert [kept(known, key, making(key, value), at_most=10) for key, value in (("a", 1), ("b", None)) * 2] == [
        1, None, 1, None,
    ]  # fmt: skip
    assert made == ["a", "b"]


@pytest.mark.parametrize("at_most", [0, 1, 2, 5, 100])
def test_however_little_room_there_is_each_is_answered(at_most: int) -> None:
    known: dict[int, int] = {}
    asked: list[list[int]] = []

    def squares(of: list[int]) -> Sequence[int]:
        asked.append(of)
        return [one * one for one in of]

    for keys in ([1, 2, 3, 2], [3, 4], [], [1, 2, 3, 4, 5, 6]):
        assert kept_each(known, keys, squares, at_most=at_most) == [one * one for one in keys]
        assert len(known) <= max(at_most, 0)
    assert asked[0] == [1, 2, 3]
    assert kept(known, 7, lambda: 49, at_most=max(at_most, 1)) == 49


def test_an_answer_stands_though_another_thread_makes_room_while_it_is_made() -> None:
    known = {1: 1, 2: 4}

    def forgetting(of: list[int]) -> Sequence[int]:
        known.clear()
        return [one * one for one in of]

    assert kept_each(known, [1, 2, 3], forgetting, at_most=10) == [1, 4, 9]
    assert kept(known, 5, lambda: known.clear() or 25, at_most=10) == 25  # type: ignore[func-returns-value]

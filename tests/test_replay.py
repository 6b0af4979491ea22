"""A slice of `make replay`: the same again has no effect, and what was altered is told what it conflicts with."""

from __future__ import annotations

import asyncio
import os

from replay import replay
from tidewaiter.law import Law

MESSAGES = int(os.environ.get("REPLAY_MESSAGES", "300"))


def test_a_day_replayed_twice_with_a_tenth_altered_has_no_second_effect(database_url: str, law: Law) -> None:
    result = asyncio.run(replay(MESSAGES, 7, url=database_url, law=law))

    assert result.is_right, result
    assert {"key taken", "unreadable", "conflict"} <= result.outcomes.keys(), "the slice must show each"


def test_where_a_repeat_is_not_looked_for_a_replay_finds_it(database_url: str, law: Law) -> None:
    result = asyncio.run(replay(20, 7, url=database_url, law=law, mutant="a repeat is not looked for"))

    assert result.unexpected > 0
    assert not result.is_right

"""A slice of the races of `make races`, and that a safeguard left out is found by them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest

from races import CONTENDERS, MUTANTS, Contenders, races
from races_kinds import KINDS
from tidewaiter.law import Law

RACES = int(os.environ.get("RACES", "40"))
ROUNDS_MAX = 10
"""On a busy machine the sixteen may come one after the other, and then a safeguard is not missed."""


@pytest.fixture(scope="module")
def contenders() -> Iterator[Contenders]:
    made = Contenders()
    yield made
    made.close()


@pytest.mark.parametrize("kind", KINDS)
def test_of_sixteen_who_want_the_same_at_once_one_gets_it(
    kind: str, database_url: str, law: Law, contenders: Contenders
) -> None:
    result = asyncio.run(races(kind, RACES, url=database_url, law=law, contenders=contenders))

    assert result.is_right, result
    assert sum(result.told.values()) == RACES * CONTENDERS


@pytest.mark.parametrize(("kind", "mutant"), MUTANTS.items())
def test_without_the_safeguard_a_race_has_two_effects(
    kind: str, mutant: str, database_url: str, law: Law, contenders: Contenders
) -> None:
    for _ in range(ROUNDS_MAX):
        result = asyncio.run(races(kind, 6, url=database_url, law=law, contenders=contenders, mutant=mutant))
        if result.double:
            break

    assert result.double > 0
    # What was given back twice is no more than was paid, so that of a refund only the count of effects can tell.
    assert result.breaches or kind == "refund"

"""`make screen`: labelled pairs, the list of the United Nations against 100,000 others, and the speed. Minutes long."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidewaiter.cli import bench_screen
from tidewaiter.cli.made_names import mildly, miswritten, others

DATA = Path(__file__).parents[2] / "shared/data/reference/denied_parties"
COUNT = 100_000

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the reference data are not here")


@needs_data
def test_labelled_pairs() -> None:
    told = bench_screen.labelled_pairs(DATA / "name_matching/name_pairs.csv")
    print(f"\n{told.pairs} pairs: AUC {told.auc}, F1 {told.f1}; half: AUC {told.auc_held:.3f}, {told.f1_held:.3f}")

    assert (told.auc.value >= 0.86, told.auc_held >= 0.86) == (True, True)
    assert (told.f1.value >= 0.79, told.f1_held >= 0.79) == (True, True)


@needs_data
def test_the_list_of_the_united_nations() -> None:
    listed = bench_screen.united_nations(DATA)
    mild, harsh = (bench_screen.screened(listed, COUNT, write) for write in (mildly, miswritten))
    print(f"\nmildly miswritten: {mild}\nharshly miswritten: {harsh}")

    assert mild.recall_at_fpr >= 0.99
    assert harsh.recall_at_fpr >= 0.99


def test_the_speed() -> None:
    names = bench_screen.real_names(DATA, 50_000) if DATA.is_dir() else others(50_000, seed=4)
    best = max((bench_screen.speed(names, 10_000) for _ in range(3)), key=lambda one: one.a_second)
    print(f"\n{best}")

    assert best.a_second >= 5_000

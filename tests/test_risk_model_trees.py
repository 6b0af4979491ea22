"""What a model of risk is made of: trees as columns and their reasons, rates of kinds, chances."""

from __future__ import annotations

import itertools
from math import comb
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewaiter.risk.model.calibration import calibrated
from tidewaiter.risk.model.rates import rates
from tidewaiter.risk.model.trees import Trees
from tidewaiter.services import fitting


def rng(seed: int = 4) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def noisy(rows: int, columns: int, seed: int = 1) -> tuple[Any, Any]:
    """Figures of which a fifth is not known, and what depends on some of them."""
    draw = rng(seed)
    figures = draw.normal(size=(rows, columns))
    figures[:, 1] = np.round(figures[:, 1] * 2)
    wrong = figures[:, 0] + figures[:, 1] * figures[:, 2] + draw.normal(size=rows) > 1
    figures[:, : columns - 1][draw.random((rows, columns - 1)) < 0.2] = np.nan
    return figures, wrong.astype(np.float64)


# Trees


@pytest.fixture(scope="module")
def lightgbm() -> Any:
    return pytest.importorskip("lightgbm", reason="LightGBM is not installed", exc_type=ImportError)


def test_scores_and_reasons_are_those_of_lightgbm(lightgbm: Any) -> None:
    figures, wrong = noisy(3_000, 12)
    booster = lightgbm.train(fitting.PARAMETERS, lightgbm.Dataset(figures, wrong), 60)
    trees = fitting.as_columns(booster.dump_model()["tree_info"])
    asked, _ = noisy(500, 12, seed=2)
    asked[:, -1][::3] = np.nan  # a figure that no example lacked
    theirs = booster.predict(asked, pred_contrib=True)
    expected, adds = trees.contributions(asked)

    np.testing.assert_allclose(trees.scores(asked), booster.predict(asked, raw_score=True), atol=1e-12)
    np.testing.assert_allclose(adds, theirs[:, :-1], atol=1e-12)
    np.testing.assert_allclose(expected, theirs[0, -1], atol=1e-12)


def tree(**what: Any) -> Trees:
    """If the first figure is above nought, or the second above one where it is not: 1, else nought."""
    columns: dict[str, Any] = {
        "roots": (0,), "feature": (0, 1, -1, -1, -1), "threshold": (0.0, 1.0, 0.0, 0.0, 0.0),
        "missing_left": (True, False, False, False, False), "left": (1, 2, 0, 0, 0), "right": (4, 3, 0, 0, 0),
        "value": (0.0, 0.0, 0.0, 1.0, 1.0), "cover": (100, 60, 45, 15, 40),
    }  # fmt: skip
    return Trees(**columns | what)


def test_reasons_are_shapley_values_reckoned_by_hand() -> None:
    trees = tree()
    expected, [adds] = trees.contributions(np.array([[1.0, 0.0]]))

    # The mean: 40 of 100 by the first, of the other 60 a quarter by the second. Told the first alone it is 1; told the
    # second alone, the 40 of 100 that go right whatever it is.
    assert expected == pytest.approx(0.4 + 0.6 * 0.25)
    assert adds == pytest.approx([((1 - 0.55) + (1 - 0.4)) / 2, ((0.4 - 0.55) + (1 - 1)) / 2])
    assert trees.scores(np.array([[1.0, 0.0], [np.nan, np.nan], [-1.0, 1.0], [np.nan, 1.1]])).tolist() == [1, 1, 0, 1]


def by_hand(trees: Trees, row: Any) -> list[float]:
    """Shapley values by all orders of figures, from what trees say when some are left out."""

    def told(node: int, known: frozenset[int]) -> float:
        feature = trees.feature[node]
        if feature < 0:
            return trees.value[node]
        left, right = trees.left[node], trees.right[node]
        if feature in known:
            unknown = np.isnan(row[feature])
            goes_left = trees.missing_left[node] if unknown else row[feature] <= trees.threshold[node]
            return told(left if goes_left else right, known)
        share = trees.cover[left] / trees.cover[node]
        return share * told(left, known) + (1 - share) * told(right, known)

    def value(known: frozenset[int]) -> float:
        return sum(told(root, known) for root in trees.roots)

    count = len(row)
    found = []
    for own in range(count):
        others = [name for name in range(count) if name != own]
        found.append(
            sum(
                (value(frozenset({*some, own})) - value(frozenset(some))) / count / comb(count - 1, size)
                for size in range(count)
                for some in itertools.combinations(others, size)
            )
        )
    return found


def test_reasons_are_shapley_values_by_all_sets_of_figures(lightgbm: Any) -> None:
    figures, wrong = noisy(800, 5)
    trees = fitting.as_columns(
        lightgbm.train(fitting.PARAMETERS, lightgbm.Dataset(figures, wrong), 6).dump_model()["tree_info"]
    )
    asked, _ = noisy(12, 5, seed=3)
    _, adds = trees.contributions(asked)

    np.testing.assert_allclose(adds, [by_hand(trees, row) for row in asked], atol=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [
        {"left": (0, 2, 0, 0, 0)}, {"right": (9, 3, 0, 0, 0)}, {"right": (1, 3, 0, 0, 0)}, {"roots": (1,)},
        {"roots": ()}, {"roots": (0, 4)}, {"value": (0.0,)}, {"threshold": (float("nan"), 1.0, 0.0, 0.0, 0.0)},
        {"value": (0.0, 0.0, 0.0, float("inf"), 1.0)}, {"cover": (100, 60, 45, 15, -40)}, {"left": (-4, 2, 0, 0, 0)},
        {"feature": (), "threshold": (), "missing_left": (), "left": (), "right": (), "value": (), "cover": ()},
    ],
)  # fmt: skip
def test_columns_that_make_no_trees_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"trees|number"):
        tree(**wrong)


def chain(features: list[int]) -> dict[str, Any]:
    """A tree that asks for one figure after another, and goes on to the right."""
    size = len(features)
    inner, end = [-1 if place % 2 else features[place // 2] for place in range(2 * size)], [-1]
    return {
        "roots": (0,), "feature": (*inner, *end), "threshold": (0.0,) * (2 * size + 1),
        "missing_left": (False,) * (2 * size + 1), "value": (0.0,) * (2 * size + 1), "cover": (9,) * (2 * size + 1),
        "left": tuple(0 if one < 0 else place + 1 for place, one in enumerate((*inner, *end))),
        "right": tuple(0 if one < 0 else place + 2 for place, one in enumerate((*inner, *end))),
    }  # fmt: skip


def test_trees_whose_reasons_could_not_be_reckoned_are_refused() -> None:
    assert Trees(**chain([0, 1] * 4)).deepest == 2
    with pytest.raises(ValueError, match="different figures"):
        Trees(**chain(list(range(9))))
    with pytest.raises(ValueError, match="too deep"):
        Trees(**chain(list(range(8)) * 5_000))


# Rates, chances


KINDS = pl.DataFrame({"code": ["610910", "610910", "640411", None] * 30, "origin": ["CN", "BD", "CN", "CN"] * 30})
CHAIN = {"goods": (("code",), ("code", "origin"))}


@settings(max_examples=20, deadline=None)
@given(wrong=st.lists(st.booleans(), min_size=120, max_size=120), place=st.integers(0, 119))
def test_an_example_is_never_told_its_own_result(wrong: list[bool], place: int) -> None:
    other = [not one if at == place else one for at, one in enumerate(wrong)]
    one, two = (
        rates(KINDS, pl.Series(told), CHAIN).told_of_others(KINDS, pl.Series(told))[place] for told in (wrong, other)
    )

    assert one.equals(two)


def test_a_rare_kind_says_what_the_wider_one_does_and_an_unknown_one_what_all_do() -> None:
    wrong = pl.Series([code == "610910" for code in KINDS["code"]])
    held = rates(KINDS, wrong, CHAIN)
    asked = pl.DataFrame({"code": ["610910", "610910", "999999"], "origin": ["CN", "FR", "FR"]})
    told = held.told(asked)

    assert told.columns == ["rate.goods.0", "rate.goods.1", "rate.goods.seen"]
    assert told["rate.goods.seen"].to_list() == [30, 0, 0]
    known, wider, unknown = told["rate.goods.1"].to_list()
    assert known > wider > unknown
    assert wider == told["rate.goods.0"][1]
    assert unknown == pytest.approx(0.5)


def test_chances_come_true_among_random_picks_whatever_else_was_inspected() -> None:
    draw = rng()
    odds = draw.normal(-4, 1.5, 20_000)
    wrong = draw.random(20_000) < 1 / (1 + np.exp(-odds))
    # Trees that learnt from what was chosen for its looks say too much, and too boldly.
    scores = (odds + 3) * 0.6
    held = calibrated(scores, wrong.astype(np.float64), np.ones(20_000))
    chances = held.chances(scores)

    assert chances.mean() == pytest.approx(wrong.mean(), rel=0.05)
    highest = np.argsort(-chances)[:1_000]
    assert chances[highest].mean() == pytest.approx(wrong[highest].mean(), rel=0.1)
    assert held.slope == pytest.approx(1 / 0.6, rel=0.1)


def test_even_picks_told_apart_wholly_give_chances_that_are_neither_nought_nor_one() -> None:
    held = calibrated(np.array([-1.0] * 95 + [1.0] * 5), np.array([0.0] * 95 + [1.0] * 5), np.ones(100))

    low, high = held.chances(np.array([-1.0, 1.0]))

    assert 0 < low < 0.05
    assert 0.4 < high < 1

"""Decision trees that were learnt elsewhere, as plain columns: their score for many rows, and its exact reasons.

A row walks each tree from its root to a leaf; its score is the sum of the leaves' values, in log-odds. A figure that is
not known goes the way that was learnt for it. Only figures are compared, never categories.

Reasons are Shapley values as TreeSHAP defines them (Lundberg and others, Nature Machine Intelligence 2 (2020) 56-67,
algorithm 1, path dependent): what a row does not tell is weighed by how many examples went each way. A leaf is reached
where each figure of its path lies between two bounds. So which of them do is a pattern of bits, and what each figure
adds follows from the pattern alone: it is worked out once for each leaf and pattern, and then looked up.
"""

from __future__ import annotations

from functools import cached_property
from math import factorial, isfinite
from typing import NamedTuple, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from tidewaiter.model.exact import Yes

Matrix: TypeAlias = npt.NDArray[np.float64]
"""A row a consignment, a column a feature; NaN where a figure is not known."""
Ints: TypeAlias = npt.NDArray[np.int64]

NODES_MAX = 200_000
PATH_MAX = 8
"""No path may ask for more different figures than this: the patterns of a leaf double with each."""
PATTERNS_MAX = 8_000_000
"""Leaves and patterns together are no more than this: a few hundred megabytes."""
_TOGETHER = 100_000
"""So many places of rows in trees are kept at once, so that they stay in the cache."""


class Trees(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Columns of nodes, each tree's before those of the next, children after their parents.

    `feature` is the column that a node asks for, -1 in a leaf; left go figures up to `threshold`, and those not known
    where `missing_left`. In a leaf `left` and `right` are nought and `value` counts. `cover` says how many examples
    came by. Raises ValueError where the columns make no trees.
    """

    roots: tuple[int, ...]
    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    missing_left: tuple[bool, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]
    cover: tuple[int, ...]

    def __post_init__(self) -> None:
        size = len(self.feature)
        columns = (self.threshold, self.missing_left, self.left, self.right, self.value, self.cover)
        if not 0 < size <= NODES_MAX or any(len(column) != size for column in columns):
            raise ValueError("the columns of the trees are not of one length, or there are none or too many nodes")
        if not all(map(isfinite, (*self.threshold, *self.value))) or min(self.cover) < 0:
            raise ValueError("a threshold or a value is no number, or a cover less than nothing")
        children = [
            child
            for place, feature in enumerate(self.feature)
            if feature >= 0
            for child in (self.left[place], self.right[place])
            if place < child < size
        ]
        inner = sum(feature >= 0 for feature in self.feature)
        if len(children) != 2 * inner or sorted((*children, *self.roots)) != list(range(size)):
            raise ValueError("the nodes make no trees")
        if self.feature.count(-1) << self.deepest > PATTERNS_MAX:
            raise ValueError("the trees are too deep for their reasons to be reckoned")

    @cached_property
    def deepest(self) -> int:
        """The most different figures that a path asks for, one at the least. Raises ValueError above PATH_MAX."""
        asked: list[frozenset[int]] = [frozenset()] * len(self.feature)
        # Parents stand before their children.
        for place, feature in enumerate(self.feature):
            if feature < 0:
                continue
            both = asked[place] | {feature}
            if len(both) > PATH_MAX:
                raise ValueError(f"a path of the trees asks for more than {PATH_MAX} different figures")
            asked[self.left[place]] = asked[self.right[place]] = both
        return max(1, *(len(one) for one in asked))

    @cached_property
    def feature_count(self) -> int:
        """One more than the last column that is asked for."""
        return max(self.feature) + 1

    def scores(self, matrix: Matrix) -> Matrix:
        """The score of each row, in log-odds."""
        walk = self._walk
        found = np.zeros(len(matrix))
        step = max(1, _TOGETHER // len(self.roots))
        for begin in range(0, len(matrix), step):
            some = matrix[begin : begin + step]
            figures, own = some.ravel(), np.arange(len(some))[:, None] * matrix.shape[1]
            at = np.tile(walk.roots, (len(some), 1))
            for _ in range(walk.depth):
                figure = figures.take(own + walk.feature.take(at))
                # Nothing that is not known lies above a threshold, nor up to it.
                goes_right = (figure > walk.threshold.take(at)) | (walk.missing_right.take(at) & np.isnan(figure))
                at = walk.children.take(2 * at + goes_right)
            found[begin : begin + step] = walk.value.take(at).sum(axis=1)
        return found

    def contributions(self, matrix: Matrix) -> tuple[float, Matrix]:
        """What is expected of a row that tells nothing, and what each figure of each row adds to that: with it, the row
        adds up to its score. Of the shape of the matrix."""
        boxes = self._boxes
        width = matrix.shape[1]
        found = np.zeros((len(matrix), width))
        asked = boxes.feature.ravel()
        for place, row in enumerate(matrix):
            figure = row.take(boxes.feature)
            inside = (figure > boxes.low) & (figure <= boxes.high)
            inside |= boxes.missing & np.isnan(row).take(boxes.feature)
            pattern = np.packbits(inside, axis=0, bitorder="little")[0]
            adds = boxes.adds.take(boxes.begin + pattern, axis=0)
            found[place] = np.bincount(asked, weights=adds.T.ravel(), minlength=width)
        return boxes.expected, found

    @cached_property
    def _walk(self) -> _Walk:
        feature = np.array(self.feature, np.int64)
        own = np.arange(len(feature))
        is_leaf = feature < 0
        depth = np.zeros(len(feature), np.int64)
        for place in np.flatnonzero(~is_leaf).tolist():
            depth[[self.left[place], self.right[place]]] = depth[place] + 1
        return _Walk(
            roots=np.array(self.roots, np.int64),
            feature=np.maximum(feature, 0),
            threshold=np.array(self.threshold, np.float64),
            missing_right=~np.array(self.missing_left, np.bool_),
            # A leaf leads to itself, so that all rows may take as many steps as the longest path has.
            children=np.where(is_leaf, own, [self.left, self.right]).T.ravel(),
            value=np.array(self.value, np.float64),
            depth=int(depth.max()),
        )

    @cached_property
    def _boxes(self) -> _Boxes:
        paths = [path for root in self.roots for path in self._paths(root)]
        deepest = self.deepest
        shape = (len(paths), deepest)
        feature, missing = np.zeros(shape, np.int64), np.ones(shape, np.bool_)
        low, high, share = np.full(shape, -np.inf), np.full(shape, np.inf), np.ones(shape)
        # A figure that no path asks for is within all bounds and adds nothing: the shorter paths are filled up with it.
        for place, (asked, _) in enumerate(paths):
            for slot, (name, side) in enumerate(asked.items()):
                feature[place, slot], missing[place, slot] = name, side.missing
                low[place, slot], high[place, slot], share[place, slot] = side.low, side.high, side.share
        value = np.array([self.value[leaf] for _, leaf in paths])
        patterns = np.arange(2**deepest)[:, None] >> np.arange(deepest) & 1
        adds = _shapley(patterns.astype(np.float64)[None], share[:, None]) * value[:, None, None]
        return _Boxes(
            feature=feature.T.copy(), low=low.T.copy(), high=high.T.copy(), missing=missing.T.copy(),
            begin=np.arange(len(paths)) << deepest,
            adds=adds.reshape(-1, deepest),
            expected=float((value * share.prod(axis=1)).sum()),
        )  # fmt: skip

    def _paths(self, root: int) -> list[tuple[dict[int, _Side], int]]:
        """The leaves below the node, each with the bounds in which every figure that is asked for must lie."""
        found: list[tuple[dict[int, _Side], int]] = []
        ahead: list[tuple[int, dict[int, _Side]]] = [(root, {})]
        while ahead:
            node, asked = ahead.pop()
            name = self.feature[node]
            if name < 0:
                found.append((asked, node))
                continue
            before = asked.get(name, _Side(-np.inf, np.inf, True, 1.0))
            whole, threshold = max(self.cover[node], 1), self.threshold[node]
            for child, is_left in ((self.left[node], True), (self.right[node], False)):
                side = _Side(
                    low=before.low if is_left else max(before.low, threshold),
                    high=min(before.high, threshold) if is_left else before.high,
                    missing=before.missing and self.missing_left[node] is is_left,
                    share=before.share * self.cover[child] / whole,
                )
                ahead.append((child, {**asked, name: side}))
        return found


class _Side(NamedTuple):
    """Above `low` and up to `high`, or not known where `missing`; of the examples that came by, `share` did so."""

    low: float
    high: float
    missing: bool
    share: float


class _Walk(NamedTuple):
    roots: Ints
    feature: Ints
    threshold: Matrix
    missing_right: Yes
    children: Ints
    value: Matrix
    depth: int


class _Boxes(NamedTuple):
    """A column a leaf, a row a figure that its path asks for. `adds` has a row a leaf and pattern, those of each leaf
    from `begin` on."""

    feature: Ints
    low: Matrix
    high: Matrix
    missing: Yes
    begin: Ints
    adds: Matrix
    expected: float


def _shapley(inside: Matrix, share: Matrix) -> Matrix:
    """What each of the figures along the last axis adds to a leaf of value one.

    `inside` is one where the figure lets the row through and nought where not; a figure that is left out lets the
    `share` of rows through. The sum over all sets of others goes by their size: the coefficients of a product of
    binomials.
    """
    inside, share = np.broadcast_arrays(inside, share)
    count = inside.shape[-1]
    weights = [factorial(size) * factorial(count - size - 1) / factorial(count) for size in range(count)]
    found = np.empty(inside.shape)
    for own in range(count):
        by_size: list[Matrix] = [np.ones(inside.shape[:-1])]
        for other in range(count):
            if other == own:
                continue
            without = [part * share[..., other] for part in by_size]
            with_it = [part * inside[..., other] for part in by_size]
            nothing = np.zeros(inside.shape[:-1])
            by_size = [one + more for one, more in zip([*without, nothing], [nothing, *with_it], strict=True)]
        of_others = sum(weight * part for weight, part in zip(weights, by_size, strict=True))
        found[..., own] = (inside[..., own] - share[..., own]) * of_others
    return found

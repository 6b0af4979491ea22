"""Fitting trees to examples with LightGBM, which is asked for nothing else: what it finds is kept as plain columns.

LightGBM (MIT) is optional, and needs the system's OpenMP library (libgomp). Where either is missing no model can be
trained, which is said; models that there are score and give reasons without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidewaiter.risk.model.trees import Matrix, Trees

if TYPE_CHECKING:
    from types import ModuleType

ROUNDS = 200
PARAMETERS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.03,
    "num_leaves": 16,
    "max_depth": 5,
    "min_data_in_leaf": 50,
    "lambda_l2": 1.0,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    # The same trees on every run; one thread, as more of them only wait for each other on a busy machine.
    "seed": 1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


class CannotFit(RuntimeError):
    """LightGBM cannot be used here, and why."""


def fit(matrix: Matrix, is_wrong: Matrix, *, rounds: int = ROUNDS) -> Trees:
    """Trees that tell the examples found wrong (one) from the others (nought). Raises CannotFit."""
    lightgbm = _lightgbm()
    parameters = {**PARAMETERS, "min_data_in_leaf": _least(len(matrix))}
    booster = lightgbm.train(parameters, lightgbm.Dataset(matrix, is_wrong), rounds)
    return as_columns(booster.dump_model()["tree_info"])


def fitted_by() -> str:
    """What fits, with its version and what it is told. Raises CannotFit."""
    told = ", ".join(f"{name} {value}" for name, value in sorted(PARAMETERS.items()))
    return f"LightGBM {_lightgbm().__version__}, {ROUNDS} rounds ({told})"


def _least(examples: int) -> int:
    """How many examples a leaf must have: fewer where there are few in all."""
    return min(int(PARAMETERS["min_data_in_leaf"]), max(5, examples // 250))


def _lightgbm() -> ModuleType:
    try:
        import lightgbm
    except ImportError as missing:
        raise CannotFit(f"LightGBM is not installed ({missing}): install tidewaiter[model]") from missing
    except OSError as missing:
        raise CannotFit(f"LightGBM cannot be loaded ({missing}): install the system's libgomp") from missing
    return lightgbm


def as_columns(trees: list[dict[str, Any]]) -> Trees:
    """The trees of a dump of LightGBM, as it has them under `tree_info`."""
    roots: list[int] = []
    nodes: list[dict[str, Any]] = []
    children: list[list[int]] = []
    for tree in trees:
        roots.append(len(nodes))
        ahead: list[tuple[dict[str, Any], list[int]]] = [(tree["tree_structure"], [])]
        while ahead:
            node, siblings = ahead.pop()
            siblings.append(len(nodes))
            nodes.append(node)
            children.append([])
            if _is_inner(node):
                ahead += [(node["right_child"], children[-1]), (node["left_child"], children[-1])]
    return Trees(
        roots=tuple(roots),
        feature=tuple(node["split_feature"] if _is_inner(node) else -1 for node in nodes),
        threshold=tuple(float(node["threshold"]) if _is_inner(node) else 0.0 for node in nodes),
        missing_left=tuple(_is_inner(node) and _goes_left(node) for node in nodes),
        left=tuple(of[0] if of else 0 for of in children),
        right=tuple(of[1] if of else 0 for of in children),
        value=tuple(0.0 if _is_inner(node) else float(node["leaf_value"]) for node in nodes),
        cover=tuple(node["internal_count"] if _is_inner(node) else node.get("leaf_count", 0) for node in nodes),
    )


def _is_inner(node: dict[str, Any]) -> bool:
    if "split_feature" not in node:
        return False
    if node["decision_type"] != "<=":
        raise ValueError(f"a tree compares by {node['decision_type']}")
    return True


def _goes_left(node: dict[str, Any]) -> bool:
    """Where what is not known goes: where no example lacked the figure LightGBM takes it for nought."""
    return bool(node["default_left"]) if node["missing_type"] == "NaN" else float(node["threshold"]) >= 0

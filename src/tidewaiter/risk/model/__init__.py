"""A modest model: how likely it is that a look at a consignment finds something, learnt from inspections.

Entry points: `inputs(batch, values, law, past, signals)` for what a model may look at; `learn(examples, law, fit, …)`
for a model of them; `Model.chances` and `Model.why` for what it says; `card(model)` for a page that a person can read;
`drift(…)` for whether it still fits; `written` and `read_model` for its file. All of it is pure: trees are fitted by
whoever calls `learn`, and kept as plain columns, so that nothing but NumPy is needed to score and to give reasons.
"""

from tidewaiter.risk.model.card import card
from tidewaiter.risk.model.drift import Drift, drift
from tidewaiter.risk.model.inputs import REASONS, Inputs, inputs, looked_at, refused
from tidewaiter.risk.model.learning import LABELLED, Examples, Fit, TooFew, learn
from tidewaiter.risk.model.model import Model, ModelError, Reason, read_model, written

__all__ = [
    "LABELLED",
    "REASONS",
    "Drift",
    "Examples",
    "Fit",
    "Inputs",
    "Model",
    "ModelError",
    "Reason",
    "TooFew",
    "card",
    "drift",
    "inputs",
    "learn",
    "looked_at",
    "read_model",
    "refused",
    "written",
]

"""Assessing by columns and, where numba is there, by the loop over goods too: whoever asks is told that both agree."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tidewaiter import assessment
from tidewaiter.assessment import Assessment, charging
from tidewaiter.law import Law, measures
from tidewaiter.model.batch import Batch
from tidewaiter.model.past import Past

HAS_NUMBA = importlib.util.find_spec("numba") is not None
_FRAMES = ("values", "regimes", "charges", "findings")


@contextmanager
def compiled(*, is_ready: bool) -> Iterator[None]:
    """Goods are assessed by what is compiled, or by columns alone."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(measures, "_HELD", [])
        monkeypatch.setattr(charging, "_IN_ONE_LOOP", [])
        assert not is_ready or assessment.ready()
        yield


def assess(batch: Batch, law: Law, past: Past | None = None) -> Assessment:
    """The assessment, the same both ways."""
    with compiled(is_ready=False):
        found = assessment.assess(batch, law, past)
    if HAS_NUMBA:
        with compiled(is_ready=True):
            again = assessment.assess(batch, law, past)
        for name in _FRAMES:
            by_columns, by_loop = getattr(found, name), getattr(again, name)
            assert by_columns.schema == by_loop.schema
            assert by_columns.equals(by_loop), f"{name} by columns:\n{by_columns}\nby the loop:\n{by_loop}"
    return found

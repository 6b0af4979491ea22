"""The corridor: a batch goes in, an outcome comes out, and nothing else is looked at or touched."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from tidewaiter.assessment import Assessment, assess
from tidewaiter.checks import check
from tidewaiter.clearance import decide
from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.outcome import Outcome, Remembered
from tidewaiter.model.past import Past
from tidewaiter.revenue import post
from tidewaiter.risk import draws, signals
from tidewaiter.risk.history import Recall
from tidewaiter.risk.screening import Index


def clear(batch: Batch, law: Law, past: Past, lists: Index | None = None, recall: Recall | None = None) -> Outcome:
    """What customs makes of every consignment in the batch, under this law and knowing this past.

    `lists` are those of denied parties that hold; without them nobody is screened.

    Each consignment is judged by itself: a batch gives what its consignments give one by one. With `recall` as if they
    were lodged one after another: the earlier ones are part of what detectors know of the later.
    """
    checked = check(batch, law, past)
    assessed = assess(batch, law, past)
    findings = pl.concat([checked, assessed.findings])
    kept: Mapping[int, Remembered] = {}
    if recall is not None:
        past, kept = recall.past(batch, assessed.values, law, findings=findings, but=past)
    return _decided(batch, law, past, assessed, findings=findings, lists=lists, kept=kept)


def present(batch: Batch, law: Law, past: Past, lists: Index | None = None) -> Outcome:
    """What customs makes of goods that are there now and were declared before, under the law of the day on which they
    are presented and by what is known then. What was declared was checked when it was lodged: findings are of the
    assessment alone."""
    assessed = assess(batch, law, past)
    return _decided(batch, law, past, assessed, findings=assessed.findings, lists=lists, kept={}, is_presented=True)


def _decided(
    batch: Batch, law: Law, past: Past, assessed: Assessment, *, findings: pl.DataFrame, lists: Index | None,
    kept: Mapping[int, Remembered], is_presented: bool = False,
) -> Outcome:  # fmt: skip
    seen = signals(batch, assessed.values, law, past, lists)
    decisions = decide(
        batch, findings=findings, charges=assessed.charges, signals=seen, law=law, is_presented=is_presented
    )
    return Outcome(
        findings=findings,
        values=assessed.values,
        regimes=assessed.regimes,
        charges=assessed.charges,
        signals=seen,
        decisions=decisions,
        postings=post(assessed.charges, decisions),
        law_digest=law.digest,
        remembered=kept,
        drawn_ppm=draws(batch, law)["drawn_ppm"],
    )

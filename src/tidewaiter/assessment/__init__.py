"""What the goods are worth, which revenue regime applies, and what is charged: the receipt.

Entry point: `assess(batch, law)`. May import `law` and `model` only.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from tidewaiter.assessment.charging import charge
from tidewaiter.assessment.findings import KINDS, shortcomings
from tidewaiter.assessment.regimes import choose
from tidewaiter.assessment.terms import terms_of
from tidewaiter.assessment.valuation import value
from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.outcome import VALUES

__all__ = ["KINDS", "Assessment", "assess"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """Frames VALUES, REGIMES, CHARGES and FINDINGS of `model.outcome` and `model.finding`."""

    values: pl.DataFrame
    regimes: pl.DataFrame
    charges: pl.DataFrame
    findings: pl.DataFrame


def assess(batch: Batch, law: Law) -> Assessment:
    """What is charged on each consignment, and why.

    Only original import declarations are assessed: an amendment carries no more than what changes, and nothing
    here charges exports.
    """
    terms = terms_of(batch, law)
    valued = value(batch, law, terms)
    chosen = choose(batch, law, terms, valued)
    charged = charge(law, terms, valued, chosen)
    return Assessment(
        values=charged.items[list(VALUES)],
        regimes=chosen.regimes,
        charges=charged.charges,
        findings=shortcomings(batch, terms, chosen, charged),
    )

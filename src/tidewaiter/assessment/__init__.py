"""What the goods are worth, which revenue regime applies, and what is charged.

Entry points: `assess(batch, law, past)`, and `receipt(batch, charges, law)` for the charges in words. May import
`law` and `model` only.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from tidewaiter.assessment.charging import Charged, charge
from tidewaiter.assessment.findings import KINDS, shortcomings
from tidewaiter.assessment.receipt import receipt
from tidewaiter.assessment.regimes import choose
from tidewaiter.assessment.terms import Terms, terms_of
from tidewaiter.assessment.valuation import Worth, value
from tidewaiter.law import Law
from tidewaiter.model.batch import ROW, Batch
from tidewaiter.model.exact import series
from tidewaiter.model.past import Past

__all__ = ["KINDS", "Assessment", "assess", "receipt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """Frames VALUES, REGIMES, CHARGES and FINDINGS of `model.outcome` and `model.finding`."""

    values: pl.DataFrame
    regimes: pl.DataFrame
    charges: pl.DataFrame
    findings: pl.DataFrame


def assess(batch: Batch, law: Law, past: Past | None = None) -> Assessment:
    """What is charged on each consignment, and why.

    Only original import declarations are assessed: an amendment carries no more than what changes, and nothing
    here charges exports. `past` tells what a buyer imported before, where law sets a limit by the person.
    """
    terms = terms_of(batch, law)
    worth = value(terms)
    choice = choose(terms, worth, past or Past())
    charged = charge(terms, worth, choice)
    return Assessment(
        values=_values(terms, worth, charged),
        regimes=choice.frame(terms),
        charges=charged.charges,
        findings=shortcomings(terms, worth, choice, charged),
    )


def _values(terms: Terms, worth: Worth, charged: Charged) -> pl.DataFrame:
    """The frame VALUES."""
    currency = pl.Series([place.currency for place in terms.places], dtype=pl.String)
    return pl.DataFrame(
        [
            pl.Series("row", terms.rows[terms.head_of], dtype=ROW),
            terms.of_items("item"),
            series("goods_micro", worth.goods),
            series("customs_value_micro", charged.customs_value),
            series("tax_base_micro", charged.tax_base),
            currency.gather(pl.Series(terms.place[terms.head_of])).alias("currency"),
        ]
    )

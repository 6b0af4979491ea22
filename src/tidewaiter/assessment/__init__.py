"""What the goods are worth, which revenue regime applies, and what is charged.

Entry points: `assess(batch, law, past)`; `receipt(batch, charges, law)` for the charges in words; and for quotes
`prospects(batch, law, past)`, what a consignment costs before charges and which regimes there are. May import `law` and
`model` only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from tidewaiter.assessment.charging import Charged, charge
from tidewaiter.assessment.charging import ready as ready_to_charge
from tidewaiter.assessment.findings import KINDS, LEAVES_UNKNOWN, shortcomings
from tidewaiter.assessment.receipt import receipt
from tidewaiter.assessment.regimes import choose, unmet
from tidewaiter.assessment.terms import Terms, terms_of
from tidewaiter.assessment.valuation import Worth, value
from tidewaiter.law import Law
from tidewaiter.law.measures import ready as ready_to_find
from tidewaiter.law.rules import Place, Regime
from tidewaiter.model.batch import ROW, Batch
from tidewaiter.model.exact import MISSING, series, sums
from tidewaiter.model.past import Past

__all__ = ["KINDS", "LEAVES_UNKNOWN", "Assessment", "Prospect", "assess", "prospects", "ready", "receipt"]


def ready() -> bool:
    """Make ready what is compiled, in a process that will assess much, as `formats.ready` does for reading."""
    return ready_to_find() and ready_to_charge()


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
    return pl.DataFrame(
        [
            pl.Series("row", terms.rows[terms.head_of], dtype=ROW),
            terms.of_items("item"),
            series("goods_micro", worth.goods),
            series("customs_value_micro", charged.customs_value),
            series("tax_base_micro", charged.tax_base),
            terms.currencies(pl.String),
        ]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """What a quote asks of a consignment besides its charges. `regimes`: every regime that is law there, by priority,
    with the names of the conditions that do not hold; `goods`, `carriage`: what the buyer pays for them, in millionths
    of the currency of assessment, None where it cannot be known."""

    place: Place
    regimes: tuple[tuple[Regime, tuple[str, ...]], ...]
    goods: int | None
    carriage: int | None


def prospects(batch: Batch, law: Law, past: Past | None = None) -> dict[int, Prospect]:
    """The prospect of each consignment that can be assessed, by its row."""
    terms = terms_of(batch, law)
    worth = value(terms)
    # A customs value that is declared in place of a price has its carriage in it.
    is_within = (worth.price == MISSING) & (worth.declared != MISSING)
    goods, carriage = (np.full(len(terms.heads), MISSING, np.int64) for _ in range(2))
    goods[terms.owners] = sums(worth.goods, terms.starts)
    carriage[terms.owners] = sums(np.where(is_within, 0, worth.carriage), terms.starts)
    return {
        row: Prospect(
            place=terms.places[place],
            regimes=tuple(regimes),
            goods=None if of_goods == MISSING else of_goods,
            carriage=None if travel == MISSING else travel,
        )
        for row, place, regimes, of_goods, travel in zip(
            terms.rows.tolist(),
            terms.place.tolist(),
            unmet(terms, worth, past or Past()),
            goods.tolist(),
            carriage.tolist(),
            strict=True,
        )
    }

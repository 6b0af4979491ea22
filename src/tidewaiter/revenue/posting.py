"""Two legs for every charge, debit and credit alike."""

from __future__ import annotations

from functools import reduce
from operator import or_

import numpy as np
import polars as pl

from tidewaiter.model.exact import distinct, known, standing, taken, yes
from tidewaiter.model.outcome import POSTINGS, Control

POSTED: tuple[Control, ...] = ("released", "accepted", "documents_requested", "examine", "hold")
"""The states in which a debt stands: not for a message sent back, nor for one that only changes another."""


def post(charges: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """The legs of all charges above nought, as a frame POSTINGS: each debit with its credit after it.

    `charges` is a frame CHARGES, `decisions` a frame DECISIONS. `charge` is what was charged, as `type:code`. A
    charge whose amount is unknown is not posted: it will be when an officer has set it.
    """
    amounts = known(charges["amount_micro"])
    control = decisions["control"]
    stands = np.append(yes(reduce(or_, (control == state for state in POSTED))), False)
    heads = standing(known(charges["row"]), known(decisions["row"]))
    due = np.flatnonzero((amounts > 0) & stands[heads])
    if not len(due):
        return _NONE
    numbers = known(charges["rule"])
    rules, which = distinct(numbers[due], int(numbers.max()) + 1)
    first = np.zeros(len(rules), np.int64)
    first[which[::-1]] = due[::-1]  # what is written last stays
    charge, accounts = _named(charges[pl.Series(first)])
    legs, rule = np.repeat(due, 2), np.repeat(which, 2)
    is_credit = np.arange(len(legs)) % 2
    amount = amounts[legs]
    return pl.DataFrame(
        [
            *(taken(charges[name], legs) for name in ("row", "item")),
            taken(accounts, rule + is_credit * len(rules)),
            pl.Series("debit_micro", np.where(is_credit, 0, amount)),
            pl.Series("credit_micro", np.where(is_credit, amount, 0)),
            taken(charges["currency"], legs),
            taken(charge, rule),
        ]
    )


def _named(charges: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """What each is posted as, and the accounts of all: those debited, then those credited."""
    said = list(zip(*(charges[name].to_list() for name in ("type", "code", "collector")), strict=True))
    charge = [f"{kind}:{code}" for kind, code, _ in said]
    accounts = [f"receivable:{collector}" for _, _, collector in said] + [f"revenue:{what}" for what in charge]
    return pl.Series("charge", charge, dtype=pl.String), pl.Series("account", accounts, dtype=pl.String)


_NONE = pl.DataFrame(schema=POSTINGS)

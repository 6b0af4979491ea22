"""Two legs for every charge, debit and credit alike."""

from __future__ import annotations

import numpy as np
import polars as pl

from tidewaiter.model.exact import known, standing, yes
from tidewaiter.model.outcome import POSTINGS, Control

POSTED: tuple[Control, ...] = ("released", "accepted", "documents_requested", "examine", "hold")
"""The states in which a debt stands: not for a message sent back, nor for one that only changes another."""


def post(charges: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """The legs of all charges above nought, as a frame POSTINGS: each debit with its credit after it.

    `charges` is a frame CHARGES, `decisions` a frame DECISIONS. `charge` is what was charged, as `type:code`. A
    charge whose amount is unknown is not posted: it will be when an officer has set it.
    """
    amounts = known(charges["amount_micro"])
    stands = np.append(yes(decisions["control"].is_in(POSTED)), False)
    heads = standing(known(charges["row"]), known(decisions["row"]))
    due = np.flatnonzero((amounts > 0) & stands[heads])
    if not len(due):
        return _NONE
    rules, which = np.unique(known(charges["rule"])[due], return_inverse=True)
    first = np.zeros(len(rules), np.int64)
    first[which[::-1]] = due[::-1]  # what is written last stays
    said = [charges[name].gather(first) for name in ("type", "code", "collector")]
    charge = said[0] + ":" + said[1]
    accounts = pl.concat(["receivable:" + said[2], "revenue:" + charge])
    legs, rule = np.repeat(due, 2), np.repeat(which, 2)
    is_credit = np.arange(len(legs)) % 2
    return pl.DataFrame(
        [
            charges["row"].gather(legs),
            charges["item"].gather(legs),
            accounts.gather(rule + is_credit * len(rules)).alias("account"),
            pl.Series("debit_micro", np.where(is_credit, 0, amounts[legs])),
            pl.Series("credit_micro", np.where(is_credit, amounts[legs], 0)),
            charges["currency"].gather(legs),
            charge.gather(rule).alias("charge"),
        ]
    )


_NONE = pl.DataFrame(schema=POSTINGS)

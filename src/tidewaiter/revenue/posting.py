"""Two legs for every charge, debit and credit alike."""

from __future__ import annotations

from functools import reduce
from operator import or_

import polars as pl

from tidewaiter.model.outcome import POSTINGS, Control
from tidewaiter.model.rows import positions

POSTED: tuple[Control, ...] = ("released", "accepted", "documents_requested", "examine", "hold")
"""The states in which a debt stands: not for a message sent back, nor for one that only changes another."""

_NEEDED = ["row", "item", "type", "code", "amount_micro", "currency", "collector"]


def post(charges: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """The legs of all charges above nought, as a frame POSTINGS: each debit with its credit after it.

    `charges` is a frame CHARGES, `decisions` a frame DECISIONS. `charge` is what was charged, as `type:code`. A
    charge whose amount is unknown is not posted: it will be when an officer has set it.
    """
    stands = reduce(or_, (decisions["control"] == control for control in POSTED))
    is_due = (charges["amount_micro"] > 0) & stands[positions(charges["row"], decisions["row"])]
    if not is_due.any():
        return _NONE
    due = pl.DataFrame([charges[name].filter(is_due) for name in _NEEDED])
    legs = pl.int_range(2 * len(due), dtype=pl.UInt32, eager=True)
    twice = due[legs // 2].hstack([(legs % 2 == 0).alias("is_debit")])
    charge = pl.col("type") + ":" + pl.col("code")
    is_debit, amount = pl.col("is_debit"), pl.col("amount_micro")
    return twice.select(
        row="row",
        item="item",
        account=pl.when(is_debit).then("receivable:" + pl.col("collector")).otherwise("revenue:" + charge),
        debit_micro=pl.when(is_debit).then(amount).otherwise(0),
        credit_micro=pl.when(is_debit).then(0).otherwise(amount),
        currency="currency",
        charge=charge,
    )


_NONE = pl.DataFrame(schema=POSTINGS)

"""The decision on every consignment of a batch: the first verdict whose condition holds, strongest first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import get_args

import polars as pl

from tidewaiter.clearance.reasons import (
    AMENDED,
    CANCELLED,
    NOT_ACCEPTED,
    NOT_ASSESSED,
    NOTHING_DUE,
    PAY_FIRST,
    RATE_MISSING,
    RELEASED_UNPAID,
    SELECTED,
)
from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.outcome import Control, Lane
from tidewaiter.model.rows import marks


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What control answers where `when` holds, and why. `when` None: where law lets goods go before payment."""

    control: Control
    when: pl.Expr | None
    reasons: tuple[str, ...]


_SENT_BACK = (
    _Verdict("not_accepted", pl.col("erroneous"), (NOT_ACCEPTED,)),
    _Verdict("amendment_recorded", pl.col("function") == "amendment", (AMENDED,)),
    _Verdict("cancellation_recorded", pl.col("function") == "cancellation", (CANCELLED,)),
)
_UNDER_WAY = (
    _Verdict("hold", pl.col("unknown"), (RATE_MISSING,)),
    # Law that is not held, or a regime that does not fit, is never taken for nothing due.
    _Verdict("hold", (pl.col("direction") == "import") & ~pl.col("charged"), (NOT_ASSESSED,)),
    _Verdict("hold", pl.col("hold_for_officer"), ()),
    _Verdict("examine", pl.col("examine"), ()),
    _Verdict("documents_requested", pl.col("documents"), ()),
    _Verdict("released", ~pl.col("due"), (NOTHING_DUE,)),
    _Verdict("released", None, (RELEASED_UNPAID,)),
    _Verdict("accepted", pl.lit(value=True), (PAY_FIRST,)),
)
_VERDICTS = (*_SENT_BACK, *_UNDER_WAY)
"""What control may answer, in the order in which it is asked. Security waits where a message is sent back or only
changes another, and what risk saw of it is not said."""

_LANES: tuple[str, ...] = get_args(Lane)
_CONTROLS = pl.Series([verdict.control for verdict in _VERDICTS])
_PLAIN = [list(verdict.reasons) for verdict in _VERDICTS]
_TOLD = pl.Series(_PLAIN, dtype=pl.List(pl.String))
_TOLD_SELECTED = pl.Series(
    [reasons if place < len(_SENT_BACK) else [*reasons, SELECTED] for place, reasons in enumerate(_PLAIN)],
    dtype=pl.List(pl.String),
)
"""The reasons of each verdict where nothing was selected, and where something was: made once, not row by row."""

_SECURITY = (
    pl.when(reduce(or_, (verdict.when for verdict in _SENT_BACK if verdict.when is not None)))
    .then(pl.lit("pending"))
    .when("information")
    .then(pl.lit("information_requested"))
    .when("screening")
    .then(pl.lit("screening_requested"))
    .otherwise(pl.lit("assessment_complete"))
)


def decide(
    batch: Batch, *, findings: pl.DataFrame, charges: pl.DataFrame, signals: pl.DataFrame, law: Law
) -> pl.DataFrame:
    """The decision on each consignment, as a frame DECISIONS in the order of the batch.

    `findings`, `charges` and `signals` are frames FINDINGS, CHARGES and SIGNALS. An error sends the message back;
    warnings stop nothing. Nothing here refuses, returns, seizes or forbids loading.
    """
    verdict = law.remembered(("verdict", law.digest), lambda: _verdict(law))
    known = _known(batch, findings, charges, signals)
    judged = known.select(security=_SECURITY, verdict=verdict)
    place, selected = judged["verdict"], known["selected"]
    reasons = _TOLD[place]
    if selected.any():
        reasons = _TOLD_SELECTED[place].zip_with(selected, reasons)
    answers = {"control": _CONTROLS[place], "reasons": reasons}
    return pl.DataFrame([known["row"], judged["security"], *(answers[name].alias(name) for name in answers)])


def _verdict(law: Law) -> pl.Expr:
    """The place of the first verdict whose condition holds."""
    unpaid_release = law.release_before_payment(pl.col("jurisdiction"), pl.col("accepted_on"))
    place = pl.lit(None, pl.UInt32)
    for index in reversed(range(len(_VERDICTS))):
        when = _VERDICTS[index].when
        place = pl.when(unpaid_release if when is None else when).then(pl.lit(index, pl.UInt32)).otherwise(place)
    return place


def _known(batch: Batch, findings: pl.DataFrame, charges: pl.DataFrame, signals: pl.DataFrame) -> pl.DataFrame:
    """What the verdicts look at, a row a consignment."""
    whole = batch.consignments
    rows, amounts = whole["row"], charges["amount_micro"]
    lanes = {lane: signals["row"].filter(signals["lane"] == lane) for lane in _LANES} if len(signals) else {}
    marked = {
        "erroneous": findings["row"].filter(findings["severity"] == "error"),
        "charged": charges["row"],
        "due": charges["row"].filter(amounts > 0),
        "unknown": charges["row"].filter(amounts.is_null()) if amounts.null_count() else rows.clear(),
        "selected": signals["row"],
    } | (lanes or dict.fromkeys(_LANES, rows.clear()))
    declared = [whole[name] for name in ("row", "function", "direction", "jurisdiction", "accepted_on")]
    return pl.DataFrame([*declared, *(marks(found, rows).alias(name) for name, found in marked.items())])

"""The decision on every consignment of a batch: the first verdict whose condition holds, strongest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np
import polars as pl

from tidewaiter.clearance.reasons import (
    AMENDED,
    CANCELLED,
    ENTERED,
    NOT_ACCEPTED,
    NOT_ASSESSED,
    NOTHING_DUE,
    PAY_FIRST,
    RATE_MISSING,
    RELEASED_UNPAID,
    SELECTED,
    WAITS,
)
from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.exact import Yes, known, standing, taken, yes
from tidewaiter.model.outcome import SHADOW, Control, Lane, Security


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What control answers where `when` holds, and why."""

    control: Control
    when: Callable[[_Known], Yes]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the verdicts look at, a row a consignment."""

    amendment: Yes
    cancellation: Yes
    awaited: Yes
    is_import: Yes
    is_entry: Yes
    erroneous: Yes
    charged: Yes
    due: Yes
    unknown: Yes
    pays_later: Yes
    selected: Yes
    lanes: Mapping[str, Yes]


_SENT_BACK = (
    _Verdict("not_accepted", lambda known: known.erroneous, (NOT_ACCEPTED,)),
    _Verdict("amendment_recorded", lambda known: known.amendment, (AMENDED,)),
    _Verdict("cancellation_recorded", lambda known: known.cancellation, (CANCELLED,)),
    # Nothing is accepted, and nothing owed, before the goods are there: then it is decided on, by what is known then.
    _Verdict("lodged", lambda known: known.awaited & ~known.is_entry, (WAITS,)),
)
_UNDER_WAY = (
    # The goods themselves are declared apart: nothing of them may be had by what was told for security alone.
    _Verdict("accepted", lambda known: known.is_entry, (ENTERED,)),
    _Verdict("hold", lambda known: known.unknown, (RATE_MISSING,)),
    # Law that is not held, or a regime that does not fit, is never taken for nothing due.
    _Verdict("hold", lambda known: known.is_import & ~known.charged, (NOT_ASSESSED,)),
    _Verdict("hold", lambda known: known.lanes["hold_for_officer"], ()),
    _Verdict("examine", lambda known: known.lanes["examine"], ()),
    _Verdict("documents_requested", lambda known: known.lanes["documents"], ()),
    _Verdict("released", lambda known: ~known.due, (NOTHING_DUE,)),
    _Verdict("released", lambda known: known.pays_later, (RELEASED_UNPAID,)),
    _Verdict("accepted", lambda known: known.due, (PAY_FIRST,)),
)
_VERDICTS = (*_SENT_BACK, *_UNDER_WAY)
"""What control may answer, in the order in which it is asked; the last holds wherever those before it do not. Security
waits where a message is sent back, only changes another or is ahead of its goods, and what risk saw is not said."""

_LANES: tuple[str, ...] = get_args(Lane)
_CONTROLS = pl.Series("control", [verdict.control for verdict in _VERDICTS])
_PLAIN = [list(verdict.reasons) for verdict in _VERDICTS]
_TOLD_SELECTED = [reasons if place < len(_SENT_BACK) else [*reasons, SELECTED] for place, reasons in enumerate(_PLAIN)]
_TOLD = pl.Series("reasons", [*_PLAIN, *_TOLD_SELECTED], dtype=pl.List(pl.String))
"""The reasons of each verdict where nothing was selected, then where something was: made once, not row by row."""

_SECURITY: tuple[Security, ...] = (
    "assessment_complete", "screening_requested", "information_requested", "pending"
)  # fmt: skip
_ANSWERS = pl.Series("security", _SECURITY)
"""What security answers, weakest first."""


def decide(
    batch: Batch,
    *,
    findings: pl.DataFrame,
    charges: pl.DataFrame,
    signals: pl.DataFrame,
    law: Law,
    is_presented: bool = False,
) -> pl.DataFrame:
    """The decision on each consignment, as a frame DECISIONS in the order of the batch.

    `findings`, `charges` and `signals` are frames FINDINGS, CHARGES and SIGNALS. An error sends the message back;
    warnings stop nothing. `is_presented` says of all that the goods are there, whatever they were declared as. Nothing
    here refuses, returns, seizes or forbids loading.
    """
    what = _known(batch, findings, charges, signals, law, is_presented=is_presented)
    place = np.full(len(batch), len(_VERDICTS) - 1, np.int64)
    for index, verdict in reversed(list(enumerate(_VERDICTS))):
        place[verdict.when(what)] = index
    security = np.zeros(len(batch), np.int64)
    security[what.lanes["screening"]] = 1
    security[what.lanes["information"]] = 2
    security[place < len(_SENT_BACK)] = 3
    reasons = place + what.selected * len(_VERDICTS)
    return pl.DataFrame(
        [
            batch.consignments["row"],
            taken(_ANSWERS, security),
            taken(_CONTROLS, place),
            taken(_TOLD, reasons),
        ]
    )


def _known(
    batch: Batch, findings: pl.DataFrame, charges: pl.DataFrame, signals: pl.DataFrame, law: Law, *, is_presented: bool
) -> _Known:
    whole = batch.consignments
    rows = known(whole["row"])

    def marked(frame: pl.DataFrame, which: pl.Series | None = None) -> Yes:
        """The consignments of which the frame has a row, of those marked."""
        marks = np.zeros(len(rows), np.bool_)
        if not frame.is_empty():
            here = known(frame["row"]) if which is None else known(frame["row"])[yes(which)]
            found = standing(here, rows)
            marks[found[found >= 0]] = True
        return marks

    amounts = charges["amount_micro"]
    none = np.zeros(len(rows), np.bool_)
    return _Known(
        amendment=yes(whole["function"] == "amendment"),
        cancellation=yes(whole["function"] == "cancellation"),
        awaited=none if is_presented else _awaited(batch, law),
        is_import=yes(whole["direction"] == "import"),
        is_entry=yes(whole["direction"] == "entry"),
        erroneous=marked(findings, findings["severity"] == "error"),
        charged=marked(charges),
        due=marked(charges, amounts > 0),
        unknown=marked(charges, amounts.is_null()) if amounts.null_count() else none,
        pays_later=_pays_later(batch, law),
        selected=marked(signals, signals["lane"] != SHADOW) if len(signals) else none,
        lanes={lane: marked(signals, signals["lane"] == lane) if len(signals) else none for lane in _LANES},
    )


def _awaited(batch: Batch, law: Law) -> Yes:
    """Which are declared as goods that are not there yet."""
    kinds, declared = batch.apart("consignments", "declaration_type")
    which, settings = batch.settings
    places = law.places(settings)
    types = [() if one is None or one.prelodging is None else one.prelodging.types for one in places]
    ahead = np.array([[(kind or "")[2:] in those for kind in declared] for those in types], np.bool_)
    return ahead[which, kinds] if ahead.any() else np.zeros(len(batch), np.bool_)


def _pays_later(batch: Batch, law: Law) -> Yes:
    """Whether law lets goods go before the charges are paid."""
    which, settings = batch.settings
    places = [law.place(*setting) for setting in settings]
    answer: Yes = np.array([one is not None and one.ground.release_before_payment for one in places], np.bool_)[which]
    return answer

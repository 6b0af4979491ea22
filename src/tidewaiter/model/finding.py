"""What checking found: the trader's mistake as data, with a place and a remedy."""

from __future__ import annotations

from typing import Literal

import msgspec
import polars as pl

from tidewaiter.model.batch import ROW

Severity = Literal["error", "warning", "note"]
"""error: cannot be accepted as it is; warning: accepted, and worth mending; note: for information."""

FINDINGS = pl.Schema(
    {
        "row": ROW,
        "item": ROW,
        "code": pl.String,
        "severity": pl.String,
        "pointer": pl.String,
        "detail": pl.String,
    }
)
"""Columns of a frame of findings: `item` null for the head, `pointer` into our model, `detail` never personal."""


class Kind(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is the same in every finding of one code: how grave, what is wrong, how to mend it, which law says so.

    `{detail}` in `text` stands for the finding's detail. Each room lists its kinds as `KINDS`.
    """

    code: str
    severity: Severity
    text: str
    remedy: str
    law: str


class Finding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One finding as a person reads it. `pointer` is a JSON pointer into our record, `source_pointer` into theirs."""

    code: str
    severity: Severity
    pointer: str
    source_pointer: str = ""
    text: str
    remedy: str = ""
    law: str = ""

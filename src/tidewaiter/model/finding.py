"""What checking found: the trader's mistake as data, with a place and a remedy."""

from __future__ import annotations

from typing import Literal

import msgspec
import polars as pl

from tidewaiter.model.batch import ROW

Severity = Literal["error", "warning", "note"]
"""error: cannot be accepted as it is; warning: accepted, and worth mending; note: for information."""

Stage = Literal["bytes", "syntax", "schema", "codes", "rules", "across"]
"""The stages at which a message is judged, in their order: its bytes and characters; its syntax, as any XML, JSON or
interchange; its schema, element by element; codes, each by itself; the rules between its parts; and across it, what is
counted and what several messages say of each other."""

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

    `{detail}` in `text` stands for the finding's detail. Each room lists its kinds as `KINDS`. `stage` is where it is
    found; that of a kind of a format which does not say otherwise is the schema of its dialect.
    """

    code: str
    severity: Severity
    text: str
    remedy: str
    law: str
    stage: Stage = "schema"


class Finding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One finding as a person reads it. `pointer` is a JSON pointer into our record, `source_pointer` into theirs."""

    code: str
    severity: Severity
    pointer: str
    source_pointer: str = ""
    text: str
    remedy: str = ""
    law: str = ""

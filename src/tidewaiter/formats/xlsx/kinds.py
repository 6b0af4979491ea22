"""What can be wrong in a workbook, besides what can be wrong in any sheet."""

from __future__ import annotations

from tidewaiter.model.finding import Kind

_LAW = "ECMA-376, Office Open XML file formats"

UNREADABLE = Kind(
    code="XLS-01",
    severity="error",
    text="The workbook cannot be opened: {detail}.",
    remedy="Open it in a spreadsheet and save it anew as a workbook (.xlsx) without a password, or as CSV UTF-8.",
    law=_LAW,
)
TOO_LARGE = Kind(
    code="XLS-02",
    severity="error",
    text="The workbook is larger than is read here: {detail}.",
    remedy="Delete empty rows, columns and sheets below and beside the data, or split the sheet.",
    law="Limit of this installation",
)
BROKEN_OFF = Kind(
    code="XLS-03",
    severity="error",
    text="The workbook cannot be read after row {detail}.",
    remedy="Open it in a spreadsheet and save it anew; the rows before were read.",
    law=_LAW,
)
OTHER_SHEETS = Kind(
    code="XLS-04",
    severity="note",
    text="The workbook has {detail} more sheets; only the first that is not hidden was read.",
    remedy="Send a further sheet as a workbook of its own.",
    law=_LAW,
)
KINDS = (UNREADABLE, TOO_LARGE, BROKEN_OFF, OTHER_SHEETS)

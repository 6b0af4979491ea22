"""What can be wrong with an entry summary declaration: `ENS-` for what the message is, numbers for its content.

The numbers are those that customs answers with: 4065 for what does not fit the schema, and those of `rules.csv`.
"""

from __future__ import annotations

from tidewaiter.formats.ens.tables import RULES
from tidewaiter.model.finding import Kind

_SCHEMA = "ICS message schemas CC313A and CC315A, version 11.2"
_RULES = "ICS technical rules and conditions"

CONTENT = Kind(
    code="4065",
    severity="error",
    text="The message does not fit its schema: {detail}.",
    remedy="Look at the order, the number and the form the schema gives for this element.",
    law=_SCHEMA,
)
NOTHING_HELD = Kind(
    code="ENS-01",
    severity="error",
    text="The message holds no entry summary declaration and no answer to one: {detail}.",
    remedy="Put a CC315A or a CC313A into the message.",
    law=_SCHEMA,
)
NAMESPACE = Kind(
    code="ENS-02",
    severity="warning",
    text="The namespace of the message is not that of its schema; it was read by its element names: {detail}.",
    remedy="Put the root alone into http://ics.dgtaxud.ec/CC315A or its like, and the elements in it into none.",
    law=_SCHEMA,
)
NO_JURISDICTION = Kind(
    code="ENS-03",
    severity="error",
    text="The message names no country of first entry: {detail}.",
    remedy="Give the office of first entry.",
    law=_SCHEMA,
)
NO_REFERENCE = Kind(
    code="ENS-04",
    severity="error",
    text="The message names no declaration: {detail}.",
    remedy="Give a reference of your own, or in an amendment the MRN of what is amended.",
    law=_SCHEMA,
)
UNFIT = Kind(
    code="ENS-05",
    severity="error",
    text="This cannot be kept: {detail}.",
    remedy="Give a day that is in the calendar, a number that is not below nought, text without control characters.",
    law=_SCHEMA,
)
OF_RULES: dict[str, Kind] = {
    row.code: Kind(
        code=row.code,
        severity="error",
        stage="rules",
        text=row.text,
        remedy=row.remedy,
        law=f"{_RULES}, {row.law}" if row.law else _RULES,
    )
    for row in RULES
    if row.code != CONTENT.code
}
KINDS: tuple[Kind, ...] = (
    CONTENT,
    NOTHING_HELD,
    NAMESPACE,
    NO_JURISDICTION,
    NO_REFERENCE,
    UNFIT,
    *OF_RULES.values(),
)
"""Every kind of finding of this format, besides those of any XML; see `formats.tree`."""

"""What can be wrong in a JSON message."""

from __future__ import annotations

from tidewaiter.model.finding import Kind

_JSON = "RFC 8259"
_SCHEMA = "Tidewaiter consignment schema, docs/reference/consignment.schema.json"

MALFORMED = Kind(
    code="JSN-01",
    severity="error",
    stage="syntax",
    text="This is not JSON{detail}.",
    remedy="Mend the place named; most often a comma, a quotation mark or a bracket is missing or too many.",
    law=f"{_JSON}, section 2",
)
NOT_UTF8 = Kind(
    code="JSN-02",
    severity="error",
    stage="bytes",
    text="The message is not UTF-8: {detail}.",
    remedy="Save or send it in UTF-8.",
    law=f"{_JSON}, section 8.1",
)
TOO_DEEP = Kind(
    code="JSN-03",
    severity="error",
    stage="syntax",
    text="Objects and lists are nested deeper than any declaration.",
    remedy="Send consignments as the schema lays them out.",
    law=f"{_JSON}, section 9: a reader may limit the depth of nesting",
)
NOTHING_HELD = Kind(
    code="JSN-04",
    severity="error",
    text="The message holds no consignment.",
    remedy='Send one object, a list of them, {"consignments": [...]}, or one object a line.',
    law=_SCHEMA,
)
NOT_AN_OBJECT = Kind(
    code="JSN-05",
    severity="error",
    text="Here stands {detail} where a record was expected.",
    remedy="Put an object in braces here.",
    law=_SCHEMA,
)
TWICE = Kind(
    code="JSN-06",
    severity="error",
    stage="syntax",
    text="The name {detail} is given twice in one object, so that nobody can say which value holds.",
    remedy="Leave one of the two.",
    law=f"{_JSON}, section 4; RFC 7493, section 2.3",
)
UNKNOWN_FIELD = Kind(
    code="JSN-07",
    severity="error",
    text="There is no field of the name {detail}; its value was not read.",
    remedy="Compare the spelling with the schema, or leave the field out.",
    law=_SCHEMA,
)
MISSING = Kind(
    code="JSN-08",
    severity="error",
    text="The field {detail} is missing.",
    remedy="Give it.",
    law=_SCHEMA,
)
UNFIT_VALUE = Kind(
    code="JSN-09",
    severity="error",
    text="The value does not fit the field: expected {detail}.",
    remedy="Give {detail}.",
    law=_SCHEMA,
)
NOT_EXACT = Kind(
    code="JSN-10",
    severity="error",
    text="This is not a number customs can reckon with: {detail}.",
    remedy='Write it plainly as text, such as "12.50": digits, a point, at most six decimals, no sign, no exponent.',
    law=_SCHEMA,
)
UNFIT_CHARACTER = Kind(
    code="JSN-11",
    severity="error",
    stage="bytes",
    text="The text holds a character that is none, {detail}: a control character, half a character, or a mark that "
    "turns the direction of writing.",
    remedy="Take it out; a line break becomes a space or a comma.",
    law="Unicode Technical Report 36, section 3; XML 1.0, section 2.2, which other customs systems speak",
)
TOO_MANY = Kind(
    code="JSN-12",
    severity="error",
    text="A list here has more than {detail} entries; the rest was not read.",
    remedy="Split the consignment as the carrier splits it.",
    law="Limit of this installation; Implementing Regulation (EU) 2015/2447, Annex B: 9,999 goods items",
)
AND_MORE = Kind(
    code="JSN-13",
    severity="error",
    text="{detail} more faults were found and are not listed.",
    remedy="Mend those listed, then send again.",
    law="Limit of this installation",
)

KINDS = (
    MALFORMED, NOT_UTF8, TOO_DEEP, NOTHING_HELD, NOT_AN_OBJECT, TWICE, UNKNOWN_FIELD, MISSING, UNFIT_VALUE, NOT_EXACT,
    UNFIT_CHARACTER, TOO_MANY, AND_MORE,
)  # fmt: skip

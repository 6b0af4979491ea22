"""What can be wrong: `EDI-0x` with characters and segments, `EDI-1x` with counts, from `EDI-20` with what is said."""

from __future__ import annotations

from tidewaiter.model.finding import Kind

_SYNTAX = "ISO 9735-1 (UN/EDIFACT application level syntax rules)"
_DIRECTORY = "UN/EDIFACT directory D, messages CUSCAR, CUSDEC, CUSEXP, CUSRES"
_LIMIT = "Limit of this installation"

SERVICE_CHARACTERS = Kind(
    code="EDI-01",
    severity="error",
    stage="syntax",
    text="The service characters in UNA cannot be told apart or are none: {detail}.",
    remedy="Use five different signs that are neither letters nor digits, or leave UNA out.",
    law=f"{_SYNTAX}, annex on the service string advice",
)
CHARACTER_SET = Kind(
    code="EDI-02",
    severity="error",
    stage="bytes",
    text="The character set that UNB names is not read here: {detail}.",
    remedy="Use UNOA to UNOL, or UNOW or UNOY with UTF-8.",
    law=f"{_SYNTAX}, code list 0001",
)
CHARACTER = Kind(
    code="EDI-03",
    severity="error",
    stage="bytes",
    text="The segment holds bytes that are no characters of the set that UNB names: {detail}.",
    remedy="Name the character set in which the message is written (UNOC for Western Europe, UNOW for UTF-8).",
    law=f"{_SYNTAX}, code list 0001",
)
LINE_BREAK = Kind(
    code="EDI-04",
    severity="warning",
    stage="syntax",
    text="There is a line break inside a segment; it was passed over.",
    remedy="Break lines between segments only, or not at all.",
    law=_SYNTAX,
)
OVER_LIMIT = Kind(
    code="EDI-05",
    severity="error",
    stage="bytes",
    text="The interchange is larger than is read here, and the rest was not read: {detail}.",
    remedy="Send it in parts; check that the sign that ends a segment is the one that UNA names.",
    law=_LIMIT,
)
CUT_OFF = Kind(
    code="EDI-06",
    severity="error",
    stage="syntax",
    text="The interchange ends in the middle of a segment.",
    remedy="Send it whole.",
    law=_SYNTAX,
)
TAG = Kind(
    code="EDI-07",
    severity="error",
    stage="syntax",
    text="A segment does not begin with a tag of three capital letters or digits, and was not read.",
    remedy="Check that each segment is ended, and that its signs are those of UNA.",
    law=_SYNTAX,
)
NO_INTERCHANGE = Kind(
    code="EDI-08",
    severity="error",
    stage="syntax",
    text="This stands outside an interchange or a message: {detail}.",
    remedy="Begin with UNB, each message with UNH, and end them with UNT and UNZ.",
    law=_SYNTAX,
)
NOT_ENDED = Kind(
    code="EDI-09",
    severity="error",
    stage="syntax",
    text="{detail} is missing.",
    remedy="Send the interchange whole, with UNT after each message, UNE after each group and UNZ at the end.",
    law=_SYNTAX,
)
NOTHING_HELD = Kind(
    code="EDI-10",
    severity="error",
    text="The interchange holds no declaration, cargo report or answer.",
    remedy="Put a CUSDEC, CUSCAR or CUSEXP message into it.",
    law=_DIRECTORY,
)
COUNT = Kind(
    code="EDI-11",
    severity="error",
    stage="across",
    text="The control count does not match what was received: {detail}.",
    remedy="Send the whole again, and let a program count.",
    law=f"{_SYNTAX}; code list 0085, 29",
)
REFERENCE = Kind(
    code="EDI-12",
    severity="error",
    stage="syntax",
    text="The references at the beginning and at the end do not match: {detail}.",
    remedy="Repeat in UNT, UNE and UNZ the reference of UNH, UNG and UNB.",
    law=f"{_SYNTAX}; code list 0085, 28",
)
DUPLICATE = Kind(
    code="EDI-13",
    severity="error",
    stage="across",
    text="The reference has been used before in this file: {detail}.",
    remedy="Give each message, group and interchange a reference of its own.",
    law=f"{_SYNTAX}; code list 0085, 26",
)
TEST = Kind(
    code="EDI-14",
    severity="warning",
    text="The interchange is marked as a test.",
    remedy="Leave out the test indicator in UNB where it is meant.",
    law=f"{_SYNTAX}, data element 0035",
)
MIXED = Kind(
    code="EDI-15",
    severity="error",
    stage="syntax",
    text="The interchange holds messages within groups and outside them: {detail}.",
    remedy="Put all messages into groups, or none.",
    law=f"{_SYNTAX}; code list 0085, 30",
)

MESSAGE_TYPE = Kind(
    code="EDI-20",
    severity="error",
    text="Messages of this type are not read here: {detail}.",
    remedy="Send CUSDEC, CUSCAR or CUSEXP.",
    law=_DIRECTORY,
)
VERSION = Kind(
    code="EDI-21",
    severity="warning",
    text="The version of the message is none from D.95B to D.24A; it was read as those are: {detail}.",
    remedy="Name the directory in UNH, such as D:21A:UN.",
    law=_DIRECTORY,
)
PLACE = Kind(
    code="EDI-22",
    severity="warning",
    text="The segment does not stand where its message has it: {detail}.",
    remedy="Compare with the segment table of the message.",
    law=_DIRECTORY,
)
LACKING = Kind(
    code="EDI-33",
    severity="error",
    text="A segment that the message must have is missing: {detail}.",
    remedy="Compare with the segment table of the message; what is mandatory has an M there.",
    law=_DIRECTORY,
)
BEYOND = Kind(
    code="EDI-34",
    severity="error",
    text="The segment stands more often than its message has room for: {detail}.",
    remedy="Compare with the segment table of the message, and send the rest in another message.",
    law=_DIRECTORY,
)
NOT_READABLE = Kind(
    code="EDI-23",
    severity="error",
    text="This should be {detail}.",
    remedy="Write numbers with digits and a decimal mark, dates in the format that the segment names.",
    law=_DIRECTORY,
)
NOT_OF_THE_FORM = Kind(
    code="EDI-24",
    severity="error",
    text="This does not fit its element: {detail}.",
    remedy="Look at the length and the form that is wanted.",
    law=_DIRECTORY,
)
NO_CURRENCY = Kind(
    code="EDI-25",
    severity="error",
    text="The amount has no currency.",
    remedy="Add the ISO 4217 code to MOA, or a CUX segment after it.",
    law=f"{_DIRECTORY}; ISO 4217",
)
UNIT = Kind(
    code="EDI-26",
    severity="error",
    stage="codes",
    text="The unit of the mass is not one reckoned with here: {detail}.",
    remedy="Give it in kilograms (KGM), grams (GRM) or tonnes (TNE).",
    law="UNECE Recommendation 20",
)
TWICE = Kind(
    code="EDI-27",
    severity="error",
    text="This is said more than once and differently; the first was read.",
    remedy="Leave one of them.",
    law=_DIRECTORY,
)
FUNCTION_UNKNOWN = Kind(
    code="EDI-28",
    severity="error",
    stage="codes",
    text="It cannot be told whether this is a new declaration or a change of one: {detail}.",
    remedy="Give 9 in BGM for a new one, 4 or 5 for an amendment, 1 for a cancellation.",
    law="UNECE code list 1225",
)
NO_REFERENCE = Kind(
    code="EDI-29",
    severity="error",
    text="The message has no reference of its own: {detail}.",
    remedy="Give a document number in BGM, and in a cargo report one for each consignment.",
    law=_DIRECTORY,
)
NO_JURISDICTION = Kind(
    code="EDI-30",
    severity="error",
    text="The message does not say of which country it asks clearance.",
    remedy="Give the country in NAD+CM or the destination in LOC+28, or name the country when lodging.",
    law=_DIRECTORY,
)
AND_MORE = Kind(
    code="EDI-31",
    severity="error",
    text="More faults were found than are listed: {detail}.",
    remedy="Mend those listed, then send again.",
    law=_LIMIT,
)
ANSWER_UNKNOWN = Kind(
    code="EDI-32",
    severity="error",
    stage="codes",
    text="The answer is of a kind not known here.",
    remedy="Look at the processing indicator (GEI or GIS) of CUSRES, the action code of CONTRL.",
    law="UNECE code lists 7365 and 0083",
)

SYNTAX_CODES = {
    SERVICE_CHARACTERS.code: "20",
    CHARACTER_SET.code: "14",
    CHARACTER.code: "21",
    LINE_BREAK.code: "21",
    OVER_LIMIT.code: "18",
    CUT_OFF.code: "13",
    TAG.code: "12",
    NO_INTERCHANGE.code: "33",
    NOT_ENDED.code: "13",
    NOTHING_HELD.code: "32",
    COUNT.code: "29",
    REFERENCE.code: "28",
    DUPLICATE.code: "26",
    MIXED.code: "30",
    MESSAGE_TYPE.code: "14",
    LACKING.code: "13",
    BEYOND.code: "35",
}
"""What CONTRL says for each kind about syntax: UNECE code list 0085."""

KINDS: tuple[Kind, ...] = (
    SERVICE_CHARACTERS, CHARACTER_SET, CHARACTER, LINE_BREAK, OVER_LIMIT, CUT_OFF, TAG, NO_INTERCHANGE, NOT_ENDED,
    NOTHING_HELD, COUNT, REFERENCE, DUPLICATE, TEST, MIXED, MESSAGE_TYPE, VERSION, PLACE, LACKING, BEYOND, NOT_READABLE,
    NOT_OF_THE_FORM, NO_CURRENCY, UNIT, TWICE, FUNCTION_UNKNOWN, NO_REFERENCE, NO_JURISDICTION, AND_MORE,
    ANSWER_UNKNOWN,
)  # fmt: skip
"""Every kind of finding of this format."""

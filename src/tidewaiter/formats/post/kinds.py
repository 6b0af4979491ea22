"""What can be wrong in a message that a table describes, whatever its form: those of the post, and those of ICS2."""

from __future__ import annotations

from tidewaiter.model.finding import Kind

_PROFILE = "The table of the message: docs/reference/post.md, docs/reference/ics2.md"
_S9 = "UPU standard S9"

MALFORMED = Kind(
    code="PST-01",
    severity="error",
    text="The message cannot be taken apart: {detail}.",
    remedy="Let a program write it; check that it was not cut off on its way and that it is in UTF-8.",
    law=_PROFILE,
)
NOTHING_HELD = Kind(
    code="PST-02",
    severity="error",
    text="No postal message with anything in it was found.",
    remedy="Name the message (ITMATT, CUSITM, CUSRSP, PREDES or EMSEVT) and put at least one item into it.",
    law=_PROFILE,
)
UNKNOWN_MESSAGE = Kind(
    code="PST-03",
    severity="error",
    text="A message is none of ITMATT, CUSITM, CUSRSP, PREDES, EMSEVT; it was not read.",
    remedy="Name one of these.",
    law=_PROFILE,
)
UNKNOWN_FIELD = Kind(
    code="PST-04",
    severity="warning",
    text="There is no element {detail} here; its value was not read.",
    remedy="Compare the spelling with the table of the profile, or leave it out.",
    law=_PROFILE,
)
TWICE = Kind(
    code="PST-05",
    severity="error",
    text="The element {detail} stands more than once where it may stand once, or differs from what was said before.",
    remedy="Leave one of the two.",
    law=_PROFILE,
)
UNFIT = Kind(
    code="PST-06",
    severity="error",
    text="This should be {detail}.",
    remedy="Write it as the table of the profile has it.",
    law=_PROFILE,
)
UNFIT_CHARACTER = Kind(
    code="PST-07",
    severity="error",
    text="A text holds a character that no field may hold: {detail}.",
    remedy="Leave it out.",
    law="Unicode Standard: control characters and noncharacters",
)
MISSING = Kind(
    code="PST-08",
    severity="error",
    text="The element {detail} is missing.",
    remedy="Give it: without it the item cannot be known or judged.",
    law=_PROFILE,
)
NO_COUNTRY = Kind(
    code="PST-09",
    severity="error",
    text="It cannot be told whose customs is asked.",
    remedy="Give the country of destination, of the addressee or of customs.",
    law=_PROFILE,
)
NO_RECEPTACLE = Kind(
    code="PST-10",
    severity="error",
    text="This is no receptacle identifier: it must have 29 characters, in the order that the standard lays down.",
    remedy="Read it again from the label of the receptacle.",
    law=_S9,
)
NO_DISPATCH = Kind(
    code="PST-11",
    severity="error",
    text="This names no dispatch: it must be the first twenty characters of its receptacles' identifiers.",
    remedy="Give both offices, the category, the subclass, the year and the four digits of the dispatch.",
    law=_S9,
)
UNKNOWN_EVENT = Kind(
    code="PST-12",
    severity="warning",
    text="The event is none that is known here.",
    remedy="Use a code of the list; see the page of the profile.",
    law="UPU EMSEVT version 3",
)
AND_MORE = Kind(
    code="PST-13",
    severity="warning",
    text="There is more of the same; only the first {detail} findings are listed.",
    remedy="Mend those and send again.",
    law="Limit of this installation",
)
KINDS = (
    MALFORMED, NOTHING_HELD, UNKNOWN_MESSAGE, UNKNOWN_FIELD, TWICE, UNFIT, UNFIT_CHARACTER, MISSING, NO_COUNTRY,
    NO_RECEPTACLE, NO_DISPATCH, UNKNOWN_EVENT, AND_MORE,
)  # fmt: skip
"""Every kind of finding of this format, besides those of XML and of EDIFACT as such."""

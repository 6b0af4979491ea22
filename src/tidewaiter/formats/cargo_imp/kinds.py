"""What can be wrong with a message of CARGO-IMP: `CIM-`."""

from __future__ import annotations

from tidewaiter.model.finding import Kind

_LAW = "IATA Cargo Interchange Message Procedures (CARGO-IMP)"

CHARACTER = Kind(
    code="CIM-01",
    severity="warning",
    text="The line holds signs that CARGO-IMP does not have: {detail}.",
    remedy="Use capital letters, digits, spaces, full stops and hyphens.",
    law=f"{_LAW}, character set",
)
TOO_LONG = Kind(
    code="CIM-02",
    severity="warning",
    text="The line is longer than a line may be: {detail}.",
    remedy="Break lines after 69 characters at the latest, and go on with an oblique.",
    law=f"{_LAW}, line length",
)
RUN_TOGETHER = Kind(
    code="CIM-03",
    severity="warning",
    text="The lines of the message have run together or are broken elsewhere; their identifiers told them apart.",
    remedy="Send the message with its line ends, and look at what was read.",
    law=_LAW,
)
FORM = Kind(
    code="CIM-04",
    severity="error",
    text="The line is not of its form: {detail}.",
    remedy="Compare with the form of the line in the manual.",
    law=_LAW,
)
UNKNOWN_LINE = Kind(
    code="CIM-05",
    severity="warning",
    text="A line begins with no identifier of its message, and was not read: {detail}.",
    remedy="Begin it with an oblique where it goes on with the line before.",
    law=_LAW,
)
VERSION = Kind(
    code="CIM-06",
    severity="warning",
    text="The version of the message is none that is known here; it was read as the others are: {detail}.",
    remedy="Send FHL of version 2 to 5, FWB of version 5 to 17.",
    law=_LAW,
)
NOTE = Kind(
    code="CIM-07",
    severity="error",
    text="The customs note is not of its form: {detail}.",
    remedy="Give country, information identifier, customs information identifier and information: OCI/US/SHP/T/X.",
    law=f"{_LAW}, line OCI",
)
FOREIGN = Kind(
    code="CIM-08",
    severity="error",
    text="What is declared holds signs that no message of CARGO-IMP can carry on: {detail}.",
    remedy="Use capital letters, digits, spaces, full stops and hyphens.",
    law=f"{_LAW}, character set",
)
KINDS = (CHARACTER, TOO_LONG, RUN_TOGETHER, FORM, UNKNOWN_LINE, VERSION, NOTE, FOREIGN)
"""Every kind of finding of this format, besides those of any waybill and any table."""

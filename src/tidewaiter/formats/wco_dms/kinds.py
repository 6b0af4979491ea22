"""What can be wrong with a message of this family: `XML-` for any XML, `DMS-` for the declaration or answer in it."""

from __future__ import annotations

from tidewaiter.model.finding import Kind

_NAMES = "Namespaces in XML 1.0, third edition"
_WCO = "WCO Data Model 3.6, DMS message schemas"

NAMESPACE = Kind(
    code="XML-05",
    severity="note",
    text="The namespace of the message is not that of the WCO DMS schemas; it was read by its element names: {detail}.",
    remedy="Use urn:wco:datamodel:WCO:DEC-DMS:2 for declarations and urn:wco:datamodel:WCO:RES-DMS:2 for answers.",
    law=_NAMES,
)
NOTHING_HELD = Kind(
    code="XML-06",
    severity="error",
    text="The message holds no declaration and no answer to one: {detail}.",
    remedy="Put a Declaration element into the message.",
    law=_WCO,
)

NOT_READABLE = Kind(
    code="DMS-01",
    severity="error",
    text="This should be {detail}.",
    remedy="Write numbers with digits and a point, dates as 20261102103000Z with format 304 or 20261102 with 102.",
    law=_WCO,
)
NOT_OF_THE_FORM = Kind(
    code="DMS-02",
    severity="error",
    text="This does not fit its element: {detail}.",
    remedy="Look at the length and the form the schema gives for it.",
    law=_WCO,
)
NO_CURRENCY = Kind(
    code="DMS-03",
    severity="error",
    text="The amount has no currency: {detail}.",
    remedy="Add currencyID with the ISO 4217 code.",
    law=_WCO,
)
NO_REFERENCE = Kind(
    code="DMS-04",
    severity="error",
    text="The declaration has no reference of its own (LRN): {detail}.",
    remedy="Give FunctionalReferenceID, up to 22 characters, never used before.",
    law="WCO Data Model D026; Delegated Regulation (EU) 2015/2446, Annex B, data element 12 09",
)
FUNCTION_UNKNOWN = Kind(
    code="DMS-05",
    severity="error",
    stage="codes",
    text="It cannot be told whether this is a new declaration or a change of one: {detail}.",
    remedy="Give FunctionCode 9 for a new declaration, 13 for an amendment or cancellation.",
    law="WCO Data Model 017; UNECE code list 1225",
)
NO_JURISDICTION = Kind(
    code="DMS-06",
    severity="error",
    text="The message does not say of which country it asks clearance: {detail}.",
    remedy="Give ResponsibleCountryCode in MetaData, or name the country when lodging.",
    law=_WCO,
)
UNIT = Kind(
    code="DMS-07",
    severity="error",
    stage="codes",
    text="The mass is not in kilograms: {detail}.",
    remedy="Give it in kilograms, with unitCode KGM or none.",
    law="UNECE Recommendation 20",
)
NO_DECLARATION = Kind(
    code="DMS-08",
    severity="error",
    text="This is a report about a declaration, not a declaration: {detail}.",
    remedy="Lodge the declaration itself.",
    law=_WCO,
)
ANSWER_UNKNOWN = Kind(
    code="DMS-09",
    severity="error",
    stage="codes",
    text="The answer is of a kind not known here: {detail}.",
    remedy="The function code of an answer is 01 to 11, 13 to 16 or 18.",
    law=_WCO,
)
TWICE = Kind(
    code="DMS-10",
    severity="error",
    text="This stands more than once where the schema lets it stand once; the first was read: {detail}.",
    remedy="Leave one of them.",
    law=_WCO,
)

KINDS: tuple[Kind, ...] = (
    NAMESPACE,
    NOTHING_HELD,
    NOT_READABLE,
    NOT_OF_THE_FORM,
    NO_CURRENCY,
    NO_REFERENCE,
    FUNCTION_UNKNOWN,
    NO_JURISDICTION,
    UNIT,
    NO_DECLARATION,
    ANSWER_UNKNOWN,
    TWICE,
)
"""Every kind of finding of this format, besides those of any XML; see `formats.tree`."""

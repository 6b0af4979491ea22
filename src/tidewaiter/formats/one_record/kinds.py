"""What can be wrong with a message of ONE Record: `ONE-`, and what can be wrong with any JSON."""

from __future__ import annotations

from tidewaiter.model.finding import Kind

_LAW = "IATA ONE Record, cargo ontology 3; JSON-LD 1.1"

REFERENCE = Kind(
    code="ONE-01",
    severity="error",
    text="An object is referred to that is not in the message: it is not fetched.",
    remedy="Send the object with it, in the graph or in the place where it is referred to.",
    law=_LAW,
)
OVER_LIMIT = Kind(
    code="ONE-02",
    severity="error",
    text="The objects of the message, each put where it is referred to, are more than {detail}.",
    remedy="Send fewer waybills in a message, and each object once.",
    law="Limit of this installation",
)
KINDS = (REFERENCE, OVER_LIMIT)
"""Every kind of finding of this format, besides those of any waybill, of any table and of JSON."""

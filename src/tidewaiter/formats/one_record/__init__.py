"""Air waybills as ONE Record: JSON-LD of the cargo ontology, a single object or a graph with references.

Each house waybill is a consignment, each waybill without houses, and each shipment without a waybill, whose reference
is then the last part of its id. They are told for security before loading, so the direction is `entry`; see
`formats.air`. An object that is referred to is looked for in the message alone: nothing is fetched, and one that is
not there is a finding. Names are read with the prefix `cargo:`, with the whole address, or bare.

A piece is a goods item, or each item in it is; each further product of it is one more. The count of packages is that
of the pieces. `elements.csv` says which property is which field. Bookings, events, dimensions and charges have no
field of ours and are named as dropped.

Source: IATA ONE Record, cargo ontology 3 and its mappings from XFZB, XFWB and OCI.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tidewaiter.formats.mapped_reading import source_pointer
from tidewaiter.formats.one_record.kinds import KINDS
from tidewaiter.formats.one_record.reading import NAME, read
from tidewaiter.formats.one_record.writing import ANSWERS, POINTERS, write_answers, write_waybills
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment

__all__ = ["ANSWERS", "KINDS", "MEDIA_TYPES", "NAME", "POINTERS", "answer", "read", "sniff", "source_pointer", "write"]

MEDIA_TYPES = ("application/ld+json",)

_OURS = re.compile(
    rb"onerecord\.iata\.org/ns/|\"(?:cargo|api):[A-Za-z]+\"\s*:|\"@type\"\s*:[\s\[]*\"(?:cargo|api):[A-Za-z]+\""
)
"""The ontology's address, or one of its names as that of a field or of a kind, not in a text."""
_LITERALS = (b"onerecord.iata.org/ns/", b'"cargo:', b'"api:')
"""One of these is in all that is ours: they are looked for first, since that takes no time."""


def sniff(head: bytes) -> bool:
    """Whether the message begins as JSON and names the ontology of ONE Record."""
    body = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    is_json = body[:1] in (b"{", b"[")
    return is_json and any(one in body for one in _LITERALS) and _OURS.search(body) is not None


def write(consignments: Sequence[Consignment]) -> bytes:
    """A graph that `read` reads back as these consignments, but for what a waybill has no property for.

    That is all that is about price and tax by item, documents, and the country asked where the consignee does not
    live in it; a count of packages beyond that of the items, and a reference beside the number of the house, are lost.
    """
    return write_waybills(consignments)


def answer(answers: Sequence[Answer]) -> bytes:
    """The answers in this dialect: an error for what was rejected, an event for what was not."""
    return write_answers(answers)

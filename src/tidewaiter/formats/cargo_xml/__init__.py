"""Air waybills as Cargo-XML: the house waybill XFZB, the house manifest XFHL and the waybill XFWB; answers as XFNM.

Each house of a manifest is a consignment, and so is a waybill, whose number is then its master bill. They are told
for security before loading, so the direction is `entry`; see `formats.air` for what all waybills have in common.
`elements.csv` says which element is which field. Charges of carriage beyond their sum, dimensions, volumes, accounts
and contact persons have no field of ours and are named as dropped. A value declared for customs is kept as the total
of the invoice, the shipper's own count of packages (SLAC) as a statement of type SLC, the summary as one of type SUM.

Source: IATA Cargo-XML XFWB 5, XFZB 4, XFHL 3; the structure as the mappings to ONE Record 3 print it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tidewaiter.formats.cargo_xml.answers import ANSWERS, POINTERS, write_answers
from tidewaiter.formats.cargo_xml.reading import NAME, read
from tidewaiter.formats.cargo_xml.writing import write_houses, write_manifest
from tidewaiter.formats.mapped_reading import source_pointer
from tidewaiter.formats.tree import sniffs
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment

__all__ = [
    "ANSWERS",
    "MEDIA_TYPES",
    "NAME",
    "POINTERS",
    "answer",
    "read",
    "sniff",
    "source_pointer",
    "write",
    "write_manifest",
]

MEDIA_TYPES = ("application/xml", "text/xml")

_OURS = re.compile(rb"iata:(?:housewaybill|housemanifest|waybill|response):[0-9]|iata:datamodel:3")


def sniff(head: bytes) -> bool:
    """Whether the message begins as XML and names a namespace of Cargo-XML; in UTF-16 too."""
    return sniffs(head, _OURS)


def write(consignments: Sequence[Consignment]) -> bytes:
    """House waybills that `read` reads back as these consignments, but for what a waybill has no element for.

    That is all that is about price and tax by item, procedure and offices, and the country asked where the consignee
    does not live in it. Parties are written by their roles, and of a party its number, name, address, telephone and
    e-mail. Documents keep number, type and name; statements are written by type: HDR, SPH, SSR, OSI, ACC, OCI, SLC and
    SUM.
    """
    return write_houses(consignments)


def answer(answers: Sequence[Answer]) -> bytes:
    """The answers in this dialect, a response (XFNM) each."""
    return write_answers(answers)

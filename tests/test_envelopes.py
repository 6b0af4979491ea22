"""Declarations that each stand in an envelope of their own in one file are known by their shape, and read alike."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from test_known import DIALECTS, changed, is_read_alike
from tidewaiter import formats
from tidewaiter.cli.bench import consignments

[WCO_DMS] = [dialect for dialect in DIALECTS if dialect.name == "wco_dms"]
MEMORY = WCO_DMS.memory
MANY = formats.FORMATS["wco_dms"].write(consignments(12))
"""To four countries, whose codes stand in the envelopes."""
ENVELOPE = re.compile(rb"<md:MetaData.*?</md:MetaData>", re.DOTALL)


def is_known(message: bytes) -> bool:
    """Whether all of a message is known."""
    cut = MEMORY.cut(message)
    return cut is not None and MEMORY.reading(cut) is not None


def test_a_file_of_envelopes_is_known_the_second_time() -> None:
    """Its shapes came several times in the first."""
    MEMORY.forget()
    known = []
    for _ in range(2):
        known.append(is_known(MANY))
        WCO_DMS.read(MANY)

    assert known == [False, True]
    assert WCO_DMS.read(MANY) == WCO_DMS.by_tree(MANY)
    assert len({one.consignment.jurisdiction for one in WCO_DMS.read(MANY).declared}) > 1


def test_an_envelope_alone_teaches_the_file_of_many() -> None:
    MEMORY.forget()
    for envelope in ENVELOPE.findall(MANY):
        for _ in range(2):
            WCO_DMS.read(b'<?xml version="1.0" encoding="UTF-8"?>\n<Messages>\n  ' + envelope + b"\n</Messages>\n")

    assert is_known(MANY)
    assert WCO_DMS.read(MANY) == WCO_DMS.by_tree(MANY)


def test_what_is_dropped_of_an_envelope_is_told_of_each() -> None:
    MEMORY.forget()
    strange = MANY.replace(b"<md:WCOTypeName>DEC<", b"<md:Other>here</md:Other><md:WCOTypeName>NEW<")
    for _ in range(3):
        WCO_DMS.read(strange)
    reading = WCO_DMS.read(strange)

    assert is_known(strange)
    assert reading == WCO_DMS.by_tree(strange)
    assert "/Messages/MetaData[12]/Other" in reading.dropped


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"</md:MetaData>\n  <md:MetaData ", b"</md:MetaData>\n  word <md:MetaData "),
        (b"</md:MetaData>\n  <md:MetaData ", b"</md:MetaData>\n  <md:MetaData/><md:MetaData "),
        (b"</md:MetaData>\n  <md:MetaData ", b"</md:MetaData>\n  <other>1</other><md:MetaData "),
        (b"</md:MetaData>\n  <md:MetaData ", b"</md:MetaData></Messages><Messages><md:MetaData "),
        (b"</md:MetaData>\n  <md:MetaData ", b"</md:MetaData>\n  <!-- <md:MetaData> --><md:MetaData "),
        (b"</md:MetaData>\n  <md:MetaData ", b""),
        (b"</Messages>", b"<md:MetaData>x</md:MetaData></Messages>"),
        (b"</Messages>", b"<late>x</late></Messages>"),
        (b"</Messages>", b""),
        (b"<Messages>", b"<Messages><early>x</early>"),
        (b"<Messages>", b"<Messages><MetaData/>"),
        (b"<Messages>", b"<MetaData>"),
        (b"</Messages>", b"</MetaData>"),
        (b"<Messages>", b"<Messages><!-- "),
        (b"<md:MetaData ", b"<md:MetaData><md:MetaData "),
        (b"</md:MetaData>", b"</md:MetaData></md:MetaData>"),
        (b"</md:MetaData>", b"<!-- --></md:MetaData>"),
        (b"</md:MetaData>", b"<md:Behind>x</md:Behind></md:MetaData>"),
        (b"<md:WCOTypeName>", b"<md:MetaData/><md:WCOTypeName>"),
        (b"<md:WCOTypeName>", b"<Declaration/><md:WCOTypeName>"),
        (b"ResponsibleCountryCode>GB<", b"ResponsibleCountryCode>XX<"),
        (b"urn:wco:datamodel:WCO:DEC-DMS:2", b"urn:other"),
    ],
)
def test_envelopes_that_differ_are_read_as_ever(old: bytes, new: bytes) -> None:
    for _ in range(3):
        WCO_DMS.read(MANY)
    strange = [MANY.replace(old, new, count) for count in (1, -1)]
    first, _, last = MANY.rpartition(old)

    assert old in MANY
    assert all(is_read_alike(WCO_DMS, message) for message in (*strange, first + new + last))


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_changed_envelopes_are_read_alike(data: st.DataObject) -> None:
    for _ in range(2):
        WCO_DMS.read(MANY)
    envelopes = data.draw(st.lists(st.sampled_from(ENVELOPE.findall(MANY)), min_size=2, max_size=4), "envelopes")
    message = b"<Messages>\n  " + b"\n  ".join(envelopes) + b"\n</Messages>\n"
    for _ in range(data.draw(st.integers(1, 3), "changes")):
        begins = data.draw(st.sampled_from([found.start() for found in ENVELOPE.finditer(message)] or [0]), "begins")
        here = message[begins : begins + 500] if data.draw(st.booleans(), "is around") else b""
        message = (
            message.replace(here, data.draw(changed(here), "changed"), 1)
            if here
            else data.draw(changed(message), "changed")
        )

    assert is_read_alike(WCO_DMS, message)

"""The shape of the messages, from the table `fields.csv`; how a table is read is in `formats.post.shape`.

`IE3F43` and `IE3F32` are the minimum filings of post and express before loading, `IE4Q04` a referral, `IE4S02` the
result of a risk analysis, `IE4N99` an error. Names and order are those of the common repository's contract, namespace
`urn:wco:datamodel:eu:ics2:2`, version 2.0.0: for the first two of its types for a house consignment, since the filings
of traders are not public; what stands around the house consignment in them is **unverified**.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from tidewaiter.formats.post.shape import Group, codes_of, message_of, ours, table_of
from tidewaiter.model.answer import AnswerKind, DialectError, Remark
from tidewaiter.model.consignment import Channel, Consignment

SPACE = "urn:wco:datamodel:eu:ics2:2"
_FOLDER = Path(__file__).parent


class Numbered(msgspec.Struct, frozen=True, kw_only=True):
    """A document, a receptacle or a container by its number."""

    number: str
    type: str = ""


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """What may not be loaded."""

    receptacles: tuple[Numbered, ...] = ()
    documents: tuple[Numbered, ...] = ()
    equipment: tuple[Numbered, ...] = ()


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """An answer field by field as the messages have it."""

    id: str = ""
    message_id: str = ""
    sent_at: datetime | None = None
    issued_at: datetime | None = None
    sender: str | None = None
    recipient: str | None = None
    function: str | None = None
    analysis: str | None = None
    mrn: str | None = None
    country: str | None = None
    representative: str | None = None
    carrier: str | None = None
    declarant: str | None = None
    request: str | None = None
    document: str | None = None
    document_type: str | None = None
    master: str | None = None
    master_type: str | None = None
    pointer: str | None = None
    category: str | None = None
    analysis_type: str | None = None
    result: str | None = None
    remarks: tuple[Remark, ...] = ()
    details: tuple[Details, ...] = ()
    errors: tuple[DialectError, ...] = ()


ROWS, CODES = table_of(_FOLDER), codes_of(_FOLDER)
FILINGS: Mapping[str, Channel] = {"IE3F43": "post", "IE3F32": "express"}
"""The filings and the channel of each."""
NOTICES = ("IE4Q04", "IE4S02", "IE4N99")
MESSAGES: Mapping[str, Group] = {
    name: message_of(name, ROWS, Consignment if name in FILINGS else Notice, CODES) for name in (*FILINGS, *NOTICES)
}
"""The shape of each message."""
REFERRALS: Mapping[str, AnswerKind] = {
    code: msgspec.convert(word, AnswerKind) for code, word in ours("referral", CODES).items()
}
"""Our kind of answer for each type of referral (EU code list CL735)."""
NUMBERS: Mapping[str, AnswerKind] = {
    code: msgspec.convert(word, AnswerKind) for code, word in ours("notice", CODES).items()
}
"""Our kind of answer for each message that ICS2 sends a trader, by its number; they are not public as files."""

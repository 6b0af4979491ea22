"""Answers as XFNM, the response that says of a waybill whether it was taken, and why not.

What became of it beyond that stands in a status with the condition Notification: its reason code is the kind of
answer, its information the number that customs gave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import get_args

import msgspec

from tidewaiter.formats.cargo_xml.names import document
from tidewaiter.formats.mapped import Group, table
from tidewaiter.formats.mapped_reading import Taker
from tidewaiter.formats.mapped_writing import tree_of
from tidewaiter.formats.tree import Node
from tidewaiter.model.answer import Answer, AnswerKind, DialectError

RESPONSE = "Response"
_KINDS: tuple[AnswerKind, ...] = get_args(AnswerKind)
_REJECTED: tuple[AnswerKind, ...] = ("rejected", "do_not_load", "refused", "invalidated")
_NOTICE, _ERROR, _FINE = "Notification", "Error", "Acknowledgement"
_REFUSED, _TAKEN = "Rejected", "Processed"


ANSWERS: Mapping[AnswerKind, str] = {
    kind: f"XFNM {_REFUSED if kind in _REJECTED else _TAKEN}, reason {kind}" for kind in _KINDS
}
"""How each answer is said here, by kind; two that are said alike are read as the first of them."""
POINTERS = "XPath: `/HouseWaybill/MasterConsignment[1]/IncludedHouseConsignment[1]`"
"""How a place in a message is pointed at."""


class _Status(msgspec.Struct, frozen=True, kw_only=True):
    condition: str | None = None
    code: str | None = None
    text: str | None = None
    place: str | None = None


class _Response(msgspec.Struct, frozen=True, kw_only=True):
    id: str = ""
    sent_at: datetime | None = None
    message_id: str | None = None
    reference: str | None = None
    status: str | None = None
    statuses: tuple[_Status, ...] = ()


def _table() -> Group:
    return table("tidewaiter.formats.cargo_xml", "response.csv", "response", _Response)


def answer_of(message: Node, taker: Taker) -> Answer:
    """The answer in a response; without a notice it is that it was rejected or received."""
    values = taker.take(message, _table())
    statuses = [_Status(**one) for one in values.get("statuses", ())]
    notice = next((one for one in statuses if one.condition == _NOTICE), _Status())
    errors = [one for one in statuses if one.condition not in (_NOTICE, _FINE)]
    kind = next((kind for kind in _KINDS if kind == notice.code), None)
    is_rejected = values.get("status") == _REFUSED or any(one.condition == _ERROR for one in errors)
    return Answer(
        kind=kind or ("rejected" if is_rejected else "received"),
        id=values.get("id", ""),
        reference=values.get("reference"),
        mrn=notice.place,
        sent_at=values.get("sent_at"),
        status=values.get("status"),
        errors=tuple(DialectError(code=one.code or "", pointer=one.place or "", text=one.text or "") for one in errors),
    )


def write_answers(answers: Sequence[Answer]) -> bytes:
    """A response for each answer."""
    return document([_response(one) for one in answers])


def _response(answer: Answer) -> Node:
    told = [_Status(condition=_NOTICE, code=answer.kind, place=answer.mrn)]
    told += [
        _Status(
            condition=_ERROR if one.severity == "error" else "Warning",
            code=one.code,
            text=f"{one.text} {one.remedy}".strip(),
            place=one.source_pointer or one.pointer,
        )
        for one in answer.findings
    ]
    told += [_Status(condition=_ERROR, code=one.code, text=one.text, place=one.pointer) for one in answer.errors]
    is_rejected = answer.kind in _REJECTED
    if not is_rejected and len(told) == 1:
        told.append(_Status(condition=_FINE, text="No Errors"))
    response = _Response(
        id=answer.id,
        sent_at=answer.sent_at,
        message_id=answer.concerned.message_id if answer.concerned else None,
        reference=answer.reference,
        status=_REFUSED if is_rejected else _TAKEN,
        statuses=tuple(told),
    )
    return tree_of(response, _table(), RESPONSE)

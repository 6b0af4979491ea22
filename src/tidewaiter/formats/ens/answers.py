"""Answers of customs: acknowledged with its MRN (IE328) or rejected (IE316), an amendment accepted (IE304) or rejected
(IE305), and an intervention before arrival (IE351).

`MESSAGES` is the one table of kinds of ours and messages of theirs. What the message wants to repeat of the
declaration comes from `Answer.concerned`; without it, and without instants, a message is not valid by its schema.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from tidewaiter.formats.ens.shape import Message, Misfit, instant_of, message_of
from tidewaiter.formats.ens.tables import ANSWER_ELEMENTS, RULES
from tidewaiter.formats.ens.taking import Taker, take_apart
from tidewaiter.formats.ens.writing import Element, element_of
from tidewaiter.formats.tree import Node
from tidewaiter.model.answer import Answer, AnswerKind, Concerned, DialectError, Remark
from tidewaiter.model.finding import Finding

LODGED: Mapping[AnswerKind, str] = {
    "accepted": "CC328A",
    "received": "CC328A",
    "rejected": "CC316A",
    "control": "CC351A",
    "documents": "CC351A",
    "hold": "CC351A",
    "information_request": "CC351A",
    "screening_request": "CC351A",
    "do_not_load": "CC351A",
    "refused": "CC351A",
}
"""The message for each kind of answer to a declaration. Other kinds (taxes, release) have none, and are not sent."""
AMENDED: Mapping[AnswerKind, str] = {
    **LODGED,
    "accepted": "CC304A",
    "received": "CC304A",
    "amendment_result": "CC304A",
    "rejected": "CC305A",
}
"""The same for an amendment."""
INTERVENTIONS: Mapping[AnswerKind, str] = {
    "do_not_load": "A001",
    # The codes that follow are of our own: no list of them is published with the messages.
    "control": "CTL",
    "documents": "DOC",
    "hold": "HLD",
    "information_request": "RFI",
    "screening_request": "RFS",
    "refused": "REF",
}
"""Code of the intervention that each kind of answer is."""
ANSWERS: Mapping[AnswerKind, str] = {
    kind: " ".join([f"IE{message[2:5]}", *([INTERVENTIONS[kind]] if kind in INTERVENTIONS else [])])
    + (f", to an amendment IE{AMENDED[kind][2:5]}" if message != AMENDED[kind] else "")
    for kind, message in {**AMENDED, **LODGED}.items()
}
"""How each answer is said here, by kind; two that are said alike are read as the first of them."""
POINTERS = "XPath: `/ie:CC315A[1]/GOOITEGDS[1]/GooDesGDS23[1]`"
"""How a place in a message is pointed at."""
AUTHORITY = "CUSTOMS"
"""Who sends the answers, after the country of the office of first entry."""

_WRONG = "12"
"""Kind of error where no rule says another: a value that is wrong. Source: UN/EDIFACT code list 0085."""
_ERROR_TYPES = {row.code: row.error for row in RULES}
_KINDS: dict[str, AnswerKind] = {
    "CC328A": "accepted",
    "CC304A": "accepted",
    "CC316A": "rejected",
    "CC305A": "rejected",
    "CC351A": "do_not_load",
}
_BY_INTERVENTION: dict[str, AnswerKind] = {code: kind for kind, code in INTERVENTIONS.items()}
_ID_LENGTH, _POINTER_LENGTH, _CODE_LENGTH, _TEXT_LENGTH = 14, 210, 6, 350
"""As the schemas have them."""


class _Error(msgspec.Struct, frozen=True, kw_only=True):
    type: str | None = None
    pointer: str | None = None
    code: str | None = None
    text: str | None = None


class _Intervention(msgspec.Struct, frozen=True, kw_only=True):
    item: int | None = None
    code: str | None = None
    text: str | None = None


class _Response(msgspec.Struct, frozen=True, kw_only=True):
    """An answer field by field as the messages have it."""

    sender: str | None = None
    recipient: str | None = None
    sent_at: datetime | None = None
    id: str = ""
    message_id: str | None = None
    reference: str | None = None
    mrn: str | None = None
    border_mode: str | None = None
    effective_at: datetime | None = None
    registered_at: datetime | None = None
    declared_at: datetime | None = None
    status: str | None = None
    reason: str | None = None
    errors: tuple[_Error, ...] = ()
    lodgement_office: str | None = None
    representative: str | None = None
    declarant: str | None = None
    entry_office: str | None = None
    arrival_expected: datetime | None = None
    carrier: str | None = None
    interventions: tuple[_Intervention, ...] = ()


def is_answer(name: str) -> bool:
    """Whether a message of this name is an answer."""
    return name in _KINDS


@functools.cache
def _message(name: str) -> Message:
    return message_of(name, ANSWER_ELEMENTS, _Response, "reduced")


def answer_of(node: Node, taker: Taker, *, at: str) -> Answer:
    """The answer in a message. What it repeats of the goods has no field."""
    _, fields = take_apart(node, _message(node.name), taker, at=at)
    fields = {name: tuple(value) if type(value) is list else value for name, value in fields.items()}
    day, clock = fields.pop("=sent_at:date", ""), fields.pop("=sent_at:time", "")
    response = _Response(**fields, sent_at=_instant(day, clock))
    kind = _KINDS[node.name]
    if response.interventions:
        kind = _BY_INTERVENTION.get(response.interventions[0].code or "", "control")
    is_intervention = node.name == "CC351A"
    return Answer(
        kind=kind,
        id=response.id,
        reference=response.reference,
        mrn=response.mrn,
        sent_at=response.sent_at,
        effective_at=response.registered_at if is_intervention else response.effective_at,
        status=response.status,
        statements=(*_reason(response), *_remarks(response)),
        errors=tuple(_dialect_error(one) for one in response.errors),
        concerned=Concerned(
            function="amendment" if node.name in ("CC304A", "CC305A") else "original",
            message_id=response.message_id,
            sender=response.recipient,
            **{name: getattr(response, name) for name in _REPEATED},
        ),
    )


_REPEATED = (
    "declarant", "representative", "carrier", "border_mode", "lodgement_office", "entry_office", "arrival_expected",
    "declared_at",
)  # fmt: skip
"""What stands under the same name in an answer of ours and in theirs."""


def _dialect_error(error: _Error) -> DialectError:
    """The error by the code of its rule, else by its kind."""
    return DialectError(code=error.code or error.type or "", pointer=error.pointer or "")


def _instant(day: str, clock: str) -> datetime | None:
    try:
        return instant_of(day, clock) if day and clock else None
    except Misfit:
        return None


def _reason(response: _Response) -> tuple[Remark, ...]:
    return (Remark(text=response.reason),) if response.reason else ()


def _remarks(response: _Response) -> tuple[Remark, ...]:
    return tuple(Remark(code=one.code, text=one.text) for one in response.interventions if one.text)


def answer_element(answer: Answer) -> Element | None:
    """The message for an answer; None where the dialect has none of this kind."""
    concerned = answer.concerned or Concerned()
    name = (AMENDED if concerned.function == "amendment" else LODGED).get(answer.kind)
    if name is None:
        return None
    office = concerned.entry_office or ""
    fields: dict[str, Any] = {
        "sender": f"{office[:2].upper()}{AUTHORITY}",
        "recipient": concerned.sender,
        "sent_at": answer.sent_at,
        "id": short_id(answer.id),
        "message_id": concerned.message_id,
        "reference": answer.reference,
        "mrn": answer.mrn,
        "status": answer.status,
        **{field: getattr(concerned, field) for field in _REPEATED},
    }
    if name == "CC351A":
        fields |= {"effective_at": answer.sent_at, "registered_at": answer.effective_at}
        fields["interventions"] = tuple(_interventions(answer))
    else:
        fields["effective_at"] = answer.effective_at
    if answer.kind == "rejected":
        fields |= {"errors": tuple(_errors(answer)), "reason": _told(answer)}
    return element_of(_Response(**fields), _message(name))


def short_id(id: str) -> str:
    """The number of an answer as short as the message has it: itself, or a digest of it."""
    return id if len(id) <= _ID_LENGTH else hashlib.blake2b(id.encode(), digest_size=_ID_LENGTH // 2).hexdigest()


def _errors(answer: Answer) -> list[_Error]:
    found = [_error(one.code, one.pointer) for one in answer.errors]
    return found + [
        _error(one.code, one.source_pointer or one.pointer) for one in answer.findings if one.severity == "error"
    ]


def _error(code: str, pointer: str) -> _Error:
    return _Error(
        type=_ERROR_TYPES.get(code, _WRONG), pointer=(pointer or "/")[:_POINTER_LENGTH], code=code[:_CODE_LENGTH]
    )


def _told(answer: Answer) -> str | None:
    """The findings in words, as many as there is room for."""
    told = [remark.text for remark in answer.statements if remark.text]
    told += [_words(finding) for finding in answer.findings if finding.severity == "error"]
    text = " ".join(dict.fromkeys(told))
    return (text if len(text) <= _TEXT_LENGTH else f"{text[: _TEXT_LENGTH - 1]}…") or None


def _words(finding: Finding) -> str:
    return f"{finding.text} {finding.remedy}".strip()


def _interventions(answer: Answer) -> list[_Intervention]:
    code = INTERVENTIONS[answer.kind]
    texts = [remark.text for remark in answer.statements if remark.text]
    texts += [_words(finding) for finding in answer.findings]
    told = [text[:_TEXT_LENGTH] for text in texts]
    return [_Intervention(code=code, text=text) for text in told] or [_Intervention(code=code)]

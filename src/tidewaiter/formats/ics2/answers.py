"""Referrals and results: what ICS2 says of a filing as answers of ours, and the other way.

`IE4Q04` asks for information or an amendment (RFI, AMD) or for screening (RFS); `IE4S02` is the result of a risk
analysis: with details of what may not be loaded it is *do not load*, without them the assessment is complete, which is
the kind `cleared` and no word on release; `IE4N99` tells errors. `NUMBERS` in `shape` has what traders are sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC

from tidewaiter.formats.ics2.form import HOUSE_BILL, POST
from tidewaiter.formats.ics2.shape import MESSAGES, REFERRALS, Details, Notice, Numbered
from tidewaiter.formats.post.node import Branch
from tidewaiter.formats.post.writing import branch_of
from tidewaiter.model.answer import Answer, AnswerKind, DialectError, Remark
from tidewaiter.model.identifiers import is_s10

SENDER, RECIPIENT = "TIDEWAITER", "RECIPIENT"
"""Placeholders: who sends the message on puts in the partners."""
COMPLETE, NOT_LOADED = "assessment complete", "do not load"
_ORIGINAL, _CATEGORY, _SECURITY = "9", "A", "S"
"""Function of the message, category and type of a risk analysis. Their lists of codes are not public: unverified."""
_RECEPTACLE, _EQUIPMENT = "RECEPTACLE", "EQUIPMENT"
_MESSAGE: dict[AnswerKind, str] = {
    "information_request": "IE4Q04",
    "screening_request": "IE4Q04",
    "do_not_load": "IE4S02",
    "cleared": "IE4S02",
    "rejected": "IE4N99",
}
"""The message for each kind of answer. Other kinds (taxes, documents, release) have none, and are not sent."""
_REQUESTS: dict[AnswerKind, str] = {"information_request": "RFI", "screening_request": "RFS"}
ANSWERS: Mapping[AnswerKind, str] = {
    kind: " ".join([message, *([_REQUESTS[kind]] if kind in _REQUESTS else [])])
    + {"do_not_load": f", {NOT_LOADED}", "cleared": f", {COMPLETE}"}.get(kind, "")
    for kind, message in _MESSAGE.items()
}
"""How each answer is said here, by kind; two that are said alike are read as the first of them."""
POINTERS = "XPath: `/IE3F43[1]/…/goodsItem[1]/commodity[1]/descriptionOfGoods[1]`"
"""How a place in a message is pointed at."""
_REFERENCE, _REQUEST, _TEXT, _TYPE = 35, 17, 512, 3


def answer_of(name: str, notice: Notice) -> Answer | None:
    """The answer that a message gives; None where its referral is of no type known here."""
    statements = tuple(notice.remarks)
    errors: tuple[DialectError, ...] = ()
    if name == "IE4Q04":
        kind = REFERRALS.get(notice.request or "")
        if kind is None:
            return None
        if notice.pointer:
            errors = (DialectError(code=notice.request or "", pointer=notice.pointer),)
        id, reference, status = notice.id, notice.document, notice.request
    elif name == "IE4S02":
        [details] = notice.details[:1] or (None,)
        kind = "cleared" if details is None else "do_not_load"
        numbers = [one.number for one in details.documents] if details else []
        statements += tuple(_listed(details, numbers[1:])) if details else ()
        id, reference, status = notice.id, next(iter(numbers), notice.analysis), None
    else:
        kind, errors = "rejected", notice.errors
        id, reference, status = notice.analysis or "", notice.document, None
    return Answer(
        kind=kind,
        id=id,
        reference=reference,
        mrn=notice.mrn,
        sent_at=notice.sent_at,
        effective_at=notice.issued_at,
        status=status,
        statements=statements,
        errors=errors,
    )


def _listed(details: Details, others: list[str]) -> Iterator[Remark]:
    """What besides the first document may not be loaded."""
    yield from (Remark(type="DOCUMENT", text=number) for number in others)
    yield from (Remark(type=_RECEPTACLE, text=one.number) for one in details.receptacles)
    yield from (Remark(type=_EQUIPMENT, text=one.number) for one in details.equipment)


def message_of(answer: Answer) -> tuple[str, Branch] | None:
    """The message for an answer; None where there is none of this kind. Without an instant it is not valid."""
    name = _MESSAGE.get(answer.kind)
    if name is None:
        return None
    at = answer.sent_at.astimezone(UTC).replace(microsecond=0) if answer.sent_at else None
    office = answer.concerned.entry_office if answer.concerned else None
    id = _short(answer.id, _REQUEST if name == "IE4Q04" else _REFERENCE)
    document = answer.reference
    notice = Notice(
        id=id,
        message_id=answer.id,
        sent_at=at,
        issued_at=at,
        sender=SENDER,
        recipient=RECIPIENT,
        function=_ORIGINAL,
        analysis=_short(document if name == "IE4S02" and document else answer.id, _REFERENCE),
        mrn=answer.mrn,
        country=(office or (answer.mrn or "")[2:4])[:2].upper() or None,
        request=answer.status if answer.status in REFERRALS else _REQUESTS.get(answer.kind),
        document=document,
        document_type=_type(document) if document else None,
        pointer=_pointer(answer),
        category=_CATEGORY,
        analysis_type=_SECURITY,
        result=COMPLETE if answer.kind == "cleared" else NOT_LOADED,
        remarks=tuple(_remarks(answer)),
        details=(_details(answer),) if answer.kind == "do_not_load" else (),
        errors=tuple(_errors(answer)) if name == "IE4N99" else (),
    )
    branch = branch_of(notice, MESSAGES[name])
    record = MESSAGES[name].records
    if record is not MESSAGES[name]:
        branch.children.append((record.name, branch_of(notice, record)))
    return name, branch


def _short(id: str, length: int) -> str:
    """The number as short as the message has it: itself, or a digest of it."""
    return id if len(id) <= length else hashlib.blake2b(id.encode(), digest_size=8).hexdigest()


def _type(number: str) -> str:
    return POST if is_s10(number) else HOUSE_BILL


def _details(answer: Answer) -> Details:
    told = {
        type_: tuple(Numbered(number=one.text) for one in answer.statements if one.type == type_ and one.text)
        for type_ in (_RECEPTACLE, _EQUIPMENT)
    }
    others = [one.text for one in answer.statements if one.type == "DOCUMENT" and one.text]
    numbers = [number for number in (answer.reference, *others) if number]
    documents = tuple(Numbered(number=number, type=_type(number)) for number in numbers)
    return Details(receptacles=told[_RECEPTACLE], equipment=told[_EQUIPMENT], documents=documents)


def _pointer(answer: Answer) -> str | None:
    places = [one.pointer for one in answer.errors] + [one.source_pointer or one.pointer for one in answer.findings]
    return next((place[:_TEXT] for place in places if place), None)


def _remarks(answer: Answer) -> Iterator[Remark]:
    for one in answer.statements:
        type_ = (one.type or "")[:_TYPE] or None
        yield Remark(code=one.code, text=one.text[:_TEXT] if one.text else None, type=type_)
    for finding in answer.findings:
        yield Remark(code=finding.code, text=f"{finding.text} {finding.remedy}".strip()[:_TEXT])


def _errors(answer: Answer) -> Iterator[DialectError]:
    yield from answer.errors
    for one in answer.findings:
        place = (one.source_pointer or one.pointer or "/")[:_TEXT]
        yield DialectError(code=one.code, pointer=place, text=f"{one.text} {one.remedy}".strip()[:_TEXT])
    if not answer.errors and not answer.findings:
        yield DialectError(code=answer.status or "REJECTED")

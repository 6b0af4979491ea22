"""What is expected of a message, and whether what was found agrees with it.

Three forms are read: our own in JSON, `{"findings": [["code", "place"], …], "decision": "rejected", "on":
"2026-11-26"}`, where `decision` and `on` may be left out; a list of errors in XML, each `Error` with its `Number` and
`Location`, as the test cases of the British import control system have them; and an answer of customs in the dialect of
the message. Only what is an error is compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

import msgspec

from tidewaiter import formats
from tidewaiter.formats.tree import Node, grow
from tidewaiter.model.answer import Answer
from tidewaiter.model.conformance import Agreement, Decided, Found, Place
from tidewaiter.model.finding import Finding

_ERROR, _NUMBER, _LOCATION = "Error", "Number", "Location"
_ROOTS = ("ErrorResponse", "Errors")


class Expected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is expected of a message: each error by code and place, in any order.

    `on` is the legal day on which that holds. `dialect` names the format whose answer it was read from: codes and
    places are then those of its answers.
    """

    findings: tuple[tuple[str, str], ...] = ()
    decision: Decided | None = None
    on: date | None = None
    dialect: str = ""


def expected_of(data: bytes) -> Expected | None:
    """What these bytes say is expected, in whichever form; None where they say nothing of the kind."""
    try:
        return msgspec.json.decode(data, type=Expected)
    except msgspec.DecodeError:
        pass
    root = grow(data).root
    if root is not None and root.name in _ROOTS:
        return Expected(findings=tuple((_text(one, _NUMBER), _text(one, _LOCATION)) for one in root.children
                                       if one.name == _ERROR))  # fmt: skip
    reading = formats.read(data)
    return _of_answers(reading.answers, reading.format) if reading.answers else None


def agreement(expected: Expected, findings: Sequence[Found]) -> Agreement:
    """What was found beside what was expected."""
    errors = [one for one in findings if one.severity == "error"]
    decision: Decided = "rejected" if errors else "accepted"
    wanted = Counter(expected.findings)
    if expected.dialect:
        got = Counter(_of_answers([_answered(errors, decision)], expected.dialect, again=True).findings)
    else:
        got = Counter((one.code, one.location) for one in errors)
    missing, surplus = _places(wanted - got), _places(got - wanted)
    same = expected.decision in (None, decision)
    return Agreement(
        agrees=same and not missing and not surplus,
        missing=missing,
        surplus=surplus,
        decision_expected=expected.decision or "",
        decision_found=decision if expected.decision else "",
    )


def _of_answers(answers: Sequence[Answer], format: str, *, again: bool = False) -> Expected:
    """What answers say. With `again` they are ours, and first put into the dialect and read, as the sender would."""
    if again:
        module = formats.FORMATS[format]
        answers = module.read(module.answer(answers)).answers
    places = [
        *((error.code, error.pointer) for one in answers for error in one.errors),
        *((one.code, one.source_pointer) for answer in answers for one in answer.findings if one.severity == "error"),
    ]
    is_rejected = any(one.kind == "rejected" for one in answers)
    return Expected(findings=tuple(places), decision="rejected" if is_rejected else "accepted", dialect=format)


def _answered(errors: Sequence[Found], decision: Decided) -> Answer:
    findings = tuple(
        Finding(
            code=one.code, severity=one.severity, pointer=one.pointer, source_pointer=one.location, text=one.text,
            remedy=one.remedy, law=one.law,
        )
        for one in errors
    )  # fmt: skip
    return Answer(kind=decision, id="conform", reference="", findings=findings)


def _places(counted: Counter[tuple[str, str]]) -> tuple[Place, ...]:
    return tuple(Place(code=code, location=place, times=times) for (code, place), times in sorted(counted.items()))


def _text(node: Node, name: str) -> str:
    return next((child.text for child in node.children if child.name == name), "")

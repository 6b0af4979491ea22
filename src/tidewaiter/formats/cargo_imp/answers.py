"""Answers as FMA, which says that a message was taken, and FNA, which says that it was not.

Each has lines ACK: first the kind of our answer and the number that customs gave, then what was found; and the
number of the house it is about in a line HBS.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from tidewaiter.formats.cargo_imp.lines import Message
from tidewaiter.formats.cargo_imp.words import plain
from tidewaiter.formats.text import folded
from tidewaiter.model.answer import Answer, AnswerKind, DialectError

_KINDS: tuple[AnswerKind, ...] = get_args(AnswerKind)
_WORDS = {plain(kind.replace("_", " ")): kind for kind in _KINDS}
_REJECTED: tuple[AnswerKind, ...] = ("rejected", "do_not_load", "invalidated")
_TEXT_MAX = 65


def answer_of(message: Message) -> Answer:
    """The answer in an FMA or FNA; one that is not ours says no more than that it was received or rejected."""
    texts = [part for line in message.lines if line.name in ("ACK", "") for part in line.parts if part]
    houses = [line.parts[0] for line in message.lines if line.name == "HBS" and line.parts]
    words = next((words for words in _WORDS if texts and texts[0] == words), None)
    mrn = next((text.removeprefix("MRN ") for text in texts if text.startswith("MRN ")), None)
    rest = [text for text in texts if text != words and not text.startswith("MRN ")]
    kind: AnswerKind = _WORDS[words] if words else ("received" if message.name == "FMA" else "rejected")
    return Answer(
        kind=kind,
        id="",
        reference=houses[0] if houses else None,
        mrn=mrn,
        errors=tuple(DialectError(code=text.partition(" ")[0], text=text) for text in rest),
    )


def write_answers(answers: Sequence[Answer]) -> bytes:
    """An FMA or FNA for each answer."""
    return "".join(_message(answer) for answer in answers).encode("ascii")


def _message(answer: Answer) -> str:
    told = [answer.kind.replace("_", " "), *([f"MRN {answer.mrn}"] if answer.mrn else [])]
    told += [f"{one.code} {one.source_pointer or one.pointer} {one.text}" for one in answer.findings]
    told += [f"{one.code} {one.pointer} {one.text}" for one in answer.errors]
    lines = ["FNA" if answer.kind in _REJECTED else "FMA"]
    for text in told:
        lines += [f"{'/' if len(lines) > 1 else 'ACK/'}{part}" for part in folded(plain(text), _TEXT_MAX, 9)]
    if answer.reference:
        lines.append(f"HBS/{plain(answer.reference)}")
    return "".join(f"{line}\r\n" for line in lines)

"""Answers as FMA, which says that a message was taken, and FNA, which says that it was not.

Each has lines ACK: first the kind of our answer and the number that customs gave, then what was found, each with a
line that begins with AT and says where; and the number of the house it is about in a line HBS.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from tidewaiter.formats.cargo_imp.lines import Message
from tidewaiter.formats.cargo_imp.words import plain
from tidewaiter.formats.text import folded
from tidewaiter.model.answer import Answer, AnswerKind, DialectError

_KINDS: tuple[AnswerKind, ...] = get_args(AnswerKind)
_WORDS = {plain(kind.replace("_", " ")): kind for kind in _KINDS}
_REJECTED: tuple[AnswerKind, ...] = ("rejected", "do_not_load", "refused", "invalidated")
ANSWERS: Mapping[AnswerKind, str] = {
    kind: f"{'FNA' if kind in _REJECTED else 'FMA'} ACK/{words}" for words, kind in _WORDS.items()
}
"""How each answer is said here, by kind; two that are said alike are read as the first of them."""
POINTERS = "line and element: `AT MESSAGE 1 FHL LINE 5 TXT ELEMENT 1`"
"""How a place in a message is pointed at."""
_TEXT_MAX = 65
_AT = "AT "


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
        errors=tuple(_errors(rest)),
    )


def _errors(texts: Sequence[str]) -> Iterator[DialectError]:
    """A fault begins with its code; what begins with AT is the place of the one before."""
    for text, after in zip(texts, (*texts[1:], ""), strict=False):
        if not text.startswith(_AT):
            place = after.removeprefix(_AT) if after.startswith(_AT) else ""
            yield DialectError(code=text.partition(" ")[0], pointer=place, text=text)


def _at(place: str) -> list[str]:
    """The place of a fault as a line has it, where there is any; what does not fit one line is left out."""
    lines = folded(plain(place), _TEXT_MAX - len(_AT), 1)
    return [f"{_AT}{line}" for line in lines]


def write_answers(answers: Sequence[Answer]) -> bytes:
    """An FMA or FNA for each answer."""
    return "".join(_message(answer) for answer in answers).encode("ascii")


def _message(answer: Answer) -> str:
    told = [answer.kind.replace("_", " "), *([f"MRN {answer.mrn}"] if answer.mrn else [])]
    for one in answer.findings:
        told += [f"{one.code} {one.text}", *_at(one.source_pointer or one.pointer)]
    for error in answer.errors:
        told += [f"{error.code} {error.text}", *_at(error.pointer)]
    lines = ["FNA" if answer.kind in _REJECTED else "FMA"]
    for text in told:
        lines += [f"{'/' if len(lines) > 1 else 'ACK/'}{part}" for part in folded(plain(text), _TEXT_MAX, 9)]
    if answer.reference:
        lines.append(f"HBS/{plain(answer.reference)}")
    return "".join(f"{line}\r\n" for line in lines)

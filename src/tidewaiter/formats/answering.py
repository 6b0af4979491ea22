"""Answers side by side: what each dialect says for each kind of ours. `python -m tidewaiter.formats.answering` prints
docs/reference/answers.md, made from the tables by which the dialects are written and read.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import get_args

from tidewaiter.formats import FORMATS, Format
from tidewaiter.model.answer import AnswerKind

KINDS: dict[AnswerKind, str] = {
    "received": "it has come",
    "rejected": "it cannot be taken as it is",
    "accepted": "it is a declaration from now on",
    "tax_indicative": "what tax is expected",
    "tax_final": "what tax is owed",
    "control": "goods or papers will be examined",
    "documents": "documents are asked for",
    "amendment_result": "what became of an amendment",
    "request_result": "what became of a request",
    "information_request": "information is asked for, before loading",
    "screening_request": "screening is asked for, before loading",
    "do_not_load": "it must not be loaded",
    "hold": "it stays where it is",
    "released": "it may go to the consignee",
    "refused": "an officer refused the goods",
    "cleared": "the procedure is at its end; before loading: the assessment is complete",
    "invalidated": "the declaration is void",
    "exit": "it has left, or may leave",
    "payment_insufficient": "the account does not hold enough",
    "payment_reminder": "payment is awaited",
    "goods_exit_result": "what was found where goods left",
}
"""What each kind of answer says."""
NONE = "—"
_HEAD = """\
# Answers

What customs says is one set of answers inside Tidewaiter, and each sender reads it in the dialect in which he wrote.
A row is an answer, a column a dialect; — stands where a dialect has no such answer, and then none is sent in it. Where
a dialect says two answers alike, they come back as one of them. Words after `ACK/`, words in small letters and codes
such as HLD, DNL, REF, INV and CLE are our own, where the lists of a dialect have nothing for an answer.

The page is made by `python -m tidewaiter.formats.answering`; a test holds it to the code.
"""


def columns() -> list[tuple[tuple[str, ...], Format]]:
    """The dialects of answers: names of the formats that answer alike, and one of these formats."""
    found: dict[int, list[str]] = {}
    for name in sorted(FORMATS):
        found.setdefault(id(FORMATS[name].ANSWERS), []).append(name)
    return [(tuple(names), FORMATS[names[0]]) for names in found.values()]


def page() -> str:
    """The reference page: all answers in all dialects, then how each points."""
    dialects = columns()
    lines = [_HEAD, *_table(dialects), ""]
    lines += ["## Pointers", "", "How an answer names the place that is meant.", ""]
    lines += ["| dialect | place |", "|---|---|"]
    lines += [f"| {', '.join(names)} | {one.POINTERS or NONE} |" for names, one in dialects]
    return "\n".join((*lines, ""))


def _table(dialects: list[tuple[tuple[str, ...], Format]]) -> Iterator[str]:
    yield "| answer | " + " | ".join(", ".join(names) for names, _ in dialects) + " |"
    yield "|---" * (len(dialects) + 1) + "|"
    for kind in get_args(AnswerKind):
        said = (one.ANSWERS.get(kind) for _, one in dialects)
        cells = (f"`{text}`" if text else NONE for text in said)
        yield f"| **{kind}**: {KINDS[kind]} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(page())

"""Writing JSON: consignments and answers as readable lists."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, get_args

import msgspec

from tidewaiter.model.answer import Answer, AnswerKind
from tidewaiter.model.consignment import Consignment

_EXPONENT = re.compile(rb'"-?[0-9]+(?:\.[0-9]+)?E[+-][0-9]+"')


ANSWERS: Mapping[AnswerKind, str] = {kind: f'"kind": "{kind}"' for kind in get_args(AnswerKind)}
"""How each answer is said here, by kind; two that are said alike are read as the first of them."""
POINTERS = "JSON pointer: `/0/items/0/description`"
"""How a place in a message is pointed at."""


def write(consignments: Sequence[Consignment]) -> bytes:
    """A JSON list of the consignments, in UTF-8, indented, without fields that say nothing."""
    return _listed(list(consignments))


def answer(answers: Sequence[Answer]) -> bytes:
    """A JSON list of the answers, in UTF-8, indented."""
    return _listed(list(answers))


def _listed(records: list[Any]) -> bytes:
    encoded = msgspec.json.encode(records)
    if (b"E+" in encoded or b"E-" in encoded) and _EXPONENT.search(encoded):
        encoded = msgspec.json.encode(_plain(msgspec.to_builtins(records, builtin_types=(Decimal,))))
    return msgspec.json.format(encoded, indent=2) + b"\n"


def _plain(part: Any) -> Any:
    """The same tree with every number written out: a Decimal may be 1E+2, which no reader should have to know."""
    if isinstance(part, Decimal):
        return format(part, "f")
    if isinstance(part, dict):
        return {name: _plain(value) for name, value in part.items()}
    return [_plain(entry) for entry in part] if isinstance(part, list | tuple) else part

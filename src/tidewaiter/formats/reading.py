"""The one shape of every message format: what `sniff`, `read`, `answer` and `write` take and give back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.document import Document
from tidewaiter.model.finding import Finding

SNIFF_BYTES = 4096
"""How much of a message `sniff` is shown."""


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """A consignment as read, with what was wrong in reading it.

    `anchor` lets the format say later where a field stood in the sender's message: its keys are the format's own.
    """

    consignment: Consignment
    findings: tuple[Finding, ...] = ()
    anchor: Mapping[str, str] = {}


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a message held: consignments, or answers where it was one, and findings about the message as a whole.

    `documents` come beside declarations and declare nothing themselves; findings about one are among those of the
    whole and point to it: '/documents/0/receptacles/2/id'.
    """

    format: str
    declared: tuple[Declared, ...] = ()
    answers: tuple[Answer, ...] = ()
    documents: tuple[Document, ...] = ()
    findings: tuple[Finding, ...] = ()
    kept: int = 0
    dropped: tuple[str, ...] = ()
    """`kept` counts the leaf values that found a field, `dropped` names the places of those that did not."""


class Format(Protocol):
    """A message format: a package under `formats/` with these names at module level."""

    NAME: str
    MEDIA_TYPES: tuple[str, ...]

    def sniff(self, head: bytes) -> bool:
        """Whether a message that begins so is of this format. Cheap, and never raises."""

    def read(self, data: bytes, *, jurisdiction: str | None = None) -> Reading:
        """What the message holds. Bad input is findings, never an exception.

        `jurisdiction` is used where the message does not name its country.
        """

    def write(self, consignments: Sequence[Consignment]) -> bytes:
        """A message that `read` reads back as these consignments."""

    def answer(self, answers: Sequence[Answer]) -> bytes:
        """The answers in this dialect."""

    def source_pointer(self, declared: Declared, pointer: str) -> str:
        """Where the field at our `pointer` stood in the sender's message, in the way that dialect points."""

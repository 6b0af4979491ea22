"""The canonical form: a consignment of our model as JSON, published as a JSON Schema.

A message is one object, a list of objects, `{"consignments": [...]}`, or one object a line. Exact numbers are text
("12.50"); JSON numbers are taken as they are written. What the schema does not know is refused and pointed at; one
bad field does not lose its consignment, and one bad consignment does not lose the others. A byte order mark is
passed over, as RFC 8259 allows.

A JSON document of some other customs dialect also begins with a bracket, so this format is asked after those.
"""

from __future__ import annotations

from tidewaiter.formats.json.columns import NAME, ready
from tidewaiter.formats.json.kinds import KINDS
from tidewaiter.formats.json.reading import BOM, read, read_many, source_pointer
from tidewaiter.formats.json.schema import schema
from tidewaiter.formats.json.splitting import read_piece, split
from tidewaiter.formats.json.writing import ANSWERS, POINTERS, answer, write

__all__ = [
    "ANSWERS",
    "KINDS",
    "LOOSE",
    "MEDIA_TYPES",
    "NAME",
    "POINTERS",
    "answer",
    "read",
    "read_many",
    "read_piece",
    "ready",
    "schema",
    "sniff",
    "source_pointer",
    "split",
    "write",
]  # fmt: skip

MEDIA_TYPES = ("application/json", "application/x-ndjson")
LOOSE = True


def sniff(head: bytes) -> bool:
    """Whether the message begins as a JSON object or list; one in UTF-16 too, so that reading can say what is wrong.

    A context makes it JSON-LD, which says what its names mean, and they are not ours.
    """
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head.replace(b"\x00", b"")[2:]
    return head.removeprefix(BOM).lstrip()[:1] in (b"{", b"[") and b'"@context"' not in head

"""The post's own messages: ITMATT, CUSITM, CUSRSP, PREDES and EMSEVT, in JSON, CSV, XML and EDIFACT.

ITMATT tells the attributes of items (the customs declaration CN 22 or CN 23) from post to post, CUSITM the same from
the post to customs; both are read into consignments. CUSRSP is what customs answers the post. PREDES pre-advises a
dispatch with its receptacles (S9 numbers), EMSEVT tells what happened to items; both are read into `movements`.

The messages of the UPU are not public, so this is a profile of our own with the UPU's elements. `fields.csv` is the
one table of it: the code reads it, and `docs/reference/post.md` is made from it (`page`). JSON and CSV are documented
there and meant to be used; XML and EDIFACT are unverified, as no sample of either is public.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tidewaiter.formats.post.kinds import KINDS
from tidewaiter.formats.post.page import page
from tidewaiter.formats.post.reading import FORMS, NAME, form_of, read, source_pointer
from tidewaiter.formats.post.writing import ANSWERS, POINTERS, movements_as, write_as
from tidewaiter.formats.tree import sniffs
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment

__all__ = [
    "ANSWERS",
    "FORMS",
    "KINDS",
    "MEDIA_TYPES",
    "NAME",
    "POINTERS",
    "answer",
    "movements_as",
    "page",
    "read",
    "sniff",
    "source_pointer",
    "write",
    "write_as",
]  # fmt: skip

MEDIA_TYPES = ("application/vnd.tidewaiter.post+json", "application/vnd.tidewaiter.post+xml")

_NAMES = rb"(?:ITMATT|CUSITM|CUSRSP|PREDES|EMSEVT)"
_OURS = {
    "json": re.compile(rb'"message"\s*:\s*"' + _NAMES + rb'"'),
    "csv": re.compile(rb'"?message"?[,;\t][^\r\n]*\r?\n(?:[,;\t"\s]*[\r\n])?"?' + _NAMES + rb'"?[,;\t\r\n]'),
    "edifact": re.compile(rb"UNH[^A-Za-z0-9][^'\r\n]{0,40}?[^A-Za-z0-9]" + _NAMES + rb"[^A-Za-z0-9]"),
}
_XML = re.compile(rb"<(?:[^\s<>:/]*:)?" + _NAMES + rb"[\s/>]")


def sniff(head: bytes) -> bool:
    """Whether one of these messages is in it: by its name, in the place where its form has that."""
    form = form_of(head)
    if form == "xml":
        return sniffs(head, _XML)
    head = head.removeprefix(b"\xef\xbb\xbf")
    found = _OURS[form].match(head) if form == "csv" else _OURS[form].search(head)
    return found is not None


def write(consignments: Sequence[Consignment]) -> bytes:
    """ITMATT messages in JSON that `read` reads back as these consignments, but for what CN 22 and CN 23 cannot say.

    That is: procedures, preferences, taxes, adjustments, offices, transport and equipment, the day of acceptance, what
    the buyer paid, values but the price, and of a document all but kind, category, type, number, name and status. The
    channel is read as post. Parties are read in the order submitter, sender, addressee, others. See `write_as` for the
    other messages and forms.
    """
    return write_as(consignments, message="ITMATT")


def answer(answers: Sequence[Answer]) -> bytes:
    """The answers as CUSRSP in JSON. `item_id` repeats the reference, which is the item's number where it had none."""
    return write_as(answers, message="CUSRSP")

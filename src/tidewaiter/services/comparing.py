"""Comparing what is lodged with what stands: the same again is a repeat, other content under one name a conflict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

import msgspec
from msgspec import structs

from tidewaiter.formats import Declared, Reading
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.finding import Finding, Kind

NOT_CONTENT = frozenset({"accepted_on", "mrn", "issued_at"})
"""What may differ in a consignment lodged again: what the door and customs set, and when the message was made."""

CONFLICT = Kind(
    code="LDG-01",
    severity="error",
    text="This reference was lodged before with other content: it differs from {detail}.",
    remedy="Send an amendment of the first, or lodge this one under a reference of its own.",
    law="Delegated Regulation (EU) 2015/2446, Annex B, data element 12 09: a reference names one declaration",
)
TWICE = Kind(
    code="LDG-02",
    severity="error",
    text="This reference stands in the message already, at place {detail}.",
    remedy="Leave one of the two, or give each a reference of its own.",
    law="Delegated Regulation (EU) 2015/2446, Annex B, data element 12 09: a reference names one declaration",
)
NO_DECLARATION = Kind(
    code="LDG-03",
    severity="error",
    text="This is an answer from customs, not a declaration.",
    remedy="Send the declaration it answers.",
    law="WCO Data Model 3.6: declarations and responses are separate messages",
)
KINDS = (CONFLICT, TWICE, NO_DECLARATION)
"""Every kind of finding that lodging adds to those of the corridor."""

NaturalKey = tuple[str, str, int]


class Stands(NamedTuple):
    """A declaration that stands: its id, the message it came in by our number, and what it said."""

    id: int
    message_id: int
    record: Consignment


class Compared(NamedTuple):
    """What is new in a message, conflicts marked, with its places; and what is a repeat, as (place, id)."""

    fresh: Reading
    places: tuple[int, ...]
    repeats: tuple[tuple[int, int], ...]


def natural_key(record: Consignment) -> NaturalKey | None:
    """What names the declaration for ever among those of its filer; None for an amendment without a version."""
    if record.function != "original" and record.version is None:
        return None
    return record.reference, record.function, record.version or 0


def compare(reading: Reading, standing: Mapping[NaturalKey, Stands]) -> Compared:
    """The message beside what its filer's declarations of these names were when they were lodged."""
    fresh: list[Declared] = []
    places: list[int] = []
    repeats: list[tuple[int, int]] = []
    met: dict[NaturalKey, int] = {}
    is_changed = False
    for place, one in enumerate(reading.declared):
        key = natural_key(one.consignment)
        finding = None
        if key is not None and key in met:
            finding = found(TWICE, str(met[key] + 1), "/reference")
        elif key is not None and key in standing:
            before = standing[key]
            differs = first_difference(before.record, one.consignment)
            # With a mistake in it there is no second effect either, but it has an answer of its own.
            if differs is None and not any(told.severity == "error" for told in one.findings):
                repeats.append((place, before.id))
                continue
            if differs is not None:
                # The number is what the filer was told then, and has a receipt for.
                finding = found(CONFLICT, f"message {before.message_id} first in {differs}", differs)
        if key is not None:
            met.setdefault(key, place)
        places.append(place)
        is_changed = is_changed or finding is not None
        fresh.append(one if finding is None else structs.replace(one, findings=(*one.findings, finding)))
    if is_changed or repeats:  # else they stay as they were read, which may be in columns
        reading = structs.replace(reading, declared=tuple(fresh))
    return Compared(reading, tuple(places), tuple(repeats))


def found(kind: Kind, detail: str = "", pointer: str = "") -> Finding:
    """The finding of this kind."""
    return Finding(
        code=kind.code,
        severity=kind.severity,
        pointer=pointer,
        text=kind.text.replace("{detail}", detail),
        remedy=kind.remedy,
        law=kind.law,
    )


def first_difference(before: Consignment, now: Consignment) -> str | None:
    """The pointer to the first field, in the order of the model, in which the two differ; None where in none."""
    names = [name for name in Consignment.__struct_fields__ if name not in NOT_CONTENT]
    found = (_differences(getattr(before, name), getattr(now, name), f"/{name}") for name in names)
    return next(chain.from_iterable(found), None)


def _differences(before: Any, now: Any, pointer: str) -> Iterator[str]:
    # Field by field and not as written: a value that is the usual one may be left out in writing, or not.
    if isinstance(before, msgspec.Struct) and isinstance(now, msgspec.Struct):
        for name in before.__struct_fields__:
            yield from _differences(getattr(before, name), getattr(now, name, None), f"{pointer}/{name}")
    elif isinstance(before, tuple) and isinstance(now, tuple) and len(before) == len(now):
        for place, (left, right) in enumerate(zip(before, now, strict=True)):
            yield from _differences(left, right, f"{pointer}/{place}")
    elif before != now:
        yield pointer

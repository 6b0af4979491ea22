"""Readings as one batch: columns as they were read, and records made into columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tidewaiter.formats import Reading
from tidewaiter.formats.reading import InColumns
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.exact import Whole
from tidewaiter.model.finding import Finding


def batch_of(readings: Sequence[Reading]) -> Batch:
    """All consignments of these readings as one batch: columns as they were read, and records made into columns."""
    held: dict[int, _Held] = {}
    records: list[Consignment] = []
    rows: list[int] = []
    row = 0
    for reading in readings:
        here = range(row, row + len(reading.declared))
        row = here.stop
        columns = _columns_of(reading)
        if columns is None:
            records += [one.consignment for one in reading.declared]
            rows += here
        else:
            found = held.setdefault(id(columns), _Held(columns, [], []))
            found.places.extend(_places(reading))
            found.rows.extend(here)
    if not held:
        return Batch.of(records)
    if len(held) == 1 and not records:
        [one] = held.values()
        return one.columns.only(one.places)
    parts: list[tuple[Batch, Whole]] = []
    for columns, places, to in held.values():
        if len(set(places)) < len(places):  # a reading that is there twice
            records += [columns[place].consignment for place in places]
            rows += to
        else:
            moved = np.full(len(columns), -1, np.int64)
            moved[places] = to
            parts.append((columns.batch(), moved))
    if records:
        parts.append((Batch.of(records), np.array(rows, np.int64)))
    return Batch.woven(parts)


class _Held(NamedTuple):
    """Columns of which the consignments at some places are wanted, each in a row of the batch."""

    columns: InColumns
    places: list[int]
    rows: list[int]


def _columns_of(reading: Reading) -> InColumns | None:
    """The columns in which the consignments are, others maybe beside them; None where they are records."""
    declared = reading.declared
    if not isinstance(declared, InColumns):
        return None
    return declared.within[0] if declared.within else declared


def _places(reading: Reading) -> Sequence[int]:
    """Their places there."""
    declared = reading.declared
    if isinstance(declared, InColumns) and declared.within:
        return [declared.within[1]]
    return range(len(declared))


def findings_in(reading: Reading) -> Iterator[tuple[Finding, ...]]:
    """What was found in reading each consignment."""
    declared = reading.declared
    if not isinstance(declared, InColumns):
        return (one.findings for one in declared)
    apart = declared.apart
    return (apart[place].findings if place in apart else () for place in range(len(declared)))

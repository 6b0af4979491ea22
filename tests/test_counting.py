"""Our own samples hold what another hand counts in them, whatever their format."""

from __future__ import annotations

from pathlib import Path

import pytest

from counting import COUNTERS, Counts
from tidewaiter import formats
from tidewaiter.formats import FORMATS

SAMPLES = [
    pytest.param(name, path, id=f"{name}/{path.name}")
    for name in FORMATS
    for path in sorted((Path(formats.__file__).parent / name / "samples").glob("*"))
    if path.is_file()
    and path.name != "one-bad-row.csv"  # some of whose rows are not read, for reasons that test_csv knows
]


def test_every_format_is_counted_by_another_hand() -> None:
    assert set(COUNTERS) == set(FORMATS)


@pytest.mark.parametrize(("name", "path"), SAMPLES)
def test_a_sample_holds_what_another_hand_counts(name: str, path: Path) -> None:
    reading = FORMATS[name].read(path.read_bytes())
    items = sum(len(one.consignment.items) for one in reading.declared)
    found = (len(reading.declared), items, len(reading.answers), len(reading.documents), len(reading.movements))

    assert Counts(*found) == COUNTERS[name](path.read_bytes())

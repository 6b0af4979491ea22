"""A slice of the fuzzing of every reader (`make fuzz` is the whole of it), and what is hostile on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest

import fuzz
from tidewaiter import formats
from tidewaiter.formats import FORMATS

HOSTILE = fuzz.SHARED / "hostile"
INPUTS = 300
SEED = 4
AGAIN = 3


@pytest.mark.parametrize("name", FORMATS)
def test_spoiled_messages_are_findings_in_time_and_memory_and_never_wrongly_accepted(name: str) -> None:
    tally = fuzz.run(name, range(INPUTS), SEED)

    print(f"\n{name}: {tally.inputs} inputs, {tally.accepted} accepted, slowest {tally.slowest_ms} ms")
    assert tally.faults == []
    assert tally.accepted > 0
    assert tally.with_findings > INPUTS / 4


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_number_is_the_same_input(name: str) -> None:
    inputs = [fuzz.input_of(name, number, SEED) for number in range(40)]

    assert inputs == [fuzz.input_of(name, number, SEED) for number in range(40)]
    assert len(set(inputs)) > 30
    assert inputs[0] != fuzz.input_of(name, 0, SEED + 1)


def test_what_breaks_a_promise_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The meter is worth nothing unless it can fail."""
    json = FORMATS["json"]

    def reads_wrong(data: bytes, *, jurisdiction: str | None = None) -> formats.Reading:
        if jurisdiction or len(data) % 2:
            raise KeyError("planted")
        return formats.Reading(format="json")

    class Planted:
        NAME, sniff, write = "json", json.sniff, json.write
        read = staticmethod(reads_wrong)

    monkeypatch.setattr(fuzz, "FORMATS", {**FORMATS, "json": Planted})
    tally = fuzz.run("json", range(30), SEED)

    assert tally.broken == 30
    assert {fault.split(" at ")[0] for fault in tally.by_fault} == {"KeyError", "nothing was said of it"}


def test_a_value_that_is_lost_in_writing_is_told() -> None:
    record = formats.read((Path(formats.__file__).parent / "json/samples/dk-scheme-and-gift.json").read_bytes())
    one = record.declared[0].consignment
    fewer = type(one)(**{**{name: getattr(one, name) for name in one.__struct_fields__}, "items": one.items[:-1]})

    assert fuzz.lost_in(one, one, frozenset()) == ""
    assert fuzz.lost_in(one, fewer, frozenset()) == "/items"


def hostile() -> list[Path]:
    return sorted(path for path in HOSTILE.rglob("*") if path.is_file())


@pytest.mark.skipif(not HOSTILE.is_dir(), reason="the hostile files are not in ../shared/data/hostile")
@pytest.mark.parametrize("name", FORMATS)
def test_every_hostile_file_is_a_finding_in_time_and_memory(name: str) -> None:
    meter, slowest, peak, told = fuzz.Meter(), 0.0, 0, 0
    for path in hostile():
        data = path.read_bytes()
        for _ in range(AGAIN):  # what else runs on the machine slows a reading down: the least of a few is its own
            with fuzz.measured(meter) as spent:
                reading = FORMATS[name].read(data)
            if spent.ms < fuzz.SECONDS_MAX * 1e3:
                break
        slowest, peak, told = max(slowest, spent.ms), max(peak, spent.kb), told + 1

        assert list(fuzz.wrong_in(name, data, reading)) == [], path.name
        assert spent.ms < fuzz.SECONDS_MAX * 1e3, path.name
        assert spent.kb * 1024 < fuzz.BYTES_MAX, path.name
    print(f"\n{name}: {told} hostile files, slowest {slowest:.0f} ms, at most {peak / 1024:.1f} MB")
    assert told > 500

"""Every reader on spoiled messages: `make fuzz`, and a slice of it in the tests.

An input is the sample messages of a format with something changed (`mutations`), by its number under a seed, so any can
be made again: `fuzz.py --one ens:1234`. What must hold of each: no exception, an answer that says something, a second
and 64 MB at most; and what is read without an error finding holds no value that the published schema refuses, and is
written so that it is read the same. Progress is kept in `--state`; a run that was stopped goes on where it was.
Prints a JSON line a format.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import random
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from mutations import mutated
from tidewaiter import formats
from tidewaiter.formats import FORMATS, Declared, Reading
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.finding import Finding

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"
SECONDS_MAX = 1.0
BYTES_MAX = 64 * 1024 * 1024
SAMPLE_MAX = 24 * 1024
"""Longer samples are left out: they teach nothing more, and a million inputs take a day."""
CHUNK = 1_000
KEPT_FAULTS_MAX = 200


@dataclass
class Tally:
    """What became of the inputs of one format; `faults` are those that broke a promise, at most so many told."""

    format: str
    inputs: int = 0
    accepted: int = 0
    with_findings: int = 0
    written_again: int = 0
    slowest_ms: float = 0.0
    slowest: int = 0
    peak_kb: int = 0
    largest: int = 0
    seconds: float = 0.0
    broken: int = 0
    by_fault: dict[str, int] = field(default_factory=dict)
    faults: list[tuple[int, str]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take the figures of another part of the run into this one."""
        for name in ("inputs", "accepted", "with_findings", "written_again", "broken"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.seconds += other.seconds
        if other.slowest_ms > self.slowest_ms:
            self.slowest_ms, self.slowest = other.slowest_ms, other.slowest
        if other.peak_kb > self.peak_kb:
            self.peak_kb, self.largest = other.peak_kb, other.largest
        self.by_fault = dict(Counter(self.by_fault) + Counter(other.by_fault))
        self.faults = (self.faults + other.faults)[:KEPT_FAULTS_MAX]


@cache
def samples_of(name: str) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Messages of a format, in order of their names: ours; and those of others, with what is hostile and begins so."""
    own = sorted((Path(formats.__file__).parent / name / "samples").rglob("*"))
    others = sorted(path for folder in ("messages", "hostile") for path in (SHARED / folder).rglob("*"))
    ours = [path.read_bytes() for path in own if path.is_file()]
    found: dict[bytes, None] = {}
    for path in others:
        if path.is_file() and path.stat().st_size <= SAMPLE_MAX:
            data = path.read_bytes()
            taken = formats.sniff(data)
            if taken is not None and name == taken.NAME:
                reading = taken.read(data)
                held = reading.declared or reading.documents or reading.movements or reading.answers
                if held or path.is_relative_to(SHARED / "hostile"):
                    found[data] = None
    return tuple(ours), tuple(found)


def input_of(name: str, number: int, seed: int) -> bytes:
    """The input of this number: two of three begin as a sample of ours, of which more is accepted."""
    draw = random.Random(f"{seed}/{name}/{number}")
    ours, others = samples_of(name)
    return mutated(draw.choice(ours if draw.random() < 0.67 or not others else others), (*ours, *others), draw)


def errors_in(reading: Reading) -> list[str]:
    """The codes of all error findings, of the message and of what is in it."""
    return [finding.code for finding in told_in(reading) if finding.severity == "error"]


def told_in(reading: Reading) -> list[Finding]:
    """All findings, of the message and of what is in it."""
    of_declared = (finding for one in reading.declared for finding in one.findings)
    of_documents = (finding for one in reading.documents for finding in one.findings)
    return [*reading.findings, *of_declared, *of_documents]


def wrong_in(name: str, data: bytes, reading: Reading) -> Iterator[str]:
    """What is wrong with the way this input was read, in words that hold nothing of it."""
    if reading.format != name:
        yield f"read as {reading.format}"
    if not (reading.declared or reading.documents or reading.movements or reading.answers or reading.findings):
        yield "nothing was said of it"
    told = told_in(reading)
    if any(finding.code not in KNOWN for finding in told):
        yield "a finding of no known kind"
    if any("{detail}" in finding.text for finding in told) and b"{detail}" not in data:
        yield "a finding without its detail"
    if not errors_in(reading):
        yield from wrong_in_accepted(name, reading.declared)


KNOWN = {kind.code for kind in formats.KINDS}


def wrong_in_accepted(name: str, declared: Sequence[Declared]) -> Iterator[str]:
    """What is wrong with records that were read without an error."""
    if not declared:
        return
    records = [one.consignment for one in declared]
    for record in records:
        try:
            strict = msgspec.convert(msgspec.to_builtins(record), Consignment)
        except msgspec.ValidationError as wrong:
            yield f"holds what the schema refuses: {wrong}"
            return
        if strict != record:
            yield "holds a value that is not what it seems"
            return
    own = FORMATS["json"].read(FORMATS["json"].write(records))
    if errors_in(own) or [one.consignment for one in own.declared] != records:
        yield f"is refused by the canonical reader: {sorted(set(errors_in(own)))}"
    again = FORMATS[name].read(FORMATS[name].write(records))
    if errors_in(again):
        yield f"is written so that it is refused: {sorted(set(errors_in(again)))}"
    elif len(again.declared) != len(records):
        yield f"is written so that there are {'more' if len(again.declared) > len(records) else 'fewer'}"
    else:
        pairs = zip(records, (one.consignment for one in again.declared), strict=True)
        lost = next((where for pair in pairs if (where := lost_in(*pair, LOST.get(name, frozenset())))), "")
        if lost:
            yield f"is written so that it reads otherwise: {lost}"


GIVEN = ("sequence", "declaration_type")
"""Fields that writing may fill in where a dialect cannot do without them."""
UNORDERED = ("documents", "parties")
"""Lists that come back in the order of a dialect's schema; a parcel number or bill may get its document besides."""
LOST: dict[str, frozenset[str]] = {"wco_dms": frozenset({"version", "sequence", "kind"})}
"""Fields that `write` of a format says are lost or told otherwise, by format."""


def lost_in(before: Any, after: Any, unless: frozenset[str], at: str = "") -> str:
    """The first place where what was said is not what is read again; '' where there is none."""
    if isinstance(before, msgspec.Struct):
        for name in (name for name in before.__struct_fields__ if name not in unless):
            one, other = getattr(before, name), getattr(after, name, None)
            if name in UNORDERED:
                left = list(other or ())
                if not all(_is_taken(record, left, unless) for record in one):
                    return f"{at}/{name}"
            elif not (name in GIVEN and one is None) and (lost := lost_in(one, other, unless, f"{at}/{name}")):
                return lost
        return ""
    if isinstance(before, tuple) and isinstance(after, tuple) and len(before) == len(after):
        return next((lost for pair in zip(before, after, strict=True) if (lost := lost_in(*pair, unless, at))), "")
    return "" if before == after else at


def _is_taken(record: Any, left: list[Any], unless: frozenset[str]) -> bool:
    """Whether a record is among those left, and taken from them; so is one that says nothing."""
    told = msgspec.to_builtins(record)
    if not set(told) - unless:
        return True
    for place, other in enumerate(left):
        if not lost_in(record, other, unless):
            del left[place]
            return True
    return False


class Meter:
    """Memory a stretch of work took at its height, as the kernel saw it; the whole process's where it cannot say."""

    def __init__(self) -> None:
        self.can_reset = True
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            self.can_reset = False

    def begin(self) -> int:
        """What the process holds now, in kB."""
        if self.can_reset:
            Path("/proc/self/clear_refs").write_text("5")
        return self.peak()

    def peak(self) -> int:
        """The height since the beginning, in kB."""
        if not self.can_reset:
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        status = Path("/proc/self/status").read_bytes()
        return int(status[status.index(b"VmHWM:") + 6 :].split(None, 1)[0])


@dataclass
class Spent:
    """CPU milliseconds and kB that something took."""

    ms: float = 0.0
    kb: int = 0


@contextmanager
def measured(meter: Meter) -> Iterator[Spent]:
    """What is done inside, measured."""
    spent = Spent()
    held, before = meter.begin(), time.process_time()
    try:
        yield spent
    finally:
        spent.ms, spent.kb = (time.process_time() - before) * 1e3, meter.peak() - held


def run(name: str, numbers: Sequence[int], seed: int) -> Tally:
    """What became of these inputs."""
    gc.collect()
    gc.freeze()  # what thousands of tests before this one left is not the reader's to walk through
    try:
        return _run(name, numbers, seed)
    finally:
        gc.unfreeze()


def _run(name: str, numbers: Sequence[int], seed: int) -> Tally:
    tally = Tally(name)
    meter = Meter()
    started = time.perf_counter()
    for number in numbers:
        data = input_of(name, number, seed)
        faults: list[str] = []
        spent = Spent()
        try:
            with measured(meter) as spent:
                FORMATS[name].sniff(data[: formats.SNIFF_BYTES])
                reading = FORMATS[name].read(data)
        except Exception as error:
            reading = None
            frame = traceback.extract_tb(error.__traceback__)[-1]
            faults.append(f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno} in {frame.name}")
        if reading is not None:
            clean = not errors_in(reading)
            tally.accepted += clean
            tally.with_findings += not clean
            tally.written_again += bool(clean and reading.declared)
            try:
                faults += wrong_in(name, data, reading)
            except Exception as error:
                frame = traceback.extract_tb(error.__traceback__)[-1]
                faults.append(f"writing: {type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}")
        if spent.ms > SECONDS_MAX * 1e3:
            faults.append("took more than a second")
        if spent.kb * 1024 > BYTES_MAX:
            faults.append("took more than 64 MB")
        tally.inputs += 1
        if spent.ms > tally.slowest_ms:
            tally.slowest_ms, tally.slowest = round(spent.ms, 1), number
        if spent.kb > tally.peak_kb:
            tally.peak_kb, tally.largest = spent.kb, number
        if faults:
            tally.broken += 1
            tally.by_fault = dict(Counter(tally.by_fault) + Counter(faults))
            tally.faults += [(number, fault) for fault in faults if tally.by_fault[fault] <= 3]
    tally.seconds = time.perf_counter() - started
    return tally


def _work(job: tuple[str, int, int]) -> tuple[str, int, Tally]:
    name, chunk, seed = job
    tally = run(name, range(chunk * CHUNK, (chunk + 1) * CHUNK), seed)
    gc.collect()
    return name, chunk, tally


def main(words: Sequence[str]) -> int:
    """Run as the words say; 1 where some promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="over all formats")
    parser.add_argument("--seed", type=int, default=20261126)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--state", type=Path, help="file of what was done, to go on from")
    parser.add_argument("--format", action="append", choices=list(FORMATS), help="these formats alone")
    parser.add_argument("--one", help="FORMAT:NUMBER, printed as it is")
    asked = parser.parse_args(words)
    if asked.one:
        name, _, number = asked.one.rpartition(":")
        sys.stdout.buffer.write(input_of(name, int(number), asked.seed))
        return 0
    names = asked.format or list(FORMATS)
    done = _state(asked.state)
    chunks = -(-asked.inputs // (CHUNK * len(names)))
    jobs = [
        (name, chunk, asked.seed)
        for chunk in range(chunks)
        for name in names
        if f"{asked.seed}/{name}/{chunk}" not in done
    ]
    with multiprocessing.get_context("spawn").Pool(asked.processes, maxtasksperchild=40) as pool:
        for name, chunk, tally in pool.imap_unordered(_work, jobs):
            done[f"{asked.seed}/{name}/{chunk}"] = tally
            if asked.state:
                with asked.state.open("a", encoding="utf-8") as kept:
                    kept.write(json.dumps([f"{asked.seed}/{name}/{chunk}", asdict(tally)]) + "\n")
    totals = {name: Tally(name) for name in names}
    for tally in done.values():
        if tally.format in totals:
            totals[tally.format].add(tally)
    for total in totals.values():
        sys.stdout.write(json.dumps(asdict(total)) + "\n")
    return int(any(total.broken for total in totals.values()))


def _state(path: Path | None) -> dict[str, Tally]:
    if path is None or not path.exists():
        return {}
    lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return {key: Tally(**told) for key, told in lines}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""How fast the corridor is on this machine: JSON in, outcome out, and where the time goes."""

from __future__ import annotations

import gc
import hashlib
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import polars as pl
from rich.console import Console
from rich.table import Table

from tidewaiter import pipeline
from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Classification, Consignment, FiscalReference, GoodsItem, Party
from tidewaiter.model.identifiers import is_s10
from tidewaiter.model.money import Money
from tidewaiter.model.past import Past

SIZES = (1, 1_000, 100_000)
STAGES = ("check", "assess", "signals", "decide", "post")
DAY = date(2026, 11, 2)
DIGESTS_A_SECOND = 1_030_000
"""So many SHA-256 digests of 1,200 bytes a core of the machine makes in a second on which the floors were set."""

GOODS = (
    ("cotton t-shirt, printed", "61091000", "0.20"),
    ("ceramic coffee mug with handle", "69120081", "0.35"),
    ("wireless headphones with charging case", "85183000", "0.25"),
    ("leather wallet for cards", "42023100", "0.12"),
    ("wooden puzzle for children", "95030061", "0.60"),
    ("reading glasses in plastic frame", "90049010", "0.05"),
)
PRODUCT = (Classification(scheme="SKU", code="EX-1001"), Classification(scheme="MPN", code="EX-77"))
PLACES = (("GB", "GBP"), ("FR", "EUR"), ("DE", "EUR"), ("DK", "EUR"), ("GB", "GBP"), ("FR", "USD"))


@dataclass(frozen=True, slots=True)
class Measure:
    """Seconds of wall clock and of CPU (all threads) that something took."""

    wall: float
    cpu: float


def consignments(count: int) -> list[Consignment]:
    """So many made-up consignments of two items each, from a fixed recipe: the same on every machine."""
    made = []
    for number in range(count):
        country, currency = PLACES[number % len(PLACES)]
        price = Decimal(5 + number * 7919 % 12_000) / 100 if number % 10 else Decimal(90 + number % 200)
        items = tuple(
            GoodsItem(
                sequence=place + 1,
                description=description,
                hs_code=code,
                origin_country="CN",
                price=Money(price * (place + 1), currency),
                gross_mass=Decimal(mass) * 2,
                net_mass=Decimal(mass),
                quantity=Decimal(1 + place),
                procedure="40",
                previous_procedure="00",
                additional_procedures=("C07",) if country == "GB" else ("C07", "F48"),
                codes=() if country == "GB" else PRODUCT,
            )
            for place, (description, code, mass) in enumerate(GOODS[(number + k) % len(GOODS)] for k in range(2))
        )
        serial = f"{number % 100_000_000:08d}"
        made.append(
            Consignment(
                reference=f"BENCH-{number:07d}",
                jurisdiction=country,
                accepted_on=DAY,
                channel="post",
                category="sale",
                declaration_type="IMA",
                tracking_id=next(f"LX{serial}{d}CN" for d in range(10) if is_s10(f"LX{serial}{d}CN")),
                export_country="CN",
                destination_country=country,
                parties=(
                    Party(
                        role="seller", name="Example Trading", country="CN", city="Exampleton",
                        street="1 Example Road", postcode="518000",
                    ),
                    Party(
                        role="consignee", name="Pat Example", kind="natural", country=country, city="Exampleton",
                        street="2 Example Street", postcode="EX1 2AM",
                    ),
                ),
                fiscal_references=() if country == "GB" else (FiscalReference(role="FR5", id="IM2760000001"),),
                item_count=2,
                freight=Money(Decimal("2.50"), currency),
                items=items,
            )
        )  # fmt: skip
    return made


def run(law: Law, console: Console) -> None:
    """Measure, and print the tables."""
    console.print(machine())
    table = Table("consignments", "JSON to records", "records to frames", "the corridor", "a second", "a CPU-second")
    stages: dict[int, dict[str, Measure]] = {}
    speeds = [digests()]
    for size in SIZES:
        with console.status(f"{size:,} consignments"):
            made = consignments(size)
            text = msgspec.json.encode(made)
            repeats = {1: 200, 1_000: 30}.get(size, 3)
            decode = _median(partial(msgspec.json.decode, text, type=list[Consignment]), min(repeats, 30))
            columns = _median(partial(Batch.of, made), min(repeats, 30))
            batch = Batch.of(made)
            del made, text
            whole = _median(partial(_clear, batch, law), repeats)
            stages[size] = _by_stage(batch, law, repeats)
            speeds.append(digests())
        table.add_row(
            f"{size:,}", _ms(decode), _ms(columns), _ms(whole), f"{size / whole.wall:,.0f}", f"{size / whole.cpu:,.0f}"
        )
    console.print(table)
    where = Table("where the corridor's time goes", *(f"{size:,}" for size in SIZES))
    for stage in STAGES:
        where.add_row(stage, *(_ms(stages[size][stage]) for size in SIZES))
    console.print(where)
    one = Batch.of(consignments(1))
    times = sorted(_each(partial(_clear, one, law), 300))
    console.print(
        f"one consignment, corridor alone: median {times[150] * 1e3:.1f} ms, "
        f"95 in 100 within {times[285] * 1e3:.1f} ms, "
        f"slowest of 300 {times[-1] * 1e3:.1f} ms"
    )
    # A shared machine runs the same code at half its speed in some hours: what did this one do while it was asked?
    speed = statistics.median([*speeds, digests()])
    console.print(
        f"meanwhile a core of this machine made {speed:,.0f} SHA-256 digests of 1,200 bytes a second; one of the "
        f"machine on which the floors were set made {DIGESTS_A_SECOND:,}: "
        f"times there are {speed / DIGESTS_A_SECOND:.2f} of those above"
    )


def _clear(batch: Batch, law: Law) -> object:
    """The corridor over a batch as it comes in: what a batch has remembered of itself does not count."""
    return pipeline.clear(replace(batch), law, Past())


def machine() -> str:
    """The machine and what runs on it, in a line."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        cpu = names[0] if names else cpu
    return (
        f"{cpu}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"Polars {pl.__version__} on {pl.thread_pool_size()} threads"
    )


def _ms(measure: Measure) -> str:
    return f"{measure.wall * 1e3:,.1f} ms"


@contextmanager
def quiet() -> Iterator[None]:
    """No collection of garbage while the clock runs."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _median(work: Callable[[], object], repeats: int) -> Measure:
    work()
    with quiet():
        measured = [_timed(work)[1] for _ in range(repeats)]
    return Measure(statistics.median(m.wall for m in measured), statistics.median(m.cpu for m in measured))


def _each(work: Callable[[], object], repeats: int) -> list[float]:
    work()
    with quiet():
        return [_timed(work)[1].wall for _ in range(repeats)]


def digests() -> float:
    """SHA-256 digests of 1,200 bytes that this core makes in a second of its time."""
    text, count = bytes(1_200), 20_000
    spent = _median(lambda: [hashlib.sha256(text).digest() for _ in range(count)], 5)
    return count / spent.cpu


def _timed(work: Callable[[], Any]) -> tuple[Any, Measure]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, Measure(time.perf_counter() - wall, time.process_time() - cpu)


def _by_stage(batch: Batch, law: Law, repeats: int) -> dict[str, Measure]:
    """The corridor again, with a clock around each of its stages."""
    spent: dict[str, list[Measure]] = {stage: [] for stage in STAGES}

    def clocked(stage: str) -> Callable[..., Any]:
        inner = getattr(pipeline, stage)

        def run_stage(*args: Any, **named: Any) -> Any:
            result, measure = _timed(lambda: inner(*args, **named))
            spent[stage].append(measure)
            return result

        return run_stage

    with ExitStack() as clocks, quiet():
        for stage in STAGES:
            clocks.enter_context(patch.object(pipeline, stage, clocked(stage)))
        for _ in range(repeats):
            _clear(batch, law)
    return {
        stage: Measure(statistics.median(m.wall for m in found), statistics.median(m.cpu for m in found))
        for stage, found in spent.items()
    }

"""How fast profiles run on this machine: two hundred made-up ones over made-up consignments."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from tidewaiter.cli.bench import machine
from tidewaiter.cli.made import memory_mb, same
from tidewaiter.law import load
from tidewaiter.model.batch import Batch
from tidewaiter.model.inspection import LABELS
from tidewaiter.model.money import MICRO
from tidewaiter.model.outcome import VALUES
from tidewaiter.risk import ruleset, signals
from tidewaiter.risk.backtest import Tally, report, tally
from tidewaiter.simulation import filled

TOGETHER = 100_000
"""Consignments in one batch."""
DAY = date(2026, 11, 2)
ORIGINS = ("CN", "VN", "TR", "IN", "TH", "HK", "US", "JP", "KR", "MY", "BD", "PK", "GB", "CH", "AE", "ID")
WORDS = (
    "cotton", "leather", "ceramic", "wireless", "wooden", "plastic", "steel", "printed", "knitted", "silver", "glass",
    "shirt", "wallet", "mug", "headphones", "puzzle", "frame", "knife", "drone", "battery", "lighter", "perfume",
    "seeds", "watch", "lamp", "charger", "necklace", "vitamin", "toy", "sword", "spray", "replica", "laser", "magnet",
)  # fmt: skip
LISTS = (50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000)
"""How many scheme numbers each of the named lists holds."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What running the profiles over all batches took and gave."""

    consignments: int
    hits: int
    cpu: float
    wall: float


def run(console: Console, *, count: int, profiles: int) -> None:
    """Measure, and print the table."""
    console.print(machine())
    with tempfile.TemporaryDirectory() as folder:
        write_profiles(Path(folder), profiles)
        started = time.process_time()
        law = load(overlay=Path(folder))
        found = ruleset(law)
        ready = time.process_time() - started
    if found.faults:
        raise RuntimeError(f"a made-up profile is broken: {found.faults[0].text}")
    before = memory_mb()
    sizes = [min(TOGETHER, count - start) for start in range(0, count, TOGETHER)]
    spent, wall, hits, tested = 0.0, 0.0, 0, 0.0
    tallied: Tally | None = None
    with console.status(f"{count:,} consignments"):
        for seed, size in enumerate(sizes):
            batch, values = made(size, seed=seed)
            cpu, clock = time.process_time(), time.perf_counter()
            hits += len(signals(batch, values, law))
            spent, wall = spent + time.process_time() - cpu, wall + time.perf_counter() - clock
            # A fresh batch, so that what was told apart for the run before is not lent to the back-test.
            fresh, labels = replace(batch), _labels(len(batch), seed=seed)
            cpu = time.process_time()
            one = tally(fresh, values, law, labels)
            tallied = one if tallied is None else tallied + one
            tested += time.process_time() - cpu
    if tallied is None:
        raise RuntimeError("no consignments were made")
    cpu = time.process_time()
    figures = report(tallied, found)
    tested += time.process_time() - cpu
    table = Table(f"{len(found.profiles)} profiles over {count:,} consignments of one item", "")
    table.add_row("law and profiles read, their examples tried", f"{ready:.1f} CPU-seconds")
    table.add_row("profiles run", f"{spent:.2f} CPU-seconds, {wall:.2f} s")
    table.add_row("consignments a CPU-second", f"{count / spent:,.0f}")
    table.add_row("hits", f"{hits:,}")
    table.add_row("back-test over the same, labelled", f"{tested:.2f} CPU-seconds")
    table.add_row("of them hit by some profile", f"{figures.consignments - figures.missed:,}")
    table.add_row("memory beyond the law, with the batch", f"{memory_mb() - before:,.0f} MB")
    console.print(table)


def write_profiles(folder: Path, count: int) -> None:
    """An overlay of law with so many profiles of several kinds, and the lists they ask."""
    draw = np.random.Generator(np.random.PCG64(200))
    world = folder / "world"
    (world / "risk").mkdir(parents=True)
    (world / "codes").mkdir()
    for place, size in enumerate(LISTS):
        rows = [f'{_scheme(place * 3_000 + k)},2020-01-01,,"made up"' for k in range(size)]
        (world / "codes" / f"bench-{place}.csv").write_text("\n".join(["code,from,until,source", *rows]) + "\n")
    for number in range(count):
        (world / "risk" / f"bench-{number:04d}.toml").write_text(_profile(number, draw))


def _profile(number: int, draw: np.random.Generator) -> str:
    """Of three hundred kinds that risk.toml files have in practice: places, codes, values, words, lists."""
    chapter = f"{int(draw.integers(1, 98)):02d}"
    places = sorted({ORIGINS[k] for k in draw.integers(0, len(ORIGINS), 3)})
    listed = ", ".join(f'"{place}"' for place in places)
    low, mass = int(draw.integers(400, 599)), int(draw.integers(1, 8))
    words = sorted({WORDS[k] for k in draw.integers(0, len(WORDS), 3)})
    some = ", ".join(f'"{word}"' for word in words)
    named = number % len(LISTS)
    goods = f'item.hs_code = "{chapter}0110"\n'
    match, no_match = f'{goods}item.origin_country = "{places[0]}"\n', 'item.hs_code = "99"\n'
    match number % 25:
        case 0 | 1 | 2 | 3 | 4 | 5 | 6:
            when = f"item.origin_country in [{listed}] && item.value > {low} && item.gross_mass < {mass}"
            match += f'item.value = "{low + 1}"\nitem.gross_mass = "0.1"\n'
        case 7 | 8 | 9 | 10 | 11 | 12 | 13:
            when = f'item.hs_code.startsWith("{chapter}") && item.value_per_kg < {mass} && item.origin_country != "DE"'
            match += f'item.value = "{mass - 1}"\nitem.net_mass = "1"\n'
        case 14 | 15 | 16 | 17:
            when = f'mentions(item.description, [{some}], ["toy sword", "toy knife"]) && item.value > {low}'
            match += f'item.description = "a {words[0]} here"\nitem.value = "{low + 1}"\n'
        case 18:
            when = f'consignment.scheme in list("bench-{named}") && item.value > {low}'
            match += f'consignment.scheme = "{_scheme(named * 3_000)}"\nitem.value = "{low + 1}"\n'
        case 19 | 20:
            when = f"consignor.country in [{listed}] && consignment.freight < 5 && consignment.gross_mass > {mass}"
            match = (
                f'consignor.country = "{places[0]}"\nconsignment.freight = "1"\nconsignment.gross_mass = "{mass + 1}"\n'
            )
            no_match = 'consignor.country = "DE"\n'
        case 21:
            when = f'consignment.category == "gift" && consignor.kind == "legal" && consignor.country in [{listed}]'
            match = f'consignment.category = "gift"\nconsignor.kind = "legal"\nconsignor.country = "{places[0]}"\n'
            no_match = 'consignment.category = "sale"\n'
        case _:
            when = (
                f"item.value_per_unit > {low} && item.quantity >= 3 && !(item.origin_country in [{listed}]) "
                f'&& item.hs_code.startsWith("{chapter[0]}")'
            )
            match = f'{goods}item.origin_country = "DE"\nitem.value = "{low * 4}"\nitem.quantity = "3"\n'
    return (
        f'id = "bench-{number:04d}"\nversion = 1\ntitle = "made up"\nowner = "made up"\nlaw = "made up"\n'
        f'fictional = true\nfrom = 2021-01-01\nlane = "examine"\nscore = {1 + number % 99}\nreason = "made up"\n'
        f"when = '''{when}'''\n[[match]]\n{match}[[no_match]]\n{no_match}"
    )


def _scheme(number: int) -> str:
    return f"IM{number:010d}"


def made(count: int, *, seed: int) -> tuple[Batch, pl.DataFrame]:
    """So many consignments of one item and what they were found to be worth, from a fixed recipe."""
    draw = np.random.Generator(np.random.PCG64(seed))
    rows = np.arange(count, dtype=np.uint32)
    price, mass = draw.integers(100, 60_000, count) * 10_000, draw.integers(20, 9_000, count) * 1_000
    has_mass = draw.random(count) > 0.05
    net = pl.Series(mass).zip_with(pl.Series(has_mass), pl.Series([None], dtype=pl.Int64).new_from_index(0, count))
    three = draw.integers(0, len(WORDS), (3, count))
    one, two, other = (_drawn(WORDS, place) for place in three)
    models = pl.Series(draw.integers(0, count // 3 + 1, count)).cast(pl.String)
    texts = pl.select(pl.concat_str(one, pl.lit(" "), two, pl.lit(" with "), other, pl.lit(" "), models)).to_series()
    codes = [f"{chapter:02d}{heading:02d}10" for chapter in range(1, 98) for heading in range(1, 21)]
    heads = {
        "row": pl.Series(rows),
        "reference": pl.select(pl.concat_str(pl.lit(f"BENCH-{seed}-"), pl.Series(rows))).to_series(),
        "jurisdiction": same("GB", count),
        "accepted_on": pl.Series([DAY]).new_from_index(0, count),
        "function": same("original", count),
        "direction": same("import", count),
        "category": _drawn(("sale", "sale", "sale", "gift"), draw.integers(0, 4, count)),
        "channel": _drawn(("post", "express"), draw.integers(0, 2, count)),
        "freight_micro": pl.Series(draw.integers(0, 1_500, count) * 10_000),
        "gross_mass_micro": net,
    }
    items = {
        "row": pl.Series(rows),
        "item": pl.Series(np.zeros(count, np.uint32)),
        "description": texts,
        "hs_code": _drawn(codes, np.minimum(draw.zipf(1.2, count) - 1, len(codes) - 1)),
        "origin_country": _drawn(ORIGINS, draw.integers(0, len(ORIGINS), count)),
        "price_micro": pl.Series(price),
        "price_currency": same("GBP", count),
        "gross_mass_micro": net,
        "net_mass_micro": net,
        "quantity_micro": pl.Series(draw.integers(1, 6, count) * MICRO),
    }
    parties = {
        "row": pl.Series(rows),
        "position": pl.Series(np.zeros(count, np.uint32)),
        "role": same("consignor", count),
        "country": _drawn(ORIGINS, draw.integers(0, len(ORIGINS), count)),
        "kind": _drawn(("legal", "natural"), draw.integers(0, 2, count)),
    }
    schemes = {
        "row": pl.Series(rows),
        "position": pl.Series(np.zeros(count, np.uint32)),
        "role": same("FR5", count),
        "id": pl.select(
            pl.concat_str(pl.lit("IM"), pl.Series(draw.integers(0, 60_000, count)).cast(pl.String).str.zfill(10))
        ).to_series(),
    }
    frames = {"consignments": heads, "items": items, "parties": parties, "fiscal_references": schemes}
    batch = filled(frames)
    worth = {
        "row": pl.Series(rows), "item": items["item"], "goods_micro": pl.Series(price),
        "customs_value_micro": pl.Series(price), "tax_base_micro": pl.Series(price), "currency": same("GBP", count),
    }  # fmt: skip
    return batch, pl.DataFrame([column.alias(name) for name, column in worth.items()]).cast(VALUES)


def _labels(count: int, *, seed: int) -> pl.DataFrame:
    """What was found in one of fifty of them, half of these drawn at random at one in a hundred."""
    draw = np.random.Generator(np.random.PCG64(10_000 + seed))
    chance = draw.random(count)
    looked, is_random = pl.Series(chance < 0.02), pl.Series(chance < 0.01)
    whole = pl.DataFrame(
        {
            "row": pl.Series(np.arange(count, dtype=np.uint32)),
            "is_found": pl.Series(draw.random(count) < 0.1),
            "drawn_ppm": pl.Series([10_000]).new_from_index(0, count),
            "recovered_micro": pl.Series(draw.integers(0, 100, count) * MICRO),
            "minutes": pl.Series(draw.integers(5, 60, count)),
            "sender": _drawn(("new", "small", "medium", "large"), draw.integers(0, 4, count)),
        },
        schema=LABELS,
    )
    return whole.with_columns(
        pl.when(looked).then("is_found").alias("is_found"),
        pl.when(is_random).then("drawn_ppm").alias("drawn_ppm"),
        pl.when(looked).then("recovered_micro").alias("recovered_micro"),
        pl.when(looked).then("minutes").alias("minutes"),
    )


def _drawn(texts: tuple[str, ...] | list[str], places: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String).gather(pl.Series(places))

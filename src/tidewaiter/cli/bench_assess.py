"""How fast duty and tax are reckoned on this machine: in columns by the million, and row by row in decimals."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from functools import cache

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from tidewaiter.assessment import assess, ready, receipt
from tidewaiter.cli.made import memory_mb, same
from tidewaiter.law import Law
from tidewaiter.law.expressions import Formula, reckon
from tidewaiter.law.measures import NO_MEASURE
from tidewaiter.law.timeline import ordinal
from tidewaiter.model.batch import Batch
from tidewaiter.model.money import MICRO, from_micro
from tidewaiter.simulation import filled

TOGETHER = 250_000
"""Goods items in one batch: what a busy day gathers, and small enough for any machine."""
BY_HAND = 20_000
"""Goods items that are reckoned row by row in decimals too."""
LAST = date(2026, 11, 2)
ORIGINS = ("CN", "VN", "MX", "CA", "DE", "IN", "JP", "KR", "GB", "TH")
PER_CONSIGNMENT = 2


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the goods are drawn from: the same on every machine."""

    country: str
    currency: str
    codes: tuple[str, ...]
    days: int
    draw: np.random.Generator


def run(law: Law, console: Console, *, country: str, items: int) -> None:
    """Measure, and print the table."""
    recipe = _recipe(law, country)
    with console.status("kernels"):
        ready()
    spent, written, reckoned, charges, duty = 0.0, 0.0, 0, 0, 0
    before = memory_mb()
    first: tuple[Batch, pl.DataFrame] | None = None
    with console.status(f"assessing {items:,} goods items"):
        for batch in _batches(recipe, items):
            started = time.process_time()
            found = assess(batch, law)
            spent += time.process_time() - started
            reckoned += batch.items.height
            charges += found.charges.height
            duty += int(found.charges["amount_micro"].sum())
            first = first or (batch, found.charges)
        if first:
            some = first[1].head(100_000)
            started = time.process_time()
            receipt(first[0], some, law)
            written = some.height / (time.process_time() - started)
    peak = memory_mb() - before
    with console.status("the same row by row in decimals"):
        by_hand, agreed, compared = _by_hand(law, recipe, first)
    table = Table(f"{country}, {len(recipe.codes):,} codes, {recipe.days} days, {len(ORIGINS)} origins", "a CPU-second")
    table.add_row(f"goods items assessed in columns ({reckoned:,}, {charges:,} charges)", f"{reckoned / spent:,.0f}")
    table.add_row(f"goods items reckoned row by row in decimals ({BY_HAND:,})", f"{by_hand:,.0f}")
    table.add_row("times as many", f"{reckoned / spent / by_hand:,.1f}")
    table.add_row("lines of a receipt written on demand", f"{written:,.0f}")
    console.print(table)
    console.print(f"both ways agree on {agreed:,} of the {compared:,} items that bear duty by the tariff")
    console.print(f"memory beyond the law: {peak:,.0f} MB")
    console.print(f"charged in all: {from_micro(duty):,f} {recipe.currency}")


def _recipe(law: Law, country: str) -> Recipe:
    schedule = law.schedule(country)
    usual = (pl.col("schedule") == schedule) & (pl.col("kind") == "third_country") & (pl.col("rate") != "ended")
    codes = law.tariff.frame.filter(usual & (pl.col("code").str.len_chars() >= 6))["code"].unique().sort()
    begun = min(law.tariff.frame.filter(usual)["since"].to_list(), default=LAST)
    first = max(begun, LAST - timedelta(days=730))
    draw = np.random.Generator(np.random.PCG64(2026))
    return Recipe(country, law.currency(country) or "", tuple(codes.to_list()), (LAST - first).days, draw)


def _batches(recipe: Recipe, items: int) -> Iterator[Batch]:
    """Consignments of two items, codes by Zipf's law, prices around 20, days and origins evenly."""
    for start in range(0, items, TOGETHER):
        yield _batch(recipe, min(TOGETHER, items - start))


def _batch(recipe: Recipe, items: int) -> Batch:
    heads, draw = -(-items // PER_CONSIGNMENT), recipe.draw
    rows = np.arange(heads, dtype=np.uint32)
    days = (ordinal(LAST) - draw.integers(0, recipe.days, heads)).astype(np.int32)
    whole = {
        "row": pl.Series(rows),
        "reference": pl.Series(["B"]).new_from_index(0, heads),
        "jurisdiction": same(recipe.country, heads),
        "accepted_on": pl.Series(days).cast(pl.Date),
        "function": same("original", heads),
        "direction": same("import", heads),
        "category": same("sale", heads),
        "channel": same("express", heads),
        "export_country": same("CN", heads),
    }
    popular = np.minimum(draw.zipf(1.2, items) - 1, len(recipe.codes) - 1)
    coded = pl.Enum(recipe.codes)
    goods = {
        "row": pl.Series(np.repeat(rows, PER_CONSIGNMENT)[:items]),
        "item": pl.Series((np.arange(items) % PER_CONSIGNMENT).astype(np.uint32)),
        "hs_code": pl.Series(recipe.codes, dtype=coded).gather(pl.Series(popular)),
        "origin_country": pl.Series(ORIGINS, dtype=pl.Enum(ORIGINS)).gather(
            pl.Series(draw.integers(0, len(ORIGINS), items))
        ),
        "price_micro": pl.Series(draw.integers(100, 4_000, items) * 10_000),
        "price_currency": same(recipe.currency, items),
        "net_mass_micro": pl.Series(draw.integers(50, 3_000, items) * 1_000),
        "quantity_micro": pl.Series(draw.integers(1, 5, items) * MICRO),
        "quantity_unit": same("NAR", items),
        "procedure": same("40", items),
    }
    given = {"consignments": whole, "items": goods}
    return filled(given)


def _by_hand(law: Law, recipe: Recipe, first: tuple[Batch, pl.DataFrame] | None) -> tuple[float, int, int]:
    """Items a CPU-second with the usual duty reckoned row by row in decimals, on how many both ways agree, and of how
    many: a regime that takes no duty by the tariff is not compared."""
    if first is None:
        return 0.0, 0, 0
    batch, charges = first
    days = batch.consignments["accepted_on"].to_list()
    names = ("row", "hs_code", "origin_country", "price_micro", "net_mass_micro", "quantity_micro")
    rows = list(batch.items.select(names).head(BY_HAND).iter_rows())
    schedule = law.schedule(recipe.country) or ""
    ground = {day: law.ground(recipe.country, day) for day in set(days)}
    measure = cache(
        lambda code, origin, day: law.tariff.measure(schedule, code, origin=origin, preferred=None, day=day)
    )
    for row, code, origin, *_ in rows:
        measure(code, origin, days[row])  # looking a measure up is not what is compared
    started = time.process_time()
    due = []
    for row, code, origin, price, mass, pieces in rows:
        day = days[row]
        number = measure(code, origin, day)
        formula = law.tariff.formulas[number] if number != NO_MEASURE else None
        amount = None
        if isinstance(formula, Formula):
            quantities = {"KGM": Decimal(mass) / MICRO, "NAR": Decimal(pieces) / MICRO}
            found = reckon(formula, value=Decimal(price) / MICRO, quantities=quantities)
            if isinstance(found, Decimal):
                rule = ground[day]
                quantum = Decimal(rule.charge_quantum) / MICRO
                mode = ROUND_HALF_UP if rule.charge_rounding == "half_up" else ROUND_DOWN
                amount = (found / quantum).quantize(Decimal(1), rounding=mode) * quantum
        due.append(amount)
    spent = time.process_time() - started
    by_tariff = [rule.number for rule in law.charge_rules if rule.arithmetic == "tariff" and not rule.measures]
    usual = charges.filter(pl.col("rule").is_in(by_tariff))
    stated = {(row, item): amount for row, item, amount in usual.select("row", "item", "amount_micro").iter_rows()}
    pairs = [(row, item) for row, item in batch.items.select("row", "item").head(BY_HAND).iter_rows()]
    compared = [(amount, stated[pair]) for amount, pair in zip(due, pairs, strict=True) if pair in stated]
    agreed = sum((None if a is None else int(a * MICRO)) == b for a, b in compared)
    return len(rows) / spent, agreed, len(compared)

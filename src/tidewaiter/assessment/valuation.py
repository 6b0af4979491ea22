"""What the goods are worth: each item's price and customs value in the currency of assessment.

The price of an item is turned into that currency first; what is stated for the whole consignment (carriage,
insurance, additions, discount) is then shared out by price. Shares are the differences of rounded running
totals, so that they add up to the whole to the last cent.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, reduce
from operator import add
from typing import Any

import polars as pl

from tidewaiter.assessment.terms import INTO, PLACE, Terms
from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.money import scaled, within_limit
from tidewaiter.model.rows import beside

ITEM = (
    "row", "item", "hs_code", "taric_code", "origin_country", "preference", "preference_country", "price_micro",
    "price_currency", "customs_value_micro", "customs_value_currency", "freight_micro", "freight_currency",
    "net_mass_micro", "quantity_micro", "procedure", "additional_procedures",
)  # fmt: skip

GROUND = (
    *PLACE, "currency", "schedule", "value_has_carriage", "tax_has_carriage", "tax_has_charges", "value_quantum",
    "value_half_up", "charge_quantum", "charge_half_up", "rounding", "row",
)  # fmt: skip

MODE, QUANTUM = pl.col("value_half_up"), pl.col("value_quantum")


def value(batch: Batch, law: Law, terms: Terms) -> pl.DataFrame:
    """A row a goods item assessed, with its ground rules and, in the currency of assessment (millionths):
    `goods_micro` price without carriage, `customs_value_micro`, `tax_base_micro` before any charge; besides
    `intrinsic_micro` in the currency of the thresholds. Null where a value or a rate of exchange is missing.
    """
    items = _of_heads(batch.items[list(ITEM)], terms)
    money = _Exchange(terms, items, batch)
    stated = [name for name in ("price", "customs_value", "freight") if money.occurs(items, name) or name == "price"]
    items = money.converted(items, stated)
    heads, has = _head_amounts(terms, money)
    if has:
        items = beside(items, heads)
    extra = _adjustments(batch, law, terms, money)
    if extra is not None:
        items = items.join(extra, on=["row", "item"], how="left", maintain_order="left")
    has |= {"freight_home"} if "freight" in stated else set()
    valued = items.lazy()
    for step in _steps(frozenset(has), extra is not None, "customs_value" in stated):
        valued = valued.with_columns(**step)
    return valued.collect(optimizations=pl.QueryOptFlags.none())


def _of_heads(frame: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """The rows of consignments that are assessed, with their ground rules."""
    if terms.is_all:
        return beside(frame, terms.heads[list(GROUND)])
    return frame.join(terms.heads[list(GROUND)], on="row", maintain_order="left")


@lru_cache(maxsize=64)
def _steps(has: frozenset[str], adjusted: bool, declared: bool) -> tuple[dict[str, pl.Expr], ...]:
    """The columns to be added, step by step, where only these amounts occur in the batch."""
    either = ("price", "customs_value") if declared else ("price",)
    goods = pl.coalesce(within_limit(pl.col(f"{name}_home")) for name in either)
    zero = pl.lit(0, pl.Int64)

    def share(name: str) -> pl.Expr:
        return _share(pl.col(name)) if name in has else zero

    def change(name: str) -> pl.Expr:
        return pl.when("is_adjusted").then(name).otherwise(0) if adjusted else zero

    carriage = share("carriage") + (_stated("freight") if "freight_home" in has else zero)
    up, down, tax = (change(name) for name in ("value_up", "value_down", "tax_up"))
    alone = pl.when(pl.col("price_home").is_null()).then("customs_value_home") if declared else pl.lit(None, pl.Int64)
    with_carriage = pl.when("value_has_carriage").then(pl.col("carriage_micro")).otherwise(0)
    to_the_buyer = pl.col("tax_has_carriage") & ~pl.col("value_has_carriage")
    weigh: tuple[dict[str, pl.Expr], ...] = (
        # Goods are whole quanta: by counting these the weights of a hundred thousand items still fit in 64 bits.
        {"quanta": goods.fill_null(0) // QUANTUM},
        {"weight": pl.when(pl.col("quanta").sum().over("row") > 0).then("quanta").otherwise(1)},
        {"running": pl.col("weight").cum_sum().over("row"), "whole": pl.col("weight").sum().over("row")},
    )
    return (
        *(weigh if has & {"carriage", "discount"} else ()),
        {
            "goods_micro": goods - share("discount"),
            "carriage_micro": carriage,
            "declared_micro": pl.col("customs_value_micro"),
            "intrinsic_micro": pl.coalesce(f"{name}_threshold" for name in either),
            "conversion": pl.coalesce(f"{name}_conversion" for name in either),
        },
        {
            "customs_value_micro": pl.coalesce(
                alone, within_limit((pl.col("goods_micro") + with_carriage + up - down).clip(lower_bound=0))
            ),
        },
        {
            "tax_base_micro": pl.col("customs_value_micro")
            + pl.when(to_the_buyer).then(pl.col("carriage_micro")).otherwise(0)
            + tax
        },
    )


def _share(total: pl.Expr) -> pl.Expr:
    """This item's part of a consignment's amount: the difference of two rounded running totals."""
    running, weight, whole = pl.col("running"), pl.col("weight"), pl.col("whole")
    until = scaled(total, running, whole, quantum=QUANTUM, mode="half_up")
    before = scaled(total, running - weight, whole, quantum=QUANTUM, mode="half_up")
    return until - before


def _stated(name: str, into: str = "home") -> pl.Expr:
    """The amount in the currency of assessment, or of the thresholds: nought where none is stated.

    Null where its rate is not known: carriage left out would make the duty too small.
    """
    return pl.when(pl.col(f"{name}_micro").is_null()).then(0).otherwise(within_limit(pl.col(f"{name}_{into}")))


class _Exchange:
    """Turns amounts into the currency of assessment, by the rates that law names for each place and day."""

    def __init__(self, terms: Terms, items: pl.DataFrame, batch: Batch) -> None:
        heads, changes = terms.heads, batch.adjustments
        named = [(items, name) for name in ("price", "customs_value", "freight")]
        named += [(heads, name) for name in ("freight", "insurance", "discount")] + [(changes, "amount")]
        found = {
            currency
            for frame, name in named
            if self.occurs(frame, name)
            for currency in frame[f"{name}_currency"].unique()
            if currency is not None
        }
        self._single = len(found) == 1 and len(terms.pairs) == 1
        self._currencies = tuple(sorted(found))
        self._terms = terms

    @staticmethod
    def occurs(frame: pl.DataFrame, name: str) -> bool:
        """Whether any amount of that name is there."""
        return frame[f"{name}_micro"].null_count() < frame.height

    def converted(self, frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
        """The frame with, for each name, `_home` (rounded as the place rounds values), `_threshold` (unrounded) and
        `_conversion` (in words)."""
        if self._single:
            return frame.with_columns(**_conversions(tuple(names), self._terms.rates(self._currencies, "").row(0)[-5:]))
        for name in names:
            rates = self._terms.rates(self._currencies, name)
            place = [*PLACE, f"{name}_currency"]
            frame = frame.join(rates, left_on=place, right_on=[*PLACE, "priced_in"], how="left", maintain_order="left")
        return frame.with_columns(**_conversions(tuple(names), None))


@lru_cache(maxsize=256)
def _conversions(names: tuple[str, ...], rates: tuple[Any, ...] | None) -> dict[str, pl.Expr]:
    """The converted columns of these amounts; by one rate for all where one is given."""
    columns: dict[str, pl.Expr] = {}
    for name in names:
        amount = pl.col(f"{name}_micro")
        if rates is None:
            over = [pl.col(f"{name}_{into}") for into in INTO]
        else:
            over = [pl.lit(rate, pl.Int64) for rate in rates[:4]]
            columns[f"{name}_conversion"] = pl.when(amount.is_not_null()).then(pl.lit(rates[4], pl.String))
        same = rates is not None and rates[2] is not None and rates[2] == rates[3]
        columns[f"{name}_home"] = scaled(amount, over[0], over[1], quantum=QUANTUM, mode=MODE)
        columns[f"{name}_threshold"] = amount if same else scaled(amount, over[2], over[3], quantum=1, mode="half_up")
    return columns


def _head_amounts(terms: Terms, money: _Exchange) -> tuple[pl.DataFrame, set[str]]:
    """Carriage with insurance, and discount, by row; and which of them occur at all."""
    stated = [name for name in ("freight", "insurance", "discount") if money.occurs(terms.heads, name)]
    if not stated:
        return terms.heads, set()
    heads = money.converted(terms.heads, stated)
    carriage = [_stated(name) for name in stated if name != "discount"]
    columns = {"carriage": reduce(add, carriage)} if carriage else {}
    if "discount" in stated:
        columns["discount"] = _stated("discount")
        columns["discount_threshold"] = _stated("discount", "threshold")
    return heads.select("row", **columns), set(columns)


def _adjustments(batch: Batch, law: Law, terms: Terms, money: _Exchange) -> pl.DataFrame | None:
    """Additions and deductions by their codes, by item; those of the whole are put on the first item.

    A code on none of law's lists changes nothing. Null where the rate of exchange of one is not known.
    """
    if batch.adjustments.is_empty():
        return None
    found = _of_heads(batch.adjustments, terms)

    def sum_of(name: str) -> pl.Expr:
        listed = _stated("amount").filter(law.on_list(name, pl.col("code")))
        return pl.when(listed.null_count() == 0).then(within_limit(listed.cast(pl.Int128).sum()))

    return (
        money.converted(found, ["amount"])
        .with_columns(pl.col("item").fill_null(0))
        .group_by("row", "item")
        .agg(
            is_adjusted=pl.lit(value=True),
            value_up=sum_of("adjustments-value-up"),
            value_down=sum_of("adjustments-value-down"),
            tax_up=sum_of("adjustments-tax-up"),
        )
    )

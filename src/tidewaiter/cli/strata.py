"""The command of `tidewaiter risk` that gives the strata of the random draw their probabilities."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from rich.console import Console

from tidewaiter.services.stratify import COUNTED_D, stratify
from tidewaiter.store import DrawTable
from tidewaiter.wiring import House

InHouse = Callable[[Callable[[House], Awaitable[None]]], None]


def register(app: typer.Typer, out: Console, in_house: InHouse) -> None:
    """Add the command."""

    @app.command()
    def strata(country: Annotated[str, typer.Argument(help="Two letters.")]) -> None:
        """Give each kind of consignment its part of the random draw, by how many of each came in 90 days."""
        made: list[DrawTable] = []

        async def work(house: House) -> None:
            made.append(await stratify(country, store=house.store, law=house.law, at=house.now()))

        in_house(work)
        [table] = made
        for name, count in sorted(table.counts.items()):
            out.print(f"{name} {count:,} {table.strata[name] / 10_000:.4f} %", highlight=False, markup=False)
        out.print(f"{sum(table.counts.values()):,} consignments of {COUNTED_D} days counted", highlight=False)

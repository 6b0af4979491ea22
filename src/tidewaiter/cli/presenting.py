"""`tidewaiter present`: goods that were declared before are there."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from tidewaiter.access import OPEN
from tidewaiter.services.present import TOGETHER_MAX, Presentation, present
from tidewaiter.wiring import House

Presented = list[Presentation]
InHouse = Callable[[Callable[[House], Awaitable[Presented]]], Presented]


def present_command(out: Console, in_house: InHouse) -> Callable[..., None]:
    """The command."""

    def presented(
        references: Annotated[list[str], typer.Argument(help="References or numbers of customs.")],
        *,
        filer: Annotated[str, typer.Option(help="Who declared them.")] = "cli",
        as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    ) -> None:
        """Present goods that were declared before they were there. Ends with 1 where one of them is not the filer's, or
        could not be presented."""

        async def work(house: House) -> Presented:
            done: Presented = []
            for start in range(0, len(references), TOGETHER_MAX):
                some = references[start : start + TOGETHER_MAX]
                done += await present(some, filer=filer, principal=OPEN, desk=house.desk, at=house.now())
            return done

        done = in_house(work)
        for one in done:
            if as_json:
                sys.stdout.buffer.write(msgspec.json.encode(one) + b"\n")
            else:
                told = (one.reference, one.came, one.control or "")
                out.print("  ".join(told).replace("_", " ").rstrip(), markup=False, highlight=False)
        if any(one.came in ("unknown", "hindered") for one in done):
            raise typer.Exit(1)

    return presented

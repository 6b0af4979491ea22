"""Watching a folder from the command line, until it is ended or, with `once`, until all in it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import Lodged
from tidewaiter.services.lodge import lodge as lodge_message
from tidewaiter.services.watch import AlreadyWatched, Folders, Look, sweep
from tidewaiter.wiring import House

Source = Annotated[Path, typer.Argument(file_okay=False, help="Folder in which files are put.")]
Answers = Annotated[Path, typer.Argument(file_okay=False, help="Folder for their answers.")]
Jurisdiction = Annotated[str | None, typer.Option(help="Country of the law, where a message does not name one.")]
Every = Annotated[float, typer.Option(min=0.05, help="Seconds between two looks.")]
Once = Annotated[bool, typer.Option("--once", help="End when all that is there now is answered.")]


def watch_command(
    out: Console, err: Console, in_house: Callable[[Callable[[House], Awaitable[int]]], int]
) -> Callable[..., None]:
    """The command `watch`; `in_house` gives a work its store."""

    def watch(
        source: Source,
        answers: Answers,
        *,
        jurisdiction: Jurisdiction = None,
        filer: str = "watch",
        every: Every = 2.0,
        once: Once = False,
    ) -> None:
        """Lodge each file that is put into a folder, write its answer into another, and move it to done or failed."""

        async def work(house: House) -> int:
            folders = Folders(source, answers)
            return await watch_folders(
                house, folders, out, filer=filer, jurisdiction=jurisdiction, every_s=every, once=once
            )

        try:
            in_house(work)
        except AlreadyWatched as wrong:
            err.print(str(wrong))
            raise typer.Exit(2) from None

    return watch


async def watch_folders(
    house: House, folders: Folders, out: Console, *, filer: str, jurisdiction: str | None, every_s: float, once: bool
) -> int:
    """How many files were answered. Says a line for each. Raises AlreadyWatched."""
    lodge = partial(_lodge, house, jurisdiction)
    before: dict[str, Look] = {}
    told: dict[str, str] = {}
    count, looks = 0, 0
    with folders.held():
        while True:
            done = await sweep(folders, before, lodge=lodge, filer=filer, at=house.now())
            before, looks = done.looks, looks + 1
            for one in done.answered:
                again = ", as before" if one.is_repeat else ""
                what = f"{one.format or 'unknown'}, {one.consignments:,} consignments{again}"
                out.print(f"{one.name}: {what}; to {one.moved_to}, answer {one.answer}", markup=False, soft_wrap=True)
            for name, reason in done.waiting.items() - told.items():
                out.print(f"{name}: cannot be lodged now ({reason}), and is tried again", markup=False, soft_wrap=True)
            told = done.waiting
            count += len(done.answered)
            if once and looks > 1:
                return count
            await asyncio.sleep(every_s)


async def _lodge(house: House, jurisdiction: str | None, message: Message) -> Lodged:
    return await lodge_message(message, store=house.store, law=house.law, at=house.now(), jurisdiction=jurisdiction)

"""The commands for when the system is down: the lists of the offices, and what was decided by hand meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tidewaiter.cli.audit import Keys, keys_of
from tidewaiter.services.downtime import Entered, enter, summary
from tidewaiter.services.signing import Unverified
from tidewaiter.settings import SettingsError
from tidewaiter.wiring import House

List = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A list of an office, as HTML.")]
Sheet = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Sheet of decisions, as CSV.")]


def downtime_commands(
    out: Console, err: Console, in_house: Callable[[Callable[[House], Awaitable[list[Entered]]]], list[Entered]]
) -> typer.Typer:
    """The commands; `in_house` gives a work its store."""
    app = typer.Typer(no_args_is_help=True, help="Going on while the system is down.")

    @app.command(name="list")
    def write_lists(folder: Annotated[Path, typer.Argument(file_okay=False, help="Folder for the lists.")]) -> None:
        """Write the signed list of each office as one HTML page: what may be released, and what not."""
        from tidewaiter.server import write_release_lists  # the web libraries are slow to load

        async def work(house: House) -> list[Entered]:
            if house.signing_key is None:
                raise SettingsError("there is no key to sign with")
            for path in await write_release_lists(house, house.signing_key, folder):
                out.print(str(path), markup=False, highlight=False, soft_wrap=True)
            return []

        in_house(work)

    @app.command()
    def verify(path: List, *, key: Keys = None) -> None:
        """Check that a list was signed by the key and that the page shows what was signed. Ends with 1 where not."""
        from tidewaiter.web.downtime import verified

        wrong = ""
        for one in keys_of(key or (), err):
            try:
                told = verified(path.read_bytes(), one)
            except Unverified as unverified:
                wrong = str(unverified)
                continue
            made = f"{told.made_at:%Y-%m-%d %H:%M:%S} UTC"
            out.print(f"{told.jurisdiction}: {len(told.consignments):,} consignments as of {made}, as signed")
            return
        out.print(f"{path.name}: {wrong}", markup=False)
        raise typer.Exit(1)

    @app.command(name="enter")
    def enter_sheet(sheet: Sheet) -> None:
        """Enter decisions made by hand from a sheet with the columns number, was, control, decided_at, decided_by,
        reason and told. Conflicts are listed, and nothing is overwritten. Ends with 1 where there is one, 2 where it is
        no such sheet.
        """

        async def work(house: House) -> list[Entered]:
            return await enter(sheet.read_bytes(), store=house.store, at=house.now())

        try:
            done = in_house(work)
        except ValueError as wrong:
            err.print(f"{sheet.name}: {wrong}", markup=False)
            raise typer.Exit(2) from None
        for one in done:
            if one.outcome == "conflict":
                out.print(f"line {one.line}, number {one.number}: {one.why}", markup=False, soft_wrap=True)
        out.print(summary(done))
        if any(one.outcome == "conflict" for one in done):
            raise typer.Exit(1)

    return app

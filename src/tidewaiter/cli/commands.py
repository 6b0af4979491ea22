"""The commands of `tidewaiter`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tidewaiter.cli import bench as benchmark
from tidewaiter.cli import files, report
from tidewaiter.law import LawError, load
from tidewaiter.model.outcome import Cleared
from tidewaiter.model.past import Past
from tidewaiter.services.clear import ClearedMessage, clear_messages, read_message
from tidewaiter.services.list_consignments import list_consignments
from tidewaiter.services.lodge import Lodged
from tidewaiter.services.lodge import lodge as lodge_message
from tidewaiter.services.show import show_to_officer
from tidewaiter.settings import SettingsError, settings_of
from tidewaiter.store import MigrationError, StoreError, StoreUnavailable
from tidewaiter.wiring import House, open_house

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Tidewaiter: the counter at which a parcel bought abroad is declared, priced, checked and let in.",
)
_out = Console() if sys.stdout.isatty() or "COLUMNS" in os.environ else Console(width=155)
_err = Console(stderr=True)
T = TypeVar("T")

Paths = Annotated[list[Path], typer.Argument(exists=True, help="Messages, or folders of messages.")]
Jurisdiction = Annotated[
    str | None, typer.Option(help="Country of the law, where a message does not name one: GB, FR, …")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a consignment.")]

DEMONSTRATOR = "demonstration"
"""The filer in whose name the samples are lodged."""


@app.command()
def clear(
    paths: Paths,
    *,
    jurisdiction: Jurisdiction = None,
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Legal day of acceptance; today where not given.")
    ] = None,
    as_json: AsJson = False,
    answers: Annotated[
        Path | None, typer.Option(file_okay=False, help="Folder for the answers, each in its sender's format.")
    ] = None,
) -> None:
    """Read, check, price and decide; nothing is kept."""
    law = load()
    day = on.date() if on else _today()
    if answers:
        answers.mkdir(parents=True, exist_ok=True)
    results: list[Cleared] = []
    number = 0
    with _progress("clearing", total=files.count(paths)) as progress:
        for handful in files.gathered(files.messages(paths)):
            for done in clear_messages(handful, law=law, past=Past(), jurisdiction=jurisdiction, on=day):
                number += 1
                if answers and done.answers:
                    _keep_answer(answers, number, done)
                results += done.records
                if as_json:
                    _print_json(done.records)
            progress.advance(progress.task_ids[0], len(handful))
    if not as_json:
        _out.print(report.table(results, width=_out.width))
        report.summary(_out, results, files=number)


@app.command()
def lodge(paths: Paths, *, jurisdiction: Jurisdiction = None, filer: str = "cli", as_json: AsJson = False) -> None:
    """Read, check, price, decide and keep. The same bytes again change nothing."""

    async def work(house: House) -> None:
        done = await _lodge_all(house, paths, filer=filer, jurisdiction=jurisdiction)
        results = [result for one in done for result in one.results]
        if as_json:
            _print_json(results)
        else:
            _out.print(report.table(results, width=_out.width))
            report.summary(_out, results, files=len(done))

    _in_house(work)


@app.command()
def show(reference: str, *, as_json: AsJson = False) -> None:
    """Show a consignment: what was found, the receipt, what risk saw, the decision and the answers."""

    async def work(house: House) -> bool:
        page = await list_consignments(store=house.store, reference=reference)
        for row in page.rows:
            shown = await show_to_officer(row.id, store=house.store, at=house.now())
            if shown is None:
                continue
            if as_json:
                sys.stdout.buffer.write(msgspec.json.encode(shown) + b"\n")
            else:
                report.consignment(_out, shown)
        return bool(page.rows)

    if not _in_house(work):
        _err.print(f"no consignment has the reference {reference}")
        raise typer.Exit(1)


@app.command()
def serve() -> None:
    """Serve the pages and the API until Ctrl-C."""

    async def work(house: House) -> None:
        await _serve(house)

    _in_house(work)


@app.command()
def demonstrate(
    folders: Annotated[list[Path] | None, typer.Argument(exists=True, help="Folders of messages of others.")] = None,
    *,
    once: Annotated[bool, typer.Option(help="Print the table and end; do not serve.")] = False,
) -> None:
    """Lodge the samples that come with Tidewaiter and those in the folders, print what became of them, and serve."""

    async def work(house: House) -> None:
        for folder in folders or ():
            done = await _lodge_all(house, [folder], filer=DEMONSTRATOR, jurisdiction=None)
            results = [result for one in done for result in one.results]
            _out.print(report.table(results, width=_out.width, title="messages of others"))
            report.summary(_out, results, files=len(done))
        done = await _lodge_all(house, _samples(), filer=DEMONSTRATOR, jurisdiction=None)
        results = [result for one in done for result in one.results]
        _out.print(report.table(results, width=_out.width, title="our own samples"))
        report.summary(_out, results, files=len(done))
        if not once:
            await _serve(house)

    _in_house(work)


@app.command()
def bench() -> None:
    """Measure the corridor on this machine, and print where its time goes."""
    benchmark.run(load(), _out)


async def _lodge_all(house: House, paths: Sequence[Path], *, filer: str, jurisdiction: str | None) -> list[Lodged]:
    """What became of every declaration in these files; messages from customs are passed over, and counted."""
    done = []
    passed_over = 0
    with _progress("lodging", total=files.count(paths)) as progress:
        for message in files.messages(paths):
            named = msgspec.structs.replace(message, sender=filer)
            reading = read_message(named, jurisdiction=jurisdiction)
            if reading.answers and not reading.declared:
                passed_over += 1
            else:
                done.append(
                    await lodge_message(
                        named, store=house.store, law=house.law, at=house.now(), jurisdiction=jurisdiction
                    )
                )
            progress.advance(progress.task_ids[0])
    if passed_over:
        _out.print(f"{passed_over:,} answers from customs were read, and are not lodged")
    return done


async def _serve(house: House) -> None:
    from tidewaiter import server  # the web libraries take a third of a second that no other command needs

    settings = house.settings
    _out.print(f"serving on http://{settings.host}:{settings.port}: pages at /, the API at /docs; Ctrl-C ends it")
    await server.serve(house)


def _samples() -> list[Path]:
    formats = Path(str(resources.files("tidewaiter") / "formats"))
    return sorted(formats.glob("*/samples"))


def _in_house(work: Callable[[House], Awaitable[T]]) -> T:
    """What the work gives, done with a store. What the person must mend is said in a line, not in a traceback."""

    async def opened() -> T:
        settings = settings_of(os.environ)
        with _err.status("opening the store"):
            context = open_house(settings)
            house = await context.__aenter__()
        try:
            return await work(house)
        finally:
            await context.__aexit__(None, None, None)

    try:
        return asyncio.run(opened())
    except (SettingsError, StoreError, StoreUnavailable, MigrationError, LawError) as wrong:
        _err.print(f"[red]{type(wrong).__name__}[/]: {wrong}")
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _print_json(records: Sequence[Cleared]) -> None:
    for record in records:
        sys.stdout.buffer.write(msgspec.json.encode(record) + b"\n")
    sys.stdout.buffer.flush()


def _today() -> date:
    return datetime.now(UTC).date()


def _keep_answer(folder: Path, number: int, done: ClearedMessage) -> None:
    name = Path(done.source).name
    (folder / f"{number:05d}-{name}").write_bytes(done.answers)


def _progress(doing: str, *, total: int) -> Progress:
    """A bar on standard error, gone when done, so that what is printed stays clean."""
    bar = (TextColumn(doing), BarColumn(), MofNCompleteColumn())
    progress = Progress(*bar, console=_err, transient=True, disable=not _err.is_terminal)
    progress.add_task("messages", total=total)
    return progress

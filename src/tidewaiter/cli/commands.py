"""The commands of `tidewaiter`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer
import uvloop
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from tidewaiter.cli import access, denied, files, learnt, models, profiles, report, strata
from tidewaiter.cli import bench as benchmark
from tidewaiter.cli import conform as conformance
from tidewaiter.cli import receipts as receipt_commands
from tidewaiter.cli.audit import audit_commands
from tidewaiter.cli.delivering import deliver_command
from tidewaiter.cli.downtime import downtime_commands
from tidewaiter.cli.law import commands as law_commands
from tidewaiter.cli.presenting import present_command
from tidewaiter.cli.run import Run, state_of
from tidewaiter.cli.watching import watch_command
from tidewaiter.formats import FORMATS, rows_returned
from tidewaiter.formats.json import schema as consignment_schema
from tidewaiter.law import Law, LawError, load
from tidewaiter.model.outcome import Cleared
from tidewaiter.model.past import Past
from tidewaiter.services.clear import ClearedMessage, Message, about_message, clear_messages, read_message
from tidewaiter.services.conform import schema as conformance_schema
from tidewaiter.services.list_consignments import list_consignments
from tidewaiter.services.lodge import lodge as lodge_message
from tidewaiter.services.quote import dated, quotes
from tidewaiter.services.quote import schema as quote_schema
from tidewaiter.services.receipt import schema as receipt_schema
from tidewaiter.services.show import show_to_officer
from tidewaiter.settings import SettingsError, settings_of
from tidewaiter.wiring import HINDRANCES, House, law_of, open_house

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Tidewaiter: the counter at which a parcel bought abroad is declared, priced, checked and let in.",
)
bench = typer.Typer(help="How fast it is on this machine.")
app.add_typer(bench, name="bench")
_out = Console() if sys.stdout.isatty() or "COLUMNS" in os.environ else Console(width=155)
_err = Console(stderr=True)
T = TypeVar("T")

Paths = Annotated[list[Path], typer.Argument(exists=True, help="Messages, or folders of messages.")]
Jurisdiction = Annotated[
    str | None, typer.Option(help="Country of the law, where a message does not name one: GB, FR, …")
]
Day = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Legal day of acceptance; today where not given.")
]
Columns = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="TOML file that says what headings of sheets stand for."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a consignment.")]
Out = Annotated[
    Path | None, typer.Option(dir_okay=False, help="File for the results, one JSON object a line; written anew.")
]
Resume = Annotated[
    Path | None,
    typer.Option(
        dir_okay=False,
        help="File in which the state of the run is kept: after a crash the same command goes on, and cuts the file of "
        "--out back to what was done. Results that are printed cannot be cut back.",
    ),
]

SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "consignment": consignment_schema, "receipt": receipt_schema, "quote": quote_schema,
    "conformance": conformance_schema,
}  # fmt: skip
"""What has a published schema; each stands in docs/reference too."""

DEMONSTRATOR = "demonstration"
"""The filer in whose name the samples are lodged."""


@app.command()
def clear(
    paths: Paths,
    *,
    jurisdiction: Jurisdiction = None,
    on: Day = None,
    as_json: AsJson = False,
    answers: Annotated[
        Path | None, typer.Option(file_okay=False, help="Folder for the answers, each in its sender's format.")
    ] = None,
    columns: Columns = None,
    returned: Annotated[
        Path | None, typer.Option(file_okay=False, help="Folder for the rows of sheets that must be mended.")
    ] = None,
    out: Out = None,
    resume: Resume = None,
) -> None:
    """Read, check, price and decide; nothing is kept. Ends with 1 where a message could not be read.

    Files may be of any size, and gzip or zip archives: they are read piece by piece.
    """
    law = _law()
    mapping = _columns(columns)
    if returned:
        returned.mkdir(parents=True, exist_ok=True)
    if answers:
        answers.mkdir(parents=True, exist_ok=True)
    day = on.date() if on else _day_before(resume) or _today()
    asked = _asked(paths, jurisdiction, mapping) | {"on": day.isoformat(), "law": law.digest}
    inputs, tally = files.Input(paths, mapping), report.Tally()
    with _run(asked, resume, out) as run, _progress("clearing", inputs) as progress:
        number = run.state.done
        for handful in files.gathered(run.rest(inputs)):
            records: list[Cleared] = []
            cleared = clear_messages(
                handful, law=law, past=Past(), jurisdiction=jurisdiction, on=day, is_answered=answers is not None
            )
            for message, done in zip(handful, cleared, strict=True):
                number += 1
                if returned:
                    _keep_returned(returned, number, message, done)
                if answers and done.answers:
                    _keep_answer(answers, number, done)
                records += done.records
            tally.add(records, messages=len(handful))
            if as_json:
                _print_json(records)
            run.done(handful, records, is_unread=tally.unread > 0)
            progress.update(progress.task_ids[0], completed=inputs.taken)
    _close(tally, run, as_json=as_json)


@app.command()
def lodge(
    paths: Paths,
    *,
    jurisdiction: Jurisdiction = None,
    filer: str = "cli",
    as_json: AsJson = False,
    columns: Columns = None,
    out: Out = None,
    resume: Resume = None,
) -> None:
    """Read, check, price, decide and keep. The same bytes again change nothing; a mapping of columns is remembered.

    A long file is lodged piece by piece, each piece a message. Ends with 1 where a message could not be read.
    """
    mapping = _columns(columns)
    asked = _asked(paths, jurisdiction, mapping) | {"filer": filer}

    async def work(house: House) -> tuple[report.Tally, Run]:
        with _run(asked, resume, out) as run:
            show = _print_json if as_json else None
            tally = await _lodge_all(
                house, paths, filer=filer, jurisdiction=jurisdiction, columns=mapping, run=run, show=show
            )  # fmt: skip
            return tally, run

    _close(*_in_house(work), as_json=as_json)


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
def quote(
    paths: Paths,
    *,
    jurisdiction: Jurisdiction = None,
    on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day of the quote; the one stated where not given, else today."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what goods not yet sent will cost, whoever collects, and what to mend before they go. Nothing is kept.

    Ends with 1 where a message could not be read.
    """
    law = _law()
    failed = False
    for message in files.messages(paths):
        reading = read_message(message, jurisdiction=jurisdiction)
        declared = dated(reading.declared, law=law, on=on.date() if on else None, at=datetime.now(UTC))
        for made in quotes(declared, law=law, format=reading.format):
            if as_json:
                sys.stdout.buffer.write(msgspec.json.encode(made) + b"\n")
            else:
                report.quote(_out, made)
        failed |= any(finding.severity == "error" for finding in reading.findings)
        report.unread(_err, message.source, reading.findings)
    sys.stdout.buffer.flush()
    if failed:
        raise typer.Exit(1)


@app.command()
def schema(of: Annotated[str, typer.Argument(help="consignment, receipt, quote or conformance")]) -> None:
    """Print a published JSON Schema."""
    if of not in SCHEMAS:
        _err.print(f"there is no schema of {of}; there are {', '.join(SCHEMAS)}")
        raise typer.Exit(2)
    text = json.dumps(msgspec.to_builtins(SCHEMAS[of]()), indent=2, ensure_ascii=False)
    sys.stdout.write(text + "\n")


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
        shown = [*(([folder], "messages of others") for folder in folders or ()), (_samples(), "our own samples")]
        for paths, title in shown:
            tally = await _lodge_all(house, paths, filer=DEMONSTRATOR, jurisdiction=None, run=Run(asked={}))
            _out.print(report.table(tally.shown, width=_out.width, title=title))
            report.summary(_out, tally)
        if not once:
            await _serve(house)

    _in_house(work)


@bench.callback(invoke_without_command=True)
def bench_corridor(context: typer.Context) -> None:
    """Measure the corridor on this machine, and print where its time goes."""
    if context.invoked_subcommand is None:
        benchmark.run(load(), _out)


@bench.command(name="assess")
def bench_assess(
    *,
    country: Annotated[str, typer.Option(help="Whose law.")] = "US",
    items: Annotated[int, typer.Option(help="How many goods items.", min=1)] = 5_000_000,
    law: Annotated[Path | None, typer.Option(exists=True, file_okay=False, help="A folder of law besides.")] = None,
) -> None:
    """Measure how many goods items are assessed a CPU-second, beside the same row by row in decimals."""
    from tidewaiter.cli import bench_assess as measured

    measured.run(load(overlay=law), _out, country=country, items=items)


@bench.command(name="risk")
def bench_risk(
    *,
    count: Annotated[int, typer.Option(help="How many made-up consignments.", min=1)] = 1_000_000,
    profiles: Annotated[int, typer.Option(help="How many made-up profiles, beside our own.", min=1)] = 200,
) -> None:
    """Measure how many consignments a CPU-second go through risk profiles, their words and lists included."""
    from tidewaiter.cli import bench_risk as measured

    measured.run(_out, count=count, profiles=profiles)


@bench.command(name="world")
def bench_world(
    *,
    seeds: Annotated[int, typer.Option(help="How many made-up worlds.", min=1)] = 3,
    weeks: Annotated[int, typer.Option(help="Weeks in each; the first four are not counted.", min=6)] = 12,
    parcels: Annotated[int, typer.Option(help="Parcels a week.", min=500)] = 5_000,
    wait: Annotated[int, typer.Option(help="Hours from a declaration until its goods are presented.", min=0)] = 72,
) -> None:
    """Measure how much of what is planted in made-up worlds the detectors find when a twentieth is inspected."""
    from tidewaiter.cli import bench_world as measured

    measured.run(load(), _out, seeds=seeds, weeks=weeks, parcels=parcels, wait=timedelta(hours=wait))


@bench.command(name="model")
def bench_model(
    *,
    seeds: Annotated[int, typer.Option(help="How many made-up worlds.", min=1)] = 3,
    weeks: Annotated[int, typer.Option(help="Weeks in each; the first eight are learnt from.", min=9)] = 12,
    parcels: Annotated[int, typer.Option(help="Parcels a week.", min=500)] = 5_000,
) -> None:
    """Train a model in each of some made-up worlds; measure what it finds, and whether its reasons are faithful."""
    from tidewaiter.cli import bench_model as measured

    measured.run(load(), _out, seeds=seeds, weeks=weeks, parcels=parcels)


@bench.command(name="screen")
def bench_screen(
    count: Annotated[int, typer.Option(min=100, help="Names of nobody on the list.")] = 100_000,
    data: Annotated[
        Path | None, typer.Option(file_okay=False, help="Folder of denied_parties: the labelled pairs and real lists.")
    ] = None,
) -> None:
    """Measure the screening of names: the labelled pairs, the list of the United Nations, and the speed."""
    from tidewaiter.cli import bench_screen as measured

    measured.run(_out, count=count, data=data)


@bench.command(name="read")
def bench_read(
    *,
    count: Annotated[int, typer.Option(help="How many made-up declarations in a message.", min=1)] = 300,
    only: Annotated[list[str] | None, typer.Option("--format", help="This format alone; may be repeated.")] = None,
) -> None:
    """Measure how many declarations of each format are read a CPU-second on one core."""
    from tidewaiter.cli import bench_read as measured

    if unknown := set(only or ()) - FORMATS.keys():
        raise typer.BadParameter(f"no format is named {min(unknown)}; there are {', '.join(FORMATS)}")
    measured.run(_out, count=count, only=only or tuple(FORMATS))


async def _lodge_all(
    house: House,
    paths: Sequence[Path],
    *,
    filer: str,
    jurisdiction: str | None,
    columns: Mapping[str, str] | None = None,
    run: Run,
    show: Callable[[Sequence[Cleared]], None] | None = None,
) -> report.Tally:
    """What became of every declaration in these files; messages from customs are passed over, and counted."""
    inputs, tally = files.Input(paths, columns), report.Tally()
    passed_over = 0
    with _progress("lodging", inputs) as progress:
        for message in run.rest(inputs):
            named = msgspec.structs.replace(message, sender=filer)
            reading = read_message(named, jurisdiction=jurisdiction)
            records: Sequence[Cleared] = ()
            if reading.answers and not reading.declared:
                passed_over += 1
            elif named.data:
                done = await lodge_message(
                    named, store=house.store, law=house.law, at=house.now(), jurisdiction=jurisdiction
                )
                is_unread = any(finding.severity == "error" for finding in done.findings)
                records = done.records if is_unread else done.results
                tally.add(records)
            else:  # nothing that could be kept, only what was wrong with the file around it
                records = [about_message(reading.format, reading.findings, source=named.source)]
                tally.add(records)
            if show:
                show(records)
            run.done([message], records, is_unread=tally.unread > 0)
            progress.update(progress.task_ids[0], completed=inputs.taken)
    if passed_over:
        _out.print(f"{passed_over:,} answers from customs were read, and are not lodged")
    return tally


async def _serve(house: House) -> None:
    from tidewaiter import server, several  # the web libraries take a third of a second that no other command needs

    settings = house.settings
    _out.print(f"serving on http://{settings.host}:{settings.port}: pages at /, the API at /docs; Ctrl-C ends it")
    await (several.serve(house) if settings.processes > 1 else server.serve(house))


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
        return uvloop.run(opened())
    except HINDRANCES as wrong:
        _err.print(f"[red]{type(wrong).__name__}[/]: {wrong}")
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _close(tally: report.Tally, run: Run, *, as_json: bool) -> None:
    """Print what became of all, and end with 1 where a message could not be read, in this run or before."""
    if not as_json:
        _out.print(report.table(tally.shown, width=_out.width))
        report.summary(_out, tally)
    sys.stdout.buffer.flush()
    if tally.unread or run.state.is_unread:
        raise typer.Exit(1)


def _run(asked: dict[str, str], resume: Path | None, out: Path | None) -> Run:
    """The run, or what is left of it. Results that are only printed cannot be cut back, so they need a file."""
    return Run(asked=asked | {"out": str(out.resolve()) if out else ""}, resume=resume, out=out)


def _day_before(resume: Path | None) -> date | None:
    """The legal day of the run that is gone on with."""
    before = state_of(resume)
    return date.fromisoformat(before.asked["on"]) if before is not None and "on" in before.asked else None


def _asked(paths: Sequence[Path], jurisdiction: str | None, columns: Mapping[str, str]) -> dict[str, str]:
    """What a run is asked for, which must be the same to go on with it."""
    return {
        "paths": "\n".join(str(path) for path in paths),
        "jurisdiction": jurisdiction or "",
        "columns": msgspec.json.encode(columns, order="sorted").decode(),
    }


def _law() -> Law:
    """The law of this installation: the one that comes with Tidewaiter, with the overlay of the settings."""
    try:
        return law_of(settings_of(os.environ))
    except (SettingsError, LawError) as wrong:
        _err.print(f"[red]{type(wrong).__name__}[/]: {wrong}")
        raise typer.Exit(2) from None


app.add_typer(law_commands(_out, _law), name="law")
risk = typer.Typer(no_args_is_help=True, help="What is looked at, and why.")
app.add_typer(risk, name="risk")
profiles.register(risk, _out, _err, _law, _in_house)
models.register(risk, _out, _err, _in_house)
learnt.register(risk, _out, _err, _in_house)
app.command(name="present")(present_command(_out, _in_house))
app.command(name="watch")(watch_command(_out, _err, _in_house))
denied.register(risk, _out, _err, _in_house)
strata.register(risk, _out, _in_house)
app.add_typer(audit_commands(_out, _err, _in_house), name="audit")
app.add_typer(downtime_commands(_out, _err, _in_house), name="downtime")
app.command(name="deliver")(deliver_command(_err, _in_house))
conformance.register(app, _out, _err, _law)
receipt_commands.register(app, _out, _err, _law)
access.register(app, _out, _in_house)


def _print_json(records: Sequence[Cleared]) -> None:
    for record in records:
        sys.stdout.buffer.write(msgspec.json.encode(record) + b"\n")
    sys.stdout.buffer.flush()


def _today() -> date:
    return datetime.now(UTC).date()


def _columns(path: Path | None) -> dict[str, str]:
    try:
        return files.columns(path)
    except ValueError as refusal:
        raise typer.BadParameter(str(refusal), param_hint="--columns") from refusal


def _keep_returned(folder: Path, number: int, message: Message, done: ClearedMessage) -> None:
    findings = [*done.findings, *(finding for one in done.cleared for finding in one.findings)]
    before = message.piece.before if message.piece is not None else 0
    rows = rows_returned(message.data, findings, format=done.format, columns=message.columns, before=before)
    if rows:
        (folder / _named(number, done)).write_bytes(rows)


def _keep_answer(folder: Path, number: int, done: ClearedMessage) -> None:
    (folder / _named(number, done)).write_bytes(done.answers)


def _named(number: int, done: ClearedMessage) -> str:
    """What is written about a message is called by its number and source; it is not packed, where that was."""
    return f"{number:05d}-{Path(done.source).name.removesuffix('.gz')}"


def _progress(doing: str, inputs: files.Input) -> Progress:
    """A bar of bytes on standard error, gone when done, so that what is printed stays clean."""
    bar = (
        TextColumn(doing),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    progress = Progress(*bar, console=_err, transient=True, disable=not _err.is_terminal)
    progress.add_task("messages", total=inputs.total)
    return progress

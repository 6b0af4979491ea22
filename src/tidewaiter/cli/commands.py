"""The commands of `tidewaiter`."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tidewaiter.cli import bench as benchmark
from tidewaiter.cli import files, report
from tidewaiter.law import load
from tidewaiter.model.outcome import Cleared
from tidewaiter.model.past import Past
from tidewaiter.services.clear import ClearedMessage, clear_messages

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Tidewaiter: the counter at which a parcel bought abroad is declared, priced, checked and let in.",
)
_out = Console()
_err = Console(stderr=True)

Paths = Annotated[list[Path], typer.Argument(exists=True, help="Messages, or folders of messages.")]


@app.command()
def clear(
    paths: Paths,
    *,
    jurisdiction: Annotated[
        str | None, typer.Option(help="Country of the law, where a message does not name one: GB, FR, …")
    ] = None,
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Legal day of acceptance; today where not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a consignment.")] = False,
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
    with _progress(total=files.count(paths)) as progress:
        for handful in files.gathered(files.messages(paths)):
            for done in clear_messages(handful, law=law, past=Past(), jurisdiction=jurisdiction, on=day):
                number += 1
                if answers and done.answers:
                    _keep_answer(answers, number, done)
                results += done.records
                if as_json:
                    for record in done.records:
                        sys.stdout.buffer.write(msgspec.json.encode(record) + b"\n")
            progress.advance(progress.task_ids[0], len(handful))
    if not as_json:
        _out.print(report.table(results))
        report.summary(_out, results, files=number)


@app.command()
def bench() -> None:
    """Measure the corridor on this machine, and print where its time goes."""
    benchmark.run(load(), _out)


def _today() -> date:
    return datetime.now(UTC).date()


def _keep_answer(folder: Path, number: int, done: ClearedMessage) -> None:
    name = Path(done.source).name
    (folder / f"{number:05d}-{name}").write_bytes(done.answers)


def _progress(*, total: int) -> Progress:
    """A bar on standard error, gone when done, so that what is printed stays clean."""
    progress = Progress(
        TextColumn("clearing"),
        BarColumn(),
        MofNCompleteColumn(),
        console=_err,
        transient=True,
        disable=not _err.is_terminal,
    )
    progress.add_task("messages", total=total)
    return progress

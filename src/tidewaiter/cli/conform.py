"""The command `tidewaiter conform`: messages judged stage by stage, vectors to begin with, reports verified."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.console import Console

from tidewaiter import formats
from tidewaiter.cli import conform_report, files
from tidewaiter.law import Law
from tidewaiter.services.attest import attest, verify
from tidewaiter.services.clear import Message
from tidewaiter.services.conform import ANY, conform
from tidewaiter.services.expect import Expected, expected_of
from tidewaiter.services.signing import KeyUnfit, public_key
from tidewaiter.settings import SettingsError, settings_of
from tidewaiter.wiring import signing_key_of

EXPECTED = ".expected.json"
"""How the name of an expected answer of ours ends; see `services.expect`."""
CANNOT = 2
"""Ends so where the kit cannot be run: nothing to judge, no such format, no such key."""

HOLDS = "the report is what the holder of the key signed"

FormatName = Annotated[str, typer.Argument(metavar="FORMAT", help="The format, or `any`: each speaks for itself.")]
Path_ = Annotated[Path | None, typer.Argument(metavar="FILE|DIR", exists=True, help="A message, or a folder of them.")]
Expect = Annotated[
    Path | None, typer.Option(exists=True, file_okay=False, help="Folder of expected answers; each message is a case.")
]
Html = Annotated[Path | None, typer.Option(dir_okay=False, help="Write the report as a page into this file.")]
Vectors = Annotated[
    Path | None, typer.Option(file_okay=False, help="Write our samples of FORMAT and what is expected of each here.")
]
Verify = Annotated[
    Path | None,
    typer.Option(
        "--verify",
        exists=True,
        dir_okay=False,
        help="Verify this signed report, and that FILE|DIR is what it is about.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON, signed where a key is set.")]
Jurisdiction = Annotated[
    str | None, typer.Option(help="Country of the law, where a message does not name one: GB, FR, …")
]
Key = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="Public key (PEM, JWK, JWKS); ours where not given.")
]
On = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Legal day of the rules; today where not given.")
]


def register(app: typer.Typer, out: Console, err: Console, law: Callable[[], Law]) -> None:
    """Add the command to `app`."""

    def refuse(why: str) -> NoReturn:
        err.print(why, markup=False, highlight=False)
        raise typer.Exit(CANNOT)

    @app.command(name="conform")
    def command(
        format: FormatName = ANY,
        path: Path_ = None,
        *,
        expect: Expect = None,
        as_json: AsJson = False,
        html: Html = None,
        table: Annotated[bool, typer.Option(help="Print the table by format alone.")] = False,
        dialect_only: Annotated[bool, typer.Option(help="Ask what the dialect says, and no law besides.")] = False,
        jurisdiction: Jurisdiction = None,
        on: On = None,
        vectors: Vectors = None,
        verify_: Verify = None,
        key: Key = None,
    ) -> None:
        """Judge messages stage by stage: bytes, syntax, schema, codes, rules, and across messages. Nothing is kept.

        Ends with 0 where all conform, 1 where one does not, 2 where the kit cannot be run.
        """
        if format != ANY and format not in formats.FORMATS:
            refuse(f"no format has the name {format}; there are {', '.join((ANY, *formats.FORMATS))}")
        if verify_ is not None:
            checked = _verified(verify_, key, path, refuse)
            out.print(checked, markup=False, highlight=False)
            raise typer.Exit(0 if checked == HOLDS else 1)
        held = None if dialect_only else law()
        day = on.date() if on else datetime.now(UTC).date()
        if vectors is not None:
            try:
                written = _write_vectors(vectors, format, held, day)
            except OSError as wrong:
                refuse(f"{wrong.filename}: {wrong.strerror}")
            out.print(f"{written:,} messages with what is expected of each in {vectors}")
            return
        if path is None:
            refuse("name a message or a folder of messages, or --vectors DIR, or --verify REPORT")
        messages = list(messages_in(path))
        if not messages:
            refuse(f"there is no message in {path}")
        expected = _expectations(path, messages, expect, refuse) if expect is not None else None
        report = conform(
            messages,
            law=held,
            on=day,
            at=datetime.now(UTC),
            format=format,
            jurisdiction=jurisdiction,
            expected=expected,
        )
        try:
            signed = attest(report, signing_key_of(settings_of(os.environ)))
        except SettingsError as wrong:
            refuse(str(wrong))
        if html is not None:
            try:
                html.write_text(conform_report.page(signed), encoding="utf-8")
            except OSError as wrong:
                refuse(f"{wrong.filename}: {wrong.strerror}")
        if as_json:
            sys.stdout.buffer.write(msgspec.json.encode(signed) + b"\n")
            sys.stdout.buffer.flush()
        else:
            conform_report.show(out, signed, table_only=table)
        raise typer.Exit(0 if report.conforms else 1)


def messages_in(path: Path) -> Iterator[Message]:
    """The messages in a file or folder, called by their place in the folder; expected answers are passed over."""
    for found in files.whole(path):
        file = Path(found.source)
        if not file.name.endswith(EXPECTED):
            name = file.name if file == path else file.relative_to(path).as_posix()
            yield msgspec.structs.replace(found, source=name.encode("utf-8", "replace").decode())


def _expectations(
    path: Path, messages: Sequence[Message], folder: Path, refuse: Callable[[str], NoReturn]
) -> dict[str, Expected]:
    """What is expected of each message, by its source; nothing of those that have no answer in the folder."""
    found: dict[str, Expected] = {}
    for message in messages:
        place = folder / message.source
        names = [place.with_name(place.name + EXPECTED), place.with_suffix(EXPECTED), place.with_suffix(".ctl")]
        names.append(place.with_name(f"{place.stem}.answer{place.suffix}"))
        if folder.resolve() != (path if path.is_dir() else path.parent).resolve():
            names.append(place)
        file = next((name for name in names if name.is_file()), None)
        if file is not None:
            told = expected_of(file.read_bytes())
            if told is None:
                refuse(f"{file} is no expected answer in a form that is read here")
            found[message.source] = told
    if not found:
        refuse(f"there is no expected answer to any of the messages in {folder}")
    return found


def _write_vectors(folder: Path, format: str, law: Law | None, on: date) -> int:
    """Write the samples of a format, or of each in a folder of its own, with what is expected; how many there are."""
    root = Path(str(resources.files("tidewaiter") / "formats"))
    written = 0
    for name in formats.FORMATS if format == ANY else (format,):
        into = folder / name if format == ANY else folder
        into.mkdir(parents=True, exist_ok=True)
        for sample in sorted(file for file in (root / name / "samples").iterdir() if file.is_file()):
            message = Message(source=sample.name, data=sample.read_bytes())
            case = {sample.name: Expected(on=on)}
            [found] = conform([message], law=law, on=on, at=datetime.now(UTC), format=name, expected=case).messages
            errors = tuple((one.code, one.location) for one in found.findings if one.severity == "error")
            told = Expected(findings=errors, decision="rejected" if errors else "accepted", on=on)
            (into / sample.name).write_bytes(message.data)
            (into / (sample.name + EXPECTED)).write_bytes(
                msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"
            )
            written += 1
    return written


def _verified(report: Path, key: Path | None, path: Path | None, refuse: Callable[[str], NoReturn]) -> str:
    """Whether the report holds, in words: HOLDS, or why not."""
    try:
        held = public_key(key.read_bytes()) if key else signing_key_of(settings_of(os.environ))
    except (KeyUnfit, SettingsError) as wrong:
        refuse(str(wrong))
    if held is None:
        refuse("name the public key with --key: none is configured here")
    about = [one.data for one in messages_in(path)] if path else []
    checked = verify(report.read_bytes(), held, messages=about)
    return HOLDS if checked.holds else f"NOT VERIFIED: {checked.why}"

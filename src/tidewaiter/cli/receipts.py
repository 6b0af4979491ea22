"""The commands about receipts: print those for charges, and verify those and the ones for lodgements."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from joserfc.jwk import OKPKey
from rich.console import Console
from typer.core import TyperGroup

from tidewaiter.cli import files
from tidewaiter.cli.audit import Keys, keys_of
from tidewaiter.law import Law, load
from tidewaiter.model.receipt import Receipt
from tidewaiter.services import lodgement_receipts
from tidewaiter.services.audit import LogDamaged, entry_in
from tidewaiter.services.clear import read_message
from tidewaiter.services.receipt import Verdict, receipts
from tidewaiter.services.receipt import verify as verify_charges
from tidewaiter.services.signing import Unverified

Paths = Annotated[list[Path], typer.Argument(exists=True, help="Messages, or folders of messages.")]
Receipts = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Files with a receipt a line.")]
Jurisdiction = Annotated[
    str | None, typer.Option(help="Country of the law, where a message does not name one: GB, FR, …")
]
Day = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Legal day of acceptance; today where not given.")
]
Laws = Annotated[
    Path | None, typer.Option(exists=True, file_okay=False, help="Folder of laws that were kept, one a folder.")
]
Messages = Annotated[
    list[Path] | None,
    typer.Option(
        "--message",
        exists=True,
        dir_okay=False,
        help="A message that was lodged; each receipt must be of one.",
    ),
]
LogFolder = Annotated[
    Path | None,
    typer.Option("--log", exists=True, file_okay=False, help="Folder with the log, in which the lodgement must stand."),
]


class _Group(TyperGroup):
    """Prints receipts where what comes first is none of its commands: `receipt FILE` is `receipt print FILE`."""

    # What a context is typed as differs between versions of typer, and is private in the newer ones.
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The words, with the command that was left out."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["print", *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer, out: Console, err: Console, law: Callable[[], Law]) -> None:
    """Adds `receipt FILE`, `receipt verify FILE`, and `verify FILE`, which is the same."""
    group = typer.Typer(cls=_Group, no_args_is_help=True, help="Receipts: print those for charges, verify any.")
    group.command(name="print")(_print_command(law))
    group.command(name="verify")(_verify_command(out, err, law))
    app.command(name="verify")(_verify_command(out, err, law))
    app.add_typer(group, name="receipt")


def _print_command(law: Callable[[], Law]) -> Callable[..., None]:
    def print_receipts(paths: Paths, *, jurisdiction: Jurisdiction = None, on: Day = None) -> None:
        """Print the receipt of each consignment as JSON: charges, reasons, all that is needed to reckon it again."""
        day = on.date() if on else datetime.now(UTC).date()
        for message in files.messages(paths):
            declared = [one.consignment for one in read_message(message, jurisdiction=jurisdiction).declared]
            dated = [one if one.accepted_on else msgspec.structs.replace(one, accepted_on=day) for one in declared]
            for made in receipts(dated, law=law()):
                sys.stdout.buffer.write(msgspec.json.encode(made) + b"\n")

    return print_receipts


def _verify_command(out: Console, err: Console, law: Callable[[], Law]) -> Callable[..., None]:
    def verify(
        paths: Receipts, *, laws: Laws = None, key: Keys = None, messages: Messages = None, log: LogFolder = None
    ) -> None:
        """Verify receipts. One for charges is reckoned again: equal, or which line differs. One for a lodgement must be
        signed by the key, and be of a message that is given. Ends with 1 where one is not right, 2 where a law or key
        is not held."""
        told = [message.read_bytes() for message in messages or ()]
        verdicts = []
        for path in paths:
            for number, line in enumerate(path.read_bytes().splitlines(), start=1):
                if lodgement_receipts.FORM.fullmatch(line):
                    held = keys_of(key or (), err)
                    verdict = _verified_lodgement(line, held, told, log, out)
                else:
                    verdict = _verified_charges(line, laws, law)
                verdicts.append(verdict)
                out.print(f"{path.name}:{number} {'equal' if verdict.equal else 'NOT EQUAL'}")
                for difference in verdict.differences:
                    out.print(f"  {difference}")
        if not all(verdict.equal for verdict in verdicts):
            raise typer.Exit(1 if any(not v.equal and v.law_is_here for v in verdicts) else 2)

    return verify


def _verified_charges(line: bytes, laws: Path | None, law: Callable[[], Law]) -> Verdict:
    """The verdict under the law of this installation, or under one of those kept in the folder."""
    try:
        made = msgspec.json.decode(line, type=Receipt)
    except msgspec.DecodeError as wrong:
        return Verdict(equal=False, differences=(f"this is no receipt: {wrong}",))
    verdict = verify_charges(made, law=law())
    for folder in sorted(laws.iterdir()) if laws and not verdict.law_is_here else ():
        verdict = verify_charges(made, law=load(folder))
        if verdict.law_is_here:
            break
    return verdict


def _verified_lodgement(
    line: bytes, held: Sequence[OKPKey], messages: Sequence[bytes], log: Path | None, out: Console
) -> Verdict:
    """The verdict on a receipt for a lodgement; what one that holds says is printed."""
    wrong = ""
    for one in held:
        try:
            said = lodgement_receipts.verify(line, one, messages=messages)
        except Unverified as unverified:
            wrong = str(unverified)
            continue
        out.print(
            f"message {said.leaf.message} of {said.leaf.by}, SHA-256 {said.leaf.sha256}, received"
            f" {said.leaf.at.isoformat()}: entry {said.index} of the log {said.log}",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
        return _in_log(said, log, held) if log is not None else Verdict(equal=True)
    return Verdict(equal=False, differences=(wrong,))


def _in_log(said: lodgement_receipts.LodgementReceipt, log: Path, keys: Sequence[OKPKey]) -> Verdict:
    """Whether the log in the folder has that entry there."""
    try:
        entry = entry_in(log, said.index, keys)
    except LogDamaged as damaged:
        return Verdict(equal=False, differences=(str(damaged),))
    if entry is None:
        return Verdict(equal=False, differences=(f"the log in {log} does not reach to entry {said.index} yet",))
    if entry != said.entry:
        return Verdict(equal=False, differences=(f"entry {said.index} of the log in {log} is another",))
    return Verdict(equal=True)

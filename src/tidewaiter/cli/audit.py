"""The commands of the auditor: the log as static files, and whether such files are what was signed."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from joserfc.jwk import OKPKey
from rich.console import Console

from tidewaiter.audit.note import verifier
from tidewaiter.services.audit import LogDamaged, Published, publish
from tidewaiter.services.audit import verify as verify_log
from tidewaiter.services.signing import OWN_KEY, KeyUnfit, public_half, public_key
from tidewaiter.settings import SettingsError, settings_of
from tidewaiter.wiring import House, signing_key_of

Keys = Annotated[
    list[Path] | None,
    typer.Option(
        "--key",
        exists=True,
        dir_okay=False,
        help="Public key (PEM, JWK or JWKS); may be given again. The key of this installation where none is given.",
    ),
]
Older = Annotated[
    list[Path] | None,
    typer.Option("--from", exists=True, dir_okay=False, help="A checkpoint that was given before; may be given again."),
]
FAULTS_MAX = 200


def audit_commands(
    out: Console, err: Console, in_house: Callable[[Callable[[House], Awaitable[Published]]], Published]
) -> typer.Typer:
    """The commands; `in_house` gives a work its store."""
    app = typer.Typer(no_args_is_help=True, help="The log of what was done, which cannot be changed unseen.")

    @app.command()
    def export(folder: Annotated[Path, typer.Argument(file_okay=False, help="Folder for the log.")]) -> None:
        """Write the log into a folder as static files, sign it, and go on from what is there. Ends with 1 where rows
        are not what was written or signed; then nothing is signed."""

        async def work(house: House) -> Published:
            if house.signing_key is None:
                raise SettingsError("there is no key to sign with")
            done = await publish(store=house.store, key=house.signing_key, folder=folder, at=house.now())
            out.print(f"key {verifier(done.checkpoint.origin, public_half(house.signing_key))}", soft_wrap=True)
            return done

        try:
            done = in_house(work)
        except LogDamaged as damaged:
            err.print(f"{damaged.where}: {damaged.what}", markup=False, soft_wrap=True)
            raise typer.Exit(1) from None
        out.print(f"{done.checkpoint.size:,} entries, {done.added:,} of them new in this folder")

    @app.command()
    def verify(
        folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder with a log.")],
        *,
        key: Keys = None,
        older: Older = None,
    ) -> None:
        """Check a log in a folder against its signed checkpoint, without any store, and say what is wrong in it. Ends
        with 1 where something is, with 2 where there is no key."""
        started = time.perf_counter()
        found = verify_log(folder, keys_of(key or (), err), older=older or ())
        for fault in found.faults[:FAULTS_MAX]:
            out.print(f"{fault.where}: {fault.what}", markup=False, soft_wrap=True)
        if len(found.faults) > FAULTS_MAX:
            out.print(f"and {len(found.faults) - FAULTS_MAX:,} more")
        if found.faults or found.checkpoint is None:
            raise typer.Exit(1)
        took = time.perf_counter() - started
        size = found.checkpoint.size
        out.print(f"{found.checkpoint.origin}: {size:,} entries are what was signed ({size / took:,.0f} a second)")

    return app


def keys_of(paths: Sequence[Path], err: Console) -> list[OKPKey]:
    """The public keys in these files, or that of this installation. Ends the command with 2 where there is none."""
    try:
        if paths:
            return [public_key(path.read_bytes()) for path in paths]
        settings = settings_of(os.environ)
        own = signing_key_of(settings)
        made = settings.data_dir / OWN_KEY
        if own is None and made.exists():
            own = public_key(made.read_bytes())
    except (SettingsError, KeyUnfit, OSError) as wrong:
        err.print(f"{type(wrong).__name__}: {wrong}", markup=False)
        raise typer.Exit(2) from None
    if own is None:
        err.print("name the public key with --key: none is configured here")
        raise typer.Exit(2)
    return [own]

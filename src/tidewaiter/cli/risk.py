"""The commands of `tidewaiter risk`: lists of denied parties, and whether somebody is on them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tidewaiter.risk.screening import THRESHOLD, Asked, Born, Hit, Index, PartyKind, Version
from tidewaiter.services.import_lists import FORMS, ListError, import_list, lists_in, versions_in

NAMES_MAX = 1_000_000
Lists = Annotated[Path, typer.Option(file_okay=False, envvar="TIDEWAITER_DENIED_LISTS", help="Folder of the lists.")]


def commands(out: Console, err: Console) -> typer.Typer:
    """The commands, printing to `out`, and to `err` what went wrong."""
    app = typer.Typer(no_args_is_help=True, help="Lists of denied parties, and who may be on them.")
    lists_app = typer.Typer(no_args_is_help=True, help="Bring lists of denied parties in, and show which hold.")
    app.add_typer(lists_app, name="lists")

    @app.command()
    def screen(
        who: Annotated[str, typer.Argument(help="A name, or a file with a name a line.")],
        *,
        lists: Lists,
        kind: Annotated[str, typer.Option(help="person, entity, vessel or aircraft.")] = "",
        born: Annotated[str, typer.Option(help="Year or day of birth, as 1970 or 1970-12-31.")] = "",
        country: Annotated[list[str] | None, typer.Option(help="Country, as ISO 3166; may be given again.")] = None,
        number: Annotated[list[str] | None, typer.Option(help="Passport or other number; may be given again.")] = None,
        threshold: Annotated[float, typer.Option(min=0, max=1, help="Score from which it is a hit.")] = THRESHOLD,
        as_json: Annotated[bool, typer.Option("--json")] = False,
    ) -> None:
        """Look for a name, or each name of a file, on the lists of denied parties. Ends with 1 where there is a hit.

        A hit is a reason to look, never a refusal by itself; its reasons are not for who filed.
        """
        path = Path(who)
        try:
            names = path.read_text(encoding="utf-8").splitlines() if path.is_file() else [who]
            index = Index(lists_in(lists))
            asked = [
                _asked(text, kind, born, country or (), number or ()) for text in names[:NAMES_MAX] if text.strip()
            ]
        except (ValueError, OSError) as wrong:
            err.print(f"{type(wrong).__name__}: {wrong}", style="red", markup=False)
            raise typer.Exit(2) from None
        if not index.versions:
            err.print("no list holds in that folder: nothing was looked for", style="red")
            raise typer.Exit(2)
        hits = index.hits(asked, threshold=threshold)
        if as_json:
            for hit in hits:
                sys.stdout.buffer.write(msgspec.json.encode(_told(hit), order="deterministic") + b"\n")
        else:
            _print(out, asked, hits, index)
        raise typer.Exit(1 if hits else 0)

    @lists_app.command(name="import")
    def bring_in(
        form: Annotated[str, typer.Argument(help=", ".join(FORMS))],
        paths: Annotated[
            list[Path], typer.Argument(exists=True, dir_okay=False, help="The file or files of the list.")
        ],
        *,
        lists: Lists,
        name: Annotated[str, typer.Option(help="Name of the list, where two of one form are kept.")] = "",
        may_shrink: Annotated[bool, typer.Option(help="Take it though most of those on it are gone.")] = False,
    ) -> None:
        """Bring a list of denied parties in. Where it cannot be read, the old one goes on, and the command says so."""
        try:
            version = import_list(form, paths, into=lists, source=name, may_shrink=may_shrink)
        except (ListError, OSError) as wrong:
            kept = next((one for one in _held(lists) if one.source == (name or form)), None)
            old = f"the list of {kept.dated or 'unknown day'}, {kept.digest[:12]}, goes on" if kept else "there is none"
            err.print(f"{type(wrong).__name__}: {wrong}; {old}", style="red", markup=False)
            raise typer.Exit(2) from None
        dated = version.dated or ""
        out.print(f"{version.source} {dated} {version.digest[:12]}: {version.parties:,} parties", highlight=False)

    @lists_app.command()
    def show(*, lists: Lists) -> None:
        """Show which lists hold, and in which state."""
        try:
            held = versions_in(lists)
        except (ListError, OSError) as wrong:
            err.print(f"{wrong}", style="red", markup=False)
            raise typer.Exit(2) from None
        table = Table("list", "of", "parties", "digest", box=None)
        for one in held:
            table.add_row(one.source, str(one.dated or ""), f"{one.parties:,}", one.digest)
        out.print(table)

    return app


def _held(folder: Path) -> list[Version]:
    try:
        return versions_in(folder)
    except (ListError, OSError):
        return []


_KINDS: dict[str, PartyKind] = {
    "": "", "person": "person", "entity": "entity", "vessel": "vessel", "aircraft": "aircraft",
}  # fmt: skip


def _asked(name: str, kind: str, born: str, countries: Iterable[str], numbers: Iterable[str]) -> Asked:
    if kind not in _KINDS:
        raise ValueError(f"there is no kind {kind}; there are person, entity, vessel, aircraft")
    return Asked(
        name,
        _KINDS[kind],
        _born(born),
        frozenset(country.upper() for country in countries),
        frozenset(re.sub(r"[^0-9A-Z]", "", number.upper()) for number in numbers),
    )


def _born(text: str) -> Born | None:
    if not text:
        return None
    return Born(int(text), int(text)) if len(text) == 4 else Born.on(date.fromisoformat(text))


def _told(hit: Hit) -> dict[str, object]:
    return {
        "row": hit.row, "list": hit.list.source, "list_digest": hit.list.digest, "list_dated": hit.list.dated,
        "party": hit.party.id, "name": hit.name, "score": round(hit.score, 3), "reasons": hit.reasons,
    }  # fmt: skip


def _print(out: Console, asked: Sequence[Asked], hits: Sequence[Hit], index: Index) -> None:
    table = Table("asked after", "list", "party", "listed as", "score", "reasons")
    for hit in hits:
        who = (asked[hit.row].name, hit.list.source, hit.party.id, hit.name)
        table.add_row(*(escape(text) for text in who), f"{hit.score:.2f}", escape("; ".join(hit.reasons)))
    if hits:
        out.print(table)
    states = ", ".join(f"{one.source} {one.dated or ''} {one.digest[:12]}" for one in index.versions)
    out.print(
        f"{len(hits):,} hits for {len(asked):,} names on {len(index):,} listed names of {states}", highlight=False
    )

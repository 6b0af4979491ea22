"""Commands of `tidewaiter risk`: lists of denied parties and whether somebody is on them, and what is remembered."""

from __future__ import annotations

import re
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tidewaiter.risk.history import REMEMBERED_D
from tidewaiter.risk.screening import THRESHOLD, Asked, Born, Hit, Index, PartyKind
from tidewaiter.services.list_forms import FORMS, ListError
from tidewaiter.services.prices import make_prices
from tidewaiter.services.screen import Again, Held, bring_in, held, screen_again
from tidewaiter.store import ListRow
from tidewaiter.wiring import House

NAMES_MAX = 1_000_000
BY = "command line"
T = TypeVar("T")
InHouse = Callable[[Callable[[House], Awaitable[T]]], T]


def register(app: typer.Typer, out: Console, err: Console, in_house: InHouse[object]) -> None:
    """Adds the commands to the group `risk`, printing to `out`, and to `err` what went wrong."""
    lists_app = typer.Typer(no_args_is_help=True, help="Bring lists of denied parties in, and show which hold.")
    app.add_typer(lists_app, name="lists")

    def refuse(wrong: str) -> typer.Exit:
        err.print(wrong, style="red", markup=False)
        return typer.Exit(2)

    @app.command()
    def screen(
        who: Annotated[str, typer.Argument(help="A name, or a file with a name a line.")],
        *,
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
            asked = [
                _asked(text, kind, born, country or (), number or ()) for text in names[:NAMES_MAX] if text.strip()
            ]
        except (ValueError, OSError) as wrong:
            raise refuse(f"{type(wrong).__name__}: {wrong}") from None
        now: list[Held] = []

        async def work(house: House) -> None:
            if (found := await held(house.store)) is not None:
                now.append(found)

        _tried(in_house, work, refuse)
        if not now:
            raise refuse("no list holds: nothing was looked for")
        index = now[0].index
        hits = index.hits(asked, threshold=threshold)
        if as_json:
            for hit in hits:
                sys.stdout.buffer.write(msgspec.json.encode(_told(hit), order="deterministic") + b"\n")
            sys.stdout.buffer.flush()
        else:
            _print(out, asked, hits, index)
        raise typer.Exit(1 if hits else 0)

    @app.command()
    def again(days: Annotated[int, typer.Option(min=1, help="What was received in so many days.")] = 30) -> None:
        """Screen what was lodged by what has changed on the lists since. It decides nothing; hits become signals."""
        made: list[Again] = []

        async def work(house: House) -> None:
            at = house.now()
            made.append(await screen_again(store=house.store, law=house.law, since=at - timedelta(days=days), at=at))

        _tried(in_house, work, refuse)
        done = made[0]
        for reference in done.hits:
            out.print(reference, highlight=False, markup=False)
        out.print(f"{done.looked_at:,} consignments screened again, {len(done.hits):,} with a hit", highlight=False)

    @app.command()
    def prices() -> None:
        """Make the table of what goods cost anew, which the server does each day: later ones are compared with it."""
        made: list[int | None] = []

        async def work(house: House) -> None:
            made.append(await make_prices(store=house.store, at=house.now(), every=timedelta()))

        in_house(work)
        if made[0] is None:
            raise refuse("another process is making it")
        out.print(f"a table of the prices of {made[0]:,} goods accepted in {REMEMBERED_D} days", highlight=False)

    @app.command()
    def forget() -> None:
        """Forget what was kept of consignments for the sake of later ones and is too old to count, as the server does
        each day."""
        made: list[int] = []

        async def work(house: House) -> None:
            made.append(await house.store.history.forget(before=house.now() - timedelta(days=REMEMBERED_D)))

        in_house(work)
        out.print(f"{made[0]:,} consignments older than {REMEMBERED_D} days forgotten", highlight=False)

    @lists_app.command(name="import")
    def import_(
        form: Annotated[str, typer.Argument(help=", ".join(FORMS))],
        paths: Annotated[
            list[Path], typer.Argument(exists=True, dir_okay=False, help="The file or files of the list.")
        ],
        *,
        name: Annotated[str, typer.Option(help="Name of the list, where two of one form are kept.")] = "",
        may_shrink: Annotated[bool, typer.Option(help="Take it though most of those on it are gone.")] = False,
    ) -> None:
        """Bring a list of denied parties in. Where it cannot be read, the old one goes on, and the command says so."""
        files = [path.read_bytes() for path in paths]

        async def work(house: House) -> None:
            row, is_new = await bring_in(
                form, files, store=house.store, by=BY, at=house.now(), source=name, may_shrink=may_shrink
            )
            how = "" if is_new else ", as before"
            dated = row.dated or ""
            out.print(f"{row.source} {dated} {row.digest[:12]}: {row.parties:,} parties{how}", highlight=False)

        _tried(in_house, work, refuse)

    @lists_app.command()
    def show() -> None:
        """Show which lists hold, and in which state."""
        rows: list[ListRow] = []

        async def work(house: House) -> None:
            rows.extend(await house.store.screening.held())

        _tried(in_house, work, refuse)
        table = Table("list", "of", "parties", "brought in", "digest", box=None)
        for one in rows:
            table.add_row(one.source, str(one.dated or ""), f"{one.parties:,}", f"{one.taken_at:%Y-%m-%d}", one.digest)
        out.print(table)


def _tried(
    in_house: InHouse[object], work: Callable[[House], Awaitable[None]], refuse: Callable[[str], typer.Exit]
) -> None:
    try:
        in_house(work)
    except ListError as wrong:
        raise refuse(f"ListError: {wrong}") from None


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

"""The commands of `tidewaiter law`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from tidewaiter.law import Law, load
from tidewaiter.services.import_law import SOURCES, import_law, type_rate
from tidewaiter.services.look_up_law import Holding, differences, holding, wanting

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]


def commands(out: Console, law_here: Callable[[], Law]) -> typer.Typer:
    """The commands, printing to `out`; `law_here` gives the law of this installation."""
    app = typer.Typer(no_args_is_help=True, help="Look law up, compare it, check it, bring it in.")

    @app.command()
    def show(
        country: str,
        code: str,
        *,
        origin: Annotated[str, typer.Option(help="Country of origin, as ISO 3166.")] = "",
        on: Day = None,
        known_on: Annotated[
            datetime | None, typer.Option(formats=["%Y-%m-%d"], help="As it was known on this day.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json")] = False,
    ) -> None:
        """Show what holds for a commodity code in a country on a day: duties, layers, taxes, regimes."""
        day = on.date() if on else datetime.now(UTC).date()
        known = known_on.date() if known_on else None
        found = holding(law_here(), country.upper(), code, origin=origin.upper(), on=day, known_on=known)
        if found is None:
            out.print(f"no law of {country} is held for {day}")
            raise typer.Exit(1)
        if as_json:
            sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        else:
            _print(out, found)

    @app.command()
    def diff(
        old: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
        new: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    ) -> None:
        """Show what one folder of law says otherwise than another. Ends with 1 where they differ."""
        lines = list(differences(load(old), load(new)))
        for line in lines:
            out.print(line, highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(1 if lines else 0)

    @app.command(name="import")
    def bring_in(
        source: Annotated[str, typer.Argument(help=", ".join(SOURCES))],
        paths: Annotated[list[Path], typer.Argument(exists=True, help="The files, or folders of them.")],
        *,
        into: Annotated[Path, typer.Option(file_okay=False, help="Folder of law to write to: your overlay.")],
        on: Day = None,
    ) -> None:
        """Bring in what an administration publishes: a tariff, or rates of exchange."""
        day = on.date() if on else datetime.now(UTC).date()
        try:
            done = import_law(source, paths, law=law_here(), into=into, on=day)
        except (ValueError, OSError) as wrong:
            out.print(f"{type(wrong).__name__}: {wrong}", style="red", markup=False)
            raise typer.Exit(2) from None
        for one in done:
            out.print(f"{one.path}: {one.rows:,} rows", highlight=False, soft_wrap=True)
            for kind, count in sorted(one.left_out.items()):
                out.print(f"  left out: {count:,} measures of the kind {kind}, which no regime charges")
        out.print(f"set TIDEWAITER_LAW_OVERLAY={into} to use it", highlight=False)

    @app.command()
    def rate(
        table: str,
        base: str,
        currency: str,
        per_base: Annotated[str, typer.Argument(help="Units of the currency for one of the base.")],
        *,
        since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"])],
        until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day on which it no longer holds.")],
        who: Annotated[str, typer.Option(help="The officer who says so.")],
        into: Annotated[Path, typer.Option(file_okay=False, help="Folder of law to write to: your overlay.")],
    ) -> None:
        """Type in a rate of exchange, under an officer's name."""
        try:
            done = type_rate(
                table=table,
                base=base,
                currency=currency,
                per_base=per_base,
                since=since.date(),
                until=until.date(),
                who=who,
                into=into,
            )
        except ValueError as wrong:
            out.print(f"{wrong}", style="red", markup=False)
            raise typer.Exit(2) from None
        out.print(f"{done.path}", highlight=False)

    @app.command()
    def check() -> None:
        """Read all law, and say what it lacks or is unsure of."""
        law = law_here()
        for line in wanting(law):
            out.print(line, highlight=False)
        countries, measures = len(law.known), len(law.tariff.frame)
        out.print(
            f"{countries} countries, {measures:,} measures, {len(law.charge_rules):,} rules of charge; law {law.digest}"
        )

    return app


def _print(out: Console, found: Holding) -> None:
    out.print(
        f"{found.country} {found.code} from {found.origin or 'anywhere'} on {found.on}, as known on {found.known_on}"
    )
    table = Table("kind", "code", "origin", "rate", "from", "until", "known from", "source", box=None)
    for one in found.measures:
        table.add_row(
            f"{one.kind}{one.additional_code and ' ' + one.additional_code}{one.claim and ', claimed as ' + one.claim}",
            one.code,
            one.origin or "all",
            one.rate,
            str(one.since),
            str(one.until or ""),
            str(one.known_from or ""),
            one.source + ("" if one.confidence == "firm" else " (secondary)"),
        )
    for tax in found.taxes:
        source = f"{tax.source or ''}{'' if tax.confidence == 'firm' else ' (secondary)'}"
        table.add_row(tax.tax, "", "", f"{tax.rate or 'unknown'} ({tax.name})", "", "", "", source)
    out.print(table)
    for regime, name in found.regimes:
        out.print(f"regime {regime}: {name}", highlight=False)
    out.print(f"law {found.law_digest}", style="dim")

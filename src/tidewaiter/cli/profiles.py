"""The commands about risk profiles: what is wrong with one, what it would have hit, who is looked at and why."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from msgspec import structs
from rich.console import Console
from rich.table import Table

from tidewaiter.access import OPEN, Principal
from tidewaiter.law import Law
from tidewaiter.risk import ruleset
from tidewaiter.risk.backtest import Backtest
from tidewaiter.risk.intervals import Rate
from tidewaiter.services.acting import NotAllowed, NotThere
from tidewaiter.services.capacity import Capacity, CapacityError, capacity_of
from tidewaiter.services.explain import explain
from tidewaiter.services.learn import NothingThere, Span, backtest
from tidewaiter.services.profiles import Unfit, checked, folder_of
from tidewaiter.services.queue import draw_up
from tidewaiter.wiring import House

Texts = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Profiles, as TOML.")]
Country = Annotated[str, typer.Option(help="Whose profiles and consignments: GB, FR, …")]
Since = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First legal day of acceptance.")]
Until = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day that is left out.")]
Minutes = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="TOML file with the minutes of each office, lane and shift."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
InHouse = Callable[[Callable[[House], Awaitable[Any]]], Any]


def register(app: typer.Typer, out: Console, err: Console, law: Callable[[], Law], in_house: InHouse) -> None:
    """Adds the commands to the group `risk`."""

    @app.command()
    def check(paths: Texts, *, country: Country) -> None:
        """Read profiles and try them on their own examples. Ends with 1 where one is broken.

        Without an error it is as good as its examples; what it would have hit is told by `backtest`.
        """
        held, is_broken = law(), False
        for path in paths:
            try:
                found = checked(_text(path), law=held, jurisdiction=folder_of(for_country(country), held))
                out.print(f"{path}: {found.id} version {found.version} is well", markup=False, highlight=False)
            except (Unfit, NotAllowed) as wrong:
                is_broken = True
                out.print(f"{path}: {wrong}", markup=False, highlight=False, soft_wrap=True)
        for fault in ruleset(held).faults:
            is_broken = True
            out.print(f"{fault.jurisdiction}/risk/{fault.name}.toml: {fault.text}", markup=False, highlight=False)
        if is_broken:
            raise typer.Exit(1)

    @app.command(name="backtest")
    def backtest_command(
        paths: Texts, *, country: Country, since: Since, until: Until, capacity: Minutes = None, as_json: AsJson = False
    ) -> None:
        """Say what profiles would have hit among the consignments that are kept, beside those in force."""
        span, minutes = Span(country, since.date(), until.date()), _capacity(capacity, err)

        async def work(house: House) -> Backtest:
            return await backtest(
                [_text(path) for path in paths], span, principal=for_country(country), store=house.store, law=house.law,
                minutes_a_day=minutes.minutes_a_day() if minutes else None,
            )  # fmt: skip

        made: Backtest = _done(in_house, work, err)
        if as_json:
            _print_json(made)
            return
        _show(out, made)

    @app.command()
    def queue(
        *,
        country: Country,
        capacity: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="TOML file with the minutes.")],
        shift: Annotated[str, typer.Option(help="The shift, as the file names it.")] = "day",
        as_json: AsJson = False,
    ) -> None:
        """Draw up who is looked at in a shift, and keep it with all that it follows from."""
        minutes = _capacity(capacity, err)

        async def work(house: House) -> Any:
            return await draw_up(
                country, shift, minutes or Capacity(queue=()), principal=for_country(country), store=house.store,
                law=house.law, at=house.now(),
            )  # fmt: skip

        drawn = _done(in_house, work, err)
        if as_json:
            _print_json(drawn)
            return
        picked = [one for one in drawn.picks if one["place"] is not None]
        table = Table(
            "place", "lane", "office", "number", "how", "picked with", title=f"{shift}: {len(picked):,} picked"
        )
        for one in sorted(picked, key=lambda one: (one["office"], one["lane"], one["place"])):
            chance = f"{one['propensity_ppm'] / 10_000:.2f} %"
            table.add_row(str(one["place"]), one["lane"], one["office"] or "any", str(one["id"]), one["how"], chance)
        out.print(table)
        out.print(f"{len(drawn.picks) - len(picked):,} wait on")

    @app.command(name="explain")
    def explain_command(
        number: Annotated[int, typer.Argument(help="Our number of the consignment.", min=0)], *, as_json: AsJson = False
    ) -> None:
        """Say why a consignment was picked, and whether the same comes out again of what is kept.

        Ends with 1 where it does not. For officials: none of it may be told to the filer.
        """

        async def work(house: House) -> Any:
            return await explain(number, principal=OPEN, store=house.store, law=house.law, at=house.now())

        told = _done(in_house, work, err)
        if as_json:
            _print_json(told)
        else:
            for reason in told.reasons:
                what = f" ({reason.title}; {reason.law})" if reason.title else ""
                signal = reason.signal
                out.print(f"{signal.profile}: {signal.reason}{what}, {signal.lane}", markup=False, highlight=False)
            if told.said is not None:
                out.print(
                    f"the model, version {told.said.version}: a look finds something in "
                    f"{told.said.chance_ppm / 10_000:.2f} % of the like"
                )
                for why in told.said.reasons:
                    out.print(f"  {why.words} ({why.adds:+.2f})", markup=False, highlight=False)
            for one in told.others:
                what = f"{one.reference}, {one.received_at:%Y-%m-%d %H:%M} UTC, {one.control.replace('_', ' ')}"
                out.print(f"within 30 days to the same person: {one.id} {what}", markup=False, highlight=False)
            out.print(f"{len(told.reasons)} signals, again from what is kept: {told.again.replace('_', ' ')}")
        if told.again == "differs":
            raise typer.Exit(1)


def _show(out: Console, made: Backtest) -> None:
    out.print(
        f"{made.consignments:,} consignments of {made.days} days, {made.looked_at:,} looked at; "
        f"at random {told_rate(made.base)} found"
    )
    table = Table("profile", "hits a day", "hits", "alone", "found", "found, drawn", "minutes a day", "of capacity")
    for one in made.profiles:
        table.add_row(
            f"{one.profile} {one.version}", f"{one.hits_a_day:,.1f}", f"{one.hits:,}", f"{one.alone:,}",
            told_rate(one.rate), told_rate(one.random),
            "" if one.minutes_a_day is None else f"{one.minutes_a_day:,.0f}",
            "" if one.capacity is None else f"{one.capacity:.0%}",
        )  # fmt: skip
    out.print(table)


def told_rate(rate: Rate) -> str:
    """The rate in words, with its interval."""
    if rate.rate is None:
        return "–"
    return f"{rate.rate:.1%} ({rate.low:.1%} to {rate.high:.1%}) of {rate.looked_at:,}"


def for_country(country: str) -> Principal:
    """Whoever runs the command on the machine itself, for a country."""
    return structs.replace(OPEN, country=country)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Unfit(f"{path.name} is no text in UTF-8") from None


def _capacity(path: Path | None, err: Console) -> Capacity | None:
    if path is None:
        return None
    try:
        return capacity_of(path.read_text(encoding="utf-8"))
    except (CapacityError, UnicodeDecodeError) as wrong:
        err.print(f"{path.name}: {wrong}", markup=False)
        raise typer.Exit(2) from None


def _done(in_house: InHouse, work: Callable[[House], Awaitable[Any]], err: Console) -> Any:
    try:
        return in_house(work)
    except Unfit as wrong:
        err.print(str(wrong), markup=False)
    except NothingThere:
        err.print("no consignment was accepted there in that time")
    except NotThere:
        err.print("there is no such consignment")
    except NotAllowed as refused:
        err.print(f"this is not allowed: {refused.policy}")
    raise typer.Exit(2)


def _print_json(record: Any) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(record) + b"\n")
    sys.stdout.buffer.flush()

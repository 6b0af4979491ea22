"""The commands about risk models: train one on what inspections found, and see whether it still fits."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.console import Console

from tidewaiter.cli.profiles import AsJson, Country, InHouse, Since, Until, for_country, told_rate
from tidewaiter.risk.model import Drift, Model, ModelError, TooFew, card, read_model, written
from tidewaiter.services.acting import NotAllowed
from tidewaiter.services.fitting import CannotFit
from tidewaiter.services.learn import NothingThere, Span
from tidewaiter.services.train import drifted, train
from tidewaiter.wiring import House

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A model, as `train` writes it.")]

T = TypeVar("T")


def register(app: typer.Typer, out: Console, err: Console, in_house: InHouse) -> None:
    """Adds the commands to the group `risk`."""

    def done(work: Callable[[House], Awaitable[T]]) -> T:
        try:
            found: T = in_house(work)
        except NothingThere:
            err.print("nothing was inspected there in that time")
        except (TooFew, CannotFit) as wrong:
            err.print(str(wrong), markup=False)
        except NotAllowed as refused:
            err.print(f"this is not allowed: {refused.policy}")
        else:
            return found
        raise typer.Exit(2)

    @app.command(name="train")
    def train_command(
        model: Annotated[Path, typer.Argument(dir_okay=False, help="The file to write the model to.")],
        *,
        country: Country,
        since: Since,
        until: Until,
        version: Annotated[int, typer.Option(min=1, help="Its version.")] = 1,
        card_file: Annotated[
            Path | None, typer.Option("--card", dir_okay=False, help="The file to write its card to.")
        ] = None,
    ) -> None:
        """Train a model on what inspections found, and write it with its card. It is in force where a person sets it.

        Its card is printed where no file is named for it.
        """
        span = Span(country, since.date(), until.date())

        async def work(house: House) -> Model:
            return await train(
                span, principal=for_country(country), store=house.store, law=house.law, at=house.now(), version=version
            )

        made = done(work)
        model.write_bytes(written(made))
        if card_file is None:
            out.print(card(made), markup=False, highlight=False, soft_wrap=True)
        else:
            card_file.write_text(card(made), encoding="utf-8")
        out.print(f"{model}: version {made.version}, {made.digest}", markup=False, highlight=False, soft_wrap=True)

    @app.command(name="drift")
    def drift_command(model: File, *, since: Since, until: Until, as_json: AsJson = False) -> None:
        """Say whether random picks since are as those that the model was measured on. Ends with 1 where they are not.

        The index of the chances is that of population stability (PSI).
        """
        try:
            held = read_model(model.read_bytes())
        except ModelError as wrong:
            err.print(str(wrong), markup=False)
            raise typer.Exit(2) from None
        span = Span(held.jurisdiction, since.date(), until.date())

        async def work(house: House) -> Drift:
            return await drifted(held, span, principal=for_country(held.jurisdiction), store=house.store, law=house.law)

        found = done(work)
        if as_json:
            sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        else:
            index = "none" if found.psi is None else f"{found.psi:.3f}"
            out.print(f"{found.picks:,} random picks; index of the chances {index}")
            out.print(f"{found.expected:.1f} expected wrong, found {told_rate(found.found)}")
            out.print(f"of sellers never seen before {told_rate(found.new) if found.new else 'not known'}")
            for warning in found.warnings:
                out.print(warning, markup=False)
        if found.warnings:
            raise typer.Exit(1)

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
from tidewaiter.risk.model import Drift, TooFew
from tidewaiter.services.acting import WHY, CannotNow, NotAllowed, NotThere
from tidewaiter.services.fitting import CannotFit
from tidewaiter.services.learn import NothingThere, Span
from tidewaiter.services.models import ModelLost, digest_of, draft_model, look_at_drift
from tidewaiter.store import StoredProfile
from tidewaiter.wiring import House

Version = Annotated[int, typer.Argument(min=1, help="The version of the country's model.")]

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
        except (NotThere, ModelLost):
            err.print("there is no such model")
        except CannotNow as cannot:
            err.print(WHY[cannot.why])
        except NotAllowed as refused:
            err.print(f"this is not allowed: {refused.policy}")
        else:
            return found
        raise typer.Exit(2)

    @app.command(name="train")
    def train_command(
        *,
        country: Country,
        since: Since,
        until: Until,
        card_file: Annotated[
            Path | None, typer.Option("--card", dir_okay=False, help="The file to write its card to.")
        ] = None,
    ) -> None:
        """Train a model on what inspections found, and keep it as a draft with its card.

        It is in force once it was proposed, and approved by another person than who trained or proposed it, on the
        pages or by the API. The card is printed where no file is named for it.
        """
        span = Span(country, since.date(), until.date())

        async def work(house: House) -> StoredProfile:
            return await draft_model(
                span, principal=for_country(country), store=house.store, law=house.law, at=house.now()
            )

        made = done(work)
        if card_file is None:
            out.print(made.written, markup=False, highlight=False, soft_wrap=True)
        else:
            card_file.write_text(made.written, encoding="utf-8")
        out.print(
            f"{made.id}: version {made.version}, {digest_of(made)}", markup=False, highlight=False, soft_wrap=True
        )

    @app.command(name="drift")
    def drift_command(
        version: Version, *, country: Country, since: Since, until: Until, as_json: AsJson = False
    ) -> None:
        """Say whether random picks since are as those that a model was measured on. Ends with 1 where they are not.

        The index of the chances is that of population stability (PSI). It is written down in the life of the model.
        """
        span = Span(country, since.date(), until.date())

        async def work(house: House) -> Drift:
            _, found = await look_at_drift(
                version, span, principal=for_country(country), store=house.store, law=house.law, at=house.now()
            )
            return found

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

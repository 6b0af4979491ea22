"""The commands about what inspections teach: how profiles and models did, how groups fared, picking again."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from tidewaiter.cli.profiles import AsJson, Country, InHouse, Since, Until, for_country, told_rate
from tidewaiter.model.money import from_micro
from tidewaiter.risk.fairness import Fairness, OfGroup
from tidewaiter.risk.feedback import Feedback, OfSource
from tidewaiter.risk.intervals import Mean, Rate, Ratio
from tidewaiter.services.acting import NotAllowed, NotThere
from tidewaiter.services.learn import Span, learn, propose_expiries, report_fairness
from tidewaiter.services.repeat import Repeated, repeat
from tidewaiter.wiring import House

T = TypeVar("T")


def register(app: typer.Typer, out: Console, err: Console, in_house: InHouse) -> None:
    """Adds the commands to the group `risk`."""

    def done(work: Callable[[House], Awaitable[T]]) -> T:
        try:
            found: T = in_house(work)
        except NotThere:
            err.print("there is no such queue")
        except NotAllowed as refused:
            err.print(f"this is not allowed: {refused.policy}")
        else:
            return found
        raise typer.Exit(2)

    @app.command(name="feedback")
    def feedback_command(
        *,
        country: Country,
        since: Since,
        until: Until,
        propose: Annotated[
            bool,
            typer.Option(
                "--propose-expiries", help="Put those that find less than chance before an officer to expire."
            ),
        ] = False,
        as_json: AsJson = False,
    ) -> None:
        """Say how often each profile, detector and model was right, beside the random share, and what it brought."""
        span = Span(country, since.date(), until.date())

        async def work(house: House) -> tuple[Feedback, list[str]]:
            how: dict[str, Any] = {"principal": for_country(country), "store": house.store, "law": house.law}
            return await learn(span, **how), await propose_expiries(span, **how, at=house.now()) if propose else []

        found, proposed = done(work)
        if as_json:
            _print_json(found)
        else:
            _show_feedback(out, found)
        for name in proposed:
            (err if as_json else out).print(f"{name} is put before an officer to expire", markup=False)

    @app.command(name="fairness")
    def fairness_command(*, country: Country, since: Since, until: Until, as_json: AsJson = False) -> None:
        """Say how often groups are looked at, and what is found in them, beside the random share."""
        span = Span(country, since.date(), until.date())

        async def work(house: House) -> Fairness:
            return await report_fairness(span, principal=for_country(country), store=house.store, law=house.law)

        found = done(work)
        if as_json:
            _print_json(found)
        else:
            _show_fairness(out, found)

    @app.command(name="repeat")
    def repeat_command(
        number: Annotated[int | None, typer.Argument(help="Number of the queue; else the newest.", min=1)] = None,
        *,
        country: Country,
        as_json: AsJson = False,
    ) -> None:
        """Say whether the same are picked again of what is kept of a queue. Ends with 1 where they are not.

        With the key of the draw that is set here, which is not kept with the queue.
        """

        async def work(house: House) -> Repeated:
            return await repeat(
                country, number, principal=for_country(country), store=house.store, law=house.law, at=house.now()
            )

        found = done(work)
        if as_json:
            _print_json(found)
        else:
            seen = ", ".join(f"{count:,} {again.replace('_', ' ')}" for again, count in sorted(found.signals.items()))
            by = f"version {found.model_version}, {found.model}" if found.model else "none"
            out.print(
                f"queue {found.selection} of {found.at.isoformat()}: {found.candidates:,} candidates; model: {by}"
            )
            out.print(f"what risk saw in them: {seen or 'none'}")
            out.print(f"their chances: {found.chances.replace('_', ' ')}; the picks: {found.picks.replace('_', ' ')}")
        if not found.is_same:
            raise typer.Exit(1)


def _show_feedback(out: Console, found: Feedback) -> None:
    out.print(
        f"{found.consignments:,} consignments, {found.looked_at:,} looked at; at random {told_rate(found.base)} found, "
        f"for a reason {told_rate(found.chosen)}"
    )
    currency = found.currency or ""
    table = Table(
        "", "", "asked for", "found", "times the random share", f"brought {currency}", f"each {currency}",
        f"an hour {currency}", "",
    )  # fmt: skip
    for one in (found.random, *found.models, *found.profiles):
        table.add_row(*_row(one))
    out.print(table)
    if found.unpriced:
        out.print(f"{found.unpriced:,} inspections were in another currency, and count in no amount")


def _row(one: OfSource) -> Sequence[str]:
    name = one.name[:12] if one.kind == "model" else one.name
    hour = "–" if one.hour_micro is None else _amount(one.hour_micro)
    return (
        one.kind, name, f"{one.seen:,}", told_rate(one.rate), _times(one.lift), _amount(one.recovered_micro),
        _mean(one.each_micro), hour, "less than chance" if one.is_below else "",
    )  # fmt: skip


def _times(lift: Ratio | None) -> str:
    if lift is None:
        return "–"
    return f"{lift.value:.2f} ({lift.low:.2f} to {'any' if lift.high is None else f'{lift.high:.2f}'})"


def _mean(one: Mean) -> str:
    if one.value is None:
        return "–"
    told = _amount(round(one.value))
    return (
        told
        if one.low is None or one.high is None
        else f"{told} ({_amount(round(one.low))} to {_amount(round(one.high))})"
    )


def _amount(micro: int) -> str:
    return f"{from_micro(micro):,.2f}"


def _show_fairness(out: Console, found: Fairness) -> None:
    out.print(
        f"{found.consignments:,} consignments, {found.drawn:,} in the random share, where {_told(found.random)} found; "
        f"looked at for a reason {told_rate(found.selected)}, found in those {_told(found.chosen)}"
    )
    for by, groups in found.groups.items():
        table = Table(by, "consignments", "looked at for a reason", "found in those", "found at random", "")
        for group in groups:
            table.add_row(*_group(group))
        out.print(table)


def _group(group: OfGroup) -> Sequence[str]:
    return (
        group.name, f"{group.consignments:,}", told_rate(group.selected), _told(group.chosen), _told(group.random),
        "looked at more, found less" if group.is_over_selected else "",
    )  # fmt: skip


def _told(rate: Rate | None) -> str:
    return "too few" if rate is None else told_rate(rate)


def _print_json(record: Any) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(record) + b"\n")
    sys.stdout.buffer.flush()

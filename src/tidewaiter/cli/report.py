"""What a person sees in the terminal: a line a consignment, and what was wrong below it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tidewaiter.model.outcome import Cleared

CONTROLS = {
    "released": "green",
    "accepted": "green",
    "amendment_recorded": "cyan",
    "cancellation_recorded": "cyan",
    "examine": "yellow",
    "documents_requested": "yellow",
    "hold": "yellow",
    "not_accepted": "red",
}
"""Colours of the decisions; the words stand there too."""


def table(results: Sequence[Cleared], *, title: str | None = None) -> Table:
    """A row a consignment: what came in, what it costs, what was decided and why."""
    shown = Table(title=title, title_justify="left", pad_edge=False, expand=False)
    for name in ("reference", "from", "goods", "regime"):
        shown.add_column(name, overflow="ellipsis", no_wrap=True, max_width={"reference": 24, "regime": 22}.get(name))
    for name in ("duty", "tax", "fee"):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("", no_wrap=True)
    shown.add_column("decision", no_wrap=True)
    shown.add_column("because", overflow="fold", max_width=48)
    for one in results:
        colour = CONTROLS.get(one.decision.control, "red")
        shown.add_row(
            one.reference or "(none)",
            f"{one.jurisdiction or '?'} {one.format or '?'} {Path(one.source).name}"[:34],
            str(one.items),
            one.regime or "–",
            *(
                amount if amount is not None else "unknown"
                for amount in (one.totals.duty, one.totals.tax, one.totals.fee)
            ),
            one.totals.currency,
            f"[{colour}]{one.decision.control.replace('_', ' ')}[/]",
            "; ".join(one.decision.reasons) or _worst(one),
        )
    return shown


def _worst(one: Cleared) -> str:
    errors = [finding.text for finding in one.findings if finding.severity == "error"]
    return errors[0] if errors else ""


def summary(console: Console, results: Sequence[Cleared], *, files: int) -> None:
    """How many came in, and what became of them."""
    decided = Counter(one.decision.control.replace("_", " ") for one in results)
    parts = ", ".join(f"{number:,} {name}" for name, number in decided.most_common())
    console.print(f"{len(results):,} consignments in {files:,} messages: {parts or 'nothing to decide'}")

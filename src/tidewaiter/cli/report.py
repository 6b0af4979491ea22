"""What a person sees in the terminal: a line a consignment, and what was wrong below it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tidewaiter.model.finding import Finding
from tidewaiter.model.outcome import Cleared
from tidewaiter.model.quote import Offer, Quote
from tidewaiter.services.show import Shown

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


DECISIONS = {"amendment_recorded": "amended", "cancellation_recorded": "cancelled", "documents_requested": "documents"}
"""Shorter words for a column; the others stand as they are."""

SHOWN_MAX = 2_000
"""A table has no more lines."""

WIDE = 120
"""Columns of text from which on there is room for all that is shown."""


def table(results: Sequence[Cleared], *, width: int, title: str | None = None) -> Table:
    """A line a consignment: what came in, what it costs, what was decided and why. A narrow screen is shown less."""
    shown = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0), pad_edge=False, expand=True)
    is_wide = width >= WIDE
    for name, narrow, wide in (("reference", 12, 18), ("message", 12, 22), ("regime", 0, 19)):
        if is_wide or narrow:
            size = wide if is_wide else narrow
            shown.add_column(name, no_wrap=True, overflow="ellipsis", min_width=size, max_width=size)
    for name in ("duty", "tax", "fee"):
        if is_wide or name != "fee":
            shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("", no_wrap=True)
    shown.add_column("decision", no_wrap=True)
    shown.add_column("because", overflow="fold", ratio=1)
    for one in results:
        totals = (one.totals.duty, one.totals.tax, one.totals.fee)
        amounts = [_amount(one, amount) for amount in totals]
        colour = CONTROLS.get(one.decision.control, "red")
        shown.add_row(
            escape(one.reference or "(none)"),
            escape(f"{one.jurisdiction or '?'} {Path(one.source).name}"),
            *([escape(one.regime or "–")] if is_wide else []),
            *(amounts if is_wide else amounts[:2]),
            one.totals.currency,
            f"[{colour}]{DECISIONS.get(one.decision.control, one.decision.control.replace('_', ' '))}[/]",
            escape(_because(one)),
        )
    return shown


def _amount(one: Cleared, amount: str | None) -> str:
    if not one.totals.currency:  # nothing was to be assessed
        return "–"
    return "unknown" if amount is None else amount


def _because(one: Cleared) -> str:
    """The reason in a line; where it could not be accepted, the first thing that was wrong."""
    errors = [finding for finding in one.findings if finding.severity == "error"]
    if not errors:
        return " ".join(one.decision.reasons)
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{errors[0].text}{more}"


def is_unread(cleared: Cleared) -> bool:
    """Whether the record is about a message that could not be read, or not all of it."""
    return not cleared.reference and not cleared.jurisdiction


class Tally:
    """What became of any number of consignments: all are counted, and the first SHOWN_MAX kept to be shown."""

    def __init__(self) -> None:
        self.shown: list[Cleared] = []
        self.messages = 0
        self.unread = 0
        self.decided: Counter[str] = Counter()

    def add(self, records: Sequence[Cleared], *, messages: int = 1) -> None:
        """Count the records of so many messages."""
        self.messages += messages
        self.shown += records[: SHOWN_MAX - len(self.shown)]
        for one in records:
            if is_unread(one):
                self.unread += 1
            else:
                self.decided[one.decision.control.replace("_", " ")] += 1


def summary(console: Console, tally: Tally) -> None:
    """How many came in, and what became of them."""
    parts = ", ".join(f"{number:,} {name}" for name, number in tally.decided.most_common())
    also = f"; {tally.unread:,} messages could not be read, or not all of them" if tally.unread else ""
    total = tally.decided.total()
    console.print(f"{total:,} consignments in {tally.messages:,} messages: {parts or 'nothing to decide'}{also}")
    if len(tally.shown) < total + tally.unread:
        console.print(f"The first {len(tally.shown):,} are shown; --json and --out give all.", style="dim")


def consignment(console: Console, shown: Shown) -> None:
    """One consignment: findings, receipt, what risk saw, decision, answers."""
    cleared = shown.stored.cleared
    console.rule(f"{cleared.reference} · {cleared.jurisdiction} · {cleared.format} · {shown.stored.mrn or 'no MRN'}")
    console.print(f"accepted on {cleared.accepted_on}, {cleared.items} goods items, regime {cleared.regime or 'none'}")
    for finding in cleared.findings:
        console.print(f"[bold]{finding.code}[/] {finding.severity} at {finding.pointer or '/'}: {finding.text}")
        console.print(f"       {finding.remedy}", style="dim")
    receipt = Table(title="receipt", title_justify="left", pad_edge=False)
    for name in ("item", "charge", "base", "rate", "amount", "collector", "why", "law"):
        receipt.add_column(name, justify="right" if name in ("base", "amount") else "left", overflow="fold")
    for line in cleared.charges:
        receipt.add_row(
            str(line.item or "all"),
            f"{line.type} {line.code}",
            line.base or "–",
            line.rate,
            f"{line.amount if line.amount is not None else 'unknown'} {line.currency}",
            line.collector,
            " · ".join(part for part in (line.why, line.conversion) if part),
            line.law if line.confidence == "firm" else f"{line.law} (not confirmed)",
        )
    console.print(receipt)
    for signal in shown.signals:
        console.print(
            f"[yellow]risk, for officers only[/] {signal.profile} ({signal.lane}, {signal.score}): {signal.reason}"
        )
    decision = cleared.decision
    console.print(f"security {decision.security}, control [bold]{decision.control}[/]: {' '.join(decision.reasons)}")
    for sent in shown.behind.answers:
        console.print(f"answered {sent.sent_at:%Y-%m-%d %H:%M} UTC: {sent.answer.kind}")
    console.print(f"law {cleared.law_digest}", style="dim")


MODELS = {
    "vendor": "the seller collects", "intermediary": "the carrier collects", "buyer": "the buyer pays",
    "hybrid": "several collect",
}  # fmt: skip
"""Who collects, in words."""


def quote(console: Console, made: Quote) -> None:
    """One quote: the offers side by side, the ways there are not, and what to mend, in order."""
    until = f", valid until {made.valid_until}" if made.valid_until else ""
    console.rule(f"{escape(made.reference)} · {made.jurisdiction or '?'} · {made.on}{until}")
    if made.offers:
        console.print(_side_by_side(made))
    for number, offer in enumerate(made.offers, start=1):
        console.print(f"[bold]{number}[/] is open where {escape('; '.join(offer.requires))}.")
        for change in offer.change:
            console.print(f"  for it: {escape(change)}")
    for missing in made.not_offered:
        nearest = f"{escape(missing.name)}: " if missing.name else ""
        console.print(f"not that {MODELS[missing.model]}: {nearest}{escape('; '.join(missing.why))}", style="dim")
    preflight = made.preflight
    colour = CONTROLS.get(preflight.decision.control, "red")
    control = preflight.decision.control.replace("_", " ")
    console.print(f"would it clear: [{colour}]{control}[/]. {' '.join(preflight.decision.reasons)}")
    for permit in preflight.permits:
        console.print(f"  missing permit: {escape(permit.name)} ({' or '.join(permit.codes)})", end="")
        console.print(f", issued by {escape(permit.issuer)}{_if_exempt(permit.exempt)}")
    for number, fix in enumerate(preflight.fixes, start=1):
        places = ", ".join(pointer or "/" for pointer in fix.source_pointers)
        console.print(f"  mend {number}. [bold]{', '.join(fix.codes)}[/] {fix.severity} at {escape(places)}: ", end="")
        console.print(escape(f"{fix.text} {fix.remedy}"))
    for fix in preflight.when_lodged:
        console.print(f"  when it is lodged: {escape(fix.remedy)}", style="dim")
    console.print(f"law {made.law_digest or 'not held'}", style="dim")


def _if_exempt(codes: Sequence[str]) -> str:
    return f"; where the goods need none, declare {' or '.join(codes)}" if codes else ""


def _side_by_side(made: Quote) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column(made.currency)
    for number, offer in enumerate(made.offers, start=1):
        stated = "as stated" if offer.as_stated else "declared otherwise"
        table.add_column(f"{number} {MODELS[offer.model]}\n{stated}", justify="right", overflow="fold")
    rows: tuple[tuple[str, str], ...] = (
        ("goods", "goods"), ("carriage", "carriage"), ("duty", "duty"), ("tax at the border", "tax"),
        ("fees at the border", "fee"), ("tax at the sale", "tax_at_sale"),
    )  # fmt: skip
    for name, field in rows:
        table.add_row(name, *(_or_unknown(getattr(offer, field)) for offer in made.offers))
    table.add_section()
    table.add_row(
        "[bold]landed cost[/]",
        *(f"[bold]{_or_unknown(offer.landed_cost)}[/]" for offer in made.offers),
        end_section=True,
    )
    table.add_row("collected by", *(_collectors(offer) for offer in made.offers))
    table.add_row("regime", *(escape(offer.regime) for offer in made.offers))
    return table


def _or_unknown(amount: str | None) -> str:
    return "unknown" if amount is None else amount


def _collectors(offer: Offer) -> str:
    lines = []
    for one in offer.collected:
        for amount, where in ((one.at_sale, "at the sale"), (one.at_border, "at the border")):
            if amount != "0.00":
                lines.append(f"{one.collector} {where} {_or_unknown(amount)}")
    return "\n".join(lines) or "nothing is due"


def unread(console: Console, source: str, findings: Sequence[Finding]) -> None:
    """What was wrong with a message as a whole."""
    for finding in findings:
        place = f" at {finding.source_pointer}" if finding.source_pointer else ""
        console.print(
            f"{escape(Path(source).name)}: {escape(f'{finding.code}{place}: {finding.text} {finding.remedy}')}"
        )

"""A conformance report as a person reads it: in the terminal, and as one page that needs no server."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

import jinja2
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tidewaiter.model.conformance import STAGES, FormatRow, Found, MessageReport, Report, SignedReport, StageOutcome

COLOURS: dict[StageOutcome, str] = {"passed": "green", "failed": "red", "open": "yellow"}
"""Colours of the outcomes; the words stand there too."""
LISTED_MAX = 100
"""So many messages and findings are listed in the terminal; all are in the JSON and on the page."""


def show(console: Console, signed: SignedReport, *, table_only: bool) -> None:
    """Print the report; with `table_only` no more than the table by format."""
    report = signed.report
    console.print(_by_format(report.formats))
    if table_only:
        return
    told = [one for one in report.messages if not one.conforms]
    shown = report.messages if len(report.messages) <= LISTED_MAX else told[:LISTED_MAX]
    if shown:
        console.print(_by_message(shown))
    if len(shown) < len(report.messages):
        console.print(f"{len(report.messages) - len(shown):,} more messages are in the JSON and on the page")
    left = LISTED_MAX
    for message in shown:
        if message.findings or message.agreement is not None:
            left -= _findings(console, message, left)
    console.print(summary(report), soft_wrap=True)
    console.print(signed.note, style="dim", markup=False, soft_wrap=True)


def summary(report: Report) -> str:
    """The report in one sentence or two."""
    good = sum(one.conforms for one in report.messages)
    parts = [f"{good:,} of {len(report.messages):,} messages conform"]
    if report.compared:
        share = report.agreed / report.compared
        parts.append(f"{report.agreed:,} of {report.compared:,} agree with what is expected ({share:.2%})")
    asked = f"the law of {report.on:%Y-%m-%d} was asked too" if report.law else "the dialect alone was asked"
    return f"{'; '.join(parts)}; {asked}."


def page(signed: SignedReport) -> str:
    """The report as an HTML page with all that it needs in it."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text = (resources.files("tidewaiter.cli") / "pages" / "conform.html").read_text(encoding="utf-8")
    return environment.from_string(text).render(
        signed=signed, report=signed.report, stages=STAGES, summary=summary(signed.report)
    )


def _by_format(rows: Sequence[FormatRow]) -> Table:
    shown = Table(title="by format", title_justify="left", box=None, padding=(0, 2, 0, 0), pad_edge=False)
    columns = {
        "files": [row.files for row in rows],
        "read": [row.read for row in rows],
        "consignments": [row.consignments for row in rows],
        "items": [row.items for row in rows],
        "documents": [row.documents for row in rows],
        "movements": [row.movements for row in rows],
        "answers": [row.answers for row in rows],
        "fields mapped": [row.kept for row in rows],
        "not mapped": [row.dropped for row in rows],
    }
    # What none of them holds would only push the others off a screen of eighty columns.
    columns = {name: figures for name, figures in columns.items() if any(figures) or name not in _RARE}
    shown.add_column("format", no_wrap=True)
    for name in columns:
        shown.add_column(name, justify="right", no_wrap=True)
    for place, row in enumerate(rows):
        shown.add_row(row.format, *(f"{figures[place]:,}" for figures in columns.values()))
    return shown


_RARE = ("documents", "movements", "answers")


def _by_message(messages: Sequence[MessageReport]) -> Table:
    shown = Table(title="by message", title_justify="left", box=None, padding=(0, 2, 0, 0), pad_edge=False)
    shown.add_column("message", overflow="fold")
    shown.add_column("format")
    for stage in STAGES:
        shown.add_column(stage)
    shown.add_column("conforms")
    for message in messages:
        cells = []
        for result in message.stages:
            errors = f" {result.errors:,}" if result.errors else ""
            cells.append(f"[{COLOURS[result.outcome]}]{result.outcome}[/]{errors}")
        verdict = "[green]yes[/]" if message.conforms else "[red]no[/]"
        if message.agreement is not None:
            verdict += " (as expected)" if message.conforms else " (not as expected)"
        shown.add_row(escape(message.source), message.format or "none", *cells, verdict)
    return shown


def _findings(console: Console, message: MessageReport, most: int) -> int:
    """Print what was found in a message, at most so much; how many lines that took."""
    told = _told(message)[: max(most, 0)]
    if told:
        console.print(f"\n[bold]{escape(message.source)}[/]")
    for line in told:
        console.print(line, soft_wrap=True)
    return len(told)


def _told(message: MessageReport) -> list[str]:
    if message.agreement is None:
        return [_line(one) for one in message.findings]
    found = message.agreement
    lines = [f"  expected and not found: [bold]{escape(one.code)}[/] at {escape(one.location)} (×{one.times})"
             for one in found.missing]  # fmt: skip
    lines += [f"  found and not expected: [bold]{escape(one.code)}[/] at {escape(one.location)} (×{one.times})"
              for one in found.surplus]  # fmt: skip
    if found.decision_expected != found.decision_found:
        lines.append(f"  expected to be {found.decision_expected}, and is {found.decision_found}")
    return lines


def _line(one: Found) -> str:
    colour = {"error": "red", "warning": "yellow"}.get(one.severity, "dim")
    where = f" at {escape(one.location)}" if one.location else ""
    told = f"{escape(one.text)} [dim]{escape(one.remedy)} ({escape(one.law)})[/]"
    return f"  [{colour}]{one.severity}[/] {one.stage} [bold]{escape(one.code)}[/]{where}: {told}"

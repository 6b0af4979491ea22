"""The kit on the messages of others, read in place: agreement with what customs expects, and the table by format.

Run with `-s` to see the table. `counting` has another way to count what a message of each format holds.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from conftest import NOW
from counting import COUNTERS, Counts
from tidewaiter import formats
from tidewaiter.cli import app, conform_report
from tidewaiter.cli.conform import messages_in
from tidewaiter.model.conformance import FormatRow, MessageReport
from tidewaiter.services.attest import attest
from tidewaiter.services.conform import NONE, conform

MESSAGES = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "messages"
pytestmark = pytest.mark.skipif(not MESSAGES.is_dir(), reason="the messages of others are not in ../shared/data")


@pytest.mark.parametrize("suite", ["ruleTestCases315New"])
def test_the_cases_of_customs_agree_through_the_kit(suite: str, tmp_path: Path) -> None:
    with tarfile.open(MESSAGES / "ens-ics-uk" / "conformance" / f"{suite}.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    cases = sum(1 for _ in tmp_path.rglob("*.ctl"))
    done = CliRunner().invoke(app, ["conform", "ens", str(tmp_path), "--expect", str(tmp_path)])

    print(f"\n{done.output.splitlines()[-2]}")
    assert done.exit_code == 0, done.output[-2_000:]
    assert cases > 1_800
    assert f"{cases:,} of {cases:,} agree with what is expected (100.00%)" in done.output


def held(row: MessageReport | FormatRow) -> Counts:
    return Counts(row.consignments, row.items, row.answers, row.documents, row.movements)


def test_every_sample_is_read_and_the_table_counts_as_another_hand_counts() -> None:
    messages = list(messages_in(MESSAGES))
    report = conform(messages, law=None, on=NOW.date(), at=NOW)
    rows = {row.format: row for row in report.formats}
    conform_report.show(Console(width=140), attest(report, None), table_only=True)
    counted = {name: Counts() for name in rows if name != NONE}
    for message, told in zip(messages, report.messages, strict=True):
        if told.format:
            one = COUNTERS[told.format](message.data)
            counted[told.format] = counted[told.format].plus(one)

            assert held(told) == one, told.source

    assert {name: held(rows[name]) for name in counted} == counted
    assert held(rows[NONE]) == Counts()
    assert all(row.kept > 0 for row in rows.values() if row.read)
    assert sum(row.files for row in rows.values()) == len(messages)


def test_what_is_of_a_format_and_was_not_read_says_why() -> None:
    messages = list(messages_in(MESSAGES))
    report = conform(messages, law=None, on=NOW.date(), at=NOW)
    silent = [one.source for one in report.messages if held(one) == Counts() and not one.findings]

    assert silent == []
    assert {one.format for one in report.messages} <= {*formats.FORMATS, ""}

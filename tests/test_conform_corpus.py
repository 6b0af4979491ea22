"""The kit on the messages of others, read in place: agreement with what customs expects, and the table by format.

Run with `-s` to see the table. A format is counted independently where `COUNTERS` has it; the others are named.
"""

from __future__ import annotations

import re
import tarfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree
from rich.console import Console
from typer.testing import CliRunner

from conftest import NOW
from tidewaiter import formats
from tidewaiter.cli import app, conform_report
from tidewaiter.cli.conform import messages_in
from tidewaiter.services.attest import attest
from tidewaiter.services.conform import NONE, conform

MESSAGES = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "messages"
pytestmark = pytest.mark.skipif(not MESSAGES.is_dir(), reason="the messages of others are not in ../shared/data")

Counts = tuple[int, int, int]
"""Consignments, goods items and answers in a message."""


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


def by_elements(root: etree._Element, heads: str, items: str, answers: str) -> Counts:
    """The counts by local names: of heads, of items inside heads, of answers."""
    named = Counter(etree.QName(one).localname for one in root.iter(etree.Element))
    inside = len(root.xpath(f"//*[local-name()='{heads}']//*[local-name()='{items}']"))
    return named[heads], inside, sum(count for name, count in named.items() if re.fullmatch(answers, name))


def grown(data: bytes) -> etree._Element:
    """The tree of a message, without prefixes: one of these samples does not say what its own stand for."""
    bare = re.sub(rb"(</?)[\w.-]+:", rb"\1", data)
    return etree.fromstring(bare, etree.XMLParser(recover=True, resolve_entities=False))


def of_ens(data: bytes) -> Counts:
    root = grown(data)
    told = [by_elements(root, head, "GOOITEGDS", "never") for head in ("CC315A", "CC313A")]
    answers = by_elements(root, "never", "never", "CC(304|305|316|328|351)A")[2]
    return sum(one[0] for one in told), sum(one[1] for one in told), answers


def of_wco(data: bytes) -> Counts:
    """Declarations outside answers, which repeat some of them; goods items; responses."""
    root = grown(data)
    heads = root.xpath("//*[local-name()='Declaration'][not(ancestor::*[local-name()='Response'])]")
    items = sum(len(one.xpath(".//*[local-name()='GovernmentAgencyGoodsItem']")) for one in heads)
    return len(heads), items, len(root.xpath("//*[local-name()='Response']"))


COUNTERS: dict[str, Callable[[bytes], Counts]] = {"ens": of_ens, "wco_dms": of_wco}


def test_every_sample_is_read_and_the_table_counts_as_another_hand_counts() -> None:
    messages = list(messages_in(MESSAGES))
    report = conform(messages, law=None, on=NOW.date(), at=NOW)
    rows = {row.format: row for row in report.formats}
    conform_report.show(Console(width=120), attest(report, None), table_only=True)
    expected: dict[str, list[int]] = {name: [0, 0, 0] for name in COUNTERS}
    for message, told in zip(messages, report.messages, strict=True):
        if told.format in COUNTERS and (told.consignments or told.answers):
            counted = COUNTERS[told.format](message.data)
            expected[told.format] = [one + other for one, other in zip(expected[told.format], counted, strict=True)]

    for name, sums in expected.items():
        row = rows[name]
        assert [row.consignments, row.items, row.answers] == sums, name
        assert row.kept > row.dropped > 0
    assert sum(row.files for row in rows.values()) == len(messages)
    print(f"counted by one hand only: {sorted(set(rows) - set(COUNTERS) - {NONE})}")


def test_what_is_of_a_format_and_was_not_read_says_why() -> None:
    messages = list(messages_in(MESSAGES))
    report = conform(messages, law=None, on=NOW.date(), at=NOW)
    silent = [one.source for one in report.messages if not (one.consignments or one.answers or one.findings)]

    assert silent == []
    assert {one.format for one in report.messages} <= {*formats.FORMATS, ""}

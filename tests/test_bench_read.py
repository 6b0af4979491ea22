"""The measure of reading: what it reads is sound, and it tells of every format."""

from __future__ import annotations

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tidewaiter import formats
from tidewaiter.cli import app, bench_read
from tidewaiter.cli.bench import consignments


def test_made_up_entries_are_read_without_a_finding() -> None:
    for one in consignments(6):
        [declared] = formats.read(formats.FORMATS["ens"].write([bench_read.as_entry(one)])).declared

        assert not declared.findings
        assert len(declared.consignment.items) == 2


def test_a_shops_sheet_is_read_without_a_finding_a_row_an_item() -> None:
    made = consignments(6)
    reading = formats.read(bench_read.sheet(made), jurisdiction="GB")

    assert not reading.findings
    assert [len(one.consignment.items) for one in reading.declared] == [2] * 6
    assert not any(one.findings for one in reading.declared)
    for told, one in zip(reading.declared, made, strict=True):
        assert [(item.hs_code, item.price, item.net_mass) for item in told.consignment.items] == [
            (item.hs_code, item.price, item.net_mass) for item in one.items
        ]


def test_each_format_has_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_read, "TIMES", 1)
    monkeypatch.setattr(bench_read, "LEAST_S", 1e-9)
    console = Console(record=True, width=200)
    bench_read.run(console, count=2)
    text = console.export_text()

    assert all(name in text for name in formats.FORMATS)
    assert text.count("together") == len(formats.FORMATS)
    assert "a shop's" in text

    alone = Console(record=True, width=200)
    bench_read.run(alone, count=2, only=("ens",))

    assert alone.export_text().count("together") == 1


def test_a_format_can_be_measured_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(bench_read, "run", lambda _, **told: asked.append(told))
    measured = CliRunner().invoke(app, ["bench", "read", "--format", "ens", "--count", "2"])
    misnamed = CliRunner().invoke(app, ["bench", "read", "--format", "ensx"])

    assert (measured.exit_code, asked) == (0, [{"count": 2, "only": ["ens"]}])
    assert misnamed.exit_code == 2
    assert "ensx" in misnamed.output

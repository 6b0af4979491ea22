"""An administration's own file becomes law here, or is refused with the name of the file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tidewaiter.cli.commands import app
from tidewaiter.law import Law, load
from tidewaiter.law.official import OfficialError
from tidewaiter.services.import_law import SOURCES, import_law, type_rate
from tidewaiter.services.look_up_law import holding

DAY = date(2026, 10, 1)
SHEET = (
    "commodity,description,cet_duty_rate,ukgt_duty_rate,change,trade_remedy_applies,"
    "cet_applies_until_trade_remedy_transition_reviewed,suspension_applies,atq_applies\n"
    "84799070,made up,1.70%,3.50%,No change,False,False,False,False\n"
    "02011000,made up,12.80% + 176.80 EUR / 100 kg,12.00% + 147.00 GBP / 100 kg,Converted,False,False,False,False\n"
)


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "sheet.csv"
    path.write_text(SHEET, encoding="utf-8")
    return path


def test_a_tariff_that_was_brought_in_holds(law: Law, sheet: Path, tmp_path: Path) -> None:
    done = import_law("uk-global-tariff", [sheet], law=law, into=tmp_path / "law", on=DAY)
    found = holding(load(overlay=tmp_path / "law"), "GB", "8479907000", origin="CN", on=DAY)

    assert {one.path.parent.parent.name for one in done} == {"gb", "eu"}
    assert found is not None
    assert found.measures[0].rate == "3.5 %"


def test_a_file_of_another_form_is_refused_by_its_name(law: Law, sheet: Path, tmp_path: Path) -> None:
    for source in SOURCES:
        if source != "uk-global-tariff":
            with pytest.raises((OfficialError, ValueError)):
                import_law(source, [sheet], law=law, into=tmp_path / "law", on=DAY)
    with pytest.raises(OfficialError, match="no source nowhere"):
        import_law("nowhere", [sheet], law=law, into=tmp_path / "law", on=DAY)

    assert not list((tmp_path / "law").rglob("*.csv"))


def test_a_rate_that_an_officer_types_in_holds_under_that_name(tmp_path: Path) -> None:
    done = type_rate(
        table="hmrc-monthly", base="GBP", currency="USD", since=date(2026, 10, 1), until=date(2026, 11, 1),
        per_base="1.2345", who="officer 17", into=tmp_path,
    )  # fmt: skip

    assert load(overlay=tmp_path).per_base("hmrc-monthly", "USD", DAY) == 1_234_500
    assert "officer 17" in done.path.read_text(encoding="utf-8")


def test_the_commands_say_what_was_written_and_what_is_wrong(sheet: Path, tmp_path: Path) -> None:
    into = str(tmp_path / "law")
    good = CliRunner().invoke(app, ["law", "import", "uk-global-tariff", str(sheet), "--into", into])
    bad = CliRunner().invoke(app, ["law", "import", "il-open-data", str(sheet), "--into", into])
    rate = ["law", "rate", "hmrc-monthly", "GBP", "USD", "1.2", "--since", "2026-10-01", "--until", "2028-10-01"]
    long = CliRunner().invoke(app, [*rate, "--who", "officer 17", "--into", into])

    assert (good.exit_code, bad.exit_code, long.exit_code) == (0, 2, 2)
    assert "sheet.csv" in bad.output
    assert "more than a year" in long.output

"""Law can be looked up by whoever wants to know: what holds, since when, known since when, and what has changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tidewaiter.cli.commands import app
from tidewaiter.law import Law, load
from tidewaiter.services.look_up_law import differences, holding, wanting

JURISDICTIONS = Path(__file__).resolve().parents[1] / "src" / "tidewaiter" / "jurisdictions"
Amend = Callable[[str, str, str], Path]


@pytest.fixture
def amend(tmp_path: Path) -> Amend:
    """A copy of Zedland's law in which one text of one file stands otherwise."""

    def copy(file: str, old: str, new: str) -> Path:
        root = tmp_path / f"law-{len(list(tmp_path.iterdir()))}"
        for folder in ("world", "zz"):
            shutil.copytree(JURISDICTIONS / folder, root / folder)
        path = root / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return root

    return copy


def test_what_holds_for_a_code_is_shown_with_its_source(law: Law) -> None:
    found = holding(law, "ZZ", "61091000", origin="CN", on=date(2026, 3, 2))

    assert found is not None
    first = found.measures[0]
    assert (first.kind, first.code, first.rate) == ("third_country", "61091000", "14.25 %")
    assert ("standard", "18 %") in [(tax.name, tax.rate) for tax in found.taxes]
    assert "zz-standard" in [regime for regime, _ in found.regimes]


def test_what_must_be_claimed_by_name_is_shown_with_its_claim(law: Law) -> None:
    found = holding(law, "US", "61091000", origin="MX", on=date(2025, 9, 15))

    assert found is not None
    assert [(one.kind, one.claim, one.rate) for one in found.measures] == [
        ("third_country", "", "16.5 %"),
        ("ieepa-fentanyl", "", "25 %"),
        ("ieepa-fentanyl", "S", "free"),
        ("ieepa-fentanyl", "S+", "free"),
        ("mail", "", "25 %"),
        ("preference", "S", "free"),
    ]


def test_where_no_law_is_held_nothing_is_shown(law: Law) -> None:
    assert holding(law, "XX", "61091000", origin="CN", on=date(2026, 3, 2)) is None


def test_what_was_learned_later_was_not_known_before(amend: Amend) -> None:
    """A rate published in May with effect from February: in March people went by the old one, and rightly."""
    old = "61,,third_country,,2026-01-01,,10 %,Tariff of Zedland 2026 (made up),"
    root = amend("zz/tariff/tariff.csv", old, old)
    path = root / "zz" / "tariff" / "late.csv"
    path.write_text(
        "code,origin,kind,from,until,known_from,rate,source\n"
        "61,,third_country,2026-02-01,,2026-05-10,8 %,Late Order of Zedland (made up)\n",
        encoding="utf-8",
    )
    changed = load(root)

    def rate(on: date, known_on: date | None) -> str:
        found = holding(changed, "ZZ", "6102", origin="CN", on=on, known_on=known_on)
        assert found is not None
        return found.measures[0].rate

    assert rate(date(2026, 3, 1), date(2026, 3, 1)) == "10 %"
    assert rate(date(2026, 3, 1), date(2026, 5, 10)) == "8 %"
    assert rate(date(2026, 3, 1), None) == "8 %"
    assert rate(date(2026, 1, 31), None) == "10 %"


def test_a_code_that_has_left_the_tariff_holds_no_longer(amend: Amend) -> None:
    root = amend("zz/tariff/tariff.csv", "code,origin", "code,origin")
    (root / "zz" / "tariff" / "gone.csv").write_text(
        "code,origin,kind,from,until,known_from,rate,source\n"
        "9503,,third_country,2026-02-01,,2026-01-10,ended,Toys Order (made up)\n",
        encoding="utf-8",
    )
    found = [
        load(root).tariff.held("zz", "third_country", "95030041", origin="CN", day=date(2026, m, 1)) for m in (1, 2)
    ]

    assert found[0] >= 0
    assert found[1] < 0


def test_a_country_left_out_of_a_measure_does_not_bear_it(amend: Amend) -> None:
    root = amend("zz/tariff/tariff.csv", "code,origin", "code,origin")
    (root / "zz" / "tariff" / "surcharge.csv").write_text(
        "code,origin,excluded,kind,from,until,rate,source\n8471,,NZ AU,third_country,2026-01-01,,7 %,Made up\n",
        encoding="utf-8",
    )
    tariff = load(root).tariff

    assert [
        tariff.held("zz", "third_country", "84713000", origin=o, day=date(2026, 2, 1)) >= 0 for o in ("CN", "NZ")
    ] == [
        True,
        False,
    ]


def test_two_laws_are_compared_text_by_text(amend: Amend) -> None:
    before = load(amend("zz/taxes.toml", "6.5 %", "6.5 %"))
    after = load(amend("zz/taxes.toml", "6.5 %", "7.5 %"))
    lines = list(differences(before, after))

    assert {line[:9] for line in lines} == {"- zz/taxe", "+ zz/taxe"}
    assert not list(differences(after, after))


def test_what_a_law_lacks_is_said(law: Law) -> None:
    lines = list(wanting(law))

    assert any(line.startswith("zz: no rates of Z90") for line in lines)
    assert any("were not read in the act itself" in line for line in lines)


def test_the_command_shows_law_and_says_where_there_is_none() -> None:
    shown = CliRunner().invoke(app, ["law", "show", "gb", "61091000", "--origin", "cn", "--on", "2026-11-02"])
    unknown = CliRunner().invoke(app, ["law", "show", "xx", "61091000"])

    assert shown.exit_code == 0
    assert unknown.exit_code == 1

"""The plan of the house holds: arrows point one way, the core is pure, and a new room must say where it stands."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
HOUSE = Path(__file__).resolve().parents[1]


def linted(house: Path) -> subprocess.CompletedProcess[str]:
    """What import-linter says of a house."""
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"],
        cwd=house,
        env={"PYTHONPATH": str(house / "src"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the house in which a wall may be broken."""
    shutil.copytree(HOUSE / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "samples", "*.csv"))
    shutil.copy(HOUSE / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_house_as_it_stands_keeps_its_contracts() -> None:
    found = linted(HOUSE)

    assert found.returncode == 0, found.stdout + found.stderr
    assert "0 broken" in found.stdout


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("model/money.py", "from tidewaiter.law import Law"),
        ("checks/__init__.py", "from tidewaiter.assessment import assess"),
        ("law/text.py", "import tidewaiter.services.clear"),
        ("assessment/terms.py", "import socket"),
        ("pipeline.py", "import os"),
    ],
)
def test_a_planted_wrong_import_breaks_a_contract(copied: Path, room: str, line: str) -> None:
    file = copied / "src" / "tidewaiter" / room
    file.write_text(file.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")

    found = linted(copied)

    assert found.returncode != 0
    assert "broken" in found.stdout


def test_a_new_room_must_say_where_it_stands(copied: Path) -> None:
    room = copied / "src" / "tidewaiter" / "pantry"
    room.mkdir()
    (room / "__init__.py").write_text('"""A room nobody planned."""\n')

    found = linted(copied)

    assert found.returncode != 0
    assert "pantry" in found.stdout

from __future__ import annotations

from pathlib import Path

import pytest

from tidewaiter.settings import PREFIX, Settings, SettingsError, settings_of

DOCS = Path(__file__).resolve().parents[1] / "docs" / "reference" / "settings.md"


def test_with_nothing_set_every_default_holds() -> None:
    assert settings_of({"PATH": "/bin", "HOME": "/"}) == Settings()


def test_each_setting_is_read_from_its_variable() -> None:
    read = settings_of(
        {
            "TIDEWAITER_DATABASE_URL": "postgresql://example/db", "TIDEWAITER_DATA_DIR": "/var/lib/tidewaiter",
            "TIDEWAITER_PORT": "9000", "TIDEWAITER_JURISDICTION": "FR", "TIDEWAITER_HOST": "",
        }
    )  # fmt: skip

    assert read == Settings(
        database_url="postgresql://example/db", data_dir=Path("/var/lib/tidewaiter"), port=9000, jurisdiction="FR"
    )


def test_a_misspelt_setting_is_refused_and_the_right_ones_are_named() -> None:
    with pytest.raises(SettingsError, match=r"no setting TIDEWAITER_DATABASE_ULR; there are .*TIDEWAITER_DATABASE_URL"):
        settings_of({"TIDEWAITER_DATABASE_ULR": "postgresql://example/db"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("JURISDICTION", "France"),
        ("DATABASE_SCHEMA", 'x"; drop'),
        ("DRAW_KEY", "short-secret"),
    ],
)
def test_a_value_that_cannot_be_is_refused_without_repeating_it(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings_of({PREFIX + name: value})

    assert value not in str(refused.value)


@pytest.mark.parametrize("name", Settings.__struct_fields__)
def test_the_reference_lists_each_setting(name: str) -> None:
    assert f"`{PREFIX}{name.upper()}`" in DOCS.read_text(encoding="utf-8")


def test_the_reference_lists_no_setting_that_is_gone() -> None:
    listed = {word.strip("`|") for word in DOCS.read_text(encoding="utf-8").split() if word.startswith(f"`{PREFIX}")}

    assert listed == {PREFIX + name.upper() for name in Settings.__struct_fields__}

"""The commands, as a person types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tidewaiter.cli import app, commands

SAMPLES = Path(__file__).resolve().parents[1] / "src" / "tidewaiter" / "formats"
SHIRTS = SAMPLES / "json" / "samples" / "fr-before-and-after-1-july-2026.jsonl"
KEYS = {
    "reference", "format", "source", "jurisdiction", "accepted_on", "regime", "items", "findings", "charges", "totals",
    "decision", "law_digest",
}  # fmt: skip


@pytest.fixture
def run() -> CliRunner:
    return CliRunner()


def cleared(run: CliRunner, *words: str, ends_with: int = 0) -> list[dict[str, object]]:
    """The objects that `clear --json` prints, one a line."""
    done = run.invoke(app, ["clear", "--json", *words])
    assert done.exit_code == ends_with, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_clearing_prints_one_object_a_consignment_with_every_key_promised(run: CliRunner) -> None:
    found = cleared(run, str(SAMPLES / "json" / "samples" / "gb-around-135-pounds.json"), "--on", "2026-11-02")

    assert [one["reference"] for one in found] == ["GB-134-99", "GB-135-00", "GB-135-01"]
    assert all(set(one) >= KEYS for one in found)
    assert [one["regime"] for one in found] == ["gb-low-value-sale", "gb-low-value-sale", "gb-standard"]
    assert {one["accepted_on"] for one in found} == {"2026-11-02"}


def test_a_folder_with_one_bad_file_clears_the_rest(run: CliRunner, tmp_path: Path) -> None:
    good = SAMPLES / "json" / "samples" / "gb-around-135-pounds.json"
    (tmp_path / "a-good.json").write_bytes(good.read_bytes())
    (tmp_path / "b-broken.xml").write_text('<?xml version="1.0"?>\n<MetaData>\n  <Declaration></MetaData>\n')

    found = cleared(run, str(tmp_path), ends_with=1)

    [broken] = [one for one in found if not one["reference"]]
    findings = broken["findings"]
    assert isinstance(findings, list)
    assert len(found) == 4
    assert any("line 3" in finding["text"] for finding in findings)


def test_answers_are_written_in_the_senders_own_format(run: CliRunner, tmp_path: Path) -> None:
    sample = SAMPLES / "wco_dms" / "samples" / "gb-low-value-post.xml"
    cleared(run, str(sample), "--answers", str(tmp_path / "answers"))

    [answer] = (tmp_path / "answers").iterdir()
    assert b"<FunctionCode>" in answer.read_bytes()
    assert b"Response" in answer.read_bytes()


def test_the_table_names_what_came_in_what_it_costs_and_why(run: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_out", Console(width=155))
    done = run.invoke(app, ["clear", str(SAMPLES / "json" / "samples" / "gb-around-135-pounds.json")])

    assert done.exit_code == 0
    for words in ("GB-135-01", "gb-standard", "28.30", "GBP", "released", "Nothing is due at the border."):
        assert words in done.stdout


def test_a_country_may_be_named_for_messages_that_name_none(run: CliRunner, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(
        "reference,category,channel,description,hs_code,origin,quantity,line_total,currency,consignee_name,"
        "consignee_city,consignee_postcode,consignee_street\n"
        "S-1,sale,post,Ceramic mug with handle,691200,CN,1,20.00,GBP,Pat Example,Exampleton,EX1 2AM,2 Example Street\n"
    )

    [one] = cleared(run, str(sheet), "--jurisdiction", "GB")

    assert one["jurisdiction"] == "GB"
    assert one["regime"] == "gb-low-value-sale"


def test_a_quote_stands_side_by_side_with_what_to_mend(run: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_out", Console(width=155))
    done = run.invoke(app, ["quote", str(SAMPLES / "csv" / "samples" / "one-bad-row.csv"), "--on", "2026-11-02"])

    assert done.exit_code == 1
    for words in (
        "1 the buyer pays", "2 several collect", "landed cost", "unknown", "seller at the sale 8.00",
        "give the number of the seller's registration", "not that the seller collects",
        "would it clear: hold", "mend 1. ASM-03 warning", 'column "hs_code"',
    ):  # fmt: skip
        assert words in done.stdout
    assert "CSV-08" in done.stderr


def test_quotes_as_json_are_one_a_line_and_their_receipts_verify(run: CliRunner, tmp_path: Path) -> None:
    done = run.invoke(app, ["quote", "--json", str(SHIRTS)])
    quotes = [json.loads(line) for line in done.stdout.splitlines()]
    receipts = tmp_path / "receipts.jsonl"
    receipts.write_text("\n".join(json.dumps(offer["receipt"]) for one in quotes for offer in one["offers"]))

    verified = run.invoke(app, ["verify", str(receipts)])

    assert done.exit_code == 0
    assert len(quotes) == len(SHIRTS.read_text().splitlines())
    assert verified.exit_code == 0, verified.output


def test_the_day_asked_for_goes_before_the_one_in_the_file(run: CliRunner) -> None:
    done = run.invoke(app, ["quote", "--json", str(SHIRTS), "--on", "2026-07-01"])

    assert {json.loads(line)["on"] for line in done.stdout.splitlines()} == {"2026-07-01"}


@pytest.mark.parametrize("name", commands.SCHEMAS)
def test_each_schema_is_printed_as_it_is_published(run: CliRunner, name: str) -> None:
    published = SAMPLES.parents[2] / "docs" / "reference" / f"{name}.schema.json"

    assert run.invoke(app, ["schema", name]).stdout == published.read_text(encoding="utf-8")


def test_rows_that_are_wrong_come_back_into_a_folder_under_their_senders_headings(tmp_path: Path) -> None:
    sheet, mapping, back = tmp_path / "own.csv", tmp_path / "mapping.toml", tmp_path / "back"
    sheet.write_text("Nummer;wohin;Was;Menge\nA;GB;Bowl;two\n", encoding="utf-8")
    mapping.write_text(
        '[columns]\nNummer = "reference"\nwohin = "destination"\nWas = "description"\n', encoding="utf-8"
    )

    done = CliRunner().invoke(
        app, ["clear", str(sheet), "--columns", str(mapping), "--returned", str(back), "--on", "2026-11-02"]
    )

    assert done.exit_code == 0, done.output
    [returned] = back.iterdir()
    assert returned.read_text(encoding="utf-8-sig").startswith("Nummer;wohin;Was;Menge;reason\nA;GB;Bowl;two;")


@pytest.mark.parametrize("text", ["[columns]\nA = 1\n", "A = 'reference'\n", "[columns"])
def test_a_mapping_that_is_none_is_refused_in_a_line(tmp_path: Path, text: str) -> None:
    sheet, mapping = tmp_path / "own.csv", tmp_path / "mapping.toml"
    sheet.write_text("reference,description\nA,Bowl\n", encoding="utf-8")
    mapping.write_text(text, encoding="utf-8")

    done = CliRunner().invoke(app, ["clear", str(sheet), "--columns", str(mapping)])

    assert done.exit_code == 2
    assert "--columns" in done.output


def test_lodging_a_file_that_cannot_be_read_says_so_and_lodges_the_rest(
    run: CliRunner, tmp_path: Path, database_url: str, new_schema: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEWAITER_DATABASE_URL", database_url)
    monkeypatch.setenv("TIDEWAITER_DATABASE_SCHEMA", new_schema())
    good = (SAMPLES / "json" / "samples" / "gb-around-135-pounds.json").read_bytes()
    (tmp_path / "a-broken.json").write_text("{broken")
    (tmp_path / "b-good.json").write_bytes(good)

    for _ in range(2):  # sent again it is no better
        done = run.invoke(app, ["lodge", "--json", str(tmp_path)])
        found = [json.loads(line) for line in done.stdout.splitlines()]
        [broken] = [one for one in found if not one["reference"]]
        assert done.exit_code == 1
        assert [one["reference"] for one in found if one["reference"]] == ["GB-134-99", "GB-135-00", "GB-135-01"]
        assert "not JSON" in broken["findings"][0]["text"]
    (tmp_path / "a-broken.json").unlink()
    assert run.invoke(app, ["lodge", "--json", str(tmp_path)]).exit_code == 0

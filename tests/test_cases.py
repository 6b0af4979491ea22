"""Every worked case in jurisdictions/*/cases: its regime and charges, and what else it states, come out exactly.

A case is a consignment in the canonical JSON, written in TOML; `tests/make.py` fills in what it leaves out. The
jurisdiction is that of the folder, the day of acceptance that of the case.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import make
from both_ways import assess
from tidewaiter.law import Law, load
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Adjustment, Consignment, Document, FiscalReference, GoodsItem, Party
from tidewaiter.model.money import from_micro, to_micro
from tidewaiter.model.past import PERSON_TOTALS, Past
from tidewaiter.pipeline import clear

ROOT = Path(__file__).resolve().parents[1] / "src" / "tidewaiter" / "jurisdictions"
Case = dict[str, Any]


def cases() -> Iterator[Any]:
    """Each case with the code of its country."""
    for path in sorted(ROOT.glob("*/cases/*.toml")):
        place = tomllib.loads((path.parents[1] / "jurisdiction.toml").read_text(encoding="utf-8"))
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]:
            yield pytest.param(place["code"], case, id=f"{path.parents[1].name}/{case['id']}: {case['title']}")


CASES = list(cases())


def consignment_of(country: str, case: Case) -> Consignment:
    """The consignment of a case, with what it leaves out filled in."""
    said = dict(case["consignment"])
    lists: dict[str, Any] = {"items": tuple(_item(one) for one in said.pop("items"))}
    if "parties" in said:
        lists["parties"] = tuple(_party(country, one) for one in said.pop("parties"))
    lists |= _lists(said)
    given = {"reference": case["id"], "jurisdiction": country, "accepted_on": case["on"], **said, **lists}
    return make.consignment(**given)


def _item(said: Case) -> GoodsItem:
    rest = {name: tuple(value) if isinstance(value, list) else value for name, value in said.items()}
    return make.item(**{**rest, **_lists(rest)})


def _party(country: str, said: Case) -> Party:
    """The party as stated: a kind that the case leaves out is one that nobody stated."""
    home = {} if said["role"] in ("consignor", "seller", "exporter") else {"country": country}
    return make.party(**{"kind": None, **home, **said})


def _lists(said: Case) -> Case:
    """The records in lists that a case may state."""
    found: Case = {}
    if "fiscal_references" in said:
        found["fiscal_references"] = tuple(FiscalReference(**one) for one in said["fiscal_references"])
    if "documents" in said:
        found["documents"] = tuple(Document(**one) for one in said["documents"])
    if "adjustments" in said:
        found["adjustments"] = tuple(
            Adjustment(code=one["code"], amount=make.money(one["amount"]) if "amount" in one else None)
            for one in said["adjustments"]
        )
    return found


def past_of(cases: Iterable[Case]) -> Past:
    """What the buyers of the cases imported before, each the row of its place, where a case says so."""
    totals = [
        (row, *(to_micro(make.money(case["earlier"][name]).amount) for name in ("day", "year")))
        for row, case in enumerate(cases)
        if "earlier" in case
    ]
    return Past(person_totals=pl.DataFrame(totals, schema=PERSON_TOTALS, orient="row"))


@pytest.fixture(scope="module")
def law() -> Law:
    return load()


Sum = tuple[str, str, int | None]
"""Type and code of a charge, and the goods item, counted from 1, where a case states the line of one alone."""


def sums(charges: pl.DataFrame, wanted: Collection[Sum]) -> dict[Sum, Decimal | str]:
    """The sum of each type and code of charge, and of the lines wanted besides; 'unknown' where one line of it is."""
    found: dict[Sum, Decimal | str] = {}
    for kind, code, item, amount in charges.select("type", "code", "item", "amount_micro").iter_rows():
        line = (kind, code, None if item is None else item + 1)
        for one in ((kind, code, None), *([line] if line in wanted and item is not None else [])):
            before = found.get(one, Decimal(0))
            unknown = amount is None or isinstance(before, str)
            found[one] = "unknown" if unknown else Decimal(before) + from_micro(amount)
    return found


def expected(case: Case) -> dict[Sum, Decimal | str]:
    """The sums that a case states."""
    return {
        (one["type"], one["code"], one.get("item")): "unknown" if one["amount"] == "unknown" else Decimal(one["amount"])
        for one in case["expect"]["charges"]
    }


@pytest.mark.parametrize(("country", "case"), CASES)
def test_a_worked_case_comes_out_as_it_says(country: str, case: Case, law: Law) -> None:
    found = assess(Batch.of([consignment_of(country, case)]), law, past_of([case]))
    regime = case["expect"].get("regime")  # left out where law is not known or no regime fits

    assert found.regimes["regime"].drop_nulls().to_list() == ([regime] if regime else [])
    assert sums(found.charges, expected(case)) == expected(case)


STATING = [one for one in CASES if one.values[1]["expect"].keys() & {"control", "findings", "not_findings"}]


@pytest.mark.parametrize(("country", "case"), STATING)
def test_a_worked_case_is_decided_and_commented_on_as_it_says(country: str, case: Case, law: Law) -> None:
    outcome = clear(Batch.of([consignment_of(country, case)]), law, past_of([case]))
    wanted = case["expect"]

    assert set(wanted.get("findings", ())) <= set(outcome.findings["code"])
    assert set(wanted.get("not_findings", ())).isdisjoint(outcome.findings["code"])
    if "control" in wanted:
        assert outcome.decisions["control"].to_list() == [wanted["control"]]


def test_a_case_uses_no_key_that_is_not_read() -> None:
    for one in CASES:
        country, case = one.values
        assert case.keys() - {"earlier"} == {"id", "title", "source", "on", "consignment", "expect"}, case["id"]
        assert case.get("earlier", {"day": "", "year": ""}).keys() == {"day", "year"}, case["id"]
        assert case["expect"].keys() <= {"regime", "charges", "control", "findings", "not_findings"}, case["id"]
        assert case["consignment"].keys() >= {"items"}, case["id"]
        assert consignment_of(country, case).jurisdiction == country


def test_every_country_has_cases(law: Law) -> None:
    assert {one.values[0] for one in CASES} == law.known

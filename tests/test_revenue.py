"""The ledger legs of charges: balanced, and only where a debt stands."""

from __future__ import annotations

from collections import Counter
from typing import get_args

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewaiter.model.outcome import CHARGES, DECISIONS, POSTINGS, Control
from tidewaiter.revenue import POSTED, post

Charge = tuple[int, int | None, str, str, int | None, str, str]


def charges(*rows: Charge) -> pl.DataFrame:
    """A rule of charge is of one type, code and collector, so those tell the rule here."""
    names = ("row", "item", "type", "code", "amount_micro", "currency", "collector")
    said = [dict(zip(names, row, strict=True)) for row in rows]
    rules = list({(one["type"], one["code"], one["collector"]): None for one in said})
    numbered = [{**one, "rule": rules.index((one["type"], one["code"], one["collector"]))} for one in said]
    return pl.DataFrame(numbered, schema=CHARGES)


def decisions(*controls: str, first: int = 0) -> pl.DataFrame:
    rows: list[tuple[int, str, str, list[str]]]
    rows = [(row, "assessment_complete", control, []) for row, control in enumerate(controls, start=first)]
    return pl.DataFrame(rows, schema=DECISIONS, orient="row")


DUTY: Charge = (0, 1, "duty", "A00", 3_000_000, "EUR", "declarant")


def test_a_charge_is_owed_by_its_collector_and_is_income_of_its_kind() -> None:
    found = post(charges(DUTY), decisions("accepted"))

    assert found.schema == POSTINGS
    assert found.rows() == [
        (0, 1, "receivable:declarant", 3_000_000, 0, "EUR", "duty:A00"),
        (0, 1, "revenue:duty:A00", 0, 3_000_000, "EUR", "duty:A00"),
    ]


def test_each_debit_has_its_credit_after_it() -> None:
    tax: Charge = (0, None, "tax", "B00", 1, "EUR", "declarant")

    found = post(charges(DUTY, tax), decisions("released"))

    assert found["account"].to_list() == [
        "receivable:declarant", "revenue:duty:A00", "receivable:declarant", "revenue:tax:B00"
    ]  # fmt: skip
    assert found["item"].to_list() == [1, 1, None, None]


@pytest.mark.parametrize("amount", [0, None])
def test_what_is_nothing_or_unknown_is_not_posted(amount: int | None) -> None:
    found = post(charges((0, 0, "duty", "A00", amount, "EUR", "declarant")), decisions("hold"))

    assert found.schema == POSTINGS
    assert found.is_empty()


@pytest.mark.parametrize("control", get_args(Control))
def test_a_debt_stands_only_where_a_declaration_stands(control: str) -> None:
    stands = control in {"released", "accepted", "documents_requested", "examine", "hold"}

    assert post(charges(DUTY), decisions(control)).is_empty() is not stands
    assert (control in POSTED) is stands


def test_a_charge_follows_the_decision_on_its_own_consignment() -> None:
    rows = [(row, *DUTY[1:]) for row in (7, 5, 6, 9)]

    found = post(charges(*rows), decisions("accepted", "not_accepted", "hold", first=5))

    assert found["row"].to_list() == [7, 7, 5, 5]


def test_no_charges_and_no_decisions_give_no_legs() -> None:
    assert post(charges(), decisions()).schema == POSTINGS
    assert post(charges(DUTY), decisions()).is_empty()


CHARGED = st.tuples(
    st.integers(0, 4),
    st.none() | st.integers(0, 3),
    st.sampled_from(["duty", "tax", "fee"]),
    st.sampled_from(["A00", "B00", "X"]),
    st.none() | st.integers(0, 10**15),
    st.sampled_from(["EUR", "GBP"]),
    st.sampled_from(["seller", "declarant", "importer"]),
)


@given(
    rows=st.lists(CHARGED, max_size=12), controls=st.lists(st.sampled_from(get_args(Control)), min_size=5, max_size=5)
)
def test_debits_equal_credits_and_claims_equal_what_is_charged(rows: list[Charge], controls: list[str]) -> None:
    found = post(charges(*rows), decisions(*controls))

    balance: Counter[tuple[int, str]] = Counter()
    claimed: Counter[tuple[int, str, str]] = Counter()
    earned: Counter[tuple[int, str, str]] = Counter()
    for leg in found.iter_rows(named=True):
        assert (leg["debit_micro"] > 0) != (leg["credit_micro"] > 0)
        balance[leg["row"], leg["currency"]] += leg["debit_micro"] - leg["credit_micro"]
        if leg["account"].startswith("receivable:"):
            claimed[leg["row"], leg["currency"], leg["account"].removeprefix("receivable:")] += leg["debit_micro"]
        else:
            earned[leg["row"], leg["currency"], leg["account"].removeprefix("revenue:")] += leg["credit_micro"]
    owed: Counter[tuple[int, str, str]] = Counter()
    income: Counter[tuple[int, str, str]] = Counter()
    for row, _, kind, code, amount, currency, collector in rows:
        if amount and controls[row] in POSTED:
            owed[row, currency, collector] += amount
            income[row, currency, f"{kind}:{code}"] += amount

    assert not any(balance.values())
    assert claimed == owed
    assert earned == income

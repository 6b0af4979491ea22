"""A receipt that anyone can reckon again: equal, or the line that is not."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make
from tidewaiter.law import Law
from tidewaiter.model.receipt import PersonTotals, Receipt
from tidewaiter.services.receipt import receipts, schema, verify

SCHEMA = Path(__file__).resolve().parents[1] / "docs" / "reference" / "receipt.schema.json"


@pytest.fixture(scope="module")
def receipt(law: Law) -> Receipt:
    parcel = make.consignment(items=[make.item(price="200 GBP"), make.item(price="10 USD")], freight="5 GBP")
    return receipts([parcel], law=law)[0]


def changed(receipt: Receipt, **what: Any) -> Receipt:
    """The receipt with something else in it, sealed again, as one would who wants to deceive."""
    return msgspec.structs.replace(receipt, **what).sealed()


def test_a_receipt_reckoned_again_is_equal(law: Law, receipt: Receipt) -> None:
    read = msgspec.json.decode(msgspec.json.encode(receipt), type=Receipt)

    assert read == receipt
    assert verify(read, law=law).equal


def test_an_amount_that_was_changed_is_named_with_its_line(law: Law, receipt: Receipt) -> None:
    charges = list(receipt.charges)
    charges[1] = msgspec.structs.replace(charges[1], amount="0.01")

    told = verify(changed(receipt, charges=tuple(charges)), law=law)

    assert not told.equal
    assert told.differences == (f"charges/1/amount: 0.01 is stated, {receipt.charges[1].amount} comes out",)


def test_a_receipt_changed_without_its_digest_is_refused(law: Law, receipt: Receipt) -> None:
    told = verify(msgspec.structs.replace(receipt, currency="EUR"), law=law)

    assert told.differences == ("digest: the receipt was changed after it was made",)


def test_under_another_law_a_receipt_is_not_judged(law: Law, receipt: Receipt) -> None:
    told = verify(changed(receipt, law_digest="0" * 64), law=law)

    assert (told.equal, told.law_is_here) == (False, False)


def test_what_the_buyer_imported_before_is_kept_with_the_receipt(law: Law) -> None:
    totals = PersonTotals(day=Decimal("10.00"), year=Decimal("250.00"))
    [made] = receipts([make.consignment()], law=law, totals=[totals])

    assert made.person_totals == totals
    assert verify(made, law=law).equal


def test_nothing_in_a_receipt_names_or_finds_a_person(receipt: Receipt) -> None:
    said = msgspec.json.encode(receipt).decode()

    for word in ("Pat Example", "Example Trading", "Sample Street", "Exampleham", "IM2760000001", "T-shirt"):
        assert word not in said


@settings(max_examples=40, deadline=None)
@given(
    pence=st.integers(0, 10**7),
    country=st.sampled_from(["GB", "FR", "DE", "DK", "ZZ", "XX"]),
    day=st.dates(date(2020, 1, 1), date(2026, 11, 2)),
)
def test_every_receipt_can_be_reckoned_again(law: Law, pence: int, country: str, day: date) -> None:
    parcel = make.consignment(
        jurisdiction=country, accepted_on=day, items=[make.item(price=f"{Decimal(pence) / 100} EUR")]
    )
    [made] = receipts([parcel], law=law)

    assert verify(made, law=law).equal


def test_the_published_schema_of_a_receipt_is_that_of_the_model() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json.loads(json.dumps(msgspec.to_builtins(schema())))

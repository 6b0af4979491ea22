"""The loop over goods says what columns say, at its edges too: great sums, many goods, and those that it leaves."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import make
from both_ways import HAS_NUMBA, assess, compiled
from test_assessment import DAY, shirts, zedland
from tidewaiter import assessment
from tidewaiter.assessment import charging
from tidewaiter.assessment.framing import Lines, merged, no_lines
from tidewaiter.law import Law, load
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.money import MICRO

pytestmark = pytest.mark.skipif(not HAS_NUMBA, reason="numba is not installed")


@pytest.fixture(scope="module")
def law() -> Law:
    return load()


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many goods the loop left to columns, each time it was asked."""
    counts: list[int] = []
    with compiled(is_ready=True):
        [loop] = charging._IN_ONE_LOOP

        def counted(*asked: object) -> list[Lines]:
            blocks = loop(*asked)  # type: ignore[arg-type]
            counts.append(int(asked[3].left.sum()))  # type: ignore[attr-defined]
            return blocks

        monkeypatch.setattr(charging, "_IN_ONE_LOOP", [counted])
        yield counts


def european(*codes: str, **what: object) -> Consignment:
    """A parcel for Germany of goods of little value, the tax paid at the sale."""
    goods = [make.item(price="1.50 EUR", hs_code=code, additional_procedures=("F48",)) for code in codes]
    given: dict[str, object] = {"jurisdiction": "DE", "fiscal_references": [make.ioss()], "channel": "express"}
    return make.consignment(items=goods, **{**given, **what})


def test_plain_goods_are_all_charged_by_the_loop(law: Law, left: list[int]) -> None:
    assessment.assess(Batch.of([zedland(), zedland(shirts(), shirts())]), law)

    assert left == [0]


@pytest.mark.parametrize("power", range(3, 12))
def test_sums_of_any_size_are_exact(law: Law, power: int) -> None:
    prices = [f"{10**power + cents}.{cents:02} ZZD" for cents in (0, 1, 37, 99)]

    found = assess(Batch.of([zedland(shirts(price)) for price in prices]), law)

    duties = found.charges.filter(type="duty")["amount_micro"].to_list()
    quantum = law.ground("ZZ", DAY).charge_quantum
    exact = [Fraction(price.split()[0]) * MICRO * Fraction(1425, 10_000) / quantum for price in prices]
    assert duties == [int(one) * quantum for one in exact], "rounded down, as Zedland does"


# At 0.543 EUR the kilogram. The last two products wrap round, to a small number above nought and to one below it.
@pytest.mark.parametrize("mass", ["900000000000", "33971914372", "20000000000"])
def test_goods_by_weight_so_heavy_that_64_bits_do_not_hold_it_are_left_to_columns(
    law: Law, left: list[int], mass: str
) -> None:
    heavy = [make.item(price="500 EUR", hs_code="19022030", net_mass=kilograms) for kilograms in (mass, "1")]
    dear = {"jurisdiction": "DE", "channel": "express"}
    batch = Batch.of([make.consignment(items=heavy, **dear), make.consignment(items=heavy[1:], **dear)])

    by_loop = assessment.assess(batch, law)

    assert left == [2], "the whole consignment is, and no other"
    with compiled(is_ready=False):
        assert by_loop.charges.equals(assessment.assess(replace(batch), law).charges)


@pytest.mark.parametrize("size", [2, 199, 200, 201, 450])
def test_a_flat_duty_for_each_code_is_charged_once_however_many_goods_there_are(law: Law, size: int) -> None:
    codes = [("610910", "640399", "420221")[place % 3] for place in range(size)]
    found = assess(Batch.of([european(*codes), european("610910")]), law)

    assert found.charges.height > 2 * size


def test_there_is_room_for_as_many_lines_as_there_are(
    law: Law, left: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    parcels = [zedland(*[shirts()] * 40) for _ in range(200)]
    one = assessment.assess(Batch.of(parcels[:1]), law).charges
    passing = importlib.import_module("tidewaiter.assessment.passing")
    monkeypatch.setattr(passing, "_LINES", 0)
    monkeypatch.setattr(passing, "_MORE", 7)

    found = assessment.assess(Batch.of(parcels), law)

    assert left == [0, 0]
    many = found.charges.filter(row=199)
    assert many.drop("row").equals(one.drop("row"))


def test_a_claim_to_a_preference_is_left_to_columns(law: Law, left: list[int]) -> None:
    claimed = shirts(preference="200", origin_country="NZ")

    assessment.assess(Batch.of([zedland(claimed), zedland()]), law)

    assert left == [1]


def test_lines_of_several_tariffs_come_in_the_order_of_the_goods(law: Law) -> None:
    parcels = [zedland(), european("610910"), zedland(shirts(), shirts()), make.consignment(), european("640399")] * 3

    found = assess(Batch.of(parcels), law)

    assert found.charges["row"].is_sorted()
    assert set(found.charges["row"].to_list()) == set(range(len(parcels)))


def test_blocks_of_lines_are_put_one_into_the_other() -> None:
    plain, sold = no_lines(3), no_lines(2, has_sale=True)
    for block, items in ((plain, [0, 2, 2]), (sold, [1, 3])):
        for column in block:
            column[:] = 1
        block.item[:] = items

    both = merged([plain, no_lines(0), sold])

    assert both.item.tolist() == [0, 1, 2, 2, 3]
    assert (both.at_sale == 1).tolist() == [False, True, False, False, True]
    assert len(both.is_head) == 0
    assert both.amount.dtype == np.int64


def test_more_pieces_than_a_column_holds_are_not_reckoned_with_and_it_says_so(law: Law) -> None:
    watches = [
        make.item(price="5 ZZD", hs_code="910211", quantity=str(many), quantity_unit="MIL") for many in (2, 10**11)
    ]

    found = assess(Batch.of([zedland(one) for one in watches]), law)

    assert found.charges.filter(code="Z10")["amount_micro"].to_list() == [3_000_000_000, None]
    assert found.findings.select("row", "code", "pointer").rows() == [(1, "ASM-10", "/items/0/quantity")]

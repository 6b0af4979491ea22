"""The nouns: every field is explained, columns and records say the same, and numbers stay exact."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, localcontext
from typing import Annotated, Any, get_args, get_origin

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make
import strategies
from tidewaiter.model import about
from tidewaiter.model.batch import SCHEMA, Batch
from tidewaiter.model.consignment import Consignment, Statement
from tidewaiter.model.exact import GREATEST, MISSING, scaled, scaled_sum, sums, told_apart
from tidewaiter.model.money import LIMIT, Money, from_micro, to_micro

BOUND = int(LIMIT) * 10**6 - 1
"""The largest number of millionths that the boundary lets in."""
micros = st.one_of(st.integers(0, BOUND), st.integers(BOUND - 1000, BOUND), st.integers(0, 10**9))


def structs_below(struct: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """The record and every record inside it, once each."""
    waiting, seen = [struct], {struct}
    while waiting:
        yield (here := waiting.pop())
        for _, kind, _ in about.fields(here):
            inner = get_args(kind)[0] if get_origin(kind) is tuple else kind
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct) and inner not in seen:
                seen.add(inner)
                waiting.append(inner)


def unexplained(struct: type[msgspec.Struct]) -> list[str]:
    """Fields of which privacy, purpose, retention or meaning is not said."""
    missing = []
    for name, _, known in about.fields(struct):
        if known is None or not (
            known.text
            and known.privacy in get_args(about.Privacy)
            and known.purpose in get_args(about.Purpose)
            and known.keep in (about.KEEP_ACCOUNT, about.KEEP_CONTROL, about.KEEP_PERSON)
            and (known.wco == "" or (known.wco.isalnum() and len(known.wco) in (3, 4)))
        ):
            missing.append(f"{struct.__name__}.{name}")
    return missing


@pytest.mark.parametrize("struct", list(structs_below(Consignment)), ids=lambda struct: struct.__name__)
def test_every_field_says_what_it_is_who_may_see_it_and_how_long_it_is_kept(struct: type[msgspec.Struct]) -> None:
    assert unexplained(struct) == []


def test_a_field_that_is_not_explained_is_told() -> None:
    class Planted(msgspec.Struct):
        known: Annotated[str, about.about("Known", wco="006", privacy="public")]
        forgotten: str
        hinted: Annotated[str, msgspec.Meta(description="Only a description")]
        forever: Annotated[str, about.about("Kept for ever", keep="")]

    assert unexplained(Planted) == ["Planted.forgotten", "Planted.hinted", "Planted.forever"]


def test_what_names_a_person_is_personal_and_not_kept_for_ever() -> None:
    fields = {(s.__name__, name): known for s in structs_below(Consignment) for name, _, known in about.fields(s)}
    for name in ("name", "street", "city", "postcode", "phone", "email"):
        known = fields["Party", name]

        assert known is not None
        assert (known.privacy, known.keep) == ("personal", about.KEEP_PERSON), name


def test_most_fields_that_the_wco_data_model_has_name_their_id() -> None:
    known = [known for struct in structs_below(Consignment) for _, _, known in about.fields(struct) if known]

    assert sum(bool(each.wco) for each in known) / len(known) > 0.7


@settings(max_examples=40, deadline=None)
@given(records=st.lists(strategies.consignments(), max_size=3))
def test_a_batch_gives_back_the_consignments_it_was_made_of(records: list[Consignment]) -> None:
    batch = Batch.of(records)

    assert batch.records() == records
    assert len(batch) == len(records)
    for name in Batch.frame_names():
        frame = getattr(batch, name)
        assert frame.schema == SCHEMA[name], name
        # Columns in pieces of different lengths make Polars panic in a filter.
        assert all(column.n_chunks() == 1 for column in frame), name


def test_every_frame_of_a_batch_has_a_schema() -> None:
    assert set(Batch.frame_names()) == set(SCHEMA)


def test_an_item_is_found_under_its_consignment_and_place() -> None:
    batch = Batch.of([make.consignment(), make.consignment(items=(make.item(), make.item(hs_code="640399")))])

    assert batch.items.select("row", "item", "hs_code").rows() == [
        (0, 0, "61091000"),
        (1, 0, "61091000"),
        (1, 1, "640399"),
    ]


def test_what_stands_at_the_head_has_no_item() -> None:
    item = make.item(statements=(Statement(code="00500"),))
    batch = Batch.of([make.consignment(items=(item,), statements=(Statement(code="00100"),))])

    assert batch.statements.select("row", "item", "position", "code").rows() == [
        (0, None, 0, "00100"),
        (0, 0, 0, "00500"),
    ]


@given(micro=micros)
def test_millionths_and_decimals_are_the_same_number(micro: int) -> None:
    assert to_micro(from_micro(micro)) == micro
    assert from_micro(micro) == Decimal(micro) / 10**6


@given(micro=micros)
def test_a_decimal_of_millionths_has_two_decimals_or_as_many_as_it_needs(micro: int) -> None:
    _, digits, exponent = from_micro(micro).as_tuple()

    assert isinstance(exponent, int)
    assert -6 <= exponent <= -2
    assert exponent == -2 or digits[-1] != 0


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "1000000000000", "0.0000001", "999999999999.9999999"], ids=lambda number: number
)
def test_a_number_that_columns_cannot_hold_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="number"):
        to_micro(Decimal(number))
    with pytest.raises(ValueError, match="number"):
        Money(amount=Decimal(number), currency="GBP")


@pytest.mark.parametrize("field", ["gross_mass", "net_mass", "quantity"])
def test_no_mass_or_quantity_is_below_nothing(field: str) -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        make.item(**{field: "-0.01"})


def test_no_amount_is_below_nothing() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        make.money("-1 GBP")


def in_decimals(value: int, numerator: int, denominator: int, quantum: int, mode: str) -> int:
    """The slow and obvious way to scale."""
    rounding = {"half_up": ROUND_HALF_UP, "down": ROUND_DOWN}[mode]
    with_places = Decimal(value) * Decimal(numerator) / (Decimal(denominator) * Decimal(quantum))
    return int(with_places.quantize(Decimal(1), rounding=rounding)) * quantum


@settings(deadline=None)
@given(
    value=micros,
    numerator=st.one_of(st.integers(0, 10**6), st.just(1_000_000), st.integers(0, 10**9)),
    denominator=st.one_of(st.integers(1, 10**9), st.just(1_000_000), st.just(2_000_000)),
    quantum=st.sampled_from([1, 10_000, 1_000_000]),
    mode=st.sampled_from(["half_up", "down"]),
)
def test_scaling_a_column_is_scaling_decimals(
    value: int, numerator: int, denominator: int, quantum: int, mode: str
) -> None:

    with localcontext() as context:
        context.prec = 60
        expected = in_decimals(value, numerator, denominator, quantum, mode)
    half_up = mode == "half_up"
    columns = [np.array([number, 1], np.int64) for number in (value, numerator, denominator, quantum)]
    plain = scaled(columns[0], numerator, denominator, quantum=quantum, half_up=half_up)
    both = scaled(*columns[:3], quantum=columns[3], half_up=np.array([half_up, half_up]))
    product = (np.arange(2), columns[0], columns[1])
    summed = scaled_sum([product], columns[2], quantum=columns[3], half_up=np.array([half_up] * 2))

    # What does not go into 64 bits is missing, and never a wrapped number: one such row must not sink its batch.
    kept = int(expected) if expected < 2**63 else MISSING
    assert (plain[0], both[0], summed[0]) == (kept, kept, kept)
    assert both[1] == 1


@pytest.mark.parametrize(
    ("value", "mode", "expected"),
    [(5_000, "half_up", 10_000), (4_999, "half_up", 0), (9_999, "down", 0), (10_000, "down", 10_000)],
)
def test_half_a_penny_goes_up_or_down_as_the_law_says(value: int, mode: str, expected: int) -> None:
    found = scaled(np.array([value, MISSING]), 1, 1, quantum=10_000, half_up=mode == "half_up")

    assert found.tolist() == [expected, MISSING]


@given(numbers=st.lists(st.integers(0, BOUND), min_size=1, max_size=30), cuts=st.sets(st.integers(1, 29)))
def test_a_sum_that_no_column_holds_is_the_greatest_and_never_a_small_one(numbers: list[int], cuts: set[int]) -> None:
    starts = [0, *sorted(cut for cut in cuts if cut < len(numbers))]
    parts = [numbers[a:b] for a, b in zip(starts, [*starts[1:], len(numbers)], strict=True)]
    found = sums(np.array(numbers, np.int64), np.array(starts, np.int64)).tolist()

    assert all(
        got == sum(part) or (sum(part) > 2**61 and got == GREATEST) for got, part in zip(found, parts, strict=True)
    )


@given(values=st.lists(st.sampled_from(["GB", "FR", None, ""]), max_size=40))
def test_values_told_apart_are_the_same_on_a_small_column_and_a_large(values: list[str | None]) -> None:
    column = pl.Series(values, dtype=pl.String)
    for one in (column, pl.concat([column] * 200) if values else column):
        which, different = told_apart(one)
        assert [different[place] for place in which.tolist()] == one.to_list()


@settings(max_examples=25, deadline=None)
@given(consignment=strategies.consignments())
def test_a_record_survives_json(consignment: Any) -> None:
    assert msgspec.json.decode(msgspec.json.encode(consignment), type=Consignment) == consignment

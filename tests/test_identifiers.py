from __future__ import annotations

import doctest
import json
import string
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewaiter.model import identifiers

PAIRS: dict[str, tuple[Callable[[str], bool], Callable[[pl.Expr], pl.Expr]]] = {
    "is_s10": (identifiers.is_s10, lambda column: column.map_batches(identifiers.s10, return_dtype=pl.Boolean)),
    "looks_like_s10": (identifiers.looks_like_s10, identifiers.s10_form),
    "is_s9": (identifiers.is_s9, identifiers.s9),
    "is_dispatch": (identifiers.is_dispatch, identifiers.dispatch),
    "is_air_waybill": (identifiers.is_air_waybill, identifiers.air_waybill),
    "looks_like_air_waybill": (identifiers.looks_like_air_waybill, identifiers.air_waybill_form),
    "is_ucr": (identifiers.is_ucr, identifiers.ucr),
    "is_lrn": (identifiers.is_lrn, identifiers.lrn),
    "looks_like_mrn": (identifiers.looks_like_mrn, identifiers.mrn_form),
    "is_mrn": (identifiers.is_mrn, identifiers.mrn),
    "is_eori": (identifiers.is_eori, identifiers.eori),
    "is_ioss": (identifiers.is_ioss, identifiers.ioss),
    "is_voec": (identifiers.is_voec, identifiers.voec),
    "is_gb_vat": (identifiers.is_gb_vat, identifiers.gb_vat),
}

_DIGITS = string.digits
_CAPITALS = string.ascii_uppercase


def _shaped(*parts: tuple[str, int]) -> st.SearchStrategy[str]:
    return st.tuples(*(st.text(alphabet, min_size=size, max_size=size) for alphabet, size in parts)).map("".join)


NUMBERS = st.one_of(
    st.text(max_size=20),
    st.text(_DIGITS + _CAPITALS + " -()/\n", max_size=24),
    _shaped((_CAPITALS, 2), (_DIGITS, 9), (_CAPITALS, 2)),
    _shaped((_DIGITS, 11)),
    _shaped((_DIGITS, 3), ("- ", 1), (_DIGITS, 8)),
    _shaped((_DIGITS, 2), (_CAPITALS, 2), (_DIGITS + _CAPITALS, 13), (_DIGITS, 1)),
    _shaped(("GXABIM", 2), (_DIGITS, 10)),
    _shaped(("GXABIM", 2), (_DIGITS, 12)),
    _shaped((_DIGITS, 7)),
    _shaped((_CAPITALS, 12), ("ABCDE", 1), (_CAPITALS, 2), (_DIGITS, 8), ("012", 2), (_DIGITS, 4)),
    _shaped((_CAPITALS, 12), ("ABCDE", 1), (_CAPITALS, 2), (_DIGITS, 5)),
)


def test_every_example_in_the_docstrings_holds() -> None:
    failed, tried = doctest.testmod(identifiers)

    assert tried >= 12
    assert failed == 0


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.one_of(st.none(), NUMBERS), max_size=30))
def test_a_column_is_judged_as_its_texts_are(texts: list[str | None]) -> None:
    frame = pl.DataFrame({"number": pl.Series(texts, dtype=pl.String)})
    judged = frame.select(of_column(pl.col("number")).alias(name) for name, (_, of_column) in PAIRS.items())

    for name, (of_text, _) in PAIRS.items():
        assert judged[name].to_list() == [None if text is None else of_text(text) for text in texts], name


@pytest.mark.parametrize(
    ("serial", "check"), [("47312482", 9), ("28704377", 5), ("00000000", 5), ("99999999", 5), ("12345678", 5)]
)
def test_the_s10_check_digit_is_the_published_one(serial: str, check: int) -> None:
    right = [digit for digit in range(10) if identifiers.is_s10(f"RR{serial}{digit}GB")]

    assert right == [check]


@settings(deadline=None)
@given(serial=st.text(_DIGITS, min_size=8, max_size=8))
def test_every_s10_serial_has_one_check_digit(serial: str) -> None:
    assert sum(identifiers.is_s10(f"HM{serial}{digit}CN") for digit in range(10)) == 1


@settings(deadline=None)
@given(body=_shaped((_DIGITS, 2), (_CAPITALS, 2), (_DIGITS + _CAPITALS, 13)))
def test_every_mrn_has_one_check_digit(body: str) -> None:
    numbers = [f"{body}{digit}" for digit in range(10)]

    assert sum(map(identifiers.is_mrn, numbers)) == 1
    assert pl.DataFrame({"n": numbers}).select(identifiers.mrn(pl.col("n")).sum()).item() == 1


@given(text=st.one_of(NUMBERS, st.just("GBASFZMLBKONAUN30001001019999")))
def test_a_receptacle_number_is_taken_apart_without_a_character_lost(text: str) -> None:
    parts = identifiers.parts_of_s9(text)

    assert (parts is not None) is identifiers.is_s9(text)
    if parts is not None:
        assert text == (
            f"{parts.dispatch}{parts.number:03d}{parts.is_highest:d}{parts.is_registered_or_insured:d}"
            f"{parts.mass_g // 100:04d}"
        )
        assert parts.dispatch == (
            f"{parts.origin_office}{parts.destination_office}{parts.category}{parts.subclass}{parts.year}"
            f"{parts.dispatch_number:04d}"
        )
        assert identifiers.is_dispatch(parts.dispatch)


def test_published_numbers_are_judged_as_published() -> None:
    path = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "messages" / "tracking-ids" / "s10.json"
    if not path.exists():
        pytest.skip("the published numbers are not here (../shared/data/messages/tracking-ids)")
    judged = [
        (number, kind == "valid")
        for one in json.loads(path.read_text(encoding="utf-8"))["tracking_numbers"]
        for kind, numbers in one["test_numbers"].items()
        for number in numbers
        if not number.endswith("XX")  # a country that is none: for the lists of law, not for the check digit
    ]

    assert len(judged) >= 5
    assert [(number, identifiers.is_s10(identifiers.compact(number))) for number, _ in judged] == judged

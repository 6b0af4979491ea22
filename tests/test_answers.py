"""Answers side by side: each is said in every dialect that has it, and is read back as what it was."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from counting import sheet_rows
from tidewaiter import formats
from tidewaiter.formats import FORMATS, answering
from tidewaiter.formats.cargo_imp.words import plain
from tidewaiter.formats.wco_dms.pointing import wco_of
from tidewaiter.model.answer import Answer, AnswerKind, Concerned
from tidewaiter.model.finding import Finding

ROOT = Path(formats.__file__).parent
DOCS = Path(__file__).resolve().parents[1] / "docs" / "reference"
AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
OF_JSON = ("json", "amazon", "easypost", "shopify", "woocommerce")
OF_SHEETS = ("csv", "xlsx")
SAID = [pytest.param(name, kind, id=f"{name}-{kind}") for name, one in FORMATS.items() for kind in one.ANSWERS]


def places(name: str) -> list[tuple[str, str]]:
    """Pointers of ours with theirs, out of every sample of a format."""
    found: dict[str, str] = {}
    for sample in sorted(one for one in (ROOT / name / "samples").iterdir() if one.is_file()):
        for declared in FORMATS[name].read(sample.read_bytes()).declared[:1]:
            for pointer in ("/items/0/description", "/items/0/hs_code", "/reference", "/parties/0/name", "/gross_mass"):
                place = FORMATS[name].source_pointer(declared, pointer)
                # What was not sent in EDIFACT points at the whole message, which ERP has no position for.
                if place and (name != "edifact" or "segment" in place):
                    found.setdefault(pointer, place)
    return sorted(found.items())


def told_back(name: str, data: bytes) -> tuple[str, list[str]]:
    """The kind and the places of the one answer in a message: as our readers have it, else as anybody would look."""
    if name in OF_JSON:
        [answer] = msgspec.json.decode(data, type=list[Answer])
    elif name in OF_SHEETS:
        rows = sheet_rows(data) if name == "xlsx" else list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
        [told] = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
        return told["status"], [told["row"]]
    elif name == "asycuda":
        root = etree.fromstring(data)
        return root.findtext("Answer") or "", [one.text or "" for one in root.iter("Element")]
    else:
        [answer] = FORMATS[name].read(data).answers
    return answer.kind, [one.source_pointer or one.pointer for one in answer.findings] + [
        one.pointer for one in answer.errors
    ]


def as_pointed(name: str, place: str) -> str:
    """A place of a message as answers of that dialect point at it."""
    if name == "cargo_imp":
        return plain(place)
    if name == "edifact":  # in an answer, of the segments of the message that it is about
        return place.split(", ", 2)[-1]
    if name in OF_SHEETS:
        return place.split(",", maxsplit=1)[0].removeprefix("row ")
    return wco_of(place) if name == "wco_dms" else place


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.parametrize(("name", "kind"), SAID)
@given(draw=st.data())
def test_an_answer_is_read_back_as_the_same_with_the_same_pointer(
    name: str, kind: AnswerKind, draw: st.DataObject
) -> None:
    pointer, place = draw.draw(st.sampled_from(places(name)))
    fault = Finding(
        code="GDS-03",
        severity="error",
        pointer=pointer,
        source_pointer=place,
        text="Wrong.",
        remedy="Mend it.",
        law="x",
    )
    concerned = Concerned(function="amendment") if kind == "amendment_result" else None
    answer = Answer(
        kind=kind, id="ANSWER-1", reference="ORDER-1", mrn="26GB00000000000001", sent_at=AT, effective_at=AT,
        findings=(fault,), concerned=concerned,
    )  # fmt: skip
    said, pointed = told_back(name, FORMATS[name].answer([answer]))
    alike = [other for other, text in FORMATS[name].ANSWERS.items() if text.endswith(FORMATS[name].ANSWERS[kind])]

    assert said in alike
    if pointed and FORMATS[name].POINTERS:
        assert pointed == [as_pointed(name, place)]


def test_every_kind_has_words_and_every_dialect_says_what_is_refused() -> None:
    kinds = get_args(AnswerKind)

    assert tuple(answering.KINDS) == kinds
    for name, one in FORMATS.items():
        assert "rejected" in one.ANSWERS, name
        assert set(one.ANSWERS) <= set(kinds), name


def test_the_page_is_made_from_the_tables() -> None:
    assert (DOCS / "answers.md").read_text(encoding="utf-8") == answering.page()

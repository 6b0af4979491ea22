"""A seller's sheet through the store: twice is once, good rows stay in, and what headings stand for is remembered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import make
from test_services_lodge import counted
from tidewaiter import formats
from tidewaiter.formats.xlsx.writing import workbook
from tidewaiter.law import Law
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import Lodged, lodge
from tidewaiter.store import Store

pytestmark = pytest.mark.anyio
AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
HEADS = [
    "reference", "destination", "description", "hs_code", "origin", "quantity", "line_total", "currency", "weight g",
    "category", "recipient", "recipient_city", "recipient_postcode", "recipient_country", "recipient_street",
    "sender", "sender_city", "sender_street", "sender_country", "sender_postcode",
]  # fmt: skip
WHO = ["sale", "Pat Example", "Leeds", "LS1 1AB", "GB", "1 Example Road",
       "Example Shop", "Sampletown", "8 Sample Road", "CN", "000000"]  # fmt: skip
GOOD = ["A-1", "GB", "Ceramic bowl", "691200", "CN", "1", "5.50", "GBP", "400", *WHO]
BAD = ["B-1", "GB", "Ceramic cup", "691200", "CN", "two", "4.50", "GBP", "300", *WHO]


class Counter:
    """Where one filer lodges his sheets."""

    def __init__(self, store: Store, law: Law, filer: str) -> None:
        self.store, self.law, self.filer = store, law, filer

    async def lodge(self, data: bytes, columns: dict[str, str] | None = None, *, hours: int = 0) -> Lodged:
        message = Message(source="test", data=data, sender=self.filer, columns=columns or {})
        return await lodge(message, store=self.store, law=self.law, at=AT + timedelta(hours=hours))

    async def counted(self) -> dict[str, int]:
        return await counted(self.store)


@pytest.fixture
def counter(store: Store, law: Law, filer: str) -> Counter:
    return Counter(store, law, filer)


def text(*rows: list[str]) -> bytes:
    return "\n".join(";".join(row) for row in rows).encode()


@pytest.mark.parametrize("packed", [text, lambda *rows: workbook(rows)])
async def test_the_same_sheet_twice_changes_nothing(counter: Counter, packed: object) -> None:
    assert callable(packed)
    data = packed(HEADS, GOOD, BAD)
    first = await counter.lodge(data)
    before = await counter.counted()
    second = await counter.lodge(data, hours=30)

    assert [one.decision.control != "not_accepted" for one in first.results] == [True, False]
    assert second.is_repeat
    assert await counter.counted() == before
    assert (second.results, second.answer) == (first.results, first.answer)


@pytest.mark.parametrize("packed", [text, lambda *rows: workbook(rows)])
async def test_good_rows_stay_in_and_bad_rows_come_back_are_mended_and_go_in(counter: Counter, packed: object) -> None:
    assert callable(packed)
    data = packed(HEADS, GOOD, BAD)
    first = await counter.lodge(data)
    findings = [*first.findings, *(finding for one in first.results for finding in one.findings)]
    back = formats.rows_returned(data, findings, format=first.format)
    again = await counter.lodge(back)

    assert [one.reference for one in again.results] == ["B-1"]
    assert again.results[0].decision.control == "not_accepted"

    mended = packed(HEADS, [*BAD[:5], "2", *BAD[6:]])
    last = await counter.lodge(mended)
    assert [one.decision.control != "not_accepted" for one in last.results] == [True]


async def test_the_whole_sheet_lodged_again_with_the_bad_row_mended_adds_that_row_alone(counter: Counter) -> None:
    await counter.lodge(text(HEADS, GOOD, BAD))
    before = await counter.counted()
    mended = await counter.lodge(text(HEADS, GOOD, [*BAD[:5], "2", *BAD[6:]]))
    after = await counter.counted()

    assert after["consignments"] == before["consignments"] + 1
    assert after["repeats"] == before["repeats"] + 1
    assert not mended.is_repeat


OWN = {"Nummer": "reference", "wohin": "destination", "Was": "description"}


def own(*references: str) -> bytes:
    return text(["Nummer", "wohin", "Was", *HEADS[3:]], *([reference, *GOOD[1:]] for reference in references))


async def test_what_headings_stand_for_is_said_once(counter: Counter) -> None:
    unread = await counter.lodge(own("C-1"))
    told = await counter.lodge(own("C-1"), OWN)
    same = await counter.lodge(own("C-1"))
    later = await counter.lodge(own("C-2"))

    assert not unread.results
    assert not told.is_repeat
    assert [one.reference for one in told.results] == ["C-1"]
    assert same.is_repeat
    assert same.results == told.results
    assert [one.reference for one in later.results] == ["C-2"]


async def test_it_is_remembered_for_those_headings_of_that_filer_alone_and_the_last_word_holds(
    counter: Counter, store: Store, law: Law
) -> None:
    await counter.lodge(own("D-1"), OWN)
    before = await counter.counted()
    await counter.lodge(own("D-2"), OWN)
    other = await Counter(store, law, f"{counter.filer}-2").lodge(own("D-3"))
    changed = await counter.lodge(own("D-4"), OWN | {"Was": ""})
    after = await counter.lodge(own("D-5"))

    assert (await counter.counted())["consignments"] == before["consignments"] + 3
    assert not other.results
    assert {one.decision.control for one in (*changed.results, *after.results)} == {"not_accepted"}


async def test_a_message_that_is_no_sheet_has_no_columns(counter: Counter) -> None:
    data = formats.FORMATS["json"].write([make.consignment()])
    first = await counter.lodge(data, OWN)

    assert len(first.results) == 1
    assert (await counter.lodge(data)).is_repeat

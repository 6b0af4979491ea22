"""The stratified half of the random draw: rare kinds are seen too, and an auditor draws again from what is stored."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b

import msgspec
import polars as pl
import pytest

from make import blind, consignment, item
from tidewaiter.law import Law, load
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Consignment
from tidewaiter.risk import draws
from tidewaiter.risk.drawing import stratum_of
from tidewaiter.risk.origins import origin_group
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import Desk, Lodged, Lodging, lodge_all
from tidewaiter.services.stratify import stratify
from tidewaiter.store import Store, open_store

BEGIN = datetime(2026, 11, 2, 8, tzinfo=UTC)
SHARE = 200_000


@pytest.fixture(scope="module")
def drawing() -> Law:
    """A law whose draw is a fifth, and whose profiles look at no past."""
    return dataclasses.replace(blind(load()), draw_share_ppm=SHARE)


@pytest.fixture
async def store(database_url: str, new_schema: Callable[[], str]) -> AsyncIterator[Store]:
    opened = await open_store(database_url, schema=new_schema(), connections_max=3)
    yield opened
    await opened.close()


def shirt(number: int) -> Consignment:
    return consignment(reference=f"R-{number}", items=(item(price="40.00 GBP"),), tracking_id=None)


def pan(number: int) -> Consignment:
    """What seldom comes: steel from Brazil."""
    goods = item(hs_code="7323930000", description="Steel pan", origin_country="BR", price="40.00 GBP")
    return consignment(reference=f"R-{number}", items=(goods,), tracking_id=None)


def again(key: bytes, country: str, reference: str, *, simple_ppm: int, stratified_ppm: int) -> bool:
    """Whether it is drawn, reckoned apart from the code of the house."""
    told = f"{country}\n{reference}".encode()
    one, two = (
        int.from_bytes(blake2b(told, key=key, digest_size=8, person=purpose).digest(), "big")
        for purpose in (b"", b"stratified")
    )
    return one < simple_ppm * 2**64 // 1_000_000 or two < stratified_ppm * 2**64 // 1_000_000


def test_both_halves_together_come_to_the_share_and_to_all_of_it_at_the_whole() -> None:
    batch = Batch.of([shirt(number) for number in range(3_000)])
    of_another_kind = {"GB": {"15/americas/post": 1}}
    for share, strata in itertools.product((0, 10_000, SHARE, 1_000_000), ({}, of_another_kind)):
        law = dataclasses.replace(load(), draw_share_ppm=share).with_profiles((), strata)
        told = draws(dataclasses.replace(batch), law)
        spread = 4 * (3_000 * share * (1_000_000 - share)) ** 0.5 / 1_000_000

        assert abs(int(told["is_drawn"].sum()) - 3_000 * share / 1_000_000) <= spread
        assert set(told["drawn_ppm"].to_list()) <= {share, share + 1}


def test_what_is_rare_is_drawn_more_often_and_nothing_else_of_the_goods_counts(drawing: Law) -> None:
    strata = {"11/asia/post": 1_000, "15/americas/post": 900_000}
    assert [stratum_of(shirt(0)), stratum_of(pan(0))] == list(strata)
    law = drawing.with_profiles((), {"GB": strata})
    records = [shirt(number) if number % 2 else pan(number) for number in range(600)]
    told = draws(Batch.of(records), law)
    alone = [draws(Batch.of([record]), law).row(0)[1:] for record in records[:60]]
    by_kind = told.with_columns(is_shirt=pl.Series([number % 2 == 1 for number in range(600)]))
    rates = dict(by_kind.group_by("is_shirt").agg(pl.col("is_drawn").mean()).iter_rows())

    assert alone == [row[1:] for row in told.head(60).iter_rows()]
    assert rates[False] > 0.8
    assert rates[True] < 0.2
    assert set(told["drawn_ppm"].to_list()) == {100_000 + 900_000 * 1_000 // 10**6, 100_000 + 900_000 * 9 // 10}
    assert law.risk_digest != drawing.risk_digest
    assert law.digest == drawing.digest


def test_what_is_no_import_to_be_profiled_is_not_drawn_from(drawing: Law) -> None:
    amendment = msgspec.structs.replace(shirt(1), function="amendment", mrn="26GB00000000000001", version=2)
    told = draws(Batch.of([shirt(0), amendment, msgspec.structs.replace(shirt(2), direction="export")]), drawing)

    assert told["drawn_ppm"].is_null().to_list() == [False, True, True]
    assert told["is_drawn"].to_list()[1:] == [False, False]


@pytest.mark.parametrize(
    ("country", "group"), [("CN", "asia"), ("NA", "africa"), ("BR", "americas"), ("FR", "europe"), ("NZ", "oceania"),
                           ("ZZ", ""), (None, "")],
)  # fmt: skip
def test_a_country_is_in_one_group_of_origins(country: str | None, group: str) -> None:
    assert origin_group(country) == group


async def lodged(store: Store, law: Law, records: list[Consignment], at: datetime) -> None:
    message = Message(source="test", data=msgspec.json.encode(records), sender="shop", received_at=at)
    [done] = await lodge_all([Lodging(message)], Desk(store=store, law=law))
    assert isinstance(done, Lodged), done


@pytest.mark.anyio
async def test_an_auditor_with_the_key_draws_again_from_what_is_stored(store: Store, drawing: Law) -> None:
    await lodged(
        store, drawing, [shirt(number) for number in range(90)] + [pan(number) for number in range(90, 100)], BEGIN
    )
    table = await stratify("GB", store=store, law=drawing, at=BEGIN + timedelta(days=1))
    after = [shirt(number) if number % 4 else pan(number) for number in range(100, 260)]
    await lodged(store, drawing, after, BEGIN + timedelta(days=2))

    assert table.counts == {"11/asia/post": 90, "15/americas/post": 10}
    assert table.strata == {"11/asia/post": 61_728, "15/americas/post": 555_560}
    async with store._pool.acquire() as connection:
        rows = await connection.fetch(
            "select c.jurisdiction, c.reference, c.received_at, d.drawn_ppm, r.strata as tables, exists (select from"
            " signals s where s.consignment_id = c.id and s.profile = 'random') as is_drawn from consignments c"
            " join decisions d on d.consignment_id = c.id join risk_rulesets r on r.digest = d.risk_digest"
            " order by c.id"
        )
        kept = {row["number"]: row for row in await connection.fetch("select * from draw_strata")}
    stored = await store.consignments([id for number in range(260) for id in await store.ids_of(f"R-{number}")])
    strata = {one.record.reference: stratum_of(one.record) for one in stored.values()}
    seen: Counter[tuple[str, bool]] = Counter()
    for row in rows:
        # Half of the share, and the other half by the table that held; before there was one, all of it from all alike.
        numbers = msgspec.json.decode(row["tables"])
        probabilities = msgspec.json.decode(kept[numbers[0]]["strata"]) if numbers else {}
        simple, own = (SHARE // 2, probabilities[strata[row["reference"]]]) if numbers else (SHARE, 0)
        drawn = again(drawing.draw_key, row["jurisdiction"], row["reference"], simple_ppm=simple, stratified_ppm=own)
        assert row["is_drawn"] == drawn
        assert row["drawn_ppm"] == simple + (10**6 - simple) * own // 10**6
        assert bool(numbers) == (row["received_at"].date() > date(2026, 11, 2))
        seen[strata[row["reference"]], drawn] += 1

    assert len(rows) == 260
    assert len(seen) == 4
    judged = await store.inspections.judged(
        jurisdiction="GB", since=date(2026, 11, 1), until=date(2026, 12, 1), after=0, size=1_000
    )
    assert [one.drawn_ppm for one in judged] == [row["drawn_ppm"] for row in rows]

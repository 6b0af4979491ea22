"""Documents of a sale that do not agree: risk sees it at the counter, and the same comes out again of what is kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from test_services_match import Counter
from tidewaiter.access import Principal
from tidewaiter.law import Law
from tidewaiter.services.explain import explain
from tidewaiter.store import Store

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
OFFICER = Principal(id="o.officer", kind="person", role="officer", country="CN")
MISMATCH = "fiction-document-mismatch"


async def seen(counter: Counter) -> list[tuple[str, int, str]]:
    """What the detector says of the list that was lodged last, and how it comes out again."""
    [*_, id] = await counter.store.ids_of(f"LIST-{counter.mark}-0001")
    told = await explain(id, principal=OFFICER, store=counter.store, law=counter.law, at=NOW)
    assert told.again == "same"
    return [
        (one.signal.profile, one.signal.score, one.signal.reason)
        for one in told.reasons
        if one.signal.profile == MISMATCH
    ]


async def test_a_list_that_says_another_quantity_than_its_order_is_seen_by_risk_and_not_told_to_the_filer(
    store: Store, watchful: Law, filer: str
) -> None:
    counter = Counter(store, watchful, filer)
    for name in ("waybill-511", "order-311", "payment-411"):
        await counter.lodge(name)
    lodged = await counter.lodge("list-621", "<ceb:qty>2<", "<ceb:qty>3<")

    [(_, score, reason)] = await seen(counter)
    assert score == 100
    assert reason.startswith("2 mistakes were found") or reason.startswith("1 mistakes were found")
    assert MISMATCH.encode() not in lodged.answer
    assert b"mistakes were found" not in lodged.answer


async def test_a_list_whose_documents_agree_is_not(store: Store, watchful: Law, filer: str) -> None:
    counter = Counter(store, watchful, filer)
    for name in ("waybill-511", "order-311", "payment-411"):
        await counter.lodge(name)
    await counter.lodge("list-621")

    assert await seen(counter) == []

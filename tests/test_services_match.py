"""Documents of trade through the door and the store: they wait, meet, are told to who declares, and are overdue."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs

from conftest import NOW
from tidewaiter.formats import Reading, Told, ceb
from tidewaiter.law import Law
from tidewaiter.model.trade import TradeDocument
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import Lodged, lodge
from tidewaiter.services.match import match_orders, minded, overdue
from tidewaiter.store import Store

pytestmark = pytest.mark.anyio
SAMPLES = Path(ceb.__file__).parent / "samples"


class Counter:
    """Lodges samples under numbers of their own, so that no other test's documents are met."""

    def __init__(self, store: Store, law: Law, filer: str) -> None:
        self.store, self.law, self.filer = store, law, filer
        self.mark = secrets.token_hex(3).upper()
        self.at = NOW

    async def lodge(self, name: str, before: str = "", after: str = "") -> Lodged:
        text = (SAMPLES / f"{name}.xml").read_text(encoding="utf-8")
        assert before in text
        text = re.sub(
            r"(ORDER|PAY|WAY|LIST)-SAMPLE", rf"\1-{self.mark}", text.replace(before, after) if before else text
        )
        self.at += timedelta(minutes=1)
        return await lodge(
            Message(source="test", data=text.encode(), sender=f"{self.filer}-{name}"),
            store=self.store,
            law=self.law,
            at=self.at,
        )

    @property
    def order(self) -> tuple[str, str]:
        return "CN", f"ORDER-{self.mark}-0001"


@pytest.fixture
def counter(store: Store, law: Law, filer: str) -> Counter:
    return Counter(store, law, filer)


async def found_at_last(counter: Counter, hours: int = 1) -> list[str]:
    matches = await match_orders([counter.order], store=counter.store, law=counter.law, at=NOW + timedelta(hours=hours))
    return [mismatch.kind.code for one in matches for mismatch in one.mismatches]


async def test_an_order_is_kept_and_answered_by_a_receipt_of_its_own(counter: Counter) -> None:
    lodged = await counter.lodge("order-311")

    assert lodged.findings == ()
    assert b"CEB312Message" in lodged.answer
    assert b"<returnStatus>120<" in lodged.answer
    [found] = await match_orders([counter.order], store=counter.store, law=counter.law, at=counter.at)
    assert (found.state, [one.kind for one in found.documents]) == ("waiting", ["order"])


async def test_three_documents_that_agree_let_the_list_be_accepted(counter: Counter) -> None:
    for name in ("waybill-511", "order-311", "payment-411"):
        await counter.lodge(name)
    lodged = await counter.lodge("list-621")
    [result] = lodged.results

    assert [one.code for one in result.findings if one.code.startswith("MTC")] == ["MTC-15"]  # the list is not signed
    assert result.decision.control != "not_accepted"
    assert await found_at_last(counter) == []


async def test_a_list_without_its_documents_is_not_accepted_and_may_come_again(counter: Counter) -> None:
    await counter.lodge("order-311")
    early = await counter.lodge("list-621")
    missing = [one.text for one in early.results[0].findings if one.code == "MTC-01"]
    for name in ("waybill-511", "payment-411"):
        await counter.lodge(name)
    later = await counter.lodge("list-621", "<ceb:appTime>20261102101500<", "<ceb:appTime>20261102101600<")

    assert early.results[0].decision.control == "not_accepted"
    assert ["payment" in missing[0], "waybill" in missing[1]] == [True, True]
    assert later.results[0].decision.control != "not_accepted"
    assert await found_at_last(counter) == []


async def test_what_differs_is_told_to_the_declarant_with_both_places(counter: Counter) -> None:
    for name in ("waybill-511", "order-311", "payment-411"):
        await counter.lodge(name)
    lodged = await counter.lodge("list-621", "<ceb:qty>2<", "<ceb:qty>3<")
    [found] = [one for one in lodged.results[0].findings if one.code == "MTC-07"]

    assert found.pointer == "/items/0/quantity"
    assert found.source_pointer == "/ceb:CEB621Message/ceb:Inventory[1]/ceb:InventoryList[1]/ceb:qty"
    assert f"order ORDER-{counter.mark}-0001 of 3100960A01 at /ceb:CEB311Message" in found.text
    assert lodged.results[0].decision.control == "not_accepted"


async def test_a_payment_that_is_short_is_found_by_whoever_looks(counter: Counter) -> None:
    for name in ("order-311", "waybill-511"):
        await counter.lodge(name)
    await counter.lodge("payment-411", "<ceb:amountPaid>464.13<", "<ceb:amountPaid>464.12<")

    assert await found_at_last(counter) == ["MTC-02"]

    await counter.lodge(
        "payment-411", "<ceb:appType>1</ceb:appType>\n      <ceb:appTime>20261102101500<",
        "<ceb:appType>2</ceb:appType>\n      <ceb:appTime>20261102101700<",
    )  # fmt: skip

    assert await found_at_last(counter) == []


async def test_one_payment_for_two_orders_is_found_across_messages(counter: Counter) -> None:
    await counter.lodge("order-311")
    await counter.lodge("payment-411")
    await counter.lodge("payment-411", "ORDER-SAMPLE-0001", "ORDER-SAMPLE-0009")

    assert await found_at_last(counter) == ["MTC-09"]


async def test_a_document_with_an_error_does_not_wait(counter: Counter) -> None:
    lodged = await counter.lodge("payment-411", "<ceb:amountPaid>464.13<", "<ceb:amountPaid>much<")

    assert [one.code for one in lodged.findings] == ["CEB-02"]
    assert b"<returnStatus>100<" in lodged.answer
    assert await match_orders([counter.order], store=counter.store, law=counter.law, at=counter.at) == []


async def test_the_same_message_twice_waits_once(counter: Counter) -> None:
    await counter.lodge("order-311")
    counter.at -= timedelta(minutes=1)
    again = await counter.lodge("order-311")
    [found] = await match_orders([counter.order], store=counter.store, law=counter.law, at=counter.at)

    assert again.is_repeat
    assert len(found.documents) == 1


async def test_what_has_not_come_in_time_is_overdue(counter: Counter) -> None:
    await counter.lodge("order-311")

    async def late(hours: int) -> list[str]:
        at = NOW + timedelta(hours=hours)
        found = await overdue("CN", store=counter.store, law=counter.law, at=at, since=NOW - timedelta(days=1))
        return [one.order for one in found]

    assert counter.order[1] not in await late(336)
    assert counter.order[1] in await late(337)


async def test_nothing_personal_is_among_what_waits(counter: Counter, store: Store) -> None:
    for name in ("order-311", "payment-411", "waybill-511"):
        await counter.lodge(name)
    waiting = await store.trade_documents(orders=[counter.order], named=[])

    assert len(waiting) == 3
    for one in waiting:
        told = repr(one)
        assert not any(value in told for value in ("示例", "13900000000", "999999199001010"))


@pytest.mark.parametrize(("signer", "code"), [(None, ["MTC-15"]), ("a" * 64, ["MTC-16"]), ("b" * 64, [])])
def test_what_law_wants_signed_must_be_signed_by_somebody_known(law: Law, signer: str | None, code: list[str]) -> None:
    reading = ceb.read((SAMPLES / "list-621.xml").read_bytes())
    minding = minded(structs.replace(reading, signer=signer), law, NOW, signers={"b" * 64})

    assert [finding.code for finding in minding.declared[0].findings] == code


def test_how_grave_it_is_that_something_is_not_signed_is_for_law_to_say(law: Law) -> None:
    payment = TradeDocument(kind="payment", number="P-1", jurisdiction="ZZ")
    order = TradeDocument(kind="order", number="O-1", jurisdiction="ZZ")
    reading = Reading(format="ceb", documents=(Told(document=payment), Told(document=order)))
    told = [told.findings for told in minded(reading, law, NOW, signers=()).documents]

    assert [[(one.code, one.severity) for one in findings] for findings in told] == [[("MTC-15", "error")], []]
    assert told[0][0].law == "Distance Sales Order 2025 of Zedland (made up)"

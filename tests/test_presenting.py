"""Goods that are declared before they are there: they wait, and are decided on as they are presented."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from make import consignment, item, party
from tidewaiter.access import OPEN, Principal
from tidewaiter.clearance import REASONS
from tidewaiter.law import Law
from tidewaiter.model.consignment import Consignment
from tidewaiter.services.acting import CannotNow
from tidewaiter.services.ask import ask
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import Desk, Lodged, Lodging, lodge_all
from tidewaiter.services.present import Presentation, present
from tidewaiter.services.refuse import refuse
from tidewaiter.services.release import release
from tidewaiter.services.repeat import signals_again
from tidewaiter.services.show import show_to_filer, show_to_officer
from tidewaiter.store import Store, StoredConsignment

pytestmark = pytest.mark.anyio
BEGIN = datetime(2026, 10, 30, 8, tzinfo=UTC)
ARRIVED = BEGIN + timedelta(days=4)
OFFICER = Principal(id="o.one", kind="person", role="officer", country="GB")
CARRIER = Principal(id="carrier-1", kind="machine", role="carrier", filer="shop")
WAITS = "It is lodged, and waits for the goods to be presented."


@pytest.fixture
def store(own_store: Store) -> Store:
    return own_store


def parcel(reference: str, *, to: str = "07700 900123", **what: Any) -> Consignment:
    """A parcel that is declared before it is there, to whoever has this telephone."""
    parties = (
        party("seller", name="Example Trading Ltd"),
        party("consignee", name=f"Pat {reference}", street=f"{reference} Sample Street", postcode=reference, phone=to),
    )
    given = {
        "items": (item(price="60.00 GBP"),), "parties": parties, "tracking_id": None, "declaration_type": "IMD", **what
    }  # fmt: skip
    return consignment(reference=reference, **given)


async def lodged(desk: Desk, *records: Consignment, hours: float = 0, filer: str = "shop") -> Lodged:
    at = BEGIN + timedelta(hours=hours)
    message = Message(source="test", data=msgspec.json.encode(records), sender=filer, received_at=at)
    [done] = await lodge_all([Lodging(message)], desk)
    assert isinstance(done, Lodged), done
    return done


async def presented(
    desk: Desk, *references: str, at: datetime = ARRIVED, by: Principal = OPEN, filer: str = "shop"
) -> list[Presentation]:
    return await present(references, filer=filer, principal=by, desk=desk, at=at)


async def one(store: Store, reference: str) -> StoredConsignment:
    id = (await store.ids_of(reference))[0]
    return (await store.consignments([id]))[id]


async def splits(store: Store, references: Sequence[str]) -> list[bool]:
    """Of each, whether it is seen as part of a split purchase."""
    ids = [(await store.ids_of(reference))[0] for reference in references]
    signals = await store.inspections.signals_of(ids)
    return [any("splitting" in profile for profile, *_ in signals.get(id, [])) for id in ids]


async def test_what_is_declared_ahead_waits_and_owes_nothing_until_the_goods_are_there(store: Store, law: Law) -> None:
    desk = Desk(store=store, law=law)
    done = await lodged(desk, parcel("A", items=(item(price="400.00 GBP"),)))

    before = await one(store, "A")
    assert (before.security, before.control) == ("pending", "lodged")
    assert done.results[0].decision.reasons == (WAITS,)
    assert WAITS in REASONS
    behind = await store.behind(before.id)
    assert behind.postings == ()
    assert [told.answer.kind for told in behind.answers] == ["received", "tax_indicative"]

    [told] = await presented(desk, "A")
    now = await one(store, "A")
    behind = await store.behind(now.id)

    assert (told.came, told.consignment, told.control, told.mrn) == ("presented", now.id, "released", now.mrn)
    assert (now.security, now.control) == ("assessment_complete", "released")
    assert [told.answer.kind for told in behind.answers] == [
        "received", "tax_indicative", "accepted", "tax_final", "released",
    ]  # fmt: skip
    assert [made.decided_by for made in behind.decisions] == ["corridor", "corridor"]
    assert [made.decided_at for made in behind.decisions] == [BEGIN, ARRIVED]
    posted = sum(leg.debit_micro for leg in behind.postings)
    due = sum(float(charge.amount or 0) for charge in now.cleared.charges)
    assert posted == round(due * 1_000_000) > 0


async def test_the_law_is_that_of_the_day_on_which_the_goods_are_there(store: Store, law: Law) -> None:
    """In Zedland a euro was two dollars until July, and two and a half since."""
    desk = Desk(store=store, law=law)
    goods = item(price="100.00 EUR", hs_code="61091000", procedure="40", additional_procedures=())
    record = parcel("A", jurisdiction="ZZ", items=(goods,), channel="express")
    june, july = datetime(2026, 6, 29, 10, tzinfo=UTC), datetime(2026, 7, 3, 10, tzinfo=UTC)
    await lodged(desk, record, hours=(june - BEGIN) / timedelta(hours=1))
    before = await one(store, "A")
    await presented(desk, "A", at=july)
    now = await one(store, "A")

    assert (before.cleared.accepted_on, now.cleared.accepted_on) == (date(2026, 6, 29), date(2026, 7, 3))
    assert now.record.accepted_on == date(2026, 7, 3)
    duties = [[charge.amount for charge in stored.cleared.charges if charge.type == "duty"] for stored in (before, now)]
    assert duties == [["28.50"], ["35.60"]]  # 14.25 % of 200 and of 250, cut off to the coin of five cents
    assert now.cleared.totals.duty == "35.60"
    debit = sum(leg.debit_micro for leg in (await store.behind(now.id)).postings if leg.charge == "duty:Z10")
    assert debit == 35_600_000
    shown = await show_to_filer("A", filer="shop", store=store)
    assert shown is not None
    assert shown.stored.cleared == now.cleared


async def test_of_a_split_purchase_the_first_parcel_too_is_seen_when_all_have_come(store: Store, watchful: Law) -> None:
    desk = Desk(store=store, law=watchful)
    references = [f"R{number}" for number in range(5)]
    for number, reference in enumerate(references):
        await lodged(desk, parcel(reference), hours=14 * number)
    await lodged(desk, parcel("OTHER", to="07700 900999"), hours=60)
    assert await splits(store, [*references, "OTHER"]) == [False, False, True, True, True, False]

    told = await presented(desk, *references, "OTHER")

    assert await splits(store, [*references, "OTHER"]) == [True, True, True, True, True, False]
    assert [one.control for one in told] == ["documents_requested"] * 5 + ["released"]
    ids = [(await store.ids_of(reference))[0] for reference in (*references, "OTHER")]
    assert set((await signals_again(ids, store=store, law=watchful, at=ARRIVED)).values()) == {"same"}
    said = msgspec.json.encode((told, await show_to_filer("R0", filer="shop", store=store)))
    assert b"splitting" not in said
    assert b"seller in" not in said
    shown = await show_to_officer(ids[0], store=store, at=ARRIVED)
    assert shown is not None
    assert any("others from this seller" in signal.reason for signal in shown.signals)


async def test_parcels_of_one_message_are_seen_as_soon_as_they_are_presented(store: Store, watchful: Law) -> None:
    """They have one instant and one seller: each counts the others, and not itself."""
    desk = Desk(store=store, law=watchful)
    await lodged(desk, *(parcel(f"S{number}") for number in range(4)))
    await presented(desk, "S0", at=BEGIN + timedelta(hours=2))
    figures = await store.inspections.known_before([(await store.ids_of("S0"))[0]])
    [recent] = [msgspec.json.decode(told)["recent"] for told in figures.values()]
    assert recent[0] == recent[2] == 3
    assert recent[1] == 3 * 60_000_000


async def test_goods_are_presented_once_and_by_their_own_filer(store: Store, law: Law) -> None:
    desk = Desk(store=store, law=law)
    await lodged(desk, parcel("A"), parcel("B", declaration_type="IMA"))
    mrn = (await one(store, "A")).mrn
    assert mrn is not None
    assert [told.came for told in await presented(desk, "A", mrn, filer="another")] == ["unknown", "unknown"]
    assert [told.came for told in await presented(desk, "A", by=OFFICER)] == ["unknown"]

    first = await presented(desk, mrn, "B", "Z\x00", "never lodged", by=CARRIER)
    again = await presented(desk, "A", "A", at=ARRIVED + timedelta(days=1))

    assert [told.came for told in first] == ["presented", "not_awaited", "unknown", "unknown"]
    assert [told.came for told in again] == ["before", "before"]
    now = await one(store, "A")
    assert now.presented_at == ARRIVED
    assert len((await store.behind(now.id)).decisions) == 2


async def test_of_two_that_present_the_same_at_once_one_does(store: Store, law: Law) -> None:
    desk = Desk(store=store, law=law)
    references = [f"T{number}" for number in range(6)]
    await lodged(desk, *map(parcel, references))
    runs = await asyncio.gather(*(presented(desk, *(references if n % 2 else references[::-1])) for n in range(6)))
    came = [told for run in runs for told in run if told.came == "presented"]
    assert sorted(told.reference for told in came) == references
    assert {told.came for run in runs for told in run} == {"presented", "before"}
    for reference in references:
        behind = await store.behind((await one(store, reference)).id)
        assert len(behind.decisions) == 2
        assert sum(leg.debit_micro - leg.credit_micro for leg in behind.postings) == 0


async def test_a_declaration_does_not_wait_for_ever(store: Store, watchful: Law) -> None:
    """It is as if it had never been lodged: its reference may be used again, and it counts for nobody."""
    desk = Desk(store=store, law=watchful)
    await lodged(desk, parcel("OLD"))
    late = BEGIN + timedelta(days=31)
    [told] = await presented(desk, "OLD", at=late)
    assert (told.came, told.control) == ("presented", "not_accepted")
    stored = await one(store, "OLD")
    [finding] = [one for one in stored.cleared.findings if one.severity == "error"]
    assert (finding.code, finding.pointer) == ("LDG-04", "/declaration_type")
    assert "30 days" in finding.text
    assert "952/2013" in finding.law or "guide" in finding.law
    assert [one.answer.kind for one in (await store.behind(stored.id)).answers][-1] == "rejected"
    assert (await store.behind(stored.id)).postings == ()

    again = await lodged(desk, parcel("OLD"), hours=31 * 24 + 1)
    # The same bytes are the same message, whatever became of it.
    assert again.is_repeat
    fresh = await lodged(desk, parcel("OLD"), parcel("NEW"), hours=31 * 24 + 2)
    assert [one.decision.control for one in fresh.results] == ["lodged", "lodged"]
    figures = await store.inspections.known_before([(await store.ids_of("NEW"))[0]])
    [recent] = [msgspec.json.decode(told)["recent"] for told in figures.values()]
    assert recent[6] == 1  # the parcel beside it, and not the one of a month ago


async def test_nobody_releases_or_holds_what_is_not_there(store: Store, law: Law) -> None:
    desk = Desk(store=store, law=law)
    await lodged(desk, parcel("A"))
    id = (await one(store, "A")).id
    given: dict[str, Any] = {"principal": OFFICER, "store": store, "at": ARRIVED}
    with pytest.raises(CannotNow, match="state"):
        await release(id, "Looks all right", **given)
    with pytest.raises(CannotNow, match="state"):
        await refuse(id, "prohibited", "Not wanted here", **given)
    with pytest.raises(CannotNow, match="state"):
        await ask(id, "control", ["invoice"], "Which goods are they?", **given)
    await ask(id, "security", ["description"], "Which goods are they?", **given)

    [told] = await presented(desk, "A", at=ARRIVED + timedelta(hours=1))
    # What was asked is still to be answered.
    assert (told.security, told.control) == ("information_requested", "released")


async def test_what_was_lodged_stays_as_it_was(store: Store, law: Law) -> None:
    """Not even a program that goes wrong changes more than the day and what follows from it, and that but once."""
    await lodged(Desk(store=store, law=law), parcel("A"))
    await presented(Desk(store=store, law=law), "A")
    await lodged(Desk(store=store, law=law), parcel("B"))
    accepted, awaited = [(await one(store, reference)).id for reference in ("A", "B")]
    async with store._pool.acquire() as connection:
        for change, id in (
            ("duty_micro = 1", accepted),
            ("accepted_on = '2026-12-01'", accepted),
            ("duty_micro = 1", awaited),
            ("control = 'released', reference = 'C'", awaited),
            ("control = 'released', record = record || '{\"reference\": \"C\"}'", awaited),
        ):
            with pytest.raises(asyncpg.RestrictViolationError):
                await connection.execute(f"update consignments set {change} where id = $1", id)

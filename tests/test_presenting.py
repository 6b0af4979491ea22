"""Goods that are declared before they are there: they wait, and are decided on as they are presented."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from typer.testing import CliRunner

from guarded import bearer, client, guarded, session
from make import consignment, item, party, tracking_id
from tidewaiter import server
from tidewaiter.access import OPEN, Principal
from tidewaiter.clearance import CHANGED, REASONS
from tidewaiter.cli import app
from tidewaiter.formats import post, wco_dms
from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Change, Consignment
from tidewaiter.model.movement import ItemEvent
from tidewaiter.services import present as presenting
from tidewaiter.services.acting import CannotNow
from tidewaiter.services.ask import ask
from tidewaiter.services.clear import Message, verdicts_of
from tidewaiter.services.complete import complete
from tidewaiter.services.gathering import Flooding, Full
from tidewaiter.services.lodge import Desk, Lodged, Lodging, lodge_all
from tidewaiter.services.present import Presentation, lapse, present
from tidewaiter.services.refuse import refuse
from tidewaiter.services.release import release
from tidewaiter.services.repeat import signals_again
from tidewaiter.services.show import show_to_filer, show_to_officer
from tidewaiter.store import START, Store, StoredConsignment, StoreUnavailable
from tidewaiter.store.presentations import Presentations
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
BEGIN = datetime(2026, 10, 30, 8, tzinfo=UTC)
ARRIVED = BEGIN + timedelta(days=4)
OFFICER = Principal(id="o.one", kind="person", role="officer", country="GB")
CARRIER = Principal(id="carrier-1", kind="machine", role="carrier", filer="shop")
POSTED = Path(wco_dms.__file__).parent / "samples" / "gb-low-value-post.xml"
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


async def test_one_that_cannot_be_presented_hinders_no_other(
    store: Store, law: Law, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(store=store, law=law)
    records = [parcel(f"M{number}", to=f"07700 90012{number}") for number in range(4)]
    await lodged(desk, *records)
    verdicts = verdicts_of

    def stumbling(batch: Batch, *rest: Any) -> list[Any]:
        if "M2" in batch.consignments["reference"].to_list():
            raise ZeroDivisionError("Pat M2")
        return verdicts(batch, *rest)

    with monkeypatch.context() as broken:
        broken.setattr(presenting, "verdicts_of", stumbling)
        told = await presented(desk, "M0", "M1", "M2", "M3", "no such")
        alone = await presented(desk, "M2")

    assert [one.came for one in told] == ["presented", "presented", "hindered", "presented", "unknown"]
    assert [(one.came, one.control) for one in alone] == [("hindered", "lodged")]
    assert "ZeroDivisionError" in caplog.text
    assert "Pat" not in caplog.text
    assert (await one(store, "M2")).control == "lodged"
    [now] = await presented(desk, "M2")
    assert (now.came, now.control) == ("presented", told[0].control)


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


async def test_what_was_cancelled_is_not_presented_and_what_was_amended_is_looked_at(store: Store, law: Law) -> None:
    desk = Desk(store=store, law=law)
    await lodged(desk, parcel("GONE"), parcel("OTHER"))
    change: dict[str, Any] = {"version": 2, "changes": (Change(pointer="/items/1/description", reason="1"),)}
    cancelled = consignment(
        reference="GONE", function="cancellation", mrn=(await one(store, "GONE")).mrn, items=(), parties=(),
        tracking_id=None, **change,
    )  # fmt: skip
    amended = parcel("OTHER", function="amendment", mrn=(await one(store, "OTHER")).mrn, **change)
    done = await lodged(desk, cancelled, amended, hours=1)
    assert [made.decision.control for made in done.results] == ["cancellation_recorded", "amendment_recorded"]

    gone, other = await presented(desk, "GONE", "OTHER")
    assert (gone.came, gone.control) == ("not_awaited", "lodged")
    assert (other.came, other.control) == ("presented", "hold")
    [_, other_id] = await store.ids_of("OTHER")
    behind = await store.behind(other_id)
    assert behind.decisions[-1].decision.reasons == (CHANGED,)
    assert [sent.answer.kind for sent in behind.answers][-1] == "hold"
    await lapse(store=store, law=law, at=BEGIN + timedelta(days=40))
    [_, gone_id] = await store.ids_of("GONE")
    assert (await store.consignments([gone_id]))[gone_id].control == "not_accepted"


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


async def test_what_the_post_says_is_presented_is_presented(store: Store, law: Law) -> None:
    """By its event EDB about its own parcel, and by nobody else's; sent again it changes nothing."""
    desk = Desk(store=store, law=law)
    number, other = tracking_id(20000001), tracking_id(20000002)
    await lodged(desk, parcel("A", tracking_id=f"{number[:2]} {number[2:]}"), parcel("B", tracking_id=other))

    def told(event: str, *numbers: str) -> bytes:
        return post.movements_as([ItemEvent(item_id=one, event=event, at=ARRIVED) for one in numbers], form="json")

    async def sent(data: bytes, filer: str = "shop") -> list[str]:
        message = Message(source="test", data=data, sender=filer, received_at=ARRIVED)
        [done] = await lodge_all([Lodging(message)], desk)
        assert isinstance(done, Lodged), done
        return [(await one(store, reference)).control for reference in "AB"]

    assert await sent(told("EMD", number, other)) == ["lodged", "lodged"]
    assert await sent(told("EDB", number, other), "another") == ["lodged", "lodged"]
    assert await sent(told("EDB", number)) == ["released", "lodged"]
    assert await sent(told("EDB", number)) == ["released", "lodged"]
    assert len((await store.behind((await one(store, "A")).id)).decisions) == 2


async def test_whether_the_parcel_or_its_declaration_comes_first_is_all_one(store: Store, law: Law) -> None:
    desk = Desk(store=store, law=law)
    number = tracking_id(20000004)
    event = post.movements_as([ItemEvent(item_id=number, event="EDB", at=ARRIVED)], form="json")
    message = Message(source="test", data=event, sender="shop", received_at=BEGIN)
    await lodge_all([Lodging(message)], desk)
    await lodged(desk, parcel("A", tracking_id=number), parcel("B", tracking_id=tracking_id(20000005)), hours=1)
    await lodged(desk, parcel("A", tracking_id=number), hours=1, filer="another")
    stood = [(await store.consignments([id]))[id].control for id in await store.ids_of("A")]
    assert stood == ["lodged", "released"]
    assert (await one(store, "B")).control == "lodged"


async def test_who_tells_of_an_arrival_while_the_store_goes_away_sends_it_again(
    store: Store, law: Law, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(store=store, law=law)
    number = tracking_id(20000003)
    await lodged(desk, parcel("A", tracking_id=number))
    data = post.movements_as([ItemEvent(item_id=number, event="EDB", at=ARRIVED)], form="json")
    message = Message(source="test", data=data, sender="shop", received_at=ARRIVED)

    async def away(*_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(Presentations, "keep", away)
        [first] = await lodge_all([Lodging(message)], desk)
    [again] = await lodge_all([Lodging(message)], desk)
    assert isinstance(first, StoreUnavailable)
    assert isinstance(again, Lodged)
    assert again.is_repeat
    assert (await one(store, "A")).control == "released"


async def test_of_goods_that_never_come_the_declaration_lapses(house: House, filer: str) -> None:
    """A week in Zedland, thirty days in Britain, by the day there; whoever declared is told, and may declare again."""
    desk = house.desk
    zedland = parcel(f"{filer}-Z", jurisdiction="ZZ")
    await lodged(desk, zedland, parcel(f"{filer}-A"), parcel(f"{filer}-B"), filer=filer)
    await presented(desk, f"{filer}-B", filer=filer)

    async def lapsed_by(days: float) -> list[str]:
        while await lapse(store=house.store, law=house.law, at=BEGIN + timedelta(days=days)):
            pass
        return [(await one(house.store, f"{filer}-{name}")).control for name in "ZAB"]

    assert await lapsed_by(7) == ["lodged", "lodged", "released"]
    assert await lapsed_by(8) == ["not_accepted", "lodged", "released"]
    assert await lapsed_by(30.6) == ["not_accepted", "lodged", "released"]

    later = replace(house, now=lambda: BEGIN + timedelta(days=31))
    sweeping = asyncio.create_task(server.keep_sweeping(later, every_s=0.01))
    while (await one(house.store, f"{filer}-A")).control == "lodged":
        await asyncio.sleep(0.01)
    sweeping.cancel()
    await asyncio.gather(sweeping, return_exceptions=True)

    stored = await one(house.store, f"{filer}-A")
    assert (stored.security, stored.control, stored.presented_at) == ("pending", "not_accepted", None)
    assert "LDG-04" in [finding.code for finding in stored.cleared.findings]
    told = (await house.store.behind(stored.id)).answers[-1].answer
    assert (told.kind, told.findings[-1].code) == ("rejected", "LDG-04")
    assert [one.came for one in await presented(desk, f"{filer}-A", filer=filer)] == ["unknown"]
    again = await lodged(desk, parcel(f"{filer}-A"), hours=31 * 24, filer=filer)
    assert again.results[0].decision.control == "lodged"


async def test_what_risk_saw_of_goods_that_never_came_stands_as_it_was(store: Store, law: Law) -> None:
    drawing = replace(law, draw_share_ppm=1_000_000)
    await lodged(Desk(store=store, law=drawing), parcel("A"))
    late = BEGIN + timedelta(days=31)
    assert await lapse(store=store, law=drawing, at=late) == 1
    id = (await one(store, "A")).id
    assert [profile for profile, *_ in (await store.inspections.signals_of([id]))[id]] == ["random"]
    assert await signals_again([id], store=store, law=drawing, at=late) == {id: "same"}


@pytest.mark.parametrize(
    ("country", "first", "types", "within_d"),
    [("GB", date(2021, 1, 1), "DEFK", 30), ("ZZ", date(2024, 1, 1), "D", 7)]
    + [(country, date(2016, 5, 1), "DEF", 30) for country in ("DE", "FR", "IE", "XI")],
)
def test_law_says_from_when_and_how_goods_are_declared_before_they_are_there(
    law: Law, country: str, first: date, types: str, within_d: int
) -> None:
    found = law.prelodging(country, first)
    assert found is not None
    assert ("".join(found.types), found.within_d) == (types, within_d)
    assert law.prelodging(country, first - timedelta(days=1)) is None


@pytest.mark.parametrize("country", ["US", "CN", "CH", "NO"])
def test_where_law_is_not_held_whoever_declares_has_the_goods_there(law: Law, country: str) -> None:
    assert law.prelodging(country, date(2026, 11, 2)) is None


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
    with pytest.raises(CannotNow, match="state"):
        await complete(id, "Looks all right", **given)
    await ask(id, "security", ["description"], "Which goods are they?", **given)

    [told] = await presented(desk, "A", at=ARRIVED + timedelta(hours=1))
    # What was asked is still to be answered.
    assert (told.security, told.control) == ("information_requested", "released")
    kinds = [sent.answer.kind for sent in (await store.behind(id)).answers]
    assert kinds.count("information_request") == 1
    assert kinds[-3:] == ["accepted", "tax_final", "released"]


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


async def test_a_carrier_hears_of_it_in_its_own_dialect(store: Store, law: Law) -> None:
    """As a declaration of HMRC's kind is told: received and what will be due, then accepted, due and released."""
    [record] = [one.consignment for one in wco_dms.read(POSTED.read_bytes(), jurisdiction="GB").declared]
    ahead = wco_dms.write([msgspec.structs.replace(record, declaration_type="IMD", tracking_id=None)])
    desk = Desk(store=store, law=law)
    message = Message(source="test", data=ahead, sender="shop", received_at=BEGIN)
    [done] = await lodge_all([Lodging(message)], desk)
    assert isinstance(done, Lodged), done
    assert [answer.kind for answer in wco_dms.read(done.answer).answers] == ["received", "tax_indicative"]

    await presented(desk, record.reference)
    events = await store.feed.read(filer="shop", after=START, size=20, with_answers=True)
    later = next(event.later for event in events[::-1] if event.later is not None)
    told = await store.feed.later_answer(done.message_id, later, filer="shop")
    assert told is not None
    assert [answer.kind for answer in wco_dms.read(told[1]).answers] == ["accepted", "tax_final", "released"]


async def test_a_carrier_presents_a_flight_through_the_door(house: House, filer: str) -> None:
    house = guarded(house)
    records = [parcel(f"{filer}-{number}") for number in range(3)]
    async with client(house) as http:
        mine = await bearer(http, house, role="carrier", filer=filer)
        other = await bearer(http, house, role="carrier", filer=f"{filer}-x")
        await http.post("/v1/consignments", content=msgspec.json.encode(records), headers=mine)
        body = {"references": [record.reference for record in records[:2]] + ["never lodged"]}
        theirs = await http.post("/v1/presentations", json=body, headers=other)
        done = await http.post("/v1/presentations", json=body, headers=mine)
        again = await http.post("/v1/presentations", json=body, headers=mine)
        shown = await http.get(f"/v1/consignments/{records[0].reference}", headers=mine)
        waits = await http.get(f"/v1/consignments/{records[2].reference}", headers=mine)
        receipt = await http.get(f"/v1/consignments/{records[0].reference}/receipt", headers=mine)
        wrong: list[dict[str, Any]] = [
            {}, {"references": []}, {"references": [""]}, {"references": ["A"] * 1_001}, {"references": [7]},
            {"references": ["A\x9b"]},
        ]  # fmt: skip
        unfit = [(await http.post("/v1/presentations", json=one, headers=mine)).status_code for one in wrong]
    assert [one["came"] for one in theirs.json()] == ["unknown"] * 3
    assert [one["came"] for one in done.json()] == ["presented", "presented", "unknown"]
    assert [one["came"] for one in again.json()] == ["before", "before", "unknown"]
    assert [one["control"] for one in done.json()] == ["released", "released", None]
    assert [made["state"]["control"] for made in shown.json()["decisions"]] == ["lodged", "released"]
    assert waits.json()["state"] == {"security": "pending", "control": "lodged"}
    assert receipt.status_code == 200
    assert unfit == [400] * 6


async def test_who_presents_too_much_at_once_slows_itself(house: House, filer: str) -> None:
    async with client(house, **{"Tidewaiter-Filer": filer}) as http:
        with ExitStack() as held:
            while True:
                try:
                    held.enter_context(house.intake.room.taken(filer))
                except (Flooding, Full):
                    break
            refused = await http.post("/v1/presentations", json={"references": ["A"]})
        done = await http.post("/v1/presentations", json={"references": ["A"]})
    assert refused.status_code in (429, 503)
    assert "retry-after" in refused.headers
    assert done.status_code == 200


async def test_who_has_a_scanner_presents_on_a_page(house: House, filer: str) -> None:
    house = guarded(house)
    async with client(house) as http:
        mine = await bearer(http, house, role="carrier", filer=filer)
        records = [parcel(f"{filer}-{number}") for number in range(2)]
        await http.post("/v1/consignments", content=msgspec.json.encode(records), headers=mine)
        _, depot = await session(house, role="carrier", filer=filer)
        before = await http.get("/presentations?lang=en", headers=depot)
        lines = f" {records[0].reference} \r\n\r\n<b>never</b>\r\n{records[0].reference}"
        done = await http.post("/presentations?lang=en", data={"references": lines, **form_of(depot)}, headers=depot)
        empty = await http.post("/presentations", data={"references": " \r\n", **form_of(depot)}, headers=depot)
    assert all(f"<li>{record.reference}" in before.text for record in records)
    assert done.text.count("Presented now") == 1
    assert "Nothing of yours has this number" in done.text
    assert "<b>never" not in done.text
    assert f"<li>{records[0].reference}" not in done.text
    assert f"<li>{records[1].reference}" in done.text
    assert empty.status_code == 422


def form_of(headers: dict[str, str]) -> dict[str, str]:
    return {"form_token": headers["Tidewaiter-Form-Token"]}


def test_an_operator_presents_goods_by_command(
    database_url: str, new_schema: Callable[[], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TIDEWAITER_DATABASE_URL", database_url)
    monkeypatch.setenv("TIDEWAITER_DATABASE_SCHEMA", new_schema())
    declared = tmp_path / "ahead.json"
    declared.write_bytes(msgspec.json.encode([parcel("A"), parcel("B")]))
    run = CliRunner()
    assert run.invoke(app, ["lodge", str(declared)]).exit_code == 0
    done = run.invoke(app, ["present", "A", "B"])
    again = run.invoke(app, ["present", "--json", "A", "never lodged"])

    assert (done.exit_code, done.stdout) == (0, "A  presented  released\nB  presented  released\n")
    assert again.exit_code == 1
    assert [msgspec.json.decode(line)["came"] for line in again.stdout.splitlines()] == ["before", "unknown"]

"""The life of a risk profile: written by one, tried, approved by another, and put down when it finds nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make
from conftest import NOW
from tidewaiter.access import OPEN, Principal
from tidewaiter.law import Law, load
from tidewaiter.law.rules import RiskFile
from tidewaiter.risk import RANDOM, ruleset
from tidewaiter.services.acting import CannotNow, NotAllowed, NotThere
from tidewaiter.services.clear import Message
from tidewaiter.services.explain import explain
from tidewaiter.services.inspect import inspect
from tidewaiter.services.learn import NothingThere, Span, backtest, backtest_kept, learn, propose_expiries
from tidewaiter.services.lodge import lodge
from tidewaiter.services.profiles import Unfit, checked, draft, step
from tidewaiter.store import MovedOn, Store
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
ANALYST = Principal(id="t.one", kind="person", role="targeter", country="GB")
OTHER = Principal(id="t.two", kind="person", role="targeter", country="GB")
SUPERVISOR = Principal(id="s.one", kind="person", role="supervisor", country="GB")
OFFICER = Principal(id="o.one", kind="person", role="officer", country="GB")
FRENCH = Principal(id="t.fr", kind="person", role="targeter", country="FR")
SPAN = Span("GB", date(2026, 1, 1), date(2027, 1, 1))
CALM = dataclasses.replace(make.blind(load()), draw_share_ppm=0)
"""The law without a random share, so that nothing is picked but by profiles."""


@pytest.fixture
def schema(new_schema: Callable[[], str]) -> str:
    """A schema for each test: what is active picks from all that is lodged."""
    return new_schema()


def written(*, version: int = 1, value: int = 25, lane: str = "examine", id: str = "fiction-dear-shirts") -> str:
    return f"""
id = "{id}"
version = {version}
title = "Shirts that cost more than {value}"
owner = "Example Office"
law = "Fictional"
from = 2021-01-01
lane = "{lane}"
score = 40
reason = "worth {{item.value}}"
when = 'item.hs_code.startsWith("6109") && item.value > {value}'
[[match]]
item.hs_code = "61091000"
item.value = "{value + 1}"
[[no_match]]
item.hs_code = "61091000"
item.value = "{value}"
"""


async def lodged(house: House, filer: str, *prices: int, law: Law = CALM, start: int = 0) -> list[int]:
    records = [
        make.consignment(reference=f"R-{start + place}", items=(make.item(price=f"{price}.00 GBP"),))
        for place, price in enumerate(prices)
    ]
    message = Message(source="test", data=msgspec.json.encode(records), sender=filer)
    await lodge(message, store=house.store, law=law, at=NOW)
    return [(await house.store.ids_of(record.reference, filer=filer))[0] for record in records]


async def signalled(house: House, id: int) -> list[tuple[str, str]]:
    return [(signal.profile, signal.lane) for signal in (await house.store.behind(id)).signals]


async def control(house: House, id: int) -> str:
    return (await house.store.consignments([id]))[id].control


async def to_active(house: House, filer: str, text: str, *, law: Law = CALM, start: int = 900) -> None:
    """A profile through its whole life up to active, with a consignment to back-test it on."""
    await lodged(house, filer, 10, law=law, start=start)
    made = await draft(text, principal=ANALYST, store=house.store, law=law, at=NOW)
    await backtest_kept(made.id, made.version, SPAN, principal=ANALYST, store=house.store, law=law, at=NOW)
    for kind, who in (("proposed", ANALYST), ("approved", SUPERVISOR)):
        await step(
            made.id, made.version, kind, principal=who, store=house.store, law=law, at=NOW, reason="as agreed"  # type: ignore[arg-type]
        )  # fmt: skip


async def test_a_profile_is_written_by_one_and_approved_by_another_and_then_picks(house: House, filer: str) -> None:
    [before] = await lodged(house, filer, 30)
    made = await draft(written(), principal=ANALYST, store=house.store, law=CALM, at=NOW)
    tested = await backtest_kept(made.id, 1, SPAN, principal=ANALYST, store=house.store, law=CALM, at=NOW)
    [drafted] = await lodged(house, filer, 30, start=1)
    await step(made.id, 1, "proposed", principal=ANALYST, store=house.store, law=CALM, at=NOW, reason="as back-tested")
    [proposed] = await lodged(house, filer, 30, start=2)
    await step(made.id, 1, "approved", principal=OTHER, store=house.store, law=CALM, at=NOW, reason="looked at it")
    active, cheap = await lodged(house, filer, 30, 20, start=3)

    own = next(one for one in tested.profiles if one.profile == made.id)
    assert (own.hits, own.rate.looked_at) == (1, 0)
    for id in (before, drafted, proposed, cheap):
        assert await signalled(house, id) == []
    assert await signalled(house, active) == [(made.id, "examine")]
    assert await control(house, active) == "examine"
    [kept] = await house.store.profiles.of(made.id)
    assert kept.state == "active"
    assert [event.kind for event in kept.events] == ["drafted", "backtested", "proposed", "approved"]
    assert [event.actor for event in kept.events] == ["t.one", "t.one", "t.one", "t.two"]


async def test_nobody_approves_what_they_wrote_or_proposed(house: House, filer: str) -> None:
    await lodged(house, filer, 30)
    made = await draft(written(), principal=ANALYST, store=house.store, law=CALM, at=NOW)
    await backtest_kept(made.id, 1, SPAN, principal=ANALYST, store=house.store, law=CALM, at=NOW)
    how: dict[str, Any] = {"store": house.store, "law": CALM, "at": NOW, "reason": "as agreed"}
    await step(made.id, 1, "proposed", principal=OTHER, **how)

    for who in (ANALYST, OTHER):
        with pytest.raises(NotAllowed) as refused:
            await step(made.id, 1, "approved", principal=who, **how)
        assert refused.value.policy == "nobody-approves-what-is-their-own"
    async with house.store._pool.acquire() as connection:
        for own in ("t.one", "t.two"):
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute(
                    "insert into profile_events (profile, version, kind, at, actor, policy, reason, detail)"
                    " values ($1, 1, 'approved', now(), $2, '', '', '{}')",
                    made.id, own,
                )  # fmt: skip


async def test_in_an_open_house_nobody_can_approve(house: House, filer: str) -> None:
    await lodged(house, filer, 30)
    made = await draft(written(), principal=OPEN, store=house.store, law=CALM, at=NOW)
    await backtest_kept(made.id, 1, SPAN, principal=OPEN, store=house.store, law=CALM, at=NOW)
    how: dict[str, Any] = {"principal": OPEN, "store": house.store, "law": CALM, "at": NOW, "reason": "as agreed"}
    await step(made.id, 1, "proposed", **how)

    with pytest.raises(NotAllowed):
        await step(made.id, 1, "approved", **how)


async def test_steps_that_cannot_follow_are_refused(house: House) -> None:
    made = await draft(written(), principal=ANALYST, store=house.store, law=CALM, at=NOW)
    how: dict[str, Any] = {"store": house.store, "law": CALM, "at": NOW, "reason": "as agreed"}

    with pytest.raises(CannotNow, match="untested"):
        await step(made.id, 1, "proposed", principal=ANALYST, **how)
    with pytest.raises(CannotNow, match="state"):
        await step(made.id, 1, "approved", principal=SUPERVISOR, **how)
    with pytest.raises(NotThere):
        await step(made.id, 2, "proposed", principal=ANALYST, **how)
    with pytest.raises(NotThere):
        await step(made.id, 1, "tried", principal=FRENCH, **how)
    with pytest.raises(NotAllowed):
        await step(made.id, 1, "tried", principal=OFFICER, **how)
    with pytest.raises(NotAllowed):
        await draft(written(version=2), principal=OFFICER, store=house.store, law=CALM, at=NOW)
    with pytest.raises(CannotNow, match="version"):
        await draft(written(), principal=ANALYST, store=house.store, law=CALM, at=NOW)
    with pytest.raises(CannotNow, match="elsewhere"):
        await draft(written(version=2), principal=FRENCH, store=house.store, law=CALM, at=NOW)
    with pytest.raises(CannotNow, match="reason"):
        await step(made.id, 1, "tried", principal=ANALYST, **{**how, "reason": " "})
    with pytest.raises(NothingThere):
        await backtest([written()], SPAN, principal=ANALYST, store=house.store, law=CALM)


async def test_in_the_shadow_its_hits_are_recorded_and_change_nothing(house: House, filer: str) -> None:
    made = await draft(written(), principal=ANALYST, store=house.store, law=CALM, at=NOW)
    await step(made.id, 1, "tried", principal=ANALYST, store=house.store, law=CALM, at=NOW, reason="to see")
    [id] = await lodged(house, filer, 30)
    [other] = await lodged(house, filer, 20, start=1)

    assert await signalled(house, id) == [(made.id, "shadow")]
    one, plain = (await house.store.consignments([id, other])).values()
    assert (one.control, one.security) == (plain.control, plain.security)
    assert one.cleared.decision.reasons == plain.cleared.decision.reasons


async def test_a_new_version_takes_the_place_of_the_one_before(house: House, filer: str) -> None:
    await to_active(house, filer, written())
    await to_active(house, filer, written(version=2, value=50), start=901)
    between, above = await lodged(house, filer, 40, 60)

    states = {one.version: one.state for one in await house.store.profiles.of("fiction-dear-shirts")}
    assert states == {1: "replaced", 2: "active"}
    assert await signalled(house, between) == []
    assert await signalled(house, above) == [("fiction-dear-shirts", "examine")]


async def test_an_expired_profile_no_longer_picks_and_who_wrote_it_cannot_expire_it_alone(
    house: House, filer: str
) -> None:
    await to_active(house, filer, written())
    how: dict[str, Any] = {"store": house.store, "law": CALM, "at": NOW, "reason": "no longer needed"}
    with pytest.raises(NotAllowed):
        await step("fiction-dear-shirts", 1, "expired", principal=OFFICER, **how)
    await step("fiction-dear-shirts", 1, "expired", principal=SUPERVISOR, **how)
    [id] = await lodged(house, filer, 30)

    assert await signalled(house, id) == []


async def test_the_same_signals_come_again_of_what_was_kept_whatever_is_in_force_since(
    house: House, filer: str
) -> None:
    drawing = dataclasses.replace(load(), draw_share_ppm=400_000)  # with what was before in view
    prices = [20, 30, 60, 90, 200, 30, 60]
    ids = await lodged(house, filer, *prices, law=drawing)
    await to_active(house, filer, written(), law=drawing)
    ids += await lodged(house, filer, *prices, law=drawing, start=100)
    await to_active(house, filer, written(version=2, value=50), law=drawing, start=901)
    ids += await lodged(house, filer, *prices, law=drawing, start=200)
    await step(
        "fiction-dear-shirts", 2, "expired", principal=SUPERVISOR, store=house.store, law=drawing, at=NOW,
        reason="no longer needed",
    )  # fmt: skip
    ids += await lodged(house, filer, *prices, law=drawing, start=300)

    told = [await explain(id, principal=OFFICER, store=house.store, law=drawing, at=NOW) for id in ids]
    elsewhere = await explain(ids[0], principal=OFFICER, store=house.store, law=CALM, at=NOW)

    assert {one.again for one in told} == {"same"}
    assert len({one.risk_digest for one in told}) == 3
    assert any(reason.title for one in told for reason in one.reasons)
    assert any(reason.signal.profile == RANDOM for one in told for reason in one.reasons)
    assert elsewhere.again == "law_changed"


async def test_what_risk_saw_is_explained_to_none_but_those_who_may_see_it(house: House, filer: str) -> None:
    [id] = await lodged(house, filer, 30)
    trader = Principal(id="m", kind="machine", role="filer", filer=filer)

    for who in (trader, FRENCH):
        with pytest.raises(NotThere):
            await explain(id, principal=who, store=house.store, law=CALM, at=NOW)


async def test_findings_are_written_once_and_corrected_by_later_ones(house: House, filer: str) -> None:
    [id] = await lodged(house, filer, 30)
    how: dict[str, Any] = {"principal": OFFICER, "store": house.store, "at": NOW}
    first = await inspect(id, ["value"], recovered_micro=5_000_000, minutes=20, **how)
    later = await inspect(
        id, ["none"], recovered_micro=0, minutes=25, **{**how, "at": NOW + timedelta(days=9)}, supersedes=first.id
    )

    assert await house.store.inspections.of(id) == [first, later]
    assert (later.is_found, later.officer) == (False, "o.one")
    for stale in (None, first.id):
        with pytest.raises(CannotNow, match="superseded"):
            await inspect(id, ["class"], recovered_micro=0, minutes=5, **how, supersedes=stale)
    with pytest.raises(MovedOn):
        await house.store.inspections.record(later, policy="test")
    [judged] = [one async for one in _judged(house.store)]
    assert judged.inspection == later


async def _judged(store: Store) -> Any:
    for one in await store.inspections.judged(**SPAN._asdict(), after=0, size=10):
        yield one


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"results": []}, "results"), ({"results": ["none", "value"]}, "results"),
        ({"results": ["nonsense"]}, "results"), ({"results": ["value", "value"]}, "results"),
        ({"minutes": 0}, "minutes"), ({"minutes": 10**6}, "minutes"), ({"recovered_micro": -1}, "amount"),
        ({"recovered_micro": 2**62}, "amount"),
    ],
)  # fmt: skip
async def test_findings_that_cannot_be_are_refused(house: House, filer: str, wrong: dict[str, Any], why: str) -> None:
    [id] = await lodged(house, filer, 30)
    told: dict[str, Any] = {"results": ["value"], "recovered_micro": 0, "minutes": 5} | wrong

    with pytest.raises(CannotNow, match=why):
        await inspect(id, principal=OFFICER, store=house.store, at=NOW, **told)


async def test_a_profile_that_finds_less_than_chance_is_put_before_an_officer_and_stays_until_then(
    house: House, filer: str
) -> None:
    await to_active(house, filer, written())
    hit = await lodged(house, filer, *[30] * 60)
    drawing = dataclasses.replace(CALM, draw_share_ppm=1_000_000)
    drawn = await lodged(house, filer, *[20] * 40, law=drawing, start=500)
    for place, id in enumerate([*hit, *drawn]):
        is_found = id in drawn and place % 2 == 0
        await inspect(
            id, ["value" if is_found else "none"], recovered_micro=10**6 if is_found else 0, minutes=10,
            principal=OFFICER, store=house.store, at=NOW,
        )  # fmt: skip
    how: dict[str, Any] = {"principal": SUPERVISOR, "store": house.store, "law": drawing}

    learnt = await learn(SPAN, **how)
    proposed = await propose_expiries(SPAN, **how, at=NOW)
    again = await propose_expiries(SPAN, **how, at=NOW)

    own = next(one for one in learnt.profiles if one.name == "fiction-dear-shirts")
    assert (own.rate.found, own.rate.looked_at, own.is_below) == (0, 60, True)
    assert own.lift is not None
    assert own.lift.value == own.lift.low == 0
    assert (learnt.base.found, learnt.base.looked_at) == (20, 40)
    assert learnt.random.recovered_micro == learnt.recovered_micro == 20 * 10**6
    assert proposed == ["fiction-dear-shirts"]
    assert again == []
    [kept] = await house.store.profiles.of("fiction-dear-shirts")
    assert kept.state == "active"
    assert kept.events[-1].kind == "expiry_proposed"
    assert kept.events[-1].detail["own"]["rate"]["looked_at"] == 60
    assert learnt.consignments == 101


BROKEN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = ("id", "version", "title", "owner", "law", "from", "until", "channel", "lane", "score", "reason", "fictional",
        "shadow", "obligatory", "when", "match", "no_match", "other")  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), BROKEN, min_size=1, max_size=4))
def test_a_broken_profile_never_loads_and_never_stops_the_others(spoiled: dict[str, Any]) -> None:
    import tomllib

    good, other = tomllib.loads(written()), tomllib.loads(written(id="fiction-other"))
    files = [
        RiskFile(jurisdiction="gb", name=name, content=content)
        for name, content in (("good", good), ("bad", {**other, **spoiled, "score": 1000}), ("text", {}))
    ]

    found = ruleset(CALM.with_profiles(files))

    assert "fiction-dear-shirts" in {profile.id for profile in found.profiles}
    assert {fault.name for fault in found.faults} == {"bad", "text"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id = ", "no TOML"),
        (written().replace("item.value >", "item.worth >"), "line 1, column"),
        (written().replace('lane = "examine"', 'lane = "lunch"'), "lane"),
        ("#" * 30_000, "longer than"),
        (written().replace("examine", "ex\0amine"), "no text"),
        (written().replace("[[match]]", "[[no_match]]"), "example"),
        ("a = " + "[" * 5_000, "no TOML"),
    ],
)
def test_what_is_wrong_with_a_text_is_said(text: str, says: str) -> None:
    with pytest.raises(Unfit, match=says):
        checked(text, law=CALM, jurisdiction="gb")


def test_what_is_charged_does_not_depend_on_profiles_and_what_picks_does() -> None:
    more = CALM.with_profiles([RiskFile(jurisdiction="gb", name="x", content={"id": "x"})])

    assert more.digest == CALM.digest
    assert more.digest_of("GB") == CALM.digest_of("GB")
    digests = {
        CALM.risk_digest, more.risk_digest, dataclasses.replace(CALM, draw_share_ppm=1).risk_digest,
        dataclasses.replace(CALM, draw_key=b"another key").risk_digest,
    }  # fmt: skip
    assert len(digests) == 4

"""What officials do with a consignment: the officer's story, the second person's, and races."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta

import asyncpg
import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import NOW
from guarded import bearer, client, guarded, session
from make import consignment, item
from tidewaiter.access import Principal
from tidewaiter.formats.text import UNFIT
from tidewaiter.model.outcome import Posting
from tidewaiter.revenue import TooMuch, charged, given_back, refund
from tidewaiter.services.acting import CannotNow, Done, NotAllowed, NotThere
from tidewaiter.services.approve import approve
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import lodge
from tidewaiter.services.refund import refund as refund_charges
from tidewaiter.services.refuse import refuse
from tidewaiter.services.release import release
from tidewaiter.store import MovedOn
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
OFFICER = Principal(id="o.one", kind="person", role="officer", country="GB")
SUPERVISOR = Principal(id="s.one", kind="person", role="supervisor", country="GB")
SECOND = Principal(id="s.two", kind="person", role="supervisor", country="GB")
ACCOUNTANT = Principal(id="a.one", kind="person", role="accountant", country="GB")
LIMIT = 100_000_000


async def lodged(house: House, filer: str, *, reference: str = "R", control: str | None = None) -> int:
    """The id of a consignment on which duty and tax stand; put into a state where one is named."""
    [id] = await lodged_all(house, filer, [reference], control=control)
    return id


async def lodged_all(house: House, filer: str, references: list[str], *, control: str | None = None) -> list[int]:
    records = [
        consignment(
            reference=reference, items=(item(price="900.00 GBP", hs_code="42023100"),), presentation_office="GB000060"
        )
        for reference in references
    ]
    message = Message(source="test", data=msgspec.json.encode(records), sender=filer)
    await lodge(message, store=house.store, law=house.law, at=NOW)
    ids = [(await house.store.ids_of(reference, filer=filer))[0] for reference in references]
    for id in ids:
        if control is not None:
            await put(house, id, control)
    return ids


async def put(house: House, id: int, control: str) -> None:
    async with house.store._pool.acquire() as connection:
        await connection.execute("update consignments set control = $2 where id = $1", id, control)


async def stands(house: House, id: int) -> tuple[str, dict[str, int]]:
    """Its state of control, and what stands of each charge."""
    found = (await house.store.consignments([id]))[id]
    return found.control, charged((await house.store.behind(id)).postings)


async def balance(house: House, id: int) -> int:
    async with house.store._pool.acquire() as connection:
        found: int = await connection.fetchval(
            "select coalesce(sum(debit_micro - credit_micro), 0) from postings where consignment_id = $1", id
        )
        return found


async def test_an_officer_releases_what_was_held_and_the_filer_is_told_without_a_name(house: House, filer: str) -> None:
    id = await lodged(house, filer, control="hold")

    done = await release(id, "papers seen", principal=OFFICER, store=house.store, at=NOW)
    behind = await house.store.behind(id)
    last = behind.decisions[-1]

    assert (done.is_done, done.control) == (True, "released")
    assert (last.decided_by, last.decision.control) == ("o.one", "released")
    assert last.decision.reasons == ("An officer released it.",)
    assert [sent.answer.kind for sent in behind.answers][-2:] == ["tax_final", "released"]
    assert [act.reason for act in await house.store.acts.of(id)] == ["papers seen"]
    assert [act.policy for act in await house.store.acts.of(id)] == ["officials-act-in-their-office"]


async def test_what_is_released_is_not_released_again(house: House, filer: str) -> None:
    id = await lodged(house, filer, control="hold")
    await release(id, "papers seen", principal=OFFICER, store=house.store, at=NOW)

    with pytest.raises(CannotNow, match="state"):
        await release(id, "papers seen", principal=OFFICER, store=house.store, at=NOW)


async def test_the_same_act_sent_again_is_done_once(house: House, filer: str) -> None:
    id, other = await lodged(house, filer, control="hold"), await lodged(house, filer, reference="S", control="hold")
    first = await release(id, "papers seen", principal=OFFICER, store=house.store, at=NOW, key=filer)
    again = await release(id, "papers seen", principal=OFFICER, store=house.store, at=NOW, key=filer)

    assert (first.is_repeat, again.is_repeat) == (False, True)
    assert len(await house.store.acts.of(id)) == 1
    with pytest.raises(CannotNow, match="key_taken"):
        await release(other, "papers seen", principal=OFFICER, store=house.store, at=NOW, key=filer)


async def test_a_refusal_is_a_named_persons_on_a_ground_that_is_told(house: House, filer: str) -> None:
    id = await lodged(house, filer, control="examine")

    await refuse(id, "counterfeit", "logo is wrong", principal=OFFICER, store=house.store, at=NOW)
    last = (await house.store.behind(id)).decisions[-1]

    assert (last.decided_by, last.decision.control) == ("o.one", "refused")
    assert last.decision.reasons == ("An officer refused it: the goods infringe another's right.",)
    with pytest.raises(CannotNow, match="state"):
        await release(id, "after all", principal=OFFICER, store=house.store, at=NOW)
    with pytest.raises(CannotNow, match="ground"):
        await refuse(id, "dislike", "because", principal=OFFICER, store=house.store, at=NOW)


@pytest.mark.parametrize("reason", ["", "  ", "ab", "x" * 501, "nul\x00byte"])
async def test_nothing_is_done_without_a_reason(house: House, filer: str, reason: str) -> None:
    id = await lodged(house, filer, control="hold")

    with pytest.raises(CannotNow, match="reason"):
        await release(id, reason, principal=OFFICER, store=house.store, at=NOW)


@pytest.mark.parametrize(
    ("changed", "raised"),
    [
        ({"country": "FR"}, NotThere),
        ({"office": "GB000011"}, NotThere),
        ({"role": "filer", "filer": "someone"}, NotThere),
        ({"role": "auditor"}, NotAllowed),
        ({"role": "targeter"}, NotAllowed),
        ({"role": "accountant"}, NotAllowed),
        ({"kind": "machine"}, NotAllowed),
    ],
)
async def test_who_may_not_release_does_not(
    house: House, filer: str, changed: dict[str, str], raised: type[Exception]
) -> None:
    id = await lodged(house, filer, control="hold")

    with pytest.raises(raised):
        await release(id, "let it go", principal=msgspec.structs.replace(OFFICER, **changed), store=house.store, at=NOW)
    assert (await stands(house, id))[0] == "hold"


async def test_releasing_unpaid_what_waits_for_payment_takes_two(house: House, filer: str) -> None:
    id = await lodged(house, filer, control="accepted")
    proposed = await release(id, "guarantee is good", principal=OFFICER, store=house.store, at=NOW)
    number = proposed.proposal
    again = await release(id, "guarantee is good", principal=OFFICER, store=house.store, at=NOW)

    assert (proposed.is_done, (await stands(house, id))[0]) == (False, "accepted")
    assert (again.proposal, again.is_repeat) == (number, True)
    assert number is not None
    with pytest.raises(NotAllowed):
        await approve(id, number, principal=OFFICER, store=house.store, at=NOW, reason="my own")
    done = await approve(id, number, principal=SUPERVISOR, store=house.store, at=NOW, reason="seen")
    assert (done.is_done, (await stands(house, id))[0]) == (True, "released")
    assert (await house.store.behind(id)).decisions[-1].decided_by == "s.one"
    with pytest.raises(CannotNow, match="closed"):
        await approve(id, number, principal=SECOND, store=house.store, at=NOW, reason="seen")


async def test_a_small_sum_is_given_back_by_one_and_never_more_than_was_charged(house: House, filer: str) -> None:
    id = await lodged(house, filer)
    _, before = await stands(house, id)
    [(charge, amount), *_] = before.items()

    async def back(micro: int, key: str | None = None) -> Done:
        return await refund_charges(
            id, {charge: micro}, "sent back", principal=SUPERVISOR, store=house.store, limit_micro=LIMIT, at=NOW,
            key=key,
        )  # fmt: skip

    done = await back(1_000_000, "k")
    again = await back(1_000_000, "k")

    assert (done.is_done, again.is_repeat) == (True, True)
    assert (await stands(house, id))[1][charge] == amount - 1_000_000
    assert await balance(house, id) == 0
    for wrong in (amount, 0, -1):
        with pytest.raises(CannotNow, match="too_much"):
            await back(wrong)
    with pytest.raises(CannotNow, match="nothing"):
        await refund_charges(id, {}, "sent back", principal=SUPERVISOR, store=house.store, limit_micro=LIMIT, at=NOW)


async def test_many_small_refunds_are_a_large_one(house: House, filer: str) -> None:
    id = await lodged(house, filer)
    charge, _ = next(iter((await stands(house, id))[1].items()))

    async def back() -> Done:
        return await refund_charges(
            id, {charge: 1_000_000}, "sent back", principal=SUPERVISOR, store=house.store, limit_micro=2_000_000,
            at=NOW,
        )  # fmt: skip

    assert [(await back()).is_done for _ in range(3)] == [True, True, False]


async def test_a_large_sum_takes_two_of_whom_an_officer_is_not_the_second(house: House, filer: str) -> None:
    id = await lodged(house, filer)
    _, before = await stands(house, id)

    async def propose(who: Principal) -> int:
        done = await refund_charges(
            id, before, "goods sent back", principal=who, store=house.store, limit_micro=0, at=NOW
        )
        assert not done.is_done
        assert done.proposal is not None
        return done.proposal

    number = await propose(OFFICER)
    with pytest.raises(NotAllowed):
        await approve(
            id, number, principal=msgspec.structs.replace(OFFICER, id="o.two"), store=house.store, at=NOW, reason="yes"
        )
    await approve(id, number, principal=ACCOUNTANT, store=house.store, at=NOW, reason="checked")

    assert (await stands(house, id))[1] == {}
    assert await balance(house, id) == 0


@pytest.mark.parametrize("late", [timedelta(hours=24, seconds=1), timedelta(days=30)])
async def test_a_proposal_is_over_after_a_day(house: House, filer: str, late: timedelta) -> None:
    id = await lodged(house, filer, control="accepted")
    number = (await release(id, "guarantee", principal=OFFICER, store=house.store, at=NOW)).proposal or 0

    with pytest.raises(CannotNow, match="over"):
        await approve(id, number, principal=SUPERVISOR, store=house.store, at=NOW + late, reason="seen")


async def test_what_has_changed_since_is_proposed_anew(house: House, filer: str) -> None:
    id = await lodged(house, filer, control="accepted")
    number = (await release(id, "guarantee", principal=OFFICER, store=house.store, at=NOW)).proposal or 0
    charge, _ = next(iter((await stands(house, id))[1].items()))
    await refund_charges(
        id, {charge: 1}, "a millionth", principal=SUPERVISOR, store=house.store, limit_micro=LIMIT, at=NOW
    )

    with pytest.raises(CannotNow, match="moved_on"):
        await approve(id, number, principal=SECOND, store=house.store, at=NOW, reason="seen")


async def test_who_proposed_may_withdraw_and_another_may_decline(house: House, filer: str) -> None:
    id = await lodged(house, filer, control="accepted")
    for who in (OFFICER, SUPERVISOR):
        number = (await release(id, "guarantee", principal=OFFICER, store=house.store, at=NOW)).proposal or 0
        done = await approve(
            id, number, principal=who, store=house.store, at=NOW, reason="better not", is_approved=False
        )
        assert not done.is_done
        with pytest.raises(CannotNow, match="closed"):
            await approve(id, number, principal=SUPERVISOR, store=house.store, at=NOW, reason="seen")
    assert (await stands(house, id))[0] == "accepted"


async def test_no_path_of_three_steps_lets_one_person_alone_do_what_takes_two(house: House, filer: str) -> None:
    """Every order of proposing, approving, declining and withdrawing, by each role that may, ends without a release."""
    paths = list(
        itertools.product(
            ("officer", "supervisor", "accountant"), itertools.product(("propose", "approve", "withdraw"), repeat=3)
        )
    )
    ids = await lodged_all(house, filer, [f"R{place}" for place in range(len(paths))], control="accepted")
    tried = 0
    for id, (role, steps) in zip(ids, paths, strict=True):
        alone = Principal(id=f"alone-{role}", kind="person", role=role, country="GB")
        number = 0
        for step in steps:
            try:
                if step == "propose":
                    done = await release(id, "guarantee", principal=alone, store=house.store, at=NOW)
                    number = done.proposal or number
                else:
                    await approve(
                        id, number, principal=alone, store=house.store, at=NOW, reason="by myself",
                        is_approved=step == "approve",
                    )  # fmt: skip
            except (NotAllowed, NotThere, CannotNow):
                continue
        tried += 1
        assert (await stands(house, id))[0] == "accepted", (role, steps)
    assert tried == 81


async def test_the_database_itself_refuses_what_takes_two_from_one(house: House, filer: str) -> None:
    id = await lodged(house, filer, control="accepted")
    number = (await release(id, "guarantee", principal=OFFICER, store=house.store, at=NOW)).proposal
    closing = (
        "insert into closings (proposal_id, proposed_by, expires_at, is_approved, closed_by, closed_at, reason)"
        " select id, $2, expires_at, true, $3, $4, 'x' from proposals where id = $1"
    )
    wrong: list[tuple[str, str, datetime, type[Exception]]] = [
        ("o.one", "o.one", NOW, asyncpg.CheckViolationError),
        ("another", "o.one", NOW, asyncpg.ForeignKeyViolationError),
        ("o.one", "s.one", NOW + timedelta(hours=25), asyncpg.CheckViolationError),
    ]
    async with house.store._pool.acquire() as connection:
        for by, closed_by, at, raised in wrong:
            with pytest.raises(raised):
                await connection.execute(closing, number, by, closed_by, at)
        for statement in ("update proposals set proposed_by = 'x'", "delete from acts", "truncate closings cascade"):
            with pytest.raises(asyncpg.RestrictViolationError):
                await connection.execute(statement)


async def test_the_database_itself_refuses_to_give_back_more_than_was_charged(house: House, filer: str) -> None:
    id = await lodged(house, filer)
    charge, amount = next(iter((await stands(house, id))[1].items()))
    legs = [(id, f"revenue:{charge}", amount + 1, 0, "GBP", charge), (id, "receivable:x", 0, amount + 1, "GBP", charge)]
    columns = ["consignment_id", "account", "debit_micro", "credit_micro", "currency", "charge"]

    async with house.store._pool.acquire() as connection:
        with pytest.raises(asyncpg.CheckViolationError, match="more would be given back"):
            await connection.copy_records_to_table("postings", records=legs, columns=columns)


async def raced(acts: list[Callable[[], Awaitable[Done]]]) -> int:
    """How many of these, all at once, were done."""

    async def tried(act: Callable[[], Awaitable[Done]]) -> bool:
        try:
            done = await act()
        except (CannotNow, MovedOn, NotAllowed):
            return False
        return done.is_done and not done.is_repeat

    return sum(await asyncio.gather(*(tried(act) for act in acts)))


RACERS = 16


async def test_of_sixteen_who_release_at_once_one_does(house: House, filer: str) -> None:
    for id in await lodged_all(house, filer, [f"R{turn}" for turn in range(4)], control="hold"):
        won = await raced(
            [
                lambda id=id, n=n: release(  # type: ignore[misc]
                    id, "at once", principal=msgspec.structs.replace(OFFICER, id=f"o.{n}"), store=house.store, at=NOW
                )
                for n in range(RACERS)
            ]
        )
        assert won == 1
        assert len((await house.store.behind(id)).decisions) == 2


async def test_of_sixteen_who_release_and_refuse_at_once_one_does(house: House, filer: str) -> None:
    for id in await lodged_all(house, filer, [f"R{turn}" for turn in range(2)], control="examine"):
        acts: list[Callable[[], Awaitable[Done]]] = []
        for n in range(RACERS):
            who = msgspec.structs.replace(OFFICER, id=f"o.{n}")
            if n % 2:
                acts.append(lambda who=who, id=id: release(id, "at once", principal=who, store=house.store, at=NOW))  # type: ignore[misc]
            else:
                acts.append(
                    lambda who=who, id=id: refuse(  # type: ignore[misc]
                        id, "no_permit", "at once", principal=who, store=house.store, at=NOW
                    )
                )
        assert await raced(acts) == 1


async def test_of_sixteen_who_give_back_the_whole_at_once_one_does(house: House, filer: str) -> None:
    for id in await lodged_all(house, filer, [f"R{turn}" for turn in range(4)]):
        _, before = await stands(house, id)
        won = await raced(
            [
                lambda id=id, before=before, n=n: refund_charges(  # type: ignore[misc]
                    id, before, "at once", principal=msgspec.structs.replace(SUPERVISOR, id=f"s.{n}"),
                    store=house.store, limit_micro=10**12, at=NOW,
                )
                for n in range(RACERS)
            ]
        )  # fmt: skip
        assert won == 1
        assert (await stands(house, id))[1] == {}
        assert await balance(house, id) == 0


async def test_of_sixteen_who_approve_at_once_one_does(house: House, filer: str) -> None:
    for id in await lodged_all(house, filer, [f"R{turn}" for turn in range(2)], control="accepted"):
        number = (await release(id, "guarantee", principal=OFFICER, store=house.store, at=NOW)).proposal or 0
        won = await raced(
            [
                lambda id=id, number=number, n=n: approve(  # type: ignore[misc]
                    id, number, principal=msgspec.structs.replace(SUPERVISOR, id=f"s.{n}"), store=house.store, at=NOW,
                    reason="at once",
                )
                for n in range(RACERS)
            ]
        )  # fmt: skip
        assert won == 1


legs = st.lists(
    st.tuples(st.sampled_from(["duty:A00", "tax:B00"]), st.none() | st.integers(1, 3), st.integers(1, 10**9)),
    max_size=6,
)


def _pairs(rows: list[tuple[str, int | None, int]]) -> list[Posting]:
    return [
        Posting(
            item=item, account=account, debit_micro=debit, credit_micro=amount - debit, currency="GBP", charge=charge
        )
        for charge, item, amount in rows
        for account, debit in (("receivable:importer", amount), (f"revenue:{charge}", 0))
    ]


@given(legs, st.dictionaries(st.sampled_from(["duty:A00", "tax:B00", "fee:X"]), st.integers(-1, 2 * 10**9)))
def test_what_is_given_back_balances_and_is_what_was_asked_or_nothing(
    rows: list[tuple[str, int | None, int]], wanted: dict[str, int]
) -> None:
    before = _pairs(rows)
    stood = charged(before)
    try:
        made = refund(before, wanted)
    except TooMuch:
        assert any(amount <= 0 or amount > stood.get(charge, 0) for charge, amount in wanted.items())
        return

    after = charged([*before, *made])
    assert sum(leg.debit_micro - leg.credit_micro for leg in made) == 0
    assert given_back(made) == sum(wanted.values())
    assert {c: stood.get(c, 0) - after.get(c, 0) for c in {*stood, *wanted}} == {
        c: wanted.get(c, 0) for c in {*stood, *wanted}
    }


@pytest.fixture
async def http(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with client(guarded(house)) as opened:
        yield opened


async def test_the_story_of_two_officials_through_the_door(house: House, http: httpx.AsyncClient, filer: str) -> None:
    kept = guarded(house)
    id = await lodged(kept, filer, control="accepted")
    name, officer = await session(kept, role="officer")
    _, supervisor = await session(kept, role="supervisor")
    reason = {"reason": "guarantee is good"}

    waiting = await http.post(f"/v1/control/{id}/release", json=reason, headers=officer)
    number = waiting.json()["proposal"]
    own = await http.post(f"/v1/control/{id}/proposals/{number}", json={"approved": True, **reason}, headers=officer)
    done = await http.post(
        f"/v1/control/{id}/proposals/{number}", json={"approved": True, **reason}, headers=supervisor
    )
    told = await http.get("/v1/consignments/R", headers=await bearer(http, kept, filer=filer))

    assert [waiting.status_code, own.status_code, done.status_code] == [202, 403, 200]
    assert done.json()["control"] == "released"
    assert told.json()["decisions"][-1]["decided_by"] == "officer"
    assert name not in told.text
    assert reason["reason"] not in told.text


async def test_what_comes_without_the_token_of_the_session_is_refused(
    house: House, http: httpx.AsyncClient, filer: str
) -> None:
    id = await lodged(house, filer, control="hold")
    _, officer = await session(guarded(house))
    cookie = {"Cookie": officer["Cookie"]}

    for headers in (cookie, {**cookie, "Tidewaiter-Form-Token": "x"}):
        refused = await http.post(f"/v1/control/{id}/release", json={"reason": "forged"}, headers=headers)
        assert refused.json()["code"] == "form_token_missing"
    assert (await stands(house, id))[0] == "hold"


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{}", '{"reason":1}', '{"reason":"abc","mo\\u0000\\u202ere":1}', '{"reason":"ab"}', "\xff", "{" * 2000],
)
async def test_a_body_that_is_not_what_the_act_needs_is_a_problem(
    house: House, http: httpx.AsyncClient, filer: str, body: str
) -> None:
    id = await lodged(house, filer, control="hold")
    _, officer = await session(guarded(house))

    refused = await http.post(f"/v1/control/{id}/release", content=body.encode("latin-1"), headers=officer)

    assert refused.json()["code"] == "act_unfit"
    assert not UNFIT.search(refused.json()["detail"])


async def test_in_an_open_house_one_person_releases_and_what_takes_two_waits_for_ever(house: House, filer: str) -> None:
    id = await lodged(house, filer, control="hold")
    charge, amount = next(iter((await stands(house, id))[1].items()))
    async with client(house) as http:
        released = await http.post(f"/v1/control/{id}/release", json={"reason": "seen"})
        large = await http.post(
            f"/v1/control/{id}/refund", json={"charges": {charge: f"{amount / 1e6:.2f}"}, "reason": "all of it"}
        )
        own = await http.post(
            f"/v1/control/{id}/proposals/{large.json().get('proposal', 0)}", json={"approved": True, "reason": "mine"}
        )
        nowhere = await http.post("/v1/control/99999999999999999999/release", json={"reason": "seen"})

    assert released.json()["control"] == "released"
    assert large.status_code == 202 if amount > LIMIT else 200
    assert own.status_code in (403, 404)
    assert nowhere.status_code == 404

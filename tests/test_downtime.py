"""While the system is down: a signed list that any browser shows, and decisions on paper that are entered later."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from joserfc.jwk import OKPKey
from typer.testing import CliRunner

from make import consignment, item
from tidewaiter import server
from tidewaiter.audit import leaf
from tidewaiter.cli import app
from tidewaiter.law import Law
from tidewaiter.model.answer import Answer
from tidewaiter.model.outcome import Cleared
from tidewaiter.services import downtime
from tidewaiter.services.clear import Message, in_their_format
from tidewaiter.services.downtime import Entered, enter, release_list, signed
from tidewaiter.services.lodge import lodge
from tidewaiter.services.signing import Unverified, public_keys
from tidewaiter.settings import Settings
from tidewaiter.store import Store, open_store
from tidewaiter.web.downtime import page, verified
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
AT = datetime(2026, 11, 2, 10, 30, tzinfo=UTC)
LATER = AT + timedelta(hours=4)
KEY = OKPKey.generate_key("Ed25519")
HEAD = "number,was,control,decided_at,decided_by,reason,told\n"


@pytest.fixture
async def own(database_url: str, new_schema: Callable[[], str]) -> AsyncIterator[Store]:
    opened = await open_store(database_url, schema=new_schema(), connections_max=5)
    yield opened
    await opened.close()


async def lodged(store: Store, law: Law, *references: str, country: str = "GB") -> list[int]:
    """Consignments that are released, by our numbers of them."""
    records = [consignment(reference=reference, jurisdiction=country) for reference in references]
    message = Message(source="test", data=msgspec.json.encode(records), sender="seller-7")
    await lodge(message, store=store, law=law, at=AT)
    return [id for reference in references for id in await store.ids_of(reference)]


async def held(store: Store, *ids: int) -> None:
    async with store._pool.acquire() as connection:
        await connection.execute("update consignments set control = 'hold' where id = any($1)", list(ids))


def sheet(*rows: str) -> bytes:
    return (HEAD + "\n".join(rows) + "\n").encode()


def paper(
    id: int, *, was: str = "hold", control: str = "released", minutes: int = 30, by: str = "A. Officer", told: str = ""
) -> str:
    return f"{id},{was},{control},{(AT + timedelta(minutes=minutes)).isoformat()},{by},seen on paper,{told}"


def outcomes(done: list[Entered]) -> list[str]:
    return [one.outcome for one in done]


async def control_of(store: Store, id: int) -> str:
    return (await store.consignments([id]))[id].control


async def test_the_list_of_an_office_tells_what_may_be_released_and_nothing_personal(own: Store, law: Law) -> None:
    released, on_hold = await lodged(own, law, "A", "<b>B</b>")
    await lodged(own, law, "C", country="FR")
    refused = msgspec.json.encode(consignment(reference="R", items=(item(price="0 GBP"),), parties=()))
    done = await lodge(Message(source="test", data=refused, sender="seller-7"), store=own, law=law, at=AT)
    assert done.results[0].decision.control == "not_accepted"
    await held(own, on_hold)
    told = await release_list("GB", store=own, at=LATER)
    data = page(told, signed(told, KEY)).decode()

    assert [(one.id, one.control) for one in told.consignments] == [(on_hold, "hold"), (released, "released")]
    assert await downtime.offices(store=own, at=LATER) == ["FR", "GB"]
    assert verified(data.encode(), KEY) == told
    assert "&lt;b&gt;B&lt;/b&gt;" in data
    assert data.count('<tr class="released">') == 1
    assert not re.findall(r"<script|<link|<img|(?:src|href)=|@import|url\(", data)
    for word in ("Pat Example", "Sample Street", "Exampleham", "T-shirt"):
        assert word not in data


async def test_a_list_is_as_long_as_it_may_be_and_says_what_it_leaves_out(
    own: Store, law: Law, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await lodged(own, law, "A", "B", "C")
    monkeypatch.setattr(downtime, "ROWS_MAX", 2)
    told = await release_list("GB", store=own, at=LATER)
    old = await release_list("GB", store=own, at=AT + timedelta(days=15))

    assert ([one.id for one in told.consignments], told.left_out) == ([ids[2], ids[1]], 1)
    assert "1 older consignments are not in this list" in page(told, signed(told, KEY)).decode()
    assert (old.consignments, old.left_out) == ((), 0)
    assert "Nothing was received" in page(old, signed(old, KEY)).decode()


async def test_a_page_that_shows_something_else_than_was_signed_is_refused(own: Store, law: Law) -> None:
    first, second = await lodged(own, law, "A", "B")
    await held(own, second)
    told = await release_list("GB", store=own, at=LATER)
    data = page(told, signed(told, KEY))
    other = page(told, signed(told, OKPKey.generate_key("Ed25519")))
    spoiled = [
        data.replace(b"<td>hold</td>", b"<td>released</td>"), data.replace(b"<td>%d</td>" % first, b"<td>9</td>"),
        data.replace(b"</body>", b"<p>More.</p></body>"), other, data[:-1], b"", data + data,
        data.replace(b'<pre id="signed"', b'<pre id="other"'),
    ]  # fmt: skip

    assert verified(data, KEY) == told
    for one in spoiled:
        assert one != data
        with pytest.raises(Unverified):
            verified(one, KEY)


async def test_a_decision_on_paper_is_entered_once_with_its_person_time_event_and_leaf(own: Store, law: Law) -> None:
    [id] = await lodged(own, law, "A")
    await held(own, id)
    first = await enter(sheet(paper(id), paper(id)), store=own, at=LATER)
    again = await enter(sheet(paper(id)), store=own, at=LATER)
    behind = await own.behind(id)
    rows = await own.leaves(0, 99)
    told = msgspec.json.decode(rows[-1].entry, type=leaf.Leaf)

    assert (outcomes(first), outcomes(again)) == (["entered", "already"], ["already"])
    assert await control_of(own, id) == "released"
    assert [(one.decided_by, one.decided_at, one.decision.control) for one in behind.decisions][1:] == [
        ("A. Officer", AT + timedelta(minutes=30), "released")
    ]
    assert isinstance(told, leaf.Decided)
    assert (told.by, told.decisions) == ("A. Officer", ((id, behind.decisions[0].decision.security, "released"),))
    async with own._pool.acquire() as connection:
        body = await connection.fetchval(
            "select body from events where consignment_id = $1 order by id desc limit 1", id
        )
    assert msgspec.json.decode(body)["by_hand"] is True


async def test_what_was_decided_by_hand_is_an_act_with_its_reason_and_is_answered_in_the_senders_dialect(
    own: Store, law: Law
) -> None:
    ids = await lodged(own, law, "A", "B", "C", "D")
    await held(own, *ids)
    rows = [
        paper(ids[0]),
        paper(ids[1], control="refused", told="counterfeit"),
        paper(ids[2], control="documents_requested", told="payment invoice"),
        paper(ids[3], control="seized"),
    ]
    done = await enter(sheet(*rows), store=own, at=LATER)
    again = await enter(sheet(*rows), store=own, at=LATER + timedelta(hours=1))
    acts = [await own.acts.of(id) for id in ids]
    async with own._pool.acquire() as connection:
        sent = await connection.fetch(
            "select consignment_id, sent_at, answers, message from later_answers order by consignment_id"
        )
        told = await connection.fetch(
            "select (body ->> 'later') is not null as later from events where body ->> 'by_hand' = 'true' order by id"
        )
    answers = {row["consignment_id"]: msgspec.json.decode(row["answers"], type=list[Answer]) for row in sent}

    assert (outcomes(done), outcomes(again)) == (["entered"] * 4, ["already"] * 4)
    assert [[(one.kind, one.actor, one.reason, one.at) for one in each] for each in acts] == [
        [("by_hand", "A. Officer", "seen on paper", AT + timedelta(minutes=30))]
    ] * 4
    assert acts[1][0].detail == {
        "was": "hold", "control": "refused", "told": ["counterfeit"], "entered_at": "2026-11-02T14:30:00Z"
    }  # fmt: skip
    assert {id: [one.kind for one in each] for id, each in answers.items()} == {
        ids[0]: ["tax_final", "released"], ids[1]: ["refused"], ids[2]: ["documents"]
    }  # fmt: skip
    assert [one.code for one in answers[ids[1]][0].findings] == ["REF-04"]
    assert [one.code for one in answers[ids[2]][0].findings] == ["ASK-01", "ASK-02"]
    assert {(one.sent_at, one.effective_at) for each in answers.values() for one in each} == {
        (LATER, AT + timedelta(minutes=30))
    }
    assert all(b"seen on paper" not in row["message"] + row["answers"] for row in sent)
    assert [row["message"] for row in sent] == [in_their_format("json", answers[row["consignment_id"]]) for row in sent]
    assert [row["later"] for row in told] == [True, True, True, False]


async def test_what_was_decided_otherwise_meanwhile_is_a_conflict_and_stays(own: Store, law: Law) -> None:
    first, second, third = await lodged(own, law, "A", "B", "C")
    await held(own, first, second, third)
    await enter(sheet(paper(first, control="examine", by="B. Officer")), store=own, at=LATER)
    done = await enter(sheet(paper(first), paper(second), paper(987_654)), store=own, at=LATER)

    assert outcomes(done) == ["conflict", "entered", "conflict"]
    assert "was hold in the list, and is examine here" in done[0].why
    assert "B. Officer" in done[0].why
    assert done[2].why == "there is no consignment of this number"
    assert [await control_of(own, id) for id in (first, second, third)] == ["examine", "released", "hold"]


async def test_decisions_about_one_consignment_follow_one_another_by_their_time(own: Store, law: Law) -> None:
    [id] = await lodged(own, law, "A")
    await held(own, id)
    done = await enter(
        sheet(paper(id, was="examine", minutes=50), paper(id, control="examine", minutes=20)), store=own, at=LATER
    )

    assert outcomes(done) == ["entered", "entered"]
    assert [one.decision.control for one in (await own.behind(id)).decisions][1:] == ["examine", "released"]


async def test_two_who_enter_different_decisions_at_once_leave_one_and_a_conflict(own: Store, law: Law) -> None:
    ids = await lodged(own, law, *(f"R{n}" for n in range(12)))
    await held(own, *ids)
    rows = [
        sheet(*(paper(id, control=control, by=by) for id in ids))
        for control, by in (("released", "A"), ("examine", "B"))
    ]
    one, two = await asyncio.gather(*(enter(each, store=own, at=LATER) for each in rows))

    assert sorted(zip(outcomes(one), outcomes(two), strict=True)) in (
        [("conflict", "entered")] * 12, [("entered", "conflict")] * 12,
    )  # fmt: skip
    assert {len((await own.behind(id)).decisions) for id in ids} == {2}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("x,hold,released,2026-11-02T10:40:00Z,A", "number is none"),
        ("１,hold,released,2026-11-02T10:40:00Z,A", "number"),
        ("1,hold,gone,2026-11-02T10:40:00Z,A", "control is none of"),
        ("1,,released,2026-11-02T10:40:00Z,A", "was is none"),
        ("1,hold,released,2026-11-02T10:40:00,A", "not written as"),
        ("1,hold,released,yesterday,A", "not written as"),
        ("1,hold,released,2027-11-02T10:40:00Z,A", "still to come"),
        ("1,hold,released,2026-11-02T10:40:00Z,", "not named"),
        ("1,hold,released,2026-11-02T10:40:00Z,corridor", "not named"),
        ("1,released,seized,2026-11-02T10:40:00Z,A", "cannot follow"),
        ("1,hold,released,2026-11-02T10:40:00Z,A,seen,,more", "was is none"),
        ("1,hold,released,2026-11-02T10:40:00Z,A", "the reason is not said"),
        ("1,hold,released,2026-11-02T10:40:00Z,A,no", "the reason is not said"),
        ("1,hold,released,2026-11-02T10:40:00Z,A,seen,invoice", "told is empty"),
        ("1,hold,refused,2026-11-02T10:40:00Z,A,seen,", "told is one of prohibited"),
        ("1,hold,refused,2026-11-02T10:40:00Z,A,seen,invoice", "told is one of prohibited"),
        ("1,hold,refused,2026-11-02T10:40:00Z,A,seen,no_permit prohibited", "told is one of prohibited"),
        ("1,hold,documents_requested,2026-11-02T10:40:00Z,A,seen,", "told is some of invoice"),
        ("1,hold,documents_requested,2026-11-02T10:40:00Z,A,seen,answer", "told is some of invoice"),
        ("1", "was is none"),
        (f"1,hold,released,2026-11-02T10:40:00Z,{'A' * 70}", "not named"),
        ("1" * 30 + ",hold,released,,A", "number"),
    ],
)
async def test_a_row_that_cannot_be_entered_is_listed_with_what_is_wrong(own: Store, row: str, why: str) -> None:
    [done] = await enter(sheet(row), store=own, at=LATER)

    assert done.outcome == "conflict"
    assert why in done.why


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", b"\xff\xfe", HEAD.encode() + b'"open', b"x" * (17 << 20)])
async def test_what_is_no_sheet_of_decisions_is_refused(own: Store, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"sheet of decisions|line \d|decode"):
        await enter(data, store=own, at=LATER)


async def test_the_server_writes_the_lists_and_the_command_verifies_them(own: Store, law: Law, tmp_path: Path) -> None:
    await lodged(own, law, "A")
    house = House(settings=Settings(data_dir=tmp_path), law=law, store=own, now=lambda: LATER, signing_key=KEY)
    (tmp_path / "key").write_bytes(msgspec.json.encode(public_keys(KEY)))
    file = tmp_path / server.LISTS / "GB.html"
    writing = asyncio.create_task(server.keep_listing(house, KEY, every_s=0.01))
    try:
        async with asyncio.timeout(20):
            while not file.exists():
                await asyncio.sleep(0.02)
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    words = ["downtime", "verify", str(file), "--key", str(tmp_path / "key")]
    good = CliRunner().invoke(app, words)
    file.write_bytes(file.read_bytes().replace(b"released", b"RELEASED", 1))
    bad = CliRunner().invoke(app, words)

    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert "GB: 1 consignments as of 2026-11-02 14:30:00 UTC" in good.output
    assert "does not show what was signed" in " ".join(bad.output.split())


def test_the_commands_write_lists_and_enter_sheets(
    database_url: str, new_schema: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEWAITER_DATABASE_URL", database_url)
    monkeypatch.setenv("TIDEWAITER_DATABASE_SCHEMA", new_schema())
    monkeypatch.setenv("TIDEWAITER_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "a.json").write_bytes(msgspec.json.encode(consignment()))
    lodging = CliRunner().invoke(app, ["lodge", str(tmp_path / "a.json"), "--json"])
    listing = CliRunner().invoke(app, ["downtime", "list", str(tmp_path / "lists")])
    [file] = (tmp_path / "lists").glob("*.html")
    (tmp_path / "sheet.csv").write_bytes(sheet("1,hold,released,2026-11-02T10:40:00Z,A,seen,"))
    entering = CliRunner().invoke(app, ["downtime", "enter", str(tmp_path / "sheet.csv")])
    exporting = CliRunner().invoke(app, ["audit", "export", str(tmp_path / "log")])
    checking = CliRunner().invoke(app, ["audit", "verify", str(tmp_path / "log")])

    assert msgspec.json.decode(lodging.stdout, type=Cleared).decision.control == "released"
    assert (listing.exit_code, file.name) == (0, "GB.html")
    assert CliRunner().invoke(app, ["downtime", "verify", str(file)]).exit_code == 0
    assert entering.exit_code == 1, entering.output
    assert "is released here" in entering.output
    assert "0 entered, 0 entered before, 1 in conflict" in entering.output
    assert (exporting.exit_code, checking.exit_code) == (0, 0), exporting.output + checking.output

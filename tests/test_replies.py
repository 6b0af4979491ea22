"""What an officer asks, what the filer replies, and what the filer is told of it in its own dialect."""

from __future__ import annotations

import asyncio
import base64
import io
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import msgspec
import pytest

from conftest import NOW
from guarded import bearer, client, guarded, session
from make import consignment
from test_acts import OFFICER, SUPERVISOR, lodged, put
from tidewaiter import formats
from tidewaiter.access import Principal
from tidewaiter.audit import leaf
from tidewaiter.clearance import GROUNDS, WANTED
from tidewaiter.model.consignment import Change
from tidewaiter.services.acting import CannotNow, NotAllowed, NotThere
from tidewaiter.services.ask import ask
from tidewaiter.services.clear import Message
from tidewaiter.services.complete import complete
from tidewaiter.services.downtime import COLUMNS, enter
from tidewaiter.services.lodge import lodge
from tidewaiter.services.refuse import refuse
from tidewaiter.services.release import release
from tidewaiter.services.reply import Saying, Sent, reply
from tidewaiter.store import START
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
PDF = b"%PDF-1.7 made up"
INVOICE = Sent(
    type="N380", number="INV-1", name="invoice.pdf", media_type="application/pdf",
    content=base64.b64encode(PDF).decode(),
)  # fmt: skip


@pytest.fixture
async def http(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with client(guarded(house)) as opened:
        yield opened


def seller(filer: str, **changed: str) -> Principal:
    return msgspec.structs.replace(Principal(id=f"m-{filer}", kind="machine", role="filer", filer=filer), **changed)


async def asked(house: House, filer: str, *wanted: str, question: str = "", channel: str = "control") -> int:
    id = await lodged(house, filer, control="hold")
    await ask(
        id, channel, wanted or ("invoice",), "price looks low", question=question, principal=OFFICER,  # type: ignore[arg-type]
        store=house.store, at=NOW,
    )  # fmt: skip
    return id


async def states(house: House, id: int) -> tuple[str, str]:
    found = (await house.store.consignments([id]))[id]
    return found.security, found.control


async def test_an_officer_asks_the_filer_replies_and_the_officer_releases(house: House, filer: str) -> None:
    id = await asked(house, filer)
    done = await reply(
        id, Saying(text="Here it is.", documents=(INVOICE,)), principal=seller(filer), store=house.store, at=NOW
    )
    [kept] = await house.store.replies.of(id)
    [read] = await house.store.replies.of(id, with_said=True)
    log = await house.store.log()
    newest = msgspec.json.decode((await house.store.leaves(log.size - 1, log.size))[0].entry, type=leaf.Leaf)

    assert (done.channel, done.security, done.control) == ("control", "assessment_complete", "hold")
    assert (kept.said, kept.documents) == (None, 1)
    assert read.said is not None
    assert (read.said.text, read.said.documents[0].number) == ("Here it is.", "INV-1")
    assert await house.store.replies.file(id, done.reply, 0) == PDF
    assert isinstance(newest, leaf.Replied)
    assert (newest.sha256, newest.decisions) == (done.sha256, ((id, "assessment_complete", "hold"),))
    assert (await release(id, "invoice seen", principal=OFFICER, store=house.store, at=NOW)).control == "released"


async def test_information_for_security_is_asked_replied_to_asked_again_and_completed(house: House, filer: str) -> None:
    id = await asked(house, filer, "description", channel="security")
    assert await states(house, id) == ("information_requested", "hold")
    await reply(id, Saying(text="A T-shirt."), principal=seller(filer), store=house.store, at=NOW)
    assert await states(house, id) == ("pending", "hold")
    await ask(id, "security", ("picture",), "still vague", principal=OFFICER, store=house.store, at=NOW)
    again = await reply(id, Saying(text="See the data sheet."), principal=seller(filer), store=house.store, at=NOW)
    await complete(id, "clear now", principal=OFFICER, store=house.store, at=NOW)

    assert not again.is_repeat
    assert await states(house, id) == ("assessment_complete", "hold")
    kinds = [sent.answer.kind for sent in (await house.store.behind(id)).answers]
    assert kinds[-5:] == ["information_request", "received", "information_request", "received", "cleared"]


async def test_a_reply_is_kept_once_however_often_it_is_sent(house: House, filer: str) -> None:
    id = await asked(house, filer)
    saying = Saying(text="Here it is.")

    async def send(key: str | None = None, text: str = saying.text) -> bool:
        done = await reply(id, Saying(text=text), principal=seller(filer), store=house.store, at=NOW, key=key)
        return done.is_repeat

    sent = await asyncio.gather(*(send("k-1") for _ in range(8)))
    assert sorted(sent) == [False] + [True] * 7
    assert await send() is True
    with pytest.raises(CannotNow, match="key_taken"):
        await send("k-1", "Something else.")
    with pytest.raises(CannotNow, match="no_request"):
        await send("k-2", "Something else.")
    assert len(await house.store.replies.of(id)) == 1


async def test_an_amendment_is_a_reply_where_it_is_the_filers_own_and_accepted(house: House, filer: str) -> None:
    id = await asked(house, filer, "parties")
    stored = (await house.store.consignments([id]))[id]
    change = Change(pointer="/items/0/origin_country")
    amended = consignment(reference=stored.record.reference, function="amendment", mrn=stored.mrn, changes=(change,))
    message = Message(source="test", data=msgspec.json.encode(amended), sender=filer)
    done = await lodge(message, store=house.store, law=house.law, at=NOW)
    strange = await lodge(
        Message(source="test", data=message.data, sender=f"{filer}-x"), store=house.store, law=house.law, at=NOW
    )
    for wrong in (strange.message_id, 0, 2**40):
        with pytest.raises(CannotNow, match="amendment"):
            await reply(id, Saying(amendment=wrong), principal=seller(filer), store=house.store, at=NOW)
    replied = await reply(id, Saying(amendment=done.message_id), principal=seller(filer), store=house.store, at=NOW)

    assert replied.control == "hold"
    assert [one.amendment for one in await house.store.replies.of(id)] == [done.message_id]


@pytest.mark.parametrize(
    ("saying", "why"),
    [
        (Saying(), "empty_reply"),
        (Saying(text="x" * 4_001), "reply_unfit"),
        (Saying(text="nul\x00byte"), "reply_unfit"),
        (Saying(text="turned \u202e round"), "reply_unfit"),
        (Saying(documents=(Sent(name="nameless.pdf"),)), "reply_unfit"),
        (Saying(documents=(Sent(type="N380"),) * 21), "reply_unfit"),
        (Saying(documents=(Sent(type="N380", content="%%%", media_type="application/pdf"),)), "reply_unfit"),
        (Saying(documents=(msgspec.structs.replace(INVOICE, media_type="image/png"),)), "document_unfit"),
        (Saying(documents=(msgspec.structs.replace(INVOICE, media_type="text/html"),)), "document_unfit"),
        (Saying(documents=(msgspec.structs.replace(INVOICE, media_type=""),)), "document_unfit"),
        (Saying(text="to what?", channel="security"), "no_request"),
    ],
)  # fmt: skip
async def test_a_reply_that_cannot_be_kept_is_refused_and_leaves_the_request_open(
    house: House, filer: str, saying: Saying, why: str
) -> None:
    id = await asked(house, filer)

    with pytest.raises(CannotNow, match=why):
        await reply(id, saying, principal=seller(filer), store=house.store, at=NOW)
    assert (await states(house, id))[1] == "documents_requested"


async def test_a_name_is_written_in_any_script_and_a_text_in_lines(house: House, filer: str) -> None:
    id = await asked(house, filer)
    text = "Nguyễn Thị Ánh\n王小明, عائشة\n👋🏽"
    await reply(id, Saying(text=text), principal=seller(filer), store=house.store, at=NOW)

    [read] = await house.store.replies.of(id, with_said=True)
    assert read.said is not None
    assert read.said.text == text


async def test_nobody_else_replies_and_no_machine_asks(house: House, filer: str) -> None:
    id = await asked(house, filer)

    with pytest.raises(NotThere):
        await reply(id, Saying(text="Mine."), principal=seller("someone"), store=house.store, at=NOW)
    with pytest.raises(NotAllowed):
        await reply(id, Saying(text="Mine."), principal=OFFICER, store=house.store, at=NOW)
    await put(house, id, "hold")
    robot = msgspec.structs.replace(OFFICER, kind="machine")
    with pytest.raises(NotAllowed):
        await ask(id, "control", ("invoice",), "why not", principal=robot, store=house.store, at=NOW)


@pytest.mark.parametrize(
    ("wanted", "question"),
    [((), ""), (("wishes",), ""), (("invoice", "invoice"), ""), (("answer",), ""), (("invoice",), "And why?"),
     (("answer",), "x"), (("answer",), "x" * 501)],
)  # fmt: skip
async def test_what_is_asked_for_is_on_the_list_and_a_question_can_be_told(
    house: House, filer: str, wanted: tuple[str, ...], question: str
) -> None:
    id = await lodged(house, filer, control="hold")

    with pytest.raises(CannotNow, match="wanted"):
        await ask(
            id, "control", wanted, "price looks low", question=question, principal=OFFICER, store=house.store, at=NOW
        )


SAMPLES = sorted(formats.FORMATS)


async def lodged_in(house: House, filer: str, format: str) -> tuple[int, int] | None:
    """A consignment out of a sample of that format, and its message; None where no sample is accepted."""
    folder = Path(formats.__path__[0])
    for sample in sorted(one for one in (folder / format / "samples").iterdir() if one.is_file()):
        done = await lodge(
            Message(source="test", data=sample.read_bytes(), sender=filer, format=format), store=house.store,
            law=house.law, at=NOW, jurisdiction="GB",
        )  # fmt: skip
        for one in done.results:
            for id in await house.store.ids_of(one.reference, filer=filer):
                stored = (await house.store.consignments([id]))[id]
                if stored.cleared.function == "original" and stored.control != "not_accepted":
                    return id, done.message_id
    return None


@pytest.mark.parametrize("format", SAMPLES)
async def test_a_refusal_is_told_in_the_senders_own_dialect_with_its_ground_and_nothing_of_risk(
    house: House, filer: str, format: str
) -> None:
    found = await lodged_in(house, filer, format)
    if found is None:
        pytest.skip("no sample of this format is accepted in GB")
    id, message = found
    async with house.store._pool.acquire() as connection:
        await connection.execute(
            "insert into signals (consignment_id, place, profile, lane, score, reason)"
            " values ($1, 90, 'SECRET-PROFILE', 'examine', 9, 'Secret reason')",
            id,
        )
    await put(house, id, "examine")
    officer = msgspec.structs.replace(
        SUPERVISOR, country=(await house.store.consignments([id]))[id].record.jurisdiction
    )
    await refuse(id, "no_permit", "cites tip from K.", principal=officer, store=house.store, at=NOW)
    events = await house.store.feed.read(filer=filer, after=START, size=1000, with_answers=True)
    event = next(one for one in reversed(events) if one.consignment_id == id)
    assert event.later is not None
    assert event.control == "refused"
    sent = await house.store.feed.later_answer(message, event.later, filer=filer)
    assert sent is not None
    dialect, body = sent

    assert [answer.kind for answer in event.answers] == ["refused"]
    assert (event.answers[0].findings[0].code, dialect) == ("REF-02", format)
    assert body == formats.FORMATS[format].answer(event.answers)
    if "refused" in formats.FORMATS[format].ANSWERS:
        text = body if format != "xlsx" else unzipped(body)
        assert b"permit" in text.lower().replace(b"\r\n/", b" ").replace(b"\r\n", b" ")
    for secret in (b"SECRET", b"Secret", b"tip from", b"s.one"):
        assert secret.lower() not in body.lower()
    assert await house.store.feed.later_answer(message, event.later, filer="another") is None


@pytest.mark.parametrize("format", SAMPLES)
async def test_what_was_decided_by_hand_is_told_in_the_senders_own_dialect_when_it_is_entered(
    house: House, filer: str, format: str
) -> None:
    found = await lodged_in(house, filer, format)
    if found is None:
        pytest.skip("no sample of this format is accepted in GB")
    id, message = found
    await put(house, id, "examine")
    row = f"{id},examine,refused,{NOW.isoformat()},A. Officer,cites tip from K.,no_permit"
    sheet = f"{','.join(COLUMNS)}\n{row}\n".encode()
    [entered] = await enter(sheet, store=house.store, at=NOW + timedelta(hours=4))
    events = await house.store.feed.read(filer=filer, after=START, size=1000, with_answers=True)
    event = next(one for one in reversed(events) if one.consignment_id == id)
    assert event.later is not None, entered
    sent = await house.store.feed.later_answer(message, event.later, filer=filer)
    assert sent is not None
    dialect, body = sent

    assert (event.control, dialect, [answer.kind for answer in event.answers]) == ("refused", format, ["refused"])
    assert event.answers[0].findings[0].code == "REF-02"
    assert body == formats.FORMATS[format].answer(event.answers)
    assert b"tip from" not in body


def unzipped(body: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(body)) as book:
        return b"".join(book.read(name) for name in book.namelist())


def test_every_ground_and_everything_asked_has_its_own_code_and_words() -> None:
    kinds = [*GROUNDS.values(), *WANTED.values()]

    assert len({kind.code for kind in kinds}) == len({kind.text for kind in kinds}) == len(kinds)
    assert all(kind.remedy and kind.law for kind in kinds)


async def test_the_whole_goes_over_http_by_machine_and_officer(
    house: House, http: httpx.AsyncClient, filer: str
) -> None:
    id = await lodged(house, filer, control="hold")
    name, officer = await session(guarded(house))
    machine = await bearer(http, guarded(house), filer=filer)
    body = {"channel": "control", "wanted": ["invoice", "answer"], "question": "Was there a discount?", "reason": "low"}
    put_ = await http.post(f"/v1/control/{id}/ask", json=body, headers=officer)
    seen = await http.get("/v1/consignments/R", headers=machine)
    said = {"text": "Yes: ten per cent.", "documents": [msgspec.to_builtins(INVOICE)]}
    sent = await http.post("/v1/consignments/R/replies", json=said, headers={**machine, "Idempotency-Key": "k"})
    again = await http.post("/v1/consignments/R/replies", json=said, headers={**machine, "Idempotency-Key": "k"})
    events = (await http.get("/v1/events?limit=1000", headers=machine)).json()["events"]
    closed = await http.get(f"/consignments/{id}", headers=officer)
    opened = await http.get(f"/consignments/{id}?personal=yes", headers=officer)
    file = await http.get(f"/consignments/{id}/replies/{sent.json()['reply']}/0", headers=officer)
    reads = await house.store._pool.fetch("select reader, purpose from vault_reads where $1 = any(consignment_ids)", id)

    assert put_.json()["control"] == "documents_requested"
    assert [one["text"] for one in seen.json()["answers"][-1]["findings"]] == [
        "The invoice is asked for.", "Was there a discount?"
    ]  # fmt: skip
    assert (sent.status_code, again.json()["is_repeat"], again.headers["Idempotent-Replayed"]) == (200, True, "true")
    assert [one["kind"] for one in events][-3:] == ["decided", "replied", "decided"]
    assert events[-1]["answer"].rpartition("/")[0].endswith("/answers")
    assert (await http.get(events[-1]["answer"], headers=machine)).json()[0]["kind"] == "received"
    assert "ten per cent" not in closed.text
    assert "ten per cent" in opened.text
    assert (file.content, file.headers["content-disposition"][:10]) == (PDF, "attachment")
    assert file.headers["content-type"] == "application/octet-stream"
    assert [(one["reader"], one["purpose"]) for one in reads] == [(name, "control")] * 2


async def test_a_small_seller_sees_what_is_asked_and_replies_on_a_page(
    house: House, http: httpx.AsyncClient, filer: str
) -> None:
    id = await asked(house, filer, "invoice", "answer", question="Was there a discount?")
    _, person = await session(guarded(house), role="filer", filer=filer)
    _, other = await session(guarded(house), role="filer", filer=f"{filer}-x")
    form = {"form_token": person["Tidewaiter-Form-Token"], "text": "", "key": "page-1"}
    listed = await http.get("/requests", headers=person)
    shown = await http.get(f"/requests/{id}", headers=person)
    empty = await http.post(f"/requests/{id}", data=form, headers=person)
    long = await http.post(f"/requests/{id}", data={**form, "text": "字" * 4_001}, headers=person)
    sent = await http.post(f"/requests/{id}", data={**form, "text": "字" * 4_000}, headers=person)

    assert f"/requests/{id}" in listed.text
    assert f"/requests/{id}" not in (await http.get("/requests", headers=other)).text
    assert (await http.get(f"/requests/{id}", headers=other)).status_code == 404
    assert "The invoice is asked for." in shown.text
    assert "Was there a discount?" in shown.text
    assert (empty.status_code, long.status_code, sent.status_code) == (409, 409, 303)
    assert "You replied on" in (await http.get(f"/requests/{id}", headers=person)).text
    assert (await states(house, id))[1] == "hold"

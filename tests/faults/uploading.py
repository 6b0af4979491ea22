"""A message that comes in parts, over a link that breaks: through the door itself, as a filer does it."""

from __future__ import annotations

from datetime import timedelta

import httpx

from faults import claims
from faults.claims import Claim
from faults.lodgings import charged, encoded
from faults.operations import AT, Job, Operation, Sent, Tell, World
from tidewaiter import api
from tidewaiter.services import upload
from tidewaiter.settings import Settings
from tidewaiter.wiring import House

PART = "application/partial-upload"
SO_FAR = "select exists (select from uploads where id = $1 and filer = $2 and received >= $3)"
NOTHING_LEFT = "upload_parts p join uploads u on u.id = p.upload_id where u.filer = $1"  # what was lodged is kept once


def at_the_door(world: World, filer: str) -> httpx.AsyncClient:
    house = House(settings=Settings(), law=world.law, store=world.store, now=lambda: AT, signing_key=world.key)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(api.application(house)), base_url="http://127.0.0.1:8080",
        headers={"Tidewaiter-Filer": filer},
    )  # fmt: skip


def _id(answer: httpx.Response) -> str:
    return answer.headers["Location"].rpartition("/")[2]


async def _begun(http: httpx.AsyncClient, filer: str) -> httpx.Response:
    """The upload under the filer's key: a new one, or the one that was begun before, as far as it is."""
    headers = {"Upload-Complete": "?0", "Idempotency-Key": f"key-{filer}"}
    return (await http.post("/v1/uploads", headers=headers)).raise_for_status()


async def _sent(http: httpx.AsyncClient, id: str, at: int, part: bytes, *, is_last: bool) -> httpx.Response:
    headers = {"Content-Type": PART, "Upload-Offset": str(at), "Upload-Complete": "?1" if is_last else "?0"}
    return (await http.patch(f"/v1/uploads/{id}", content=part, headers=headers)).raise_for_status()


async def whole(_: World, filer: str) -> Job:
    data = encoded(charged(filer))
    after = [
        claims.messages(filer, 1), claims.consignments(filer, 1), claims.key_held(filer, f"key-{filer}", data),
        claims.counted("parts left", NOTHING_LEFT, 0, filer),
    ]  # fmt: skip
    return Job(filer, [Sent(filer, data)], after=after)


async def uploaded(world: World, job: Job, tell: Tell) -> None:
    """In two parts, each from where the server says that it is; the second completes it."""
    filer, data = job.filer, job.sent[0].data
    async with at_the_door(world, filer) as http:
        begun = await _begun(http, filer)
        id, received = _id(begun), int(begun.headers["Upload-Offset"])
        tell(Claim("an upload that was begun is kept", SO_FAR, (id, filer, received)))
        half = len(data) // 2
        if received < half:
            received = int(
                (await _sent(http, id, received, data[received:half], is_last=False)).headers["Upload-Offset"]
            )
            tell(Claim("what was taken in is durable", SO_FAR, (id, filer, received)))
        (await http.get(f"/v1/uploads/{id}")).raise_for_status()
        done = await _sent(http, id, received, data[received:], is_last=True)
        given = (int(done.headers["Tidewaiter-Message"]), filer, data, done.content)
        kept = "select exists (select from messages where id = $1 and filer = $2 and raw = $3 and answer = $4)"
        tell(Claim("I1 an upload is lodged byte for byte with its answer", kept, given))


async def half_done(world: World, filer: str) -> Job:
    async with at_the_door(world, filer) as http:
        id = _id(await _begun(http, filer))
        await _sent(http, id, 0, b"[", is_last=False)
    gone = "uploads u left join upload_parts p on p.upload_id = u.id where u.filer = $1 or p.upload_id = $2"
    return Job(filer, hand=(id,), after=[claims.counted("uploads and their parts", gone, 0, filer, id)])


async def given_up(world: World, job: Job, tell: Tell) -> None:
    async with at_the_door(world, job.filer) as http:
        answer = await http.delete(f"/v1/uploads/{job.hand[0]}")
    assert answer.status_code in (204, 404), answer.text
    tell(job.after[0])


async def swept(world: World, job: Job, tell: Tell) -> None:
    await upload.sweep(store=world.store, at=AT + timedelta(days=2))
    tell(job.after[0])


UPLOADS = {
    "upload": Operation(whole, uploaded),
    "give_up_upload": Operation(half_done, given_up),
    "sweep_uploads": Operation(half_done, swept),
}

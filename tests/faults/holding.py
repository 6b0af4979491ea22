"""Passkeys: one is added, lets its holder in, and is removed again."""

from __future__ import annotations

import hashlib
from contextlib import suppress

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authenticator import ORIGIN, SITE, Device
from faults import claims
from faults.claims import Claim
from faults.entering import an_account, is_in
from faults.operations import AT, Job, Operation, Tell, World
from tidewaiter.access.passkeys import Site, handle_of
from tidewaiter.services.enter_by_key import CannotKeep, add_key, ask_to_make, ask_to_show, enter_by_key, remove_key

HERE = Site(SITE, ORIGIN)


def device_of(filer: str, *, uses: int = 0) -> Device:
    """The device of that name, the same in every process."""
    seed = hashlib.sha256(filer.encode()).digest()
    return Device(key=Ed25519PrivateKey.from_private_bytes(seed), id=seed, handle=handle_of(filer), uses=uses)


async def _add(world: World, job: Job) -> None:
    asked = await ask_to_make(job.filer, site=HERE, store=world.store, at=AT)
    answer = device_of(job.filer).makes(asked)
    await add_key(answer, "a device", token=job.hand[0], site=HERE, store=world.store, at=AT)


async def keyless(world: World, filer: str) -> Job:
    job = await an_account(world, filer)
    job.after = [claims.counted("keys", "passkeys where person_id = $1", 1, filer)]
    return job


async def added(world: World, job: Job, tell: Tell) -> None:
    with suppress(CannotKeep):  # it is there already
        await _add(world, job)
    tell(job.after[0])


async def with_key(world: World, filer: str) -> Job:
    job = await an_account(world, filer)
    await _add(world, job)
    counted = "select k.uses >= (select count(*) - 1 from sessions s where s.person_id = k.person_id) from passkeys k"
    job.after = [
        Claim("each session but the one by password was counted", f"{counted} where k.person_id = $1", (filer,)),
        claims.counted("answers that may be given again", "challenges where person_id = $1", 0, filer),
    ]
    return job


async def entered(world: World, job: Job, tell: Tell) -> None:
    [kept] = await world.store.passkeys.of(job.filer)
    asked = await ask_to_show(HERE, store=world.store, at=AT)
    answer = device_of(job.filer, uses=kept.uses).shows(asked)
    tell(is_in(await enter_by_key(answer, site=HERE, store=world.store, at=AT)))


async def removed(world: World, job: Job, tell: Tell) -> None:
    await remove_key(device_of(job.filer).id, account=job.filer, store=world.store)
    tell(claims.counted("keys", "passkeys where person_id = $1", 0, job.filer))


async def to_be_removed(world: World, filer: str) -> Job:
    job = await with_key(world, filer)
    job.after = []
    return job


KEYS = {
    "add_passkey": Operation(keyless, added),
    "enter_by_passkey": Operation(with_key, entered),
    "remove_passkey": Operation(to_be_removed, removed),
}

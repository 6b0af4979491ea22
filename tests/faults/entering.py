"""Who may come in: accounts and keys made, changed and shut, and people and machines let in."""

from __future__ import annotations

import base64
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from unittest import mock
from urllib.parse import parse_qs, urlsplit

from joserfc.jwk import OKPKey

from faults import claims
from faults.claims import Claim
from faults.operations import AT, LATER, Job, Operation, Tell, World
from guarded import claims as told_of
from guarded import form, signed
from tidewaiter.access.openid import Grant
from tidewaiter.services import admit, enter, federate, signing
from tidewaiter.services.enter import Entered, NotLetIn
from tidewaiter.store import Client, NameTaken

PASSWORD, OTHER_PASSWORD = "four made up words", "four other made up words"
ISSUER, PROVIDER = "http://127.0.0.1:8080", "https://people.example"
LAST_TRY = enter.FAILURES_FREE - 1
"""So many failures, and after the next the account rests."""
TOLD = "thumbprint"
ALWAYS = Claim("what was told stands beside it", "select true")
SHUT = "people p where p.id = $1 and p.removed_at is not null and not exists (select from sessions s"
SHUT += " where s.person_id = p.id and s.ended_at is null)"


def secret_in(address: str) -> bytes:
    """The second factor that an authenticator app is told by this address."""
    [shown] = parse_qs(urlsplit(address).query)["secret"]
    return base64.b32decode(shown)


def cheap() -> mock._patch[int]:
    """While it lasts, a password that is made costs little to try: what it costs in earnest is no matter here."""
    return mock.patch.object(enter, "_COST", 2**10)


async def account(world: World, filer: str) -> bytes:
    """The second factor of the account of that name, which is there now."""
    with cheap():
        person, address = enter.person_of(filer, PASSWORD, role="officer", country="GB", key=world.key, at=AT)
    await world.store.access.add_person(person)
    return secret_in(address)


async def let_in(world: World, name: str, password: str, secret: bytes, at: datetime) -> Entered:
    """Somebody with the code of that instant."""
    code = enter.code_at(secret, int(at.timestamp()) // enter.STEP_S)
    return await enter.enter(name, password, code, store=world.store, key=world.key, at=at)


def is_in(entered: Entered) -> Claim:
    """That the session which was begun so holds."""
    what = "select exists (select from sessions where token_digest = $1 and person_id = $2 and ended_at is null)"
    return Claim("who was let in is in", what, (enter._digest(entered.token), entered.person.id))


async def nobody(_: World, filer: str) -> Job:
    return Job(filer, after=[claims.counted("accounts", "people where id = $1 and removed_at is null", 1, filer)])


async def made(world: World, job: Job, tell: Tell) -> None:
    """Whoever was not told the second factor of an account that is there has it made anew."""
    try:
        secret = await account(world, job.filer)
    except NameTaken:
        secret = await _renewed(world, job.filer, PASSWORD)
    tell(job.after[0])
    await let_in(world, job.filer, PASSWORD, secret, AT)


async def _renewed(world: World, name: str, password: str) -> bytes:
    person = await world.store.access.person(name)
    assert person is not None
    with cheap():
        anew, address = enter.renewed(person, password, key=world.key)
    assert await world.store.access.renew_person(anew, at=AT)
    return secret_in(address)


async def an_account(world: World, filer: str) -> Job:
    """Somebody who is in."""
    entered = await let_in(world, filer, PASSWORD, await account(world, filer), AT)
    return Job(filer, hand=(entered.token,))


async def renewed(world: World, job: Job, tell: Tell) -> None:
    """The way in is another, and no session of the way before goes on."""
    secret = await _renewed(world, job.filer, OTHER_PASSWORD)
    ended = "select ended_at is not null from sessions where token_digest = $1"
    tell(Claim("the session of before has ended", ended, (enter._digest(job.hand[0]),)))
    await let_in(world, job.filer, OTHER_PASSWORD, secret, AT)


async def removed(world: World, job: Job, tell: Tell) -> None:
    await world.store.access.remove_person(job.filer, at=AT)
    tell(claims.counted("the account is shut, and nobody is in by it", SHUT, 1, job.filer))


async def seen(world: World, job: Job, tell: Tell) -> None:
    assert await enter.session_of(job.hand[0], store=world.store, at=AT) is not None
    what = "select seen_at >= $2 and ended_at is null from sessions where token_digest = $1"
    tell(Claim("that the session was used is kept", what, (enter._digest(job.hand[0]), AT)))


async def left(world: World, job: Job, tell: Tell) -> None:
    await enter.leave(job.hand[0], store=world.store, at=AT)
    what = "select ended_at is not null from sessions where token_digest = $1"
    tell(Claim("who logged out is out", what, (enter._digest(job.hand[0]),)))


async def before_the_door(world: World, filer: str) -> Job:
    job = Job(filer, hand=((await account(world, filer)).hex(),))
    step = int(AT.timestamp()) // enter.STEP_S
    # Of a code that was used there is one session: who was let in and did not hear of it comes with the next code.
    once = "select p.last_step - $2 + 1 >= (select count(*) from sessions s where s.person_id = p.id)"
    job.after = [
        Claim("a code let in once", f"{once} from people p where p.id = $1", (filer, step)),
        claims.counted("failures are forgotten", "people where id = $1 and failures = 0", 1, filer),
    ]
    return job


async def entered(world: World, job: Job, tell: Tell) -> None:
    try:
        done = await let_in(world, job.filer, PASSWORD, bytes.fromhex(job.hand[0]), AT)
    except NotLetIn:
        done = await let_in(world, job.filer, PASSWORD, bytes.fromhex(job.hand[0]), LATER)
    tell(is_in(done))


async def nearly_resting(world: World, filer: str) -> Job:
    await account(world, filer)
    for _ in range(LAST_TRY):
        await _tried(world, filer)
    none = "people p where p.id = $1 and not exists (select from sessions s where s.person_id = p.id)"
    return Job(filer, after=[claims.counted("nobody is in", none, 1, filer)])


async def _tried(world: World, name: str) -> None:
    """A try that fails, as far as the store knows of it."""
    await world.store.access.try_person(
        name, at=AT, free=enter.FAILURES_FREE, rest_s=enter.REST_S, rest_s_max=enter.REST_S_MAX
    )


async def refused(world: World, job: Job, tell: Tell) -> None:
    with suppress(NotLetIn):
        await enter.enter(job.filer, OTHER_PASSWORD, "000000", store=world.store, key=world.key, at=AT)
        raise AssertionError("somebody got in with another's password")
    what = "select locked_until > $2 and failures >= $3 from people where id = $1"
    tell(Claim("after so many failures the account rests", what, (job.filer, AT, enter.FAILURES_FREE)))


class Told(federate.Provider):
    """A provider that says of everybody who they are, by the code that they come back with."""

    async def describe(self, at: datetime) -> federate._Described:  # noqa: ARG002
        address = f"{self.issuer}/any"
        return federate._Described(
            issuer=self.issuer, authorization_endpoint=address, token_endpoint=address, jwks_uri=address
        )

    async def keys(self, named: str | None, at: datetime) -> list[dict[str, object]]:  # noqa: ARG002
        return [{**KEY.as_dict(private=False), "kid": "k1"}]

    async def token(self, code: str, verifier: str, at: datetime) -> str:  # noqa: ARG002
        subject, nonce = code.split()
        now = int(at.timestamp())
        return signed(
            KEY, {"iss": self.issuer, "sub": subject, "aud": self.client, "iat": now, "exp": now + 60, "nonce": nonce,
                  "groups": ["dover"]},
        )  # fmt: skip


KEY = OKPKey.generate_key("Ed25519")


def _provider(role: str) -> Told:
    """A provider whose people of Dover have that role here."""
    return Told(
        issuer=PROVIDER, client="tidewaiter", secret="", claim="groups",
        grants=[Grant(group="dover", role=role, country="GB")], back=ISSUER + federate.BACK,
    )  # fmt: skip


async def of_a_provider(world: World, filer: str) -> Job:
    """Somebody whom the provider knew in another role, and who has begun to log in."""
    await _back(world, filer, "supervisor", await _begun(world))
    job = Job(filer, hand=await _begun(world))
    source = "people where issuer = $1 and subject = $2 and role = 'officer'"
    job.after = [claims.counted("accounts", source, 1, PROVIDER, filer)]
    return job


async def _begun(world: World) -> tuple[str, ...]:
    """State, nonce and cookie of a log-in that has begun."""
    url, cookie = await federate.begin(_provider("officer"), wanted="/", key=world.key, at=AT)
    query = parse_qs(urlsplit(url).query)
    return query["state"][0], query["nonce"][0], cookie


async def _back(world: World, subject: str, role: str, begun: tuple[str, ...]) -> Entered:
    state, nonce, cookie = begun
    query = {"state": state, "code": f"{subject} {nonce}", "iss": PROVIDER}
    entered, _ = await federate.finish(_provider(role), query, cookie, store=world.store, key=world.key, at=AT)
    return entered


async def federated(world: World, job: Job, tell: Tell) -> None:
    """Who came back and did not hear of it begins anew: what was begun counts once."""
    try:
        done = await _back(world, job.filer, "officer", job.hand)
    except NotLetIn:
        done = await _back(world, job.filer, "officer", await _begun(world))
    tell(is_in(done))


def _machine(world: World, name: str) -> Client:
    public = {**world.key.as_dict(private=False), "kid": "k1"}
    return admit.client_of(name, public, role="filer", filer=name, at=AT)


async def no_machine(_: World, filer: str) -> Job:
    return Job(filer, after=[claims.counted("machines", "clients where id = $1 and revoked_at is null", 1, filer)])


async def machine_added(world: World, job: Job, tell: Tell) -> None:
    with suppress(NameTaken):
        await world.store.access.add_client(_machine(world, job.filer))
    tell(job.after[0])


async def a_machine(world: World, filer: str) -> Job:
    await world.store.access.add_client(_machine(world, filer))
    return Job(filer, hand=(signed(world.key, told_of(filer, AT)),))


async def machine_revoked(world: World, job: Job, tell: Tell) -> None:
    await world.store.access.revoke_client(job.filer, at=AT)
    tell(claims.counted("machines revoked", "clients where id = $1 and revoked_at is not null", 1, job.filer))


async def token_given(world: World, job: Job, tell: Tell) -> None:
    """An assertion counts once, whether or not it was heard what came of it; then the machine makes another."""

    async def ask(assertion: str) -> admit.Given:
        given = form(assertion)
        return await admit.give_token(given, proof=None, store=world.store, key=world.key, issuer=ISSUER, at=AT)

    try:
        given = await ask(job.hand[0])
    except admit.NotAdmitted:
        given = await ask(signed(world.key, told_of(job.filer, AT)))
    used = "select exists (select from used_once where owner = $1 and starts_with(once, 'assertion:'))"
    tell(Claim("what a token was given for is used up", used, (job.filer,)))
    gate = admit.Gate(store=world.store, key=world.key, issuer=ISSUER)
    told = await gate.machine(given.access_token, scheme="Bearer", proof=None, method="GET", path="/", at=AT)
    assert told.id == job.filer


def _own(world: World, filer: str) -> Path:
    return world.folder / filer / "own"


async def no_key(_: World, filer: str) -> Job:
    return Job(filer)


async def key_made(world: World, job: Job, tell: Tell) -> None:
    made = signing.own_key(_own(world, job.filer))
    (world.folder / job.filer / TOLD).write_text(made.thumbprint())
    tell(ALWAYS)


async def one_key(world: World, job: Job) -> list[str]:
    """What is wrong with the key of the installation: it is there whole or not at all, and never another than it was
    told to be."""
    path, told = _own(world, job.filer) / signing.OWN_KEY, world.folder / job.filer / TOLD
    if not path.exists():
        return ["the key is gone"] if told.exists() else []
    try:
        found = signing.signing_key(path.read_bytes())
    except signing.KeyUnfit as unfit:
        return [f"the key of the installation: {unfit}"]
    return ["the key is another"] if told.exists() and told.read_text() != found.thumbprint() else []


ENTRIES = {
    "add_account": Operation(nobody, made),
    "renew_account": Operation(an_account, renewed),
    "remove_account": Operation(an_account, removed),
    "enter": Operation(before_the_door, entered),
    "fail_to_enter": Operation(nearly_resting, refused),
    "be_seen": Operation(an_account, seen),
    "leave": Operation(an_account, left),
    "enter_by_provider": Operation(of_a_provider, federated),
    "add_machine": Operation(no_machine, machine_added),
    "revoke_machine": Operation(a_machine, machine_revoked),
    "give_token": Operation(a_machine, token_given),
    "make_key": Operation(no_key, key_made, one_key),
}

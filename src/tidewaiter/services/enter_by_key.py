"""Letting people in by a passkey, beside password and second factor: to add keys, remove a lost one, and log in.

A challenge is kept here, may be answered once and for `ASKED_S`, whether rightly or not. A key is added by who has just
logged in, so that a session somebody left open gives nobody a key of their own. Guessing is no way in, so failures do
not make an account rest: who tries passwords cannot shut out who has a key.
"""

from __future__ import annotations

import ipaddress
import logging
import secrets
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from tidewaiter.access import passkeys
from tidewaiter.access.passkeys import Key, Site
from tidewaiter.access.signed import Unfit
from tidewaiter.services.enter import Entered, NotLetIn, new_session, session_of
from tidewaiter.store import Passkey, Session, Store

log = logging.getLogger("tidewaiter.access")

ASKED_S = 300
"""So long may an answer take."""
FRESH_S = 15 * 60
"""Who adds a key logged in no longer ago."""
KEYS_MAX, NAME_MAX = 10, 64
_USUAL = {"https": 443, "http": 80}


class CannotKeep(ValueError):
    """The key cannot be added; `why` says so: stale, name, unfit or kept."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def site_of(issuer: str) -> Site | None:
    """The site at that address; None where no browser makes keys for it: at a bare address, or without TLS."""
    try:
        parts = urlsplit(issuer.lower())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if not host or _is_bare(host) or (parts.scheme != "https" and host != "localhost"):
        return None
    told = "" if port in (None, _USUAL[parts.scheme]) else f":{port}"
    return Site(host, f"{parts.scheme}://{host}{told}")


def _is_bare(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def ask_to_show(site: Site, *, store: Store, at: datetime) -> str:
    """What a browser is asked to show of whoever logs in, as JSON."""
    return passkeys.to_show(site, challenge=await _asked(None, store=store, at=at))


async def enter_by_key(text: str, *, site: Site, store: Store, at: datetime) -> Entered:
    """The session of the holder of the key that is shown, begun. Raises NotLetIn."""
    try:
        claimed = passkeys.claimed(text)
        if not await store.passkeys.answered(claimed.challenge, person=None, now=at):
            raise Unfit("not asked, or too long ago, or answered before")
        found = await store.passkeys.one(claimed.id)
        if found is None:
            raise Unfit("no such key")
        kept, person = found
        if claimed.handle is not None and claimed.handle != passkeys.handle_of(person.id):
            raise Unfit("made for another account")
        key = Key(kept.id, kept.public, kept.uses)
        uses = passkeys.shown(text, key, site=site, challenge=claimed.challenge)
        session = new_session()
        if not await store.passkeys.begin_session(
            kept, uses=uses, token_digest=session.digest, form_token=session.form_token, at=at
        ):
            raise Unfit("used meanwhile, or gone")
    except Unfit as why:
        log.warning("not let in by=passkey because=%s", str(why).replace(" ", "_"))
        raise NotLetIn from None
    log.info("let in by=passkey role=%s account=%s", person.role, person.id)
    return Entered(session.token, person)


async def ask_to_make(account: str, *, site: Site, store: Store, at: datetime) -> str:
    """What a browser is asked to make for this account, as JSON."""
    known = [key.id for key in await store.passkeys.of(account)]
    challenge = await _asked(account, store=store, at=at)
    return passkeys.to_make(site, account=account, challenge=challenge, known=known)


async def add_key(text: str, name: str, *, token: str, site: Site, store: Store, at: datetime) -> Passkey:
    """The key that a browser made, kept for whoever's session this is. Raises CannotKeep."""
    told = " ".join(name.split())
    if not 1 <= len(told) <= NAME_MAX or not told.isprintable():
        raise CannotKeep("name")
    session = await session_of(token, store=store, at=at)
    if session is None or not is_fresh(session, at):
        raise CannotKeep("stale")
    account = session.person.id
    try:
        challenge = passkeys.claimed(text).challenge
        if not await store.passkeys.answered(challenge, person=account, now=at):
            raise Unfit("not asked, or too long ago, or answered before")
        made = passkeys.made(text, site=site, challenge=challenge)
    except Unfit as why:
        log.warning("passkey refused account=%s because=%s", account, str(why).replace(" ", "_"))
        raise CannotKeep("unfit") from None
    key = Passkey(id=made.id, person_id=account, name=told, public=made.public, uses=made.uses, added_at=at)
    if not await store.passkeys.add(key, number_max=KEYS_MAX):
        raise CannotKeep("kept")
    log.info("passkey added account=%s", account)
    return key


async def remove_key(id: bytes, *, account: str, store: Store) -> bool:
    """Forget a key of the account: nobody is let in by it any more. False where there is none such."""
    is_gone = await store.passkeys.remove(id, person=account)
    if is_gone:
        log.info("passkey removed account=%s", account)
    return is_gone


def is_fresh(session: Session, at: datetime) -> bool:
    """Whether the session began so lately that a key may be added in it."""
    return timedelta(0) <= at - session.began_at <= timedelta(seconds=FRESH_S)


async def _asked(person: str | None, *, store: Store, at: datetime) -> bytes:
    challenge = secrets.token_bytes(32)
    await store.passkeys.ask(challenge, person=person, until=at + timedelta(seconds=ASKED_S), now=at)
    return challenge

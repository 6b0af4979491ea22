"""Letting people in: a local account with a password and a second factor, for an office without an identity provider.

The password is kept as scrypt makes it, the second factor (TOTP, RFC 6238) sealed under a key that follows from the
installation's own. A code counts once. After `FAILURES_FREE` failures an account rests, longer each time; what was
wrong is never said, nor whether there is such an account. Of a session only the digest of its token is kept.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple
from urllib.parse import quote

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc.jwk import OKPKey

from tidewaiter.access import ROLES
from tidewaiter.access.principal import FILING
from tidewaiter.store import CORRIDOR, REPLYING, Person, Session, Store

SESSION_COOKIE = "__Host-tidewaiter"
IDLE_S = 30 * 60
SESSION_S = 12 * 60 * 60
"""A session ends after so long unused, and after so long in any case (ASVS 5.0, 7.3)."""
FAILURES_FREE = 5
REST_S, REST_S_MAX = 30, 60 * 60
PASSWORD_MIN, PASSWORD_MAX = 12, 128
STEP_S, DIGITS, SECRET_BYTES = 30, 6, 20
"""As every authenticator app has them (RFC 6238)."""
STEPS_OFF = 1
"""So many steps may a person's clock be off."""
_COST, _BLOCK, _LANES = 2**15, 8, 3
"""scrypt's cost: 32 MiB a try (OWASP Password Storage Cheat Sheet, 2024)."""
_TRIES = ThreadPoolExecutor(2, thread_name_prefix="password")
"""Passwords are tried two at a time, so that a flood of log-ins takes neither the memory nor the machine."""
RESERVED = frozenset({CORRIDOR, REPLYING})
"""Names that say in a decision that no person took it."""
_CODE = re.compile(r"[0-9]{6}", re.ASCII)
_ID = re.compile(r"[a-z0-9._-]{1,64}", re.ASCII)


class NotLetIn(Exception):
    """The log-in failed. It does not say why, nor whether the account rests after too many failures."""


class CannotAdd(ValueError):
    """The account cannot be kept so; the text says what to mend."""


class Entered(NamedTuple):
    """A session that has begun: its token, which goes into the cookie and is kept nowhere."""

    token: str
    person: Person


class NewSession(NamedTuple):
    """What a session that begins is known by."""

    token: str
    digest: bytes
    form_token: str


def new_session() -> NewSession:
    """Tokens that nobody can guess."""
    token = secrets.token_urlsafe(32)
    return NewSession(token, _digest(token), secrets.token_urlsafe(32))


def person_of(
    id: str,
    password: str,
    *,
    role: str,
    filer: str = "",
    office: str = "",
    country: str = "",
    key: OKPKey,
    at: datetime,
) -> tuple[Person, str]:
    """An account to be kept, and the address that tells an authenticator app its second factor. Raises CannotAdd."""
    if not _ID.fullmatch(id) or id in RESERVED:
        raise CannotAdd("a name has 1 to 64 small letters, digits, points, hyphens, underscores")
    if role not in ROLES or role == "public":
        raise CannotAdd(f"a role is one of {', '.join(one for one in ROLES if one != 'public')}")
    if (role in FILING) != bool(filer):
        raise CannotAdd(f"a {role} {'needs the name of its filer' if role in FILING else 'has no filer'}")
    if role not in FILING and role not in ("statistician", "sysadmin") and not country:
        raise CannotAdd("an official serves a country: give its code")
    person = Person(
        id=id, role=role, filer=filer, office=office, country=country, password="", second_factor="", added_at=at
    )
    return renewed(person, password, key=key)


def renewed(person: Person, password: str, *, key: OKPKey) -> tuple[Person, str]:
    """The account with this password and a second factor of its own, none of which it had before; and the address that
    tells it to an authenticator app. Raises CannotAdd."""
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise CannotAdd(f"a password has {PASSWORD_MIN} to {PASSWORD_MAX} characters")
    secret = secrets.token_bytes(SECRET_BYTES)
    anew = msgspec.structs.replace(
        person, password=hashed(password), second_factor=_sealed(secret, person.id, key), last_step=0, failures=0,
        locked_until=None,
    )  # fmt: skip
    shown = base64.b32encode(secret).decode()
    return anew, f"otpauth://totp/Tidewaiter:{quote(person.id)}?secret={shown}&issuer=Tidewaiter"


async def enter(id: str, password: str, code: str, *, store: Store, key: OKPKey, at: datetime) -> Entered:
    """The session of the person, begun. Raises NotLetIn."""
    person = None
    if _ID.fullmatch(id):
        person = await store.access.try_person(id, at=at, free=FAILURES_FREE, rest_s=REST_S, rest_s_max=REST_S_MAX)
    # Reckoned for an account that is not there, or rests, too, so that the time does not tell.
    kept = person.password if person is not None else _nobodys()
    is_right = await asyncio.get_running_loop().run_in_executor(_TRIES, _matches, password, kept)
    step = _step_of(code, person, key, at) if person is not None else None
    if person is None or step is None or not is_right:
        raise NotLetIn
    made = new_session()
    if not await store.access.begin_session(
        person, step=step, token_digest=made.digest, form_token=made.form_token, at=at
    ):
        raise NotLetIn
    return Entered(made.token, person)


async def session_of(token: str, *, store: Store, at: datetime) -> Session | None:
    """The session of that token, where it is not over."""
    found = await store.access.session(_digest(token), at=at)
    if found is None:
        return None
    is_over = at - found.began_at > timedelta(seconds=SESSION_S) or at - found.seen_at > timedelta(seconds=IDLE_S)
    return None if is_over else found


async def leave(token: str, *, store: Store, at: datetime) -> None:
    """End the session of that token."""
    await store.access.end_session(_digest(token), at=at)


def hashed(password: str) -> str:
    """The password as it is kept: scrypt with its cost, a salt and the hash."""
    salt = secrets.token_bytes(16)
    made = _scrypt(password, salt, cost=_COST, block=_BLOCK, lanes=_LANES)
    return f"scrypt${_COST}${_BLOCK}${_LANES}${salt.hex()}${made.hex()}"


def code_at(secret: bytes, step: int) -> str:
    """The code of a time step (RFC 4226, 5.3)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    place = mac[-1] & 15
    number = int.from_bytes(mac[place : place + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def _matches(password: str, kept: str) -> bool:
    _, cost, block, lanes, salt, made = kept.split("$")
    found = _scrypt(password, bytes.fromhex(salt), cost=int(cost), block=int(block), lanes=int(lanes))
    return hmac.compare_digest(found.hex(), made)


def _scrypt(password: str, salt: bytes, *, cost: int, block: int, lanes: int) -> bytes:
    text = unicodedata.normalize("NFC", password[:PASSWORD_MAX]).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(text, salt=salt, n=cost, r=block, p=lanes, maxmem=256 * cost * block, dklen=32)


def _step_of(code: str, person: Person, key: OKPKey, at: datetime) -> int | None:
    """The time step whose code this is; None where of none near enough."""
    if not _CODE.fullmatch(code):
        return None
    secret = _opened(person.second_factor, person.id, key)
    now = int(at.timestamp()) // STEP_S
    steps = range(now - STEPS_OFF, now + STEPS_OFF + 1)
    return next((step for step in steps if hmac.compare_digest(code_at(secret, step), code)), None)


def _sealed(secret: bytes, id: str, key: OKPKey) -> str:
    nonce = secrets.token_bytes(12)
    return (nonce + AESGCM(sealing_key(key)).encrypt(nonce, secret, id.encode())).hex()


def _opened(sealed: str, id: str, key: OKPKey) -> bytes:
    """The secret. Where the installation's key is another than when it was sealed, no code fits."""
    data = bytes.fromhex(sealed)
    try:
        return AESGCM(sealing_key(key)).decrypt(data[:12], data[12:], id.encode())
    except InvalidTag:
        return secrets.token_bytes(SECRET_BYTES)


def sealing_key(key: OKPKey, use: str = "second factor") -> bytes:
    """A key for sealing that follows from the installation's own, another for each use."""
    private = base64.urlsafe_b64decode(str(key.as_dict(private=True)["d"]) + "=")
    return HKDF(SHA256(), 32, salt=None, info=f"tidewaiter {use}".encode()).derive(private)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


@cache
def _nobodys() -> str:
    return hashed(secrets.token_urlsafe(16))

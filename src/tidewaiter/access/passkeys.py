"""Passkeys: what a browser is asked to make or to show, and whether what it brings back counts.

The private half never leaves the person's device; the browser signs only for the origin it is at. A key counts when the
device made sure of its person (by a PIN or a finger), for the challenge it was given, and its count never goes back.

Sources: Web Authentication (W3C), Level 2, 7.1 and 7.2. The bytes are read and the signatures reckoned by py_webauthn,
which is asked for where it is used: it takes half a second, by which every start would be later. What it leaves to its
caller is decided here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from tidewaiter.access.signed import Unfit, decoded

TIMEOUT_MS = 120_000
TEXT_MAX, ID_MAX, PUBLIC_MAX = 32_768, 1023, 2048
"""So long may an answer, the id of a key (Level 2, 5.8.3) and its public half be, in characters and bytes."""
PLAIN = ("none", "packed")
"""How a key may be vouched for: not at all, or by itself. Which make a device is we do not ask."""
_T = TypeVar("_T")


class Site(NamedTuple):
    """For whom keys are made: the name of the host, and the origin at which a browser must be."""

    id: str
    origin: str


class Key(NamedTuple):
    """A key that was made: its id, its public half (COSE), and how often it says it was used."""

    id: bytes
    public: bytes
    uses: int


class Shown(NamedTuple):
    """What an answer claims before any of it is believed: the challenge, the id of the key, whose it says it is."""

    challenge: bytes
    id: bytes
    handle: bytes | None


def handle_of(account: str) -> bytes:
    """The name of an account as a device keeps it: it says nothing of the person (Level 2, 14.6.1)."""
    return hashlib.sha256(f"tidewaiter passkey {account}".encode()).digest()


def to_make(site: Site, *, account: str, challenge: bytes, known: Iterable[bytes]) -> str:
    """What the browser is asked to make, as JSON. `known` are the ids of the keys that the account has."""
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    return options_to_json(
        generate_registration_options(
            rp_id=site.id, rp_name="Tidewaiter", user_name=account, user_id=handle_of(account), challenge=challenge,
            timeout=TIMEOUT_MS, exclude_credentials=[PublicKeyCredentialDescriptor(id=id) for id in known],
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
        )
    )  # fmt: skip


def to_show(site: Site, *, challenge: bytes) -> str:
    """What the browser is asked to show, as JSON: any key it has for the site, so that nobody learns who has one."""
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import UserVerificationRequirement

    return options_to_json(
        generate_authentication_options(
            rp_id=site.id, challenge=challenge, timeout=TIMEOUT_MS,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )  # fmt: skip


def claimed(text: str) -> Shown:
    """What an answer of either kind claims. Raises Unfit."""

    def read() -> Shown:
        told = json.loads(text)
        answer = told["response"]
        handle = answer.get("userHandle")
        return Shown(
            challenge=decoded(json.loads(decoded(answer["clientDataJSON"]))["challenge"]), id=decoded(told["rawId"]),
            handle=decoded(handle) if handle else None,
        )  # fmt: skip

    if len(text) > TEXT_MAX:
        raise Unfit("too long")
    return _believed(read)


def made(text: str, *, site: Site, challenge: bytes) -> Key:
    """The key that was made for us, for this challenge. Raises Unfit."""
    from webauthn import verify_registration_response

    _is_at_the_top(text)
    found = _believed(
        lambda: verify_registration_response(
            credential=text, expected_challenge=challenge, expected_rp_id=site.id, expected_origin=site.origin,
            require_user_verification=True,
        )
    )  # fmt: skip
    if found.fmt not in PLAIN:
        raise Unfit("vouched for in a way that was not asked for")
    if len(found.credential_id) > ID_MAX or len(found.credential_public_key) > PUBLIC_MAX:
        raise Unfit("too long")
    return Key(found.credential_id, found.credential_public_key, found.sign_count)


def shown(text: str, key: Key, *, site: Site, challenge: bytes) -> int:
    """How often the key says it was used, where its holder showed it to us for this challenge. Raises Unfit.

    A count that is not above the last one is refused: the key was copied, or the answer is an old one. Devices that do
    not count say 0 each time.
    """
    from webauthn import verify_authentication_response

    _is_at_the_top(text)
    found = _believed(
        lambda: verify_authentication_response(
            credential=text, expected_challenge=challenge, expected_rp_id=site.id, expected_origin=site.origin,
            credential_public_key=key.public, credential_current_sign_count=key.uses, require_user_verification=True,
        )
    )  # fmt: skip
    if found.credential_id != key.id:
        raise Unfit("another key's id")
    return found.new_sign_count


def _is_at_the_top(text: str) -> None:
    """Refuses what was signed within a page of somebody else's, which py_webauthn lets pass. Raises Unfit."""

    def read() -> Any:
        return json.loads(decoded(json.loads(text)["response"]["clientDataJSON"]))

    said = _believed(read)
    if said.get("crossOrigin") not in (None, False) or "topOrigin" in said:
        raise Unfit("within a page of another")


def _believed(read: Callable[[], _T]) -> _T:
    """What was read. Whatever the library stumbles over is an answer about the text, never an exception of ours."""
    try:
        return read()
    except Exception as wrong:
        raise Unfit(type(wrong).__name__) from None

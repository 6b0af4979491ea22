"""What an OpenID provider says of a person, and when it counts: the ID token, and the role that follows from groups.

Sources: OpenID Connect Core 1.0, 3.1.3.7 (validation), RFC 9700 (best practice), RFC 7636 (PKCE). Whatever is wrong is
`signed.Unfit`. No group makes an administrator: whoever runs the installation gives that role, and nobody else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from tidewaiter.access import signed
from tidewaiter.access.principal import FILING, ROLES
from tidewaiter.access.signed import Unfit

ALGORITHMS = signed.ALGORITHMS | {"RS256"}
"""What an ID token may be signed with. RS256 is what every provider has, and signs with unless told otherwise."""
TOKEN_S_MAX = 600
"""So long ago may an ID token have been made."""
SKEW_S = 30
_HEADERS = frozenset({"alg", "kid", "typ", "x5t"})
_MAPPED = tuple(role for role in ROLES if role not in ("public", "sysadmin"))
_GRANT = re.compile(
    r"(?P<group>[^=,;]{1,128})=(?P<role>[a-z]{1,32})(:(?P<first>[A-Za-z0-9._-]{1,64}))?(:(?P<office>[A-Za-z0-9]{1,64}))?"
)


class Grant(NamedTuple):
    """What the members of a group are here."""

    group: str
    role: str
    filer: str = ""
    country: str = ""
    office: str = ""


def grants_in(text: str) -> tuple[Grant, ...]:
    """The grants in a setting: `officers-dover=officer:GB:GB000060,acme=filer:acme`. Raises ValueError."""
    found = []
    for part in filter(None, (one.strip() for one in text.split(","))):
        read = _GRANT.fullmatch(part)
        if read is None or read["role"] not in _MAPPED:
            raise ValueError(f"a grant is GROUP=ROLE:COUNTRY:OFFICE or GROUP=ROLE:FILER, a role {', '.join(_MAPPED)}")
        role, first, office = read["role"], read["first"] or "", read["office"] or ""
        if role in FILING and (not first or office):
            raise ValueError(f"a {role} needs the name of its filer and nothing more")
        if role not in FILING and role != "statistician" and not re.fullmatch("[A-Z]{2}", first):
            raise ValueError(f"a {role} serves a country: give its code")
        place = {"filer": first} if role in FILING else {"country": first, "office": office}
        found.append(Grant(read["group"], role, **place))
    return tuple(found)


def grant_of(claims: Mapping[str, Any], *, claim: str, grants: Sequence[Grant]) -> Grant:
    """The first grant of which the person has the group. Raises Unfit where there is none."""
    told = claims.get(claim)
    groups = {told} if isinstance(told, str) else set(told) if isinstance(told, list) and _are_texts(told) else set()
    found = next((one for one in grants if one.group in groups), None)
    if found is None:
        raise Unfit("no group that is let in")
    return found


def challenge_of(verifier: str) -> str:
    """The challenge that goes with a verifier (RFC 7636, S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def key_named(token: str) -> str | None:
    """The key that an ID token names, before anything of it is believed. Raises Unfit."""
    if len(token) > signed.TEXT_MAX:
        raise Unfit("too long")
    named = signed.claims(signed.decoded(token.partition(".")[0])).get("kid")
    if named is not None and not isinstance(named, str):
        raise Unfit("kid is no text")
    return named


def claims_in(
    token: str, *, keys: Sequence[Mapping[str, Any]], issuer: str, client: str, nonce: str, now: datetime
) -> dict[str, Any]:
    """The claims of an ID token that this provider made for us, for this log-in, just now. Raises Unfit."""
    named = key_named(token)
    fitting = [key for key in keys if _is_for_signing(key) and (named is None or key.get("kid") == named)]
    if len(fitting) != 1:
        raise Unfit("none of its keys, or none named of several")
    read = signed.read(token, _pinned(fitting[0]), algorithms=ALGORITHMS, headers=_HEADERS)
    claims = signed.claims(read.payload)
    at, made, until = now.timestamp(), _instant(claims, "iat"), _instant(claims, "exp")
    if claims.get("iss") != issuer:
        raise Unfit("another issuer")
    audience = claims.get("aud")
    if audience not in (client, [client]) or claims.get("azp", client) != client:
        raise Unfit("made for another")
    if not at - SKEW_S < until or not at - TOKEN_S_MAX < made <= at + SKEW_S:
        raise Unfit("over, or not yet valid")
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
        raise Unfit("made for another log-in")
    if not isinstance(claims.get("sub"), str) or not 1 <= len(claims["sub"]) <= 255:
        raise Unfit("names nobody")
    return claims


def _pinned(key: Mapping[str, Any]) -> Mapping[str, Any]:
    """A key with its algorithm. An RSA key that names none is for RS256, the default of OpenID Connect."""
    return {"alg": "RS256", **key} if key.get("kty") == "RSA" else key


def _is_for_signing(key: object) -> bool:
    return isinstance(key, dict) and key.get("use", "sig") == "sig" and key.get("kty") in ("RSA", "EC", "OKP")


def _instant(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**33:
        raise Unfit(f"{name} is no instant")
    return float(value)


def _are_texts(told: list[Any]) -> bool:
    return all(isinstance(one, str) for one in told)

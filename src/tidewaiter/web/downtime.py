"""The list of an office as one page that needs no server and no script, and can be verified as a whole."""

from __future__ import annotations

import re
from importlib import resources

import jinja2
import msgspec
from joserfc.jwk import OKPKey

from tidewaiter.services.downtime import TYPE, ReleaseList
from tidewaiter.services.signing import Unverified, opened

PAGE_BYTES_MAX = 64 * 1024 * 1024
_SIGNED = re.compile(rb'<pre id="signed"[^>]*>([A-Za-z0-9_.-]+)</pre>')


def page(told: ReleaseList, token: str) -> bytes:
    """The list as HTML, with the JWS over it at the end."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text = (resources.files("tidewaiter.web") / "templates" / "downtime.html").read_text(encoding="utf-8")
    return environment.from_string(text).render(told=told, token=token).encode()


def verified(data: bytes, key: OKPKey) -> ReleaseList:
    """The list in a page, which the holder of the key signed and which the page shows. Raises Unverified."""
    found = _SIGNED.findall(data) if len(data) <= PAGE_BYTES_MAX else []
    if len(found) != 1:
        raise Unverified("this is no list of an office")
    token = found[0].decode()
    try:
        told = msgspec.json.decode(opened(token, key, TYPE), type=ReleaseList)
    except msgspec.DecodeError:
        raise Unverified("what was signed is of another version") from None
    # What a person reads is the page and not what is signed in it: the two must be the same.
    if page(told, token) != data:
        raise Unverified("the page does not show what was signed, or another release of Tidewaiter wrote it")
    return told

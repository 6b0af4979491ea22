"""Whom we may connect to: public addresses only, so that nobody can have us knock at doors inside our own network.

A name is resolved, every address it has must be public, and the connection goes to an address that was looked at: a
name that means something else a moment later is of no use. Named hosts may be excepted, for tests and inner networks.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

import httpcore

URL_LENGTH_MAX = 2000
_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(/[!-~]*|\?[!-~]*)?", re.ASCII)
_GLOBAL = IPv6Network("2000::/3")
_CARRIERS = tuple(IPv6Network(net) for net in ("2001::/23", "2002::/16", "2001:db8::/32", "3fff::/20"))
"""Inside it: what carries an IPv4 address within (Teredo, 6to4), is reserved for protocols, or for examples."""

_PROTOCOLS = tuple(IPv4Network(net) for net in ("192.0.0.0/24", "192.88.99.0/24"))
"""IPv4 that is for protocols (6to4 among them) though some releases of Python call it global."""


class UrlUnfit(ValueError):
    """No webhook can be sent to this URL; the text says why."""


class AddressRefused(httpcore.ConnectError):
    """The host has an address that is not public, or none."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address belongs to the public internet: not private, shared, local, multicast or reserved, nor such
    a one wrapped in an IPv6 address. Source: IANA registries of special-purpose addresses (RFC 6890)."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        return address in _GLOBAL and not any(address in net for net in _CARRIERS)
    is_special = address.is_multicast or address.is_reserved or any(address in net for net in _PROTOCOLS)
    return address.is_global and not is_special


def checked_url(url: str, *, excepted: Collection[str] = ()) -> str:
    """The URL, where one of its form may be sent to: https, or http to an excepted host. Raises UrlUnfit."""
    if len(url) > URL_LENGTH_MAX or not _URL.fullmatch(url):
        raise UrlUnfit(
            f"an https URL of at most {URL_LENGTH_MAX} ASCII characters is needed, without user and fragment"
        )
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise UrlUnfit("the host or the port is not of its form") from None
    if not host or "#" in url or host.endswith("."):
        raise UrlUnfit("it names no host, or has a fragment")
    if parts.scheme != "https" and host not in excepted:
        raise UrlUnfit("only https is sent to")
    netloc = parts.netloc.lower()
    return parts._replace(netloc=netloc, path=parts.path or "/").geturl()


async def resolved(host: str, port: int, *, excepted: Collection[str] = ()) -> list[str]:
    """The addresses of a host, all of which may be connected to. Raises AddressRefused."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressRefused("the host has no address") from None
    addresses = list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
    if host not in excepted and not all(is_public(ip_address(address)) for address in addresses):
        raise AddressRefused("the host has an address that is not public")
    return addresses


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections for httpcore, to addresses that were looked at. TLS still asks for the name."""

    def __init__(self, *, excepted: Collection[str] = ()) -> None:
        self._excepted = frozenset(excepted)
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first address that answers. Raises AddressRefused, httpcore.ConnectError."""
        failed: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in (await resolved(host, port, excepted=self._excepted))[:4]:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or AddressRefused("the host has no address")

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await asyncio.sleep(seconds)

"""Nobody can have us knock at doors inside our own network."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address
from typing import Any

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewaiter.exchange.addresses import AddressRefused, CheckedNetwork, UrlUnfit, checked_url, is_public, resolved

pytestmark = pytest.mark.anyio

INNER = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1", "3fff::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001::1", "100::1",
]  # fmt: skip
OUTER = ["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "2a00:1450:4001::1", "::ffff:8.8.8.8", "172.32.0.1"]


@pytest.mark.parametrize("address", INNER)
def test_an_address_that_is_not_public_is_known(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", OUTER)
def test_a_public_address_is_known(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.ip_addresses())
def test_no_address_that_python_calls_private_is_public(address: Any) -> None:
    if not address.is_global or address.is_multicast or address.is_link_local or address.is_loopback:
        mapped = getattr(address, "ipv4_mapped", None)
        assert mapped is not None or not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/", "ftp://hooks.example/", "https://user@hooks.example/", "https://user:x@hooks.example/",
        "https://hooks.example/#part", "https:///path", "https://", "hooks.example", "//hooks.example/", "",
        "https://hooks.example:99999/", "https://hooks.example:x/", "https://hooks.example/\r\nX: y",
        "https://hooks.example/ a", "https://h\u00f6oks.example/", "https://hooks.example\\@10.0.0.1/", "https://[::1/",
        "https://hooks.example./", "https://hooks.example/" + "a" * 2000, "file:///etc/passwd",
    ],
)  # fmt: skip
def test_a_url_that_is_not_of_the_form_is_refused(url: str) -> None:
    with pytest.raises(UrlUnfit):
        checked_url(url)


def test_a_url_is_spelled_in_one_way() -> None:
    assert checked_url("https://Hooks.Example") == "https://hooks.example/"
    assert checked_url("https://HOOKS.example:8443/A?b=C") == "https://hooks.example:8443/A?b=C"
    assert checked_url("http://localhost:9/", excepted={"localhost"}) == "http://localhost:9/"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "::1", "2130706433", "0x7f000001", "127.1", "017700000001", "0", "169.254.169.254",
     "::ffff:7f00:1", "fe80::1%lo", "no-such-host.invalid", "a" * 300, "x..y"],
)  # fmt: skip
async def test_a_host_whose_address_is_not_public_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises(AddressRefused):
        await resolved(host, 443)


class Names:
    """Names that mean what the test says: the first answer, then the next."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def getaddrinfo(self, _host: str, port: int, **_: object) -> list[Any]:
        addresses = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]


async def test_one_inner_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Names(["8.8.8.8", "10.0.0.1"])
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", told.getaddrinfo)

    with pytest.raises(AddressRefused):
        await resolved("hooks.example", 443)


async def test_the_connection_goes_to_the_address_that_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that means a public address when it is looked at, and an inner one when it is connected to."""
    told = Names(["8.8.8.8"], ["127.0.0.1"])
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", told.getaddrinfo)
    connected: list[str] = []

    async def connect(_: object, host: str, *_rest: object) -> None:
        connected.append(host)
        raise httpcore.ConnectError("as far as the test goes")

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    network = CheckedNetwork()

    with pytest.raises(httpcore.ConnectError):
        await network.connect_tcp("hooks.example", 443)
    with pytest.raises(AddressRefused):
        await network.connect_tcp("hooks.example", 443)
    assert connected == ["8.8.8.8"]

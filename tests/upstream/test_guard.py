"""Addresses that a caller may not have the gateway call."""

import asyncio
import ipaddress
import socket

import pytest

from asbru.model.failure import Refused, Unreachable
from asbru.upstream.guard import check_host, is_public, public_address

INNER = (
    *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1"),
    *("192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255"),
    *("::1", "[::1]", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1"),
    *("::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:53aa:64c:0:fbff:80ff:fffe", "2001:db8::1"),
    *("localhost", "LOCALHOST", "localhost.", "a.localhost", "printer.local", "metadata.google.internal", "router"),
)
OUTER = ("1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "example.com", "hooks.example.co.uk")


@pytest.mark.parametrize("host", INNER)
def test_inner_addresses_are_refused(host: str) -> None:
    with pytest.raises(Refused, match="public internet"):
        check_host(host)


@pytest.mark.parametrize("host", OUTER)
def test_others_are_not(host: str) -> None:
    check_host(host)


def test_a_name_is_judged_by_where_it_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name server is not ours: what it says is given here."""

    async def found(*addresses: str) -> str:
        async def say(host: str, port: int, **more: object) -> list[tuple[object, ...]]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", say)
        return await public_address("hooks.example.com", 443)

    assert asyncio.run(found("8.8.8.8", "1.1.1.1")) == "8.8.8.8"
    for inner in ("127.0.0.1", "169.254.169.254", "::1"):
        with pytest.raises(Refused, match=inner):
            asyncio.run(found("8.8.8.8", inner))


def test_a_name_that_leads_nowhere_is_told() -> None:
    with pytest.raises(Unreachable, match="could not be resolved"):
        asyncio.run(public_address("no-such-name.invalid", 443))


def test_multicast_is_not_public() -> None:
    assert not is_public(ipaddress.ip_address("239.1.1.1"))
    assert is_public(ipaddress.ip_address("9.9.9.9"))

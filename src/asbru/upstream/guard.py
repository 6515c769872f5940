"""Addresses that a caller chose: only what the whole internet can reach may be called.

Rule 1. A name is resolved once, all of its addresses are looked at, and the connection goes to one of them: a name
that changes its mind in between leads nowhere else.
Rule 2. Loopback, private, link-local, shared, reserved and multicast addresses are refused, also inside IPv6 forms that
carry an IPv4 address; so are the names of this machine.
"""

import asyncio
import ipaddress
import socket

from asbru.model.failure import Refused, Unreachable

_OWN = (".localhost", ".local", ".internal", ".localdomain", ".home.arpa")
_PROTOCOLS = ipaddress.ip_network("192.0.0.0/24")
"""IETF's own; one cloud's metadata service is there, and older Pythons call it global."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def check_host(host: str) -> None:
    """Refuse what needs no look-up to be refused: an inner address, or a name of this machine. Raises Refused(400)."""
    address = _literal(host)
    inner = _inner(host) if address is None else not is_public(address)
    if inner:
        raise Refused(400, f"the address {host!r} is not one of the public internet", code="invalid_request_error")


async def public_address(host: str, port: int) -> str:
    """An address of ``host`` that may be called. Raises Refused(400) when it has one that may not, Unreachable when it
    has none.
    """
    check_host(host)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable(502, f"the name {host!r} could not be resolved") from None
    addresses = [str(each[4][0]) for each in found]
    for each in addresses:
        if not is_public(ipaddress.ip_address(each.partition("%")[0])):
            text = f"{host!r} leads to {each}, which is not of the public internet"
            raise Refused(400, text, code="forbidden_address")
    return addresses[0]


def is_public(address: Address) -> bool:
    """Whether anybody may be sent to ``address``."""
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inside = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(inside)
        if address.teredo is not None:
            return False
    if address in _PROTOCOLS:
        return False
    return address.is_global and not address.is_multicast


def _literal(host: str) -> Address | None:
    """``host`` as an address; also in the forms that C libraries take for one (``127.1``, ``0x7f000001``)."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def _inner(host: str) -> bool:
    name = host.lower().rstrip(".")
    return name == "localhost" or "." not in name or name.endswith(_OWN)

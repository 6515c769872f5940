"""Opens a connection to an origin: straight or through an HTTP proxy, plain or TLS, within a time.

Rule 1. A proxy is asked for a tunnel (CONNECT) for plain origins too: one way for both.
"""

import asyncio
import os
import socket
import ssl
from urllib.parse import urlsplit

from asbru.model.failure import TimedOut, Unreachable
from asbru.upstream.call import Origin
from asbru.upstream.connection import Connection, Keeper
from asbru.upstream.tls import Context

PROXY_HEAD = 16 << 10
"""Most bytes of a proxy's answer to CONNECT."""


async def dial(keeper: Keeper, origin: Origin, context: Context | None, seconds: float) -> Connection:
    """A ready connection. Raises Unreachable or TimedOut with words for the caller."""
    place = keeper.place
    if origin.proxy:
        place += f" through the proxy {_address(origin.proxy)}"
    try:
        async with asyncio.timeout(seconds):
            return await _open(keeper, origin, context)
    except TimeoutError:
        raise TimedOut(504, f"no connection to {place} within {seconds:g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(502, f"the certificate of {place} was not accepted: {error.verify_message}") from error
    except ssl.SSLError as error:
        raise Unreachable(502, f"no TLS with {place}: {error.reason or 'handshake failed'}") from error
    except socket.gaierror as error:
        raise Unreachable(502, f"the name of {place} could not be resolved") from error
    except ValueError as error:
        # Names that IDNA cannot write, ports out of range.
        raise Unreachable(502, f"the address {place} is not valid") from error
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise Unreachable(502, f"no connection to {place}: {reason}") from error


async def _open(keeper: Keeper, origin: Origin, context: Context | None) -> Connection:
    loop = asyncio.get_running_loop()
    name = origin.host if context is not None else None
    if origin.proxy:
        tunnel = await _tunnel(loop, origin)
        _, connection = await loop.create_connection(
            lambda: Connection(keeper), sock=tunnel, ssl=context, server_hostname=name
        )
    else:
        _, connection = await loop.create_connection(
            lambda: Connection(keeper), origin.address or origin.host, origin.port, ssl=context, server_hostname=name
        )
    return connection


async def _tunnel(loop: asyncio.AbstractEventLoop, origin: Origin) -> socket.socket:
    proxy = urlsplit(origin.proxy)
    found = await loop.getaddrinfo(proxy.hostname or "", proxy.port or 80, type=socket.SOCK_STREAM)
    family, kind, number, _, address = found[0]
    tunnel = socket.socket(family, kind, number)
    try:
        tunnel.setblocking(False)
        tunnel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(tunnel, address)
        await loop.sock_sendall(tunnel, _ask(origin))
        await _granted(loop, tunnel, _address(origin.proxy))
    except BaseException:
        tunnel.close()
        raise
    return tunnel


def _address(proxy: str) -> str:
    """host:port of a proxy's URL, without a user and password that may be in it."""
    parts = urlsplit(proxy)
    return f"{parts.hostname}:{parts.port or 80}"


def _ask(origin: Origin) -> bytes:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    target = f"{host}:{origin.port}".encode()
    auth = b"proxy-authorization: " + origin.proxy_auth + b"\r\n" if origin.proxy_auth else b""
    return b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (target, target, auth)


async def _granted(loop: asyncio.AbstractEventLoop, tunnel: socket.socket, proxy: str) -> None:
    """Read the proxy's answer. The origin speaks second, so nothing may follow it. Raises Unreachable."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = await loop.sock_recv(tunnel, 4096)
        head += piece
        if not piece or len(head) > PROXY_HEAD:
            raise Unreachable(502, f"the proxy {proxy} closed the connection or did not speak HTTP")
    status = head.split(b"\r\n", 1)[0].split(b" ")
    if len(status) < 2 or not head.startswith(b"HTTP/1.") or not status[1].startswith(b"2"):
        code = status[1].decode("latin-1") if len(status) > 1 else "no status"
        raise Unreachable(502, f"the proxy {proxy} refused the connection ({code[:3]})")

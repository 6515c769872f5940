"""A server on loopback for tests of the edge: real sockets, handlers written in the test, nothing may be left over."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import uvloop

from asbru.edge.limits import Limits
from asbru.edge.request import Handler, Request, Route
from asbru.edge.server import Server
from asbru.model.failure import Failure
from asbru.model.http import Answer

T = TypeVar("T")
SMALL = Limits(
    target=300,
    head=2000,
    headers=20,
    pipeline=4,
    head_seconds=0.4,
    body_seconds=0.4,
    idle_seconds=30,
    stall_seconds=0.5,
    linger_seconds=0.5,
    tick=0.05,
)


def run(scenario: Coroutine[Any, Any, T], seconds: float = 30) -> T:
    """Run a scenario on uvloop; it fails when it takes longer than ``seconds``."""

    async def bounded() -> T:
        return await asyncio.wait_for(scenario, seconds)

    return uvloop.run(bounded())


def listener() -> socket.socket:
    """A bound socket on a free loopback port."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", 0))
    return bound


def fail(failure: Failure, request_id: str) -> Answer:
    """A dialect for tests: status and message."""
    return Answer(status=failure.status, headers={b"content-type": b"text/plain"}, body=failure.message.encode())


class Edge:
    """A running server. ``seen``: what reached a handler, as ``METHOD path``. ``port``: where it listens."""

    def __init__(self, server: Server, port: int, seen: list[str]) -> None:
        self.server = server
        self.port = port
        self.seen = seen

    async def talk(self, data: bytes) -> bytes:
        """Send ``data`` and read until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            return await asyncio.wait_for(reader.read(), 10)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    async def empty(self) -> None:
        """Wait until no connection and no exchange is left."""
        await until(lambda: self.server.open == 0 and self.server.running == 0)


@asynccontextmanager
async def serving(
    handler: Handler, limits: Limits = SMALL, limit: int = 1000, folder: str = "", spool: bool = False
) -> AsyncIterator[Edge]:
    """Every path leads to ``handler``. At the end nothing may be left open or running."""
    seen: list[str] = []
    route = Route(handler=handler, fail=fail, limit=limit, spool=spool)

    async def noted(request: Request) -> Answer:
        seen.append(f"{request.method} {request.path}")
        return await handler(request)

    route = Route(handler=noted, fail=fail, limit=limit, spool=spool)
    bound = listener()
    server = Server(lambda method, path: (route, ()), limits, folder)
    await server.start(bound)
    edge = Edge(server, bound.getsockname()[1], seen)
    try:
        yield edge
        await edge.empty()
    finally:
        await server.drain(0)


async def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Wait for a condition; TimeoutError when it does not come."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def within(awaitable: Awaitable[T], seconds: float = 5) -> T:
    """Wait, but not for ever."""
    return await asyncio.wait_for(awaitable, seconds)


class Recorder(asyncio.Transport):
    """A transport that keeps what is written: for tests that feed bytes one by one."""

    def __init__(self, written: list[bytes]) -> None:
        super().__init__()
        self._written = written
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep it."""
        self._written.append(bytes(data))

    def write_eof(self) -> None:
        """Nothing follows."""

    def pause_reading(self) -> None:
        """Nothing is read here."""

    def resume_reading(self) -> None:
        """Nothing is read here."""

    def is_closing(self) -> bool:
        """Never by itself."""
        return False

    def close(self) -> None:
        """Nothing to close."""

    def abort(self) -> None:
        """Note it."""
        self.aborted = True


def deaf(port: int) -> socket.socket:
    """A client with small buffers that never reads."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    return client


def statuses(answer: bytes) -> list[int]:
    """The final status of every answer in a byte stream (bodies of tests hold no status lines)."""
    found = [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]
    return [code for code in found if code >= 200]


def get(path: str = "/", extra: bytes = b"", close: bool = False) -> bytes:
    """A GET."""
    last = b"Connection: close\r\n" if close else b""
    return b"GET %b HTTP/1.1\r\nHost: a\r\n%b%b\r\n" % (path.encode(), extra, last)


def post(body: bytes, path: str = "/", extra: bytes = b"", close: bool = False) -> bytes:
    """A POST with a length."""
    last = b"Connection: close\r\n" if close else b""
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n" % (path.encode(), len(body))
    return head + extra + last + b"\r\n" + body


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[bytes, bytes], bytes]:
    """Read one answer with a length or chunks."""
    head = await within(reader.readuntil(b"\r\n\r\n"))
    lines = head.split(b"\r\n")
    headers = {}
    for line in lines[1:-2]:
        name, _, value = line.partition(b": ")
        headers[name] = value
    body = b""
    if b"content-length" in headers:
        body = await within(reader.readexactly(int(headers[b"content-length"])))
    elif headers.get(b"transfer-encoding") == b"chunked":
        while size := int(await within(reader.readuntil(b"\r\n")), 16):
            body += (await within(reader.readexactly(size + 2)))[:-2]
        await within(reader.readexactly(2))
    return int(lines[0].split(b" ")[1]), headers, body

"""Server and client together: what happens at one end is felt at the other."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from edge_rig import SMALL, Edge, deaf, get, post, read_answer, run, serving, statuses, until, within

from asbru.edge.request import Request
from asbru.model.http import Answer
from asbru.upstream.call import Call, Deadlines, Origin
from asbru.upstream.client import Client, Settings

SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class Chain(NamedTuple):
    """``log``: what the provider saw. ``client``: the way out."""

    edge: Edge
    client: Client
    log: list[str]


async def provide(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: list[str]) -> None:
    """A provider whose behaviour is the path."""
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ")[1].decode()
        log.append(path)
        if path == "/whole":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        elif path == "/stream":
            for piece in (SSE, b"3\r\none\r\n", b"3\r\ntwo\r\n", b"0\r\n\r\n"):
                writer.write(piece)
                await asyncio.sleep(0.005)
        elif path == "/endless":
            writer.write(SSE)
            while not reader.at_eof():
                writer.write(b"2\r\nok\r\n")
                await asyncio.sleep(0.01)
        elif path == "/flood":
            writer.write(SSE)
            for _ in range(500):
                writer.write(b"186a0\r\n" + b"x" * 100_000 + b"\r\n")
                await writer.drain()
                log.append("flooded")
        elif path == "/cut":
            writer.write(SSE + b"3\r\none\r\n")
            await asyncio.sleep(0.02)
            return
        elif path == "/reset":
            writer.transport.abort()
            return
        elif path == "/head":
            writer.write(SSE)
            await reader.read()
            return
        else:
            await reader.read()
            return


@asynccontextmanager
async def chain() -> AsyncIterator[Chain]:
    """Client, gateway, provider; at the end the provider has no connection left in use."""
    log: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await provide(reader, writer, log)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            log.append("closed")
            writer.close()

    there = await asyncio.start_server(serve, "127.0.0.1", 0)
    origin = Origin(host="127.0.0.1", port=there.sockets[0].getsockname()[1], tls=False)
    client = Client(Settings(tick=0.02))

    async def through(request: Request) -> Answer:
        head = f"{request.method} {request.path} HTTP/1.1\r\nhost: a\r\n".encode()
        deadlines = Deadlines(first_byte=10, silence=10)
        return await client.send(Call(origin=origin, head=head, body=request.body, stream=True, deadlines=deadlines))

    async with serving(through, SMALL, limit=1 << 20) as edge:
        yield Chain(edge, client, log)
    await client.aclose()
    there.close()


def test_whole_and_streamed() -> None:
    """Both, again and again, on one connection at each end."""

    async def scenario() -> None:
        async with chain() as link:
            reader, writer = await asyncio.open_connection("127.0.0.1", link.edge.port)
            for _ in range(3):
                writer.write(get("/whole") + get("/stream"))
                assert (await read_answer(reader))[2] == b"ok"
                assert (await read_answer(reader))[2] == b"onetwo"
            assert link.client.connections == 1
            writer.close()

    run(scenario())


@pytest.mark.parametrize("path", ["/silent", "/head", "/endless"])
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_client_that_leaves_stops_the_provider(path: str, reset: bool) -> None:
    """Within a second: before the head, after it, in the middle of a stream."""

    async def scenario() -> None:
        async with chain() as link:
            reader, writer = await asyncio.open_connection("127.0.0.1", link.edge.port)
            writer.write(post(b"{}", path))
            await until(lambda: link.log == [path])
            if path != "/silent":
                await within(reader.readuntil(b"\r\n\r\n"))
            if reset:
                writer.transport.abort()
            else:
                writer.close()
            # A second is the promise; a loaded test machine gets more.
            await until(lambda: link.log == [path, "closed"], 3)
            assert link.client.connections == 0

    run(scenario())


def test_a_provider_that_breaks() -> None:
    """Before the first byte a failure in words; after it a cut, never a clean end."""

    async def scenario() -> None:
        async with chain() as link:
            said = await link.edge.talk(get("/reset", close=True))
            assert statuses(said) == [502]
            assert b"closed the connection without an answer" in said
            said = await link.edge.talk(get("/cut"))
            assert not said.endswith(b"0\r\n\r\n")

    run(scenario())


def test_a_client_that_never_reads_stops_the_flood() -> None:
    """The provider is slowed down by the client's full buffers, then dropped with it."""

    async def scenario() -> None:
        async with chain() as link:
            client = deaf(link.edge.port)
            client.sendall(get("/flood"))
            await until(lambda: link.log[-1:] == ["closed"], 10)
            assert link.log.count("flooded") < 200
            client.close()

    run(scenario())


STREAMS = 1000
MEGABYTES = 150


def memory(pid: int) -> int:
    """Resident memory in megabytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) // 1024


def test_a_thousand_slow_streams() -> None:
    """All at once, in bounded memory, each whole and in order; afterwards the gateway still answers."""
    gate = asyncio.Event()
    started = 0

    async def provide_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal started
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(SSE + b"5\r\nfirst\r\n")
                started += 1
                for _ in range(5):
                    await asyncio.sleep(0.1)
                    writer.write(b"4\r\nmore\r\n")
                await gate.wait()
                writer.write(b"4\r\nlast\r\n0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def scenario() -> None:
        there = await asyncio.start_server(provide_slowly, "127.0.0.1", 0, backlog=2048)
        script = Path(__file__).parent / "through_process.py"
        port_there = there.sockets[0].getsockname()[1]
        gateway = await asyncio.create_subprocess_exec(
            sys.executable, str(script), str(port_there), stdout=subprocess.PIPE
        )
        try:
            assert gateway.stdout is not None
            port = int(await within(gateway.stdout.readline(), 10))

            async def one() -> bytes:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(get("/"))
                body = (await read_answer(reader))[2]
                writer.close()
                return body

            tasks = [asyncio.create_task(one()) for _ in range(STREAMS)]
            await until(lambda: started == STREAMS, 20)
            assert memory(gateway.pid) < MEGABYTES
            gate.set()
            assert set(await asyncio.gather(*tasks)) == {b"first" + b"more" * 5 + b"last"}
            assert memory(gateway.pid) < MEGABYTES
            assert await one() == b"first" + b"more" * 5 + b"last"
        finally:
            gateway.kill()
            await gateway.wait()
            there.close()

    run(scenario(), 60)


def test_many_clients_that_leave_at_random_leave_nothing() -> None:
    """Closed at every stage of an exchange: no connection, exchange or upstream call is left."""

    async def scenario() -> None:
        async with chain() as link:

            async def fickle(number: int) -> None:
                _, writer = await asyncio.open_connection("127.0.0.1", link.edge.port)
                path = ("/whole", "/stream", "/endless", "/silent", "/cut", "/reset")[number % 6]
                data = post(b"{}", path)
                writer.write(data[: number % len(data)] if number % 5 == 0 else data)
                await asyncio.sleep(number % 7 * 0.003)
                if number % 2:
                    writer.transport.abort()
                else:
                    writer.close()

            await asyncio.gather(*(fickle(number) for number in range(300)))
            await link.edge.empty()
            await until(lambda: link.client.connections <= link.log.count("/whole") + link.log.count("/stream"))
            said = await link.edge.talk(get("/whole", close=True))
            assert statuses(said) == [200]

    run(scenario())

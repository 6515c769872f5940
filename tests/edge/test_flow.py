"""One client and its connection: order, limits, times, leaving, and the end."""

import asyncio
import logging
from pathlib import Path

import msgspec
import pytest
from edge_rig import SMALL, Edge, Recorder, deaf, get, post, read_answer, run, serving, statuses, until, within

from asbru.edge.request import Request
from asbru.model.failure import Overloaded, Refused
from asbru.model.http import Answer, Sink


class Source:
    """A stream that the test feeds by hand."""

    def __init__(self) -> None:
        self.sink: Sink | None = None
        self.log: list[str] = []

    def start(self, sink: Sink) -> None:
        """Note it."""
        self.sink = sink

    def pause(self) -> None:
        """Note it."""
        self.log.append("pause")

    def resume(self) -> None:
        """Note it."""
        self.log.append("resume")

    def cancel(self) -> None:
        """Note it."""
        self.log.append("cancel")


async def echo(request: Request) -> Answer:
    """Path and body back; the body is spooled or not."""
    body = request.body
    if request.spool:
        spool = Path(request.spool)
        body = spool.read_bytes()
        spool.unlink()
    return Answer(status=200, headers={b"content-type": b"text/plain"}, body=request.path.encode() + b" " + body)


async def slow_echo(request: Request) -> Answer:
    """The first requests take longest: answers would overtake each other if they could."""
    await asyncio.sleep(0.02 if request.path == "/0" else 0)
    return await echo(request)


def test_pipelining_keeps_the_order() -> None:
    """More requests than the queue holds, in one write; each body with its own answer."""

    async def scenario() -> None:
        async with serving(slow_echo) as edge:
            data = b"".join(post(b"body%d" % i, f"/{i}") for i in range(50)) + get("/last", close=True)
            said = await edge.talk(data)
            assert statuses(said) == [200] * 51
            assert [f"/{i} body{i}".encode() in said for i in range(50)] == [True] * 50
            assert edge.seen == [f"POST /{i}" for i in range(50)] + ["GET /last"]

    run(scenario())


def test_a_burst_while_the_first_request_runs() -> None:
    """Far more than one slice, bodies included: each is answered once, in order, though reading stops and goes on."""

    async def first_waits(request: Request) -> Answer:
        if request.path == "/0":
            await asyncio.sleep(0.05)
        return await echo(request)

    async def scenario() -> None:
        async with serving(first_waits) as edge:
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            bodies = [b"%d:" % number + b"x" * (number % 900) for number in range(2000)]
            writer.write(b"".join(post(body, f"/{number}") for number, body in enumerate(bodies)))
            for number, body in enumerate(bodies):
                assert (await read_answer(reader))[2] == b"/%d %b" % (number, body)
            writer.close()

    run(scenario())


def test_the_end_of_an_answer_reaches_a_slow_reader() -> None:
    """Closing waits for a client that takes its time, and not for one that takes nothing."""

    async def large(request: Request) -> Answer:
        return Answer(status=200, body=b"x" * 4_000_000)

    async def scenario() -> None:
        async with serving(large) as edge:
            client = deaf(edge.port)
            client.setblocking(False)
            client.sendall(get(close=True))
            loop = asyncio.get_running_loop()
            got = 0
            while piece := await within(loop.sock_recv(client, 200_000)):
                got += len(piece)
                if got > 3_000_000:
                    await asyncio.sleep(0.03)
            assert got > 4_000_000
            client.close()

    run(scenario())


def test_the_queue_is_bounded() -> None:
    """Behind a running request, no more is parsed than the limit and one slice; the socket is not read."""

    async def scenario() -> None:
        gate = asyncio.Event()

        async def waits(request: Request) -> Answer:
            await gate.wait()
            return await echo(request)

        async with serving(waits) as edge:
            _, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            piece = get("/p") * 500
            writer.write(piece * 400)
            await until(lambda: edge.server.running == 1)
            connection = next(iter(edge.server._connections))
            await until(lambda: not connection._reading)
            before = len(connection._jobs)
            await asyncio.sleep(0.05)
            assert len(connection._jobs) == before < SMALL.pipeline + (16 << 10) // len(get("/p")) + 1
            assert len(connection._rest) < (1 << 20)
            writer.transport.abort()
            gate.set()

    run(scenario())


def test_byte_by_byte() -> None:
    """A request with chunks, one byte at a time."""
    data = (
        b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nA: b\r\n\r\n"
        + post(b"whole", "/b")
    )

    async def scenario() -> None:
        async with serving(echo) as edge:
            connection = edge.server.protocol_factory()
            written: list[bytes] = []
            connection.connection_made(Recorder(written))
            for byte in data:
                connection.data_received(bytes((byte,)))
            assert written[0].endswith(b"/a abcde")
            assert written[1].endswith(b"/b whole")
            connection.connection_lost(None)

    run(scenario())


@pytest.mark.parametrize("length", [0, 1, 16 << 10, (16 << 10) + 1, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_bodies_of_all_sizes(length: int, chunked: bool) -> None:
    """Whole bodies arrive whole, large answers leave whole."""

    async def scenario() -> None:
        body = bytes(range(256)) * (length // 256 + 1)
        body = body[:length]
        async with serving(echo, limit=4_000_000) as edge:
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            if chunked:
                writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                for at in range(0, length, 40_000):
                    piece = body[at : at + 40_000]
                    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                writer.write(b"0\r\n\r\n")
            else:
                writer.write(post(body))
            assert (await read_answer(reader))[2] == b"/ " + body
            writer.close()

    run(scenario())


def test_headers_are_lowered_and_joined() -> None:
    """User-Agent twice is one value; the answer carries our id and the security headers."""

    async def headers(request: Request) -> Answer:
        assert request.headers[b"user-agent"] == b"one, two"
        odd = {
            b"content-type": b"text/plain",
            b"connection": b"x",
            b"transfer-encoding": b"gzip",
            b"request-id": b"theirs",
        }
        return Answer(status=200, headers=odd, body=request.id.encode())

    async def scenario() -> None:
        async with serving(headers) as edge:
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            seen = set()
            for _ in range(3):
                writer.write(get("/", b"User-Agent: one\r\nuser-agent: two\r\n"))
                status, answered, body = await read_answer(reader)
                assert status == 200
                assert answered[b"request-id"] == answered[b"x-request-id"] == body
                assert len(body) == 28
                assert answered[b"x-content-type-options"] == b"nosniff"
                assert b"connection" not in answered
                assert b"transfer-encoding" not in answered
                seen.add(body)
            assert len(seen) == 3
            writer.close()

    run(scenario())


def test_head_http10_and_bodyless_statuses() -> None:
    """HEAD has a length and no body; HTTP/1.0 closes unless asked; 204 has neither length nor body."""

    async def answers(request: Request) -> Answer:
        return Answer(status=204) if request.path == "/none" else await echo(request)

    async def scenario() -> None:
        async with serving(answers) as edge:
            said = await edge.talk(b"HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert b"content-length: 3\r\n" in said
            assert said.endswith(b"\r\n\r\n")
            said = await edge.talk(b"GET /x HTTP/1.0\r\n\r\n")
            assert b"connection: close" in said
            assert said.endswith(b"/x ")
            said = await edge.talk(b"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /y HTTP/1.0\r\n\r\n")
            assert said.count(b"connection: keep-alive") == said.count(b"connection: close") == 1
            said = await edge.talk(get("/none", close=True))
            assert statuses(said) == [204]
            assert b"content-length" not in said

    run(scenario())


def test_expect_continue() -> None:
    """The client is told to go on when its turn has come, and not when the body is refused anyway."""

    async def scenario() -> None:
        async with serving(echo) as edge:
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n"
            writer.write(head % 5)
            assert await within(reader.readuntil(b"\r\n\r\n")) == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"hello")
            assert (await read_answer(reader))[2] == b"/ hello"
            writer.write(get("/first") + head % 2)
            assert (await read_answer(reader))[2] == b"/first "
            assert await within(reader.readuntil(b"\r\n\r\n")) == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"ok")
            assert (await read_answer(reader))[2] == b"/ ok"
            writer.write(head % 2000)
            assert (await read_answer(reader))[0] == 413
            assert await within(reader.read()) == b""
            writer.close()

    run(scenario())


def test_a_refused_upload_can_read_why() -> None:
    """413 arrives although the client is in the middle of a large body."""

    async def scenario() -> None:
        async with serving(echo) as edge:
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            writer.write(post(b"x" * 2_000_000))
            status, _, body = await read_answer(reader)
            assert (status, body) == (413, b"the request body is larger than 1000 bytes")
            writer.close()

    run(scenario())


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nA: ", [408]),
        (b"GET /", [408]),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc", [408]),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", [408]),
        (b"", []),
    ],
    ids=["slow header", "slow line", "slow body", "slow chunk", "nothing at all"],
)
def test_slow_clients(data: bytes, expected: list[int]) -> None:
    """Each gets its answer, or none, and is closed."""

    async def scenario() -> None:
        async with serving(echo, msgspec.structs.replace(SMALL, idle_seconds=0.4)) as edge:
            assert statuses(await edge.talk(data)) == expected

    run(scenario())


def test_a_body_that_drips() -> None:
    """Never silent for long, but far too slow on the whole."""

    async def scenario() -> None:
        async with serving(echo) as edge:
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")

            async def drip() -> None:
                while True:
                    writer.write(b"x")
                    await asyncio.sleep(0.05)

            dripping = asyncio.create_task(drip())
            assert (await read_answer(reader))[0] == 408
            dripping.cancel()
            writer.close()

    run(scenario())


def test_idle_connections_close() -> None:
    """After an answer, and only when nothing comes."""

    async def scenario() -> None:
        async with serving(echo, msgspec.structs.replace(SMALL, idle_seconds=0.2)) as edge:
            assert statuses(await edge.talk(get())) == [200]

    run(scenario())


def test_half_closed_clients_get_their_answers() -> None:
    """All that were asked for, then the end."""

    async def scenario() -> None:
        async with serving(slow_echo) as edge:
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            writer.write(get("/0") + get("/1") + get("/2"))
            writer.write_eof()
            said = await within(reader.read())
            assert statuses(said) == [200, 200, 200]
            assert edge.seen == ["GET /0", "GET /1", "GET /2"]
            writer.close()

    run(scenario())


def test_half_closed_in_the_middle_of_a_request() -> None:
    """Nothing can come of it."""

    async def scenario() -> None:
        async with serving(echo) as edge:
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
            writer.write_eof()
            assert await within(reader.read()) == b""
            assert edge.seen == []
            writer.close()

    run(scenario())


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_client_that_leaves_cancels_its_handler(reset: bool) -> None:
    """Within a second, whether the kernel said so with a FIN or a reset."""

    async def scenario() -> None:
        log: list[str] = []

        async def waits(request: Request) -> Answer:
            try:
                await asyncio.sleep(60)
            finally:
                log.append("cancelled")
            return Answer(status=200)

        async with serving(waits) as edge:
            _, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            writer.write(get("/") + get("/never"))
            await until(lambda: edge.server.running == 1)
            if reset:
                writer.transport.abort()
            else:
                writer.close()
            await until(lambda: log == ["cancelled"], 3)
            assert edge.seen == ["GET /"]

    run(scenario())


async def open_stream(edge: Edge) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    writer.write(get("/stream"))
    return reader, writer


def test_streams_are_chunked_and_keep_the_connection() -> None:
    """Head and first piece in one write, a frame per piece, and the next request works."""

    async def scenario() -> None:
        source = Source()

        async def streams(request: Request) -> Answer:
            return Answer(status=200, headers={b"content-type": b"text/event-stream"}, stream=source)

        async with serving(streams) as edge:
            reader, writer = await open_stream(edge)
            await until(lambda: source.sink is not None)
            head = await within(reader.readuntil(b"\r\n\r\n"))
            assert b"transfer-encoding: chunked\r\n" in head
            assert source.sink is not None
            source.sink.data(b"one")
            assert await within(reader.readexactly(8)) == b"3\r\none\r\n"
            source.sink.data(b"")
            source.sink.data(b"four")
            source.sink.end(None)
            assert await within(reader.readexactly(14)) == b"4\r\nfour\r\n0\r\n\r\n"
            source.sink = None
            writer.write(get("/again"))
            await until(lambda: source.sink is not None)
            assert source.log == []
            writer.close()
            await until(lambda: source.log == ["cancel"], 3)

    run(scenario())


def test_a_stream_that_breaks() -> None:
    """After the head the connection is cut without the last frame; before any byte a failure can be told."""

    class Broken(Source):
        def start(self, sink: Sink) -> None:
            sink.end(Overloaded(529, "too much"))

    async def scenario() -> None:
        source = Source()

        async def streams(request: Request) -> Answer:
            return Answer(status=200, stream=Broken() if request.path == "/early" else source)

        async with serving(streams) as edge:
            reader, writer = await open_stream(edge)
            await until(lambda: source.sink is not None)
            assert source.sink is not None
            source.sink.data(b"one")
            source.sink.end(Overloaded(529, "too much"))
            with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                await within(reader.readuntil(b"0\r\n\r\n"))
            writer.close()
            said = await edge.talk(get("/early"))
            assert statuses(said) == [529]
            assert said.endswith(b"too much")

    run(scenario())


def test_streams_for_head_and_http10() -> None:
    """HEAD cancels the source; HTTP/1.0 gets the bytes and then the end."""

    async def scenario() -> None:
        source = Source()

        async def streams(request: Request) -> Answer:
            return Answer(status=200, stream=source)

        async with serving(streams) as edge:
            said = await edge.talk(b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert statuses(said) == [200]
            assert source.log == ["cancel"]
            talking = asyncio.create_task(edge.talk(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"))
            await until(lambda: source.sink is not None)
            assert source.sink is not None
            source.sink.data(b"one")
            source.sink.data(b"two")
            source.sink.end(None)
            said = await within(talking)
            assert said.endswith(b"\r\n\r\nonetwo")
            assert b"chunked" not in said

    run(scenario())


def test_a_client_that_never_reads_stops_the_source() -> None:
    """The source is paused, memory stays bounded, and after the stall time the source is cancelled."""

    async def scenario() -> None:
        source = Source()

        async def streams(request: Request) -> Answer:
            return Answer(status=200, stream=source)

        async with serving(streams) as edge:
            client = deaf(edge.port)
            client.sendall(get("/stream"))
            await until(lambda: source.sink is not None)
            sent = 0
            while "pause" not in source.log:
                assert source.sink is not None
                source.sink.data(b"x" * 10_000)
                sent += 10_000
                assert sent < 20_000_000
                await asyncio.sleep(0)
            await until(lambda: source.log == ["pause", "cancel"])
            client.close()

    run(scenario())


def test_a_client_that_reads_slowly_is_served() -> None:
    """Pause and resume, and every byte arrives."""

    async def scenario() -> None:
        source = Source()

        async def streams(request: Request) -> Answer:
            return Answer(status=200, stream=source)

        async with serving(streams) as edge:
            reader, writer = await open_stream(edge)
            await until(lambda: source.sink is not None)
            assert source.sink is not None
            while "pause" not in source.log:
                source.sink.data(b"x" * 100_000)
                await asyncio.sleep(0)
            reading = asyncio.create_task(read_answer(reader))
            await until(lambda: source.log[-1] == "resume")
            source.sink.end(None)
            _, _, body = await within(reading)
            assert set(body) == {ord("x")}
            writer.close()

    run(scenario())


def test_a_client_that_never_reads_a_whole_answer() -> None:
    """Closed after the stall time; requests behind it are not run meanwhile."""

    async def large(request: Request) -> Answer:
        return Answer(status=200, body=b"x" * 8_000_000)

    async def scenario() -> None:
        async with serving(large) as edge:
            client = deaf(edge.port)
            client.sendall(get("/1") + get("/2"))
            await until(lambda: edge.server.open == 1)
            await until(lambda: edge.server.open == 0)
            assert edge.seen == ["GET /1"]
            client.close()

    run(scenario())


def test_failures_and_bugs(caplog: pytest.LogCaptureFixture) -> None:
    """A failure in the route's words; a bug only in the log, with the id; so is a header that breaks out."""

    async def fails(request: Request) -> Answer:
        if request.path == "/refused":
            raise Refused(429, "not so fast")
        if request.path == "/header":
            # The dropped header must not lend its line to the one that breaks out.
            return Answer(status=200, headers={b"content-length": b"0", b"x": b"a\r\nset-cookie: b"})
        raise KeyError("secret")

    async def scenario() -> None:
        async with serving(fails) as edge:
            said = await edge.talk(get("/refused", close=True))
            assert statuses(said) == [429]
            assert said.endswith(b"not so fast")
            for path in ("/bug", "/header"):
                said = await edge.talk(get(path, close=True))
                assert statuses(said) == [500]
                assert b"secret" not in said
                assert b"set-cookie" not in said

    with caplog.at_level(logging.ERROR, "asbru.edge"):
        run(scenario())
    assert [getattr(record, "path", "") for record in caplog.records] == ["/bug", "/header"]
    assert all(str(getattr(record, "request_id", "")).startswith("req_") for record in caplog.records)


def test_drain_finishes_what_runs() -> None:
    """Idle connections close at once, running exchanges finish with connection: close, nobody new gets in."""

    async def scenario() -> None:
        gate = asyncio.Event()

        async def waits(request: Request) -> Answer:
            await gate.wait()
            return await echo(request)

        async with serving(waits) as edge:
            idle, idle_writer = await asyncio.open_connection("127.0.0.1", edge.port)
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            writer.write(get("/x"))
            await until(lambda: edge.server.running == 1)
            draining = asyncio.create_task(edge.server.drain(5))
            assert await within(idle.read()) == b""
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", edge.port)
            gate.set()
            _, headers, body = await read_answer(reader)
            assert (headers[b"connection"], body) == (b"close", b"/x ")
            await within(draining)
            assert await within(reader.read()) == b""
            writer.close()
            idle_writer.close()

    run(scenario())


def test_drain_does_not_wait_for_ever() -> None:
    """What does not finish is cancelled."""

    async def scenario() -> None:
        log: list[str] = []

        async def waits(request: Request) -> Answer:
            try:
                await asyncio.sleep(60)
            finally:
                log.append("cancelled")
            return Answer(status=200)

        async with serving(waits) as edge:
            _, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            writer.write(get("/x"))
            await until(lambda: edge.server.running == 1)
            await within(edge.server.drain(0.05))
            await until(lambda: log == ["cancelled"])
            writer.close()

    run(scenario())


def test_too_many_connections() -> None:
    """One more than allowed is closed; when one leaves there is room again."""

    async def scenario() -> None:
        async with serving(echo, msgspec.structs.replace(SMALL, connections=2)) as edge:
            first, one = await asyncio.open_connection("127.0.0.1", edge.port)
            _, two = await asyncio.open_connection("127.0.0.1", edge.port)
            await until(lambda: edge.server.open == 2)
            assert await edge.talk(get(close=True)) == b""
            one.write(get())
            assert (await read_answer(first))[0] == 200
            two.close()
            await until(lambda: edge.server.open == 1)
            assert statuses(await edge.talk(get(close=True))) == [200]
            one.close()

    run(scenario())

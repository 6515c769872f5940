"""One call and its connection: reuse, waiting, deadlines, cancelling, the second chance, bodies, streams."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec import structs
from upstream_rig import HEAD, OK, Peer, Taker, client, make_call, provider, run, until, within

from asbru.model.failure import Broken, Failure, TimedOut, Unreachable
from asbru.model.http import Answer
from asbru.upstream.call import Call, Deadlines, Origin

SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


async def obliging(peer: Peer) -> None:
    """Answers every request with its number of the connection."""
    while True:
        await peer.request()
        peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n%03d" % peer.number)


async def silent(peer: Peer) -> None:
    """Reads and never answers."""
    await peer.left()


def test_connections_are_reused_last_in_first_out() -> None:
    """Three at once make three connections; one after the other use the last one freed."""

    async def scenario() -> None:
        async with provider(obliging) as there, client() as sender:
            call = make_call(there.origin())
            at_once = await asyncio.gather(*(sender.send(call) for _ in range(3)))
            assert sorted(answer.body for answer in at_once) == [b"001", b"002", b"003"]
            bodies = {(await sender.send(call)).body for _ in range(5)}
            assert len(bodies) == 1
            assert len(there.peers) == 3

    run(scenario())


def test_idle_connections_expire() -> None:
    """The provider sees them closed."""

    async def scenario() -> None:
        async with provider(obliging) as there, client(idle=0.1) as sender:
            await sender.send(make_call(there.origin()))
            await until(lambda: there.open == 0)
            assert sender.connections == 0
            assert (await sender.send(make_call(there.origin()))).body == b"002"

    run(scenario())


def test_waiting_for_a_connection_is_fair() -> None:
    """Two connections, ten calls: served in the order they came; one that gave up is skipped."""

    async def scenario() -> None:
        order: list[int] = []
        gate = asyncio.Event()

        async def gated(peer: Peer) -> None:
            while True:
                await peer.request()
                await gate.wait()
                peer.say(OK)

        async with provider(gated) as there, client() as sender:
            call = make_call(structs.replace(there.origin(), max_connections=2))

            async def send(number: int) -> None:
                await sender.send(call)
                order.append(number)

            tasks = []
            for number in range(10):
                tasks.append(asyncio.create_task(send(number)))
                await asyncio.sleep(0)
            await until(lambda: there.open == 2)
            tasks[4].cancel()
            gate.set()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert [number for number in order if number > 1] == [2, 3, 5, 6, 7, 8, 9]
            assert len(there.peers) == 2

    run(scenario())


SHORT = Deadlines(connect=0.2, first_byte=0.2, silence=0.2, total=0.4)


def test_no_first_byte() -> None:
    """TimedOut, and the provider sees the connection closed."""

    async def scenario() -> None:
        async with provider(silent) as there, client() as sender:
            with pytest.raises(TimedOut, match=r"did not answer within 0\.2 s"):
                await sender.send(structs.replace(make_call(there.origin()), deadlines=SHORT))
            await until(lambda: there.open == 0)

    run(scenario())


def test_never_finished() -> None:
    """Bytes keep coming, the answer does not end."""

    async def drips(peer: Peer) -> None:
        await peer.request()
        peer.say(SSE)
        while not peer.reader.at_eof():
            peer.say(b"1\r\nx\r\n")
            await asyncio.sleep(0.02)

    async def scenario() -> None:
        async with provider(drips) as there, client() as sender:
            with pytest.raises(TimedOut, match=r"did not finish its answer within 0\.4 s"):
                await sender.send(structs.replace(make_call(there.origin()), deadlines=SHORT))
            await until(lambda: there.open == 0)

    run(scenario())


def test_no_free_connection() -> None:
    """Who waits for a slot is told so."""

    async def scenario() -> None:
        async with provider(silent) as there, client() as sender:
            origin = structs.replace(there.origin(), max_connections=1)
            first = asyncio.create_task(sender.send(make_call(origin)))
            await until(lambda: there.open == 1)
            with pytest.raises(TimedOut, match="no free connection"):
                await sender.send(structs.replace(make_call(origin), deadlines=SHORT))
            first.cancel()
            await until(lambda: there.open == 0)

    run(scenario())


def test_no_connection() -> None:
    """Refused, a name that cannot be, TLS that never answers."""

    async def scenario() -> None:
        async with provider(silent) as there, client() as sender:
            places: list[tuple[Origin, type[Failure], str]] = [
                (Origin(host="127.0.0.1", port=1, tls=False), Unreachable, "refused"),
                (Origin(host="a..b", port=80, tls=False), Unreachable, "not valid|could not be resolved"),
                (there.origin(tls=True), TimedOut, "no connection to .* within 0.2 s"),
            ]
            for origin, kind, words in places:
                with pytest.raises(kind, match=words):
                    await sender.send(structs.replace(make_call(origin), deadlines=SHORT))
            await until(lambda: there.open == 0)

    run(scenario())


def test_cancelling_closes_the_connection() -> None:
    """Within a second, before the answer; nothing is left, and the next call is not disturbed."""

    async def scenario() -> None:
        async with provider(silent) as there, client() as sender:
            task = asyncio.create_task(sender.send(make_call(there.origin())))
            await until(lambda: there.open == 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(lambda: there.open == 0, 3)
            assert sender.connections == 0

    run(scenario())


def test_a_wait_with_a_time_limit() -> None:
    """asyncio.timeout and wait_for work around send."""

    async def scenario() -> None:
        async with provider(silent) as there, client() as sender:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await sender.send(make_call(there.origin()))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(sender.send(make_call(there.origin())), 0.05)
            await until(lambda: there.open == 0, 3)

    run(scenario())


def test_closing_fails_what_runs() -> None:
    """Running and waiting calls alike."""

    async def scenario() -> None:
        async with provider(silent) as there, client() as sender:
            origin = structs.replace(there.origin(), max_connections=1)
            tasks = [asyncio.create_task(sender.send(make_call(origin))) for _ in range(2)]
            await until(lambda: there.open == 1)
            await sender.aclose()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert [type(result) for result in results] == [Unreachable, Unreachable]
            with pytest.raises(Unreachable, match="stopping"):
                await sender.send(make_call(origin))

    run(scenario())


def test_a_dead_idle_connection_gets_a_second_chance() -> None:
    """The provider closes just as the next request comes: sent again, once, on a new connection."""

    async def closes_on_second(peer: Peer) -> None:
        await peer.request()
        peer.say(OK)
        if peer.number == 1:
            await peer.request()
            peer.writer.transport.abort()
        else:
            await peer.request()
            peer.say(OK)

    async def scenario() -> None:
        async with provider(closes_on_second) as there, client() as sender:
            call = make_call(there.origin())
            assert [(await sender.send(call)).body for _ in range(2)] == [b"ok", b"ok"]
            assert len(there.peers) == 2

    run(scenario())


def test_an_idle_connection_that_the_provider_closed_is_not_used() -> None:
    """Noticed at once, without a lost request."""

    async def closes(peer: Peer) -> None:
        await peer.request()
        peer.say(OK)

    async def scenario() -> None:
        async with provider(closes) as there, client() as sender:
            for _ in range(3):
                await sender.send(make_call(there.origin()))
                await until(lambda: sender.connections == 0)
            assert len(there.peers) == 3

    run(scenario())


def test_no_second_chance() -> None:
    """On a new connection, after a byte of the answer, for a body in pieces, or a second time."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"ab"

    async def dies(peer: Peer) -> None:
        if peer.number == 1:
            await peer.request()
            peer.say(OK)
        await peer.request()
        requests.append(peer.number)
        if partial:
            peer.say(b"HTTP/1.1 2")
            await peer.writer.drain()
            await asyncio.sleep(0.02)

    requests: list[int] = []
    partial = False

    async def scenario() -> None:
        nonlocal partial
        async with provider(dies) as there, client() as sender:
            call = make_call(there.origin())
            await sender.send(call)
            with pytest.raises(Unreachable, match="without an answer"):
                await sender.send(call)
            assert requests == [1, 2]
            with pytest.raises(Unreachable):
                await sender.send(call)
            assert requests == [1, 2, 3]
        requests.clear()
        async with provider(dies) as there, client() as sender:
            await sender.send(make_call(there.origin()))
            with pytest.raises(Unreachable):
                await sender.send(Call(origin=there.origin(), head=HEAD, body=pieces(), length=2))
            assert requests == [1]
        requests.clear()
        partial = True
        async with provider(dies) as there, client() as sender:
            await sender.send(make_call(there.origin()))
            with pytest.raises(Broken):
                await sender.send(make_call(there.origin()))
            assert requests == [1]

    run(scenario())


# Bodies in pieces.


@pytest.mark.parametrize("length", [6, -1], ids=["length", "chunked"])
def test_a_body_in_pieces(length: int) -> None:
    """Framed by its length or in chunks; the connection is used again."""

    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"ab", b"", b"cd", b"ef"):
            await asyncio.sleep(0)
            yield piece

    async def echo(peer: Peer) -> None:
        while True:
            head, body = await peer.request()
            heads.append(head)
            peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    heads: list[bytes] = []

    async def scenario() -> None:
        async with provider(echo) as there, client() as sender:
            for _ in range(2):
                answer = await sender.send(Call(origin=there.origin(), head=HEAD, body=pieces(), length=length))
                assert answer.body == b"abcdef"
            assert len(there.peers) == 1
        assert (b"content-length: 6\r\n" in heads[0]) == (length == 6)

    run(scenario())


def test_a_provider_that_reads_slowly_slows_the_body_down() -> None:
    """The iterable is not asked for more than the buffers hold; it is closed when the call is cancelled."""
    asked = 0
    closed = False

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal asked, closed
        try:
            while True:
                asked += 1
                yield b"x" * 100_000
        finally:
            closed = True

    async def reads_nothing(peer: Peer) -> None:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await gate.wait()

    gate = asyncio.Event()

    async def scenario() -> None:
        async with provider(reads_nothing) as there, client() as sender:
            task = asyncio.create_task(sender.send(Call(origin=there.origin(), head=HEAD, body=pieces())))
            await until(lambda: asked > 5)
            before = -1
            while asked != before:
                before = asked
                await asyncio.sleep(0.1)
            assert asked < 400
            task.cancel()
            await until(lambda: closed)
            gate.set()

    run(scenario())


@pytest.mark.parametrize(
    ("sizes", "words"), [((2, 2), "1 bytes shorter"), ((4, 4), "longer than its length"), ((), "no more")]
)
def test_a_body_that_fails(sizes: tuple[int, ...], words: str) -> None:
    """The caller's own error comes back, and the connection is closed."""

    async def pieces() -> AsyncIterator[bytes]:
        for size in sizes:
            yield b"x" * size
        if not sizes:
            raise ValueError("no more")

    async def scenario() -> None:
        async with provider(silent) as there, client() as sender:
            with pytest.raises(ValueError, match=words):
                await sender.send(Call(origin=there.origin(), head=HEAD, body=pieces(), length=5))
            await until(lambda: there.open == 0)

    run(scenario())


def test_an_answer_before_the_body_is_over() -> None:
    """It counts; the rest is not sent and the connection not used again."""
    closed = False

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal closed
        try:
            yield b"x"
            await asyncio.sleep(60)
        finally:
            closed = True

    async def early(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        peer.say(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        await peer.left()

    async def scenario() -> None:
        async with provider(early) as there, client() as sender:
            answer = await sender.send(Call(origin=there.origin(), head=HEAD, body=pieces(), length=9))
            assert (answer.status, answer.body) == (413, b"big")
            await until(lambda: closed)
            assert sender.connections == 0

    run(scenario())


# Streams.


async def opened(answer: Answer) -> Taker:
    """Start the stream of an answer."""
    taker = Taker()
    assert answer.stream is not None
    assert answer.body == b""
    answer.stream.start(taker)
    return taker


@pytest.mark.parametrize("late", [False, True], ids=["started at once", "started late"])
def test_a_stream_in_pieces(late: bool) -> None:
    """The answer comes with the head, pieces as they arrive, the end once; the connection is used again."""

    async def streams(peer: Peer) -> None:
        while True:
            await peer.request()
            peer.say(SSE)
            for number in range(5):
                peer.say(b"2\r\n%02d\r\n" % number)
                await asyncio.sleep(0.005)
            peer.say(b"0\r\n\r\n")

    async def scenario() -> None:
        async with provider(streams) as there, client() as sender:
            for _ in range(2):
                answer = await sender.send(make_call(there.origin(), stream=True))
                if late:
                    await asyncio.sleep(0.1)
                taker = await opened(answer)
                await until(lambda: bool(taker.ends))  # noqa: B023
                assert taker.whole == b"0001020304"
                assert taker.ends == [None]
                if not late:
                    assert len(taker.pieces) > 1
            assert len(there.peers) == 1

    run(scenario())


def test_a_stream_in_one_packet_and_an_early_error() -> None:
    """A 2xx that is whole at once is still a stream; any other status is whole."""

    async def both(peer: Peer) -> None:
        await peer.request()
        peer.say(SSE + b"2\r\nok\r\n0\r\n\r\n")
        await peer.request()
        peer.say(b"HTTP/1.1 529 Overloaded\r\nContent-Length: 4\r\n\r\nlat")
        await asyncio.sleep(0.02)
        peer.say(b"e")
        await peer.left()

    async def scenario() -> None:
        async with provider(both) as there, client() as sender:
            taker = await opened(await sender.send(make_call(there.origin(), stream=True)))
            assert (taker.pieces, taker.ends) == ([b"ok"], [None])
            answer = await sender.send(make_call(there.origin(), stream=True))
            assert (answer.status, answer.body, answer.stream) == (529, b"late", None)

    run(scenario())


@pytest.mark.parametrize("how", ["cut", "reset", "garbage", "silence"])
def test_a_stream_that_breaks(how: str) -> None:
    """The sink is told once, with the place; the connection is gone."""

    async def breaks(peer: Peer) -> None:
        await peer.request()
        peer.say(SSE + b"2\r\nok\r\n")
        await asyncio.sleep(0.02)
        if how == "garbage":
            peer.say(b"zz\r\n")
        if how in ("garbage", "silence"):
            await peer.left()
        if how == "reset":
            peer.writer.transport.abort()

    async def scenario() -> None:
        async with provider(breaks) as there, client() as sender:
            call = structs.replace(make_call(there.origin(), stream=True), deadlines=SHORT)
            taker = await opened(await sender.send(call))
            await until(lambda: bool(taker.ends))
            assert taker.whole == b"ok"
            assert len(taker.ends) == 1
            assert isinstance(taker.ends[0], TimedOut if how == "silence" else Broken)
            assert f"127.0.0.1:{there.port}" in str(taker.ends[0])
            assert sender.connections == 0
            await until(lambda: there.open == 0)

    run(scenario())


def test_cancelling_a_stream() -> None:
    """The provider notices within a second; the sink hears nothing more; a second cancel does nothing."""

    async def endless(peer: Peer) -> None:
        await peer.request()
        peer.say(SSE)
        while not peer.reader.at_eof():
            peer.say(b"2\r\nok\r\n")
            await asyncio.sleep(0.01)

    async def scenario() -> None:
        async with provider(endless) as there, client() as sender:
            answer = await sender.send(make_call(there.origin(), stream=True))
            taker = await opened(answer)
            await until(lambda: len(taker.pieces) > 2)
            assert answer.stream is not None
            answer.stream.cancel()
            heard = len(taker.pieces)
            await until(lambda: there.open == 0, 3)
            answer.stream.cancel()
            assert (len(taker.pieces), taker.ends) == (heard, [])
            assert sender.connections == 0

    run(scenario())


@pytest.mark.parametrize("by", ["pause", "not started"])
def test_a_paused_stream_stops_the_provider(by: str) -> None:
    """What is held stays bounded, silence does not count, and after resume every byte comes."""
    total = 30_000_000

    async def floods(peer: Peer) -> None:
        await peer.request()
        peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        for _ in range(total // 100_000):
            peer.say(b"x" * 100_000)
            await peer.writer.drain()
            written.append(100_000)
        await peer.left()

    written: list[int] = []

    async def scenario() -> None:
        async with provider(floods) as there, client() as sender:
            call = structs.replace(make_call(there.origin(), stream=True), deadlines=SHORT)
            answer = await sender.send(call)
            stream = answer.stream
            assert stream is not None
            taker = Taker()
            if by == "pause":
                stream.start(taker)
                stream.pause()
            before = -1
            while len(written) != before:
                before = len(written)
                await asyncio.sleep(0.4)
            assert sum(written) < 20_000_000
            assert len(taker.whole) < 2_000_000
            if by == "pause":
                stream.resume()
            else:
                stream.start(taker)
            await until(lambda: taker.ends == [None], 20)
            assert len(taker.whole) == total

    run(scenario())


def test_a_sink_that_cancels_while_it_is_fed() -> None:
    """From inside data(), also for what was kept before the start: no end, no leak."""

    class Fickle(Taker):
        def data(self, chunk: bytes) -> None:
            super().data(chunk)
            assert answer.stream is not None
            answer.stream.cancel()

    async def streams(peer: Peer) -> None:
        await peer.request()
        peer.say(SSE + b"2\r\nok\r\n" + (b"0\r\n\r\n" if peer.number == 1 else b""))
        if peer.number == 2:
            await peer.left()

    answer: Answer

    async def scenario() -> None:
        nonlocal answer
        async with provider(streams) as there, client() as sender:
            for _ in range(2):
                answer = await sender.send(make_call(there.origin(), stream=True))
                fickle = Fickle()
                assert answer.stream is not None
                answer.stream.start(fickle)
                await within(asyncio.sleep(0.02))
                assert (fickle.pieces, fickle.ends) == ([b"ok"], [])

    run(scenario())

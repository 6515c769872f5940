"""What a provider may send, and what becomes of it."""

import asyncio
from typing import NamedTuple

import pytest
from upstream_rig import GET, OK, Peer, client, make_call, provider, run, until

from asbru.model.failure import Broken, Failure, Unreachable
from asbru.upstream.call import Call


class Case(NamedTuple):
    """``said``: the provider's bytes, after which it closes if ``closes``. ``kept``: the connection is used again."""

    name: str
    said: bytes
    status: int = 200
    body: bytes = b""
    closes: bool = False
    kept: bool = True


H = b"HTTP/1.1 200 OK\r\n"
CHUNKED = H + b"Transfer-Encoding: chunked\r\n\r\n"
GOOD = [
    Case("length", OK, body=b"ok"),
    Case("no reason phrase", b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", body=b"ok"),
    Case("chunked", CHUNKED + b"2\r\nok\r\n1;x=y\r\n!\r\n0\r\n\r\n", body=b"ok!"),
    Case("trailers", CHUNKED + b"2\r\nok\r\n0\r\nX: y\r\n\r\n", body=b"ok"),
    Case("until close", H + b"\r\nall of it", body=b"all of it", closes=True, kept=False),
    Case("until close on HTTP/1.0", b"HTTP/1.0 200 OK\r\n\r\nold", body=b"old", closes=True, kept=False),
    Case("HTTP/1.0 with a length", b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold", body=b"old", kept=False),
    Case("close", H + b"Connection: close\r\nContent-Length: 2\r\n\r\nok", body=b"ok", kept=False),
    Case("an error status", b"HTTP/1.1 429 Slow\r\nContent-Length: 4\r\n\r\nslow", 429, b"slow"),
    Case("204", b"HTTP/1.1 204 No Content\r\n\r\n", 204),
    Case("304 with a length", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304),
    Case("empty", H + b"Content-Length: 0\r\n\r\n"),
    Case("100 first", b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" + OK, body=b"ok"),
    Case("103 first, twice", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 2 + OK, body=b"ok"),
    Case("bytes after the answer", OK + OK, body=b"ok", kept=False),
    Case("half an answer after the answer", OK + b"HTTP/1.1 200 OK\r\nX", body=b"ok", kept=False),
    Case("a body that looks like an answer", H + b"Content-Length: %d\r\n\r\n" % len(OK) + OK, body=OK),
    Case("large", H + b"Content-Length: 900000\r\n\r\n" + b"x" * 900_000, body=b"x" * 900_000),
    Case(
        "gzip passes as it is",
        H + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08",
        body=b"\x1f\x8b\x08",
    ),
]
BAD: list[tuple[str, bytes, type[Failure]]] = [
    ("nothing", b"", Unreachable),
    ("garbage", b"hello there\r\n\r\n", Broken),
    ("HTTP/2", b"HTTP/2 200\r\n\r\n", Broken),
    ("bare LF", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", Broken),
    ("status of two digits", b"HTTP/1.1 20 OK\r\n\r\n", Broken),
    ("status of four digits", b"HTTP/1.1 2000 OK\r\n\r\n", Broken),
    ("switching protocols", b"HTTP/1.1 101 Sw\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", Broken),
    ("both lengths", H + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", Broken),
    ("two lengths", H + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!", Broken),
    ("unknown coding", H + b"Transfer-Encoding: gzip\r\n\r\nok", Broken),
    ("gzip, chunked", H + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", Broken),
    ("bad chunk", CHUNKED + b"x\r\n", Broken),
    ("NUL in a header", H + b"X: \x00\r\n\r\n", Broken),
    ("endless head", H + b"X: " + b"y" * 300_000, Broken),
    ("cut head", H + b"Content-Le", Broken),
    ("cut body", H + b"Content-Length: 10\r\n\r\nabc", Broken),
    ("cut chunk", CHUNKED + b"5\r\nabc", Broken),
    ("no last chunk", CHUNKED + b"3\r\nabc\r\n", Broken),
    ("too large", H + b"Content-Length: 1100000\r\n\r\n" + b"x" * 1_100_000, Broken),
    ("too large, chunked", CHUNKED + b"10c8e0\r\n" + b"x" * 1_100_000 + b"\r\n0\r\n\r\n", Broken),
]


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "in pieces"])
@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_good_answers(case: Case, cut: bool) -> None:
    """Status and body as sent; afterwards the connection is used again exactly when that is safe."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            if peer.number > 1:
                peer.say(OK)
                continue
            for at in range(0, len(case.said), 7 if cut and len(case.said) < 1000 else 1 << 20):
                peer.say(case.said[at : at + (7 if cut and len(case.said) < 1000 else 1 << 20)])
                await asyncio.sleep(0.001 if cut else 0)
            if case.closes:
                return

    async def scenario() -> None:
        async with provider(script) as there, client() as sender:
            answer = await sender.send(make_call(there.origin()))
            assert (answer.status, answer.body) == (case.status, case.body)
            assert b"x" not in answer.headers
            assert b"link" not in answer.headers
            await until(lambda: sender.connections == int(case.kept))
            if not case.kept:
                assert (await sender.send(make_call(there.origin()))).body == b"ok"
                assert len(there.peers) == 2

    run(scenario())


@pytest.mark.parametrize(("name", "said", "kind"), BAD, ids=[name for name, _, _ in BAD])
def test_bad_answers(name: str, said: bytes, kind: type[Failure]) -> None:
    """The failure names the place and no secret; the connection is gone and the next call works."""

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.say(said if peer.number == 1 else OK)

    async def scenario() -> None:
        async with provider(script) as there, client() as sender:
            with pytest.raises(kind) as caught:
                await sender.send(make_call(there.origin()))
            assert f"127.0.0.1:{there.port}" in caught.value.message
            assert "sk-secret" not in caught.value.message + caught.value.detail
            assert sender.connections == 0
            assert (await sender.send(make_call(there.origin()))).body == b"ok"

    run(scenario())


def test_headers_are_lowered_and_joined() -> None:
    """Repeated ones with a comma, as model.http says."""

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.say(H + b"Via: a\r\nX-Empty:\r\nvia: b\r\nContent-Length: 0\r\n\r\n")
        await peer.left()

    async def scenario() -> None:
        async with provider(script) as there, client() as sender:
            answer = await sender.send(make_call(there.origin()))
            assert answer.headers == {b"via": b"a, b", b"x-empty": b"", b"content-length": b"0"}

    run(scenario())


def test_head_has_no_body() -> None:
    """Whatever its headers say."""

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.say(H + b"Content-Length: 1000\r\n\r\n")
        await peer.left()

    async def scenario() -> None:
        async with provider(script) as there, client() as sender:
            answer = await sender.send(Call(origin=there.origin(), head=b"HEAD / HTTP/1.1\r\nhost: a\r\n"))
            assert (answer.status, answer.body, answer.headers[b"content-length"]) == (200, b"", b"1000")

    run(scenario())


@pytest.mark.parametrize(
    ("head", "body", "written"),
    [
        (GET, b"", GET + b"\r\n"),
        (b"POST / HTTP/1.1\r\nhost: a\r\n", b"", b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n"),
        (b"DELETE / HTTP/1.1\r\nhost: a\r\n", b"", b"DELETE / HTTP/1.1\r\nhost: a\r\n\r\n"),
        (GET, b"abc", GET + b"content-length: 3\r\n\r\nabc"),
    ],
)
def test_requests_as_written(head: bytes, body: bytes, written: bytes) -> None:
    """Nothing is added but the length."""

    async def script(peer: Peer) -> None:
        got.append(await peer.reader.readexactly(len(written)))
        peer.say(OK)
        await peer.left()

    got: list[bytes] = []

    async def scenario() -> None:
        async with provider(script) as there, client() as sender:
            await sender.send(Call(origin=there.origin(), head=head, body=body))
        assert got == [written]

    run(scenario())

"""Bytes that are no request, or more than one: each is refused, nothing behind it is served, and the server goes on."""

from typing import NamedTuple

import pytest
from edge_rig import Recorder, get, run, serving, statuses

from asbru.edge.request import Request
from asbru.model.http import Answer


class Case(NamedTuple):
    """``statuses``: of every answer that comes. ``served``: paths that reached a handler."""

    name: str
    data: bytes
    statuses: list[int]
    served: tuple[str, ...] = ()


H = b"Host: a\r\n"
G = b"GET /x HTTP/1.1\r\n" + H
P = b"POST /x HTTP/1.1\r\n" + H
CHUNKED = P + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"\r\n\r\n"
CLOSE = b"Connection: close\r\n\r\n"
EVIL = b"GET /evil HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def refused(name: str, data: bytes, status: int = 400) -> Case:
    """One answer, nothing served; a request behind it is never looked at."""
    return Case(name, data + EVIL, [status])


LINES = [
    refused("bare LF everywhere", b"GET /x HTTP/1.1\nHost: a\n\n"),
    refused("bare LF after a header", b"GET /x HTTP/1.1\r\nHost: a\nA: b" + END),
    refused("bare CR after a header", G + b"A: b\rC: d" + END),
    refused("CR before the empty line", G + b"A: b\r\n\r\r\n"),
    refused("CR instead of the empty line", G + b"A: b\r\n\r"),
    refused("folded header", G + b"A: b\r\n c" + END),
    refused("folded header with a tab", G + b"A: b\r\n\tc" + END),
    refused("folded first header", b"GET /x HTTP/1.1\r\n Host: a" + END),
    refused("space before the colon", G + b"A : b" + END),
    refused("tab before the colon", G + b"A\t: b" + END),
    refused("no colon", G + b"A" + END),
    refused("empty name", G + b": b" + END),
    refused("name with a parenthesis", G + b"A(b): c" + END),
    refused("name with a high byte", G + b"A\xe9: c" + END),
    refused("name with a NUL", G + b"A\x00: c" + END),
    refused("value with a NUL", G + b"A: b\x00c" + END),
    refused("value with a control character", G + b"A: b\x01c" + END),
    refused("value with DEL", G + b"A: b\x7fc" + END),
    refused("no Host", b"GET /x HTTP/1.1" + END),
    refused("two Hosts", G + b"Host: b" + END),
    refused("the same Host twice", G + b"host: a" + END),
    refused("Host with a space", b"GET /x HTTP/1.1\r\nHost: a b" + END),
    refused("Host with a slash", b"GET /x HTTP/1.1\r\nHost: a/b" + END),
    refused("Host with a user", b"GET /x HTTP/1.1\r\nHost: u@a" + END),
    refused("Host with two ports", b"GET /x HTTP/1.1\r\nHost: a:1:2" + END),
    refused("HTTP/0.9", b"GET /x\r\n\r\n", 505),
    refused("HTTP/0.9 with a version", b"GET /x HTTP/0.9" + END, 505),
    refused("HTTP/1.2", b"GET /x HTTP/1.2\r\n" + H + b"\r\n"),
    refused("HTTP/1.10", b"GET /x HTTP/1.10\r\n" + H + b"\r\n"),
    refused("HTTP/2.0", b"GET /x HTTP/2.0\r\n" + H + b"\r\n", 505),
    refused("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    refused("lower-case http", b"GET /x http/1.1\r\n" + H + b"\r\n"),
    refused("space after the version", b"GET /x HTTP/1.1 \r\n" + H + b"\r\n"),
    refused("three words before the version", b"GET /x /y HTTP/1.1\r\n" + H + b"\r\n"),
    refused("lower-case method", b"get /x HTTP/1.1\r\n" + H + b"\r\n"),
    refused("unknown method", b"FETCH /x HTTP/1.1\r\n" + H + b"\r\n"),
    refused("space before the method", b" GET /x HTTP/1.1\r\n" + H + b"\r\n"),
    refused("CONNECT", b"CONNECT a:1 HTTP/1.1\r\n" + H + b"\r\n", 405),
    refused("TRACE", b"TRACE /x HTTP/1.1\r\n" + H + b"\r\n", 405),
    refused("PROPFIND", b"PROPFIND /x HTTP/1.1\r\n" + H + b"\r\n", 405),
    refused("TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40)),
    refused("SSH banner", b"SSH-2.0-OpenSSH_9.6\r\n"),
    refused("NUL first", b"\x00" + G + b"\r\n"),
]
TARGETS = [
    refused("target with a NUL", b"GET /x\x00 HTTP/1.1\r\n" + H + b"\r\n"),
    refused("target with a control character", b"GET /x\x01 HTTP/1.1\r\n" + H + b"\r\n"),
    refused("target with a high byte", b"GET /x\xe9 HTTP/1.1\r\n" + H + b"\r\n"),
    refused("target without a slash", b"GET x HTTP/1.1\r\n" + H + b"\r\n"),
    refused("target with a fragment", b"GET /x#y HTTP/1.1\r\n" + H + b"\r\n"),
    refused("broken escape", b"GET /x%zz HTTP/1.1\r\n" + H + b"\r\n"),
    refused("escape at the end", b"GET /x% HTTP/1.1\r\n" + H + b"\r\n"),
    refused("escaped NUL", b"GET /x%00 HTTP/1.1\r\n" + H + b"\r\n"),
    refused("absolute target, other host", b"GET http://b/x HTTP/1.1\r\n" + H + b"\r\n"),
    refused("absolute target with a user", b"GET http://u@a/x HTTP/1.1\r\n" + H + b"\r\n"),
    refused("absolute target, other scheme", b"GET ftp://a/x HTTP/1.1\r\n" + H + b"\r\n"),
    refused("long target", b"GET /" + b"x" * 400 + b" HTTP/1.1\r\n" + H + b"\r\n", 414),
    Case("absolute target", b"GET http://a/x HTTP/1.1\r\n" + H + CLOSE, [200], ("GET /x",)),
    Case("dot segments", b"GET /a/../../b/./c//d HTTP/1.1\r\n" + H + CLOSE, [200], ("GET /b/c/d",)),
    Case("escaped dot segments", b"GET /a/%2e%2E/b/%2e/c HTTP/1.1\r\n" + H + CLOSE, [200], ("GET /b/c",)),
    Case("escaped slash stays", b"GET /a/..%2fb/m%3A1 HTTP/1.1\r\n" + H + CLOSE, [200], ("GET /a/..%2fb/m%3A1",)),
]
LENGTHS = [
    refused("length and coding", P + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    refused("coding and length", P + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
    refused("CL.TE smuggling", P + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"),
    refused(
        "TE.CL smuggling", P + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n5c\r\nGPOST / HTTP/1.1\r\n"
    ),
    refused("TE.TE smuggling", P + b"Transfer-Encoding: chunked\r\nTransfer-encoding: x\r\n\r\n0\r\n\r\n"),
    refused("two lengths", P + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
    refused("the same length twice", P + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
    refused("list of lengths", P + b"Content-Length: 5, 5\r\n\r\nhello"),
    refused("length with a plus", P + b"Content-Length: +5\r\n\r\nhello"),
    refused("negative length", P + b"Content-Length: -5\r\n\r\nhello"),
    refused("hexadecimal length", P + b"Content-Length: 0x5\r\n\r\nhello"),
    refused("length with a space inside", P + b"Content-Length: 5 5\r\n\r\nhello"),
    refused("empty length", P + b"Content-Length:\r\n\r\nhello"),
    refused("length beyond 64 bits", P + b"Content-Length: 99999999999999999999999\r\n\r\nhello"),
    refused("gzip, chunked", P + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    refused("chunked, gzip", P + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
    refused("chunked, chunked", P + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    refused("chunked in two headers", P + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    refused("xchunked", P + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    refused("identity", P + b"Transfer-Encoding: identity\r\n\r\n"),
    refused("quoted chunked", P + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n'),
    refused("coding with a vertical tab", P + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    refused("empty coding", P + b"Transfer-Encoding:\r\n\r\n0\r\n\r\n"),
    refused("coding with a space before the colon", P + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    refused("coding on HTTP/1.0", b"POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    Case(
        "a body that looks like a request",
        P + b"Content-Length: %d\r\n" % len(EVIL) + CLOSE + EVIL,
        [200],
        ("POST /x",),
    ),
    Case("capital Chunked", P + b"Transfer-Encoding: Chunked\r\n" + CLOSE + b"0\r\n\r\n", [200], ("POST /x",)),
    Case("a GET with a body", G + b"Content-Length: %d\r\n" % len(EVIL) + CLOSE + EVIL, [200], ("GET /x",)),
    Case("bytes after the last request", G + CLOSE + EVIL, [200], ("GET /x",)),
]
CHUNKS = [
    refused("chunk size is no number", CHUNKED + b"g\r\nabc\r\n0\r\n\r\n"),
    refused("negative chunk", CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n"),
    refused("chunk size with 0x", CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n"),
    refused("chunk size beyond 64 bits", CHUNKED + b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
    refused("space after the chunk size", CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n"),
    refused("no chunk size", CHUNKED + b"\r\nabc\r\n0\r\n\r\n"),
    refused("LF after the chunk size", CHUNKED + b"3\nabc\r\n0\r\n\r\n"),
    refused("CR after the chunk size", CHUNKED + b"3\rabc\r\n0\r\n\r\n"),
    refused("LF after the chunk", CHUNKED + b"3\r\nabc\n0\r\n\r\n"),
    refused("nothing after the chunk", CHUNKED + b"3\r\nabc0\r\n\r\n"),
    refused("chunk longer than its size", CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n"),
    refused("LF in a chunk extension", CHUNKED + b"3;a\nabc\r\n0\r\n\r\n"),
    refused("control character in a chunk extension", CHUNKED + b'3;a="\x01"\r\nabc\r\n0\r\n\r\n'),
    refused("bad trailer", CHUNKED + b"0\r\nA : b\r\n\r\n"),
    refused("a length among the trailers", CHUNKED + b"0\r\nContent-Length: 9\r\n\r\n"),
    Case("endless chunk extension", CHUNKED + b"3;" + b"a" * 60_000, [400]),
    Case("one trailer without end", CHUNKED + b"3\r\nabc\r\n0\r\n" + b"A: b\r\n" * 10_000, [431]),
    Case(
        "trailers without end", CHUNKED + b"0\r\n" + b"".join(b"A%d: b\r\n" % number for number in range(9000)), [400]
    ),
    Case(
        "trailers are dropped",
        P + b"Transfer-Encoding: chunked\r\n" + CLOSE + b"3;a=b\r\nabc\r\n0\r\nA: b\r\nHost: evil\r\n\r\n",
        [200],
        ("POST /x",),
    ),
]
SIZES = [
    refused("many headers", G + b"".join(b"A%d: b\r\n" % i for i in range(30)) + b"\r\n", 431),
    refused("one header many times", G + b"A: b\r\n" * 30 + b"\r\n", 431),
    refused("long header", G + b"A: " + b"b" * 3000 + END, 431),
    refused("endless header", G + b"A: " + b"b" * 100_000, 431),
    refused("endless empty lines", b"\r\n" * 20_000, 431),
    refused("announced body too large", P + b"Content-Length: 1001\r\n\r\n", 413),
    refused("announced body far too large", P + b"Content-Length: 9223372036854775807\r\n\r\n", 413),
    refused(
        "chunked body too large",
        CHUNKED + b"258\r\n" + b"x" * 600 + b"\r\n258\r\n" + b"x" * 600 + b"\r\n0\r\n\r\n",
        413,
    ),
    refused("unknown expectation", P + b"Expect: a-miracle\r\nContent-Length: 5\r\n\r\nhello", 417),
    Case("empty lines first", b"\r\n\r\n" + G + CLOSE, [200], ("GET /x",)),
    Case(
        "upgrade to h2c with a body",
        P + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
        b"Content-Length: %d\r\n\r\n" % len(EVIL) + EVIL + get("/y", close=True),
        [200, 200],
        (
            "POST /x",
            "GET /y",
        ),
    ),
]
CASES = LINES + TARGETS + LENGTHS + CHUNKS + SIZES


async def answer(request: Request) -> Answer:
    """Any request is fine."""
    return Answer(status=200, headers={b"content-type": b"text/plain"}, body=b"%d bytes" % len(request.body))


def test_the_table_is_long() -> None:
    """The issue asks for at least 60 cases; names are unique."""
    assert len({case.name for case in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_malformed(case: Case) -> None:
    """The answers and the handlers that ran are exactly the expected ones, and the next connection works."""

    async def scenario() -> None:
        async with serving(answer) as edge:
            assert statuses(await edge.talk(case.data)) == case.statuses
            assert edge.seen == list(case.served)
            assert statuses(await edge.talk(get("/next", close=True))) == [200]
            assert edge.seen == [*case.served, "GET /next"]

    run(scenario())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_malformed_in_pieces(case: Case) -> None:
    """Cut into small pieces, the same bytes have the same meaning."""

    async def scenario() -> None:
        async with serving(answer) as edge:
            connection = edge.server.protocol_factory()
            written: list[bytes] = []
            transport = Recorder(written)
            connection.connection_made(transport)
            step = 1 if len(case.data) < 1000 else 7
            for at in range(0, len(case.data), step):
                connection.data_received(case.data[at : at + step])
            assert statuses(b"".join(written)) == case.statuses
            assert edge.seen == list(case.served)
            connection.connection_lost(None)

    run(scenario())


def test_refusals_say_why_in_json() -> None:
    """The body names the mistake; the connection closes."""

    async def scenario() -> None:
        async with serving(answer) as edge:
            said = await edge.talk(b"GET /x HTTP/1.1\r\n\r\n")
            assert b"\r\nconnection: close\r\n" in said
            assert b"\r\nrequest-id: req_" in said
            assert said.endswith(b'{"error":{"message":"the Host header is missing","type":"invalid_request_error"}}')

    run(scenario())

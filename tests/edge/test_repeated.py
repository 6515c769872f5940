"""A head that was read before: whatever comes after it means what it means to a parser that has seen nothing."""

import pytest
from edge_rig import Recorder, get, post, run, serving, statuses
from test_malformed import CASES, Case

from asbru.edge.request import Request
from asbru.model.http import Answer

HEAD = b"POST /x?q=1 HTTP/1.1\r\nHost: a\r\nContent-LENGTH: \t%b\r\nX-Name: b\r\n\r\n"
FIRST = HEAD % b"3" + b"abc"
SECONDS = {
    "the same": FIRST,
    "another length": HEAD % b"5" + b"12345",
    "an empty body": HEAD % b"0",
    "leading zeros": HEAD % b"005" + b"12345",
    "no length": HEAD % b"" + b"12345",
    "a signed length": HEAD % b"+5" + b"12345",
    "a length with underscores": HEAD % b"1_0" + b"1234567890",
    "a length in other digits": HEAD % "\u0665".encode() + b"12345",
    "two lengths": HEAD % b"5, 5" + b"12345",
    "a huge length": HEAD % (b"9" * 40) + b"12345",
    "above the limit": HEAD % b"1001" + b"1" * 1001,
    "more than the length": HEAD % b"5" + b"12345" + get("/evil", close=True),
    "garbage behind": HEAD % b"5" + b"12345\x00",
    "less than the length": HEAD % b"5" + b"1234",
    "another header": post(b"12345", "/x?q=1", b"X-Name: c\r\n"),
    "a header more": HEAD[:-2] % b"5" + b"Transfer-Encoding: chunked\r\n\r\n12345",
    "a line break in the length": HEAD % b"5\r\nHost: b" + b"12345",
    "another path": post(b"12345", "/y"),
    "chunks": b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
}


async def echo(request: Request) -> Answer:
    told = f"{request.method} {request.path} {request.query} {sorted(request.headers.items())}".encode()
    return Answer(status=200, body=told + b" " + request.body)


def outcome(written: list[bytes]) -> list[bytes]:
    """What was answered, without what differs from one answer to the next."""
    lines = b"".join(written).split(b"\r\n")
    return [line for line in lines if not line.startswith((b"request-id", b"x-request-id", b"date"))]


@pytest.mark.parametrize("second", SECONDS.values(), ids=SECONDS)
def test_it_means_what_it_means_byte_by_byte(second: bytes) -> None:
    async def scenario() -> None:
        async with serving(echo) as edge:
            seen = []
            for step in (1, 1 << 20):
                connection = edge.server.protocol_factory()
                written: list[bytes] = []
                connection.connection_made(Recorder(written))
                for data in (FIRST, FIRST, second, FIRST):
                    for at in range(0, len(data), step):
                        connection.data_received(data[at : at + step])
                connection.connection_lost(None)
                seen.append(outcome(written))
            assert seen[0] == seen[1]

    run(scenario())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_malformed_after_a_good_one(case: Case) -> None:
    """A connection that has a head to compare with refuses what every other refuses."""

    async def scenario() -> None:
        async with serving(echo) as edge:
            connection = edge.server.protocol_factory()
            written: list[bytes] = []
            connection.connection_made(Recorder(written))
            for data in (FIRST, FIRST, case.data):
                connection.data_received(data)
            assert statuses(b"".join(written)) == [200, 200, *case.statuses]
            assert edge.seen[2:] == list(case.served)
            connection.connection_lost(None)

    run(scenario())


def test_heads_that_always_differ_are_not_remembered_for_ever() -> None:
    async def scenario() -> None:
        async with serving(echo) as edge:
            connection = edge.server.protocol_factory()
            written: list[bytes] = []
            connection.connection_made(Recorder(written))
            for number in range(20):
                connection.data_received(post(b"abc", f"/{number}"))
            assert statuses(b"".join(written)) == [200] * 20
            connection.connection_lost(None)

    run(scenario())

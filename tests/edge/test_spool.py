"""Bodies that go to a file: whole, bounded in memory, and gone when nobody wants them."""

import asyncio
import os
from pathlib import Path

import pytest
from edge_rig import post, read_answer, run, serving, until

from asbru.edge.request import Request
from asbru.edge.spool import BLOCK, Spool
from asbru.model.http import Answer

LARGE = os.urandom(1 << 16) * 80


async def digest(request: Request) -> Answer:
    """Reads and removes the file, as a handler must."""
    assert request.body == b""
    spool = Path(request.spool)
    body = spool.read_bytes()
    spool.unlink()
    return Answer(status=200, body=b"same" if body == LARGE else b"%d" % len(body))


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_spooled_body_arrives_whole(tmp_path: Path, chunked: bool) -> None:
    """Large, then small, then empty on one connection, and pipelined requests behind it keep their order."""

    async def scenario() -> None:
        async with serving(digest, limit=10_000_000, folder=str(tmp_path), spool=True) as edge:
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            if chunked:
                frames = b"%x\r\n%b\r\n0\r\n\r\n" % (len(LARGE), LARGE)
                writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + frames)
            else:
                writer.write(post(LARGE))
            writer.write(post(b"abc") + post(b""))
            assert [(await read_answer(reader))[2] for _ in range(3)] == [b"same", b"3", b"0"]
            writer.close()
        assert list(tmp_path.iterdir()) == []

    run(scenario())


def test_a_client_that_leaves_leaves_no_file(tmp_path: Path) -> None:
    """In the middle of its body."""

    async def scenario() -> None:
        async with serving(digest, limit=10_000_000, folder=str(tmp_path), spool=True) as edge:
            _, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            writer.write(post(LARGE)[:-1])
            await until(lambda: bool(list(tmp_path.iterdir())))
            writer.transport.abort()
            await until(lambda: not list(tmp_path.iterdir()))
            assert edge.seen == []

    run(scenario())


def test_a_body_behind_a_running_request_is_removed_with_its_client(tmp_path: Path) -> None:
    """It was whole, but no handler had taken it."""

    async def waits(request: Request) -> Answer:
        os.unlink(request.spool)
        await asyncio.sleep(60)
        return Answer(status=200)

    async def scenario() -> None:
        async with serving(waits, limit=10_000_000, folder=str(tmp_path), spool=True) as edge:
            _, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            writer.write(post(b"first") + post(b"second"))
            await until(lambda: edge.server.running == 1)
            await until(lambda: len(list(tmp_path.iterdir())) == 1)
            writer.transport.abort()
            await until(lambda: not list(tmp_path.iterdir()))
            assert edge.seen == ["POST /"]

    run(scenario())


def test_a_refused_body_leaves_no_file(tmp_path: Path) -> None:
    """Too large without having said so."""

    async def scenario() -> None:
        async with serving(digest, limit=500_000, folder=str(tmp_path), spool=True) as edge:
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            frames = b"%x\r\n%b\r\n0\r\n\r\n" % (len(LARGE), LARGE)
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + frames)
            assert (await read_answer(reader))[0] == 413
            writer.close()
            await until(lambda: not list(tmp_path.iterdir()))

    run(scenario())


def test_no_folder(tmp_path: Path) -> None:
    """The client gets 500 in the route's words; the server goes on."""

    async def scenario() -> None:
        async with serving(digest, folder=str(tmp_path / "missing"), spool=True) as edge:
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            writer.write(post(b"abc"))
            status, _, body = await read_answer(reader)
            assert (status, body) == (500, b"the request's body could not be stored")
            writer.close()

    run(scenario())


def test_a_full_disk(tmp_path: Path) -> None:
    """A write that fails is told at the end, and the file is gone."""

    async def scenario() -> None:
        spool = Spool(str(tmp_path), asyncio.get_running_loop(), lambda: None)
        os.close(spool._fd)
        spool._fd = os.open("/dev/full", os.O_WRONLY)
        told: list[OSError | None] = []
        spool.write(b"x" * BLOCK)
        spool.finish(told.append)
        await until(lambda: bool(told))
        assert isinstance(told[0], OSError)
        assert list(tmp_path.iterdir()) == []

    run(scenario())


def test_the_thread_is_waited_for(tmp_path: Path) -> None:
    """Above the mark the spool is full, says when there is room, and writes in large blocks."""

    async def scenario() -> None:
        rooms: list[bool] = []
        spool = Spool(str(tmp_path), asyncio.get_running_loop(), lambda: rooms.append(True))
        pieces = 0
        while not spool.full:
            spool.write(b"x" * 10_000)
            pieces += 1
            assert pieces <= 140
        await until(lambda: bool(rooms))
        told: list[OSError | None] = []
        spool.finish(told.append)
        await until(lambda: bool(told))
        assert told == [None]
        assert os.path.getsize(spool.path) == spool.size == pieces * 10_000

    run(scenario())

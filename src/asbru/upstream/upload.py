"""A request body that comes from an iterable: written as the provider takes it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable

from asbru.upstream.call import Call


class Upload:
    """Writes head and body of ``call``; waits while the transport is full. ``over``: all of it was written."""

    def __init__(self, transport: asyncio.Transport, call: Call, failed: Callable[[Exception], None]) -> None:
        assert not isinstance(call.body, bytes)
        self._transport = transport
        self._length = call.length
        self._failed = failed
        self._room = asyncio.Event()
        self._room.set()
        self.over = False
        framing = (
            b"content-length: %d\r\n\r\n" % call.length if call.length >= 0 else b"transfer-encoding: chunked\r\n\r\n"
        )
        transport.write(call.head + framing)
        self._task = asyncio.get_running_loop().create_task(self._run(call.body))

    def pause(self) -> None:
        """The transport is full."""
        self._room.clear()

    def resume(self) -> None:
        """The transport takes more."""
        self._room.set()

    def cancel(self) -> None:
        """Stop writing."""
        self._task.cancel()

    async def _run(self, body: AsyncIterable[bytes]) -> None:
        try:
            await self._write(body)
            self.over = True
        except Exception as error:
            # Whatever the iterable raises belongs to the one who waits for the answer.
            self._failed(error)
        finally:
            if isinstance(body, AsyncGenerator):
                # Its own clean-up (an open file) must not wait for the garbage collector.
                await body.aclose()

    async def _write(self, body: AsyncIterable[bytes]) -> None:
        left = self._length
        async for chunk in body:
            if not chunk:
                continue
            if self._length >= 0:
                left -= len(chunk)
                if left < 0:
                    raise ValueError(f"the body is longer than its length of {self._length} bytes")
                self._transport.write(chunk)
            else:
                self._transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            await self._room.wait()
        if self._length < 0:
            self._transport.write(b"0\r\n\r\n")
        elif left:
            raise ValueError(f"the body is {left} bytes shorter than its length of {self._length} bytes")

"""Lines out of a streamed answer, never half of one, and never one twice when the answer breaks off."""

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing

from asbru.model.failure import Broken, Overloaded, Rejected, Upstream
from asbru.model.http import Answer, Stream

_FULL = 1 << 20
_MOST_LINE = 64 << 20
_READINGS = 5


class _Inbox:
    """A sink that holds about a megabyte and then makes the source wait."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._paused = False
        self._news = asyncio.Event()
        self.over = False
        self.error: Exception | None = None

    def data(self, chunk: bytes) -> None:
        """One piece."""
        self._pieces.append(chunk)
        self._size += len(chunk)
        if self._size > _FULL and not self._paused:
            self._paused = True
            self._stream.pause()
        self._news.set()

    def end(self, error: Exception | None) -> None:
        """The end."""
        self.over, self.error = True, error
        self._news.set()

    async def take(self) -> bytes:
        """All that has come; b"" at the end. Raises what broke the stream off."""
        while not self._pieces and not self.over:
            self._news.clear()
            await self._news.wait()
        if not self._pieces:
            if self.error is not None:
                raise self.error
            return b""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        if self._paused:
            self._paused = False
            self._stream.resume()
        return taken


async def chunks_of(answer: Answer) -> AsyncGenerator[bytes, None]:
    """A body in pieces. Raises Broken when it breaks off."""
    if answer.stream is None:
        yield answer.body
        return
    inbox = _Inbox(answer.stream)
    answer.stream.start(inbox)
    try:
        while piece := await inbox.take():
            yield piece
    except OSError as error:
        raise Broken(502, "The provider's result file broke off.", detail=str(error)) from None
    finally:
        if not inbox.over:
            answer.stream.cancel()


async def lines_of(answer: Answer) -> AsyncGenerator[bytes, None]:
    """The lines of a body, blank ones left out. Raises Broken when it breaks off; what was yielded is whole."""
    rest = b""
    async with aclosing(chunks_of(answer)) as chunks:
        async for piece in chunks:
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                if line.strip():
                    yield line
            if len(rest) > _MOST_LINE:
                raise Broken(502, "The provider's result file has a line without an end.")
    if rest.strip():
        yield rest


async def steady_lines(read: Callable[[], Awaitable[Answer]]) -> AsyncIterator[bytes]:
    """The lines of a file that ``read`` opens; when it breaks off it is read again and goes on where it was.

    A file that is not the same at the second reading is not trusted. Raises the Upstream failure of the last reading
    when five in a row brought nothing new, and Rejected or Overloaded at once.
    """
    given, mark, failures = 0, hashlib.blake2b(), 0
    while True:
        place = _Place(given, mark.digest())
        try:
            async for line in lines_of(await read()):
                if place.passed(line):
                    yield line
                    given, failures = given + 1, 0
                    mark.update(line + b"\n")
            place.reached()
            return
        except (Rejected, Overloaded):
            raise
        except Upstream:
            failures += 1
            if failures >= _READINGS:
                raise


class _Place:
    """Where an earlier reading stopped: after ``lines`` lines, whose digest is ``digest``."""

    def __init__(self, lines: int, digest: bytes) -> None:
        self._left = lines
        self._digest = digest
        self._seen = hashlib.blake2b()

    def passed(self, line: bytes) -> bool:
        """Whether ``line`` is new. Raises Broken when those before it are not the ones read earlier."""
        if self._left == 0:
            return True
        self._left -= 1
        self._seen.update(line + b"\n")
        if self._left == 0 and self._seen.digest() != self._digest:
            raise _changed()
        return False

    def reached(self) -> None:
        """Raises Broken when the file is shorter than it was."""
        if self._left:
            raise _changed()


def _changed() -> Broken:
    return Broken(502, "The provider's result file changed between two readings.")

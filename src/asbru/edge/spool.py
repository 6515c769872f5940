"""A request body that goes to a file while it arrives.

Rule 1. The loop never waits for the disk: pieces are gathered and written by a thread, ``BLOCK`` bytes or more at once.
Rule 2. Above ``FULL`` gathered bytes the socket is not read until the thread has caught up.
Rule 3. The file is removed unless ``finish`` handed it over; removing waits for a write that is under way.
"""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Callable

BLOCK = 256 << 10
FULL = 1 << 20


class Spool:
    """One file. ``size``: bytes taken so far. ``full``: stop reading until ``room`` is called."""

    __slots__ = ("_done", "_error", "_fd", "_gathered", "_loop", "_pieces", "_room", "_writing", "full", "path", "size")

    def __init__(self, folder: str, loop: asyncio.AbstractEventLoop, room: Callable[[], None]) -> None:
        self._fd, self.path = tempfile.mkstemp(prefix="body-", dir=folder)
        self._loop = loop
        self._room = room
        self._pieces: list[bytes] = []
        self._gathered = 0
        self._writing = False
        self._done: Callable[[OSError | None], None] | None = None
        self._error: OSError | None = None
        self.size = 0
        self.full = False

    def write(self, piece: bytes) -> None:
        """Take a piece."""
        self._pieces.append(piece)
        self._gathered += len(piece)
        self.size += len(piece)
        if not self._writing and self._gathered >= BLOCK:
            self._flush()
        self.full = self._gathered >= FULL

    def finish(self, done: Callable[[OSError | None], None]) -> None:
        """Write the rest, close, then call ``done``: the file is the caller's. On an error it is removed."""
        self._done = done
        if not self._writing:
            self._flush()

    def discard(self) -> None:
        """Nobody wants it: close and remove."""
        self._pieces = []
        self._gathered = 0
        self._done = None
        self._error = OSError("the client left")
        if not self._writing:
            self._close()

    def _flush(self) -> None:
        pieces, self._pieces, self._gathered = self._pieces, [], 0
        self._writing = True
        self._loop.run_in_executor(None, write_all, self._fd, pieces).add_done_callback(self._written)

    def _written(self, future: "asyncio.Future[None]") -> None:
        self._writing = False
        error = future.exception()
        if isinstance(error, OSError) and self._error is None:
            self._error = error
        if self._error is not None:
            self._close()
        elif self._pieces and (self._done is not None or self._gathered >= BLOCK):
            self._flush()
        elif self._done is not None:
            self._close()
        if self.full and self._gathered < FULL:
            self.full = False
            self._room()

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
        if self._error is not None:
            with contextlib.suppress(OSError):
                os.unlink(self.path)
        done, self._done = self._done, None
        if done is not None:
            done(self._error)


def write_all(fd: int, pieces: list[bytes]) -> None:
    """Write every byte; runs in a thread. Raises OSError (no space left)."""
    view = memoryview(b"".join(pieces))
    while view:
        view = view[os.write(fd, view) :]

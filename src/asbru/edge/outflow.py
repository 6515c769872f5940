"""An answer in pieces on its way to the client: one write per piece, the head with the first."""

from collections.abc import Callable
from typing import Protocol

from asbru.model.http import Stream


class Way(Protocol):
    """The connection, as an outflow sees it."""

    def streamed(self, error: Exception | None, begun: bool) -> None:
        """The stream is over. ``begun``: its head is out, so an error can only be shown by a cut."""


class Outflow:
    """A ``model.http.Sink`` that frames. ``write``: sends bytes. ``chunked``: false on HTTP/1.0, where closing ends the
    body, and where the head tells its length.
    """

    __slots__ = ("_chunked", "_head", "_way", "_write", "stream")

    def __init__(self, way: Way, write: Callable[[bytes], None], head: bytes, chunked: bool, stream: Stream) -> None:
        self._way: Way | None = way
        self._write = write
        self._head = head
        self._chunked = chunked
        self.stream = stream

    def start(self) -> None:
        """Begin; the head goes out now even if no piece is here yet."""
        self.stream.start(self)
        if self._way is not None and self._head:
            head, self._head = self._head, b""
            self._write(head)

    def data(self, chunk: bytes) -> None:
        """Send one piece as one frame."""
        if self._way is None or not chunk:
            return
        if self._chunked:
            chunk = b"%x\r\n%b\r\n" % (len(chunk), chunk)
        if self._head:
            head, self._head = self._head, b""
            chunk = head + chunk
        self._write(chunk)

    def end(self, error: Exception | None) -> None:
        """Send the last frame; after an error none, so that the client sees a cut."""
        way, self._way = self._way, None
        if way is None:
            return
        head, self._head = self._head, b""
        if error is None:
            last = b"0\r\n\r\n" if self._chunked else b""
            if head or last:
                self._write(head + last)
        way.streamed(error, begun=error is None or not head)

    def cancel(self) -> None:
        """The client is gone."""
        self._way = None
        self.stream.cancel()

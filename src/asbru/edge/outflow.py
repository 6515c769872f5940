"""An answer in pieces on its way to the client: one write per piece, the head with the first."""

from typing import Protocol

from asbru.model.http import Stream


class Way(Protocol):
    """The connection, as an outflow sees it."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    def streamed(self, error: Exception | None, begun: bool) -> None:
        """The stream is over. ``begun``: its head is out, so an error can only be shown by a cut."""


class Outflow:
    """A ``model.http.Sink`` that frames. ``chunked``: false on HTTP/1.0, where closing ends the body."""

    __slots__ = ("_chunked", "_head", "_way", "stream")

    def __init__(self, way: Way, head: bytes, chunked: bool, stream: Stream) -> None:
        self._way: Way | None = way
        self._head = head
        self._chunked = chunked
        self.stream = stream

    def start(self) -> None:
        """Begin; the head goes out now even if no piece is here yet."""
        self.stream.start(self)
        if self._way is not None and self._head:
            head, self._head = self._head, b""
            self._way.write(head)

    def data(self, chunk: bytes) -> None:
        """Send one piece as one frame."""
        way = self._way
        if way is None or not chunk:
            return
        head = self._head
        if head:
            self._head = b""
            way.write(b"%b%x\r\n%b\r\n" % (head, len(chunk), chunk) if self._chunked else head + chunk)
        elif self._chunked:
            way.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        else:
            way.write(chunk)

    def end(self, error: Exception | None) -> None:
        """Send the last frame; after an error none, so that the client sees a cut."""
        way, self._way = self._way, None
        if way is None:
            return
        head, self._head = self._head, b""
        if error is None:
            last = b"0\r\n\r\n" if self._chunked else b""
            if head or last:
                way.write(head + last)
        way.streamed(error, begun=error is None or not head)

    def cancel(self) -> None:
        """The client is gone."""
        self._way = None
        self.stream.cancel()

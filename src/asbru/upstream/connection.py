"""One connection to a provider: writes a request, reads its answer, goes back to its pool.

Rule 1. One exchange at a time; bytes that nobody asked for end the connection.
Rule 2. The parser only collects; who waits is woken after it has returned, so a waiter may use this connection.
Rule 3. A connection is reused only when request and answer are both over and the answer allowed it.
Rule 4. Bodies pass as they are: nothing is decompressed, and ``content-encoding`` stays in the headers.
"""

import asyncio
from typing import Protocol, cast

import httptools

from asbru.model.failure import Broken, TimedOut, Unreachable
from asbru.model.http import Answer
from asbru.upstream.incoming import Incoming
from asbru.upstream.pending import Pending
from asbru.upstream.upload import Upload

HEAD_LIMIT = 256 << 10
"""Most bytes of an answer's status line and headers."""
RETRY_WINDOW = 1.0
"""Seconds after the request within which the end of a reused connection means that it was dead before."""
BODYLESS = frozenset((204, 304))


class Keeper(Protocol):
    """The pool, as a connection sees it. ``now``: loop seconds, up to a sweep old. ``place``: host:port, for words."""

    now: float
    place: str

    def release(self, connection: "Connection") -> None:
        """The connection is free."""

    def discard(self, connection: "Connection") -> None:
        """The connection is closed, or as good as."""

    def note(self, connection: "Connection") -> None:
        """The connection has carried its first answer."""

    def again(self, pending: Pending) -> None:
        """Send this call on a new connection."""


class Malformed(Exception):
    """An answer that the parser would take and we do not."""


class Connection(asyncio.Protocol):
    """``heard``: when bytes last came (loop seconds). ``began``: of the request. ``closed``: not usable."""

    __slots__ = (
        "_complete",
        "_fed",
        "_head",
        "_headers",
        "_incoming",
        "_keep",
        "_parser",
        "_parts",
        "_pending",
        "_served",
        "_silence",
        "_status",
        "_until_close",
        "_upload",
        "began",
        "closed",
        "heard",
        "keeper",
        "noted",
        "on_body",
        "transport",
    )

    transport: asyncio.Transport
    _parser: httptools.HttpResponseParser
    _silence: float
    _head: dict[bytes, bytes]

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        self.closed = False
        self.noted = False
        self.began = self.heard = keeper.now
        self._served = 0
        self._pending: Pending | None = None
        self._incoming: Incoming | None = None
        self._upload: Upload | None = None
        self._parts: list[bytes] = []
        # The parser keeps this bound method: pieces are collected without a Python call each.
        self.on_body = self._parts.append
        self._headers: dict[bytes, bytes] = {}
        self._status = self._fed = 0
        self._complete = self._until_close = self._keep = False

    # From the pool.

    def run(self, pending: Pending) -> None:
        """Write the request of ``pending`` and answer it."""
        self._pending = pending
        pending.holder = self
        self.began = self.heard = self.keeper.now
        call = pending.call
        head, body = call.head, call.body
        if not isinstance(body, bytes):
            self._upload = Upload(self.transport, call, self._upload_failed)
        elif body or head.startswith(b"P"):
            self.transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body))
        else:
            self.transport.write(head + b"\r\n")

    def forget(self, pending: Pending) -> None:
        """The caller is gone: the provider shall notice."""
        if pending is self._pending:
            self._pending = None
            self.drop()

    def drop(self) -> None:
        """Close at once, tell nobody."""
        self._pending = self._incoming = None
        self._close()

    def stop(self) -> None:
        """The gateway is stopping: close, and tell whoever waits."""
        self._end(Unreachable(503, "the gateway is stopping"))

    def check(self, now: float, idle: float) -> None:
        """Called by the sweep: enforce the deadlines of whatever is going on."""
        pending, incoming = self._pending, self._incoming
        if pending is not None:
            limits = pending.call.deadlines
            if not self._fed and now - self.began > limits.first_byte:
                self._end(TimedOut(504, f"{self.keeper.place} did not answer within {limits.first_byte:g} s"))
            elif now - self.began > limits.total:
                self._end(TimedOut(504, f"{self.keeper.place} did not finish its answer within {limits.total:g} s"))
        elif incoming is not None:
            if not incoming.paused and now - self.heard > self._silence:
                self._end(TimedOut(504, f"{self.keeper.place} sent nothing for {self._silence:g} s"))
        elif now - self.heard > idle:
            self._close()

    # From the body that is being handed over.

    def pause(self) -> None:
        """Stop reading."""
        self.transport.pause_reading()

    def resume(self) -> None:
        """Read again; the time until now was not the provider's silence."""
        self.heard = self.keeper.now
        self.transport.resume_reading()

    # From the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open (and TLS is up)."""
        self.transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of the answer."""
        incoming = self._incoming
        if incoming is None and self._pending is None:
            self._close()
            return
        self.heard = self.keeper.now
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._complete:
                self._end(self._unreadable(error))
                return
            self._keep = False
        if self._complete:
            self._finish()
        elif incoming is not None:
            if self._parts:
                incoming.push(self._take())
        elif self._status:
            self._progress()
        elif self._fed > HEAD_LIMIT:
            self._end(Broken(502, f"{self.keeper.place} sent a head of more than {HEAD_LIMIT} bytes"))

    def eof_received(self) -> None:
        """The provider sends no more."""
        self._lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self._lost(exc)

    def pause_writing(self) -> None:
        """The provider reads slowly."""
        if self._upload is not None:
            self._upload.pause()

    def resume_writing(self) -> None:
        """The provider has caught up."""
        if self._upload is not None:
            self._upload.resume()

    # From the parser.

    def on_message_begin(self) -> None:
        """An answer begins."""
        if self._complete:
            raise Malformed("more than one answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect one header, or a trailer, of which nothing is kept."""
        name = name.lower()
        headers = self._headers
        if name in headers:
            value = headers[name] + b", " + value
        headers[name] = value

    def on_headers_complete(self) -> None:
        """Judge the head; interim answers (1xx) are skipped."""
        status = self._parser.get_status_code()
        headers = self._headers
        if status < 200:
            self._headers = {}
            return
        self._status = status
        self._head = headers
        self._headers = {}
        encoding = headers.get(b"transfer-encoding")
        if encoding is not None:
            if encoding.lower() != b"chunked":
                raise Malformed("an unknown transfer-encoding")
        elif b"content-length" not in headers and status not in BODYLESS:
            self._until_close = True
        self._keep = self._parser.should_keep_alive()
        pending = self._pending
        if pending is not None and pending.call.head.startswith(b"HEAD "):
            # The parser would wait for the body that the headers describe.
            self._complete, self._keep = True, False

    def on_message_complete(self) -> None:
        """The answer is whole (or an interim one is over)."""
        if self._status:
            self._complete = True

    # What follows from it.

    def _progress(self) -> None:
        """The head is here, the body is not all here."""
        pending = self._pending
        if pending is None:
            return
        if pending.call.stream and self._status < 300:
            self._hand_over(pending)
        elif self._fed > pending.call.limit and sum(map(len, self._parts)) > pending.call.limit:
            self._end(Broken(502, f"{self.keeper.place} sent an answer of more than {pending.call.limit} bytes"))

    def _hand_over(self, pending: Pending) -> None:
        """Turn the rest of the answer into a stream."""
        incoming = self._incoming = Incoming(self)
        self._pending = None
        self._silence = pending.call.deadlines.silence
        if self._parts:
            incoming.push(self._take())
        pending.finish(Answer(status=self._status, headers=self._head, stream=incoming))

    def _finish(self) -> None:
        """The answer is whole: free the connection first, then tell."""
        pending, incoming = self._pending, self._incoming
        status, headers = self._status, self._head
        body = self._take()
        if pending is not None and len(body) > pending.call.limit:
            self._end(Broken(502, f"{self.keeper.place} sent an answer of more than {pending.call.limit} bytes"))
            return
        self._pending = self._incoming = None
        self._recycle()
        if pending is None or (pending.call.stream and status < 300):
            self._finish_stream(pending, incoming, Answer(status=status, headers=headers, body=body))
        else:
            pending.finish(Answer(status=status, headers=headers, body=body))

    def _finish_stream(self, pending: Pending | None, incoming: Incoming | None, answer: Answer) -> None:
        whole = incoming or Incoming(None)
        if answer.body:
            whole.push(answer.body)
        whole.finish(None)
        if pending is not None:
            pending.finish(Answer(status=answer.status, headers=answer.headers, stream=whole))

    def _recycle(self) -> None:
        upload = self._upload
        if upload is not None:
            self._upload = None
            if not upload.over:
                upload.cancel()
                self._keep = False
        if not self.noted:
            self.noted = True
            self.keeper.note(self)
        if self._keep and not self.closed:
            if self._headers:
                # Trailers.
                self._headers = {}
            self._status = self._fed = 0
            self._complete = self._until_close = False
            self._served += 1
            self.keeper.release(self)
        else:
            self._close()

    def _take(self) -> bytes:
        parts = self._parts
        if len(parts) == 1:
            return parts.pop()
        whole = b"".join(parts)
        parts.clear()
        return whole

    def _lost(self, exc: Exception | None) -> None:
        """No more bytes will come: is that the end of the answer, a dead connection, or a cut?"""
        if self.closed:
            return
        pending = self._pending
        place = self.keeper.place
        if self._until_close and self._status and exc is None:
            self._keep = False
            self._finish()
        elif pending is not None and self._was_dead(pending):
            self._pending = None
            self._close()
            pending.retried = True
            self.keeper.again(pending)
        elif not self._fed:
            self._end(Unreachable(502, f"{place} closed the connection without an answer"))
        else:
            self._end(Broken(502, f"{place} closed the connection in the middle of its answer"))

    def _was_dead(self, pending: Pending) -> bool:
        fresh = self.keeper.now - self.began < RETRY_WINDOW
        return fresh and self._served > 0 and not self._fed and not pending.retried and self._upload is None

    def _upload_failed(self, error: Exception) -> None:
        """The iterable of the request's body failed, or did not keep to its length: the caller's error, handed back."""
        self._end(error)

    def _end(self, error: Exception) -> None:
        """Close, and tell whoever waits."""
        pending, incoming = self._pending, self._incoming
        self._pending = self._incoming = None
        self._close()
        if pending is not None:
            pending.fail(error)
        elif incoming is not None:
            incoming.finish(error)

    def _close(self) -> None:
        if self._upload is not None:
            self._upload.cancel()
            self._upload = None
        if not self.closed:
            self.closed = True
            self.transport.abort()
            self.keeper.discard(self)

    def _unreadable(self, error: Exception) -> Broken:
        cause = error.__context__
        reason = str(cause) if isinstance(cause, Malformed) else "an answer that is not valid HTTP/1.1"
        return Broken(502, f"{self.keeper.place} sent {reason}", detail=str(error))

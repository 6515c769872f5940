"""Bytes from a client into jobs: strict HTTP/1.x on llhttp, plus what llhttp lets pass and we do not.

Rule 1. A message whose end two readers could see differently is refused: both lengths, odd codings, versions, hosts.
Rule 2. After a refusal nothing that follows on the connection is looked at.
Rule 3. Repeated headers are joined with ``, ``; Host may not repeat. Trailers are read and dropped.
Rule 4. A head that is the same as the one before is not parsed again (``repeated.py``).
Rule 5. An Upgrade is ignored, as RFC 9110 allows: the message is read again without it, body and all.
"""

import asyncio
import logging
import re
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

import httptools

from asbru.edge.job import Job
from asbru.edge.limits import Limits
from asbru.edge.refusal import Refusal
from asbru.edge.repeated import Repeated, remember
from asbru.edge.request import Find, Request, Route
from asbru.edge.spool import Spool
from asbru.edge.target import Target
from asbru.model.failure import Bug, Refused
from asbru.model.http import Answer

BETWEEN, HEAD, BODY = 0, 1, 2
LOG = logging.getLogger("asbru.edge")
METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")}
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+;=%-]*(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?").fullmatch
SLICE = 16 << 10
"""Most bytes that are fed at once: what one feed can make of requests is bounded by it."""
OVERHEAD = 16
"""A chunked body may spend this many bytes of framing on each byte, beyond one head's worth."""

CHANCES = 4
"""A client whose heads have differed so often in a row is one whose heads differ: none is remembered any more."""


class Site(Protocol):
    """The server, as a reader sees it. ``now``: loop seconds, up to a tick old."""

    find: Find
    limits: Limits
    now: float
    loop: asyncio.AbstractEventLoop
    folder: str

    targets: dict[bytes, Target]

    def next_id(self) -> str:
        """An id for a request."""

    def split(self, target: bytes) -> Target:
        """``split_target``, remembered in ``targets``."""


class Reader:
    """``stage``: where in a message the bytes end. ``jobs``: what has arrived whole; shared with the connection."""

    __slots__ = (
        "_again",
        "_began",
        "_chances",
        "_chunked",
        "_fed",
        "_headers",
        "_heard",
        "_host",
        "_job",
        "_jobs",
        "_known",
        "_odd",
        "_parser",
        "_parts",
        "_pieces",
        "_room",
        "_route",
        "_site",
        "_size",
        "_target",
        "_upgraded",
        "_wake",
        "on_body",
        "spool",
        "stage",
        "wants_continue",
    )

    def __init__(self, site: Site, jobs: deque[Job], room: Callable[[], None], wake: Callable[[], None]) -> None:
        self._site = site
        self._jobs = jobs
        self._room = room
        self._wake = wake
        self._parts: list[bytes] = []
        # The parser keeps this bound method: pieces are collected without a Python call each.
        self.on_body = self._parts.append
        self._host = b""
        self._odd = True
        self._headers: dict[bytes, bytes] = {}
        self._job: Job | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._known: Repeated | None = None
        # While there are any, the parser has seen nothing of the next message.
        self._chances = CHANCES
        self._reset()

    def _reset(self) -> None:
        """Ready for the next message."""
        self.stage = BETWEEN
        self._target = b""
        if self._headers:
            self._headers = {}
        self._fed = 0
        self._began = 0.0
        if self._odd:
            self._reset_odd()

    def _reset_odd(self) -> None:
        """What a request that came whole, with a length, has not touched."""
        self._odd = False
        self.wants_continue = False
        self.spool: Spool | None = None
        self._again = 0
        self._pieces: list[bytes] = []
        self._size = 0
        self._chunked = self._upgraded = False

    # From the connection.

    def feed(self, data: bytes | memoryview) -> None:
        """Read ``data``; whole requests end in ``jobs``. Raises Refusal."""
        known = self._known
        if known is not None and isinstance(data, bytes) and (body := known.body(data)) is not None:
            route, params = self._site.find(known.method, known.path)
            if len(body) <= route.limit and not route.spool:
                self._repeat(known, body, route, params)
                return
        chances, self._chances, self._known = self._chances, 0, None
        waiting = len(self._jobs)
        while True:
            try:
                self._parser.feed_data(data)
                break
            except httptools.HttpParserUpgrade as upgrade:
                chances = 0
                data = self._without_upgrade() + bytes(data[upgrade.args[0] :])
            except httptools.HttpParserError as error:
                raise self._refusal(error) from None
        if self.stage or not self._jobs:
            self._part(len(data))
        elif chances and len(self._jobs) > waiting and isinstance(data, bytes):
            self._remember(data, self._jobs[-1], chances)

    def _repeat(self, known: Repeated, body: bytes, route: Route, params: tuple[str, ...]) -> None:
        """A request whose head was read before."""
        self._chances = CHANCES
        name = self._site.next_id()
        self._jobs.append(Job(name, known.request(name, params, body), route, True))

    def _remember(self, data: bytes, job: Job, chances: int) -> None:
        """``data`` came at the beginning of a message and ended a request."""
        if job.keep and not job.old and not job.bare and job.ready and job.request is not None:
            self._known = remember(data, job.request)
            self._chances = chances - 1 if self._known is not None else 0

    def check(self, now: float) -> None:
        """Called by the sweep: raises Refusal for a client that is too slow."""
        limits = self._site.limits
        if not self._began:
            return
        took = now - self._began
        if self.stage != BODY:
            if took > limits.head_seconds:
                raise Refusal(408, f"the request's headers took more than {limits.head_seconds:g} s")
        elif now - self._heard > limits.body_seconds:
            raise Refusal(408, f"the request's body stopped for {limits.body_seconds:g} s")
        elif took > limits.body_seconds and max(self._fed, self._size) < limits.body_rate * took:
            raise Refusal(408, f"the request's body comes with less than {limits.body_rate} bytes a second")

    def heard(self) -> None:
        """The connection itself did not read for a while: that was not the client's silence."""
        self._began = self._heard = self._site.now
        self._fed = 0

    def close(self) -> None:
        """The client is gone: what has half arrived is dropped."""
        spool, self.spool = self.spool, None
        if spool is not None:
            spool.discard()

    # From the parser.

    def on_url(self, piece: bytes) -> None:
        """A piece of the target."""
        self.stage = HEAD
        self._target += piece
        if len(self._target) > self._site.limits.target:
            raise Refusal(414, f"the request target is longer than {self._site.limits.target} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or a trailer, of which nothing is kept."""
        name = name.lower()
        headers = self._headers
        if name in headers:
            value = self._repeated(name, value)
        headers[name] = value

    def on_headers_complete(self) -> None:
        """The head is whole: judge it, find its route."""
        parser = self._parser
        method = METHODS.get(parser.get_method())
        if method is None:
            raise Refusal(405, "this method is not served")
        if parser.should_upgrade():
            self._upgraded = self._odd = True
            return
        headers = self._headers
        keep = parser.should_keep_alive()
        # Without a Connection header only HTTP/1.1 keeps alive; asking the parser for the version costs more than this.
        version = "1.1" if keep and b"connection" not in headers else parser.get_http_version()
        site = self._site
        target = site.targets.get(self._target) or site.split(self._target)
        path, query, authority = target
        self._judge(version, authority)
        route, params = site.find(method, path)
        name = site.next_id()
        request = Request(id=name, method=method, path=path, query=query, headers=headers, params=params)
        self._job = Job(name, request, route, keep, version == "1.0", method == "HEAD")
        self._headers = {}
        self.stage = BODY
        self._began = 0.0
        self._fed = 0
        length = headers.get(b"content-length")
        if length is not None and int(length) > route.limit:
            raise self._too_large(route)
        if route.spool:
            self._open_spool(route)
        if b"expect" in headers and version == "1.1":
            self._expect(headers[b"expect"], length)

    def on_message_complete(self) -> None:
        """A request is whole."""
        job = self._job
        if self._upgraded or job is None:
            return
        request = job.request
        assert request is not None
        if self.spool is not None:
            self._finish_spool(job, self.spool)
        elif len(self._parts) == 1 and not self._size:
            request.body = self._parts.pop()
        elif self._parts or self._size:
            request.body = self._body(job)
        self._jobs.append(job)
        self._reset()

    # What follows from it.

    def _refusal(self, error: httptools.HttpParserError) -> Refusal:
        """What to say: our own refusal, the parser's reason, or, when our callback failed, only that it did."""
        cause = error.__context__
        if isinstance(cause, Refusal):
            return cause
        if isinstance(error, httptools.HttpParserCallbackError):
            LOG.error("a request could not be routed", exc_info=cause)
            return Refusal(500, "internal error")
        return Refusal(400, f"not a valid request: {error}")

    def _repeated(self, name: bytes, value: bytes) -> bytes:
        if name == b"host":
            raise Refusal(400, "more than one Host header")
        self._odd = True
        self._again += 1
        if self._again > self._site.limits.headers:
            raise Refusal(431, f"more than {self._site.limits.headers} headers")
        return self._headers[name] + b", " + value

    def _judge(self, version: str, authority: str) -> None:
        """Raises Refusal for a head that llhttp took and that is not safe to act on."""
        headers = self._headers
        limits = self._site.limits
        if version not in ("1.1", "1.0"):
            raise Refusal(505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
        host = headers.get(b"host")
        if host is None:
            if version == "1.1":
                raise Refusal(400, "the Host header is missing")
        elif host != self._host:
            if not _HOST(host):
                raise Refusal(400, "the Host header is not valid")
            self._host = host
        if authority and authority.lower() != (host or b"").decode("latin-1").lower():
            raise Refusal(400, "the request target and the Host header differ")
        if len(headers) + self._again > limits.headers:
            raise Refusal(431, f"more than {limits.headers} headers")
        if (self._began or limits.head < SLICE) and sum(map(len, headers)) + sum(map(len, headers.values())) + len(
            self._target
        ) > limits.head:
            raise Refusal(431, f"the headers are longer than {limits.head} bytes")
        coding = headers.get(b"transfer-encoding")
        if coding is not None:
            if coding.lower() != b"chunked" or version == "1.0":
                raise Refusal(400, "the only transfer-encoding served is chunked, on HTTP/1.1")
            self._chunked = self._odd = True

    def _open_spool(self, route: Route) -> None:
        self._odd = True
        try:
            self.spool = Spool(self._site.folder, self._site.loop, self._room)
        except OSError as error:
            raise Refusal(500, "", self._not_stored(route, error)) from error

    def _not_stored(self, route: Route, error: OSError) -> Answer:
        LOG.error("the body of a request could not be stored: %s", error)
        failure = Bug(500, "the request's body could not be stored", detail=str(error))
        return route.fail(failure, self._job.id if self._job is not None else "")

    def _expect(self, what: bytes, length: bytes | None) -> None:
        if what.lower() != b"100-continue":
            raise Refusal(417, "the only expectation served is 100-continue")
        self._odd = True
        self.wants_continue = self._chunked or length not in (None, b"0")

    def _too_large(self, route: Route) -> Refusal:
        message = f"the request body is larger than {route.limit} bytes"
        job = self._job
        failure = Refused(413, message, code="request_too_large")
        return Refusal(413, message, route.fail(failure, job.id if job is not None else ""))

    def _part(self, count: int) -> None:
        """The bytes ended inside a message: count them, keep what came of the body."""
        self._odd = True
        if self._began:
            self._fed += count
        else:
            # How much of these bytes belongs to messages before this one is not known: they are not held against it.
            self._began = self._site.now
        limits = self._site.limits
        if self.stage != BODY:
            if self._fed > limits.head + limits.target:
                raise Refusal(431, f"the headers are longer than {limits.head} bytes")
            return
        self._heard = self._site.now
        if self._parts:
            self._keep_parts()
        if self._chunked and self._fed > limits.head + limits.target + (OVERHEAD + 1) * self._size:
            raise Refusal(400, "the chunks of the body are mostly framing")

    def _keep_parts(self) -> None:
        piece = b"".join(self._parts)
        self._parts.clear()
        self._size += len(piece)
        route = self._job.route if self._job is not None else None
        if route is not None and self._size > route.limit:
            raise self._too_large(route)
        if self.spool is not None:
            self.spool.write(piece)
        else:
            self._pieces.append(piece)

    def _body(self, job: Job) -> bytes:
        body = b"".join((*self._pieces, *self._parts))
        self._parts.clear()
        if job.route is not None and len(body) > job.route.limit:
            raise self._too_large(job.route)
        return body

    def _finish_spool(self, job: Job, spool: Spool) -> None:
        self._keep_parts()
        job.ready = False
        job.spool = spool
        assert job.request is not None
        job.request.spool = spool.path
        spool.finish(partial(self._spooled, job))

    def _spooled(self, job: Job, error: OSError | None) -> None:
        if error is not None and job.route is not None:
            job.answer = self._not_stored(job.route, error)
        job.ready = True
        self._wake()

    def _without_upgrade(self) -> bytes:
        """The head again, as if it had not asked for an upgrade; a new parser reads it."""
        dropped = (b"upgrade", b"connection", b"http2-settings")
        method = self._parser.get_method()
        lines = [b"%b %b HTTP/1.1\r\n" % (method, self._target)]
        lines += [b"%b: %b\r\n" % (name, value) for name, value in self._headers.items() if name not in dropped]
        self._parts.clear()
        self._reset()
        self._parser = httptools.HttpRequestParser(self)
        return b"".join(lines) + b"\r\n"

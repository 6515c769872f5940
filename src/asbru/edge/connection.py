"""One client: requests in order, one at a time, each answered before the next begins.

Rule 1. Whole requests wait in a bounded queue; above it the socket is not read.
Rule 2. The client that leaves cancels its handler or its stream at once.
Rule 3. A client that closes its sending side may only be half gone: before the answer it gets a harmless interim answer
(100 Continue), which a closed socket answers with a reset; in the middle of a stream it counts as gone.
Rule 4. A client that takes nothing stops the source of its answer, and is dropped when it goes on too long.
"""

import asyncio
import contextlib
from collections import deque
from typing import cast

from asbru.edge.drive import Drive
from asbru.edge.failing import failed_answer
from asbru.edge.fitting import ODD, fitted
from asbru.edge.host import Host
from asbru.edge.job import Job
from asbru.edge.outflow import Outflow
from asbru.edge.reader import BETWEEN, SLICE, Reader
from asbru.edge.refusal import Refusal, refusal_answer
from asbru.edge.reply import CONTINUE, write_head, write_whole
from asbru.edge.request import HangUp
from asbru.model.http import Answer, Stream

QUEUED_BYTES = 1 << 20
"""Bodies waiting behind a running request; above it the socket is not read."""
PROBES = 4


class Connection(asyncio.Protocol):
    """See the rules above."""

    __slots__ = (
        "_blocked",
        "_blocked_size",
        "_deaf",
        "_drive",
        "_feeding",
        "_half",
        "_host",
        "_job",
        "_jobs",
        "_lost",
        "_outflow",
        "_pumping",
        "_reader",
        "_reading",
        "_rest",
        "_since",
        "_transport",
    )
    _transport: asyncio.Transport

    def __init__(self, host: Host) -> None:
        self._host = host
        self._jobs: deque[Job] = deque()
        self._reader = Reader(host, self._jobs, self._room, self._pump)
        self._job: Job | None = None
        self._drive: Drive[Answer] | None = None
        self._outflow: Outflow | None = None
        self._rest = b""
        self._reading = True
        self._pumping = self._feeding = False
        self._deaf = self._lost = False
        self._half = 0
        self._blocked = 0.0
        self._blocked_size = 0
        self._since = host.now

    # From the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        self._transport = cast(asyncio.Transport, transport)
        if not self._host.joined(self):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._deaf:
            return
        if self._rest or len(data) > SLICE or not self._reading:
            self._rest += data
            self._read_rest()
            return
        reader = self._reader
        try:
            reader.feed(data)
        except Refusal as refusal:
            self._refuse(refusal)
        if reader.wants_continue:
            self._encourage()
        if self._jobs and self._job is None:
            self._pump()

    def eof_received(self) -> bool:
        """The client sends no more. True: stay, for the answer."""
        if self._outflow is not None or (self._job is None and not self._jobs):
            self._gone()
            self._transport.abort()
            return False
        self._half = 1
        self._probe()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._gone()
        self._host.left(self)

    def pause_writing(self) -> None:
        """The client does not take what we send."""
        self._blocked = self._host.now
        self._blocked_size = self._transport.get_write_buffer_size()
        if self._outflow is not None:
            self._outflow.stream.pause()

    def resume_writing(self) -> None:
        """The client took it."""
        self._blocked = 0.0
        if self._outflow is not None:
            self._outflow.stream.resume()
        else:
            self._pump()

    # From the server.

    @property
    def idle(self) -> bool:
        """Nothing runs, nothing waits, nothing has half arrived."""
        return self._job is None and not self._jobs and self._reader.stage == BETWEEN

    def check(self, now: float) -> None:
        """Called by the sweep: enforce the times."""
        limits = self._host.limits
        over = self._deaf and self._job is None and not self._jobs
        if self._blocked or (over and self._transport.get_write_buffer_size()):
            self._check_blocked(now)
        elif over:
            if now - self._since > limits.linger_seconds:
                self._transport.abort()
        elif self._deaf:
            return
        elif self._half:
            self._probe()
        elif self.idle and now - self._since > limits.idle_seconds:
            self.close()
        elif self._reading:
            try:
                self._reader.check(now)
            except Refusal as refusal:
                self._refuse(refusal)
                self._pump()

    def close(self) -> None:
        """Drain: close when idle, or after the answer that is on its way."""
        if self.idle and not self._deaf:
            self._deaf = True
            self._since = self._host.now
            self._transport.close()

    def abort(self) -> None:
        """Drain is over."""
        self._transport.abort()

    # Reading.

    def _read(self, data: bytes | memoryview) -> None:
        try:
            self._reader.feed(data)
        except Refusal as refusal:
            self._refuse(refusal)
        if self._reader.wants_continue:
            self._encourage()

    def _encourage(self) -> None:
        """A client that waits for our leave to send its body gets it when its turn has come."""
        if self._job is None and not self._jobs:
            self._reader.wants_continue = False
            self._transport.write(CONTINUE)

    def _read_rest(self) -> None:
        """Read in slices until all is read or the queue is full."""
        if self._feeding:
            # An answer that came at once leads back here; the loop below goes on by itself.
            return
        self._feeding = True
        view = memoryview(self._rest)
        at = 0
        while at < len(view) and not self._full() and not self._deaf and not self._lost:
            self._read(view[at : at + SLICE])
            at += SLICE
            self._pump()
        self._rest = b"" if self._deaf else bytes(view[at:])
        self._feeding = False
        self._balance()

    def _full(self) -> bool:
        jobs = self._jobs
        spool = self._reader.spool
        if spool is not None and spool.full:
            return True
        if not jobs:
            return False
        waiting = sum(len(job.request.body) for job in jobs if job.request is not None)
        return len(jobs) >= self._host.limits.pipeline or waiting > QUEUED_BYTES

    def _balance(self) -> None:
        """Read from the socket exactly when there is room."""
        want = not self._rest and not self._full()
        if want != self._reading and not self._lost and not self._half and not self._transport.is_closing():
            self._reading = want
            if want:
                self._reader.heard()
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def _room(self) -> None:
        """The disk has caught up."""
        if not self._lost:
            self._read_rest()

    def _refuse(self, refusal: Refusal) -> None:
        """Answer in turn, hear nothing more."""
        self._deaf = True
        self._rest = b""
        self._reader.close()
        job = Job(id=self._host.next_id(), request=None, route=None, keep=False)
        job.answer = refusal_answer(refusal)
        self._jobs.append(job)

    # Running.

    def _pump(self) -> None:
        """Run what has arrived, in order, as long as answers come at once."""
        if self._pumping:
            return
        self._pumping = True
        jobs = self._jobs
        while jobs and self._job is None and not self._blocked and jobs[0].ready and not self._lost:
            self._start(jobs.popleft())
        self._pumping = False
        if not self._reading:
            self._read_rest()

    def _start(self, job: Job) -> None:
        host = self._host
        self._job = job
        host.running += 1
        if job.answer is not None:
            self._answer(job, job.answer)
            return
        assert job.route is not None
        assert job.request is not None
        # From here on the file of a spooled body is the handler's.
        job.spool = None
        route = job.route
        if not ODD.isdisjoint(job.request.headers):
            route = fitted(route, job.request.headers, host.pages)
        drive = self._drive = Drive(route.handler(job.request), self._done, host.loop)
        drive.start()

    def _done(self, answer: Answer | None, error: BaseException | None) -> None:
        """The handler is over."""
        self._drive = None
        job = self._job
        if job is None or self._lost:
            if answer is not None and answer.stream is not None:
                answer.stream.cancel()
            return
        if answer is not None:
            self._answer(job, answer)
        elif isinstance(error, HangUp):
            self._over(False, cut=True)
        else:
            self._answer(job, failed_answer(job, error))

    # Answering.

    def _answer(self, job: Job, answer: Answer) -> None:
        stream = answer.stream
        if stream is None:
            self._write_whole(job, answer)
        elif job.bare:
            stream.cancel()
            self._write_whole(job, Answer(status=answer.status, headers=answer.headers, length=answer.length))
        else:
            self._stream(job, answer, stream)

    def _write_whole(self, job: Job, answer: Answer) -> None:
        host = self._host
        tails = host.tails
        stays = job.keep and not host.draining and (not self._half or bool(self._jobs))
        tail = tails.closes if not stays else tails.stays_old if job.old else tails.stays
        try:
            data = write_whole(answer, job, tail)
        except (ValueError, KeyError) as error:
            data = write_whole(failed_answer(job, error), job, tail)
        self._transport.write(data)
        self._over(stays)

    def _stream(self, job: Job, answer: Answer, stream: Stream) -> None:
        tails = self._host.tails
        job.keep = stays = self._stays(job) and not job.old
        try:
            head = write_head(answer, job, tails.stays if stays else tails.closes)
        except (ValueError, KeyError) as error:
            stream.cancel()
            self._write_whole(job, failed_answer(job, error))
            return
        self._outflow = Outflow(self, self._transport.write, head, not job.old and answer.length is None, stream)
        self._outflow.start()

    def _stays(self, job: Job) -> bool:
        """May there be another request after this one?"""
        return job.keep and not self._host.draining and (not self._half or bool(self._jobs))

    def streamed(self, error: Exception | None, begun: bool) -> None:
        """From the outflow: the answer is over."""
        self._outflow = None
        job = self._job
        if job is None:
            return
        if error is None:
            self._over(job.keep)
        elif begun:
            self._over(False, cut=True)
        else:
            job.keep = False
            self._answer(job, failed_answer(job, error))

    def _over(self, stays: bool, cut: bool = False) -> None:
        """The answer is written: next request, or the end."""
        self._job = None
        host = self._host
        host.running -= 1
        self._since = host.now
        if stays:
            if self._reader.wants_continue:
                self._encourage()
            if self._jobs or not self._reading:
                self._pump()
        else:
            self._part(cut)

    def _part(self, cut: bool) -> None:
        """Close; a client that may still be sending gets time to read the answer first."""
        self._drop_jobs()
        if cut:
            self._transport.abort()
        elif self._deaf or self._reader.stage != BETWEEN or self._rest:
            self._deaf = True
            self._rest = b""
            self._reader.close()
            with contextlib.suppress(OSError, RuntimeError):
                self._transport.write_eof()
            self._reading = True
            self._transport.resume_reading()
        else:
            self._deaf = True
            self._transport.close()

    # Leaving.

    def _probe(self) -> None:
        """Make a closed socket say so; an HTTP/1.0 client would not understand."""
        if self._half <= PROBES and self._outflow is None and self._job is not None and not self._job.old:
            self._half += 1
            self._transport.write(CONTINUE)

    def _gone(self) -> None:
        """Stop everything that was done for this client."""
        if self._lost:
            return
        self._lost = True
        self._reader.close()
        self._drop_jobs()
        if self._job is not None:
            self._host.running -= 1
            job, self._job = self._job, None
            job.drop()
        outflow, self._outflow = self._outflow, None
        if outflow is not None:
            outflow.cancel()
        drive, self._drive = self._drive, None
        if drive is not None:
            drive.cancel()

    def _drop_jobs(self) -> None:
        while self._jobs:
            self._jobs.popleft().drop()

    def _check_blocked(self, now: float) -> None:
        """Any progress restarts the clock."""
        size = self._transport.get_write_buffer_size()
        if not self._blocked or size < self._blocked_size:
            self._blocked, self._blocked_size = now, size
        elif now - self._blocked > self._host.limits.stall_seconds:
            self._transport.abort()

"""The connections to one origin: the last one used is the first one taken; who waits is served in order.

Rule 1. A call that finds no idle connection waits; a connection is opened for it if the origin's maximum allows.
Rule 2. Whatever gets free first, a new connection or a returned one, goes to the call that has waited longest.
Rule 3. A failed dial fails one waiting call: the one that has waited longest.
"""

import asyncio
from collections import deque
from typing import cast

from asbru.model.failure import Failure, TimedOut, Unreachable
from asbru.upstream.call import Origin
from asbru.upstream.connection import Connection
from asbru.upstream.dial import dial
from asbru.upstream.pending import Pending
from asbru.upstream.tls import Context


class Pool:
    """``loop``: where its calls are awaited. ``now``: loop seconds, kept by the sweep.

    ``place``: host:port, for messages.
    """

    def __init__(self, origin: Origin, context: Context | None, loop: asyncio.AbstractEventLoop) -> None:
        self.origin = origin
        self.loop = loop
        self.now = loop.time()
        self.place = f"{origin.host}:{origin.port}"
        self._context = context
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._waiting: deque[Pending] = deque()
        self._wanted = 0
        self._dials: set[asyncio.Task[None]] = set()

    @property
    def size(self) -> int:
        """Connections, open or being opened."""
        return len(self._all) + len(self._dials)

    @property
    def unused(self) -> bool:
        """Nothing open, nothing waiting."""
        return not self._all and not self._dials and not self._wanted

    def submit(self, pending: Pending) -> None:
        """Run the call on an idle connection, or let it wait for one."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            if not connection.closed:
                connection.run(pending)
                return
        self.again(pending)

    def again(self, pending: Pending) -> None:
        """Let the call wait, and open a connection if there may be one more."""
        pending.holder = self
        pending.since = self.now
        self._waiting.append(pending)
        self._wanted += 1
        self._dial_if_wanted(pending.call.deadlines.connect)

    def forget(self, pending: Pending) -> None:
        """Its caller is gone; the entry in the queue is skipped when its turn comes."""
        self._wanted -= 1

    def release(self, connection: Connection) -> None:
        """A connection is free: to the first who waits, else to the idle ones."""
        self._all.add(connection)
        pending = self._next() if self._waiting else None
        if pending is not None:
            connection.run(pending)
        else:
            self._idle.append(connection)

    def note(self, connection: Connection) -> None:
        """Keep the TLS session of a connection that has proved good."""
        if self._context is not None:
            self._context.remember(self.origin.host, connection.transport.get_extra_info("ssl_object"))

    def discard(self, connection: Connection) -> None:
        """A connection is gone."""
        self._all.discard(connection)
        if self._wanted:
            self._dial_if_wanted(self._waiting[-1].call.deadlines.connect)

    def sweep(self, now: float, idle: float) -> None:
        """Enforce deadlines; close what has been idle for ``idle`` seconds."""
        self.now = now
        for connection in tuple(self._all):
            connection.check(now, idle)
        self._idle = [connection for connection in self._idle if not connection.closed]
        self._waiting = deque(pending for pending in self._waiting if pending.holder is self)
        # A call whose connection is being opened is that dial's business.
        while self._wanted > len(self._dials) and self._waited_long(self._waiting[0]):
            self._fail_first(TimedOut(504, f"no free connection to {self.place} ({self.size} in use)"))

    def close(self) -> None:
        """Close everything; running and waiting calls fail."""
        for task in tuple(self._dials):
            task.cancel()
        while self._waiting:
            self._fail_first(Unreachable(503, "the gateway is stopping"))
        for connection in tuple(self._all):
            connection.stop()

    def _waited_long(self, pending: Pending) -> bool:
        return self.now - pending.since > pending.call.deadlines.first_byte

    def _next(self) -> Pending | None:
        while self._waiting:
            pending = self._waiting.popleft()
            if pending.holder is self:
                self._wanted -= 1
                return pending
        return None

    def _fail_first(self, failure: Failure) -> None:
        pending = self._next()
        if pending is not None:
            pending.fail(failure)

    def _dial_if_wanted(self, seconds: float) -> None:
        if len(self._dials) < self._wanted and self.size < self.origin.max_connections:
            self._dials.add(asyncio.get_running_loop().create_task(self._dial(seconds)))

    async def _dial(self, seconds: float) -> None:
        failure: Failure | None = None
        try:
            connection = await dial(self, self.origin, self._context, seconds)
        except Failure as caught:
            failure = caught
        finally:
            self._dials.discard(cast(asyncio.Task[None], asyncio.current_task()))
        if failure is None:
            self.release(connection)
        else:
            self._fail_first(failure)

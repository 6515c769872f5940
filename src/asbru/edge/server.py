"""The way in: accepts clients, keeps the time for all of them, and knows how to stop."""

import asyncio
import itertools
import secrets
import socket
import tempfile
import time

from asbru.edge.connection import Connection
from asbru.edge.cors import Pages
from asbru.edge.limits import Limits
from asbru.edge.reply import make_tails
from asbru.edge.request import Find
from asbru.edge.target import Target, split_target

TARGETS = 1024
"""Most targets whose split form is remembered."""


class Server:
    """Serves what ``find`` finds. ``folder``: where spooled bodies go. ``now``: loop seconds, up to a tick old.

    ``pages``: of which origins pages in browsers may ask.
    ``running``: exchanges whose answer is not written yet; ``open``: connections.
    """

    def __init__(
        self,
        find: Find,
        limits: Limits = Limits(),  # noqa: B008 - frozen.
        folder: str = "",
        pages: Pages = Pages(),  # noqa: B008 - frozen.
    ) -> None:
        self.find = find
        self.limits = limits
        self.folder = folder or tempfile.gettempdir()
        self.pages = pages
        self.draining = False
        self.running = 0
        self.now = 0.0
        self.targets: dict[bytes, Target] = {}
        self.tails = make_tails(time.time())
        self.loop: asyncio.AbstractEventLoop
        self._connections: set[Connection] = set()
        self._listening: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        # 64 random bits make ids of processes differ; a counter makes them differ within one.
        self._prefix = "req_" + secrets.token_hex(8)
        self._count = itertools.count(1)
        self._empty = asyncio.Event()

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return len(self._connections)

    def next_id(self) -> str:
        """``req_`` and 24 hexadecimal digits."""
        return f"{self._prefix}{next(self._count) & 0xFFFFFFFF:08x}"

    def split(self, target: bytes) -> Target:
        """``split_target``, remembered: most clients ask for the same few paths."""
        split = split_target(target)
        if len(target) <= 256:
            if len(self.targets) >= TARGETS:
                self.targets.clear()
            self.targets[target] = split
        return split

    def protocol_factory(self) -> Connection:
        """A protocol for one client."""
        return Connection(self)

    async def start(self, listener: socket.socket) -> None:
        """Accept on a bound socket; returns at once."""
        self.loop = asyncio.get_running_loop()
        self._listening = await self.loop.create_server(self.protocol_factory, sock=listener, backlog=2048)
        self._tick()

    async def drain(self, seconds: float) -> None:
        """Stop accepting, let running exchanges finish for at most ``seconds``, then close everything."""
        self.draining = True
        if self._listening is not None:
            self._listening.close()
        for connection in tuple(self._connections):
            connection.close()
        if self._connections:
            self._empty.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._empty.wait()
            except TimeoutError:
                for connection in tuple(self._connections):
                    connection.abort()
                await asyncio.sleep(0)
        if self._timer is not None:
            self._timer.cancel()

    def joined(self, connection: Connection) -> bool:
        """From a connection: it is open."""
        self._connections.add(connection)
        return len(self._connections) <= self.limits.connections and not self.draining

    def left(self, connection: Connection) -> None:
        """From a connection: it is closed."""
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()

    def _tick(self) -> None:
        """Keep the time and the date; look after every connection."""
        self.now = self.loop.time()
        self.tails = make_tails(time.time())
        for connection in tuple(self._connections):
            connection.check(self.now)
        self._timer = self.loop.call_later(self.limits.tick, self._tick)

"""Sends calls to providers: ``send(call) -> Answer`` is all the rest of the house knows of HTTP on the way out."""

import asyncio
import ssl

from msgspec import Struct

from asbru.model.failure import Unreachable
from asbru.model.http import Answer
from asbru.upstream.call import Call, Origin
from asbru.upstream.pending import Pending
from asbru.upstream.pool import Pool
from asbru.upstream.tls import Contexts


class Settings(Struct, frozen=True, kw_only=True):
    """Seconds. ``idle``: how long an unused connection is kept. ``tick``: how exact deadlines are."""

    idle: float = 30.0
    tick: float = 0.25


class Client:
    """Pools by origin. Belongs to the loop that first sends; made anywhere."""

    def __init__(self, settings: Settings = Settings()) -> None:  # noqa: B008 - frozen.
        self._settings = settings
        self._contexts = Contexts()
        self._pools: dict[Origin, Pool] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def send(self, call: Call) -> Answer:
        """Send ``call`` and wait for its answer: whole, or as a stream once its head is here (``call.stream`` and 2xx).

        Raises Unreachable, TimedOut or Broken; any status is an answer. Cancelling closes the connection at once.
        """
        return await self.begin(call)

    def begin(self, call: Call) -> Pending:
        """``send`` without a coroutine: what is to be awaited, once. Raises Unreachable at once or then."""
        pool = self._pools.get(call.origin)
        if pool is None:
            pool = self._open(call.origin)
        pending = Pending(call, pool.loop)
        pool.submit(pending)
        return pending

    async def aclose(self) -> None:
        """Close every connection; what is still running fails."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()
        # Transports close in the next turn of the loop.
        await asyncio.sleep(0)

    @property
    def connections(self) -> int:
        """Connections, open or being opened."""
        return sum(pool.size for pool in self._pools.values())

    def _open(self, origin: Origin) -> Pool:
        if self._closed:
            raise Unreachable(503, "the gateway is stopping")
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._timer = self._loop.call_later(self._settings.tick, self._sweep)
        try:
            context = self._contexts.get(origin.verify, origin.ca_pem) if origin.tls else None
        except ssl.SSLError as error:
            words = f"the trusted certificates given for {origin.host} cannot be read"
            raise Unreachable(502, words, detail=str(error)) from error
        pool = self._pools[origin] = Pool(origin, context, self._loop)
        return pool

    def _sweep(self) -> None:
        assert self._loop is not None
        now = self._loop.time()
        for origin, pool in tuple(self._pools.items()):
            pool.sweep(now, self._settings.idle)
            if pool.unused:
                del self._pools[origin]
        self._timer = self._loop.call_later(self._settings.tick, self._sweep)

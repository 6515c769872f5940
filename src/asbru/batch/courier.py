"""Tells webhooks of the ends of batches: at least once each, by one worker at a time, through restarts.

Rule 1. What is to be told is a row that the end of the batch itself wrote; it is done when a 2xx has come.
Rule 2. Anything else is tried again, later each time, for about three days; 410 says that nobody wants it.
Rule 3. A caller's address is looked up and looked at before every try: ``upstream.guard``. Redirects are not followed.
"""

import asyncio
import contextlib
import logging
from urllib.parse import urlsplit

from msgspec import Struct

from asbru.model.failure import Failure
from asbru.model.keys import Secret
from asbru.store import Store, hooks
from asbru.store.hooks import Hook
from asbru.upstream.call import Call, Deadlines, Origin, Send
from asbru.upstream.guard import public_address
from asbru.wire.openai.webhooks import signed, signing_key, write_event

WAITS = (5.0, 60.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Seconds before each further try."""
_GONE = 410
_AT_ONCE = 8
_SHOWN = 200
_log = logging.getLogger("asbru.batch")


class CourierSettings(Struct, frozen=True, kw_only=True):
    """``secret``: signs everything. ``url``: the operator's own, which may be any address; ``anywhere``: so may others.

    ``look``: seconds between two looks. ``deadlines``: of one try.
    """

    secret: Secret = Secret("")
    url: str = ""
    anywhere: bool = False
    look: float = 1.0
    waits: tuple[float, ...] = WAITS
    deadlines: Deadlines = Deadlines(connect=10.0, first_byte=15.0, silence=15.0, total=15.0)


class Courier:
    """``send``: the way out."""

    def __init__(self, store: Store, send: Send, settings: CourierSettings) -> None:
        self._store = store
        self._send = send
        self._settings = settings
        self._key = signing_key(settings.secret.reveal())
        self._news = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to work, in the running event loop."""
        if self._key:
            self._loop = asyncio.create_task(self._run())

    def wake(self) -> None:
        """A batch may have ended."""
        self._news.set()

    async def stop(self) -> None:
        """Stop; what is under way is told again by the next worker."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._news.clear()
            try:
                await self._round()
            except Exception:
                _log.exception("webhooks could not be told; they are tried again")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.look):
                    await self._news.wait()

    async def _round(self) -> None:
        now, session = self._store.clock(), self._store.session
        if await self._store.read(lambda db: hooks.due(db, now)):
            held = await self._store.write(lambda db: hooks.hold(db, session, now, _AT_ONCE))
            await asyncio.gather(*(self._deliver(hook, session) for hook in held))

    async def _deliver(self, hook: Hook, session: int) -> None:
        """One try, and what is written about it."""
        status, failure = await self._tried(hook)
        now = self._store.clock()
        if 200 <= status < 300:
            await self._store.write(lambda db: hooks.delivered(db, session, hook, now))
            return
        waits = self._settings.waits
        again = now + waits[hook.attempts] if status != _GONE and hook.attempts < len(waits) else None
        words = "a webhook was not taken; it is tried again" if again else "a webhook was not taken; it is given up"
        _log.warning(words, extra={"webhook": hook.id, "reason": failure})
        await self._store.write(lambda db: hooks.failed(db, session, hook, failure, (again, now)))

    async def _tried(self, hook: Hook) -> tuple[int, str]:
        """The status that came, 0 for none, and why it is not good."""
        batch = await self._store.read(lambda db: hooks.batch_of(db, hook))
        if batch is None:
            return _GONE, "the batch is gone"
        body = write_event(batch, hook.id, hook.created_at)
        try:
            answer = await self._send(await self._call(hook, body))
        except Failure as failure:
            return 0, failure.message[:_SHOWN]
        return answer.status, f"status {answer.status}"

    async def _call(self, hook: Hook, body: bytes) -> Call:
        parts = urlsplit(hook.url)
        host, tls = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if tls else 80)
        trusted = self._settings.anywhere or hook.url == self._settings.url
        address = "" if trusted else await public_address(host, port)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {
            "host": parts.netloc,
            "content-type": "application/json",
            "user-agent": "asbru",
            **signed(self._key, hook.id, int(self._store.clock()), body),
        }
        lines = [f"POST {path} HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in headers.items())]
        return Call(
            origin=Origin(host=host, port=port, tls=tls, address=address),
            head="".join(lines).encode(),
            body=body,
            deadlines=self._settings.deadlines,
            limit=1 << 16,
        )

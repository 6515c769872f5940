"""One connection that listens and holds a lock: the sign of life of a gateway on PostgreSQL, and its alarm clock."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

_log = logging.getLogger("asbru.store")

CHANNEL = "asbru"
ALIVE = 0x61736273
"""Class of the advisory locks of sessions; the second half of the key is the session's number."""

_RETRY = 0.25
_LOOK = 0.5
"""Seconds until a new session, or the end, is noticed."""


class Notices:
    """A thread with its connection, made again whenever it breaks. ``wake``: called in that thread."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._session = 0
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self._held = threading.Event()
        self.wake: Callable[[], None] = _nothing

    def hold(self, session: int) -> None:
        """Hold the lock of ``session`` from now on, and of no other; the first time it is held when this returns."""
        self._session = session
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="asbru-notices", daemon=True)
            self._thread.start()
            self._held.wait(10.0)

    def close(self) -> None:
        """Let go. Blocks for half a second at most."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        lost = False
        while not self._over.is_set():
            try:
                with psycopg.connect(self._conninfo, autocommit=True) as db:
                    db.execute(f"LISTEN {CHANNEL}")
                    if lost:
                        _log.warning("the database is there again")
                        self.wake()
                    lost = False
                    self._listen(db)
            except psycopg.Error as error:
                if not lost:
                    _log.error("the database cannot be reached", extra={"reason": str(error).strip()})
                lost = True
                self._over.wait(_RETRY)

    def _listen(self, db: "psycopg.Connection[Any]") -> None:
        held = 0
        while not self._over.is_set():
            if held != self._session:
                db.execute("SELECT pg_advisory_unlock_all()")
                held = self._session
                db.execute("SELECT pg_advisory_lock_shared(%s, %s)", (ALIVE, held))
                self._held.set()
            until = time.monotonic() + _LOOK
            for notice in db.notifies(timeout=_LOOK, stop_after=1):
                if notice.pid != db.info.backend_pid:
                    self.wake()
            if time.monotonic() < until - _LOOK / 2:
                # Many at once are one reason to wake up.
                self._over.wait(0.02)


def _nothing() -> None:
    """Nobody wants to be woken."""

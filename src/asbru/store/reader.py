"""Reads that may be slow: in threads of their own, each with its own connection, never on the event loop."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from asbru.model.failure import Unavailable
from asbru.store.db import Db, Work

T = TypeVar("T")


class Reader:
    """Runs reads in ``threads`` threads. ``connect``: makes a connection that can only read."""

    def __init__(self, connect: Callable[[], Db], threads: int = 2) -> None:
        self._connect = connect
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="asbru-reader")
        self._local = threading.local()
        self._opened: list[Db] = []

    async def do(self, work: Work[T]) -> T:
        """What ``work`` reads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, work)

    async def call(self, work: Callable[[], T]) -> T:
        """``work`` in one of the threads, without a connection."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _run(self, work: Work[T]) -> T:
        try:
            return work(self._connected())
        except Unavailable:
            self._disconnect()
        # The connection may have been dead for long: reading again, with a new one, does no harm.
        try:
            return work(self._connected())
        except Unavailable:
            self._disconnect()
            raise

    def _connected(self) -> Db:
        db: Db | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = self._connect()
            self._opened.append(db)
        return db

    def _disconnect(self) -> None:
        db, self._local.db = getattr(self._local, "db", None), None
        if db is not None:
            self._opened.remove(db)
            with contextlib.suppress(Exception):
                db.close()

    def close(self) -> None:
        """End the threads. Blocks."""
        self._pool.shutdown()
        for db in self._opened:
            db.close()

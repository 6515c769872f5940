"""``GET /health``: whether this worker can do its work (features.md 1.5)."""

import asyncio

import msgspec

from asbru.edge.request import Handler, Request
from asbru.model.http import Answer
from asbru.store import Store
from asbru.store.db import Db

_PATIENCE = 5.0
"""Seconds the store gets to answer."""


def health_route(store: Store) -> Handler:
    """200 with ``{"status": "ok", …}``, or 503 naming what is not available."""

    async def health(request: Request) -> Answer:
        ping = asyncio.ensure_future(store.read(_ping))
        done, _ = await asyncio.wait({ping}, timeout=_PATIENCE)
        if not done or ping.exception() is not None:
            return _answer(503, {"status": "unavailable", "error": "config store not available"})
        return _answer(200, {"status": "ok", "components": {"db_pings": "ok"}})

    return health


def _ping(db: Db) -> None:
    db.execute("SELECT 1").fetchone()


def _answer(status: int, body: dict[str, object]) -> Answer:
    return Answer(status=status, headers={b"content-type": b"application/json"}, body=msgspec.json.encode(body))

"""``config_store`` and ``logs_store`` (features.md 1.2)."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from asbru.config.shape import ALWAYS, Shape, Text


class SqliteShape(Shape, frozen=True, kw_only=True):
    path: str = ""


class PostgresShape(Shape, frozen=True, kw_only=True):
    """``max_idle_conns``, ``max_open_conns``: a worker has five connections here, whatever they say."""

    IDLE = frozenset({"max_idle_conns", "max_open_conns"})

    host: Text = ""
    port: Text | int = 5432
    user: Text = ""
    password: Text = ""
    db_name: Text = ""
    ssl_mode: Text = ""


class StoreShape(Shape, frozen=True, kw_only=True):
    """``config``: a SqliteShape or a PostgresShape, as ``type`` says."""

    LATER: ClassVar[Mapping[str, object]] = {"retention_days": ALWAYS, "object_storage": ALWAYS}

    enabled: bool = True
    type: str = "sqlite"
    config: dict[str, Any] = msgspec.field(default_factory=dict)

"""Everything that outlives a request: SQLite or Postgres rows, and file bytes."""

from asbru.store import batches, files, items, jobs
from asbru.store.backend import PostgresTarget, SqliteTarget, Target
from asbru.store.blobs import NOWHERE, Appender, Place
from asbru.store.sqlite import SchemaError
from asbru.store.store import Clocks, Store, backend_of
from asbru.store.writer import Limits

__all__ = [
    "NOWHERE",
    "Appender",
    "Clocks",
    "Limits",
    "Place",
    "PostgresTarget",
    "SchemaError",
    "SqliteTarget",
    "Store",
    "Target",
    "backend_of",
    "batches",
    "files",
    "items",
    "jobs",
]

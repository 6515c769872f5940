"""Everything that outlives a request: SQLite or Postgres rows, and file bytes."""

from asbru.store import batches, files, items, jobs
from asbru.store.blobs import NOWHERE, Appender, Place
from asbru.store.sqlite import SchemaError
from asbru.store.store import Store
from asbru.store.writer import Limits

__all__ = ["NOWHERE", "Appender", "Limits", "Place", "SchemaError", "Store", "batches", "files", "items", "jobs"]

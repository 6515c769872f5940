"""The one source of the schema: every table, for SQLite and PostgreSQL.

Rule 1. ``schema.sql`` and ``schema.postgres.sql`` are generated from here (``python -m asbru.store.tables``),
migrations lead here; a test compares them, on both databases.
Rule 2. Times are Unix seconds, money is nano-dollars, lists and maps are JSON text.
Rule 3. Only this module and the migrations import SQLAlchemy: run-time statements are plain SQL (0.5 s saved at
every start).
"""

from pathlib import Path

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable

HEAD = "0009"
"""The migration that leads to these tables."""

METADATA = MetaData()


def _text(name: str, *, default: str | None = "") -> Column[str]:
    if default is None:
        return Column(name, Text, nullable=True)
    return Column(name, Text, nullable=False, server_default=text(f"'{default}'"))


def _whole(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=text("0"))


def _time(name: str, *, null: bool = True) -> Column[float]:
    return Column(name, Float(53), nullable=null)


def _batch(*, primary_key: bool = False) -> Column[int]:
    key = ForeignKey("batches.seq", ondelete="CASCADE")
    return Column("batch", Integer, key, nullable=False, primary_key=primary_key)


batches = Table(
    "batches",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    _text("owner"),
    _text("format"),
    _text("phase"),
    _text("provider"),
    _text("mode"),
    _text("headers", default="{}"),
    _text("models", default="[]"),
    _text("about", default="{}"),
    *(_whole(name) for name in ("total", "remaining", "succeeded", "errored", "canceled", "expired", "cost")),
    *(_whole(name) for name in ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")),
    *(_whole(name) for name in ("reasoning", "input_audio", "output_audio")),
    _time("created_at", null=False),
    _time("expires_at", null=False),
    *(_time(name) for name in ("ended_at", "cancel_initiated_at", "archived_at", "deleted_at")),
    *(_whole(name) for name in ("estimate", "reserved", "max_cost", "twins")),
    *(_time(name) for name in ("deadline", "paused_at")),
    *(_text(name) for name in ("webhook", "stopped", "rerun_of")),
    sqlite_autoincrement=True,
)
Index("batches_owner", batches.c.owner, batches.c.seq)
Index("batches_open", batches.c.expires_at, sqlite_where=text("ended_at IS NULL"))
Index("batches_kept", batches.c.created_at, sqlite_where=text("archived_at IS NULL"))
Index("batches_deleted", batches.c.deleted_at, sqlite_where=text("deleted_at IS NOT NULL"))

shares = Table(
    "shares",
    METADATA,
    _batch(primary_key=True),
    Column("provider", Text, primary_key=True, nullable=False),
    _whole("live"),
    _whole("native"),
    _whole("lease"),
    sqlite_with_rowid=False,
)

items = Table(
    "items",
    METADATA,
    _batch(primary_key=True),
    Column("n", Integer, primary_key=True, nullable=False),
    _text("custom_id"),
    _text("state"),
    _text("provider"),
    _text("model"),
    _whole("attempts"),
    Column("not_before", Float(53), nullable=False, server_default=text("0")),
    _whole("lease"),
    _text("job", default=None),
    _text("ask_segment"),
    _whole("ask_at"),
    _whole("ask_length"),
    _text("format"),
    _whole("status"),
    _text("reply_segment"),
    _whole("reply_at"),
    _whole("reply_length"),
    _text("request_id"),
    _text("usage", default="{}"),
    _whole("cost"),
    Column("took", Float(53), nullable=False, server_default=text("0")),
    *(_whole(name) for name in ("reserve", "reserve_live")),
    Column("twin", Integer, nullable=True),
    *(_text(name) for name in ("moved", "note")),
    sqlite_with_rowid=False,
)
Index(
    "items_waiting",
    items.c.batch,
    items.c.provider,
    items.c.not_before,
    items.c.n,
    sqlite_where=text("state = 'waiting'"),
)
Index("items_claimed", items.c.lease, sqlite_where=text("state = 'claimed'"))
Index("items_queued", items.c.batch, items.c.provider, items.c.state, items.c.n, sqlite_where=text("state = 'queued'"))
Index("items_submitted", items.c.job, items.c.n, sqlite_where=text("state = 'submitted'"))
Index("items_twins", items.c.batch, items.c.twin, sqlite_where=text("state = 'twin'"))

jobs = Table(
    "jobs",
    METADATA,
    Column("id", Text, primary_key=True, nullable=False),
    _batch(),
    _text("provider"),
    _text("key"),
    _text("model"),
    _text("format"),
    _text("state"),
    _text("upstream_id"),
    _text("files", default="[]"),
    _text("failure"),
    _text("missing"),
    _whole("count"),
    _whole("size"),
    _whole("attempts"),
    _whole("lease"),
    _whole("told"),
    _time("created_at", null=False),
    _time("due_at", null=False),
    _whole("reserve"),
    sqlite_with_rowid=False,
)
Index("jobs_open", jobs.c.due_at, sqlite_where=text("state <> 'ended'"))
Index("jobs_batch", jobs.c.batch)

webhooks = Table(
    "webhooks",
    METADATA,
    Column("id", Text, primary_key=True, nullable=False),
    _batch(),
    _text("url"),
    _whole("attempts"),
    _whole("lease"),
    _text("failure"),
    _time("created_at", null=False),
    _time("due_at", null=False),
    _time("done_at"),
    sqlite_with_rowid=False,
)
Index("webhooks_due", webhooks.c.due_at, sqlite_where=text("done_at IS NULL"))
Index("webhooks_batch", webhooks.c.batch)

sessions = Table(
    "sessions",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    _text("worker"),
    _time("until", null=False),
    sqlite_autoincrement=True,
)

segment_uses = Table(
    "segment_uses",
    METADATA,
    Column("segment", Text, primary_key=True, nullable=False),
    _batch(primary_key=True),
    sqlite_with_rowid=False,
)
Index("segment_uses_batch", segment_uses.c.batch)

idempotency = Table(
    "idempotency",
    METADATA,
    Column("owner", Text, primary_key=True, nullable=False),
    Column("key", Text, primary_key=True, nullable=False),
    _text("digest"),
    _batch(),
    sqlite_with_rowid=False,
)
Index("idempotency_batch", idempotency.c.batch)

replies = Table(
    "replies",
    METADATA,
    Column("id", Text, primary_key=True, nullable=False),
    _text("owner"),
    _text("previous"),
    Column("asked", LargeBinary, nullable=False),
    Column("reply", LargeBinary, nullable=False),
    _time("created_at", null=False),
    _time("expires_at", null=False),
)
Index("replies_expiry", replies.c.expires_at)

ledger = Table(
    "ledger",
    METADATA,
    Column("id", Text, primary_key=True, nullable=False),
    _time("at", null=False),
    *(_text(name) for name in ("owner", "batch", "provider", "model", "key")),
    _whole("cost"),
    sqlite_with_rowid=False,
)

logs = Table(
    "logs",
    METADATA,
    Column("id", Text, primary_key=True, nullable=False),
    _time("at", null=False),
    Column("took", Float(53), nullable=False),
    Column("first_byte", Float(53), nullable=False),
    *(_text(name) for name in ("owner", "asked_model", "provider", "model", "key")),
    *(_text(name) for name in ("format_in", "format_out", "lane")),
    _whole("attempts"),
    _whole("status"),
    _text("failure"),
    _text("usage", default="{}"),
    _whole("cost"),
    _whole("stream"),
    _text("batch"),
    _text("lost", default="[]"),
    _text("asked_id"),
    sqlite_with_rowid=False,
)


files = Table(
    "files",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    *(_text(name) for name in ("owner", "name", "purpose", "media_type")),
    _whole("size"),
    _time("created_at", null=False),
    _time("expires_at"),
    _text("place"),
    _text("metadata", default="{}"),
    sqlite_autoincrement=True,
)
Index("files_owner", files.c.owner, files.c.seq)
Index("files_place", files.c.owner, files.c.place, unique=True, sqlite_where=text("place <> ''"))
Index("files_expire", files.c.expires_at, sqlite_where=text("expires_at IS NOT NULL"))


meters = Table(
    "meters",
    METADATA,
    Column("id", Text, primary_key=True, nullable=False),
    _whole("spent"),
    _time("began", null=False),
    sqlite_with_rowid=False,
)

slices = Table(
    "slices",
    METADATA,
    Column("meter", Text, primary_key=True, nullable=False),
    Column("holder", BigInteger, primary_key=True, nullable=False),
    _whole("amount"),
    sqlite_with_rowid=False,
)
Index("slices_holder", slices.c.holder)

objects = Table(
    "objects",
    METADATA,
    Column("kind", Text, primary_key=True, nullable=False),
    Column("id", Text, primary_key=True, nullable=False),
    _text("name"),
    _text("body", default="{}"),
    _text("origin"),
    _text("file_digest"),
    _time("created_at", null=False),
    _time("updated_at", null=False),
)
Index("objects_name", objects.c.kind, objects.c.name)

revisions = Table(
    "revisions",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _whole("number"),
)

audit = Table(
    "audit",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    _time("at", null=False),
    *(_text(name) for name in ("actor", "action", "kind", "object", "was", "became")),
    sqlite_autoincrement=True,
)
Index("audit_at", audit.c.at)

deliveries = Table(
    "deliveries",
    METADATA,
    _batch(primary_key=True),
    _text("target"),
    _text("failure"),
    _whole("attempts"),
    _whole("lease"),
    _time("due_at", null=False),
    _time("done_at"),
    sqlite_with_rowid=False,
)
Index("deliveries_due", deliveries.c.due_at, sqlite_where=text("done_at IS NULL"))


logins = Table(
    "logins",
    METADATA,
    Column("digest", Text, primary_key=True, nullable=False),
    _text("user_id"),
    _time("created_at", null=False),
    _time("expires_at", null=False),
)
Index("logins_user", logins.c.user_id)


blobs = Table(
    "blobs",
    METADATA,
    Column("name", Text, primary_key=True, nullable=False),
    Column("k", Integer, primary_key=True, nullable=False),
    _time("written_at", null=False),
    Column("bytes", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""Bodies and files on PostgreSQL; on SQLite they are files, and this is empty."""

OUT_OF_LINE = "ALTER TABLE blobs ALTER COLUMN bytes SET STORAGE EXTERNAL"
"""For PostgreSQL: a part of such a value can be read without the rest."""


def same_where(index: Index) -> None:
    """A partial index is partial on both: what is said for SQLite holds for PostgreSQL."""
    where = index.dialect_options["sqlite"]["where"]
    if where is not None:
        index.dialect_options["postgresql"]["where"] = where


def schema_sql(dialect: Dialect | None = None) -> str:
    """A script that makes a fresh SQLite (or other) database, stamped as Alembic would."""
    dialect = dialect or sqlite.dialect()
    statements = []
    for table in METADATA.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=dialect)))
        for index in table.indexes:
            same_where(index)
        ordered = sorted(table.indexes, key=lambda index: str(index.name))
        statements += [str(CreateIndex(index).compile(dialect=dialect)) for index in ordered]
    if dialect.name == "postgresql":
        statements.append(OUT_OF_LINE)
    statements.append("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    statements.append("INSERT INTO alembic_version VALUES ('" + HEAD + "')")  # noqa: S608  Our own constant.
    body = "".join(f"{statement.strip()};\n\n" for statement in statements)
    return f"-- Generated from tables.py by `python -m asbru.store.tables`; do not edit.\n\n{body.rstrip()}\n"


def postgres_dialect() -> Dialect:
    """PostgreSQL's."""
    dialect: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return dialect


if __name__ == "__main__":
    Path(__file__).with_name("schema.sql").write_text(schema_sql())
    Path(__file__).with_name("schema.postgres.sql").write_text(schema_sql(postgres_dialect()))

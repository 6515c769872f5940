"""The schema on PostgreSQL: what the tables say, what the migrations lead to, and how one is refused."""

import subprocess
from pathlib import Path

import pytest

from asbru.store import SchemaError, backend_of, items, jobs, sqlite, tables
from asbru.store.cluster import url_of
from asbru.store.db import BEGIN
from asbru.store.migrations.__main__ import upgrade
from asbru.store.postgres import translated
from postgres_server import PostgresServer, binaries


def shape(server: PostgresServer, name: str) -> str:
    """The schema as pg_dump writes it, without what differs at every dump."""
    command = [str(binaries() / "pg_dump"), "-s", "-h", "127.0.0.1", "-p", str(server.port), "-U", "asbru", name]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    text = text.replace("alembic_version_pkc", "alembic_version_pkey")  # Alembic has its own name for it.
    lines = [line for line in text.splitlines() if line and not line.startswith(("--", "\\", "SET", "SELECT"))]
    return "\n".join(lines)


def statements(text: str) -> set[str]:
    """As a set: migrations add columns at the end of a table."""
    return {" ".join(sorted(part.split())) for part in text.replace(",", " ").split(";")}


def test_the_schema_is_what_the_tables_say() -> None:
    written = Path(sqlite.__file__).with_name("schema.postgres.sql").read_text()
    assert written == tables.schema_sql(tables.postgres_dialect())


def test_the_migrations_lead_to_the_tables(tmp_path: Path, postgres: PostgresServer) -> None:
    fresh, migrated = postgres.target(tmp_path), postgres.target(tmp_path)
    backend_of(fresh).prepare()
    upgrade(url_of(migrated))
    assert backend_of(migrated).revision() == sqlite.HEAD
    assert statements(shape(postgres, fresh.db_name)) == statements(shape(postgres, migrated.db_name))


def test_an_older_database_is_upgraded_and_a_newer_one_refused(tmp_path: Path, postgres: PostgresServer) -> None:
    target = postgres.target(tmp_path)
    with postgres.connect(target.db_name) as db:
        db.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    backend = backend_of(target)
    backend.prepare()
    assert backend.revision() == sqlite.HEAD
    with postgres.connect(target.db_name) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaError, match="newer asbru"):
        backend.prepare()


def test_a_database_that_cannot_be_used_says_why(tmp_path: Path, postgres: PostgresServer) -> None:
    with pytest.raises(SchemaError, match="does not exist"):
        backend_of(postgres.target(tmp_path, "nobody_made_this")).prepare()


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        (BEGIN, "BEGIN"),
        ("SELECT ?, ?", "SELECT $1, $2"),
        ("SELECT ?2, ?1, ?1", "SELECT $2, $1, $1"),
        ("SELECT '?', ? /*! FOR UPDATE */", "SELECT '?', $1 FOR UPDATE"),
    ],
)
def test_statements_are_translated(statement: str, wanted: str) -> None:
    assert translated(statement) == wanted


def test_claims_skip_what_another_gateway_is_claiming() -> None:
    assert "FOR UPDATE SKIP LOCKED)" in translated(items.CLAIM)
    assert "FOR UPDATE SKIP LOCKED)" in translated(jobs.HOLD)

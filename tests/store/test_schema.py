"""One schema in three forms, and the way from an older one."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from asbru.store import SchemaError, sqlite, tables
from asbru.store.migrations.__main__ import sqlite_url, upgrade
from asbru.store.sqlite import connect, prepare


def shape(database: Path) -> dict[str, str]:
    """Every table and index with its statement, white space apart."""
    db = sqlite3.connect(database)
    try:
        rows = db.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND sql IS NOT NULL")
        return {name: " ".join(sql.split()) for name, sql in rows}
    finally:
        db.close()


def test_schema_sql_is_what_the_tables_say() -> None:
    assert Path(sqlite.__file__).with_name("schema.sql").read_text() == tables.schema_sql()


def test_the_migrations_lead_to_the_tables(tmp_path: Path) -> None:
    prepare(tmp_path / "fresh.db")
    upgrade(sqlite_url(tmp_path / "migrated.db"))
    fresh, migrated = shape(tmp_path / "fresh.db"), shape(tmp_path / "migrated.db")
    fresh.pop("alembic_version"), migrated.pop("alembic_version")
    assert fresh == migrated
    assert {"batches", "items", "jobs", "ledger", "logs"} < fresh.keys()


def test_both_roads_end_at_the_same_revision(tmp_path: Path) -> None:
    prepare(tmp_path / "fresh.db")
    upgrade(sqlite_url(tmp_path / "migrated.db"))
    for name in ("fresh.db", "migrated.db"):
        found = sqlite3.connect(tmp_path / name).execute("SELECT version_num FROM alembic_version").fetchall()
        assert found == [(sqlite.HEAD,)]
    assert sqlite.HEAD == tables.HEAD


def test_an_older_database_is_upgraded_when_it_is_opened(tmp_path: Path) -> None:
    old = connect(tmp_path / "old.db")
    old.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    old.close()
    prepare(tmp_path / "old.db")
    assert "items" in shape(tmp_path / "old.db")


def test_a_newer_database_is_refused_in_words(tmp_path: Path) -> None:
    prepare(tmp_path / "new.db")
    db = connect(tmp_path / "new.db")
    db.execute("UPDATE alembic_version SET version_num = '9999'")
    db.close()
    with pytest.raises(SchemaError, match="newer asbru"):
        prepare(tmp_path / "new.db")


def test_a_database_that_cannot_be_upgraded_says_why(tmp_path: Path) -> None:
    prepare(tmp_path / "odd.db")
    db = connect(tmp_path / "odd.db")
    db.execute("UPDATE alembic_version SET version_num = '0000'")
    db.close()
    with pytest.raises(SchemaError, match="0000"):
        prepare(tmp_path / "odd.db")


def test_the_store_opens_without_sqlalchemy() -> None:
    code = "import sys, asbru.store, asbru.batch; sys.exit('sqlalchemy' in sys.modules or 'alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

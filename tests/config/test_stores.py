"""``config_store`` and ``logs_store``: where everything is kept."""

from typing import Any

import pytest

from asbru.config import ConfigError
from asbru.config.load import settings_of
from asbru.config.stores import Database

ENV = {"PGPASS_": "s3cret", "DB_HOST": "db.internal"}
WHERE = {"host": "env.DB_HOST", "port": 5433, "user": "asbru", "password": "env.PGPASS_", "db_name": "gateway"}


def postgres(**more: Any) -> dict[str, Any]:
    return {"enabled": True, "type": "postgres", "config": {**WHERE, **more}}


def read(document: dict[str, Any]) -> Database | None:
    return settings_of(document, ENV).database


def test_a_database_is_read_with_what_the_environment_says() -> None:
    wanted = Database(
        host="db.internal", db_name="gateway", port=5433, user="asbru", password="s3cret", ssl_mode="require"
    )
    said = postgres(ssl_mode="require", max_idle_conns=5, max_open_conns=50)
    assert read({"config_store": said}) == wanted
    assert read({"logs_store": said}) == wanted
    assert read({"config_store": said, "logs_store": said}) == wanted
    assert "s3cret" not in repr(wanted)


def test_without_a_section_or_with_sqlite_it_is_the_app_dir() -> None:
    assert read({}) is None
    assert read({"config_store": {"enabled": True, "type": "sqlite", "config": {"path": ""}}}) is None
    notices = settings_of({"config_store": {"type": "sqlite", "config": {"path": "/x.db"}}}, ENV).notices
    assert any("config_store.config.path" in notice for notice in notices)
    notices = settings_of({"config_store": {"enabled": False}}, ENV).notices
    assert any("config_store.enabled" in notice for notice in notices)


@pytest.mark.parametrize(
    ("document", "path", "words"),
    [
        ({"config_store": postgres(hots="x")}, "config_store.config.hots", 'did you mean "host"'),
        ({"config_store": postgres(host=None)}, "config_store.config.host", "is missing"),
        ({"config_store": postgres(db_name="")}, "config_store.config.db_name", "is missing"),
        ({"config_store": postgres(password="env.NOPE")}, "config_store.config.password", "NOPE is not set"),
        ({"config_store": postgres(port=0)}, "config_store.config.port", "from 1 to 65535"),
        ({"config_store": postgres(port="x")}, "config_store.config.port", "from 1 to 65535"),
        ({"config_store": postgres(ssl_mode="requires")}, "config_store.config.ssl_mode", 'did you mean "require"'),
        ({"config_store": {"type": "postgress"}}, "config_store.type", 'did you mean "postgres"'),
        ({"logs_store": {"typ": "sqlite"}}, "logs_store.typ", 'did you mean "type"'),
        (
            {"config_store": postgres(), "logs_store": postgres(db_name="logs")},
            "logs_store",
            "the same as config_store",
        ),
        ({"config_store": postgres(), "logs_store": {"type": "sqlite"}}, "logs_store", "the same as"),
        ({"config_store": {"type": "sqlite", "config": {"paht": ""}}}, "config_store.config.paht", '"path"'),
    ],
)
def test_mistakes_are_told_with_their_path(document: dict[str, Any], path: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(document)
    assert [offence.path for offence in caught.value.offences] == [path]
    assert words in caught.value.offences[0].reason

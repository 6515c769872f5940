"""Where everything is kept, read from ``config_store`` and ``logs_store`` (features.md 1.2)."""

from typing import Any

import msgspec
from msgspec import Struct

from asbru.config.address import text_of
from asbru.config.file_shape import FileShape
from asbru.config.findings import Findings
from asbru.config.store_shape import PostgresShape, SqliteShape, StoreShape
from asbru.config.walk import nearest, walk_at

TYPES = ("sqlite", "postgres")
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


class Database(Struct, frozen=True, kw_only=True):
    """A PostgreSQL database. ``password`` "": as libpq finds it."""

    host: str
    db_name: str
    port: int = 5432
    user: str = ""
    password: str = ""
    ssl_mode: str = ""

    def __repr__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}/{self.db_name}"


def database_of(shape: FileShape, findings: Findings) -> Database | None:
    """The database that both sections name, None for SQLite in the app dir."""
    said = {"config_store": shape.config_store, "logs_store": shape.logs_store}
    found = {name: _store(each, name, findings) for name, each in said.items() if each is not None}
    named = [each for each in found.values() if each is not None]
    if len(found) == 2 and found["config_store"] != found["logs_store"] and not findings.offences:
        reason = "must be the same as config_store: a charge and its log line are written in one transaction"
        findings.refuse("logs_store", reason)
    return named[0] if named else None


def _store(said: StoreShape, path: str, findings: Findings) -> Database | None:
    if not said.enabled:
        findings.notice(f"`{path}.enabled` is false: Asbru always keeps what it needs, in SQLite in the app dir")
        return None
    if said.type not in TYPES:
        wanted = f"must be one of {', '.join(TYPES)}, not {said.type!r}"
        findings.refuse(f"{path}.type", wanted + nearest(said.type, TYPES))
        return None
    config: dict[str, Any] = said.config
    if said.type == "sqlite":
        sqlite = msgspec.convert(walk_at(config, SqliteShape, f"{path}.config", findings), SqliteShape)
        if sqlite.path:
            findings.notice(f"`{path}.config.path` has no effect: the file is asbru.db in the app dir (--app-dir)")
        return None
    postgres = msgspec.convert(walk_at(config, PostgresShape, f"{path}.config", findings), PostgresShape)
    return _postgres(postgres, f"{path}.config", findings)


def _postgres(said: PostgresShape, path: str, findings: Findings) -> Database:
    host, name = text_of(said.host, f"{path}.host", findings), text_of(said.db_name, f"{path}.db_name", findings)
    for member, value in (("host", host), ("db_name", name)):
        if not value:
            findings.missing(f"{path}.{member}", "is missing")
    port = text_of(said.port, f"{path}.port", findings) if not isinstance(said.port, int) else str(said.port)
    if not port.isdecimal() or not 0 < int(port) < 65_536:
        findings.refuse(f"{path}.port", "must be a number from 1 to 65535")
    mode = text_of(said.ssl_mode, f"{path}.ssl_mode", findings)
    if mode and mode not in SSL_MODES:
        findings.refuse(f"{path}.ssl_mode", f"must be one of {', '.join(SSL_MODES)}" + nearest(mode, SSL_MODES))
    return Database(
        host=host,
        db_name=name,
        port=int(port) if port.isdecimal() else 0,
        user=text_of(said.user, f"{path}.user", findings),
        password=text_of(said.password, f"{path}.password", findings),
        ssl_mode=mode,
    )

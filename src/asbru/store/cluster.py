"""A store in PostgreSQL, shared by any number of gateways: nothing that another one needs lies on a disk of this one.

Rule 1. A worker holds an advisory lock under the number of its session. Whoever sees that lock free, and the session's
heartbeat stand still meanwhile, knows that it is dead.
Rule 2. Work is announced by NOTIFY; whoever misses it (its connection was cut) looks every second anyway.
"""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import make_conninfo

from asbru.model.failure import Unavailable
from asbru.store import blocks
from asbru.store.backend import PostgresTarget
from asbru.store.blobs import Appender, Place
from asbru.store.db import Db
from asbru.store.depot import Depot
from asbru.store.notices import ALIVE, CHANNEL, Notices
from asbru.store.postgres import PostgresDb, connect, prepare, revision
from asbru.store.sqlite import HEAD

_CLEARING = 0x61736263
_ABSENT = (
    "SELECT seq FROM sessions WHERE seq NOT IN (SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory'"
    " AND classid = ? AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
)


class Cluster:
    """``target``: the database. Its ``app_dir`` holds drafts and copies only."""

    shared = True
    head = HEAD

    def __init__(self, target: PostgresTarget) -> None:
        self.folder = Path(target.app_dir)
        self._target = target
        self._conninfo = conninfo_of(target)
        self._notices = Notices(self._conninfo)

    def revision(self) -> str:
        """The schema that is there, "" for none."""
        db = self.connect()
        try:
            return revision(db)
        finally:
            db.close()

    def prepare(self) -> None:
        """Make or upgrade the tables; a server that is being started is waited for."""
        prepare(self._conninfo, url_of(self._target))

    def connect(self, *, reading: bool = False) -> PostgresDb:
        """A connection."""
        return connect(self._conninfo, reading=reading)

    def now(self, db: Db) -> float | None:
        """The database's: gateways on machines whose clocks differ agree on what is due."""
        return float(db.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()[0])

    def opening(self) -> AbstractContextManager[None]:
        """Nothing to hold: every session has a lock of its own."""
        return nullcontext()

    def orphans(self, db: Db) -> Collection[int]:
        """Those whose lock and heartbeat are gone for a second: who only lost a connection is back by then."""
        before = self._beats(db)
        if not before:
            return ()
        time.sleep(1.0)
        after = self._beats(db)
        return [seq for seq, until in before.items() if after.get(seq) == until]

    def _beats(self, db: Db) -> dict[int, float]:
        """The last heartbeats of those that seem to be gone."""
        absent = set(self.absent(db))
        return {seq: at for seq, at in db.execute("SELECT seq, until FROM sessions").fetchall() if seq in absent}

    def hold(self, session: int) -> None:
        """Take the lock of the session, and keep taking it after every loss of connection."""
        self._notices.hold(session)

    def absent(self, db: Db) -> Collection[int]:
        """Sessions whose lock is free."""
        return [row[0] for row in db.execute(_ABSENT, (ALIVE,)).fetchall()]

    def appender(self, stem: str, *, whole: bool = False) -> Appender:
        """Writes rows."""
        return blocks.BlockAppender(stem)

    def bodies(self, db: Db, places: Sequence[Place]) -> list[bytes]:
        """Reads rows."""
        return blocks.read(db, places)

    def depot(self, kind: str) -> Depot:
        """Files in rows."""
        (self.folder / kind).mkdir(parents=True, exist_ok=True, mode=0o700)
        return blocks.Table(self.connect, kind, self.folder / kind)

    def segments(self, db: Db) -> list[str]:
        """The names of the rows."""
        return blocks.segments(db)

    def clear_segments(self, db: Db, mine: tuple[str, str]) -> bool:
        """Remove a hundred at a time; what is being written is not to be seen before it is in use."""
        return blocks.clear_step(db)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """One gateway at a time, for as long as its connection lives."""
        db = self.connect()
        try:
            yield bool(db.execute("SELECT pg_try_advisory_lock(?)", (_CLEARING,)).fetchone()[0])
        finally:
            db.close()

    def tell(self, db: Db) -> None:
        """Wake the other gateways when this transaction is committed."""
        db.execute(f"NOTIFY {CHANNEL}")

    def listen(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called when another gateway tells."""
        self._notices.wake = wake

    def trouble(self, error: BaseException) -> bool:
        """A server that is away."""
        return isinstance(error, Unavailable | psycopg.OperationalError)

    def close(self) -> None:
        """Let go of the lock."""
        with suppress(psycopg.Error):
            self._notices.close()


def conninfo_of(target: PostgresTarget) -> str:
    """The address as libpq takes it. A dead server is noticed within half a minute, not by TCP's two hours."""
    search = f"-c search_path={target.schema}" if target.schema else ""
    return make_conninfo(
        host=target.host,
        port=target.port,
        dbname=target.db_name,
        user=target.user or None,
        password=target.password or None,
        sslmode=target.ssl_mode or None,
        options=search or None,
        application_name="asbru",
        connect_timeout=5,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=20_000,
    )


def url_of(target: PostgresTarget) -> str:
    """The address as SQLAlchemy takes it, for Alembic."""
    who = quote(target.user, safe="") + (":" + quote(target.password, safe="") if target.password else "")
    query = {"host": target.host, "port": str(target.port)}
    if target.ssl_mode:
        query["sslmode"] = target.ssl_mode
    if target.schema:
        query["options"] = f"-c search_path={target.schema}"
    return f"postgresql+psycopg://{who + '@' if who else ''}/{quote(target.db_name, safe='')}?{urlencode(query)}"

"""What differs between a store in a directory of one machine (``directory.py``) and one in PostgreSQL that any number
of gateways share (``cluster.py``).
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from asbru.store.blobs import Appender, Place
from asbru.store.db import Db
from asbru.store.depot import Depot


class SqliteTarget(Struct, frozen=True, tag="sqlite"):
    """A directory of this machine, with a SQLite file in it."""

    app_dir: str


class PostgresTarget(Struct, frozen=True, tag="postgres"):
    """A database on a server. ``app_dir``: for what only this machine needs (spooled requests, copies of files).

    ``password`` "": as libpq finds it (PGPASSWORD, .pgpass). ``schema``: where the tables are, "" for the usual one.
    """

    app_dir: str
    host: str
    db_name: str
    port: int = 5432
    user: str = ""
    password: str = ""
    ssl_mode: str = ""
    schema: str = ""

    def __repr__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}/{self.db_name}"


Target = SqliteTarget | PostgresTarget
"""Where a store is: all that another process needs to open it."""


class Backend(Protocol):
    """One kind of store, opened by one process."""

    folder: Path
    shared: bool
    """Whether gateways of other machines may be at it."""

    head: str
    """The schema that this program speaks."""

    def revision(self) -> str:
        """The schema that is there, "" for none. Raises what the database raises."""

    def prepare(self) -> None:
        """Make or upgrade it. Raises SchemaError, OSError."""

    def connect(self, *, reading: bool = False) -> Db:
        """A connection. Raises what the database raises."""

    def now(self, db: Db) -> float | None:
        """The time of day that all gateways go by, None when that is the machine's."""

    def opening(self) -> AbstractContextManager[None]:
        """Held while a process makes itself known, so that two that start together see each other."""

    def orphans(self, db: Db) -> Collection[int]:
        """At the start: sessions whose worker is certainly dead."""

    def hold(self, session: int) -> None:
        """Show the others, from now until close(), that the worker of this session lives."""

    def absent(self, db: Db) -> Collection[int]:
        """Sessions whose worker seems to be gone: believe it when its heartbeat stops as well."""

    def appender(self, stem: str, *, whole: bool = False) -> Appender:
        """Writes bodies. ``whole``: into one segment, where segments are files."""

    def bodies(self, db: Db, places: Sequence[Place]) -> list[bytes]:
        """Reads bodies. Raises OSError when one is gone."""

    def depot(self, kind: str) -> Depot:
        """Whole files of a kind."""

    def segments(self, db: Db) -> list[str]:
        """The names of all segments."""

    def clear_segments(self, db: Db, mine: tuple[str, str]) -> bool:
        """Remove segments that no batch uses any more; whether there may be more. ``mine``: stem and name of the one
        that this process writes.
        """

    def turn(self) -> AbstractContextManager[bool]:
        """Whether it is this process's turn to clear away; others wait for the next time meanwhile."""

    def tell(self, db: Db) -> None:
        """Wake the other processes: there is work."""

    def listen(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called, in some thread, when another process tells."""

    def trouble(self, error: BaseException) -> bool:
        """Whether ``error`` says that the store cannot be used now, and may be later."""

    def close(self) -> None:
        """Let go of everything."""

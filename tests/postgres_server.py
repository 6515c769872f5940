"""A PostgreSQL server for tests: Debian's, on a free port, in a directory of its own, gone with who started it."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from asbru.store import PostgresTarget
from running import free_port

_ACCOUNT = "postgres"
"""PostgreSQL refuses to run as root; Debian's package makes this account."""


def binaries() -> Path:
    """Where the newest installed server is."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    assert found, "no PostgreSQL: apt-get install postgresql (.ci/run does)"
    return found[-1].parent


class PostgresServer:
    """start(), stop(), restart(); ``database()`` makes an empty database, ``target()`` is where it is."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="asbru-pg-"))
        self.port = free_port()
        self._child: subprocess.Popen[bytes] | None = None
        self._made = 0
        self._shared = ""
        self._user = pwd.getpwnam(_ACCOUNT) if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        data = str(self.folder / "data")
        self._run([str(binaries() / "initdb"), "-D", data, "-U", "asbru", "--auth=trust", "--no-sync", "-E", "UTF8"])

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(self._as_user(command), capture_output=True, text=True, cwd=self.folder, check=False)
        assert done.returncode == 0, done.stderr

    def _as_user(self, command: list[str]) -> list[str]:
        """Ended with us, whatever ends us."""
        tied = ["setpriv", "--pdeathsig", "INT"]
        if self._user is not None:
            tied += [f"--reuid={self._user.pw_uid}", f"--regid={self._user.pw_gid}", "--clear-groups"]
        return [*tied, *command]

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        more = {"max_connections": 200, "shared_buffers": "64MB", "jit": "off", "full_page_writes": "off"}
        options = [word for name, value in {**settings, **more}.items() for word in ("-c", f"{name}={value}")]
        command = [str(binaries() / "postgres"), "-D", str(self.folder / "data"), *options]
        with (self.folder / "log").open("ab") as log:
            self._child = subprocess.Popen(self._as_user(command), cwd=self.folder, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while not self._answers():
            assert self._child.poll() is None, (self.folder / "log").read_text()[-4000:]
            assert time.monotonic() < deadline, (self.folder / "log").read_text()[-4000:]
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            self.connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def connect(self, name: str) -> "psycopg.Connection[tuple[object, ...]]":
        """A connection of the test's own."""
        return psycopg.connect(host="127.0.0.1", port=self.port, user="asbru", dbname=name, autocommit=True)

    @property
    def pid(self) -> int:
        """The process that all others are children of."""
        assert self._child is not None
        return self._child.pid

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT cuts all connections and shuts down in order, SIGQUIT is like a crash."""
        assert self._child is not None
        self._child.send_signal(how)
        self._child.wait(30)

    def database(self) -> str:
        """The name of a new, empty database."""
        self._made += 1
        name = f"t{self._made}"
        with self.connect("postgres") as db:
            db.execute(f"CREATE DATABASE {name} STRATEGY file_copy".encode())
        return name

    def target(self, app_dir: Path, name: str = "") -> PostgresTarget:
        """A store in database ``name``, or in a new one."""
        return PostgresTarget(str(app_dir), "127.0.0.1", name or self.database(), self.port, "asbru")

    def emptied(self, app_dir: Path) -> PostgresTarget:
        """The one database that is used again and again: a tenth of the time of a new one."""
        target = self.target(app_dir, self._shared or self.database())
        if self._shared:
            with self.connect(self._shared) as db:
                others = (
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = %s AND pid <> pg_backend_pid()"
                )
                db.execute(others, (self._shared,))
                rows = db.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
                names = ", ".join(str(row[0]) for row in rows if row[0] != "alembic_version")
                if names:
                    db.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE".encode())
        self._shared = target.db_name
        return target

    def config(self, name: str) -> dict[str, object]:
        """What config.json says for a store in database ``name``."""
        where = {"host": "127.0.0.1", "port": self.port, "user": "asbru", "db_name": name, "ssl_mode": "disable"}
        return {"config_store": {"enabled": True, "type": "postgres", "config": where}}

    def close(self) -> None:
        """End it and remove its directory."""
        if self._child is not None and self._child.poll() is None:
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

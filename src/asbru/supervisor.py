"""The small parent of all workers: binds the port, forks, restarts what dies, drains on SIGTERM.

Rule 1. The parent holds no event loop and no thread, so that forking is safe; all real work is in the workers.
Rule 2. Every worker has a socket of its own on the same port (SO_REUSEPORT); the parent keeps them open, so that
connections which arrive while a worker is being replaced wait for the new one.
Rule 3. A worker whose parent is gone stops at once: a pipe that only the parent holds open tells it.
"""

import os
import secrets
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType

from msgspec import Struct

from asbru import local
from asbru.app import DRAIN, FATAL, Place, Plant, run_worker, worker_name
from asbru.config import ConfigError, Settings, find, load, placed
from asbru.logs import log, log_to_stderr

SETUP = "ASBRU_SETUP_TOKEN"
"""Names the set-up token, where a new one at each start would not do."""

_CRASHES = 5
"""So many deaths of one slot within _CRASH_WINDOW seconds, and the parent gives up."""
_CRASH_WINDOW = 10.0


class ServeOptions(Struct, frozen=True, kw_only=True):
    """What ``asbru serve`` was asked for. ``local``: None means if the extra is installed."""

    host: str
    port: int
    app_dir: str
    config: str
    workers: int
    log_level: str
    log_style: str
    local: bool | None


def supervise(options: ServeOptions) -> int:
    """Run the gateway until it is stopped; the exit status."""
    log_to_stderr(options.log_level, options.log_style)
    try:
        settings = load(find(Path(options.config) if options.config else None, Path(options.app_dir)), os.environ)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    app_dir = Path(options.app_dir)
    app_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        sockets = bind(options.host, options.port, options.workers)
    except OSError as error:
        print(f"asbru: cannot listen on {options.host}:{options.port}: {error.strerror}", file=sys.stderr)
        return 1
    model = local.launch() if wants_local(options, settings) else None
    for notice in settings.notices:
        log.warning(notice)
    settings = placed(settings, "local", model.base_url if model else "")
    log.info(
        "listening", extra={"url": url_of(sockets[0]), "workers": len(sockets), "providers": list(settings.providers)}
    )
    setup = os.environ.get(SETUP) or secrets.token_urlsafe(24)
    return Supervisor(Plant(settings, app_dir, sockets, setup), model).run()


def wants_local(options: ServeOptions, settings: Settings) -> bool:
    """Whether to serve the built-in model: it is asked for or installed, and not configured elsewhere."""
    row = settings.providers.get("local")
    if row is None or row.provider.base_url:
        if options.local:
            log.warning('--local does nothing: the configuration has no provider "local" without a base_url')
        return False
    return local.available() if options.local is None else options.local


def bind(host: str, port: int, count: int) -> list[socket.socket]:
    """``count`` listening-to-be sockets on one port. Raises OSError when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sockets: list[socket.socket] = []
    for _ in range(count):
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if count > 1:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((host, port))
        port = sock.getsockname()[1]
        sockets.append(sock)
    return sockets


def url_of(sock: socket.socket) -> str:
    """``http://host:port`` of a bound socket."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Supervisor:
    """Keeps one worker per socket running until told to stop."""

    def __init__(self, plant: Plant, model: local.Model | None) -> None:
        self._plant = plant
        self._model = model
        self._slots: dict[int, int] = {}
        self._deaths: list[float] = []
        self._stopping = False
        self._lifeline = os.pipe()

    def run(self) -> int:
        """Fork, watch, restart; returns when all workers are gone."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        for slot in range(len(self._plant.sockets)):
            self._fork(slot, "")
        status = 0
        while self._slots:
            status = self._reap() or status
        if self._model is not None:
            self._model.stop()
        return status

    def _fork(self, slot: int, replaces: str) -> None:
        pid = os.fork()
        if pid == 0:
            os.close(self._lifeline[1])
            os._exit(run_worker(self._plant, Place(slot, replaces, self._lifeline[0])))
        self._slots[pid] = slot

    def _reap(self) -> int:
        """Wait for one child; restart it unless stopping. The exit status to report, 0 if all is well."""
        pid, raw = os.wait()
        if self._model is not None and pid == self._model.pid:
            self._model = None if self._stopping else local.launch(self._model.port)
            return 0
        slot = self._slots.pop(pid, None)
        code = os.waitstatus_to_exitcode(raw)
        if slot is None or self._stopping:
            return code if code > 0 else 0
        log.error("worker died", extra={"slot": slot, "exit": code})
        if code == FATAL:
            self._stop(signal.SIGTERM, None)
            return 1
        now = time.monotonic()
        self._deaths = [at for at in self._deaths if now - at < _CRASH_WINDOW] + [now]
        if len(self._deaths) > _CRASHES:
            log.error("workers die again and again; giving up")
            self._stop(signal.SIGTERM, None)
            return 1
        self._fork(slot, worker_name(slot, pid))
        return 0

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Ask the workers to drain; a second signal, or too long a wait, ends them."""
        with_force = self._stopping
        self._stopping = True
        for pid in self._slots:
            os.kill(pid, signal.SIGKILL if with_force else signal.SIGTERM)
        if not with_force:
            signal.signal(signal.SIGALRM, self._stop)
            signal.setitimer(signal.ITIMER_REAL, DRAIN + 5)

"""What a fault run plays in: a scripted provider, a store, three gateways on it, and what can go wrong with them."""

import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import config_for
from faults.client import call
from postgres_server import PostgresServer
from running import Process, gateway, scripted_provider

UNLIMITED = resource.RLIM_INFINITY
FAIL = "429=0.03,500=0.02,reset=0.01,drop=0.01,garbage=0.01,cut=0.005,stall=0.001"
"""Of the provider's live answers: storms of 429 come on top."""


class Jumpy(Process):
    """A gateway whose clock is off by what its file says."""

    def __init__(self, arguments: list[str], port: int, log: Path, offset: Path) -> None:
        super().__init__(arguments, port, log)
        self.offset = offset
        offset.write_text("0")

    def command(self) -> list[str]:
        """By way of ``jumpy.py``."""
        return [sys.executable, str(Path(__file__).with_name("jumpy.py")), str(self.offset), *self._arguments]


class Scene:
    """``store``: "sqlite" (three workers of one gateway) or "postgres" (three gateways). ``size``: items."""

    def __init__(self, folder: Path, store: str, seed: int, size: int) -> None:
        self.folder = folder
        self.store = store
        self.size = size
        self.dice = random.Random(seed)
        self.mock = scripted_provider(folder / "mock", "--fail", FAIL, "--seed", str(seed))
        self.postgres: PostgresServer | None = None
        self.database = ""
        self.gateways: list[Jumpy] = []

    def start(self) -> None:
        """Everything runs."""
        self.mock.start()
        config = config_for(self.mock.url)
        for each in config["providers"].values():
            each["network_config"] = {**each["network_config"], "default_request_timeout_in_seconds": 3}
        if self.store == "postgres":
            self.postgres = PostgresServer()
            self.postgres.start()
            self.database = self.postgres.database()
            config |= self.postgres.config(self.database)
        for k in range(3 if self.postgres else 1):
            made = gateway(self.folder / f"g{k}", config, *([] if self.postgres else ["--workers", "3"]))
            self.gateways.append(Jumpy(made._arguments, made.port, made.log, self.folder / f"g{k}" / "offset"))
        for each in self.gateways:
            each.start()

    def stop(self) -> None:
        """Nothing runs."""
        for each in self.gateways:
            with contextlib.suppress(subprocess.TimeoutExpired, AssertionError):
                each.stop()
        self.mock.stop()
        if self.postgres is not None:
            self.postgres.close()

    def faults(self) -> list[tuple[str, Callable[[], None]]]:
        """By name."""
        found = [
            ("kill -9", self.kill),
            ("429 storm", self.storm),
            ("clock jumps", self.jump),
            ("full disk", self.fill_disk),
            ("slow and cut results", self.slow_results),
            ("hangs and 5xx", self.hang),
        ]
        return (
            [*found, ("database restart", self.restart)]
            if self.postgres
            else [*found, ("kill a worker", self.kill_one)]
        )

    def kill(self) -> None:
        """kill -9 of a whole gateway, which comes back a little later."""
        one = self.dice.choice(self.gateways)
        one.kill()
        time.sleep(self.dice.uniform(0.0, 1.0))
        one.start()

    def kill_one(self) -> None:
        """kill -9 of one worker; its supervisor starts another."""
        workers = children(self.gateways[0].pid)
        if workers:
            os.kill(self.dice.choice(workers), signal.SIGKILL)

    def restart(self) -> None:
        """The database is cut off in the middle of whatever it did, and comes back."""
        assert self.postgres is not None
        self.postgres.stop(self.dice.choice([signal.SIGINT, signal.SIGQUIT]))
        time.sleep(self.dice.uniform(0.0, 2.0))
        self.postgres.start()

    def jump(self) -> None:
        """One gateway's clock jumps, forwards or back."""
        self.dice.choice(self.gateways).offset.write_text(str(self.dice.choice([-7_200, -60, 0, 45, 600, 7_200])))

    def fill_disk(self) -> None:
        """For a while no file of the store can grow: of the gateway's processes, or of the database's."""
        pids = children(self.postgres.pid) if self.postgres else children(self.gateways[0].pid)
        for pid in pids:
            limit(pid, 65_536)
        time.sleep(self.dice.uniform(0.2, 1.0))
        for pid in pids:
            limit(pid, UNLIMITED)

    def storm(self) -> None:
        """Many 429s in a row."""
        reply = {"status": 429, "retry_after": 0.5}
        self.script(
            [{"match": {"model": "gpt-4o", "path": "/v1/chat/completions"}, "reply": reply, "times": self.size // 20}]
        )

    def hang(self) -> None:
        """Some requests are never answered, and many fail."""
        path = {"model": "gpt-4o", "path": "/v1/chat/completions"}
        self.script(
            [
                {"match": path, "reply": {"stall": True}, "times": 3},
                {"match": path, "reply": {"status": 503}, "times": self.size // 100 + 1},
                {"match": {"method": "POST", "path": "/v1/batches"}, "reply": {"drop": True}, "times": 1},
                {"match": {"method": "GET", "path": "/v1/batches/*"}, "reply": {"status": 500}, "times": 3},
            ]
        )

    def slow_results(self) -> None:
        """Results of jobs come slowly, and are cut."""
        content = {"method": "GET", "path": "/v1/files/*"}
        self.script(
            [
                {"match": content, "reply": {"cut": 3}, "times": 2},
                {"match": content, "reply": {"pace": 0.02}, "times": 2},
            ]
        )

    def script(self, rules: list[dict[str, Any]]) -> None:
        """Have the provider follow these rules, beside its dice."""
        pairs = [pair.split("=") for pair in FAIL.split(",")]
        fail = {name: float(share) for name, share in pairs}
        call(f"{self.mock.url}/mock/script", {"rules": rules, "fail": fail})


def limit(pid: int, size: int) -> None:
    """The largest file that a process may write, set by its own user."""
    with contextlib.suppress(FileNotFoundError):
        most = "unlimited" if size == UNLIMITED else str(size)
        command = ["prlimit", f"--pid={pid}", f"--fsize={most}:unlimited"]
        subprocess.run(command, user=Path(f"/proc/{pid}").stat().st_uid, capture_output=True, check=False)


def children(pid: int) -> list[int]:
    """The direct children of a process."""
    with contextlib.suppress(FileNotFoundError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []

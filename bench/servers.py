"""What is measured and what it is measured with: nginx, Asbru, the upstream and the load generator."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from msgspec import Struct

from bench.processes import Cores, free_port, pinned, running

SOURCES = Path(__file__).parent
EVENTS = 108
"""Events per stream, the usage and ``[DONE]`` included."""

NGINX = """
worker_processes 1; daemon off; master_process off; user root; pid {work}/nginx.pid; error_log {work}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_buffer_size 1m;
  client_body_temp_path {work}/body; proxy_temp_path {work}/proxy;
  fastcgi_temp_path {work}/fcgi; uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  upstream provider {{ server 127.0.0.1:{upstream}; keepalive 1024; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://provider; proxy_http_version 1.1; proxy_buffering off;
      proxy_set_header Connection ""; proxy_set_header Authorization "Bearer sk-upstream";
    }}
  }}
}}
"""


class Bench(Struct, frozen=True, kw_only=True):
    """Where one run of the benchmark works. ``seconds``: of one round of load."""

    work: Path
    cores: Cores
    seconds: float
    rounds: int

    def on_gateway_core(self, command: list[str]) -> list[str]:
        return pinned(self.cores.gateway) + command

    def beside(self, command: list[str]) -> list[str]:
        return pinned(self.cores.others) + command


class Target(Struct, frozen=True, kw_only=True):
    """Something that answers. ``pid`` 0: not measured."""

    name: str
    port: int
    pid: int = 0


def build(work: Path) -> None:
    """Compile the load generator and the upstream. Raises SystemExit without a compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise SystemExit("bench: needs a C compiler (Debian: apt-get install gcc libc6-dev)")
    for name in ("load", "upstream"):
        subprocess.run([compiler, "-O2", "-o", str(work / name), str(SOURCES / f"{name}.c")], check=True)


@contextmanager
def upstream(bench: Bench, interval_us: int) -> Iterator[Target]:
    """The provider; ``interval_us`` between two events of a stream."""
    port = free_port()
    command = bench.beside([str(bench.work / "upstream"), str(port), str(interval_us), str(EVENTS)])
    with running(command, bench.work / "upstream.log", port) as pid:
        yield Target(name="direct", port=port, pid=pid)


@contextmanager
def nginx(bench: Bench, to: Target) -> Iterator[Target]:
    """A plain reverse proxy with kept-alive connections. Raises SystemExit without nginx."""
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if binary is None:
        raise SystemExit("bench: needs nginx to compare with (Debian: apt-get install nginx-light)")
    port = free_port()
    config = bench.work / "nginx.conf"
    config.write_text(NGINX.format(work=bench.work, upstream=to.port, port=port))
    command = bench.on_gateway_core([binary, "-c", str(config), "-p", str(bench.work)])
    with running(command, bench.work / "nginx.out", port) as pid:
        yield Target(name="nginx", port=port, pid=pid)


def provider(port: int) -> dict[str, object]:
    """A custom provider that speaks OpenAI's format at ``port``."""
    return {
        "keys": [{"name": "bench", "value": "sk-upstream", "weight": 1}],
        "network_config": {"base_url": f"http://127.0.0.1:{port}"},
        "custom_provider_config": {"base_provider_type": "openai"},
    }


KEY = "sk-bf-bench"
"""The virtual key of the governed gateway; it goes into the query, where Google's clients have theirs."""

PEOPLE = {
    "budgets": [{"id": "b", "max_limit": 1_000_000, "reset_duration": "1d"}],
    "rate_limits": [{"id": "r", "request_max_limit": 10**12, "token_max_limit": 10**15}],
    "teams": [{"id": "t", "name": "bench", "rate_limit": {"request_max_limit": 10**12}}],
    "virtual_keys": [{"name": "bench", "value": KEY, "team_id": "t", "budget_id": "b", "rate_limit_id": "r"}],
}
"""A virtual key with three limits and a budget, wide enough for any load."""


def asbru_command(
    bench: Bench, port: int, app_dir: Path, providers: dict[str, int], *, governed: bool = False
) -> list[str]:
    """``asbru serve`` with all that it does by default: request log, usage, prices. ``providers``: name -> port."""
    config = bench.work / ("governed.json" if governed else "config.json")
    people = {"governance": PEOPLE, "client": {"enforce_auth_on_inference": True}} if governed else {}
    config.write_text(json.dumps({"providers": {name: provider(at) for name, at in providers.items()}, **people}))
    options = ["--port", str(port), "--app-dir", str(app_dir), "--config", str(config), "--no-local"]
    return bench.on_gateway_core([sys.executable, "-m", "asbru", "serve", *options])


def fresh_dir(bench: Bench, name: str) -> Path:
    path = bench.work / name
    shutil.rmtree(path, ignore_errors=True)
    return path


@contextmanager
def asbru(bench: Bench, providers: dict[str, int], *, governed: bool = False) -> Iterator[Target]:
    """One worker of the gateway in a fresh app directory. ``governed``: every caller needs KEY, which has limits."""
    port, name = free_port(), "governed" if governed else "app"
    command = asbru_command(bench, port, fresh_dir(bench, name), providers, governed=governed)
    with running(command, bench.work / f"{name}.log", port) as pid:
        yield Target(name="asbru", port=port, pid=pid)


def mock(bench: Bench, port: int) -> AbstractContextManager[int]:
    """``asbru mock`` on the other core."""
    command = bench.beside([sys.executable, "-m", "asbru", "mock", "--port", str(port)])
    return running(command, bench.work / "mock.log", port)


class Loaded(Struct, frozen=True):
    """What the load generator reports. Times in microseconds; ``first``: until the first byte of the body."""

    ok: int
    refused: int
    odd_status: int
    broken: int
    unanswered: int
    seconds: float
    events: int
    bytes: int
    p50: float
    p90: float
    p99: float
    p999: float
    first50: float
    first99: float


class Asked(Struct, frozen=True):
    """What is asked for: a path, and a file with the body."""

    path: str
    body: Path


def load_command(
    bench: Bench, target: Target, asked: Asked, *, connections: int, rate: float, seconds: float
) -> list[str]:
    words = [str(target.port), asked.path, str(asked.body), str(connections), f"{rate:.1f}", f"{seconds}"]
    headers = ["Authorization: Bearer sk-client", "User-Agent: OpenAI/Python 3.54.0", "X-Stainless-Lang: python"]
    return bench.beside([str(bench.work / "load"), *words, *headers])


def limit_of_open_files() -> None:
    """A thousand streams are two thousand sockets."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))


def versions() -> dict[str, str]:
    """What a reader of the numbers has to know."""
    cpu = next(
        (row.split(":")[1].strip() for row in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in row),
        "?",
    )
    return {"python": sys.version.split()[0], "cpu": cpu, "cores": str(os.cpu_count())}

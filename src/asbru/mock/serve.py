"""Runs the mock on our own server."""

import asyncio
import contextlib
import gc
import signal
import socket
from pathlib import Path

import uvloop

from asbru.edge.server import Server
from asbru.mock.app import Mock
from asbru.mock.options import MockOptions
from asbru.mock.script import Script, read_script


def load(path: str) -> Script:
    """The script in the file ``path``, an empty one for "". Raises Refused(400), or OSError when it cannot be read."""
    return read_script(Path(path).read_bytes()) if path else Script()


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)


async def serve(host: str, port: int, script: Script | None = None) -> None:
    """Serve a mock until cancelled, or until SIGTERM or SIGINT."""
    await serve_on(bind(host, port), Mock(MockOptions(host=host, port=port), script))


async def serve_on(listener: socket.socket, mock: Mock) -> None:
    """Serve ``mock`` on a bound socket until cancelled, or until SIGTERM or SIGINT."""
    server = Server(mock.find)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Signals can only be caught in the main thread; in another one whoever started us cancels us.
    with contextlib.suppress(ValueError, RuntimeError):
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
    await server.start(listener)
    try:
        await stop.wait()
    finally:
        await server.drain(0.2)


def run(options: MockOptions) -> None:
    """``asbru mock``: print the address, serve until told to stop. Raises Refused(400) or OSError before it serves."""
    mock = Mock(options, load(options.script))
    listener = bind(options.host, options.port)
    host, port = listener.getsockname()[:2]
    print(f"asbru mock: OpenAI at http://{host}:{port}/v1, Anthropic at http://{host}:{port}", flush=True)
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    uvloop.run(serve_on(listener, mock))

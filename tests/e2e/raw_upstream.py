"""A provider made of a socket: keeps every request byte for byte, answers what it is told."""

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

Say = Callable[[socket.socket, bytes], None]


def whole(status: str, body: bytes, *headers: str) -> Say:
    """An answer with a length."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return lambda connection, request: connection.sendall("\r\n".join(lines).encode() + body)


def chunked(*pieces: bytes, kind: str = "text/event-stream", end: bool = True) -> Say:
    """An answer in chunks, each sent by itself; without ``end`` the connection is closed in the middle."""

    def say(connection: socket.socket, request: bytes) -> None:
        connection.sendall(f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
        for piece in pieces:
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        if end:
            connection.sendall(b"0\r\n\r\n")
        else:
            connection.close()

    return say


class RawUpstream:
    """``requests``: what came, whole. ``say``: what is answered. ``gone``: set when a client left during an answer."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.say: Say = whole("200 OK", b"{}", "content-type: application/json")
        self.gone = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            while request := _read(connection):
                self.requests.append(request)
                self.say(connection, request)
        except OSError:
            self.gone.set()
        finally:
            connection.close()


def _read(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return b""
        data += piece
    head = data.partition(b"\r\n\r\n")[0].lower()
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(data) < len(head) + 4 + length:
        data += connection.recv(65536)
    return data


def parsed(request: bytes) -> tuple[str, dict[str, str], bytes]:
    """Request line, headers by lower-case name, body."""
    head, _, body = request.partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    return line, {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}, body

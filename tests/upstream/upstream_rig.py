"""Raw providers on loopback, written by the test as a coroutine per connection, and a client for them."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from asbru.upstream.call import Call, Deadlines, Origin
from asbru.upstream.client import Client, Settings

T = TypeVar("T")
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
HEAD = b"POST /v1/x HTTP/1.1\r\nhost: a\r\nauthorization: Bearer sk-secret\r\n"
GET = b"GET /v1/x HTTP/1.1\r\nhost: a\r\n"


def run(scenario: Coroutine[Any, Any, T], seconds: float = 30) -> T:
    """Run a scenario on uvloop; it fails when it takes longer than ``seconds``."""

    async def bounded() -> T:
        return await asyncio.wait_for(scenario, seconds)

    return uvloop.run(bounded())


async def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Wait for a condition; TimeoutError when it does not come."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def within(awaitable: Awaitable[T], seconds: float = 5) -> T:
    """Wait, but not for ever."""
    return await asyncio.wait_for(awaitable, seconds)


class Peer:
    """One connection at the provider's side. ``number``: counted from 1."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.reader = reader
        self.writer = writer
        self.number = number

    async def request(self) -> tuple[bytes, bytes]:
        """Head and body of the next request."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        body = b""
        if b"transfer-encoding: chunked" in lower:
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                body += (await self.reader.readexactly(size + 2))[:-2]
            await self.reader.readexactly(2)
        elif b"content-length: " in lower:
            length = int(lower.split(b"content-length: ")[1].split(b"\r\n")[0])
            body = await self.reader.readexactly(length)
        return head, body

    def say(self, data: bytes) -> None:
        """Write."""
        self.writer.write(data)

    async def left(self) -> None:
        """Wait until the client has closed."""
        while await self.reader.read(65536):
            pass


Script = Callable[[Peer], Coroutine[Any, Any, None]]


class Provider:
    """A running provider. ``peers``: every connection it got, in order; ``open``: how many are open now."""

    def __init__(self) -> None:
        self.port = 0
        self.peers: list[Peer] = []
        self.open = 0

    def origin(self, tls: bool = False, host: str = "127.0.0.1") -> Origin:
        """Where it is."""
        return Origin(host=host, port=self.port, tls=tls)


@asynccontextmanager
async def provider(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Provider]:
    """Run ``script`` for each connection; its end closes the connection."""
    running = Provider()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer, len(running.peers) + 1)
        running.peers.append(peer)
        running.open += 1
        try:
            await script(peer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            running.open -= 1
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls, backlog=2048)
    running.port = server.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        server.close()


@asynccontextmanager
async def client(idle: float = 30) -> AsyncIterator[Client]:
    """A client with a quick sweep; afterwards it holds no connections."""
    made = Client(Settings(idle=idle, tick=0.02))
    try:
        yield made
    finally:
        await made.aclose()
        assert made.connections == 0


def make_call(origin: Origin, body: bytes = b"{}", stream: bool = False, limit: int = 1 << 20) -> Call:
    """A POST with generous deadlines."""
    return Call(origin=origin, head=HEAD, body=body, stream=stream, limit=limit, deadlines=Deadlines())


class Taker:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.ends: list[Exception | None] = []

    def data(self, chunk: bytes) -> None:
        """Keep it."""
        self.pieces.append(chunk)

    def end(self, error: Exception | None) -> None:
        """Keep it."""
        self.ends.append(error)

    @property
    def whole(self) -> bytes:
        """All that came."""
        return b"".join(self.pieces)


class Authority(NamedTuple):
    """A test CA: its certificate as PEM, and server contexts for ``localhost`` and 127.0.0.1, and for another name."""

    pem: str
    server: ssl.SSLContext
    other: ssl.SSLContext


def make_authority(folder: Path) -> Authority:
    """A CA and two certificates signed by it, valid for an hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
    root = _certificate(issuer, issuer, key, key, x509.BasicConstraints(ca=True, path_length=0))
    here = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]
    return Authority(
        root.public_bytes(serialization.Encoding.PEM).decode(),
        _server(folder / "here.pem", issuer, key, x509.SubjectAlternativeName(here)),
        _server(folder / "other.pem", issuer, key, x509.SubjectAlternativeName([x509.DNSName("other.test")])),
    )


def _server(
    path: Path, issuer: x509.Name, signer: ec.EllipticCurvePrivateKey, names: x509.SubjectAlternativeName
) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "provider")])
    leaf = _certificate(subject, issuer, key, signer, names).public_bytes(serialization.Encoding.PEM)
    plain = serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain) + leaf)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(extension, critical=False)
        .sign(signer, hashes.SHA256())
    )

"""How the clients of native batch APIs call a provider, and how they read its refusals.

Rule 1. Every call goes to the configured origin, whatever address an answer may name: credentials never leave it.
Signed addresses of files are asked without any.
Rule 2. 2xx is an answer; anything else is raised: Overloaded for 429, 503 and 529, Rejected for other 4xx, else Broken.
"""

import asyncio
import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct, structs

from asbru.batch.native import Job
from asbru.model.failure import Broken, Overloaded, Rejected, Unreachable, Upstream
from asbru.model.http import Answer, Headers
from asbru.upstream.call import Call, Deadlines, Origin
from asbru.upstream.objects import Objects
from asbru.upstream.signing import Signer, Unsigned
from asbru.wire.shapes import BAD_JSON

T = TypeVar("T")
Send = Callable[[Call], Awaitable[Answer]]

UPLOAD_SECONDS = 3600.0
_TARGET = re.compile(r"/[\x21-\x7e]*")
_PIECE = 128 << 10
_SMALL = 32 << 20


class Depot(Struct, frozen=True):
    """A bucket of the operator's. ``prefix``: before all keys, "" or ended by a slash. ``role``: with what the provider
    opens it.
    """

    bucket: Objects
    prefix: str
    role: str


class Address(Struct, frozen=True, kw_only=True):
    """Where a job's provider is, and how to enter.

    ``base``: path of the base URL without a slash at its end (``/v1``). ``batches``, ``files``: paths below it.
    ``headers``: all that every call carries: host, credential, version; lower-case names. ``elsewhere``: how a signed
    address of the provider's is reached. ``signer``: makes the credential of each call, where no header is one.
    ``depot``: the bucket that its jobs go through, where they do.
    """

    provider: str
    origin: Origin
    base: str
    batches: str
    files: str = "/files"
    headers: Headers = msgspec.field(default_factory=dict)
    deadlines: Deadlines = Deadlines()
    elsewhere: Callable[[str], Origin] | None = None
    signer: Signer | None = None
    depot: Depot | None = None

    def __repr__(self) -> str:
        """Without the headers, as they hold the credential."""
        return f"Address({self.provider!r}, {self.origin.host}:{self.origin.port}{self.base}{self.batches})"


AddressOf = Callable[[Job], Address]
"""The address for a job: built from its provider's row and its key."""


class Upload(Struct, frozen=True):
    """A body that is streamed. ``length``: its bytes, exactly."""

    content_type: str
    length: int
    pieces: AsyncIterator[bytes]


class Caller:
    """Calls one address."""

    def __init__(self, send: Send, address: Address) -> None:
        self._send = send
        self.address = address

    async def get(self, path: str, kind: type[T]) -> T:
        """GET ``path`` (below the base) and read its JSON as ``kind``."""
        return self._read(await self._whole("GET", path, b"", {}), kind, path)

    async def post(self, path: str, body: object, kind: type[T]) -> T:
        """POST ``body`` as JSON; not for what may be done once only."""
        headers = {b"content-type": b"application/json"}
        return self._read(await self._whole("POST", path, msgspec.json.encode(body), headers), kind, path)

    async def create(self, path: str, body: object, kind: type[T], once: str) -> T:
        """POST ``body`` as JSON, once."""
        written = msgspec.json.encode(body)
        upload = Upload("application/json", len(written), _pieces(written))
        return await self._uploaded(path, upload, kind, (once, written))

    async def upload(self, path: str, upload: Upload, kind: type[T], once: str) -> T:
        """POST a streamed body, once; ``once`` is sent as Idempotency-Key.

        Streamed bodies are never sent a second time by the client: not even when a kept-alive connection dies, after
        which the provider may have done it all the same. find() tells.
        """
        return await self._uploaded(path, upload, kind, (once, b""))

    async def _uploaded(self, path: str, upload: Upload, kind: type[T], of: tuple[str, bytes]) -> T:
        """``of``: what it is to be known by, and its whole body where that is to be signed."""
        once, whole = of
        headers = {b"content-type": upload.content_type.encode(), b"idempotency-key": once.encode()}
        patient = structs.replace(
            self.address.deadlines,
            total=max(UPLOAD_SECONDS, self.address.deadlines.total),
            first_byte=max(UPLOAD_SECONDS, self.address.deadlines.first_byte),
        )
        call = await self._call("POST", path, headers, whole)
        call = structs.replace(call, body=upload.pieces, length=upload.length, deadlines=patient)
        return self._read(_accepted(await self._send(call), self.address), kind, path)

    async def delete(self, path: str) -> None:
        """DELETE ``path``; what is absent already is well deleted."""
        try:
            await self._whole("DELETE", path, b"", {})
        except Rejected as failure:
            if failure.status != 404:
                raise

    async def stream(self, path: str) -> Answer:
        """GET ``path``; the answer's body comes as a stream."""
        answer = await self._send(structs.replace(await self._call("GET", path, {}), stream=True))
        return _accepted(answer, self.address)

    async def stream_signed(self, url: str) -> Answer:
        """GET a signed address that the provider told, without our credential. Raises Broken for one that is none."""
        parts, elsewhere = urlsplit(url), self.address.elsewhere
        told = parts.path + (f"?{parts.query}" if parts.query else "")
        plain = parts.scheme == "http" and not self.address.origin.tls
        if elsewhere is None or not (parts.scheme == "https" or plain) or not _TARGET.fullmatch(told):
            text = f"The provider {self.address.provider!r} told an address of a file that is none."
            raise Broken(502, text, provider=self.address.provider)
        head = f"GET {told} HTTP/1.1\r\nhost: {parts.netloc.rpartition('@')[2]}\r\naccept: */*\r\nuser-agent: asbru\r\n"
        call = Call(origin=elsewhere(url), head=head.encode(), deadlines=self.address.deadlines, stream=True)
        return _accepted(await self._send(call), self.address)

    def missing(self, failure: Rejected) -> Rejected:
        """``failure``, of a path that every batch API has, in words that say there is none."""
        if failure.status not in (404, 405):
            return failure
        where = f"{self.address.origin.host}:{self.address.origin.port}{self.address.base}{self.address.batches}"
        text = f"The provider {self.address.provider!r} has no batch API at {where}: {failure.message}"
        return Rejected(failure.status, text, code="no_batch_api", provider=self.address.provider)

    async def _whole(self, method: str, path: str, body: bytes, headers: Headers) -> Answer:
        call = structs.replace(await self._call(method, path, headers, body), body=body, limit=_SMALL)
        return _accepted(await self._send(call), self.address)

    async def _call(self, method: str, path: str, headers: Headers, body: bytes = b"") -> Call:
        address = self.address
        target, said = f"{address.base}{path}", {**address.headers, **headers}
        if address.signer is not None:
            said |= await address.signer.sign(Unsigned(method, address.origin, target, said, body))
        lines = [f"{method} {target} HTTP/1.1\r\n".encode(), *(b"%b: %b\r\n" % pair for pair in said.items())]
        return Call(origin=address.origin, head=b"".join(lines), deadlines=address.deadlines)

    def _read(self, answer: Answer, kind: type[T], path: str) -> T:
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except BAD_JSON as error:
            provider = self.address.provider
            text = f"The provider {provider!r} answered {path.partition('?')[0]} with what is no answer: {error}"
            raise Broken(502, text, provider=provider) from None


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _accepted(answer: Answer, address: Address) -> Answer:
    if 200 <= answer.status < 300:
        return answer
    raise read_failure(answer, address.provider)


def read_failure(answer: Answer, provider: str) -> Upstream:
    """The failure in an error answer, with the provider's own message and code."""
    message, code = _said(answer.body)
    status = answer.status
    kind = Overloaded if status in (429, 503, 529) else Rejected if 400 <= status < 500 else Broken
    text = message or f"The provider answered {status}."
    return kind(status, text, code=code, provider=provider, retry_after=_seconds(answer.headers))


def _said(body: bytes) -> tuple[str, str]:
    """Message and code of an error: both below ``error`` in most dialects, at the top in Mistral's and Google's, and
    a bare text in Together's.
    """
    try:
        told: Any = msgspec.json.decode(body)
        error = told.get("error") or told
        if isinstance(error, str):
            return error, ""
        message = error.get("message") or error.get("detail") or ""
        text = message if isinstance(message, str) else msgspec.json.encode(message).decode()
        return text, str(error.get("code") or error.get("type") or "")
    except (*BAD_JSON, TypeError, AttributeError):
        return "", ""


def _seconds(headers: Headers) -> float | None:
    try:
        seconds = float(headers.get(b"retry-after", b""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < math.inf else None


def unknown(provider: str, text: str) -> Unreachable:
    """What find() raises when it cannot tell yet."""
    return Unreachable(503, text, code="job_unknown", provider=provider)


async def twice(look: Callable[[], Awaitable[Job | None]], settle: float) -> Job | None:
    """What ``look`` finds, now or ``settle`` seconds later."""
    found = await look()
    if found is None and settle > 0:
        await asyncio.sleep(settle)
        found = await look()
    return found


def one_line(body: bytes) -> bytes:
    """``body``, a JSON value, without line feeds."""
    return msgspec.json.format(body, indent=-1) if b"\n" in body or b"\r" in body else body


async def grouped(rows: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """``rows`` joined into pieces worth a write."""
    taken: list[bytes] = []
    size = 0
    async for row in rows:
        taken.append(row)
        size += len(row)
        if size >= _PIECE:
            yield b"".join(taken)
            taken.clear()
            size = 0
    if taken:
        yield b"".join(taken)

"""Request bodies that come packed (``content-encoding``: gzip, deflate): unpacked before their route sees them.

Rule 1. What is unpacked may be as long as a body of the route may be and no longer: nothing is unpacked beyond that.
Rule 2. Other codings are refused by name (415), several of them at once too. Amazon's ``aws-chunked`` is left to the
routes that it is meant for (``s3_files``).
"""

import asyncio
import os
import tempfile
import zlib
from collections.abc import Iterator

from msgspec.structs import replace

from asbru.edge.request import Request, Route
from asbru.model.failure import Refused
from asbru.model.http import Answer

_PIECE = 64 << 10
_THREADED = 256 << 10
"""Bodies of more bytes are unpacked in a thread."""
_CODINGS = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}
"""zlib's ``wbits``. ``deflate`` is zlib's format (RFC 9110, section 8.4.1.2)."""


def unpacked(route: Route) -> Route:
    """``route`` for a request whose body is packed."""

    async def unpack(request: Request) -> Answer:
        coding = request.headers.get(b"content-encoding", b"").strip().lower()
        headers = {name: value for name, value in request.headers.items() if name != b"content-encoding"}
        if coding == b"aws-chunked":
            return await route.handler(request)
        if coding in (b"", b"identity"):
            return await route.handler(replace(request, headers=headers))
        try:
            plain = await _plain(request, coding, route.limit)
        except BaseException:
            if request.spool:
                os.unlink(request.spool)
            raise
        return await route.handler(replace(plain, headers=headers))

    return replace(route, handler=unpack)


async def _plain(request: Request, coding: bytes, limit: int) -> Request:
    bits = _CODINGS.get(coding)
    if bits is None:
        word = coding.decode("latin-1")
        message = f"content-encoding: {word} is not unpacked here; send the body plain, or packed by gzip or deflate"
        raise Refused(415, message, code="unsupported_media_type", param="content-encoding")
    loop = asyncio.get_running_loop()
    if request.spool:
        await loop.run_in_executor(None, _unpack_file, request.spool, bits, limit)
        return request
    if len(request.body) <= _THREADED:
        return replace(request, body=_whole(request.body, bits, limit))
    return replace(request, body=await loop.run_in_executor(None, _whole, request.body, bits, limit))


def _whole(body: bytes, bits: int, limit: int) -> bytes:
    return b"".join(_pieces([body], bits, limit))


def _unpack_file(path: str, bits: int, limit: int) -> None:
    """The file, unpacked in its place."""
    fd, other = tempfile.mkstemp(prefix="body-", dir=os.path.dirname(path))
    try:
        with open(path, "rb") as packed, open(fd, "wb") as plain:
            for piece in _pieces(iter(lambda: packed.read(_PIECE), b""), bits, limit):
                plain.write(piece)
        os.replace(other, path)
    except BaseException:
        os.unlink(other)
        raise


def _pieces(packed: "list[bytes] | Iterator[bytes]", bits: int, limit: int) -> Iterator[bytes]:
    """Raises Refused(413) when it grows beyond ``limit``, Refused(400) when it is not what it says."""
    unpacker = zlib.decompressobj(bits)
    left = limit
    try:
        for chunk in packed:
            data = chunk
            if unpacker.eof:
                raise _refused("something follows the packed body")
            while data and not unpacker.eof:
                piece = unpacker.decompress(data, min(_PIECE, left + 1))
                left -= len(piece)
                if left < 0:
                    message = f"the unpacked request body is larger than {limit} bytes"
                    raise Refused(413, message, code="request_too_large")
                yield piece
                data = unpacker.unconsumed_tail
    except zlib.error as error:
        raise _refused(f"the body cannot be unpacked ({error})") from None
    if not unpacker.eof:
        raise _refused("the packed body is cut")
    if unpacker.unused_data:
        raise _refused("something follows the packed body")


def _refused(why: str) -> Refused:
    return Refused(400, f"content-encoding: {why}", code="invalid_request_error", param="content-encoding")

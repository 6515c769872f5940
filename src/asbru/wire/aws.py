"""Amazon's event stream (``application/vnd.amazon.eventstream``): bytes to frames and back.

A message is: total length, length of the headers, CRC-32 of these two; headers; payload; CRC-32 of everything before it
(botocore ``eventstream.py``; Smithy 2.0, "Amazon Event Stream specification").

Rule 1. Both checksums are checked, and lengths before anything is kept: a broken stream never grows.
Rule 2. An exception in the stream is a failure. Frames that came before it are told first: it is raised when it is all
there is, or by the next feed() or flush().
Rule 3. Headers whose values are not strings are skipped; no model's stream means anything by them.
"""

import base64
import binascii
import struct
from functools import lru_cache
from zlib import crc32

import msgspec
from msgspec import Struct

from asbru.model.failure import Broken, Upstream
from asbru.wire.bedrock.errors import read_exception
from asbru.wire.shapes import BAD_JSON
from asbru.wire.sse import LIMIT, Frame

MOST_HEADERS = 128 << 10
"""Most bytes of the headers of one message."""

_PRELUDE = struct.Struct(">III")
_LENGTHS = struct.Struct(">II")
_CRC = struct.Struct(">I")
_LEAST = _PRELUDE.size + _CRC.size
_STRING = 7
_FIXED = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type; types 6 and 7 say their length."""


class Told(Struct, frozen=True):
    """What the headers of a message say. ``kind``: event, exception or error. ``name``: of the event or exception.

    ``words``: the message of an error, which has no payload.
    """

    kind: str
    name: str
    words: str = ""


def _broken(why: str) -> Broken:
    return Broken(502, f"The provider's event stream cannot be read: {why}.", code="bad_stream")


class EventCutter:
    """Cuts a stream into frames, however its bytes arrive: a frame is an event's name and its payload."""

    __slots__ = ("_failure", "_limit", "_need", "_rest")

    def __init__(self, limit: int = LIMIT) -> None:
        self._rest = bytearray()
        self._limit = limit
        self._need = 0
        self._failure: Upstream | None = None

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that ``chunk`` completes. Raises Broken for what is no event stream, Upstream for an exception."""
        rest = self._rest
        rest += chunk
        frames: list[Frame] = []
        start = 0
        while end := self._end(start):
            frames += self._take(bytes(rest[start:end]))
            start, self._need = end, 0
        if start:
            del rest[:start]
        if self._failure is not None and not frames:
            raise self._failure
        return frames

    def flush(self) -> list[Frame]:
        """Nothing: a message that lacks its end says nothing. Raises the exception that came last."""
        if self._failure is not None:
            raise self._failure
        return []

    def _end(self, start: int) -> int:
        """Where the message that begins at ``start`` ends; 0 while that has not come, or nothing more counts."""
        if self._failure is not None:
            return 0
        have = len(self._rest) - start
        if not self._need:
            if have < _PRELUDE.size:
                return 0
            total, headers, crc = _PRELUDE.unpack_from(self._rest, start)
            if crc32(bytes(self._rest[start : start + _LENGTHS.size])) != crc:
                self._failure = _broken("a prelude's checksum is wrong")
                return 0
            if headers > MOST_HEADERS or total < headers + _LEAST or total > self._limit:
                self._failure = _broken(f"a message of {total} bytes with {headers} of headers")
                return 0
            self._need = total
        return start + self._need if have >= self._need else 0

    def _take(self, message: bytes) -> list[Frame]:
        if crc32(message[: -_CRC.size]) != _CRC.unpack_from(message, len(message) - _CRC.size)[0]:
            self._failure = _broken("a message's checksum is wrong")
            return []
        headers = _PRELUDE.unpack_from(message)[1]
        payload = message[_PRELUDE.size + headers : -_CRC.size]
        told = _told(message[_PRELUDE.size : _PRELUDE.size + headers])
        if told is None:
            self._failure = _broken("headers that are none")
            return []
        if told.kind != "event":
            self._failure = read_exception(told.name, payload, told.words)
            return []
        return self._frames(told.name, payload)

    def _frames(self, name: str, payload: bytes) -> list[Frame]:
        return [] if name == "initial-response" else [Frame(name, payload)]


class _Chunk(Struct):
    bytes: str = ""


_chunk = msgspec.json.Decoder(_Chunk).decode


class ChunkCutter(EventCutter):
    """The same for InvokeModelWithResponseStream: a frame is what stands, in base64, in a ``chunk`` event."""

    __slots__ = ()

    def _frames(self, name: str, payload: bytes) -> list[Frame]:
        if name != "chunk":
            return []
        try:
            return [Frame("", base64.b64decode(_chunk(payload).bytes, validate=True))]
        except (binascii.Error, ValueError, *BAD_JSON):
            self._failure = _broken("a chunk that is not base64 in JSON")
            return []


@lru_cache(maxsize=256)
def _parsed(block: bytes) -> Told | None:
    """What a block of headers says; None when it cannot be read."""
    found: dict[str, str] = {}
    at, size = 0, len(block)
    try:
        while at < size:
            name = block[at + 1 : at + 1 + block[at]].decode()
            at += 1 + block[at]
            kind = block[at]
            at += 1
            if kind in _FIXED:
                at += _FIXED[kind]
                continue
            length = int.from_bytes(block[at : at + 2], "big")
            value = block[at + 2 : at + 2 + length]
            at += 2 + length
            if kind == _STRING:
                found[name] = value.decode()
            elif kind != _STRING - 1:
                return None
    except (IndexError, UnicodeDecodeError):
        return None
    return _meaning(found) if at == size else None


def _meaning(found: dict[str, str]) -> Told:
    kind = found.get(":message-type", "event")
    if kind == "event":
        return Told(kind, found.get(":event-type", ""))
    name = found.get(":exception-type") or found.get(":error-code", "")
    return Told(kind, name, found.get(":error-message", ""))


_KEPT = 512
"""Longest block of headers that is remembered: those of real events repeat and are shorter."""


def _told(block: bytes) -> Told | None:
    return _parsed(block) if len(block) <= _KEPT else _parsed.__wrapped__(block)


def write_message(headers: bytes, payload: bytes) -> bytes:
    """One message; ``headers`` as write_headers() gives them."""
    lengths = _LENGTHS.pack(len(headers) + len(payload) + _LEAST, len(headers))
    body = b"".join((lengths, _CRC.pack(crc32(lengths)), headers, payload))
    return body + _CRC.pack(crc32(body))


def write_headers(headers: dict[str, str]) -> bytes:
    """Headers with string values, as they stand in a message."""
    out: list[bytes] = []
    for name, value in headers.items():
        word, told = name.encode(), value.encode()
        out.append(b"%c%b%c%b%b" % (len(word), word, _STRING, len(told).to_bytes(2, "big"), told))
    return b"".join(out)


@lru_cache(maxsize=64)
def _headers_of(kind: str, name: str) -> bytes:
    return write_headers({f":{kind}-type": name, ":content-type": "application/json", ":message-type": kind})


def write_event(frame: Frame) -> bytes:
    """One event with a JSON payload."""
    return write_message(_headers_of("event", frame.event), frame.data)


def write_chunk(frame: Frame) -> bytes:
    """One ``chunk`` event that holds the frame's data; its name is not carried, models tell it in the data.

    Chunks are JSON: an end marker that is none (OpenAI's) has no place among them.
    """
    if frame.data == b"[DONE]":
        return b""
    return write_message(_headers_of("event", "chunk"), b'{"bytes":"%b"}' % base64.b64encode(frame.data))


def write_exception(name: str, payload: bytes) -> bytes:
    """An exception in the middle of a stream. ``name``: in the stream's spelling (``throttlingException``)."""
    return write_message(_headers_of("exception", name), payload)

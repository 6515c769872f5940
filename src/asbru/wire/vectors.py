"""Embeddings as numbers: JSON arrays and base64 of little-endian 32-bit floats, each made from the other.

Rule 1. What is there in the wanted encoding keeps its bytes.
Rule 2. Base64 to array and back gives the same base64: every 32-bit float has an exact decimal.
"""

import math
import struct
from base64 import b64decode, b64encode

import msgspec
from msgspec import Raw

from asbru.model.embed import Vector
from asbru.model.failure import Broken
from asbru.model.usage import Usage
from asbru.wire.envelope import Envelope
from asbru.wire.shapes import BAD_JSON, write_json

FLOAT = "float"
BASE64 = "base64"

_numbers = msgspec.json.Decoder(list[float]).decode
_text = msgspec.json.Decoder(str).decode


def vector_of(raw: Raw) -> Vector:
    """A vector out of a JSON value that is either an array of numbers or base64."""
    return Vector(raw={BASE64 if bytes(raw).lstrip().startswith(b'"') else FLOAT: raw})


def floats_of(vector: Vector) -> Raw | None:
    """The vector as an array of numbers; None when it has no floats at all. Raises Broken for bad base64."""
    if (known := vector.raw.get(FLOAT)) is not None:
        return known
    packed = vector.raw.get(BASE64)
    return None if packed is None else Raw(write_json(unpacked(packed)))


def base64_of(vector: Vector) -> Raw | None:
    """The vector as base64; None when it has no floats at all. Raises Broken for what no 32-bit float holds."""
    if (known := vector.raw.get(BASE64)) is not None:
        return known
    plain = vector.raw.get(FLOAT)
    return None if plain is None else packed_text(plain)


def embedded(envelope: Envelope) -> Usage:
    """A stated guess of what a request embeds, for providers that count for nobody: four bytes are a token."""
    size = sum(len(raw) for name, raw in envelope.members.items() if name != "model")
    return Usage(input=max(size // 4, 1), estimated=True)


def unpacked(packed: Raw) -> list[float]:
    """The numbers in base64."""
    try:
        data = b64decode(_text(packed), validate=True)
        numbers = struct.unpack(f"<{len(data) // 4}f", data)
    except (struct.error, ValueError, *BAD_JSON) as error:
        raise _broken(error) from None
    if not all(map(math.isfinite, numbers)):
        raise _broken("a number is not finite")
    return list(numbers)


def packed_text(plain: Raw) -> Raw:
    """Base64 of numbers."""
    try:
        numbers = _numbers(plain)
        return Raw(write_json(b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()))
    except (struct.error, OverflowError, *BAD_JSON) as error:
        raise _broken(error) from None


def _broken(error: Exception | str) -> Broken:
    return Broken(502, f"The provider's embedding cannot be read: {error}", code="bad_reply")

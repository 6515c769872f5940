"""Embeddings that tell texts apart: the same text, the same vector, of length 1 and exact in 32-bit floats."""

import hashlib
import math
import struct
from random import Random


def vector(text: str, size: int) -> list[float]:
    """The vector of ``text``."""
    dice = Random(hashlib.blake2b(text.encode(), digest_size=8).digest())  # noqa: S311 - no secret.
    numbers = [dice.uniform(-1, 1) for _ in range(size)]
    length = math.sqrt(sum(number * number for number in numbers))
    return list(struct.unpack(f"<{size}f", struct.pack(f"<{size}f", *(number / length for number in numbers))))


def packed(numbers: list[float]) -> bytes:
    """Little-endian 32-bit floats."""
    return struct.pack(f"<{len(numbers)}f", *numbers)

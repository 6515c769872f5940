"""Plain samples with a header before them: the one thing that is done to sound, as nothing is decoded or converted."""

import struct


def wav(samples: bytes, rate: int) -> bytes:
    """16-bit mono samples, little-endian, as a WAVE file (RIFF, format 1)."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    data = struct.pack("<4sI", b"data", len(samples))
    return struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data) + len(samples), b"WAVE") + form + data + samples

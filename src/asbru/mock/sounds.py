"""Sound that says its words in a tag, so that a test can hear it: short, valid, the same for the same text."""

import struct

KINDS = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
RATE = 8000
_WORD = 400
"""Samples of one word: a twentieth of a second."""
_FRAME = b"\xff\xfb\x10\xc4" + bytes(100)
"""A silent MPEG-1 layer III frame: 32 kbit/s, 44.1 kHz."""


def sound(text: str, encoding: str) -> bytes:
    """``text`` as sound. Encodings other than wav, mp3 and pcm are the wav with another name."""
    words = max(len(text.split()), 1)
    if encoding == "pcm":
        return _samples(words)
    if encoding == "mp3":
        return _id3(text) + _FRAME * words
    return _wav(text, words)


def heard(sound: bytes) -> str:
    """The text in a sound of ours; for others how many bytes there were."""
    at = sound.find(b"INAM")
    if at >= 0 and sound.startswith(b"RIFF"):
        (size,) = struct.unpack_from("<I", sound, at + 4)
        return sound[at + 8 : at + 8 + size].decode("utf-8", "replace").rstrip("\0 ")
    if sound.startswith(b"ID3"):
        return sound[21 : 10 + _size(sound[6:10])].decode("utf-8", "replace")
    return f"{len(sound)} bytes"


def seconds(sound: bytes) -> float:
    """How long it is, roughly."""
    return round(len(sound) / (2 * RATE), 2)


def _samples(words: int) -> bytes:
    return struct.pack(f"<{words * _WORD}h", *((n % 40 - 20) * 200 for n in range(words * _WORD)))


def _wav(text: str, words: int) -> bytes:
    said = text.encode() + b"\0" * (1 + (len(text.encode()) + 1) % 2)
    info = b"INFOINAM" + struct.pack("<I", len(said)) + said
    samples = _samples(words)
    chunks = (
        b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, RATE, RATE * 2, 2, 16),
        b"LIST" + struct.pack("<I", len(info)) + info,
        b"data" + struct.pack("<I", len(samples)) + samples,
    )
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _id3(text: str) -> bytes:
    title = b"\x03" + text.encode()
    frame = b"TIT2" + struct.pack(">I", len(title)) + b"\0\0" + title
    size = len(frame)
    return b"ID3\x03\0\0" + bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0)) + frame


def _size(tag: bytes) -> int:
    return sum(byte << shift for byte, shift in zip(tag, (21, 14, 7, 0), strict=True))

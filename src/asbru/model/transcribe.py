"""Text from speech: what is asked, and what was heard.

Rule 1. Times are seconds from the beginning.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol

from msgspec import Raw, Struct

from asbru.model.names import Format
from asbru.model.usage import Usage


class Sound(Protocol):
    """A file that was uploaded; it may lie on the disk."""

    def __len__(self) -> int: ...

    def pieces(self) -> Iterator[bytes]:
        """All of it, little by little."""


class TranscribeAsk(Struct, frozen=True, kw_only=True):
    """``wanted``: json, verbose_json, text, srt, vtt, diarized_json; "" not said. ``times``: word, segment.

    ``name`` and ``media_type`` of the file as the caller sent them, "" when it did not say. ``fence``: a boundary that
    the sound does not contain.
    """

    model: str
    sound: Sound
    fence: bytes
    name: str = ""
    media_type: str = ""
    language: str = ""
    prompt: str = ""
    wanted: str = ""
    temperature: float | None = None
    times: tuple[str, ...] = ()
    speakers: bool = False
    stream: bool = False
    extra: Mapping[str, Raw] = {}
    origin: Format


class Spoken(Struct, frozen=True, kw_only=True):
    """A stretch of speech: a word, or a segment. ``speaker``: who, "" when not told."""

    text: str
    start: float
    end: float
    speaker: str = ""


class TranscribeReply(Struct, frozen=True, kw_only=True):
    """``seconds``: length of the sound, None when not told. ``language``: as the provider names it."""

    text: str
    language: str = ""
    seconds: float | None = None
    words: tuple[Spoken, ...] = ()
    segments: tuple[Spoken, ...] = ()
    usage: Usage = Usage()
    extra: Mapping[str, Raw] = {}
    origin: Format

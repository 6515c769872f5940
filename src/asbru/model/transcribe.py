"""Text from speech: what is asked, and what was heard.

Rule 1. A translation into English is a transcription with ``english`` set; formats that have no such thing refuse.
Rule 2. Times are seconds from the beginning.
"""

from collections.abc import Mapping

from msgspec import Raw, Struct

from asbru.model.names import Format
from asbru.model.usage import Usage


class TranscribeAsk(Struct, frozen=True, kw_only=True):
    """``wanted``: json, verbose_json, text, srt, vtt, diarized_json; "" not said. ``times``: word, segment.

    ``name`` and ``media_type`` of the file as the caller sent them, "" when it did not say.
    """

    model: str
    sound: bytes
    name: str = ""
    media_type: str = ""
    language: str = ""
    prompt: str = ""
    wanted: str = ""
    temperature: float | None = None
    times: tuple[str, ...] = ()
    speakers: bool = False
    english: bool = False
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

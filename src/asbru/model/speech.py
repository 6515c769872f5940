"""Speech from text: what is asked, and the sound that comes back, whole or in pieces.

Rule 1. Sound is bytes; nobody decodes or converts it. A provider that cannot make the wanted encoding refuses.
"""

from collections.abc import Mapping

from msgspec import Raw, Struct

from asbru.model.names import Format
from asbru.model.usage import Usage


class SpeechAsk(Struct, frozen=True, kw_only=True):
    """``voice``: in the provider's words. ``encoding``: mp3, opus, aac, flac, wav, pcm; "" not said.

    ``instructions``: how to speak. ``events``: the pieces are wanted as events (OpenAI ``stream_format: sse``), not
    as bare sound.
    """

    model: str
    text: str
    voice: str = ""
    encoding: str = ""
    speed: float | None = None
    instructions: str = ""
    language: str = ""
    events: bool = False
    extra: Mapping[str, Raw] = {}
    origin: Format


class Sound(Struct, frozen=True):
    """A piece of sound; in a stream it stands where chat has a Delta."""

    data: bytes


class SpeechReply(Struct, frozen=True, kw_only=True):
    """All of it. ``media_type``: "" when the format does not tell."""

    sound: bytes
    media_type: str = ""
    usage: Usage = Usage()
    extra: Mapping[str, Raw] = {}
    origin: Format


MEDIA_TYPES: Mapping[str, str] = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
"""Of each encoding, as OpenAI answers."""

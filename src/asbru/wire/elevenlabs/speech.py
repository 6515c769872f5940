"""ElevenLabs speech (``text-to-speech/{voice}/stream``, SDK ``elevenlabs`` ``text_to_speech.stream``).

Rule 1. Voice and encoding stand in the path and the query; a voice is an id of theirs and nothing else.
Rule 2. An encoding that they do not make is refused, not replaced: a player would not know what to do with it.
"""

import re
from typing import Any

from msgspec import Raw

from asbru.model.failure import Refused
from asbru.model.names import Family, Format, Framing
from asbru.model.speech import SpeechAsk
from asbru.wire.codec import Codec, Written
from asbru.wire.elevenlabs.errors import read_failure, write_failure
from asbru.wire.envelope import Envelope
from asbru.wire.openai.speech import SoundReader
from asbru.wire.peeking import peek_whole
from asbru.wire.shapes import said, write_json

ENCODINGS = {"": "mp3_44100_128", "mp3": "mp3_44100_128", "opus": "opus_48000_128", "pcm": "pcm_24000"}
"""By our words. PCM: 16 bit, mono, 24 kHz, as OpenAI's."""

_VOICE = re.compile(r"[A-Za-z0-9_-]{1,64}")


def write_ask(ask: SpeechAsk) -> Written:
    """The body, the path, and what neither can carry. Raises Refused(400) for a voice or an encoding that is none."""
    encoding = ENCODINGS.get(ask.encoding)
    if encoding is None:
        known = ", ".join(filter(None, ENCODINGS))
        raise _refused("response_format", f"this provider makes {known}")
    if not _VOICE.fullmatch(ask.voice):
        raise _refused("voice", "this provider's voices are named by their ids")
    told = {
        "text": ask.text,
        "model_id": ask.model,
        "language_code": ask.language,
        "voice_settings": {"speed": ask.speed} if ask.speed is not None else None,
    }
    lost = ["instructions"] if ask.instructions else []
    lost += [name for name, raw in ask.extra.items() if said(raw)]
    return Written(
        write_json({name: value for name, value in told.items() if value not in ("", None)}),
        tuple(lost),
        path=(("voice", ask.voice), ("encoding", encoding)),
    )


def _refused(param: str, why: str) -> Refused:
    return Refused(400, f"{param}: {why}", code="invalid_request_error", param=param)


def put(envelope: Envelope, model: str, stream: bool) -> dict[str, Raw]:
    """The provider's name of the model."""
    return {"model_id": Raw(write_json(model))}


def _nothing(body: bytes) -> None:
    """Sound tells no usage."""


CODEC: Codec[SpeechAsk, Any] = Codec(
    format=Format.ELEVENLABS_SPEECH,
    family=Family.ELEVENLABS,
    request="speech",
    framing=Framing.BYTES,
    flows=True,
    peek=peek_whole,
    put=put,
    write_ask=write_ask,
    reader=SoundReader,
    read_usage=_nothing,
    read_failure=read_failure,
    write_failure=write_failure,
)

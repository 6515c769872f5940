"""Gemini's speech: generateContent that answers with sound (``gemini-2.5-flash-preview-tts``): the codec.

Clients of Google's ask for it as for anything else; this is how callers of other dialects' speech ask.

Rule 1. The sound is plain samples, 16 bit, mono (``audio/L16;codec=pcm;rate=24000``): pcm, or wav with a header before
them. Another encoding is refused, not replaced.
Rule 2. How to speak is said before the text, in words, as Google's documentation has it.
"""

import re
from base64 import b64decode
from binascii import Error

from msgspec import Raw

from asbru.model.chat import Ask, Audio, Text, Turn
from asbru.model.failure import Broken, Refused, Rejected
from asbru.model.names import Family, Finish, Format, Role
from asbru.model.speech import SpeechAsk, SpeechReply
from asbru.wire.codec import Codec, Written
from asbru.wire.gemini import generate
from asbru.wire.gemini.errors import read_failure, write_failure
from asbru.wire.gemini.generate_ask_in import CONFIG
from asbru.wire.gemini.media import Json
from asbru.wire.shapes import said, write_json

HERE = Format.GEMINI_SPEECH

_MADE = ("", "wav", "pcm")
_MODALITIES = Raw(b'["AUDIO"]')
_SAMPLES = re.compile(r"(?:L16|pcm)\b.*?(?:rate=(\d{4,6})|$)", re.IGNORECASE)
_RATE = 24_000


def write_ask(ask: SpeechAsk) -> Written:
    """The body, and what it cannot carry. Raises Refused(400) for an encoding that is not made."""
    if ask.encoding not in _MADE:
        why = "response_format: this provider makes wav, pcm"
        raise Refused(400, why, code="invalid_request_error", param="response_format")
    lost = [name for name, raw in ask.extra.items() if said(raw)]
    lost += ["speed"] if ask.speed is not None else []
    config: Json = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": ask.voice}}} if ask.voice else {}
    if ask.language:
        config["languageCode"] = ask.language
    extra = {f"{CONFIG}.responseModalities": _MODALITIES}
    if config:
        extra[f"{CONFIG}.speechConfig"] = Raw(write_json(config))
    text = f"{ask.instructions.rstrip(' .:')}: {ask.text}" if ask.instructions else ask.text
    whole = Ask(model=ask.model, turns=(Turn(Role.USER, (Text(text),)),), extra=extra, origin=Format.GEMINI_GENERATE)
    written = generate.CODEC.write_ask(whole)
    return Written(written.body, (*lost, *written.lost))


def read_reply(body: bytes) -> SpeechReply:
    """The sound among the parts. Raises Broken when there is none, Rejected when that is what Google wanted."""
    reply = generate.CODEC.read_reply(body)
    sounds = [part for part in reply.parts if isinstance(part, Audio)]
    if not sounds:
        words = "".join(part.text for part in reply.parts if isinstance(part, Text))
        why = f"The provider spoke nothing: {words or f'it ended with {reply.finish}'}"
        if reply.finish is Finish.CONTENT_FILTER:
            raise Rejected(400, why, code="content_filter")
        raise Broken(502, why, code="bad_reply")
    samples = _SAMPLES.match(sounds[0].format)
    return SpeechReply(
        model=reply.model,
        sound=b"".join(_bytes(each.data) for each in sounds),
        encoding="pcm" if samples else sounds[0].format,
        rate=int(samples[1] or _RATE) if samples else 0,
        usage=reply.usage,
        origin=HERE,
    )


def _bytes(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (Error, ValueError):
        raise Broken(502, "The provider's sound is not in base64.", code="bad_reply") from None


CODEC: Codec[SpeechAsk, SpeechReply] = Codec(
    format=HERE,
    family=Family.GEMINI,
    request="speech",
    model_in_path=True,
    peek=generate.peek,
    put=generate.put,
    write_ask=write_ask,
    read_reply=read_reply,
    read_usage=generate.CODEC.read_usage,
    read_failure=read_failure,
    write_failure=write_failure,
)

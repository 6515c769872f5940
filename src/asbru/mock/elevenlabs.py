"""ElevenLabs: speech and transcripts, read strictly (SDK ``elevenlabs``: ``text_to_speech``, ``speech_to_text``)."""

from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Meta, Struct, structs

from asbru.edge.request import Request
from asbru.mock import openai
from asbru.mock.files import Operation, parts
from asbru.mock.frames import Frames, Pace, in_pieces
from asbru.mock.sounds import heard, seconds, sound
from asbru.mock.strict import Mistake, read
from asbru.mock.talk import Talker, spoil
from asbru.model.failure import Failure, Refused
from asbru.model.http import Answer, Headers

_JSON = {b"content-type": b"application/json"}
_FORMATS = {"mp3": "audio/mpeg", "pcm": "audio/pcm", "opus": "audio/ogg", "ulaw": "audio/basic", "alaw": "audio/basic"}
_FIELDS = frozenset(
    [
        "model_id",
        "file",
        "language_code",
        "tag_audio_events",
        "num_speakers",
        "timestamps_granularity",
        "diarize",
        "file_format",
        "temperature",
        "seed",
    ]
)


class Settings(Struct, kw_only=True, forbid_unknown_fields=True):
    stability: float | None = None
    similarity_boost: float | None = None
    style: float | None = None
    use_speaker_boost: bool | None = None
    speed: Annotated[float, Meta(ge=0.7, le=1.2)] | None = None


class SpeechRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1)]
    model_id: str = "eleven_multilingual_v2"
    language_code: str | None = None
    voice_settings: Settings | None = None
    seed: int | None = None
    previous_text: str | None = None
    next_text: str | None = None


MODELS = [
    {
        "model_id": model,
        "name": name,
        "can_be_finetuned": False,
        "can_do_text_to_speech": True,
        "can_do_voice_conversion": False,
        "can_use_style": True,
        "can_use_speaker_boost": True,
        "serves_pro_voices": False,
        "token_cost_factor": 1.0,
        "description": "Speaks.",
        "max_characters_request_free_user": 2500,
        "max_characters_request_subscribed_user": 5000,
        "maximum_text_length_per_request": 1_000_000,
        "languages": [{"language_id": "en", "name": "English"}],
        "model_rates": {"character_cost_multiplier": 1.0},
        "concurrency_group": "standard",
    }
    for model, name in (("eleven_v3", "Eleven v3"), ("eleven_multilingual_v2", "Eleven Multilingual v2"))
]
"""The list of models, which has no pages."""

_decoder = msgspec.json.Decoder(SpeechRequest)


def fail(failure: Failure, request_id: str) -> Answer:
    """An error answer."""
    detail: Any = {"status": failure.code or "error", "message": failure.message}
    if failure.status == 422:
        detail = [{"loc": ["body", *failure.param.split(".")], "msg": failure.message, "type": failure.code}]
    return Answer(status=failure.status, headers=_JSON, body=msgspec.json.encode({"detail": detail}))


def _key(headers: Headers) -> str:
    return headers.get(b"xi-api-key", b"").decode("latin-1")


def _unauthorized(key: str) -> Failure:
    words = "Invalid API key" if key else "Neither authorization header nor xi-api-key received, please provide one."
    return Refused(401, words, code="invalid_api_key" if key else "needs_authorization")


def _no_such_model(model: str) -> Failure:
    return Refused(400, f"A model with model ID {model} does not exist.", code="model_not_found")


DIALECT = structs.replace(
    openai.DIALECT,
    name="elevenlabs",
    key=_key,
    fail=fail,
    headers=_JSON,
    unauthorized=_unauthorized,
    no_such_model=_no_such_model,
)


class ElevenLabs:
    """Speech that carries its text, transcripts that read it."""

    def __init__(self, talker: Talker) -> None:
        self._talker = talker

    def operations(self) -> Iterator[Operation]:
        """Method, path and handler of each."""
        yield "POST", "/v1/text-to-speech/{voice}", self.speak
        yield "POST", "/v1/text-to-speech/{voice}/stream", self.speak
        yield "POST", "/v1/speech-to-text", self.transcribe

    async def speak(self, request: Request, key: str) -> Answer:
        """Sound in small pieces."""
        try:
            asked = read(_decoder, request.body)
        except Mistake as mistake:
            raise Refused(422, mistake.text, code=mistake.kind, param=mistake.dotted()) from None
        query = parse_qs(request.query)
        wanted = query.get("output_format", ["mp3_44100_128"])[0]
        encoding = wanted.partition("_")[0]
        if encoding not in _FORMATS or query.keys() - {"output_format", "enable_logging", "optimize_streaming_latency"}:
            raise Refused(422, f"{wanted} is no output format", code="enum", param="output_format")
        if len(request.params[0]) < 8:
            raise Refused(404, f"A voice with voice_id {request.params[0]} was not found.", code="voice_not_found")
        told = await self._talker.begin(DIALECT, request, key, (asked.model_id, asked.text))
        made = in_pieces(sound(asked.text, encoding), 64)
        headers = {b"content-type": _FORMATS[encoding].encode(), b"character-cost": b"%d" % len(asked.text)}
        frames = Frames(made, Pace(between=max(told.pace, 0.0), cut=told.cut, stallafter=told.stallafter))
        return Answer(status=200, headers=headers, stream=frames)

    async def transcribe(self, request: Request, key: str) -> Answer:
        """What was heard, with its words."""
        fields = dict(parts(request.headers.get(b"content-type", b""), request.body))
        for name in fields.keys() - _FIELDS:
            raise Refused(422, "Extra inputs are not permitted", code="extra_forbidden", param=name)
        for name in ("model_id", "file"):
            if name not in fields:
                raise Refused(422, "Field required", code="missing", param=name)
        model = fields["model_id"].content.decode()
        told = await self._talker.begin(DIALECT, request, key, (model, fields["file"].filename))
        content = fields["file"].content
        body = msgspec.json.encode(_transcript(heard(content), seconds(content), "diarize" in fields))
        return spoil(Answer(status=200, headers=_JSON, body=body), told)


def _transcript(text: str, length: float, diarize: bool) -> dict[str, Any]:
    words: list[dict[str, Any]] = []
    for n, word in enumerate(text.split()):
        if n:
            words.append({"text": " ", "start": n / 10, "end": n / 10, "type": "spacing", "logprob": 0.0})
        told = {"text": word, "start": n / 10, "end": (n + 1) / 10, "type": "word", "logprob": -0.1}
        words.append(told | ({"speaker_id": f"speaker_{n // 3}"} if diarize else {}))
    return {
        "language_code": "eng",
        "language_probability": 0.98,
        "text": text,
        "words": words,
        "transcription_id": "t1",
        "audio_duration_secs": length,
    }

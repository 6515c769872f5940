"""OpenAI's speech and transcripts, read strictly (``openai`` SDK 3.54.0, ``types/audio``)."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from asbru.edge.request import Request
from asbru.mock.directives import Directive
from asbru.mock.files import Operation
from asbru.mock.forms import Form
from asbru.mock.frames import Frames, Pace, in_pieces
from asbru.mock.openai import DIALECT, refusal
from asbru.mock.said import count, pieces
from asbru.mock.sounds import KINDS, heard, seconds, sound
from asbru.mock.strict import Mistake, read
from asbru.mock.talk import Talker, spoil
from asbru.model.failure import Refused
from asbru.model.http import Answer

_SSE = {**DIALECT.headers, b"content-type": b"text/event-stream; charset=utf-8"}
_TEXT = {**DIALECT.headers, b"content-type": b"text/plain; charset=utf-8"}
_PIECE = 64
_SHAPES = ("json", "text", "srt", "verbose_json", "vtt", "diarized_json")
_TRANSCRIBE = frozenset(
    [
        "file",
        "model",
        "chunking_strategy",
        "include",
        "known_speaker_names",
        "known_speaker_references",
        "language",
        "prompt",
        "response_format",
        "stream",
        "temperature",
        "timestamp_granularities",
    ]
)
_TRANSLATE = frozenset(["file", "model", "prompt", "response_format", "temperature"])


class Voice(Struct, forbid_unknown_fields=True):
    id: str


class SpeechRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    input: Annotated[str, Meta(min_length=1, max_length=4096)]
    voice: str | Voice
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: Annotated[float, Meta(ge=0.25, le=4)] = 1.0
    instructions: str = ""
    stream_format: Literal["sse", "audio"] = "audio"


_decoder = msgspec.json.Decoder(SpeechRequest)


class OpenAIAudio:
    """Speech that carries its text, transcripts that read it."""

    def __init__(self, talker: Talker) -> None:
        self._talker = talker

    def operations(self) -> Iterator[Operation]:
        """Method, path and handler of each."""
        yield "POST", "/v1/audio/speech", self.speak
        yield "POST", "/v1/audio/transcriptions", self.transcribe
        yield "POST", "/v1/audio/translations", self.translate

    async def speak(self, request: Request, key: str) -> Answer:
        """Sound in small pieces."""
        try:
            asked = read(_decoder, request.body)
        except Mistake as mistake:
            raise refusal(mistake) from None
        if asked.stream_format == "sse" and asked.model.startswith("tts-1"):
            raise Refused(400, "stream_format 'sse' is not supported with this model.", param="stream_format")
        told = await self._talker.begin(DIALECT, request, key, (asked.model, asked.input))
        made = bytes(told.big) if told.big else sound(asked.input, asked.response_format)
        pace = Pace(first=max(told.first, 0.0), between=max(told.pace, 0.0), cut=told.cut, stallafter=told.stallafter)
        if asked.stream_format == "sse":
            frames = Frames(_events(made, count(asked.input)), pace)
            return spoil(Answer(status=200, headers=_SSE, stream=frames), told)
        headers = {**DIALECT.headers, b"content-type": KINDS[asked.response_format].encode()}
        return Answer(status=200, headers=headers, stream=Frames(in_pieces(made, max(_PIECE, told.big // 64)), pace))

    async def transcribe(self, request: Request, key: str) -> Answer:
        """What was heard, in the wanted shape."""
        form = Form(request.headers.get(b"content-type", b""), request.body, _TRANSCRIBE)
        told, model = await self._begin(request, key, form)
        if form.word("stream", ("true", "false")) == "true" and model != "whisper-1":
            frames = Frames(_transcript(form), Pace(between=max(told.pace, 0.0), cut=told.cut))
            return spoil(Answer(status=200, headers=_SSE, stream=frames), told)
        return spoil(_shaped(form, model, heard(form.files["file"][0].content)), told)

    async def translate(self, request: Request, key: str) -> Answer:
        """What was heard, in English."""
        form = Form(request.headers.get(b"content-type", b""), request.body, _TRANSLATE)
        told, model = await self._begin(request, key, form)
        return spoil(_shaped(form, model, f"in English: {heard(form.files['file'][0].content)}"), told)

    async def _begin(self, request: Request, key: str, form: Form) -> tuple[Directive, str]:
        form.needs("file", "model")
        if not form.files.get("file"):
            raise Refused(400, "Invalid type for 'file': expected a file, but got a string instead.", param="file")
        shape = form.word("response_format", _SHAPES)
        if form.fields.get("timestamp_granularities") and shape != "verbose_json":
            text = "timestamp_granularities need response_format verbose_json."
            raise Refused(400, text, param="timestamp_granularities")
        model = form.text("model")
        return await self._talker.begin(DIALECT, request, key, (model, form.text("prompt"))), model


def _events(made: bytes, words: int) -> Iterator[bytes]:
    for piece in in_pieces(made, _PIECE):
        yield _frame({"type": "speech.audio.delta", "audio": b64encode(piece).decode()})
    usage = {"input_tokens": words, "output_tokens": 10 * words, "total_tokens": 11 * words}
    yield _frame({"type": "speech.audio.done", "usage": usage})


def _transcript(form: Form) -> Iterator[bytes]:
    text = heard(form.files["file"][0].content)
    for piece in pieces(text):
        yield _frame({"type": "transcript.text.delta", "delta": piece})
    yield _frame({"type": "transcript.text.done", "text": text, "usage": _tokens(form, text)})


def _tokens(form: Form, text: str) -> dict[str, Any]:
    audio, words = 10, count(form.text("prompt"))
    details = {"audio_tokens": audio, "text_tokens": words}
    return {
        "type": "tokens",
        "input_tokens": audio + words,
        "input_token_details": details,
        "output_tokens": count(text),
        "total_tokens": audio + words + count(text),
    }


def _shaped(form: Form, model: str, text: str) -> Answer:
    shape = form.text("response_format", "json")
    length = seconds(form.files["file"][0].content)
    clock = f"00:00:00,000 --> 00:00:{int(length):02},{round(length % 1 * 1000):03}"
    if shape == "text":
        return Answer(status=200, headers=_TEXT, body=f"{text}\n".encode())
    if shape == "srt":
        return Answer(status=200, headers=_TEXT, body=f"1\n{clock}\n{text}\n".encode())
    if shape == "vtt":
        return Answer(status=200, headers=_TEXT, body=f"WEBVTT\n\n{clock.replace(',', '.')}\n{text}\n".encode())
    usage = {"type": "duration", "seconds": length} if model == "whisper-1" else _tokens(form, text)
    told: dict[str, Any] = {"text": text, "usage": usage}
    if shape == "verbose_json":
        told |= {"task": "transcribe", "language": "english", "duration": length, "segments": []}
        told["words"] = [{"word": word, "start": 0.0, "end": length} for word in text.split()]
    if shape == "diarized_json":
        told |= {"task": "transcribe", "duration": length, "segments": []}
    return Answer(status=200, headers=DIALECT.headers, body=msgspec.json.encode(told))


def _frame(event: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(event) + b"\n\n"

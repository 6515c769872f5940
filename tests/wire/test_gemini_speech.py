"""Gemini's speech for callers of OpenAI's: what is asked, what is heard, what is refused."""

import struct
import wave
from base64 import b64decode, b64encode
from io import BytesIO
from typing import Any

import msgspec
import pytest
from wire_kit import STAMP

from asbru.model.failure import Broken, Refused, Rejected
from asbru.model.names import Format
from asbru.model.speech import SpeechReply
from asbru.model.usage import Usage
from asbru.wire import CODECS, Envelope

GEMINI, SOUND, EVENTS = (
    CODECS[each] for each in (Format.GEMINI_SPEECH, Format.OPENAI_SPEECH, Format.OPENAI_SPEECH_EVENTS)
)
SAMPLES = struct.pack("<4h", 1, -2, 300, -400)
USED = {"promptTokenCount": 3, "candidatesTokenCount": 9, "totalTokenCount": 12}


def ask(**members: Any) -> Any:
    body = {"model": "gemini-2.5-flash-preview-tts", "input": "Hi", "voice": "Kore", **members}
    return SOUND.read_ask(Envelope(msgspec.json.encode(body)))


def spoken(*parts: Any, finish: str = "STOP", **more: Any) -> bytes:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": finish}
    return msgspec.json.encode({"candidates": [candidate], "usageMetadata": USED, **more})


def sound(kind: str = "audio/L16;codec=pcm;rate=24000", samples: bytes = SAMPLES) -> dict[str, Any]:
    return {"inlineData": {"mimeType": kind, "data": b64encode(samples).decode()}}


def test_what_is_asked() -> None:
    written = GEMINI.write_ask(ask(instructions="Say it cheerfully.", speed=1.5, odd=1, response_format="pcm"))
    assert msgspec.json.decode(written.body) == {
        "contents": [{"role": "user", "parts": [{"text": "Say it cheerfully: Hi"}]}],
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
        },
    }
    assert written.lost == ("odd", "speed")
    plain = GEMINI.write_ask(msgspec.structs.replace(ask(), voice="", language="de-DE"))
    assert msgspec.json.decode(plain.body)["generationConfig"]["speechConfig"] == {"languageCode": "de-DE"}
    bare = GEMINI.write_ask(msgspec.structs.replace(ask(), voice=""))
    assert msgspec.json.decode(bare.body)["generationConfig"] == {"responseModalities": ["AUDIO"]}


@pytest.mark.parametrize("encoding", ["mp3", "opus", "aac", "flac"])
def test_an_encoding_that_is_not_made(encoding: str) -> None:
    with pytest.raises(Refused) as told:
        GEMINI.write_ask(ask(response_format=encoding))
    assert (told.value.status, told.value.param) == (400, "response_format")


@pytest.mark.parametrize(
    ("kind", "rate"),
    [
        ("audio/L16;codec=pcm;rate=24000", 24_000),
        ("audio/L16;rate=16000", 16_000),
        ("audio/pcm", 24_000),
        ("audio/l16; rate=8000", 8_000),
    ],
)
def test_what_is_heard(kind: str, rate: int) -> None:
    reply = GEMINI.read_reply(spoken(sound(kind), {"text": "aside"}, sound(kind)))
    assert (reply.sound, reply.encoding, reply.rate) == (SAMPLES * 2, "pcm", rate)
    assert reply.usage == Usage(input=3, output=9)
    for members in ({}, {"response_format": "wav"}):
        written = SOUND.write_reply(reply, msgspec.structs.replace(STAMP, ask=ask(**members)))
        assert written.kind == b"audio/wav"
        with wave.open(BytesIO(written.body)) as file:
            told = (file.getnchannels(), file.getsampwidth(), file.getframerate(), file.readframes(99))
        assert told == (1, 2, rate, SAMPLES * 2)
    written = SOUND.write_reply(reply, msgspec.structs.replace(STAMP, ask=ask(response_format="pcm")))
    assert (written.body, written.kind) == (SAMPLES * 2, b"audio/pcm")


def test_another_encoding_is_left_as_it_is() -> None:
    reply = GEMINI.read_reply(spoken(sound("audio/mpeg", b"ID3")))
    written = SOUND.write_reply(reply, STAMP)
    assert (written.body, written.kind) == (b"ID3", b"audio/mpeg")
    odd = SOUND.write_reply(msgspec.structs.replace(reply, encoding="basic"), STAMP)
    assert odd.kind == b"application/octet-stream"


@pytest.mark.parametrize(("encoding", "head"), [("pcm", b""), ("wav", b"RIFF"), (None, b"RIFF")])
def test_as_events(encoding: str | None, head: bytes) -> None:
    asked = ask(stream_format="sse", **({"response_format": encoding} if encoding else {}))
    writer = EVENTS.writer(STAMP, asked)
    reply = SpeechReply(
        sound=SAMPLES, encoding="pcm", rate=24_000, usage=Usage(input=3, output=9), origin=GEMINI.format
    )
    lines = b"".join(map(writer.send, EVENTS.unfold(reply))).decode().splitlines()
    first, last = [msgspec.json.decode(line[6:]) for line in lines if line.startswith("data: ")]
    heard = b64decode(first["audio"])
    assert heard.startswith(head)
    assert heard.endswith(SAMPLES)
    assert len(heard) == len(SAMPLES) + (44 if head else 0)
    assert last["usage"]["output_tokens"] == 9


def test_sound_of_another_kind_as_events() -> None:
    reply = SpeechReply(sound=b"ID3", encoding="mp3", origin=GEMINI.format)
    told = b"".join(map(EVENTS.writer(STAMP, ask()).send, EVENTS.unfold(reply)))
    assert b64encode(b"ID3") in told


@pytest.mark.parametrize(
    ("body", "failure", "words"),
    [
        (spoken({"text": "I cannot."}), Broken, "I cannot."),
        (spoken(finish="OTHER"), Broken, "spoke nothing"),
        (spoken(finish="SAFETY"), Rejected, "content_filter"),
        (msgspec.json.encode({"promptFeedback": {"blockReason": "SAFETY"}}), Rejected, "content_filter"),
        (spoken({"inlineData": {"mimeType": "audio/L16", "data": "%%"}}), Broken, "base64"),
        (b"[]", Broken, "not a response"),
    ],
)
def test_what_is_no_sound(body: bytes, failure: type[Exception], words: str) -> None:
    with pytest.raises(failure, match=words):
        GEMINI.read_reply(body)


def test_usage_of_an_answer() -> None:
    assert GEMINI.read_usage(spoken(sound())) == Usage(input=3, output=9)

"""What Gemini hears, for callers of OpenAI's transcripts."""

from base64 import b64encode
from typing import Any

import msgspec
import pytest

from asbru.model.failure import Broken, Refused, Rejected
from asbru.model.names import Format
from asbru.model.transcribe import TranscribeAsk
from asbru.model.usage import Usage
from asbru.wire import CODECS
from asbru.wire.gemini import transcripts
from asbru.wire.multipart import Slice

CODEC = CODECS[Format.GEMINI_TRANSCRIPTS]


def asked(**members: Any) -> TranscribeAsk:
    told = {"model": "m", "sound": Slice(b"RIFFsound", 0, 9), "fence": b"x", "name": "a.wav", **members}
    return TranscribeAsk(**told, origin=Format.OPENAI_TRANSCRIPTIONS)


def heard(*texts: str, finish: str = "STOP") -> bytes:
    content = {"role": "model", "parts": [{"text": text} for text in texts]}
    used = {
        "promptTokenCount": 9,
        "candidatesTokenCount": 2,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 7}],
    }
    return msgspec.json.encode({"candidates": [{"content": content, "finishReason": finish}], "usageMetadata": used})


def test_what_is_asked() -> None:
    written = CODEC.write_ask(
        asked(language="no", prompt="Heimdall", temperature=0.2, extra={"odd": msgspec.Raw(b"1")})
    )
    body = msgspec.json.decode(written.body)
    sound, wish, words = body["contents"][0]["parts"]
    assert sound == {"inlineData": {"mimeType": "audio/wav", "data": b64encode(b"RIFFsound").decode()}}
    assert wish["text"].startswith("Generate a transcript")
    assert "language: no." in wish["text"]
    assert words["text"].endswith("Heimdall")
    assert (body["generationConfig"], written.lost) == ({"temperature": 0.2}, ("odd",))


@pytest.mark.parametrize(
    ("name", "media_type", "kind"),
    [
        ("a.mp3", "", "audio/mp3"),
        ("a", "audio/mpeg; x=1", "audio/mp3"),
        ("a.flac", "application/octet-stream", "audio/flac"),
        ("a.webm", "video/webm", "audio/webm"),
        ("a.ogg", "audio/ogg", "audio/ogg"),
    ],
)
def test_the_kind_of_a_sound(name: str, media_type: str, kind: str) -> None:
    body = msgspec.json.decode(CODEC.write_ask(asked(name=name, media_type=media_type)).body)
    assert body["contents"][0]["parts"][0]["inlineData"]["mimeType"] == kind


@pytest.mark.parametrize(
    ("members", "status", "param"),
    [
        ({"wanted": "srt"}, 400, "response_format"),
        ({"wanted": "verbose_json"}, 400, "response_format"),
        ({"times": ("word",)}, 400, "timestamp_granularities"),
        ({"name": "horn"}, 400, "file"),
        ({"sound": Slice(b"", 0, transcripts.MOST)}, 413, "file"),
    ],
)
def test_what_is_refused(members: dict[str, Any], status: int, param: str) -> None:
    with pytest.raises(Refused) as told:
        CODEC.write_ask(asked(**members))
    assert (told.value.status, told.value.param) == (status, param)


def test_what_is_heard() -> None:
    reply = CODEC.read_reply(heard(" Heimdall blows", " his horn.\n"))
    assert (reply.text, reply.usage) == ("Heimdall blows his horn.", Usage(input=9, output=2, input_audio=7))
    assert CODEC.read_reply(heard("")).text == ""
    for finish, failure in (("SAFETY", Rejected), ("MAX_TOKENS", Broken)):
        with pytest.raises(failure):
            CODEC.read_reply(heard(finish=finish))
    assert CODEC.read_usage(heard("x")) == reply.usage

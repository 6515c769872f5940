"""Images and sound with the official `openai` SDK. Runs under either generation: ``python … SCENARIO GATEWAY_URL``."""

import base64
import json
import sys

import openai
from openai import AzureOpenAI, OpenAI

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def clients(url):
    """(client, prefix of models): the unified API, OpenAI's own prefix, a framework's."""
    for base, prefix in (("/v1", "openai/"), ("/openai/v1", ""), ("/openai", "acme/"), ("/litellm", "")):
        yield OpenAI(base_url=url + base, api_key="sk-anything", max_retries=0), prefix


def generate(url):
    for client, prefix in clients(url):
        made = client.images.generate(
            model=f"{prefix}gpt-image-1", prompt="a red fox", n=2, size="1024x1536", quality="low"
        )
        assert [base64.b64decode(one.b64_json) for one in made.data] == [PIXEL] * 2
        assert made.size == "1024x1536" and made.usage.output_tokens == 544 and made.usage.input_tokens == 3
        events = list(
            client.images.generate(model=f"{prefix}gpt-image-1", prompt="a fox", stream=True, partial_images=2)
        )
        assert [event.type.removeprefix("image_generation.") for event in events] == ["partial_image"] * 2 + [
            "completed"
        ]
        assert events[-1].usage.output_tokens == 272 and base64.b64decode(events[-1].b64_json) == PIXEL
    dalle = OpenAI(base_url=f"{url}/openai/v1", api_key="k").images.generate(
        model="dall-e-3", prompt="x", response_format="url"
    )
    assert dalle.data[0].url.startswith("https://")
    try:
        client.images.generate(model="gpt-image-1", prompt="x", response_format="url")
    except openai.BadRequestError as error:
        assert "response_format" in str(error), error
    else:
        raise AssertionError("the provider's refusal was lost")


def amazons(url):
    """Models of Bedrock's: Amazon's make several at once, Stability's one by one."""
    client = OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)
    for model in ("bedrock/amazon.nova-canvas-v1:0", "bedrock/stability.stable-image-ultra-v1:1"):
        made = client.images.generate(model=model, prompt="a red fox", n=3, size="1024x1536")
        assert [base64.b64decode(one.b64_json) for one in made.data] == [PIXEL] * 3, made


def edit(url):
    for client, prefix in clients(url):
        one = client.images.edit(model=f"{prefix}gpt-image-1", image=("a.png", PIXEL, "image/png"), prompt="a hat")
        assert base64.b64decode(one.data[0].b64_json) == PIXEL and one.usage.input_tokens_details.image_tokens == 100
        several = client.images.edit(
            model=f"{prefix}gpt-image-1",
            image=[("a.png", PIXEL), ("b.png", PIXEL)],
            mask=("m.png", PIXEL),
            prompt="hats",
            n=2,
        )
        assert len(several.data) == 2 and several.usage.input_tokens_details.image_tokens == 300
        events = list(
            client.images.edit(model=f"{prefix}gpt-image-1", image=PIXEL, prompt="a", stream=True, partial_images=1)
        )
        assert [event.type for event in events] == ["image_edit.partial_image", "image_edit.completed"]


def variation(url):
    for client, prefix in clients(url):
        made = client.images.create_variation(model=f"{prefix}dall-e-2", image=("a.png", PIXEL), n=2)
        assert [one.url.startswith("https://") for one in made.data] == [True, True]


def said(sound):
    """The words that the scripted provider writes into its sound."""
    assert sound[:3] in (b"ID3", b"RIF"), sound[:20]
    return sound


def speech(url):
    heard = [
        model.id
        for model in OpenAI(base_url=f"{url}/openai/v1", api_key="k")
        .with_options(default_headers={"x-bf-list-models-provider": "elevenlabs"})
        .models.list()
    ]
    assert heard == ["elevenlabs/eleven_v3", "elevenlabs/eleven_multilingual_v2"], heard
    words = "Heimdall blows his horn"
    for client, prefix in clients(url):
        for model, voice in ((f"{prefix}gpt-4o-mini-tts", "alloy"), ("elevenlabs/eleven_v3", "21m00Tcm4TlvDq8ikWAM")):
            spoken = client.audio.speech.create(model=model, voice=voice, input=words)
            assert words.encode() in said(spoken.content), (model, spoken.content[:80])
            assert spoken.response.headers["content-type"] == "audio/mpeg"
            with client.audio.speech.with_streaming_response.create(model=model, voice=voice, input=words) as response:
                pieces = list(response.iter_bytes(32))
            assert len(pieces) > 3 and b"".join(pieces) == spoken.content
            told = client.audio.speech.create(model=model, voice=voice, input=words, stream_format="sse").content
            events = [json.loads(line[6:]) for line in told.decode().splitlines() if line.startswith("data: ")]
            assert [event["type"] for event in events[-2:]] == ["speech.audio.delta", "speech.audio.done"], events
            assert b"".join(base64.b64decode(e["audio"]) for e in events[:-1]) == spoken.content
        wav = client.audio.speech.create(
            model=f"{prefix}tts-1", voice="alloy", input=words, response_format="wav"
        ).content
        assert wav.startswith(b"RIFF") and words.encode() in wav
    for wrong, names in (
        ({"response_format": "ogg"}, "response_format"),
        ({"response_format": "flac"}, "mp3"),
        ({"voice": "../x"}, "voice"),
    ):
        try:
            client.audio.speech.create(
                **{"model": "elevenlabs/eleven_v3", "voice": "21m00Tcm4TlvDq8ikWAM", "input": "x", **wrong}
            )
        except openai.BadRequestError as error:
            assert names in str(error), error
        else:
            raise AssertionError(wrong)


def sound(url, words):
    return (
        OpenAI(base_url=f"{url}/openai", api_key="k")
        .audio.speech.create(model="tts-1", voice="alloy", input=words, response_format="wav")
        .content
    )


def transcription(url):
    words = "Heimdall blows his horn. Loki laughs."
    heard = sound(url, words)
    for client, prefix in clients(url):
        for model in (f"{prefix}gpt-4o-transcribe", f"{prefix}whisper-1", "elevenlabs/scribe_v1"):
            ask = dict(model=model, file=("horn.wav", heard, "audio/wav"))
            assert client.audio.transcriptions.create(**ask).text == words, model
            assert client.audio.transcriptions.create(**ask, response_format="text").strip() == words
            verbose = client.audio.transcriptions.create(
                **ask, response_format="verbose_json", timestamp_granularities=["word"]
            )
            assert verbose.text == words and [word.word for word in verbose.words] == words.split()
            assert float(verbose.duration) > 0
            assert "-->" in client.audio.transcriptions.create(**ask, response_format="srt")
            assert client.audio.transcriptions.create(**ask, response_format="vtt").startswith("WEBVTT")
        for model in (f"{prefix}gpt-4o-transcribe", "elevenlabs/scribe_v1"):
            events = list(
                client.audio.transcriptions.create(model=model, file=("h.wav", heard), stream=True, language="en")
            )
            assert events[-1].type == "transcript.text.done" and events[-1].text == words
            assert "".join(event.delta for event in events[:-1]) == words
    try:
        client.audio.transcriptions.create(model="whisper-1", file=("h.wav", heard), response_format="docx")
    except openai.BadRequestError as error:
        assert "docx" in str(error), error


def translation(url):
    words = "Odin rides"
    heard = sound(url, words)
    for client, prefix in clients(url):
        told = client.audio.translations.create(model=f"{prefix}whisper-1", file=("o.wav", heard), prompt="gods")
        assert told.text == f"in English: {words}"
    try:
        client.audio.translations.create(model="elevenlabs/scribe_v1", file=("o.wav", heard))
    except openai.BadRequestError as error:
        assert error.code == "unsupported_operation", error
    else:
        raise AssertionError("elevenlabs translates nothing")


def large(url):
    """More than a connection's buffers hold; what goes in is what comes out."""
    heard = b"RIFF" + bytes(range(256)) * 40_000
    client = OpenAI(base_url=f"{url}/openai/v1", api_key="k", max_retries=0)
    told = client.audio.transcriptions.create(model="whisper-1", file=("big.wav", heard))
    assert told.text == f"{len(heard)} bytes", told


def containers(url):
    """Operations that only OpenAI's dialect has, on its own prefix and by ``x-model-provider`` on the unified API."""
    unified = OpenAI(base_url=f"{url}/v1", api_key="k", default_headers={"x-model-provider": "openai"})
    for client in (
        OpenAI(base_url=f"{url}/openai/v1", api_key="k"),
        OpenAI(base_url=f"{url}/openai", api_key="k"),
        unified,
    ):
        made = client.containers.create(name="shed", expires_after={"anchor": "last_active_at", "minutes": 20})
        assert client.containers.retrieve(made.id).name == "shed"
        assert made.id in [each.id for each in client.containers.list(limit=2)]
        file = client.containers.files.create(made.id, file=("notes.txt", b"Gjallarhorn" * 99))
        assert [each.id for each in client.containers.files.list(made.id)] == [file.id]
        assert client.containers.files.retrieve(file.id, container_id=made.id).path.endswith("notes.txt")
        assert client.containers.files.content.retrieve(file.id, container_id=made.id).content == b"Gjallarhorn" * 99
        client.containers.files.delete(file.id, container_id=made.id)
        client.containers.delete(made.id)
        try:
            client.containers.retrieve(made.id)
        except openai.NotFoundError as error:
            assert made.id in str(error)
        else:
            raise AssertionError("the container is still there")


def azure(url):
    """Azure's client: the deployment is in the path, other operations are not below one."""
    headers = {"x-model-provider": "openai"}
    client = AzureOpenAI(azure_endpoint=f"{url}/openai", api_key="k", api_version="2024-10-21", default_headers=headers)
    fixed = AzureOpenAI(
        azure_endpoint=f"{url}/openai",
        azure_deployment="gpt-4o",
        api_key="k",
        api_version="2024-10-21",
        default_headers=headers,
    )
    asked = [{"role": "user", "content": "hello"}]
    for each, model in ((client, "gpt-4o"), (client, "anthropic/claude-sonnet-4-5"), (fixed, "ignored")):
        assert (
            "hello"
            in each.chat.completions.create(model=model, messages=asked, max_tokens=9).choices[0].message.content
        )
        chunks = list(each.chat.completions.create(model=model, messages=asked, max_tokens=9, stream=True))
        assert "hello" in "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    for model in ("gpt-3.5-turbo-instruct", "anthropic/claude-sonnet-4-5"):
        assert "hello" in client.completions.create(model=model, prompt="hello", max_tokens=9).choices[0].text
    assert len(client.embeddings.create(model="text-embedding-3-small", input=["a", "b"]).data) == 2
    assert client.images.generate(model="gpt-image-1", prompt="a fox").data[0].b64_json
    assert client.images.edit(model="gpt-image-1", image=("a.png", PIXEL), prompt="a hat").data[0].b64_json
    spoken = client.audio.speech.create(model="tts-1", voice="alloy", input="Sif sings", response_format="wav").content
    assert client.audio.transcriptions.create(model="whisper-1", file=("s.wav", spoken)).text == "Sif sings"
    assert client.audio.translations.create(model="whisper-1", file=("s.wav", spoken)).text == "in English: Sif sings"
    made = client.containers.create(name="shed")
    assert client.containers.retrieve(made.id).name == "shed"
    unconfigured = AzureOpenAI(azure_endpoint=f"{url}/openai", api_key="k", api_version="2024-10-21", max_retries=0)
    try:
        unconfigured.chat.completions.create(model="gpt-4o", messages=asked)
    except openai.BadRequestError as error:
        assert "azure is not configured" in str(error)
    else:
        raise AssertionError("who answered?")


SCENARIOS = (generate, amazons, edit, variation, speech, transcription, translation, large, containers, azure)

if __name__ == "__main__":
    name, gateway_url = sys.argv[1:3]
    {each.__name__: each for each in SCENARIOS}[name](gateway_url)
    print(json.dumps({"scenario": name, "sdk": openai.__version__}))

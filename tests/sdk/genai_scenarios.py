"""What a user of the official `google-genai` SDK does. Runs under either generation: ``python … SCENARIO GATEWAY_URL``.

The newest generation asks ``/v1``, that of the era ``/v1beta``.
"""

import base64
import json
import sys
import urllib.error
import urllib.request

import pydantic
from google import genai
from google.genai import errors, types

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
OWN = "gemini-2.5-flash"
FOREIGN = ("openai/gpt-4o", "anthropic/claude-sonnet-4-5")
EVERY = (OWN, *FOREIGN)
KEPT = []
"""Clients close themselves when they are forgotten."""


def client(url, prefix="/genai", **headers):
    options = types.HttpOptions(
        base_url=url + prefix, headers={name.replace("_", "-"): v for name, v in headers.items()}
    )
    made = genai.Client(api_key="anything", http_options=options)
    KEPT.append(made)
    return made


def weather(city: str) -> str:
    """Tells the weather in a city."""
    return f"Rain in {city}."


DECLARED = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather",
            description="Tells the weather.",
            parameters=types.Schema(
                type="OBJECT",
                properties={"city": types.Schema(type="STRING"), "days": types.Schema(type="INTEGER", nullable=True)},
                required=["city"],
            ),
        )
    ]
)
MUST = types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode="ANY"))


def generate(url):
    c = client(url)
    for model in EVERY:
        config = types.GenerateContentConfig(system_instruction="Be brief.", max_output_tokens=50, temperature=0.5)
        reply = c.models.generate_content(model=model, contents="Say hello", config=config)
        assert "Say hello" in reply.text, (model, reply)
        assert reply.candidates[0].finish_reason == types.FinishReason.STOP
        assert reply.candidates[0].content.role == "model"
        usage = reply.usage_metadata
        assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count > 0
        assert reply.response_id and reply.model_version
    by_header = client(url, x_model_provider="openai").models.generate_content(model="gpt-4o", contents="By header")
    assert "By header" in by_header.text and by_header.model_version == "gpt-4o"


def stream(url):
    c = client(url)
    for model in EVERY:
        chunks = list(c.models.generate_content_stream(model=model, contents="a b c d"))
        assert len(chunks) > 3, (model, chunks)
        assert "a b c d" in "".join(chunk.text or "" for chunk in chunks), model
        assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
        assert [chunk.candidates[0].finish_reason for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
        assert chunks[-1].usage_metadata.candidates_token_count > 0
        assert len({chunk.response_id for chunk in chunks}) == 1


def chat(url):
    """Collected streams are sent back piece by piece."""
    for model in EVERY:
        talk = client(url).chats.create(model=model)
        assert "one" in talk.send_message("one").text
        assert "two" in "".join(chunk.text or "" for chunk in talk.send_message_stream("two"))
        assert "three" in talk.send_message("three").text
        assert len(talk.get_history(curated=True)) >= 6, (model, talk.get_history(curated=True))


def tools(url):
    """A call by hand, its answer by hand, whole and streamed, one and two at once."""
    c = client(url)
    for model in EVERY:
        for at_once in (False, True):
            asked = types.Content(role="user", parts=[types.Part(text="Oslo? [[mock:tools=2]]")])
            config = types.GenerateContentConfig(tools=[DECLARED], tool_config=MUST)
            if at_once:
                content = c.models.generate_content(model=model, contents=[asked], config=config).candidates[0].content
            else:
                chunks = c.models.generate_content_stream(model=model, contents=[asked], config=config)
                found = [p for chunk in chunks for p in chunk.candidates[0].content.parts or () if p.function_call]
                content = types.Content(role="model", parts=found)
            calls = [part.function_call for part in content.parts if part.function_call]
            assert [call.name for call in calls] == ["get_weather"] * 2, (model, content)
            assert "Oslo" in calls[0].args["city"], calls
            answers = [
                types.Part.from_function_response(name=call.name, response={"output": f"Sun {n}"})
                for n, call in enumerate(calls)
            ]
            history = [asked, content, types.Content(role="user", parts=answers)]
            reply = c.models.generate_content(
                model=model, contents=history, config=types.GenerateContentConfig(tools=[DECLARED])
            )
            assert "Sun 1" in reply.text, (model, reply)


def automatic_functions(url):
    """The SDK calls the function itself."""
    c = client(url)
    for model in EVERY:
        reply = c.models.generate_content(
            model=model,
            contents="Oslo? [[mock:finish=tool;times=1;id=auto]]",
            config=types.GenerateContentConfig(
                tools=[weather], automatic_function_calling=types.AutomaticFunctionCallingConfig(maximum_remote_calls=3)
            ),
        )
        assert "Rain in Oslo" in reply.text, (model, reply)
        history = reply.automatic_function_calling_history
        assert [part.function_call.name for each in history for part in each.parts if part.function_call] == ["weather"]


class City(pydantic.BaseModel):
    name: str
    people: int
    tags: list[str] = pydantic.Field(min_length=1)
    twin: str | None = None


def structured(url):
    c = client(url)
    for model in EVERY:
        config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=City)
        reply = c.models.generate_content(model=model, contents="Oslo", config=config)
        assert isinstance(reply.parsed, City) and "Oslo" in reply.parsed.name, (model, reply.text)
        config = types.GenerateContentConfig(
            response_mime_type="application/json", response_json_schema=City.model_json_schema()
        )
        reply = c.models.generate_content(model=model, contents="Oslo", config=config)
        assert City.model_validate_json(reply.text).people == 1, (model, reply.text)


def vision(url):
    """The SDK writes bytes in the URL-safe alphabet."""
    c = client(url)
    odd = PIXEL + b"\xfb\xff\xfe"
    for model in EVERY:
        parts = ["What is it?", types.Part.from_bytes(data=odd, mime_type="image/png")]
        reply = c.models.generate_content(model=model, contents=parts)
        assert "What is it?" in reply.text, (model, reply)
    reply = c.models.generate_content(
        model=OWN,
        contents=["And it?", types.Part.from_uri(file_uri="https://example.org/a.png", mime_type="image/png")],
    )
    assert "And it?" in reply.text


def thinking(url):
    c = client(url)
    config = types.GenerateContentConfig(
        thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=2048), max_output_tokens=9000
    )
    for model in (OWN, "anthropic/claude-sonnet-4-5"):
        reply = c.models.generate_content(model=model, contents="Hm", config=config)
        thoughts = [part for part in reply.candidates[0].content.parts if part.thought]
        assert thoughts and "Hm" in thoughts[0].text, (model, reply)
        assert "Hm" in reply.text, (model, reply)
        assert reply.usage_metadata.thoughts_token_count or model != OWN, reply
        chunks = list(c.models.generate_content_stream(model=model, contents="Hm", config=config))
        parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts or ()]
        assert "Hm" in "".join(part.text or "" for part in parts if part.thought)
        assert any(part.thought_signature for part in parts), (model, parts)


def signatures(url):
    """Thinking with tools: the signature comes back where it was, also to Claude, and to Gemini 3 through OpenAI."""
    c = client(url)
    for model in ("gemini-3-pro-preview", "gemini-2.5-flash", "anthropic/claude-sonnet-4-5"):
        budget = {"thinking_level": "HIGH"} if "3-pro" in model else {"thinking_budget": 2048}
        asked = types.Content(role="user", parts=[types.Part(text="Oslo? [[mock:finish=tool;times=1]]")])
        config = types.GenerateContentConfig(
            tools=[DECLARED],
            thinking_config=types.ThinkingConfig(include_thoughts=True, **budget),
            max_output_tokens=9000,
        )
        for streamed in (False, True):
            asked.parts[0].text = f"Oslo? [[mock:tools=1]] {streamed}"
            if streamed:
                chunks = list(c.models.generate_content_stream(model=model, contents=[asked], config=config))
                contents = [chunk.candidates[0].content for chunk in chunks if chunk.candidates[0].content.parts]
            else:
                contents = [
                    c.models.generate_content(model=model, contents=[asked], config=config).candidates[0].content
                ]
            parts = [part for content in contents for part in content.parts]
            call = next(part.function_call for part in parts if part.function_call)
            assert any(part.thought_signature for part in parts), (model, parts)
            answer = types.Part.from_function_response(name=call.name, response={"output": "Sun"})
            history = [asked, *contents, types.Content(role="user", parts=[answer])]
            reply = c.models.generate_content(model=model, contents=history, config=config)
            assert "Sun" in reply.text, (model, streamed, reply)


def embeddings(url):
    c = client(url)
    one = c.models.embed_content(model="gemini-embedding-001", contents="Odin")
    many = c.models.embed_content(
        model="gemini-embedding-001",
        contents=["Odin", "Heimdall"],
        config=types.EmbedContentConfig(task_type="RETRIEVAL_DOCUMENT", title="Edda", output_dimensionality=8),
    )
    assert len(one.embeddings) == 1 and len(one.embeddings[0].values) == 16
    assert [len(each.values) for each in many.embeddings] == [8, 8]
    assert many.embeddings[0].values != many.embeddings[1].values


def foreign_embeddings(url):
    c = client(url)
    one = c.models.embed_content(model="openai/text-embedding-3-small", contents="Odin")
    many = c.models.embed_content(model="openai/text-embedding-3-small", contents=["Odin", "Heimdall"])
    assert many.embeddings[0].values == one.embeddings[0].values != many.embeddings[1].values
    assert len(many.embeddings) == 2


def count(url):
    c = client(url)
    assert c.models.count_tokens(model=OWN, contents="one two three").total_tokens == 3
    assert c.models.count_tokens(model=OWN, contents=["one two", "three four"]).total_tokens == 4
    for model in FOREIGN:
        assert c.models.count_tokens(model=model, contents="one two three").total_tokens > 2, model


def models(url):
    c = client(url)
    listed = list(c.models.list(config={"page_size": 3}))
    names = [model.name for model in listed]
    assert "models/gemini-2.5-flash" in names and len(names) == len(set(names)) >= 4, names
    assert "generateContent" in next(m for m in listed if m.name == f"models/{OWN}").supported_actions
    one = c.models.get(model=OWN)
    assert one.name == f"models/{OWN}" and one.input_token_limit == 1048576
    others = list(client(url, x_bf_list_models_provider="openai").models.list())
    assert "models/openai/gpt-4o" in [model.name for model in others], others
    try:
        c.models.get(model="gemini-nowhere")
    except errors.ClientError as error:
        assert error.code == 404 and error.status == "NOT_FOUND"
    else:
        raise AssertionError


def refused(call, code, status, words=""):
    try:
        call()
    except errors.APIError as error:
        assert (error.code, error.status) == (code, status), error
        assert words in str(error), error
        return error
    raise AssertionError("was not refused")


def errors_(url):
    c = client(url)

    def ask(model, text, **config):
        return lambda: c.models.generate_content(
            model=model, contents=text, config=types.GenerateContentConfig(**config) if config else None
        )

    for model in EVERY:
        refused(ask(model, f"[[mock:status=400;error=no]] {model}"), 400, "INVALID_ARGUMENT", "no")
        refused(ask(model, f"[[mock:status=403;error=no]] {model}"), 403, "PERMISSION_DENIED")
        refused(ask(model, f"[[mock:status=429;retry_after=0]] {model}"), 429, "RESOURCE_EXHAUSTED")
        refused(ask(model, f"[[mock:status=503]] {model}"), 503, "UNAVAILABLE")
        assert (
            "again"
            in c.models.generate_content(model=model, contents=f"again [[mock:status=503;times=1]] {model}").text
        )
        refused(
            lambda m=model: list(c.models.generate_content_stream(model=m, contents=f"[[mock:status=400]] {m}")),
            400,
            "INVALID_ARGUMENT",
        )
        middle = c.models.generate_content_stream(
            model=model, contents=f"a b c d e [[mock:errorafter=4;pace=0.05]] {model}"
        )
        try:
            list(middle)
        except errors.APIError as error:
            assert "verloaded" in str(error), (model, error)
        else:
            raise AssertionError
    refused(ask("nobody/gpt-4o", "?"), 404, "NOT_FOUND")
    refused(
        lambda: client(url, x_model_provider="nobody").models.generate_content(model="m", contents="?"),
        400,
        "INVALID_ARGUMENT",
    )
    for body, field in (
        ({}, "contents"),
        ({"contents": "hello"}, "contents"),
        ({"contents": [{"parts": [{"text": 5}]}]}, "contents.0.parts.0.text"),
        ({"contents": [{"role": "king", "parts": [{"text": "?"}]}]}, "contents.0.role"),
    ):
        status, told = post(url, "/genai/v1beta/models/openai%2Fgpt-4o:generateContent", body)
        assert status == 400 and told["error"]["status"] == "INVALID_ARGUMENT", told
        violated = [each for each in told["error"]["details"] if each["@type"].endswith("BadRequest")]
        assert violated[0]["fieldViolations"][0]["field"] == field, told
    status, told = post(url, "/genai/v1beta/models/x:dance", {})
    assert status in (404, 405) and told["error"]["status"], told


def post(url, path, body):
    request = urllib.request.Request(url + path, json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def foreign(url):
    """Every dialect that a provider may speak behind Google's."""
    c = client(url)
    for model in ("acme/some-model", "claudish/claude-haiku", "bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0"):
        assert "hello" in c.models.generate_content(model=model, contents="hello").text
        assert "hello" in "".join(x.text or "" for x in c.models.generate_content_stream(model=model, contents="hello"))


def sampling(url):
    config = types.GenerateContentConfig(
        temperature=0.3, top_p=0.9, top_k=40, seed=7, presence_penalty=0.1, frequency_penalty=0.2, candidate_count=1,
        max_output_tokens=2, stop_sequences=["END"],
        safety_settings=[types.SafetySetting(category="HARM_CATEGORY_HATE_SPEECH", threshold="BLOCK_NONE")],
    )  # fmt: skip
    for model in (OWN, "openai/gpt-4o"):
        reply = client(url).models.generate_content(model=model, contents="a b c d", config=config)
        assert reply.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS, (model, reply)
    two = client(url).models.generate_content(
        model=OWN, contents="Two", config=types.GenerateContentConfig(candidate_count=2)
    )
    assert len(two.candidates) == 2


def vertex(url):
    """Vertex AI's paths, its models, and another provider's through them."""
    status, told = post(
        url, "/genai/v1beta1/projects/p/locations/l/publishers/google/models/gemini-2.5-flash:generateContent", ASK
    )
    assert status == 400 and "vertex" in told["error"]["message"], told
    path = "/genai/v1/projects/p/locations/l/publishers/openai/models/gpt-4o:generateContent"
    status, told = post(url, path, ASK)
    assert status == 200 and "hello" in told["candidates"][0]["content"]["parts"][0]["text"], told


ASK = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}


def frameworks(url):
    """The same below the prefixes of frameworks, with and without Google's own."""
    for framework in ("/litellm", "/langchain", "/pydanticai"):
        for prefix in (framework, f"{framework}/genai"):
            c = client(url, prefix)
            for model in (OWN, "openai/gpt-4o"):
                assert "hello" in c.models.generate_content(model=model, contents="hello").text, (prefix, model)
            assert f"models/{OWN}" in [model.name for model in c.models.list()], prefix


def pictures(url):
    """Pictures by generateContent, by ``:predict`` of the Gemini API, and by that of Vertex AI."""
    reply = client(url).models.generate_content(
        model="gemini-2.5-flash-image",
        contents="A bridge",
        config=types.GenerateContentConfig(response_modalities=["TEXT", "IMAGE"]),
    )
    assert [part.inline_data.data for part in reply.candidates[0].content.parts if part.inline_data] == [PIXEL]
    body = {"instances": [{"prompt": "A bridge"}], "parameters": {"sampleCount": 2, "aspectRatio": "1:1"}}
    for model in ("imagen-4.0-generate-001", "openai%2Fgpt-image-1"):
        status, told = post(url, f"/genai/v1beta/models/{model}:predict", body)
        assert status == 200 and [each["mimeType"] for each in told["predictions"]] == ["image/png"] * 2, told
    path = "/genai/v1/projects/p/locations/l/publishers/openai/models"
    status, told = post(url, f"{path}/gpt-image-1:predict", body)
    assert status == 200 and base64.b64decode(told["predictions"][0]["bytesBase64Encoded"]) == PIXEL
    body = {"instances": [{"content": "Odin"}, {"content": "Heimdall"}], "parameters": {"outputDimensionality": 8}}
    status, told = post(url, f"{path}/text-embedding-3-small:predict", body)
    assert status == 200 and [len(each["embeddings"]["values"]) for each in told["predictions"]] == [8, 8], told
    for wrong in ({}, {"instances": 5}, {"instances": [{}]}, {"instances": [{"prompt": 5}]}):
        assert post(url, f"{path}/gpt-image-1:predict", wrong)[0] == 400


def speech(url):
    """Sound by generateContent: one voice, and two."""
    one = types.VoiceConfig(prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name="Kore"))
    two = types.MultiSpeakerVoiceConfig(
        speaker_voice_configs=[types.SpeakerVoiceConfig(speaker=name, voice_config=one) for name in ("Odin", "Loki")]
    )
    for voices in (types.SpeechConfig(voice_config=one), types.SpeechConfig(multi_speaker_voice_config=two)):
        config = types.GenerateContentConfig(response_modalities=["AUDIO"], speech_config=voices)
        asked = dict(model="gemini-2.5-flash-preview-tts", contents="Say cheerfully: hello", config=config)
        (part,) = client(url).models.generate_content(**asked).candidates[0].content.parts
        assert part.inline_data.mime_type == "audio/L16;codec=pcm;rate=24000" and part.inline_data.data
        chunks = list(client(url).models.generate_content_stream(**asked))
        heard = [
            each.inline_data.data
            for chunk in chunks
            for each in chunk.candidates[0].content.parts or []
            if each.inline_data
        ]
        assert b"".join(heard) == part.inline_data.data


def videos(url):
    """An operation of Google's own, passed on and asked for until it is done; newer SDKs have it for Vertex AI only."""
    asked = {"instances": [{"prompt": "A bridge"}], "parameters": {"aspectRatio": "16:9"}}
    for model in ("veo-3.1-generate-preview", "gemini%2Fveo-3.1-generate-preview"):
        status, told = post(url, f"/genai/v1beta/models/{model}:predictLongRunning", asked)
        assert status == 200 and told["name"].startswith("models/veo-3.1-generate-preview/operations/"), told
        answers = [json.load(urllib.request.urlopen(f"{url}/genai/v1beta/{told['name']}")) for _ in range(2)]
        assert "done" not in answers[0] and answers[1]["done"], answers
    for model, status, words in (
        ("gemini-2.5-flash", 404, "not found"),
        ("openai%2Fgpt-4o", 400, "not supported by openai"),
        ("nobody%2Fveo", 404, "not found"),
    ):
        found, told = post(url, f"/genai/v1beta/models/{model}:predictLongRunning", asked)
        assert found == status and words in told["error"]["message"], told
    if int(genai.__version__.partition(".")[0]) < 2:
        begun = client(url).models.generate_videos(model="veo-3.1-generate-preview", prompt="A bridge")
        first, done = client(url).operations.get(begun), client(url).operations.get(begun)
        assert not first.done and done.done
        assert done.response.generated_videos[0].video.uri.endswith(":download?alt=media")


def arrays(url):
    """A stream to who asks for no events is one JSON array."""
    for model in ("gemini-2.5-flash", "openai%2Fgpt-4o", "anthropic%2Fclaude-sonnet-4-5"):
        for suffix, number in (("", 4), (" [[mock:errorafter=4;pace=0.05]]", 2)):
            body = {"contents": [{"parts": [{"text": f"a b c d{suffix}"}]}]}
            status, told = post(url, f"/genai/v1beta/models/{model}:streamGenerateContent", body)
            assert status == 200 and len(told) >= number, (model, told)
            assert ("error" in told[-1]) == bool(suffix), (model, told)


if __name__ == "__main__":
    name, where = sys.argv[1], sys.argv[2]
    {"errors": errors_}.get(name, globals().get(name))(where)
    print(json.dumps({"scenario": name, "sdk": genai.__version__}))

"""What users of the `openai` and `anthropic` SDKs do with Gemini. Runs under either generation: ``python … SCENARIO URL``."""

import base64
import io
import json
import sys
import wave

import anthropic
import openai
import pydantic

TWO_FIVE, THREE = "gemini/gemini-2.5-flash", "gemini/gemini-3-pro-preview"
BOTH = (TWO_FIVE, THREE)
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}
CLAUDES = {"name": "get_weather", "input_schema": SCHEMA}


def ours(url):
    return openai.OpenAI(base_url=f"{url}/v1", api_key="any")


def claudes(url):
    return anthropic.Anthropic(base_url=f"{url}/anthropic", api_key="any")


def user(content):
    return [{"role": "user", "content": content}]


def openai_chat(url):
    for model in BOTH:
        asked = [{"role": "system", "content": "Be brief."}, *user("Say hello")]
        reply = ours(url).chat.completions.create(
            model=model, messages=asked, max_tokens=50, temperature=0.3, seed=7, stop=["END"]
        )
        assert "Say hello" in reply.choices[0].message.content and reply.choices[0].finish_reason == "stop"
        assert reply.usage.total_tokens > 0 and reply.model == model.partition("/")[2]
        cut = ours(url).chat.completions.create(model=model, messages=user("a b c d"), max_tokens=2)
        assert cut.choices[0].finish_reason == "length"


def openai_stream(url):
    for model in BOTH:
        chunks = list(
            ours(url).chat.completions.create(
                model=model, messages=user("a b c d"), stream=True, stream_options={"include_usage": True}
            )
        )
        assert "a b c d" in "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
        assert chunks[-1].usage.completion_tokens > 0


def openai_tools(url):
    """Two calls at once; clients that keep only OpenAI's own members satisfy Gemini 3 all the same."""
    for model in BOTH:
        for keeps_all in (True, False):
            asked = user(f"Oslo? [[mock:tools=2]] {keeps_all}")
            reply = ours(url).chat.completions.create(
                model=model, messages=asked, tools=[WEATHER], tool_choice="required"
            )
            message = reply.choices[0].message
            assert reply.choices[0].finish_reason == "tool_calls" and len(message.tool_calls) == 2
            assert len({call.id for call in message.tool_calls}) == 2
            kept = message.model_dump(exclude_none=True)
            if not keeps_all:
                kept = {name: kept[name] for name in ("role", "tool_calls")}
            results = [
                {"role": "tool", "tool_call_id": call.id, "content": f"Sun {n}"}
                for n, call in enumerate(message.tool_calls)
            ]
            history = [*asked, kept, *results]
            again = ours(url).chat.completions.create(model=model, messages=history, tools=[WEATHER])
            assert "Sun 1" in again.choices[0].message.content, (model, again)


class City(pydantic.BaseModel):
    name: str
    people: int


def openai_structured(url):
    for model in BOTH:
        reply = ours(url).chat.completions.parse(model=model, messages=user("Oslo"), response_format=City)
        assert reply.choices[0].message.parsed.people == 1
        reply = ours(url).chat.completions.create(
            model=model, messages=user("Oslo"), response_format={"type": "json_object"}
        )
        assert json.loads(reply.choices[0].message.content)


def openai_vision(url):
    parts = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
    ]
    for model in BOTH:
        reply = ours(url).chat.completions.create(model=model, messages=user(parts))
        assert "What is it?" in reply.choices[0].message.content


def openai_thinking(url):
    """Thoughts, their signature and the call that it belongs to come back as they were."""
    for model in BOTH:
        asked = user("Oslo? [[mock:tools=1]]")
        wanted = {"model": model, "tools": [WEATHER], "reasoning_effort": "high"}
        whole = ours(url).chat.completions.create(messages=asked, **wanted).choices[0].message
        assert "Oslo" in whole.reasoning_content and whole.reasoning_details[0]["signature"].startswith(
            "asbru1:g:call0:"
        )
        with ours(url).chat.completions.stream(messages=asked, **wanted) as stream:
            streamed = stream.get_final_completion().choices[0].message
        assert streamed.tool_calls[0].function.arguments == whole.tool_calls[0].function.arguments
        result = {"role": "tool", "tool_call_id": whole.tool_calls[0].id, "content": "Sun"}
        history = [*asked, whole.model_dump(exclude_none=True), result]
        assert "Sun" in ours(url).chat.completions.create(messages=history, **wanted).choices[0].message.content


def openai_embeddings(url):
    c = ours(url)
    both = c.embeddings.create(model="gemini/gemini-embedding-001", input=["Odin", "Heimdall"], dimensions=8)
    one = c.embeddings.create(model="gemini/gemini-embedding-001", input="Odin", dimensions=8)
    assert [each.index for each in both.data] == [0, 1]
    assert both.data[0].embedding == one.data[0].embedding != both.data[1].embedding
    many = c.embeddings.create(
        model="gemini/gemini-embedding-001", input=[f"text {n}" for n in range(230)], dimensions=8
    )
    alone = c.embeddings.create(model="gemini/gemini-embedding-001", input="text 229", dimensions=8)
    assert len(many.data) == 230 and many.data[229].embedding == alone.data[0].embedding
    try:
        c.embeddings.create(model="gemini/gemini-embedding-001", input=[1, 2, 3])
    except openai.BadRequestError as error:
        assert "tokens" in str(error)
    else:
        raise AssertionError


def openai_images(url):
    """Imagen, and Gemini's own pictures."""
    for model in ("gemini/imagen-4.0-generate-001", "gemini/gemini-2.5-flash-image"):
        reply = ours(url).images.generate(model=model, prompt="A bridge", n=2, size="1024x1024")
        assert [each.b64_json for each in reply.data] == [PIXEL, PIXEL], (model, reply)
    raw = ours(url).images.with_raw_response.generate(
        model="gemini/imagen-4.0-generate-001", prompt="A bridge", size="1536x1024", quality="high"
    )
    assert set(raw.headers["x-asbru-lost"].split(", ")) == {"size", "quality"}, raw.headers
    events = list(ours(url).images.generate(model="gemini/gemini-2.5-flash-image", prompt="A bridge", stream=True))
    assert events[-1].type == "image_generation.completed" and events[-1].b64_json == PIXEL


def openai_speech(url):
    """Plain samples, with a header where a file is wanted."""
    for model in ("gemini/gemini-2.5-flash-preview-tts", "gemini/gemini-3.8-flash-tts"):
        asked = dict(model=model, voice="Kore", input="Heimdall blows his horn")
        samples = ours(url).audio.speech.create(**asked, response_format="pcm")
        assert samples.response.headers["content-type"] == "audio/pcm"
        for more in ({}, {"response_format": "wav"}):
            file = ours(url).audio.speech.create(**asked, **more)
            assert file.response.headers["content-type"] == "audio/wav"
            with wave.open(io.BytesIO(file.content)) as told:
                assert (told.getframerate(), told.readframes(1 << 20)) == (24000, samples.content)
        events = ours(url).audio.speech.create(**asked, response_format="pcm", stream_format="sse").content
        told = [json.loads(line[6:]) for line in events.decode().splitlines() if line.startswith("data: ")]
        assert [each["type"] for each in told] == ["speech.audio.delta", "speech.audio.done"], told
        assert base64.b64decode(told[0]["audio"]) == samples.content and told[1]["usage"]["output_tokens"] > 0
        raw = ours(url).audio.speech.with_raw_response.create(**asked, instructions="Say it softly.", speed=1.5)
        assert raw.headers["x-asbru-lost"] == "speed"
        for wrong, names in (({"response_format": "mp3"}, "response_format"), ({"voice": "alloy"}, "Voice name alloy")):
            try:
                ours(url).audio.speech.create(**{**asked, **wrong})
            except openai.BadRequestError as error:
                assert names in str(error), error
            else:
                raise AssertionError(wrong)


def openai_responses(url):
    for model in BOTH:
        reply = ours(url).responses.create(model=model, input="Say hello", max_output_tokens=50)
        assert "Say hello" in reply.output_text
        kinds = [event.type for event in ours(url).responses.create(model=model, input="a b c", stream=True)]
        assert kinds[-1] == "response.completed" and "response.output_text.delta" in kinds


def openai_errors(url):
    for status, kind in (
        (400, openai.BadRequestError),
        (429, openai.RateLimitError),
        (503, openai.InternalServerError),
    ):
        try:
            ours(url).with_options(max_retries=0).chat.completions.create(
                model=TWO_FIVE, messages=user(f"[[mock:status={status};error=so it is]]")
            )
        except kind as error:
            assert "so it is" in str(error)
        else:
            raise AssertionError
    middle = ours(url).chat.completions.create(
        model=TWO_FIVE, messages=user("a b c d e [[mock:errorafter=3;pace=0.05]]"), stream=True
    )
    try:
        list(middle)
    except openai.APIError as error:
        assert "verloaded" in str(error)
    else:
        raise AssertionError
    cut = ours(url).chat.completions.create(
        model=TWO_FIVE, messages=user("a b c d e [[mock:cut=3;pace=0.05]]"), stream=True
    )
    try:
        list(cut)
    except openai.APIError:
        pass
    else:
        raise AssertionError


def anthropic_messages(url):
    for model in BOTH:
        reply = claudes(url).messages.create(model=model, max_tokens=50, system="Be brief.", messages=user("Say hello"))
        assert "Say hello" in reply.content[0].text and reply.stop_reason == "end_turn"
        assert reply.usage.input_tokens > 0 and reply.usage.output_tokens > 0
        with claudes(url).messages.stream(model=model, max_tokens=50, messages=user("a b c")) as stream:
            assert "a b c" in "".join(stream.text_stream)
            assert stream.get_final_message().stop_reason == "end_turn"


def anthropic_tools(url):
    """Thinking with tools: blocks come back as they were, whole and streamed."""
    for model in BOTH:
        for streamed in (False, True):
            asked = user(f"Oslo? [[mock:tools=1]] {streamed}")
            wanted = {
                "model": model, "max_tokens": 9000, "tools": [CLAUDES], "thinking": {"type": "enabled", "budget_tokens": 2048},
            }  # fmt: skip
            if streamed:
                with claudes(url).messages.stream(messages=asked, **wanted) as stream:
                    message = stream.get_final_message()
            else:
                message = claudes(url).messages.create(messages=asked, **wanted)
            kinds = [block.type for block in message.content]
            assert kinds == ["thinking", "tool_use"] and message.stop_reason == "tool_use", (model, message)
            assert message.content[0].signature.startswith("asbru1:g:call0:")
            result = {"type": "tool_result", "tool_use_id": message.content[1].id, "content": "Sun"}
            history = [*asked, {"role": "assistant", "content": message.content}, *user([result])]
            again = claudes(url).messages.create(messages=history, **wanted)
            assert "Sun" in "".join(block.text for block in again.content if block.type == "text"), (model, again)


def anthropic_vision(url):
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    pdf = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}}
    for model in BOTH:
        content = [image, pdf, {"type": "text", "text": "What is it?"}]
        reply = claudes(url).messages.create(model=model, max_tokens=50, messages=user(content))
        assert "What is it?" in reply.content[0].text


def anthropic_errors(url):
    try:
        claudes(url).messages.create(model=TWO_FIVE, max_tokens=9, messages=user("[[mock:status=400;error=so it is]]"))
    except anthropic.BadRequestError as error:
        assert "so it is" in str(error)
    else:
        raise AssertionError
    try:
        claudes(url).with_options(max_retries=0).messages.create(
            model=TWO_FIVE, max_tokens=9, messages=user("[[mock:status=429;retry_after=3]]")
        )
    except anthropic.RateLimitError as error:
        assert error.response.headers["retry-after"] == "3"
    else:
        raise AssertionError


if __name__ == "__main__":
    name, where = sys.argv[1], sys.argv[2]
    globals()[name](where)
    print(json.dumps({"scenario": name}))

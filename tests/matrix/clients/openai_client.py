"""The official ``openai`` SDK."""

import base64
import io
import json
import struct

from cells import CITY, PIXEL, VOICES, check, main, model
from openai import OpenAI

WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": CITY}}


def make(url):
    client = OpenAI(base_url=f"{url}/openai/v1", api_key="sk-any", max_retries=0)

    def named(provider, kind="chat"):
        return model(provider, "openai", kind)

    def ask(provider, content, **more):
        messages = content if isinstance(content, list) else [{"role": "user", "content": content}]
        return client.chat.completions.create(model=named(provider), messages=messages, max_tokens=200, **more)

    def chat(provider):
        reply = ask(provider, "Say hello")
        check("Say hello" in reply.choices[0].message.content, reply)
        check(reply.choices[0].finish_reason == "stop" and reply.usage.total_tokens > 0, reply)

    def stream(provider):
        chunks = list(ask(provider, "a b c d", stream=True, stream_options={"include_usage": True}))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        check("a b c d" in text, text)
        check([chunk.usage for chunk in chunks if chunk.usage], chunks)

    def tools(provider):
        question = [{"role": "user", "content": "Weather in Oslo? [[mock:tools=1]]"}]
        message = ask(provider, question, tools=[WEATHER], tool_choice="required").choices[0].message
        call = message.tool_calls[0]
        check(call.function.name == "get_weather" and "city" in json.loads(call.function.arguments), message)
        history = [*question, message.model_dump(exclude_none=True)]
        history.append({"role": "tool", "tool_call_id": call.id, "content": "rainy"})
        final = ask(provider, history, tools=[WEATHER])
        check("rainy" in final.choices[0].message.content, final)

    def structured(provider):
        form = {"type": "json_schema", "json_schema": {"name": "place", "schema": CITY, "strict": True}}
        reply = ask(provider, "where", response_format=form)
        check("city" in json.loads(reply.choices[0].message.content), reply)

    def vision(provider):
        image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
        content = [{"role": "user", "content": [image, {"type": "text", "text": "What is this?"}]}]
        check("What is this?" in ask(provider, content).choices[0].message.content)

    def responses(provider):
        reply = client.responses.create(model=named(provider), input="Say hello", max_output_tokens=200)
        check("Say hello" in reply.output_text and reply.usage.total_tokens > 0, reply)
        with client.responses.stream(model=named(provider), input="a b c d", max_output_tokens=200) as events:
            final = [*events] and events.get_final_response()
        check("a b c d" in final.output_text, final)

    def embeddings(provider):
        reply = client.embeddings.create(model=named(provider, "embeddings"), input=["one", "two"])
        check(len(reply.data) == 2 and isinstance(reply.data[1].embedding[0], float), reply)
        coded = client.embeddings.create(
            model=named(provider, "embeddings"), input=["one", "two"], encoding_format="base64"
        )
        numbers = base64.b64decode(coded.data[1].embedding)
        first = struct.unpack_from("<f", numbers)[0]
        check(abs(first - reply.data[1].embedding[0]) < 1e-6, first, reply.data[1].embedding[0])

    def count(provider):
        counted = client.responses.input_tokens.count(model=named(provider), input="Say hello to all of us")
        check(counted.input_tokens > 0, counted)

    def images(provider):
        reply = client.images.generate(model=named(provider, "images"), prompt="a bridge", n=1)
        check(base64.b64decode(reply.data[0].b64_json), reply)

    def speech(provider):
        reply = client.audio.speech.create(model=named(provider, "speech"), voice=VOICES[provider], input="Hello")
        check(len(reply.read()) > 0)

    def transcription(provider):
        sound = io.BytesIO(b"RIFF" + bytes(60))
        sound.name = "sound.wav"
        reply = client.audio.transcriptions.create(model=named(provider, "transcription"), file=sound)
        check(reply.text, reply)

    return {
        "chat": chat, "stream": stream, "tools": tools, "structured": structured, "vision": vision,
        "responses": responses, "embeddings": embeddings, "count": count, "images": images, "speech": speech,
        "transcription": transcription,
    }  # fmt: skip


main(make)

"""The ``litellm`` SDK, in OpenAI's and in Anthropic's dialect."""

import io
import json
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # Its price list would be fetched at import.

import litellm
from cells import CITY, PIXEL, VOICES, check, main, model

WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": CITY}}
litellm.suppress_debug_info = True
litellm.telemetry = False


def make(url):
    def ask(provider, content, **more):
        messages = content if isinstance(content, list) else [{"role": "user", "content": content}]
        named = f"openai/{model(provider, 'openai')}"
        return litellm.completion(
            model=named,
            api_base=f"{url}/litellm",
            api_key="any",
            messages=messages,
            max_tokens=200,
            num_retries=0,
            **more,
        )

    def chat(provider):
        reply = ask(provider, "Say hello")
        check("Say hello" in reply.choices[0].message.content and reply.usage.total_tokens > 0, reply)
        claude = litellm.completion(
            model=f"anthropic/{model(provider, 'anthropic')}", api_base=f"{url}/litellm", api_key="any",
            messages=[{"role": "user", "content": "Say hello"}], max_tokens=200,
        )  # fmt: skip
        check("Say hello" in claude.choices[0].message.content, claude)

    def stream(provider):
        chunks = list(ask(provider, "a b c d", stream=True))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        check("a b c d" in text, text)

    def tools(provider):
        question = [{"role": "user", "content": "Weather in Oslo? [[mock:tools=1]]"}]
        message = ask(provider, question, tools=[WEATHER], tool_choice="required").choices[0].message
        call = message.tool_calls[0]
        check("city" in json.loads(call.function.arguments), message)
        answer = {"role": "tool", "tool_call_id": call.id, "content": "rainy"}
        said = {"role": "assistant", "content": message.content, "tool_calls": [call.model_dump()]}
        final = ask(provider, [*question, said, answer], tools=[WEATHER])
        check("rainy" in final.choices[0].message.content, final)

    def structured(provider):
        form = {"type": "json_schema", "json_schema": {"name": "place", "schema": CITY, "strict": True}}
        reply = ask(provider, "where", response_format=form)
        check("city" in json.loads(reply.choices[0].message.content), reply)

    def vision(provider):
        image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
        reply = ask(provider, [{"role": "user", "content": [image, {"type": "text", "text": "What is this?"}]}])
        check("What is this?" in reply.choices[0].message.content, reply)

    def embeddings(provider):
        reply = litellm.embedding(
            model=f"openai/{model(provider, 'openai', 'embeddings')}", api_base=f"{url}/litellm", api_key="any",
            input=["one", "two"],
        )  # fmt: skip
        check(len(reply.data) == 2, reply)

    def rerank(provider):
        reply = litellm.rerank(
            model=f"cohere/{model(provider, 'cohere', 'rerank')}", api_base=f"{url}/litellm/v2/rerank", api_key="any",
            query="one", documents=["two", "one"], top_n=1, return_documents=None,
        )  # fmt: skip
        check(len(reply.results) == 1 and reply.results[0]["relevance_score"] is not None, reply)

    def images(provider):
        reply = litellm.image_generation(
            model=f"openai/{model(provider, 'openai', 'images')}", api_base=f"{url}/litellm", api_key="any",
            prompt="a bridge", n=1,
        )  # fmt: skip
        check(reply.data[0].b64_json, reply)

    def speech(provider):
        reply = litellm.speech(
            model=f"openai/{model(provider, 'openai', 'speech')}", api_base=f"{url}/litellm", api_key="any",
            voice=VOICES[provider], input="Hello", max_retries=0,
        )  # fmt: skip
        check(len(reply.content) > 0)

    def transcription(provider):
        sound = io.BytesIO(b"RIFF" + bytes(60))
        sound.name = "sound.wav"
        reply = litellm.transcription(
            model=f"openai/{model(provider, 'openai', 'transcription')}", api_base=f"{url}/litellm", api_key="any",
            file=sound, max_retries=0,
        )  # fmt: skip
        check(reply.text, reply)

    return {
        "rerank": rerank, "images": images, "speech": speech, "transcription": transcription, "chat": chat, "stream": stream, "tools": tools, "structured": structured, "vision": vision,
        "embeddings": embeddings,
    }  # fmt: skip


main(make)

"""The official ``anthropic`` SDK."""

import json

from anthropic import Anthropic
from cells import CITY, PIXEL, check, main, model

WEATHER = {"name": "get_weather", "input_schema": CITY}


def make(url):
    client = Anthropic(base_url=f"{url}/anthropic", api_key="sk-any", max_retries=0)

    def ask(provider, content, **more):
        messages = content if isinstance(content, list) else [{"role": "user", "content": content}]
        return client.messages.create(model=model(provider, "anthropic"), messages=messages, max_tokens=200, **more)

    def chat(provider):
        reply = ask(provider, "Say hello")
        check("Say hello" in reply.content[0].text and reply.stop_reason == "end_turn", reply)
        check(reply.usage.input_tokens > 0 and reply.usage.output_tokens > 0, reply)

    def stream(provider):
        messages = [{"role": "user", "content": "a b c d"}]
        with client.messages.stream(model=model(provider, "anthropic"), messages=messages, max_tokens=200) as events:
            text = "".join(events.text_stream)
            final = events.get_final_message()
        check("a b c d" in text and final.usage.output_tokens > 0, text, final)

    def tools(provider):
        question = [{"role": "user", "content": "Weather in Oslo? [[mock:tools=1]]"}]
        reply = ask(provider, question, tools=[WEATHER], tool_choice={"type": "any"})
        call = next(block for block in reply.content if block.type == "tool_use")
        check(call.name == "get_weather" and "city" in call.input and reply.stop_reason == "tool_use", reply)
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "rainy"}
        history = [*question, {"role": "assistant", "content": reply.content}, {"role": "user", "content": [result]}]
        final = ask(provider, history, tools=[WEATHER])
        check("rainy" in final.content[0].text, final)

    def structured(provider):
        form = {"format": {"type": "json_schema", "schema": CITY}}
        reply = ask(provider, "where", extra_body={"output_config": form})
        check("city" in json.loads(reply.content[0].text), reply)

    def vision(provider):
        image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
        reply = ask(provider, [{"role": "user", "content": [image, {"type": "text", "text": "What is this?"}]}])
        check("What is this?" in reply.content[0].text, reply)

    def count(provider):
        messages = [{"role": "user", "content": "Say hello to all of us"}]
        check(client.messages.count_tokens(model=model(provider, "anthropic"), messages=messages).input_tokens > 0)

    return {
        "chat": chat, "stream": stream, "tools": tools, "structured": structured, "vision": vision, "count": count,
    }  # fmt: skip


main(make)

"""The official ``mistralai`` SDK, which posts to ``/v1`` of whatever server it is pointed at."""

import json

from cells import CITY, PIXEL, check, main, model

try:
    from mistralai.client import Mistral
except ImportError:
    from mistralai import Mistral

WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": CITY}}


def make(url):
    client = Mistral(server_url=url, api_key="any")

    def ask(provider, content, **more):
        messages = content if isinstance(content, list) else [{"role": "user", "content": content}]
        return client.chat.complete(model=model(provider, ""), messages=messages, max_tokens=200, **more)

    def chat(provider):
        reply = ask(provider, "Say hello")
        check("Say hello" in reply.choices[0].message.content and reply.usage.total_tokens > 0, reply)

    def stream(provider):
        messages = [{"role": "user", "content": "a b c d"}]
        events = client.chat.stream(model=model(provider, ""), messages=messages, max_tokens=200)
        text = "".join(event.data.choices[0].delta.content or "" for event in events if event.data.choices)
        check("a b c d" in text, text)

    def tools(provider):
        question = [{"role": "user", "content": "Weather in Oslo? [[mock:tools=1]]"}]
        message = ask(provider, question, tools=[WEATHER], tool_choice="required").choices[0].message
        call = message.tool_calls[0]
        arguments = call.function.arguments
        check("city" in (json.loads(arguments) if isinstance(arguments, str) else arguments), message)
        answer = {"role": "tool", "tool_call_id": call.id, "name": "get_weather", "content": "rainy"}
        final = ask(provider, [*question, message, answer], tools=[WEATHER])
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
        reply = client.embeddings.create(model=model(provider, "", "embeddings"), inputs=["one", "two"])
        check(len(reply.data) == 2 and isinstance(reply.data[1].embedding[0], float), reply)

    return {
        "chat": chat, "stream": stream, "tools": tools, "structured": structured, "vision": vision,
        "embeddings": embeddings,
    }  # fmt: skip


main(make)

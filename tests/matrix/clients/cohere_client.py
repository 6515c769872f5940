"""The official ``cohere`` SDK, version 2 of the API."""

import json

import cohere
from cells import CITY, PIXEL, check, main, model

WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "Weather.", "parameters": CITY}}


def make(url):
    client = cohere.ClientV2(base_url=f"{url}/cohere", api_key="any")

    def ask(provider, content, **more):
        messages = content if isinstance(content, list) else [{"role": "user", "content": content}]
        return client.chat(model=model(provider, "cohere"), messages=messages, max_tokens=200, **more)

    def text_of(reply):
        return "".join(part.text for part in reply.message.content or [] if part.type == "text")

    def chat(provider):
        reply = ask(provider, "Say hello")
        check("Say hello" in text_of(reply) and reply.usage.tokens.output_tokens > 0, reply)

    def stream(provider):
        messages = [{"role": "user", "content": "a b c d"}]
        events = list(client.chat_stream(model=model(provider, "cohere"), messages=messages, max_tokens=200))
        text = "".join(event.delta.message.content.text or "" for event in events if event.type == "content-delta")
        check("a b c d" in text and events[-1].type == "message-end", text)

    def tools(provider):
        question = {"role": "user", "content": "Weather in Oslo? [[mock:tools=1]]"}
        message = ask(provider, [question], tools=[WEATHER], tool_choice="REQUIRED").message
        call = message.tool_calls[0]
        check("city" in json.loads(call.function.arguments), message)
        answer = {"role": "tool", "tool_call_id": call.id, "content": "rainy"}
        final = ask(provider, [question, message, answer], tools=[WEATHER])
        check("rainy" in text_of(final), final)

    def structured(provider):
        reply = ask(provider, "where", response_format={"type": "json_object", "json_schema": CITY})
        check("city" in json.loads(text_of(reply)), reply)

    def vision(provider):
        image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
        reply = ask(provider, [{"role": "user", "content": [image, {"type": "text", "text": "What is this?"}]}])
        check("What is this?" in text_of(reply), reply)

    def embeddings(provider):
        reply = client.embed(
            model=model(provider, "cohere", "embeddings"), texts=["one", "two"], input_type="search_document",
            embedding_types=["float"],
        )  # fmt: skip
        check(len(reply.embeddings.float_) == 2, reply)

    def rerank(provider):
        reply = client.rerank(model=model(provider, "cohere", "rerank"), query="one", documents=["two", "one"], top_n=1)
        check(len(reply.results) == 1 and reply.results[0].relevance_score is not None, reply)

    return {
        "chat": chat, "stream": stream, "tools": tools, "structured": structured, "vision": vision,
        "embeddings": embeddings, "rerank": rerank,
    }  # fmt: skip


main(make)

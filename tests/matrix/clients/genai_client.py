"""The official ``google-genai`` SDK."""

import base64
import json

from cells import CITY, PIXEL, check, main, model
from google import genai
from google.genai import types

WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather",
            description="The weather in a city.",
            parameters=types.Schema(type="OBJECT", properties={"city": types.Schema(type="STRING")}, required=["city"]),
        )
    ]
)


def make(url):
    client = genai.Client(api_key="any", http_options=types.HttpOptions(base_url=f"{url}/genai"))

    def ask(provider, contents, **config):
        settings = types.GenerateContentConfig(max_output_tokens=200, **config)
        return client.models.generate_content(model=model(provider, "gemini"), contents=contents, config=settings)

    def chat(provider):
        reply = ask(provider, "Say hello")
        check("Say hello" in reply.text and reply.usage_metadata.total_token_count > 0, reply)

    def stream(provider):
        pieces = client.models.generate_content_stream(model=model(provider, "gemini"), contents="a b c d")
        text = "".join(piece.text or "" for piece in pieces)
        check("a b c d" in text, text)

    def tools(provider):
        question = types.Content(role="user", parts=[types.Part(text="Weather in Oslo? [[mock:tools=1]]")])
        calling = types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode="ANY"))
        reply = ask(provider, [question], tools=[WEATHER], tool_config=calling)
        call = reply.function_calls[0]
        check(call.name == "get_weather" and "city" in call.args, reply)
        answer = types.Part.from_function_response(name=call.name, response={"weather": "rainy"})
        answer.function_response.id = call.id
        history = [question, reply.candidates[0].content, types.Content(role="user", parts=[answer])]
        final = ask(provider, history, tools=[WEATHER])
        check("rainy" in final.text, final)

    def structured(provider):
        reply = ask(provider, "where", response_mime_type="application/json", response_json_schema=CITY)
        check("city" in json.loads(reply.text), reply)

    def vision(provider):
        image = types.Part.from_bytes(data=base64.b64decode(PIXEL), mime_type="image/png")
        check("What is this?" in ask(provider, [image, "What is this?"]).text)

    def embeddings(provider):
        reply = client.models.embed_content(model=model(provider, "gemini", "embeddings"), contents=["one", "two"])
        check(len(reply.embeddings) == 2 and isinstance(reply.embeddings[1].values[0], float), reply)

    def count(provider):
        counted = client.models.count_tokens(model=model(provider, "gemini"), contents="Say hello to all of us")
        check(counted.total_tokens > 0, counted)

    def images(provider):
        reply = client.models.generate_images(
            model=model(provider, "gemini", "images"),
            prompt="a bridge",
            config=types.GenerateImagesConfig(number_of_images=1),
        )
        check(reply.generated_images[0].image.image_bytes, reply)

    return {
        "chat": chat, "stream": stream, "tools": tools, "structured": structured, "vision": vision,
        "embeddings": embeddings, "count": count, "images": images,
    }  # fmt: skip


main(make)

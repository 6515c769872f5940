"""``pydantic-ai``, in the dialects of OpenAI (chat and Responses) and Anthropic."""

import asyncio
import base64

from anthropic import AsyncAnthropic
from cells import PIXEL, check, main, model
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider


class Place(BaseModel):
    """A place."""

    city: str


def make(url):
    openai = OpenAIProvider(base_url=f"{url}/pydanticai/v1", api_key="any")
    claude = AnthropicProvider(anthropic_client=AsyncAnthropic(base_url=f"{url}/pydanticai", api_key="any"))

    def models(provider):
        yield OpenAIChatModel(model(provider, "openai"), provider=openai)
        yield OpenAIResponsesModel(model(provider, "openai"), provider=openai)
        yield AnthropicModel(model(provider, "anthropic"), provider=claude)

    def each(work):
        def feature(provider):
            for one in models(provider):
                try:
                    asyncio.run(work(one))
                except Exception as failed:
                    raise AssertionError(f"{type(one).__name__}: {type(failed).__name__}: {failed}") from failed

        return feature

    async def chat(one):
        check("Say hello" in (await Agent(one).run("Say hello")).output)

    async def stream(one):
        async with Agent(one).run_stream("a b c d") as reply:
            check("a b c d" in await reply.get_output())

    async def tools(one):
        asked = []
        agent = Agent(one)

        @agent.tool_plain
        def get_weather(city: str) -> str:
            """The weather in a city."""
            asked.append(city)
            return "rainy"

        reply = await agent.run("Weather in Oslo? [[mock:tools=1]]")
        check(asked and "rainy" in reply.output, asked, reply.output)

    async def structured(one):
        check(isinstance((await Agent(one, output_type=Place).run("where")).output, Place))

    async def vision(one):
        image = BinaryContent(base64.b64decode(PIXEL), media_type="image/png")
        check("What is this?" in (await Agent(one).run([image, "What is this?"])).output)

    features = {"chat": chat, "stream": stream, "tools": tools, "structured": structured, "vision": vision}
    return {name: each(work) for name, work in features.items()}


main(make)

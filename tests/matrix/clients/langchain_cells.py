"""What LangChain's chat models all do alike."""

from cells import PIXEL, check
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"rainy in {city}"


class Place(BaseModel):
    """A place."""

    city: str


def chat_features(chat_of, must="any"):
    """``chat_of(provider)``: the chat model. ``must``: the tool choice that demands a call."""

    def chat(provider):
        reply = chat_of(provider).invoke("Say hello")
        check("Say hello" in reply.text and reply.usage_metadata["total_tokens"] > 0, reply)

    def stream(provider):
        text = "".join(chunk.text for chunk in chat_of(provider).stream("a b c d"))
        check("a b c d" in text, text)

    def tools(provider):
        bound = chat_of(provider).bind_tools([get_weather], tool_choice=must)
        question = HumanMessage("Weather in Oslo? [[mock:tools=1]]")
        reply = bound.invoke([question])
        call = reply.tool_calls[0]
        check(call["name"] == "get_weather" and "city" in call["args"], reply)
        answer = ToolMessage("rainy", tool_call_id=call["id"], name="get_weather")
        final = chat_of(provider).bind_tools([get_weather]).invoke([question, reply, answer])
        check("rainy" in final.text, final)

    def structured(provider):
        place = chat_of(provider).with_structured_output(Place).invoke("where")
        check(isinstance(place, Place) and isinstance(place.city, str), place)

    def vision(provider):
        image = {"type": "image", "source_type": "base64", "data": PIXEL, "mime_type": "image/png"}
        reply = chat_of(provider).invoke([HumanMessage([image, {"type": "text", "text": "What is this?"}])])
        check("What is this?" in reply.text, reply)

    return {"chat": chat, "stream": stream, "tools": tools, "structured": structured, "vision": vision}

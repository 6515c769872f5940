"""OpenAI's custom tools, which take free text (``ChatCompletionCustomToolParam``, ``responses.CustomToolParam`` 3.54).

Rule 1. In the model such a tool is a function with one string, ``input``, and so is a call of it: whoever has no
custom tools is asked for that. A grammar that the text must match is told in the description then, and named in
``lost``, as nobody enforces it.
Rule 2. A call becomes free text again in these two formats: it says so itself, or the tool that was offered does.
"""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from asbru.model.chat import Ask, Custom, Tool, ToolCall
from asbru.wire.openai.chat_words import arguments_text
from asbru.wire.shapes import BAD_JSON, write_json

Json = dict[str, object]

INPUT = "input"
_SCHEMA = Raw(
    b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}'
)
BEGIN = '{"input":"'
END = '"}'

_members = msgspec.json.Decoder(dict[str, object]).decode


def custom_tool(name: str, custom: Custom) -> Tool:
    """The tool as a function."""
    words = [custom.description] if custom.description else []
    if custom.definition:
        words.append(f"The input must match this {custom.syntax} grammar:\n{custom.definition}")
    return Tool(name=name, description="\n\n".join(words), schema=_SCHEMA, custom=custom)


def as_call(id: str, name: str, text: str) -> ToolCall:
    """A call with this text."""
    return ToolCall(id=id, name=name, arguments=Raw(write_json({INPUT: text})), custom=True)


def piece(text: str) -> str:
    """A piece of the text of a call, between BEGIN and END of its arguments."""
    return write_json(text).decode()[1:-1]


def input_of(arguments: Raw) -> str:
    """The text in a call's arguments; those of a model that did not keep to the function are the text themselves."""
    text = arguments_text(arguments)
    try:
        found = _members(text).get(INPUT)
    except BAD_JSON:
        return text
    return found if isinstance(found, str) else text


def customs(ask: Ask | None) -> frozenset[str]:
    """The names of the custom tools that were offered."""
    return frozenset(tool.name for tool in ask.tools if tool.custom) if ask is not None and ask.tools else frozenset()


def is_custom(call: ToolCall, offered: frozenset[str]) -> bool:
    """Whether a call is one of free text."""
    return call.custom or call.name in offered


def grammar_of(custom: Custom) -> Mapping[str, str] | None:
    """The grammar, None where any text will do."""
    return {"definition": custom.definition, "syntax": custom.syntax} if custom.definition else None

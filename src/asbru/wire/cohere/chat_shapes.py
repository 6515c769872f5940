"""The members of a v2 chat request (``cohere`` SDK 7.3, ``v2/raw_client.py`` and the types beside it)."""

from msgspec import Raw, Struct

from asbru.wire.shapes import NOTHING, Shape


class ThinkingOption(Struct, forbid_unknown_fields=True):
    type: str
    token_budget: int | None = None


class Body(Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    messages: list[Raw]
    tools: list[Raw] | None = None
    strict_tools: bool | None = None
    tool_choice: str | None = None
    documents: list[Raw] | None = None
    response_format: Raw = NOTHING
    thinking: ThinkingOption | None = None
    temperature: float | None = None
    p: float | None = None
    k: int | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop_sequences: list[str] | None = None
    max_tokens: int | None = None
    logprobs: bool | None = None
    stream: bool | None = None


class Message(Struct, kw_only=True, forbid_unknown_fields=True):
    """Any role's message."""

    role: str
    content: str | list[Raw] | None = None
    tool_calls: list[Raw] | None = None
    tool_plan: str | None = None
    tool_call_id: str | None = None
    citations: list[Raw] | None = None


class TextPart(Struct, forbid_unknown_fields=True):
    type: str
    text: str


class ThinkingPart(Struct, forbid_unknown_fields=True):
    type: str
    thinking: str


class ImageUrl(Struct, forbid_unknown_fields=True):
    url: str
    detail: str | None = None


class ImagePart(Struct, forbid_unknown_fields=True):
    type: str
    image_url: ImageUrl


class Source(Struct, kw_only=True, forbid_unknown_fields=True):
    """A document to cite. ``data``: an object of strings, or (as Cohere's guides have it) the text of one."""

    data: Raw
    id: str | None = None


class DocumentPart(Struct, forbid_unknown_fields=True):
    type: str
    document: Source


class Function(Struct, forbid_unknown_fields=True):
    name: str
    arguments: str | None = None


class ToolCallShape(Struct, kw_only=True, forbid_unknown_fields=True):
    id: str
    function: Function
    type: str = "function"


class FunctionDefinition(Struct, kw_only=True, forbid_unknown_fields=True):
    name: str
    description: str | None = None
    parameters: Raw = NOTHING


class ToolShape(Struct, forbid_unknown_fields=True):
    function: FunctionDefinition
    type: str = "function"


class ResponseFormat(Struct, forbid_unknown_fields=True):
    type: str
    json_schema: Raw = NOTHING


BODY = Shape(Body)
MESSAGE = Shape(Message)
TEXT = Shape(TextPart)
THINKING = Shape(ThinkingPart)
IMAGE = Shape(ImagePart)
SOURCE = Shape(Source)
DOCUMENT = Shape(DocumentPart)
TOOL_CALL = Shape(ToolCallShape)
TOOL = Shape(ToolShape)
RESPONSE_FORMAT = Shape(ResponseFormat)

"""The members of a chat completions request, as ``openai.types.chat`` (3.54) and compatible servers have them."""

from msgspec import Raw, Struct

from asbru.wire.shapes import NOTHING, Shape


class StreamOptions(Struct):
    include_usage: bool | None = None


class Reasoning(Struct):
    """OpenRouter's and Bifrost's older way to say ``reasoning_effort``."""

    effort: str | None = None
    max_tokens: int | None = None


class Body(Struct, kw_only=True, forbid_unknown_fields=True):
    """``top_k``, ``reasoning`` are not OpenAI's; compatible servers know them."""

    model: str
    messages: list[Raw]
    tools: list[Raw] | None = None
    functions: list[Raw] | None = None
    tool_choice: Raw = NOTHING
    function_call: Raw = NOTHING
    parallel_tool_calls: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    n: int | None = None
    stop: str | list[str] | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    response_format: Raw = NOTHING
    reasoning_effort: str | None = None
    reasoning: Reasoning | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: str | None = None
    service_tier: str | None = None


class Function(Struct, forbid_unknown_fields=True):
    name: str
    arguments: str | None = None


class Message(Struct, kw_only=True, forbid_unknown_fields=True):
    """Any role's message. ``reasoning*`` are compatible servers': DeepSeek, vLLM, llama.cpp; OpenRouter.

    ``images``: what the model drew, in OpenRouter's and LiteLLM's words.
    """

    role: str
    content: str | list[Raw] | None = None
    name: str | None = None
    tool_calls: list[Raw] | None = None
    tool_call_id: str | None = None
    function_call: Function | None = None
    refusal: str | None = None
    annotations: list[Raw] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Raw] | None = None
    images: list[Raw] | None = None


class TextPart(Struct, forbid_unknown_fields=True):
    type: str
    text: str


class RefusalPart(Struct, forbid_unknown_fields=True):
    type: str
    refusal: str


class ImageUrl(Struct, forbid_unknown_fields=True):
    url: str
    detail: str | None = None


class ImagePart(Struct, kw_only=True, forbid_unknown_fields=True):
    """``index`` is a streaming member that clients leave in."""

    image_url: ImageUrl
    type: str = "image_url"
    index: int | None = None


class InputAudio(Struct, forbid_unknown_fields=True):
    data: str
    format: str


class AudioPart(Struct, forbid_unknown_fields=True):
    type: str
    input_audio: InputAudio


class File(Struct, forbid_unknown_fields=True):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class FilePart(Struct, forbid_unknown_fields=True):
    type: str
    file: File


class ToolCallShape(Struct, kw_only=True, forbid_unknown_fields=True):
    """``index`` is a streaming member that some clients leave in."""

    id: str
    function: Function
    type: str = "function"
    index: int | None = None


class CustomCall(Struct, forbid_unknown_fields=True):
    name: str
    input: str


class CustomCallShape(Struct, kw_only=True, forbid_unknown_fields=True):
    id: str
    custom: CustomCall
    type: str
    index: int | None = None


class Grammar(Struct, forbid_unknown_fields=True):
    definition: str
    syntax: str


class CustomFormat(Struct, forbid_unknown_fields=True):
    type: str
    grammar: Grammar | None = None


class CustomDefinition(Struct, kw_only=True, forbid_unknown_fields=True):
    name: str
    description: str | None = None
    format: CustomFormat | None = None


class CustomToolShape(Struct, forbid_unknown_fields=True):
    type: str
    custom: CustomDefinition


class FunctionDefinition(Struct, kw_only=True, forbid_unknown_fields=True):
    name: str
    description: str | None = None
    parameters: Raw = NOTHING
    strict: bool | None = None


class ToolShape(Struct, forbid_unknown_fields=True):
    type: str
    function: FunctionDefinition


class JsonSchema(Struct, kw_only=True, forbid_unknown_fields=True):
    name: str
    description: str | None = None
    schema: Raw = NOTHING
    strict: bool | None = None


class ResponseFormat(Struct, forbid_unknown_fields=True):
    type: str
    json_schema: JsonSchema | None = None


class Named(Struct):
    name: str


class AllowedTool(Struct):
    function: Named | None = None
    custom: Named | None = None


class AllowedTools(Struct):
    mode: str
    tools: list[AllowedTool]


class Choice(Struct):
    """``tool_choice`` as an object, and the legacy ``function_call: {"name"}``."""

    type: str = "function"
    function: Named | None = None
    custom: Named | None = None
    allowed_tools: AllowedTools | None = None
    name: str | None = None


BODY = Shape(Body)
MESSAGE = Shape(Message)
TEXT = Shape(TextPart)
REFUSAL = Shape(RefusalPart)
IMAGE = Shape(ImagePart)
AUDIO = Shape(AudioPart)
FILE = Shape(FilePart)
TOOL_CALL = Shape(ToolCallShape)
TOOL = Shape(ToolShape)
CUSTOM_CALL = Shape(CustomCallShape)
CUSTOM_TOOL = Shape(CustomToolShape)
FUNCTION = Shape(FunctionDefinition)
RESPONSE_FORMAT = Shape(ResponseFormat)

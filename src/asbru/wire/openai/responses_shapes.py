"""The members of a Responses request, as ``openai.types.responses`` (3.54) has them."""

from msgspec import Raw, Struct

from asbru.wire.shapes import NOTHING, Shape


class Reasoning(Struct, forbid_unknown_fields=True):
    """``summary`` (``generate_summary`` in older clients): how reasoning is told, not how much there is of it."""

    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


class TextFormat(Struct, kw_only=True, forbid_unknown_fields=True):
    type: str
    name: str | None = None
    description: str | None = None
    schema: Raw = NOTHING
    strict: bool | None = None


class TextConfig(Struct, forbid_unknown_fields=True):
    format: Raw = NOTHING


class Body(Struct, kw_only=True, forbid_unknown_fields=True):
    """``conversation`` and ``prompt`` name what only OpenAI holds. ``include`` asks for what is told anyway, or not
    there.
    """

    model: str = ""
    input: str | list[Raw] | None = None
    instructions: str | list[Raw] | None = None
    tools: list[Raw] | None = None
    tool_choice: Raw = NOTHING
    parallel_tool_calls: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    max_output_tokens: int | None = None
    text: Raw = NOTHING
    reasoning: Raw = NOTHING
    stream: bool | None = None
    stream_options: Raw = NOTHING
    store: bool | None = None
    include: list[str] | None = None
    truncation: str | None = None
    user: str | None = None
    service_tier: str | None = None
    previous_response_id: str | None = None
    conversation: Raw = NOTHING
    prompt: Raw = NOTHING


class ItemHead(Struct):
    """What tells an item's kind. A message may leave out ``type``, and so may a reference."""

    type: str | None = None
    role: str | None = None
    id: str | None = None


class MessageItem(Struct, kw_only=True, forbid_unknown_fields=True):
    """``id`` and ``status`` are told of messages that a model wrote; they mean nothing to another one."""

    role: str
    content: str | list[Raw]
    type: str | None = None
    id: str | None = None
    status: str | None = None


class FunctionCallItem(Struct, kw_only=True, forbid_unknown_fields=True):
    type: str
    call_id: str
    name: str
    arguments: str
    id: str | None = None
    status: str | None = None


class FunctionCallOutput(Struct, kw_only=True, forbid_unknown_fields=True):
    """``name`` may say again which function it was."""

    type: str
    call_id: str
    output: str | list[Raw]
    id: str | None = None
    status: str | None = None
    name: str | None = None


class CustomCallItem(Struct, kw_only=True, forbid_unknown_fields=True):
    type: str
    call_id: str
    name: str
    input: str
    id: str | None = None
    status: str | None = None


class ReasoningText(Struct):
    text: str


class ReasoningItem(Struct, kw_only=True, forbid_unknown_fields=True):
    type: str
    id: str | None = None
    summary: list[ReasoningText] | None = None
    content: list[ReasoningText] | None = None
    encrypted_content: str | None = None
    status: str | None = None


class InputText(Struct, forbid_unknown_fields=True):
    type: str
    text: str


class OutputText(Struct, forbid_unknown_fields=True):
    type: str
    text: str
    annotations: list[Raw] | None = None
    logprobs: Raw = NOTHING


class RefusalPart(Struct, forbid_unknown_fields=True):
    type: str
    refusal: str


class InputImage(Struct, forbid_unknown_fields=True):
    type: str
    image_url: str | None = None
    file_id: str | None = None
    detail: str | None = None


class InputFile(Struct, forbid_unknown_fields=True):
    type: str
    file_id: str | None = None
    file_url: str | None = None
    file_data: str | None = None
    filename: str | None = None


class Audio(Struct, forbid_unknown_fields=True):
    data: str
    format: str


class InputAudio(Struct, forbid_unknown_fields=True):
    type: str
    input_audio: Audio


class FunctionTool(Struct, kw_only=True, forbid_unknown_fields=True):
    type: str
    name: str
    description: str | None = None
    parameters: Raw = NOTHING
    strict: bool | None = None


class CustomFormat(Struct, kw_only=True, forbid_unknown_fields=True):
    type: str
    definition: str | None = None
    syntax: str | None = None


class CustomTool(Struct, kw_only=True, forbid_unknown_fields=True):
    type: str
    name: str
    description: str | None = None
    format: CustomFormat | None = None


class AllowedTool(Struct):
    type: str = "function"
    name: str | None = None


class Choice(Struct):
    """``tool_choice`` as an object."""

    type: str
    name: str | None = None
    mode: str = "auto"
    tools: list[AllowedTool] | None = None


BODY = Shape(Body)
REASONING = Shape(Reasoning)
TEXT_CONFIG = Shape(TextConfig)
TEXT_FORMAT = Shape(TextFormat)
HEAD = Shape(ItemHead)
MESSAGE = Shape(MessageItem)
FUNCTION_CALL = Shape(FunctionCallItem)
FUNCTION_OUTPUT = Shape(FunctionCallOutput)
REASONING_ITEM = Shape(ReasoningItem)
INPUT_TEXT = Shape(InputText)
OUTPUT_TEXT = Shape(OutputText)
REFUSAL = Shape(RefusalPart)
IMAGE = Shape(InputImage)
FILE = Shape(InputFile)
AUDIO = Shape(InputAudio)
CUSTOM_CALL = Shape(CustomCallItem)
CUSTOM_TOOL = Shape(CustomTool)
FUNCTION_TOOL = Shape(FunctionTool)

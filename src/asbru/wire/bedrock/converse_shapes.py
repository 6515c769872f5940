"""The members of a Converse request: botocore, bedrock-runtime 2023-09-30 (``ConverseRequest`` and below)."""

from msgspec import Raw, Struct

from asbru.wire.shapes import NOTHING, Shape


class Body(Struct, kw_only=True, forbid_unknown_fields=True):
    """What has a word in the model; the rest is kept as it came."""

    messages: list[Raw] | None = None
    system: list[Raw] | None = None
    inferenceConfig: Raw = NOTHING  # noqa: N815
    toolConfig: Raw = NOTHING  # noqa: N815
    additionalModelRequestFields: Raw = NOTHING  # noqa: N815
    serviceTier: Raw = NOTHING  # noqa: N815
    outputConfig: Raw = NOTHING  # noqa: N815


class Message(Struct, forbid_unknown_fields=True):
    role: str
    content: list[Raw]


class Inference(Struct, forbid_unknown_fields=True, rename="camel"):
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: list[str] | None = None


class ToolConfig(Struct, forbid_unknown_fields=True, rename="camel"):
    tools: list[Raw] | None = None
    tool_choice: Raw = NOTHING


class InputSchema(Struct, forbid_unknown_fields=True):
    json: Raw


class ToolSpec(Struct, forbid_unknown_fields=True, rename="camel"):
    name: str
    input_schema: InputSchema
    description: str | None = None
    strict: bool | None = None


class Named(Struct, forbid_unknown_fields=True):
    name: str


class Tier(Struct, forbid_unknown_fields=True):
    type: str


class JsonSchema(Struct, forbid_unknown_fields=True):
    """``schema`` is JSON in a string."""

    schema: str
    name: str | None = None
    description: str | None = None


class Structure(Struct, forbid_unknown_fields=True, rename="camel"):
    json_schema: JsonSchema


class TextFormat(Struct, forbid_unknown_fields=True):
    type: str
    structure: Structure


class OutputConfig(Struct, forbid_unknown_fields=True, rename="camel"):
    text_format: TextFormat | None = None
    effort: str | None = None


class CachePoint(Struct, forbid_unknown_fields=True):
    type: str = "default"
    ttl: str | None = None


class Source(Struct, forbid_unknown_fields=True, rename="camel"):
    """Where a medium comes from: exactly one member."""

    bytes: str | None = None
    text: str | None = None
    s3_location: Raw = NOTHING
    content: Raw = NOTHING


class Medium(Struct, forbid_unknown_fields=True):
    """An image or an audio clip."""

    format: str
    source: Source


class Citations(Struct, forbid_unknown_fields=True):
    enabled: bool = False


class DocumentBlock(Struct, forbid_unknown_fields=True):
    source: Source
    name: str = ""
    format: str | None = None
    context: str | None = None
    citations: Citations | None = None


class ToolUse(Struct, forbid_unknown_fields=True, rename="camel"):
    tool_use_id: str
    name: str
    input: Raw
    type: str | None = None


class ToolResultBlock(Struct, forbid_unknown_fields=True, rename="camel"):
    tool_use_id: str
    content: list[Raw]
    status: str | None = None
    type: str | None = None


class ReasoningText(Struct, forbid_unknown_fields=True):
    text: str
    signature: str | None = None


class Reasoning(Struct, forbid_unknown_fields=True, rename="camel"):
    reasoning_text: ReasoningText | None = None
    redacted_content: str | None = None


class Words(Struct, forbid_unknown_fields=True):
    text: str = ""


class CitedText(Struct, forbid_unknown_fields=True):
    content: list[Words] | None = None
    citations: list[Raw] | None = None


BODY = Shape(Body)
MESSAGE = Shape(Message)
INFERENCE = Shape(Inference)
TOOL_CONFIG = Shape(ToolConfig)
TOOL_SPEC = Shape(ToolSpec)
NAMED = Shape(Named)
TIER = Shape(Tier)
OUTPUT_CONFIG = Shape(OutputConfig)
CACHE_POINT = Shape(CachePoint)
MEDIUM = Shape(Medium)
DOCUMENT = Shape(DocumentBlock)
TOOL_USE = Shape(ToolUse)
TOOL_RESULT = Shape(ToolResultBlock)
REASONING = Shape(Reasoning)
CITED = Shape(CitedText)

"""The members of a messages request, as ``anthropic.types`` (2.12) and its era sibling (0.95) have them."""

from msgspec import Raw, Struct

from asbru.wire.shapes import NOTHING, Shape


class Body(Struct, kw_only=True, forbid_unknown_fields=True):
    """``output_format`` is the beta name of ``output_config.format`` in the era SDK."""

    model: str
    messages: list[Raw]
    max_tokens: int
    system: str | list[Raw] | None = None
    tools: list[Raw] | None = None
    tool_choice: Raw = NOTHING
    thinking: Raw = NOTHING
    output_config: Raw = NOTHING
    output_format: Raw = NOTHING
    metadata: Raw = NOTHING
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    service_tier: str | None = None


class Message(Struct, forbid_unknown_fields=True):
    role: str
    content: str | list[Raw]


class CacheControl(Struct, forbid_unknown_fields=True):
    type: str = "ephemeral"
    ttl: str | None = None


class TextBlock(Struct, forbid_unknown_fields=True):
    type: str
    text: str
    cache_control: CacheControl | None = None
    citations: list[Raw] | None = None


class Source(Struct, forbid_unknown_fields=True):
    """Where an image or a document comes from; which members count depends on ``type``."""

    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    content: Raw = NOTHING


class ImageBlock(Struct, forbid_unknown_fields=True):
    type: str
    source: Source
    cache_control: CacheControl | None = None


class Citations(Struct, forbid_unknown_fields=True):
    enabled: bool = False


class DocumentBlock(Struct, forbid_unknown_fields=True):
    type: str
    source: Source
    title: str | None = None
    context: str | None = None
    citations: Citations | None = None
    cache_control: CacheControl | None = None


class ThinkingBlock(Struct, forbid_unknown_fields=True):
    type: str
    thinking: str
    signature: str = ""


class RedactedBlock(Struct, forbid_unknown_fields=True):
    type: str
    data: str


class ToolUseBlock(Struct, forbid_unknown_fields=True):
    type: str
    id: str
    name: str
    input: Raw
    cache_control: CacheControl | None = None


class ToolResultBlock(Struct, forbid_unknown_fields=True):
    type: str
    tool_use_id: str
    content: str | list[Raw] | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None


class ToolShape(Struct, forbid_unknown_fields=True):
    name: str
    input_schema: Raw
    type: str | None = None
    description: str | None = None
    strict: bool | None = None
    cache_control: CacheControl | None = None


class ToolKind(Struct):
    """What tells a user's tool from one of Anthropic's own."""

    type: str | None = None
    name: str = ""


class Choice(Struct, forbid_unknown_fields=True):
    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class ThinkingConfig(Struct, forbid_unknown_fields=True):
    type: str
    budget_tokens: int | None = None


class JsonFormat(Struct, forbid_unknown_fields=True):
    type: str
    schema: Raw


class OutputConfig(Struct, forbid_unknown_fields=True):
    effort: str | None = None
    format: JsonFormat | None = None


class Metadata(Struct, forbid_unknown_fields=True):
    user_id: str | None = None


BODY = Shape(Body)
MESSAGE = Shape(Message)
TEXT = Shape(TextBlock)
IMAGE = Shape(ImageBlock)
DOCUMENT = Shape(DocumentBlock)
THINKING = Shape(ThinkingBlock)
REDACTED = Shape(RedactedBlock)
TOOL_USE = Shape(ToolUseBlock)
TOOL_RESULT = Shape(ToolResultBlock)
TOOL = Shape(ToolShape)
TOOL_KIND = Shape(ToolKind)
CHOICE = Shape(Choice)
THINKING_CONFIG = Shape(ThinkingConfig)
OUTPUT_CONFIG = Shape(OutputConfig)
JSON_FORMAT = Shape(JsonFormat)
METADATA = Shape(Metadata)

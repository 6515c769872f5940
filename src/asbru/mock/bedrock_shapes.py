"""What Bedrock's Converse and CountTokens accept; anything else is a mistake.

Source: botocore 1.44, bedrock-runtime 2023-09-30 (``ConverseRequest``, ``CountTokensRequest``). A union is an object
with exactly one member, which ``bedrock.py`` checks.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Share = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[str, Meta(pattern="^[a-zA-Z0-9_-]{1,64}$")]
Id = Annotated[str, Meta(pattern="^[a-zA-Z0-9_.:-]{1,64}$")]
Blob = Annotated[str, Meta(min_length=1, pattern="^[A-Za-z0-9+/]*={0,2}$")]
Words = Annotated[str, Meta(min_length=1)]


class Strict(Struct, forbid_unknown_fields=True, rename="camel"):
    """An object whose members are known."""


class Union(Strict):
    """An object with exactly one member."""


class S3Location(Strict):
    uri: Annotated[str, Meta(pattern="^s3://")]
    bucket_owner: str | None = None


class Source(Union):
    bytes: Blob | None = None
    s3_location: S3Location | None = None


class Image(Strict):
    format: Literal["png", "jpeg", "gif", "webp"]
    source: Source


class Audio(Strict):
    format: Literal[
        "mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "m4a", "mpeg", "mpga", "pcm", "webm"
    ]
    source: Source


class Video(Strict):
    format: Literal["mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp"]
    source: Source


class DocumentSource(Source):
    text: str | None = None
    content: list[Any] | None = None


class Enabled(Strict):
    enabled: bool


class Document(Strict):
    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9\-()\[\]]+(\s[A-Za-z0-9\-()\[\]]+)*$")]
    source: DocumentSource
    format: Literal["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"] | None = None
    context: str | None = None
    citations: Enabled | None = None


class ToolUse(Strict):
    tool_use_id: Id
    name: Name
    input: dict[str, Any]
    type: Literal["server_tool_use"] | None = None


class Result(Union):
    json: dict[str, Any] | None = None
    text: str | None = None
    image: Image | None = None
    document: Document | None = None
    video: Video | None = None
    search_result: Any = None


class ToolResult(Strict):
    tool_use_id: Id
    content: list[Result]
    status: Literal["success", "error"] | None = None
    type: str | None = None


class CachePoint(Strict):
    type: Literal["default"]
    ttl: Literal["5m", "1h"] | None = None


class ReasoningText(Strict):
    text: str
    signature: str | None = None


class Reasoning(Union):
    reasoning_text: ReasoningText | None = None
    redacted_content: Blob | None = None


class CitedWords(Union):
    text: str | None = None


class Cited(Strict):
    content: list[CitedWords] | None = None
    citations: list[Any] | None = None


class Block(Union):
    text: str | None = None
    image: Image | None = None
    document: Document | None = None
    video: Video | None = None
    audio: Audio | None = None
    tool_use: ToolUse | None = None
    tool_result: ToolResult | None = None
    guard_content: dict[str, Any] | None = None
    cache_point: CachePoint | None = None
    reasoning_content: Reasoning | None = None
    citations_content: Cited | None = None
    search_result: Any = None


class Message(Strict):
    role: Literal["user", "assistant"]
    content: list[Block]


class System(Union):
    text: Words | None = None
    guard_content: dict[str, Any] | None = None
    cache_point: CachePoint | None = None


class Inference(Strict):
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    temperature: Share | None = None
    top_p: Share | None = None
    stop_sequences: Annotated[list[Words], Meta(max_length=2500)] | None = None


class InputSchema(Union):
    json: dict[str, Any] | None = None


class ToolSpec(Strict):
    name: Name
    input_schema: InputSchema
    description: Words | None = None
    strict: bool | None = None


class SystemTool(Strict):
    name: Name


class Tool(Union):
    tool_spec: ToolSpec | None = None
    system_tool: SystemTool | None = None
    cache_point: CachePoint | None = None


class Nothing(Strict):
    pass


class Chosen(Strict):
    name: Name


class ToolChoice(Union):
    auto: Nothing | None = None
    any: Nothing | None = None
    tool: Chosen | None = None


class ToolConfig(Strict):
    tools: Annotated[list[Tool], Meta(min_length=1)]
    tool_choice: ToolChoice | None = None


class Guardrail(Strict):
    guardrail_identifier: str | None = None
    guardrail_version: str | None = None
    trace: Literal["enabled", "disabled", "enabled_full"] | None = None
    stream_processing_mode: Literal["sync", "async"] | None = None


class Performance(Strict):
    latency: Literal["standard", "optimized"]


class Tier(Strict):
    type: Literal["priority", "default", "flex", "reserved"]


class JsonSchema(Strict):
    schema: str
    name: str | None = None
    description: str | None = None


class Structure(Union):
    json_schema: JsonSchema | None = None


class TextFormat(Strict):
    type: Literal["json_schema"]
    structure: Structure


class Output(Strict):
    text_format: TextFormat | None = None
    effort: Annotated[str, Meta(max_length=16)] | None = None


class ConverseRequest(Strict, kw_only=True):
    """The body of ``POST /model/{modelId}/converse`` and ``/converse-stream``."""

    messages: list[Message]
    system: list[System] | None = None
    inference_config: Inference | None = None
    tool_config: ToolConfig | None = None
    guardrail_config: Guardrail | None = None
    additional_model_request_fields: dict[str, Any] | None = None
    prompt_variables: dict[str, Any] | None = None
    additional_model_response_field_paths: Annotated[list[str], Meta(max_length=10)] | None = None
    request_metadata: dict[str, str] | None = None
    performance_config: Performance | None = None
    service_tier: Tier | None = None
    output_config: Output | None = None


class ConverseTokens(Strict):
    messages: list[Message] | None = None
    system: list[System] | None = None
    tool_config: ToolConfig | None = None
    additional_model_request_fields: dict[str, Any] | None = None


class InvokeTokens(Strict):
    body: Blob


class TokensInput(Union):
    invoke_model: InvokeTokens | None = None
    converse: ConverseTokens | None = None


class CountRequest(Strict):
    input: TokensInput

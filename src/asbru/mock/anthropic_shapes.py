"""What Anthropic's Messages accept; anything else is a mistake.

Source: ``anthropic`` SDK 2.12.0, types/message_create_params.py and types/beta/message_create_params.py;
``temperature``, ``top_k`` and ``top_p`` from SDK 0.95.0.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[int, Meta(ge=1)]
Name = Annotated[str, Meta(pattern="^[a-zA-Z0-9_-]{1,128}$")]


class CacheControl(Struct, tag="ephemeral", tag_field="type", forbid_unknown_fields=True):
    ttl: Literal["5m", "1h"] = "5m"


class Citations(Struct, forbid_unknown_fields=True):
    enabled: bool = False


class Text(Struct, tag="text", tag_field="type", forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1)]
    cache_control: CacheControl | None = None
    citations: list[Any] | None = None


class Base64Source(Struct, tag="base64", tag_field="type", forbid_unknown_fields=True):
    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf"]
    data: str


class UrlSource(Struct, tag="url", tag_field="type", forbid_unknown_fields=True):
    url: str


class FileSource(Struct, tag="file", tag_field="type", forbid_unknown_fields=True):
    file_id: str


class TextSource(Struct, tag="text", tag_field="type", forbid_unknown_fields=True):
    data: str
    media_type: Literal["text/plain"]


class ContentSource(Struct, tag="content", tag_field="type", forbid_unknown_fields=True):
    content: str | list[Any]


class Image(Struct, tag="image", tag_field="type", forbid_unknown_fields=True):
    source: Base64Source | UrlSource | FileSource
    cache_control: CacheControl | None = None


class Document(Struct, tag="document", tag_field="type", forbid_unknown_fields=True):
    source: Base64Source | UrlSource | FileSource | TextSource | ContentSource
    title: str | None = None
    context: str | None = None
    citations: Citations | None = None
    cache_control: CacheControl | None = None


class SearchResult(Struct, tag="search_result", tag_field="type", forbid_unknown_fields=True):
    source: str
    title: str
    content: list[Text]
    citations: Citations | None = None
    cache_control: CacheControl | None = None


class Thinking(Struct, tag="thinking", tag_field="type", forbid_unknown_fields=True):
    thinking: str
    signature: str


class RedactedThinking(Struct, tag="redacted_thinking", tag_field="type", forbid_unknown_fields=True):
    data: str


class ToolUse(Struct, tag="tool_use", tag_field="type", forbid_unknown_fields=True):
    id: Annotated[str, Meta(pattern="^[a-zA-Z0-9_-]+$")]
    name: Name
    input: dict[str, Any]
    cache_control: CacheControl | None = None
    caller: Any = None


class ToolResult(Struct, tag="tool_result", tag_field="type", forbid_unknown_fields=True):
    tool_use_id: Annotated[str, Meta(pattern="^[a-zA-Z0-9_-]+$")]
    content: str | list[Text | Image | Document | SearchResult] | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None


class ServerToolUse(Struct, tag="server_tool_use", tag_field="type"):
    id: str
    name: str
    input: Any


class WebSearchResult(Struct, tag="web_search_tool_result", tag_field="type"):
    tool_use_id: str
    content: Any


class WebFetchResult(Struct, tag="web_fetch_tool_result", tag_field="type"):
    tool_use_id: str
    content: Any


class CodeResult(Struct, tag="code_execution_tool_result", tag_field="type"):
    tool_use_id: str
    content: Any


Block = (
    Text
    | Image
    | Document
    | SearchResult
    | Thinking
    | RedactedThinking
    | ToolUse
    | ToolResult
    | ServerToolUse
    | WebSearchResult
    | WebFetchResult
    | CodeResult
)


class Message(Struct, forbid_unknown_fields=True):
    role: str
    content: str | list[Block]


class Tool(Struct):
    """A custom tool when ``type`` is absent or custom, else one of Anthropic's own; checked in ``anthropic.py``."""

    name: Name = ""
    type: str | None = None
    input_schema: dict[str, Any] | UnsetType = UNSET
    description: str | None = None


class ChooseAuto(Struct, tag="auto", tag_field="type", forbid_unknown_fields=True):
    disable_parallel_tool_use: bool | None = None


class ChooseAny(Struct, tag="any", tag_field="type", forbid_unknown_fields=True):
    disable_parallel_tool_use: bool | None = None


class ChooseTool(Struct, tag="tool", tag_field="type", forbid_unknown_fields=True):
    name: str
    disable_parallel_tool_use: bool | None = None


class ChooseNone(Struct, tag="none", tag_field="type", forbid_unknown_fields=True):
    pass


class ThinkingEnabled(Struct, tag="enabled", tag_field="type", forbid_unknown_fields=True):
    budget_tokens: Annotated[int, Meta(ge=1024)]
    display: Literal["summarized", "omitted"] | None = None


class ThinkingDisabled(Struct, tag="disabled", tag_field="type", forbid_unknown_fields=True):
    pass


class ThinkingBetweenTools(Struct, tag="between_tools", tag_field="type", forbid_unknown_fields=True):
    pass


class ThinkingAdaptive(Struct, tag="adaptive", tag_field="type", forbid_unknown_fields=True):
    display: Literal["summarized", "omitted"] | None = None


class Metadata(Struct, forbid_unknown_fields=True):
    user_id: Annotated[str, Meta(max_length=512)] | None = None


class JsonFormat(Struct, tag="json_schema", tag_field="type", forbid_unknown_fields=True):
    schema: dict[str, Any]


class OutputConfig(Struct, forbid_unknown_fields=True):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: JsonFormat | None = None
    task_budget: Any = None


class MessagesRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of ``POST /v1/messages``. The members after ``beta`` need an ``anthropic-beta`` header."""

    model: Annotated[str, Meta(min_length=1)]
    messages: list[Message]
    max_tokens: Positive
    system: str | list[Text] | None = None
    metadata: Metadata | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    temperature: Share | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
    top_p: Share | None = None
    tools: list[Tool] | None = None
    tool_choice: ChooseAuto | ChooseAny | ChooseTool | ChooseNone | None = None
    thinking: ThinkingEnabled | ThinkingDisabled | ThinkingBetweenTools | ThinkingAdaptive | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    container: Any = None
    cache_control: CacheControl | None = None
    diagnostics: Any = None
    inference_geo: str | None = None
    output_config: OutputConfig | None = None
    speed: Literal["standard", "fast"] | None = None
    user_profile_id: str | None = None
    workspace_id: str | None = None
    context_management: Any = UNSET
    mcp_servers: Any = UNSET
    output_format: Any = UNSET
    compaction: Any = UNSET
    fallbacks: Any = UNSET
    thread: Any = UNSET


BETA = ("context_management", "mcp_servers", "output_format", "compaction", "fallbacks", "thread")

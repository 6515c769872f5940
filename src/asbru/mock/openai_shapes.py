"""What OpenAI's chat completions accept; anything else is a mistake.

Source: ``openai`` SDK 3.54.0, types/chat/completion_create_params.py and the message params beside it.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Name = Annotated[str, Meta(pattern="^[a-zA-Z0-9_-]{1,64}$")]
Temperature = Annotated[float, Meta(ge=0, le=2)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[int, Meta(ge=1)]


class TextPart(Struct, tag="text", tag_field="type", forbid_unknown_fields=True):
    text: str


class ImageUrl(Struct, forbid_unknown_fields=True):
    url: str
    detail: Literal["auto", "low", "high", "original"] = "auto"


class ImagePart(Struct, tag="image_url", tag_field="type", forbid_unknown_fields=True):
    image_url: ImageUrl


class InputAudio(Struct, forbid_unknown_fields=True):
    data: str
    format: Literal["wav", "mp3"]


class AudioPart(Struct, tag="input_audio", tag_field="type", forbid_unknown_fields=True):
    input_audio: InputAudio


class File(Struct, forbid_unknown_fields=True):
    file_data: str = ""
    file_id: str = ""
    filename: str = ""


class FilePart(Struct, tag="file", tag_field="type", forbid_unknown_fields=True):
    file: File


class RefusalPart(Struct, tag="refusal", tag_field="type", forbid_unknown_fields=True):
    refusal: str


UserPart = TextPart | ImagePart | AudioPart | FilePart


class FunctionCall(Struct, forbid_unknown_fields=True):
    name: Name
    arguments: str


class CalledFunction(Struct, tag="function", tag_field="type", forbid_unknown_fields=True):
    id: str
    function: FunctionCall


class CustomCall(Struct, forbid_unknown_fields=True):
    name: Name
    input: str


class CalledCustom(Struct, tag="custom", tag_field="type", forbid_unknown_fields=True):
    id: str
    custom: CustomCall


class System(Struct, tag="system", tag_field="role", forbid_unknown_fields=True):
    content: str | list[TextPart]
    name: str | None = None


class Developer(Struct, tag="developer", tag_field="role", forbid_unknown_fields=True):
    content: str | list[TextPart]
    name: str | None = None


class User(Struct, tag="user", tag_field="role", forbid_unknown_fields=True):
    content: str | list[UserPart]
    name: str | None = None


class Assistant(Struct, tag="assistant", tag_field="role", forbid_unknown_fields=True):
    """``annotations`` is what the SDK sends back with a dumped answer."""

    content: str | list[TextPart | RefusalPart] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[CalledFunction | CalledCustom] | None = None
    function_call: FunctionCall | None = None
    audio: Any = None
    annotations: list[Any] | None = None


class ToolResult(Struct, tag="tool", tag_field="role", forbid_unknown_fields=True):
    tool_call_id: str
    content: str | list[TextPart]


Message = System | Developer | User | Assistant | ToolResult


class Function(Struct, forbid_unknown_fields=True):
    name: Name
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(Struct, tag="function", tag_field="type", forbid_unknown_fields=True):
    function: Function


class CustomTool(Struct, tag="custom", tag_field="type", forbid_unknown_fields=True):
    custom: dict[str, Any]


class ChosenFunction(Struct, forbid_unknown_fields=True):
    name: Name


class FunctionChoice(Struct, tag="function", tag_field="type", forbid_unknown_fields=True):
    function: ChosenFunction


class AllowedTools(Struct, tag="allowed_tools", tag_field="type", forbid_unknown_fields=True):
    allowed_tools: dict[str, Any]


class CustomChoice(Struct, tag="custom", tag_field="type", forbid_unknown_fields=True):
    custom: dict[str, Any]


class TextFormat(Struct, tag="text", tag_field="type", forbid_unknown_fields=True):
    pass


class ObjectFormat(Struct, tag="json_object", tag_field="type", forbid_unknown_fields=True):
    pass


class JsonSchema(Struct, forbid_unknown_fields=True):
    name: Name
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None


class SchemaFormat(Struct, tag="json_schema", tag_field="type", forbid_unknown_fields=True):
    json_schema: JsonSchema


class StreamOptions(Struct, forbid_unknown_fields=True):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class ChatRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of ``POST /v1/chat/completions``."""

    model: str
    messages: Annotated[list[Message], Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Positive | None = None
    max_completion_tokens: Positive | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    tools: Annotated[list[FunctionTool | CustomTool], Meta(min_length=1)] | None = None
    tool_choice: str | FunctionChoice | AllowedTools | CustomChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: TextFormat | ObjectFormat | SchemaFormat | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    user: str | None = None
    safety_identifier: str | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    logit_bias: dict[str, float] | None = None
    modalities: list[Literal["text", "audio"]] | None = None
    audio: dict[str, Any] | None = None
    prediction: dict[str, Any] | None = None
    web_search_options: dict[str, Any] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    moderation: dict[str, Any] | None = None
    functions: list[Function] | None = None
    function_call: str | ChosenFunction | None = None

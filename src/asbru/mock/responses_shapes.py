"""What OpenAI's Responses accept; anything else is a mistake.

Source: ``openai`` SDK 3.54.0, types/responses/response_create_params.py and the params beside it.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Raw, Struct

from asbru.mock.openai_shapes import Name, Share, Temperature

Status = Literal["in_progress", "completed", "incomplete"]


class InputText(Struct, tag="input_text", tag_field="type", forbid_unknown_fields=True):
    text: str
    prompt_cache_breakpoint: dict[str, Any] | None = None


class InputImage(Struct, tag="input_image", tag_field="type", forbid_unknown_fields=True):
    detail: Literal["auto", "low", "high", "original"] = "auto"
    image_url: str | None = None
    file_id: str | None = None
    prompt_cache_breakpoint: dict[str, Any] | None = None


class InputFile(Struct, tag="input_file", tag_field="type", forbid_unknown_fields=True):
    file_id: str | None = None
    file_url: str | None = None
    file_data: str | None = None
    filename: str | None = None
    detail: Literal["auto", "low", "high"] = "auto"
    prompt_cache_breakpoint: dict[str, Any] | None = None


class OutputText(Struct, tag="output_text", tag_field="type", forbid_unknown_fields=True):
    text: str
    annotations: list[dict[str, Any]] = []
    logprobs: list[dict[str, Any]] | None = None


class Refusal(Struct, tag="refusal", tag_field="type", forbid_unknown_fields=True):
    refusal: str


InputPart = InputText | InputImage | InputFile
OutputPart = OutputText | Refusal


class Message(Struct, kw_only=True, forbid_unknown_fields=True):
    """What a user, the system or the developer says."""

    role: Literal["user", "system", "developer"]
    content: str | list[InputPart]
    type: Literal["message"] = "message"
    id: str | None = None
    status: Status | None = None


class Assistant(Struct, kw_only=True, forbid_unknown_fields=True):
    role: Literal["assistant"]
    content: str | list[OutputPart]
    type: Literal["message"] = "message"
    id: str | None = None
    status: Status | None = None
    phase: Literal["commentary", "final_answer"] | None = None


class FunctionCall(Struct, kw_only=True, forbid_unknown_fields=True):
    type: str
    call_id: str
    name: Name
    arguments: str
    id: str | None = None
    status: Status | None = None
    namespace: str | None = None
    caller: dict[str, Any] | None = None


class FunctionOutput(Struct, kw_only=True, forbid_unknown_fields=True):
    type: str
    call_id: str
    output: str | list[InputPart]
    id: str | None = None
    status: Status | None = None
    name: str | None = None
    namespace: str | None = None
    caller: dict[str, Any] | None = None


class SummaryText(Struct, tag="summary_text", tag_field="type", forbid_unknown_fields=True):
    text: str


class ReasoningText(Struct, tag="reasoning_text", tag_field="type", forbid_unknown_fields=True):
    text: str


class ReasoningItem(Struct, kw_only=True, forbid_unknown_fields=True):
    type: str
    summary: list[SummaryText]
    id: str | None = None
    content: list[ReasoningText] | None = None
    encrypted_content: str | None = None
    status: Status | None = None


class Reference(Struct, kw_only=True, forbid_unknown_fields=True):
    id: str
    type: str | None = None


OTHERS = frozenset(
    {
        *("file_search_call", "computer_call", "computer_call_output", "web_search_call", "tool_search_call"),
        *("tool_search_output", "additional_tools", "compaction", "image_generation_call", "code_interpreter_call"),
        *("local_shell_call", "local_shell_call_output", "shell_call", "shell_call_output", "apply_patch_call"),
        *("apply_patch_call_output", "mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "mcp_call"),
        *("custom_tool_call", "custom_tool_call_output", "compaction_trigger", "configuration_update", "program"),
        "program_output",
    }
)
"""Types of items that the mock takes without looking into them."""


class FunctionTool(Struct, kw_only=True, forbid_unknown_fields=True):
    type: str
    name: Name
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None
    allowed_callers: list[str] | None = None
    defer_loading: bool | None = None
    output_schema: dict[str, Any] | None = None


TOOLS = frozenset(
    {
        *("file_search", "computer", "computer_use", "computer_use_preview", "web_search", "web_search_2025_08_26"),
        *("web_search_preview", "web_search_preview_2025_03_11", "mcp", "code_interpreter", "image_generation"),
        *("local_shell", "shell", "custom", "apply_patch", "namespace", "tool_search", "programmatic_tool_calling"),
    }
)
"""Types of built-in tools."""


class JsonSchema(Struct, tag="json_schema", tag_field="type", forbid_unknown_fields=True):
    name: Name
    schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


class PlainText(Struct, tag="text", tag_field="type", forbid_unknown_fields=True):
    pass


class JsonObject(Struct, tag="json_object", tag_field="type", forbid_unknown_fields=True):
    pass


class TextConfig(Struct, forbid_unknown_fields=True):
    format: PlainText | JsonObject | JsonSchema | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class Reasoning(Struct, forbid_unknown_fields=True):
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None
    context: Literal["auto", "current_turn", "all_turns"] | None = None
    mode: str | None = None


class StreamOptions(Struct, forbid_unknown_fields=True):
    include_obfuscation: bool | None = None


Include = Literal[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
]


class CountRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of ``POST /v1/responses/input_tokens``."""

    model: str
    input: str | list[Raw] | None = None
    instructions: str | None = None
    conversation: Any = None
    parallel_tool_calls: bool | None = None
    personality: str | None = None
    previous_response_id: str | None = None
    reasoning: Reasoning | None = None
    text: TextConfig | None = None
    tool_choice: str | dict[str, Any] | None = None
    tools: list[Raw] | None = None
    truncation: Literal["auto", "disabled"] | None = None


class ResponseRequest(CountRequest, kw_only=True, forbid_unknown_fields=True):
    """The body of ``POST /v1/responses``."""

    access_programs: dict[str, Any] | None = None
    background: bool | None = None
    background_options: dict[str, Any] | None = None
    context_management: list[dict[str, Any]] | None = None
    image: dict[str, Any] | None = None
    include: list[Include] | None = None
    max_output_tokens: Annotated[int, Meta(ge=16)] | None = None
    max_tool_calls: Annotated[int, Meta(ge=1)] | None = None
    metadata: dict[str, str] | None = None
    moderation: dict[str, Any] | None = None
    prompt: dict[str, Any] | None = None
    prompt_cache_key: str | None = None
    client_metadata: dict[str, Any] | None = None  # In no type of the SDK; Codex sends it, and is answered.
    prompt_cache_options: dict[str, Any] | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    safety_identifier: str | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Temperature | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    top_p: Share | None = None
    user: str | None = None

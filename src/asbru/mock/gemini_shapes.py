"""What the Gemini API accepts; anything else is a mistake.

Source: google-genai 3.4 ``types.py`` and the ``_*_to_mldev`` converters of its ``models.py``.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Share = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[str, Meta(pattern=r"^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$")]


class Message(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A protocol buffer's message."""


class Blob(Message):
    mime_type: Annotated[str, Meta(pattern="^[a-z]+/.+")]
    data: Annotated[str, Meta(min_length=1)]


class FileData(Message):
    file_uri: Annotated[str, Meta(min_length=1)]
    mime_type: str | None = None


class FunctionCall(Message):
    name: Name
    id: str | None = None
    args: dict[str, Any] | None = None


class ResponsePart(Message):
    inline_data: Blob | None = None
    file_data: FileData | None = None


class FunctionResponse(Message):
    name: Name
    response: dict[str, Any]
    id: str | None = None
    parts: list[ResponsePart] | None = None
    will_continue: bool | None = None
    scheduling: str | None = None


class ExecutableCode(Message):
    code: str
    language: str
    id: str | None = None


class CodeResult(Message):
    outcome: str
    output: str | None = None
    id: str | None = None


class Part(Message):
    text: str | None = None
    inline_data: Blob | None = None
    file_data: FileData | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    executable_code: ExecutableCode | None = None
    code_execution_result: CodeResult | None = None
    tool_call: Any = None
    tool_response: Any = None
    thought: bool | None = None
    thought_signature: str | None = None
    video_metadata: Any = None
    media_resolution: Any = None
    part_metadata: Any = None


DATA = (
    "text", "inline_data", "file_data", "function_call", "function_response", "executable_code",
    "code_execution_result", "tool_call", "tool_response",
)  # fmt: skip
"""The members of a part of which exactly one is set."""


class Content(Message):
    parts: list[Part] | None = None
    role: str | None = None


class Schema(Message):
    """The subset of OpenAPI. Types are known in capitals and, as the API has it, in small letters."""

    type: Annotated[str, Meta(pattern="^(?i:string|number|integer|boolean|array|object|null)$")] | None = None
    any_of: list["Schema"] | None = None
    defs: dict[str, "Schema"] | None = msgspec.field(name="$defs", default=None)
    ref: str | None = msgspec.field(name="$ref", default=None)
    additional_properties: Any = None
    default: Any = None
    description: str | None = None
    enum: list[str] | None = None
    example: Any = None
    format: str | None = None
    items: "Schema | None" = None
    max_items: int | None = None
    max_length: int | None = None
    max_properties: int | None = None
    maximum: float | None = None
    min_items: int | None = None
    min_length: int | None = None
    min_properties: int | None = None
    minimum: float | None = None
    nullable: bool | None = None
    pattern: str | None = None
    properties: dict[str, "Schema"] | None = None
    property_ordering: list[str] | None = None
    required: list[str] | None = None
    title: str | None = None


class FunctionDeclaration(Message):
    name: Name
    description: str | None = None
    parameters: Schema | None = None
    parameters_json_schema: dict[str, Any] | None = None
    response: Schema | None = None
    response_json_schema: Any = None
    behavior: str | None = None


class Tool(Message):
    function_declarations: list[FunctionDeclaration] | None = None
    google_search: Any = None
    google_search_retrieval: Any = None
    google_maps: Any = None
    code_execution: Any = None
    url_context: Any = None
    computer_use: Any = None
    file_search: Any = None
    mcp_servers: Any = None


class FunctionCallingConfig(Message):
    mode: Literal["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"] | None = None
    allowed_function_names: list[str] | None = None


class ToolConfig(Message):
    function_calling_config: FunctionCallingConfig | None = None
    retrieval_config: Any = None
    include_server_side_tool_invocations: bool | None = None


class ThinkingConfig(Message):
    include_thoughts: bool | None = None
    thinking_budget: Annotated[int, Meta(ge=-1)] | None = None
    thinking_level: Literal["MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH", "minimal", "low", "medium", "high"] | None = (
        None
    )


class PrebuiltVoiceConfig(Message):
    voice_name: str


class VoiceConfig(Message):
    prebuilt_voice_config: PrebuiltVoiceConfig | None = None
    replicated_voice_config: Any = None


class SpeakerVoiceConfig(Message):
    speaker: str
    voice_config: VoiceConfig


class MultiSpeakerVoiceConfig(Message):
    speaker_voice_configs: Annotated[list[SpeakerVoiceConfig], Meta(min_length=1, max_length=2)]


class SpeechConfig(Message):
    voice_config: VoiceConfig | None = None
    multi_speaker_voice_config: MultiSpeakerVoiceConfig | None = None
    language_code: str | None = None


class GenerationConfig(Message):
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Share | None = None
    top_k: Annotated[float, Meta(ge=1)] | None = None
    candidate_count: Annotated[int, Meta(ge=1, le=8)] | None = None
    max_output_tokens: Annotated[int, Meta(ge=1)] | None = None
    stop_sequences: Annotated[list[str], Meta(max_length=5)] | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_logprobs: bool | None = None
    logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    response_mime_type: Literal["text/plain", "application/json", "text/x.enum"] | None = None
    response_schema: Schema | None = None
    response_json_schema: Any = None
    response_modalities: list[str] | None = None
    speech_config: SpeechConfig | None = None
    thinking_config: ThinkingConfig | None = None
    media_resolution: str | None = None
    image_config: Any = None
    enable_enhanced_civic_answers: bool | None = None
    audio_transcription_config: Any = None


class GenerateRequest(Message):
    """The body of ``:generateContent``."""

    contents: list[Content] | None = None
    system_instruction: Content | None = None
    tools: list[Tool] | None = None
    tool_config: ToolConfig | None = None
    safety_settings: list[Any] | None = None
    generation_config: GenerationConfig | None = None
    cached_content: str | None = None
    labels: dict[str, str] | None = None
    service_tier: str | None = None
    store: bool | None = None
    continuation_token: str | None = None
    model: str | None = None


class CountRequest(Message):
    """Contents, or a whole request, but not both."""

    contents: list[Content] | None = None
    generate_content_request: GenerateRequest | None = None


class EmbedRequest(Message):
    content: Content
    model: str | None = None
    task_type: (
        Literal[
            "TASK_TYPE_UNSPECIFIED", "RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY", "CLASSIFICATION",
            "CLUSTERING", "QUESTION_ANSWERING", "FACT_VERIFICATION", "CODE_RETRIEVAL_QUERY",
        ]
        | None
    ) = None  # fmt: skip
    title: str | None = None
    output_dimensionality: Annotated[int, Meta(ge=1, le=3072)] | None = None


class EmbedsRequest(Message):
    requests: list[EmbedRequest]


class Instance(Message):
    prompt: Annotated[str, Meta(min_length=1)]


class OutputOptions(Message):
    mime_type: Literal["image/png", "image/jpeg"] | None = None
    compression_quality: Annotated[int, Meta(ge=0, le=100)] | None = None


class Parameters(Message):
    sample_count: Annotated[int, Meta(ge=1, le=4)] | None = None
    aspect_ratio: Literal["1:1", "3:4", "4:3", "9:16", "16:9"] | None = None
    sample_image_size: Literal["1K", "2K"] | None = None
    guidance_scale: float | None = None
    safety_setting: str | None = None
    person_generation: str | None = None
    include_safety_attributes: bool | None = None
    include_rai_reason: bool | None = None
    language: str | None = None
    output_options: OutputOptions | None = None


class PredictRequest(Message):
    """What Imagen is asked through the Gemini API; Vertex AI knows more."""

    instances: Annotated[list[Instance], Meta(min_length=1, max_length=1)]
    parameters: Parameters | None = None

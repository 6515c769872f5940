"""The members of a generateContent request, as ``google.genai.types`` (3.4) and its era sibling (1.73) have them."""

import msgspec
from msgspec import Raw, Struct

from asbru.wire.gemini.proto import ProtoShape
from asbru.wire.shapes import BAD_JSON, NOTHING, refused


class _Message(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A protocol buffer's message: every member may be absent or null."""


class Body(_Message):
    """``model`` is in the path; what a body says of it is not read."""

    contents: list[Raw] | None = None
    system_instruction: Raw = NOTHING
    tools: list[Raw] | None = None
    tool_config: Raw = NOTHING
    generation_config: Raw = NOTHING
    service_tier: str | None = None
    model: str | None = None


class Content(_Message):
    role: str | None = None
    parts: list[Raw] | None = None


class Part(_Message):
    """One of its data members is set, beside ``thought`` and ``thoughtSignature``."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    inline_data: Raw = NOTHING
    file_data: Raw = NOTHING
    function_call: Raw = NOTHING
    function_response: Raw = NOTHING
    executable_code: Raw = NOTHING
    code_execution_result: Raw = NOTHING
    tool_call: Raw = NOTHING
    tool_response: Raw = NOTHING


class Blob(_Message):
    mime_type: str | None = None
    data: str | None = None
    display_name: str | None = None


class FileData(_Message):
    mime_type: str | None = None
    file_uri: str | None = None
    display_name: str | None = None


class FunctionCall(_Message):
    id: str | None = None
    name: str | None = None
    args: Raw = NOTHING


class FunctionResponse(_Message):
    id: str | None = None
    name: str | None = None
    response: Raw = NOTHING
    parts: list[Raw] | None = None


class ResponsePart(_Message):
    inline_data: Raw = NOTHING
    file_data: Raw = NOTHING


class FunctionDeclaration(_Message):
    name: str | None = None
    description: str | None = None
    parameters: Raw = NOTHING
    parameters_json_schema: Raw = NOTHING


class ToolConfig(_Message):
    function_calling_config: Raw = NOTHING


class FunctionCallingConfig(_Message):
    mode: str | None = None
    allowed_function_names: list[str] | None = None


class GenerationConfig(_Message):
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_output_tokens: int | None = None
    stop_sequences: list[str] | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    candidate_count: int | None = None
    response_mime_type: str | None = None
    response_schema: Raw = NOTHING
    response_json_schema: Raw = NOTHING
    thinking_config: Raw = NOTHING


class ThinkingConfig(_Message):
    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None


BODY = ProtoShape(Body)
CONTENT = ProtoShape(Content)
PART = ProtoShape(Part)
BLOB = ProtoShape(Blob)
FILE_DATA = ProtoShape(FileData)
FUNCTION_CALL = ProtoShape(FunctionCall)
FUNCTION_RESPONSE = ProtoShape(FunctionResponse)
RESPONSE_PART = ProtoShape(ResponsePart)
FUNCTION_DECLARATION = ProtoShape(FunctionDeclaration)
TOOL_CONFIG = ProtoShape(ToolConfig)
FUNCTION_CALLING_CONFIG = ProtoShape(FunctionCallingConfig)
GENERATION_CONFIG = ProtoShape(GenerationConfig)
THINKING_CONFIG = ProtoShape(ThinkingConfig)

_list = msgspec.json.Decoder(list[Raw]).decode


def read_list(raw: Raw, path: str) -> list[Raw]:
    """The items of a list. Raises Refused(400)."""
    try:
        return _list(raw)
    except BAD_JSON as error:
        raise refused(path, error) from None

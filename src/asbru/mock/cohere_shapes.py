"""What Cohere's v2 chat, embed, rerank and tokenize accept; anything else is a mistake.

Source: ``cohere`` SDK 7.3, v2/raw_client.py, raw_base_client.py and the types beside them.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(ge=1)]
Penalty = Annotated[float, Meta(ge=0, le=1)]
Texts = Annotated[list[str], Meta(min_length=1)]


class TextPart(Struct, tag="text", tag_field="type", forbid_unknown_fields=True):
    text: str


class ThinkingPart(Struct, tag="thinking", tag_field="type", forbid_unknown_fields=True):
    thinking: str


class ImageUrl(Struct, forbid_unknown_fields=True):
    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class ImagePart(Struct, tag="image_url", tag_field="type", forbid_unknown_fields=True):
    image_url: ImageUrl


class Document(Struct, forbid_unknown_fields=True):
    data: dict[str, Any] | str
    id: str = ""


class DocumentPart(Struct, tag="document", tag_field="type", forbid_unknown_fields=True):
    document: Document


class Function(Struct, forbid_unknown_fields=True):
    name: str
    arguments: str


class Call(Struct, forbid_unknown_fields=True):
    id: str
    function: Function
    type: Literal["function"] = "function"


class User(Struct, tag="user", tag_field="role", forbid_unknown_fields=True):
    content: str | list[TextPart | ImagePart]


class System(Struct, tag="system", tag_field="role", forbid_unknown_fields=True):
    content: str | list[TextPart]


class Assistant(Struct, tag="assistant", tag_field="role", forbid_unknown_fields=True):
    content: str | list[TextPart | ThinkingPart] | None = None
    tool_plan: str | None = None
    tool_calls: list[Call] | None = None
    citations: list[Any] | None = None


class ToolResult(Struct, tag="tool", tag_field="role", forbid_unknown_fields=True):
    tool_call_id: str
    content: str | list[TextPart | DocumentPart]


Message = User | System | Assistant | ToolResult


class FunctionDefinition(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(pattern="^[a-zA-Z0-9_-]+$")]
    parameters: dict[str, Any]
    description: str | None = None


class Tool(Struct, forbid_unknown_fields=True):
    function: FunctionDefinition
    type: Literal["function"] = "function"


class ResponseFormat(Struct, forbid_unknown_fields=True):
    type: Literal["text", "json_object"]
    json_schema: dict[str, Any] | None = None


class Thinking(Struct, forbid_unknown_fields=True):
    type: Literal["enabled", "disabled"]
    token_budget: Positive | None = None


class CitationOptions(Struct, forbid_unknown_fields=True):
    mode: Literal["ENABLED", "DISABLED", "FAST", "ACCURATE", "OFF"] | None = None


class ChatRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    messages: Annotated[list[Message], Meta(min_length=1)]
    tools: list[Tool] | None = None
    strict_tools: bool | None = None
    documents: list[str | Document] | None = None
    citation_options: CitationOptions | None = None
    response_format: ResponseFormat | None = None
    safety_mode: Literal["CONTEXTUAL", "STRICT", "OFF"] | None = None
    max_tokens: Positive | None = None
    stop_sequences: Annotated[list[str], Meta(max_length=5)] | None = None
    temperature: Annotated[float, Meta(ge=0)] | None = None
    seed: int | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    k: Annotated[int, Meta(ge=0, le=500)] | None = None
    p: Annotated[float, Meta(ge=0.01, le=0.99)] | None = None
    logprobs: bool | None = None
    tool_choice: Literal["REQUIRED", "NONE"] | None = None
    thinking: Thinking | None = None
    priority: int | None = None
    stream: bool | None = None


Task = Literal["search_document", "search_query", "classification", "clustering", "image"]
Kind = Literal["float", "int8", "uint8", "binary", "ubinary", "base64"]
Truncate = Literal["NONE", "START", "END"]


class EmbedInput(Struct, forbid_unknown_fields=True):
    content: Annotated[list[TextPart | ImagePart], Meta(min_length=1)]


class EmbedRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    input_type: Task
    texts: Annotated[list[str], Meta(max_length=96)] | None = None
    images: Annotated[list[str], Meta(max_length=1)] | None = None
    inputs: Annotated[list[EmbedInput], Meta(max_length=96)] | None = None
    max_tokens: Positive | None = None
    output_dimension: Annotated[int, Meta(ge=1, le=1536)] | None = None
    embedding_types: list[Kind] | None = None
    truncate: Truncate | None = None
    priority: int | None = None


class OlderEmbedRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    texts: Annotated[list[str], Meta(max_length=96)] | None = None
    images: Annotated[list[str], Meta(max_length=1)] | None = None
    input_type: Task | None = None
    embedding_types: list[Kind] | None = None
    truncate: Truncate | None = None


class RerankRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    query: str
    documents: Texts
    top_n: Positive | None = None
    max_tokens_per_doc: Positive | None = None
    priority: int | None = None


class OlderRerankRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    query: str
    documents: Annotated[list[str | dict[str, str]], Meta(min_length=1)]
    top_n: Positive | None = None
    rank_fields: list[str] | None = None
    return_documents: bool | None = None
    max_chunks_per_doc: Positive | None = None


class TokenizeRequest(Struct, forbid_unknown_fields=True):
    model: str
    text: Annotated[str, Meta(min_length=1, max_length=65536)]


class DetokenizeRequest(Struct, forbid_unknown_fields=True):
    model: str
    tokens: list[Annotated[int, Meta(ge=0, lt=1 << 48)]]


class JinaRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    """Reranking as Jina and vLLM have it."""

    model: str
    query: str
    documents: Texts
    top_n: Positive | None = None
    return_documents: bool | None = None

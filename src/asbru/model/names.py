"""The closed vocabularies that every room shares."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Operation(StrEnum):
    """What is asked for. Formats of one operation are translated into each other."""

    CHAT = "chat"
    COUNT_TOKENS = "count_tokens"
    EMBED = "embed"
    RERANK = "rerank"
    IMAGE = "image"
    SPEECH = "speech"
    TRANSCRIBE = "transcribe"


class Format(StrEnum):
    """The shape of a body: which dialect, which operation."""

    OPENAI_CHAT = "openai.chat"
    OPENAI_EMBEDDINGS = "openai.embeddings"
    ANTHROPIC_MESSAGES = "anthropic.messages"
    BEDROCK_CONVERSE = "bedrock.converse"


OPERATIONS: Mapping[Format, Operation] = MappingProxyType(
    {
        Format.OPENAI_CHAT: Operation.CHAT,
        Format.OPENAI_EMBEDDINGS: Operation.EMBED,
        Format.ANTHROPIC_MESSAGES: Operation.CHAT,
        Format.BEDROCK_CONVERSE: Operation.CHAT,
    }
)
"""What a body of each format asks for."""


class Family(StrEnum):
    """A dialect: decides how errors, model lists and batches are written."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    BEDROCK = "bedrock"


class Framing(StrEnum):
    """How the pieces of a streamed body are told apart."""

    SSE = "sse"
    AWS = "aws"
    """Amazon's event stream: named events with JSON payloads."""
    AWS_CHUNKS = "aws.chunks"
    """The same with payloads in base64 inside ``chunk`` events (Bedrock's InvokeModelWithResponseStream)."""


class Role(StrEnum):
    """Who speaks in a turn. DEVELOPER is OpenAI's newer word for SYSTEM and is kept apart to be written back as it
    came.
    """

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"


class Finish(StrEnum):
    """Why the model stopped, in the words of the house; each codec maps its own."""

    STOP = "stop"
    STOP_SEQUENCE = "stop_sequence"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    PAUSE = "pause"
    CONTEXT_EXCEEDED = "context_exceeded"

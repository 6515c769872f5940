"""The closed vocabularies that every room shares."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Operation(StrEnum):
    """What is asked for. Formats of one operation are translated into each other."""

    CHAT = "chat"
    COUNT_TOKENS = "count_tokens"
    TOKENIZE = "tokenize"
    DETOKENIZE = "detokenize"
    EMBED = "embed"
    RERANK = "rerank"
    IMAGE = "image"
    IMAGE_EDIT = "image_edit"
    IMAGE_VARIATION = "image_variation"
    SPEECH = "speech"
    TRANSCRIBE = "transcribe"
    TRANSLATE_SPEECH = "translate_speech"


class Format(StrEnum):
    """The shape of a body: which dialect, which operation."""

    OPENAI_CHAT = "openai.chat"
    OPENAI_EMBEDDINGS = "openai.embeddings"
    OPENAI_RESPONSES = "openai.responses"
    OPENAI_INPUT_TOKENS = "openai.input_tokens"
    OPENAI_IMAGES = "openai.images"
    OPENAI_IMAGE_EDITS = "openai.image_edits"
    OPENAI_IMAGE_VARIATIONS = "openai.image_variations"
    OPENAI_SPEECH = "openai.speech"
    OPENAI_SPEECH_EVENTS = "openai.speech_events"
    OPENAI_TRANSCRIPTIONS = "openai.transcriptions"
    OPENAI_TRANSLATIONS = "openai.translations"
    ANTHROPIC_MESSAGES = "anthropic.messages"
    ANTHROPIC_COUNT_TOKENS = "anthropic.count_tokens"
    ANTHROPIC_COMPLETE = "anthropic.complete"
    OPENAI_COMPLETIONS = "openai.completions"
    BEDROCK_CONVERSE = "bedrock.converse"
    BEDROCK_NOVA = "bedrock.nova"
    BEDROCK_TITAN_TEXT = "bedrock.titan_text"
    BEDROCK_LLAMA = "bedrock.llama"
    BEDROCK_MISTRAL = "bedrock.mistral"
    BEDROCK_COMMAND = "bedrock.command"
    BEDROCK_COMMAND_R = "bedrock.command_r"
    BEDROCK_COUNT_TOKENS = "bedrock.count_tokens"
    BEDROCK_TITAN_EMBED = "bedrock.titan_embed"
    BEDROCK_COHERE_EMBED = "bedrock.cohere_embed"
    BEDROCK_CANVAS = "bedrock.canvas"
    BEDROCK_STABILITY = "bedrock.stability"
    BEDROCK_RERANK = "bedrock.rerank"
    BEDROCK_RERANK_INVOKE = "bedrock.rerank_invoke"
    ELEVENLABS_SPEECH = "elevenlabs.speech"
    ELEVENLABS_TRANSCRIPTS = "elevenlabs.transcripts"
    OPENAI_RERANK = "openai.rerank"
    COHERE_CHAT = "cohere.chat"
    GEMINI_GENERATE = "gemini.generate"
    COHERE_EMBED = "cohere.embed"
    COHERE_EMBED_V1 = "cohere.embed_v1"
    COHERE_RERANK = "cohere.rerank"
    COHERE_RERANK_V1 = "cohere.rerank_v1"
    COHERE_TOKENIZE = "cohere.tokenize"
    COHERE_DETOKENIZE = "cohere.detokenize"
    GEMINI_EMBED = "gemini.embed"
    GEMINI_EMBEDS = "gemini.embeds"
    GEMINI_COUNT_TOKENS = "gemini.count_tokens"
    GEMINI_PREDICT = "gemini.predict"
    GEMINI_IMAGES = "gemini.images"
    GEMINI_SPEECH = "gemini.speech"
    GEMINI_TRANSCRIPTS = "gemini.transcripts"
    VERTEX_PREDICT = "gemini.vertex_predict"
    VERTEX_EMBED = "gemini.vertex_embed"
    VERTEX_COUNT_TOKENS = "gemini.vertex_count_tokens"


OPERATIONS: Mapping[Format, Operation] = MappingProxyType(
    {
        Format.OPENAI_CHAT: Operation.CHAT,
        Format.OPENAI_EMBEDDINGS: Operation.EMBED,
        Format.OPENAI_RESPONSES: Operation.CHAT,
        Format.OPENAI_INPUT_TOKENS: Operation.COUNT_TOKENS,
        Format.OPENAI_IMAGES: Operation.IMAGE,
        Format.OPENAI_IMAGE_EDITS: Operation.IMAGE_EDIT,
        Format.OPENAI_IMAGE_VARIATIONS: Operation.IMAGE_VARIATION,
        Format.OPENAI_SPEECH: Operation.SPEECH,
        Format.OPENAI_SPEECH_EVENTS: Operation.SPEECH,
        Format.OPENAI_TRANSCRIPTIONS: Operation.TRANSCRIBE,
        Format.OPENAI_TRANSLATIONS: Operation.TRANSLATE_SPEECH,
        Format.ANTHROPIC_MESSAGES: Operation.CHAT,
        Format.ANTHROPIC_COUNT_TOKENS: Operation.COUNT_TOKENS,
        Format.ANTHROPIC_COMPLETE: Operation.CHAT,
        Format.OPENAI_COMPLETIONS: Operation.CHAT,
        Format.BEDROCK_CONVERSE: Operation.CHAT,
        Format.BEDROCK_NOVA: Operation.CHAT,
        Format.BEDROCK_TITAN_TEXT: Operation.CHAT,
        Format.BEDROCK_LLAMA: Operation.CHAT,
        Format.BEDROCK_MISTRAL: Operation.CHAT,
        Format.BEDROCK_COMMAND: Operation.CHAT,
        Format.BEDROCK_COMMAND_R: Operation.CHAT,
        Format.BEDROCK_COUNT_TOKENS: Operation.COUNT_TOKENS,
        Format.BEDROCK_TITAN_EMBED: Operation.EMBED,
        Format.BEDROCK_COHERE_EMBED: Operation.EMBED,
        Format.BEDROCK_CANVAS: Operation.IMAGE,
        Format.BEDROCK_STABILITY: Operation.IMAGE,
        Format.BEDROCK_RERANK: Operation.RERANK,
        Format.BEDROCK_RERANK_INVOKE: Operation.RERANK,
        Format.ELEVENLABS_SPEECH: Operation.SPEECH,
        Format.ELEVENLABS_TRANSCRIPTS: Operation.TRANSCRIBE,
        Format.OPENAI_RERANK: Operation.RERANK,
        Format.COHERE_CHAT: Operation.CHAT,
        Format.GEMINI_GENERATE: Operation.CHAT,
        Format.COHERE_EMBED: Operation.EMBED,
        Format.COHERE_EMBED_V1: Operation.EMBED,
        Format.COHERE_RERANK: Operation.RERANK,
        Format.COHERE_RERANK_V1: Operation.RERANK,
        Format.COHERE_TOKENIZE: Operation.TOKENIZE,
        Format.COHERE_DETOKENIZE: Operation.DETOKENIZE,
        Format.GEMINI_EMBED: Operation.EMBED,
        Format.GEMINI_EMBEDS: Operation.EMBED,
        Format.GEMINI_COUNT_TOKENS: Operation.COUNT_TOKENS,
        Format.GEMINI_PREDICT: Operation.IMAGE,
        Format.GEMINI_IMAGES: Operation.IMAGE,
        Format.GEMINI_SPEECH: Operation.SPEECH,
        Format.GEMINI_TRANSCRIPTS: Operation.TRANSCRIBE,
        Format.VERTEX_PREDICT: Operation.IMAGE,
        Format.VERTEX_EMBED: Operation.EMBED,
        Format.VERTEX_COUNT_TOKENS: Operation.COUNT_TOKENS,
    }
)
"""What a body of each format asks for."""


class Family(StrEnum):
    """A dialect: decides how errors, model lists and batches are written."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    BEDROCK = "bedrock"
    ELEVENLABS = "elevenlabs"
    COHERE = "cohere"
    GEMINI = "gemini"


class Framing(StrEnum):
    """How the pieces of a streamed body are told apart."""

    SSE = "sse"
    BYTES = "bytes"
    """Not at all: each piece is passed on as it comes (sound)."""
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

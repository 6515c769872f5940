"""Gemini's generateContent and streamGenerateContent: the codec."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Raw

from asbru.model.chat import Ask, Reply
from asbru.model.names import Family, Format
from asbru.wire.codec import Codec, Peek
from asbru.wire.envelope import Envelope
from asbru.wire.gemini.errors import read_failure, write_failure
from asbru.wire.gemini.generate_ask_in import read_ask
from asbru.wire.gemini.generate_ask_out import write_ask
from asbru.wire.gemini.generate_reply import read_reply, write_reply
from asbru.wire.gemini.generate_shapes import Body
from asbru.wire.gemini.generate_stream_in import GenerateReader
from asbru.wire.gemini.generate_stream_out import GenerateWriter
from asbru.wire.gemini.generate_tap import GenerateTap
from asbru.wire.gemini.generate_usage import read_usage
from asbru.wire.peeking import peek_fallbacks


def peek(envelope: Envelope) -> Peek:
    """Fallbacks; the path tells the rest. Raises Refused(400)."""
    return Peek("", fallbacks=peek_fallbacks(envelope.members))


def put(envelope: Envelope, model: str, stream: bool) -> dict[str, Raw]:
    """Nothing: the path names the model."""
    return {}


_CONFIG = "generationConfig"

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "temperature": f"{_CONFIG}.temperature",
        "temperature: above 1": f"{_CONFIG}.temperature: above 1",
        "top_p": f"{_CONFIG}.topP",
        "top_k": f"{_CONFIG}.topK",
        "seed": f"{_CONFIG}.seed",
        "stop": f"{_CONFIG}.stopSequences",
        "frequency_penalty": f"{_CONFIG}.frequencyPenalty",
        "presence_penalty": f"{_CONFIG}.presencePenalty",
        "logprobs": f"{_CONFIG}.responseLogprobs",
        "top_logprobs": f"{_CONFIG}.logprobs",
        "n": f"{_CONFIG}.candidateCount",
        "max_tokens: below 16": f"{_CONFIG}.maxOutputTokens: below 16",
        "thinking": f"{_CONFIG}.thinkingConfig",
        "thinking.budget_tokens": f"{_CONFIG}.thinkingConfig.thinkingBudget",
        "reasoning_effort": f"{_CONFIG}.thinkingConfig.thinkingLevel",
        "reasoning_effort: minimal": f"{_CONFIG}.thinkingConfig.thinkingLevel: MINIMAL",
        "response_format: json_object": f"{_CONFIG}.responseMimeType: application/json",
        "response_format.json_schema.strict": f"{_CONFIG}.responseJsonSchema: strict",
        "tool_choice": "toolConfig.functionCallingConfig",
        "tool_choice: none": "toolConfig.functionCallingConfig.mode: NONE",
        "service_tier": "serviceTier",
    }
)

CODEC: Codec[Ask, Reply] = Codec(
    format=Format.GEMINI_GENERATE,
    family=Family.GEMINI,
    model_in_path=True,
    words=WORDS,
    body=Body,
    peek=peek,
    put=put,
    read_ask=read_ask,
    write_ask=write_ask,
    read_reply=read_reply,
    write_reply=write_reply,
    reader=GenerateReader,
    writer=GenerateWriter,
    read_usage=read_usage,
    tap=GenerateTap,
    read_failure=read_failure,
    write_failure=write_failure,
)

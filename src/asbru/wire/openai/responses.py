"""OpenAI Responses: the codec."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Raw

from asbru.model.chat import Ask, Reply
from asbru.model.names import Family, Format
from asbru.wire.codec import Codec, Peek
from asbru.wire.envelope import Envelope
from asbru.wire.openai.errors import read_failure, write_failure
from asbru.wire.openai.responses_ask_in import read_ask
from asbru.wire.openai.responses_ask_out import write_ask
from asbru.wire.openai.responses_history import without_ours
from asbru.wire.openai.responses_reply import read_reply, write_reply
from asbru.wire.openai.responses_shapes import Body
from asbru.wire.openai.responses_stream_in import ResponseReader
from asbru.wire.openai.responses_stream_out import ResponseWriter
from asbru.wire.openai.responses_tap import ResponseTap
from asbru.wire.openai.responses_usage import read_usage
from asbru.wire.peeking import model_member, peek_fallbacks, peek_model, peek_stream
from asbru.wire.several import as_one, one_each


def peek(envelope: Envelope) -> Peek:
    """Model, stream and fallbacks; usage is always part of a stream. Raises Refused(400)."""
    members = envelope.members
    stream = peek_stream(members)
    return Peek(peek_model(members), stream, peek_fallbacks(members), stream)


def put(envelope: Envelope, model: str, stream: bool) -> dict[str, Raw]:
    """The provider's name of the model. Reasoning that another provider has signed stays here."""
    told = envelope.members.get("input")
    if told is None or (kept := without_ours(told)) is told:
        return {"model": model_member(model)}
    return {"model": model_member(model), "input": kept}


WORDS: Mapping[str, str] = MappingProxyType(
    {
        "max_tokens: below 16": "max_output_tokens: below 16",
        "reasoning_effort": "reasoning.effort",
        "reasoning_effort: minimal": "reasoning.effort: minimal",
        "response_format: json_object": "text.format: json_object",
        "response_format.json_schema.name": "text.format.name",
        "response_format.json_schema.description": "text.format.description",
        "response_format.json_schema.strict": "text.format.strict",
        "thinking": "reasoning",
    }
)

CODEC: Codec[Ask, Reply] = Codec(
    format=Format.OPENAI_RESPONSES,
    family=Family.OPENAI,
    request="responses",
    words=WORDS,
    body=Body,
    peek=peek,
    put=put,
    read_ask=read_ask,
    write_ask=write_ask,
    read_reply=read_reply,
    split=one_each,
    join=as_one,
    write_reply=write_reply,
    reader=ResponseReader,
    writer=ResponseWriter,
    read_usage=read_usage,
    tap=ResponseTap,
    read_failure=read_failure,
    write_failure=write_failure,
)

"""InvokeModel: bodies in the format of the model's maker, streamed in base64 inside Amazon's event stream.

Rule 1. The shape of the body tells its format, whatever the model's name is: a name is an alias, a body is not.
Rule 2. What Bedrock says by path and headers is put where the format itself has it, and back on the way out.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Raw

from asbru.model.events import Event
from asbru.model.failure import Failure, Refused
from asbru.model.http import Headers
from asbru.model.names import OPERATIONS, Family, Format, Framing, Operation
from asbru.model.usage import Usage
from asbru.wire.anthropic import messages
from asbru.wire.aws import ChunkCutter, write_chunk, write_exception
from asbru.wire.bedrock import cohere_embed, images, nova, rerank, titan_embed
from asbru.wire.bedrock.errors import stream_exception, write_failure
from asbru.wire.bedrock.prompt_shapes import SHAPES
from asbru.wire.bedrock.prompts import prompt_codec
from asbru.wire.codec import AnyCodec, Stamp, Tap, Writer
from asbru.wire.envelope import Envelope
from asbru.wire.openai import chat
from asbru.wire.peeking import model_member
from asbru.wire.shapes import BAD_JSON, Members, refused
from asbru.wire.sse import Framer, write_frame

_strings = msgspec.json.Decoder(list[str]).decode


class Taken(msgspec.Struct, frozen=True):
    """A body as its format has it. ``headers``: what it said that the format says in headers."""

    codec: AnyCodec
    headers: Headers


class ChunkWriter:
    """Writes one stream of a format that has server-sent events as chunks."""

    __slots__ = ("_framer", "_writer")

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._framer = Framer()

    def send(self, event: Event) -> bytes:
        """The bytes for one event; may be empty."""
        return b"".join(map(write_chunk, self._framer.feed(self._writer.send(event))))

    def fail(self, failure: Failure) -> bytes:
        """An exception in the middle of a stream."""
        return write_exception(*stream_exception(failure))


class ChunkTap:
    """Reads usage out of passing chunks by the format's own tap; the bytes are never changed."""

    __slots__ = ("_cutter", "_name", "_tap", "done", "failed", "usage")

    def __init__(self, tap: Tap, name: Callable[[bytes], str]) -> None:
        self._tap = tap
        self._name = name
        self._cutter = ChunkCutter()
        self.usage = Usage()
        self.done = False
        self.failed = False

    def feed(self, chunk: bytes) -> bytes:
        """``chunk`` itself."""
        if not self.failed:
            try:
                for frame in self._cutter.feed(chunk):
                    self._tap.feed(write_frame(self._name(frame.data), frame.data))
            except Failure:
                self.failed = True
            self._note()
        return chunk

    def finish(self) -> bytes:
        """Nothing is held back."""
        try:
            self._cutter.flush()
        except Failure:
            self.failed = True
        rest = self._tap.finish()
        self._note()
        return rest

    def _note(self) -> None:
        self.usage, self.done = self._tap.usage, self._tap.done
        self.failed = self.failed or self._tap.failed


def in_chunks(codec: AnyCodec) -> AnyCodec:
    """``codec`` as InvokeModel speaks it: its streams in chunks, its failures Bedrock's."""

    def writer(stamp: Stamp, ask: Any) -> Writer:
        return ChunkWriter(codec.writer(stamp, ask))

    def tap(include_usage: bool) -> Tap:
        return ChunkTap(codec.tap(include_usage), codec.event_name)

    return msgspec.structs.replace(
        codec, family=Family.BEDROCK, framing=Framing.AWS_CHUNKS, writer=writer, tap=tap, write_failure=write_failure
    )


INVOKED: Mapping[Format, AnyCodec] = MappingProxyType(
    {
        Format.ANTHROPIC_MESSAGES: in_chunks(messages.CODEC),
        Format.OPENAI_CHAT: in_chunks(chat.CODEC),
        Format.BEDROCK_NOVA: nova.CODEC,
        **{format: prompt_codec(shape) for format, shape in SHAPES.items()},
        Format.BEDROCK_TITAN_EMBED: titan_embed.CODEC,
        Format.BEDROCK_COHERE_EMBED: cohere_embed.CODEC,
        Format.BEDROCK_RERANK_INVOKE: rerank.INVOKE_CODEC,
        Format.BEDROCK_CANVAS: images.CANVAS_CODEC,
        Format.BEDROCK_STABILITY: images.STABILITY_CODEC,
    }
)
"""What a body of InvokeModel may be."""


def take(envelope: Envelope, model: str, stream: bool) -> Taken:
    """Finds the format of a body, and makes it one. Raises Refused(400) when no format has such a body."""
    members = envelope.members
    format = format_of(members, model)
    codec = INVOKED[format]
    if stream and OPERATIONS[format] is not Operation.CHAT:
        raise Refused(400, "A body of this kind cannot be answered as a stream.", code="ValidationException")
    if not codec.model_in_path:
        members["model"] = model_member(model)
        if stream:
            members["stream"] = Raw(b"true")
    return Taken(codec, _take_anthropic(members) if format is Format.ANTHROPIC_MESSAGES else {})


def format_of(members: Members, model: str) -> Format:
    """The format that has a body with these members; where several have, the model's name tells. Raises
    Refused(400).
    """
    name = model.lower()
    if "anthropic_version" in members:
        return Format.ANTHROPIC_MESSAGES
    if "messages" in members:
        return Format.BEDROCK_NOVA if _is_nova(members) else Format.OPENAI_CHAT
    if "inputText" in members or "inputImage" in members:
        embeds = "embed" in name or not members.keys().isdisjoint(_TITAN_EMBED)
        return Format.BEDROCK_TITAN_EMBED if embeds else Format.BEDROCK_TITAN_TEXT
    if "taskType" in members:
        return Format.BEDROCK_CANVAS
    if "texts" in members or "images" in members:
        return Format.BEDROCK_COHERE_EMBED
    if "query" in members:
        return Format.BEDROCK_RERANK_INVOKE
    if "message" in members:
        return Format.BEDROCK_COMMAND_R
    if "prompt" in members:
        return _prompt_format(members, name)
    names = ", ".join(sorted(members)[:20]) or "nothing"
    words = f"The body has no model's format that is known here: its members are {names}."
    raise Refused(400, words, code="ValidationException")


_TITAN_EMBED = frozenset({"inputImage", "dimensions", "normalize", "embeddingTypes", "embeddingConfig"})
_STABILITY = frozenset({"mode", "aspect_ratio", "output_format", "negative_prompt"})
_COMMAND = frozenset({"p", "k", "stop_sequences", "return_likelihoods", "num_generations", "logit_bias"})


def _is_nova(members: Members) -> bool:
    """Nova's blocks have no type; a text that is a string is OpenAI's."""
    if not members.keys().isdisjoint({"schemaVersion", "inferenceConfig", "toolConfig", "system"}):
        return True
    try:
        first = _messages(members["messages"])[:1]
    except BAD_JSON:
        return False
    return bool(first) and isinstance(first[0].content, list) and "type" not in (first[0].content or [{}])[0]


class _Message(msgspec.Struct):
    content: str | list[dict[str, Raw]] | None = None


_messages = msgspec.json.Decoder(list[_Message]).decode


def _prompt_format(members: Members, name: str) -> Format:
    if not members.keys().isdisjoint(_STABILITY) or "stability." in name:
        return Format.BEDROCK_STABILITY
    if "max_gen_len" in members:
        return Format.BEDROCK_LLAMA
    if not members.keys().isdisjoint(_COMMAND) or "cohere" in name:
        return Format.BEDROCK_COMMAND
    return Format.BEDROCK_LLAMA if "llama" in name or "meta." in name else Format.BEDROCK_MISTRAL


def _take_anthropic(members: Members) -> Headers:
    """Bedrock has the version and the betas in the body, the model and the stream in the path."""
    del members["anthropic_version"]
    betas = members.pop("anthropic_beta", None)
    if betas is None or bytes(betas) == b"null":
        return {}
    try:
        words = ",".join(_strings(betas))
    except BAD_JSON as error:
        raise refused("anthropic_beta", error) from None
    if not (words.isascii() and words.isprintable()):
        raise refused("anthropic_beta", "must be names of betas")
    return {b"anthropic-beta": words.encode()}

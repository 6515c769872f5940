"""The canonical conversation, shared by all chat formats.

Rule 1. Values that came as JSON and mean nothing to us (tool schemas, tool arguments) stay ``Raw``: their bytes are
kept.
Rule 2. What a format has and this model does not is kept in ``extra`` (top level) or in an ``Opaque`` part, and
written back only to the format it came from. A codec that writes another format names each of them as lost.
Rule 3. Tool results are parts of a USER turn; consecutive turns of one role are allowed and codecs merge them where
needed.
"""

from collections.abc import Mapping

import msgspec
from msgspec import Raw, Struct

from asbru.model.names import Finish, Format, Role
from asbru.model.usage import Usage


class Cache(Struct, frozen=True):
    """A caching mark after a part (Anthropic ``cache_control``).

    ``ttl``: "5m", "1h", or "" for the provider's default.
    """

    ttl: str = ""


class Citation(Struct, frozen=True, kw_only=True):
    """Where a text comes from.

    ``raw`` is the citation as its format wrote it, ``url``/``title``/``quote`` what both have.
    """

    format: Format
    raw: Raw
    url: str = ""
    title: str = ""
    quote: str = ""


class Likely(Struct, frozen=True, kw_only=True):
    """A token and the natural logarithm of its probability. ``top``: the likeliest tokens at its place, best first.

    ``bytes``: of its text in UTF-8, where they were told: a token may be a part of a character. ``id``: its number in
    the model's vocabulary, -1 when not told. Of several tokens whose texts are told as one, the first has that text.
    """

    token: str
    logprob: float
    bytes: tuple[int, ...] | None = None
    id: int = -1
    top: "tuple[Likely, ...]" = ()


class Text(Struct, frozen=True, tag="text"):
    """``logprobs``: of its tokens, where they were asked for."""

    text: str
    cache: Cache | None = None
    citations: tuple[Citation, ...] = ()
    logprobs: tuple[Likely, ...] = ()


class Image(Struct, frozen=True, tag="image", kw_only=True):
    """An image by ``url``, by base64 ``data`` with ``media_type``, or by ``file_id``; exactly one is set."""

    url: str = ""
    data: str = ""
    media_type: str = ""
    file_id: str = ""
    detail: str = ""
    cache: Cache | None = None


class Document(Struct, frozen=True, tag="document", kw_only=True):
    """A file to read: ``url``, base64 ``data`` with ``media_type``, ``text``, or ``file_id``; exactly one is set."""

    url: str = ""
    data: str = ""
    media_type: str = ""
    text: str = ""
    file_id: str = ""
    name: str = ""
    context: str = ""
    citations: bool = False
    cache: Cache | None = None


class Audio(Struct, frozen=True, tag="audio", kw_only=True):
    """Base64 audio in a ``format`` such as "wav" or "mp3"."""

    data: str
    format: str


OPENAI_SEAL = "YXNicnUxOm86"
"""How a signature begins that means something to one maker only, and travels through other dialects unchanged.

This is base64, of ``asbru1:o:``, as other dialects demand of redacted thinking.
"""
GOOGLE_SEAL = "asbru1:g:"


class Thinking(Struct, frozen=True, tag="thinking", kw_only=True):
    """Reasoning text with the provider's signature, or the ``redacted`` blob that stands for it.

    Sealed ones (is_sealed) go back to the format that can open them; for every other provider they are lost.
    """

    text: str = ""
    signature: str = ""
    redacted: str = ""


class ToolCall(Struct, frozen=True, tag="tool_call", kw_only=True):
    """A call of a tool. ``arguments`` are the bytes of one JSON value, normally an object.

    ``custom``: it came as free text, which is the member ``input`` of its arguments (see Custom).
    """

    id: str
    name: str
    arguments: Raw
    cache: Cache | None = None
    custom: bool = False


class ToolResult(Struct, frozen=True, tag="tool_result", kw_only=True):
    """What a tool answered. ``parts`` are Text, Image or Document."""

    id: str
    parts: "tuple[Part, ...]" = ()
    is_error: bool = False
    cache: Cache | None = None


class Refusal(Struct, frozen=True, tag="refusal"):
    """The model's words for why it will not answer (OpenAI ``refusal``)."""

    text: str


class Opaque(Struct, frozen=True, tag="opaque", kw_only=True):
    """A part this model has no word for: written back only to ``format``. ``kind`` is its type, for messages."""

    format: Format
    kind: str
    raw: Raw


Part = Text | Image | Document | Audio | Thinking | ToolCall | ToolResult | Refusal | Opaque


class Turn(Struct, frozen=True):
    """``places``: the paths of the parts in the caller's body, where they cannot be counted (see wire/places.py)."""

    role: Role
    parts: tuple[Part, ...]
    name: str = ""
    places: tuple[str, ...] = ()


class Custom(Struct, frozen=True, kw_only=True):
    """What OpenAI calls a custom tool: one that takes free text, of any kind or as a grammar has it."""

    description: str = ""
    syntax: str = ""
    definition: str = ""


class Tool(Struct, frozen=True, kw_only=True):
    """A function the model may call.

    ``schema`` is its JSON schema, bytes as they came; ``raw``: a built-in tool of a format. ``custom``: it takes free
    text, and is told as a function with one string, ``input``.
    """

    name: str
    description: str = ""
    schema: Raw = Raw(b'{"type":"object","properties":{}}')
    strict: bool | None = None
    cache: Cache | None = None
    raw: Raw | None = None
    custom: Custom | None = None

    def unheld(self, n: int) -> list[str]:
        """What only its description says of tool ``n`` where there are no custom tools."""
        return [f"tools.{n}: grammar"] if self.custom and self.custom.definition else []


class ToolChoice(Struct, frozen=True, kw_only=True):
    """``mode``: auto, none, required, or tool (then ``name`` says which).

    ``allowed``: only these tools, when not empty.
    """

    mode: str = "auto"
    name: str = ""
    allowed: tuple[str, ...] = ()


class Sampling(Struct, frozen=True, kw_only=True):
    """How to choose tokens; None: not said.

    ``logprobs``: tell how likely each token was, and so many that might have stood in its place. ``n``: how many
    answers, each of them made anew.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    logprobs: int | None = None
    n: int | None = None


class Output(Struct, frozen=True, kw_only=True):
    """Structured output: ``schema`` None means any JSON object."""

    schema: Raw | None = None
    name: str = ""
    description: str = ""
    strict: bool | None = None


class Effort(Struct, frozen=True, kw_only=True):
    """How much to think: a ``word`` (minimal, low, medium, high, xhigh, max) or a ``budget`` in tokens.

    Off: ``enabled`` False. ``adaptive``: the model decides when and how much, within ``word``. A word alone only says
    how much effort an answer is worth.
    """

    enabled: bool = True
    word: str = ""
    budget: int = 0
    adaptive: bool = False


class Ask(Struct, frozen=True, kw_only=True):
    """One request for a reply.

    Names in ``extra`` that hold dots are paths of nested members (``messages.0.content.1.x``). ``apart``: the first
    turn stood apart from the conversation, as a member of its own (``instructions``); for the names of places only.
    """

    model: str
    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    sampling: Sampling = Sampling()
    output: Output | None = None
    thinking: Effort | None = None
    stream: bool = False
    include_usage: bool = False
    user: str = ""
    service_tier: str = ""
    apart: bool = False
    extra: Mapping[str, Raw] = {}
    origin: Format


class Choice(Struct, frozen=True, kw_only=True):
    """Another answer to the same question."""

    parts: tuple[Part, ...]
    finish: Finish | None = Finish.STOP
    stop_sequence: str = ""


class Reply(Struct, frozen=True, kw_only=True):
    """What the model answered. ``id`` is the upstream's; ``created`` Unix seconds, 0 when the format does not tell.

    ``others``: the second answer and those after it, where several were asked for; ``usage`` is that of all.
    """

    id: str
    model: str
    parts: tuple[Part, ...]
    finish: Finish | None = Finish.STOP
    stop_sequence: str = ""
    usage: Usage = Usage()
    created: int = 0
    extra: Mapping[str, Raw] = {}
    others: tuple[Choice, ...] = ()
    origin: Format


def is_sealed(signature: str, seal: str | tuple[str, ...] = (OPENAI_SEAL, GOOGLE_SEAL)) -> bool:
    """Whether only the codec that sealed it can make use of a signature, or of a redacted blob.

    ``seal``: whether it is this maker's.
    """
    return signature.startswith(seal)


def raw_arguments(text: str | bytes) -> Raw:
    """Tool arguments as one JSON value: ``{}`` for none.

    Text that is not JSON (a model's slip) becomes a JSON string of it.
    """
    stripped = text.strip()
    if not stripped:
        return Raw(b"{}")
    try:
        return msgspec.json.decode(stripped, type=Raw).copy()
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return Raw(msgspec.json.encode(text if isinstance(text, str) else text.decode("utf-8", "replace")))

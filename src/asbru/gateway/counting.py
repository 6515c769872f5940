"""Counting tokens for providers that count for nobody: a stated estimate, the same in every dialect.

Rule 1. Text is counted by its bytes, whatever its language; what is not text costs what such things cost on average.
Rule 2. An estimate says so: in the header ``x-asbru-estimated`` and, as the lane, in the log. Nobody is asked for it,
and it costs nothing.
"""

from collections.abc import Iterable

import msgspec

from asbru.gateway.bending import PLAIN
from asbru.gateway.exchange import Exchange
from asbru.gateway.lanes import BYTES_PER_TOKEN, Splice
from asbru.model.chat import Ask, Audio, Document, Image, Opaque, Part, Tool, ToolCall, ToolResult
from asbru.model.tokens import Counted
from asbru.wire.codec import JSON, Stamp

MESSAGE = 4
"""Tokens that a turn costs beside what it says."""
IMAGE = 1_000
"""Tokens of an image: OpenAI's are 85 to 1,105, Anthropic's up to 1,600, Google's 258 for each tile."""
DOCUMENT = 3_000
"""Tokens of a document that is not text: a page or two of a PDF."""
TOOLS = 300
"""Tokens of the words that go with any tools at all (Anthropic: 346)."""
BYTES_PER_SOUND_TOKEN = 1_000
"""Bytes of sound to a token: 32 KB and 32 tokens in a second."""


class Estimate(Splice):
    """The lane of an answer that is made here."""

    name = "estimate"
    __slots__ = ()

    def __init__(self, x: Exchange, model: str) -> None:
        super().__init__(x, model, PLAIN)
        self.reply_kind = JSON

    def request(self) -> bytes:
        """The answer's body. Raises Refused(400) for a request that cannot be read."""
        x = self._x
        ask = msgspec.structs.replace(self._codec.read_ask(x.envelope), model=self._model)
        counted = Counted(input=tokens_of(ask), estimated=True, origin=self._codec.format)
        stamp = Stamp(id=x.id.removeprefix("req_"), at=int(x.at), model=self._model, ask=ask)
        written = self._codec.write_reply(counted, stamp)
        self.lost = written.lost
        self.reported = True
        return written.body


def tokens_of(ask: Ask) -> int:
    """About how many tokens a request has."""
    said = sum(MESSAGE + _parts(turn.parts) for turn in ask.turns)
    schema = ask.output.schema if ask.output else None
    return said + _tools(ask.tools) + (_bytes(schema) if schema else 0)


def _tools(tools: Iterable[Tool]) -> int:
    costs = [_bytes(tool.raw) if tool.raw else _bytes(tool.schema, tool.name, tool.description) for tool in tools]
    return TOOLS + sum(costs) if costs else 0


def _parts(parts: Iterable[Part]) -> int:
    return sum(map(_part, parts))


def _part(part: Part) -> int:
    match part:
        case Image():
            return IMAGE
        case Document() if not part.text:
            return DOCUMENT
        case Audio():
            return len(part.data) * 3 // 4 // BYTES_PER_SOUND_TOKEN + 1
        case ToolCall():
            return MESSAGE + _bytes(part.arguments, part.name)
        case ToolResult():
            return MESSAGE + _parts(part.parts)
        case Opaque():
            return _bytes(part.raw)
    return _bytes(part.text)


def _bytes(*pieces: bytes | str) -> int:
    size = sum(len(piece.encode("utf-8", "replace") if isinstance(piece, str) else bytes(piece)) for piece in pieces)
    return -(-size // BYTES_PER_TOKEN)

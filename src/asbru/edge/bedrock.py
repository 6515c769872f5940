"""Bedrock's operations: requests signed by AWS's SDKs, answers with the headers that these read.

The signature is not checked: it is made with the caller's AWS credentials, which the gateway does not have.
"""

from asbru.edge.inference import Asked, Inference
from asbru.edge.request import Fail, Handler, Request, Route
from asbru.model.http import Answer, Headers
from asbru.model.names import Format
from asbru.model.usage import Usage
from asbru.wire import CODECS
from asbru.wire.bedrock.invoke import take
from asbru.wire.codec import Peek
from asbru.wire.envelope import Envelope

DEFAULT = "bedrock"
"""The provider of a model without prefix."""

_SAID = b"x-amzn-bedrock-"

_STREAM = {b"x-amzn-bedrock-content-type": b"application/json"}


def _amazons(headers: Headers) -> dict[bytes, bytes]:
    """What a client says of an invocation beside the body: guardrails, latency, tier. It goes to Amazon only."""
    return {name: value for name, value in headers.items() if name.startswith(_SAID)}


def _counts(usage: Usage) -> dict[bytes, bytes]:
    """Tokens, as Bedrock tells them beside a body of whatever format."""
    counts = {b"input": usage.input, b"output": usage.output}
    return {b"x-amzn-bedrock-%b-token-count" % name: b"%d" % count for name, count in counts.items()}


class BedrockRoutes:
    """Makes the routes of Bedrock's runtime."""

    def __init__(self, inference: Inference, fail: Fail) -> None:
        self._inference = inference
        self._fail = fail

    def converse(self, stream: bool) -> Route:
        """Converse, or ConverseStream."""
        codec = CODECS[Format.BEDROCK_CONVERSE]

        async def handle(request: Request) -> Answer:
            envelope = Envelope(request.body)
            peek = Peek(request.params[0], stream, codec.peek(envelope).fallbacks, True)
            return await self._inference.carry(request, Asked(codec, envelope, peek, DEFAULT))

        return self._route(handle, "Body: bedrock.converse")

    def invoke(self, stream: bool) -> Route:
        """InvokeModel, or InvokeModelWithResponseStream."""

        async def handle(request: Request) -> Answer:
            envelope = Envelope(request.body)
            taken = take(envelope, request.params[0], stream)
            peek = Peek(request.params[0], stream, taken.codec.peek(envelope).fallbacks, True)
            headers = {**taken.headers, **_amazons(request.headers)}
            asked = Asked(taken.codec, envelope, peek, DEFAULT, headers)
            answer, usage = await self._inference.told(request, asked)
            if answer.stream is None:
                answer.headers = {**answer.headers, **_counts(usage)}
            return answer

        return self._route(handle, "Body: of the model's maker")

    def count_tokens(self) -> Route:
        """CountTokens."""
        codec = CODECS[Format.BEDROCK_COUNT_TOKENS]

        async def handle(request: Request) -> Answer:
            envelope = Envelope(request.body)
            peek = Peek(request.params[0], fallbacks=codec.peek(envelope).fallbacks)
            return await self._inference.carry(request, Asked(codec, envelope, peek, DEFAULT))

        return self._route(handle, "Body: bedrock.count_tokens")

    def rerank(self) -> Route:
        """The agent runtime's Rerank."""
        codec = CODECS[Format.BEDROCK_RERANK]

        async def handle(request: Request) -> Answer:
            envelope = Envelope(request.body)
            return await self._inference.carry(request, Asked(codec, envelope, codec.peek(envelope), DEFAULT))

        return self._route(handle, "Body: bedrock.rerank")

    def _route(self, handle: Handler, summary: str) -> Route:
        async def dressed(request: Request) -> Answer:
            answer = await handle(request)
            added = {b"x-amzn-requestid": request.id.encode(), **(_STREAM if answer.stream is not None else {})}
            answer.headers = {**answer.headers, **added}
            return answer

        return Route(handler=dressed, fail=self._fail, limit=self._inference.limit, summary=summary)

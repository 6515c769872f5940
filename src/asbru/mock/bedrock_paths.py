"""Bedrock's operations at their paths: who signs, which model, which body."""

from collections.abc import Iterator
from urllib.parse import parse_qs

import msgspec
from msgspec import structs

from asbru.edge.request import Handler, Request
from asbru.mock import bedrock
from asbru.mock.aws_signature import SECRET, SESSION, access_key, check
from asbru.mock.bedrock_invoke import dialect_for, task_for
from asbru.mock.bedrock_shapes import CountRequest
from asbru.mock.dialect import Dialect
from asbru.mock.strict import Mistake, read
from asbru.mock.talk import Talker
from asbru.model.http import Answer

JSON = {b"content-type": b"application/json"}
_count = msgspec.json.Decoder(CountRequest)

Row = tuple[str, str, Dialect, Handler]
"""Method, path, dialect, handler."""

MODELS = (
    ("anthropic.claude-sonnet-4-5-20250929-v1:0", "Claude Sonnet 4.5", "Anthropic"),
    ("amazon.nova-lite-v1:0", "Nova Lite", "Amazon"),
    ("amazon.titan-embed-text-v2:0", "Titan Text Embeddings V2", "Amazon"),
    ("cohere.embed-english-v3", "Embed English", "Cohere"),
)


PROFILES = (
    ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "US Claude Sonnet 4.5"),
    ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", "Global Claude Sonnet 4.5"),
)


class Bedrock:
    """The runtime, the list of models, and as much of STS as roles need."""

    def __init__(self, talker: Talker) -> None:
        self._talker = talker

    def rows(self) -> Iterator[Row]:
        """What is served."""
        for path, stream in (("converse", False), ("converse-stream", True)):
            yield self._row(path, self._converse(stream))
        for path, stream in (("invoke", False), ("invoke-with-response-stream", True)):
            yield self._row(path, self._invoke(stream))
        yield self._row("count-tokens", self._count)
        yield "GET", "/foundation-models", bedrock.DIALECT, self._models
        yield "GET", "/inference-profiles", bedrock.DIALECT, self._profiles
        yield "POST", "/", bedrock.DIALECT, self._sts

    def _row(self, path: str, handler: Handler) -> Row:
        return "POST", f"/model/{{model*}}/{path}", bedrock.DIALECT, handler

    def _check(self, request: Request) -> None:
        check_signed(request, self._talker.clock())

    def _converse(self, stream: bool) -> Handler:
        async def handle(request: Request) -> Answer:
            self._check(request)
            model = _short(request.params[0])
            dialect = structs.replace(bedrock.DIALECT, read=lambda body, headers: bedrock.ask(body, model, stream))
            return await self._talker.converse(dialect, request)

        return handle

    def _invoke(self, stream: bool) -> Handler:
        async def handle(request: Request) -> Answer:
            self._check(request)
            model = _short(request.params[0])
            task = task_for(model)
            if task is not None and stream:
                raise bedrock.refused("The model is unsupported for streaming")
            if task is not None:
                return await self._talker.perform(bedrock.DIALECT, request, task)
            return await self._talker.converse(dialect_for(model, stream), request)

        return handle

    async def _count(self, request: Request) -> Answer:
        """Words of what is asked."""
        self._check(request)
        self._talker.admit(bedrock.DIALECT, request)
        try:
            told = read(_count, request.body).input
        except Mistake as mistake:
            raise bedrock.refusal(mistake) from None
        bedrock.check_unions(told, "input")
        words = len(msgspec.json.encode(told).split()) if told.converse else 1
        return Answer(status=200, headers=JSON, body=msgspec.json.encode({"inputTokens": words}))

    async def _models(self, request: Request) -> Answer:
        self._check(request)
        self._talker.admit(bedrock.DIALECT, request)
        summaries = [
            {"modelId": id, "modelName": name, "providerName": maker, "modelLifecycle": {"status": "ACTIVE"}}
            for id, name, maker in MODELS
        ]
        return Answer(status=200, headers=JSON, body=msgspec.json.encode({"modelSummaries": summaries}))

    async def _profiles(self, request: Request) -> Answer:
        """One at a time, so that pages are turned."""
        self._check(request)
        self._talker.admit(bedrock.DIALECT, request)
        turned = parse_qs(request.query).get("nextToken") == ["a/b"]
        id, name = PROFILES[turned]
        arn = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{id}"
        told = {"inferenceProfileId": id, "inferenceProfileName": name, "inferenceProfileArn": arn, "status": "ACTIVE"}
        page = {"inferenceProfileSummaries": [told], **({} if turned else {"nextToken": "a/b"})}
        return Answer(status=200, headers=JSON, body=msgspec.json.encode(page))

    async def _sts(self, request: Request) -> Answer:
        """AssumeRole: a temporary key, for who signs with one that lasts."""
        check(request, "sts", self._talker.clock())
        said = parse_qs(request.body.decode("latin-1"))
        if said.get("Action") != ["AssumeRole"] or not said.get("RoleArn", [""])[0].startswith("arn:"):
            raise bedrock.refused("only AssumeRole is played here")
        body = _ROLE.format(secret=SECRET, session=SESSION, name=said.get("RoleSessionName", [""])[0])
        return Answer(status=200, headers={b"content-type": b"text/xml"}, body=body.encode())


def check_signed(request: Request, now: float) -> None:
    """Raises Failure(403) for a signature that is wrong; a bearer token needs none. ``now``: Unix seconds."""
    if not request.headers.get(b"authorization", b"").startswith(b"Bearer "):
        if not access_key(request.headers.get(b"authorization", b"").decode("latin-1")):
            raise bedrock.unauthorized("")
        check(request, "bedrock", now)


_ROLE = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><AssumedRoleId>A:{name}</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/r/{name}</Arn>
</AssumedRoleUser><Credentials><AccessKeyId>ASIAMOCK</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>
<SessionToken>{session}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>"""


def _short(model: str) -> str:
    """A model's own name, out of its ARN if need be."""
    return model.rpartition("/")[2] if model.startswith("arn:") else model

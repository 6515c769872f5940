"""The scripted provider as one object: its routes, its state, and how it is served."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any
from urllib.parse import parse_qs

import msgspec

from asbru.edge.request import Fail, Handler, HangUp, Request, Route
from asbru.edge.routes import Mount, Router
from asbru.mock import (
    anthropic,
    anthropic_count,
    bedrock,
    cohere,
    cohere_tasks,
    completions,
    elevenlabs,
    gemini,
    openai,
    openai_embeddings,
)
from asbru.mock.anthropic_batches import AnthropicBatches
from asbru.mock.batch_shapes import Azure, Groq, Shape
from asbru.mock.bedrock_jobs import BedrockJobs
from asbru.mock.bedrock_paths import Bedrock
from asbru.mock.cohere_jobs import CohereJobs
from asbru.mock.containers import Containers
from asbru.mock.dialect import Dialect, Task
from asbru.mock.files import Operating
from asbru.mock.fireworks import FireworksBatches
from asbru.mock.frames import Frames
from asbru.mock.gemini_batches import GeminiBatches
from asbru.mock.gemini_files import GeminiFiles
from asbru.mock.gemini_paths import Gemini
from asbru.mock.kin_shapes import XAI, Mistral, Together
from asbru.mock.line_batches import LineBatches, PagedBatches
from asbru.mock.openai_audio import OpenAIAudio
from asbru.mock.openai_images import OpenAIImages
from asbru.mock.openrouter import OpenRouterBatches
from asbru.mock.options import MockOptions
from asbru.mock.responses import Responses
from asbru.mock.script import Director, Place, Script, check_faults, read_script
from asbru.mock.stats import Stats
from asbru.mock.talk import Serial, Talker, spoil, suffer
from asbru.mock.vertex_batches import VertexBatches
from asbru.model.failure import Failure
from asbru.model.http import Answer

JSON = {b"content-type": b"application/json"}
LIMIT = 300 << 20
TASKS: tuple[tuple[str, Dialect, Callable[[bytes], Task]], ...] = (
    ("/v1/embeddings", openai.DIALECT, openai_embeddings.task),
    ("/v1/messages/count_tokens", anthropic.DIALECT, anthropic_count.task),
    *cohere_tasks.tasks(cohere.DIALECT, openai.DIALECT),
)
"""Operations other than talking that are answered whole: path, dialect, how they are read."""
MODELS = ("gpt-4o-mini", "gpt-4o", "claude-sonnet-4-5", "claude-haiku-4-5", "mock-small")


_FAILS: dict[str, Fail] = {
    "": openai.fail,
    "/v1/messages": anthropic.fail,
    "/v1/complete": anthropic.fail,
    "/v1/completions": openai.fail,
    "/model/": bedrock.fail,
    "/model-invocation-job": bedrock.fail,
    "/v1beta/": gemini.fail,
    "/upload/": gemini.fail,
    "/storage/": gemini.fail,
    "/v1/projects/": gemini.fail,
    "/v2/": cohere.fail,
    "/v1/text-to-speech": elevenlabs.fail,
    "/v1/speech-to-text": elevenlabs.fail,
}


class Mock:
    """``find`` is what the server asks. ``clock``: Unix seconds."""

    def __init__(
        self, options: MockOptions, script: Script | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._first = _with_options(script or Script(), options)
        self.stats = Stats(options.record)
        self.director = Director(self._first, Random(options.seed).random)  # noqa: S311 - faults, not secrets.
        self.talker = Talker(options, self.director, self.stats, clock, Serial(f"{int(clock() * 1000):x}"))
        self._responses = Responses(self.talker)
        self._fireworks = FireworksBatches(self.talker, self._responses)
        self._batches: tuple[LineBatches, ...] = (
            *(
                LineBatches(shape, self.talker, self._responses)
                for shape in (Shape(), Azure(), Groq(), Mistral(), Together())
            ),
            PagedBatches(XAI(), self.talker, self._responses),
            OpenRouterBatches(self.talker, self._responses),
            self._fireworks,
        )
        self._message_batches = AnthropicBatches(self.talker)
        self._jobs = BedrockJobs(self.talker)
        self._containers = Containers(self.talker)
        self._cohere_jobs = CohereJobs(self.talker)
        self._gemini_files = GeminiFiles(self.talker)
        self._gemini_batches = GeminiBatches(self.talker, self._gemini_files)
        self._vertex_batches = VertexBatches(self.talker)
        self.find = Router(self._mounts(), _FAILS).find

    def _mounts(self) -> list[Mount]:
        places: tuple[tuple[Dialect, Operating], ...] = (
            *((batches.shape.dialect, batches) for batches in self._batches),
            (anthropic.DIALECT, self._message_batches),
            (bedrock.DIALECT, self._jobs),
            (openai.DIALECT, self._containers),
            (cohere.DIALECT, self._cohere_jobs),
            (openai.DIALECT, self._responses),
            (gemini.DIALECT, self._gemini_batches),
            (gemini.DIALECT, self._vertex_batches),
        )
        speakers = (
            (openai.DIALECT, OpenAIImages(self.talker)),
            (openai.DIALECT, OpenAIAudio(self.talker)),
            (elevenlabs.DIALECT, elevenlabs.ElevenLabs(self.talker)),
        )
        rows = [
            self._mount("POST", "/v1/chat/completions", openai.DIALECT, self._chat),
            self._mount("POST", "/v1/responses", openai.DIALECT, self._responses.create),
            self._mount("POST", "/v1/messages", anthropic.DIALECT, self._messages),
            self._mount("POST", "/v2/chat", cohere.DIALECT, self._talk(cohere.DIALECT)),
            self._mount("POST", "/v1/completions", openai.DIALECT, self._talk(completions.OPENAI)),
            self._mount("POST", "/v1/complete", anthropic.DIALECT, self._talk(completions.ANTHROPIC)),
            self._mount("GET", "/v1/models", openai.DIALECT, self._models),
            Mount("GET", "/signed/{id}/{name}", Route(handler=self._fireworks.download, fail=openai.fail)),
            Mount("GET", "/health", Route(handler=self._health, fail=openai.fail)),
            Mount("GET", "/mock/stats", Route(handler=self._show, fail=openai.fail)),
            Mount("POST", "/mock/reset", Route(handler=self._reset, fail=openai.fail)),
            Mount("POST", "/mock/script", Route(handler=self._rewrite, fail=openai.fail)),
        ]
        rows += [self._mount("POST", path, dialect, self._task(dialect, read)) for path, dialect, read in TASKS]
        rows += [self._mount(*row) for row in Bedrock(self.talker).rows()]
        rows += [self._mount(*row) for row in (*Gemini(self.talker).rows(), *self._gemini_files.rows())]
        for dialect, place in places:
            for method, path, handler in place.operations():
                rows.append(self._mount(method, path, dialect, self._plain(dialect, handler)))
        for dialect, speaker in speakers:
            for method, path, handler in speaker.operations():
                rows.append(self._mount(method, path, dialect, self._keyed(dialect, handler)))
        return rows

    def _mount(self, method: str, path: str, dialect: Dialect, handler: Handler) -> Mount:
        return Mount(method, path, Route(handler=self._watched(handler, path, dialect), fail=dialect.fail, limit=LIMIT))

    def _watched(self, handler: Handler, path: str, dialect: Dialect) -> Handler:
        """``handler`` with its requests counted, until the last byte of a stream."""

        async def watched(request: Request) -> Answer:
            stats = self.stats
            stats.enter(request.method, path)
            stats.keep(path, request.headers, request.body)
            try:
                answer = await handler(request)
            except Failure as failure:
                answer = dialect.fail(failure, request.id)
            except HangUp:
                stats.leave(False)
                raise
            except asyncio.CancelledError:
                stats.leave(True)
                raise
            stats.statuses[str(answer.status)] += 1
            if isinstance(answer.stream, Frames):
                answer.stream.over = stats.leave
            else:
                stats.leave(False)
            return answer

        return watched

    def _plain(self, dialect: Dialect, handler: Callable[[Request, str], Coroutine[Any, Any, Answer]]) -> Handler:
        """An operation other than talking: with its key checked, and faults by header or by rule on its path."""

        async def plain(request: Request) -> Answer:
            key = self.talker.admit(dialect, request)
            header = request.headers.get(b"x-mock", b"").decode("latin-1")
            told = self.director.told(Place(request.path, request.method, key, header))
            await suffer(dialect, told)
            return spoil(await handler(request, key), told)

        return plain

    def _keyed(self, dialect: Dialect, handler: Callable[[Request, str], Coroutine[Any, Any, Answer]]) -> Handler:
        """An operation that looks for marks itself, with its key checked."""

        async def keyed(request: Request) -> Answer:
            return await handler(request, self.talker.admit(dialect, request))

        return keyed

    def _task(self, dialect: Dialect, read: Callable[[bytes], Task]) -> Handler:
        async def perform(request: Request) -> Answer:
            return await self.talker.perform(dialect, request, read)

        return perform

    async def _chat(self, request: Request) -> Answer:
        return await self.talker.converse(openai.DIALECT, request)

    async def _messages(self, request: Request) -> Answer:
        return await self.talker.converse(anthropic.DIALECT, request)

    def _talk(self, dialect: Dialect) -> Handler:
        async def talk(request: Request) -> Answer:
            return await self.talker.converse(dialect, request)

        return talk

    async def _models(self, request: Request) -> Answer:
        """The list of the dialect that the headers tell: ElevenLabs', Anthropic's, Cohere's (or its parameters'), else
        OpenAI's.
        """
        if b"xi-api-key" in request.headers:
            self.talker.admit(elevenlabs.DIALECT, request)
            return Answer(status=200, headers=JSON, body=msgspec.json.encode(elevenlabs.MODELS))
        names = [name for name in self.director.script.models if "*" not in name] or list(MODELS)
        if b"x-fern-sdk-name" in request.headers or "page_size" in request.query:
            self.talker.admit(openai.DIALECT, request)
            listed = {"models": [{"name": name, "endpoints": ["chat"]} for name in names], "next_page_token": None}
            return Answer(status=200, headers=JSON, body=msgspec.json.encode(listed))
        if b"anthropic-version" not in request.headers:
            self.talker.admit(openai.DIALECT, request)
            data = [{"id": name, "object": "model", "created": 1700000000, "owned_by": "mock"} for name in names]
            return Answer(status=200, headers=JSON, body=msgspec.json.encode({"object": "list", "data": data}))
        try:
            self.talker.admit(anthropic.DIALECT, request)
        except Failure as failure:
            return anthropic.fail(failure, request.id)
        return Answer(status=200, headers=JSON, body=msgspec.json.encode(_anthropic_models(names)))

    async def _health(self, request: Request) -> Answer:
        """It serves."""
        return Answer(status=200, headers=JSON, body=b'{"status":"ok"}')

    async def _show(self, request: Request) -> Answer:
        query = parse_qs(request.query)
        shown = self.stats.show(query.get("prompt", [""])[0], every="every" in query)
        return Answer(status=200, headers=JSON, body=msgspec.json.encode(shown))

    async def _reset(self, request: Request) -> Answer:
        """Forget everything: counters, files, batches, and a script that was posted."""
        self.stats.reset()
        self.director.reset(self._first)
        for batches in self._batches:
            batches.reset()
        self._message_batches.reset()
        self._jobs.reset()
        self._responses.reset()
        self._containers.reset()
        self._cohere_jobs.reset()
        self._gemini_batches.reset()
        self._vertex_batches.reset()
        return Answer(status=200, headers=JSON, body=b"{}")

    async def _rewrite(self, request: Request) -> Answer:
        """Replace the script."""
        try:
            self.director.reset(_with_options(read_script(request.body), self.talker.options))
        except Failure as failure:
            return openai.fail(failure, request.id)
        return Answer(status=200, headers=JSON, body=b"{}")


def _anthropic_models(names: list[str]) -> dict[str, Any]:
    at = "2025-01-01T00:00:00Z"
    data = [
        {"type": "model", "id": name, "display_name": name, "created_at": at, "lifecycle": "active"} for name in names
    ]
    return {"data": data, "has_more": False, "first_id": names[0], "last_id": names[-1]}


def _with_options(script: Script, options: MockOptions) -> Script:
    """``script``, with what the command line says where it is silent. Raises Refused(400) for a fault nobody knows."""
    check_faults(options.fail)
    return msgspec.structs.replace(script, keys=script.keys or options.keys, fail=script.fail or options.fail)

"""Routes that no vendor has, below every dialect's batches: pause, resume, re-run, and events as they happen."""

from collections.abc import Callable
from functools import partial

from asbru.batch.control import AgainCommand, BatchControl
from asbru.edge.batch_controls import controls_of, mode_of
from asbru.edge.pulled import Pulled
from asbru.edge.request import Fail, Handler, Request, Route
from asbru.edge.routes import Mount
from asbru.model.batches import Batch
from asbru.model.http import Answer
from asbru.wire.openai.batches import write_batch

_EVENTS = {b"content-type": b"text/event-stream", b"cache-control": b"no-store"}

Write = Callable[[Request, Batch], Answer]


class ControlRoutes:
    """``bare_id``: our id out of the dialect's. ``answer``: a batch in it. Events are the unified API's everywhere:
    vendors' batches tell too little while they run.
    """

    def __init__(
        self,
        control: BatchControl,
        fail: Fail,
        bare_id: Callable[[str], str],
        answer: Callable[[Request, Batch], Answer],
    ) -> None:
        self._control = control
        self._fail = fail
        self._bare_id = bare_id
        self._answer = answer

    def rows(self, base: str) -> list[Mount]:
        """The routes below ``base``."""
        one = f"{base}/{{id}}"
        return [
            Mount("POST", f"{one}/pause", self._route(self._pause, "Start nothing more of a batch")),
            Mount("POST", f"{one}/resume", self._route(self._resume, "Go on with a paused batch")),
            Mount("POST", f"{one}/rerun", self._route(self._rerun, "A new batch of what errored or expired")),
            Mount("GET", f"{one}/events", self._route(self._events, "Progress, as server-sent events")),
        ]

    def _route(self, handler: Handler, summary: str) -> Route:
        return Route(handler=handler, fail=self._fail, limit=1 << 16, summary=summary)

    def _id(self, request: Request) -> str:
        return self._bare_id(request.params[0])

    async def _pause(self, request: Request) -> Answer:
        return self._answer(request, await self._control.pause(request.who.owner, self._id(request)))

    async def _resume(self, request: Request) -> Answer:
        return self._answer(request, await self._control.resume(request.who.owner, self._id(request)))

    async def _rerun(self, request: Request) -> Answer:
        command = AgainCommand(
            who=request.who,
            id=self._id(request),
            mode=mode_of(request) if b"x-bf-batch-mode" in request.headers else None,
            idempotency_key=request.headers.get(b"idempotency-key", b"").decode("latin-1"),
            controls=controls_of(request),
        )
        return self._answer(request, await self._control.run_again(command))

    async def _events(self, request: Request) -> Answer:
        write = partial(write_batch, unified=True)
        events = await self._control.events(request.who.owner, self._id(request), write)
        return Answer(status=200, headers=_EVENTS, stream=Pulled(events))

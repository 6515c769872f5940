"""One flow for every dialect: who asks, what they ask, what becomes of it."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice

from asbru.edge.request import HangUp, Request
from asbru.mock.dialect import Dialect, Stamp, Task
from asbru.mock.directives import Directive
from asbru.mock.frames import Frames, Pace, in_pieces
from asbru.mock.options import MockOptions
from asbru.mock.said import Asked, Said, say
from asbru.mock.script import Director, Place
from asbru.mock.stats import Stats
from asbru.model.failure import Failure
from asbru.model.http import Answer

_GARBAGE = b"<html><body>502 Bad Gateway</body></html>"


class Serial:
    """Ids that do not repeat, across restarts too: ``nonce`` is unlike the last one's."""

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce
        self._n = 0

    def next(self) -> str:
        """A new id: letters and digits."""
        self._n += 1
        return f"{self._nonce}{self._n:08x}"


class Talker:
    """What the endpoints share: the director, the counters, the clock (Unix seconds) and the ids."""

    def __init__(
        self, options: MockOptions, director: Director, stats: Stats, clock: Callable[[], float], serial: Serial
    ) -> None:
        self.options = options
        self.director = director
        self.stats = stats
        self.clock = clock
        self.serial = serial

    def admit(self, dialect: Dialect, request: Request) -> str:
        """The caller's key. Raises Failure when it is missing, unknown or scripted to be refused."""
        key = dialect.key(request.headers)
        keys = self.director.script.keys
        status = keys.get(key, 401) if keys else 200
        if not key or status == 401:
            raise dialect.unauthorized(key)
        if status >= 400:
            raise scripted(dialect, Directive(status=status, retry_after=0.0 if status == 429 else -1.0))
        return key

    def know(self, dialect: Dialect, model: str) -> None:
        """Raises Failure(404) for a model that does not exist: by default one that carries a provider's prefix."""
        models = self.director.script.models
        if not (Director.names(models, model) if models else "/" not in model):
            raise dialect.no_such_model(model)

    def stamp(self, model: str) -> Stamp:
        """A new answer's id and time."""
        return Stamp(self.serial.next(), int(self.clock()), model)

    def say(self, asked: Asked, told: Directive) -> Said:
        """The answer's words."""
        return say(asked, told, self.options.tokens)

    async def converse(self, dialect: Dialect, request: Request) -> Answer:
        """A live question."""
        key = self.admit(dialect, request)
        asked = dialect.read(request.body, request.headers)
        told = await self.begin(dialect, request, key, (asked.model, asked.text))
        if asked.stream:
            answer = self._streamed(dialect, asked, told)
        else:
            await pause(told.first if told.first >= 0 else self.options.latency)
            said = self.say(asked, told)
            self.stats.served("live", asked.model, asked.text, (said.input, said.output))
            body = dialect.write(asked, said, self.stamp(asked.model))
            answer = Answer(status=200, headers=dialect.headers, body=body)
        return spoil(answer, told)

    async def perform(self, dialect: Dialect, request: Request, read: Callable[[bytes], Task]) -> Answer:
        """A live request that is answered whole. ``read`` refuses what the real API refuses."""
        key = self.admit(dialect, request)
        task = read(request.body)
        told = await self.begin(dialect, request, key, (task.model, task.text))
        await pause(told.first if told.first >= 0 else self.options.latency)
        return spoil(Answer(status=200, headers=dialect.headers, body=task.write(self.stamp(task.model))), told)

    async def begin(self, dialect: Dialect, request: Request, key: str, asked: tuple[str, str]) -> Directive:
        """Count what is asked (model and text), find out what to do, and suffer what comes before any work."""
        model, text = asked
        self.stats.asked(model, text, key)
        self.know(dialect, model)
        header = request.headers.get(b"x-mock", b"").decode("latin-1")
        told = self.director.told(Place(request.path, request.method, key, header, model, text))
        await suffer(dialect, told)
        return told

    def _streamed(self, dialect: Dialect, asked: Asked, told: Directive) -> Answer:
        said = self.say(asked, told)
        self.stats.served("live", asked.model, asked.text, (said.input, said.output))
        frames = dialect.frames(asked, said, self.stamp(asked.model))
        if told.errorafter >= 0:
            frames = _then(islice(frames, told.errorafter), dialect.error_frame(_overloaded(dialect)))
        if told.garbage:
            frames = _then(islice(frames, 2), dialect.garbage)
        pace = Pace(
            first=told.first if told.first >= 0 else self.options.latency,
            between=told.pace if told.pace >= 0 else self.options.interval,
            cut=told.cut,
            stallafter=told.stallafter,
        )
        headers = {
            **dialect.headers,
            b"content-type": dialect.media,
            b"cache-control": b"no-cache",
        }
        return Answer(status=200, headers=headers, stream=Frames(frames, pace))


def _then(frames: Iterator[bytes], last: bytes) -> Iterator[bytes]:
    yield from frames
    yield last


def _overloaded(dialect: Dialect) -> Failure:
    return Failure(529, "Overloaded", code=dialect.codes(529))


def scripted(dialect: Dialect, told: Directive) -> Failure:
    """The error that a directive asks for."""
    code = told.code or dialect.codes(told.status)
    retry_after = None if told.retry_after < 0 else told.retry_after
    return Failure(told.status, told.error or f"scripted error {told.status}", code=code, retry_after=retry_after)


async def pause(seconds: float) -> None:
    """Wait, if there is anything to wait for."""
    if seconds > 0:
        await asyncio.sleep(seconds)


async def suffer(dialect: Dialect, told: Directive) -> None:
    """What happens before any work: a delay, silence, a reset, an error."""
    await pause(told.delay)
    if told.stall:
        await asyncio.Event().wait()
    if told.reset:
        raise HangUp
    if told.status >= 400:
        raise scripted(dialect, told)


def spoil(answer: Answer, told: Directive) -> Answer:
    """What happens after the work: no answer, garbage, a body that is cut."""
    if told.drop:
        raise HangUp
    if isinstance(answer.stream, Frames):
        answer.stream.spoil(told.cut, told.stallafter, told.pace)
        return answer
    if told.garbage:
        return Answer(status=answer.status, headers=answer.headers, body=_GARBAGE)
    if told.cut >= 0 or told.stallafter >= 0:
        pace = Pace(cut=told.cut, stallafter=told.stallafter)
        return Answer(status=answer.status, headers=answer.headers, stream=Frames(in_pieces(answer.body, 1024), pace))
    return answer

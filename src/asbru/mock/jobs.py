"""What both batch APIs share: items answered one by one, in slices, so that the mock stays responsive."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any, TypeVar

from asbru.mock.dialect import Dialect
from asbru.mock.directives import Directive
from asbru.mock.said import Asked, Said
from asbru.mock.script import Place
from asbru.mock.talk import Talker, scripted
from asbru.model.failure import Failure

T = TypeVar("T")
SLICE = 200


class NeverDone(Exception):
    """The item stalls: it has no answer before the batch expires."""


def answer(talker: Talker, dialect: Dialect, read: Callable[[], Asked], place: Place) -> tuple[Asked, Said]:
    """One item's answer. Raises Failure as a live call would be answered, or NeverDone."""
    asked = read()
    talker.stats.asked(asked.model, asked.text, place.key)
    talker.know(dialect, asked.model)
    told = talker.director.told(Place(place.path, place.method, place.key, "", asked.model, asked.text), live=False)
    if told.stall:
        raise NeverDone
    if told.status >= 400:
        raise scripted(dialect, told)
    if told.reset or told.drop or told.garbage:
        raise Failure(500, "The server had an error while processing your request.", code=dialect.codes(500))
    said = talker.say(asked, told)
    talker.stats.served("batch", asked.model, asked.text, (said.input, said.output))
    return asked, said


def slices(items: Iterable[T]) -> Iterator[list[T]]:
    """``items`` in lists of SLICE."""
    taken: list[T] = []
    for item in items:
        taken.append(item)
        if len(taken) == SLICE:
            yield taken
            taken = []
    if taken:
        yield taken


class Tasks:
    """Background tasks, kept so that they are not collected, and stopped on a reset."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` beside everything else."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Cancel them all."""
        for task in self._tasks:
            task.cancel()


async def nap(seconds: float, woken: asyncio.Event) -> None:
    """Wait, unless ``woken``."""
    if seconds <= 0:
        await asyncio.sleep(0)
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await woken.wait()


def seconds(told: Directive, default: float) -> float:
    """How long a batch works: what was said at its creation, or the script's time."""
    return told.took if told.took >= 0 else default

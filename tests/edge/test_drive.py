"""A coroutine driven without a task behaves like one in a task, for all that handlers do."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from edge_rig import run, until

from asbru.edge.drive import Drive
from asbru.model.http import Answer
from asbru.upstream.call import Call, Origin
from asbru.upstream.pending import Pending

CALL = Call(origin=Origin(host="a", port=1, tls=False), head=b"")


class Ending:
    """What ``done`` was told."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, BaseException | None]] = []

    def __call__(self, result: Any, error: BaseException | None) -> None:
        self.calls.append((result, error))


def drive(coroutine: Coroutine[Any, Any, Any]) -> tuple[Drive[Any], Ending]:
    """Start a drive on the running loop."""
    ending = Ending()
    started = Drive(coroutine, ending, asyncio.get_running_loop())
    started.start()
    return started, ending


async def at_once() -> str:
    return "done"


async def sleeps() -> str:
    await asyncio.sleep(0)
    await asyncio.sleep(0.001)
    return "done"


async def done_future() -> str:
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    future.set_result("done")
    return await future


async def event() -> str:
    happened = asyncio.Event()
    asyncio.get_running_loop().call_soon(happened.set)
    await happened.wait()
    return "done"


async def lock_and_queue() -> str:
    lock = asyncio.Lock()
    await lock.acquire()
    asyncio.get_running_loop().call_soon(lock.release)
    queue: asyncio.Queue[str] = asyncio.Queue()
    asyncio.get_running_loop().call_later(0.001, queue.put_nowait, "done")
    async with lock:
        return await queue.get()


async def thread() -> str:
    return await asyncio.to_thread(lambda: "done")


async def task_inside() -> str:
    async def needs_a_task() -> str:
        async with asyncio.timeout(1):
            return await sleeps()

    return await asyncio.get_running_loop().create_task(needs_a_task())


async def gathers() -> str:
    first, second = await asyncio.gather(at_once(), sleeps())
    assert first == second
    return first


@pytest.mark.parametrize(
    "coroutine",
    [at_once, sleeps, done_future, event, lock_and_queue, thread, task_inside, gathers],
    ids=lambda c: c.__name__,
)
def test_results(coroutine: Callable[[], Coroutine[Any, Any, str]]) -> None:
    """The result comes once, whatever was awaited."""

    async def scenario() -> None:
        _, ending = drive(coroutine())
        await until(lambda: bool(ending.calls))
        await asyncio.sleep(0)
        assert ending.calls == [("done", None)]

    run(scenario())


def test_a_coroutine_that_waits_for_nothing_is_over_at_once() -> None:
    """No turn of the loop in between."""

    async def scenario() -> None:
        assert drive(at_once())[1].calls == [("done", None)]

    run(scenario())


def test_errors_arrive() -> None:
    """Raised before and after waiting, by the coroutine or by what it waits for."""

    async def early() -> None:
        raise KeyError("early")

    async def late() -> None:
        await asyncio.sleep(0)
        raise KeyError("late")

    async def from_future() -> None:
        await asyncio.to_thread(int, "x")

    async def scenario() -> None:
        for coroutine, kind in ((early(), KeyError), (late(), KeyError), (from_future(), ValueError)):
            _, ending = drive(coroutine)
            await until(lambda ending=ending: bool(ending.calls))  # type: ignore[misc]
            assert isinstance(ending.calls[0][1], kind)

    run(scenario())


def test_awaiting_what_is_no_future_fails_inside() -> None:
    """The coroutine sees the mistake, and may survive it."""

    class Odd:
        def __await__(self) -> Any:
            yield 42

    async def odd() -> str:
        with pytest.raises(RuntimeError, match="int, not a future"):
            await Odd()
        return "survived"

    async def scenario() -> None:
        _, ending = drive(odd())
        await until(lambda: bool(ending.calls))
        assert ending.calls == [("survived", None)]

    run(scenario())


async def forever(wait: Callable[[], Awaitable[Any]], log: list[str]) -> None:
    """Waits, and says when it was cancelled."""
    try:
        await wait()
    except asyncio.CancelledError:
        log.append("cancelled")
        raise


WAITS: dict[str, Callable[[], Awaitable[Any]]] = {
    "sleep": lambda: asyncio.sleep(60),
    "future": lambda: asyncio.get_running_loop().create_future(),
    "event": lambda: asyncio.Event().wait(),
    "queue": lambda: asyncio.Queue[int]().get(),
    "task": lambda: asyncio.get_running_loop().create_task(asyncio.sleep(60)),
    "call": lambda: Pending(CALL, asyncio.get_running_loop()),
    "next turn": lambda: asyncio.sleep(0),
}


@pytest.mark.parametrize("wait", WAITS)
def test_cancel_while_waiting(wait: str) -> None:
    """CancelledError where it waits; the end is told once."""

    async def scenario() -> None:
        log: list[str] = []
        running, ending = drive(forever(WAITS[wait], log))
        running.cancel()
        await until(lambda: bool(ending.calls))
        running.cancel()
        await asyncio.sleep(0.01)
        assert log == ["cancelled"]
        assert len(ending.calls) == 1
        assert isinstance(ending.calls[0][1], asyncio.CancelledError)

    run(scenario())


def test_cancel_when_the_future_is_done_but_not_yet_seen() -> None:
    """Its result is lost, as in a task."""

    async def scenario() -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        log: list[str] = []
        running, ending = drive(forever(lambda: future, log))
        future.set_result(None)
        running.cancel()
        await until(lambda: bool(ending.calls))
        assert log == ["cancelled"]

    run(scenario())


def test_cancel_from_inside_acts_at_the_next_wait() -> None:
    """A handler whose own step loses the client."""

    async def scenario() -> None:
        log: list[str] = []
        holder: list[Drive[Any]] = []

        async def cancels_itself() -> None:
            await asyncio.sleep(0)
            holder[0].cancel()
            log.append("still running")
            await forever(WAITS["call"], log)

        running, ending = drive(cancels_itself())
        holder.append(running)
        await until(lambda: bool(ending.calls))
        assert log == ["still running", "cancelled"]

    run(scenario())


def test_a_coroutine_may_survive_cancelling() -> None:
    """It goes on, and its result is told."""

    async def stubborn() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
        return "anyway"

    async def scenario() -> None:
        running, ending = drive(stubborn())
        running.cancel()
        await until(lambda: bool(ending.calls))
        assert ending.calls == [("anyway", None)]

    run(scenario())


def test_a_call_wakes_in_place() -> None:
    """No turn of the loop between the answer and the handler."""

    async def scenario() -> None:
        pending = Pending(CALL, asyncio.get_running_loop())

        async def waits() -> Answer:
            return await pending

        _, ending = drive(waits())
        answer = Answer(status=200)
        pending.finish(answer)
        assert ending.calls == [(answer, None)]

    run(scenario())


def test_a_call_wakes_a_task_through_the_loop() -> None:
    """Tasks of the batch engine await the same thing, with results, errors and cancelling."""

    async def wait(pending: Pending) -> Answer:
        return await pending

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        good, bad, left, early = (Pending(CALL, loop) for _ in range(4))
        tasks = [loop.create_task(wait(pending)) for pending in (good, bad, left)]
        await asyncio.sleep(0)
        good.finish(Answer(status=204))
        bad.fail(KeyError("bad"))
        tasks[2].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results[0], Answer)
        assert isinstance(results[1], KeyError)
        assert isinstance(results[2], asyncio.CancelledError)
        early.finish(Answer(status=201))
        assert (await asyncio.wait_for(wait(early), 1)).status == 201

    run(scenario())

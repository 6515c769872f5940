"""What is remembered of Responses: conversations by id, items by reference; a last event waits until it is kept."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from msgspec import Raw

from asbru.edge import memory as rules
from asbru.edge.keeping import Keeping
from asbru.edge.memory import LIFE, Memory
from asbru.model.failure import Refused
from asbru.model.http import Sink
from asbru.store import Store
from asbru.wire.envelope import Envelope
from asbru.wire.openai.responses_history import input_items

T = TypeVar("T")
ADA, BO = "ada", "bo"


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def remembering(folder: Path, use: Callable[[Memory, Clock], Awaitable[T]]) -> T:
    async def run() -> T:
        clock = Clock()
        store = Store.open(folder, "w1", clock)
        try:
            return await use(Memory(store), clock)
        finally:
            await store.close()

    return asyncio.run(run())


def asking(**members: Any) -> Envelope:
    return Envelope(json.dumps({"model": "m", **members}).encode())


def said(id: str, *texts: str) -> tuple[str, bytes]:
    output = [
        {"id": f"msg_{id[5:]}_{n}", "type": "message", "role": "assistant", "text": text}
        for n, text in enumerate(texts)
    ]
    return id, json.dumps({"id": id, "output": output}).encode()


async def keep(memory: Memory, envelope: Envelope, reply: tuple[str, bytes], owner: str = ADA) -> None:
    await memory.keep(owner, envelope.members, input_items(envelope.members) or [], reply)


def texts(envelope: Envelope) -> list[Any]:
    items = msgspec.json.decode(envelope.members["input"])
    return [item.get("text") or item.get("content") or item.get("id") for item in items]


def test_a_conversation_goes_on_by_ids(tmp_path: Path) -> None:
    async def use(memory: Memory, clock: Clock) -> None:
        await keep(memory, asking(input=[{"role": "user", "content": "one"}]), said("resp_1", "first"))
        second = asking(input=[{"role": "user", "content": "two"}], previous_response_id="resp_1")
        whole = await memory.resume(ADA, second)
        assert texts(whole) == ["one", "first", "two"]
        assert "previous_response_id" not in whole.members
        await keep(memory, second, said("resp_2", "second", "more"))
        third = asking(previous_response_id="resp_2")
        assert texts(await memory.resume(ADA, third)) == ["one", "first", "two", "second", "more"]
        # For others, and later, it is as if it were not there.
        assert await memory.resume(BO, third) is third
        clock.now += LIFE
        assert await memory.resume(ADA, third) is third

    remembering(tmp_path, use)


def test_a_gap_is_told(tmp_path: Path) -> None:
    async def use(memory: Memory, clock: Clock) -> None:
        await keep(memory, asking(input="one"), said("resp_1"))
        await keep(memory, asking(input="two", previous_response_id="resp_1"), said("resp_2"))
        assert await memory.delete(ADA, "resp_1")
        assert not await memory.delete(ADA, "resp_1")
        with pytest.raises(Refused) as failed:
            await memory.resume(ADA, asking(input="three", previous_response_id="resp_2"))
        assert (failed.value.status, failed.value.param) == (400, "previous_response_id")

    remembering(tmp_path, use)


def test_references_become_items(tmp_path: Path) -> None:
    async def use(memory: Memory, clock: Clock) -> None:
        await keep(memory, asking(input="one"), said("resp_1", "first"))
        items = [
            {"type": "item_reference", "id": "msg_1_0"},
            {"id": "msg_1_7"},
            {"id": "msg_2_0"},
            {"role": "user", "content": "x"},
        ]
        asked = asking(input=items, previous_response_id="resp_theirs")
        whole = await memory.resume(ADA, asked)
        assert texts(whole) == ["first", "msg_1_7", "msg_2_0", "x"]
        assert "previous_response_id" in whole.members
        nothing = asking(input=[{"role": "user", "content": "What is an item_reference?"}])
        assert await memory.resume(ADA, nothing) is nothing

    remembering(tmp_path, use)


@pytest.mark.parametrize(
    "members", [{"input": 5, "previous_response_id": "resp_1"}, {"previous_response_id": 5}, {"input": [5]}]
)
def test_mistakes_are_left_to_who_reads(tmp_path: Path, members: dict[str, Any]) -> None:
    async def use(memory: Memory, clock: Clock) -> None:
        await keep(memory, asking(input="one"), said("resp_1", "first"))
        asked = asking(**members)
        assert await memory.resume(ADA, asked) is asked

    remembering(tmp_path, use)


def test_what_is_too_long_is_not_kept_nor_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(memory: Memory, clock: Clock) -> None:
        await keep(memory, asking(input="one"), said("resp_1", "x" * 400))
        await keep(memory, asking(input="two", previous_response_id="resp_1"), said("resp_2", "x" * 400))
        await keep(memory, asking(input="three"), said("resp_3", "x" * 1_000))
        assert await memory.find(ADA, "resp_3") is None
        with pytest.raises(Refused, match="longer than 1000 bytes"):
            await memory.resume(ADA, asking(previous_response_id="resp_2"))

    monkeypatch.setattr(rules, "MOST", 1_000)
    remembering(tmp_path, use)


# Keeping: the last event waits.

FIRST = b'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_1"}}\n\n'
DELTA = b'event: response.output_text.delta\ndata: {"delta":"event: response.completed"}\n\n'
LAST = b'event: response.completed\ndata: {"type":"response.completed","response":{"id":"resp_1"}}\n\n'
MARK = b'"response":{"id":"resp_1"'


class Source:
    """A stream that is driven by hand."""

    def __init__(self) -> None:
        self.sink: Sink | None = None
        self.calls: list[str] = []

    def start(self, sink: Sink) -> None:
        self.sink = sink

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")

    def cancel(self) -> None:
        self.calls.append("cancel")


class Client:
    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.ended: list[Exception | None] = []

    def data(self, chunk: bytes) -> None:
        self.heard.append(chunk)

    def end(self, error: Exception | None) -> None:
        self.ended.append(error)


class Play:
    """A client behind a Keeping, and what is kept when it is let."""

    def __init__(self, fails: bool = False) -> None:
        self.source, self.client = Source(), Client()
        self.kept: list[bytes] = []
        self.let = asyncio.Event()
        self.stream = Keeping(self.source, MARK, self._keep)
        self.stream.start(self.client)
        self._fails = fails

    async def _keep(self, event: bytes) -> None:
        await self.let.wait()
        if self._fails:
            raise OSError("disk full")
        self.kept.append(event)

    async def settle(self) -> None:
        self.let.set()
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.mark.parametrize("fails", [False, True])
def test_the_last_event_waits_until_it_is_kept(fails: bool) -> None:
    async def run() -> None:
        play = Play(fails)
        for chunk in (FIRST, DELTA, DELTA + LAST, b": more\n\n"):
            play.stream.data(chunk)
        play.stream.end(None)
        assert play.client.heard == [FIRST, DELTA]
        assert play.client.ended == []
        await play.settle()
        assert b"".join(play.client.heard) == FIRST + DELTA + DELTA + LAST + b": more\n\n"
        assert play.client.ended == [None]
        assert [Raw(each) for each in play.kept] == ([] if fails else [Raw(LAST[32:-2])])

    asyncio.run(run())


def test_an_end_after_the_last_event_was_kept() -> None:
    async def run() -> None:
        play = Play()
        play.stream.data(FIRST + LAST)
        await play.settle()
        assert play.client.heard == [FIRST + LAST]
        play.stream.end(None)
        assert play.client.ended == [None]

    asyncio.run(run())


def test_a_stream_of_another_passes() -> None:
    async def run() -> None:
        play = Play()
        for chunk in (FIRST.replace(b"resp_1", b"resp_9"), LAST):
            play.stream.data(chunk)
        play.stream.end(ValueError())
        assert len(play.client.heard) == 2
        assert len(play.client.ended) == 1
        await play.settle()
        assert play.kept == []
        play.stream.pause()
        play.stream.resume()
        assert play.source.calls == ["pause", "resume"]

    asyncio.run(run())


def test_a_client_that_leaves_hears_nothing_more_but_what_is_over_is_kept() -> None:
    async def run() -> None:
        play = Play()
        play.stream.data(FIRST)
        play.stream.data(LAST)
        play.stream.cancel()
        play.stream.end(None)
        await play.settle()
        assert play.client.heard == [FIRST]
        assert play.client.ended == []
        assert len(play.kept) == 1
        assert play.source.calls == ["cancel"]
        play.stream.data(LAST)

    asyncio.run(run())

"""A scripted provider says, the client hears: one exchange through the gateway, without a socket."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from asbru.gateway import Exchange, Gateway, Snapshot, Tools
from asbru.model.failure import Failure, Rejected, TimedOut, Unreachable
from asbru.model.http import Answer, Sink, Stream
from asbru.model.keys import Key, Network, Secret
from asbru.model.names import Format
from asbru.model.record import Record
from asbru.model.usage import Price
from asbru.providers import CATALOG
from asbru.routing import ProviderRoute, Table
from asbru.upstream.call import Call
from asbru.wire import CODECS
from asbru.wire.envelope import Envelope

OPENAI_REPLY = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "gpt-4o",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
}
ANTHROPIC_REPLY = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [{"type": "text", "text": "Hej."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 7, "output_tokens": 3},
}
OPENAI_STREAM = (
    b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,'
    b'"delta":{"role":"assistant","content":"Hel"},"finish_reason":null}]}\n\n',
    b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,'
    b'"delta":{"content":"lo"},"finish_reason":null}]}\n\n',
    b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,'
    b'"delta":{},"finish_reason":"stop"}]}\n\n',
    b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[],'
    b'"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}}\n\n',
    b"data: [DONE]\n\n",
)


class Pieces:
    """A stream that is all there, ending as told."""

    def __init__(self, pieces: Sequence[bytes], error: Exception | None = None, hang: bool = False) -> None:
        self._pieces = pieces
        self._error = error
        self._hang = hang
        self.cancelled = False
        self.flows: list[str] = []

    def start(self, sink: Sink) -> None:
        for piece in self._pieces:
            sink.data(piece)
        if not self._hang and not self.cancelled:
            sink.end(self._error)

    def pause(self) -> None:
        self.flows.append("pause")

    def resume(self) -> None:
        self.flows.append("resume")

    def cancel(self) -> None:
        self.cancelled = True


class Heard:
    """A client's sink."""

    def __init__(self) -> None:
        self.body = b""
        self.ended = False

    def data(self, chunk: bytes) -> None:
        self.body += chunk

    def end(self, error: Exception | None) -> None:
        assert error is None
        self.ended = True


Said = Answer | Failure | Callable[[], Answer]


class Stage:
    """A gateway over two keys of OpenAI, one of Anthropic, one of who can only chat, and a script of what they say."""

    def __init__(self, *said: Said) -> None:
        self.said = list(said)
        self.calls: list[Call] = []
        self.records: list[Record] = []
        self.slept: list[float] = []
        self.sink: type[Heard] = Heard
        self.stream: Stream | None = None
        keys = tuple(Key(id=n, name=n, value=Secret(f"sk-{n}")) for n in ("one", "two"))
        only = (Key(id="three", name="three", value=Secret("sk-three")),)
        chats = (Key(id="four", name="four", value=Secret("sk-four")),)
        owned = {"openai": keys, "anthropic": only, "cerebras": chats}
        table = Table({name: ProviderRoute(name=name, keys=each) for name, each in owned.items()})
        snapshot = Snapshot(
            providers={name: CATALOG[name] for name in table.providers},
            networks={name: Network() for name in table.providers},
            table=table,
            price=lambda provider, model: (Price(input=1_000_000_000, output=2_000_000_000),),
        )
        tools = Tools(
            send=self._send,
            record=self.records.append,
            clock=lambda: 1_700_000_000.0,
            ticks=lambda: 0.0,
            dice=lambda: 0.0,
            sleep=self._sleep,
        )
        self.gateway = Gateway(snapshot, tools)

    async def _send(self, call: Call) -> Answer:
        self.calls.append(call)
        said = self.said.pop(0)
        if isinstance(said, Failure):
            raise said
        return said() if callable(said) else said

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def ask(self, format_: Format, body: dict[str, Any], default: str = "", **more: Any) -> Answer:
        codec = CODECS[format_]
        envelope = Envelope(json.dumps(body).encode())
        peek = more.pop("peek", None) or codec.peek(envelope)
        x = Exchange(id="req_1", codec=codec, envelope=envelope, peek=peek, provider=default, at=1.7e9, **more)
        self.exchange = x
        return asyncio.run(self._run(x))

    async def _run(self, x: Exchange) -> Answer:
        answer = await self.gateway(x)
        if answer.stream is not None:
            self.heard, self.stream = self.sink(), answer.stream
            answer.stream.start(self.heard)
        return answer


def ok(reply: dict[str, Any]) -> Answer:
    return Answer(status=200, headers={b"content-type": b"application/json"}, body=json.dumps(reply).encode())


def status(code: int, message: str = "no", **headers: str) -> Answer:
    body = json.dumps({"error": {"message": message, "type": "some_error"}}).encode()
    return Answer(status=code, headers={k.encode(): v.encode() for k, v in headers.items()}, body=body)


def chat(model: str = "openai/gpt-4o", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Hi"}], **more}


def key_of(call: Call) -> str:
    line = next(line for line in call.head.split(b"\r\n") if line.startswith((b"authorization", b"x-api-key")))
    return line.rpartition(b"sk-")[2].decode()


def test_same_dialect_bytes_pass_and_only_the_model_changes() -> None:
    stage = Stage(ok(OPENAI_REPLY))
    body = chat(
        tools=[{"type": "function", "function": {"name": "z", "parameters": {"b": 1.0, "a": 12345678901234567890}}}]
    )
    answer = stage.ask(Format.OPENAI_CHAT, body)
    sent = stage.calls[0].body
    assert isinstance(sent, bytes)
    assert b'"parameters": {"b": 1.0, "a": 12345678901234567890}' in sent
    assert json.loads(sent) == {**body, "model": "gpt-4o"}
    assert answer.body == json.dumps(OPENAI_REPLY).encode()
    (record,) = stage.records
    assert (record.usage.input, record.usage.output, record.cost) == (10, 5, 20_000)
    assert (record.provider, record.model, record.lane, record.status) == ("openai", "gpt-4o", "splice", 200)


def test_anthropic_client_openai_provider() -> None:
    stage = Stage(ok(OPENAI_REPLY))
    answer = stage.ask(Format.ANTHROPIC_MESSAGES, {**chat(), "max_tokens": 50, "top_k": 3}, "anthropic")
    reply = json.loads(answer.body)
    assert reply["type"] == "message"
    assert reply["content"][0]["text"] == "Hello."
    assert reply["usage"]["input_tokens"] == 10
    assert answer.headers[b"x-asbru-lost"] == b"top_k"
    assert stage.records[0].lost == ("top_k",)
    assert stage.records[0].lane == "translate"


def test_openai_client_anthropic_provider() -> None:
    stage = Stage(ok(ANTHROPIC_REPLY))
    answer = stage.ask(Format.OPENAI_CHAT, chat("anthropic/claude-x"))
    assert json.loads(answer.body)["choices"][0]["message"]["content"] == "Hej."
    assert b"anthropic-version: 2023-06-01" in stage.calls[0].head
    assert key_of(stage.calls[0]) == "three"


@pytest.mark.parametrize(
    ("said", "keys", "slept"),
    [
        ((status(429), ok(OPENAI_REPLY)), ["one", "two"], []),
        ((status(401), ok(OPENAI_REPLY)), ["one", "two"], []),
        ((status(403), ok(OPENAI_REPLY)), ["one", "two"], []),
        ((status(500), ok(OPENAI_REPLY)), ["one", "one"], [0.4]),
        ((Unreachable(502, "gone"), ok(OPENAI_REPLY)), ["one", "one"], [0.4]),
        ((ok({"nonsense": 1}), ok(OPENAI_REPLY)), ["one", "one"], None),
    ],
)
def test_which_key_is_asked_next(said: tuple[Said, ...], keys: list[str], slept: list[float] | None) -> None:
    stage = Stage(*said)
    body = {**chat(), "max_tokens": 5}
    answer = stage.ask(Format.ANTHROPIC_MESSAGES, body)
    assert answer.status == 200
    assert [key_of(call) for call in stage.calls] == keys
    assert slept is None or stage.slept == pytest.approx(slept)
    assert len(stage.records) == 1
    assert stage.records[0].attempts == 2


def test_fallback_answers_and_is_told() -> None:
    stage = Stage(TimedOut(504, "silent"), ok(ANTHROPIC_REPLY))
    answer = stage.ask(Format.OPENAI_CHAT, chat(fallbacks=["anthropic/claude-x"]))
    assert answer.headers[b"x-asbru-provider"] == b"anthropic"
    assert b"fallbacks" not in bytes(stage.calls[0].body)  # type: ignore[arg-type]
    assert stage.records[0].provider == "anthropic"


def test_when_all_fail_the_primary_failure_is_told_with_its_status_and_retry_after() -> None:
    stage = Stage(
        status(429, "slow down", **{"retry-after": "90"}),
        status(429, "slow down", **{"retry-after": "90"}),
        status(500),
        status(500),
        status(500),
    )
    with pytest.raises(Failure) as caught:
        stage.ask(Format.OPENAI_CHAT, chat(fallbacks=["anthropic/claude-x"]))
    assert (caught.value.status, caught.value.message, caught.value.retry_after) == (429, "slow down", 90)
    assert stage.records[0].status == 429


def test_a_rejected_request_is_not_repeated() -> None:
    stage = Stage(status(400, "messages: too long"))
    with pytest.raises(Rejected, match="too long"):
        stage.ask(Format.OPENAI_CHAT, chat())
    assert len(stage.calls) == 1


def test_stream_passes_and_usage_is_read_though_the_client_did_not_ask_for_it() -> None:
    stage = Stage(Answer(status=200, stream=Pieces(OPENAI_STREAM)))
    stage.ask(Format.OPENAI_CHAT, chat(stream=True))
    assert json.loads(stage.calls[0].body)["stream_options"] == {"include_usage": True}  # type: ignore[arg-type]
    assert stage.heard.ended
    assert stage.heard.body == b"".join(OPENAI_STREAM[:3] + OPENAI_STREAM[4:])
    assert stage.records[0].usage.output == 2


def test_translated_stream() -> None:
    stage = Stage(Answer(status=200, stream=Pieces(OPENAI_STREAM)))
    stage.ask(Format.ANTHROPIC_MESSAGES, {**chat(stream=True), "max_tokens": 9})
    events = [line[7:].decode() for line in stage.heard.body.split(b"\n") if line.startswith(b"event: ")]
    assert events[0] == "message_start"
    assert events[-1] == "message_stop"
    assert stage.records[0].usage.output == 2


def test_an_end_marker_without_its_empty_line_still_ends_the_stream() -> None:
    stage = Stage(Answer(status=200, stream=Pieces([*OPENAI_STREAM[:4], b"data: [DONE]"])))
    stage.ask(Format.ANTHROPIC_MESSAGES, {**chat(stream=True), "max_tokens": 9})
    assert b"message_stop" in stage.heard.body
    assert stage.records[0].failure == ""


ERROR_FRAME = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'


def test_error_in_the_first_frame_goes_to_the_fallback() -> None:
    stage = Stage(
        *[Answer(status=200, stream=Pieces([ERROR_FRAME])) for _ in range(3)],
        Answer(status=200, stream=Pieces(OPENAI_STREAM)),
    )
    body = chat("anthropic/claude-x", stream=True, fallbacks=["openai/gpt-4o"])
    stage.ask(Format.OPENAI_CHAT, body)
    assert b"Hel" in stage.heard.body
    assert stage.records[0].provider == "openai"


def test_error_in_the_first_frame_of_a_spliced_stream_goes_to_the_fallback() -> None:
    stage = Stage(
        *[Answer(status=200, stream=Pieces([ERROR_FRAME])) for _ in range(3)],
        Answer(status=200, stream=Pieces(OPENAI_STREAM)),
    )
    body = {**chat("anthropic/claude-x", stream=True, fallbacks=["openai/gpt-4o"]), "max_tokens": 9}
    stage.ask(Format.ANTHROPIC_MESSAGES, body)
    assert b"Overloaded" not in stage.heard.body
    assert stage.records[0].provider == "openai"


@pytest.mark.parametrize("format_", [Format.OPENAI_CHAT, Format.ANTHROPIC_MESSAGES])
@pytest.mark.parametrize("error", [None, Unreachable(502, "reset")])
def test_a_cut_stream_never_looks_finished(format_: Format, error: Exception | None) -> None:
    stage = Stage(Answer(status=200, stream=Pieces(OPENAI_STREAM[:2], error)))
    stage.ask(format_, {**chat(stream=True), "max_tokens": 9})
    assert b"[DONE]" not in stage.heard.body
    assert b"message_stop" not in stage.heard.body
    assert b'"error"' in stage.heard.body
    assert stage.heard.ended
    (record,) = stage.records
    assert record.failure
    assert record.usage.estimated
    assert record.usage.output == 2


def test_a_client_that_leaves_stops_the_source_and_is_recorded_once() -> None:
    pieces = Pieces(OPENAI_STREAM[:2], hang=True)
    stage = Stage(Answer(status=200, stream=pieces))
    answer = stage.ask(Format.OPENAI_CHAT, chat(stream=True))
    assert answer.stream is not None
    answer.stream.cancel()
    answer.stream.cancel()
    assert pieces.cancelled
    (record,) = stage.records
    assert (record.status, record.failure) == (499, "request_cancelled")
    assert stage.gateway.live == 0


def test_a_client_that_is_full_with_the_first_piece_stays_paused() -> None:
    """What was held until the client came may fill its buffers; the provider must then not be asked for more."""
    pieces = Pieces(OPENAI_STREAM[:2], hang=True)
    stage = Stage(Answer(status=200, stream=pieces))

    class Full(Heard):
        def data(self, chunk: bytes) -> None:
            super().data(chunk)
            assert stage.stream is not None
            stage.stream.pause()

    stage.sink = Full
    stage.ask(Format.OPENAI_CHAT, chat(stream=True))
    assert set(pieces.flows) == {"pause"}


def test_a_batch_item_leaves_its_record_to_the_engine() -> None:
    stage = Stage(ok(OPENAI_REPLY))
    stage.ask(Format.OPENAI_CHAT, chat(), batch="b1")
    assert stage.records == []
    assert stage.exchange.record is not None
    assert stage.exchange.record.cost == 20_000


def test_client_headers_reach_the_same_dialect_only_and_never_replace_the_key() -> None:
    headers = {b"anthropic-beta": b"x-2025", b"anthropic-version": b"2026-10-21", b"x-api-key": b"sk-client"}
    stage = Stage(ok(ANTHROPIC_REPLY), ok(OPENAI_REPLY))
    stage.ask(Format.ANTHROPIC_MESSAGES, {**chat("claude-x"), "max_tokens": 5}, "anthropic", headers=headers)
    assert b"anthropic-beta: x-2025\r\n" in stage.calls[0].head
    assert b"anthropic-version: 2026-10-21\r\n" in stage.calls[0].head
    assert b"sk-client" not in stage.calls[0].head
    stage.ask(Format.ANTHROPIC_MESSAGES, {**chat(), "max_tokens": 5}, "anthropic", headers={b"anthropic-beta": b"x"})
    assert b"anthropic" not in stage.calls[1].head


def test_a_name_that_is_lost_cannot_break_the_answer_head() -> None:
    stage = Stage(ok(OPENAI_REPLY))
    answer = stage.ask(Format.ANTHROPIC_MESSAGES, {**chat(), "max_tokens": 5, "x\r\nset-cookie: a": 1})
    assert b"\r" not in answer.headers[b"x-asbru-lost"]
    assert b"set-cookie" in answer.headers[b"x-asbru-lost"]


def test_a_cancelled_exchange_is_recorded_once() -> None:
    stage = Stage()

    async def hang(call: Call) -> Answer:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    stage.gateway._tools.send = hang
    codec = CODECS[Format.OPENAI_CHAT]
    envelope = Envelope(json.dumps(chat()).encode())
    x = Exchange(id="req_1", codec=codec, envelope=envelope, peek=codec.peek(envelope))

    async def run() -> None:
        task = asyncio.create_task(stage.gateway(x))
        await asyncio.sleep(0)
        assert stage.gateway.live == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert [record.status for record in stage.records] == [499]
    assert stage.gateway.live == 0

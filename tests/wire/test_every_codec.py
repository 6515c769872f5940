"""Whatever comes, every codec reads it or refuses it in the words that were agreed upon; nothing else is ever raised.

The tests are driven by CODECS: a new codec is tested when it brings good bodies (good_bodies.py).
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from good_bodies import does, envelope_of, good_asks, good_replies, good_streams, lacking
from hostile import FUZZ, Good, bodies
from hypothesis import given
from hypothesis import strategies as st
from wire_kit import STAMP

from asbru.model.chat import Audio, Opaque, Refusal, Reply, Text, Thinking, ToolCall
from asbru.model.events import Close, Delta, Done, Event, Open, Start
from asbru.model.failure import Bug, Failure, Refused, Upstream
from asbru.model.names import OPERATIONS, Format
from asbru.wire import CODECS, AnyCodec, Envelope, Frame, Stamp
from asbru.wire.framing import CUTTERS, WRITERS
from asbru.wire.sse import END

FORMATS = list(CODECS)


def those_that(*names: str) -> list[Format]:
    return [format for format, codec in CODECS.items() if all(does(codec, name) for name in names)]


def kin(format: Format, name: str) -> list[AnyCodec]:
    """The codecs of one operation that have a function."""
    return [CODECS[each] for each in FORMATS if OPERATIONS[each] is OPERATIONS[format] and does(CODECS[each], name)]


@pytest.mark.parametrize("format", FORMATS)
def test_there_is_something_to_break(format: Format) -> None:
    assert lacking(format) == []


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_missing_is_our_mistake(format: Format) -> None:
    codec = CODECS[format]
    calls: dict[str, Callable[[], object]] = {
        "read_ask": lambda: codec.read_ask(envelope_of(b"{}")),
        "write_ask": lambda: codec.write_ask(None),
        "read_reply": lambda: codec.read_reply(b"{}"),
        "write_reply": lambda: codec.write_reply(None, STAMP),
        "reader": codec.reader,
        "writer": lambda: codec.writer(STAMP, None),
        "tap": lambda: codec.tap(True),
    }
    for call in (call for name, call in calls.items() if not does(codec, name)):
        with pytest.raises(Bug) as told:
            call()
        assert told.value.status == 500


@pytest.mark.parametrize("format", those_that("read_ask"))
def test_good_requests_read(format: Format) -> None:
    for body in good_asks(format):
        envelope = envelope_of(body)
        CODECS[format].peek(envelope)
        assert CODECS[format].read_ask(envelope).origin in FORMATS


@pytest.mark.parametrize("format", those_that("read_reply"))
def test_good_replies_read(format: Format) -> None:
    for body in good_replies(format):
        assert CODECS[format].read_reply(body).origin in FORMATS


def only_refused(call: Callable[[], Any]) -> Any:
    """What a call gives; None when it refuses, which it may only do with 400."""
    try:
        return call()
    except Refused as refusal:
        assert refusal.status == 400  # noqa: PT017 (every other failure is wrong here)
        assert refusal.message  # noqa: PT017
        return None


def only_upstream(call: Callable[[], Any]) -> Any:
    """What a call gives; None when what it read cannot be understood, or tells of a failure."""
    try:
        return call()
    except Upstream as failure:
        assert 400 <= failure.status < 600  # noqa: PT017
        assert failure.message  # noqa: PT017
        return None


def is_object(body: bytes) -> bool:
    """Whether it can be sent; what its members hold may be a caller's own nonsense."""
    return isinstance(envelope_of(body), Envelope)


@pytest.mark.parametrize("format", FORMATS)
def test_a_hostile_request_is_read_or_refused(format: Format) -> None:
    codec, targets = CODECS[format], kin(format, "write_ask")

    @FUZZ
    @given(bodies(Good(good_asks(format))), st.sampled_from(targets or [codec]))
    def check(body: bytes, target: AnyCodec) -> None:
        envelope = only_refused(lambda: envelope_of(body))
        if envelope is None:
            return
        peek = only_refused(lambda: codec.peek(envelope))
        if peek is not None:
            assert len(peek.model) <= 1024
            put = only_refused(lambda: codec.put(envelope, "m", peek.stream))
            assert put is None or is_object(envelope.splice(put))
        only_refused(lambda: codec.asked_usage(envelope))
        ask = only_refused(lambda: codec.read_ask(envelope)) if does(codec, "read_ask") else None
        if ask is not None and targets:
            if (split := target.split) is not None:
                asks = only_refused(lambda: split(ask))
                assert asks is None or 1 <= len(asks) <= 10_000
                for one in (asks or ())[-2:]:
                    only_refused(partial(target.write_ask, one))
            told = only_refused(lambda: target.write_ask(ask))
            assert told is None or told.upload is not None or is_object(told.body)
            if does(codec, "write_ask"):
                only_refused(lambda: codec.write_ask(ask))

    check()


@pytest.mark.parametrize("format", FORMATS)
def test_a_hostile_reply_is_read_or_broken(format: Format) -> None:
    codec, targets = CODECS[format], kin(format, "write_reply")

    @FUZZ
    @given(bodies(Good(good_replies(format))), st.sampled_from(targets or [codec]))
    def check(body: bytes, target: AnyCodec) -> None:
        codec.read_usage(body)
        codec.event_name(body)
        if not does(codec, "read_reply"):
            return
        reply = only_upstream(lambda: codec.read_reply(body))
        if reply is not None and targets:
            if (join := codec.join) is not None:
                only_upstream(lambda: join([reply, reply]))
            only_told(lambda: target.write_reply(reply, STAMP))
            if isinstance(reply, Reply) or does(target, "unfold"):
                only_told(lambda: target.unfold(reply))

    check()


def only_told(call: Callable[[], Any]) -> Any:
    """What a call gives; None for an answer that cannot be told, whoever's fault that is."""
    try:
        return call()
    except (Refused, Upstream) as failure:
        assert 400 <= failure.status < 600  # noqa: PT017
        return None


def orderly(events: Sequence[Event]) -> None:
    """What model/events.py says of their order: whoever writes them relies on it."""
    kinds: dict[int, type] = {}
    for n, event in enumerate(events):
        match event:
            case Start():
                assert n == 0
            case Open():
                assert event.index not in kinds
                kinds[event.index] = type(event.part)
            case Close():
                del kinds[event.index]
            case Delta():
                kind = kinds[event.index]
                assert not event.text or kind in (Text, Refusal, Thinking, Audio), kind
                assert not event.arguments or kind in (ToolCall, Opaque), kind
                assert not event.signature or kind is Thinking, kind
            case Done():
                assert n == len(events) - 1
    assert not events or isinstance(events[0], Start)


@pytest.mark.parametrize("format", those_that("reader"))
def test_a_hostile_stream_is_read_or_broken(format: Format) -> None:
    codec, targets = CODECS[format], kin(format, "writer")
    streams = good_streams(format)
    pieces = Good({frame.data: None for frames in streams for frame in frames})

    @FUZZ
    @given(st.data())
    def check(data: st.DataObject) -> None:
        frames = list(data.draw(st.sampled_from(streams)))
        for _ in range(data.draw(st.sampled_from((1, 2, 4)))):
            place = data.draw(st.integers(0, len(frames) - 1))
            match data.draw(st.sampled_from(("spoilt", "spoilt", "gone", "again", "moved", "cut"))):
                case "spoilt":
                    frames[place] = Frame(frames[place].event, data.draw(bodies(pieces)))
                case "gone" if len(frames) > 1:
                    del frames[place]
                case "again":
                    frames.insert(data.draw(st.integers(0, len(frames))), frames[place])
                case "moved":
                    other = data.draw(st.sampled_from(streams))
                    frames.insert(place, data.draw(st.sampled_from(other)))
                case "cut":
                    del frames[place + 1 :]
        target = data.draw(st.sampled_from(targets))
        ask = asked(target)
        told: list[Event] = []
        only_upstream(lambda: told.extend(_read(codec, frames, told)))
        orderly(told)
        writer = target.writer(Stamp(id="1", at=5, model="m", ask=ask), ask)
        out = b"".join(writer.send(event) for event in told)
        only_upstream(lambda: CUTTERS[target.framing]().feed(out + writer.fail(Failure(502, "x"))))

    check()


def _read(codec: AnyCodec, frames: Sequence[Frame], told: list[Event]) -> list[Event]:
    reader = codec.reader()
    for frame in frames:
        told += reader.feed(frame)
    if not reader.done:
        told += reader.feed(END)
    return []


def asked(codec: AnyCodec) -> Any:
    """Some request that a stream answers."""
    if not does(codec, "read_ask"):
        return None
    return codec.read_ask(envelope_of(good_asks(codec.format)[0]))


@pytest.mark.parametrize("format", those_that("tap"))
def test_hostile_bytes_pass_a_tap(format: Format) -> None:
    codec = CODECS[format]
    streams = good_streams(format)
    pieces = Good({frame.data: None for frames in streams for frame in frames})
    write = WRITERS[codec.framing]

    @FUZZ
    @given(st.data())
    def check(data: st.DataObject) -> None:
        frames = list(data.draw(st.sampled_from(streams)))
        place = data.draw(st.integers(0, len(frames) - 1))
        frames[place] = Frame(frames[place].event, data.draw(bodies(pieces)))
        body = b"".join(map(write, frames))
        if data.draw(st.booleans()):
            at = data.draw(st.integers(0, len(body)))
            body = body[:at] + data.draw(st.binary(max_size=20)) + body[at:]
        ends = sorted({0, len(body), *data.draw(st.lists(st.integers(0, len(body)), max_size=6))})
        tap, whole = codec.tap(True), codec.tap(True)
        passed = b"".join(tap.feed(body[a:b]) for a, b in pairwise(ends)) + tap.finish()
        assert passed == body
        assert whole.feed(body) + whole.finish() == body
        assert (tap.usage, tap.done, tap.failed) == (whole.usage, whole.done, whole.failed)
        hidden = codec.tap(False)
        assert len(hidden.feed(body) + hidden.finish()) <= len(body)

    check()


FAILURES: list[bytes] = [
    msgspec.json.encode(body)
    for body in (
        {"error": {"message": "m", "type": "t", "param": "p", "code": "c"}}, {"type": "error", "error": {"type": "t", "message": "m"}, "request_id": "r"},
        {"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT", "details": [{"@type": "x", "retryDelay": "5s"}]}},
        [{"error": {"code": 400, "message": "m", "status": "S"}}], {"message": "m"}, {"__type": "ValidationException", "message": "m"}, {"Message": "m"},
        {"detail": {"status": "s", "message": "m"}}, {"detail": [{"loc": ["body", 0], "msg": "m", "type": "t"}]}, {"id": "x", "message": "m"},
        {"error": "m"}, {"errors": ["m"]}, {"object": "error", "message": "m", "code": 5},
    )
]  # fmt: skip
HEADERS = [{}, {b"retry-after": b"5"}, {b"retry-after": b"soon"}, {b"retry-after": b"-1e999"}, {b"x-amzn-errortype": b"ThrottlingException:http"}, {b"retry-after-ms": b"NaN"}]  # fmt: skip


@pytest.mark.parametrize("format", FORMATS)
def test_every_failure_is_told(format: Format) -> None:
    codec = CODECS[format]

    @FUZZ
    @given(bodies(Good(FAILURES)), st.integers(300, 599), st.sampled_from(HEADERS), st.sampled_from(FORMATS))
    def check(body: bytes, status: int, headers: Any, other: Format) -> None:
        failure = codec.read_failure(status, headers, body)
        assert isinstance(failure, Upstream)
        assert 400 <= failure.status < 600
        assert failure.retry_after is None or 0 <= failure.retry_after < 10**9
        assert msgspec.json.decode(CODECS[other].write_failure(failure, "req_1"))

    check()

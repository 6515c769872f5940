"""Every stream there is, written as Cohere's and read again by Cohere's own SDK, and by us."""

from pathlib import Path
from typing import Any

import cohere
import httpx
import msgspec
import pytest
from test_streams import STREAMS, carried, codec_of
from wire_kit import COHERE, STAMP, asking, events, frames, written

from asbru.model.chat import Part, Text, Thinking, ToolCall
from asbru.model.events import Close, Delta, Done, Event, Open, Start, fold
from asbru.model.failure import Broken, Overloaded
from asbru.model.names import Finish


def sdk_reads(body: bytes) -> list[Any]:
    headers = {"content-type": "text/event-stream"}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, headers=headers, content=body))
    client = cohere.ClientV2("x", httpx_client=httpx.Client(transport=transport))
    return list(client.chat_stream(model="m", messages=[cohere.UserChatMessageV2(content="?")]))


def gathered(told: list[Any]) -> tuple[dict[tuple[str, int], str], list[tuple[str, str]]]:
    """What is said by kind and index, and the calls (id, name), as a user of the SDK would put them together."""
    said: dict[tuple[str, int], str] = {}
    calls: list[tuple[str, str]] = []
    for event in told:
        if event.type == "content-start":
            said[event.delta.message.content.type, event.index] = ""
        elif event.type == "content-delta":
            content = event.delta.message.content
            kind, text = ("text", content.text) if content.text is not None else ("thinking", content.thinking)
            said[kind, event.index] += text
        elif event.type == "tool-call-start":
            call = event.delta.message.tool_calls
            calls.append((call.id, call.function.name))
            said["call", event.index] = call.function.arguments
        elif event.type == "tool-call-delta":
            said["call", event.index] += event.delta.message.tool_calls.function.arguments
    return said, calls


def text_of(part: Part) -> str | None:
    if isinstance(part, ToolCall):
        return bytes(part.arguments).decode()
    if isinstance(part, Thinking) and part.redacted:
        return None
    return getattr(part, "text", None)


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.name)
def test_the_cohere_sdk_reads_what_we_write(path: Path) -> None:
    found = events(codec_of(path), path.read_bytes())
    whole = fold(found)
    told = sdk_reads(written(COHERE.writer(STAMP, asking(COHERE)), found))
    assert (told[0].type, told[0].id, told[-1].type) == ("message-start", STAMP.id, "message-end")
    said, calls = gathered(told)
    assert calls == [(part.id, part.name) for part in whole.parts if isinstance(part, ToolCall)]
    wanted = [text for part in whole.parts if (text := text_of(part)) is not None]
    spoken = [text.strip() or "{}" if kind == "call" else text for (kind, _), text in said.items()]
    assert sorted(spoken) == sorted(wanted)
    assert told[-1].delta.usage.billed_units.input_tokens == whole.usage.input
    assert told[-1].delta.usage.billed_units.output_tokens == whole.usage.output


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.name)
def test_it_survives_the_way_through_cohere(path: Path) -> None:
    if "refusal" in path.name:
        return
    found = events(codec_of(path), path.read_bytes())
    again = fold(events(COHERE, written(COHERE.writer(STAMP, asking(COHERE)), found)))
    original = fold(found)
    parts = [part for part in original.parts if not isinstance(part, Thinking) or not part.redacted]
    unsigned = [msgspec.structs.replace(p, signature="") if isinstance(p, Thinking) else p for p in parts]
    expected = msgspec.structs.replace(original, parts=tuple(unsigned), model="")
    assert carried(again) == carried(expected)
    assert (again.usage.input, again.usage.output) == (original.usage.input, original.usage.output)


def test_a_failure_in_the_middle_is_told_at_the_end() -> None:
    writer = COHERE.writer(STAMP, asking(COHERE))
    found: list[Event] = [Start(id="", model="m"), Open(0, Text("")), Delta(index=0, text="Two")]
    body = written(writer, found) + writer.fail(Overloaded(529, "Busy."))
    last = sdk_reads(body)[-1]
    assert (last.type, last.delta.finish_reason, last.delta.error) == ("message-end", "ERROR", "Busy.")
    assert b"[DONE]" not in body
    with pytest.raises(Broken, match="Busy"):
        events(COHERE, body)


def test_a_late_citation_is_told_with_the_end() -> None:
    late = (
        b'{"type":"citation-start","index":3,"delta":{"message":{"citations":{"start":0,"end":1,"content_index":0}}}}'
    )
    pieces = [
        b'{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"text","text":"Hi"}}}}',
        b'{"type":"content-end","index":0}',
        b'{"type":"citation-start","index":2}',
        late,
        b'{"type":"message-end","delta":{"finish_reason":"COMPLETE"}}',
    ]
    found = events(COHERE, b"".join(b"data: " + piece + b"\n\n" for piece in pieces))
    assert [type(event) for event in found] == [Start, Open, Delta, Close, Done]
    assert isinstance(found[-1], Done)
    assert list(found[-1].extra) == ["message.citations.3"]
    assert found[-1].finish is Finish.STOP


def test_after_its_end_a_stream_says_nothing() -> None:
    reader = COHERE.reader()
    (frame,) = frames(b'data: {"type":"message-end","delta":{"finish_reason":"COMPLETE"}}\n\n')
    assert [type(event) for event in reader.feed(frame)] == [Start, Done]
    assert reader.done
    assert reader.feed(frame) == ()

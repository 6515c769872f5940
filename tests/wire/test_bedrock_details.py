# One case per line, as in a table.
"""Converse in detail: what a wrong request is told, errors, ids and names, replies that are none."""

from typing import Any

import msgspec
import pytest
from wire_kit import STAMP, ask

from asbru.model.chat import (
    Ask,
    Audio,
    Citation,
    Document,
    Effort,
    Image,
    Opaque,
    Output,
    Refusal,
    Reply,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from asbru.model.events import fold
from asbru.model.failure import Broken, Failure, Overloaded, Refused, Rejected
from asbru.model.names import Finish, Format, Role
from asbru.model.usage import Usage
from asbru.wire import CODECS, Envelope
from asbru.wire.bedrock.converse_citations import read_citation, write_citation
from asbru.wire.bedrock.converse_output import OUTPUT_TOOL
from asbru.wire.bedrock.converse_parts import tool_id
from asbru.wire.sse import Frame

CONVERSE = CODECS[Format.BEDROCK_CONVERSE]
HI = [{"role": "user", "content": [{"text": "Hi"}]}]


def said(*blocks: dict[str, Any], role: str = "user") -> dict[str, Any]:
    return {"messages": [{"role": role, "content": list(blocks)}]}


MISTAKES: dict[str, dict[str, Any]] = {
    "messages: Expected `array | null`, got `int`": {"messages": 1},
    "messages.0.role: must be user, assistant or system": said({"text": "x"}, role="tool"),
    "messages.0.content: Field required": {"messages": [{"role": "user"}]},
    "messages.0.content: Expected `array`, got `str`": {"messages": [{"role": "user", "content": "x"}]},
    "messages.0.content.0: must have exactly one member, not none": said({}),
    "messages.0.content.0: must have exactly one member, not image, text": said({"text": "x", "image": {}}),
    "messages.0.content.0: Expected `object`, got `int`": {"messages": [{"role": "user", "content": [1]}]},
    "messages.0.content.0.text: Expected `str`, got `int`": said({"text": 1}),
    "messages.0.content.0.image.format: must be one of png, jpeg, gif, webp": said(
        {"image": {"format": "bmp", "source": {"bytes": "eA=="}}}
    ),
    "messages.0.content.0.image.source: Field required": said({"image": {"format": "png"}}),
    "messages.0.content.0.document.format: must be one of pdf, csv, doc, docx, xls, xlsx, html, txt, md": said(
        {"document": {"format": "zip", "name": "d", "source": {"bytes": "eA=="}}}
    ),
    "messages.0.content.0.toolUse.input: Expected `object`": said(
        {"toolUse": {"toolUseId": "t", "name": "f", "input": "x"}}
    ),
    "messages.0.content.0.toolResult.content.0: must have exactly one member, not none": said(
        {"toolResult": {"toolUseId": "t", "content": [{}]}}
    ),
    "messages.0.content.1.cachePoint.ttl: Expected `str | null`, got `int`": said(
        {"text": "x"}, {"cachePoint": {"type": "default", "ttl": 5}}
    ),
    "messages.0.content.0.reasoningContent.reasoningText.text: Field required": said(
        {"reasoningContent": {"reasoningText": {}}}
    ),
    "system.0: must have exactly one member, not none": {"messages": HI, "system": [{}]},
    "inferenceConfig.maxTokens: Expected `int | null`, got `str`": {
        "messages": HI,
        "inferenceConfig": {"maxTokens": "many"},
    },
    "toolConfig.tools.0: must have exactly one member, not none": {"messages": HI, "toolConfig": {"tools": [{}]}},
    "toolConfig.tools.0.toolSpec.inputSchema: Field required": {
        "messages": HI,
        "toolConfig": {"tools": [{"toolSpec": {"name": "f"}}]},
    },
    "toolConfig.toolChoice: must be auto, any or tool": {
        "messages": HI,
        "toolConfig": {"tools": [], "toolChoice": {"none": {}}},
    },
    "toolConfig.toolChoice.tool.name: Field required": {
        "messages": HI,
        "toolConfig": {"tools": [], "toolChoice": {"tool": {}}},
    },
    "additionalModelRequestFields: Expected `object`, got `int`": {"messages": HI, "additionalModelRequestFields": 1},
    "serviceTier.type: Field required": {"messages": HI, "serviceTier": {}},
    "outputConfig.textFormat.type: must be json_schema": {
        "messages": HI,
        "outputConfig": {"textFormat": {"type": "xml", "structure": {"jsonSchema": {"schema": "{}"}}}},
    },
    "outputConfig.textFormat.structure.jsonSchema.schema: JSON is malformed": {
        "messages": HI,
        "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{]"}}}},
    },
}


@pytest.mark.parametrize(("words", "body"), MISTAKES.items(), ids=MISTAKES.keys())
def test_a_mistake_is_named(words: str, body: dict[str, Any]) -> None:
    with pytest.raises(Refused) as told:
        ask(CONVERSE, body)
    assert told.value.message.startswith(words)
    assert told.value.status == 400
    assert told.value.param == words.partition(":")[0]


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(Refused, match=r"toolUse\.input"):
        ask(
            CONVERSE,
            b'{"messages":[{"role":"user","content":[{"toolUse":{"toolUseId":"t","name":"f","input":"\xff"}}]}]}',
        )
    with pytest.raises(Refused, match=r"content\.0\.json"):
        ask(
            CONVERSE,
            b'{"messages":[{"role":"user","content":[{"toolResult":{"toolUseId":"t","content":[{"json":"\xff"}]}}]}]}',
        )


def test_unknown_members_are_named_not_refused() -> None:
    read = ask(
        CONVERSE, {**said({"image": {"format": "png", "source": {"bytes": "eA==", "crop": 1}, "mood": 2}}), "new": 3}
    )
    assert set(read.extra) == {"new", "messages.0.content.0.image.mood", "messages.0.content.0.image.source.crop"}
    written = CONVERSE.write_ask(read)
    assert set(written.lost) == {"messages.0.content.0.image.mood", "messages.0.content.0.image.source.crop"}
    assert b'"new":3' in written.body


FIELDS: dict[str, Any] = {
    "thinking": {"type": "enabled", "budget_tokens": "many"},
    "top_k": "many",
    "inferenceConfig": {"topK": 1, "more": 2},
    "reasoning_effort": 5,
}


@pytest.mark.parametrize(("name", "value"), FIELDS.items(), ids=FIELDS.keys())
def test_fields_that_are_not_understood_go_back_as_they_came(name: str, value: Any) -> None:
    read = ask(CONVERSE, {"messages": HI, "additionalModelRequestFields": {name: value}})
    assert set(read.extra) == {f"additionalModelRequestFields.{name}"}
    written = CONVERSE.write_ask(read)
    assert msgspec.json.decode(written.body)["additionalModelRequestFields"] == {name: value}
    assert written.lost == ()


THINKS: list[tuple[str, dict[str, Any]]] = [
    ("m", {"thinking": {"type": "disabled"}}),
    ("m", {"thinking": {"type": "adaptive"}}),
    ("claude", {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
    ("nova", {"reasoningConfig": {"type": "disabled"}}),
    ("nova", {"inferenceConfig": {"topK": 5}}),
    ("mistral.x", {"top_k": 5}),
    ("claude", {"top_k": 5, "thinking": {"type": "enabled", "budget_tokens": 2000}}),
]


@pytest.mark.parametrize(("model", "fields"), THINKS)
def test_fields_of_each_maker_come_back(model: str, fields: dict[str, Any]) -> None:
    read = msgspec.structs.replace(ask(CONVERSE, {"messages": HI, "additionalModelRequestFields": fields}), model=model)
    written = CONVERSE.write_ask(read)
    assert msgspec.json.decode(written.body)["additionalModelRequestFields"] == fields
    assert written.lost == ()


def asked(*parts: Any, role: Role = Role.USER) -> Ask:
    return Ask(model="m", turns=(Turn(role, parts),), origin=Format.OPENAI_CHAT)


def blocks(*parts: Any) -> list[Any]:
    found: list[Any] = msgspec.json.decode(CONVERSE.write_ask(asked(*parts)).body)["messages"][0]["content"]
    return found


def test_names_of_documents_are_plain_and_their_own() -> None:
    names = ("", "", "a_b.pdf", "  two   words ", "x" * 300)
    written = blocks(*(Document(text="t", name=name) for name in names))
    told = [block["document"]["name"] for block in written]
    assert told == ["document", "document (2)", "a-b-pdf", "two words", "x" * 180]


def test_ids_are_short_and_plain() -> None:
    assert tool_id("call_1.a:b-c") == "call_1.a:b-c"
    assert tool_id("a/b c") == "a_b_c"
    assert len(tool_id("x" * 65)) == 64
    assert tool_id("x" * 65) != tool_id("x" * 66)


def test_a_mark_inside_a_result_stands_after_it() -> None:
    from asbru.model.chat import Cache

    result = ToolResult(id="t", parts=(Text("a", cache=Cache("1h")), Text("")))
    assert blocks(result) == [
        {"toolResult": {"toolUseId": "t", "content": [{"text": "a"}]}},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
    ]


def test_media_without_a_format_are_lost_and_named() -> None:
    written = CONVERSE.write_ask(
        asked(
            Image(media_type="image/tiff", data="eA=="),
            Audio(data="eA==", format="midi"),
            Document(url="https://x/d.pdf"),
            Document(media_type="application/zip", data="eA=="),
            Refusal("no"),
            Opaque(format=Format.OPENAI_CHAT, kind="video_url", raw=msgspec.Raw(b"{}")),
        )
    )
    assert msgspec.json.decode(written.body)["messages"] == [{"role": "user", "content": [{"text": "no"}]}]
    assert written.lost == (
        "messages.0.content.0: image of type image/tiff",
        "messages.0.content.1: audio of type midi",
        "messages.0.content.2: document by url",
        "messages.0.content.3: document of type application/zip",
        "messages.0.content.5: video_url",
    )


def test_cited_text_in_a_request_and_citations_that_are_none() -> None:
    raw = msgspec.Raw(b'{"title":1}')
    assert read_citation(raw) == Citation(format=Format.BEDROCK_CONVERSE, raw=raw)
    assert bytes(write_citation(Citation(format=Format.OPENAI_CHAT, raw=raw))) == b"{}"
    told = Citation(format=Format.OPENAI_CHAT, raw=raw, url="u", title="t", quote="q")
    assert msgspec.json.decode(write_citation(told)) == {
        "title": "t", "sourceContent": [{"text": "q"}], "location": {"web": {"url": "u"}},
    }  # fmt: skip


# Replies.

NO_REPLIES = [
    b"",
    b"[]",
    b"{}",
    b'{"output":{}}',
    b'{"output":{"message":{"content":[{}]}}}',
    b'{"output":{"message":{"content":1}}}',
    b"\xff",
]


@pytest.mark.parametrize("body", NO_REPLIES)
def test_a_reply_that_is_none(body: bytes) -> None:
    with pytest.raises(Broken, match="not a Converse reply"):
        CONVERSE.read_reply(body)


def test_what_a_reply_leaves_out() -> None:
    parts = (Text(""), ToolCall(id="c", name="f", arguments=msgspec.Raw(b"[]")), Thinking(text="t"))
    reply = Reply(id="", model="", parts=parts, stop_sequence="END", origin=Format.ANTHROPIC_MESSAGES)
    written = CONVERSE.write_reply(reply, STAMP)
    content = msgspec.json.decode(written.body)["output"]["message"]["content"]
    assert content[0] == {"toolUse": {"toolUseId": "c", "name": "f", "input": {"arguments": []}}}
    assert content[1] == {"reasoningContent": {"reasoningText": {"text": "t"}}}
    assert set(written.lost) == {"stop_sequence", "content.1: arguments that are not an object"}


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        (b'{"usage":{"inputTokens":3,"outputTokens":4}}', Usage(input=3, output=4)),
        (
            b'{"usage":{"inputTokens":3,"cacheWriteInputTokens":2,"cacheDetails":[{"ttl":"1h","inputTokens":9}]}}',
            Usage(input=5, cache_write_1h=2),
        ),
        (b"{}", None),
        (b"[", None),
    ],
)
def test_usage_of_a_body(body: bytes, usage: Usage | None) -> None:
    assert CONVERSE.read_usage(body) == usage


# Errors.


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "code", "words"),
    [
        (400, {b"x-amzn-errortype": b"ValidationException:http://internal/"}, b'{"message":"bad"}', Rejected, "ValidationException", "bad"),
        (400, {}, b'{"__type":"com.amazon#ValidationException","Message":"bad"}', Rejected, "ValidationException", "bad"),
        (429, {b"x-amzn-errortype": b"ThrottlingException"}, b'{"message":"slow"}', Overloaded, "ThrottlingException", "slow"),
        (503, {}, b"<html>", Overloaded, "", "The provider answered 503."),
        (500, {}, b'{"message":"oh"}', Broken, "", "oh"),
    ],
)  # fmt: skip
def test_errors_are_read(
    status: int, headers: dict[bytes, bytes], body: bytes, kind: type[Failure], code: str, words: str
) -> None:
    failure = CONVERSE.read_failure(status, headers, body)
    assert (type(failure), failure.status, failure.code, failure.message) == (kind, status, code, words)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "", "ValidationException"), (401, "", "UnrecognizedClientException"), (403, "permission_error", "AccessDeniedException"),
        (404, "", "ResourceNotFoundException"), (408, "", "ModelTimeoutException"), (413, "", "ValidationException"),
        (424, "", "ModelErrorException"), (429, "", "ThrottlingException"), (429, "ModelNotReadyException", "ModelNotReadyException"),
        (500, "ThrottlingException", "InternalServerException"), (502, "", "InternalServerException"),
        (503, "", "ServiceUnavailableException"), (529, "", "ServiceUnavailableException"),
    ],
)  # fmt: skip
def test_errors_are_written(status: int, code: str, kind: str) -> None:
    body = msgspec.json.decode(CONVERSE.write_failure(Failure(status, "why", code=code), "r"))
    assert body == {"__type": kind, "message": "why"}


def test_the_path_says_model_and_stream() -> None:
    peek = CONVERSE.peek(Envelope(b'{"fallbacks":["openai/gpt-4o"],"model":"ignored"}'))
    assert (peek.model, peek.stream, peek.fallbacks) == ("", False, ("openai/gpt-4o",))
    assert CONVERSE.put(Envelope(b"{}"), "m", True) == {}


# Structured output by a tool.


@pytest.mark.parametrize(
    ("model", "schema", "tool"),
    [
        ("amazon.nova-lite-v1:0", b'{"type":"object"}', True),
        ("us.anthropic.claude-3-5-sonnet-20241022-v2:0", b"{}", True),
        ("anthropic.claude-sonnet-4-20250514-v1:0", b"{}", True),
        ("anthropic.claude-opus-4-1-20250805-v1:0", b"{}", True),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", b"{}", False),
        ("anthropic.claude-opus-4-6-v1", b"{}", False),
        ("qwen.qwen3-32b-v1:0", b"{}", False),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/x", b"{}", False),
        ("amazon.nova-lite-v1:0", b'{"type":"array"}', False),
        ("amazon.nova-lite-v1:0", b"[]", False),
    ],
)
def test_which_models_write_json_by_a_tool(model: str, schema: bytes, tool: bool) -> None:
    wanted = msgspec.structs.replace(asked(Text("?")), model=model, output=Output(schema=msgspec.Raw(schema)))
    body = msgspec.json.decode(CONVERSE.write_ask(wanted).body)
    assert ("toolConfig" in body, "outputConfig" in body) == (tool, not tool)


def test_thinking_forbids_to_force_the_tool() -> None:
    wanted = msgspec.structs.replace(
        asked(Text("?")), model="anthropic.claude-3-7-sonnet", output=Output(schema=msgspec.Raw(b"{}")), thinking=Effort(budget=2000),
    )  # fmt: skip
    assert msgspec.json.decode(CONVERSE.write_ask(wanted).body)["toolConfig"]["toolChoice"] == {"auto": {}}
    named = msgspec.structs.replace(
        wanted, thinking=None, tools=(Tool(name="now"),), tool_choice=ToolChoice(mode="tool", name="now")
    )
    assert msgspec.json.decode(CONVERSE.write_ask(named).body)["toolConfig"]["toolChoice"] == {"tool": {"name": "now"}}


def called(*names: str) -> bytes:
    content = [{"toolUse": {"toolUseId": name, "name": name, "input": {"city": "Oslo"}}} for name in names]
    return msgspec.json.encode({"output": {"message": {"content": content}}, "stopReason": "tool_use"})


def test_the_tools_input_is_the_output() -> None:
    reply = CONVERSE.read_reply(called(OUTPUT_TOOL))
    assert (reply.parts, reply.finish) == ((Text('{"city":"Oslo"}'),), Finish.STOP)
    reply = CONVERSE.read_reply(called(OUTPUT_TOOL, "now"))
    assert [type(part) for part in reply.parts] == [Text, ToolCall]
    assert reply.finish is Finish.TOOL_CALLS


@pytest.mark.parametrize("other", [False, True])
def test_the_tools_input_is_the_output_in_a_stream(other: bool) -> None:
    events: list[tuple[str, Any]] = [("messageStart", {})]
    for n, name in enumerate([OUTPUT_TOOL, "now"] if other else [OUTPUT_TOOL]):
        events += [
            ("contentBlockStart", {"contentBlockIndex": n, "start": {"toolUse": {"toolUseId": "t", "name": name}}}),
            *(
                ("contentBlockDelta", {"contentBlockIndex": n, "delta": {"toolUse": {"input": half}}})
                for half in ('{"city"', ':"Oslo"}')
            ),
            ("contentBlockStop", {"contentBlockIndex": n}),
        ]
    events += [("messageStop", {"stopReason": "tool_use"}), ("metadata", {"usage": {}})]
    reader = CONVERSE.reader()
    reply = fold(event for name, payload in events for event in reader.feed(Frame(name, msgspec.json.encode(payload))))
    assert reply.parts[0] == Text('{"city":"Oslo"}')
    assert reply.finish is (Finish.TOOL_CALLS if other else Finish.STOP)

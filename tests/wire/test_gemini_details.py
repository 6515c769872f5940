"""Details of Google's dialect that no conversation of the corpus tells: models' ways to think, schemas, errors, media."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw
from wire_kit import ANTHROPIC, GEMINI, OPENAI, STAMP, ask, plain

from asbru.model.chat import (
    GOOGLE_SEAL,
    Ask,
    Audio,
    Cache,
    Citation,
    Document,
    Effort,
    Image,
    Opaque,
    Part,
    Reply,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from asbru.model.failure import Broken, Failure, Overloaded, Refused, Rejected, Upstream
from asbru.model.names import Finish, Format, Role
from asbru.model.usage import Usage
from asbru.wire import Envelope
from asbru.wire.gemini.json_schema import MOST_NAMED, fitted
from asbru.wire.gemini.media import is_stored, read_link
from asbru.wire.gemini.signatures import SKIPPED, placed, read_signature

Json = dict[str, Any]


def config(model: str, effort: Effort) -> tuple[Json, tuple[str, ...]]:
    asked = Ask(model=model, turns=(Turn(Role.USER, (Text("?"),)),), thinking=effort, origin=Format.OPENAI_CHAT)
    written = GEMINI.write_ask(asked)
    return msgspec.json.decode(written.body)["generationConfig"]["thinkingConfig"], written.lost


HIGH = Effort(word="high", adaptive=True)
OFF = Effort(enabled=False)
THINKING: list[tuple[str, Effort, Json, tuple[str, ...]]] = [
    ("gemini-2.5-flash", HIGH, {"thinkingBudget": 24576, "includeThoughts": True}, ()),
    ("gemini-2.5-flash", Effort(word="strange", adaptive=True), {"thinkingBudget": 8192, "includeThoughts": True}, ()),
    ("gemini-2.5-flash", Effort(adaptive=True), {"thinkingBudget": -1, "includeThoughts": True}, ()),
    ("gemini-2.5-flash", Effort(budget=999999), {"thinkingBudget": 24576, "includeThoughts": True}, ("thinking: budget of 24576",)),
    ("gemini-2.5-pro", Effort(budget=64), {"thinkingBudget": 128, "includeThoughts": True}, ("thinking: budget of 128",)),
    ("gemini-2.5-pro", Effort(budget=32000), {"thinkingBudget": 32000, "includeThoughts": True}, ()),
    ("gemini-2.5-flash", OFF, {"thinkingBudget": 0}, ()),
    ("gemini-2.5-pro", OFF, {"thinkingBudget": 128}, ("thinking: cannot be turned off",)),
    ("gemini-3-pro-preview", OFF, {"thinkingLevel": "LOW"}, ("thinking: cannot be turned off",)),
    ("gemini-3-flash-preview", OFF, {"thinkingLevel": "MINIMAL"}, ("thinking: cannot be turned off",)),
    ("gemini-3-pro-preview", HIGH, {"thinkingLevel": "HIGH", "includeThoughts": True}, ()),
    ("gemini-3.1-pro", Effort(word="minimal"), {"thinkingLevel": "LOW", "includeThoughts": True}, ("reasoning_effort: minimal",)),
    ("gemini-3-flash", Effort(word="minimal"), {"thinkingLevel": "MINIMAL", "includeThoughts": True}, ()),
    ("gemini-3-flash", Effort(word="xhigh"), {"thinkingLevel": "HIGH", "includeThoughts": True}, ("reasoning_effort: xhigh",)),
    ("gemini-4-hydrogen", Effort(word="xhigh"), {"thinkingLevel": "XHIGH", "includeThoughts": True}, ()),
    ("gemini-4-hydrogen", Effort(word="max"), {"thinkingLevel": "XHIGH", "includeThoughts": True}, ("reasoning_effort: max",)),
    ("gemini-4-hydrogen", Effort(word="odd"), {"thinkingLevel": "MEDIUM", "includeThoughts": True}, ("reasoning_effort: odd",)),
    ("gemini-4-hydrogen", Effort(adaptive=True), {"includeThoughts": True}, ()),
    ("gemini-4-hydrogen", Effort(budget=64), {"thinkingBudget": 64, "includeThoughts": True}, ()),
]  # fmt: skip


@pytest.mark.parametrize(("model", "effort", "expected", "lost"), THINKING)
def test_each_generation_thinks_in_its_own_words(
    model: str, effort: Effort, expected: Json, lost: tuple[str, ...]
) -> None:
    assert config(model, effort) == (expected, lost)


def fit(schema: Json) -> tuple[Json, list[str]]:
    lost: list[str] = []
    return msgspec.json.decode(fitted(Raw(msgspec.json.encode(schema)), "s", lost)), lost


STRING = {"type": "string"}
SCHEMAS: list[tuple[Json, Json, list[str]]] = [
    ({"type": "object", "properties": {"const": STRING, "pattern": STRING}}, {"type": "object", "properties": {"const": STRING, "pattern": STRING}}, []),
    ({"const": "x"}, {"enum": ["x"]}, []),
    ({"const": None}, {"type": "null"}, []),
    ({"const": True, "type": "boolean"}, {"type": "boolean"}, ["s.const"]),
    ({"$ref": "#/$defs/A", "description": "d", "$defs": {"A": {"const": 1}}}, {"description": "d", "$defs": {"A": {"enum": [1]}}, "anyOf": [{"$ref": "#/$defs/A"}]}, []),
    ({"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A"}, []),
    ({"$ref": "#/$defs/A", "anyOf": [STRING]}, {"$ref": "#/$defs/A"}, ["s.anyOf"]),
    ({"allOf": [{"$ref": "#/$defs/A"}], "default": 1}, {"anyOf": [{"$ref": "#/$defs/A"}], "default": 1}, []),
    ({"allOf": [STRING, {"minLength": 1}]}, {}, ["s.allOf"]),
    ({"type": "string", "pattern": "x", "title": "t"}, {"type": "string", "title": "t"}, ["s.pattern"]),
    ({"type": "array", "items": {"type": "integer", "exclusiveMinimum": 0}, "uniqueItems": True}, {"type": "array", "items": {"type": "integer"}}, ["s.items.exclusiveMinimum", "s.uniqueItems"]),
    ({"oneOf": [{"const": "a"}, {"const": "b"}]}, {"oneOf": [{"enum": ["a"]}, {"enum": ["b"]}]}, []),
    ({"additionalProperties": False, "minProperties": 1}, {"additionalProperties": False}, ["s.minProperties"]),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "expected", "lost"), SCHEMAS)
def test_a_schema_is_fitted(schema: Json, expected: Json, lost: list[str]) -> None:
    assert fit(schema) == (expected, lost)


def test_a_schema_keeps_its_bytes_where_it_can() -> None:
    raw = Raw(b'{"type" : "object", "properties": {"a": {"minimum": 1.0}}}')
    assert fitted(raw, "s", []) is raw
    odd = Raw(b'{"properties": [{"const": 1}]}')
    assert fitted(odd, "s", []) is odd


def test_not_everything_that_is_lost_is_named() -> None:
    _, lost = fit({"properties": {f"p{n}": {"pattern": "x"} for n in range(50)}})
    assert len(lost) == MOST_NAMED


def schema_of(parameters: Json) -> Any:
    body = {"contents": [], "tools": [{"functionDeclarations": [{"name": "f", "parameters": parameters}]}]}
    return plain(ask(GEMINI, body).tools[0].schema)


def test_googles_schemas_in_json_schema() -> None:
    assert schema_of({"type": ["STRING", "NULL"]}) == {"type": ["string", "null"]}
    assert schema_of({"type": "TYPE_UNSPECIFIED", "example": 1, "title": "t"}) == {"title": "t", "examples": [1]}
    assert schema_of({"defs": {"A": {"type": "STRING"}}, "ref": "#/$defs/A"}) == {
        "$defs": {"A": {"type": "string"}},
        "$ref": "#/$defs/A",
    }
    assert schema_of({"type": "OBJECT", "additionalProperties": {"type": "NUMBER"}, "maxProperties": "3"}) == {
        "type": "object", "additionalProperties": {"type": "number"}, "maxProperties": 3,
    }  # fmt: skip
    assert schema_of({"type": "OBJECT", "additionalProperties": False}) == {
        "type": "object",
        "additionalProperties": False,
    }
    assert schema_of({"nullable": True, "description": "d"}) == {"description": "d"}


CALL = ToolCall(id="a", name="f", arguments=Raw(b"{}"))


def turns(
    *parts: Part, origin: Format = Format.OPENAI_CHAT, model: str = "gemini-3-pro"
) -> tuple[list[Json], tuple[str, ...]]:
    asked = Ask(
        model=model,
        turns=(Turn(Role.USER, (Text("?"),)), Turn(Role.ASSISTANT, parts), Turn(Role.USER, (ToolResult(id="a"),))),
        origin=origin,
    )
    written = GEMINI.write_ask(asked)
    return msgspec.json.decode(written.body)["contents"][1]["parts"], written.lost


def test_gemini_3_is_told_that_a_call_has_no_signature() -> None:
    second = ToolCall(id="b", name="g", arguments=Raw(b"{}"))
    parts, _ = turns(Text("I look."), CALL, second)
    assert [part.get("thoughtSignature") for part in parts] == [None, SKIPPED, None]
    signed, _ = turns(Thinking(signature=f"{GOOGLE_SEAL}call0:c2ln"), CALL, second)
    assert [part.get("thoughtSignature") for part in signed] == ["c2ln", None]
    parts, _ = turns(CALL, model="gemini-2.5-flash")
    assert "thoughtSignature" not in parts[0]


def test_signatures_find_their_parts_whatever_the_order() -> None:
    """Clients of OpenAI's format keep thinking before everything else."""
    thoughts = [
        Thinking(signature=f"{GOOGLE_SEAL}text:dGV4dA=="),
        Thinking(text="Hm.", signature=f"{GOOGLE_SEAL}call1:Y2FsbA=="),
        Thinking(signature=f"{GOOGLE_SEAL}image0:aW1n"),
    ]
    image = Image(data="AA==", media_type="image/png")
    parts, lost = turns(*thoughts, Text("Hi"), CALL, ToolCall(id="b", name="g", arguments=Raw(b"{}")), image)
    signatures = [(next(iter(part)), part.get("thoughtSignature")) for part in parts]
    assert signatures == [
        ("text", "dGV4dA=="), ("text", None), ("text", None), ("functionCall", None), ("functionCall", "Y2FsbA=="),
        ("inlineData", "aW1n"),
    ]  # fmt: skip
    assert parts[1] == {"text": "Hm.", "thought": True}
    assert lost == ()


def test_what_another_vendor_thought_is_not_for_google() -> None:
    parts, lost = turns(Thinking(text="Hm.", signature="c2ln"), Thinking(redacted="x"), CALL, model="m")
    assert [next(iter(part)) for part in parts] == ["functionCall"]
    assert lost == ("messages.1.content.0: thinking", "messages.1.content.1: thinking")


def test_googles_signatures_are_not_for_others() -> None:
    asked = Ask(
        model="m",
        turns=(Turn(Role.USER, (Text("?"),)), Turn(Role.ASSISTANT, (Thinking(signature=f"{GOOGLE_SEAL}text:eA=="), Text("!")))),
        origin=Format.ANTHROPIC_MESSAGES,
    )  # fmt: skip
    written = ANTHROPIC.write_ask(asked)
    assert GOOGLE_SEAL.encode() not in written.body
    assert written.lost == ("messages.1.content.0: thinking",)


def test_a_signature_that_only_looks_like_ours() -> None:
    assert read_signature("YXNicnU6_w==", "text") == Thinking()
    assert read_signature("YXNicnU6!", "text") == Thinking()
    assert placed(f"{GOOGLE_SEAL}text") == ("", "")
    body = {"contents": [{"role": "model", "parts": [{"text": "x", "thoughtSignature": "YXNicnU6_w=="}]}]}
    assert ask(GEMINI, body).turns[0].parts == (Text("x"), Thinking())


def test_results_without_calls_get_ids_of_their_place() -> None:
    body = {
        "contents": [
            {
                "parts": [
                    {"functionResponse": {"name": "f", "response": {}}},
                    {"functionResponse": {"name": "f", "id": "x"}},
                ]
            }
        ]
    }
    assert [part.id for part in ask(GEMINI, body).turns[0].parts if isinstance(part, ToolResult)] == ["call_0_0", "x"]


def test_results_hold_more_than_text() -> None:
    parts: tuple[Part, ...] = (
        Text("a"),
        Image(url="https://example.org/x"),
        Document(data="AA==", media_type="application/pdf", name="n", context="c", citations=True),
        Opaque(format=Format.OPENAI_CHAT, kind="odd", raw=Raw(b"{}")),
    )
    asked = Ask(
        model="m",
        turns=(Turn(Role.ASSISTANT, (CALL,)), Turn(Role.USER, (ToolResult(id="a", parts=parts), ToolResult(id="z", is_error=True)))),
        origin=Format.ANTHROPIC_MESSAGES,
    )  # fmt: skip
    written = GEMINI.write_ask(asked)
    answers = [part["functionResponse"] for part in msgspec.json.decode(written.body)["contents"][1]["parts"]]
    assert [next(iter(part)) for part in answers[0]["parts"]] == ["fileData", "inlineData"]
    assert answers[1] == {"id": "z", "name": "z", "response": {"error": ""}}
    assert written.lost == (
        "messages.1.content.0.content.2.title", "messages.1.content.0.content.2.context",
        "messages.1.content.0.content.2.citations", "messages.1.content.0.content.3: odd",
    )  # fmt: skip
    told = {
        "contents": [
            {
                "parts": [
                    {
                        "functionResponse": {
                            "name": "f",
                            "parts": [{"inlineData": {"mimeType": "video/mp4", "data": "A"}}],
                        }
                    }
                ]
            }
        ]
    }
    result = ask(GEMINI, told).turns[0].parts[0]
    assert isinstance(result, ToolResult)
    assert isinstance(result.parts[0], Opaque)


@pytest.mark.parametrize(
    ("uri", "stored"),
    [
        ("https://example.org/a", False), ("http://x/files/1", False), ("gs://b/a", True), ("files/x", True),
        ("https://generativelanguage.googleapis.com/v1beta/files/x", True), ("https://[x", True), ("\n", True),
    ],
)  # fmt: skip
def test_files_of_googles_own(uri: str, stored: bool) -> None:
    assert is_stored(uri) is stored


def test_links_to_what_the_model_has_no_word_for() -> None:
    assert read_link("https://example.org/a.mp4", "", "") is None
    body = {"contents": [{"parts": [{"fileData": {"fileUri": "https://example.org/a.mp4"}}]}]}
    read = ask(GEMINI, body)
    assert isinstance(read.turns[0].parts[0], Opaque)
    assert OPENAI.write_ask(read).lost == ("contents.0.parts.0: video or sound",)


def test_members_beside_a_part_are_named() -> None:
    body = {"contents": [{"parts": [{"text": "x", "videoMetadata": {"fps": 1}, "media_resolution": {"level": "LOW"}}]}]}
    lost = {"contents.0.parts.0.videoMetadata", "contents.0.parts.0.mediaResolution"}
    assert set(OPENAI.write_ask(ask(GEMINI, body)).lost) == lost
    assert set(GEMINI.write_ask(ask(GEMINI, body)).lost) == lost


def test_a_system_that_shows_an_image() -> None:
    asked = Ask(
        model="m",
        turns=(Turn(Role.SYSTEM, (Text("s"), Image(url="https://example.org/a.png"))), Turn(Role.USER, (Text("?"),))),
        origin=Format.OPENAI_CHAT,
    )
    written = GEMINI.write_ask(asked)
    assert msgspec.json.decode(written.body)["systemInstruction"] == {"parts": [{"text": "s"}]}
    assert written.lost == ("messages.0.content.1: image",)


def test_more_stop_sequences_than_google_takes() -> None:
    written = GEMINI.write_ask(
        ask(ANTHROPIC, {"model": "m", "max_tokens": 9, "messages": [], "stop_sequences": list("abcdefg")})
    )
    assert msgspec.json.decode(written.body)["generationConfig"]["stopSequences"] == list("abcde")
    assert written.lost == ("stop.5", "stop.6")


def test_strict_tools_beside_others() -> None:
    tools = (Tool(name="f", strict=True), Tool(name="g"))
    asked = Ask(model="m", turns=(), tools=tools, origin=Format.OPENAI_CHAT)
    assert GEMINI.write_ask(asked).lost == ("tools.0.strict",)


def replied(**members: Any) -> Reply:
    body = {"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}], **members}
    reply: Reply = GEMINI.read_reply(msgspec.json.encode(body))
    return reply


def test_times_are_read() -> None:
    assert replied(createTime="2026-01-02T03:04:05.5Z").created == 1767323045
    assert replied(createTime="yesterday").created == 0


@pytest.mark.parametrize("word", ["MALFORMED_FUNCTION_CALL", "OTHER", "TOO_MANY_TOOL_CALLS", "BRAND_NEW"])
def test_ends_that_have_no_word_are_named(word: str) -> None:
    reply = replied(candidates=[{"content": {"parts": [{"text": "x"}]}, "finishReason": word}])
    assert reply.finish is Finish.STOP
    assert OPENAI.write_reply(reply, STAMP).lost == (f"candidates.0.finishReason: {word}",)
    assert GEMINI.write_reply(reply, STAMP).lost == (f"candidates.0.finishReason: {word}",)


def test_a_reply_without_an_end() -> None:
    assert replied(candidates=[{"content": {"parts": [{"text": "x"}]}}]).finish is None


CITED = {"citationMetadata": {"citations": [{"uri": "https://example.org", "title": "T"}, {"license": "MIT"}]}}


def test_citations() -> None:
    reply = replied(candidates=[{"content": {"parts": [{"text": "x"}]}, **CITED}])
    assert [(one.url, one.title) for part in reply.parts if isinstance(part, Text) for one in part.citations] == [
        ("https://example.org", "T")
    ]
    alone = replied(candidates=[{"content": {"parts": []}, **CITED}])
    assert isinstance(alone.parts[0], Text)
    odd = replied(candidates=[{"content": {"parts": [{"text": "x"}]}, "groundingMetadata": {"groundingChunks": 5}}])
    assert odd.parts == (Text("x"),)
    far: Json = {
        "groundingChunks": [{"web": {}}, {"retrievedContext": {"uri": "gs://x"}}],
        "groundingSupports": [{}, {"groundingChunkIndices": [0, 1, 9]}],
    }
    reply = replied(candidates=[{"content": {"parts": [{"text": "x"}]}, "groundingMetadata": far}])
    assert [one.url for part in reply.parts if isinstance(part, Text) for one in part.citations] == ["gs://x"]


def test_citations_written() -> None:
    one = Citation(format=Format.OPENAI_CHAT, raw=Raw(b"{}"), url="https://example.org")
    bare = Citation(format=Format.OPENAI_CHAT, raw=Raw(b"{}"))
    reply = Reply(id="", model="m", parts=(Text("é "), Text("b", citations=(one, bare))), origin=Format.OPENAI_CHAT)
    written = GEMINI.write_reply(reply, STAMP)
    grounding = msgspec.json.decode(written.body)["candidates"][0]["groundingMetadata"]
    assert grounding["groundingChunks"] == [{"web": {"uri": "https://example.org"}}]
    assert grounding["groundingSupports"][0]["segment"] == {"startIndex": 3, "endIndex": 4, "text": "b"}
    assert written.lost == ("content.1.citations.1",)


def test_replies_of_many_kinds() -> None:
    parts: tuple[Part, ...] = (
        Audio(data="AA==", format="wav"),
        Image(data="AA==", media_type="image/png"),
        Opaque(format=Format.GEMINI_GENERATE, kind="executableCode", raw=Raw(b'{"executableCode":{"code":"1"}}')),
        Thinking(),
        ToolResult(id="x"),
        ToolCall(id="", name="f", arguments=Raw(b"5")),
        ToolCall(id="", name="f", arguments=Raw(b"")),
    )
    reply = Reply(
        id="",
        model="m",
        parts=parts,
        usage=Usage(input=9, output=9, input_audio=4, output_audio=9),
        origin=Format.OPENAI_CHAT,
    )
    written = GEMINI.write_reply(reply, STAMP)
    told = msgspec.json.decode(written.body)
    kinds = [next(iter(part)) for part in told["candidates"][0]["content"]["parts"]]
    assert kinds == ["inlineData", "inlineData", "executableCode", "thought", "functionCall", "functionCall"]
    assert told["usageMetadata"]["promptTokensDetails"] == [
        {"modality": "TEXT", "tokenCount": 5},
        {"modality": "AUDIO", "tokenCount": 4},
    ]
    assert told["usageMetadata"]["candidatesTokensDetails"] == [{"modality": "AUDIO", "tokenCount": 9}]
    assert GEMINI.read_usage(written.body) == reply.usage
    assert written.lost == (
        "content.4: toolresult",
        "content.5: arguments that are not an object",
        "content.6: arguments that are not an object",
    )


def test_signatures_of_a_whole_reply() -> None:
    parts = [
        {"text": "Hm.", "thought": True, "thoughtSignature": "YQ=="},
        {"text": "", "thought": True},
        {"thoughtSignature": "Yg=="},
        {"inlineData": {"mimeType": "image/png", "data": "AA=="}, "thought": True},
        {"fileData": {"fileUri": "https://example.org/a.pdf"}},
    ]
    reply = replied(candidates=[{"content": {"parts": parts}}])
    assert [type(part) for part in reply.parts] == [Thinking, Thinking, Opaque, Document]
    assert reply.parts[:2] == (
        Thinking(text="Hm.", signature=f"{GOOGLE_SEAL}thought:YQ=="),
        Thinking(signature=f"{GOOGLE_SEAL}text:Yg=="),
    )


ERRORS: dict[str, tuple[int, Any, type[Upstream], int, str, str, float | None]] = {
    "plain": (400, {"error": {"code": 400, "message": "No.", "status": "INVALID_ARGUMENT"}}, Rejected, 400, "INVALID_ARGUMENT", "", None),
    "key": (400, {"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}, Rejected, 401, "INVALID_ARGUMENT", "", None),
    "field": (400, {"error": {"code": 400, "message": "No.", "status": "INVALID_ARGUMENT", "details": [{"fieldViolations": [{"field": "contents[0].parts[1]"}]}]}}, Rejected, 400, "INVALID_ARGUMENT", "contents.0.parts.1", None),
    "quota": (429, {"error": {"code": 429, "message": "Slow.", "status": "RESOURCE_EXHAUSTED", "details": [{"retryDelay": "2.5s"}, {"retryDelay": "soon"}]}}, Overloaded, 429, "RESOURCE_EXHAUSTED", "", 2.5),
    "list": (503, [{"error": {"code": 503, "message": "Busy.", "status": "UNAVAILABLE"}}], Overloaded, 503, "UNAVAILABLE", "", None),
    "empty list": (500, [], Broken, 500, "", "", None),
    "other words": (404, {"message": "no such route"}, Rejected, 404, "", "", None),
    "html": (502, "<html>", Broken, 502, "", "", None),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_understood(name: str) -> None:
    status, body, kind, expected, code, param, wait = ERRORS[name]
    failure = GEMINI.read_failure(status, {}, msgspec.json.encode(body))
    assert type(failure) is kind
    assert (failure.status, failure.code, failure.param, failure.retry_after) == (expected, code, param, wait)


def test_a_header_goes_before_what_the_body_says() -> None:
    body = msgspec.json.encode(ERRORS["quota"][1])
    assert GEMINI.read_failure(429, {b"retry-after": b"9"}, body).retry_after == 9


WORDS: dict[int, str] = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 405: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED", 499: "CANCELLED", 500: "INTERNAL", 502: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}  # fmt: skip


@pytest.mark.parametrize("status", WORDS)
def test_errors_are_told_in_googles_words(status: int) -> None:
    told = msgspec.json.decode(GEMINI.write_failure(Failure(status, "No."), ""))
    assert told == {"error": {"code": status, "message": "No.", "status": WORDS[status]}}


def test_an_error_tells_field_wait_and_request() -> None:
    failure = Refused(400, "p: no", code="FAILED_PRECONDITION", param="p", retry_after=3)
    error = msgspec.json.decode(GEMINI.write_failure(failure, "req_1"))["error"]
    assert error["status"] == "FAILED_PRECONDITION"
    assert [detail["@type"].rpartition(".")[2] for detail in error["details"]] == [
        "BadRequest",
        "RetryInfo",
        "RequestInfo",
    ]
    assert error["details"][1]["retryDelay"] == "3s"


def test_the_path_names_the_model() -> None:
    envelope = Envelope(b'{"contents": [], "fallbacks": ["openai/x", 5]}')
    peeked = GEMINI.peek(envelope)
    assert (peeked.model, peeked.stream, peeked.fallbacks) == ("", False, ("openai/x",))
    assert GEMINI.put(envelope, "m", True) == {}


def test_a_tier_that_google_does_not_sell() -> None:
    assert GEMINI.write_ask(Ask(model="m", turns=(), service_tier="scale", origin=Format.OPENAI_CHAT)).lost == (
        "service_tier",
    )


def test_a_turn_of_which_nothing_is_left() -> None:
    asked = Ask(model="m", turns=(Turn(Role.ASSISTANT, (Thinking(redacted="x"),)),), origin=Format.ANTHROPIC_MESSAGES)
    assert msgspec.json.decode(GEMINI.write_ask(asked).body)["contents"] == []


def test_a_signature_on_a_call_that_says_nothing() -> None:
    body = {
        "contents": [{"role": "model", "parts": [{"functionCall": {"name": "f"}, "thoughtSignature": "YXNicnU6_w=="}]}]
    }
    assert [type(part) for part in ask(GEMINI, body).turns[0].parts] == [ToolCall]


def test_a_part_of_a_result_that_is_of_no_kind() -> None:
    body = {"contents": [{"parts": [{"functionResponse": {"name": "f", "parts": [{}]}}]}]}
    result = ask(GEMINI, body).turns[0].parts[0]
    assert isinstance(result, ToolResult)
    assert [part.kind for part in result.parts if isinstance(part, Opaque)] == ["part"]


def test_marks_inside_results_are_named() -> None:
    result = ToolResult(id="a", parts=(Text("{not json", cache=Cache()),))
    asked = Ask(model="m", turns=(Turn(Role.USER, (result,)),), origin=Format.ANTHROPIC_MESSAGES)
    written = GEMINI.write_ask(asked)
    assert written.lost == ("messages.0.content.0.content.0.cache_control",)
    assert b'{"output":"{not json"}' in written.body


def test_what_a_reply_says_beyond_the_model_goes_home() -> None:
    body = {
        "candidates": [
            {
                "content": {"parts": [{"text": "x"}], "role": "model"},
                "finishReason": "STOP",
                "index": 0,
                "safetyRatings": [],
            }
        ],
        "modelStatus": {"modelStage": "STABLE"},
    }
    written = GEMINI.write_reply(GEMINI.read_reply(msgspec.json.encode(body)), STAMP)
    told = msgspec.json.decode(written.body)
    assert (told["candidates"], told["modelStatus"]) == (body["candidates"], body["modelStatus"])


def test_turns_of_the_models_that_follow_each_other_are_one_content() -> None:
    body = {"model": "m", "messages": [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]}
    contents = msgspec.json.decode(GEMINI.write_ask(ask(OPENAI, body)).body)["contents"]
    assert contents == [{"role": "model", "parts": [{"text": "a"}, {"text": "b"}]}]

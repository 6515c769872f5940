"""What a caller of Google's dialect can get wrong is named; what Google sends is read or refused, nothing else."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_mistakes import ANYTHING, FUZZ, GONE, bodies, with_mistake
from wire_kit import ANTHROPIC, GEMINI, OPENAI, STAMP, ask, asking

from asbru.model.failure import Broken, Failure, Refused
from asbru.model.names import Format
from asbru.wire import CODECS, AnyCodec, Envelope, Frame

EMBED = CODECS[Format.GEMINI_EMBED]
EMBEDS = CODECS[Format.GEMINI_EMBEDS]
VERTEX_EMBED = CODECS[Format.VERTEX_EMBED]
COUNT = CODECS[Format.GEMINI_COUNT_TOKENS]

BODY: dict[str, Any] = {
    "systemInstruction": {"parts": [{"text": "s"}]},
    "contents": [
        {"role": "user", "parts": [{"text": "?"}, {"inlineData": {"mimeType": "image/png", "data": "AA=="}}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"a": 1}}}]},
        {"role": "user", "parts": [{"fileData": {"fileUri": "https://example.org/a.png"}}]},
    ],
    "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT"}}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
    "generationConfig": {"temperature": 1, "thinkingConfig": {"thinkingBudget": 5}},
}
PART = "contents.0.parts.0"
CONFIG = "generationConfig"
CALLING = "toolConfig.functionCallingConfig"
MISTAKES: list[tuple[str, Any, str]] = [
    ("contents", GONE, "contents"),
    ("contents", None, "contents"),
    ("contents", "hello", "contents"),
    ("contents.0", 5, "contents.0"),
    ("contents.0.role", "king", "contents.0.role"),
    ("contents.0.role", 5, "contents.0.role"),
    ("contents.0.parts", "x", "contents.0.parts"),
    (PART, "x", PART),
    (PART, {}, PART),
    (PART, {"thought": True}, PART),
    (f"{PART}.text", 5, f"{PART}.text"),
    (PART, {"text": "x", "thoughtSignature": 5}, f"{PART}.thoughtSignature"),
    (PART, {"thought_signature": "x", "thoughtSignature": "x"}, f"{PART}.thoughtSignature"),
    (PART, {"thought_signature": 5}, f"{PART}.thoughtSignature"),
    ("contents.0.parts.1.inlineData", "x", "contents.0.parts.1.inlineData"),
    ("contents.0.parts.1.inlineData.mimeType", GONE, "contents.0.parts.1.inlineData.mimeType"),
    ("contents.0.parts.1.inlineData.data", GONE, "contents.0.parts.1.inlineData.data"),
    ("contents.0.parts.1.inlineData.data", 5, "contents.0.parts.1.inlineData.data"),
    ("contents.1.parts.0.functionCall", "x", "contents.1.parts.0.functionCall"),
    ("contents.1.parts.0.functionCall.name", GONE, "contents.1.parts.0.functionCall.name"),
    ("contents.1.parts.0.functionCall.args", [], "contents.1.parts.0.functionCall.args"),
    ("contents.2.parts.0.functionResponse.name", GONE, "contents.2.parts.0.functionResponse.name"),
    ("contents.2.parts.0.functionResponse.response", "x", "contents.2.parts.0.functionResponse.response"),
    ("contents.2.parts.0.functionResponse.parts", [5], "contents.2.parts.0.functionResponse.parts.0"),
    ("contents.3.parts.0.fileData.fileUri", GONE, "contents.3.parts.0.fileData.fileUri"),
    ("systemInstruction", "x", "systemInstruction"),
    ("systemInstruction.parts", [{}], "systemInstruction.parts.0"),
    ("tools", {}, "tools"),
    ("tools.0", 5, "tools.0"),
    ("tools.0.functionDeclarations", 5, "tools.0.functionDeclarations"),
    ("tools.0.functionDeclarations.0", 5, "tools.0.functionDeclarations.0"),
    ("tools.0.functionDeclarations.0.name", GONE, "tools.0.functionDeclarations.0.name"),
    ("tools.0.functionDeclarations.0.parameters", [], "tools.0.functionDeclarations.0.parameters"),
    ("tools.0.functionDeclarations.0.parameters", {"type": 5}, "tools.0.functionDeclarations.0.parameters"),
    ("tools.0.functionDeclarations.0.parameters", {"minItems": "x"}, "tools.0.functionDeclarations.0.parameters"),
    ("toolConfig", "x", "toolConfig"),
    (CALLING, "x", CALLING),
    (f"{CALLING}.mode", "SOMETIMES", f"{CALLING}.mode"),
    (f"{CALLING}.mode", 5, f"{CALLING}.mode"),
    (f"{CALLING}.allowedFunctionNames", [5], f"{CALLING}.allowedFunctionNames.0"),
    (CONFIG, [], CONFIG),
    (f"{CONFIG}.temperature", "warm", f"{CONFIG}.temperature"),
    (f"{CONFIG}.topK", 1.5, f"{CONFIG}.topK"),
    (f"{CONFIG}.stopSequences", "x", f"{CONFIG}.stopSequences"),
    (f"{CONFIG}.thinkingConfig", "x", f"{CONFIG}.thinkingConfig"),
    (f"{CONFIG}.thinkingConfig.thinkingBudget", "x", f"{CONFIG}.thinkingConfig.thinkingBudget"),
    (f"{CONFIG}.thinkingConfig.thinkingLevel", "SOME", f"{CONFIG}.thinkingConfig.thinkingLevel"),
    (CONFIG, {"responseMimeType": "application/json", "responseSchema": 5}, f"{CONFIG}.responseSchema"),
    (CONFIG, {"max_output_tokens": 1, "maxOutputTokens": 1}, f"{CONFIG}.maxOutputTokens"),
    ("serviceTier", 5, "serviceTier"),
]
EMBED_MISTAKES: list[tuple[AnyCodec, Any, str]] = [
    (EMBED, {}, "content"),
    (EMBED, {"content": "x"}, "content"),
    (EMBED, {"content": {}}, "content.parts"),
    (EMBED, {"content": {"parts": [{}]}}, "content.parts.0"),
    (EMBED, {"content": {"parts": [{"text": "x"}]}, "outputDimensionality": "x"}, "outputDimensionality"),
    (EMBED, {"content": {"parts": [{"text": "x"}]}, "embedContentConfig": 5}, "embedContentConfig"),
    (EMBEDS, {}, "requests"),
    (EMBEDS, {"requests": []}, "requests"),
    (EMBEDS, {"requests": "x"}, "requests"),
    (EMBEDS, {"requests": [5]}, "requests.0"),
    (EMBEDS, {"requests": [{"content": {"parts": [{"text": 5}]}}]}, "requests.0.content.parts.0.text"),
    (VERTEX_EMBED, {}, "instances"),
    (VERTEX_EMBED, {"instances": [5]}, "instances.0"),
    (VERTEX_EMBED, {"instances": [{"title": "x"}]}, "instances.0.content"),
    (VERTEX_EMBED, {"instances": [{"content": "x"}], "parameters": 5}, "parameters"),
    (COUNT, {}, "contents"),
    (COUNT, {"generateContentRequest": 5}, "generateContentRequest"),
    (COUNT, {"contents": [{"role": "king"}]}, "contents.0.role"),
]


def named(failed: Refused, param: str) -> None:
    assert (failed.status, failed.code, failed.param) == (400, "invalid_request_error", param)
    assert failed.message.startswith(f"{param}: ")


@pytest.mark.parametrize(("path", "value", "param"), MISTAKES, ids=[f"{p}-{v!r:.20}" for p, v, _ in MISTAKES])
def test_a_mistake_is_named(path: str, value: Any, param: str) -> None:
    with pytest.raises(Refused) as failed:
        ask(GEMINI, with_mistake(BODY, path, value))
    named(failed.value, param)


def test_without_a_mistake_it_reads() -> None:
    assert len(ask(GEMINI, BODY).turns) == 4


@pytest.mark.parametrize(
    ("codec", "body", "param"), EMBED_MISTAKES, ids=[f"{c.format}-{b!r:.40}" for c, b, _ in EMBED_MISTAKES]
)
def test_a_mistake_of_other_operations_is_named(codec: AnyCodec, body: Any, param: str) -> None:
    with pytest.raises(Refused) as failed:
        codec.read_ask(Envelope(msgspec.json.encode(body)))
    named(failed.value, param)


def test_bytes_that_are_not_text_are_refused() -> None:
    with pytest.raises(Refused) as failed:
        ask(GEMINI, b'{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f","args":{"a":"\xff"}}}]}]}')
    assert failed.value.param == "contents.0.parts.0.functionCall.args"


def test_a_schema_nested_too_deep_is_refused() -> None:
    deep: Any = {"type": "STRING"}
    for _ in range(400):
        deep = {"type": "ARRAY", "items": deep}
    body = with_mistake(BODY, "tools.0.functionDeclarations.0.parameters", deep)
    try:
        ask(GEMINI, body)
    except Refused as failed:
        assert failed.param == "tools.0.functionDeclarations.0.parameters"  # noqa: PT017 (or it reads)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"candidates": []}',
        b'{"candidates": 5}',
        b'{"candidates": [5]}',
        b'{"candidates": [{"content": {"parts": [{"text": 5}]}}]}',
        b'{"candidates": [{"content": {"parts": [{"functionCall": {"name": 5}}]}}]}',
        b"nonsense",
    ],
)
def test_a_reply_that_is_none(body: bytes) -> None:
    with pytest.raises(Broken):
        GEMINI.read_reply(body)


@pytest.mark.parametrize("codec", [EMBED, EMBEDS, VERTEX_EMBED, COUNT], ids=lambda codec: codec.format)
@pytest.mark.parametrize("body", [b'{"embedding": 5, "predictions": 5, "totalTokens": []}', b"nonsense"])
def test_an_answer_that_is_none(codec: AnyCodec, body: bytes) -> None:
    with pytest.raises(Broken):
        codec.read_reply(body)
    assert codec.read_usage(body) is None


def test_an_answer_without_embeddings() -> None:
    with pytest.raises(Broken, match="no embeddings"):
        EMBED.read_reply(b"{}")


TARGETS = (GEMINI, OPENAI, ANTHROPIC)


def only_failures(codec: AnyCodec, body: bytes, targets: tuple[AnyCodec, ...]) -> None:
    for target in targets:
        try:
            target.write_ask(codec.read_ask(Envelope(body)))
        except Failure as failure:
            assert isinstance(failure, Refused)  # noqa: PT017 (every other class is wrong here)
        try:
            target.write_reply(codec.read_reply(body), STAMP)
        except Failure:
            pass
    codec.read_usage(body)
    codec.write_failure(codec.read_failure(400, {}, body), "req_1")


@FUZZ
@given(bodies(GEMINI))
def test_gemini_raises_failures_only(body: bytes) -> None:
    only_failures(GEMINI, body, TARGETS)
    tap = GEMINI.tap(False)
    tap.feed(b"data: " + body + b"\n\n")
    tap.finish()


@FUZZ
@given(bodies(OPENAI), bodies(ANTHROPIC))
def test_others_raise_failures_only_on_their_way_to_gemini(openai: bytes, anthropic: bytes) -> None:
    only_failures(OPENAI, openai, (GEMINI,))
    only_failures(ANTHROPIC, anthropic, (GEMINI,))


KEYS = st.sampled_from(
    [
        "candidates", "content", "parts", "text", "thought", "thoughtSignature", "functionCall", "functionResponse", "name",
        "args", "id", "inlineData", "mimeType", "data", "fileData", "fileUri", "finishReason", "index", "usageMetadata",
        "promptTokenCount", "groundingMetadata", "groundingChunks", "groundingSupports", "web", "uri", "segment",
        "groundingChunkIndices", "citationMetadata", "citations", "promptFeedback", "blockReason", "error", "code",
        "message", "status", "details", "contents", "role", "systemInstruction", "tools", "functionDeclarations",
        "parameters", "parametersJsonSchema", "type", "properties", "items", "anyOf", "nullable", "enum", "$ref", "const",
        "generationConfig", "responseSchema", "responseMimeType", "thinkingConfig", "thinkingLevel", "toolConfig",
        "functionCallingConfig", "mode", "allowedFunctionNames", "response", "output", "retryDelay", "fieldViolations",
        "requests", "instances", "embedding", "embeddings", "values", "predictions", "totalTokens", "taskType", "reason",
        "generateContentRequest", "createTime", "modelVersion", "responseId",
    ]
)  # fmt: skip
VALUES = st.sampled_from(
    ["user", "model", "function", "STOP", "MAX_TOKENS", "SAFETY", "OTHER", "image/png", "audio/wav", "video/mp4", "OBJECT",
     "ANY", "VALIDATED", "application/json", "YXNicnU6", "YXNicnU6/w==", "c2ln", "gs://x", "https://[x", "7s", "files/x",
     "2026-01-01T00:00:00Z", "AUDIO", "RETRIEVAL_QUERY", "\ud800"[:0], "application/pdf", "https://example.org/a.png"]
)  # fmt: skip
GOOGLES = st.recursive(
    ANYTHING | VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)


@FUZZ
@given(st.dictionaries(KEYS, GOOGLES, max_size=8))
def test_anything_in_googles_words(told: dict[str, Any]) -> None:
    body = msgspec.json.encode(told)
    only_failures(GEMINI, body, TARGETS)
    for codec in (EMBED, EMBEDS, VERTEX_EMBED, COUNT):
        only_failures(codec, body, (codec,))
        try:
            codec.put(Envelope(body), "m", False)
        except Refused:
            pass


@FUZZ
@given(st.lists(st.dictionaries(KEYS, GOOGLES, max_size=6).map(msgspec.json.encode), max_size=6))
def test_any_stream(frames: list[bytes]) -> None:
    reader, writer = GEMINI.reader(), GEMINI.writer(STAMP, asking(GEMINI))
    tap = GEMINI.tap(True)
    try:
        for data in frames:
            tap.feed(b"data: " + data + b"\n\n")
            for event in reader.feed(Frame("", data)):
                writer.send(event)
    except Failure:
        pass
    tap.finish()

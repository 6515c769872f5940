# One case per line, as in a table.
"""What is written or refused in few words: Anthropic's batches, lists of models, counted tokens, unknown members."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw
from test_batch_shapes import AT, batch, result
from wire_kit import ANTHROPIC, COHERE, OPENAI, RESPONSES, STAMP, ask, asking, written

from asbru.model.batches import Counts, Outcome, Status
from asbru.model.chat import Image, Opaque, Reply, Text
from asbru.model.events import Delta, Open, Start, fold
from asbru.model.failure import Broken, Refused
from asbru.model.models import Model
from asbru.model.names import Finish, Format, Framing
from asbru.model.tokens import Counted
from asbru.model.usage import Usage
from asbru.wire import CODECS, AnyCodec, Envelope, Frame, Framer, models
from asbru.wire.anthropic import batches as anthropic
from asbru.wire.framing import WRITERS
from asbru.wire.multipart import related
from asbru.wire.passing import LIMIT
from asbru.wire.shapes import Shape

COUNT = CODECS[Format.OPENAI_INPUT_TOKENS]
COMPLETE = CODECS[Format.ANTHROPIC_COMPLETE]
Json = dict[str, Any]


def told(body: bytes) -> Any:
    return msgspec.json.decode(body)


def test_a_batch_of_anthropics() -> None:
    shown = told(anthropic.write_batch(batch(), "https://x/results"))
    assert shown["results_url"] == "https://x/results"
    assert (shown["ended_at"], shown["archived_at"]) == ("2027-01-15T08:01:00.000000Z", None)
    assert shown["request_counts"] == {"processing": 0, "succeeded": 2, "errored": 1, "canceled": 0, "expired": 0}
    under_way = told(anthropic.write_batch(batch(Status.IN_PROGRESS, counts=Counts(succeeded=2, processing=3)), "u"))
    assert (under_way["request_counts"]["processing"], under_way["request_counts"]["succeeded"]) == (5, 0)
    assert (under_way["results_url"], under_way["processing_status"]) == (None, "in_progress")
    assert told(anthropic.write_batch(batch(archived_at=AT + 90), "u"))["results_url"] is None


@pytest.mark.parametrize(("public", "bare"), [("msgbatch_x", "x"), ("batch_x", ""), ("x", "")])
def test_ids_of_anthropics(public: str, bare: str) -> None:
    assert anthropic.bare_id(public) == bare


def test_a_batch_that_is_gone() -> None:
    assert told(anthropic.write_deleted("x")) == {"id": "msgbatch_x", "type": "message_batch_deleted"}


LINES: list[tuple[Outcome, bytes, Json]] = [
    (Outcome.SUCCEEDED, b'{"a": 1.0}', {"type": "succeeded", "message": {"a": 1.0}}),
    (Outcome.ERRORED, b'{"error": {}}', {"type": "errored", "error": {"error": {}}}),
    (Outcome.EXPIRED, b"", {"type": "expired"}),
    (Outcome.CANCELED, b"", {"type": "canceled"}),
]


@pytest.mark.parametrize(("outcome", "body", "shown"), LINES)
def test_a_line_of_results(outcome: Outcome, body: bytes, shown: Json) -> None:
    line = anthropic.write_result(result(outcome, body))
    assert (line[-1:], line.count(b"\n")) == (b"\n", 1)
    assert told(line) == {"custom_id": "c", "result": shown}


EMBEDDER = Model(id="embed-x", provider="acme", name="E", owned_by="acme")
TALKER = Model(id="a", provider="acme", name="A", owned_by="me", most_input=100, most_output=10)
TOLD = Model(id="b", provider="acme", name="B", owned_by="me", methods=("predict",))


def test_lists_of_models_in_other_dialects() -> None:
    shown = [("acme/a", TALKER), ("acme/embed-x", EMBEDDER), ("acme/b", TOLD)]
    (first, *_) = told(models.write_bedrock(shown))["modelSummaries"]
    assert (first["modelId"], first["providerName"]) == ("acme/a", "me")
    assert first["modelArn"].endswith("foundation-model/acme/a")
    page = told(models.write_gemini(shown, "next"))
    assert page["nextPageToken"] == "next"
    assert "nextPageToken" not in told(models.write_gemini(shown, ""))
    talker, embedder, other = page["models"]
    assert (talker["name"], talker["inputTokenLimit"], talker["outputTokenLimit"]) == ("models/acme/a", 100, 10)
    assert "generateContent" in talker["supportedGenerationMethods"]
    assert embedder["supportedGenerationMethods"] == ["embedContent", "batchEmbedContents", "countTokens"]
    assert (other["supportedGenerationMethods"], "inputTokenLimit" in other) == (["predict"], False)
    page = told(models.write_cohere(shown[:1], ""))
    assert page == {"models": [{"name": "acme/a", "is_deprecated": False, "finetuned": False}], "next_page_token": None}
    assert told(models.write_cohere([], "n"))["next_page_token"] == "n"


def test_counted_tokens_of_openai() -> None:
    counted = COUNT.read_reply(b'{"object": "response.input_tokens", "input_tokens": 7, "odd": 1}')
    assert (counted.input, list(counted.extra)) == (7, ["odd"])
    assert told(COUNT.write_reply(Counted(input=7, origin=Format.ANTHROPIC_COUNT_TOKENS), STAMP).body) == {
        "object": "response.input_tokens",
        "input_tokens": 7,
    }
    assert COUNT.read_usage(b'{"input_tokens": 7}') is None


def test_what_does_not_count_is_not_sent() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 50, "top_k": 5, "user": "u"}
    out = COUNT.write_ask(ask(OPENAI, body))
    assert set(told(out.body)) == {"model", "input"}
    assert out.lost == ()


def test_routing_a_response() -> None:
    body = b'{"model": "m", "stream": true, "fallbacks": ["openai/x"], "input": "Hi"}'
    peek = RESPONSES.peek(Envelope(body))
    assert (peek.model, peek.stream, peek.fallbacks, peek.include_usage) == ("m", True, ("openai/x",), True)


class _Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    known: int = 0


class _Outer(msgspec.Struct, forbid_unknown_fields=True):
    inner: _Inner = _Inner()
    items: list[_Inner] = []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"items": [{"odd": 1}]}', "unknown member 'odd'"),
        (b'{"inner": {"odd": 1, "known": "x"}}', "x.inner.known: Expected `int`, got `str`"),
    ],
)
def test_unknown_members_that_cannot_be_set_aside(body: bytes, message: str) -> None:
    with pytest.raises(Refused, match=message):
        Shape(_Outer).read(Raw(body), "x", {})
    spare: dict[str, Raw] = {}
    assert Shape(_Outer).read(Raw(b'{"inner": {"odd": 1, "known": 5}}'), "x", spare).inner.known == 5
    assert list(spare) == ["x.inner.odd"]


def test_who_signed_a_thought_decides_where_it_goes() -> None:
    thought = {"type": "thinking", "thinking": "Odin rides.", "signature": "c2ln"}
    turns = [
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": [thought, {"type": "text", "text": "x"}]},
    ]
    read = ask(ANTHROPIC, {"model": "m", "max_tokens": 5, "messages": turns})
    for codec in (COHERE, OPENAI):
        out = codec.write_ask(read)
        assert out.lost == ("messages.1.content.0: thinking",)
        assert b"Odin" not in out.body


WRONG_KIND: list[tuple[str, list[Json]]] = [
    ("text into a call", [{"type": "response.output_item.added", "item": {"type": "function_call", "call_id": "a", "name": "f"}}, {"type": "response.output_text.delta", "content_index": -1, "delta": "x"}]),
    ("arguments into a thought", [{"type": "response.reasoning_text.delta", "delta": "x"}, {"type": "response.function_call_arguments.delta", "delta": "x"}]),
    ("a call ends a thought", [{"type": "response.reasoning_text.delta", "delta": "x"}, {"type": "response.output_item.done", "item": {"type": "function_call", "arguments": "{}"}}]),
]  # fmt: skip


@pytest.mark.parametrize("frames", [frames for _, frames in WRONG_KIND], ids=[name for name, _ in WRONG_KIND])
def test_a_stream_goes_on_with_what_it_began(frames: list[Json]) -> None:
    reader = RESPONSES.reader()
    *begun, last = [Frame("", msgspec.json.encode(frame)) for frame in frames]
    for frame in begun:
        reader.feed(frame)
    with pytest.raises(Broken, match=r"as if it were another|has not begun"):
        reader.feed(last)


def test_parts_of_others_stay_here() -> None:
    foreign = Opaque(format=Format.ANTHROPIC_MESSAGES, kind="server_tool_use", raw=Raw(b"{}"))
    reply = Reply(id="x", model="m", parts=(foreign, Text("Hi")), origin=Format.ANTHROPIC_MESSAGES)
    out = COHERE.write_reply(reply, STAMP)
    assert out.lost == ("content.0: server_tool_use",)
    assert told(out.body)["message"]["content"] == [{"type": "text", "text": "Hi"}]


def cohere(**members: Any) -> Any:
    return ask(COHERE, {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **members})


def test_text_is_what_is_usual() -> None:
    assert cohere(response_format={"type": "text"}).output is None
    assert cohere(response_format={"type": "json_object"}).output is not None


def test_a_document_that_is_no_string() -> None:
    with pytest.raises(Refused, match=r"documents\.0"):
        COHERE.read_ask(Envelope(b'{"model":"m","messages":[],"documents":["\xff"]}'))


def test_citations_go_home_and_nowhere_else() -> None:
    cited = {"start": 0, "end": 2, "text": "Hi", "sources": []}
    turns = [{"role": "assistant", "content": "Hi", "citations": [cited]}, {"role": "user", "content": "?"}]
    read = ask(COHERE, {"model": "m", "messages": turns})
    assert told(COHERE.write_ask(read).body)["messages"][0]["citations"] == [cited]
    foreign = {
        "type": "text",
        "text": "Hi",
        "citations": [
            {
                "type": "char_location",
                "cited_text": "x",
                "document_index": 0,
                "start_char_index": 0,
                "end_char_index": 1,
            }
        ],
    }
    blocks = [{"role": "user", "content": "?"}, {"role": "assistant", "content": [foreign]}]
    out = COHERE.write_ask(ask(ANTHROPIC, {"model": "m", "max_tokens": 5, "messages": blocks}))
    assert out.lost == ("messages.1.content.0.citations",)


def test_a_document_with_a_context_to_be_cited() -> None:
    block = {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": "d"},
        "title": "t",
        "context": "c",
        "citations": {"enabled": True},
    }
    out = COHERE.write_ask(
        ask(ANTHROPIC, {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": [block]}]})
    )
    assert told(out.body)["documents"] == [{"data": {"title": "t", "text": "d"}}]
    assert out.lost == ("messages.0.content.0.context",)


def test_an_image_that_is_a_file_elsewhere() -> None:
    block = {"type": "image", "source": {"type": "file", "file_id": "f"}}
    turns = [{"role": "user", "content": [block, {"type": "text", "text": "?"}]}]
    out = COHERE.write_ask(ask(ANTHROPIC, {"model": "m", "max_tokens": 5, "messages": turns}))
    assert out.lost == ("messages.0.content.0: image by file_id",)


def test_nothing_is_written_of_an_empty_delta() -> None:
    writer = COHERE.writer(STAMP, asking(COHERE))
    written(writer, [Start(id="", model="m"), Open(0, Text(""))])
    assert writer.send(Delta(index=0)) == b""


@pytest.mark.parametrize(
    ("codec", "end"),
    [
        (COHERE, b'data: {"type":"message-end","delta":{"finish_reason":"COMPLETE"}}'),
        (COMPLETE, b'data: {"type":"completion","completion":"","stop_reason":"stop_sequence"}'),
    ],
    ids=["cohere", "complete"],
)
def test_taps_let_go_of_what_is_too_long(codec: AnyCodec, end: bytes) -> None:
    tap = codec.tap(True)
    flood = b'data: {"type":"content-delta","x":"' + b"x" * (LIMIT + 1)
    assert tap.feed(flood) == flood
    assert tap.feed(b'"}\n\n' + end) == b'"}\n\n' + end
    assert (tap.finish(), tap.done) == (b"", True)


def test_why_a_completion_stopped() -> None:
    body = {"type": "completion", "completion": "Hi", "stop_reason": "max_tokens", "model": "m"}
    reply = COMPLETE.read_reply(msgspec.json.encode({**body, "odd": 1}))
    assert (reply.finish, list(reply.extra)) == (Finish.LENGTH, ["odd"])
    again = told(COMPLETE.write_reply(reply, STAMP).body)
    assert (again["stop_reason"], again["odd"], again["completion"]) == ("max_tokens", 1, "Hi")
    assert COMPLETE.reader().feed(Frame("", b"")) == ()


def test_line_ends_between_tokens_do_not_end_a_frame() -> None:
    out = WRITERS[Framing.SSE](Frame("e", b'{\r\n"a":\n1}'))
    assert Framer().feed(out) == [Frame("e", b'{  "a": 1}')]


def test_a_name_and_what_comes_after_a_call() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    turns = [
        {"role": "user", "content": "?"},
        {"role": "assistant", "name": "Odin", "content": "x", "tool_calls": [call]},
    ]
    home = told(OPENAI.write_ask(ask(OPENAI, {"model": "m", "messages": turns})).body)
    assert home["messages"][1]["name"] == "Odin"
    blocks = [{"type": "tool_use", "id": "a", "name": "f", "input": {}}, {"type": "text", "text": "after"}]
    foreign = ask(
        ANTHROPIC,
        {
            "model": "m",
            "max_tokens": 5,
            "messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": blocks}],
        },
    )
    assert OPENAI.write_ask(foreign).lost == ("messages.1.content.1: order",)


def test_a_turn_of_which_nothing_is_left() -> None:
    thought = {"type": "thinking", "thinking": "Odin rides.", "signature": "c2ln"}
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": [thought]}]
    out = OPENAI.write_ask(ask(ANTHROPIC, {"model": "m", "max_tokens": 5, "messages": turns}))
    assert told(out.body)["messages"][1] == {"role": "assistant", "content": ""}


def test_a_result_that_is_a_document_to_be_cited() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "d"}
    inner = {"type": "document", "source": source, "citations": {"enabled": True}}
    call = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "a", "content": [inner]}
    turns = [
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    out = COHERE.write_ask(ask(ANTHROPIC, {"model": "m", "max_tokens": 5, "messages": turns}))
    assert (told(out.body)["messages"][-1]["role"], b'"d"' in out.body) == ("tool", True)
    assert out.lost == ("messages.2.content.0.content.0.citations",)


def test_what_goes_on_of_a_part_that_was_passed_over() -> None:
    writer = COHERE.writer(STAMP, asking(COHERE))
    assert writer.send(Open(0, Image(url="u"))) == b""
    assert writer.send(Delta(index=0, text="x")) == b""


def test_what_responses_say_of_themselves_goes_home() -> None:
    item = {"type": "web_search_call", "id": "ws", "status": "completed"}
    reply = RESPONSES.read_reply(msgspec.json.encode({"id": "r", "model": "m", "output": [item]}))
    assert told(RESPONSES.write_reply(reply, STAMP).body)["output"] == [item]
    assert ANTHROPIC.write_reply(reply, STAMP).lost == ("content.0: web_search_call",)


def test_a_name_that_is_not_utf_8_breaks_an_answer() -> None:
    answers = (
        (ANTHROPIC, b'{"content": [], "\xb9": 1}'), (RESPONSES, b'{"output": [], "\xb9": 1}'),
        (CODECS[Format.BEDROCK_CONVERSE], b'{"output": {"message": {"role": "assistant", "content": []}}, "\xb9": 1}'),
    )  # fmt: skip
    for codec, body in answers:
        with pytest.raises(Broken, match=r"cannot|is not a"):
            codec.read_reply(body)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"input_tokens": "many"}'])
def test_a_number_of_tokens_that_is_none(body: bytes) -> None:
    with pytest.raises(Broken, match="not a number of tokens"):
        COUNT.read_reply(body)


def test_a_block_goes_on_as_it_began() -> None:
    reader = CODECS[Format.BEDROCK_CONVERSE].reader()
    reader.feed(Frame("contentBlockStart", b'{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"a","name":"f"}}}'))
    with pytest.raises(Broken, match="out of order"):
        reader.feed(Frame("contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"text":"x"}}'))
    thinks = ANTHROPIC.reader()
    thinks.feed(Frame("", b'{"type":"message_start","message":{}}'))
    thinks.feed(Frame("", b'{"type":"content_block_start","index":0,"content_block":{"type":"thinking"}}'))
    with pytest.raises(Broken, match="has not begun"):
        thinks.feed(Frame("", b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}'))


def test_an_index_may_be_used_again() -> None:
    frames = (
        {"type": "message_start", "message": {}}, {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "a"}},
        {"type": "content_block_stop", "index": 0}, {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "b"}},
        {"type": "message_stop"},
    )  # fmt: skip
    reader = ANTHROPIC.reader()
    found = [event for frame in frames for event in reader.feed(Frame("", msgspec.json.encode(frame)))]
    assert fold(found).parts == (Text("a"), Text("b"))


def test_what_tells_no_usage() -> None:
    transcripts = CODECS[Format.ELEVENLABS_TRANSCRIPTS]
    assert transcripts.read_usage(b"[]") is None
    assert transcripts.read_usage(b'{"text": "x", "audio_duration_secs": 2}') == Usage(sound_ms=2000)


def test_a_file_and_what_is_said_of_it() -> None:
    body = b'--b\r\ncontent-type: application/json\r\n\r\n{"a":1}\r\n--b\r\ncontent-type: audio/wav\r\n\r\nRIFF\r\n--b--\r\n'
    about, file = related(body, "multipart/related; boundary=b")
    assert (about.media_type, about.content.whole()) == ("application/json", b'{"a":1}')
    assert (file.media_type, file.content.whole()) == ("audio/wav", b"RIFF")
    with pytest.raises(Refused, match="must be multipart/related"):
        related(body, "multipart/form-data; boundary=b")


def test_routing_puts_the_models_name() -> None:
    for codec in (COUNT, CODECS[Format.OPENAI_EMBEDDINGS], CODECS[Format.COHERE_TOKENIZE]):
        assert codec.put(Envelope(b"{}"), "x", False) == {"model": Raw(b'"x"')}


def test_sound_comes_in_a_form() -> None:
    with pytest.raises(Refused, match="must be multipart/form-data"):
        CODECS[Format.OPENAI_TRANSCRIPTIONS].read_ask(Envelope(b'{"model": "m"}'))

"""Splicing changes what it is told to and not one byte of the rest; peeking reads little and refuses well."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from wire_kit import ANTHROPIC, OPENAI

from asbru.model.failure import Refused
from asbru.wire import AnyCodec, Envelope, Peek

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=8), JSON, max_size=8)


@given(OBJECTS, st.sampled_from([None, 1]), st.booleans())
def test_every_value_keeps_its_bytes(members: dict[str, Any], indent: int | None, ascii_only: bool) -> None:
    values = {name: json.dumps(value, indent=indent, ensure_ascii=ascii_only) for name, value in members.items()}
    body = "{" + ", ".join(f"{json.dumps(name)} : {value}" for name, value in values.items()) + "}"
    again = Envelope(Envelope(body.encode()).splice({"model": "new"})).members
    assert list(again) == list(dict.fromkeys([*values, "model"]))
    for name, value in values.items():
        if name != "model":
            assert bytes(again[name]) == value.encode()


def test_odd_values_keep_their_bytes() -> None:
    body = (
        b'{"big":123456789012345678901234567890,"one":1.0,"e":1E5,"u":"\\u00e9","deep":{"b": 1, "a":[ ]},"model":"x"}'
    )
    spliced = Envelope(body).splice({"model": "y"}, rename={"one": "uno"}, drop=("e",))
    expected = body.replace(b'"x"', b'"y"').replace(b'"one"', b'"uno"').replace(b'"e":1E5,', b"")
    assert spliced == expected


NOT_OBJECTS = [b"", b"[]", b"null", b'"x"', b"{", b'{"a":1,}', b'{"a":1}x', b"\xff", b'{"\xff":1}', b'{"a":' * 5000]


@pytest.mark.parametrize("body", NOT_OBJECTS, ids=lambda body: repr(body[:12]))
def test_a_body_that_is_no_object(body: bytes) -> None:
    with pytest.raises(Refused) as told:
        Envelope(body)
    assert told.value.status == 400


@pytest.mark.parametrize("codec", [OPENAI, ANTHROPIC], ids=lambda codec: codec.format)
def test_peek(codec: AnyCodec) -> None:
    assert codec.peek(Envelope(b'{"model":"openai/gpt"}')) == Peek("openai/gpt")
    assert codec.peek(Envelope(b'{"model":"m","stream":false,"fallbacks":null}')) == Peek("m")
    body = b'{"model":"m","fallbacks":["a/b",5,null,"c/d",{"provider":"x"},""]}'
    assert codec.peek(Envelope(body)).fallbacks == ("a/b", "c/d")


def test_peek_knows_who_wants_usage() -> None:
    body = b'{"model":"m","stream":true,"stream_options":%s}'
    assert OPENAI.peek(Envelope(body % b'{"include_usage":true}')) == Peek("m", True, (), True)
    assert OPENAI.peek(Envelope(body % b'{"include_usage":false}')) == Peek("m", True)
    assert OPENAI.peek(Envelope(body % b"null")) == Peek("m", True)
    assert OPENAI.peek(Envelope(b'{"model":"m","stream":true}')) == Peek("m", True)
    assert ANTHROPIC.peek(Envelope(b'{"model":"m","stream":true}')) == Peek("m", True, (), True)


WRONG = [
    (b"{}", "model"),
    (b'{"model":null}', "model"),
    (b'{"model":5}', "model"),
    (b'{"model":""}', "model"),
    (b'{"model":["m"]}', "model"),
    (b'{"model":"\xff"}', "model"),
    (b'{"model":"' + b"m" * 2000 + b'"}', "model"),
    (b'{"model":"m","stream":"yes"}', "stream"),
    (b'{"model":"m","stream":1}', "stream"),
    (b'{"model":"m","fallbacks":"x"}', "fallbacks"),
    (b'{"model":"m","fallbacks":{}}', "fallbacks"),
]


@pytest.mark.parametrize(("body", "param"), WRONG, ids=lambda value: repr(value[:30]))
@pytest.mark.parametrize("codec", [OPENAI, ANTHROPIC], ids=lambda codec: codec.format)
def test_peek_refuses(codec: AnyCodec, body: bytes, param: str) -> None:
    with pytest.raises(Refused) as told:
        codec.peek(Envelope(body))
    assert (told.value.status, told.value.param) == (400, param)
    assert told.value.message.startswith(f"{param}: ")


def test_wrong_stream_options_are_refused() -> None:
    envelope = Envelope(b'{"model":"m","stream":true,"stream_options":5}')
    for ask in (lambda: OPENAI.peek(envelope), lambda: OPENAI.put(envelope, "m", True)):
        with pytest.raises(Refused) as told:
            ask()
        assert told.value.param == "stream_options"


def spliced(codec: AnyCodec, body: bytes, *, stream: bool) -> Any:
    envelope = Envelope(body)
    return msgspec.json.decode(envelope.splice(codec.put(envelope, "new", stream)))


def test_put_asks_for_usage_beside_what_the_client_said() -> None:
    assert spliced(OPENAI, b'{"model":"x"}', stream=False) == {"model": "new"}
    asked = {"model": "new", "stream_options": {"include_usage": True}}
    assert spliced(OPENAI, b'{"model":"x"}', stream=True) == asked
    assert spliced(OPENAI, b'{"model":"x","stream_options":null}', stream=True) == asked
    said = b'{"model":"x","stream_options":{"include_obfuscation":false,"include_usage":false}}'
    options = {"include_obfuscation": False, "include_usage": True}
    assert spliced(OPENAI, said, stream=True) == {"model": "new", "stream_options": options}
    assert spliced(ANTHROPIC, b'{"model":"x"}', stream=True) == {"model": "new"}


def test_put_shares_the_models_bytes() -> None:
    envelope = Envelope(b'{"model":"x"}')
    first, second = (ANTHROPIC.put(envelope, 'a"b', False)["model"] for _ in range(2))
    assert first is second
    assert first == Raw(b'"a\\"b"')

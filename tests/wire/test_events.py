"""A reply unfolds into events and folds back to itself."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from wire_kit import plain

from asbru.model.chat import (
    Audio,
    Cache,
    Choice,
    Citation,
    Image,
    Likely,
    Opaque,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    raw_arguments,
)
from asbru.model.events import Close, Delta, Done, Event, Open, Start, fold, unfold
from asbru.model.names import Finish, Format
from asbru.model.usage import Usage

WORDS = st.text(max_size=12)
RAWS = st.dictionaries(WORDS, st.integers() | WORDS, max_size=3).map(lambda value: Raw(msgspec.json.encode(value)))
CACHES = st.none() | st.builds(Cache, st.sampled_from(["", "5m", "1h"]))
CITATIONS = st.builds(Citation, format=st.sampled_from(Format), raw=RAWS, url=WORDS, title=WORDS, quote=WORDS)
LIKELY = st.builds(Likely, token=WORDS, logprob=st.floats(-9, 0), id=st.integers(-1, 9))
PARTS = st.one_of(
    st.builds(
        Text,
        WORDS,
        cache=CACHES,
        citations=st.lists(CITATIONS, max_size=2).map(tuple),
        logprobs=st.lists(LIKELY, max_size=2).map(tuple),
    ),
    st.builds(Thinking, text=WORDS, signature=WORDS),
    st.builds(Thinking, redacted=WORDS.filter(bool)),
    st.builds(ToolCall, id=WORDS, name=WORDS, arguments=RAWS, cache=CACHES),
    st.builds(Refusal, WORDS),
    st.builds(Opaque, format=st.sampled_from(Format), kind=WORDS, raw=RAWS),
    st.builds(Image, url=WORDS, cache=CACHES),
    st.builds(Audio, data=WORDS, format=WORDS),
)
USAGES = st.builds(Usage, input=st.integers(0, 99), output=st.integers(0, 99), cache_read=st.integers(0, 9))
CHOICES = st.builds(
    Choice,
    parts=st.lists(PARTS, max_size=3).map(tuple),
    finish=st.none() | st.sampled_from(Finish),
    stop_sequence=WORDS,
)
REPLIES = st.builds(
    Reply,
    id=WORDS,
    model=WORDS,
    parts=st.lists(PARTS, max_size=5).map(tuple),
    finish=st.none() | st.sampled_from(Finish),
    stop_sequence=WORDS,
    usage=USAGES,
    created=st.integers(0, 2**40),
    extra=st.dictionaries(WORDS, RAWS, max_size=2),
    others=st.lists(CHOICES, max_size=2).map(tuple),
    origin=st.sampled_from(Format),
)


@settings(derandomize=True, deadline=None)
@given(REPLIES)
def test_fold_undoes_unfold(reply: Reply) -> None:
    assert plain(fold(unfold(reply))) == plain(reply)


def test_parts_may_overlap() -> None:
    call = ToolCall(id="", name="f", arguments=Raw(b""))
    told: list[Event] = [Start(id="1", model="m"), Open(0, call), Open(1, call)]
    told += [Delta(index=1, arguments='{"b"'), Delta(index=0, arguments="{}"), Delta(index=1, arguments=":1}")]
    told += [Close(0), Close(1), Done()]
    first, second = fold(told).parts
    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert bytes(first.arguments) == b"{}"
    assert bytes(second.arguments) == b'{"b":1}'


def test_a_cut_stream_has_no_finish() -> None:
    reply = fold([Start(id="1", model="m", usage=Usage(input=5)), Open(0, Text("")), Delta(index=0, text="Tw")])
    assert reply.finish is None
    assert reply.parts == (Text("Tw"),)
    assert reply.usage == Usage(input=5)


def test_nothing_is_no_reply() -> None:
    with pytest.raises(ValueError, match="without Start"):
        fold([])


ARGUMENTS = [
    ("", b"{}"),
    ("  ", b"{}"),
    (' {"a": 1.0}\n', b'{"a": 1.0}'),
    ("5", b"5"),
    ('{"a": ', b'"{\\"a\\": "'),
    ("hello", b'"hello"'),
    ('{"a":1}}', b'"{\\"a\\":1}}"'),
    ("[" * 5000, b'"' + b"[" * 5000 + b'"'),
]


@pytest.mark.parametrize(("text", "raw"), ARGUMENTS, ids=lambda value: repr(value)[:20])
def test_arguments_are_always_json(text: str, raw: bytes) -> None:
    assert bytes(raw_arguments(text)) == raw
    assert bytes(raw_arguments(text.encode())) == raw

"""``extra_fields``: exactly one more member, whatever the answer looks like and however it is cut."""

import json
import random
from itertools import pairwise
from typing import Any

import pytest

from asbru.gateway.extra import Numbered, fields, with_extra
from asbru.model.failure import Failure

BEGUN = fields("chat_completion", "openai", "gpt-4o", "")
MEMBER = b'"extra_fields":{"request_type":"chat_completion","provider":"openai","model_requested":"gpt-4o","latency":'


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"a":1.0}', b'{"a":1.0,' + MEMBER + b"1500}}"),
        (b'{ "a" : "\\u00e9}" }\n', b'{ "a" : "\\u00e9}" ,' + MEMBER + b"1500}}\n"),
        (b"{}", b"{" + MEMBER + b"1500}}"),
        (b"{ }", b"{ " + MEMBER + b"1500}}"),
        (b"[1]", b"[1]"),
        (b'"}"', b'"}"'),
        (b"", b""),
        (b"}", b"}"),
    ],
)
def test_a_whole_answer(body: bytes, told: bytes) -> None:
    assert with_extra(body, BEGUN, 1.5009) == told


def test_a_deployment_is_named() -> None:
    told = json.loads(with_extra(b"{}", fields("embedding", "azure", 'a"b', "prod"), 0.0))
    assert told["extra_fields"] == {
        "request_type": "embedding",
        "provider": "azure",
        "model_requested": 'a"b',
        "model_deployment": "prod",
        "latency": 0,
    }


class Through:
    """A passage that passes."""

    failure: Failure | None = None

    def feed(self, chunk: bytes) -> bytes:
        return chunk

    def finish(self) -> bytes:
        return b""

    def fail(self, failure: Failure) -> bytes:
        return b"data: failed\n\n"


STREAM = (
    b'data: {"a":"}\\n"}\n\n: comment\n\nevent: x\ndata: {"b":[{}]}\n\ndata: {"c":1}\r\n\r\n'
    b'data: {"d":\ndata: 2}\n\ndata: [DONE]\n\n'
)


def numbered(pieces: list[bytes]) -> bytes:
    passage = Numbered(Through(), BEGUN, lambda: 0.25)
    return b"".join(map(passage.feed, pieces)) + passage.finish()


def member(n: int) -> bytes:
    return b"," + MEMBER + b'250,"chunk_index":%d}' % n


def test_a_stream() -> None:
    told = numbered([STREAM])
    for n in range(4):
        assert told.count(member(n)) == 1
        told = told.replace(member(n), b"")
    assert told == STREAM


def test_cuts_do_not_matter() -> None:
    dice = random.Random(3)
    whole = numbered([STREAM])
    assert numbered([STREAM[n : n + 1] for n in range(len(STREAM))]) == whole
    for _ in range(200):
        at = sorted({0, len(STREAM), *(dice.randrange(len(STREAM)) for _ in range(dice.randrange(9)))})
        assert numbered([STREAM[a:b] for a, b in pairwise(at)]) == whole


def test_a_last_frame_without_its_end() -> None:
    assert numbered([b'data: {"a":1}']) == b'data: {"a":1' + member(0) + b"}"


def test_a_failure_passes() -> None:
    passage: Any = Numbered(Through(), BEGUN, lambda: 0.0)
    assert passage.fail(Failure(500, "x")) == b"data: failed\n\n"
    assert passage.failure is None

"""What a row says about bodies is done to them, in both lanes, and what is dropped is named."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec import Raw, Struct

from asbru.gateway.bending import merge
from asbru.gateway.exchange import Exchange
from asbru.gateway.lanes import open_lane
from asbru.model.names import Format, Framing
from asbru.providers import Quirks
from asbru.wire import CODECS
from asbru.wire.envelope import Envelope

HELLO = [{"role": "user", "content": "Hello."}]


class Far(Struct):
    """A far end that speaks OpenAI's chat format."""

    quirks: Quirks
    format: Format = Format.OPENAI_CHAT
    framing: Framing = Framing.SSE


class Shout:
    """A rewrite."""

    def put(self, members: Mapping[str, Raw]) -> dict[str, object]:
        """In capitals."""
        return {"messages": Raw(bytes(members["messages"]).upper())}

    def lost(self, members: Mapping[str, Raw]) -> tuple[str, ...]:
        """As if."""
        return ("messages.0.case",)


def sent(inbound: Format, said: dict[str, Any], quirks: Quirks) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body that goes upstream for ``said``, and what it lost."""
    codec, envelope = CODECS[inbound], Envelope(json.dumps(said).encode())
    x = Exchange(id="req_1", codec=codec, envelope=envelope, peek=codec.peek(envelope))
    lane = open_lane(x, "there", Far(merge(quirks, Quirks())))
    return json.loads(lane.request()), lane.lost


ASKED: dict[str, Any] = {"model": "here", "messages": HELLO}
CASES: list[tuple[Quirks, dict[str, Any], dict[str, Any], tuple[str, ...]]] = [
    (Quirks(), {}, {}, ()),
    (Quirks(rename={"max_completion_tokens": "max_tokens"}), {"max_completion_tokens": 5}, {"max_tokens": 5}, ()),
    (Quirks(rename={"model": "model_id"}), {}, {"model": None, "model_id": "there"}, ()),
    (Quirks(drop=frozenset({"model"})), {}, {"model": None}, ()),
    (Quirks(drop=frozenset({"user"})), {"user": "me"}, {"user": None}, ("user",)),
    (Quirks(drop=frozenset({"user"})), {"user": ""}, {"user": None}, ()),
    (Quirks(drop=frozenset({"stream_options"})), {"stream": True}, {"stream": True, "stream_options": None}, ()),
    (Quirks(put={"safe": True}), {"fallbacks": ["a/b"]}, {"safe": True, "fallbacks": None}, ()),
    (Quirks(rewrite=Shout()), {}, {"messages": [{"ROLE": "USER", "CONTENT": "HELLO."}]}, ("messages.0.case",)),
]


@pytest.mark.parametrize(("quirks", "said", "expected", "lost"), CASES)
def test_on_the_same_format(
    quirks: Quirks, said: dict[str, Any], expected: dict[str, Any], lost: tuple[str, ...]
) -> None:
    body, named = sent(Format.OPENAI_CHAT, {**ASKED, **said}, quirks)
    usual: dict[str, Any] = {"model": "there", "messages": HELLO}
    if said.get("stream"):
        usual["stream_options"] = {"include_usage": True}
    assert body == {name: value for name, value in {**usual, **expected}.items() if value is not None}
    assert named == lost


@pytest.mark.parametrize(
    ("quirks", "expected", "lost"),
    [
        (Quirks(), {"max_completion_tokens": 5, "user": "me"}, ()),
        (Quirks(rename={"max_completion_tokens": "max_tokens"}), {"max_tokens": 5, "user": "me"}, ()),
        (Quirks(drop=frozenset({"user", "model"})), {"model": None, "max_completion_tokens": 5}, ("user",)),
        (Quirks(put={"safe": True}), {"safe": True, "max_completion_tokens": 5, "user": "me"}, ()),
    ],
)
def test_on_a_translated_body(quirks: Quirks, expected: dict[str, Any], lost: tuple[str, ...]) -> None:
    said = {**ASKED, "max_tokens": 5, "metadata": {"user_id": "me"}}
    body, named = sent(Format.ANTHROPIC_MESSAGES, said, quirks)
    usual: dict[str, Any] = {"model": "there", "messages": HELLO}
    assert body == {name: value for name, value in {**usual, **expected}.items() if value is not None}
    assert named == lost

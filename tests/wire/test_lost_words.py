"""What is lost is named in the caller's own words."""

import pytest
from wire_kit import ANTHROPIC, COHERE, GEMINI, OPENAI, RESPONSES, ask

from asbru.wire import AnyCodec

CONFIG = {
    "topK": 5,
    "candidateCount": 2,
    "responseLogprobs": True,
    "logprobs": 3,
    "frequencyPenalty": 0.5,
    "seed": 7,
    "responseMimeType": "application/json",
}
GOOGLE = {"contents": [{"parts": [{"text": "Hello"}]}], "generationConfig": CONFIG}
HELLO = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize(
    ("source", "body", "target", "lost"),
    [
        (GEMINI, GOOGLE, RESPONSES, {"topK", "candidateCount", "frequencyPenalty", "seed"}),
        (
            GEMINI,
            GOOGLE,
            ANTHROPIC,
            {"candidateCount", "responseLogprobs", "logprobs", "frequencyPenalty", "seed"}
            | {"responseMimeType: application/json"},
        ),
        (COHERE, {**HELLO, "k": 3, "stop_sequences": ["x"]}, RESPONSES, {"k", "stop_sequences"}),
        (OPENAI, {**HELLO, "seed": 3}, ANTHROPIC, {"seed"}),
    ],
)
def test_it_is(source: AnyCodec, body: dict[str, object], target: AnyCodec, lost: set[str]) -> None:
    told = target.write_ask(ask(source, body)).lost
    before = "generationConfig." if source is GEMINI else ""
    assert {source.words.get(name, name) for name in told} == {f"{before}{name}" for name in lost}

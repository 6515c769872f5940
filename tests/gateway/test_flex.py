"""Who has the flex tier, what asks for it, and what replies and failures say of it."""

import json

import pytest

from asbru.gateway.flex import flex_members, no_room, served_flex
from asbru.model.failure import Broken, Failure, Overloaded, Rejected
from asbru.model.names import Format
from asbru.providers import CATALOG


@pytest.mark.parametrize(
    ("provider", "format", "model", "members"),
    [
        ("openai", Format.OPENAI_CHAT, "gpt-5-mini", {"service_tier": "flex"}),
        ("openai", Format.OPENAI_RESPONSES, "o3", {"service_tier": "flex"}),
        ("openai", Format.OPENAI_CHAT, "gpt-5-chat-latest", {}),
        ("openai", Format.OPENAI_CHAT, "gpt-4o", {}),
        ("openai", Format.OPENAI_EMBEDDINGS, "gpt-5", {}),
        ("gemini", Format.GEMINI_GENERATE, "gemini-2.5-flash", {"serviceTier": "flex"}),
        ("gemini", Format.GEMINI_GENERATE, "gemini-2.0-flash", {}),
        ("bedrock", Format.BEDROCK_CONVERSE, "us.amazon.nova-pro-v1:0", {"serviceTier": {"type": "flex"}}),
        ("bedrock", Format.BEDROCK_CONVERSE, "anthropic.claude-sonnet-4-5-v1:0", {}),
        ("groq", Format.OPENAI_CHAT, "gpt-5-mini", {}),
    ],
)
def test_members(provider: str, format: Format, model: str, members: dict[str, object]) -> None:
    row = CATALOG[provider]
    told = flex_members(row, row.endpoint_for(format), model)
    assert {name: json.loads(bytes(value)) for name, value in told.items()} == members


@pytest.mark.parametrize(
    ("body", "flex"),
    [
        ({}, True),
        ({"service_tier": "flex"}, True),
        ({"service_tier": "default"}, False),
        ({"service_tier": None}, True),
        ({"serviceTier": {"type": "flex"}}, True),
        ({"serviceTier": {"type": "default"}}, False),
        ({"usageMetadata": {"serviceTier": "SERVICE_TIER_FLEX"}}, True),
        ({"usageMetadata": {"serviceTier": "standard"}}, False),
        ({"service_tier": 7}, True),
        ([], True),
    ],
)
def test_replies(body: object, flex: bool) -> None:
    assert served_flex(json.dumps(body).encode()) is flex


@pytest.mark.parametrize(
    ("failure", "room"),
    [
        (Overloaded(429, "", code="resource_unavailable"), False),
        (Overloaded(429, "", code="rate_limit_exceeded"), True),
        (Overloaded(503, "The model is overloaded."), False),
        (Overloaded(529, ""), False),
        (Rejected(400, ""), True),
        (Broken(500, ""), True),
    ],
)
def test_failures(failure: Failure, room: bool) -> None:
    assert no_room(failure) is not room

"""Anthropic: Messages, and the Message Batches API."""

from asbru.model.names import Format
from asbru.providers._kinds import BatchApi, Endpoint, InHeader, Provider

PROVIDER = Provider(
    name="anthropic",
    base_url="https://api.anthropic.com/v1",
    serves=(
        Endpoint(Format.ANTHROPIC_MESSAGES, "/messages"),
        Endpoint(Format.ANTHROPIC_COUNT_TOKENS, "/messages/count_tokens"),
        Endpoint(Format.ANTHROPIC_COMPLETE, "/complete", models=("claude-2*", "claude-1*", "claude-instant*")),
    ),
    auth=InHeader("x-api-key"),
    headers={"anthropic-version": "2023-06-01"},
    env=("ANTHROPIC_API_KEY", "ANTHROPIC_KEY"),
    base_url_env=("ANTHROPIC_BASE_URL",),
    docs="https://docs.anthropic.com/en/api",
    batch=BatchApi(
        kind="anthropic",
        path="/messages/batches",
        formats=(Format.ANTHROPIC_MESSAGES,),
        max_items=100_000,
        max_bytes=256_000_000,
    ),
)

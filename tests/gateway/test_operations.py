"""Operations other than chat take the same way: routed, spliced, priced, recorded, refused."""

import json
from typing import Any

import msgspec
import pytest
from test_playbooks import Stage, ok

from asbru.model.failure import Broken, Refused
from asbru.model.names import Format

EMBEDDINGS = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": "AACAPw=="}],
    "model": "text-embedding-3-small",
    "usage": {"prompt_tokens": 6, "total_tokens": 6},
}


def embed(model: str = "openai/text-embedding-3-small", **more: Any) -> dict[str, Any]:
    return {"model": model, "input": "Hi", "encoding_format": "base64", **more}


def allow_only(stage: Stage, *operations: str) -> None:
    """OpenAI may do these."""
    snapshot = stage.gateway.snapshot
    routes = dict(snapshot.table.providers)
    routes["openai"] = msgspec.structs.replace(routes["openai"], allowed_requests=frozenset(operations))
    table = msgspec.structs.replace(snapshot.table, providers=routes)
    stage.gateway.snapshot = msgspec.structs.replace(snapshot, table=table)


def test_embeddings_pass_and_are_priced() -> None:
    stage = Stage(ok(EMBEDDINGS))
    answer = stage.ask(Format.OPENAI_EMBEDDINGS, embed(dimensions=1))
    (call,) = stage.calls
    assert call.head.startswith(b"POST /v1/embeddings HTTP/1.1\r\n")
    assert json.loads(bytes(call.body)) == {**embed(dimensions=1), "model": "text-embedding-3-small"}  # type: ignore[arg-type]
    assert answer.body == json.dumps(EMBEDDINGS).encode()
    (record,) = stage.records
    assert (record.usage.input, record.usage.output, record.cost) == (6, 0, 6000)
    assert (record.format_in, record.format_out, record.lane) == ("openai.embeddings", "openai.embeddings", "splice")
    assert (record.status, record.model, record.asked_model) == (200, "text-embedding-3-small", embed()["model"])


def test_a_provider_without_the_operation_refuses_by_name() -> None:
    stage = Stage()
    with pytest.raises(Refused, match="embed is not supported by anthropic provider") as failed:
        stage.ask(Format.OPENAI_EMBEDDINGS, embed("anthropic/claude-x"))
    assert (failed.value.status, failed.value.code, failed.value.param) == (400, "unsupported_operation", "model")
    assert (stage.calls, stage.records[0].status) == ([], 400)


def test_allowed_requests_hold() -> None:
    stage = Stage(ok(EMBEDDINGS))
    allow_only(stage, "chat_completion")
    with pytest.raises(Refused, match="embedding is not supported by openai provider"):
        stage.ask(Format.OPENAI_EMBEDDINGS, embed())
    allow_only(stage, "embedding")
    assert stage.ask(Format.OPENAI_EMBEDDINGS, embed()).status == 200


def test_a_fallback_that_cannot_leaves_the_first_failure() -> None:
    stage = Stage(*[Broken(500, "no") for _ in range(3)])
    with pytest.raises(Broken, match="no"):
        stage.ask(Format.OPENAI_EMBEDDINGS, embed(fallbacks=["anthropic/claude-x"]))

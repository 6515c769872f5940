"""How a model's name says which provider is meant."""

import pytest

from asbru.model.failure import Refused
from asbru.routing import ProviderRoute, Table, pick_provider, split_model

TABLE = Table(
    {name: ProviderRoute(name=name) for name in ("openai", "my-vllm", "local")},
    known=frozenset({"openai", "anthropic"}),
)
EMPTY = Table({})


@pytest.mark.parametrize(
    ("model", "default", "expected"),
    [
        ("openai/gpt-4o", "", ("openai", "gpt-4o")),
        ("my-vllm/meta-llama/Llama-3", "openai", ("my-vllm", "meta-llama/Llama-3")),
        ("meta-llama/Llama-3", "openai", ("openai", "meta-llama/Llama-3")),
        ("gpt-4o", "openai", ("openai", "gpt-4o")),
        ("anthropic/claude", "openai", ("anthropic", "claude")),
        ("openai/openai/gpt-oss", "", ("openai", "openai/gpt-oss")),
        ("/gpt-4o", "openai", ("openai", "/gpt-4o")),
        ("OpenAI/gpt-4o", "openai", ("openai", "OpenAI/gpt-4o")),
    ],
)
def test_split(model: str, default: str, expected: tuple[str, str]) -> None:
    assert split_model(model, default, TABLE) == expected


@pytest.mark.parametrize(
    ("model", "default", "table", "param", "message"),
    [
        ("gpt-4o", "", TABLE, "model", "model should be in provider/model format (configured: local, my-vllm, openai)"),
        (
            "opnai/gpt-4o",
            "",
            TABLE,
            "model",
            "model should be in provider/model format; 'opnai' is not a provider here (did you mean openai?)",
        ),
        ("gpt-4o", "", EMPTY, "model", "model should be in provider/model format (no provider is configured)"),
        ("", "openai", TABLE, "model", "model: no model is named"),
        ("openai/", "", TABLE, "model", "model: no model is named"),
        (
            "gpt-4o",
            "",
            TABLE,
            "fallbacks.1",
            "fallbacks.1: model should be in provider/model format (configured: local, my-vllm, openai)",
        ),
    ],
)
def test_refused(model: str, default: str, table: Table, param: str, message: str) -> None:
    with pytest.raises(Refused) as caught:
        split_model(model, default, table, param)
    assert (caught.value.status, caught.value.message, caught.value.param) == (400, message, param)


def test_pick_provider() -> None:
    assert pick_provider("local", TABLE) == "local"
    assert pick_provider("anthropic", TABLE) == "anthropic"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lokal", "x-model-provider: 'lokal' is not a provider here (did you mean local?)"),
        ("zzz", "x-model-provider: 'zzz' is not a provider here (configured: local, my-vllm, openai)"),
    ],
)
def test_unknown_provider_names_the_nearest(name: str, message: str) -> None:
    with pytest.raises(Refused) as caught:
        pick_provider(name, TABLE)
    assert (caught.value.status, caught.value.message, caught.value.param) == (400, message, "x-model-provider")

# ruff: noqa: E501
# One case per line, as in a table.
"""What ``asbru check`` says, and that docs/configuration.md is true."""

import json
import random
import re
from pathlib import Path

import msgspec
import pytest

from asbru.config import ConfigError, Settings, describe, find, load, settings_of, shape
from asbru.config.settings import BatchSettings, Client
from asbru.model.keys import Network
from asbru.providers import CATALOG

DOCS = Path(__file__).parents[2] / "docs" / "configuration.md"
ENV = {"OPENAI_API_KEY": "sk-o", "OPENAI_SPARE_KEY": "sk-s", "ANTHROPIC_API_KEY": "sk-a"}


def documented() -> dict[str, object]:
    found = re.search(r"```json\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found
    document: dict[str, object] = json.loads(found[1])
    return document


def load_text(tmp_path: Path, document: object) -> Settings:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(document))
    return load(path, ENV)


def test_the_documented_example_loads(tmp_path: Path) -> None:
    settings = load_text(tmp_path, documented())
    assert set(settings.providers) == {"openai", "anthropic", "my-vllm"}
    assert settings.providers["my-vllm"].provider.base_url == "http://10.0.0.7:8000/v1"
    assert settings.public_url == "https://ai.example.com"


def test_the_documented_example_in_words(tmp_path: Path) -> None:
    assert describe(load_text(tmp_path, documented())) == [
        "Provider anthropic: asked at https://api.anthropic.com/v1.",
        "  Key ours: 100 % of requests, all models but claude-opus-4-1.",
        "  Answers within 2 minutes; streams may pause for 60 s.",
        "  A failed request is tried up to 2 more times, after 0.5 s at first and 5 s at most.",
        "  At most 5000 requests at once per worker.",
        "  Through the proxy http://proxy.internal:3128.",
        "Provider my-vllm, a custom provider that speaks openai's format: asked at http://10.0.0.7:8000/v1.",
        "  Needs no key.",
        "  Answers within 2 minutes; streams may pause for 60 s.",
        "  A failed request is tried up to 2 more times, after 0.5 s at first and 5 s at most.",
        "  At most 64 requests at once per worker.",
        "  With the headers x-team.",
        "Provider openai: asked at https://api.openai.com/v1.",
        "  Key main: 70 % of requests, all models.",
        "  Key spare: 30 % of requests, models gpt-4o-mini.",
        "  Answers within 2 minutes; streams may pause for 60 s.",
        "  A failed request is tried up to 2 more times, after 0.5 s at first and 5 s at most.",
        "  At most 5000 requests at once per worker.",
        "Everything is kept in SQLite in the app dir.",
        "Requests may have 100 MB.",
        "Batches run up to 256 items at once per worker and expire after 24 hours.",
        "Clients are told to come back to https://ai.example.com.",
        "warning: `providers.my-vllm.network_config.base_url` is not https: keys and prompts travel in the clear",
    ]


def test_no_file_in_words() -> None:
    assert describe(settings_of({}, {"OPENAI_API_KEY": "sk"}))[:3] == [
        "No provider is configured; those found in the environment are used.",
        "Provider local: served on this machine.",
        "  Needs no key.",
    ]
    assert "No provider can be asked." in describe(Settings())


@pytest.mark.parametrize(
    ("openai", "line"),
    [
        ({"keys": [{"value": "v", "weight": 0}, {"value": "w"}]}, "  Key openai-1: a reserve, used when the others fail, all models."),
        ({"keys": [{"value": "v", "weight": 0}, {"value": "w", "weight": 0}]}, "  Key openai-1: 50 % of requests, all models."),
        ({"keys": [{"value": "v", "enabled": False}]}, "  Key openai-1: disabled."),
        ({"keys": [{"value": "v", "enabled": False}]}, "  Cannot be asked: no key is enabled."),
        ({"keys": [{"value": "v", "use_for_batch_api": False}]}, "  Key openai-1: 100 % of requests, all models, not for batches."),
        ({"keys": [{"value": "v", "models": ["*"]}]}, "  Key openai-1: 100 % of requests, all models."),
        ({"network_config": {"max_retries": 0}}, "  A failed request is not tried again on the same key."),
        ({"network_config": {"max_retries": 1}}, "  A failed request is tried once more, after 0.5 s at first and 5 s at most."),
        ({"network_config": {"insecure_skip_verify": True}}, "  Its certificate is not checked."),
        ({"network_config": {"ca_cert_pem": "-----BEGIN CERTIFICATE-----"}}, "  Its certificate may also be signed by the given authority."),
        ({"proxy_config": {"type": "http", "url": "http://me:pw@p:1"}}, "  Through the proxy http://p:1 as me."),
    ],
)  # fmt: skip
def test_a_provider_in_words(openai: dict[str, object], line: str) -> None:
    assert line in describe(settings_of({"providers": {"openai": openai}}, {}))


@pytest.mark.parametrize(
    ("allowed", "line"),
    [({}, "  Used only for: nothing."), ({"list_models": True, "chat_completion": True}, "  Used only for: chat_completion, list_models.")],
)  # fmt: skip
def test_allowed_requests_in_words(allowed: dict[str, bool], line: str) -> None:
    custom = {"base_provider_type": "openai", "is_key_less": True, "allowed_requests": allowed}
    provider = {"network_config": {"base_url": "https://x"}, "custom_provider_config": custom}
    assert line in describe(settings_of({"providers": {"mine": provider}}, {}))


@pytest.mark.parametrize(
    "kind",
    [
        shape.AsbruShape,
        shape.BatchShape,
        shape.ClientShape,
        shape.ConcurrencyShape,
        shape.CustomShape,
        shape.EnvText,
        shape.KeyShape,
        shape.NetworkShape,
        shape.OpenAIShape,
        shape.ProviderShape,
        shape.ProxyShape,
        shape.S3Shape,
    ],
)
def test_every_field_is_documented(kind: type[shape.Shape]) -> None:
    text = DOCS.read_text()
    names = [field.name for field in msgspec.structs.fields(kind)]
    assert [name for name in names if not re.search(rf"\b{name}\b", text)] == []


def test_documented_defaults_are_true() -> None:
    text = DOCS.read_text()
    for field, value in {
        "default_request_timeout_in_seconds": Network().request_timeout,
        "connect_timeout_in_seconds": Network().connect_timeout,
        "stream_idle_timeout_in_seconds": Network().stream_idle_timeout,
        "max_retries": Network().max_retries,
        "retry_backoff_initial": Network().backoff_initial * 1000,
        "retry_backoff_max": Network().backoff_max * 1000,
        "max_conns_per_host": Network().max_conns_per_host,
        "max_request_body_size_mb": Client().max_request_body_size >> 20,
        "batch.concurrency": BatchSettings().concurrency,
        "batch.expiry_in_seconds": BatchSettings().expiry,
    }.items():
        assert f"| `{field}` | {value:g} |" in text


JUNK = [
    None,
    True,
    0,
    -1,
    3.5,
    1e308,
    "",
    "x",
    "env.",
    "env.NOPE",
    "a\nb",
    "\ud800",
    [],
    [None],
    {},
    {"x": 1},
    "http://[",
    "*",
]


def broken(node: object, dice: random.Random) -> object:
    """``node`` with some of what is in it replaced by junk, or with junk added."""
    if dice.random() < 0.06:
        return dice.choice(JUNK)
    if isinstance(node, dict):
        more = {dice.choice([*node, "zzz", ""]): dice.choice(JUNK)} if dice.random() < 0.1 else {}
        return {name: broken(each, dice) for name, each in node.items()} | more
    if isinstance(node, list):
        return [broken(each, dice) for each in node]
    return node


def test_whatever_the_file_holds_it_is_read_or_refused() -> None:
    dice = random.Random(5)
    refused = 0
    for _ in range(2_000):
        document = broken(documented(), dice)
        try:
            describe(settings_of(document, ENV))
        except ConfigError:
            refused += 1
    assert 200 < refused < 2_000


def test_find(tmp_path: Path) -> None:
    assert find(None, tmp_path) is None
    (tmp_path / "config.json").write_text("{}")
    assert find(None, tmp_path) == tmp_path / "config.json"
    assert find(Path("other.json"), tmp_path) == Path("other.json")


def test_no_file_is_fine_and_a_byte_order_mark_too(tmp_path: Path) -> None:
    assert load(None, {}).detected
    path = tmp_path / "config.json"
    path.write_bytes(b"\xef\xbb\xbf{}")
    assert load(path, {}) == load(None, {})


NEEDED = {
    "azure": {"azure_key_config": {"endpoint": "https://r.openai.azure.com"}},
    "vertex": {"vertex_key_config": {"project_id": "p", "region": "global"}},
    "vllm": {"vllm_key_config": {"url": "http://10.0.0.7:8000"}},
    "sgl": {"sgl_key_config": {"url": "http://10.0.0.7:30000"}},
}
"""What keys of some providers must have."""


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_every_provider_in_words(name: str) -> None:
    each = {"keys": [{"name": "k", "value": "v", **NEEDED.get(name, {})}]}
    lines = describe(settings_of({"providers": {name: each}}, {}))
    assert re.fullmatch(
        rf"Provider {name}: (asked at (https?://\S+|the addresses of its keys)|served on .*)\.", lines[0]
    )
    assert re.match(r"  Key k: 100 % of requests, all models", lines[1])
    assert "{" not in "\n".join(lines)
    if "the addresses of its keys" in lines[0]:
        assert re.search(r", at https?://\S+\.$", lines[1])

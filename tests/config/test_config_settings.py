# ruff: noqa: E501
# One case per line, as in a table.
"""What a right configuration becomes."""

from typing import Any

import pytest

from asbru.config import ProviderSettings, Settings, placed, settings_of, table_of
from asbru.model.keys import Key, Network, Secret
from asbru.model.names import Format
from asbru.providers import CATALOG, InHeader, Quirks

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"


def only(document: dict[str, Any], env: dict[str, str] | None = None) -> ProviderSettings:
    (each,) = settings_of({"providers": document}, env or {}).providers.values()
    return each


def openai(env: dict[str, str] | None = None, **members: Any) -> ProviderSettings:
    return only({"openai": {"keys": [{"value": "v"}], **members}}, env)


def network(env: dict[str, str] | None = None, **members: Any) -> Network:
    return openai(env, network_config=members).network


def mine(base_url: str, **members: Any) -> ProviderSettings:
    said = {"base_provider_type": "openai", "is_key_less": True, **members}
    return only({"mine": {"network_config": {"base_url": base_url}, "custom_provider_config": said}})


def notices(document: dict[str, Any], env: dict[str, str] | None = None) -> tuple[str, ...]:
    return settings_of(document, env or {}).notices


# Keys.


def test_a_key_with_everything() -> None:
    said = {
        "id": "1",
        "name": "main",
        "value": "env.KEY",
        "weight": 0.5,
        "models": ["a"],
        "blacklisted_models": ["b"],
        "use_for_batch_api": False,
        "status": "success",
        "description": "",
        "azure_key_config": None,
    }
    assert openai({"KEY": "sk-1"}, keys=[said]).keys == (
        Key(
            id="1",
            name="main",
            value=Secret("sk-1"),
            weight=0.5,
            models=("a",),
            blacklisted_models=("b",),
            use_for_batch_api=False,
        ),
    )


def test_a_key_with_nothing_but_its_value() -> None:
    assert openai().keys == (Key(id="openai-1", name="openai-1", value=Secret("v")),)


@pytest.mark.parametrize(
    "value",
    [
        "sk",
        "env.KEY",
        {"value": "sk"},
        {"value": "env.KEY"},
        {"env_var": "KEY"},
        {"value": "", "env_var": "env.KEY", "from_env": True},
        {"value": "other", "env_var": "env.KEY", "from_env": True},
        {"value": "sk", "env_var": "env.OTHER", "from_env": False},
    ],
)
def test_ways_to_say_a_value(value: object) -> None:
    assert openai({"KEY": "sk"}, keys=[{"value": value}]).keys[0].value.reveal() == "sk"


def test_a_disabled_key_needs_no_variable() -> None:
    (key,) = openai(keys=[{"value": "env.NOPE", "enabled": False}]).keys
    assert not key.enabled
    assert not key.value


def test_a_provider_without_an_enabled_key_is_worth_a_notice() -> None:
    assert notices({"providers": {"openai": {}}}) == (
        "`providers.openai` has no enabled key: requests to it will be refused",
    )


# Base URLs.


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://api.openai.com", "https://api.openai.com/v1"),
        ("https://api.openai.com/", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1//", "https://api.openai.com/v1"),
        ("https://openrouter.ai/api", "https://openrouter.ai/api/v1"),
        ("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1"),
        ("https://api.z.ai/api/paas/v4", "https://api.z.ai/api/paas/v4"),
        ("https://g.example/v1beta", "https://g.example/v1beta"),
        ("https://g.example/v1beta1", "https://g.example/v1beta1"),
        ("https://g.example/v2.1", "https://g.example/v2.1"),
        ("https://g.example/v1/account/anthropic", "https://g.example/v1/account/anthropic/v1"),
        ("https://g.example/vault", "https://g.example/vault/v1"),
        ("https://v1.example", "https://v1.example/v1"),
        ("http://localhost:11434", "http://localhost:11434/v1"),
        ("http://[::1]:8000", "http://[::1]:8000/v1"),
        ("env.URL", "https://from.env/v1"),
    ],
)
def test_a_base_url_may_leave_out_its_version(written: str, meant: str) -> None:
    env = {"URL": "https://from.env"}
    assert openai(env, network_config={"base_url": written}).provider.base_url == meant


@pytest.mark.parametrize(
    ("url", "warned"),
    [("http://10.0.0.7", True), ("http://localhost:1", False), ("http://127.0.0.1:1", False), ("https://x", False)],
)
def test_keys_in_the_clear_are_worth_a_notice(url: str, warned: bool) -> None:
    document = {"providers": {"openai": {"keys": [{"value": "v"}], "network_config": {"base_url": url}}}}
    assert any("in the clear" in notice for notice in notices(document)) is warned


# The network.


def test_network_defaults() -> None:
    assert openai().network == Network()
    assert (Network().max_retries, Network().request_timeout, Network().stream_idle_timeout) == (2, 120.0, 60.0)


def test_network_with_everything() -> None:
    said = network(
        {"TOKEN": "t"},
        extra_headers={"X-Team": "search", "x-token": "env.TOKEN"},
        connect_timeout_in_seconds=1,
        default_request_timeout_in_seconds=30,
        stream_idle_timeout_in_seconds=0.5,
        max_retries=0,
        retry_backoff_initial=100,
        retry_backoff_max_ms=1500,
        ca_cert_pem=PEM,
        max_conns_per_host=10,
    )
    assert said == Network(
        extra_headers={"x-team": "search", "x-token": "t"},
        connect_timeout=1.0,
        request_timeout=30.0,
        stream_idle_timeout=0.5,
        max_retries=0,
        backoff_initial=0.1,
        backoff_max=1.5,
        ca_cert_pem=PEM,
        max_conns_per_host=10,
    )


def test_a_first_wait_beyond_the_usual_longest_moves_it() -> None:
    assert network(retry_backoff_initial_ms=8000).backoff_max == 8.0


def test_insecure_is_possible_and_worth_a_notice() -> None:
    document = {"providers": {"local": {"network_config": {"insecure_skip_verify": True}}}}
    settings = settings_of(document, {})
    assert settings.providers["local"].network.insecure_skip_verify
    assert "can read the key" in settings.notices[0]


@pytest.mark.parametrize(
    ("said", "most"),
    [({"concurrency": 5}, 5), ({"concurrency": 5, "buffer_size": 5}, 5), ({"buffer_size": 7}, 100), ({"concurrency": 900}, 100)],
)  # fmt: skip
def test_concurrency_bounds_connections(said: dict[str, int], most: int) -> None:
    each = openai(network_config={"max_conns_per_host": 100}, concurrency_and_buffer_size=said)
    assert each.network.max_conns_per_host == most


# Proxies.


@pytest.mark.parametrize(
    ("said", "env", "proxy"),
    [
        ({}, {"HTTPS_PROXY": "http://p:1"}, ("", "", "")),
        ({"type": "none", "url": "http://p:1"}, {}, ("", "", "")),
        ({"type": "http", "url": "http://p:3128"}, {}, ("http://p:3128", "", "")),
        ({"type": "http", "url": "http://p/"}, {}, ("http://p:80", "", "")),
        ({"type": "http", "url": "p:3128"}, {}, ("http://p:3128", "", "")),
        ({"type": "http", "url": "http://[::1]:3128"}, {}, ("http://[::1]:3128", "", "")),
        ({"type": "http", "url": "http://u:pw@p:1"}, {}, ("http://p:1", "u", "pw")),
        ({"type": "http", "url": "http://p:1", "username": "u", "password": "env.PW"}, {"PW": "s"}, ("http://p:1", "u", "s")),
        ({"type": "environment"}, {}, ("", "", "")),
        ({"type": "environment"}, {"HTTPS_PROXY": "http://p:1"}, ("http://p:1", "", "")),
        ({"type": "environment"}, {"https_proxy": "http://q:1", "HTTPS_PROXY": "http://p:1"}, ("http://q:1", "", "")),
        ({"type": "environment"}, {"HTTP_PROXY": "http://p:1"}, ("", "", "")),
        ({"type": "environment"}, {"ALL_PROXY": "http://p:1"}, ("http://p:1", "", "")),
        ({"type": "environment"}, {"ALL_PROXY": "http://p:1", "NO_PROXY": "*"}, ("", "", "")),
        ({"type": "environment"}, {"ALL_PROXY": "http://p:1", "NO_PROXY": "a.b, openai.com"}, ("", "", "")),
        ({"type": "environment"}, {"ALL_PROXY": "http://p:1", "no_proxy": ".openai.com:443"}, ("", "", "")),
        ({"type": "environment"}, {"ALL_PROXY": "http://p:1", "NO_PROXY": "ai.com,,x"}, ("http://p:1", "", "")),
    ],
)  # fmt: skip
def test_proxy(said: dict[str, str], env: dict[str, str], proxy: tuple[str, str, str]) -> None:
    found = openai(env, proxy_config=said).network
    assert (found.proxy, found.proxy_username, found.proxy_password.reveal()) == proxy


def test_a_proxy_brings_its_own_authority() -> None:
    proxy = {"type": "http", "url": "http://p:1", "ca_cert_pem": PEM}
    assert openai(proxy_config=proxy).network.ca_cert_pem == PEM
    both = openai(proxy_config=proxy, network_config={"ca_cert_pem": PEM})
    assert both.network.ca_cert_pem == f"{PEM}\n{PEM}"


# Custom providers.


def test_a_custom_provider_borrows_its_base() -> None:
    each = mine("https://x.example", is_key_less=False)
    row, base = each.provider, CATALOG["openai"]
    assert (row.name, row.base_url, row.auth) == ("mine", "https://x.example/v1", base.auth)
    assert row.endpoint_for(Format.OPENAI_EMBEDDINGS) in base.serves
    assert (row.env, row.base_url_env, row.batch, row.keyless, row.priced_as) == ((), (), None, False, "openai")
    assert (each.base, each.allowed_requests) == ("openai", None)


@pytest.mark.parametrize(
    ("said", "inbound", "path"),
    [
        ({}, Format.OPENAI_RESPONSES, "/chat/completions"),
        ({}, Format.OPENAI_CHAT, "/chat/completions"),
        ({"allowed_requests": {"responses": True}}, Format.OPENAI_RESPONSES, "/responses"),
        ({"allowed_requests": {"responses": True}}, Format.OPENAI_CHAT, "/responses"),
        ({"request_path_overrides": {"responses": "/r"}}, Format.OPENAI_RESPONSES, "/r"),
    ],
)
def test_responses_are_asked_for_where_they_are_said_to_be(said: dict[str, Any], inbound: Format, path: str) -> None:
    row = mine("https://x.example", **said).provider
    assert row.endpoint_for(inbound, "codex-mini-latest").path == path


def test_a_keyless_custom_provider_of_anthropics_kind() -> None:
    row = mine("https://x.example", base_provider_type="anthropic").provider
    assert row.keyless
    assert row.serves == CATALOG["anthropic"].serves
    assert row.headers == {"anthropic-version": "2023-06-01"}


def test_allowed_requests_are_those_that_are_true() -> None:
    each = mine("https://x", allowed_requests={"chat_completion": True, "embedding": False})
    assert each.allowed_requests == frozenset({"chat_completion"})
    assert mine("https://x", allowed_requests={}).allowed_requests == frozenset()


@pytest.mark.parametrize(
    ("base_url", "overrides", "chat", "models"),
    [
        ("https://x", {}, "https://x/v1/chat/completions", "https://x/v1/models"),
        ("https://x", {"chat_completion": "/api/chat"}, "https://x/api/chat", "https://x/v1/models"),
        ("https://x", {"chat_completion_stream": "api/chat"}, "https://x/api/chat", "https://x/v1/models"),
        ("https://x/a", {"chat_completion": "/b"}, "https://x/a/b", "https://x/a/v1/models"),
        ("https://x/a/v2", {"chat_completion": "/b"}, "https://x/a/v2/b", "https://x/a/v2/models"),
        ("https://x/a", {"chat_completion": "https://x/b"}, "https://x/b", "https://x/a/v1/models"),
        ("https://x", {"list_models": "/m"}, "https://x/v1/chat/completions", "https://x/m"),
        ("https://x", {"chat_completion": "/c", "chat_completion_stream": "/s"}, "https://x/c", "https://x/v1/models"),
        ("https://x", {"chat_completion": "/{model}/c"}, "https://x/{model}/c", "https://x/v1/models"),
    ],
)
def test_paths_of_ones_own(base_url: str, overrides: dict[str, str], chat: str, models: str) -> None:
    row = mine(base_url, request_path_overrides=overrides).provider
    assert row.base_url + row.serves[0].path == chat
    assert row.base_url + row.models_path == models


def test_each_operation_has_its_own_path() -> None:
    row = mine("https://x", request_path_overrides={"embedding": "/e"}).provider
    paths = {endpoint.format: endpoint.path for endpoint in row.serves}
    assert (paths[Format.OPENAI_CHAT], paths[Format.OPENAI_EMBEDDINGS]) == ("/v1/chat/completions", "/e")


def test_a_row_in_its_own_words() -> None:
    serves = [
        {"format": "openai.chat", "path": "/ask", "models": ["m*"], "quirks": {"rename": {"seed": "random_seed"}}},
        {"format": "anthropic.messages", "path": "/talk"},
    ]
    said = {
        "serves": serves,
        "auth": {"type": "header", "name": "x-key", "prefix": "Key "},
        "headers": {"x-team": "search"},
        "quirks": {"drop": ["user"], "put": {"safe": True}},
        "models_path": "/list",
    }
    row = mine("https://x.example/api", **said).provider
    chat, messages = row.serves
    assert (chat.format, row.base_url + chat.path, chat.models) == (
        Format.OPENAI_CHAT,
        "https://x.example/api/v1/ask",
        ("m*",),
    )
    assert (messages.format, chat.quirks.rename) == (Format.ANTHROPIC_MESSAGES, {"seed": "random_seed"})
    assert (row.auth, row.headers) == (InHeader("x-key", "Key "), {"x-team": "search"})
    assert row.quirks == Quirks(drop=frozenset({"user"}), put={"safe": True})
    assert row.models_path == "/list"


def test_streams_may_have_a_path_of_their_own() -> None:
    said = {"chat_completion": "/c", "chat_completion_stream": "/s"}
    (chat, *_) = mine("https://x", request_path_overrides=said).provider.serves
    assert (chat.path, chat.stream_path) == ("/c", "/s")


def test_a_path_is_that_of_the_preferred_format() -> None:
    row = mine("https://x", base_provider_type="deepseek", request_path_overrides={"chat_completion": "/c"}).provider
    paths = {endpoint.format: endpoint.path for endpoint in row.serves}
    assert (paths[Format.OPENAI_CHAT], paths[Format.ANTHROPIC_MESSAGES]) == ("/c", "/anthropic/v1/messages")


@pytest.mark.parametrize(
    ("name", "written", "meant"),
    [
        ("deepseek", "https://d.example", "https://d.example/chat/completions"),
        ("deepseek", "https://d.example/v1", "https://d.example/chat/completions"),
        ("moonshot", "https://m.example/v1", "https://m.example/v1/chat/completions"),
        ("zai", "https://z.example/api/paas/v4", "https://z.example/api/paas/v4/chat/completions"),
        ("zai", "https://z.example/api", "https://z.example/api/paas/v4/chat/completions"),
        ("novita", "https://n.example/openai/v1", "https://n.example/openai/v1/chat/completions"),
        ("groq", "https://g.example/openai", "https://g.example/openai/v1/chat/completions"),
        ("deepinfra", "https://i.example/v1/openai", "https://i.example/v1/openai/chat/completions"),
        ("vllm", "http://10.0.0.7:8000", "http://10.0.0.7:8000/v1/chat/completions"),
    ],
)
def test_each_providers_base_url_may_be_written_both_ways(name: str, written: str, meant: str) -> None:
    row = only({name: {"keys": [{"value": "v"}], "network_config": {"base_url": written}}}).provider
    assert row.base_url + row.serves[0].path == meant


def test_a_path_for_what_is_not_served_yet_is_worth_a_notice() -> None:
    said = {"base_provider_type": "openai", "request_path_overrides": {"mcp_tool_execution": "/e"}, "is_key_less": True}
    network_config = {"base_url": "https://x"}
    document = {"providers": {"mine": {"network_config": network_config, "custom_provider_config": said}}}
    path = "providers.mine.custom_provider_config.request_path_overrides.mcp_tool_execution"
    assert notices(document) == (f"`{path}` is read by a later version; it has no effect now",)


def test_disable_store_is_a_quirk() -> None:
    assert openai(openai_config={"disable_store": True}).provider.quirks.put == {"store": False}
    assert openai(openai_config={}).provider.quirks.put == {}


# The environment instead of a file.


@pytest.mark.parametrize("document", [{}, {"providers": {}}, {"providers": None}, {"client": {}}])
def test_without_providers_the_environment_is_asked(document: dict[str, Any]) -> None:
    settings = settings_of(document, {"OPENAI_KEY": " sk-1 ", "UNKNOWN_API_KEY": "x"})
    assert settings.detected
    assert set(settings.providers) == {"local", "openai"}
    assert settings.providers["openai"].keys == (
        Key(id="OPENAI_KEY_auto_detected", name="OPENAI_KEY_auto_detected", value=Secret("sk-1")),
    )


def test_the_first_variable_that_is_set_counts() -> None:
    settings = settings_of({}, {"ANTHROPIC_API_KEY": "a", "ANTHROPIC_KEY": "b"})
    assert [key.value.reveal() for key in settings.providers["anthropic"].keys] == ["a"]


@pytest.mark.parametrize("url", ["https://p.example", "https://p.example/v1/"])
def test_base_urls_from_the_environment(url: str) -> None:
    settings = settings_of({}, {"ANTHROPIC_API_KEY": "a", "ANTHROPIC_BASE_URL": url})
    assert settings.providers["anthropic"].provider.base_url == "https://p.example/v1"
    assert settings.notices == (f"anthropic is asked at {url.rstrip('/')}, because ANTHROPIC_BASE_URL is set",)


def test_with_providers_the_environment_is_not_asked() -> None:
    env = {"ANTHROPIC_API_KEY": "a", "OPENAI_BASE_URL": "https://other"}
    settings = settings_of({"providers": {"openai": {"keys": [{"value": "v"}]}}}, env)
    assert set(settings.providers) == {"openai"}
    assert settings.providers["openai"].provider.base_url == CATALOG["openai"].base_url
    assert not settings.detected


# The rest.


def test_the_rest() -> None:
    settings = settings_of(
        {
            "$schema": "anything",
            "client": {"max_request_body_size_mb": 5, "initial_pool_size": 300},
            "asbru": {"public_url": "https://ai.example/", "batch": {"concurrency": 3, "expiry_in_seconds": 60}},
        },
        {},
    )
    assert settings.client.max_request_body_size == 5 << 20
    assert (settings.batch.concurrency, settings.batch.expiry) == (3, 60.0)
    assert settings.public_url == "https://ai.example"
    assert settings.notices == ()


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"vector_store": {"enabled": True}}, "vector_store"),
        ({"plugins": [{"name": "x"}]}, "plugins"),
        ({"logs_store": {"retention_days": 3}}, "logs_store.retention_days"),
        ({"client": {"drop_excess_requests": True}}, "client.drop_excess_requests"),
        ({"client": {"disable_content_logging": False}}, "client.disable_content_logging"),
        ({"providers": {"local": {"pricing_overrides": [{}]}}}, "providers.local.pricing_overrides"),
    ],
)
def test_what_comes_later_is_worth_a_notice(document: dict[str, Any], path: str) -> None:
    assert notices(document) == (f"`{path}` is read by a later version; it has no effect now",)


@pytest.mark.parametrize("name", ["guardrails_config", "saml_config"])
def test_what_would_keep_people_out_says_that_it_does_not(name: str) -> None:
    assert notices({name: {"x": 1}}) == (
        f"`{name}` is read by a later version; it has no effect now: nobody is kept out by it",
    )


@pytest.mark.parametrize(
    "document",
    [
        {"governance": {}, "mcp": None, "plugins": [], "encryption_key": "", "version": 2},
        {"client": {"drop_excess_requests": False, "disable_content_logging": True, "prometheus_labels": []}},
        {"providers": {"local": {"send_back_raw_request": False, "status": "active", "keys": None}}},
    ],
)
def test_what_asks_for_nothing_is_worth_none(document: dict[str, Any]) -> None:
    assert notices(document) == ()


def test_a_provider_of_a_later_version_is_left_out_with_a_notice() -> None:
    settings = settings_of({"providers": {"runway": {"keys": [{"value": "env.NOPE"}]}, "local": {}}}, {})
    assert set(settings.providers) == {"local"}
    assert settings.notices == ("`providers.runway` is read by a later version; requests to runway will be refused",)


def test_what_routing_gets() -> None:
    settings = settings_of(
        {
            "providers": {
                "openai": {
                    "keys": [{"value": "v"}],
                    "network_config": {"max_retries": 7, "retry_backoff_initial": 100},
                },
                "local": {},
            }
        },
        {},
    )
    table = table_of(settings)
    route = table.providers["openai"]
    assert (route.name, route.keys, route.keyless) == ("openai", settings.providers["openai"].keys, False)
    assert (route.max_retries, route.backoff_initial, route.backoff_max) == (7, 0.1, 5.0)
    assert table.providers["local"].keyless
    assert table.known == set(CATALOG)


def test_placed() -> None:
    settings = settings_of({}, {})
    there = placed(settings, "local", "http://127.0.0.1:5/v1")
    assert there.providers["local"].provider.base_url == "http://127.0.0.1:5/v1"
    assert placed(settings, "local", "").providers == {}
    assert placed(settings, "nobody", "http://x") == settings


@pytest.mark.parametrize("address", ["http://127.0.0.1:5/v1", ""])
def test_a_local_provider_with_an_address_of_its_own_keeps_it(address: str) -> None:
    settings = settings_of({"providers": {"local": {"network_config": {"base_url": "http://127.0.0.1:9"}}}}, {})
    assert placed(settings, "local", address) == settings


def test_nothing_secret_is_printed() -> None:
    settings: Settings = settings_of(
        {
            "providers": {
                "openai": {
                    "keys": [{"value": "hidden"}],
                    "network_config": {"extra_headers": {"authorization": "hidden"}},
                    "proxy_config": {"type": "http", "url": "http://me:hidden@p:1"},
                }
            }
        },
        {},
    )
    assert "hidden" not in repr(settings)
    assert "authorization" in repr(settings)

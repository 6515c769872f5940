# ruff: noqa: E501
# One case per line, as in a table.
"""What is wrong with a configuration is said: where, why, and what was probably meant."""

import json
from pathlib import Path
from typing import Any

import pytest

from asbru.config import ConfigError, load, settings_of
from asbru.config.custom import BASES
from asbru.providers import CATALOG

ENV = {"KEY": "sk-secret", "PEM": "-----BEGIN CERTIFICATE-----"}
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"


def offences(document: object, env: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        settings_of(document, ENV if env is None else env)
    return [str(offence) for offence in caught.value.offences]


def openai(**members: Any) -> dict[str, Any]:
    return {"providers": {"openai": {"keys": [{"value": "env.KEY"}], **members}}}


def keys(*shapes: Any) -> dict[str, Any]:
    return {"providers": {"openai": {"keys": list(shapes)}}}


def custom(base_url: str | None = "https://x.example", **members: Any) -> dict[str, Any]:
    network = {} if base_url is None else {"network_config": {"base_url": base_url}}
    said = {"base_provider_type": "openai", "is_key_less": True, **members}
    return {"providers": {"mine": {**network, "custom_provider_config": said}}}


ORIGIN = "must be an origin such as https://app.example.com or https://*.example.com, or *"
ADDRESS = "must be an address such as https://api.example.com"
TYPES = [
    ([], "must be an object, not a list"),
    ({"clinet": {}}, 'clinet: unknown field, did you mean "client"?'),
    ({"governence": {}}, 'governence: unknown field, did you mean "governance"?'),
    ({"zzzzzz": 1}, "zzzzzz: unknown field"),
    ({"client": 3}, "client: must be an object, not a number"),
    ({"client": {"max_request_body_size_mb": "100"}}, "client.max_request_body_size_mb: must be a whole number, not a text"),
    ({"client": {"max_request_body_size_mb": 1.5}}, "client.max_request_body_size_mb: must be a whole number, not one with a fraction"),
    ({"client": {"max_request_body_size_mb": True}}, "client.max_request_body_size_mb: must be a whole number, not true or false"),
    *(
        ({"client": {"allowed_origins": ["*", word]}}, f"client.allowed_origins[1]: {ORIGIN}")
        for word in ("", "example.com", "https://", "https://example.com/", "https://a.*.com", "https://*", "ftp://a.com", "https://a_b.com")
    ),
    ({"client": {"max_request_body_size_mb": 0}}, "client.max_request_body_size_mb: must be from 1 to 1000000, not 0"),
    ({"providers": []}, "providers: must be an object, not a list"),
    ({"providers": {"openai": []}}, "providers.openai: must be an object, not a list"),
    (openai(keys={}), "providers.openai.keys: must be a list, not an object"),
    (openai(network_config={"extra_headers": []}), "providers.openai.network_config.extra_headers: must be an object, not a list"),
    (openai(network_config={"extra_headers": {"x": None}}), "providers.openai.network_config.extra_headers.x: must be a text, not null"),
    (keys({"value": "v", "models": [None]}), "providers.openai.keys[0].models[0]: must be a text, not null"),
    ({"providers": {"openai": None}}, "providers.openai: must be an object, not null"),
    (keys({"value": "v", "name": "\ud800"}), "providers.openai.keys[0].name: has half of a character (an unpaired surrogate)"),
    (keys("sk-1"), "providers.openai.keys[0]: must be an object, not a text"),
    (keys({"value": 3}), "providers.openai.keys[0].value: must be a text, not a number"),
    (keys({"value": "v", "weight": -1}), "providers.openai.keys[0].weight: must be from 0 to 1000000, not -1"),
    (keys({"value": "v", "weight": "1"}), "providers.openai.keys[0].weight: must be a number, not a text"),
    (keys({"value": "v", "wieght": 1}), 'providers.openai.keys[0].wieght: unknown field, did you mean "weight"?'),
    (keys({"value": "v", "models": "gpt"}), "providers.openai.keys[0].models: must be a list, not a text"),
    (keys({"value": "v", "models": ["a", 3]}), "providers.openai.keys[0].models[1]: must be a text, not a number"),
    (keys({"value": {"valeu": "v"}}), 'providers.openai.keys[0].value.valeu: unknown field, did you mean "value"?'),
    (openai(network_config={"max_retry": 3}), 'providers.openai.network_config.max_retry: unknown field, did you mean "max_retries"?'),
    (openai(network_config={"max_conns_per_host": 0}), "providers.openai.network_config.max_conns_per_host: must be from 1 to 10000, not 0"),
    (
        openai(network_config={"stream_idle_timeout_in_seconds": 0}),
        "providers.openai.network_config.stream_idle_timeout_in_seconds: must be above 0 to 86400, not 0",
    ),
    ({"asbru": {"batch": {"concurrency": 0}}}, "asbru.batch.concurrency: must be from 1 to 10000, not 0"),
    ({"asbru": {"public_url": "ai.example.com"}}, f"asbru.public_url: {ADDRESS}"),
]  # fmt: skip

KEYS = [
    (keys({"value": "env.NOPE"}), "providers.openai.keys[0].value: environment variable NOPE is not set"),
    (keys({"value": "v"}, {"value": "env.NOPE"}), "providers.openai.keys[1].value: environment variable NOPE is not set"),
    (keys({"value": {"env_var": "env.NOPE", "from_env": True}}), "providers.openai.keys[0].value: environment variable NOPE is not set"),
    (keys({"value": {"env_var": "NOPE"}}), "providers.openai.keys[0].value: environment variable NOPE is not set"),
    (keys({"value": "env."}), "providers.openai.keys[0].value: env. without a variable's name"),
    (keys({}), "providers.openai.keys[0].value: is missing; write the key, or env.NAME, or set enabled to false"),
    (keys({"value": "sk-a\r\nx: y"}), "providers.openai.keys[0].value: must be printable ASCII on one line"),
    (
        keys({"value": "sk-a" + "*" * 24 + "wxyz"}),
        "providers.openai.keys[0].value: is a masked value, as the management API shows it; write the value itself, or env.NAME",
    ),
    (keys({"value": "v", "models": ["*", "m"]}), 'providers.openai.keys[0].models: has "*", which means every model, together with names'),
    (keys({"value": "v", "blacklisted_models": [""]}), "providers.openai.keys[0].blacklisted_models: has an empty name"),
    (keys({"value": "v", "name": "a"}, {"value": "w", "name": "a", "id": "2"}), "providers.openai.keys[1].name: is the same as that of providers.openai.keys[0]: 'a'"),
    (keys({"value": "v", "name": "a\nb"}), "providers.openai.keys[0].name: must be printable and on one line"),
    (keys({"value": "v", "id": "a"}, {"value": "w", "id": "a"}), "providers.openai.keys[1].id: is the same as that of providers.openai.keys[0]: 'a'"),
]  # fmt: skip

NETWORK = [
    ({"base_url": "api.openai.com"}, f"base_url: {ADDRESS}"),
    ({"base_url": "ftp://x"}, f"base_url: {ADDRESS}"),
    ({"base_url": "https:///v1"}, f"base_url: {ADDRESS}"),
    ({"base_url": "https://a b/"}, f"base_url: {ADDRESS}"),
    ({"base_url": "https://x:99999"}, "base_url: is not a URL"),
    ({"base_url": "https://x/?a=b"}, "base_url: must not have a query or a fragment"),
    ({"base_url": "https://me:pw@x/"}, "base_url: must not hold a user name or password; keys and proxies have their own members"),
    ({"extra_headers": {"x y": "1"}}, "extra_headers.x y: is not a header's name"),
    ({"extra_headers": {"Host": "h"}}, "extra_headers.Host: is set by the gateway itself"),
    ({"extra_headers": {"x-a": "1\r\nx-b: 2"}}, "extra_headers.x-a: must be printable ASCII on one line"),
    ({"extra_headers": {"x-a": "env.NOPE"}}, "extra_headers.x-a: environment variable NOPE is not set"),
    ({"retry_backoff_initial": 1, "retry_backoff_initial_ms": 2}, "retry_backoff_initial: is said twice: here and as retry_backoff_initial_ms; both are milliseconds"),
    ({"retry_backoff_initial": 900, "retry_backoff_max": 800}, "retry_backoff_initial: must not be longer than retry_backoff_max"),
    ({"insecure_skip_verify": True, "ca_cert_pem": PEM}, "insecure_skip_verify: contradicts ca_cert_pem: either trust that certificate, or any"),
    ({"ca_cert_pem": "/etc/ssl/ca.pem"}, "ca_cert_pem: must hold certificates in PEM form (-----BEGIN CERTIFICATE-----)"),
    ({"enforce_http2": True}, "enforce_http2: must be false: providers are asked over HTTP/1.1, which all of them speak"),
]  # fmt: skip

PROXY = [
    ({"type": "socks5", "url": "socks5://x"}, "type: socks5 is not supported: use an HTTP proxy (http, or environment)"),
    ({"type": "htp"}, 'type: must be one of none, http, environment, did you mean "http"?'),
    ({"type": "http"}, "url: is missing"),
    ({"type": "http", "url": "https://p:1"}, "url: must be an address such as http://proxy.example.com:3128; no other kind of proxy is supported"),
    ({"type": "http", "url": "http://p:port"}, "url: is not a URL"),
    ({"type": "http", "url": "http://p", "password": "env.NOPE"}, "password: environment variable NOPE is not set"),
]  # fmt: skip

AT = "providers.mine.custom_provider_config"
CUSTOM = [
    (custom(base_provider_type=""), f"{AT}.base_provider_type: is missing; it must be one of {', '.join(BASES)}"),
    (custom(base_provider_type="zzz"), f"{AT}.base_provider_type: must be a built-in provider ({', '.join(BASES)})"),
    (custom(base_provider_type="opnai"), f'{AT}.base_provider_type: must be a built-in provider, did you mean "openai"?'),
    (custom(None), "providers.mine.network_config.base_url: is missing; a custom provider needs its address"),
    (custom(allowed_requests={"chat": True}), f"{AT}.allowed_requests.chat: unknown request type"),
    (custom(allowed_requests={"chat_completions": True}), f'{AT}.allowed_requests.chat_completions: unknown request type, did you mean "chat_completion"?'),
    (custom(allowed_requests={"chat_completion": 1}), f"{AT}.allowed_requests.chat_completion: must be true or false, not a number"),
    (custom(request_path_overrides={"chat": "/x"}), f"{AT}.request_path_overrides.chat: unknown request type"),
    (custom(request_path_overrides={"chat_completion": "/a b"}), f"{AT}.request_path_overrides.chat_completion: must be a path such as /v1/chat/completions, or a full URL"),
    (custom(request_path_overrides={"chat_completion": "https://y.example/a"}), f"{AT}.request_path_overrides.chat_completion: must be on the host of base_url; another host is another provider"),
    (custom(request_path_overrides={"chat_completion": "/{x}/a"}), f"{AT}.request_path_overrides.chat_completion: must be a path such as /v1/chat/completions, or a full URL"),
    (custom(serves=[{"format": "openai.chatt", "path": "/x"}]), f"{AT}.serves[0].format: invalid enum value 'openai.chatt', did you mean \"openai.chat\"?"),
    (custom(serves=[{"format": "openai.chat", "pth": "/x"}]), f'{AT}.serves[0]: object contains unknown field `pth`, did you mean "path"?'),
    (custom(serves=[{"format": "openai.chat"}]), f'{AT}.serves[0]: object missing required field `path`, did you mean "path"?'),
    (custom(serves=[{"format": "openai.chat", "path": "x"}]), f"{AT}.serves[0].path: must be a path such as /v1/chat/completions"),
    (custom(serves=[]), f"{AT}.serves: must name at least one format and its path"),
    (custom(auth={"type": "haeder", "name": "x"}), f"{AT}.auth.type: invalid value 'haeder', did you mean \"header\"?"),
    (custom(auth={"type": "header", "name": "x y"}), f"{AT}.auth.name: must be the name of a header or of a parameter"),
    (custom(quirks={"drop": "user"}), f"{AT}.quirks.drop: expected `array`, got `str`"),
    (custom(headers={"x y": "1"}), f"{AT}.headers.x y: is not a header's name"),
    (custom(models_path="models"), f"{AT}.models_path: must be a path such as /models"),
    ({"providers": {"openai": {"custom_provider_config": {"base_provider_type": "openai"}}}}, "providers.openai.custom_provider_config: openai is built in; a provider of your own needs another name"),
    ({"providers": {"a/b": {"network_config": {"base_url": "https://x"}, "custom_provider_config": {"base_provider_type": "openai"}}}}, "providers.a/b: a provider's name must consist of letters, digits, dots, dashes and underscores"),
    ({"providers": {"opnai": {}}}, 'providers.opnai: unknown provider, did you mean "openai"?; one of your own needs custom_provider_config'),
    ({"providers": {"zzz": {}}}, f"providers.zzz: unknown provider (built in: {', '.join(CATALOG)}); one of your own needs custom_provider_config"),
    (openai(concurrency_and_buffer_size={"concurrency": 10, "buffer_size": 9}), "providers.openai.concurrency_and_buffer_size.concurrency: must not be greater than buffer_size"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "offence"), [*TYPES, *KEYS, *CUSTOM])
def test_offence(document: object, offence: str) -> None:
    assert offences(document) == [offence]


@pytest.mark.parametrize(("network", "offence"), NETWORK)
def test_network_offence(network: dict[str, Any], offence: str) -> None:
    assert offences(openai(network_config=network)) == [f"providers.openai.network_config.{offence}"]


@pytest.mark.parametrize(("proxy", "offence"), PROXY)
def test_proxy_offence(proxy: dict[str, Any], offence: str) -> None:
    assert offences(openai(proxy_config=proxy)) == [f"providers.openai.proxy_config.{offence}"]


KEY = {"name": "k", "value": "sk-bf-of-this-test"}
PEOPLE: list[tuple[dict[str, Any], str]] = [
    ({"virtual_keys": [{"value": "x"}]}, "virtual_keys[0].name: must be said"),
    (
        {"virtual_keys": [{"name": "k"}]},
        "virtual_keys[0].value: must be the key that callers show, such as sk-bf-… or env.NAME",
    ),
    (
        {"virtual_keys": [{"name": "k", "value": "env.NOPE"}]},
        "virtual_keys[0].value: environment variable NOPE is not set",
    ),
    ({"virtual_keys": [KEY, KEY]}, "virtual_keys[1].name: is that of virtual_keys[0] already"),
    ({"virtual_keys": [{**KEY, "budget_id": "b"}]}, "virtual_keys[0].budget_id: there is no such id: 'b'"),
    ({"virtual_keys": [{**KEY, "team_id": "t"}]}, "virtual_keys[0].team_id: is the id of no team here"),
    (
        {"virtual_keys": [{**KEY, "provider_configs": [{}]}]},
        "virtual_keys[0].provider_configs[0].provider: must be a provider's name",
    ),
    ({"teams": [{"name": "t", "customer_id": "c"}]}, "teams[0].customer_id: is the id of no customer here"),
    ({"budgets": [{"id": "b"}]}, "budgets[0].max_limit: must be an amount of dollars"),
    ({"budgets": [{"id": "b", "max_limit": -1}]}, "budgets[0].max_limit: must be from 0 to 1000000000, not -1"),
    (
        {"budgets": [{"id": "b", "max_limit": 1, "reset_duration": "1x"}]},
        "budgets[0].reset_duration: must be a duration such as 30s, 1h, 1d, 1w, 1M or 1Y, this is '1x'",
    ),
    ({"rate_limits": [{"id": "r"}]}, "rate_limits[0]: needs token_max_limit or request_max_limit"),
    ({"virtual_keyz": []}, 'virtual_keyz: unknown field, did you mean "virtual_keys"?'),
    (
        {"auth_config": {"is_enabled": True, "admin_password": "long enough"}},
        "auth_config.admin_username: must be a name without a colon",
    ),
    (
        {"auth_config": {"is_enabled": True, "admin_username": "ada", "admin_password": "x"}},
        "auth_config.admin_password: must have at least 10 characters",
    ),
]


@pytest.mark.parametrize(("governance", "offence"), PEOPLE, ids=[text for _, text in PEOPLE])
def test_offences_in_governance(governance: dict[str, Any], offence: str) -> None:
    assert offences({"governance": governance}) == [f"governance.{offence}"]


def test_a_required_header_must_be_one() -> None:
    assert offences({"client": {"required_headers": ["x-a", "no header"]}}) == [
        "client.required_headers[1]: is not a header's name"
    ]


@pytest.mark.parametrize(
    ("env", "offence"),
    [
        ({"OPENAI_API_KEY": "sk-\n1"}, "OPENAI_API_KEY: must be printable ASCII on one line"),
        ({"OPENAI_API_KEY": "sk", "OPENAI_BASE_URL": "x"}, f"OPENAI_BASE_URL: {ADDRESS}"),
    ],
)
def test_mistakes_in_the_environment(env: dict[str, str], offence: str) -> None:
    assert offences({}, env) == [offence]


def test_all_mistakes_are_told_at_once_whatever_their_kind() -> None:
    document = {
        "clinet": {},
        "providers": {
            "openai": {
                "keys": [{"value": "env.NOPE", "wieght": 2}, 7, {"value": ""}],
                "network_config": {"max_retries": "2"},
            },
            "opnai": {},
            "mine": {"custom_provider_config": {"base_provider_type": "gemni"}},
        },
    }
    assert {line.partition(":")[0] for line in offences(document)} == {
        "clinet",
        "providers.openai.keys[0].wieght",
        "providers.openai.keys[0].value",
        "providers.openai.keys[1]",
        "providers.openai.keys[2].value",
        "providers.openai.network_config.max_retries",
        "providers.opnai",
        "providers.mine.custom_provider_config.base_provider_type",
    }


def test_a_mistake_hides_what_is_in_it_and_nothing_else() -> None:
    document = openai(keys=[{"value": "v", "wei": 1, "weights": 2}, {"value": {"valeu": 1}}])
    assert [line.partition(":")[0] for line in offences(document)] == [
        "providers.openai.keys[0].wei",
        "providers.openai.keys[0].weights",
        "providers.openai.keys[1].value.valeu",
    ]


def test_no_value_of_a_secret_is_told() -> None:
    document = openai(
        keys=[{"value": "sk-hidden\n"}],
        network_config={"extra_headers": {"authorization": "hidden\n"}, "base_url": "https://u:hidden@x"},
        proxy_config={"type": "http", "url": "http://u:hidden@p:x", "password": "hid**********den"},
    )
    assert "hid" not in "\n".join(offences(document))


@pytest.mark.parametrize(
    ("text", "offence"),
    [
        ("{", "is not JSON: Expecting property name enclosed in double quotes in line 1, column 2"),
        ('{"a": 1,\n}', "is not JSON: Illegal trailing comma before end of object in line 1, column 8"),
        ('{"client": {"x": NaN}}', "is not JSON: NaN is not a number"),
        ('{"providers": {"openai": {}, "openai": {}}}', 'is not clear: an object has the member "openai" twice'),
        ("[" * 100_000, "is nested too deeply"),
    ],
    ids=["cut", "comma", "nan", "twice", "deep"],
)
def test_what_is_not_json(tmp_path: Path, text: str, offence: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert str(caught.value).startswith(f"{path}: ")
    assert offence.partition(":")[0] in str(caught.value)
    assert len(caught.value.offences) == 1


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read: .*No such file"):
        load(tmp_path / "config.json", {})


def test_each_line_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"a": 1, "b": 2}))
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert str(caught.value) == f"{path}: a: unknown field\n{path}: b: unknown field"

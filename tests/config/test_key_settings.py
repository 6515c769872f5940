# ruff: noqa: E501
# One case per line, as in a table.
"""What keys have beside their value, in the file and in the environment."""

from typing import Any

import pytest

from asbru.config import ConfigError, ProviderSettings, describe, settings_of
from asbru.model.keys import Secret


def only(document: dict[str, Any], env: dict[str, str] | None = None) -> ProviderSettings:
    (each,) = settings_of({"providers": document}, env or {}).providers.values()
    return each


def offences(document: dict[str, Any], env: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        settings_of({"providers": document}, env or {})
    return [str(offence) for offence in caught.value.offences]


def test_each_vllm_server_has_its_address_and_its_model() -> None:
    keys = [
        {"vllm_key_config": {"url": "http://10.0.0.7:8000/v1/", "model_name": "qwen"}},
        {"value": "sk", "vllm_key_config": {"url": "env.URL"}},
    ]
    first, second = only({"vllm": {"keys": keys}}, {"URL": "http://10.0.0.8:8000"}).keys
    assert (first.settings, first.models, first.usable) == ({"url": "http://10.0.0.7:8000"}, ("qwen",), True)
    assert (second.settings, second.models, second.usable) == ({"url": "http://10.0.0.8:8000"}, (), True)


def test_deployments_say_what_a_key_serves() -> None:
    said = {"value": "hf", "huggingface_key_config": {"deployments": {"llama": "meta-llama/Llama-3:groq"}}}
    (key,) = only({"huggingface": {"keys": [said]}}).keys
    assert key.deployments == {"llama": "meta-llama/Llama-3:groq"}
    assert (key.allows("llama"), key.allows("other")) == (True, False)
    (key,) = only({"huggingface": {"keys": [{**said, "models": ["*"]}]}}).keys
    assert key.allows("other")


HF = {"value": "v", "huggingface_key_config": {}}
AT = "providers.vllm.keys[0].vllm_key_config"


@pytest.mark.parametrize(
    ("document", "offence"),
    [
        ({"vllm": {}}, "providers.vllm.network_config.base_url: is missing: write the server's address, or keys with vllm_key_config.url"),
        ({"vllm": {"keys": [{"value": "v"}]}}, f"{AT}.url: is missing; provider vllm is asked at an address that holds it"),
        ({"vllm": {"keys": [{"vllm_key_config": {"url": "x"}}]}}, f"{AT}.url: must be an address such as https://api.example.com"),
        ({"vllm": {"keys": [{"vllm_key_config": {"url": "env.NOPE"}}]}}, f"{AT}.url: environment variable NOPE is not set"),
        ({"vllm": {"keys": [{"vllm_key_config": {"urll": "x", "url": "http://x"}}]}}, f'{AT}.urll: unknown field, did you mean "url"?'),
        ({"vllm": {"keys": [{"vllm_key_config": {"url": "http://x/{y}"}}]}}, f"{AT}.url: has a character that an address cannot hold"),
        ({"openai": {"keys": [HF]}}, "providers.openai.keys[0].huggingface_key_config: is not for provider openai"),
        ({"vllm": {"keys": [{**HF, "vllm_key_config": {"url": "http://x"}}]}}, "providers.vllm.keys[0].huggingface_key_config: is not for provider vllm, whose keys have vllm_key_config"),
        ({"huggingface": {"keys": [{"value": "v", "huggingface_key_config": {"deployments": {"m": ""}}}]}}, "providers.huggingface.keys[0].huggingface_key_config.deployments: must map names of models to names of deployments"),
    ],
)  # fmt: skip
def test_offence(document: dict[str, Any], offence: str) -> None:
    assert offences(document) == [offence]


def test_a_disabled_key_needs_no_settings() -> None:
    (key,) = only({"vllm": {"keys": [{"enabled": False, "vllm_key_config": {"url": "env.NOPE"}}]}}).keys
    assert not key.usable


def test_a_base_url_stands_for_the_address_of_each_key() -> None:
    each = only({"vllm": {"network_config": {"base_url": "http://10.0.0.7:8000"}}})
    assert (each.provider.base_url, each.keys) == ("http://10.0.0.7:8000/v1", ())


def test_servers_are_found_by_their_address() -> None:
    settings = settings_of({}, {"OLLAMA_BASE_URL": "http://10.0.0.7:11434", "VLLM_API_KEY": "sk", "HF_TOKEN": "hf"})
    assert set(settings.providers) == {"huggingface", "local", "ollama"}
    assert settings.providers["ollama"].provider.base_url == "http://10.0.0.7:11434/v1"
    settings = settings_of({}, {"VLLM_BASE_URL": "http://localhost:8000", "VLLM_API_KEY": "sk"})
    assert settings.providers["vllm"].keys[0].value == Secret("sk")


def test_addresses_in_words() -> None:
    keys = [{"name": "one", "vllm_key_config": {"url": "http://10.0.0.7:8000"}}]
    lines = describe(settings_of({"providers": {"vllm": {"keys": keys}, "ollama": {}}}, {}))
    assert "Provider ollama: asked at http://localhost:11434/v1." in lines
    assert "Provider vllm: asked at the addresses of its keys." in lines
    assert "  Key one: 100 % of requests, all models, at http://10.0.0.7:8000/v1." in lines


# Azure.

AZURE = {
    "value": "az",
    "azure_key_config": {"endpoint": "https://r.openai.azure.com/", "deployments": {"gpt-4o": "prod"}},
}
ENTRA = {"endpoint": "https://r.openai.azure.com", "client_id": "c", "client_secret": "env.SECRET", "tenant_id": "t"}


def test_an_azure_key() -> None:
    (key,) = only({"azure": {"keys": [AZURE]}}).keys
    assert key.settings == {"endpoint": "https://r.openai.azure.com"}
    assert (key.deployments, key.models, key.usable) == ({"gpt-4o": "prod"}, ("gpt-4o",), True)


def test_an_application_of_entras() -> None:
    said = {**ENTRA, "scopes": ["https://ai.azure.com/.default"], "api_version": "v1"}
    env = {"SECRET": "hidden", "AZURE_AUTHORITY_HOST": "login.microsoftonline.us"}
    (key,) = only({"azure": {"keys": [{"azure_key_config": said}]}}, env).keys
    assert key.secrets == {"client_secret": Secret("hidden")}
    assert (key.usable, bool(key.value)) == (True, False)
    assert key.settings == {
        "endpoint": "https://r.openai.azure.com",
        "api_version": "v1",
        "client_id": "c",
        "tenant_id": "t",
        "scope": "https://ai.azure.com/.default",
        "authority": "https://login.microsoftonline.us",
    }


@pytest.mark.parametrize("behind", ["", "/", "/openai", "/openai/v1/", "/openai/deployments/x", "/anthropic"])
def test_what_people_copy_behind_an_azure_endpoint(behind: str) -> None:
    said = {"value": "az", "azure_key_config": {"endpoint": f"https://r.openai.azure.com{behind}"}}
    (key,) = only({"azure": {"keys": [said]}}).keys
    assert key.settings["endpoint"] == "https://r.openai.azure.com"


HERE = "providers.azure.keys[0]"


@pytest.mark.parametrize(
    ("key", "offence"),
    [
        ({"value": "az"}, f"{HERE}.azure_key_config.endpoint: is missing; provider azure is asked at an address that holds it"),
        ({"azure_key_config": {"endpoint": "https://x"}}, f"{HERE}.value: is missing; write the key, or env.NAME, or set enabled to false"),
        ({"value": "az", "azure_key_config": {"endpoint": "x.com"}}, f"{HERE}.azure_key_config.endpoint: must be an address such as https://api.example.com"),
        ({"value": "az", "azure_key_config": {"endpoint": "https://x", "client_id": "c", "tenant_id": "t"}}, f"{HERE}.azure_key_config.client_secret: is missing; client_id, client_secret, tenant_id go together"),
        ({"azure_key_config": {**ENTRA, "client_secret": "env.NOPE"}}, f"{HERE}.azure_key_config.client_secret: environment variable NOPE is not set"),
        ({"value": "az", "azure_key_config": {"endpiont": "https://x", "endpoint": "https://x"}}, f'{HERE}.azure_key_config.endpiont: unknown field, did you mean "endpoint"?'),
    ],
)  # fmt: skip
def test_azure_offence(key: dict[str, Any], offence: str) -> None:
    assert offence in offences({"azure": {"keys": [key]}})


def test_azure_is_found_in_the_environment() -> None:
    env = {"AZURE_OPENAI_API_KEY": "az", "AZURE_OPENAI_ENDPOINT": "https://r.openai.azure.com/"}
    (key,) = settings_of({}, env).providers["azure"].keys
    assert (key.name, key.value) == ("AZURE_OPENAI_API_KEY_auto_detected", Secret("az"))
    assert key.settings == {"endpoint": "https://r.openai.azure.com"}


def test_an_application_is_found_in_the_environment() -> None:
    application = {"AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s", "AZURE_TENANT_ID": "t"}
    (key,) = settings_of({}, {"AZURE_OPENAI_ENDPOINT": "https://r.example", **application}).providers["azure"].keys
    assert (key.usable, key.secrets) == (True, {"client_secret": Secret("s")})
    assert "azure" not in settings_of({}, application).providers


def test_a_key_without_its_address_is_left_out_with_a_notice() -> None:
    settings = settings_of({}, {"AZURE_OPENAI_API_KEY": "az"})
    assert set(settings.providers) == {"local"}
    missing = "AZURE_OPENAI_ENDPOINT or AZURE_API_BASE"
    assert settings.notices == (f"azure is left out: AZURE_OPENAI_API_KEY is set, but not {missing}",)


# Vertex AI.

ACCOUNT = '{"type": "service_account", "private_key": "hidden"}'


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-central1", "us-central1-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ],
)
def test_a_vertex_key(region: str, host: str) -> None:
    said = {"project_id": "p", "project_number": "1", "region": region, "auth_credentials": "env.ACCOUNT"}
    (key,) = only({"vertex": {"keys": [{"vertex_key_config": said}]}}, {"ACCOUNT": ACCOUNT}).keys
    assert key.settings == {"project_id": "p", "region": region, "host": host}
    assert (key.secrets, key.usable) == ({"auth_credentials": Secret(ACCOUNT)}, True)


VERTEX = "providers.vertex.keys[0].vertex_key_config"


@pytest.mark.parametrize(
    ("said", "offence"),
    [
        ({"region": "global"}, f"{VERTEX}.project_id: is missing; provider vertex is asked at an address that holds it"),
        ({"project_id": "p"}, f"{VERTEX}.region: is missing; provider vertex is asked at an address that holds it"),
        ({"project_id": "p", "region": "eu", "auth_credentials": "{}"}, f"{VERTEX}.auth_credentials: must be the JSON of Google's credentials, of type service_account or authorized_user; others are found by ADC"),
        ({"project_id": "p", "region": "eu", "auth_credentials": "/path.json"}, f"{VERTEX}.auth_credentials: must be the JSON of Google's credentials, of type service_account or authorized_user; others are found by ADC"),
    ],
)  # fmt: skip
def test_vertex_offence(said: dict[str, Any], offence: str) -> None:
    assert offences({"vertex": {"keys": [{"vertex_key_config": said}]}}) == [offence]


def test_vertex_is_found_in_the_environment() -> None:
    settings = settings_of({}, {"GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": "global"})
    (key,) = settings.providers["vertex"].keys
    assert (key.usable, key.settings["host"]) == (True, "aiplatform.googleapis.com")
    assert "vertex" not in settings_of({}, {"GOOGLE_CLOUD_PROJECT": "p"}).providers

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

"""Credentials do not show, and keys say which models they are for."""

import msgspec
import pytest

from asbru.model.keys import Key, Network, Secret

KEY = Key(id="1", name="main", value=Secret("hidden"))


def test_a_secret_shows_only_when_asked() -> None:
    secret = Secret("hidden")
    for text in (repr(secret), str(secret), f"{secret}", repr(KEY), repr(Network(proxy_password=secret))):
        assert "hidden" not in text
    assert secret.reveal() == "hidden"


def test_a_secret_cannot_be_encoded_by_accident() -> None:
    with pytest.raises(TypeError):
        msgspec.json.encode(KEY)


def test_secrets_compare_and_may_be_empty() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret("a")
    assert not Secret("")


def test_headers_values_do_not_show() -> None:
    text = repr(Network(base_url="https://x", extra_headers={"authorization": "hidden"}))
    assert "hidden" not in text
    assert "extra_headers=['authorization']" in text
    assert "base_url='https://x'" in text


@pytest.mark.parametrize(
    ("models", "but", "model", "allowed"),
    [
        ((), (), "m", True),
        (("*",), (), "m", True),
        (("m", "n"), (), "m", True),
        (("n",), (), "m", False),
        ((), ("m",), "m", False),
        (("m",), ("m",), "m", False),
        (("m",), ("*",), "m", False),
        ((), ("n",), "m", True),
    ],
)
def test_which_models_a_key_is_for(models: tuple[str, ...], but: tuple[str, ...], model: str, allowed: bool) -> None:
    key = Key(id="1", name="k", value=Secret("v"), models=models, blacklisted_models=but)
    assert key.allows(model) is allowed

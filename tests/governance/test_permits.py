"""What a virtual key may ask for."""

import itertools

import pytest

from asbru.governance import permitted
from asbru.model.failure import Refused
from asbru.model.people import NOBODY, Principal, ProviderConfig, VirtualKey


def _split(name: str, param: str) -> tuple[str, str]:
    prefix, slash, rest = name.partition("/")
    return (prefix, rest) if slash and prefix in ("openai", "anthropic", "groq") else ("", name)


def _who(*configs: ProviderConfig) -> Principal:
    return Principal("vk1", VirtualKey(id="vk1", name="k", digest="", provider_configs=configs))


OPENAI = ProviderConfig(id="a", provider="openai", allowed_models=("gpt-4o", "gpt-4o-mini"), weight=3)
ANTHROPIC = ProviderConfig(id="b", provider="anthropic", allowed_models=("*",), weight=1)
ASIDE = ProviderConfig(id="c", provider="groq", weight=None)


def _dice(*numbers: float) -> "itertools.cycle[float]":
    return itertools.cycle(numbers)


def _ask(who: Principal, *wanted: str, roll: float = 0.0) -> tuple[str, ...]:
    return permitted(who, wanted, _split, _dice(roll).__next__)


def test_without_a_key_or_without_configs_everything_is_as_asked() -> None:
    assert _ask(NOBODY, "openai/x", "groq/y") == ("openai/x", "groq/y")
    assert _ask(_who(), "openai/x") == ("openai/x",)


@pytest.mark.parametrize(
    ("wanted", "code", "message"),
    [
        ("groq/x", "provider_blocked", "Provider 'groq' is not allowed for this virtual key"),
        ("openai/o1", "model_blocked", "Model 'o1' is not allowed for this virtual key"),
    ],
)
def test_what_is_forbidden(wanted: str, code: str, message: str) -> None:
    with pytest.raises(Refused) as told:
        _ask(_who(OPENAI, ANTHROPIC), wanted)
    assert (told.value.status, told.value.code, told.value.message) == (403, code, message)


def test_a_forbidden_fallback_is_left_out() -> None:
    assert _ask(_who(OPENAI, ANTHROPIC), "openai/gpt-4o", "groq/x", "anthropic/c") == ("openai/gpt-4o", "anthropic/c")


@pytest.mark.parametrize(
    ("roll", "order"),
    [
        (0.0, ("openai/gpt-4o", "anthropic/gpt-4o")),
        (0.74, ("openai/gpt-4o", "anthropic/gpt-4o")),
        (0.76, ("anthropic/gpt-4o", "openai/gpt-4o")),
    ],
)
def test_a_model_without_a_provider_is_drawn_by_weight(roll: float, order: tuple[str, ...]) -> None:
    assert _ask(_who(OPENAI, ANTHROPIC, ASIDE), "gpt-4o", roll=roll) == order


def test_own_fallbacks_take_the_place_of_the_others() -> None:
    assert _ask(_who(OPENAI, ANTHROPIC), "gpt-4o", "anthropic/c") == ("openai/gpt-4o", "anthropic/c")


def test_a_model_that_no_config_serves_is_refused() -> None:
    with pytest.raises(Refused, match="Model 'zzz' is not allowed"):
        _ask(_who(OPENAI, ASIDE), "zzz")

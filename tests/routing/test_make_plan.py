"""Which targets a request gets, and in which order."""

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from asbru.model.failure import Refused
from asbru.model.keys import Key, Secret
from asbru.routing import Plan, ProviderRoute, Table, Target, make_plan


def key(
    name: str,
    weight: float = 1.0,
    models: tuple[str, ...] = (),
    *,
    not_models: tuple[str, ...] = (),
    value: str = "v",
    enabled: bool = True,
    batch: bool = True,
) -> Key:
    return Key(
        id=name,
        name=name,
        value=Secret(value),
        weight=weight,
        models=models,
        blacklisted_models=not_models,
        enabled=enabled,
        use_for_batch_api=batch,
    )


def table(**routes: ProviderRoute) -> Table:
    return Table(routes, known=frozenset({"openai", "anthropic", "gone"}))


def route(*keys: Key, keyless: bool = False, allowed: frozenset[str] | None = None) -> ProviderRoute:
    return ProviderRoute(name="openai", keys=keys, keyless=keyless, allowed_requests=allowed)


def names(plan: Plan) -> list[list[str]]:
    return [[target.key.name if target.key else "-" for target in leg.targets] for leg in plan.legs]


def plan_of(wanted: Sequence[str], routes: Table, operation: str = "chat_completion") -> Plan:
    return make_plan(wanted, "", routes, lambda: 0.0, operation)


ONE = route(key("a"))


@pytest.mark.parametrize(
    ("keys", "rolls", "order"),
    [
        ([key("a")], [], ["a"]),
        ([key("a", 1), key("b", 3)], [0.0, 0.0], ["a", "b"]),
        ([key("a", 1), key("b", 3)], [0.249, 0.0], ["a", "b"]),
        ([key("a", 1), key("b", 3)], [0.25, 0.0], ["b", "a"]),
        ([key("a", 1), key("b", 3)], [0.999, 0.999], ["b", "a"]),
        ([key("a", 0), key("b", 3)], [0.0, 0.0], ["b", "a"]),
        ([key("a", 0), key("b", 0)], [0.5, 0.0], ["b", "a"]),
        ([key("a", 0), key("b", 0)], [0.49, 0.0], ["a", "b"]),
        ([key("a", 2), key("b", 0), key("c", 2)], [0.5, 0.0, 0.0], ["c", "a", "b"]),
    ],
)
def test_keys_are_drawn_by_weight(keys: list[Key], rolls: list[float], order: list[str]) -> None:
    dice = iter(rolls)
    plan = make_plan(["openai/m"], "", table(openai=route(*keys)), lambda: next(dice))
    assert names(plan) == [order]


def test_first_keys_follow_the_weights() -> None:
    dice = random.Random(7).random
    routes = table(openai=route(key("a", 0.7), key("b", 0.2), key("c", 0.1)))
    first = Counter(names(make_plan(["openai/m"], "", routes, dice))[0][0] for _ in range(20_000))
    assert {name: round(count / 20_000, 2) for name, count in first.items()} == {"a": 0.7, "b": 0.2, "c": 0.1}


@pytest.mark.parametrize(
    ("keys", "order"),
    [
        ([key("a", models=("m",)), key("b", models=("n",))], ["a"]),
        ([key("a", models=("*",)), key("b", models=("n",))], ["a"]),
        ([key("a", not_models=("m",)), key("b")], ["b"]),
        ([key("a", models=("m",), not_models=("*",)), key("b")], ["b"]),
        ([key("a", enabled=False), key("b")], ["b"]),
        ([key("a", value=""), key("b")], ["b"]),
    ],
)
def test_only_keys_that_may_be_used(keys: list[Key], order: list[str]) -> None:
    assert names(plan_of(["openai/m"], table(openai=route(*keys)))) == [order]


def test_a_keyless_provider_is_asked_without_a_key() -> None:
    plan = plan_of(["openai/m"], table(openai=route(keyless=True)))
    assert plan.legs[0].targets == (Target("openai", "m", None),)


def test_a_keyless_provider_uses_its_keys_when_it_has_some() -> None:
    assert names(plan_of(["openai/m"], table(openai=route(key("a"), keyless=True)))) == [["a"]]


def test_fallbacks_follow_in_order_with_their_own_patience() -> None:
    other = ProviderRoute(name="local", keyless=True, max_retries=0, backoff_initial=0.1, backoff_max=0.2)
    plan = make_plan(["m", "local/s"], "openai", table(openai=ONE, local=other), lambda: 0.0)
    assert [(leg.targets[0].provider, leg.targets[0].model, leg.max_retries) for leg in plan.legs] == [
        ("openai", "m", 2),
        ("local", "s", 0),
    ]
    assert (plan.legs[1].backoff_initial, plan.legs[1].backoff_max) == (0.1, 0.2)


@pytest.mark.parametrize(
    ("operation", "order"),
    [("chat_completion", ["a", "b"]), ("batch_create", ["b"]), ("file_upload", ["b"])],
)
def test_batch_operations_need_keys_made_for_them(operation: str, order: list[str]) -> None:
    routes = table(openai=route(key("a", batch=False), key("b")))
    assert names(plan_of(["openai/m"], routes, operation)) == [order]


@pytest.mark.parametrize(
    ("wanted", "routes", "operation", "message"),
    [
        (
            ["gone/m"],
            table(openai=ONE),
            "chat_completion",
            "no keys found for provider: gone and model: m (provider gone is not configured)",
        ),
        (
            ["openai/m"],
            table(openai=route(key("a", enabled=False))),
            "chat_completion",
            "no keys found for provider: openai and model: m (provider openai has no enabled key with a value)",
        ),
        (
            ["openai/m"],
            table(openai=route(key("a", models=("n",)))),
            "chat_completion",
            "no keys found that support model: m (see models and blacklisted_models of provider openai's keys)",
        ),
        (
            ["openai/m"],
            table(openai=route(key("a", batch=False))),
            "batch_create",
            "no config found for batch APIs. Please enable 'Use for Batch APIs' (use_for_batch_api)"
            " on a key of provider openai that serves m",
        ),
        (
            ["openai/m"],
            table(openai=route(key("a"), allowed=frozenset({"list_models"}))),
            "chat_completion_stream",
            "chat_completion_stream is not supported by openai provider: its allowed_requests leave it out",
        ),
    ],
)
def test_nothing_can_be_asked(wanted: list[str], routes: Table, operation: str, message: str) -> None:
    with pytest.raises(Refused) as caught:
        plan_of(wanted, routes, operation)
    assert (caught.value.status, caught.value.message, caught.value.param) == (400, message, "model")


def test_allowed_requests_let_the_named_ones_through() -> None:
    routes = table(openai=route(key("a"), allowed=frozenset({"chat_completion"})))
    assert names(plan_of(["openai/m"], routes)) == [["a"]]


@pytest.mark.parametrize(
    ("fallbacks", "param"),
    [(["nowhere"], "fallbacks.0"), (["openai/n", "opnai/m"], "fallbacks.1"), (["openai/"], "fallbacks.0")],
)
def test_a_fallback_that_cannot_be_read_is_refused_and_named(fallbacks: list[str], param: str) -> None:
    with pytest.raises(Refused) as caught:
        plan_of(["openai/m", *fallbacks], table(openai=ONE))
    assert caught.value.status == 400
    assert caught.value.param == param
    assert caught.value.message.startswith(f"{param}: ")


def test_a_wanted_model_without_a_key_is_left_out_while_another_can_be_asked() -> None:
    routes = table(openai=ONE, local=ProviderRoute(name="local", keyless=True))
    assert [leg.targets[0].provider for leg in plan_of(["gone/m", "local/s"], routes).legs] == ["local"]
    assert [leg.targets[0].provider for leg in plan_of(["local/s", "gone/m"], routes).legs] == ["local"]


def test_when_none_can_be_asked_the_first_problem_is_told() -> None:
    with pytest.raises(Refused, match="provider: gone and model: m"):
        plan_of(["gone/m", "anthropic/n"], table(openai=ONE))

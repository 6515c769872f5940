# One case per line, as in a table.
"""What Bedrock's keys have beside their value: access keys, roles, regions, deployments."""

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


PAIR = {"access_key": "AKIA1", "secret_key": "s3cret"}


def bedrock(config: dict[str, Any], **key: Any) -> dict[str, Any]:
    return {"bedrock": {"keys": [{"name": "b", "bedrock_key_config": config, **key}]}}


def test_a_bedrock_key_signs_with_what_it_has() -> None:
    (key,) = only(bedrock({**PAIR, "session_token": "env.TOKEN", "region": "eu-north-1"}), {"TOKEN": "t0ken"}).keys
    assert key.secrets == {
        "access_key": Secret("AKIA1"),
        "secret_key": Secret("s3cret"),
        "session_token": Secret("t0ken"),
    }
    assert (key.settings, key.usable) == ({"region": "eu-north-1"}, True)
    (key,) = only(bedrock({}), {"AWS_REGION": "eu-west-1"}).keys
    assert (key.settings, key.secrets, key.usable) == ({"region": "eu-west-1"}, {}, True)
    (key,) = only({"bedrock": {"keys": [{"value": "bedrock-api-key"}]}}).keys
    assert (key.value, key.settings) == (Secret("bedrock-api-key"), {})


def test_bedrock_deployments_may_be_the_end_of_an_arn() -> None:
    whole = "arn:aws:bedrock:us-east-1:1:inference-profile/x"
    said = {
        "arn": "arn:aws:bedrock:us-east-1:1:application-inference-profile",
        "deployments": {"claude": "abc", "nova": whole},
    }
    (key,) = only(bedrock(said)).keys
    assert key.deployments == {"claude": f"{said['arn']}/abc", "nova": whole}
    assert "arn" not in key.settings


BEDROCK = "providers.bedrock.keys[0].bedrock_key_config"


@pytest.mark.parametrize(
    ("config", "offence"),
    [
        ({"access_key": "A"}, "secret_key: is missing; access_key and secret_key go together"),
        ({"secret_key": "A"}, "access_key: is missing; access_key and secret_key go together"),
        ({"session_token": "A"}, "access_key: is missing; access_key and secret_key go together"),
        ({**PAIR, "external_id": "x"}, "external_id: is for a role, and there is no role_arn"),
        ({**PAIR, "role_arn": "r"}, "role_arn: must begin with arn:"),
        ({**PAIR, "arn": "r"}, "arn: must begin with arn:"),
        ({**PAIR, "region": "Paris"}, "region: must be a region such as us-east-1"),
        ({**PAIR, "session_token": "a b"}, "session_token: must be printable ASCII without blanks"),
        ({"acces_key": "A"}, 'acces_key: unknown field, did you mean "access_key"?'),
    ],
)  # fmt: skip
def test_bedrock_offence(config: dict[str, Any], offence: str) -> None:
    assert offences(bedrock(config)) == [f"{BEDROCK}.{offence}"]


def test_bedrock_is_found_in_the_environment() -> None:
    env = {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "eu-north-1"}
    (key,) = settings_of({}, env).providers["bedrock"].keys
    assert (key.settings, sorted(key.secrets), key.usable) == (
        {"region": "eu-north-1"},
        ["access_key", "secret_key"],
        True,
    )
    (key,) = settings_of({}, {"AWS_BEARER_TOKEN_BEDROCK": "b", "AWS_REGION": "eu-west-1"}).providers["bedrock"].keys
    assert (key.value, key.settings) == (Secret("b"), {"region": "eu-west-1"})
    assert "bedrock" not in settings_of({}, {"AWS_REGION": "eu-west-1"}).providers


def test_bedrock_in_words_tells_no_secret() -> None:
    role = "arn:aws:iam::1:role/r"
    said = describe(settings_of({"providers": bedrock({**PAIR, "region": "eu-north-1", "role_arn": role})}, {}))
    at = "https://bedrock-runtime.eu-north-1.amazonaws.com"
    assert f"  Key b: 100 % of requests, all models, at {at}, signed with its access key as {role}." in said
    said += describe(settings_of({"providers": bedrock({})}, {}))
    assert any(line.endswith("signed with what AWS's credential chain finds.") for line in said)
    assert not any(word in line for line in said for word in ("AKIA1", "s3cret"))

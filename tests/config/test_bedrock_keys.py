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


ROLE = "arn:aws:iam::1:role/batch"


def test_a_bucket_for_batches() -> None:
    buckets = [{"bucket_name": "one"}, {"bucket_name": "env.B", "prefix": "/a/b/", "is_default": True}]
    said = {"batch_s3_config": {"buckets": buckets, "endpoint": "http://s3:9000/", "role_arn": ROLE}}
    (key,) = only(bedrock({**PAIR, **said}), {"B": "two"}).keys
    assert key.settings == {
        "batch_bucket": "two",
        "batch_prefix": "a/b/",
        "batch_role": ROLE,
        "batch_endpoint": "http://s3:9000",
    }
    (key,) = only(bedrock({**PAIR, "role_arn": ROLE, "batch_s3_config": {"buckets": [{"bucket_name": "one"}]}})).keys
    assert key.settings == {"role_arn": ROLE, "batch_bucket": "one", "batch_role": ROLE}
    (key,) = only(bedrock({**PAIR, "batch_s3_config": {}})).keys
    assert key.settings == {}


def test_a_bucket_without_a_role_is_worth_a_notice() -> None:
    said = bedrock({**PAIR, "batch_s3_config": {"buckets": [{"bucket_name": "one"}]}})
    (notice,) = settings_of({"providers": said}, {}).notices
    assert "no role_arn for Bedrock to open the bucket with: batches run live" in notice


@pytest.mark.parametrize(
    ("config", "offence"),
    [
        ({"buckets": [{"bucket_name": "A"}]}, "buckets[0].bucket_name: must be a bucket's name"),
        ({"buckets": [{}]}, "buckets[0].bucket_name: must be a bucket's name"),
        ({"buckets": [{"bucket_name": "one", "prefix": "a b"}]}, "buckets[0].prefix: has a character"),
        ({"buckets": [{"bucket_name": "one"}], "role_arn": "r"}, "role_arn: must begin with arn:"),
        ({"buckets": [{"bucket_name": "one"}], "endpoint": "s3"}, "endpoint: must begin with http:// or https://"),
    ],
)  # fmt: skip
def test_offences_of_buckets(config: dict[str, Any], offence: str) -> None:
    (found,) = offences(bedrock({**PAIR, "role_arn": ROLE, "batch_s3_config": {"role_arn": ROLE, **config}}))
    assert found.startswith(f"{BEDROCK}.batch_s3_config.{offence.partition(':')[0]}: ")
    assert "endpoint" in offence or offence in found


def test_buckets_of_callers() -> None:
    said = {"endpoint": "https://s3.example.com", "buckets": ["team-*", "x"], "region": "eu-north-1", **PAIR}
    found = settings_of({"asbru": {"s3": said}}, {}).s3
    assert found is not None
    assert (found.endpoint, found.buckets) == ("https://s3.example.com", ("team-*", "x"))
    assert found.key.settings == {"region": "eu-north-1"}
    assert found.key.secrets == {name: Secret(text) for name, text in PAIR.items()}
    assert settings_of({}, {}).s3 is None


@pytest.mark.parametrize(
    ("s3", "offence"),
    [
        ({}, "buckets: is missing; names, or patterns of names, that batches may use"),
        ({"buckets": ["a", "B!"]}, "buckets[1]: must be a bucket's name, or a pattern such as team-*"),
        ({"buckets": ["a"], "access_key": "A"}, "secret_key: is missing; access_key and secret_key go together"),
        ({"buckets": ["a"], "secret_key": "A"}, "access_key: is missing; access_key and secret_key go together"),
        ({"buckets": ["a"], **PAIR, "access_key": "env.NO"}, "access_key: environment variable NO is not set"),
    ],
)  # fmt: skip
def test_offences_of_buckets_of_callers(s3: dict[str, Any], offence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of({"asbru": {"s3": s3}}, {})
    assert [str(each) for each in caught.value.offences] == [f"asbru.s3.{offence}"]


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

"""Buckets: those of callers that batches may use (``asbru.s3``), and those that Bedrock's own jobs go through."""

import re

from asbru.config.address import http_url, text_of
from asbru.config.findings import Findings
from asbru.config.settings import S3Settings
from asbru.config.shape import BedrockShape, S3Shape
from asbru.model.keys import Key, Secret

_PATTERN = re.compile(r"[a-z0-9.*?\[\]-]{1,63}")
_BUCKET = re.compile(r"[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[-!_*'().a-z0-9A-Z/]*")
_SECRETS = ("access_key", "secret_key", "session_token")


def s3_of(said: S3Shape | None, findings: Findings) -> S3Settings | None:
    """The settings, None when there are none."""
    if said is None:
        return None
    path = "asbru.s3"
    if not said.buckets:
        findings.missing(f"{path}.buckets", "is missing; names, or patterns of names, that batches may use")
    for n, pattern in enumerate(said.buckets):
        if not _PATTERN.fullmatch(pattern):
            findings.refuse(f"{path}.buckets[{n}]", "must be a bucket's name, or a pattern such as team-*")
    secrets = {name: text_of(getattr(said, name), f"{path}.{name}", findings) for name in _SECRETS}
    secrets = {name: text for name, text in secrets.items() if text}
    if len(secrets.keys() & {"access_key", "secret_key"}) == 1:
        lacking = "secret_key" if "access_key" in secrets else "access_key"
        findings.missing(f"{path}.{lacking}", "is missing; access_key and secret_key go together")
    settings = {name: text_of(getattr(said, name), f"{path}.{name}", findings) for name in ("region", "role_arn")}
    endpoint = text_of(said.endpoint, f"{path}.endpoint", findings)
    return S3Settings(
        endpoint=http_url(endpoint, f"{path}.endpoint", findings) if endpoint else "",
        buckets=said.buckets,
        key=Key(
            id="s3",
            name="s3",
            value=Secret(""),
            settings={name: text for name, text in settings.items() if text},
            secrets={name: Secret(text) for name, text in secrets.items()},
            ambient=True,
        ),
    )


def depot_of(said: BedrockShape, path: str, findings: Findings) -> dict[str, str]:
    """The settings of a Bedrock key for batches: the default bucket, or the first; none without a bucket or a role."""
    config = said.batch_s3_config
    if config is None or not config.buckets:
        return {}
    n = next((n for n, each in enumerate(config.buckets) if each.is_default), 0)
    chosen, at = config.buckets[n], f"{path}.buckets[{n}]"
    name = text_of(chosen.bucket_name, f"{at}.bucket_name", findings)
    prefix = text_of(chosen.prefix, f"{at}.prefix", findings).strip("/")
    if not _BUCKET.fullmatch(name):
        findings.refuse(f"{at}.bucket_name", "must be a bucket's name")
    if not _PREFIX.fullmatch(prefix):
        findings.refuse(f"{at}.prefix", "has a character that Bedrock does not take in an address")
    role = text_of(config.role_arn or said.role_arn, f"{path}.role_arn", findings)
    if role and not role.startswith("arn:"):
        findings.refuse(f"{path}.role_arn", "must begin with arn:")
    if not role:
        findings.notice(f"{path} has no role_arn for Bedrock to open the bucket with: batches run live.")
    endpoint = text_of(config.endpoint, f"{path}.endpoint", findings)
    found = {
        "batch_bucket": name,
        "batch_prefix": f"{prefix}/" if prefix else "",
        "batch_role": role,
        "batch_endpoint": http_url(endpoint, f"{path}.endpoint", findings) if endpoint else "",
    }
    return {key: value for key, value in found.items() if value}

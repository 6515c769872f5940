"""``asbru.s3``: the buckets of callers that batches may read from and write to, and the credentials for these."""

import re

from asbru.config.address import http_url, text_of
from asbru.config.findings import Findings
from asbru.config.settings import S3Settings
from asbru.config.shape import S3Shape
from asbru.model.keys import Key, Secret

_PATTERN = re.compile(r"[a-z0-9.*?\[\]-]{1,63}")
_SECRETS = ("access_key", "secret_key", "session_token")


def s3_of(said: S3Shape | None, findings: Findings) -> S3Settings | None:
    """The settings, None when there are none."""
    if said is None:
        return None
    path = "asbru.s3"
    if not said.buckets:
        findings.missing(f"{path}.buckets", "is missing: names, or patterns of names, that batches may use")
    for n, pattern in enumerate(said.buckets):
        if not _PATTERN.fullmatch(pattern):
            findings.refuse(f"{path}.buckets.{n}", "must be a bucket's name, or a pattern such as team-*")
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

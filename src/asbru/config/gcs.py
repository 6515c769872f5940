"""The bucket of Google's that a Vertex AI key's batches go through (``vertex_key_config.batch_gcs_config``)."""

import re

from asbru.config.address import http_url, text_of
from asbru.config.findings import Findings
from asbru.config.shape import VertexShape

_BUCKET = re.compile(r"[a-z0-9][-._a-z0-9]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[-_.a-z0-9A-Z/]*")


def gcs_of(said: VertexShape, path: str, findings: Findings) -> dict[str, str]:
    """The settings of a key for batches; none without a bucket."""
    config = said.batch_gcs_config
    if config is None:
        return {}
    name = text_of(config.bucket_name, f"{path}.bucket_name", findings)
    prefix = text_of(config.prefix, f"{path}.prefix", findings).strip("/")
    if not _BUCKET.fullmatch(name):
        findings.refuse(f"{path}.bucket_name", "must be a bucket's name")
    if not _PREFIX.fullmatch(prefix):
        findings.refuse(f"{path}.prefix", "has a character that an address cannot hold")
    endpoint = text_of(config.endpoint, f"{path}.endpoint", findings)
    found = {
        "batch_gcs_bucket": name,
        "batch_gcs_prefix": f"{prefix}/" if prefix else "",
        "batch_gcs_endpoint": http_url(endpoint, f"{path}.endpoint", findings) if endpoint else "",
    }
    return {key: value for key, value in found.items() if value}

"""What the tables of routes are made from, and how a table is put below a prefix."""

from collections.abc import Iterable

from msgspec import Struct

from asbru.batch import BatchService
from asbru.batch.control import BatchControl
from asbru.edge.bedrock_jobs import BedrockJobs
from asbru.edge.files import FileService
from asbru.edge.inference import Inference
from asbru.edge.passthrough import PassRoutes
from asbru.edge.responses import Responses
from asbru.edge.routes import Mount
from asbru.edge.s3_files import S3Files
from asbru.gateway.models import ModelLists


class Parts(Struct, frozen=True, kw_only=True):
    """What answers. Each dialect's table picks what it needs. ``public_url``: where clients reach the gateway; "": the
    host they used.
    """

    inference: Inference
    lists: ModelLists
    batches: BatchService
    control: BatchControl
    files: FileService
    jobs: BedrockJobs
    s3_files: S3Files
    passed: PassRoutes
    responses: Responses
    public_url: str


def below(prefix: str, mounts: Iterable[Mount]) -> list[Mount]:
    """The rows with ``prefix`` before their paths."""
    return [Mount(mount.method, prefix + mount.path, mount.route) for mount in mounts]

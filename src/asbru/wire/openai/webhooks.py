"""Webhooks of batches as OpenAI writes them (platform.openai.com/docs/guides/webhooks), signed as Standard Webhooks are
(github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md): OpenAI's SDKs unwrap them.
"""

import base64
import hashlib
import hmac

import msgspec
from msgspec import Raw

from asbru.model.batches import Batch
from asbru.wire.openai.batches import ended_as, write_batch

_PREFIX = "whsec_"


def write_event(batch: Batch, id: str, at: float) -> bytes:
    """What is told of the end of a batch. ``at``: Unix seconds. ``data`` is the unified API's batch."""
    return msgspec.json.encode(
        {
            "id": id,
            "object": "event",
            "created_at": int(at),
            "type": f"batch.{ended_as(batch)}",
            "data": Raw(write_batch(batch, unified=True)),
        }
    )


def signing_key(secret: str) -> bytes:
    """The bytes of a secret: those after ``whsec_`` are base64, any other text is itself. Raises ValueError."""
    if secret.startswith(_PREFIX):
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    return secret.encode()


def signed(key: bytes, id: str, at: int, body: bytes) -> dict[str, str]:
    """The three headers."""
    mac = hmac.new(key, b"%b.%d.%b" % (id.encode(), at, body), hashlib.sha256).digest()
    return {
        "webhook-id": id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }

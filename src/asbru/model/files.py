"""Files that callers give us to keep, whatever dialect they speak."""

from collections.abc import Mapping

from msgspec import Struct


class File(Struct, frozen=True, kw_only=True):
    """``id`` is bare; each dialect writes it in its own form. Times are Unix seconds (``expires_at`` None: never).

    ``purpose``: OpenAI's word (batch, user_data, …), "" when the dialect has none. ``size`` in bytes. ``place``: bucket
    and key as S3 has them (``bucket/some/key``), "" for a file that was given to another dialect. ``metadata``: S3's.
    """

    id: str
    owner: str
    name: str
    size: int
    created_at: float
    purpose: str = ""
    media_type: str = ""
    expires_at: float | None = None
    place: str = ""
    metadata: Mapping[str, str] = {}

"""Files as Anthropic writes them (``anthropic.types.FileMetadata``, the beta of the era alike)."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from asbru.model.files import File

PAGE = "page_"
"""How a cursor of ``page`` begins (``anthropic.types.FileListParams``)."""

_PREFIX = "file_"
_encode = msgspec.json.Encoder().encode


def public_file_id(id: str) -> str:
    """The id of a file as clients of this dialect see it."""
    return _PREFIX + id


def write_file(file: File) -> bytes:
    """One file."""
    return _encode(_file(file))


def write_files(files: Sequence[File], has_more: bool) -> bytes:
    """A page of files: with the cursors of the era's SDK (``has_more``, ids) and of the newest (``next_page``)."""
    return _encode(
        {
            "data": [_file(file) for file in files],
            "has_more": has_more,
            "next_page": PAGE + public_file_id(files[-1].id) if has_more else None,
            "first_id": public_file_id(files[0].id) if files else None,
            "last_id": public_file_id(files[-1].id) if files else None,
        }
    )


def write_file_deleted(id: str) -> bytes:
    """The answer to a delete (``anthropic.types.DeletedFile``)."""
    return _encode({"id": public_file_id(id), "type": "file_deleted"})


def _file(file: File) -> dict[str, object]:
    return {
        "type": "file",
        "id": public_file_id(file.id),
        "filename": file.name,
        "mime_type": file.media_type or "application/octet-stream",
        "size_bytes": file.size,
        "created_at": _time(file.created_at),
        "expires_at": None if file.expires_at is None else _time(file.expires_at),
        "downloadable": True,
    }


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

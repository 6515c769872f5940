"""Files as OpenAI writes them (``openai.types.FileObject``)."""

from collections.abc import Sequence

import msgspec

from asbru.model.files import File

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
"""What a caller may say (``openai.types.FilePurpose``)."""

_PREFIX = "file-"
_encode = msgspec.json.Encoder().encode


def public_file_id(id: str) -> str:
    """The id of a file as clients of this dialect see it."""
    return _PREFIX + id


def bare_file_id(public: str) -> str:
    """Our id out of one that a client sent, in this dialect's form or another's; "" when it cannot be one of ours."""
    for prefix in (_PREFIX, "file_", "files/"):
        if public.startswith(prefix):
            return public.removeprefix(prefix)
    return ""


def write_file(file: File) -> bytes:
    """One file."""
    return _encode(_file(file))


def write_files(files: Sequence[File], has_more: bool) -> bytes:
    """A page of files."""
    return _encode(
        {
            "object": "list",
            "data": [_file(file) for file in files],
            "first_id": public_file_id(files[0].id) if files else None,
            "last_id": public_file_id(files[-1].id) if files else None,
            "has_more": has_more,
        }
    )


def write_file_deleted(id: str) -> bytes:
    """The answer to a delete (``openai.types.FileDeleted``)."""
    return _encode({"id": public_file_id(id), "object": "file", "deleted": True})


def _file(file: File) -> dict[str, object]:
    return {
        "id": public_file_id(file.id),
        "object": "file",
        "bytes": file.size,
        "created_at": int(file.created_at),
        "expires_at": None if file.expires_at is None else int(file.expires_at),
        "filename": file.name,
        "purpose": file.purpose or "user_data",
        "status": "processed",
        "status_details": None,
    }

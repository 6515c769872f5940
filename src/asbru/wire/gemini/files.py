"""Files as Google writes them (ai.google.dev/api/files; ``google.genai.types.File``).

Rule 1. A file is active at once: there is nothing to process. Uploaded ones can be read back too, where Google refuses.
Rule 2. Its hash is not told.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from asbru.model.files import File

LIFE = 48 * 3_600.0
"""Seconds that Google keeps a file."""

_PREFIX = "files/"
_RESERVED = ("batch-", "file-")
_ENDINGS = ("-input", "-output", "-errors")
"""How names of result files begin here and end in OpenAI's dialect."""
_CHOSEN = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_encode = msgspec.json.Encoder().encode


def bare_file_id(name: str) -> str:
    """Our id out of a name that a client sent, in this dialect's form or another's."""
    id = name.removeprefix(_PREFIX)
    return id[5:] if id.startswith(("file-", "file_")) else id


def chosen_id(name: str) -> str | None:
    """The id that a client chose for its file; None when it may not be called that."""
    id = name.removeprefix(_PREFIX)
    return id if _CHOSEN.fullmatch(id) and not id.startswith(_RESERVED) and not id.endswith(_ENDINGS) else None


def write_file(file: File, base: str) -> bytes:
    """One file. ``base``: where names are found (``https://…/v1beta/``)."""
    return _encode(_file(file, base))


def write_uploaded(file: File, base: str) -> bytes:
    """The answer to an upload."""
    return _encode({"file": _file(file, base)})


def write_files(files: Sequence[File], has_more: bool, base: str) -> bytes:
    """A page of files."""
    page: dict[str, object] = {"files": [_file(file, base) for file in files]}
    if has_more:
        page["nextPageToken"] = files[-1].id
    return _encode(page)


def _file(file: File, base: str) -> dict[str, object]:
    name = _PREFIX + file.id
    generated = file.id.startswith(_RESERVED)
    told: dict[str, object] = {
        "name": name,
        "displayName": file.name,
        "mimeType": file.media_type or "application/octet-stream",
        "createTime": _time(file.created_at),
        "updateTime": _time(file.created_at),
        "uri": base + name,
        "downloadUri": f"{base}{name}:download?alt=media",
        "state": "ACTIVE",
        "source": "GENERATED" if generated else "UPLOADED",
    }
    if not generated:
        told["sizeBytes"] = str(file.size)
    if file.expires_at is not None:
        told["expirationTime"] = _time(file.expires_at)
    return told


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

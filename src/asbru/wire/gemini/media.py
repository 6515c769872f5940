"""Images, sounds and documents: bytes (``inlineData``) and links (``fileData``), told apart by their media types."""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from asbru.model.chat import Audio, Document, Image, Part
from asbru.wire.gemini.proto import standard_base64

Json = dict[str, object]

_SOUNDS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav"}
_ENDINGS: Mapping[str, str] = MappingProxyType(
    {
        "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif",
        "heic": "image/heic", "heif": "image/heif", "bmp": "image/bmp", "avif": "image/avif",
        "pdf": "application/pdf", "txt": "text/plain", "md": "text/markdown", "html": "text/html", "htm": "text/html",
        "css": "text/css", "csv": "text/csv", "xml": "text/xml", "rtf": "text/rtf", "json": "application/json",
        "mp3": "audio/mp3", "wav": "audio/wav", "ogg": "audio/ogg", "flac": "audio/flac", "aac": "audio/aac",
        "aiff": "audio/aiff", "mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm", "mpeg": "video/mpeg",
        "mpg": "video/mpeg", "avi": "video/avi", "wmv": "video/wmv", "flv": "video/x-flv", "3gp": "video/3gpp",
    }
)  # fmt: skip
"""Media types by the ending of a link's name: what Gemini reads, and images that others do."""
_ANY_IMAGE = "image/jpeg"
_ANY_DOCUMENT = "application/pdf"


def read_blob(media_type: str, data: str, name: str = "") -> Part | None:
    """The part for inline bytes; None for kinds that the model has no word for (video)."""
    kind, _, subtype = media_type.partition("/")
    data = standard_base64(data)
    if kind == "image":
        return Image(media_type=media_type, data=data)
    if kind == "audio":
        return Audio(data=data, format=_SOUNDS.get(subtype, subtype))
    if kind == "video":
        return None
    return Document(media_type=media_type, data=data, name=name)


def read_link(uri: str, media_type: str, name: str) -> Part | None:
    """The part for a link. Files of Google's own (``files/…``, ``gs://``) are files by id: nobody else can fetch them.

    A media type is kept where the link's name does not say it.
    """
    kind = media_type.partition("/")[0] or guessed(uri).partition("/")[0]
    if kind in ("video", "audio"):
        return None
    stored = is_stored(uri)
    url, file_id = ("", uri) if stored else (uri, "")
    if kind == "image":
        return Image(url=url, file_id=file_id, media_type=_unlike(media_type, uri, _ANY_IMAGE))
    return Document(url=url, file_id=file_id, name=name, media_type=_unlike(media_type, uri, _ANY_DOCUMENT))


def is_stored(uri: str) -> bool:
    """Whether a URI names a file that lies with Google."""
    parts = urlsplit(uri) if uri.isprintable() and "[" not in uri else None
    if parts is None or parts.scheme not in ("http", "https"):
        return True
    return parts.hostname == "generativelanguage.googleapis.com"


def guessed(uri: str) -> str:
    """The media type that a link's name says; "" when it says none."""
    name = uri.partition("?")[0].partition("#")[0].rpartition("/")[2]
    return _ENDINGS.get(name.rpartition(".")[2].lower(), "") if "." in name else ""


def _unlike(media_type: str, uri: str, usual: str) -> str:
    return "" if media_type == (guessed(uri) or usual) else media_type


def write_image(part: Image) -> Json:
    """An image as the data member of a part."""
    if part.data:
        return {"inlineData": {"mimeType": part.media_type, "data": part.data}}
    uri = part.url or part.file_id
    return {"fileData": {"mimeType": part.media_type or guessed(uri) or _ANY_IMAGE, "fileUri": uri}}


def write_audio(part: Audio) -> Json:
    """A sound as the data member of a part."""
    return {"inlineData": {"mimeType": f"audio/{part.format}", "data": part.data}}


def write_document(part: Document) -> Json:
    """A document as the data member of a part; one of text is a text. Names are not for Google's public API."""
    if part.text:
        return {"text": part.text}
    if part.data:
        return {"inlineData": {"mimeType": part.media_type, "data": part.data}}
    uri = part.url or part.file_id
    return {"fileData": {"mimeType": part.media_type or guessed(uri) or _ANY_DOCUMENT, "fileUri": uri}}

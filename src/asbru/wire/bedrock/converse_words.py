"""The closed vocabularies of Converse: why a reply ended, and media by their format's name."""

from collections.abc import Mapping
from types import MappingProxyType

from asbru.model.names import Finish

_STOPS_IN = {
    "end_turn": Finish.STOP,
    "tool_use": Finish.TOOL_CALLS,
    "max_tokens": Finish.LENGTH,
    "stop_sequence": Finish.STOP_SEQUENCE,
    "guardrail_intervened": Finish.CONTENT_FILTER,
    "content_filtered": Finish.CONTENT_FILTER,
    "model_context_window_exceeded": Finish.CONTEXT_EXCEEDED,
}

_STOPS_OUT = {
    Finish.STOP: "end_turn",
    Finish.TOOL_CALLS: "tool_use",
    Finish.LENGTH: "max_tokens",
    Finish.STOP_SEQUENCE: "stop_sequence",
    Finish.CONTENT_FILTER: "content_filtered",
    Finish.REFUSAL: "content_filtered",
    Finish.PAUSE: "end_turn",
    Finish.CONTEXT_EXCEEDED: "model_context_window_exceeded",
}


def read_stop(word: str | None) -> Finish | None:
    """``stopReason`` as the house says it; a word we do not know is an ordinary end."""
    return None if word is None else _STOPS_IN.get(word, Finish.STOP)


def write_stop(finish: Finish | None) -> str:
    """``stopReason``."""
    return "end_turn" if finish is None else _STOPS_OUT[finish]


IMAGES: Mapping[str, str] = MappingProxyType(
    {"png": "image/png", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
)
"""``ImageFormat``: media types by format."""

_OFFICE = "application/vnd.openxmlformats-officedocument."

DOCUMENTS: Mapping[str, str] = MappingProxyType(
    {
        "pdf": "application/pdf",
        "csv": "text/csv",
        "doc": "application/msword",
        "docx": _OFFICE + "wordprocessingml.document",
        "xls": "application/vnd.ms-excel",
        "xlsx": _OFFICE + "spreadsheetml.sheet",
        "html": "text/html",
        "txt": "text/plain",
        "md": "text/markdown",
    }
)
"""``DocumentFormat``."""

FORMATS_OF_IMAGES: Mapping[str, str] = MappingProxyType(
    {**{kind: word for word, kind in IMAGES.items()}, "image/jpg": "jpeg"}
)
FORMATS_OF_DOCUMENTS: Mapping[str, str] = MappingProxyType({kind: word for word, kind in DOCUMENTS.items()})

AUDIOS = frozenset(
    {"mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga", "pcm", "webm"}
)
"""``AudioFormat``."""

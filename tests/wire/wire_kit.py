"""Reads ``.wire`` files: one conversation told in several formats.

A section begins with ``--- <format>`` and holds JSON. Sections of one file must read as the same Ask (or Reply), and
each must be what is written of it. ``--- <format> (read)`` is another way to say it, which is only read;
``--- <format> (written)`` is what is written when the format cannot say all of it, or says it otherwise, and is not
compared when read. ``--- lost: <format>: name, name`` declares what that format cannot carry, in the words of the
file's first section. A ``#`` begins a comment before the first section. A format whose model stands in the path has
that of the file's other sections, and streams when they do.
"""

import re
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Ask
from asbru.model.events import Event
from asbru.model.names import Format
from asbru.wire import CODECS, AnyCodec, Envelope, Frame, Framer, Stamp, Writer

HERE = Path(__file__).parent
STAMP = Stamp(id="01test", at=1_800_000_000, model="m")
OPENAI = CODECS[Format.OPENAI_CHAT]
EMBEDDINGS = CODECS[Format.OPENAI_EMBEDDINGS]
RESPONSES = CODECS[Format.OPENAI_RESPONSES]
ANTHROPIC = CODECS[Format.ANTHROPIC_MESSAGES]
COHERE = CODECS[Format.COHERE_CHAT]
GEMINI = CODECS[Format.GEMINI_GENERATE]
MODEL = "m"
"""What the path says where the body names no model."""

_HEAD = re.compile(
    r"^--- (?:lost: (?P<of>[\w.]+): (?P<lost>.*)|(?P<format>[\w.]+)(?: \((?P<kind>read|written)\))?)$",
    re.M,
)


class Section(Struct, frozen=True):
    """``kind``: "" for read and written, or one of the two. ``model``, ``stream``: what a path would say."""

    codec: AnyCodec
    kind: str
    body: bytes
    model: str = ""
    stream: bool = False

    @property
    def reads(self) -> bool:
        return self.kind != "written"

    @property
    def writes(self) -> bool:
        return self.kind != "read"


class Told(Struct, frozen=True):
    """One file."""

    name: str
    sections: tuple[Section, ...]
    lost: dict[Format, set[str]]


def tell(path: Path) -> Told:
    """The sections of one file."""
    text = path.read_text()
    heads = list(_HEAD.finditer(text))
    assert heads, path
    assert all(line.startswith("#") or not line for line in text[: heads[0].start()].splitlines()), path
    model = re.search(r'"model": "([^"]+)"', text)
    told_by_path = (model[1] if model else "m", bool(re.search(r'"stream": true', text)))
    sections: list[Section] = []
    lost: dict[Format, set[str]] = {}
    for head, after in zip(heads, [*heads[1:], None], strict=True):
        body = text[head.end() : after.start() if after else len(text)].strip()
        if head["of"]:
            assert not body, path
            lost[Format(head["of"])] = {name.strip() for name in head["lost"].split(",")}
        else:
            codec = CODECS[Format(head["format"])]
            sections.append(Section(codec, head["kind"] or "", body.encode(), *told_by_path))
    return Told(path.name, tuple(sections), lost)


def told(folder: str) -> list[Told]:
    """Every file of a folder."""
    return [tell(path) for path in sorted((HERE / folder).glob("*.wire"))]


def plain(value: Any) -> Any:
    """A value of the model as JSON, Raw members decoded, for comparing and for printing."""
    if isinstance(value, Raw):
        return msgspec.json.decode(value) if value else None
    if isinstance(value, Struct):
        return {"": type(value).__name__, **{name: plain(getattr(value, name)) for name in value.__struct_fields__}}
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def meaning(value: Struct, *apart: str) -> dict[str, Any]:
    """What must be equal whatever the format: all but where it came from, and what only that format knows."""
    seen: dict[str, Any] = plain(value)
    for name in ("origin", "extra", "apart", *apart):
        seen.pop(name, None)
    kept: dict[str, Any] = without_formats(seen)
    return kept


def without_formats(value: Any) -> Any:
    """Citations keep their format's own bytes; these differ between formats."""
    if isinstance(value, dict):
        if value.get("") == "Citation":
            return {name: value[name] for name in ("url", "title")}
        if value.get("") == "Turn":
            value = {name: inner for name, inner in value.items() if name != "places"}
        return {name: without_formats(inner) for name, inner in value.items()}
    return [without_formats(inner) for inner in value] if isinstance(value, list) else value


def ask(codec: AnyCodec, body: bytes | dict[str, Any]) -> Ask:
    """A body read."""
    read: Ask = codec.read_ask(Envelope(body if isinstance(body, bytes) else msgspec.json.encode(body)))
    return msgspec.structs.replace(read, model=MODEL) if codec.model_in_path else read


def asked(section: Section) -> Any:
    """A section read, with what its path would say."""
    read = section.codec.read_ask(Envelope(section.body))
    if not section.codec.model_in_path:
        return read
    told_by_path = {name: getattr(section, name) for name in ("model", "stream") if hasattr(read, name)}
    if section.stream and hasattr(read, "include_usage"):
        told_by_path["include_usage"] = True
    return msgspec.structs.replace(read, **told_by_path)


def replied(section: Section) -> Any:
    """A section read as a reply, with the model that its path would say."""
    read = section.codec.read_reply(section.body)
    return msgspec.structs.replace(read, model=section.model) if section.codec.model_in_path else read


def frames(body: bytes) -> list[Frame]:
    """A whole stream cut into frames."""
    framer = Framer()
    return framer.feed(body) + framer.flush()


def events(codec: AnyCodec, body: bytes) -> list[Event]:
    """A whole stream read."""
    reader = codec.reader()
    return [event for frame in frames(body) for event in reader.feed(frame)]


def written(writer: Writer, told_events: list[Event]) -> bytes:
    """Events as one stream."""
    return b"".join(writer.send(event) for event in told_events)


def asking(codec: AnyCodec, *, include_usage: bool = True) -> Ask:
    """A request that a stream answers."""
    return Ask(model="m", turns=(), stream=True, include_usage=include_usage, origin=codec.format)
